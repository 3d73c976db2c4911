//! The command line of `lvs-vrrp`: one definition, from which come parsing, help and completion.

use std::ffi::OsString;
use std::net::IpAddr;
use std::time::Duration;

use clap::ArgMatches;
use clap::error::{ContextKind, ContextValue, ErrorKind};

use crate::addr::Family;
use crate::vrrp::command::CommandLine;
use crate::vrrp::configuration::{Configuration, Fifo, Id, SyncGroup};
use crate::vrrp::instance::{self, Instance, VirtualAddress};
use crate::vrrp::reception::Checksum;
use crate::vrrp::report::Form;
use crate::vrrp::speaker::Level;
use crate::vrrp::vmac::Vmac;
use crate::vrrp::{Priority, Vrid};

pub use options::command;
pub use secret::Secrets;

mod options;
mod secret;

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Request {
    /// Speak until a signal comes.
    Run(Wanted, Manner),
    /// Speak until it is known who is master.
    Elect(Wanted, Manner),
    /// Send adverts and end.
    Advertise {
        /// What is in them.
        wanted: Wanted,
        /// How many.
        count: u32,
        /// With which priority, if not their own.
        priority: Option<Priority>,
    },
    /// Ask those that run to give up.
    Resign(Asked),
    /// Ask those that run what they are.
    Status(Asked, Form),
    /// Print what is heard.
    Watch {
        /// Where.
        interface: String,
        /// Of which virtual router only.
        vrid: Option<Vrid>,
        /// For how long; then comes a verdict.
        length: Option<Duration>,
        /// In JSON.
        json: bool,
    },
}

/// For whom to speak.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// For what options say.
    Options {
        /// One virtual router.
        configuration: Box<Configuration>,
        /// What to say before anything else.
        warnings: Vec<String>,
    },
    /// For what a keepalived.conf says.
    File {
        /// The configuration.
        file: String,
        /// Which of its vrrp_instances; all, when none is named.
        names: Vec<String>,
    },
}

/// How to speak.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Manner {
    /// Tell changes in JSON.
    pub json: bool,
    /// What is logged: this and all that matters more.
    pub level: Level,
}

/// Which of the routers that run.
#[derive(Debug, PartialEq, Eq)]
pub enum Asked {
    /// The one with this number.
    Router(Id),
    /// Those of these names; all, when there are none.
    Named(Vec<String>),
}

/// A command line that asks for nothing to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It asks for this text.
    Help(String),
    /// This is wrong with it.
    Wrong(String),
}

/// Understands a command line, whose first word is the program's name.
pub fn parse(
    words: impl IntoIterator<Item = OsString>,
    secrets: &Secrets<'_>,
) -> Result<Request, Refused> {
    let matches = command()
        .try_get_matches_from(words)
        .map_err(|error| refused(&error))?;
    let (verb, matches) = matches
        .subcommand()
        .ok_or_else(|| Refused::Wrong(String::new()))?;
    request(verb, matches, secrets).map_err(Refused::Wrong)
}

fn request(verb: &str, matches: &ArgMatches, secrets: &Secrets<'_>) -> Result<Request, String> {
    match verb {
        "watch" => Ok(Request::Watch {
            interface: one(matches, "interface").unwrap_or_default(),
            vrid: one(matches, "vrid"),
            length: one(matches, "for"),
            json: matches.get_flag("json"),
        }),
        "resign" => Ok(Request::Resign(asked(matches)?)),
        "status" => {
            let form = match matches.get_flag("json") {
                true => Form::Json,
                false => Form::Text,
            };
            Ok(Request::Status(asked(matches)?, form))
        }
        "advertise" => Ok(Request::Advertise {
            wanted: wanted(matches, secrets, |_, _| Ok(()))?,
            count: one(matches, "count").unwrap_or(1),
            priority: one(matches, "priority"),
        }),
        _ => {
            let wanted = wanted(matches, secrets, |configuration, warnings| {
                set_behaviour(configuration, matches, warnings)
            })?;
            let manner = Manner {
                json: matches.get_flag("json"),
                level: level(matches),
            };
            Ok(match verb {
                "elect" => Request::Elect(wanted, manner),
                _ => Request::Run(wanted, manner),
            })
        }
    }
}

