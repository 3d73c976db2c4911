//! Links, addresses and routes to rtnetlink messages and back; the only file that knows their
//! layout. Sources: rtnetlink(7), `linux/rtnetlink.h`, `linux/if_link.h`, `linux/if_addr.h`.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Ifa, IfaF, Iff, Ifla, IflaInfo, RtScope, RtTable, Rta, Rtm, Rtn, Rtprot};

use super::{Attribute, Malformed, Message, Requests};
use crate::addr::Family;

/// Length of `struct ifinfomsg`.
const LINK_HEADER_BYTES: usize = 16;

/// Length of `struct ifaddrmsg`.
const ADDRESS_HEADER_BYTES: usize = 8;

/// Length of `struct rtmsg`.
const ROUTE_HEADER_BYTES: usize = 12;

/// `IFNAMSIZ` without the NUL: the longest name of a link and the longest label of an address.
pub const LONGEST_NAME: usize = 15;

/// The longest name of a kind of link that is of interest here.
const LONGEST_KIND: usize = 63;

/// `AF_UNSPEC`: all families.
const ANY_FAMILY: u8 = 0;

/// A lifetime without end, in seconds (`INFINITY_LIFE_TIME`).
const FOREVER: u32 = u32::MAX;

/// A network interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The number by which addresses and routes refer to it.
    pub index: u32,
    /// Its name, as `eth0`.
    pub name: String,
    /// Whether it is up (IFF_UP), with a carrier or not.
    pub up: bool,
    /// Whether it is a loopback interface.
    pub loopback: bool,
    /// Whether it resolves addresses by ARP (no IFF_NOARP).
    pub arp: bool,
    /// The largest packet in bytes, without the link's own header.
    pub mtu: u32,
    /// As what it belongs to another link: `bridge`, `bond`, `vrf`...
    pub member_of: Option<String>,
}

/// How far an address of IPv4 is valid: who may be told that it is here. Of the numbers of
/// `RT_SCOPE_*`, the lower ones go farther.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scope(pub u8);

impl Scope {
    /// Everywhere.
    pub const UNIVERSE: Scope = Scope(0);
    /// On the link.
    pub const LINK: Scope = Scope(253);
    /// Only in this host.
    pub const HOST: Scope = Scope(254);
}

/// An address of a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    /// The link that has it.
    pub link: u32,
    /// The address itself.
    pub address: IpAddr,
    /// How many leading bits make up the network, 0 to 32 or 128.
    pub prefix: u8,
    /// How far it is valid.
    pub scope: Scope,
    /// The name under which ifconfig(8) shows it, as `lo:0`; IPv4 only.
    pub label: Option<String>,
    /// Whether new connections should not be made from it (IPv6: a preferred lifetime of 0).
    pub deprecated: bool,
    /// Whether duplicate address detection failed or goes on (IPv6): it is not in use.
    pub tentative: bool,
}

impl Address {
    /// Whether `other` lies in the network of this address.
    pub fn network_has(&self, other: &IpAddr) -> bool {
        let (own, other, bits) = match (self.address, other) {
            (IpAddr::V4(own), IpAddr::V4(other)) => {
                (u128::from(own.to_bits()), other.to_bits().into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(other)) => (own.to_bits(), other.to_bits(), 128),
            _ => return false,
        };
        let host = bits - u32::from(self.prefix).min(bits);
        (own ^ other).checked_shr(host).unwrap_or(0) == 0
    }
}

/// A route of IPv4 to hosts on a link or behind it, in the main table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// The destination's network.
    pub destination: Ipv4Addr,
    /// How many leading bits make up the network, 0 to 32.
    pub prefix: u8,
    /// The link that packets leave by; the first one where there are several.
    pub link: u32,
}

/// Asks for all links.
pub fn get_links() -> Requests {
    dump(Rtm::Getlink, &[0; LINK_HEADER_BYTES])
}

/// Asks for all addresses of both families.
pub fn get_addresses() -> Requests {
    let mut header = [0; ADDRESS_HEADER_BYTES];
    header[0] = ANY_FAMILY;
    dump(Rtm::Getaddr, &header)
}

