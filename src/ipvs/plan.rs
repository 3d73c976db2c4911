//! From the table that is to the table that shall be, with the fewest changes.
//!
//! What is the same in both is not touched: its connections and counters live on. What is new is
//! added, and what differs is edited, before anything is deleted; so a service that stands in both
//! tables is there all the time, and has destinations all the time if it has some in both.

use std::collections::{HashMap, HashSet};

use crate::addr::Endpoint;

use super::{Change, Destination, Service, ServiceId};

/// Services with their destinations, each once.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
    places: HashMap<ServiceId, usize>,
    destinations: HashSet<(ServiceId, Endpoint)>,
}

/// A service with its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The service.
    pub service: Service,
    /// Its destinations.
    pub destinations: Vec<Destination>,
}

/// Why something cannot be put into a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Misfit {
    /// The service is there already.
    ServiceTwice,
    /// The destination is there already.
    DestinationTwice,
    /// The destination's service is not there.
    NoService,
}

impl Table {
    /// Adds a service.
    pub fn add_service(&mut self, service: Service) -> Result<(), Misfit> {
        if self.places.contains_key(&service.id) {
            return Err(Misfit::ServiceTwice);
        }
        self.places.insert(service.id, self.entries.len());
        self.entries.push(Entry {
            service,
            destinations: Vec::new(),
        });
        Ok(())
    }

    /// Adds a destination to a service that is there.
    pub fn add_destination(&mut self, of: ServiceId, new: Destination) -> Result<(), Misfit> {
        let place = *self.places.get(&of).ok_or(Misfit::NoService)?;
        if !self.destinations.insert((of, new.endpoint)) {
            return Err(Misfit::DestinationTwice);
        }
        self.entries[place].destinations.push(new);
        Ok(())
    }

    /// The services with their destinations, in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    fn entry(&self, id: &ServiceId) -> Option<&Entry> {
        self.places.get(id).map(|&place| &self.entries[place])
    }

    fn has(&self, of: &ServiceId, endpoint: &Endpoint) -> bool {
        self.destinations.contains(&(*of, *endpoint))
    }
}

/// What makes one table of another.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// What is added and edited. All of it must have been done before anything is deleted.
    pub first: Vec<Change>,
    /// What is deleted.
    pub then: Vec<Change>,
    /// How many services and destinations come to be counted in which way.
    pub counts: Counts,
}

/// How many services and destinations a plan deals with in which way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// New ones.
    pub added: usize,
    /// Those that are otherwise.
    pub edited: usize,
    /// Old ones; a deleted service counts with all its destinations.
    pub deleted: usize,
    /// Those that are the same, and not touched.
    pub unchanged: usize,
}

impl Plan {
    /// The plan that makes `wanted` of `actual`.
    pub fn new(actual: &Table, wanted: &Table) -> Self {
        let mut plan = Plan::default();
        for entry in &wanted.entries {
            plan.keep(actual.entry(&entry.service.id), entry);
        }
        for Entry {
            service,
            destinations,
        } in &actual.entries
        {
            if wanted.entry(&service.id).is_none() {
                plan.then.push(Change::DeleteService(service.id));
                plan.counts.deleted += 1 + destinations.len();
                continue;
            }
            for Destination { endpoint, .. } in destinations {
                if !wanted.has(&service.id, endpoint) {
                    plan.then
                        .push(Change::DeleteDestination(service.id, *endpoint));
                    plan.counts.deleted += 1;
                }
            }
        }
        plan
    }

    /// Adds what must be, and edits what must be otherwise.
    fn keep(&mut self, actual: Option<&Entry>, wanted: &Entry) {
        let id = wanted.service.id;
        match actual {
            None => self.add(Change::AddService(wanted.service.clone())),
            Some(actual) if actual.service == wanted.service => self.counts.unchanged += 1,
            Some(_) => self.edit(Change::EditService(wanted.service.clone())),
        }
        let there: HashMap<Endpoint, &Destination> = actual
            .into_iter()
            .flat_map(|actual| &actual.destinations)
            .map(|destination| (destination.endpoint, destination))
            .collect();
        for destination in &wanted.destinations {
            match there.get(&destination.endpoint) {
                None => self.add(Change::AddDestination(id, destination.clone())),
                Some(actual) if *actual == destination => self.counts.unchanged += 1,
                Some(_) => self.edit(Change::EditDestination(id, destination.clone())),
            }
        }
    }

