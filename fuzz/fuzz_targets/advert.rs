//! Bytes from the wire: none may make the readers of adverts panic, and what they understand they
//! write so that they understand it again.

#![no_main]

use libfuzzer_sys::fuzz_target;
use lvskit::addr::Family;
use lvskit::vrrp::advert::{Advertisement, PseudoHeader};
use lvskit::vrrp::packet::read_ipv4;
use lvskit::vrrp::reception::{Checksum, Expected, Reception};
use lvskit::vrrp::{Authentication, Secret};

fuzz_target!(|bytes: &[u8]| {
    for family in [Family::V4, Family::V6] {
        if let Ok(advert) = Advertisement::decode(bytes, family) {
            let again = advert.encode(family, PseudoHeader::None);
            assert_eq!(Advertisement::decode(&again, family), Ok(advert));
        }
    }
    let Ok(datagram) = read_ipv4(bytes) else {
        return;
    };
    let Ok(advert) = Advertisement::decode(datagram.message, Family::V4) else {
        return;
    };
    for authentication in [
        Authentication::None,
        Authentication::Simple(Secret::new(b"s3cr3t")),
        Authentication::Header(Secret::new(b"s3cr3t")),
    ] {
        let expected = Expected {
            vrid: advert.vrid,
            version: advert.version(),
            family: Family::V4,
            authentication,
            interval: advert.interval,
            addresses: advert.addresses.clone(),
            peers: vec![],
            checksum: Checksum::Pseudo,
        };
        let _ = Reception::new(expected).check(&datagram);
    }
});
