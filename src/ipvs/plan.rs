//! From the table that is to the table that shall be, with the fewest changes.
//!
//! What is the same in both is not touched: its connections and counters live on. What is new is
//! added, and what differs is edited, before anything is deleted; so a service that stands in both
//! tables is there all the time, and has destinations all the time if it has some in both.

use std::collections::btree_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, HashMap};

use crate::addr::Endpoint;

use super::{Change, Destination, Service, ServiceId};

/// The table that shall be: services with their destinations, each once.
#[derive(Clone, Debug, Default)]
pub struct Table {
    entries: Vec<Entry>,
    places: HashMap<ServiceId, usize>,
}

/// A service with its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The service.
    pub service: Service,
    /// Its destinations, each by its own endpoint.
    pub destinations: BTreeMap<Endpoint, Destination>,
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
            destinations: BTreeMap::new(),
        });
        Ok(())
    }

    /// Adds a destination to a service that is there.
    pub fn add_destination(&mut self, of: ServiceId, new: Destination) -> Result<(), Misfit> {
        // Nearly always it stands behind its service.
        let entry = match self.entries.last_mut() {
            Some(last) if last.service.id == of => last,
            _ => {
                let place = *self.places.get(&of).ok_or(Misfit::NoService)?;
                &mut self.entries[place]
            }
        };
        match entry.destinations.entry(new.endpoint) {
            Vacant(place) => {
                place.insert(new);
                Ok(())
            }
            Occupied(_) => Err(Misfit::DestinationTwice),
        }
    }

    /// One service with its destinations, if it is there.
    pub fn entry(&self, id: &ServiceId) -> Option<&Entry> {
        self.places.get(id).map(|place| &self.entries[*place])
    }

    /// The services with their destinations, in the order in which they were added.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
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
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.first.is_empty() && self.then.is_empty()
    }

    /// All changes, in their order.
    pub fn changes(&self) -> impl Iterator<Item = &Change> {
        self.first.iter().chain(&self.then)
    }
}

/// Makes a plan while the table that is comes in, a service at a time; nothing of what is the same
/// is kept.
#[derive(Debug)]
pub struct Comparison<'a> {
    wanted: &'a Table,
    /// Which of the wanted services have come in.
    there: Vec<bool>,
    /// What is added and edited, with the places of the services in the wanted table.
    first: Vec<(usize, Change)>,
    then: Vec<Change>,
    counts: Counts,
}

impl<'a> Comparison<'a> {
    /// Begins with an empty table.
    pub fn with(wanted: &'a Table) -> Self {
        Comparison {
            wanted,
            there: vec![false; wanted.entries.len()],
            first: Vec::new(),
            then: Vec::new(),
            counts: Counts::default(),
        }
    }

    /// Takes a service that is there, with all its destinations. A kernel has each thing once; if
    /// its answer was disturbed, the first counts.
    pub fn take(&mut self, service: &Service, mut destinations: Vec<Destination>) {
        let id = service.id;
        destinations.sort_by_key(|destination| destination.endpoint);
        destinations.dedup_by_key(|destination| destination.endpoint);
        let Some(&place) = self.wanted.places.get(&id) else {
            self.then.push(Change::DeleteService(id));
            self.counts.deleted += 1 + destinations.len();
            return;
        };
        if std::mem::replace(&mut self.there[place], true) {
            return;
        }
        let wanted = &self.wanted.entries[place];
        if *service == wanted.service {
            self.counts.unchanged += 1;
        } else {
            self.edit(place, Change::EditService(wanted.service.clone()));
        }
        // Both are in order, so they are gone through side by side.
        let mut wanted = wanted.destinations.values().peekable();
        for actual in &destinations {
            let endpoint = actual.endpoint;
            while let Some(new) = wanted.next_if(|wanted| wanted.endpoint < endpoint) {
                self.add(place, Change::AddDestination(id, new.clone()));
            }
            match wanted.next_if(|wanted| wanted.endpoint == endpoint) {
                Some(same) if same == actual => self.counts.unchanged += 1,
                Some(other) => self.edit(place, Change::EditDestination(id, other.clone())),
                None => {
                    self.then.push(Change::DeleteDestination(id, endpoint));
                    self.counts.deleted += 1;
                }
            }
        }
        for new in wanted {
            self.add(place, Change::AddDestination(id, new.clone()));
        }
    }

    /// The plan, once all of the table has come in. Changes stand in the order of the wanted
    /// services, deletions in that in which the services came.
    pub fn plan(mut self) -> Plan {
        for (
            place,
            Entry {
                service,
                destinations,
            },
        ) in self.wanted.entries.iter().enumerate()
        {
            if self.there[place] {
                continue;
            }
            self.add(place, Change::AddService(service.clone()));
            for new in destinations.values() {
                self.add(place, Change::AddDestination(service.id, new.clone()));
            }
        }
        self.first.sort_by_key(|(place, _)| *place);
        Plan {
            first: self.first.into_iter().map(|(_, change)| change).collect(),
            then: self.then,
            counts: self.counts,
        }
    }

    fn add(&mut self, place: usize, change: Change) {
        self.first.push((place, change));
        self.counts.added += 1;
    }

    fn edit(&mut self, place: usize, change: Change) {
        self.first.push((place, change));
        self.counts.edited += 1;
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
        let wanted = table(wanted);
        let mut comparison = Comparison::with(&wanted);
        for entry in table(actual).entries() {
            let destinations = entry.destinations.values().cloned().collect();
            comparison.take(&entry.service, destinations);
        }
        let mut text = String::new();
        for change in comparison.plan().changes() {
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
        let destination = destinations.into_values().next().unwrap();
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