    fn add(&mut self, change: Change) {
        self.first.push(change);
        self.counts.added += 1;
    }

    fn edit(&mut self, change: Change) {
        self.first.push(change);
        self.counts.edited += 1;
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.then.is_empty()
    }

    /// All changes, in their order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.first.iter().chain(&self.then)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::{Family, Numeric, Protocol, Resolve};
    use crate::ipvs::rule::{Command, Context, parse, write};
    use std::net::IpAddr;

    struct NoNames;

    impl Resolve for NoNames {
        fn address(&self, _: &str, _: Family) -> Option<IpAddr> {
            None
        }
        fn port(&self, _: &str, _: Protocol) -> Option<u16> {
            None
        }
    }

    fn table(rules: &str) -> Table {
        let mut table = Table::default();
        let context = Context {
            names: &NoNames,
            posixly_correct: false,
        };
        for line in rules.lines() {
            let words: Vec<&[u8]> = line.split_whitespace().map(str::as_bytes).collect();
            match parse(&words, context) {
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

    fn plan(actual: &str, wanted: &str) -> String {
        let mut text = String::new();
        for change in Plan::new(&table(actual), &table(wanted)).changes() {
            write::change(&mut text, change, &Numeric).unwrap();
        }
        text
    }

    #[test]
    fn what_is_the_same_is_not_touched_in_whatever_order_it_stands() {
        let one = "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.1.0.1 -m\n";
        let two = "-A -f 7 -s wrr\n";
        assert_eq!(plan(&[one, two].concat(), &[two, one].concat()), "");
    }

    #[test]
    fn new_ones_come_before_old_ones_go() {
        let actual = "-A -t 10.0.0.1:80 -s rr\n\
                      -a -t 10.0.0.1:80 -r 10.1.0.1 -m\n\
                      -A -t 10.0.0.2:80\n";
        let wanted = "-A -t 10.0.0.1:80 -s wlc\n\
                      -a -t 10.0.0.1:80 -r 10.1.0.2 -m\n\
                      -A -t 10.0.0.3:80\n";
        assert_eq!(
            plan(actual, wanted),
            "-E -t 10.0.0.1:80 -s wlc\n\
             -a -t 10.0.0.1:80 -r 10.1.0.2:80 -m -w 1\n\
             -A -t 10.0.0.3:80 -s wlc\n\
             -d -t 10.0.0.1:80 -r 10.1.0.1:80\n\
             -D -t 10.0.0.2:80\n"
        );
    }

    #[test]
    fn an_edit_is_an_edit() {
        let rules = |weight: u32| {
            format!("-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.1.0.1 -i -w {weight}\n")
        };
        assert_eq!(
            plan(&rules(1), &rules(2)),
            "-e -t 10.0.0.1:80 -r 10.1.0.1:80 -i -w 2 --tun-type ipip\n"
        );
    }

    #[test]
    fn a_table_has_each_thing_once() {
        let mut some = table("-A -t 10.0.0.1:80\n-a -t 10.0.0.1:80 -r 10.1.0.1 -m\n");
        let Entry {
            service,
            destinations,
        } = some.entries()[0].clone();
        let id = service.id;
        assert_eq!(some.add_service(service), Err(Misfit::ServiceTwice));
        let destination = destinations[0].clone();
        assert_eq!(
            some.add_destination(id, destination.clone()),
            Err(Misfit::DestinationTwice)
        );
        let mut none = Table::default();
        assert_eq!(
            none.add_destination(id, destination),
            Err(Misfit::NoService)
        );
    }
}
