//! The command line of `lvs-vrrp`: one definition, from which come parsing, help and completion.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use crate::addr::Family;
use crate::vrrp::command::CommandLine;
use crate::vrrp::instance::{self, Instance, Script, VirtualAddress};
use crate::vrrp::reception::Checksum;
use crate::vrrp::speaker::Level;
use crate::vrrp::tracking::Weight;
use crate::vrrp::{Authentication, Interval, OutOfRange, Priority, Secret, Version, Vrid};

/// What is to be done.
#[derive(Debug, PartialEq)]
pub enum Request {
    /// Speak until a signal comes.
    Run(Box<Speaking>),
    /// Speak for a virtual router of a configuration until a signal comes.
    RunConfigured(Configured),
    /// Speak until it is known who is master.
    Elect(Box<Speaking>),
    /// Send adverts and end.
    Advertise {
        /// What is in them.
        instance: Box<Instance>,
        /// How many.
        count: u32,
        /// With which priority.
        priority: Priority,
        /// What to say beside it.
        warnings: Vec<String>,
    },
    /// Ask the one that runs to give up.
    Resign(Target),
    /// Ask the one that runs what it is.
    Status(Target),
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

/// How to speak.
#[derive(Debug, PartialEq)]
pub struct Speaking {
    /// For whom.
    pub instance: Instance,
    /// Tell changes in JSON.
    pub json: bool,
    /// What is logged: this and all that matters more.
    pub level: Level,
    /// What to say before anything else.
    pub warnings: Vec<String>,
}

/// A virtual router of a keepalived.conf, and how to speak for it.
#[derive(Debug, PartialEq, Eq)]
pub struct Configured {
    /// The configuration.
    pub file: String,
    /// Its vrrp_instance; the only one, when it is not said.
    pub name: Option<String>,
    /// Tell changes in JSON.
    pub json: bool,
    /// What is logged: this and all that matters more.
    pub level: Level,
}

/// A speaker that runs.
#[derive(Debug, PartialEq, Eq)]
pub struct Target {
    /// Where it speaks.
    pub interface: String,
    /// For which virtual router.
    pub vrid: Vrid,
    /// In packets of which family.
    pub family: Family,
}

/// A command line that asks for nothing to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It asks for this text.
    Help(String),
    /// This is wrong with it.
    Wrong(String),
}

/// Where secrets are read from.
pub struct Secrets<'a> {
    /// A variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// A file.
    pub file: &'a dyn Fn(&str) -> Option<Vec<u8>>,
}

/// The command with all its options, for parsing, help and completion.
pub fn command() -> Command {
    Command::new("lvs-vrrp")
        .about("A VRRP speaker that fits in a shell script")
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand(configured(speaking(
            "run",
            "Speak for a virtual router until a signal",
        )))
        .subcommand(speaking(
            "elect",
            "Take part until the role is known: 0 master, 1 backup",
        ))
        .subcommand(
            advertised(Command::new("advertise").about("Send adverts and end"))
                .arg(value("count", "N", "How many (1)").value_parser(clap::value_parser!(u32))),
        )
        .subcommand(target(
            "resign",
            "Ask the one that runs to give up being master",
        ))
        .subcommand(target("status", "Ask the one that runs what it is"))
        .subcommand(
            Command::new("watch")
                .about("Print what is heard")
                .arg(interface())
                .arg(vrid().required(false).help("Of this virtual router only"))
                .arg(
                    value(
                        "for",
                        "SECONDS",
                        "End after that with a verdict: 0 one master, 3 none, 4 several",
                    )
                    .value_parser(seconds),
                )
                .arg(flag("json", "In JSON")),
        )
}

