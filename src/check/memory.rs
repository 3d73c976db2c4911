//! What one run leaves to the next: how servers stood, and what was put into the table.
//!
//! A file of lines, each a word of ours and a rule as `ipvsadm -S` writes it:
//!
//! ```text
//! server up+2,down - -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 3
//! sorry -a -t 192.0.2.1:80 -r 10.0.0.9:80 -g -w 1
//! lost -Z -t 192.0.2.1:80
//! own -Z -t 192.0.2.1:80
//! ```
//!
//! The first is a server whose first check counts as up, with two bad verdicts in a row, and whose
//! second counts as down; it is not in the table (else its weight there would stand for the `-`),
//! and its rule is what it is when it is up.

use std::cell::OnceCell;
use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use super::health::{Standing, State};
use crate::addr::{Endpoint, Family, Numeric, Protocol, Resolve};
use crate::ipvs::rule::{self, Command, Context, write};
use crate::ipvs::{Change, Destination, ServiceId, Weight};

/// What is remembered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory(BTreeMap<ServiceId, OfService>);

/// What is remembered of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct OfService {
    /// In the order of their endpoints.
    servers: Vec<Remembered>,
    sorry: BTreeMap<Endpoint, Destination>,
    has_lost: bool,
    is_own: bool,
    /// Its lines in the file, once they have been written: of thousands of services few change.
    lines: OnceCell<String>,
}

/// What is remembered of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// What it is while it is up.
    pub destination: Destination,
    /// How it stands with its checks.
    pub checks: Vec<Standing>,
    /// The weight with which it was put into the table, if it was.
    pub put: Option<Weight>,
}

impl Remembered {
    fn endpoint(&self) -> Endpoint {
        self.destination.endpoint
    }
}

impl OfService {
    /// Where a server is, or where it would be.
    fn find(&self, endpoint: &Endpoint) -> Result<usize, usize> {
        self.servers
            .binary_search_by_key(endpoint, Remembered::endpoint)
    }

    fn write(&self, of: &ServiceId) -> String {
        let mut text = String::new();
        for server in &self.servers {
            let checks: Vec<String> = server.checks.iter().map(standing_text).collect();
            let put = server.put.map_or("-".to_owned(), |put| put.0.to_string());
            // Writing to a String does not fail, here and below.
            let _ = write!(text, "server {} {put} ", checks.join(","));
            let _ = write::destination(&mut text, of, &server.destination, &Numeric);
        }
        for destination in self.sorry.values() {
            text.push_str("sorry ");
            let _ = write::destination(&mut text, of, destination, &Numeric);
        }
        for (word, is_so) in [("lost", self.has_lost), ("own", self.is_own)] {
            if is_so {
                let _ = write!(text, "{word} ");
                let _ = write::change(&mut text, &Change::Zero(Some(*of)), &Numeric);
            }
        }
        text
    }
}

impl Memory {
    /// Reads what [`Memory::write`] wrote. A line that says nothing is left out.
    pub fn parse(text: &str) -> Self {
        let mut memory = Memory::default();
        for line in text.lines() {
            let _ = memory.read(line);
        }
        memory
    }

    fn read(&mut self, line: &str) -> Option<()> {
        let (word, rest) = line.split_once(' ')?;
        match word {
            "server" => {
                let (checks, rest) = rest.split_once(' ')?;
                let (put, rest) = rest.split_once(' ')?;
                let checks = checks.split(',').map(standing).collect::<Option<_>>()?;
                let put = match put {
                    "-" => None,
                    weight => Some(Weight(weight.parse().ok()?)),
                };
                let Change::AddDestination(of, destination) = change(rest)? else {
                    return None;
                };
                let remembered = Remembered {
                    destination,
                    checks,
                    put,
                };
                self.remember(of, remembered);
            }
            "sorry" => {
                if let Change::AddDestination(of, destination) = change(rest)? {
                    self.remember_sorry(of, destination);
                }
            }
            "lost" => {
                if let Change::Zero(Some(of)) = change(rest)? {
                    self.remember_lost(of);
                }
            }
            "own" => {
                if let Change::Zero(Some(of)) = change(rest)? {
                    self.own(of);
                }
            }
            _ => {}
        }
        Some(())
    }

    /// The lines of the file.
    pub fn write(&self) -> String {
        let mut text = String::new();
        for (of, service) in &self.0 {
            text.push_str(service.lines.get_or_init(|| service.write(of)));
        }
        text
    }

    /// What is remembered of a service, to be changed.
    fn change(&mut self, of: ServiceId) -> &mut OfService {
        let service = self.0.entry(of).or_default();
        service.lines.take();
        service
    }

    /// What is remembered of a server.
    pub fn server(&self, of: &ServiceId, endpoint: &Endpoint) -> Option<&Remembered> {
        let service = self.0.get(of)?;
        let place = service.find(endpoint).ok()?;
        service.servers.get(place)
    }

    /// What is remembered of the servers of a service.
    pub fn servers(&self, of: &ServiceId) -> impl Iterator<Item = &Remembered> {
        let service = self.0.get(of).into_iter();
        service.flat_map(|service| &service.servers)
    }