/// Asks for the routes of IPv4.
pub fn get_routes() -> Requests {
    let mut header = [0; ROUTE_HEADER_BYTES];
    header[0] = Family::V4 as u8;
    dump(Rtm::Getroute, &header)
}

/// Takes a link up or down.
pub fn set_link_up(index: u32, up: bool) -> Requests {
    let up_flag = Iff::UP.bits();
    let mut header = [0; LINK_HEADER_BYTES];
    header[4..8].copy_from_slice(&index.to_ne_bytes());
    header[8..12].copy_from_slice(&if up { up_flag } else { 0 }.to_ne_bytes());
    header[12..16].copy_from_slice(&up_flag.to_ne_bytes()); // which flags to change
    one(Rtm::Setlink, NlmF::empty(), &header, |_| {})
}

/// Adds an address. Duplicate address detection is left out for it; one that is `deprecated`
/// stays so for ever.
///
/// Refused with EEXIST where the link has it already.
pub fn add_address(address: &Address) -> Requests {
    add_address_with(address, None)
}

/// The same, with a broadcast address.
pub fn add_address_with(address: &Address, broadcast: Option<Ipv4Addr>) -> Requests {
    let flags = NlmF::CREATE | NlmF::EXCL;
    one(Rtm::Newaddr, flags, &address_header(address), |request| {
        put_addresses(request, address);
        if let Some(broadcast) = broadcast {
            request.put(Ifa::Broadcast.into(), &broadcast.octets());
        }
        if let Some(label) = &address.label {
            request.put_string(Ifa::Label.into(), label);
        }
        if address.deprecated {
            // struct ifa_cacheinfo: preferred, valid, and when it was made and changed.
            let mut lifetimes = [0; 16];
            lifetimes[4..8].copy_from_slice(&FOREVER.to_ne_bytes());
            request.put(Ifa::Cacheinfo.into(), &lifetimes);
        }
    })
}

/// Removes an address.
///
/// Refused with EADDRNOTAVAIL where the link does not have it.
pub fn remove_address(address: &Address) -> Requests {
    let header = address_header(address);
    one(Rtm::Deladdr, NlmF::empty(), &header, |request| {
        put_addresses(request, address);
    })
}

/// Adds the route to the host `destination` on a link, as `route add -host` does; the host itself
/// is the preferred source.
///
/// Refused with EEXIST where there is such a route.
pub fn add_host_route(destination: Ipv4Addr, link: u32) -> Requests {
    let flags = NlmF::CREATE | NlmF::EXCL;
    host_route(Rtm::Newroute, flags, destination, link)
}

/// Removes what [`add_host_route`] adds.
///
/// Refused with ESRCH where there is no such route.
pub fn remove_host_route(destination: Ipv4Addr, link: u32) -> Requests {
    host_route(Rtm::Delroute, NlmF::empty(), destination, link)
}

