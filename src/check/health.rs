//! When a server counts as up, and what the table shall be then: verdicts over time become
//! destinations. The rules are those of keepalived.conf(5), where nothing else is said.

use std::num::NonZeroU32;

use super::{Share, Verdict};
use crate::addr::Endpoint;
use crate::ipvs::{Destination, Service, Weight};

/// How many verdicts alike, in a row, change what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// So many good ones: up. keepalived: 1.
    pub rise: NonZeroU32,
    /// So many bad ones: down. keepalived: 1 and `retry`.
    pub fall: NonZeroU32,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            rise: NonZeroU32::MIN,
            fall: NonZeroU32::MIN,
        }
    }
}

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No verdict yet.
    Unchecked,
    /// The last verdicts were good.
    Up,
    /// The last verdicts were bad.
    Down,
}

/// How a server stands with one of its checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What counts.
    pub state: State,
    /// How many verdicts in a row have been against it; always fewer than would change it.
    pub against: u32,
    share: Share,
}

impl Standing {
    /// A standing as it was left.
    pub fn new(state: State, against: u32) -> Self {
        Standing {
            state,
            against,
            share: Share::Same,
        }
    }

    /// Takes a verdict into account. The first one counts at once; one that says nothing about the
    /// server changes nothing.
    pub fn observe(&mut self, patience: Patience, verdict: &Verdict) {
        let (new, needed) = match verdict {
            Verdict::Unknown(_) => return,
            Verdict::Up(share) => {
                self.share = *share;
                (State::Up, patience.rise)
            }
            Verdict::Down(_) => (State::Down, patience.fall),
        };
        self.against = match self.state == new {
            true => 0,
            false => self.against.saturating_add(1),
        };
        if self.state == State::Unchecked || self.against >= needed.get() {
            (self.state, self.against) = (new, 0);
        }
    }
}

/// A server of a service, as it is configured, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What it is in the table while it is up.
    pub destination: Destination,
    /// Whether it stays in the table with weight 0 while it is down (`inhibit_on_failure`).
    pub inhibit: bool,
    /// Its checks; it is up while all of them are.
    pub checks: Vec<Standing>,
}

impl Server {
    /// Whether it gets connections. Without `alpha`, what has not been checked does.
    pub fn is_up(&self, alpha: bool) -> bool {
        self.checks.iter().all(|check| match check.state {
            State::Up => true,
            State::Unchecked => !alpha,
            State::Down => false,
        })
    }

    /// The weight with which it takes part; none while it is down.
    pub fn part(&self, alpha: bool) -> Option<Weight> {
        self.is_up(alpha).then(|| self.weight())
    }

    /// Its weight while it is up: the configured one, and what the checks say of it.
    pub fn weight(&self) -> Weight {
        let Weight(configured) = self.destination.weight;
        let configured = i64::from(configured);
        let sum = self.checks.iter().fold(configured, |sum, check| {
            let change = match check.share {
                Share::Same => 0,
                Share::Exactly(weight) => i64::from(weight) - configured,
                Share::Plus(more) => more,
            };
            sum.saturating_add(change)
        });
        // The clamp makes it fit.
        Weight(sum.clamp(0, i64::from(i32::MAX)) as i32)
    }
}

/// When a service has enough servers, and what it has when it has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which sum of weights is enough, 1 and up.
    pub quorum: u64,
    /// How much more it takes to have enough again, and how much less is still enough.
    pub hysteresis: u64,
    /// What stands in for all servers while they are not enough.
    pub sorry: Option<Destination>,
    /// Whether a server must be found well before it gets its first connection.
    pub alpha: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            quorum: 1,
            hysteresis: 0,
            sorry: None,
            alpha: false,
        }
    }
}

/// A service with its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The service.
    pub service: Service,
    /// Its policy.
    pub policy: Policy,
    /// Its servers.
    pub servers: Vec<Server>,
    /// Whether it has enough servers. At the start it counts as if it had.
    pub has_quorum: bool,
}

/// What happened, for those who want to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A server gets connections.
    ServerUp(Endpoint),
    /// A server gets no more connections.
    ServerDown(Endpoint),
    /// There are enough servers.
    QuorumUp,
    /// There are not enough servers.
    QuorumDown,
}

