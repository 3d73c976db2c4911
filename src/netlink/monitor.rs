//! What the kernel tells of links and addresses as they change (rtnetlink(7), `RTNLGRP_*`).

use neli::consts::rtnl::{Frattr, Iff, Ifla, Rtm};

use super::route::{self, Address};
use super::{Malformed, Message};

/// `RTNLGRP_LINK`, `RTNLGRP_IPV4_IFADDR`, `RTNLGRP_IPV6_IFADDR`.
pub(super) const GROUPS: [u32; 3] = [1, 5, 9];

/// `RTNLGRP_IPV4_ROUTE`, `RTNLGRP_IPV4_RULE`, `RTNLGRP_IPV6_ROUTE`, `RTNLGRP_IPV6_RULE`.
pub(super) const ROUTING_GROUPS: [u32; 4] = [7, 8, 11, 19];

/// By whom routes and rules were made that are ours: `RTPROT_KEEPALIVED`.
pub const PROTOCOL: u8 = 18;

/// Length of `struct rtmsg` and of `struct fib_rule_hdr`.
const ROUTING_HEADER_BYTES: usize = 12;

/// Length of `struct ifinfomsg`.
const LINK_HEADER_BYTES: usize = 16;

/// A network interface, as far as it matters to who speaks over it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interface {
    /// The number by which addresses and sockets refer to it.
    pub index: u32,
    /// Its name, as `eth0`.
    pub name: String,
    /// Whether packets can leave it: up, and with a carrier (IFF_UP, IFF_RUNNING).
    pub running: bool,
    /// Its Ethernet address, if it has one.
    pub mac: Option<[u8; 6]>,
}

/// What has changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// This is how an interface is now.
    Interface(Interface),
    /// The interface of this number is gone.
    InterfaceGone(u32),
    /// An address was put up.
    AddressAdded(Address),
    /// An address was taken off.
    AddressRemoved(Address),
    /// A route or a rule of [`PROTOCOL`] was taken off.
    RoutingRemoved,
}

/// Reads a notice; what is none of these is passed over.
pub fn read_notice(message: &Message<'_>) -> Result<Option<Notice>, Malformed> {
    match Rtm::from(message.kind) {
        Rtm::Newlink => Ok(read_interface(message)?.map(Notice::Interface)),
        Rtm::Dellink => Ok(read_interface(message)?.map(|link| Notice::InterfaceGone(link.index))),
        Rtm::Newaddr => Ok(route::read_address(message)?.map(Notice::AddressAdded)),
        Rtm::Deladdr => Ok(route::read_address(message)?.map(Notice::AddressRemoved)),
        Rtm::Delroute => Ok(is_our_route(message)?.then_some(Notice::RoutingRemoved)),
        Rtm::Delrule => Ok(is_our_rule(message)?.then_some(Notice::RoutingRemoved)),
        _ => Ok(None),
    }
}

fn is_our_route(message: &Message<'_>) -> Result<bool, Malformed> {
    let ([_, _, _, _, _, protocol, ..], _) = message.header::<ROUTING_HEADER_BYTES>()?;
    Ok(protocol == PROTOCOL)
}

fn is_our_rule(message: &Message<'_>) -> Result<bool, Malformed> {
    let (_, attributes) = message.header::<ROUTING_HEADER_BYTES>()?;
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind == u16::from(Frattr::Protocol) {
            return Ok(attribute.u8()? == PROTOCOL);
        }
    }
    Ok(false)
}

/// Reads an interface.
pub fn read_interface(message: &Message<'_>) -> Result<Option<Interface>, Malformed> {
    let (header, attributes) = message.header::<LINK_HEADER_BYTES>()?;
    let [family, _, _, _, i0, i1, i2, i3, f0, f1, f2, f3, ..] = header;
    // A bridge tells of its ports with a family of its own.
    if family != 0 {
        return Ok(None);
    }
    let flags = Iff::from_bits_truncate(u32::from_ne_bytes([f0, f1, f2, f3]));
    let mut interface = Interface {
        index: u32::from_ne_bytes([i0, i1, i2, i3]),
        name: String::new(),
        running: flags.contains(Iff::UP | Iff::RUNNING),
        mac: None,
    };
    for attribute in attributes {
        let attribute = attribute?;
        match Ifla::from(attribute.kind) {
            Ifla::Ifname => interface.name = attribute.string(route::LONGEST_NAME)?,
            Ifla::Address => interface.mac = <[u8; 6]>::try_from(attribute.value).ok(),
            _ => {}
        }
    }
    Ok(Some(interface))
}
