//! What all routers of a process have in common: the machine's links and addresses, ears, scripts,
//! and whoever is told.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::{Rc, Weak};
use std::time::Instant;

use crate::addr::Family;
use crate::host::announce::Announcer;
use crate::host::error_text;
use crate::host::interfaces::{self, Monitor};
use crate::host::links::Network;
use crate::host::macvlan::{Base, Macvlan};
use crate::host::pipes::NamedPipe;
use crate::host::scheduling::Process;
use crate::host::{routes, sysctl};
use crate::netlink::monitor::{Interface, Notice};
use crate::netlink::route::Address;
use crate::vrrp::Moment;
use crate::vrrp::command::CommandLine;
use crate::vrrp::complaints::Troubles;
use crate::vrrp::configuration::{Configuration, Fifo};
use crate::vrrp::files::{Files, TrackedFile};
use crate::vrrp::instance::{Channel, Instance, Script};
use crate::vrrp::packet::Datagram;
use crate::vrrp::port::Listener;
use crate::vrrp::report::News;
use crate::vrrp::routing::Routing;
use crate::vrrp::scripts::{Children, Watched, start};
use crate::vrrp::vmac::Vmac;

use super::voice::Voice;
use super::{Audience, Failure, Level, system};

/// All that is there once.
pub(super) struct World<'a> {
    pub audience: &'a mut dyn Audience,
    pub network: Network,
    /// As the kernel told last.
    pub addresses: Vec<Address>,
    /// Those that come and go with masters.
    pub moving: BTreeSet<IpAddr>,
    began: Instant,
    monitor: Monitor,
    /// Where there are routes and rules of which to know what becomes.
    routing_monitor: Option<Monitor>,
    /// Whether some of ours were taken off, and nobody has looked yet.
    routing_disturbed: bool,
    /// What is there whoever is master.
    fixed: Routing,
    links: BTreeMap<u32, Interface>,
    /// Where adverts are to be heard.
    wanted: Vec<Channel>,
    ears: Vec<Ear>,
    /// By the name of the interface.
    announcers: BTreeMap<String, Crier>,
    scripts: Vec<Watched>,
    files: Files,
    /// The interfaces that have others on them.
    bases: Vec<Weak<Base>>,
    pipes: Vec<(Fifo, NamedPipe)>,
    /// How it runs.
    process: Process,
    children: Children,
    troubles: Troubles,
}

/// Hears all adverts of a channel.
struct Ear {
    channel: Channel,
    /// The number of the interface.
    link: u32,
    listener: Listener,
}

/// Announces on an interface, as it was when this was opened.
struct Crier {
    link: u32,
    mac: Option<[u8; 6]>,
    /// Nothing where nobody asks for addresses.
    announcer: Option<Announcer>,
}

impl<'a> World<'a> {
    pub fn open(audience: &'a mut dyn Audience) -> Result<Self, Failure> {
        // Before anything is looked at, so that no change is missed.
        let monitor = Monitor::open().map_err(system("rtnetlink"))?;
        let mut world = World {
            audience,
            network: Network::open().map_err(system("rtnetlink"))?,
            addresses: vec![],
            moving: BTreeSet::new(),
            began: Instant::now(),
            monitor,
            routing_monitor: None,
            routing_disturbed: false,
            fixed: Routing::default(),
            links: BTreeMap::new(),
            wanted: vec![],
            ears: vec![],
            announcers: BTreeMap::new(),
            scripts: vec![],
            files: Files::default(),
            bases: vec![],
            pipes: vec![],
            process: Process::default(),
            children: Children::default(),
            troubles: Troubles::default(),
        };
        world.look().map_err(system("rtnetlink"))?;
        Ok(world)
    }

    pub fn now(&self) -> Moment {
        Moment(self.began.elapsed())
    }

    /// Looks at all links and addresses.
    fn look(&mut self) -> io::Result<()> {
        let links = interfaces::all()?;
        self.links = links.into_iter().map(|link| (link.index, link)).collect();
        self.addresses = self.network.addresses()?;
        Ok(())
    }

    /// Learns what has changed of links, addresses, routes and rules, and puts back what is there
    /// whoever is master. Tells whether anything has.
    pub fn heed_notices(&mut self) -> bool {
        let mut disturbed = self.heed_routing();
        let changed = self.heed_links(&mut disturbed);
        if disturbed {
            for done in routes::try_each(&self.fixed.puts_back()) {
                let text = format!("put back: {}", done.replacen(" add", "", 1));
                self.audience.log(Level::Warning, None, &text);
            }
        }
        changed || disturbed
    }

