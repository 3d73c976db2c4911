//! The command line of `lvs-realserver`: one definition, from which come parsing, help and
//! completion.

use std::ffi::OsString;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use crate::realserver::{ClampSize, Mode, Wanted, parse_vip};

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Put the VIPs in place.
    Start,
    /// Take them away.
    Stop,
    /// Tell whether they are in place.
    Status,
    /// Tell whether anybody hears of them, and what is wrong.
    Verify,
}

/// A command line that can be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub verb: Verb,
    /// The VIPs, each once.
    pub vips: Vec<IpAddr>,
    /// How packets come, if it was said.
    pub mode: Option<Mode>,
    /// Where the VIPs are, if it was said.
    pub device: Option<String>,
    /// What the first VIP is called.
    pub label: Option<String>,
    /// Whether to limit the segments of clients, and how far.
    pub clamp: Option<ClampSize>,
    /// Answer in JSON.
    pub json: bool,
    /// Tell what would be done.
    pub dry_run: bool,
    /// Where to remember what was there.
    pub state: Option<PathBuf>,
    /// Write, or remove, the files for the next boot.
    pub persist: bool,
    /// Have them for rc.local, not for systemd.
    pub rc_local: bool,
}

impl Request {
    /// What shall be, where no other mode was said than `mode`.
    pub fn wanted(&self, mode: Mode) -> Wanted {
        Wanted {
            vips: self.vips.clone(),
            mode: self.mode.unwrap_or(mode),
            device: self.device.clone(),
            label: self.label.clone(),
            clamp: self.clamp,
        }
    }
}

/// A command line that asks for nothing to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It asks for this text.
    Help(String),
    /// This is wrong with it.
    Wrong(String),
}

/// The command with all its options, for parsing, help and completion.
pub fn command() -> Command {
    let vips = Arg::new("VIP")
        .required(true)
        .num_args(1..)
        .value_hint(ValueHint::Other)
        .value_parser(parse_vip)
        .help("Addresses of services, IPv4 or IPv6");
    let mode = Arg::new("mode")
        .long("mode")
        .value_name("MODE")
        .value_parser(Mode::ALL.map(Mode::name))
        .hide_possible_values(true)
        .help("How the director forwards: dr (direct routing, the default) or tun (tunnelling)");
    let device = Arg::new("dev")
        .long("dev")
        .value_name("DEVICE")
        .value_hint(ValueHint::Other)
        .help("Where the VIPs are: lo, or with tun the tunnel's end (tunl0, ip6tnl0)");
    let label = Arg::new("label")
        .long("label")
        .value_name("LABEL")
        .value_hint(ValueHint::Other)
        .help("What ifconfig calls the first VIP of IPv4: DEVICE:0 and on, the first that is free");
    let clamp = Arg::new("clamp-mss")
        .long("clamp-mss")
        .value_name("BYTES")
        .num_args(0..=1)
        .require_equals(true)
        .default_missing_value(FITTING)
        .value_parser(clamp_size)
        .help("With tun: have clients send segments that fit into the tunnel");
    let state = Arg::new("state")
        .long("state")
        .value_name("FILE")
        .value_hint(ValueHint::FilePath)
        .value_parser(clap::value_parser!(PathBuf))
        .help("Where to remember what was there before (below /run/lvskit)");
    let flag = |name: &'static str| Arg::new(name).long(name).action(ArgAction::SetTrue);
    let json = flag("json").help("Answer in JSON");
    let dry_run = flag("dry-run").help("Tell what would be done, and do nothing");
    let rc_local = flag("rc-local").help("With --persist: a line of /etc/rc.local, no unit");
    let persist = flag("persist")
        .help("Have it so after a boot, too: write to /etc/sysctl.d and a unit of systemd");
    let unpersist = flag("unpersist").help("Remove what --persist wrote");
    Command::new("lvs-realserver")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Make this host a real server: it has the VIP, and nobody hears of it by ARP")
        .after_help(
            "Exit status: 0 done, running, quiet; 1 failed; 2 usage; 3 stopped; 4 partly, not well",
        )
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand(
            Command::new("start")
                .about("Quieten ARP, then put the VIPs in place")
                .args([&mode, &device, &label, &clamp, &dry_run, &persist])
                .arg(rc_local.requires("persist"))
                .args([&state, &json, &vips]),
        )
        .subcommand(
            Command::new("stop")
                .about("Take the VIPs away, then put back what was there before")
                .args([&dry_run, &unpersist, &state, &json, &vips]),
        )
        .subcommand(
            Command::new("status")
                .about("Tell whether the VIPs are in place, and what is missing")
                .args([&mode, &device, &state, &json, &vips]),
        )
        .subcommand(
            Command::new("verify")
                .about("Tell whether anybody would hear of the VIPs by ARP, and what is wrong")
                .args([&mode, &state, &json, &vips]),
        )
}

/// Reads a command line: the program's name, and what stands behind it.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Request, Refused> {
    let matches = command().try_get_matches_from(words).map_err(refused)?;
    match matches.subcommand() {
        Some(("start", found)) => {
            let request = request(Verb::Start, found);
            match (request.clamp, request.mode) {
                (None, _) | (_, Some(Mode::Tunnel)) => Ok(request),
                _ => Err(Refused::Wrong("only with --mode tun: --clamp-mss".into())),
            }
        }
        Some(("stop", found)) => Ok(request(Verb::Stop, found)),
        Some(("status", found)) => Ok(request(Verb::Status, found)),
        Some(("verify", found)) => Ok(request(Verb::Verify, found)),
        _ => Err(Refused::Wrong(NO_COMMAND.to_owned())),
    }
}

