//! Packets of VRRP: those that the real keepalived sent are read, believed, and written again to the
//! same bytes; bytes that nobody sent do no harm.

use std::collections::BTreeMap;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::sync::LazyLock;

use proptest::prelude::*;

use lvskit::addr::Family;
use lvskit::host::announce::frame;
use lvskit::vrrp::advert::{Advertisement, Body, PseudoHeader};
use lvskit::vrrp::packet::{self, Datagram, Envelope, read_ipv4, write_ipv4};
use lvskit::vrrp::reception::{Checksum, Expected, Reception};
use lvskit::vrrp::{Authentication, Interval, PROTOCOL, Priority, Secret, Version};

const ETHERNET_BYTES: usize = 14;
const IPV6_BYTES: usize = 40;

/// The sender's interface in all captures.
const MAC: [u8; 6] = [2, 0, 0, 0, 0x0a, 1];

/// That of VRID 57 (RFC 9568, section 7.3).
const VIRTUAL_MAC: [u8; 6] = [0, 0, 0x5e, 0, 1, 57];

struct Frame {
    file: String,
    what: String,
    bytes: Vec<u8>,
}

impl Frame {
    fn name(&self) -> String {
        format!("{}: {}", self.file, self.what)
    }

    fn payload(&self) -> &[u8] {
        &self.bytes[ETHERNET_BYTES..]
    }

    fn is_ipv6(&self) -> bool {
        self.bytes[12..14] == [0x86, 0xdd]
    }

    fn datagram(&self) -> Datagram<'_> {
        let packet = self.payload();
        if !self.is_ipv6() {
            return read_ipv4(packet).unwrap();
        }
        let address = |place: usize| {
            let octets: [u8; 16] = packet[place..][..16].try_into().unwrap();
            IpAddr::from(Ipv6Addr::from(octets))
        };
        assert_eq!(packet[6], PROTOCOL);
        Datagram {
            source: address(8),
            destination: address(24),
            hop_limit: packet[7],
            header: None,
            message: &packet[IPV6_BYTES..],
        }
    }

    fn expected(&self, advert: &Advertisement) -> Expected {
        let datagram = self.datagram();
        let multicast = datagram.destination.is_multicast();
        Expected {
            vrid: advert.vrid,
            version: advert.version(),
            family: Family::of(&datagram.source),
            authentication: self.authentication(),
            interval: advert.interval,
            addresses: advert.addresses.clone(),
            peers: if multicast {
                vec![]
            } else {
                vec![datagram.source]
            },
            checksum: self.checksum(),
        }
    }

    /// As in the `.conf` beside it.
    fn authentication(&self) -> Authentication {
        match self.file.as_str() {
            "v2-pass" => Authentication::Simple(Secret::new(b"s3cr3t")),
            "v2-ah" => Authentication::Header(Secret::new(b"s3cr3tk")),
            _ => Authentication::None,
        }
    }

    fn checksum(&self) -> Checksum {
        match self.file.as_str() {
            "v3-unicast-oldsum" => Checksum::OldUnicast,
            _ => Checksum::Pseudo,
        }
    }
}

fn frames() -> Vec<Frame> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vrrp/packets");
    let mut frames = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "hex") {
            continue;
        }
        let file = path.file_stem().unwrap().to_str().unwrap().to_owned();
        for paragraph in fs::read_to_string(&path).unwrap().split("\n\n").skip(1) {
            let (what, dump) = paragraph.split_once('\n').unwrap();
            let bytes = dump
                .lines()
                .flat_map(|line| line.split_whitespace().skip(1))
                .map(|byte| u8::from_str_radix(byte, 16).unwrap());
            frames.push(Frame {
                file: file.clone(),
                what: what.trim_start_matches("# ").to_owned(),
                bytes: bytes.collect(),
            });
        }
    }
    frames
}

fn adverts() -> &'static [Frame] {
    static ADVERTS: LazyLock<Vec<Frame>> = LazyLock::new(read_adverts);
    &ADVERTS
}

fn read_adverts() -> Vec<Frame> {
    let is_advert =
        |frame: &Frame| !frame.what.contains("gratuitous") && !frame.what.contains("neighbour");
    frames().into_iter().filter(is_advert).collect()
}

#[test]
fn adverts_of_keepalived_are_written_again_to_the_same_bytes() {
    let frames = adverts();
    assert_eq!(frames.len(), 33);
    for frame in frames {
        let datagram = frame.datagram();
        let family = Family::of(&datagram.source);
        let advert = Advertisement::decode(datagram.message, family).unwrap();
        let (source, destination) = (datagram.source, datagram.destination);
        let pseudo = frame
            .checksum()
            .pseudo_header(advert.version(), source, destination);
        let message = advert.encode(family, pseudo);
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (source, destination) else {
            // The kernel writes the header of IPv6.
            assert_eq!(message, datagram.message, "{}", frame.name());
            continue;
        };
        let envelope = Envelope {
            source,
            destination,
            hop_limit: datagram.hop_limit,
            identification: u16::from_be_bytes([frame.payload()[4], frame.payload()[5]]),
        };
        let authentication = frame.authentication();
        let sign = match (&authentication, datagram.header) {
            (Authentication::Header(key), Some(header)) => Some((key, header.sequence)),
            _ => None,
        };
        let packet = write_ipv4(&envelope, &message, sign);
        assert_eq!(packet, frame.payload(), "{}", frame.name());
    }
}

