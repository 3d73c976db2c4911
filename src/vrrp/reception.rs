//! Which adverts are believed: the checks on a received packet, in keepalived's order, so that the
//! first fault found is the same one. A packet that fails one changes nothing.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::addr::Family;

use super::advert::{self, Advertisement, Body, PseudoHeader, checksum_is_right};
use super::packet::{Datagram, HOP_LIMIT};
use super::{Authentication, Interval, Secret, Version, Vrid, group_address};

/// The last sequence number that is sent or believed; keepalived stops two before the end.
const LAST_SEQUENCE: u32 = 0xffff_fffd;

/// What an advert has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expected {
    /// For which virtual router.
    pub vrid: Vrid,
    /// In which version.
    pub version: Version,
    /// In packets of which family.
    pub family: Family,
    /// How it is authenticated; only version 2 over IPv4 is.
    pub authentication: Authentication,
    /// How often: version 2 believes only its own interval.
    pub interval: Interval,
    /// The virtual addresses, in any order.
    pub addresses: Vec<IpAddr>,
    /// Who may send adverts to this machine alone; nobody when adverts go to the group.
    pub peers: Vec<IpAddr>,
    /// The checksum of version 3 over IPv4.
    pub checksum: Checksum,
}

/// What the checksum of version 3 over IPv4 covers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksum {
    /// Source and destination too, as keepalived has it; and as [`Checksum::OldUnicast`] once a peer
    /// does so.
    #[default]
    Pseudo,
    /// As [`Checksum::Pseudo`], and a peer that sums the old way is not believed.
    NeverOld,
    /// As [`Checksum::Pseudo`], with the group as the destination though it is a peer: keepalived
    /// up to 1.3.6. Peers may sum as [`Checksum::Pseudo`].
    OldUnicast,
    /// The message alone, as RFC 9568 has it.
    Message,
}

impl Checksum {
    /// What the checksum of a packet covers beside the message.
    pub fn pseudo_header(
        self,
        version: Version,
        source: IpAddr,
        destination: IpAddr,
    ) -> PseudoHeader {
        match (version, Family::of(&source), self) {
            (_, Family::V6, _) => PseudoHeader::Of(source, destination),
            (Version::V2, Family::V4, _) | (_, _, Checksum::Message) => PseudoHeader::None,
            (Version::V3, Family::V4, Checksum::Pseudo | Checksum::NeverOld) => {
                PseudoHeader::Of(source, destination)
            }
            (Version::V3, Family::V4, Checksum::OldUnicast) => {
                PseudoHeader::Of(source, group_address(Family::V4))
            }
        }
    }
}

