//! What makes a host a real server of direct routing or tunnelling: it has the VIP, and nobody
//! hears of it by ARP.
//!
//! All is pure: [`Host`] is what there is, [`Wanted`] what there shall be, [`plan`] turns the two
//! into steps. Who reads the host and takes the steps is elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::IpAddr;

use crate::addr::Family;
use crate::netlink::route::{Address, Link, Route, Scope};

pub use crate::netlink::nftables::Clamp;

pub mod arp;
pub mod memory;
pub mod persist;
pub mod plan;
pub mod status;
pub mod verify;

/// How the director hands packets on to this host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Direct routing (`ipvsadm -g`): in frames to this host's MAC address.
    Direct,
    /// Tunnelling (`ipvsadm -i`): inside packets to this host's own address.
    Tunnel,
}

impl Mode {
    /// All of them.
    pub const ALL: [Mode; 2] = [Mode::Direct, Mode::Tunnel];

    /// As it is written: `dr` or `tun`.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Direct => "dr",
            Mode::Tunnel => "tun",
        }
    }

    /// The mode that is written so.
    pub fn from_name(name: &str) -> Option<Self> {
        Mode::ALL.into_iter().find(|mode| mode.name() == name)
    }
}

/// The device that takes packets out of their tunnel when no tunnel of the host's own does. The
/// kernel makes it when the module is loaded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tunnel {
    /// Its name.
    pub device: &'static str,
    /// The module that makes it.
    pub module: &'static str,
}

impl Tunnel {
    /// The device for packets of one family inside packets of the same.
    pub fn of(family: Family) -> Self {
        match family {
            Family::V4 => Tunnel {
                device: "tunl0",
                module: "ipip",
            },
            Family::V6 => Tunnel {
                device: "ip6tnl0",
                module: "ip6_tunnel",
            },
        }
    }
}

/// A setting that the kernel has for each interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Setting {
    /// Which requests are answered; see [`arp::quiet`].
    ArpIgnore,
    /// In whose name requests are made; see [`arp::quiet`].
    ArpAnnounce,
    /// Whether packets are dropped whose source would not be reached by the interface that they
    /// came in by: 0 no, 1 yes (strict), 2 when it would be reached by none (loose).
    RpFilter,
    /// Whether the interface has no IPv6: 0 or 1.
    DisableIpv6,
}

impl Setting {
    /// All of them.
    pub const ALL: [Setting; 4] = [
        Setting::ArpIgnore,
        Setting::ArpAnnounce,
        Setting::RpFilter,
        Setting::DisableIpv6,
    ];

    /// The kernel's name of it.
    pub fn name(self) -> &'static str {
        match self {
            Setting::ArpIgnore => "arp_ignore",
            Setting::ArpAnnounce => "arp_announce",
            Setting::RpFilter => "rp_filter",
            Setting::DisableIpv6 => "disable_ipv6",
        }
    }

    /// `ipv4` or `ipv6`: under which of them the kernel has it.
    pub fn protocol(self) -> &'static str {
        match self {
            Setting::ArpIgnore | Setting::ArpAnnounce | Setting::RpFilter => "ipv4",
            Setting::DisableIpv6 => "ipv6",
        }
    }
}

/// The name that stands for all interfaces among their settings.
pub const ALL: &str = "all";

/// The name that stands for interfaces that are yet to come.
pub const DEFAULT: &str = "default";

/// A setting of one interface, or of [`ALL`], written as `net.ipv4.conf.all.arp_ignore`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Knob {
    /// The interface.
    pub device: String,
    /// What is set.
    pub setting: Setting,
}

impl Knob {
    /// A setting of an interface.
    pub fn new(device: &str, setting: Setting) -> Self {
        Knob {
            device: device.to_owned(),
            setting,
        }
    }

    /// Where it is below `/proc/sys`, part by part.
    pub fn path(&self) -> [&str; 5] {
        let setting = self.setting;
        [
            "net",
            setting.protocol(),
            "conf",
            &self.device,
            setting.name(),
        ]
    }

