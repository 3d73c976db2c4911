//! Services whose servers are checked: from the table and the memory to them, and back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::health::{Group, Policy, Server, Standing, State};
use super::memory::{Memory, Remembered};
use super::rhythm::Routine;
use crate::addr::Endpoint;
use crate::ipvs::plan::{Comparison, Entry, Plan, Table};
use crate::ipvs::{Destination, Service, ServiceId, Weight};

/// A service with the checks of its servers.
#[derive(Clone, Debug)]
pub struct Watch {
    /// The service, its policy, and how its servers stand.
    pub group: Group,
    /// The checks of each server, in the order of the group's servers and of their standings.
    pub checks: Vec<Vec<Arc<Routine>>>,
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
    /// Whether a server that is down stays with weight 0.
    pub inhibit: &'a dyn Fn(&Destination) -> bool,
    /// The checks of a server.
    pub checks: &'a dyn Fn(&Service, &Destination) -> Vec<Arc<Routine>>,
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
        let destinations: Vec<Destination> = match source {
            Source::Wanted => entry.destinations.values().cloned().collect(),
            Source::Actual => configured(entry, memory, &policy),
        };
        let there = actual.entry(id).map(|there| &there.destinations);
        let weight = |endpoint: &Endpoint| Some(there?.get(endpoint)?.weight);
        // With room for no more: there may be thousands.
        let (mut servers, mut checks) = (
            Vec::with_capacity(destinations.len()),
            Vec::with_capacity(destinations.len()),
        );
        for destination in destinations {
            let own = (terms.checks)(&entry.service, &destination);
            let remembered = memory.server(id, &destination.endpoint);
            let weight = weight(&destination.endpoint);
            let remembered = remembered.filter(|remembered| is_still_so(remembered.put, weight));
            let standings = match remembered {
                Some(remembered) => continued(&remembered.checks, own.len()),
                // Who is in the table is served.
                None if weight.is_some() => {
                    vec![Standing::new(State::Up, 0); own.len()]
                }
                None => vec![Standing::new(State::Unchecked, 0); own.len()],
            };
            checks.push(own);
            let inhibit = (terms.inhibit)(&destination);
            servers.push(Server::new(destination, inhibit, standings, policy.alpha));
        }
        let has_quorum = !memory.has_lost(id);
        let group = Group {
            service: entry.service.clone(),
            also: Vec::new(),
            policy,
            servers,
            has_quorum,
            told: Some(has_quorum),
        };
        Watch { group, checks }
    }

    /// Goes on where the watch of the same service was: checks that are the same as before stand as
    /// they did, and what was told is known. Gives back, for each check of each server, its place in
    /// the watch before: which server, and which check.
    pub fn go_on(&mut self, before: &Watch) -> Vec<Vec<Option<(usize, usize)>>> {
        self.group.has_quorum = before.group.has_quorum;
        self.group.told = before.group.told;
        let servers = before.group.servers.iter().enumerate();
        let known: HashMap<Endpoint, usize> = servers
            .map(|(place, server)| (server.destination.endpoint, place))
            .collect();
        let pairs = self.group.servers.iter_mut().zip(&self.checks);
        let places = pairs.map(|(server, checks)| {
            let Some(&place) = known.get(&server.destination.endpoint) else {
                return vec![None; checks.len()];
            };
            let old = &before.group.servers[place];
            (server.told, server.limit) = (old.told, old.limit);
            (server.since, server.why) = (old.since, old.why.clone());
            // One that is served is served until a new check says otherwise.
            let state = match old.state() {
                State::Up => State::Up,
                State::Down | State::Unchecked => State::Unchecked,
            };
            let mut left: Vec<_> = before.checks[place].iter().enumerate().collect();
            let own = checks.iter().zip(&mut server.checks);
            own.map(|(check, standing)| {
                let same = left.iter().position(|(_, old)| *old == check);
                let found = same.map(|same| left.swap_remove(same).0);
                *standing = match found {
                    Some(found) => old.checks[found],
                    None => Standing::new(state, 0),
                };
                found.map(|found| (place, found))
            })
            .collect()
        });
        places.collect()
    }

    /// Remembers how the servers stand, and what the table shall have.
    pub fn remember(&self, memory: &mut Memory) {
        let wanted = self.group.wanted().into_iter();
        let put: HashMap<Endpoint, Weight> = wanted
            .map(|wanted| (wanted.endpoint, wanted.weight))
            .collect();
        let servers = self.group.servers.iter().map(|server| Remembered {
            destination: server.destination.clone(),
            checks: server.checks.clone(),
            put: put.get(&server.destination.endpoint).copied(),
        });
        let lost = (!self.group.has_quorum).then(|| self.group.policy.sorry.clone());
        memory.replace(self.group.service.id, servers.collect(), lost);
    }
}

