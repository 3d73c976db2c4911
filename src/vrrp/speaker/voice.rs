//! One virtual router as it runs: what it sends, what it has up, why it cannot take part.

use std::io;
use std::net::IpAddr;

use crate::host::closed;
use crate::host::error_text;
use crate::host::macvlan::Macvlan;
use crate::host::routes;
use crate::netlink::route::{Address, Scope};
use crate::vrrp::Priority;
use crate::vrrp::advert::Advertisement;
use crate::vrrp::complaints::{Complaints, Rejected, Troubles};
use crate::vrrp::configuration::SyncGroup;
use crate::vrrp::control::Control;
use crate::vrrp::instance::{Instance, VirtualAddress};
use crate::vrrp::packet::Datagram;
use crate::vrrp::port::Sender;
use crate::vrrp::reception::{Reception, Rejection};
use crate::vrrp::router::{Heard, Remark, Settings};
use crate::vrrp::tracking::Influence;

use super::world::World;
use super::{Failure, Level, sources};

/// A virtual router with its sockets.
pub(super) struct Voice {
    instance: Instance,
    reception: Reception,
    control: Control,
    /// The interface with its MAC address, if it has one.
    vmac: Option<Macvlan>,
    /// While there are an interface and an address of its own.
    mouth: Option<Mouth>,
    /// The virtual addresses that it has put up.
    up: Vec<VirtualAddress>,
    faults: Vec<String>,
    complaints: Complaints,
    troubles: Troubles,
}

/// Where adverts leave.
struct Mouth {
    /// The number of the interface.
    link: u32,
    source: IpAddr,
    sender: Sender,
}