fn speaking(name: &'static str, about: &'static str) -> Command {
    let command = advertised(Command::new(name).about(about));
    command.args([
        flag(
            "nopreempt",
            "Leave a running master of lower priority in peace",
        ),
        value("preempt-delay", "SECONDS", "Leave it in peace for so long").value_parser(seconds),
        value(
            "initial",
            "STATE",
            "master or backup: master makes nopreempt void, as in keepalived",
        )
        .value_parser(["master", "backup"]),
        several(
            "track-interface",
            "IF[:WEIGHT]",
            "Fault, or another priority, while it is down",
        )
        .value_parser(tracked_interface),
        several(
            "track-script",
            "NAME:INTERVAL:RISE:FALL:WEIGHT:CMD",
            "Fault, or another priority, while it fails",
        )
        .value_parser(|text: &str| text.parse::<Script>()),
        value(
            "garp-count",
            "N",
            "Announcements on becoming master, and again (5)",
        )
        .value_parser(clap::value_parser!(u8)),
        value(
            "garp-delay",
            "SECONDS",
            "How long after the first ones they are repeated (5); 0: never",
        )
        .value_parser(seconds),
        value(
            "garp-refresh",
            "SECONDS",
            "Announce so often while master; 0: never",
        )
        .value_parser(seconds),
        value("garp-refresh-count", "N", "How many times then (1)")
            .value_parser(clap::value_parser!(u8)),
        flag(
            "lower-prio-no-advert",
            "Do not answer a master of lower priority",
        ),
        value("down-timer-adverts", "N", "Adverts a master may miss (3)")
            .value_parser(clap::value_parser!(u8).range(1..=100)),
        value(
            "notify",
            "CMD",
            "Run on each change, with INSTANCE NAME STATE PRIORITY",
        ),
        value("notify-master", "CMD", "Run on becoming master"),
        value("notify-backup", "CMD", "Run on becoming backup"),
        value("notify-fault", "CMD", "Run on a fault"),
        value("notify-stop", "CMD", "Run at the end"),
        value("fifo", "PATH", "A pipe for a line on each change").value_hint(ValueHint::FilePath),
        flag("no-vip", "Do not put up the virtual addresses"),
        flag("json", "Tell changes in JSON"),
        value("log-level", "LEVEL", "error, warning or info (the default)")
            .value_parser(["error", "warning", "info"]),
    ])
}

/// Or all of that from a file, which goes only with what the file does not say.
fn configured(command: Command) -> Command {
    let others: Vec<_> = command
        .get_arguments()
        .map(|argument| argument.get_id().clone())
        .filter(|id| id != "json" && id != "log-level")
        .collect();
    let command = ["interface", "vrid"]
        .into_iter()
        .fold(command, |all, name| {
            all.mut_arg(name, |argument| {
                argument.required(false).required_unless_present("use-file")
            })
        });
    command.args([
        value("use-file", "FILE", "As a keepalived.conf says")
            .short('f')
            .value_hint(ValueHint::FilePath)
            .conflicts_with_all(others.clone()),
        Arg::new("instance")
            .value_name("INSTANCE")
            .requires("use-file")
            .conflicts_with_all(others)
            .help("Its vrrp_instance, if there are several"),
    ])
}

/// With what is in an advert.
fn advertised(command: Command) -> Command {
    command.args([
        interface(),
        vrid(),
        value(
            "priority",
            "PRIORITY",
            "1 to 255, 255 for the owner of the addresses (100)",
        )
        .short('p')
        .value_parser(any_priority),
        several(
            "vip",
            "ADDR[/LEN][,dev=IF][,label=TEXT][,scope=SCOPE][,brd=ADDR]",
            "A virtual address",
        )
        .value_parser(|text: &str| text.parse::<VirtualAddress>()),
        value("name", "NAME", "What it is called (VI_VRID)"),
        value("vrrp-version", "VERSION", "2, or 3 (the default for IPv6)")
            .value_parser(|text: &str| text.parse::<Version>()),
        value(
            "advert-int",
            "SECONDS",
            "Between adverts (1): whole seconds in version 2",
        )
        .value_parser(|text: &str| text.parse::<Interval>()),
        value(
            "auth",
            "AUTH",
            "pass:SECRET or ah:SECRET; SECRET: a /FILE, env:NAME, or the text itself",
        ),
        value("unicast-src", "ADDR", "The address that adverts come from")
            .value_parser(clap::value_parser!(IpAddr)),
        several("peer", "ADDR", "Send adverts to this one, not to the group")
            .value_parser(clap::value_parser!(IpAddr)),
        flag(
            "v3-checksum-as-v2",
            "No pseudo-header in the checksum of version 3 over IPv4 (RFC 9568)",
        ),
    ])
}

fn target(name: &'static str, about: &'static str) -> Command {
    let ipv6 = flag("ipv6", "The one that speaks over IPv6").short('6');
    Command::new(name)
        .about(about)
        .args([interface(), vrid(), ipv6])
}

fn interface() -> Arg {
    value("interface", "IFACE", "The interface of the adverts")
        .short('i')
        .required(true)
}

fn vrid() -> Arg {
    let vrid = value("vrid", "VRID", "The virtual router: 1 to 255");
    vrid.short('I')
        .required(true)
        .value_parser(|text: &str| text.parse::<Vrid>())
}

fn value(name: &'static str, of: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(of)
        .value_hint(ValueHint::Other)
        .hide_possible_values(true)
        .help(help)
}

fn several(name: &'static str, of: &'static str, help: &'static str) -> Arg {
    value(name, of, help).action(ArgAction::Append)
}