/// The table that these services shall have.
pub fn wanted<'a>(watches: impl IntoIterator<Item = &'a Watch>) -> Table {
    let mut table = Table::default();
    for Watch { group, .. } in watches {
        let wanted = group.wanted();
        for service in group.services() {
            // The services are those of a table, which has each once.
            let _ = table.add_service(service.clone());
            for destination in &wanted {
                let _ = table.add_destination(service.id, destination.clone());
            }
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

/// Whether what is remembered was written after the table became what it is. What was put there and
/// is gone somebody has deleted; what was out of it, or had no weight, and is served now, has come
/// back since: a run that was killed had no time to write that down.
fn is_still_so(put: Option<Weight>, there: Option<Weight>) -> bool {
    match (put, there) {
        (Some(put), Some(there)) => put != Weight(0) || there == Weight(0),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{Family, Numeric, Protocol, Resolve};
    use crate::check::health::Patience;
    use crate::check::{Check, Probe, Reason, Share, Tracked, Tries, Verdict};
    use crate::ipvs::Change;
    use crate::ipvs::rule::{self, Command, Context, write};
    use std::net::IpAddr;
    use std::time::Duration;

    const SERVICE: &str = "-A -t 192.0.2.1:80 -s rr\n";
    const ONE: &str = "-a -t 192.0.2.1:80 -r 10.0.0.1:80 -g -w 1\n";
    const TWO: &str = "-a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 5\n";

    struct Nobody;

    impl Resolve for Nobody {
        fn address(&self, _: &str, _: Family) -> Option<IpAddr> {
            None
        }
        fn port(&self, _: &str, _: Protocol) -> Option<u16> {
            None
        }
    }

    fn table(rules: &[&str]) -> Table {
        let mut table = Table::default();
        let context = Context {
            names: &Nobody,
            posixly_correct: false,
        };
        for line in rules {
            let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
            match rule::parse(&words, context) {
                Ok(Command::Change(Change::AddService(service))) => table.add_service(service),
                Ok(Command::Change(Change::AddDestination(id, new))) => {
                    table.add_destination(id, new)
                }
                other => panic!("{line}: {other:?}"),
            }
            .unwrap();
        }
        table
    }

    #[test]
    fn a_table_that_is_newer_than_the_memory_is_believed() {
        let weight = |weight| Some(Weight(weight));
        for (put, there, expected) in [
            (None, None, true),
            (weight(1), weight(1), true),
            // Others may give it another weight.
            (weight(1), weight(3), true),
            (weight(1), weight(0), true),
            (weight(0), weight(0), true),
            (weight(0), weight(1), false),
            (None, weight(1), false),
            (weight(1), None, false),
        ] {
            assert_eq!(is_still_so(put, there), expected, "{put:?} {there:?}");
        }
    }

    /// One run over the only service: the verdicts of its servers in order, then the changes; the
    /// memory is what it remembers.
    fn run(
        source: Source,
        from: &[&str],
        actual: &[&str],
        memory: &mut Memory,
        inhibit: bool,
        up: &[bool],
    ) -> String {
        let (from, actual) = (table(from), table(actual));
        let check = || Check {
            probe: Probe::File(Tracked {
                path: "/".into(),
                factor: None,
            }),
            timeout: Duration::from_secs(1),
            tries: Tries::default(),
        };
        let terms = Terms {
            policy: &|_| Policy::default(),
            inhibit: &|_| inhibit,
            checks: &|_, _| {
                let delay = Duration::from_secs(6);
                vec![Arc::new(Routine::of(check(), delay, delay))]
            },
        };
        let mut watch = Watch::new(source, &from.entries()[0], &actual, memory, &terms);
        assert_eq!(watch.group.servers.len(), up.len());
        for (server, up) in up.iter().enumerate() {
            let verdict = match up {
                true => Verdict::Up(Share::Same),
                false => Verdict::Down(Reason::Refused),
            };
            watch
                .group
                .observe(server, 0, Patience::default(), &verdict);
        }
        watch.remember(memory);
        // As if it had been written and read.
        *memory = Memory::parse(&memory.write());
        let mut text = String::new();
        for change in plan(&actual, &wanted([&watch])).changes() {
            write::change(&mut text, change, &Numeric).unwrap();
        }
        text
    }

    #[test]
    fn what_was_taken_out_is_remembered_and_comes_back() {
        let memory = &mut Memory::default();
        let mut table =
            |actual: &[&str], up: &[bool]| run(Source::Actual, actual, actual, memory, false, up);
        let deleted = "-d -t 192.0.2.1:80 -r 10.0.0.2:80\n";
        assert_eq!(table(&[SERVICE, ONE, TWO], &[true, false]), deleted);
        assert_eq!(table(&[SERVICE, ONE], &[true, false]), "");
        // Somebody adds it again with another weight: it is still down, and comes back with that.
        let other = TWO.replace("-w 5", "-w 7");
        assert_eq!(table(&[SERVICE, ONE, &other], &[true, false]), deleted);
        assert_eq!(table(&[SERVICE, ONE], &[true, true]), other);
        // What somebody deletes is forgotten.
        assert_eq!(table(&[SERVICE, ONE], &[true]), "");
    }

    #[test]
    fn an_inhibited_weight_is_given_back_unless_somebody_gave_another() {
        let memory = &mut Memory::default();
        let mut table = |two: &str, up: bool| {
            let actual = [SERVICE, ONE, two];
            run(Source::Actual, &actual, &actual, memory, true, &[true, up])
        };
        let weight = |weight: u32| TWO.replace("-w 5", &format!("-w {weight}"));
        let edit = |rule: String| rule.replacen("-a", "-e", 1);
        assert_eq!(table(TWO, false), edit(weight(0)));
        assert_eq!(table(&weight(0), true), edit(weight(5)));
        assert_eq!(table(&weight(5), false), edit(weight(0)));
        assert_eq!(table(&weight(7), false), edit(weight(0)));
        assert_eq!(table(&weight(0), true), edit(weight(7)));
        assert_eq!(table(&weight(0), true), "");
        assert_eq!(table(&weight(0), false), "");
        assert_eq!(table(&weight(0), true), "");
    }

    #[test]
    fn a_file_is_what_shall_be_but_for_servers_that_are_down() {
        let memory = &mut Memory::default();
        let rules = [SERVICE, ONE, TWO];
        let mut follow =
            |actual: &[&str], up: &[bool]| run(Source::Wanted, &rules, actual, memory, false, up);
        let other = "-A -f 7\n";
        assert_eq!(follow(&[other], &[true, false]), [SERVICE, ONE].concat());
        assert_eq!(follow(&[SERVICE, ONE], &[true, false]), "");
        assert_eq!(follow(&[], &[true, false]), [SERVICE, ONE].concat());
        let foreign = "-a -t 192.0.2.1:80 -r 10.0.0.3:80 -g -w 1\n";
        assert_eq!(
            follow(&[SERVICE, ONE, foreign], &[true, true]),
            [TWO, "-d -t 192.0.2.1:80 -r 10.0.0.3:80\n"].concat()
        );
    }
}
