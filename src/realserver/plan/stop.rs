//! From what is to a host that has none of the VIPs, and once the last is gone, to what was before.

use std::collections::BTreeSet;
use std::net::IpAddr;

use crate::addr::Family;
use crate::realserver::memory::{Changed, Memory};
use crate::realserver::{Host, Mode, Tunnel, host_prefix};

use super::{Left, Plan, Step, hidden_addresses};

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
        for clamp in self.plan.memory.clamps.clone() {
            if clamp.vip == *vip {
                self.plan.memory.clamps.remove(&clamp);
                let clamps = self.host.clamps.as_ref();
                if clamps.is_none_or(|clamps| clamps.contains(&clamp)) {
                    self.plan.steps.push(Step::Unclamp(clamp));
                }
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
        let (needed, done): (BTreeSet<_>, BTreeSet<_>) =
            memory.links.iter().cloned().partition(is_needed);
        self.plan.memory.links = needed;
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