fn wanted(
    matches: &ArgMatches,
    secrets: &Secrets<'_>,
    set: impl FnOnce(&mut Configuration, &mut Vec<String>) -> Result<(), String>,
) -> Result<Wanted, String> {
    if let Some(file) = one(matches, "use-file") {
        let names = all(matches, "instance");
        return Ok(Wanted::File { file, names });
    }
    let mut warnings = Vec::new();
    let instance = described(matches, secrets, &mut warnings)?;
    let mut configuration = Box::new(Configuration {
        groups: vec![SyncGroup::alone(instance)],
        ..Configuration::default()
    });
    set(&mut configuration, &mut warnings)?;
    Ok(Wanted::Options {
        configuration,
        warnings,
    })
}

fn level(matches: &ArgMatches) -> Level {
    match one::<String>(matches, "log-level").as_deref() {
        Some("error") => Level::Error,
        Some("warning") => Level::Warning,
        _ => Level::Info,
    }
}

fn asked(matches: &ArgMatches) -> Result<Asked, String> {
    let Some(interface) = one(matches, "interface") else {
        return Ok(Asked::Named(all(matches, "instance")));
    };
    Ok(Asked::Router(Id {
        interface,
        vrid: one(matches, "vrid").ok_or("no VRID")?,
        family: if matches.get_flag("ipv6") {
            Family::V6
        } else {
            Family::V4
        },
        twin: None,
    }))
}

/// What its adverts say.
fn described(
    matches: &ArgMatches,
    secrets: &Secrets<'_>,
    warnings: &mut Vec<String>,
) -> Result<Instance, String> {
    let addresses: Vec<VirtualAddress> = all(matches, "vip");
    let peers: Vec<IpAddr> = all(matches, "peer");
    let source: Option<IpAddr> = one(matches, "unicast-src");
    // The first virtual address decides; without one, the source does.
    let first = addresses.first().map(|vip| vip.address);
    let first = first.or(source).or(peers.first().copied());
    let family = first.map_or(Family::V4, |address| Family::of(&address));
    let name: String = one(matches, "interface").unwrap_or_default();
    let vrid = one(matches, "vrid").ok_or("no VRID")?;
    let mut instance = instance::new(&name, vrid, family, one(matches, "vrrp-version"));
    instance.addresses = addresses;
    instance.peers = peers;
    instance.source = source;
    if let Some(name) = one(matches, "name") {
        instance.name = name;
    }
    if let Some(interval) = one(matches, "advert-int") {
        instance.settings.interval = interval;
    }
    if matches.get_flag("v3-checksum-as-v2") {
        instance.checksum = Checksum::Message;
    }
    if let Some(text) = one::<String>(matches, "auth") {
        instance.authentication = secret::authentication(&text, secrets, warnings)?;
    }
    match instance.fault() {
        Some(fault) => Err(fault),
        None => Ok(instance),
    }
}

/// How it behaves, beyond what its adverts say.
fn set_behaviour(
    configuration: &mut Configuration,
    matches: &ArgMatches,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    let fifo = one::<String>(matches, "fifo").map(|path| Fifo {
        path: path.into(),
        owner: None,
        reader: None,
    });
    configuration.fifos.extend(fifo);
    configuration.process.real_time = one(matches, "rt-priority");
    configuration.process.locked = matches.get_flag("no-swap");
    let groups = configuration.groups.iter_mut();
    for instance in groups.flat_map(|group| &mut group.members) {
        set_behaviour_of(instance, matches, warnings)?;
    }
    Ok(())
}

