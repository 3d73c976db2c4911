//! `--slow-start`: the weight of a server that comes back grows.

use std::time::Duration;

use super::Running;

/// In how many steps a weight grows, at most.
const STEPS: u32 = 20;

/// The shortest step.
const STEP: Duration = Duration::from_millis(200);

impl Running<'_, '_, '_> {
    fn slow_start(&self) -> Option<Duration> {
        self.given.get("slow-start")
    }

    /// A server has come back.
    pub(super) fn start_slowly(&mut self, watch: usize, server: usize) {
        if let Some(all) = self.slow_start() {
            let one = &mut self.desired.watches[watch].group.servers[server];
            one.limit = one.limit_after(Duration::ZERO, all);
            self.slow.insert((watch, server));
        }
    }

    /// After a reload, the same servers have other places.
    pub(super) fn go_on_slowly(&mut self) {
        self.slow.clear();
        for (place, watch) in self.desired.watches.iter().enumerate() {
            for (number, server) in watch.group.servers.iter().enumerate() {
                if server.limit.is_some() {
                    self.slow.insert((place, number));
                }
            }
        }
    }

    /// Lets weights grow; tells when they grow again.
    pub(super) fn grow(&mut self) -> Option<Duration> {
        let all = self.slow_start()?;
        let now = self.start.elapsed();
        let mut grown = Vec::new();
        self.slow.retain(|&(watch, server)| {
            let one = &mut self.desired.watches[watch].group.servers[server];
            let limit = one.limit_after(now.saturating_sub(one.since), all);
            if limit != one.limit {
                one.limit = limit;
                grown.push(watch);
            }
            limit.is_some()
        });
        self.pending.extend(grown);
        let step = (all / STEPS).max(STEP);
        (!self.slow.is_empty()).then_some(step)
    }
}
