//! The connections, from `/proc/net/ip_vs_conn`, a line at a time.
//!
//! The file's format is that of `ip_vs_conn_seq_show` in net/netfilter/ipvs/ip_vs_conn.c:
//! protocol, client, service, destination (each an address and a port in hexadecimal), state,
//! seconds until it expires, and for some connections what the persistence engine knows.

use std::collections::BTreeMap;
use std::io::{self, BufRead};
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

/// The kernel's file, read some lines at a time: memory does not grow with it.
#[derive(Debug)]
pub struct Reader<R> {
    file: R,
    line: Vec<u8>,
}

/// Why a file of connections is not whole.
#[derive(Debug)]
pub enum Cut {
    /// It has no title.
    NoTitle,
    /// A line is empty.
    EmptyLine,
    /// It could not be read.
    Failed(io::Error),
}

impl<R: BufRead> Reader<R> {
    /// Reads the title.
    ///
    /// # Errors
    /// There is none.
    pub fn new(file: R) -> Result<Self, Cut> {
        let line = Vec::new();
        let mut reader = Reader { file, line };
        match reader.next_line() {
            Ok(true) => Ok(reader),
            _ => Err(Cut::NoTitle),
        }
    }

    /// Shows all connections that are left; lines that are none are passed over.
    ///
    /// # Errors
    /// The file could not be read, or ends in an empty line, as those do that are not whole.
    pub fn for_each(self, mut see: impl FnMut(&Connection<'_>)) -> Result<(), Cut> {
        self.for_some(|connections| connections.iter().for_each(&mut see))
    }

    /// The same, with some connections at a time.
    ///
    /// # Errors
    /// Those of [`for_each`](Self::for_each), once all before has been shown.
    pub fn for_some(mut self, mut see: impl FnMut(&[Connection<'_>])) -> Result<(), Cut> {
        /// So many lines are read at a time.
        const LINES: usize = 1024;
        let mut text = String::new();
        let mut end = None;
        while end.is_none() {
            text.clear();
            for _ in 0..LINES {
                match self.next_line() {
                    Ok(true) => text.push_str(&String::from_utf8_lossy(&self.line)),
                    Ok(false) => end = Some(Ok(())),
                    Err(error) => end = Some(Err(Cut::Failed(error))),
                }
                if end.is_some() {
                    break;
                }
            }
            let mut connections = Vec::new();
            for line in text.split_inclusive('\n') {
                match line.trim_end_matches('\n') {
                    "" => {
                        end = Some(Err(Cut::EmptyLine));
                        break;
                    }
                    line => connections.extend(Connection::read(line)),
                }
            }
            see(&connections);
        }
        end.unwrap_or(Ok(()))
    }

    /// Whether there was another line.
    fn next_line(&mut self) -> io::Result<bool> {
        self.line.clear();
        Ok(self.file.read_until(b'\n', &mut self.line)? > 0)
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

    const TITLE: &str = "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires\n";
    const LINE: &str = "TCP 0A610002 9C40 0A600001 0050 0A620002 0050 ESTABLISHED     899\n";

    /// The states of all connections, and how the file ended.
    fn states(text: &[u8]) -> (Vec<String>, Result<(), Cut>) {
        let mut states = Vec::new();
        let end = Reader::new(text)
            .and_then(|reader| reader.for_each(|connection| states.push(connection.state.into())));
        (states, end)
    }

    #[test]
    fn a_file_is_read_to_its_end_or_to_an_empty_line() {
        let text = format!("{TITLE}{LINE}none\n{LINE}");
        assert!(matches!(states(text.as_bytes()), (two, Ok(())) if two.len() == 2));
        let text = format!("{TITLE}{LINE}\n{LINE}");
        let (states_seen, end) = states(text.as_bytes());
        assert!(states_seen.len() == 1 && matches!(end, Err(Cut::EmptyLine)));
        assert!(matches!(states(b"").1, Err(Cut::NoTitle)));
        assert!(matches!(states(TITLE.as_bytes()).1, Ok(())));
    }

    /// A file of so many connections that breaks off. It keeps nothing of what was read.
    struct Long {
        lines: usize,
        line: &'static [u8],
    }

    impl io::Read for Long {
        fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
            unreachable!("lines are read from its buffer")
        }
    }

    impl BufRead for Long {
        fn fill_buf(&mut self) -> io::Result<&[u8]> {
            if self.line.is_empty() {
                self.lines = (self.lines.checked_sub(1)).ok_or(io::ErrorKind::InvalidData)?;
                self.line = LINE.as_bytes();
            }
            Ok(self.line)
        }
        fn consume(&mut self, length: usize) {
            self.line = &self.line[length..];
        }
    }

    #[test]
    fn each_connection_is_seen_before_the_next_line_is_read() {
        let line = TITLE.as_bytes();
        let (mut seen, lines) = (0, 100_000);
        let end = Reader::new(Long { lines, line }).and_then(|reader| {
            assert!(reader.line.capacity() < 1000);
            reader.for_each(|_| seen += 1)
        });
        assert!(matches!(end, Err(Cut::Failed(_))));
        assert_eq!(seen, lines);
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
