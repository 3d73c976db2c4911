//! What a speaker knows of the machine round it: links, addresses, scripts; and what it tells of
//! itself.

use std::net::IpAddr;

use crate::netlink::monitor::Notice;
use crate::vrrp::State;
use crate::vrrp::complaints::Rejected;
use crate::vrrp::instance::Instance;
use crate::vrrp::router::Event;
use crate::vrrp::tracking::Weight;

use super::{Failure, Level, Speaker, interface};

impl Speaker<'_> {
    pub(super) fn heed_notices(&mut self) -> Result<(), Failure> {
        let notices = match self.monitor.notices() {
            Ok(notices) => notices,
            Err(error) => {
                // Some were lost: look at everything.
                self.note("rtnetlink", Err(error));
                self.interface.running = interface(&self.interface.name)?.running;
                self.weigh();
                return self.look_at_addresses();
            }
        };
        let mut addresses_changed = false;
        for notice in notices {
            match notice {
                Notice::Interface(link) => {
                    if link.index == self.interface.index {
                        self.interface.running = link.running;
                    }
                    for tracked in self
                        .tracked
                        .iter_mut()
                        .filter(|tracked| tracked.name == link.name)
                    {
                        tracked.running = link.running;
                    }
                    self.weigh();
                }
                Notice::InterfaceGone(index) if index == self.interface.index => {
                    self.happen(Event::Stop);
                    return Err(Failure::NoInterface(self.interface.name.clone()));
                }
                Notice::InterfaceGone(_) => {}
                Notice::AddressAdded(_) | Notice::AddressRemoved(_) => addresses_changed = true,
            }
        }
        if addresses_changed {
            self.look_at_addresses()?;
        }
        Ok(())
    }

    /// Looks whether the address of its adverts is there, and as master the virtual ones.
    fn look_at_addresses(&mut self) -> Result<(), Failure> {
        let addresses = self
            .network
            .addresses()
            .map_err(|error| Failure::System("rtnetlink", error))?;
        let has = |wanted: IpAddr| addresses.iter().any(|address| address.address == wanted);
        let is_there = has(self.source);
        let lost = self.instance.addresses.iter().find(|vip| !has(vip.address));
        if is_there != self.source_is_there {
            self.source_is_there = is_there;
            self.weigh();
        }
        if let (Some(vip), State::Master, true) =
            (lost, self.state(), self.instance.moves_addresses)
        {
            let text = format!("somebody took off {vip}");
            self.audience.log(Level::Warning, &text);
            self.happen(Event::AddressLost);
        }
        Ok(())
    }

    pub(super) fn run_scripts(&mut self) {
        let now = self.now();
        let mut changed = false;
        for script in &mut self.scripts {
            if let Some(well) = script.turn(now) {
                changed = true;
                let verdict = if well { "is well" } else { "has failed" };
                let text = format!("script {} {verdict}", script.script().name);
                self.audience.log(Level::Info, &text);
            }
        }
        if changed {
            self.weigh();
        }
    }

    /// Has the router know what is tracked.
    pub(super) fn weigh(&mut self) {
        let interfaces = self
            .tracked
            .iter()
            .map(|tracked| (tracked.weight, tracked.running));
        let scripts = self
            .scripts
            .iter()
            .map(|script| (script.script().weight, script.is_well().unwrap_or(true)));
        let (mut sum, mut fault) = (0, !self.interface.running || !self.source_is_there);
        for (weight, well) in interfaces.chain(scripts) {
            sum += weight.of(well);
            fault |= weight.is_fault(well);
        }
        self.happen(Event::Weight(sum));
        let mut steps = Vec::new();
        self.group
            .handle(self.now(), 0, Event::Fault(fault), &mut steps);
        self.carry_out(&steps);
    }
    /// What it is, a fact a line.
    pub(super) fn status(&self) -> String {
        let Instance {
            name,
            vrid,
            interface,
            ..
        } = self.instance;
        let mut text = format!("{name} {} priority {}\n", self.state(), self.priority());
        text += &format!("interface {interface} VRID {vrid} source {}\n", self.source);
        if let Some(master) = self.group.routers()[0].master() {
            text += &format!("master {master}\n");
        }
        if !self.interface.running {
            text += &format!("fault: {interface} is down\n");
        }
        if !self.source_is_there {
            text += &format!("fault: {} is gone\n", self.source);
        }
        for tracked in &self.tracked {
            let state = if tracked.running { "up" } else { "down" };
            text += &format!(
                "interface {} {state} weight {}\n",
                tracked.name, tracked.weight.0
            );
        }
        for script in &self.scripts {
            let state = match script.is_well() {
                Some(true) => "well",
                Some(false) => "failed",
                None => "unknown",
            };
            let Weight(weight) = script.script().weight;
            text += &format!("script {} {state} weight {weight}\n", script.script().name);
        }
        for (count, Rejected { source, reason }) in self.complaints.all() {
            text += &format!(
                "rejected {count}, last from {source}: {reason}
"
            );
        }
        text
    }
}