impl Group {
    /// Takes the verdict of a server's check into account; both are counted from 0.
    pub fn observe(
        &mut self,
        server: usize,
        check: usize,
        patience: Patience,
        verdict: &Verdict,
    ) -> Vec<Event> {
        let alpha = self.policy.alpha;
        let Some(server) = self.servers.get_mut(server) else {
            return Vec::new();
        };
        let before = server.part(alpha);
        let Some(standing) = server.checks.get_mut(check) else {
            return Vec::new();
        };
        let was_unchecked = standing.state == State::Unchecked;
        standing.observe(patience, verdict);
        let (after, endpoint) = (server.part(alpha), server.destination.endpoint);
        // Thousands of servers are counted only when there is something new to count.
        if before == after && !was_unchecked {
            return Vec::new();
        }
        let event = match (before, after) {
            (None, Some(_)) => Some(Event::ServerUp(endpoint)),
            (Some(_), None) => Some(Event::ServerDown(endpoint)),
            _ => None,
        };
        event.into_iter().chain(self.count()).collect()
    }

    /// Sees whether there are enough servers. While some that must be found well first have not been
    /// checked, they are not said to be too few.
    ///
    /// A quorum with its hysteresis that all servers together cannot reach is reached when all are
    /// up. (keepalived would wait for ever.)
    pub fn count(&mut self) -> Option<Event> {
        let Policy {
            quorum,
            hysteresis,
            alpha,
            ..
        } = self.policy;
        let weight = |server: &Server| u64::from(server.weight().0.unsigned_abs());
        let up = self.servers.iter().filter(|server| server.is_up(alpha));
        let sum: u64 = up.map(weight).sum();
        let all: u64 = self.servers.iter().map(weight).sum();
        let enough = match self.has_quorum {
            true => sum > 0 && sum >= quorum.saturating_sub(hysteresis).min(all),
            false => sum > 0 && sum >= quorum.saturating_add(hysteresis).min(all),
        };
        let is_unchecked = |check: &Standing| check.state == State::Unchecked;
        let mut checks = self.servers.iter().flat_map(|server| &server.checks);
        if !enough && alpha && checks.any(is_unchecked) {
            return None;
        }
        let event = match (self.has_quorum, enough) {
            (false, true) => Some(Event::QuorumUp),
            (true, false) => Some(Event::QuorumDown),
            _ => None,
        };
        self.has_quorum = enough;
        event
    }

