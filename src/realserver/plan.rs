//! From what is and what shall be to the steps between them, in an order in which nobody ever hears
//! of a VIP: ARP is quiet before the address comes, and stays so until it is gone.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};

use crate::addr::Family;
use crate::netlink::route::LONGEST_NAME;

use super::memory::{Changed, Memory};
use super::{ALL, Host, Knob, Mode, Setting, Tunnel, Wanted, arp, host_prefix};

/// `rp_filter`: drop only packets whose source is reached by no interface. As the larger of two
/// values counts, it makes a tunnel take packets whatever the value for all interfaces.
const LOOSE: i32 = 2;

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

/// Makes a plan to have all VIPs in place.
pub fn start(host: &Host, memory: &Memory, wanted: &Wanted) -> Result<Plan, Problem> {
    check(host, wanted)?;
    let mut start = Start {
        host,
        wanted,
        labels: host
            .addresses
            .iter()
            .filter_map(|a| a.label.clone())
            .collect(),
        plan: Plan {
            steps: Vec::new(),
            left: Vec::new(),
            memory: memory.clone(),
        },
    };
    if memory.is_empty() {
        let devices: Vec<&str> = wanted
            .vips
            .iter()
            .map(|vip| wanted.device_of(vip))
            .collect();
        let hidden = hidden_addresses(host, &devices).into_iter();
        start.plan.memory.there = hidden.collect();
    }
    start.load_modules();
    start.quieten_arp();
    start.loosen_rp_filter();
    start.take_links_up();
    for vip in &wanted.vips {
        start.add(vip);
    }
    Ok(start.plan)
}

fn check(host: &Host, wanted: &Wanted) -> Result<(), Problem> {
    for vip in &wanted.vips {
        let device = wanted.device_of(vip);
        let is_tunnel = device == Tunnel::of(Family::of(vip)).device;
        match host.link(device) {
            None if !is_tunnel => return Err(Problem::NoDevice(device.to_owned())),
            Some(link) if link.arp && !link.loopback => {
                return Err(Problem::Visible(device.to_owned()));
            }
            _ => {}
        }
        match (vip, host.setting(device, Setting::DisableIpv6)) {
            (IpAddr::V6(_), None) => return Err(Problem::NoIpv6),
            (IpAddr::V6(_), Some(1)) => return Err(Problem::Ipv6Disabled(device.to_owned())),
            _ => {}
        }
        if let (IpAddr::V4(_), Some(label)) = (vip, &wanted.label) {
            let rest = label.strip_prefix(device);
            let is_of_device = rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(':'));
            if !is_of_device || label.len() > LONGEST_NAME {
                return Err(Problem::Label(label.clone()));
            }
        }
    }
    Ok(())
}

struct Start<'a> {
    host: &'a Host,
    wanted: &'a Wanted,
    /// Those in use.
    labels: Vec<String>,
    plan: Plan,
}

impl<'a> Start<'a> {
    fn vips_of(&self, family: Family) -> impl Iterator<Item = &'a IpAddr> + use<'a> {
        let vips = self.wanted.vips.iter();
        vips.filter(move |vip| Family::of(vip) == family)
    }

    /// The ends of tunnels that packets come out of.
    fn tunnels(&self) -> Vec<Tunnel> {
        let families = [Family::V4, Family::V6].into_iter().filter(|&family| {
            let device = Tunnel::of(family).device;
            self.vips_of(family)
                .any(|vip| self.wanted.mode == Mode::Tunnel || self.wanted.device_of(vip) == device)
        });
        families.map(Tunnel::of).collect()
    }

    fn load_modules(&mut self) {
        for tunnel in self.tunnels() {
            if self.host.link(tunnel.device).is_none() {
                self.plan.steps.push(Step::LoadModule(tunnel.module));
            }
        }
    }