/// Stands for `--clamp-mss` without a number.
const FITTING: &str = "fitting";

fn clamp_size(text: &str) -> Result<ClampSize, &'static str> {
    /// What every host of IPv4 must take, and what the largest packet can hold.
    const SIZES: std::ops::RangeInclusive<u16> = 536..=65_495;
    match text.parse() {
        Ok(size) if SIZES.contains(&size) => Ok(ClampSize::Bytes(size)),
        _ if text == FITTING => Ok(ClampSize::Fitting),
        _ => Err("--clamp-mss: not 536 to 65495 bytes"),
    }
}

const NO_COMMAND: &str = "no command: start, stop, status or verify";

fn request(verb: Verb, found: &ArgMatches) -> Request {
    // Not each command has each option.
    let text = |name| found.try_get_one::<String>(name).ok().flatten().cloned();
    let flag = |name| found.try_get_one(name).is_ok_and(|set| set == Some(&true));
    let mut vips = Vec::new();
    for vip in found.get_many::<IpAddr>("VIP").into_iter().flatten() {
        if !vips.contains(vip) {
            vips.push(*vip);
        }
    }
    Request {
        verb,
        vips,
        mode: text("mode").and_then(|name| Mode::from_name(&name)),
        device: text("dev"),
        label: text("label"),
        clamp: found.try_get_one("clamp-mss").ok().flatten().copied(),
        json: flag("json"),
        dry_run: flag("dry-run"),
        state: found.get_one("state").cloned(),
        persist: flag("persist") || flag("unpersist"),
        rc_local: flag("rc-local"),
    }
}

/// clap's refusal in one line.
fn refused(error: clap::Error) -> Refused {
    let context = |kind| match error.get(kind) {
        Some(ContextValue::String(text)) => Some(text.as_str()),
        Some(ContextValue::Strings(texts)) => texts.first().map(String::as_str),
        _ => None,
    };
    // As `--mode <MODE>`.
    let option = context(ContextKind::InvalidArg).unwrap_or_default();
    let option = option.split(' ').next().unwrap_or_default();
    let value = context(ContextKind::InvalidValue).unwrap_or_default();
    let other = context(ContextKind::PriorArg).unwrap_or_default();
    Refused::Wrong(match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => {
            return Refused::Help(error.to_string());
        }
        ErrorKind::InvalidSubcommand => {
            let command = context(ContextKind::InvalidSubcommand).unwrap_or_default();
            format!("unknown command: {command}")
        }
        ErrorKind::MissingSubcommand => NO_COMMAND.to_owned(),
        ErrorKind::MissingRequiredArgument if option.starts_with("<VIP>") => "no VIP given".into(),
        ErrorKind::MissingRequiredArgument => format!("only with {option}: --rc-local"),
        ErrorKind::UnknownArgument => format!("unknown option: {option}"),
        ErrorKind::InvalidValue if value.is_empty() => format!("no value: {option}"),
        ErrorKind::InvalidValue => format!("{option}: not dr or tun: {value}"),
        ErrorKind::ValueValidation => {
            let source = std::error::Error::source(&error).map(ToString::to_string);
            format!("{}: {value}", source.unwrap_or_default())
        }
        ErrorKind::ArgumentConflict if other.is_empty() || other.starts_with(option) => {
            format!("given twice: {option}")
        }
        ErrorKind::InvalidUtf8 => "not UTF-8 text".to_owned(),
        kind => format!("{kind}: {option}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, Refused> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        parse(
            ["lvs-realserver"]
                .into_iter()
                .chain(words)
                .map(OsString::from),
        )
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn options_stand_anywhere_behind_the_command() {
        let line = "start 192.0.2.1 --mode=tun fd00::1 --dev dummy0 192.0.2.1 --persist";
        let request = parsed(line).unwrap();
        assert_eq!(request.verb, Verb::Start);
        assert_eq!(request.vips.len(), 2);
        assert_eq!(request.mode, Some(Mode::Tunnel));
        assert_eq!(request.device.as_deref(), Some("dummy0"));
        assert!(request.persist && !request.rc_local && !request.json);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (line, message) in [
            ("", "no command: start, stop, status or verify"),
            ("restart", "unknown command: restart"),
            ("start", "no VIP given"),
            ("start --json", "no VIP given"),
            ("start x", "not an IPv4 or IPv6 address: x"),
            ("stop ::", "not an address that a service can have: ::"),
            ("start --mode nat 192.0.2.1", "--mode: not dr or tun: nat"),
            ("start 192.0.2.1 --mode", "no value: --mode"),
            ("start 192.0.2.1 --fast", "unknown option: --fast"),
            ("stop 192.0.2.1 --mode dr", "unknown option: --mode"),
            ("start --dev a --dev b 192.0.2.1", "given twice: --dev"),
            (
                "start --mode tun --clamp-mss=9 192.0.2.1",
                "--clamp-mss: not 536 to 65495 bytes: 9",
            ),
            (
                "start --clamp-mss 192.0.2.1",
                "only with --mode tun: --clamp-mss",
            ),
            (
                "start --rc-local 192.0.2.1",
                "only with --persist: --rc-local",
            ),
        ] {
            let message = Refused::Wrong(message.to_owned());
            assert_eq!(parsed(line), Err(message), "{line}");
        }
    }

    #[test]
    fn help_and_version_are_no_errors() {
        for line in ["-h", "--help", "-V", "start --help"] {
            assert!(matches!(parsed(line), Err(Refused::Help(_))), "{line}");
        }
    }
}
