//! The connections, from `/proc/net/ip_vs_conn`, a line at a time.
//!
//! The file's format is that of `ip_vs_conn_seq_show` in net/netfilter/ipvs/ip_vs_conn.c:
//! protocol, client, service, destination (each an address and a port in hexadecimal), state,
//! seconds until it expires, and for some connections what the persistence engine knows.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::{Endpoint, Network, Protocol};

/// Where the kernel lists its connections.
pub const PATH: &str = "/proc/net/ip_vs_conn";

/// One connection, with the words of the file where they are words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection<'a> {
    /// `TCP`, `UDP`, `SCTP`, or `IP` for a persistence template of a firewall mark.
    pub protocol: &'a str,
    /// Where it comes from.
    pub client: Endpoint,
    /// The service that it asked for.
    pub service: Endpoint,
    /// The destination that it was given.
    pub destination: Endpoint,
    /// Its state, as `ESTABLISHED`.
    pub state: &'a str,
    /// Seconds until it is forgotten.
    pub expires: u32,
    /// The persistence engine and its data.
    pub engine: Option<(&'a str, &'a str)>,
}

impl<'a> Connection<'a> {
    /// Reads one line, other than the title; none, if it is no connection.
    pub fn read(line: &'a str) -> Option<Self> {
        let mut words = line.split_ascii_whitespace();
        let protocol = words.next()?;
        let mut endpoint = || {
            let address = address(words.next()?)?;
            let port = u16::from_str_radix(words.next()?, 16).ok()?;
            Some(Endpoint::new(address, port))
        };
        let (client, service, destination) = (endpoint()?, endpoint()?, endpoint()?);
        Some(Connection {
            protocol,
            client,
            service,
            destination,
            state: words.next()?,
            expires: words.next()?.parse().ok()?,
            engine: words.next().zip(words.next()),
        })
    }
}

/// The number of the protocol that the file calls by this name, where it has one.
pub fn protocol(name: &str) -> Option<Protocol> {
    match name {
        "TCP" => Some(Protocol::TCP),
        "UDP" => Some(Protocol::UDP),
        "SCTP" => Some(Protocol::SCTP),
        _ => None,
    }
}

/// Which connections are meant: those that meet all conditions that there are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// The service that was asked for.
    pub service: Option<Place>,
    /// The destination.
    pub server: Option<Place>,
    /// Where the client is.
    pub client: Option<Network>,
    /// The state, in capitals as in the file.
    pub state: Option<String>,
}

/// An address, with a port or with any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The address.
    pub address: IpAddr,
    /// The port; any, when absent.
    pub port: Option<u16>,
}

impl Place {
    fn has(&self, endpoint: &Endpoint) -> bool {
        self.address == endpoint.address && self.port.is_none_or(|port| port == endpoint.port)
    }
}

impl Filter {
    /// Whether the connection meets all conditions.
    pub fn passes(&self, connection: &Connection<'_>) -> bool {
        let has = |place: &Option<Place>, endpoint| place.is_none_or(|place| place.has(endpoint));
        has(&self.service, &connection.service)
            && has(&self.server, &connection.destination)
            && self
                .client
                .is_none_or(|network| network.contains(connection.client.address))
            && (self.state.as_deref()).is_none_or(|state| state == connection.state)
    }
}

/// How many connections there are, by protocol, destination and state.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    counts: BTreeMap<(Endpoint, String, String), u64>,
}

/// So many connections of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Count<'a> {
    /// The destination.
    pub destination: Endpoint,
    /// The protocol, as in the file.
    pub protocol: &'a str,
    /// The state, as in the file.
    pub state: &'a str,
    /// How many.
    pub connections: u64,
}

impl Counts {
    /// Counts a connection.
    pub fn add(&mut self, connection: &Connection<'_>) {
        let (protocol, state) = (connection.protocol.into(), connection.state.into());
        let key = (connection.destination, protocol, state);
        *self.counts.entry(key).or_default() += 1;
    }

    /// The counts in the order of destination, protocol, state.
    pub fn iter(&self) -> impl Iterator<Item = Count<'_>> {
        self.counts
            .iter()
            .map(|((destination, protocol, state), &connections)| Count {
                destination: *destination,
                protocol,
                state,
                connections,
            })
    }
}

/// An address: 8 hexadecimal digits, an IPv4 address, or an IPv6 address.
fn address(word: &str) -> Option<IpAddr> {
    if word.contains(':') {
        return word.parse::<Ipv6Addr>().ok().map(IpAddr::from);
    }
    if word.contains('.') {
        return word.parse::<Ipv4Addr>().ok().map(IpAddr::from);
    }
    let bits = u32::from_str_radix(word, 16).ok()?;
    Some(Ipv4Addr::from(bits).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_read_with_or_without_the_engines_words() {
        let line = "UDP 0A610002 0000 0A600001 13C4 0A620002 13C4 UDP             178 sip 16;1@x";
        let connection = Connection::read(line).unwrap();
        assert_eq!(connection.service.to_string(), "10.96.0.1:5060");
        assert_eq!(connection.expires, 178);
        assert_eq!(connection.engine, Some(("sip", "16;1@x")));
        let line = "TCP fd97:0000:0000:0000:0000:0000:0000:0002 9C40 0A600001 0050 0A620002 0050 FIN_WAIT 9";
        let connection = Connection::read(line).unwrap();
        assert_eq!(connection.client.to_string(), "[fd97::2]:40000");
        assert_eq!(connection.engine, None);
    }

    #[test]
    fn what_is_no_connection_is_passed_over() {
        for line in [
            "",
            "TCP",
            "TCP 0A610002 9C40 0A600001 0050 0A620002 1F90 ESTABLISHED",
            "a b c d e f g h i",
        ] {
            assert_eq!(Connection::read(line), None, "{line:?}");
        }
    }
}
