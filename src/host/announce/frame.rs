//! The frames that tell a link where an address is now: gratuitous ARP (RFC 5227) and
//! unsolicited neighbour advertisements (RFC 4861, section 7.2.6), as whole Ethernet frames.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

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

/// The one's complement sum of the internet checksum (RFC 1071) over parts of an even length.
fn ones_complement_sum(parts: &[&[u8]]) -> u16 {
    let pairs = parts.iter().flat_map(|part| part.chunks_exact(2));
    let words = pairs.map(|pair| u64::from(u16::from_be_bytes([pair[0], pair[1]])));
    let mut sum: u64 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0, 0, 0, 1];

    #[test]
    fn an_arp_request_asks_for_the_address_that_it_comes_from() {
        let frame = frame("192.0.2.1".parse().unwrap(), MAC, false);
        assert_eq!(
            frame[..14],
            [[0xff; 6], MAC, [8, 6, 0, 1, 8, 0]].concat()[..14]
        );
        assert_eq!(frame[28..32], [192, 0, 2, 1]);
        assert_eq!(frame[38..42], [192, 0, 2, 1]);
        assert_eq!(frame.len(), 42);
    }

    #[test]
    fn a_neighbour_advertisement_has_a_right_checksum() {
        let frame = frame("2001:db8::1".parse().unwrap(), MAC, true);
        let (header, body) = frame[14..].split_at(40);
        let length = [0, 0, 0, body.len() as u8, 0, 0, 0, ICMPV6];
        let sum = ones_complement_sum(&[&header[8..40], &length, body]);
        assert_eq!((sum, body[0], body[4]), (0xffff, 136, 0xa0));
        assert_eq!(header[7], 255);
    }
}
