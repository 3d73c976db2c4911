//! The command line of `lvs-check`: one definition, from which come parsing, help and completion.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command, ValueHint, value_parser};

use super::options::{Kind, all_options, number, seconds, value};

/// A command line that asks for nothing to be done.
#[derive(Debug, PartialEq, Eq)]
pub enum Refused {
    /// It asks for this text.
    Help(String),
    /// This is wrong with it.
    Wrong(String),
}

/// The command with all its options.
pub fn command() -> Command {
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Answer in JSON");
    let target = |what: &'static str, help: &'static str| {
        Arg::new("TARGET")
            .value_name(what)
            .required(true)
            .value_hint(ValueHint::Other)
            .help(help)
    };
    let kinds = Kind::ALL.map(|kind| {
        let target = match kind {
            Kind::Http | Kind::Https => target("HOST[:PORT][/PATH]", "The server"),
            Kind::Smtp | Kind::Dns => target("HOST[:PORT]", "The server"),
            Kind::Tcp | Kind::Udp => target("HOST:PORT", "The server"),
            Kind::Ping => target("HOST", "The server"),
            Kind::File => {
                target("FILE", "The file, with a number in it").value_hint(ValueHint::FilePath)
            }
            Kind::Misc => target("COMMAND", "The program and its arguments")
                .value_hint(ValueHint::CommandWithArguments)
                .num_args(1..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(value_parser!(OsString)),
        };
        Command::new(kind.name())
            .about(kind.about())
            .args(kind.options())
            .arg(&json)
            .arg(target)
    });
    let digest = Command::new("digest")
        .about("Print the MD5 digest of a page, as genhash does")
        .args(Kind::Https.options().into_iter().filter(|option| {
            // These say what a page must be.
            let name = option.get_id().as_str();
            let judges = ["path", "status", "digest", "retry", "retry-delay"];
            !judges.contains(&name) && !name.starts_with("regex")
        }))
        .arg(target(
            "URL",
            "The page: http://HOST[:PORT]/PATH or https://...",
        ));
    let source = || {
        let group = ArgGroup::new("source").args(["rules", "table"]);
        group.required(true)
    };
    // A configuration says all of this itself.
    let said = table_options()
        .into_iter()
        .chain(all_options())
        .map(|option| option.get_id().clone());
    let result = ["apply", "rise", "fall", "quiet", "metrics"];
    let said: Vec<_> = said
        .filter(|name| name != "rules" && name != "table")
        .collect();
    let of_once = said.iter();
    let of_once = of_once.filter(|name| !result.contains(&name.as_str()));
    let described = configuration().conflicts_with_all(of_once.cloned());
    let once = Command::new("once")
        .about("Check all servers of a table, once")
        .arg(described)
        .args(table_options())
        .args(all_options())
        .arg(&json)
        .group(source().arg("use-file"));
    let own = ["no-alpha", "keep", "slow-start"];
    let of_loop = loop_options().into_iter();
    let of_loop = of_loop.map(|option| option.get_id().clone());
    let said_twice: Vec<_> = said.clone();
    let said_twice = said_twice
        .into_iter()
        .chain(of_loop)
        .filter(|name| !own.contains(&name.as_str()));
    let not_of_loop = ["apply", "quiet", "metrics", "retry"];
    let said_twice = said_twice.filter(|name| !not_of_loop.contains(&name.as_str()));
    let described_loop = configuration().conflicts_with_all(said_twice);
    let run = Command::new("run")
        .about("Check all servers of a table again and again")
        .args(table_options().into_iter().filter(|option| {
            // It changes the table in any case, and tells only changes.
            !["apply", "quiet", "metrics"].contains(&option.get_id().as_str())
        }))
        .args(loop_options())
        .args(
            all_options()
                .into_iter()
                .filter(|option| option.get_id() != "retry"),
        )
        .arg(described_loop)
        .group(source().arg("use-file"))
        .arg(control());
    Command::new("lvs-check")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Find out how real servers are, as keepalived does")
        .after_help("Exit status: 0 up; 1 down; 2 usage, or the check could not be made")
        .disable_help_subcommand(true)
        .subcommand_required(true)
        .subcommands(kinds)
        .subcommand(digest)
        .subcommand(once)
        .subcommand(run)
        .subcommands(asking(&json))
}

/// Where a loop is asked.
fn control() -> Arg {
    value(
        "control",
        "PATH",
        "The socket of the loop, if not the usual one",
    )
    .value_hint(ValueHint::FilePath)
    .value_parser(value_parser!(PathBuf))
}

/// The commands that ask a loop.
fn asking(json: &Arg) -> Vec<Command> {
    let metrics = Arg::new("metrics")
        .long("metrics")
        .action(ArgAction::SetTrue)
        .conflicts_with("json")
        .help("Answer in Prometheus text");
    let status = Command::new("status")
        .about("Ask the loop how services and servers are")
        .args([json.clone(), metrics, control()]);
    let named = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .required(true)
            .value_hint(ValueHint::Other)
            .help(help)
    };
    let order = |name: &'static str, about: &'static str| {
        let persist = Arg::new("persist")
            .long("persist")
            .action(ArgAction::SetTrue)
            .help("Also after the machine's next start");
        Command::new(name)
            .about(about)
            .arg(named(
                "SERVICE",
                "10.0.0.1:80, udp:10.0.0.1:53, fwmark:7, fwmark:7:inet6",
            ))
            .arg(named("SERVER", "10.0.0.2:80, or 10.0.0.2 alone"))
            .args((name != "enable").then_some(persist))
            .arg(control())
    };
    let number = named("WEIGHT", "0 and up")
        .value_parser(value_parser!(i32).range(0..))
        .allow_negative_numbers(true);
    vec![
        status,
        order("drain", "Have the loop give a server weight 0"),
        order("disable", "Have the loop keep a server out of the table"),
        order("enable", "Take back what was ordered of a server"),
        order("weight", "Have the loop give a server another weight").arg(number.index(3)),
    ]
}