    /// Learns whether routes or rules of ours were taken off.
    fn heed_routing(&mut self) -> bool {
        let Some(monitor) = &mut self.routing_monitor else {
            return false;
        };
        // Some were lost: it may have been ours.
        let notices = monitor.notices();
        let disturbed = notices.map_or(true, |all| all.contains(&Notice::RoutingRemoved));
        self.routing_disturbed |= disturbed;
        disturbed
    }

    /// Whether routes or rules of ours were taken off since the last call.
    pub fn take_routing_disturbed(&mut self) -> bool {
        std::mem::take(&mut self.routing_disturbed)
    }

    fn heed_links(&mut self, disturbed: &mut bool) -> bool {
        let notices = self.monitor.notices();
        let mut addresses_changed = false;
        let outcome = match notices {
            Ok(notices) if notices.is_empty() => return false,
            Ok(notices) => {
                for notice in notices {
                    match notice {
                        Notice::Interface(link) => {
                            let runs = link.running;
                            let before = self.links.insert(link.index, link);
                            // With a link that goes down its routes go.
                            *disturbed |= runs && !before.is_some_and(|link| link.running);
                        }
                        Notice::InterfaceGone(index) => {
                            self.links.remove(&index);
                        }
                        Notice::AddressAdded(_) => addresses_changed = true,
                        Notice::AddressRemoved(Address { address, .. }) => {
                            addresses_changed = true;
                            *disturbed |= self.fixed.has_address(address);
                        }
                        Notice::RoutingRemoved => {}
                    }
                }
                match addresses_changed {
                    true => self.network.addresses().map(|all| self.addresses = all),
                    false => Ok(()),
                }
            }
            // Some were lost: look at everything.
            Err(error) => {
                self.note("rtnetlink", Err(error));
                self.look()
            }
        };
        self.note("rtnetlink", outcome);
        let tuned = self.tune();
        self.note("cannot open a socket to hear", tuned);
        true
    }

    /// The interface of this name.
    pub fn interface(&self, name: &str) -> Result<&Interface, Failure> {
        let mut links = self.links.values();
        let found = links.find(|link| link.name == name);
        found.ok_or_else(|| Failure::NoInterface(name.to_owned()))
    }

    /// Whether there is such an interface, and it runs.
    pub fn runs(&self, name: &str) -> bool {
        self.interface(name).is_ok_and(|link| link.running)
    }

    /// Makes the interface with a MAC address of its own that an instance wants.
    pub fn make_vmac(&mut self, instance: &Instance) -> Result<Option<Macvlan>, Failure> {
        let Some(vmac) = &instance.vmac else {
            return Ok(None);
        };
        let below = self.interface(&instance.interface)?.clone();
        let made = self.make_vmac_on(&below, vmac, instance.family);
        let made = made.map_err(system("virtual MAC address"))?;
        self.look().map_err(system("rtnetlink"))?;
        let tuned = self.tune();
        self.note("cannot open a socket to hear", tuned);
        Ok(Some(made))
    }

    fn make_vmac_on(
        &mut self,
        below: &Interface,
        vmac: &Vmac,
        family: Family,
    ) -> io::Result<Macvlan> {
        let base = match family {
            Family::V4 => Some(self.base(below)?),
            Family::V6 => None,
        };
        let everywhere = ["net", "ipv4", "conf", "all", "rp_filter"];
        if family == Family::V4 && sysctl::read(&everywhere).is_ok_and(|value| value == 1) {
            let name = &vmac.name;
            let text = format!(
                "net.ipv4.conf.all.rp_filter is 1: packets to {name} are dropped, 2 would do"
            );
            self.audience.log(Level::Warning, None, &text);
        }
        Macvlan::open(&vmac.name, vmac.mac, below, base, family)
    }

    fn base(&mut self, below: &Interface) -> io::Result<Rc<Base>> {
        let mut known = self.bases.iter().filter_map(Weak::upgrade);
        if let Some(base) = known.find(|base| base.name() == below.name) {
            return Ok(base);
        }
        let base = Base::open(below)?;
        self.bases.retain(|base| base.strong_count() > 0);
        self.bases.push(Rc::downgrade(&base));
        Ok(base)
    }

    /// Hears what this configuration wants to be heard, beside what another one does.
    pub fn want(&mut self, configuration: &Configuration) -> io::Result<()> {
        for instance in configuration.instances() {
            let wanted = instance.channel();
            if !self.wanted.contains(&wanted) {
                self.wanted.push(wanted);
            }
        }
        self.tune()
    }

    /// Has other addresses, routes and rules than before that are there whoever is master. Those that
    /// an earlier process has left are there once.
    pub fn turn_fixed(&mut self, from: &Routing, to: &Routing) {
        let new = to.without(from);
        routes::try_out(&from.without(to).takes_off());
        routes::try_out(&new.makes_room());
        let outcome = routes::carry_out(&new.puts_up());
        self.note("cannot set static addresses, routes and rules", outcome);
        self.fixed = to.clone();
    }

