//! Verdicts, and the tables that come of them.

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
    let server = |(index, &weight): (usize, &i32)| {
        let destination = destination(index as u8 + 1, weight);
        Server::new(destination, false, vec![Standing::new(State::Up, 0)], false)
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
        also: Vec::new(),
        policy,
        servers: weights.iter().enumerate().map(server).collect(),
        has_quorum: true,
        told: Some(true),
    }
}

fn with_sorry(quorum: u64, hysteresis: u64) -> Policy {
    Policy {
        quorum,
        hysteresis,
        sorry: Some(destination(99, 1)),
        ..Policy::default()
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
        server.told = Some(false);
    }
    assert_eq!(group.count(), None);
    assert_eq!(observe(&mut group, 1, down()), []);
    assert_eq!(table(&group), "");
    assert_eq!(observe(&mut group, 2, down()), [Event::QuorumDown]);
    assert_eq!(table(&group), "99:1");
}

#[test]
fn a_sorry_server_may_stay_with_weight_0() {
    let mut policy = with_sorry(1, 0);
    policy.sorry_inhibit = true;
    let mut group = group(&[1], policy);
    assert_eq!(table(&group), "1:1 99:0");
    observe(&mut group, 1, down());
    assert_eq!(table(&group), "99:1");
}

#[test]
fn the_first_state_is_told_when_it_is_news() {
    for (told, verdict, is_news) in [
        (Some(true), up(), false),
        (Some(true), down(), true),
        (Some(false), up(), true),
        (Some(false), down(), false),
        (None, up(), true),
        (None, down(), true),
    ] {
        let mut group = group(&[1, 1], Policy::default());
        group.policy.alpha = true;
        group.servers[0].checks = vec![Standing::new(State::Unchecked, 0)];
        group.servers[0].told = told;
        let observed = group.take(0, 0, Patience::default(), &verdict);
        assert_eq!(observed.event.is_some(), is_news, "{told:?} {verdict:?}");
        assert!(observed.counts);
    }
}

#[test]
fn an_order_counts_more_than_checks() {
    let mut group = group(&[3, 5], with_sorry(1, 0));
    let mut ordered = |order, state| {
        group.servers[0].order = order;
        group.servers[0].checks = vec![Standing::new(state, 0)];
        table(&group)
    };
    for (order, of_up, of_down) in [
        (None, "1:3 2:5", "2:5"),
        (Some(Order::Drain), "1:0 2:5", "2:5"),
        (Some(Order::Disable), "2:5", "2:5"),
        (Some(Order::Weight(Weight(9))), "1:9 2:5", "2:5"),
    ] {
        assert_eq!(ordered(order, State::Up), of_up);
        assert_eq!(ordered(order, State::Down), of_down);
    }
    group.servers[0].order = Some(Order::Drain);
    group.servers[0].checks = vec![Standing::new(State::Up, 0)];
    // What is drained does not count, and goes on while another stands in.
    assert!(observe(&mut group, 2, down()).contains(&Event::QuorumDown));
    assert_eq!(table(&group), "1:0 99:1");
    group.servers[0].order = Some(Order::Disable);
    group.servers[0].inhibit = true;
    assert_eq!(table(&group), "99:1");
}

#[test]
fn a_server_that_starts_slowly_has_no_more_than_its_limit() {
    let mut group = group(&[4, 5], Policy::default());
    group.servers[0].limit = Some(Weight(1));
    group.servers[1].limit = Some(Weight(9));
    assert_eq!(table(&group), "1:1 2:5");
}

#[test]
fn a_weight_grows_with_time() {
    let group = group(&[10], Policy::default());
    let limit = |tenths| {
        let limit = group.servers[0].limit_after(Duration::from_secs(tenths), 10 * SECOND);
        limit.map(|limit| limit.0)
    };
    let limits: Vec<_> = (0..=11).map(limit).collect();
    assert_eq!(&limits[..3], [Some(1), Some(1), Some(2)]);
    assert_eq!(&limits[9..], [Some(9), None, None]);
}

const SECOND: Duration = Duration::from_secs(1);

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
