//! Virtual routers that speak: their state machines among sockets, timers, scripts and the machine's
//! addresses. One thread, which sleeps until there is something to do.

use std::fmt;
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::thread;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::host::error_text;
use crate::host::interfaces;
use crate::host::links::Network;
use crate::host::routes;
use crate::host::signals::Signals;
use crate::netlink::monitor::Interface;
use crate::netlink::route::Address;

use super::advert::Advertisement;
use super::complaints::Rejected;
use super::configuration::Configuration;
use super::control::{self, Question};
use super::instance::Instance;
use super::reception::Rejection;
use super::report::{Form, News, Report};
use super::router::{Event, Heard};
use super::{Moment, State};
use set::Set;
use voice::Voice;
use world::World;

mod reload;
mod set;
mod voice;
mod world;

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

/// Who hears of what a speaker does, and has a say in it.
pub trait Audience {
    /// A router or a group is in another state.
    fn became(&mut self, news: &News<'_>);
    /// A line for the log, of the router of this name or of the whole.
    fn log(&mut self, level: Level, of: Option<&str>, text: &str);
    /// What a router is, as whoever asked shall read it.
    fn answer(&mut self, report: &Report, form: Form) -> String;
    /// SIGHUP: what is to be done.
    fn reload(&mut self) -> Reload;
}

/// What SIGHUP means.
#[derive(Clone, Debug, PartialEq)]
pub enum Reload {
    /// The end.
    End,
    /// Nothing, and whoever asked was told why.
    Nothing,
    /// From now on this.
    To(Configuration),
}

/// When a speaker ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Until {
    /// Never: it wants a signal.
    Told,
    /// As soon as each router is master, or has heard one that it accepts. As master it leaves the
    /// addresses where they are.
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

/// Makes a failure of what the system refused.
fn system(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure::System(what, error)
}

/// Speaks for virtual routers until it is told to end, or `until`. Gives back what each was last, in
/// the order of the configuration.
pub fn speak(
    configuration: Configuration,
    until: Until,
    audience: &mut dyn Audience,
) -> Result<Vec<State>, Failure> {
    let mut signals = Signals::open().map_err(system("signals"))?;
    let mut speaker = Speaker::open(configuration, audience)?;
    signals.wake_exactly().map_err(system("timer"))?;
    speaker.run(&signals, until)
}

/// The interface of an instance, and the address that its adverts come from.
pub fn place(instance: &Instance) -> Result<(Interface, IpAddr), Failure> {
    let mut network = Network::open().map_err(system("rtnetlink"))?;
    let begun = Instant::now();
    loop {
        let interface = interfaces::named(&instance.interface).map_err(system("rtnetlink"))?;
        let interface =
            interface.ok_or_else(|| Failure::NoInterface(instance.interface.clone()))?;
        let addresses = network.addresses().map_err(system("rtnetlink"))?;
        let moves = |address: &IpAddr| {
            let mut vips = instance.addresses.iter();
            instance.moves_addresses && vips.any(|vip| vip.address == *address)
        };
        let found = sources(instance, &interface, &addresses, moves).next();
        if let Some(source) = found.or(instance.assumed_source()) {
            return Ok((interface, source));
        }
        if begun.elapsed() > ADDRESS_PATIENCE {
            return Err(Failure::NoAddress(interface.name, instance.family));
        }
        thread::sleep(Duration::from_millis(50));
    }
}

/// The address that was asked for, on any interface; else those of the interface that are not ones
/// which come and go, the best one first.
fn sources<'a>(
    instance: &'a Instance,
    interface: &'a Interface,
    addresses: &'a [Address],
    moves: impl Fn(&IpAddr) -> bool + 'a,
) -> impl Iterator<Item = IpAddr> + 'a {
    let usable = addresses.iter().filter(move |address| {
        let is_own = match (instance.source, address.address) {
            (Some(wanted), own) => return own == wanted && !address.tentative,
            (None, IpAddr::V4(_)) => instance.family == Family::V4,
            (None, IpAddr::V6(own)) => instance.family == Family::V6 && own.is_unicast_link_local(),
        };
        is_own && !address.tentative && address.link == interface.index && !moves(&address.address)
    });
    usable.map(|address| address.address)
}

struct Speaker<'a> {
    /// What it was told last.
    configuration: Configuration,
    /// For each group of that one, in its order.
    sets: Vec<Set>,
    world: World<'a>,
}

impl<'a> Speaker<'a> {
    fn open(configuration: Configuration, audience: &'a mut dyn Audience) -> Result<Self, Failure> {
        control::sweep();
        let mut speaker = Speaker {
            configuration: Configuration::default(),
            sets: vec![],
            world: World::open(audience)?,
        };
        speaker.world.make_files(&configuration);
        speaker.turn_to(configuration)?;
        Ok(speaker)
    }