    /// The destinations that the service shall have now.
    pub fn wanted(&self) -> Vec<Destination> {
        let sorry = self.policy.sorry.as_ref().filter(|_| !self.has_quorum);
        let servers = self.servers.iter().filter_map(|server| {
            let weight = match server.is_up(self.policy.alpha) && sorry.is_none() {
                true => server.weight(),
                false if server.inhibit => Weight(0),
                false => return None,
            };
            Some(Destination {
                weight,
                ..server.destination.clone()
            })
        });
        servers.chain(sorry.cloned()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Protocol;
    use crate::check::{Fault, Reason};
    use crate::ipvs::{Forwarding, Netmask, SchedulerFlags, SchedulerName, ServiceId, Thresholds};
    use proptest::prelude::*;
    use std::net::Ipv4Addr;

    fn up() -> Verdict {
        Verdict::Up(Share::Same)
    }

    fn down() -> Verdict {
        Verdict::Down(Reason::Refused)
    }

    fn unknown() -> Verdict {
        Verdict::Unknown(Fault {
            doing: "send",
            error: String::new(),
        })
    }

    fn patience(rise: u32, fall: u32) -> Patience {
        Patience {
            rise: NonZeroU32::new(rise).unwrap(),
            fall: NonZeroU32::new(fall).unwrap(),
        }
    }

    fn destination(last: u8, weight: i32) -> Destination {
        Destination {
            endpoint: Endpoint::new(Ipv4Addr::new(10, 0, 0, last), 80),
            forwarding: Forwarding::Route,
            weight: Weight(weight),
            thresholds: Thresholds::default(),
        }
    }

    /// Servers 1, 2 ... with these weights; the sorry server is 99.
    fn group(weights: &[i32], policy: Policy) -> Group {
        let endpoint = Endpoint::new(Ipv4Addr::new(192, 0, 2, 1), 80);
        let family = endpoint.family();
        let server = |(index, &weight): (usize, &i32)| Server {
            destination: destination(index as u8 + 1, weight),
            inhibit: false,
            checks: vec![Standing::new(State::Up, 0)],
        };
        Group {
            service: Service {
                id: ServiceId::Address {
                    protocol: Protocol::TCP,
                    endpoint,
                },
                scheduler: SchedulerName::new("rr").unwrap(),
                scheduler_flags: SchedulerFlags::default(),
                persistence: None,
                granularity: Netmask::full(family),
                engine: None,
                one_packet: false,
            },
            policy,
            servers: weights.iter().enumerate().map(server).collect(),
            has_quorum: true,
        }
    }

    fn with_sorry(quorum: u64, hysteresis: u64) -> Policy {
        Policy {
            quorum,
            hysteresis,
            sorry: Some(destination(99, 1)),
            alpha: false,
        }
    }

    /// The table, as `1:5 2:0`: servers with their weights.
    fn table(group: &Group) -> String {
        let wanted = group.wanted();
        let texts = wanted
            .iter()
            .map(|destination| match destination.endpoint.address {
                std::net::IpAddr::V4(address) => {
                    format!("{}:{}", address.octets()[3], destination.weight.0)
                }
                address => address.to_string(),
            });
        texts.collect::<Vec<_>>().join(" ")
    }

    fn observe(group: &mut Group, server: usize, verdict: Verdict) -> Vec<Event> {
        group.observe(server - 1, 0, Patience::default(), &verdict)
    }

    #[test]
    fn rise_and_fall_count_verdicts_in_a_row() {
        let mut standing = Standing::new(State::Up, 0);
        let patience = patience(2, 3);
        for (verdict, state, against) in [
            (down(), State::Up, 1),
            (down(), State::Up, 2),
            (up(), State::Up, 0),
            (down(), State::Up, 1),
            (down(), State::Up, 2),
            (unknown(), State::Up, 2),
            (down(), State::Down, 0),
            (down(), State::Down, 0),
            (up(), State::Down, 1),
            (down(), State::Down, 0),
            (up(), State::Down, 1),
            (up(), State::Up, 0),
        ] {
            standing.observe(patience, &verdict);
            assert_eq!((standing.state, standing.against), (state, against));
        }
    }

    #[test]
    fn the_first_verdict_counts_at_once() {
        for (verdict, state) in [
            (up(), State::Up),
            (down(), State::Down),
            (unknown(), State::Unchecked),
        ] {
            let mut standing = Standing::new(State::Unchecked, 0);
            standing.observe(patience(5, 5), &verdict);
            assert_eq!(standing, Standing::new(state, 0));
        }
    }

    #[test]
    fn the_sorry_server_stands_in_while_the_quorum_is_lost() {
        let mut group = group(&[1, 1], with_sorry(1, 0));
        let (one, two) = (destination(1, 1).endpoint, destination(2, 1).endpoint);
        assert_eq!(observe(&mut group, 1, down()), [Event::ServerDown(one)]);
        assert_eq!(table(&group), "2:1");
        let events = observe(&mut group, 2, down());
        assert_eq!(events, [Event::ServerDown(two), Event::QuorumDown]);
        assert_eq!(table(&group), "99:1");
        let events = observe(&mut group, 1, up());
        assert_eq!(events, [Event::ServerUp(one), Event::QuorumUp]);
        assert_eq!(table(&group), "1:1");
    }

    #[test]
    fn a_live_server_goes_too_when_the_quorum_is_lost() {
        let mut group = group(&[1, 1], with_sorry(2, 0));
        observe(&mut group, 1, down());
        assert_eq!(table(&group), "99:1");
        observe(&mut group, 1, up());
        assert_eq!(table(&group), "1:1 2:1");
    }

    #[test]
    fn without_a_sorry_server_live_ones_stay_when_the_quorum_is_lost() {
        let policy = Policy {
            quorum: 2,
            ..Policy::default()
        };
        let mut group = group(&[1, 1], policy);
        let events = observe(&mut group, 1, down());
        assert!(events.contains(&Event::QuorumDown));
        assert_eq!(table(&group), "2:1");
    }

    #[test]
    fn hysteresis_is_between_losing_and_gaining() {
        let mut group = group(&[1, 1, 1, 1], with_sorry(2, 1));
        for (server, verdict, has_quorum) in [
            (1, down(), true),
            (2, down(), true),
            (3, down(), true),
            (4, down(), false),
            (1, up(), false),
            (2, up(), false),
            (3, up(), true),
        ] {
            observe(&mut group, server, verdict);
            assert_eq!(group.has_quorum, has_quorum);
        }
    }

    #[test]
    fn a_quorum_that_cannot_be_reached_is_reached_by_all() {
        for policy in [with_sorry(2, 1), with_sorry(9, 0)] {
            let mut group = group(&[1, 1], policy);
            assert_eq!(group.count(), None);
            observe(&mut group, 1, down());
            observe(&mut group, 2, down());
            observe(&mut group, 1, up());
            assert_eq!(table(&group), "99:1");
            observe(&mut group, 2, up());
            assert_eq!(table(&group), "1:1 2:1");
        }
    }

    #[test]
    fn an_inhibited_server_stays_with_weight_0() {
        let mut group = group(&[3, 1], with_sorry(1, 0));
        group
            .servers
            .iter_mut()
            .for_each(|server| server.inhibit = true);
        observe(&mut group, 1, down());
        assert_eq!(table(&group), "1:0 2:1");
        observe(&mut group, 2, down());
        assert_eq!(table(&group), "1:0 2:0 99:1");
        observe(&mut group, 1, up());
        assert_eq!(table(&group), "1:3 2:0");
    }

    #[test]
    fn checks_change_the_weight() {
        let mut group = group(&[10], Policy::default());
        group.servers[0].checks.push(Standing::new(State::Up, 0));
        let mut observe = |check, share| {
            group.observe(0, check, Patience::default(), &Verdict::Up(share));
            table(&group)
        };
        assert_eq!(observe(0, Share::Exactly(20)), "1:20");
        assert_eq!(observe(1, Share::Plus(-5)), "1:15");
        assert_eq!(observe(0, Share::Same), "1:5");
        assert_eq!(observe(1, Share::Plus(-11)), "1:0");
        assert_eq!(observe(1, Share::Plus(i64::MAX)), "1:2147483647");
    }

    #[test]
    fn with_alpha_a_server_must_be_found_well_first() {
        for (alpha, before) in [(true, ""), (false, "1:1")] {
            let policy = Policy {
                alpha,
                ..Policy::default()
            };
            let mut group = group(&[1], policy);
            group.servers[0].checks = vec![Standing::new(State::Unchecked, 0); 2];
            assert_eq!(table(&group), before);
            group.observe(0, 0, Patience::default(), &up());
            assert_eq!(table(&group), before);
            group.observe(0, 1, Patience::default(), &up());
            assert_eq!(table(&group), "1:1");
        }
    }

    #[test]
    fn servers_that_are_not_checked_yet_are_not_too_few() {
        let mut group = group(&[1, 1], with_sorry(1, 0));
        group.policy.alpha = true;
        for server in &mut group.servers {
            server.checks = vec![Standing::new(State::Unchecked, 0)];
        }
        assert_eq!(group.count(), None);
        assert_eq!(observe(&mut group, 1, down()), []);
        assert_eq!(table(&group), "");
        assert_eq!(observe(&mut group, 2, down()), [Event::QuorumDown]);
        assert_eq!(table(&group), "99:1");
    }

    fn verdict() -> impl Strategy<Value = Verdict> {
        prop_oneof![
            3 => Just(up()),
            3 => Just(down()),
            1 => Just(unknown()),
            1 => (0u8..4).prop_map(|weight| Verdict::Up(Share::Exactly(weight))),
            1 => (-3i64..3).prop_map(|more| Verdict::Up(Share::Plus(more))),
        ]
    }

    proptest! {
        #[test]
        fn the_table_follows_the_servers(
            weights in prop::collection::vec(0i32..4, 1..5),
            quorum in 1u64..6,
            hysteresis in 0u64..3,
            has_sorry: bool,
            inhibit: bool,
            rise in 1u32..4,
            fall in 1u32..4,
            verdicts in prop::collection::vec((0usize..5, verdict()), 0..60),
        ) {
            let mut policy = with_sorry(quorum, hysteresis);
            policy.sorry = policy.sorry.filter(|_| has_sorry);
            let mut group = group(&weights, policy);
            group.servers.iter_mut().for_each(|server| server.inhibit = inhibit);
            let patience = patience(rise, fall);
            group.count();
            for (server, verdict) in verdicts {
                let (before, had_quorum) = (table(&group), group.has_quorum);
                let events = group.observe(server, 0, patience, &verdict);
                let sorry = has_sorry && !group.has_quorum;
                let wanted = group.wanted();
                prop_assert_eq!(wanted.contains(&destination(99, 1)), sorry);
                for server in &group.servers {
                    let found = wanted
                        .iter()
                        .find(|found| found.endpoint == server.destination.endpoint);
                    let weight = match server.is_up(false) && !sorry {
                        true => Some(server.weight()),
                        false => inhibit.then_some(Weight(0)),
                    };
                    prop_assert_eq!(found.map(|found| found.weight), weight);
                    prop_assert!(server.checks[0].against < rise.max(fall));
                }
                let quorum_event = events.iter().any(|event| {
                    matches!(event, Event::QuorumUp | Event::QuorumDown)
                });
                prop_assert_eq!(quorum_event, had_quorum != group.has_quorum);
                // What was said and changed nothing may be said again.
                if matches!(verdict, Verdict::Unknown(_)) {
                    prop_assert_eq!(table(&group), before);
                }
            }
            // Verdicts that stay the same lead to a table that stays the same.
            for _ in 0..rise.max(fall) {
                for server in 0..weights.len() {
                    group.observe(server, 0, patience, &up());
                }
            }
            let all = group.servers.iter().all(|server| server.is_up(false));
            prop_assert!(all);
            prop_assert_eq!(group.has_quorum, weights.iter().any(|&weight| weight > 0));
            let settled = table(&group);
            for server in 0..weights.len() {
                prop_assert!(group.observe(server, 0, patience, &up()).is_empty());
            }
            prop_assert_eq!(table(&group), settled);
        }
    }
}
