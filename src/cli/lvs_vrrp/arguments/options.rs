//! All options of `lvs-vrrp`, for parsing, help and completion.

use std::net::IpAddr;
use std::time::Duration;

use clap::{Arg, ArgAction, Command, ValueHint};

use crate::vrrp::instance::{Script, VirtualAddress};
use crate::vrrp::tracking::Weight;
use crate::vrrp::{Interval, OutOfRange, Priority, Version, Vrid};

/// The command with all its options, for parsing, help and completion.
pub fn command() -> Command {
    Command::new("lvs-vrrp")
        .about("A VRRP speaker that fits in a shell script")
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommand(configured(speaking(
            "run",
            "Speak for virtual routers until a signal",
        )))
        .subcommand(configured(speaking(
            "elect",
            "Take part until the role is known: 0 master, 1 backup",
        )))
        .subcommand(configured(
            advertised(Command::new("advertise").about("Send adverts and end"))
                .arg(value("count", "N", "How many (1)").value_parser(clap::value_parser!(u32))),
        ))
        .subcommand(asked("resign", "Ask one that runs to give up being master"))
        .subcommand(
            asked("status", "Ask those that run what they are").arg(flag("json", "In JSON")),
        )
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
        flag(
            "vmac",
            "Give the addresses an interface with the MAC of the virtual router",
        ),
        flag("no-vip", "Do not put up the virtual addresses"),
        flag(
            "no-accept",
            "Take no packets to the virtual addresses, by nftables",
        ),
        value(
            "rt-priority",
            "PRIORITY",
            "Run before all ordinary processes: 1 to 99",
        )
        .value_parser(clap::value_parser!(u8).range(1..=99)),
        flag("no-swap", "Keep all memory from being swapped"),
        flag("json", "Tell changes in JSON"),
        value("log-level", "LEVEL", "error, warning or info (the default)")
            .value_parser(["error", "warning", "info"]),
    ])
}

/// Or all of that from a file, which goes only with what the file does not say.
fn configured(command: Command) -> Command {
    let is_advertise = command.get_name() == "advertise";
    let stays = |name: &str| match name {
        "json" | "log-level" | "count" => true,
        "priority" => is_advertise,
        _ => false,
    };
    let others: Vec<_> = command
        .get_arguments()
        .map(|argument| argument.get_id().clone())
        .filter(|id| !stays(id.as_str()))
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
        named("Of its vrrp_instances these (all)")
            .requires("use-file")
            .conflicts_with_all(others),
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

/// Of those that run, one by its number, or some by their names.
fn asked(name: &'static str, about: &'static str) -> Command {
    let ipv6 = flag("ipv6", "The one that speaks over IPv6").short('6');
    Command::new(name).about(about).args([
        interface().required(false).requires("vrid"),
        vrid().required(false).requires("interface"),
        ipv6.requires("vrid"),
        named("The ones of these names (all)").conflicts_with_all(["interface", "vrid"]),
    ])
}

fn named(help: &'static str) -> Arg {
    Arg::new("instance")
        .value_name("INSTANCE")
        .action(ArgAction::Append)
        .num_args(0..)
        .help(help)
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
        None => Ok((text.to_owned(), Weight::new(0))),
    }
}