impl Voice {
    /// One that has said nothing yet. Nothing is changed on the machine but for an interface of its
    /// own, which goes with it.
    pub fn open(instance: &Instance, world: &mut World<'_>) -> Result<Self, Failure> {
        world.interface(&instance.interface)?;
        let id = instance.id();
        let control = Control::open(&id).map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => Failure::Running(id.to_string()),
            _ => Failure::System("control socket", error),
        })?;
        Ok(Voice {
            reception: Reception::new(instance.expected()),
            instance: instance.clone(),
            control,
            vmac: world.make_vmac(instance)?,
            mouth: None,
            up: vec![],
            faults: vec![],
            complaints: Complaints::default(),
            troubles: Troubles::default(),
        })
    }

    pub fn instance(&self) -> &Instance {
        &self.instance
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    pub fn source(&self) -> Option<IpAddr> {
        self.mouth.as_ref().map(|mouth| mouth.source)
    }

    pub fn has_source(&self) -> bool {
        self.mouth.is_some()
    }

    pub fn faults(&self) -> &[String] {
        &self.faults
    }

    pub fn rejected(&self) -> Vec<(u64, Rejected)> {
        self.complaints.all().collect()
    }

    pub fn addresses_up(&self) -> Vec<String> {
        self.up.iter().map(ToString::to_string).collect()
    }

    /// Whether each of its scripts has told.
    pub fn is_known(&self, world: &World<'_>) -> bool {
        let mut scripts = self.instance.scripts.iter();
        scripts.all(|script| world.is_well(script).is_some())
    }

    /// What its state machine is told.
    pub fn settings(&self) -> Settings {
        let settings = self.instance.settings;
        let source = self.source().unwrap_or(settings.source);
        Settings { source, ..settings }
    }

    /// Looks where its adverts can leave. Gives back what its state machine is to be told, if that
    /// is news.
    pub fn look_around(&mut self, world: &mut World<'_>) -> Option<Settings> {
        let before = self.source();
        self.find_mouth(world);
        for vip in &self.instance.addresses {
            // What is wrong is told when there is something to announce.
            let _ = world.announcer(self.device(vip));
        }
        (self.source() != before).then(|| self.settings())
    }

    fn find_mouth(&mut self, world: &mut World<'_>) {
        let interface = world.interface(&self.instance.interface).cloned();
        let leaves_by = world.interface(self.instance.mouth()).cloned();
        let (Ok(interface), Ok(leaves_by)) = (interface, leaves_by) else {
            self.mouth = None;
            return;
        };
        let moves = |address: &IpAddr| world.moving.contains(address);
        let usable = sources(&self.instance, &interface, &world.addresses, moves);
        let usable: Vec<IpAddr> = usable.collect();
        let is_open = |mouth: &Mouth| {
            // One that nobody tracks may leave; what was told to speak from it goes on.
            let untracked = self
                .instance
                .source
                .filter(|_| !self.instance.tracks_source);
            mouth.link == leaves_by.index
                && (usable.contains(&mouth.source) || untracked == Some(mouth.source))
        };
        if self.mouth.as_ref().is_some_and(is_open) {
            return;
        }
        self.mouth = None;
        let found = usable.first().copied();
        let Some(source) = found.or(self.instance.assumed_source()) else {
            return;
        };
        let link = leaves_by.index;
        if let (IpAddr::V6(own), Some(vmac)) = (source, &self.vmac) {
            let lent = vmac.lend(&mut world.network, own);
            self.note(world, "cannot lend an address to the virtual MAC", lent);
        }
        match Sender::open(&leaves_by, source) {
            Ok(sender) => {
                self.mouth = Some(Mouth {
                    link,
                    source,
                    sender,
                })
            }
            Err(error) => self.note(world, "cannot open a socket to send", Err(error)),
        }
    }

    /// The sum of the weights of all that is tracked, and whether it cannot take part; why, is kept
    /// and logged.
    pub fn weigh(&mut self, world: &mut World<'_>, group: &SyncGroup) -> (i32, bool) {
        let Instance {
            interface: name,
            family,
            ..
        } = &self.instance;
        let mut faults: Vec<String> = self.instance.hindrance.clone().into_iter().collect();
        match world.interface(name) {
            Err(failure) => faults.push(failure.to_string()),
            Ok(interface) if !interface.running && self.instance.follows_link => {
                faults.push(format!("{name} is down"))
            }
            Ok(_) if world.interface(self.instance.mouth()).is_err() => {
                faults.push(format!("no such interface: {}", self.instance.mouth()));
            }
            Ok(_) if !world.hears(&self.instance.channel()) => {
                faults.push(format!("deaf on {}", self.instance.ear()));
            }
            Ok(_) if self.mouth.is_none() => {
                faults.push(match self.instance.source {
                    Some(source) => format!("{source} is not here"),
                    None => Failure::NoAddress(name.clone(), *family).to_string(),
                });
            }
            Ok(_) => {}
        }
        let mut sum = 0;
        for (name, weight) in self.instance.interfaces.iter().chain(&group.interfaces) {
            let well = world.runs(name);
            sum += weight.of(well);
            if weight.is_fault(well) {
                faults.push(format!("{name} is down"));
            }
        }
        for script in self.instance.scripts.iter().chain(&group.scripts) {
            let well = world.is_well(script).unwrap_or(true);
            sum += script.weight.of(well);
            if script.weight.is_fault(well) {
                faults.push(format!("{} {} has failed", script.task.kind(), script.name));
            }
        }
        for file in self.instance.files.iter().chain(&group.files) {
            let number = world.number_in(file);
            match file.weight.times(number) {
                Influence::Adds(amount) => sum += amount,
                Influence::Fault => faults.push(format!("file {} has {number}", file.name)),
            }
        }
        for fault in &faults {
            if !self.faults.contains(fault) {
                world.log(Level::Warning, self, &format!("fault: {fault}"));
            }
        }
        self.faults = faults;
        (sum, !self.faults.is_empty())
    }

    /// What it has made stays when this is dropped.
    pub fn leave(&mut self) {
        if let Some(vmac) = &mut self.vmac {
            vmac.leave();
        }
    }

    pub fn check(&mut self, datagram: &Datagram<'_>) -> Result<Advertisement, Rejection> {
        self.reception.check(datagram)
    }

    pub fn advertise(&mut self, world: &mut World<'_>, priority: Priority) {
        let Some(mouth) = &mut self.mouth else {
            return;
        };
        let sent = mouth
            .sender
            .advertise(&self.instance, &mut self.reception, priority);
        self.note(world, "cannot send an advert", sent);
    }

    pub fn put_up(&mut self, world: &mut World<'_>) {
        if !self.instance.moves_addresses {
            return;
        }
        for vip in self.instance.addresses.clone() {
            if self.up.contains(&vip) {
                continue;
            }
            // Before the first packet to it can come.
            self.close(world, &vip, true);
            if self.put(world, &vip, true) {
                self.up.push(vip);
            }
        }
    }

    /// Puts up its routes and rules; it must have its addresses, from which some of them are.
    pub fn put_up_routing(&mut self, world: &mut World<'_>) {
        let routing = &self.instance.routing;
        // A rule that is there would be there twice.
        routes::try_out(&routing.takes_off());
        let outcome = routes::carry_out(&routing.puts_up());
        self.note(world, "cannot set routes and rules", outcome);
    }

    /// Takes off all that it has, also what another process may have left.
    pub fn take_off(&mut self, world: &mut World<'_>) {
        self.up.clear();
        if !self.instance.moves_addresses {
            return;
        }
        routes::try_out(&self.instance.routing.takes_off());
        for vip in self.instance.addresses.clone() {
            self.put(world, &vip, false);
            self.close(world, &vip, false);
        }
    }

    /// Has this machine take no packets to an address, or take them again, where it is one whose
    /// packets are not for it.
    fn close(&mut self, world: &mut World<'_>, vip: &VirtualAddress, closed: bool) {
        if self.instance.accepts {
            return;
        }
        let outcome = match closed {
            true => closed::close(vip.address),
            false => closed::open(vip.address),
        };
        self.note(world, "cannot close an address by nftables", outcome);
    }

    fn device<'a>(&'a self, vip: &'a VirtualAddress) -> &'a str {
        vip.device.as_deref().unwrap_or(self.instance.home())
    }

    fn put(&mut self, world: &mut World<'_>, vip: &VirtualAddress, up: bool) -> bool {
        let link = world
            .interface(self.device(vip))
            .map(|interface| interface.index);
        let outcome = match link {
            Ok(link) => {
                let address = kernel_address(vip, link);
                match up {
                    true => world.network.add_address_with(&address, vip.broadcast),
                    false => world.network.remove_address(&address),
                }
            }
            // With the interface its addresses went.
            Err(_) if !up => Ok(()),
            Err(_) => Err(io::Error::from(io::ErrorKind::NotFound)),
        };
        if let Err(error) = &outcome {
            let what = if up { "put up" } else { "take off" };
            let text = format!("cannot {what} {vip}: {}", error_text(error));
            world.log(Level::Error, self, &text);
        }
        outcome.is_ok()
    }

    /// One of the addresses that it has put up and that is on this machine no more.
    pub fn lost(&self, world: &World<'_>) -> Option<&VirtualAddress> {
        let has = |vip: &VirtualAddress| {
            let mut addresses = world.addresses.iter();
            addresses.any(|address| address.address == vip.address)
        };
        self.up.iter().find(|vip| vip.tracked && !has(vip))
    }

    /// One of its routes or rules that is on this machine no more. To know it, it is put back.
    pub fn lost_routing(&self) -> Option<String> {
        let commands = self.instance.routing.puts_back();
        let put_back = routes::try_each(&commands).into_iter().next();
        put_back.map(|command| command.replacen(" add", "", 1))
    }

    pub fn announce(&mut self, world: &mut World<'_>, rounds: u8) {
        let addresses = (0..rounds).flat_map(|_| &self.instance.addresses);
        let mut all = addresses.map(|vip| world.announce(self.device(vip), vip.address));
        let outcome = all.find(Result::is_err).unwrap_or(Ok(()));
        drop(all);
        self.note(world, "cannot announce an address", outcome);
    }

    /// Goes on as another instance, which is the same virtual router. As master it has the addresses
    /// of that one then, and gives back whether there are new ones to announce.
    pub fn change(&mut self, world: &mut World<'_>, to: &Instance, is_master: bool) -> bool {
        if (&self.instance.vmac, self.instance.accepts) != (&to.vmac, to.accepts) {
            self.take_off(world);
        }
        if self.instance.vmac != to.vmac {
            self.mouth = None;
            // The old one first: they may have the same MAC.
            self.vmac = None;
            match world.make_vmac(to) {
                Ok(vmac) => self.vmac = vmac,
                Err(failure) => world.log(Level::Error, self, &failure.to_string()),
            }
        }
        let from = std::mem::replace(&mut self.instance, to.clone());
        if from.expected() != to.expected() {
            self.reception = Reception::new(to.expected());
            self.complaints = Complaints::default();
        }
        if from.source != to.source {
            self.mouth = None;
        }
        if !is_master {
            return false;
        }
        let keeps = |vip: &VirtualAddress| to.moves_addresses && to.addresses.contains(vip);
        for vip in std::mem::take(&mut self.up) {
            match keeps(&vip) {
                true => self.up.push(vip),
                false => {
                    self.put(world, &vip, false);
                    self.close(world, &vip, false);
                }
            }
        }
        let before = self.up.len();
        self.put_up(world);
        if from.routing != to.routing {
            routes::try_out(&from.routing.takes_off());
            self.put_up_routing(world);
        }
        self.up.len() > before
    }

    pub fn complain(&mut self, world: &mut World<'_>, rejected: Rejected) {
        if self.complaints.count(world.now(), rejected) {
            let Rejected { source, reason } = rejected;
            let text = format!("adverts from {source} are not believed: {reason}");
            world.log(Level::Warning, self, &text);
        }
    }

    pub fn remark(&mut self, world: &mut World<'_>, remark: Remark) {
        let told = |heard: Heard| format!("{} (priority {})", heard.source, heard.priority);
        let (key, level, text) = match remark {
            Remark::LowerMaster(heard) => (
                "lower",
                Level::Info,
                format!("master of lower priority: {}", told(heard)),
            ),
            Remark::Challenged(heard) => (
                "challenged",
                Level::Warning,
                format!("another master, of lower rank: {}", told(heard)),
            ),
            Remark::Yielded(heard) => (
                "yielded",
                Level::Info,
                format!("gives way to {}", told(heard)),
            ),
            Remark::SecondOwner(heard) => (
                "owner",
                Level::Error,
                format!(
                    "two owners (priority 255); goes on with 254: {}",
                    told(heard)
                ),
            ),
            Remark::OwnAddress(heard) => (
                "own",
                Level::Error,
                format!("somebody else sends from this address: {}", told(heard)),
            ),
        };
        if self.troubles.may_tell(world.now(), key) {
            world.log(level, self, &text);
        }
    }

    /// Tells of a failure, though not more than once a second of each kind.
    fn note(&mut self, world: &mut World<'_>, what: &'static str, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            if self.troubles.may_tell(world.now(), what) {
                let text = format!("{what}: {}", error_text(&error));
                world.log(Level::Error, self, &text);
            }
        }
    }
}

fn kernel_address(vip: &VirtualAddress, link: u32) -> Address {
    Address {
        link,
        address: vip.address,
        prefix: vip.prefix,
        scope: Scope(vip.scope),
        label: vip.label.clone(),
        // As keepalived has it: nothing that this machine begins shall come from a lone address.
        deprecated: vip.address.is_ipv6() && vip.prefix == 128,
        tentative: false,
    }
}