/// The configuration that describes all.
fn configuration() -> Arg {
    let help = "The services, servers and checks of a keepalived.conf";
    value("use-file", "FILE", help)
        .short('f')
        .value_hint(ValueHint::FilePath)
}

/// The options that say which servers are checked, and what comes of it.
fn table_options() -> Vec<Arg> {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let positive = |name: &'static str, help: &'static str| {
        number(name, help).value_parser(value_parser!(u32).range(1..))
    };
    vec![
        value(
            "rules",
            "FILE",
            "The table that shall be, as ipvsadm -S writes it",
        )
        .value_hint(ValueHint::FilePath)
        .value_parser(value_parser!(OsString)),
        flag("table", "The table that is, and what was taken out of it"),
        value(
            "with",
            "CHECK",
            "tcp, http[:PATH], https[:PATH], smtp, dns, udp, ping, misc:COMMAND, file:FILE",
        )
        .action(ArgAction::Append),
        flag("apply", "Change the table"),
        flag("inhibit", "Weight 0 for what is down, do not delete it"),
        value(
            "sorry",
            "ADDRESS[:PORT]",
            "What stands in for servers that are not enough",
        ),
        positive("quorum", "The sum of weights that is enough (1)"),
        number(
            "hysteresis",
            "How much more to have enough again, how much less to lose it (0)",
        ),
        positive("rise", "How many good checks in a row make a server up (1)"),
        positive(
            "fall",
            "How many bad checks in a row make a server down (1)",
        ),
        flag("quiet", "Tell only changes and problems"),
        flag("metrics", "Answer in Prometheus text").conflicts_with_all(["json", "quiet"]),
    ]
}

/// The options of the loop.
fn loop_options() -> Vec<Arg> {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let command = |name: &'static str, help: &'static str| {
        value(name, "COMMAND", help).value_hint(ValueHint::CommandString)
    };
    vec![
        seconds("delay", "From one check to the next (6)"),
        flag(
            "no-alpha",
            "Have servers in the table before they are checked, as keepalived does",
        ),
        seconds(
            "slow-start",
            "Let the weight of a server that comes back grow so long",
        ),
        flag("remove", "Delete the services at the end"),
        flag("keep", "Leave the services of a configuration at the end")
            .conflicts_with_all(["rules", "table"]),
        command("notify-up", "Start this when a server is up"),
        command("notify-down", "Start this when a server is down"),
        command("quorum-up", "Start this when a service has enough servers"),
        command("quorum-down", "Start this when it has not"),
    ]
}

/// Reads a command line: the program's name, and what stands behind it.
///
/// # Errors
/// It asks for help, or is wrong.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<ArgMatches, Refused> {
    command().try_get_matches_from(words).map_err(refused)
}

/// clap's refusal in one line: what it says before it explains.
fn refused(error: clap::Error) -> Refused {
    let text = error.to_string();
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => Refused::Help(text),
        ErrorKind::MissingSubcommand => Refused::Wrong("no command".to_owned()),
        _ => {
            let lines = text.lines().take_while(|line| !line.is_empty());
            let lines: Vec<&str> = lines.map(str::trim).collect();
            let text = lines.join(" ");
            Refused::Wrong(text.strip_prefix("error: ").unwrap_or(&text).to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_definition_is_sound() {
        super::command().debug_assert();
    }
}
