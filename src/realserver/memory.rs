//! What `start` remembers for `stop`: what was there before, and what it put there itself.
//!
//! Written before the first change, so that a crash between two steps forgets nothing: what is
//! remembered and not there was not done yet, or has been undone. One line for each thing, in a
//! form that a shell script can read:
//!
//! ```text
//! lvs-realserver 1
//! boot 33d7bb0e-5f4b-4c0e-9c84-0d9ee7a5b6a8
//! network 1
//! setting net.ipv4.conf.all.arp_ignore 0 1
//! there lo 10.0.0.9
//! link tunl0
//! vip lo 192.0.2.1 dr
//! route lo 192.0.2.1
//! clamp 192.0.2.1 1440
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use super::{Clamp, Knob, Mode};

/// The first line: what this is, and the version of its format.
const HEAD: &str = "lvs-realserver 1";

/// For which boot and network namespace something is true.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The kernel's name of the boot.
    pub boot: String,
    /// The number of the network namespace.
    pub network: u64,
}

/// A value that was there and the one that was set instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Changed {
    /// What was there.
    pub before: i32,
    /// What was set.
    pub set: i32,
}

/// All that `start` did and `stop` has not undone.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// Where it holds.
    pub place: Place,
    /// The settings that were changed.
    pub settings: BTreeMap<Knob, Changed>,
    /// What was on the devices of VIPs when the first VIP came: by device and address.
    pub there: BTreeSet<(String, IpAddr)>,
    /// The links that were taken up.
    pub links: BTreeSet<String>,
    /// The VIPs that were added, by device and address, and how packets come for them.
    pub vips: BTreeMap<(String, IpAddr), Mode>,
    /// The host routes that were added, by device and destination.
    pub routes: BTreeSet<(String, Ipv4Addr)>,
    /// The limits to segments that were added.
    pub clamps: BTreeSet<Clamp>,
}

impl Memory {
    /// Nothing yet.
    pub fn new(place: Place) -> Self {
        Memory {
            place,
            ..Self::default()
        }
    }

    /// Whether there is nothing to undo.
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty()
            && self.links.is_empty()
            && self.vips.is_empty()
            && self.routes.is_empty()
            && self.clamps.is_empty()
    }

    /// The devices on which the VIP was put.
    pub fn devices_of<'a>(&'a self, vip: &'a IpAddr) -> impl Iterator<Item = &'a str> {
        let places = self.vips.keys().filter(move |(_, held)| held == vip);
        places.map(|(device, _)| device.as_str())
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{HEAD}")?;
        writeln!(f, "boot {}", self.place.boot)?;
        writeln!(f, "network {}", self.place.network)?;
        for (knob, Changed { before, set }) in &self.settings {
            writeln!(f, "setting {knob} {before} {set}")?;
        }
        for (device, address) in &self.there {
            writeln!(f, "there {device} {address}")?;
        }
        for link in &self.links {
            writeln!(f, "link {link}")?;
        }
        for ((device, vip), mode) in &self.vips {
            writeln!(f, "vip {device} {vip} {}", mode.name())?;
        }
        for (device, destination) in &self.routes {
            writeln!(f, "route {device} {destination}")?;
        }
        for Clamp { vip, size } in &self.clamps {
            writeln!(f, "clamp {vip} {size}")?;
        }
        Ok(())
    }
}

/// The number of a line that is not as [`Memory`] is written, from 1 on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadLine(pub usize);

impl FromStr for Memory {
    type Err = BadLine;

    fn from_str(text: &str) -> Result<Self, BadLine> {
        let mut memory = Memory::default();
        let mut lines = text.lines().enumerate();
        if lines.next().map(|(_, line)| line) != Some(HEAD) {
            return Err(BadLine(1));
        }
        for (index, line) in lines {
            memory.read(line).ok_or(BadLine(index + 1))?;
        }
        Ok(memory)
    }
}

impl Memory {
    /// Takes in one line, if it is one.
    fn read(&mut self, line: &str) -> Option<()> {
        let words: Vec<&str> = line.split(' ').collect();
        match *words.as_slice() {
            ["boot", boot] => self.place.boot = boot.to_owned(),
            ["network", network] => self.place.network = network.parse().ok()?,
            ["setting", knob, before, set] => {
                let (before, set) = (before.parse().ok()?, set.parse().ok()?);
                self.settings
                    .insert(Knob::parse(knob)?, Changed { before, set });
            }
            ["there", device, address] => {
                self.there
                    .insert((device.to_owned(), address.parse().ok()?));
            }
            ["link", link] => {
                self.links.insert(link.to_owned());
            }
            ["vip", device, vip, mode] => {
                let place = (device.to_owned(), vip.parse().ok()?);
                self.vips.insert(place, Mode::from_name(mode)?);
            }
            ["route", device, destination] => {
                self.routes
                    .insert((device.to_owned(), destination.parse().ok()?));
            }
            ["clamp", vip, size] => {
                let (vip, size) = (vip.parse().ok()?, size.parse().ok()?);
                self.clamps.insert(Clamp { vip, size });
            }
            _ => return None,
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
lvs-realserver 1
boot 33d7bb0e
network 1
setting net.ipv4.conf.all.arp_ignore 0 1
setting net.ipv4.conf.eth0/100.arp_ignore 3 1
there lo 10.0.0.9
link tunl0
vip lo 192.0.2.1 dr
vip lo 2001:db8::1 dr
vip tunl0 192.0.2.2 tun
route lo 192.0.2.1
clamp 192.0.2.2 1440
";

    #[test]
    fn what_is_written_is_read_again() {
        let memory: Memory = TEXT.parse().unwrap();
        assert_eq!(memory.to_string(), TEXT);
    }

    #[test]
    fn a_line_that_is_not_understood_is_named() {
        let bad = |text: &str| text.parse::<Memory>().unwrap_err().0;
        assert_eq!(bad(""), 1);
        assert_eq!(bad("lvs-realserver 2\n"), 1);
        for line in [
            "",
            "vip lo 192.0.2.1",
            "vip lo 192.0.2.256 dr",
            "setting net.ipv4.conf.all.arp_ignore 0",
            "setting kernel.printk 0 1",
            "network x",
            "more",
        ] {
            assert_eq!(bad(&format!("{TEXT}{line}\n")), 13, "{line}");
        }
    }
}
