//! A virtual router that speaks: the state machine among sockets, timers, scripts and the machine's
//! addresses. One thread, which sleeps until there is something to do.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::host::announce::Announcer;
use crate::host::error_text;
use crate::host::interfaces::{self, Monitor};
use crate::host::links::Network;
use crate::host::signals::{self, Signals};
use crate::netlink::monitor::Interface;
use crate::netlink::route::{Address, Scope};

use super::complaints::{BETWEEN_COMPLAINTS, Complaints, Rejected};
use super::control::{Control, Question};
use super::group::{Group, Step};
use super::instance::{Instance, VirtualAddress};
use super::port::{Listener, Sender};
use super::reception::{Reception, Rejection};
use super::router::{Action, Event, Heard, Remark, Settings};
use super::scripts::{Children, Watched, start, tell};
use super::tracking::Weight;
use super::{Moment, Priority, State};

mod surroundings;

/// Packets that are read of a socket before timers are looked at again.
const PACKETS_A_TURN: usize = 64;

/// How long an address of its own may be awaited: IPv6 looks for duplicates first.
const ADDRESS_PATIENCE: Duration = Duration::from_secs(5);

/// How much something matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// Something that should have been done was not.
    Error,
    /// Something is likely to be wrong.
    Warning,
    /// Something changed.
    Info,
}

/// Who hears of what a speaker does.
pub trait Audience {
    /// It is in another state.
    fn became(&mut self, state: State, priority: Priority);
    /// A line for the log.
    fn log(&mut self, level: Level, text: &str);
}

/// When a speaker ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: it wants a signal.
    Told,
    /// As soon as it is master, or has heard one that it accepts. As master it leaves the addresses
    /// where they are.
    Known,
}

/// Why a speaker could not go on.
#[derive(Debug)]
pub enum Failure {
    /// There is no interface of this name, or no more.
    NoInterface(String),
    /// The interface has no address that adverts could come from.
    NoAddress(String, Family),
    /// Another process speaks for this router already.
    Running(String),
    /// The system refused this.
    System(&'static str, io::Error),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Failure::NoInterface(name) => write!(f, "no such interface: {name}"),
            Failure::NoAddress(name, Family::V4) => write!(f, "no address of IPv4 on {name}"),
            Failure::NoAddress(name, Family::V6) => write!(f, "no link-local address on {name}"),
            Failure::Running(name) => write!(f, "already running: {name}"),
            Failure::System(what, error) => write!(f, "{what}: {}", error_text(error)),
        }
    }
}

/// Speaks for a virtual router until it is told to end, or `until`. Gives back what it was last.
pub fn speak(
    instance: &Instance,
    until: Until,
    audience: &mut dyn Audience,
) -> Result<State, Failure> {
    let signals = Signals::open().map_err(|error| Failure::System("signals", error))?;
    let mut speaker = Speaker::open(instance, audience)?;
    signals::wake_exactly();
    speaker.run(&signals, until)
}

