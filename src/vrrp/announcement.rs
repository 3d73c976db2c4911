//! How a new master tells the link where an address is now: gratuitous ARP (RFC 5227) and
//! unsolicited neighbour advertisements (RFC 4861, section 7.2.6), as whole Ethernet frames.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::Family;

use super::Vrid;
use super::advert::ones_complement_sum;

/// An address of an Ethernet interface.
pub type Mac = [u8; 6];

const BROADCAST: Mac = [0xff; 6];

/// Where `ff02::1` goes.
const ALL_NODES_MAC: Mac = [0x33, 0x33, 0, 0, 0, 1];

const ETHERTYPE_ARP: [u8; 2] = [0x08, 0x06];
const ETHERTYPE_IPV6: [u8; 2] = [0x86, 0xdd];

/// Hardware type Ethernet, protocol type IPv4, their lengths, and "request": hosts that take no
/// replies for granted take requests.
const ARP_REQUEST: [u8; 8] = [0, 1, 8, 0, 6, 4, 0, 1];

const ICMPV6: u8 = 58;

/// The frame that tells all hosts on the link that `address` is at `mac`. A router says that it is
/// one to IPv6.
pub fn frame(address: IpAddr, mac: Mac, is_router: bool) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => gratuitous_arp(address, mac),
        IpAddr::V6(address) => neighbour_advertisement(address, mac, is_router),
    }
}

fn gratuitous_arp(address: Ipv4Addr, mac: Mac) -> Vec<u8> {
    let mut frame = ethernet(BROADCAST, mac, ETHERTYPE_ARP);
    frame.extend(ARP_REQUEST);
    frame.extend(mac);
    frame.extend(address.octets());
    frame.extend(BROADCAST);
    frame.extend(address.octets());
    frame
}

fn neighbour_advertisement(address: Ipv6Addr, mac: Mac, is_router: bool) -> Vec<u8> {
    let all_nodes = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1).octets();
    let flags = if is_router { 0xa0 } else { 0x20 }; // override; and router
    let mut body = vec![136, 0, 0, 0, flags, 0, 0, 0];
    body.extend(address.octets());
    body.extend([2, 1]); // option: target link-layer address, of 8 bytes
    body.extend(mac);
    let length = body.len() as u8;
    let pseudo = [0, 0, 0, length, 0, 0, 0, ICMPV6];
    let sum = !ones_complement_sum(&[&address.octets(), &all_nodes, &pseudo, &body]);
    body[2..4].copy_from_slice(&sum.to_be_bytes());
    let mut frame = ethernet(ALL_NODES_MAC, mac, ETHERTYPE_IPV6);
    frame.extend([0x60, 0, 0, 0, 0, length, ICMPV6, 255]);
    frame.extend(address.octets());
    frame.extend(all_nodes);
    frame.extend(body);
    frame
}

fn ethernet(destination: Mac, source: Mac, kind: [u8; 2]) -> Vec<u8> {
    let mut frame = destination.to_vec();
    frame.extend(source);
    frame.extend(kind);
    frame
}

/// The address of a virtual router itself (RFC 9568, section 7.3).
pub fn virtual_mac(family: Family, vrid: Vrid) -> Mac {
    let kind = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    [0, 0, 0x5e, 0, kind, vrid.number()]
}
