//! `ha_suspend`: checks rest while the address of their service is on another machine.

use std::collections::HashSet;
use std::net::IpAddr;

use crate::host::error_text;
use crate::host::interfaces::Monitor;
use crate::host::links::Network;

use super::Running;

impl Running<'_, '_, '_> {
    /// Who tells of addresses, where a configuration may ask for that.
    pub(super) fn monitor(&mut self) -> Option<Monitor> {
        self.configuration?;
        let opened = Monitor::open();
        let opened = opened.map_err(|error| {
            let text = error_text(&error);
            self.session
                .complain(&format!("cannot watch addresses: {text}"));
        });
        opened.ok()
    }

    /// Which checks shall rest now, and which shall not: those of services for which that has
    /// changed, or of all, when their places are `new`.
    pub(super) fn rests(&mut self, new: bool) -> Vec<(usize, bool)> {
        let count = self.desired.watches.len();
        if new {
            self.resting = vec![false; count];
        }
        let notices = self.desired.notices.iter();
        if notices.clone().all(|notices| notices.suspend.is_none()) {
            return Vec::new();
        }
        let addresses = Network::open().and_then(|mut network| network.addresses());
        let here: HashSet<IpAddr> = match addresses {
            Ok(addresses) => addresses.iter().map(|address| address.address).collect(),
            Err(error) => {
                let text = error_text(&error);
                self.session
                    .complain(&format!("cannot see addresses: {text}"));
                return Vec::new();
            }
        };
        let rests = notices.map(|notices| {
            let addresses = notices.suspend.as_ref();
            addresses.is_some_and(|own| !own.iter().any(|address| here.contains(address)))
        });
        let rests: Vec<bool> = rests.collect();
        let mut changed = Vec::new();
        for (number, place) in self.places.iter().enumerate() {
            let rests = rests[place.watch];
            if new || rests != self.resting[place.watch] {
                changed.push((number, rests));
            }
        }
        for (watch, (rests, rested)) in rests.iter().zip(&self.resting).enumerate() {
            if rests != rested {
                let name = &self.desired.notices[watch].name;
                let word = if *rests { "rest" } else { "go on" };
                self.session.tell(&format!("checks of {name} {word}"));
            }
        }
        self.resting = rests;
        changed
    }
}
