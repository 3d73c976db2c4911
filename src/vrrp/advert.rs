//! Advertisements, the one message of VRRP, to bytes and back.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::Family;

use super::{Interval, PROTOCOL, Priority, Version, Vrid};

/// Length of what stands before the addresses.
const HEADER_BYTES: usize = 8;

/// Length of the authentication data of version 2 over IPv4.
const DATA_BYTES: usize = 8;

/// The only type of message there is (RFC 9568, section 5.2.2).
const TYPE_ADVERTISEMENT: u8 = 1;

/// Where the checksum stands.
const CHECKSUM: usize = 6;

/// What a master says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advertisement {
    /// The virtual router that it is about.
    pub vrid: Vrid,
    /// The master's priority.
    pub priority: Priority,
    /// Time to the next one.
    pub interval: Interval,
    /// The virtual addresses in the order they were configured; all of the family of the packet.
    /// There may be none.
    pub addresses: Vec<IpAddr>,
    /// What only one version has.
    pub body: Body,
}

/// What of an advertisement only one version has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Version 2.
    V2 {
        /// What kind of authentication it has: 0 none, 1 a password, 2 the IP authentication
        /// header.
        kind: u8,
        /// The authentication data: zeros unless there is a password. Over IPv6 there is none on
        /// the wire.
        data: [u8; 8],
    },
    /// Version 3.
    V3,
}

/// Over what the checksum goes beside the message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PseudoHeader {
    /// Nothing: version 2 over IPv4; version 3 over IPv4 as RFC 9568 has it.
    None,
    /// Source, destination, length and protocol: IPv6; keepalived's version 3 over IPv4.
    Of(IpAddr, IpAddr),
}

/// Bytes that are no advertisement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// Shorter than its own header.
    Short,
    /// Another version than 2 and 3.
    Version(u8),
    /// No advertisement.
    Type(u8),
    /// VRID 0.
    Vrid,
    /// An interval of 0.
    Interval,
    /// The length is not what the count of addresses makes it.
    Length {
        /// Bytes that there should be.
        expected: usize,
        /// Bytes that there are.
        actual: usize,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Malformed::Short => write!(f, "too short"),
            Malformed::Version(version) => write!(f, "unknown version {version}"),
            Malformed::Type(kind) => write!(f, "unknown type {kind}"),
            Malformed::Vrid => write!(f, "VRID 0"),
            Malformed::Interval => write!(f, "advertisement interval 0"),
            Malformed::Length { expected, actual } => {
                write!(
                    f,
                    "length {actual}, its count of addresses makes {expected}"
                )
            }
        }
    }
}

/// The VRID that a message names, if it is long enough to name one. Nothing else is checked.
pub fn vrid(message: &[u8]) -> Option<Vrid> {
    message.get(1).and_then(|&number| Vrid::new(number))
}

impl Advertisement {
    /// Its version.
    pub fn version(&self) -> Version {
        match self.body {
            Body::V2 { .. } => Version::V2,
            Body::V3 => Version::V3,
        }
    }

    /// Reads a message out of a packet of `family`. The checksum is not looked at: see
    /// [`checksum_is_right`].
    pub fn decode(message: &[u8], family: Family) -> Result<Self, Malformed> {
        let (header, rest) = message
            .split_first_chunk::<HEADER_BYTES>()
            .ok_or(Malformed::Short)?;
        let [first, vrid, priority, count, fourth, fifth, _, _] = *header;
        let version = match first >> 4 {
            2 => Version::V2,
            3 => Version::V3,
            other => return Err(Malformed::Version(other)),
        };
        let address_bytes = address_bytes(family);
        let addresses_end = usize::from(count) * address_bytes;
        let expected = addresses_end + data_bytes(version, family);
        if rest.len() != expected {
            return Err(Malformed::Length {
                expected: HEADER_BYTES + expected,
                actual: message.len(),
            });
        }
        if first & 0xf != TYPE_ADVERTISEMENT {
            return Err(Malformed::Type(first & 0xf));
        }
        let (addresses, rest) = rest.split_at(addresses_end);
        let (interval, body) = match version {
            Version::V2 => {
                let data = rest.first_chunk().copied().unwrap_or_default();
                let body = Body::V2 { kind: fourth, data };
                (Interval::from_seconds(fifth), body)
            }
            Version::V3 => {
                // The four high bits are reserved, and to be ignored.
                let interval = u16::from_be_bytes([fourth, fifth]) & 0xfff;
                (Interval::from_centiseconds(interval), Body::V3)
            }
        };
        Ok(Advertisement {
            vrid: Vrid::new(vrid).ok_or(Malformed::Vrid)?,
            priority: Priority(priority),
            interval: interval.ok_or(Malformed::Interval)?,
            addresses: addresses
                .chunks_exact(address_bytes)
                .filter_map(read_address)
                .collect(),
            body,
        })
    }

