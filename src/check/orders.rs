//! What somebody has ordered of servers, whatever their checks say: to be drained, to be out of the
//! table, to have another weight.

use std::collections::HashMap;
use std::fmt::{self, Write};
use std::str::FromStr;

use crate::addr::{Endpoint, Family, Protocol};
use crate::ipvs::{ServiceId, Weight};

/// What is ordered of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To have weight 0: it gets no new clients, and serves those that it has.
    Drain,
    /// To be out of the table.
    Disable,
    /// To have this weight while it is up.
    Weight(Weight),
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Order::Drain => f.write_str("drain"),
            Order::Disable => f.write_str("disable"),
            Order::Weight(Weight(weight)) => write!(f, "weight {weight}"),
        }
    }
}

/// How long an order holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    /// Until the configuration is read again, or the program is told to end.
    Reload,
    /// Until the machine is started again.
    Boot,
    /// Until it is taken back.
    Always,
}

impl Term {
    /// All of them, from the shortest on.
    pub const ALL: [Term; 3] = [Term::Reload, Term::Boot, Term::Always];
}

/// A service as people name it: `10.0.0.1:80` or `tcp:10.0.0.1:80`, `udp:...`, `sctp:...`,
/// `fwmark:7` or `fwmark:7:inet6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ServiceName(pub ServiceId);

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            ServiceId::Address { protocol, endpoint } => {
                let protocol = protocol.name().unwrap_or("ip");
                write!(f, "{protocol}:{endpoint}")
            }
            ServiceId::Mark { family, mark } => match family {
                Family::V4 => write!(f, "fwmark:{mark}"),
                Family::V6 => write!(f, "fwmark:{mark}:inet6"),
            },
        }
    }
}

impl FromStr for ServiceName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (protocol, rest) = match text.split_once(':') {
            Some(("tcp", rest)) => (Protocol::TCP, rest),
            Some(("udp", rest)) => (Protocol::UDP, rest),
            Some(("sctp", rest)) => (Protocol::SCTP, rest),
            Some(("fwmark", rest)) => {
                let (mark, family) = match rest.strip_suffix(":inet6") {
                    Some(mark) => (mark, Family::V6),
                    None => (rest, Family::V4),
                };
                let mark = mark.parse().map_err(|_| ())?;
                return Ok(ServiceName(ServiceId::Mark { family, mark }));
            }
            _ => (Protocol::TCP, text),
        };
        let endpoint = endpoint(rest).ok_or(())?;
        Ok(ServiceName(ServiceId::Address { protocol, endpoint }))
    }
}

/// An address with its port, as `10.0.0.1:80` or `[2001:db8::1]:80`.
pub fn endpoint(text: &str) -> Option<Endpoint> {
    let found: std::net::SocketAddr = text.parse().ok()?;
    Some(Endpoint::new(found.ip(), found.port()))
}

/// All that is ordered.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orders(HashMap<(ServiceId, Endpoint), (Order, Term)>);

impl Orders {
    /// What is ordered of a server.
    pub fn of(&self, service: &ServiceId, server: &Endpoint) -> Option<(Order, Term)> {
        self.0.get(&(*service, *server)).copied()
    }

    /// Orders something; what was ordered before does not hold any more.
    pub fn give(&mut self, service: ServiceId, server: Endpoint, order: Order, term: Term) {
        self.0.insert((service, server), (order, term));
    }

    /// Takes back what was ordered; gives it back, if there was something.
    pub fn take_back(&mut self, service: &ServiceId, server: &Endpoint) -> Option<(Order, Term)> {
        self.0.remove(&(*service, *server))
    }

    /// Forgets what does not outlive a reload.
    pub fn reload(&mut self) {
        self.0.retain(|_, (_, term)| *term > Term::Reload);
    }

    /// Reads what [`Orders::write`] wrote, all of it for one term. A line that says nothing is left
    /// out.
    pub fn read(&mut self, text: &str, term: Term) {
        for line in text.lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let (order, service, server) = match words[..] {
                ["drain", service, server] => (Order::Drain, service, server),
                ["disable", service, server] => (Order::Disable, service, server),
                ["weight", service, server, weight] => match weight.parse() {
                    Ok(weight @ 0..) => (Order::Weight(Weight(weight)), service, server),
                    _ => continue,
                },
                _ => continue,
            };
            if let (Ok(ServiceName(service)), Some(server)) = (service.parse(), endpoint(server)) {
                self.give(service, server, order, term);
            }
        }
    }

    /// Those that hold for this term, a line each.
    pub fn write(&self, term: Term) -> String {
        let of_term = self.0.iter().filter(|(_, (_, own))| *own == term);
        let mut lines: Vec<String> = of_term
            .map(|((service, server), (order, _))| {
                let (word, weight) = match order {
                    Order::Weight(Weight(weight)) => ("weight", format!(" {weight}")),
                    Order::Drain => ("drain", String::new()),
                    Order::Disable => ("disable", String::new()),
                };
                format!("{word} {} {server}{weight}", ServiceName(*service))
            })
            .collect();
        lines.sort();
        let mut text = String::new();
        for line in lines {
            // Writing to a String does not fail.
            let _ = writeln!(text, "{line}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_have_names() {
        for (text, canonical) in [
            ("10.0.0.1:80", "tcp:10.0.0.1:80"),
            ("tcp:10.0.0.1:80", "tcp:10.0.0.1:80"),
            ("udp:[2001:db8::1]:53", "udp:[2001:db8::1]:53"),
            ("sctp:10.0.0.1:9", "sctp:10.0.0.1:9"),
            ("fwmark:7", "fwmark:7"),
            ("fwmark:7:inet6", "fwmark:7:inet6"),
        ] {
            let name: ServiceName = text.parse().unwrap();
            assert_eq!(name.to_string(), canonical);
        }
        for bad in [
            "",
            "10.0.0.1",
            "tcp:",
            "fwmark:",
            "fwmark:x",
            "fwmark:0",
            "icmp:10.0.0.1:1",
            "2001:db8::1:53",
            "10.0.0.1:99999",
        ] {
            assert_eq!(bad.parse::<ServiceName>(), Err(()), "{bad}");
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let text = "disable fwmark:3 10.0.0.9:0\n\
                    drain tcp:10.0.0.1:80 10.0.0.2:80\n\
                    weight udp:[2001:db8::1]:53 [2001:db8::2]:53 7\n";
        let mut orders = Orders::default();
        orders.read(text, Term::Boot);
        assert_eq!(orders.write(Term::Boot), text);
        assert_eq!(orders.write(Term::Always), "");
        let bad = "drain\nweight fwmark:3 10.0.0.9:0 -1\nweight fwmark:3 10.0.0.9:0\nx y z\n";
        let mut none = Orders::default();
        none.read(bad, Term::Boot);
        assert_eq!(none, Orders::default());
    }

    #[test]
    fn some_orders_end_with_a_reload() {
        let mut orders = Orders::default();
        orders.read("drain fwmark:3 10.0.0.9:0\n", Term::Reload);
        orders.read("disable fwmark:4 10.0.0.9:0\n", Term::Boot);
        orders.reload();
        assert_eq!(orders.write(Term::Reload), "");
        assert_eq!(orders.write(Term::Boot), "disable fwmark:4 10.0.0.9:0\n");
    }
}
