//! Virtual routers that move together (keepalived's `vrrp_sync_group`): all are master, or none is.

use super::router::{Action, Event, Router, Settings};
use super::{Moment, State};

/// Routers that move together; one alone is a group too.
#[derive(Clone, Debug)]
pub struct Group {
    routers: Vec<Router>,
    /// Which of them have a fault of their own.
    faulty: Vec<bool>,
}

/// What one router of a group wants done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which one, counted from 0.
    pub router: usize,
    /// What.
    pub action: Action,
}

impl Group {
    /// A group of routers with these settings, none of which has started.
    pub fn new(settings: impl IntoIterator<Item = Settings>) -> Self {
        let routers: Vec<Router> = settings.into_iter().map(Router::waiting).collect();
        let faulty = vec![false; routers.len()];
        Group { routers, faulty }
    }

    /// A group of routers that may have been in others, each with whether it has a fault of its
    /// own. What they are they stay, until [`Group::settle`].
    pub fn gather(members: impl IntoIterator<Item = (Router, bool)>) -> Self {
        let (routers, faulty) = members.into_iter().unzip();
        Group { routers, faulty }
    }

    /// Its routers by themselves, each with whether it has a fault of its own.
    pub fn part(self) -> impl Iterator<Item = (Router, bool)> {
        self.routers.into_iter().zip(self.faulty)
    }

    /// Has one of them go on with other settings. A number that no router has is none.
    pub fn reset(&mut self, now: Moment, router: usize, settings: Settings, steps: &mut Vec<Step>) {
        if router < self.routers.len() {
            self.step(router, steps, |router, actions| {
                router.reset(now, settings, actions)
            });
        }
    }

    /// Has routers that came together move together: a fault of one is one of all. Masters stay
    /// until another one hears that there is a better one; it waits for its own time as any.
    pub fn settle(&mut self, now: Moment, steps: &mut Vec<Step>) {
        let any = self.faulty.contains(&true);
        for router in 0..self.routers.len() {
            self.pass(now, router, Event::Fault(any), steps);
        }
        self.promote_if_all_are_ready(now, steps);
    }

    /// Its routers.
    pub fn routers(&self) -> &[Router] {
        &self.routers
    }

    /// When one of them wants an [`Event::Tick`].
    pub fn deadline(&self) -> Option<Moment> {
        self.routers.iter().filter_map(Router::deadline).min()
    }

    /// Lets `event` happen to all of them.
    pub fn handle_all(&mut self, now: Moment, event: Event, steps: &mut Vec<Step>) {
        for router in 0..self.routers.len() {
            self.pass(now, router, event, steps);
        }
        self.promote_if_all_are_ready(now, steps);
    }

    /// Lets `event` happen to one of them, and what follows from it to the others. A number that
    /// no router has is none.
    pub fn handle(&mut self, now: Moment, router: usize, event: Event, steps: &mut Vec<Step>) {
        let Some(before) = self.routers.get(router).map(Router::state) else {
            return;
        };
        match event {
            // One that fails takes all along; they begin anew when none has a fault.
            Event::Fault(faulty) => {
                self.faulty[router] = faulty;
                let any = self.faulty.contains(&true);
                for router in 0..self.routers.len() {
                    self.pass(now, router, Event::Fault(any), steps);
                }
            }
            Event::Resign | Event::AddressLost => {
                for router in 0..self.routers.len() {
                    self.pass(now, router, event, steps);
                }
            }
            _ => {
                self.pass(now, router, event, steps);
                let router = &self.routers[router];
                let gave_up = before == State::Master && router.state() == State::Backup;
                // One that came to masters later may find that there is a better one.
                if gave_up || router.master().is_some() {
                    for other in 0..self.routers.len() {
                        self.step(other, steps, |router, actions| router.demote(now, actions));
                    }
                }
            }
        }
        self.promote_if_all_are_ready(now, steps);
    }

    fn promote_if_all_are_ready(&mut self, now: Moment, steps: &mut Vec<Step>) {
        if self.routers.iter().all(Router::is_ready) {
            for router in 0..self.routers.len() {
                self.step(router, steps, |router, actions| {
                    router.promote(now, actions)
                });
            }
        }
    }

    fn pass(&mut self, now: Moment, router: usize, event: Event, steps: &mut Vec<Step>) {
        self.step(router, steps, |router, actions| {
            router.handle(now, event, actions)
        });
    }

    fn step(
        &mut self,
        router: usize,
        steps: &mut Vec<Step>,
        act: impl FnOnce(&mut Router, &mut Vec<Action>),
    ) {
        let mut actions = Vec::new();
        act(&mut self.routers[router], &mut actions);
        steps.extend(actions.into_iter().map(|action| Step { router, action }));
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};
    use std::time::Duration;

