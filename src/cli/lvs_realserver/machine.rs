//! The host itself: looks at it, and takes steps on it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::host::links::Network;
use crate::host::{clamps, modules, sysctl};
use crate::realserver::plan::Step;
use crate::realserver::verify::{self, Configured};
use crate::realserver::{ALL, DEFAULT, Host, Knob, Setting, vip_address};

/// This host.
pub struct Machine {
    network: Network,
    host: Host,
}

impl Machine {
    /// Opens the way to the kernel; nothing is known yet.
    pub fn open() -> io::Result<Self> {
        Ok(Machine {
            network: Network::open()?,
            host: Host::default(),
        })
    }

    /// What it was when it was last looked at.
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Looks at it; at limits to segments only if that is asked, as it makes the kernel load nftables
    /// where it has not.
    pub fn look(&mut self, at_clamps: bool) -> io::Result<()> {
        let links = self.network.links()?;
        let mut settings = BTreeMap::new();
        let names = links.iter().map(|link| link.name.as_str());
        for device in [ALL, DEFAULT].into_iter().chain(names) {
            for setting in Setting::ALL {
                let knob = Knob::new(device, setting);
                // A kernel need not have IPv6, nor a device that goes away its settings.
                if let Ok(value) = sysctl::read(&knob.path()) {
                    settings.insert(knob, value);
                }
            }
        }
        self.host = Host {
            links,
            addresses: self.network.addresses()?,
            routes: self.network.routes()?,
            settings,
            // Who has no rights cannot see them; who has gets an error from the step.
            clamps: match at_clamps {
                true => clamps::list().ok().map(BTreeSet::from_iter),
                false => None,
            },
        };
        Ok(())
    }

    /// Takes one step.
    pub fn take(&mut self, step: &Step) -> io::Result<()> {
        match step {
            Step::LoadModule(module) => match modules::load(module) {
                true => Ok(()),
                false => Err(io::Error::other("modprobe failed")),
            },
            Step::Set { knob, to, .. } => sysctl::write(&knob.path(), *to),
            Step::LinkUp(device) => self.network.set_link_up(self.index(device)?, true),
            Step::LinkDown(device) => self.network.set_link_up(self.index(device)?, false),
            Step::AddAddress { vip, device, label } => {
                let address = vip_address(*vip, self.index(device)?, label.clone());
                self.network.add_address(&address)
            }
            Step::RemoveAddress { vip, device } => {
                let address = vip_address(*vip, self.index(device)?, None);
                self.network.remove_address(&address)
            }
            Step::AddRoute { vip, device } => {
                self.network.add_host_route(*vip, self.index(device)?)
            }
            Step::Clamp(clamp) => clamps::add(clamp),
            Step::Unclamp(clamp) => clamps::remove(clamp),
            Step::RemoveRoute { vip, device } => {
                self.network.remove_host_route(*vip, self.index(device)?)
            }
        }
    }

    fn index(&self, device: &str) -> io::Result<u32> {
        let link = self.host.link(device);
        link.map(|link| link.index)
            .ok_or_else(|| io::Error::other("no such device"))
    }
}

/// What the files for sysctl(8) say, in the order in which they are read at boot: by name, one in
/// /etc instead of one of the same name elsewhere, and the old single file last. Files that cannot
/// be read say nothing.
pub fn configured() -> Vec<Configured> {
    const DIRECTORIES: [&str; 4] = [
        "/usr/lib/sysctl.d",
        "/usr/local/lib/sysctl.d",
        "/run/sysctl.d",
        "/etc/sysctl.d",
    ];
    let mut files: BTreeMap<_, PathBuf> = BTreeMap::new();
    for directory in DIRECTORIES {
        for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
            if Path::new(&entry.file_name())
                .extension()
                .is_some_and(|end| end == "conf")
            {
                files.insert(entry.file_name(), entry.path());
            }
        }
    }
    let last = PathBuf::from("/etc/sysctl.conf");
    let mut configured = Vec::new();
    for path in files.into_values().chain([last]) {
        let text = fs::read_to_string(&path).unwrap_or_default();
        configured.extend(verify::configured(&path.to_string_lossy(), &text));
    }
    configured
}
