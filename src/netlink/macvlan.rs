//! Interfaces on top of others, with MAC addresses of their own, to messages (`IFLA_MACVLAN_*` of
//! `linux/if_link.h`).

use neli::consts::nl::NlmF;
use neli::consts::rtnl::{Ifla, IflaInfo, Rtm};

use super::Requests;

/// Length of `struct ifinfomsg`.
const LINK_HEADER_BYTES: usize = 16;

/// `IFLA_MACVLAN_MODE`, and `MACVLAN_MODE_PRIVATE`: none of those on one interface hears another.
const MODE: u16 = 1;
const PRIVATE: u32 = 1;

/// Makes one on the interface of this number; it is down.
///
/// Refused with EEXIST where there is an interface of this name.
pub fn add(name: &str, base: u32, mac: [u8; 6]) -> Requests {
    let mut request = Requests::default();
    let (flags, header) = (NlmF::CREATE | NlmF::EXCL, [0; LINK_HEADER_BYTES]);
    request.push_message(Rtm::Newlink.into(), flags, &header, |request| {
        request.put_string(Ifla::Ifname.into(), name);
        request.put(Ifla::Link.into(), &base.to_ne_bytes());
        request.put(Ifla::Address.into(), &mac);
        request.nest(Ifla::Linkinfo.into(), |info| {
            info.put_string(IflaInfo::Kind.into(), "macvlan");
            info.nest(IflaInfo::Data.into(), |data| {
                data.put(MODE, &PRIVATE.to_ne_bytes());
            });
        });
    });
    request
}

/// Removes the interface of this number.
///
/// Refused with ENODEV where there is none.
pub fn remove(link: u32) -> Requests {
    let mut header = [0; LINK_HEADER_BYTES];
    header[4..8].copy_from_slice(&link.to_ne_bytes());
    let mut request = Requests::default();
    request.push_message(Rtm::Dellink.into(), NlmF::empty(), &header, |_| {});
    request
}
