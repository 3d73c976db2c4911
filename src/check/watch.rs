//! Services whose servers are checked: from the table and the memory to them, and back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Check;
use super::health::{Group, Policy, Server, Standing, State};
use super::memory::{Memory, Remembered};
use crate::addr::Endpoint;
use crate::ipvs::plan::{Comparison, Entry, Plan, Table};
use crate::ipvs::{Destination, Service, ServiceId, Weight};

/// A service with the checks of its servers.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The service, its policy, and how its servers stand.
    pub group: Group,
    /// The checks of each server, in the order of the group's servers and of their standings.
    pub checks: Vec<Vec<Arc<Check>>>,
}

/// Where the servers that shall be checked come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A description of the table, as a file of rules.
    Wanted,
    /// The table itself: what was taken out of it is remembered.
    Actual,
}

/// What holds for each service.
pub struct Terms<'a> {
    /// When a service has enough servers.
    pub policy: &'a dyn Fn(&Entry) -> Policy,
    /// Whether servers that are down stay with weight 0.
    pub inhibit: bool,
    /// The checks of a server.
    pub checks: &'a dyn Fn(&Service, &Destination) -> Vec<Arc<Check>>,
}

impl Watch {
    /// A service as it stands in its source, with what is known of its servers from the table that
    /// is and from earlier runs.
    pub fn new(
        source: Source,
        entry: &Entry,
        actual: &Table,
        memory: &Memory,
        terms: &Terms<'_>,
    ) -> Self {
        let id = &entry.service.id;
        let policy = (terms.policy)(entry);
        let destinations = match source {
            Source::Wanted => entry.destinations.values().cloned().collect(),
            Source::Actual => configured(entry, memory, &policy),
        };
        let entries = actual.entries().iter();
        let there: HashSet<Endpoint> = entries
            .filter(|entry| entry.service.id == *id)
            .flat_map(|entry| entry.destinations.keys().copied())
            .collect();
        let (mut servers, mut checks) = (Vec::new(), Vec::new());
        for destination in destinations {
            let own = (terms.checks)(&entry.service, &destination);
            let remembered = memory.server(id, &destination.endpoint);
            // What was put there and is gone somebody has deleted, and things may have changed since.
            let remembered = remembered.filter(|remembered| {
                remembered.put.is_none() || there.contains(&destination.endpoint)
            });
            let standings = match remembered {
                Some(remembered) => continued(&remembered.checks, own.len()),
                // Who is in the table is served.
                None if there.contains(&destination.endpoint) => {
                    vec![Standing::new(State::Up, 0); own.len()]
                }
                None => vec![Standing::new(State::Unchecked, 0); own.len()],
            };
            checks.push(own);
            servers.push(Server {
                destination,
                inhibit: terms.inhibit,
                checks: standings,
            });
        }
        let group = Group {
            service: entry.service.clone(),
            policy,
            servers,
            has_quorum: !memory.has_lost(id),
        };
        Watch { group, checks }
    }

    /// Remembers how the servers stand, and what the table shall have.
    pub fn remember(&self, memory: &mut Memory) {
        let id = self.group.service.id;
        memory.forget(&id);
        let wanted = self.group.wanted().into_iter();
        let put: HashMap<Endpoint, Weight> = wanted
            .map(|wanted| (wanted.endpoint, wanted.weight))
            .collect();
        for server in &self.group.servers {
            let endpoint = server.destination.endpoint;
            memory.remember(
                id,
                Remembered {
                    destination: server.destination.clone(),
                    checks: server.checks.clone(),
                    put: put.get(&endpoint).copied(),
                },
            );
        }
        if !self.group.has_quorum {
            memory.remember_lost(id);
            if let Some(sorry) = &self.group.policy.sorry {
                memory.remember_sorry(id, sorry.clone());
            }
        }
    }
}

/// The table that these services shall have.
pub fn wanted<'a>(watches: impl IntoIterator<Item = &'a Watch>) -> Table {
    let mut table = Table::default();
    for Watch { group, .. } in watches {
        // The services are those of a table, which has each once.
        let _ = table.add_service(group.service.clone());
        for destination in group.wanted() {
            let _ = table.add_destination(group.service.id, destination);
        }
    }
    table
}

/// What makes of a table one that has these services as they shall be. Others are not touched.
pub fn plan(actual: &Table, wanted: &Table) -> Plan {
    let services: HashSet<ServiceId> = ids(wanted).collect();
    let mut comparison = Comparison::with(wanted);
    for entry in actual.entries() {
        if services.contains(&entry.service.id) {
            let destinations = entry.destinations.values().cloned();
            comparison.take(&entry.service, destinations.collect());
        }
    }
    comparison.plan()
}

/// The services of a table.
pub fn ids(table: &Table) -> impl Iterator<Item = ServiceId> {
    table.entries().iter().map(|entry| entry.service.id)
}

/// The servers that a service of the kernel's table would have if all were up.
fn configured(entry: &Entry, memory: &Memory, policy: &Policy) -> Vec<Destination> {
    let id = &entry.service.id;
    let is_sorry = |destination: &&Destination| {
        let endpoint = destination.endpoint;
        let sorry = policy.sorry.as_ref();
        memory.is_sorry(id, &endpoint) || sorry.is_some_and(|sorry| sorry.endpoint == endpoint)
    };
    let there = entry.destinations.values();
    let mut servers: Vec<Destination> = there
        .filter(|one| !is_sorry(one))
        .map(|there| match memory.server(id, &there.endpoint) {
            // As it was put there: what it was before, counts. Else somebody has changed it since.
            Some(remembered) if remembered.put == Some(there.weight) => Destination {
                weight: remembered.destination.weight,
                ..there.clone()
            },
            _ => there.clone(),
        })
        .collect();
    for remembered in memory.servers(id) {
        // What was put there and is gone, somebody has deleted.
        let endpoint = remembered.destination.endpoint;
        let is_there = entry.destinations.contains_key(&endpoint);
        if remembered.put.is_none() && !is_there {
            servers.push(remembered.destination.clone());
        }
    }
    servers
}

/// Standings from an earlier run, whose checks may have been others.
fn continued(before: &[Standing], count: usize) -> Vec<Standing> {
    if before.len() == count {
        return before.to_vec();
    }
    let is = |state| before.iter().any(|standing| standing.state == state);
    let state = match (is(State::Down), is(State::Unchecked)) {
        (true, _) => State::Down,
        (false, true) => State::Unchecked,
        (false, false) => State::Up,
    };
    vec![Standing::new(state, 0); count]
}
