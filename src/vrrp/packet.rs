//! What stands round an advertisement: the IPv4 header, which its sender writes itself, and the IP
//! authentication header (RFC 2402) with HMAC-MD5-96 (RFC 2403) as keepalived makes it.

use std::net::{IpAddr, Ipv4Addr};

use hmac::{Hmac, KeyInit, Mac};
use md5::Md5;

use super::advert::ones_complement_sum;
use super::{PROTOCOL, Secret};

/// The number of the authentication header in the IP header.
pub const PROTOCOL_AH: u8 = 51;

/// The hop limit, or TTL, of every advert that has crossed no router (RFC 9568, section 5.1).
pub const HOP_LIMIT: u8 = 255;

/// DSCP CS6: internetwork control.
pub const TRAFFIC_CLASS: u8 = 0xc0;

/// Length of an IPv4 header without options.
const IPV4_BYTES: usize = 20;

/// Length of the authentication header with 96 bits of digest.
pub const AH_BYTES: usize = 24;

/// Length of the digest.
const DIGEST_BYTES: usize = 12;

/// Where the digest stands in the authentication header.
const DIGEST: usize = AH_BYTES - DIGEST_BYTES;

/// "Payload length" of the authentication header: its 32-bit words without the first two.
const AH_WORDS: u8 = (AH_BYTES / 4 - 2) as u8;

/// A packet with an advert in it, of either family: what was read and what came with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Datagram<'a> {
    /// Who sent it.
    pub source: IpAddr,
    /// To whom: the group, or this machine.
    pub destination: IpAddr,
    /// Its TTL or hop limit when it arrived.
    pub hop_limit: u8,
    /// Its authentication header, which only IPv4 has.
    pub header: Option<AuthenticationHeader<'a>>,
    /// The message.
    pub message: &'a [u8],
}

/// The authentication header of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AuthenticationHeader<'a> {
    /// "Security parameters index": keepalived has its address there.
    pub spi: u32,
    /// The sequence number, which grows from packet to packet.
    pub sequence: u32,
    /// The whole packet, over which the digest goes.
    packet: &'a [u8],
}

/// What an IPv4 packet lacks that it should be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is shorter than its headers.
    Short,
    /// It is not IPv4, or neither VRRP nor the authentication header is in it.
    Protocol,
    /// Its total length is not the number of bytes that arrived.
    Length,
    /// It is a fragment.
    Fragment,
    /// The authentication header is not one of HMAC-MD5-96 before VRRP.
    Header,
}

/// The IPv4 header of a packet that is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Envelope {
    /// Who sends it.
    pub source: Ipv4Addr,
    /// To whom.
    pub destination: Ipv4Addr,
    /// The TTL.
    pub hop_limit: u8,
    /// "Identification". The kernel puts a number of its own in the place of 0, which a digest
    /// would not stand.
    pub identification: u16,
}

/// Reads an IPv4 packet from its first byte, as a raw socket hands it over.
pub fn read_ipv4(packet: &[u8]) -> Result<Datagram<'_>, Malformed> {
    let header = packet.first_chunk::<IPV4_BYTES>().ok_or(Malformed::Short)?;
    if header[0] >> 4 != 4 {
        return Err(Malformed::Protocol);
    }
    let header_bytes = usize::from(header[0] & 0xf) * 4;
    if header_bytes < IPV4_BYTES || packet.len() < header_bytes {
        return Err(Malformed::Short);
    }
    if usize::from(u16::from_be_bytes([header[2], header[3]])) != packet.len() {
        return Err(Malformed::Length);
    }
    // The offset and "more fragments". The kernel puts fragments together before a raw socket
    // sees them; a packet socket would not.
    if u16::from_be_bytes([header[6], header[7]]) & 0x3fff != 0 {
        return Err(Malformed::Fragment);
    }
    let payload = &packet[header_bytes..];
    let (header, message) = match header[9] {
        PROTOCOL => (None, payload),
        PROTOCOL_AH => {
            let (ah, message) = payload
                .split_first_chunk::<AH_BYTES>()
                .ok_or(Malformed::Short)?;
            if ah[0] != PROTOCOL || ah[1] != AH_WORDS {
                return Err(Malformed::Header);
            }
            let word = |place: usize| {
                u32::from_be_bytes([ah[place], ah[place + 1], ah[place + 2], ah[place + 3]])
            };
            let header = AuthenticationHeader {
                spi: word(4),
                sequence: word(8),
                packet,
            };
            (Some(header), message)
        }
        _ => return Err(Malformed::Protocol),
    };
    let address = |place: usize| {
        Ipv4Addr::new(
            packet[place],
            packet[place + 1],
            packet[place + 2],
            packet[place + 3],
        )
    };
    Ok(Datagram {
        source: address(12).into(),
        destination: address(16).into(),
        hop_limit: packet[8],
        header,
        message,
    })
}