    /// Whether this was put into the table as a sorry server.
    pub fn is_sorry(&self, of: &ServiceId, endpoint: &Endpoint) -> bool {
        let service = self.0.get(of);
        service.is_some_and(|service| service.sorry.contains_key(endpoint))
    }

    /// Whether the service had not enough servers.
    pub fn has_lost(&self, of: &ServiceId) -> bool {
        self.0.get(of).is_some_and(|service| service.has_lost)
    }

    /// Forgets all that is known of a service.
    pub fn forget(&mut self, of: &ServiceId) {
        self.0.remove(of);
    }

    /// The services of which something is known.
    pub fn services(&self) -> Vec<ServiceId> {
        self.0.keys().copied().collect()
    }

    /// Remembers these servers of a service in place of those that were there. When they are not
    /// enough, it is `lost`, to the sorry server if it has one.
    pub fn replace(
        &mut self,
        of: ServiceId,
        mut servers: Vec<Remembered>,
        lost: Option<Option<Destination>>,
    ) {
        servers.sort_by_key(Remembered::endpoint);
        let has_lost = lost.is_some();
        let sorry = lost.flatten();
        let service = self.0.entry(of).or_default();
        if service.has_lost == has_lost
            && service.sorry.values().eq(&sorry)
            && service.servers == servers
        {
            // Its lines need not be written anew.
            return;
        }
        *service = OfService {
            has_lost,
            servers,
            is_own: service.is_own,
            ..OfService::default()
        };
        if let Some(sorry) = sorry {
            self.remember_sorry(of, sorry);
        }
    }

    /// Remembers a server.
    fn remember(&mut self, of: ServiceId, server: Remembered) {
        let service = self.change(of);
        match service.find(&server.endpoint()) {
            Ok(place) => service.servers[place] = server,
            Err(place) => service.servers.insert(place, server),
        }
    }

    /// Remembers that a sorry server was put into the table.
    fn remember_sorry(&mut self, of: ServiceId, destination: Destination) {
        let service = self.change(of);
        service.sorry.insert(destination.endpoint, destination);
    }

    /// Whether the service itself was put into the table, and is to leave it when nobody wants it.
    pub fn owns(&self, of: &ServiceId) -> bool {
        self.0.get(of).is_some_and(|service| service.is_own)
    }

    /// Remembers that a service was put into the table.
    pub fn own(&mut self, of: ServiceId) {
        if !self.owns(&of) {
            self.change(of).is_own = true;
        }
    }

    /// Remembers that a service has not enough servers.
    fn remember_lost(&mut self, of: ServiceId) {
        self.change(of).has_lost = true;
    }
}

fn standing(text: &str) -> Option<Standing> {
    let (word, against) = text.split_once('+').unwrap_or((text, "0"));
    let state = match word {
        "up" => State::Up,
        "down" => State::Down,
        "unchecked" => State::Unchecked,
        _ => return None,
    };
    Some(Standing::new(state, against.parse().ok()?))
}

fn standing_text(standing: &Standing) -> String {
    let word = match standing.state {
        State::Up => "up",
        State::Down => "down",
        State::Unchecked => "unchecked",
    };
    match standing.against {
        0 => word.to_owned(),
        against => format!("{word}+{against}"),
    }
}

fn change(rule: &str) -> Option<Change> {
    /// What was written has numbers only.
    struct Nobody;

    impl Resolve for Nobody {
        fn address(&self, _: &str, _: Family) -> Option<IpAddr> {
            None
        }
        fn port(&self, _: &str, _: Protocol) -> Option<u16> {
            None
        }
    }

    let words: Vec<&[u8]> = rule.split_whitespace().map(str::as_bytes).collect();
    let context = Context {
        names: &Nobody,
        posixly_correct: false,
    };
    match rule::parse(&words, context).ok()? {
        Command::Change(change) => Some(change),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let text = "server up+2,down - -a -t 192.0.2.1:80 -r 10.0.0.2:80 -g -w 3\n\
                    sorry -a -t 192.0.2.1:80 -r 10.0.0.9:80 -g -w 1\n\
                    lost -Z -t 192.0.2.1:80\n\
                    own -Z -t 192.0.2.1:80\n\
                    server unchecked 7 -a -f 4 -6 -r [2001:db8::1]:0 -i -w 0 --tun-type ipip\n";
        let memory = Memory::parse(text);
        assert_eq!(memory.write(), text);
        assert_eq!(memory.services().len(), 2);
    }

    #[test]
    fn what_says_nothing_is_left_out() {
        for text in [
            "",
            "server",
            "server up - -D -t 192.0.2.1:80",
            "server fine - -a -t 192.0.2.1:80 -r 10.0.0.2:80",
            "server up x -a -t 192.0.2.1:80 -r 10.0.0.2:80",
            "server up+x - -a -t 192.0.2.1:80 -r 10.0.0.2:80",
            "sorry -C",
            "lost -Z",
        ] {
            assert_eq!(Memory::parse(text), Memory::default(), "{text}");
        }
    }
}