/// The interface of an instance, and the address that its adverts come from.
pub fn place(instance: &Instance) -> Result<(Interface, IpAddr), Failure> {
    let system = |error| Failure::System("rtnetlink", error);
    let mut network = Network::open().map_err(system)?;
    let begun = Instant::now();
    loop {
        let interface = interface(&instance.interface)?;
        let addresses = network.addresses().map_err(system)?;
        if let Some(source) = source(instance, &interface, &addresses) {
            return Ok((interface, source));
        }
        if begun.elapsed() > ADDRESS_PATIENCE {
            return Err(Failure::NoAddress(interface.name, instance.family));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

fn interface(name: &str) -> Result<Interface, Failure> {
    let found = interfaces::named(name).map_err(|error| Failure::System("rtnetlink", error))?;
    found.ok_or_else(|| Failure::NoInterface(name.to_owned()))
}

/// The address that was asked for, on any interface; else the first of the interface that is not
/// one which comes and goes.
fn source(instance: &Instance, interface: &Interface, addresses: &[Address]) -> Option<IpAddr> {
    let moves = |address: &IpAddr| {
        instance.moves_addresses && instance.addresses.iter().any(|vip| vip.address == *address)
    };
    let mut usable = addresses.iter().filter(|address| !address.tentative);
    let found = match instance.source {
        Some(wanted) => usable.find(|address| address.address == wanted),
        None => usable.find(|address| {
            let fits = match address.address {
                IpAddr::V4(_) => instance.family == Family::V4,
                IpAddr::V6(own) => instance.family == Family::V6 && own.is_unicast_link_local(),
            };
            fits && address.link == interface.index && !moves(&address.address)
        }),
    };
    found.map(|address| address.address)
}

/// An interface that is tracked.
struct Tracked {
    name: String,
    weight: Weight,
    running: bool,
}

struct Speaker<'a> {
    instance: &'a Instance,
    audience: &'a mut dyn Audience,
    began: Instant,
    interface: Interface,
    source: IpAddr,
    source_is_there: bool,
    group: Group,
    reception: Reception,
    listener: Listener,
    sender: Sender,
    /// By the name of the interface.
    announcers: BTreeMap<String, (u32, Option<Announcer>)>,
    network: Network,
    monitor: Monitor,
    control: Control,
    tracked: Vec<Tracked>,
    scripts: Vec<Watched>,
    children: Children,
    complaints: Complaints,
    troubles: BTreeMap<&'static str, Moment>,
}

impl<'a> Speaker<'a> {
    fn open(instance: &'a Instance, audience: &'a mut dyn Audience) -> Result<Self, Failure> {
        let system = |what| move |error| Failure::System(what, error);
        // Before anything is looked at, so that no change is missed.
        let monitor = Monitor::open().map_err(system("rtnetlink"))?;
        let (interface, source) = place(instance)?;
        let control = Control::open(&instance.interface, instance.vrid, instance.family);
        let control = control.map_err(|error| match error.kind() {
            io::ErrorKind::AddrInUse => {
                Failure::Running(format!("VRID {} on {}", instance.vrid, instance.interface))
            }
            _ => Failure::System("control socket", error),
        })?;
        let mut announcers = BTreeMap::new();
        for vip in &instance.addresses {
            let device = vip.device.as_ref().unwrap_or(&instance.interface);
            let device = self::interface(device)?;
            let announcer = Announcer::open(&device.name);
            let announcer = announcer.map_err(system("packet socket"))?;
            announcers.insert(device.name, (device.index, announcer));
        }
        let mut tracked = Vec::new();
        for (name, weight) in &instance.interfaces {
            let (name, weight) = (name.clone(), *weight);
            let running = self::interface(&name)?.running;
            tracked.push(Tracked {
                name,
                weight,
                running,
            });
        }
        let settings = Settings {
            source,
            ..instance.settings
        };
        let scripts = instance.scripts.iter().cloned();
        Ok(Speaker {
            instance,
            audience,
            began: Instant::now(),
            source,
            source_is_there: true,
            group: Group::new([settings]),
            reception: Reception::new(instance.expected()),
            listener: Listener::open(instance.family, &interface).map_err(system("raw socket"))?,
            sender: Sender::open(&interface, source).map_err(system("raw socket"))?,
            interface,
            announcers,
            network: Network::open().map_err(system("rtnetlink"))?,
            monitor,
            control,
            tracked,
            scripts: scripts
                .map(|script| Watched::new(script, Moment::default()))
                .collect(),
            children: Children::default(),
            complaints: Complaints::default(),
            troubles: BTreeMap::new(),
        })
    }

    fn now(&self) -> Moment {
        Moment(self.began.elapsed())
    }

    fn state(&self) -> State {
        self.group.routers()[0].state()
    }

    fn priority(&self) -> Priority {
        self.group.routers()[0].priority()
    }

    fn run(&mut self, signals: &Signals, until: Until) -> Result<State, Failure> {
        let mut started = false;
        loop {
            if signals.shall_end() {
                let last = self.state();
                self.happen(Event::Stop);
                return Ok(last);
            }
            self.heed_notices()?;
            self.hear();
            self.heed_questions();
            self.run_scripts();
            // Until each script has told, nobody knows whether this router can be master.
            if !started && self.scripts.iter().all(|script| script.is_well().is_some()) {
                started = true;
                self.weigh();
                self.happen(Event::Start);
            }
            if self
                .group
                .deadline()
                .is_some_and(|deadline| deadline <= self.now())
            {
                self.happen(Event::Tick);
            }
            if until == Until::Known {
                let heard = self.group.routers()[0].master().is_some();
                match self.state() {
                    State::Backup if heard => return Ok(State::Backup),
                    state @ (State::Master | State::Fault) => return Ok(state),
                    State::Backup | State::Initialize => {}
                }
            }
            for status in self.children.reap() {
                let text = format!("a notification failed: {status}");
                self.audience.log(Level::Warning, &text);
            }
            self.wait(signals)?;
        }
    }

    fn wait(&self, signals: &Signals) -> Result<(), Failure> {
        let deadlines = self.scripts.iter().map(Watched::deadline);
        let deadline = deadlines.chain(self.group.deadline()).min();
        let most = deadline.map(|deadline| deadline.since(self.now()));
        let mut descriptors: Vec<BorrowedFd<'_>> = self.listener.descriptors().collect();
        descriptors.extend([self.monitor.as_fd(), self.control.as_fd()]);
        let waited = signals.wait(&descriptors, most);
        waited.map_err(|error| Failure::System("poll", error))
    }

    fn happen(&mut self, event: Event) {
        let mut steps = Vec::new();
        self.group.handle_all(self.now(), event, &mut steps);
        self.carry_out(&steps);
    }

    fn carry_out(&mut self, steps: &[Step]) {
        for step in steps {
            match step.action {
                Action::Advertise(priority) => {
                    let sent = self
                        .sender
                        .advertise(self.instance, &mut self.reception, priority);
                    self.note("cannot send an advert", sent);
                }
                Action::AddAddresses => self.move_addresses(true),
                Action::RemoveAddresses => self.move_addresses(false),
                Action::Announce(rounds) => self.announce(rounds),
                Action::Became(state) => self.became(state),
                Action::Remark(remark) => self.remark(remark),
            }
        }
    }

    fn became(&mut self, state: State) {
        let priority = self.priority();
        self.audience.became(state, priority);
        let Instance { name, notify, .. } = self.instance;
        let own = match state {
            State::Master => &notify.master,
            State::Backup => &notify.backup,
            State::Fault => &notify.fault,
            State::Initialize => &notify.stop,
        };
        let words = [
            "INSTANCE".into(),
            name.clone(),
            state.to_string(),
            priority.to_string(),
        ];
        for (command, arguments) in [(own, &[][..]), (&notify.any, &words)] {
            if let Some(command) = command {
                let child = start(command, arguments);
                let outcome = child.map(|child| self.children.add(child));
                self.note("cannot run a notification", outcome);
            }
        }
        if let Some(fifo) = &notify.fifo {
            let line = format!("INSTANCE \"{name}\" {state} {priority}\n");
            self.note("cannot write to the pipe", tell(fifo, &line));
        }
    }

    fn remark(&mut self, remark: Remark) {
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
        if self.may_tell(key) {
            self.audience.log(level, &text);
        }
    }

    /// Tells of a failure, though not more than once a second of each kind.
    fn note(&mut self, what: &'static str, outcome: io::Result<()>) {
        if let Err(error) = outcome {
            if self.may_tell(what) {
                self.audience
                    .log(Level::Error, &format!("{what}: {}", error_text(&error)));
            }
        }
    }

    fn may_tell(&mut self, key: &'static str) -> bool {
        let now = self.now();
        let last = self.troubles.get(key);
        if last.is_some_and(|last| now.since(*last) < BETWEEN_COMPLAINTS) {
            return false;
        }
        self.troubles.insert(key, now);
        true
    }

    fn move_addresses(&mut self, up: bool) {
        if !self.instance.moves_addresses {
            return;
        }
        for vip in &self.instance.addresses {
            let device = vip.device.as_ref().unwrap_or(&self.instance.interface);
            let Some((index, _)) = self.announcers.get(device) else {
                continue;
            };
            let address = kernel_address(vip, *index);
            let outcome = match up {
                true => self.network.add_address_with(&address, vip.broadcast),
                false => self.network.remove_address(&address),
            };
            if let Err(error) = outcome {
                let what = if up {
                    "cannot put up"
                } else {
                    "cannot take off"
                };
                let text = format!("{what} {vip}: {}", error_text(&error));
                self.audience.log(Level::Error, &text);
            }
        }
    }

    fn announce(&mut self, rounds: u8) {
        for _ in 0..rounds {
            for vip in &self.instance.addresses {
                let device = vip.device.as_ref().unwrap_or(&self.instance.interface);
                if let Some((_, Some(announcer))) = self.announcers.get(device) {
                    if let Err(error) = announcer.announce(vip.address) {
                        self.note("cannot announce an address", Err(error));
                        return;
                    }
                }
            }
        }
    }

    fn hear(&mut self) {
        let mut heard = Vec::new();
        let mut rejected = Vec::new();
        let reception = &mut self.reception;
        let outcome = self.listener.receive(PACKETS_A_TURN, |datagram| {
            let source = datagram.source;
            match reception.check(datagram) {
                Ok(advert) => heard.push(Heard {
                    source,
                    priority: advert.priority,
                    interval: advert.interval,
                }),
                // Others share the link.
                Err(Rejection::Vrid) => {}
                Err(reason) => rejected.push(Rejected { source, reason }),
            }
        });
        self.note("cannot receive adverts", outcome);
        for heard in heard {
            self.happen(Event::Heard(heard));
        }
        for rejected in rejected {
            self.complain(rejected);
        }
    }

    fn complain(&mut self, rejected: Rejected) {
        if self.complaints.count(self.now(), rejected) {
            let Rejected { source, reason } = rejected;
            let text = format!("adverts from {source} are not believed: {reason}");
            self.audience.log(Level::Warning, &text);
        }
    }

    fn heed_questions(&mut self) {
        let mut resign = false;
        let outcome = self.control.answer(|question| match question {
            Question::Status => self.status(),
            Question::Resign => {
                resign = true;
                format!("{}\n", self.state())
            }
        });
        self.note("control socket", outcome);
        if resign {
            self.audience.log(Level::Info, "asked to resign");
            self.happen(Event::Resign);
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