    /// Reads what is written as sysctl(8) does, with dots or with slashes between the parts: a
    /// slash stands for a dot in the name of a device, and the other way round.
    pub fn parse(text: &str) -> Option<Self> {
        let dots = text.find(['.', '/']).map(|at| &text[at..=at]) != Some("/");
        let text: String = text
            .chars()
            .map(|letter| match letter {
                '.' if dots => '/',
                '/' if dots => '.',
                letter => letter,
            })
            .collect();
        let parts: Vec<&str> = text.split('/').collect();
        let &["net", protocol, "conf", device, name] = parts.as_slice() else {
            return None;
        };
        let known = |setting: &Setting| setting.name() == name && setting.protocol() == protocol;
        let setting = Setting::ALL.into_iter().find(known)?;
        Some(Knob::new(device, setting))
    }
}

impl fmt::Display for Knob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let device = self.device.replace('.', "/");
        let (protocol, name) = (self.setting.protocol(), self.setting.name());
        write!(f, "net.{protocol}.conf.{device}.{name}")
    }
}

/// What there is on a host, as far as it matters here.
#[derive(Clone, Debug, Default)]
pub struct Host {
    /// The interfaces.
    pub links: Vec<Link>,
    /// Their addresses.
    pub addresses: Vec<Address>,
    /// The main table's unicast routes of IPv4.
    pub routes: Vec<Route>,
    /// The settings of all links, of [`ALL`] and [`DEFAULT`], as far as the kernel has them.
    pub settings: BTreeMap<Knob, i32>,
    /// The limits to segments; None where they were not looked at or could not be, and are taken
    /// to be as they should.
    pub clamps: Option<BTreeSet<Clamp>>,
}

impl Host {
    /// The link of that name.
    pub fn link(&self, name: &str) -> Option<&Link> {
        self.links.iter().find(|link| link.name == name)
    }

    /// The name of the link with that number.
    fn name_of(&self, index: u32) -> &str {
        let link = self.links.iter().find(|link| link.index == index);
        link.map_or("?", |link| &link.name)
    }

    /// What a setting is now; of an interface that is yet to come, what it will be.
    pub fn setting(&self, device: &str, setting: Setting) -> Option<i32> {
        let of = |device| self.settings.get(&Knob::new(device, setting)).copied();
        match self.link(device) {
            None if device != ALL => of(DEFAULT),
            _ => of(device),
        }
    }

    /// What counts for an interface: the larger of its own value and that of [`ALL`]
    /// (`IN_DEV_MAXCONF` in include/linux/inetdevice.h).
    pub fn effective(&self, device: &str, setting: Setting) -> i32 {
        let of = |device| self.setting(device, setting).unwrap_or(0);
        of(ALL).max(of(device))
    }

    /// The addresses of a link.
    pub fn addresses_of<'a>(&'a self, link: &'a Link) -> impl Iterator<Item = &'a Address> {
        let mine = |address: &&Address| address.link == link.index;
        self.addresses.iter().filter(mine)
    }

    /// Where an address is, with all its entries.
    fn places<'a>(&'a self, vip: &'a IpAddr) -> impl Iterator<Item = (&'a str, &'a Address)> {
        let entries = self.addresses.iter();
        let found = entries.filter(move |entry| entry.address == *vip);
        found.map(|entry| (self.name_of(entry.link), entry))
    }

    /// Whether the device has the address as a real server should: for itself alone.
    fn has(&self, vip: &IpAddr, device: &str) -> bool {
        let mut places = self.places(vip);
        places.any(|(place, entry)| place == device && entry.prefix == host_prefix(vip))
    }

    /// Whether the main table leads packets for this host through the device.
    fn has_host_route(&self, vip: &IpAddr, device: &str) -> bool {
        self.routes.iter().any(|route| {
            route.prefix == 32
                && IpAddr::V4(route.destination) == *vip
                && self.name_of(route.link) == device
        })
    }
}

/// The length of the prefix that holds one address alone: 32 or 128.
pub fn host_prefix(address: &IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// A VIP as it is put on a link.
///
/// Of IPv4, its scope is the host: it is never the sender of an ARP request, nor the source of a
/// connection that did not ask for it. Of IPv6 the same comes of being deprecated.
pub fn vip_address(vip: IpAddr, link: u32, label: Option<String>) -> Address {
    Address {
        link,
        address: vip,
        prefix: host_prefix(&vip),
        scope: match vip {
            IpAddr::V4(_) => Scope::HOST,
            IpAddr::V6(_) => Scope::UNIVERSE,
        },
        label,
        deprecated: vip.is_ipv6(),
        tentative: false,
    }
}

/// What shall be: these addresses on that device.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// The VIPs, each once.
    pub vips: Vec<IpAddr>,
    /// How packets come.
    pub mode: Mode,
    /// Where the VIPs shall be, if not where they usually are.
    pub device: Option<String>,
    /// The label of the first VIP; those of others count on from it.
    pub label: Option<String>,
    /// Whether to limit the segments that clients send, and to how many bytes.
    pub clamp: Option<ClampSize>,
}

