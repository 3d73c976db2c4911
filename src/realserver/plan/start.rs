//! From what is to a host that has all VIPs.

use std::net::IpAddr;

use crate::addr::Family;
use crate::netlink::route::LONGEST_NAME;
use crate::realserver::memory::{Changed, Memory};
use crate::realserver::{ALL, Host, Knob, Mode, Setting, Tunnel, Wanted, arp};

use super::{Left, Plan, Problem, STRICT, Step, hidden_addresses};

/// `rp_filter`: drop only packets whose source is reached by no interface. As the larger of two
/// values counts, it makes a tunnel take packets whatever the value for all interfaces.
const LOOSE: i32 = 2;

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
        start.clamp(vip);
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

    fn clamp(&mut self, vip: &IpAddr) {
        let Some(size) = self.wanted.clamp else {
            return;
        };
        let clamp = size.of(self.host, vip);
        let Plan { steps, memory, .. } = &mut self.plan;
        for old in memory.clamps.clone() {
            if old.vip == *vip && old != clamp {
                memory.clamps.remove(&old);
                steps.push(Step::Unclamp(old));
            }
        }
        if self
            .host
            .clamps
            .as_ref()
            .is_some_and(|clamps| !clamps.contains(&clamp))
        {
            memory.clamps.insert(clamp);
            steps.push(Step::Clamp(clamp));
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