    /// On all interfaces and the VIPs' devices, whose own values mean nothing but are what people
    /// look at; and where an interface's own value would outweigh that for all.
    fn quieten_arp(&mut self) {
        let mut devices: Vec<&str> = Vec::new();
        for vip in self.vips_of(Family::V4) {
            let device = self.wanted.device_of(vip);
            if !devices.contains(&device) {
                devices.push(device);
            }
        }
        if devices.is_empty() {
            return;
        }
        let host = self.host;
        for setting in [Setting::ArpIgnore, Setting::ArpAnnounce] {
            let quiet_value = arp::quiet_value(setting);
            let now = host.setting(ALL, setting).unwrap_or(quiet_value);
            let all = match arp::quiet(setting, now) {
                true => now,
                false => quiet_value,
            };
            self.set(ALL, setting, all);
            for device in &devices {
                match host.setting(device, setting) {
                    Some(now) if !arp::quiet(setting, now) => {
                        self.set(device, setting, quiet_value);
                    }
                    _ => {}
                }
            }
            for link in host.links.iter().filter(|link| arp::speaks(link)) {
                let own = host.setting(&link.name, setting).unwrap_or(0);
                if !arp::quiet(setting, own.max(all)) {
                    self.set(&link.name, setting, quiet_value);
                }
            }
        }
    }

    fn loosen_rp_filter(&mut self) {
        let tunnel = Tunnel::of(Family::V4).device;
        let comes_out = self.tunnels().iter().any(|one| one.device == tunnel);
        if comes_out && self.host.effective(tunnel, Setting::RpFilter) == STRICT {
            self.set(tunnel, Setting::RpFilter, LOOSE);
        }
    }

    /// Plans to change a setting, if it is not so already, and remembers what it is.
    fn set(&mut self, device: &str, setting: Setting, to: i32) {
        let Some(from) = self.host.setting(device, setting).filter(|&now| now != to) else {
            return;
        };
        let knob = Knob::new(device, setting);
        let changed = Changed {
            before: from,
            set: to,
        };
        self.plan.memory.settings.insert(knob.clone(), changed);
        self.plan.steps.push(Step::Set { knob, from, to });
    }

    fn take_links_up(&mut self) {
        let mut devices: Vec<&str> = self.tunnels().iter().map(|one| one.device).collect();
        for vip in &self.wanted.vips {
            let device = self.wanted.device_of(vip);
            if !devices.contains(&device) {
                devices.push(device);
            }
        }
        for device in devices {
            let link = self.host.link(device);
            if link.is_some_and(|link| link.up) {
                continue;
            }
            // Once lo is up, everything uses it: it is not for `stop` to take it down.
            if !link.is_some_and(|link| link.loopback) {
                self.plan.memory.links.insert(device.to_owned());
            }
            self.plan.steps.push(Step::LinkUp(device.to_owned()));
        }
    }

    fn add(&mut self, vip: &IpAddr) {
        let device = self.wanted.device_of(vip).to_owned();
        let place = (device.clone(), *vip);
        if !self.host.has(vip, &device) {
            let label = match vip {
                IpAddr::V4(_) => self.next_label(&device),
                IpAddr::V6(_) => None,
            };
            self.plan.memory.vips.insert(place, self.wanted.mode);
            self.plan.steps.push(Step::AddAddress {
                vip: *vip,
                device: device.clone(),
                label,
            });
        } else if !self.plan.memory.vips.contains_key(&place) {
            self.plan.left.push(Left::Vip {
                vip: *vip,
                device: device.clone(),
            });
        }
        // Of IPv6 the kernel makes the route along with the address.
        if let IpAddr::V4(destination) = *vip {
            if !self.host.has_host_route(vip, &device) {
                let route = (device.clone(), destination);
                self.plan.memory.routes.insert(route);
                self.plan.steps.push(Step::AddRoute {
                    vip: destination,
                    device,
                });
            }
        }
    }

    /// The first label from the wanted one on (or `DEVICE:0`) that is free. None where it would be
    /// too long: then the kernel gives the name of the device.
    fn next_label(&mut self, device: &str) -> Option<String> {
        let first = self.wanted.label.clone();
        let first = first.unwrap_or_else(|| format!("{device}:0"));
        let counted = first.rsplit_once(':').and_then(|(name, number)| {
            let number: u32 = number.parse().ok()?;
            Some((name, number))
        });
        let Some((name, number)) = counted else {
            return Some(first);
        };
        let mut labels = (number..=u32::MAX).map(|number| format!("{name}:{number}"));
        let label = labels.find(|label| !self.labels.contains(label))?;
        self.labels.push(label.clone());
        (label.len() <= LONGEST_NAME).then_some(label)
    }
}