/// Reads a link.
pub fn read_link(message: &Message<'_>) -> Result<Option<Link>, Malformed> {
    let (header, attributes) = message.header::<LINK_HEADER_BYTES>()?;
    let [_, _, _, _, i0, i1, i2, i3, f0, f1, f2, f3, ..] = header;
    let flags = Iff::from_bits_truncate(u32::from_ne_bytes([f0, f1, f2, f3]));
    let mut link = Link {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        name: String::new(),
        up: flags.contains(Iff::UP),
        loopback: flags.contains(Iff::LOOPBACK),
        arp: !flags.contains(Iff::NOARP),
        mtu: 0,
        member_of: None,
    };
    for attribute in attributes {
        let attribute = attribute?;
        match Ifla::from(attribute.kind) {
            Ifla::Ifname => link.name = attribute.string(LONGEST_NAME)?,
            Ifla::Mtu => link.mtu = attribute.u32()?,
            Ifla::Linkinfo => {
                for attribute in attribute.nested() {
                    let attribute = attribute?;
                    if attribute.kind == u16::from(IflaInfo::SlaveKind) {
                        link.member_of = Some(attribute.string(LONGEST_KIND)?);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(Some(link))
}

/// Reads an address; one of another family than IP's two is passed over.
pub fn read_address(message: &Message<'_>) -> Result<Option<Address>, Malformed> {
    let (header, attributes) = message.header::<ADDRESS_HEADER_BYTES>()?;
    let [family, prefix, flags, scope, i0, i1, i2, i3] = header;
    let Some(family) = Family::from_number(family.into()) else {
        return Ok(None);
    };
    let flags = IfaF::from_bits_truncate(flags);
    let (mut local, mut address, mut label) = (None, None, None);
    for attribute in attributes {
        let attribute = attribute?;
        match Ifa::from(attribute.kind) {
            Ifa::Local => local = Some(read_ip(&attribute, family)?),
            Ifa::Address => address = Some(read_ip(&attribute, family)?),
            Ifa::Label => label = Some(attribute.string(LONGEST_NAME)?),
            _ => {}
        }
    }
    Ok(Some(Address {
        link: u32::from_ne_bytes([i0, i1, i2, i3]),
        // On a point-to-point link IFA_ADDRESS is the other end.
        address: local.or(address).ok_or(Malformed)?,
        prefix,
        scope: Scope(scope),
        label,
        deprecated: flags.contains(IfaF::DEPRECATED),
        tentative: flags.intersects(IfaF::TENTATIVE | IfaF::DADFAILED),
    }))
}

/// Reads a route; only unicast routes of IPv4 in the main table are of interest.
pub fn read_route(message: &Message<'_>) -> Result<Option<Route>, Malformed> {
    let (header, attributes) = message.header::<ROUTE_HEADER_BYTES>()?;
    let [family, prefix, _, _, table, _, _, kind, ..] = header;
    let mut table = u32::from(table);
    let (mut destination, mut link) = (Ipv4Addr::UNSPECIFIED, None);
    if family != Family::V4 as u8 || kind != u8::from(Rtn::Unicast) {
        return Ok(None);
    }
    for attribute in attributes {
        let attribute = attribute?;
        match Rta::from(attribute.kind) {
            Rta::Dst => destination = attribute.array().map(Ipv4Addr::from)?,
            Rta::Oif => link = Some(attribute.u32()?),
            Rta::Multipath => link = link.or(Some(first_hop(&attribute)?)),
            Rta::Table => table = attribute.u32()?,
            _ => {}
        }
    }
    let is_main = table == u32::from(u8::from(RtTable::Main));
    Ok(link.filter(|_| is_main).map(|link| Route {
        destination,
        prefix,
        link,
    }))
}

/// The link of the first `struct rtnexthop` of a route with several.
fn first_hop(attribute: &Attribute<'_>) -> Result<u32, Malformed> {
    let [_, _, _, _, i0, i1, i2, i3] = attribute.array()?;
    Ok(u32::from_ne_bytes([i0, i1, i2, i3]))
}

fn read_ip(attribute: &Attribute<'_>, family: Family) -> Result<IpAddr, Malformed> {
    Ok(match family {
        Family::V4 => Ipv4Addr::from(attribute.array::<4>()?).into(),
        Family::V6 => Ipv6Addr::from(attribute.array::<16>()?).into(),
    })
}

fn put_addresses(request: &mut Requests, address: &Address) {
    match address.address {
        IpAddr::V4(address) => {
            request.put(Ifa::Local.into(), &address.octets());
            request.put(Ifa::Address.into(), &address.octets());
        }
        IpAddr::V6(address) => request.put(Ifa::Local.into(), &address.octets()),
    }
}

fn address_header(address: &Address) -> [u8; ADDRESS_HEADER_BYTES] {
    let [i0, i1, i2, i3] = address.link.to_ne_bytes();
    let family = Family::of(&address.address);
    let flags = match family {
        Family::V4 => IfaF::empty(),
        Family::V6 => IfaF::NODAD,
    };
    let (family, flags) = (family as u8, flags.bits());
    [
        family,
        address.prefix,
        flags,
        address.scope.0,
        i0,
        i1,
        i2,
        i3,
    ]
}

fn host_route(kind: Rtm, flags: NlmF, destination: Ipv4Addr, link: u32) -> Requests {
    let mut header = [0; ROUTE_HEADER_BYTES];
    header[0] = Family::V4 as u8;
    header[1] = 32;
    header[4] = RtTable::Main.into();
    header[5] = Rtprot::Boot.into(); // who made it: not the kernel, and no routing daemon
    header[6] = RtScope::Link.into();
    header[7] = Rtn::Unicast.into();
    one(kind, flags, &header, |request| {
        request.put(Rta::Dst.into(), &destination.octets());
        request.put(Rta::Oif.into(), &link.to_ne_bytes());
        request.put(Rta::Prefsrc.into(), &destination.octets());
    })
}

fn dump(kind: Rtm, header: &[u8]) -> Requests {
    one(kind, NlmF::DUMP, header, |_| {})
}

fn one(kind: Rtm, flags: NlmF, header: &[u8], fill: impl FnOnce(&mut Requests)) -> Requests {
    let mut request = Requests::default();
    request.push_message(kind.into(), flags, header, fill);
    request
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(payload: &[u8]) -> Message<'_> {
        Message {
            kind: 0,
            flags: 0,
            sequence: 0,
            payload,
        }
    }

    #[test]
    fn an_address_of_a_point_to_point_link_is_the_near_one() {
        let bytes = [
            2, 32, 0x80, 253, 7, 0, 0, 0, // ifaddrmsg: permanent, of the link
            8, 0, 1, 0, 10, 0, 0, 2, // IFA_ADDRESS
            8, 0, 2, 0, 10, 0, 0, 1, // IFA_LOCAL
            9, 0, 3, 0, b'p', b'p', b'p', b'0', 0, 0, 0, 0, // IFA_LABEL
        ];
        let expected = Address {
            link: 7,
            address: "10.0.0.1".parse().unwrap(),
            prefix: 32,
            scope: Scope::LINK,
            label: Some("ppp0".into()),
            deprecated: false,
            tentative: false,
        };
        assert_eq!(read_address(&message(&bytes)), Ok(Some(expected)));
    }

    #[test]
    fn an_address_of_another_family_is_passed_over_and_one_cut_short_is_malformed() {
        assert_eq!(read_address(&message(&[7; 8])), Ok(None));
        assert_eq!(read_address(&message(&[2; 7])), Err(Malformed));
        assert_eq!(read_address(&message(&[2; 8])), Err(Malformed));
        let short = [2, 32, 0, 0, 7, 0, 0, 0, 6, 0, 2, 0, 10, 0, 0, 0];
        assert_eq!(read_address(&message(&short)), Err(Malformed));
    }

    #[test]
    fn only_unicast_routes_of_the_main_table_are_read() {
        let route = |table: u8, kind: u8| {
            let bytes = [
                2, 32, 0, 0, table, 3, 253, kind, 0, 0, 0, 0, // rtmsg
                8, 0, 1, 0, 10, 0, 0, 1, // RTA_DST
                8, 0, 4, 0, 1, 0, 0, 0, // RTA_OIF
            ];
            read_route(&message(&bytes)).unwrap()
        };
        let expected = Route {
            destination: Ipv4Addr::new(10, 0, 0, 1),
            prefix: 32,
            link: 1,
        };
        assert_eq!(route(254, 1), Some(expected));
        assert_eq!(route(255, 1), None);
        assert_eq!(route(254, 2), None);
    }

    #[test]
    fn a_network_has_what_shares_its_first_bits() {
        let of = |text: &str, prefix| Address {
            link: 1,
            address: text.parse().unwrap(),
            prefix,
            scope: Scope::UNIVERSE,
            label: None,
            deprecated: false,
            tentative: false,
        };
        for (own, prefix, other, expected) in [
            ("192.0.2.1", 24, "192.0.2.200", true),
            ("192.0.2.1", 25, "192.0.2.200", false),
            ("192.0.2.1", 0, "8.8.8.8", true),
            ("192.0.2.1", 32, "192.0.2.1", true),
            ("192.0.2.1", 32, "192.0.2.2", false),
            ("2001:db8::1", 64, "2001:db8::2", true),
            ("2001:db8::1", 0, "::1", true),
            ("2001:db8::1", 0, "192.0.2.1", false),
        ] {
            let has = of(own, prefix).network_has(&other.parse().unwrap());
            assert_eq!(has, expected, "{own}/{prefix} {other}");
        }
    }
}
