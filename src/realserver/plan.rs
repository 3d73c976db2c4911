//! From what is and what shall be to the steps between them, in an order in which nobody ever hears
//! of a VIP: ARP is quiet before the address comes, and stays so until it is gone.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::addr::Family;
use crate::netlink::route::LONGEST_NAME;

use super::memory::Memory;
use super::{Clamp, Host, Knob, Setting, Tunnel, host_prefix};

pub use start::start;
pub use stop::stop;

mod start;
mod stop;

/// `rp_filter`: drop packets whose source is reached by another interface. That is so for every
/// packet out of a tunnel: its client is reached without one.
pub(super) const STRICT: i32 = 1;

/// One thing to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Load a module of the kernel, which makes a device: all that comes behind is planned again.
    LoadModule(&'static str),
    /// Change a setting.
    Set {
        /// Which.
        knob: Knob,
        /// What it is.
        from: i32,
        /// What it shall be.
        to: i32,
    },
    /// Take a link up.
    LinkUp(String),
    /// Take a link down.
    LinkDown(String),
    /// Give a link the VIP.
    AddAddress {
        /// The VIP.
        vip: IpAddr,
        /// The link.
        device: String,
        /// What ifconfig(8) shall call it.
        label: Option<String>,
    },
    /// Take the VIP from a link.
    RemoveAddress {
        /// The VIP.
        vip: IpAddr,
        /// The link.
        device: String,
    },
    /// Add the host route to the VIP.
    AddRoute {
        /// The VIP.
        vip: Ipv4Addr,
        /// The link.
        device: String,
    },
    /// Limit the segments that clients of the VIP send.
    Clamp(Clamp),
    /// Limit them no longer.
    Unclamp(Clamp),
    /// Remove the host route to the VIP.
    RemoveRoute {
        /// The VIP.
        vip: Ipv4Addr,
        /// The link.
        device: String,
    },
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Step::LoadModule(module) => write!(f, "load the module {module}"),
            Step::Set { knob, from, to } => write!(f, "set {knob} from {from} to {to}"),
            Step::LinkUp(device) => write!(f, "take {device} up"),
            Step::LinkDown(device) => write!(f, "take {device} down"),
            Step::AddAddress { vip, device, label } => {
                write!(f, "add {vip}/{} to {device}", host_prefix(vip))?;
                match label {
                    Some(label) => write!(f, " as {label}"),
                    None => Ok(()),
                }
            }
            Step::RemoveAddress { vip, device } => {
                write!(f, "remove {vip}/{} from {device}", host_prefix(vip))
            }
            Step::AddRoute { vip, device } => write!(f, "add the route to {vip} on {device}"),
            Step::Clamp(clamp) => write!(f, "limit {clamp}"),
            Step::Unclamp(clamp) => write!(f, "no longer limit {clamp}"),
            Step::RemoveRoute { vip, device } => write!(f, "remove the route to {vip} on {device}"),
        }
    }
}

/// What is left as it is, although it was named or was once ours.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Left {
    /// An address that `start` found in place, or that `stop` finds and `start` did not put there.
    Vip {
        /// The address.
        vip: IpAddr,
        /// Where it is.
        device: String,
    },
    /// A setting that has been changed since `start`.
    Setting {
        /// Which.
        knob: Knob,
        /// What it is.
        now: i32,
        /// What it was set to.
        set: i32,
    },
    /// The settings, which an address that came since `start` needs.
    Needed {
        /// The address.
        vip: IpAddr,
        /// Where it is.
        device: String,
    },
    /// A link that has other addresses by now.
    Link(String),
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Left::Vip { vip, device } => {
                write!(
                    f,
                    "left {vip} on {device}: lvs-realserver did not put it there"
                )
            }
            Left::Setting { knob, now, set } => {
                write!(
                    f,
                    "left {knob} at {now}: start set {set}, it was changed since"
                )
            }
            Left::Needed { vip, device } => {
                write!(f, "left the ARP settings: {vip} on {device} needs them")
            }
            Left::Link(device) => write!(f, "left {device} up: it has other addresses"),
        }
    }
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// In this order; the first that fails ends it.
    pub steps: Vec<Step>,
    /// What is not touched.
    pub left: Vec<Left>,
    /// What is to be remembered: before the first step of a start, after the last of a stop.
    pub memory: Memory,
}

/// Why a host cannot be what is wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// There is no such device.
    NoDevice(String),
    /// ARP is answered for each address of the device by the device itself.
    Visible(String),
    /// The label is too long, or not one of the device.
    Label(String),
    /// The kernel has no IPv6.
    NoIpv6,
    /// The device has no IPv6.
    Ipv6Disabled(String),
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::NoDevice(device) => write!(f, "--dev: no such device: {device}"),
            Problem::Visible(device) => {
                write!(f, "--dev: answers ARP for the addresses on it: {device}")
            }
            Problem::Label(label) => write!(
                f,
                "--label: not the device, a colon and a name, {LONGEST_NAME} letters in all: {label}"
            ),
            Problem::NoIpv6 => write!(f, "this kernel has no IPv6"),
            Problem::Ipv6Disabled(device) => {
                let knob = Knob::new(device, Setting::DisableIpv6);
                write!(f, "IPv6 is switched off on {device}: {knob} is 1")
            }
        }
    }
}

/// The addresses that only stay hidden while ARP is quiet: hosts' own addresses of IPv4 on a
/// loopback interface, at the end of the tunnels, or on one of `devices`.
fn hidden_addresses(host: &Host, devices: &[&str]) -> Vec<(String, IpAddr)> {
    let mut hidden = Vec::new();
    for link in &host.links {
        let name = link.name.as_str();
        let hides = link.loopback || name == Tunnel::of(Family::V4).device;
        if !hides && !devices.contains(&name) {
            continue;
        }
        for entry in host.addresses_of(link) {
            let is_vip = entry.address.is_ipv4() && !entry.address.is_loopback();
            if is_vip && entry.prefix == host_prefix(&entry.address) {
                hidden.push((name.to_owned(), entry.address));
            }
        }
    }
    hidden
}