/// Why an advert is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// It has an authentication header, and here there is none.
    HeaderUnexpected,
    /// It has no authentication header.
    HeaderMissing,
    /// It is no advertisement.
    Malformed(advert::Malformed),
    /// It came over a router, or claims to.
    HopLimit(u8),
    /// Another version: its own, and ours.
    Version(Version, Version),
    /// Authentication of this kind, and ours is another.
    AuthenticationType(u8),
    /// Another password.
    Password,
    /// A digest that our key does not make.
    Digest,
    /// An authentication header that somebody else than the sender made.
    SecurityIndex,
    /// Its sequence number has been seen, or a later one.
    Replay,
    /// Version 2 with another interval: its own, and ours.
    Interval(Interval, Interval),
    /// Another number of addresses: its own, and ours.
    AddressCount(usize, usize),
    /// Damaged on its way, or summed in another way.
    Checksum,
    /// Sent to this machine, and here adverts go to the group; or the other way round.
    Destination(IpAddr),
    /// It does not have this one of our addresses.
    Address(IpAddr),
    /// Sent by nobody that is a peer here.
    Stranger,
    /// Another virtual router.
    Vrid,
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Rejection::HeaderUnexpected => {
                write!(
                    f,
                    "it has an IP authentication header, here authentication is another"
                )
            }
            Rejection::HeaderMissing => write!(f, "it has no IP authentication header"),
            Rejection::Malformed(malformed) => malformed.fmt(f),
            Rejection::HopLimit(limit) => {
                write!(
                    f,
                    "TTL {limit}: it crossed a router, or was not sent by VRRP"
                )
            }
            Rejection::Version(theirs, ours) => {
                write!(f, "VRRP version {theirs}, here it is {ours}")
            }
            Rejection::AuthenticationType(0) => {
                write!(f, "it has no authentication, here there is")
            }
            Rejection::AuthenticationType(1) => write!(f, "it has a password, here there is none"),
            Rejection::AuthenticationType(kind) => {
                write!(f, "authentication type {kind}, here it is another")
            }
            Rejection::Password => write!(f, "its password is another"),
            Rejection::Digest => write!(
                f,
                "its digest is wrong: its key is another, or it is forged"
            ),
            Rejection::SecurityIndex => write!(f, "its SPI is not its sender's address"),
            Rejection::Replay => write!(f, "its sequence number was seen before: a replay"),
            Rejection::Interval(theirs, ours) => {
                write!(f, "advertisement interval {theirs} s, here it is {ours} s")
            }
            Rejection::AddressCount(theirs, ours) => {
                write!(f, "virtual addresses: {theirs}, here there are {ours}")
            }
            Rejection::Checksum => write!(f, "its checksum is wrong"),
            Rejection::Destination(address) if address.is_multicast() => {
                write!(f, "it went to the group, here adverts go to peers")
            }
            Rejection::Destination(_) => {
                write!(f, "it went to this machine, here adverts go to the group")
            }
            Rejection::Address(address) => write!(f, "it lacks the virtual address {address}"),
            Rejection::Stranger => write!(f, "its sender is no peer"),
            Rejection::Vrid => write!(f, "another VRID"),
        }
    }
}

impl From<advert::Malformed> for Rejection {
    fn from(malformed: advert::Malformed) -> Self {
        Rejection::Malformed(malformed)
    }
}

/// Checks adverts, and remembers what it takes to: the sequence numbers of the authentication
/// header, and how the other side sums.
#[derive(Clone, Debug)]
pub struct Reception {
    expected: Expected,
    /// The last number heard or sent: one counter serves both directions, so that a new master
    /// goes on from the old one's.
    sequence: u32,
}

impl Reception {
    /// Nothing heard yet.
    pub fn new(expected: Expected) -> Self {
        Reception {
            expected,
            sequence: 0,
        }
    }

    /// What an advert has to be.
    pub fn expected(&self) -> &Expected {
        &self.expected
    }

    /// The sequence number of the next advert sent here; none after the last one.
    pub fn next_sequence(&mut self) -> Option<u32> {
        if self.sequence >= LAST_SEQUENCE {
            return None;
        }
        self.sequence += 1;
        Some(self.sequence)
    }

