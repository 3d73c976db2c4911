//! What holds for a plan between any two tables, tried with random ones that have much in common.

use std::collections::{BTreeMap, HashMap};
use std::net::Ipv4Addr;
use std::num::NonZeroU32;

use lvskit::addr::{Endpoint, Family, Protocol};
use lvskit::ipvs::plan::{Comparison, Counts, Plan, Table};
use lvskit::ipvs::{
    Change, Destination, Forwarding, Netmask, SchedulerFlags, SchedulerName, Service, ServiceId,
    Thresholds, Tunnel, Weight,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// A kernel's table: each service with its destinations.
type Kernel = HashMap<ServiceId, (Service, BTreeMap<Endpoint, Destination>)>;

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 2000,
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn a_plan_makes_one_table_of_the_other_and_names_only_what_is_there(
        actual in table(),
        wanted in table(),
    ) {
        let mut kernel = kernel_of(&actual);
        for change in plan_between(&actual, &wanted).changes() {
            carry_out(&mut kernel, change)?;
        }
        prop_assert_eq!(kernel, kernel_of(&wanted));
    }

    #[test]
    fn what_stands_in_both_tables_is_there_all_the_time(actual in table(), wanted in table()) {
        let (before, after) = (kernel_of(&actual), kernel_of(&wanted));
        let mut kernel = before.clone();
        for change in plan_between(&actual, &wanted).changes() {
            carry_out(&mut kernel, change)?;
            for (id, (_, destinations)) in &before {
                let Some((_, wanted)) = after.get(id) else {
                    continue;
                };
                prop_assert!(kernel.contains_key(id), "{change:?}");
                if !destinations.is_empty() && !wanted.is_empty() {
                    prop_assert!(!kernel[id].1.is_empty(), "{change:?}");
                }
                for endpoint in destinations.keys().filter(|one| wanted.contains_key(one)) {
                    prop_assert!(kernel[id].1.contains_key(endpoint), "{change:?}");
                }
            }
        }
    }

    #[test]
    fn a_plan_touches_only_what_differs(actual in table(), wanted in table()) {
        let (before, after) = (kernel_of(&actual), kernel_of(&wanted));
        let plan = plan_between(&actual, &wanted);
        let mut counts = Counts::default();
        for (id, (service, destinations)) in &after {
            let there = before.get(id);
            count(&mut counts, there.map(|(there, _)| there == service));
            for (endpoint, destination) in destinations {
                let there = there.and_then(|(_, there)| there.get(endpoint));
                count(&mut counts, there.map(|there| there == destination));
            }
        }
        for (id, (_, destinations)) in &before {
            let kept = after.get(id);
            counts.deleted += usize::from(kept.is_none());
            let is_kept = |one: &&Endpoint| kept.is_some_and(|(_, kept)| kept.contains_key(one));
            counts.deleted += destinations.keys().filter(|one| !is_kept(one)).count();
        }
        prop_assert_eq!(plan.counts, counts);
        prop_assert_eq!(plan.first.len(), counts.added + counts.edited);
        prop_assert!(plan.then.len() <= counts.deleted);
        prop_assert!(plan_between(&wanted, &wanted).is_empty());
    }
}

/// The plan; destinations come in backwards, as a kernel lists them.
fn plan_between(actual: &Table, wanted: &Table) -> Plan {
    let mut comparison = Comparison::with(wanted);
    for entry in actual.entries() {
        let destinations = entry.destinations.values().rev().cloned();
        comparison.take(&entry.service, destinations.collect());
    }
    comparison.plan()
}

fn count(counts: &mut Counts, same: Option<bool>) {
    match same {
        None => counts.added += 1,
        Some(false) => counts.edited += 1,
        Some(true) => counts.unchanged += 1,
    }
}

fn kernel_of(table: &Table) -> Kernel {
    let entries = table.entries().iter();
    entries
        .map(|entry| {
            let destinations = entry.destinations.clone();
            (entry.service.id, (entry.service.clone(), destinations))
        })
        .collect()
}

/// Does what the kernel would, and fails where it would refuse.
fn carry_out(kernel: &mut Kernel, change: &Change) -> Result<(), TestCaseError> {
    let done = match change {
        Change::AddService(new) => kernel
            .insert(new.id, (new.clone(), BTreeMap::new()))
            .is_none(),
        Change::EditService(new) => match kernel.get_mut(&new.id) {
            Some((service, _)) => std::mem::replace(service, new.clone()) != *new,
            None => false,
        },
        Change::DeleteService(old) => kernel.remove(old).is_some(),
        Change::AddDestination(of, new) => match kernel.get_mut(of) {
            Some((_, all)) => all.insert(new.endpoint, new.clone()).is_none(),
            None => false,
        },
        Change::EditDestination(of, new) => match kernel.get_mut(of) {
            Some((_, all)) => all
                .insert(new.endpoint, new.clone())
                .is_some_and(|old| old != *new),
            None => false,
        },
        Change::DeleteDestination(of, old) => match kernel.get_mut(of) {
            Some((_, all)) => all.remove(old).is_some(),
            None => false,
        },
        _ => false,
    };
    prop_assert!(done, "{change:?}");
    Ok(())
}

/// Up to six services out of six, so that two tables have many in common.
fn table() -> impl Strategy<Value = Table> {
    let ids: Vec<ServiceId> = (1..=6u8)
        .map(|number| match number {
            1..=4 => ServiceId::Address {
                protocol: if number < 4 {
                    Protocol::TCP
                } else {
                    Protocol::UDP
                },
                endpoint: endpoint(number.min(3)),
            },
            _ => ServiceId::Mark {
                family: Family::V4,
                mark: NonZeroU32::MIN.saturating_add(u32::from(number)),
            },
        })
        .collect();
    subsequence(ids.clone(), 0..=ids.len())
        .prop_shuffle()
        .prop_flat_map(|ids| {
            let entries: Vec<_> = ids.into_iter().map(entry).collect();
            entries
        })
        .prop_map(|entries| {
            let mut table = Table::default();
            for (service, destinations) in entries {
                let id = service.id;
                table.add_service(service).unwrap();
                for destination in destinations {
                    table.add_destination(id, destination).unwrap();
                }
            }
            table
        })
}

fn entry(id: ServiceId) -> impl Strategy<Value = (Service, Vec<Destination>)> {
    let numbers: Vec<u8> = (1..=4).collect();
    let chosen = subsequence(numbers, 0..=4).prop_shuffle();
    (
        select(vec!["rr", "wrr"]),
        chosen,
        vec((1..3i32, any::<bool>()), 4),
    )
        .prop_map(move |(scheduler, chosen, settings)| {
            let destinations = chosen.into_iter().zip(settings);
            let destinations = destinations.map(|(number, (weight, tunnel))| Destination {
                endpoint: endpoint(number),
                forwarding: match tunnel {
                    true => Forwarding::Tunnel(Tunnel::Ipip),
                    false => Forwarding::Masquerade,
                },
                weight: Weight(weight),
                thresholds: Thresholds::default(),
            });
            let service = Service {
                id,
                scheduler: SchedulerName::new(scheduler).unwrap(),
                scheduler_flags: SchedulerFlags::default(),
                persistence: None,
                granularity: Netmask::full(Family::V4),
                engine: None,
                one_packet: false,
            };
            (service, destinations.collect())
        })
}

fn endpoint(number: u8) -> Endpoint {
    Endpoint::new(Ipv4Addr::new(10, 0, 0, number), 80)
}