    /// Hears of routes and rules if any are to be watched. Opened before they are made.
    pub fn watch_routing(&mut self, configuration: &Configuration) {
        let mut all = configuration.instances().map(|instance| &instance.routing);
        let wanted = !configuration.fixed.is_empty() || all.any(|routing| !routing.is_empty());
        if !wanted {
            self.routing_monitor = None;
        } else if self.routing_monitor.is_none() {
            match Monitor::of_routing() {
                Ok(monitor) => self.routing_monitor = Some(monitor),
                Err(error) => self.note("cannot watch routes", Err(error)),
            }
        }
    }

    /// Forgets what only another configuration wanted, and takes over all else of this one.
    pub fn turn_to(&mut self, configuration: &Configuration) {
        let instances = || configuration.instances();
        let channels: Vec<Channel> = instances().map(Instance::channel).collect();
        self.wanted.retain(|wanted| channels.contains(wanted));
        self.ears.retain(|ear| channels.contains(&ear.channel));
        self.moving = configuration.moving_addresses();
        let groups = configuration.groups.iter().flat_map(|group| &group.scripts);
        let scripts: Vec<&Script> = instances()
            .flat_map(|instance| &instance.scripts)
            .chain(groups)
            .collect();
        self.scripts.retain(|watched| {
            scripts
                .iter()
                .any(|script| script.is_run_as(watched.script()))
        });
        let now = self.now();
        for script in scripts {
            if self.watched(script).is_none() {
                self.scripts.push(Watched::new(script.clone(), now));
            }
        }
        let paths = configuration.files().map(|file| file.path.as_path());
        let watched = self.files.turn_to(paths);
        self.note("cannot watch a file", watched);
        self.turn_pipes(&configuration.fifos);
        for (what, error) in self.process.turn_to(&configuration.process) {
            self.note(what, Err(error));
        }
    }

    fn turn_pipes(&mut self, fifos: &[Fifo]) {
        self.pipes.retain(|(fifo, _)| fifos.contains(fifo));
        for fifo in fifos {
            if self.pipes.iter().any(|(open, _)| open == fifo) {
                continue;
            }
            let owner = fifo.owner.map(|owner| (owner.uid, owner.gid));
            match NamedPipe::open(&fifo.path, owner) {
                Ok(pipe) => self.pipes.push((fifo.clone(), pipe)),
                Err(error) => {
                    let (path, error) = (fifo.path.display(), error_text(&error));
                    let text = format!("cannot open the pipe {path}: {error}");
                    self.audience.log(Level::Error, None, &text);
                    continue;
                }
            }
            let (Some(reader), Some((_, pipe))) = (&fifo.reader, self.pipes.last_mut()) else {
                continue;
            };
            let path = fifo.path.to_string_lossy().into_owned();
            let outcome = start(reader, &[path]).map(|child| pipe.read_by(child));
            self.note("cannot run the reader of a pipe", outcome);
        }
    }

