//! When the kernel answers ARP for an address, and when it tells others of one by asking.
//!
//! Source: `arp_ignore`, `arp_solicit` in net/ipv4/arp.c; Documentation/networking/ip-sysctl.rst.

use std::net::IpAddr;

use crate::netlink::route::{Address, Link, Scope};

use super::{Host, Setting};

/// Whether ARP with this value of a setting keeps silent about addresses of other interfaces:
///
/// - `arp_ignore` 1 answers only for addresses of the interface that is asked, 2 besides only
///   neighbours in the same network, 8 nobody. 3 answers for any address but those of scope host,
///   and all other values mean 0: answer for any.
/// - `arp_announce` 2 asks in the name of an address of the interface that suits. 1 takes any that
///   is in a network of the interface, as VIPs mostly are. All other values mean 0: any.
pub fn quiet(setting: Setting, value: i32) -> bool {
    match setting {
        Setting::ArpIgnore => matches!(value, 1 | 2 | 8),
        Setting::ArpAnnounce => value == 2,
        Setting::RpFilter | Setting::DisableIpv6 => true,
    }
}

/// The value that `start` sets.
pub fn quiet_value(setting: Setting) -> i32 {
    match setting {
        Setting::ArpAnnounce => 2,
        _ => 1,
    }
}

/// Whether a link asks and answers by ARP at all, of itself: one that belongs to a bridge or a bond
/// leaves it to that.
pub fn speaks(link: &Link) -> bool {
    let is_port = matches!(
        link.member_of.as_deref(),
        Some("bridge" | "bond" | "team" | "openvswitch")
    );
    link.arp && !link.loopback && !is_port
}

/// Whether ARP requests for the VIP that come in by a link are answered there. A VIP that is not on
/// the host yet is taken to be where and as `start` puts it.
pub fn answers(host: &Host, link: &Link, vip: &IpAddr) -> bool {
    match host.effective(&link.name, Setting::ArpIgnore) {
        8 => false,
        1 | 2 => is_on(host, link, vip),
        3 => host.places(vip).any(|(_, entry)| is_told(entry)),
        _ => true,
    }
}

/// Whether ARP requests that go out by a link may name the VIP as their sender, which others take
/// for news of where it is.
pub fn announces(host: &Host, link: &Link, vip: &IpAddr) -> bool {
    let preferred = is_on(host, link, vip) || has_none_better(host, link, vip);
    match host.effective(&link.name, Setting::ArpAnnounce) {
        2 => preferred,
        1 => preferred || host.addresses_of(link).any(|own| own.network_has(vip)),
        _ => true,
    }
}

/// Whether the link itself has the VIP.
pub fn is_on(host: &Host, link: &Link, vip: &IpAddr) -> bool {
    host.addresses_of(link).any(|own| own.address == *vip)
}

/// A link without an address of its own borrows one of another link when it has to ask, the
/// loopback interface's first (`inet_select_addr` in net/ipv4/devinet.c).
pub fn has_none_better(host: &Host, link: &Link, vip: &IpAddr) -> bool {
    let has_own = host
        .addresses_of(link)
        .any(|own| own.address.is_ipv4() && is_told(own));
    let has_route = host.routes.iter().any(|route| route.link == link.index);
    !has_own && has_route && host.places(vip).any(|(_, entry)| is_told(entry))
}

/// Whether others may be told that the address is here.
fn is_told(entry: &Address) -> bool {
    entry.scope <= Scope::LINK
}