/// How large the segments may be that clients send.
///
/// A packet that just fits into a frame does not fit into a tunnel: the director must send it in
/// pieces or refuse it, and where firewalls drop that refusal, the connection hangs. So the server
/// tells its clients to send less. (It is the server that can: the director sees no answers.)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClampSize {
    /// What the smallest interface leaves for a segment in a packet in a packet.
    Fitting,
    /// This many bytes.
    Bytes(u16),
}

impl ClampSize {
    /// What it is for a VIP on a host.
    pub fn of(self, host: &Host, vip: &IpAddr) -> Clamp {
        /// Headers: of IP twice, of TCP once, without options.
        const HEADERS_V4: u32 = 20 + 20 + 20;
        const HEADERS_V6: u32 = 40 + 40 + 20;
        /// What every host must be able to take (RFC 9293, 3.7.1).
        const LEAST: u16 = 536;
        /// Of Ethernet, where no interface is up yet.
        const USUAL_MTU: u32 = 1500;
        let size = match self {
            ClampSize::Bytes(size) => size,
            ClampSize::Fitting => {
                let links = host
                    .links
                    .iter()
                    .filter(|link| link.up && arp::speaks(link));
                let mtu = links.map(|link| link.mtu).min().unwrap_or(USUAL_MTU);
                let headers = match vip {
                    IpAddr::V4(_) => HEADERS_V4,
                    IpAddr::V6(_) => HEADERS_V6,
                };
                let size = u16::try_from(mtu.saturating_sub(headers)).unwrap_or(u16::MAX);
                size.max(LEAST)
            }
        };
        Clamp { vip: *vip, size }
    }
}

impl Wanted {
    /// The device for a VIP: `lo`, and with a tunnel the device at its end.
    pub fn device_of(&self, vip: &IpAddr) -> &str {
        match (&self.device, self.mode) {
            (Some(device), _) => device,
            (None, Mode::Direct) => "lo",
            (None, Mode::Tunnel) => Tunnel::of(Family::of(vip)).device,
        }
    }
}

/// Reads a VIP.
///
/// # Errors
/// In words, when `text` is no address, or one that no host can have and tell others of.
pub fn parse_vip(text: &str) -> Result<IpAddr, &'static str> {
    let vip: IpAddr = text.parse().map_err(|_| "not an IPv4 or IPv6 address")?;
    let is_usable = match vip {
        IpAddr::V4(vip) => !vip.is_broadcast() && vip.octets()[0] != 0,
        IpAddr::V6(vip) => vip.to_ipv4_mapped().is_none() && !vip.is_unicast_link_local(),
    };
    match is_usable && !vip.is_unspecified() && !vip.is_loopback() && !vip.is_multicast() {
        true => Ok(vip),
        false => Err("not an address that a service can have"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_knob_is_written_as_sysctl_writes_it() {
        let knob = Knob::new("eth0.100", Setting::ArpIgnore);
        assert_eq!(knob.to_string(), "net.ipv4.conf.eth0/100.arp_ignore");
        assert_eq!(Knob::parse(&knob.to_string()), Some(knob.clone()));
        assert_eq!(Knob::parse("net/ipv4/conf/eth0.100/arp_ignore"), Some(knob));
        for text in ["", "net", "net.ipv6.conf.all.arp_ignore", "kernel.printk"] {
            assert_eq!(Knob::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_vip_is_an_address_that_others_can_reach() {
        for text in ["192.0.2.1", "10.0.0.255", "2001:db8::1", "fd00::1"] {
            assert!(parse_vip(text).is_ok(), "{text}");
        }
        for text in [
            "",
            "192.0.2",
            "192.0.2.1/32",
            "0.0.0.0",
            "0.1.2.3",
            "127.0.0.2",
            "224.0.0.18",
            "255.255.255.255",
            "::",
            "::1",
            "::ffff:192.0.2.1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(parse_vip(text).is_err(), "{text}");
        }
    }
}