    fn run(&mut self, signals: &Signals, until: Until) -> Result<Vec<State>, Failure> {
        loop {
            let received = signals.receive();
            if received.end || (received.hang_up && self.reload()) {
                return Ok(self.stop());
            }
            if self.world.heed_notices() {
                self.look_around();
            }
            self.hear();
            self.heed_questions();
            // Both, whatever the first one says.
            if self.world.run_scripts() | self.world.read_files() {
                for set in &mut self.sets {
                    set.weigh(&mut self.world);
                }
            }
            for set in &mut self.sets {
                set.begin_if_ready(&mut self.world);
                if set.deadline().is_some_and(|at| at <= self.world.now()) {
                    set.happen(&mut self.world, Event::Tick);
                }
            }
            if until == Until::Known && self.sets.iter().all(Set::is_known) {
                let masters = self.sets.iter_mut().filter(|set| set.is_master());
                masters.flat_map(Set::voices_mut).for_each(Voice::leave);
                return Ok(self.states());
            }
            self.world.reap();
            self.wait(signals)?;
        }
    }

    fn states(&self) -> Vec<State> {
        self.sets.iter().flat_map(Set::states).collect()
    }

    fn stop(&mut self) -> Vec<State> {
        let last = self.states();
        for set in &mut self.sets {
            set.happen(&mut self.world, Event::Stop);
        }
        routes::try_out(&self.configuration.fixed.takes_off());
        last
    }

    fn wait(&self, signals: &Signals) -> Result<(), Failure> {
        let deadlines = self.sets.iter().filter_map(Set::deadline);
        let deadline = deadlines.chain(self.world.deadline()).min();
        let most = deadline.map(|deadline| deadline.since(self.world.now()));
        let mut descriptors: Vec<BorrowedFd<'_>> = self.world.descriptors().collect();
        let voices = self.sets.iter().flat_map(Set::voices);
        descriptors.extend(voices.map(|voice| voice.control().as_fd()));
        signals.wait(&descriptors, most).map_err(system("poll"))
    }

    /// Has each router know what has become of links and addresses.
    fn look_around(&mut self) {
        let routing_disturbed = self.world.take_routing_disturbed();
        for set in &mut self.sets {
            set.look_around(&mut self.world);
            set.look_for_losses(&mut self.world, routing_disturbed);
        }
    }

    fn hear(&mut self) {
        let mut heard: Vec<Hearing> = Vec::new();
        let sets = &mut self.sets;
        let outcome = self
            .world
            .listen(PACKETS_A_TURN, |channel, came, datagram| {
                let Some(vrid) = super::advert::vrid(datagram.message) else {
                    return;
                };
                let (before, mut namesakes) = (heard.len(), 0);
                for (number, set) in sets.iter_mut().enumerate() {
                    let members = set.voices_mut().enumerate();
                    for (member, voice) in members.filter(|(_, voice)| {
                        let instance = voice.instance();
                        instance.vrid == vrid && instance.ear() == channel.interface
                    }) {
                        namesakes += 1;
                        if voice.instance().group != channel.group {
                            continue;
                        }
                        heard.push(Hearing {
                            set: number,
                            member,
                            came,
                            source: datagram.source,
                            checked: voice.check(datagram),
                        });
                    }
                }
                if namesakes > 1 {
                    let own = heard.split_off(before);
                    heard.extend(of_twins(own));
                }
            });
        self.world.note("cannot receive adverts", outcome);
        for heard in heard {
            let (set, member, source) = (&mut self.sets[heard.set], heard.member, heard.source);
            match heard.checked {
                Ok(advert) => {
                    let told = Heard {
                        source,
                        priority: advert.priority,
                        interval: advert.interval,
                    };
                    set.hear(&mut self.world, member, heard.came, told);
                }
                // Others share the link.
                Err(Rejection::Vrid) => {}
                Err(reason) => {
                    let rejected = Rejected { source, reason };
                    set.voice_mut(member).complain(&mut self.world, rejected);
                }
            }
        }
    }

    fn heed_questions(&mut self) {
        for set in &mut self.sets {
            for member in 0..set.voices().count() {
                let mut resign = false;
                let (asked, world) = (&*set, &mut self.world);
                let outcome = asked
                    .voice(member)
                    .control()
                    .answer(|question| match question {
                        Question::Status(form) => {
                            let report = asked.report(world, member);
                            world.audience.answer(&report, form)
                        }
                        Question::Name => format!("{}\n", asked.voice(member).instance().name),
                        Question::Resign => {
                            resign = true;
                            format!("{}\n", asked.state(member))
                        }
                    });
                self.world.note("control socket", outcome);
                if resign {
                    let voice = set.voice(member);
                    self.world.log(Level::Info, voice, "asked to resign");
                    set.happen_to(&mut self.world, member, Event::Resign);
                }
            }
        }
    }
}

/// What a router makes of a packet that may be for it.
struct Hearing {
    /// The place of its set.
    set: usize,
    /// Its place in that.
    member: usize,
    came: Moment,
    source: IpAddr,
    checked: Result<Advertisement, Rejection>,
}

/// What is left of what routers with one number make of a packet: what one of them believes, or what
/// is only for others, is no fault.
fn of_twins(heard: Vec<Hearing>) -> impl Iterator<Item = Hearing> {
    let is_believed = heard.iter().any(|one| one.checked.is_ok());
    heard.into_iter().filter(move |one| match one.checked {
        Ok(_) => true,
        Err(Rejection::Destination(_) | Rejection::Stranger) => false,
        Err(_) => !is_believed,
    })
}