fn set_behaviour_of(
    instance: &mut Instance,
    matches: &ArgMatches,
    warnings: &mut Vec<String>,
) -> Result<(), String> {
    let settings = &mut instance.settings;
    settings.priority = match one(matches, "priority") {
        Some(Priority::RESIGNED) => return Err("invalid priority `0`, expected 1 to 255".into()),
        Some(priority) => priority,
        None => Priority::DEFAULT,
    };
    let initial: Option<String> = one(matches, "initial");
    settings.preempt = !matches.get_flag("nopreempt");
    if initial.as_deref() == Some("master") && !settings.preempt {
        warnings.push("--nopreempt is void with --initial master".into());
        settings.preempt = true;
    }
    settings.preempt_delay = one(matches, "preempt-delay").unwrap_or_default();
    settings.answer_lower = !matches.get_flag("lower-prio-no-advert");
    settings.missed_adverts = one(matches, "down-timer-adverts").unwrap_or(settings.missed_adverts);
    let announce = &mut settings.announce;
    let unless_zero = |duration: Duration| (!duration.is_zero()).then_some(duration);
    announce.rounds = one(matches, "garp-count").unwrap_or(announce.rounds);
    announce.again = one(matches, "garp-delay").map_or(announce.again, unless_zero);
    announce.refresh = one(matches, "garp-refresh").and_then(unless_zero);
    announce.refresh_rounds = one(matches, "garp-refresh-count").unwrap_or(announce.refresh_rounds);
    instance.moves_addresses = !matches.get_flag("no-vip");
    instance.accepts = !matches.get_flag("no-accept") || instance.is_owner();
    let vmac = matches.get_flag("vmac");
    instance.vmac = vmac.then(|| Vmac::new(instance.vrid, instance.family));
    instance.interfaces = all(matches, "track-interface");
    instance.scripts = all(matches, "track-script");
    let command = |name| one::<String>(matches, name).and_then(|text| CommandLine::new(&text));
    let notify = &mut instance.notify;
    notify.any = command("notify");
    notify.master = command("notify-master");
    notify.backup = command("notify-backup");
    notify.fault = command("notify-fault");
    notify.stop = command("notify-stop");
    Ok(())
}

fn one<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Option<T> {
    matches.get_one::<T>(name).cloned()
}

fn all<T: Clone + Send + Sync + 'static>(matches: &ArgMatches, name: &str) -> Vec<T> {
    matches
        .get_many::<T>(name)
        .into_iter()
        .flatten()
        .cloned()
        .collect()
}

/// What clap has to say, in one line.
fn refused(error: &clap::Error) -> Refused {
    let said = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.join(", "),
        _ => String::new(),
    };
    let (argument, value) = (
        said(ContextKind::InvalidArg),
        said(ContextKind::InvalidValue),
    );
    Refused::Wrong(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            return Refused::Help(error.to_string());
        }
        ErrorKind::MissingRequiredArgument => format!("missing: {argument}"),
        ErrorKind::MissingSubcommand => {
            "missing: run, elect, advertise, resign, status or watch".into()
        }
        ErrorKind::InvalidSubcommand => {
            format!("no such command: {}", said(ContextKind::InvalidSubcommand))
        }
        ErrorKind::ArgumentConflict => {
            format!(
                "{argument} does not go with {}",
                said(ContextKind::PriorArg)
            )
        }
        ErrorKind::UnknownArgument => format!("no such option: {argument}"),
        ErrorKind::ValueValidation => {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            format!(
                "invalid value `{value}` for {argument}: {}",
                cause.unwrap_or_default()
            )
        }
        ErrorKind::InvalidValue if value.is_empty() => format!("no value: {argument}"),
        ErrorKind::InvalidValue => format!("invalid value `{value}` for {argument}"),
        _ => {
            let text = error.to_string();
            let line = text.lines().next().unwrap_or_default();
            line.trim_start_matches("error: ").to_owned()
        }
    })
}

#[cfg(test)]
mod tests;