fn flag(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

fn any_priority(text: &str) -> Result<Priority, OutOfRange> {
    match text {
        "0" => Ok(Priority::RESIGNED),
        text => text.parse(),
    }
}

fn seconds(text: &str) -> Result<Duration, OutOfRange> {
    let seconds = text
        .parse()
        .ok()
        .filter(|seconds| (0.0..=1e9).contains(seconds));
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or(OutOfRange {
        expected: "seconds",
    })
}

fn tracked_interface(text: &str) -> Result<(String, Weight), OutOfRange> {
    match text.split_once(':') {
        Some((name, weight)) => Ok((name.to_owned(), weight.parse()?)),
        None => Ok((text.to_owned(), Weight(0))),
    }
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
        "status" => Ok(Request::Status(asked(matches)?)),
        "advertise" => {
            let mut warnings = Vec::new();
            let mut instance = described(matches, secrets, &mut warnings)?;
            let priority = instance.settings.priority;
            instance.settings.priority = Priority::DEFAULT;
            Ok(Request::Advertise {
                instance: Box::new(instance),
                count: one(matches, "count").unwrap_or(1),
                priority,
                warnings,
            })
        }
        "run" if matches.contains_id("use-file") => Ok(Request::RunConfigured(Configured {
            file: one(matches, "use-file").unwrap_or_default(),
            name: one(matches, "instance"),
            json: matches.get_flag("json"),
            level: level(matches),
        })),
        _ => {
            let mut warnings = Vec::new();
            let mut instance = described(matches, secrets, &mut warnings)?;
            if instance.settings.priority == Priority::RESIGNED {
                return Err("invalid priority `0`, expected 1 to 255".into());
            }
            set_behaviour(&mut instance, matches, &mut warnings);
            let speaking = Box::new(Speaking {
                instance,
                json: matches.get_flag("json"),
                level: level(matches),
                warnings,
            });
            Ok(match verb {
                "elect" => Request::Elect(speaking),
                _ => Request::Run(speaking),
            })
        }
    }
}

fn level(matches: &ArgMatches) -> Level {
    match one::<String>(matches, "log-level").as_deref() {
        Some("error") => Level::Error,
        Some("warning") => Level::Warning,
        _ => Level::Info,
    }
}

fn asked(matches: &ArgMatches) -> Result<Target, String> {
    Ok(Target {
        interface: one(matches, "interface").unwrap_or_default(),
        vrid: one(matches, "vrid").ok_or("no VRID")?,
        family: if matches.get_flag("ipv6") {
            Family::V6
        } else {
            Family::V4
        },
    })
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
    if let Some(priority) = one(matches, "priority") {
        instance.settings.priority = priority;
    }
    if matches.get_flag("v3-checksum-as-v2") {
        instance.checksum = Checksum::Message;
    }
    if let Some(text) = one::<String>(matches, "auth") {
        instance.authentication = authentication(&text, secrets, warnings)?;
    }
    match instance.fault() {
        Some(fault) => Err(fault),
        None => Ok(instance),
    }
}

fn set_behaviour(instance: &mut Instance, matches: &ArgMatches, warnings: &mut Vec<String>) {
    let settings = &mut instance.settings;
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
    instance.interfaces = all(matches, "track-interface");
    instance.scripts = all(matches, "track-script");
    let command = |name| one::<String>(matches, name).and_then(|text| CommandLine::new(&text));
    let notify = &mut instance.notify;
    notify.any = command("notify");
    notify.master = command("notify-master");
    notify.backup = command("notify-backup");
    notify.fault = command("notify-fault");
    notify.stop = command("notify-stop");
    notify.fifo = one::<String>(matches, "fifo").map(PathBuf::from);
}

/// Of `pass:SECRET` or `ah:SECRET`. No message has the secret in it.
fn authentication(
    text: &str,
    secrets: &Secrets<'_>,
    warnings: &mut Vec<String>,
) -> Result<Authentication, String> {
    let expected = "invalid --auth, expected pass: or ah: and a secret behind it";
    let (kind, secret) = text.split_once(':').ok_or(expected)?;
    let secret = if let Some(name) = secret.strip_prefix("env:") {
        let value = (secrets.variable)(name).ok_or_else(|| format!("no such variable: {name}"))?;
        value.into_bytes()
    } else if secret.starts_with('/') {
        (secrets.file)(secret).ok_or_else(|| format!("cannot read the secret: {secret}"))?
    } else {
        warnings.push(
            "a secret on the command line can be seen by all users: use a file or env:NAME".into(),
        );
        secret.as_bytes().to_vec()
    };
    let secret = secret.trim_ascii_end();
    if secret.is_empty() {
        return Err("the secret is empty".into());
    }
    if secret.len() > 8 {
        warnings.push("only the first 8 bytes of the secret count".into());
    }
    match kind {
        "pass" => Ok(Authentication::Simple(Secret::new(secret))),
        "ah" => Ok(Authentication::Header(Secret::new(secret))),
        _ => Err(expected.into()),
    }
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