    /// Opens the ears that are missing, and those whose interface is another one now.
    fn tune(&mut self) -> io::Result<()> {
        let mut outcome = Ok(());
        for channel in &self.wanted {
            let mut links = self.links.values();
            let found = links.find(|link| link.name == channel.interface);
            let is_ear = |ear: &Ear| ear.channel == *channel;
            let link = found.map(|link| link.index);
            self.ears
                .retain(|ear| !is_ear(ear) || link == Some(ear.link));
            let Some(interface) = found.filter(|_| !self.ears.iter().any(is_ear)) else {
                continue;
            };
            match Listener::open(channel.group, interface) {
                Ok(listener) => self.ears.push(Ear {
                    channel: channel.clone(),
                    link: interface.index,
                    listener,
                }),
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    /// Whether adverts of a channel are heard.
    pub fn hears(&self, channel: &Channel) -> bool {
        self.ears.iter().any(|ear| ear.channel == *channel)
    }

    /// Hands what is there to be heard to `each`, with the channel and when it came, at most so many
    /// of each socket.
    pub fn listen(
        &mut self,
        most: usize,
        mut each: impl FnMut(&Channel, Moment, &Datagram<'_>),
    ) -> io::Result<()> {
        let mut outcome = Ok(());
        let began = self.began;
        for ear in &mut self.ears {
            let channel = &ear.channel;
            let received = ear.listener.receive(most, |datagram, waited| {
                let came = Moment(began.elapsed()).before(waited);
                each(channel, came, datagram);
            });
            outcome = received.and(outcome);
        }
        outcome
    }

    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let ears = self.ears.iter().flat_map(|ear| ear.listener.descriptors());
        let monitors = [Some(&self.monitor), self.routing_monitor.as_ref()];
        ears.chain(monitors.into_iter().flatten().map(AsFd::as_fd))
            .chain(self.files.descriptor())
    }

    /// Announces an address on an interface once.
    pub fn announce(&mut self, device: &str, address: IpAddr) -> io::Result<()> {
        match self.announcer(device)? {
            Some(announcer) => announcer.announce(address),
            None => Ok(()),
        }
    }

    /// Who announces on an interface as it is now. To open one takes as long as ten announcements:
    /// that is done before somebody waits for them.
    pub fn announcer(&mut self, device: &str) -> io::Result<Option<&Announcer>> {
        let found = self.interface(device);
        let Ok((link, mac)) = found.map(|link| (link.index, link.mac)) else {
            return Ok(None);
        };
        let opened = self.announcers.get(device);
        if opened.is_none_or(|crier| (crier.link, crier.mac) != (link, mac)) {
            let announcer = Announcer::open(device)?;
            let crier = Crier {
                link,
                mac,
                announcer,
            };
            self.announcers.insert(device.to_owned(), crier);
        }
        let crier = self.announcers.get(device);
        Ok(crier.and_then(|crier| crier.announcer.as_ref()))
    }

    fn watched(&self, script: &Script) -> Option<&Watched> {
        let mut scripts = self.scripts.iter();
        scripts.find(|watched| script.is_run_as(watched.script()))
    }

    /// Whether a script is well; nothing is known before it has ended once.
    pub fn is_well(&self, script: &Script) -> Option<bool> {
        self.watched(script).and_then(Watched::is_well)
    }

    /// Makes the files that are tracked and are to be made.
    pub fn make_files(&mut self, configuration: &Configuration) {
        for file in configuration.files() {
            if let Err(error) = file.make() {
                let (path, error) = (file.path.display(), error_text(&error));
                let text = format!("cannot make the file {path}: {error}");
                self.audience.log(Level::Error, None, &text);
            }
        }
    }

    /// Reads the files that have changed. Tells whether a number has.
    pub fn read_files(&mut self) -> bool {
        let outcome = self.files.heed();
        let changed = *outcome.as_ref().unwrap_or(&false);
        self.note("cannot watch files", outcome.map(drop));
        changed
    }

    /// The number in a file that is tracked.
    pub fn number_in(&self, file: &TrackedFile) -> i32 {
        self.files.number(&file.path)
    }

    /// When a script has something to do.
    pub fn deadline(&self) -> Option<Moment> {
        self.scripts.iter().map(Watched::deadline).min()
    }

    /// Runs the scripts that are due. Tells whether one has another verdict.
    pub fn run_scripts(&mut self) -> bool {
        let now = self.now();
        let mut changed = false;
        for script in &mut self.scripts {
            if let Some(well) = script.turn(now) {
                changed = true;
                let verdict = if well { "is well" } else { "has failed" };
                let script = script.script();
                let text = format!("{} {} {verdict}", script.task.kind(), script.name);
                self.audience.log(Level::Info, None, &text);
            }
        }
        changed
    }

    /// Tells of a change: whoever listens, commands, pipes.
    pub fn tell(&mut self, news: &News<'_>, commands: [&Option<CommandLine>; 2]) {
        self.audience.became(news);
        let words = [
            news.subject.kind().to_owned(),
            news.subject.name().to_owned(),
            news.state.to_owned(),
            news.priority.to_string(),
        ];
        for (command, arguments) in commands.into_iter().zip([&[][..], &words]) {
            if let Some(command) = command {
                let child = start(command, arguments);
                let outcome = child.map(|child| self.children.add(child));
                self.note("cannot run a notification", outcome);
            }
        }
        self.write(news);
    }

    /// Writes a change into the pipes.
    pub fn write(&mut self, news: &News<'_>) {
        let line = format!("{news}\n");
        let mut outcome = Ok(());
        for (_, pipe) in &mut self.pipes {
            outcome = pipe.tell(&line).and(outcome);
        }
        self.note("cannot write to the pipe", outcome);
    }

    /// Looks which notifications have ended, and which readers of pipes.
    pub fn reap(&mut self) {
        for (_, pipe) in &mut self.pipes {
            pipe.reap();
        }
        for status in self.children.reap() {
            let text = format!("a notification failed: {status}");
            self.audience.log(Level::Warning, None, &text);
        }
    }

    pub fn log(&mut self, level: Level, voice: &Voice, text: &str) {
        let name = &voice.instance().name;
        self.audience.log(level, Some(name), text);
    }

    /// Tells of a failure, though not more than once a second of each kind.
    pub fn note(&mut self, what: &'static str, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            if self.troubles.may_tell(self.now(), what) {
                let text = format!("{what}: {}", error_text(&error));
                self.audience.log(Level::Error, None, &text);
            }
        }
    }
}