    /// Reads the advert out of a packet, if all is as it has to be.
    pub fn check(&mut self, datagram: &Datagram<'_>) -> Result<Advertisement, Rejection> {
        let expected = &self.expected;
        let unicast = !expected.peers.is_empty();
        if advert::vrid(datagram.message) != Some(expected.vrid) {
            return Err(Rejection::Vrid);
        }
        match (&datagram.header, expected.authentication) {
            (None, Authentication::Header(_)) => return Err(Rejection::HeaderMissing),
            (Some(_), Authentication::None | Authentication::Simple(_)) => {
                return Err(Rejection::HeaderUnexpected);
            }
            _ => {}
        }
        let decoded = Advertisement::decode(datagram.message, expected.family);
        use advert::Malformed::{Length, Short};
        if let Err(malformed @ (Short | Length { .. })) = decoded {
            return Err(malformed.into());
        }
        if !unicast && datagram.hop_limit != HOP_LIMIT {
            return Err(Rejection::HopLimit(datagram.hop_limit));
        }
        let advert = decoded?;
        if advert.version() != expected.version {
            return Err(Rejection::Version(advert.version(), expected.version));
        }
        let sequence = self.authenticate(datagram, &advert)?;
        let expected = &mut self.expected;
        if expected.version == Version::V2 && advert.interval != expected.interval {
            return Err(Rejection::Interval(advert.interval, expected.interval));
        }
        let (theirs, ours) = (advert.addresses.len(), expected.addresses.len());
        if theirs != ours {
            return Err(Rejection::AddressCount(theirs, ours));
        }
        let sums = |checksum: Checksum| {
            let (source, destination) = (datagram.source, datagram.destination);
            let pseudo = checksum.pseudo_header(expected.version, source, destination);
            checksum_is_right(datagram.message, pseudo)
        };
        let old = match (sums(expected.checksum), unicast, expected.checksum) {
            (true, _, _) => false,
            (false, true, Checksum::Pseudo) if sums(Checksum::OldUnicast) => true,
            // A keepalived that has noticed the old way says that it goes on so, and does not.
            (false, true, Checksum::OldUnicast) if sums(Checksum::Pseudo) => false,
            _ => return Err(Rejection::Checksum),
        };
        if datagram.destination.is_multicast() == unicast {
            return Err(Rejection::Destination(datagram.destination));
        }
        let lacks = |address: &&IpAddr| !advert.addresses.contains(address);
        if let Some(&address) = expected.addresses.iter().find(lacks) {
            return Err(Rejection::Address(address));
        }
        if unicast && !expected.peers.contains(&datagram.source) {
            return Err(Rejection::Stranger);
        }
        if old {
            expected.checksum = Checksum::OldUnicast;
        }
        self.sequence = sequence.unwrap_or(self.sequence);
        Ok(advert)
    }

    /// The authentication of version 2; with the header it gives back the sequence number.
    fn authenticate(
        &self,
        datagram: &Datagram<'_>,
        advert: &Advertisement,
    ) -> Result<Option<u32>, Rejection> {
        let Body::V2 { kind, data } = advert.body else {
            return Ok(None);
        };
        let wanted = self.expected.authentication;
        if kind != wanted.kind() {
            return Err(Rejection::AuthenticationType(kind));
        }
        match (wanted, &datagram.header) {
            (Authentication::Simple(password), _) if !same(&data, password) => {
                Err(Rejection::Password)
            }
            (Authentication::Header(key), Some(header)) => {
                if !header.is_signed_with(&key) {
                    return Err(Rejection::Digest);
                }
                if datagram.source != IpAddr::from(Ipv4Addr::from(header.spi)) {
                    return Err(Rejection::SecurityIndex);
                }
                if header.sequence <= self.sequence || header.sequence > LAST_SEQUENCE {
                    return Err(Rejection::Replay);
                }
                Ok(Some(header.sequence))
            }
            _ => Ok(None),
        }
    }
}

impl Authentication {
    /// Its number in an advert.
    pub fn kind(self) -> u8 {
        match self {
            Authentication::None => 0,
            Authentication::Simple(_) => 1,
            Authentication::Header(_) => 2,
        }
    }

    /// What stands behind the addresses of an advert of version 2.
    pub fn data(self) -> [u8; 8] {
        match self {
            Authentication::Simple(password) => *password.bytes(),
            Authentication::None | Authentication::Header(_) => [0; 8],
        }
    }
}