    /// Writes the message for a packet of `family`. Addresses of the other family and those after
    /// the 255th are left out; an interval that the version cannot tell is told as its longest.
    pub fn encode(&self, family: Family, pseudo: PseudoHeader) -> Vec<u8> {
        let version = self.version();
        let addresses: Vec<_> = self
            .addresses
            .iter()
            .filter(|address| Family::of(address) == family)
            .take(255)
            .collect();
        let count = u8::try_from(addresses.len()).unwrap_or(u8::MAX);
        let [fourth, fifth] = match self.body {
            Body::V2 { kind, .. } => [kind, self.interval.seconds().unwrap_or(u8::MAX)],
            Body::V3 => self
                .interval
                .min(Interval::LONGEST_V3)
                .centiseconds()
                .to_be_bytes(),
        };
        let first = (version as u8) << 4 | TYPE_ADVERTISEMENT;
        let mut bytes = vec![first, self.vrid.number(), self.priority.0, count];
        bytes.extend([fourth, fifth, 0, 0]);
        for address in addresses {
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
        }
        if let (Body::V2 { data, .. }, Family::V4) = (self.body, family) {
            bytes.extend(data);
        }
        let sum = !sum(&bytes, pseudo);
        bytes[CHECKSUM..][..2].copy_from_slice(&sum.to_be_bytes());
        bytes
    }
}

/// Whether the checksum of a message is right.
pub fn checksum_is_right(message: &[u8], pseudo: PseudoHeader) -> bool {
    sum(message, pseudo) == 0xffff
}

/// The one's complement sum of the internet checksum (RFC 1071) over whole 16-bit words; a last odd
/// byte is the high half of one.
pub(super) fn ones_complement_sum(parts: &[&[u8]]) -> u16 {
    let mut sum: u64 = 0;
    for part in parts {
        for pair in part.chunks(2) {
            let low = pair.get(1).copied().unwrap_or(0);
            sum += u64::from(u16::from_be_bytes([pair[0], low]));
        }
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    sum as u16
}

/// The sum of a message and its pseudo-header. IPv6 has longer fields than IPv4 there, with the
/// same sum.
fn sum(message: &[u8], pseudo: PseudoHeader) -> u16 {
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    let rest = [length.to_be_bytes(), u32::from(PROTOCOL).to_be_bytes()].concat();
    match pseudo {
        PseudoHeader::None => ones_complement_sum(&[message]),
        PseudoHeader::Of(source, destination) => {
            ones_complement_sum(&[&octets(source), &octets(destination), &rest, message])
        }
    }
}

pub(super) fn octets(address: IpAddr) -> Vec<u8> {
    match address {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    }
}

fn address_bytes(family: Family) -> usize {
    match family {
        Family::V4 => 4,
        Family::V6 => 16,
    }
}

fn data_bytes(version: Version, family: Family) -> usize {
    match (version, family) {
        (Version::V2, Family::V4) => DATA_BYTES,
        _ => 0,
    }
}

fn read_address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(*bytes.first_chunk::<4>()?).into()),
        16 => Some(Ipv6Addr::from(*bytes.first_chunk::<16>()?).into()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const V3: [u8; 12] = [0x31, 0x36, 200, 1, 0, 10, 0x11, 0xb8, 10, 9, 0, 100];

    fn pseudo() -> PseudoHeader {
        PseudoHeader::Of(
            Ipv4Addr::new(10, 9, 0, 1).into(),
            Ipv4Addr::new(224, 0, 0, 18).into(),
        )
    }

    #[test]
    fn version_3_tells_centiseconds_and_sums_the_pseudo_header() {
        let advert = Advertisement::decode(&V3, Family::V4).unwrap();
        assert_eq!(advert.interval.centiseconds(), 10);
        assert_eq!(advert.priority, Priority(200));
        assert!(checksum_is_right(&V3, pseudo()));
        assert!(!checksum_is_right(&V3, PseudoHeader::None));
        assert_eq!(advert.encode(Family::V4, pseudo()), V3);
    }

    #[test]
    fn the_reserved_bits_of_version_3_are_ignored() {
        let mut bytes = V3;
        bytes[4] |= 0xf0;
        let advert = Advertisement::decode(&bytes, Family::V4).unwrap();
        assert_eq!(advert.interval.centiseconds(), 10);
    }

    #[test]
    fn bytes_that_are_no_advertisement_say_why() {
        let with = |place: usize, byte: u8| {
            let mut bytes = V3;
            bytes[place] = byte;
            Advertisement::decode(&bytes, Family::V4).unwrap_err()
        };
        assert_eq!(with(0, 0x41), Malformed::Version(4));
        assert_eq!(with(0, 0x32), Malformed::Type(2));
        assert_eq!(with(1, 0), Malformed::Vrid);
        assert_eq!(with(5, 0), Malformed::Interval);
        let (expected, actual) = (16, 12);
        assert_eq!(with(3, 2), Malformed::Length { expected, actual });
        assert_eq!(
            Advertisement::decode(&V3[..7], Family::V4),
            Err(Malformed::Short)
        );
        assert!(Advertisement::decode(&V3, Family::V6).is_err());
    }
}