#[test]
fn adverts_of_keepalived_are_believed_in_their_order() {
    let mut receptions: BTreeMap<String, Reception> = BTreeMap::new();
    for frame in adverts() {
        let datagram = frame.datagram();
        let family = Family::of(&datagram.source);
        let advert = Advertisement::decode(datagram.message, family).unwrap();
        let reception = receptions
            .entry(frame.file.clone())
            .or_insert_with(|| Reception::new(frame.expected(&advert)));
        assert_eq!(reception.check(&datagram), Ok(advert), "{}", frame.name());
    }
}

#[test]
fn the_captures_have_what_their_configurations_say() {
    let first = |file: &str| {
        let frame = adverts().iter().find(|frame| frame.file == file).unwrap();
        let datagram = frame.datagram();
        Advertisement::decode(datagram.message, Family::of(&datagram.source)).unwrap()
    };
    let noauth = first("v2-noauth");
    assert_eq!((noauth.vrid.number(), noauth.priority), (51, Priority(100)));
    let vips: Vec<String> = noauth.addresses.iter().map(IpAddr::to_string).collect();
    assert_eq!(vips, ["10.9.0.100", "10.9.0.101"]);
    assert_eq!(
        first("v2-pass").interval,
        Interval::from_seconds(2).unwrap()
    );
    assert_eq!(first("v2-owner").priority, Priority::OWNER);
    assert_eq!(first("v3-ipv4").interval.centiseconds(), 10);
    assert_eq!(first("v3-ipv6").addresses[0].to_string(), "fe80::9:100");
    assert_eq!(first("v2-ipv6").version(), Version::V2);
}

#[test]
fn announcements_of_keepalived_are_written_to_the_same_bytes() {
    let mut seen = 0;
    for frame in frames() {
        let address: IpAddr = if frame.what.contains("gratuitous") {
            let octets: [u8; 4] = frame.bytes[28..32].try_into().unwrap();
            Ipv4Addr::from(octets).into()
        } else if frame.what.contains("neighbour") {
            let octets: [u8; 16] = frame.bytes[22..38].try_into().unwrap();
            Ipv6Addr::from(octets).into()
        } else {
            continue;
        };
        let mac = match frame.file.as_str() {
            "v2-vmac" => VIRTUAL_MAC,
            _ => MAC,
        };
        assert_eq!(
            frame::frame(address, mac, false),
            frame.bytes,
            "{}",
            frame.name()
        );
        seen += 1;
    }
    assert_eq!(seen, 11);
}

proptest! {
    #[test]
    fn hostile_bytes_are_refused_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..120)) {
        let _ = Advertisement::decode(&bytes, Family::V4);
        let _ = Advertisement::decode(&bytes, Family::V6);
        let _ = read_ipv4(&bytes);
    }

    #[test]
    fn damaged_packets_are_refused_without_harm(
        which in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        length in 0usize..120,
    ) {
        let frames = adverts();
        let frame = which.get(frames);
        let datagram = frame.datagram();
        let advert = Advertisement::decode(datagram.message, Family::of(&datagram.source)).unwrap();
        let mut reception = Reception::new(frame.expected(&advert));
        let mut packet = frame.payload().to_vec();
        for (place, byte) in changes {
            let place = place.index(packet.len());
            packet[place] = byte;
        }
        packet.truncate(length);
        if let Ok(datagram) = packet::read_ipv4(&packet) {
            let _ = reception.check(&datagram);
        }
    }

    #[test]
    fn what_is_written_is_read_again(
        vrid in 1u8..,
        priority in any::<u8>(),
        centiseconds in 1u16..4096,
        v4 in prop::collection::vec(any::<[u8; 4]>(), 0..30),
        kind in 0u8..3,
        data in any::<[u8; 8]>(),
    ) {
        let addresses: Vec<IpAddr> = v4.into_iter().map(IpAddr::from).collect();
        let v3 = Advertisement {
            vrid: lvskit::vrrp::Vrid::new(vrid).unwrap(),
            priority: Priority(priority),
            interval: Interval::from_centiseconds(centiseconds).unwrap(),
            addresses,
            body: Body::V3,
        };
        let seconds = u8::try_from(centiseconds % 255 + 1).unwrap();
        let v2 = Advertisement {
            interval: Interval::from_seconds(seconds).unwrap(),
            body: Body::V2 { kind, data },
            ..v3.clone()
        };
        for advert in [v2, v3] {
            let bytes = advert.encode(Family::V4, PseudoHeader::None);
            prop_assert_eq!(Advertisement::decode(&bytes, Family::V4), Ok(advert));
        }
    }
}