/// Compares in the same time whatever the data is.
fn same(data: &[u8; 8], password: Secret) -> bool {
    let pairs = data.iter().zip(password.bytes());
    pairs.fold(0, |difference, (one, other)| difference | (one ^ other)) == 0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::Priority;
    use crate::vrrp::packet::{Envelope, read_ipv4, write_ipv4};

    const US: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 2);
    const THEM: Ipv4Addr = Ipv4Addr::new(10, 9, 0, 1);
    const VIP: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 9, 0, 100));
    const GROUP: Ipv4Addr = Ipv4Addr::new(224, 0, 0, 18);

    fn expected(version: Version, authentication: Authentication) -> Expected {
        Expected {
            vrid: Vrid(51),
            version,
            family: Family::V4,
            authentication,
            interval: Interval::DEFAULT,
            addresses: vec![VIP],
            peers: vec![],
            checksum: Checksum::Pseudo,
        }
    }

    /// What one that expects the same would send.
    fn packet(expected: &Expected, envelope: Envelope, sequence: u32) -> Vec<u8> {
        let body = match expected.version {
            Version::V2 => Body::V2 {
                kind: expected.authentication.kind(),
                data: expected.authentication.data(),
            },
            Version::V3 => Body::V3,
        };
        let advert = Advertisement {
            vrid: expected.vrid,
            priority: Priority(150),
            interval: expected.interval,
            addresses: expected.addresses.clone(),
            body,
        };
        let (source, destination) = (envelope.source.into(), envelope.destination.into());
        let pseudo = expected
            .checksum
            .pseudo_header(expected.version, source, destination);
        let sign = match &expected.authentication {
            Authentication::Header(key) => Some((key, sequence)),
            _ => None,
        };
        write_ipv4(&envelope, &advert.encode(Family::V4, pseudo), sign)
    }

    fn to_group() -> Envelope {
        Envelope {
            source: THEM,
            destination: GROUP,
            hop_limit: 255,
            identification: 1,
        }
    }

    fn verdict(ours: &Expected, theirs: &Expected, envelope: Envelope) -> Option<Rejection> {
        let packet = packet(theirs, envelope, 1);
        Reception::new(ours.clone())
            .check(&read_ipv4(&packet).unwrap())
            .err()
    }

    #[test]
    fn what_the_other_side_has_otherwise_is_the_reason() {
        let secret = |text: &str| Secret::new(text.as_bytes());
        let plain = expected(Version::V2, Authentication::None);
        let simple = expected(Version::V2, Authentication::Simple(secret("one")));
        let other = expected(Version::V2, Authentication::Simple(secret("two")));
        let header = expected(Version::V2, Authentication::Header(secret("one")));
        let forged = expected(Version::V2, Authentication::Header(secret("two")));
        let third = expected(Version::V3, Authentication::None);
        let slow = Expected {
            interval: Interval(200),
            ..plain.clone()
        };
        let slow_third = Expected {
            interval: Interval(200),
            ..third.clone()
        };
        let two = Expected {
            addresses: vec![VIP, US.into()],
            ..plain.clone()
        };
        let another = Expected {
            addresses: vec![US.into()],
            ..plain.clone()
        };
        let unsummed = Expected {
            checksum: Checksum::Message,
            ..third.clone()
        };
        for (ours, theirs, reason) in [
            (&plain, &plain, None),
            (&simple, &simple, None),
            (&header, &header, None),
            (&third, &third, None),
            (&unsummed, &unsummed, None),
            (&third, &slow_third, None),
            (&simple, &plain, Some(Rejection::AuthenticationType(0))),
            (&plain, &simple, Some(Rejection::AuthenticationType(1))),
            (&simple, &other, Some(Rejection::Password)),
            (&plain, &header, Some(Rejection::HeaderUnexpected)),
            (&header, &plain, Some(Rejection::HeaderMissing)),
            (&header, &forged, Some(Rejection::Digest)),
            (
                &plain,
                &third,
                Some(Rejection::Version(Version::V3, Version::V2)),
            ),
            (
                &third,
                &plain,
                Some(Rejection::Version(Version::V2, Version::V3)),
            ),
            (
                &plain,
                &slow,
                Some(Rejection::Interval(Interval(200), Interval(100))),
            ),
            (&plain, &two, Some(Rejection::AddressCount(2, 1))),
            (&plain, &another, Some(Rejection::Address(VIP))),
            (&third, &unsummed, Some(Rejection::Checksum)),
        ] {
            assert_eq!(
                verdict(ours, theirs, to_group()),
                reason,
                "{ours:?} {theirs:?}"
            );
        }
    }

    #[test]
    fn an_advert_to_the_group_has_crossed_no_router() {
        let plain = expected(Version::V2, Authentication::None);
        let far = Envelope {
            hop_limit: 254,
            ..to_group()
        };
        assert_eq!(verdict(&plain, &plain, far), Some(Rejection::HopLimit(254)));
    }

    #[test]
    fn a_peer_sends_to_this_machine_and_nobody_else_does() {
        let plain = expected(Version::V3, Authentication::None);
        let peered = Expected {
            peers: vec![THEM.into()],
            ..plain.clone()
        };
        let estranged = Expected {
            peers: vec![US.into()],
            ..plain.clone()
        };
        let direct = Envelope {
            destination: US,
            hop_limit: 64,
            ..to_group()
        };
        assert_eq!(verdict(&peered, &plain, direct), None);
        let reason = verdict(&peered, &plain, to_group());
        assert_eq!(reason, Some(Rejection::Destination(GROUP.into())));
        assert_eq!(
            verdict(&estranged, &plain, direct),
            Some(Rejection::Stranger)
        );
        let direct = Envelope {
            hop_limit: 255,
            ..direct
        };
        assert_eq!(
            verdict(&plain, &plain, direct),
            Some(Rejection::Destination(US.into()))
        );
    }

    #[test]
    fn a_peer_that_sums_the_old_way_is_answered_in_the_old_way() {
        let ours = Expected {
            peers: vec![THEM.into()],
            ..expected(Version::V3, Authentication::None)
        };
        let old = Expected {
            checksum: Checksum::OldUnicast,
            ..ours.clone()
        };
        let direct = Envelope {
            destination: US,
            ..to_group()
        };
        let heard = packet(&old, direct, 1);
        let mut reception = Reception::new(ours.clone());
        assert!(reception.check(&read_ipv4(&heard).unwrap()).is_ok());
        assert_eq!(reception.expected().checksum, Checksum::OldUnicast);
        let never = Expected {
            checksum: Checksum::NeverOld,
            ..ours.clone()
        };
        assert_eq!(verdict(&never, &old, direct), Some(Rejection::Checksum));
        // Who sums the old way believes both.
        assert_eq!(verdict(&old, &old, direct), None);
        assert_eq!(verdict(&old, &never, direct), None);
    }

    #[test]
    fn a_sequence_number_counts_once_and_goes_on_from_the_one_heard() {
        let key = Authentication::Header(Secret::new(b"key"));
        let expected = expected(Version::V2, key);
        let mut reception = Reception::new(expected.clone());
        let mut hear = |sequence| {
            let packet = packet(&expected, to_group(), sequence);
            reception.check(&read_ipv4(&packet).unwrap()).map(drop)
        };
        assert_eq!(hear(7), Ok(()));
        assert_eq!(hear(7), Err(Rejection::Replay));
        assert_eq!(hear(6), Err(Rejection::Replay));
        assert_eq!(hear(u32::MAX), Err(Rejection::Replay));
        assert_eq!(hear(9), Ok(()));
        assert_eq!(reception.next_sequence(), Some(10));
    }

    #[test]
    fn a_rejected_packet_does_not_move_the_sequence() {
        let key = Authentication::Header(Secret::new(b"key"));
        let ours = expected(Version::V2, key);
        let theirs = Expected {
            interval: Interval(200),
            ..ours.clone()
        };
        let mut reception = Reception::new(ours);
        let packet = packet(&theirs, to_group(), 1000);
        assert!(reception.check(&read_ipv4(&packet).unwrap()).is_err());
        assert_eq!(reception.next_sequence(), Some(1));
    }

    #[test]
    fn any_flipped_bit_of_a_signed_packet_is_noticed() {
        let ours = expected(Version::V2, Authentication::Header(Secret::new(b"key")));
        let whole = packet(&ours, to_group(), 1);
        for place in 0..whole.len() {
            // TOS, flags and header checksum may change on the way; the kernel checks the last.
            if [1, 6, 7, 10, 11].contains(&place) {
                continue;
            }
            let mut packet = whole.clone();
            packet[place] ^= 1;
            let read = read_ipv4(&packet);
            let believed = read.is_ok_and(|read| Reception::new(ours.clone()).check(&read).is_ok());
            assert!(!believed, "byte {place}");
        }
    }
}