/// Makes a plan to have `vips` gone, and all as before once the last one is.
pub fn stop(host: &Host, memory: &Memory, vips: &[IpAddr]) -> Plan {
    let mut stop = Stop {
        host,
        plan: Plan {
            steps: Vec::new(),
            left: Vec::new(),
            memory: memory.clone(),
        },
    };
    for vip in vips {
        stop.remove(vip);
    }
    stop.take_links_down();
    stop.restore_settings();
    if stop.plan.memory.is_empty() {
        stop.plan.memory.there.clear();
    }
    stop.plan
}

struct Stop<'a> {
    host: &'a Host,
    plan: Plan,
}

impl Stop<'_> {
    fn remove(&mut self, vip: &IpAddr) {
        let memory = &mut self.plan.memory;
        let ours: Vec<String> = memory.devices_of(vip).map(str::to_owned).collect();
        memory.vips.retain(|(_, held), _| held != vip);
        if let IpAddr::V4(vip4) = *vip {
            // Where the VIP was in place already, only its route is ours.
            let routes = std::mem::take(&mut memory.routes);
            for (device, destination) in routes {
                if destination != vip4 {
                    memory.routes.insert((device, destination));
                } else if self.host.has_host_route(vip, &device) {
                    let vip = vip4;
                    self.plan.steps.push(Step::RemoveRoute { vip, device });
                }
            }
        }
        for device in &ours {
            if self.host.has(vip, device) {
                self.plan.steps.push(Step::RemoveAddress {
                    vip: *vip,
                    device: device.clone(),
                });
            }
        }
        for (device, entry) in self.host.places(vip) {
            let is_ours = ours.iter().any(|our| our == device);
            if !is_ours || entry.prefix != host_prefix(vip) {
                self.plan.left.push(Left::Vip {
                    vip: *vip,
                    device: device.to_owned(),
                });
            }
        }
    }

    /// Whether this plan removes the address.
    fn removes(&self, address: &IpAddr, from: &str) -> bool {
        self.plan.steps.iter().any(|step| match step {
            Step::RemoveAddress { vip, device } => vip == address && device == from,
            _ => false,
        })
    }

    fn take_links_down(&mut self) {
        let memory = &self.plan.memory;
        let is_needed = |name: &String| {
            memory.vips.iter().any(|((device, vip), mode)| {
                let tunnel = Tunnel::of(Family::of(vip)).device;
                device == name || (*mode == Mode::Tunnel && tunnel == name)
            })
        };
        let (needed, done) = memory.links.iter().cloned().partition(is_needed);
        self.plan.memory.links = needed;
        let done: std::collections::BTreeSet<String> = done;
        for device in done {
            let Some(link) = self.host.link(&device).filter(|link| link.up) else {
                continue;
            };
            let has_others = self.host.addresses_of(link).any(|entry| {
                let is_link_local =
                    matches!(entry.address, IpAddr::V6(v6) if v6.is_unicast_link_local());
                !is_link_local && !self.removes(&entry.address, &device)
            });
            match has_others {
                true => self.plan.left.push(Left::Link(device)),
                false => self.plan.steps.push(Step::LinkDown(device)),
            }
        }
    }

    fn restore_settings(&mut self) {
        let memory = &self.plan.memory;
        let is_held = memory.vips.keys().any(|(_, vip)| vip.is_ipv4());
        if is_held || memory.settings.is_empty() {
            return;
        }
        let devices: Vec<&str> = memory.there.iter().map(|(device, _)| &**device).collect();
        let mut others = hidden_addresses(self.host, &devices).into_iter();
        let since = others.find(|place @ (device, address)| {
            !memory.there.contains(place) && !self.removes(address, device)
        });
        if let Some((device, vip)) = since {
            self.plan.left.push(Left::Needed { vip, device });
            return;
        }
        for (knob, Changed { before, set }) in std::mem::take(&mut self.plan.memory.settings) {
            let now = self.host.settings.get(&knob).copied();
            match now {
                // The device is gone, or somebody has put it back.
                None => {}
                Some(now) if now == before => {}
                Some(now) if now == set => self.plan.steps.push(Step::Set {
                    knob,
                    from: now,
                    to: before,
                }),
                Some(now) => self.plan.left.push(Left::Setting { knob, now, set }),
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