    use super::*;
    use crate::vrrp::router::Heard;
    use crate::vrrp::{Interval, Priority, Version};

    const US: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 5));
    const THEM: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 6));

    fn pair() -> Group {
        let settings = Settings::new(Version::V3, US);
        let mut group = Group::new([settings, settings]);
        group.handle_all(at(0), Event::Start, &mut vec![]);
        group
    }

    fn at(milliseconds: u64) -> Moment {
        Moment(Duration::from_millis(milliseconds))
    }

    fn heard(priority: u8) -> Event {
        let (priority, interval) = (Priority(priority), Interval::DEFAULT);
        Event::Heard(Heard {
            source: THEM,
            priority,
            interval,
        })
    }

    fn states(group: &Group) -> [State; 2] {
        [group.routers()[0].state(), group.routers()[1].state()]
    }

    #[test]
    fn none_becomes_master_before_all_can() {
        let mut group = pair();
        group.handle(at(3000), 1, heard(200), &mut vec![]);
        group.handle(at(3610), 0, Event::Tick, &mut vec![]);
        assert_eq!(states(&group), [State::Backup; 2]);
        group.handle(at(6610), 1, Event::Tick, &mut vec![]);
        assert_eq!(states(&group), [State::Master; 2]);
    }

    #[test]
    fn one_that_waits_and_hears_its_master_again_waits_no_more() {
        let mut group = pair();
        group.handle(at(3000), 1, heard(200), &mut vec![]);
        group.handle(at(3610), 0, Event::Tick, &mut vec![]);
        group.handle(at(4000), 0, heard(200), &mut vec![]);
        group.handle(at(6610), 1, Event::Tick, &mut vec![]);
        assert_eq!(states(&group), [State::Backup; 2]);
    }

    #[test]
    fn one_that_yields_takes_all_along() {
        let mut group = pair();
        group.handle_all(at(4000), Event::Tick, &mut vec![]);
        assert_eq!(states(&group), [State::Master; 2]);
        let mut steps = vec![];
        group.handle(at(4500), 0, heard(200), &mut steps);
        assert_eq!(states(&group), [State::Backup; 2]);
        let (router, action) = (1, Action::RemoveAddresses);
        assert!(steps.contains(&Step { router, action }));
    }

    #[test]
    fn one_that_comes_to_masters_leaves_them_or_finds_their_better() {
        let join = || {
            let mut group = pair();
            group.handle_all(at(4000), Event::Tick, &mut vec![]);
            let settings = Settings::new(Version::V3, US);
            let new = Group::new([settings]).part().chain(group.part());
            let mut group = Group::gather(new);
            let mut steps = vec![];
            group.settle(at(5000), &mut steps);
            group.handle_all(at(5000), Event::Start, &mut steps);
            let changes = |step: &Step| step.router > 0;
            assert!(!steps.iter().any(changes), "{steps:?}");
            group
        };
        let mut group = join();
        group.handle(at(8610), 0, Event::Tick, &mut vec![]);
        assert!(
            group
                .routers()
                .iter()
                .all(|router| router.state() == State::Master)
        );
        let mut group = join();
        group.handle(at(6000), 0, heard(200), &mut vec![]);
        assert!(
            group
                .routers()
                .iter()
                .all(|router| router.state() == State::Backup)
        );
    }

    #[test]
    fn one_that_leaves_a_group_with_a_fault_begins_anew() {
        let mut group = pair();
        group.handle(at(1000), 0, Event::Fault(true), &mut vec![]);
        let [faulty, well] = group
            .part()
            .map(|one| Group::gather([one]))
            .collect::<Vec<_>>()
            .try_into()
            .unwrap();
        for (mut group, state) in [(faulty, State::Fault), (well, State::Backup)] {
            let group: &mut Group = &mut group;
            group.settle(at(2000), &mut vec![]);
            assert_eq!(group.routers()[0].state(), state);
        }
    }

    #[test]
    fn one_that_fails_takes_all_along_until_none_does() {
        let mut group = pair();
        group.handle_all(at(4000), Event::Tick, &mut vec![]);
        group.handle(at(4500), 0, Event::Fault(true), &mut vec![]);
        assert_eq!(states(&group), [State::Fault; 2]);
        group.handle(at(4600), 1, Event::Fault(true), &mut vec![]);
        group.handle(at(4700), 0, Event::Fault(false), &mut vec![]);
        assert_eq!(states(&group), [State::Fault; 2]);
        group.handle(at(4800), 1, Event::Fault(false), &mut vec![]);
        assert_eq!(states(&group), [State::Backup; 2]);
    }
}