impl AuthenticationHeader<'_> {
    /// Whether the digest is the one that this key makes. It takes the same time for every wrong
    /// one.
    pub fn is_signed_with(&self, key: &Secret) -> bool {
        let header_bytes = usize::from(self.packet[0] & 0xf) * 4;
        let given = self
            .packet
            .get(header_bytes + DIGEST..header_bytes + AH_BYTES);
        given.is_some_and(|given| {
            digest(self.packet, header_bytes, key)
                .is_some_and(|mac| mac.verify_truncated_left(given).is_ok())
        })
    }
}

/// Writes the IPv4 packet of a message; with an authentication header when there is a key, and a
/// sequence number for it.
pub fn write_ipv4(envelope: &Envelope, message: &[u8], sign: Option<(&Secret, u32)>) -> Vec<u8> {
    let ah_bytes = if sign.is_some() { AH_BYTES } else { 0 };
    let total = u16::try_from(IPV4_BYTES + ah_bytes + message.len()).unwrap_or(u16::MAX);
    let mut packet = vec![0x45, TRAFFIC_CLASS];
    packet.extend(total.to_be_bytes());
    packet.extend(envelope.identification.to_be_bytes());
    packet.extend([0, 0, envelope.hop_limit]);
    packet.extend([
        if sign.is_some() {
            PROTOCOL_AH
        } else {
            PROTOCOL
        },
        0,
        0,
    ]);
    packet.extend(envelope.source.octets());
    packet.extend(envelope.destination.octets());
    let sum = !ones_complement_sum(&[&packet]);
    packet[10..12].copy_from_slice(&sum.to_be_bytes());
    if let Some((_, sequence)) = sign {
        packet.extend([PROTOCOL, AH_WORDS, 0, 0]);
        packet.extend(envelope.source.octets()); // the SPI
        packet.extend(sequence.to_be_bytes());
        packet.extend([0; DIGEST_BYTES]);
    }
    packet.extend(message);
    if let Some(mac) = sign.and_then(|(key, _)| digest(&packet, IPV4_BYTES, key)) {
        let digest = mac.finalize().into_bytes();
        packet[IPV4_BYTES + DIGEST..][..DIGEST_BYTES].copy_from_slice(&digest[..DIGEST_BYTES]);
    }
    packet
}

/// The digest over a packet with what changes on the way taken as 0. keepalived leaves the TTL in
/// when the packet goes to a group, which no router passes on; RFC 2402 would not.
fn digest(packet: &[u8], header_bytes: usize, key: &Secret) -> Option<Hmac<Md5>> {
    let mut header = *packet.first_chunk::<IPV4_BYTES>()?;
    header[1] = 0;
    header[6..8].fill(0);
    header[10..12].fill(0);
    if !Ipv4Addr::new(header[16], header[17], header[18], header[19]).is_multicast() {
        header[8] = 0;
    }
    let before = packet.get(header_bytes..header_bytes + DIGEST)?;
    let message = packet.get(header_bytes + AH_BYTES..)?;
    let mut mac = Hmac::<Md5>::new_from_slice(key.bytes()).ok()?;
    mac.update(&header);
    mac.update(packet.get(IPV4_BYTES..header_bytes)?);
    mac.update(before);
    mac.update(&[0; DIGEST_BYTES]);
    mac.update(message);
    Some(mac)
}
