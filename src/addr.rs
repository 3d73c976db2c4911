//! Addresses as the field names them: a family, a transport protocol, an endpoint, and how names
//! and addresses become each other. Nothing here knows IPVS, netlink or a command line.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The family of an address, with the numbers of `AF_INET` and `AF_INET6` on Linux.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Family {
    /// IPv4.
    V4 = 2,
    /// IPv6.
    V6 = 10,
}

impl Family {
    /// The family of `address`.
    pub fn of(address: &IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Family::V4,
            IpAddr::V6(_) => Family::V6,
        }
    }

    /// The family with the kernel's number `number`, if it is one of the two.
    pub fn from_number(number: u16) -> Option<Self> {
        match number {
            2 => Some(Family::V4),
            10 => Some(Family::V6),
            _ => None,
        }
    }

    /// `0.0.0.0` or `::`.
    pub fn unspecified(self) -> IpAddr {
        match self {
            Family::V4 => Ipv4Addr::UNSPECIFIED.into(),
            Family::V6 => Ipv6Addr::UNSPECIFIED.into(),
        }
    }
}

/// A transport protocol by its number in the IP header (IANA "Protocol Numbers").
///
/// IPVS balances TCP, UDP and SCTP; the kernel may name others, so any number can be held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u16);

impl Protocol {
    /// TCP, 6.
    pub const TCP: Protocol = Protocol(6);
    /// UDP, 17.
    pub const UDP: Protocol = Protocol(17);
    /// SCTP, 132.
    pub const SCTP: Protocol = Protocol(132);

    /// The name that `/etc/services` uses: `tcp`, `udp` or `sctp`.
    pub fn name(self) -> Option<&'static str> {
        match self {
            Protocol::TCP => Some("tcp"),
            Protocol::UDP => Some("udp"),
            Protocol::SCTP => Some("sctp"),
            _ => None,
        }
    }
}

/// An address with a port, written `10.0.0.1:80` or `[2001:db8::1]:80`.
///
/// Unlike `std::net::SocketAddr` it has no flow label and no scope: IPVS knows neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Endpoint {
    /// The address.
    pub address: IpAddr,
    /// The port; 0 stands for "any" in a service.
    pub port: u16,
}

impl Endpoint {
    /// An endpoint of its two parts.
    pub fn new(address: impl Into<IpAddr>, port: u16) -> Self {
        Endpoint {
            address: address.into(),
            port,
        }
    }

    /// The family of the address.
    pub fn family(&self) -> Family {
        Family::of(&self.address)
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            IpAddr::V4(address) => write!(f, "{address}:{}", self.port),
            IpAddr::V6(address) => write!(f, "[{}]:{}", Compressed(address), self.port),
        }
    }
}

/// All addresses that begin with the same bits, written `10.0.0.0/8`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Network {
    address: IpAddr,
    length: u8,
}

impl Network {
    /// The network whose addresses share their first `length` bits with `address`: up to 32 for
    /// IPv4, up to 128 for IPv6.
    pub fn new(address: IpAddr, length: u8) -> Option<Self> {
        (length <= Self::of(address).length).then_some(Network { address, length })
    }

    /// The network that has only this address.
    pub fn of(address: IpAddr) -> Self {
        let length = if address.is_ipv4() { 32 } else { 128 };
        Network { address, length }
    }

    /// Whether the address is in the network.
    pub fn contains(&self, address: IpAddr) -> bool {
        let same = |difference: u128, width: u32| {
            let rest = width - u32::from(self.length);
            difference.checked_shr(rest).unwrap_or(0) == 0
        };
        match (self.address, address) {
            (IpAddr::V4(one), IpAddr::V4(other)) => {
                same(u128::from(u32::from(one) ^ u32::from(other)), 32)
            }
            (IpAddr::V6(one), IpAddr::V6(other)) => same(u128::from(one) ^ u128::from(other), 128),
            _ => false,
        }
    }
}

/// From names to numbers: what `gethostbyname` and `getservbyname` answer.
pub trait Resolve {
    /// The first address of the host `name` in `family`.
    fn address(&self, name: &str, family: Family) -> Option<IpAddr>;
    /// The port of the service `name`; names are case-sensitive.
    fn port(&self, name: &str, protocol: Protocol) -> Option<u16>;
}

/// From numbers to names: what `gethostbyaddr` and `getservbyport` answer.
pub trait Name {
    /// Says which hosts will be asked for next, so that whoever has to ask for each can ask for
    /// all at once.
    fn prepare(&self, _addresses: &mut dyn Iterator<Item = IpAddr>) {}

