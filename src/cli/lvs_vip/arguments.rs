//! The command line of `lvs-vip`: one definition, from which come parsing, help and completion.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint, value_parser};

use crate::realserver::parse_vip;

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Put the VIPs on the interface, and tell the network.
    Add,
    /// Take them away.
    Delete,
    /// Tell whether they are there.
    Show,
}

/// A command line that can be understood.
#[derive(Debug, PartialEq, Eq)]
pub struct Request {
    /// What is to be done.
    pub verb: Verb,
    /// The VIPs, each once.
    pub vips: Vec<Vip>,
    /// The interface; any, when it was not said.
    pub device: Option<String>,
    /// The name that ifconfig shows for those of IPv4.
    pub label: Option<String>,
    /// How often each is announced.
    pub announcements: u8,
    /// Answer in JSON.
    pub json: bool,
}

/// An address of a service, with the length of its network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Vip {
    /// The address.
    pub address: IpAddr,
    /// How many leading bits make up the network: up to 32 or 128, which is the default.
    pub prefix: u8,
}

impl fmt::Display for Vip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
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
        .value_parser(vip)
        .help("Addresses of services, IPv4 or IPv6, each with /LENGTH or as a single one");
    let device = Arg::new("dev")
        .long("dev")
        .value_name("DEVICE")
        .value_hint(ValueHint::Other)
        .help("The interface that has them");
    let label = Arg::new("label")
        .long("label")
        .value_name("LABEL")
        .value_hint(ValueHint::Other)
        .value_parser(label)
        .help("What ifconfig calls those of IPv4, as eth0:0");
    let announce = Arg::new("announce")
        .long("announce")
        .value_name("COUNT")
        .value_hint(ValueHint::Other)
        .default_value("3")
        .value_parser(value_parser!(u8))
        .help("How often the network is told of each, 0 to 255");
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Answer in JSON");
    Command::new("lvs-vip")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Put the addresses of services on a director, and tell the network")
        .after_help("Exit status: 0 done, there; 1 failed; 2 usage; 3 not there; 4 partly there")
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand(
            Command::new("add")
                .about("Put the VIPs on the interface, and announce them")
                .arg(device.clone().required(true))
                .args([&label, &announce, &vips]),
        )
        .subcommand(
            Command::new("del")
                .about("Take the VIPs away from the interface, or from wherever they are")
                .args([&device, &vips]),
        )
        .subcommand(
            Command::new("show")
                .about("Tell where the VIPs are")
                .args([&device, &json, &vips]),
        )
}

/// Reads a command line: the program's name, and what stands behind it.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Request, Refused> {
    let matches = command().try_get_matches_from(words).map_err(refused)?;
    match matches.subcommand() {
        Some(("add", found)) => Ok(request(Verb::Add, found)),
        Some(("del", found)) => Ok(request(Verb::Delete, found)),
        Some(("show", found)) => Ok(request(Verb::Show, found)),
        _ => Err(Refused::Wrong("no command: add, del or show".to_owned())),
    }
}

fn request(verb: Verb, found: &ArgMatches) -> Request {
    // Not each command has each option.
    let text = |name| found.try_get_one::<String>(name).ok().flatten().cloned();
    let mut vips = Vec::new();
    for vip in found.get_many::<Vip>("VIP").into_iter().flatten() {
        if !vips.contains(vip) {
            vips.push(*vip);
        }
    }
    Request {
        verb,
        vips,
        device: text("dev"),
        label: text("label"),
        announcements: found
            .try_get_one("announce")
            .ok()
            .flatten()
            .copied()
            .unwrap_or(0),
        json: found
            .try_get_one("json")
            .is_ok_and(|set| set == Some(&true)),
    }
}

fn vip(text: &str) -> Result<Vip, &'static str> {
    let (address, length) = match text.split_once('/') {
        Some((address, length)) => (parse_vip(address)?, Some(length)),
        None => (parse_vip(text)?, None),
    };
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match length {
        Some(length) => length.parse().map_err(|_| "not a length of a network")?,
        None => longest,
    };
    match (1..=longest).contains(&prefix) {
        true => Ok(Vip { address, prefix }),
        false => Err("not a length of a network"),
    }
}

fn label(text: &str) -> Result<String, &'static str> {
    use crate::netlink::route::LONGEST_NAME;
    match (1..=LONGEST_NAME).contains(&text.len()) {
        true => Ok(text.to_owned()),
        false => Err("a label has 1 to 15 bytes"),
    }
}

/// clap's refusal in one line.
fn refused(error: clap::Error) -> Refused {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Refused::Help(text),
        ErrorKind::MissingSubcommand => Refused::Wrong("no command: add, del or show".to_owned()),
        // The usage behind it names --dev in any case.
        ErrorKind::MissingRequiredArgument
            if text
                .split("Usage:")
                .next()
                .is_some_and(|what| what.contains("--dev")) =>
        {
            Refused::Wrong("no interface given: --dev".to_owned())
        }
        ErrorKind::MissingRequiredArgument => Refused::Wrong("no VIP given".to_owned()),
        _ => {
            let line = text.lines().next().unwrap_or_default();
            let line = line.strip_prefix("error: ").unwrap_or(line);
            Refused::Wrong(line.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(line: &str) -> Result<Request, Refused> {
        let words = line.split(' ').filter(|word| !word.is_empty());
        parse(["lvs-vip"].into_iter().chain(words).map(OsString::from))
    }

    #[test]
    fn the_definition_is_sound() {
        command().debug_assert();
    }

    #[test]
    fn a_vip_is_a_single_address_unless_a_length_is_given() {
        let request = parsed("add 192.0.2.1 192.0.2.2/24 fd00::1 --dev eth0").unwrap();
        let vips: Vec<String> = request.vips.iter().map(Vip::to_string).collect();
        assert_eq!(vips, ["192.0.2.1/32", "192.0.2.2/24", "fd00::1/128"]);
        assert_eq!(request.device.as_deref(), Some("eth0"));
        assert_eq!(request.announcements, 3);
    }

    #[test]
    fn what_is_wrong_is_said_in_one_line() {
        for (line, message) in [
            ("", "no command: add, del or show"),
            ("add 192.0.2.1", "no interface given: --dev"),
            ("add --dev eth0", "no VIP given"),
            ("del", "no VIP given"),
            (
                "del x",
                "invalid value 'x' for '<VIP>...': not an IPv4 or IPv6 address",
            ),
            (
                "del 192.0.2.1/33",
                "invalid value '192.0.2.1/33' for '<VIP>...': not a length of a network",
            ),
            (
                "show 192.0.2.1 --label x",
                "unexpected argument '--label' found",
            ),
        ] {
            assert_eq!(parsed(line), Err(Refused::Wrong(message.into())), "{line}");
        }
    }
}