    /// The canonical name of the host with this address, if it has one.
    fn host(&self, address: IpAddr) -> Option<String>;
    /// The name of the service on this port, if it has one.
    fn service(&self, port: u16, protocol: Protocol) -> Option<String>;

    /// Appends `endpoint` to `out` as `HOST:SERVICE`, in brackets when it is IPv6.
    ///
    /// Without a `protocol` the port stays a number, as it does for port 0.
    fn write_endpoint(&self, out: &mut String, endpoint: &Endpoint, protocol: Option<Protocol>) {
        use fmt::Write;
        let mut number = itoa::Buffer::new();
        match (self.host(endpoint.address), endpoint.address) {
            (Some(name), IpAddr::V4(_)) => out.push_str(&name),
            (None, IpAddr::V4(address)) => {
                // As `Display` would, in a fifth of the time: a listing is full of these.
                for (place, octet) in address.octets().into_iter().enumerate() {
                    if place > 0 {
                        out.push('.');
                    }
                    out.push_str(number.format(octet));
                }
            }
            // Writing to a String cannot fail.
            (name, IpAddr::V6(address)) => {
                let _ = match name {
                    Some(name) => write!(out, "[{name}]"),
                    None => write!(out, "[{}]", Compressed(address)),
                };
            }
        }
        out.push(':');
        let service = match (endpoint.port, protocol) {
            (0, _) | (_, None) => None,
            (port, Some(protocol)) => self.service(port, protocol),
        };
        match service {
            Some(name) => out.push_str(&name),
            None => out.push_str(number.format(endpoint.port)),
        }
    }
}

/// No names at all: every address and port is written as a number.
#[derive(Clone, Copy, Debug, Default)]
pub struct Numeric;

impl Name for Numeric {
    fn host(&self, _: IpAddr) -> Option<String> {
        None
    }
    fn service(&self, _: u16, _: Protocol) -> Option<String> {
        None
    }
}

/// An address without port and brackets, as it stands in listings.
pub struct Bare(pub IpAddr);

impl fmt::Display for Bare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(address) => Compressed(address).fmt(f),
        }
    }
}

/// An IPv6 address as glibc's `inet_ntop` writes it.
///
/// It differs from [`Ipv6Addr`]'s own text for IPv4-compatible addresses: `::10.0.0.1` here,
/// `::a00:1` there.
struct Compressed(Ipv6Addr);

impl fmt::Display for Compressed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.segments() {
            // `::` and `::1` to `::ffff` have no embedded IPv4 address.
            [0, 0, 0, 0, 0, 0, high, _] if high != 0 => {
                let [.., a, b, c, d] = self.0.octets();
                write!(f, "::{}", Ipv4Addr::new(a, b, c, d))
            }
            _ => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(address: &str, port: u16) -> String {
        let mut out = String::new();
        let endpoint = Endpoint::new(address.parse::<IpAddr>().unwrap(), port);
        Numeric.write_endpoint(&mut out, &endpoint, Some(Protocol::TCP));
        out
    }

    #[test]
    fn a_network_contains_what_shares_its_first_bits() {
        let network = |address: &str, length| Network::new(address.parse().unwrap(), length);
        for (address, length, other, contains) in [
            ("10.0.0.0", 8, "10.255.0.1", true),
            ("10.0.0.0", 8, "11.0.0.0", false),
            ("10.0.0.1", 32, "10.0.0.1", true),
            ("10.0.0.1", 32, "10.0.0.0", false),
            ("1.2.3.4", 0, "255.0.0.1", true),
            ("1.2.3.4", 0, "::1", false),
            ("2001:db8::", 32, "2001:db8:ffff::1", true),
            ("2001:db8::", 128, "2001:db8::1", false),
            ("::", 0, "ff::", true),
        ] {
            let network = network(address, length).unwrap();
            assert_eq!(
                network.contains(other.parse().unwrap()),
                contains,
                "{other}"
            );
        }
        assert_eq!(network("10.0.0.0", 33), None);
        assert_eq!(network("::", 129), None);
    }

    #[test]
    fn numeric_endpoints_are_written_as_inet_ntop_does() {
        assert_eq!(text("10.0.0.1", 80), "10.0.0.1:80");
        assert_eq!(text("2001:db8::1", 0), "[2001:db8::1]:0");
        assert_eq!(text("::", 1), "[::]:1");
        assert_eq!(text("::1", 1), "[::1]:1");
        assert_eq!(text("::ffff:10.0.0.1", 1), "[::ffff:10.0.0.1]:1");
        assert_eq!(text("::10.0.0.1", 1), "[::10.0.0.1]:1");
        assert_eq!(text("::ffff", 1), "[::ffff]:1");
    }
}
