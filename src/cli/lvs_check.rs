//! `lvs-check`: reads a command line, makes checks, tells what they found out.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::ArgMatches;

use crate::addr::Resolve;
pub use crate::check::orders::Term;
use crate::check::runner::{Outcome, Runner};
use crate::check::{Manner, Probe, Question, Verdict};
use crate::cli::kernel;
use crate::conf::expand::Outside;
use crate::host::error_text;
use crate::ipvs::client::Client;
use crate::ipvs::refusal::Refusal;
use crate::report::{WriteError, lvs_check as status};
use crate::show::check as show;

use arguments::Refused;
use options::Kind;
use questions::{Given, Target};

pub mod arguments;
pub mod ask;
mod configuration;
mod notices;
mod once;
mod options;
mod questions;
mod run;

/// What the program is called in what it says.
const PROGRAM: &str = "lvs-check";

/// The name of the file in which one run leaves to the next what it knows.
pub const MEMORY: &str = "lvs-check";

/// The name of the file in which is remembered what was ordered.
pub const ORDERS: &str = "lvs-check-orders";

/// What the file is called that has the orders which hold until the next reload.
pub const PASSING_ORDERS: &str = "lvs-check-passing-orders";

/// How the answer of a running loop begins when it has done what it was asked, and when not.
const DONE: &str = "done";
const REFUSED: &str = "refused";

/// What the program works with.
pub struct Environment<'a> {
    /// Who knows the numbers of names.
    pub names: &'a dyn Resolve,
    /// Where files and variables of a configuration are.
    pub outside: &'a dyn Fn() -> Box<dyn Outside>,
    /// Opens the way to the kernel.
    pub kernel: &'a mut dyn FnMut() -> Result<Client, Refusal>,
    /// Where is remembered what one run leaves to the next.
    pub memory: &'a dyn Fn() -> io::Result<PathBuf>,
    /// Where is remembered what was ordered for a term.
    pub orders: &'a dyn Fn(Term) -> io::Result<PathBuf>,
    /// Whether standard output is a terminal, and how wide it is.
    pub terminal: bool,
    /// Whether standard error is a terminal: what takes long shows how far it is.
    pub shows_progress: bool,
    /// Standard output.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
}

/// Why the program ends early: what to say, and the exit status.
#[derive(Debug)]
struct Failure {
    text: String,
    status: u8,
}

impl Failure {
    /// Something that is needed failed.
    fn of(what: impl Display, error: &io::Error) -> Self {
        Failure::usage(format!("{what}: {}", error_text(error)))
    }

    fn usage(text: impl Into<String>) -> Self {
        Failure {
            text: text.into(),
            status: status::USAGE,
        }
    }
}

/// Runs the program with the words of its command line, its name first; gives back the exit status.
pub fn run(words: impl IntoIterator<Item = OsString>, environment: Environment<'_>) -> u8 {
    let mut session = Session {
        environment,
        output_failed: None,
    };
    let result = match arguments::parse(words) {
        Ok(found) => session.command(&found),
        Err(Refused::Wrong(text)) => Err(Failure::usage(text)),
        Err(Refused::Help(text)) => {
            session.print(&text);
            Ok(status::UP)
        }
    };
    let status = result.unwrap_or_else(|Failure { text, status }| {
        session.complain(&text);
        status
    });
    session.finish(status)
}

struct Session<'a> {
    environment: Environment<'a>,
    output_failed: Option<io::Error>,
}

impl Session<'_> {
    fn command(&mut self, found: &ArgMatches) -> Result<u8, Failure> {
        let (name, found) = found
            .subcommand()
            .ok_or_else(|| Failure::usage("no command"))?;
        match Kind::named(name) {
            Some(kind) => self.one(kind, found),
            None if name == "once" => self.once(found),
            None if name == "run" => self.run(found),
            None if name == "status" => self.status(found),
            None if ask::ORDERS.contains(&name) => self.order(name, found),
            None => self.digest(found),
        }
    }

    /// Opens the way to the table, in another network namespace if one is named.
    fn client(&mut self, network: Option<&str>) -> Result<Client, Failure> {
        kernel::open(network, &mut self.environment.kernel).map_err(Failure::usage)
    }

    /// Makes one check.
    fn one(&mut self, kind: Kind, found: &ArgMatches) -> Result<u8, Failure> {
        let given = Given(found);
        let (target, check) = match kind {
            Kind::Misc => {
                let command = found.get_many::<OsString>("TARGET");
                let command: Vec<OsString> = command.into_iter().flatten().cloned().collect();
                let name = command
                    .first()
                    .map(|name| name.to_string_lossy().into_owned());
                let probe = given.misc(command, None).map_err(Failure::usage)?;
                (name.unwrap_or_default(), given.made(probe))
            }
            _ => {
                let target = found.get_one::<String>("TARGET").cloned();
                let target = target.unwrap_or_default();
                let check = given.check(kind, &target, self.environment.names);
                let check = check.map_err(Failure::usage)?;
                (place(&check.probe).unwrap_or(target), check)
            }
        };
        let outcome = runner()?.one(&check);
        let name = check.probe.name();
        let text = match given.has("json") {
            true => show::json(&target, name, &outcome),
            false => show::line(&target, name, &outcome),
        };
        self.print(&text);
        Ok(verdict_status(&outcome))
    }

    /// Prints the digest of a page.
    fn digest(&mut self, found: &ArgMatches) -> Result<u8, Failure> {
        let given = Given(found);
        let url = found.get_one::<String>("TARGET").cloned();
        let url = url.unwrap_or_default();
        let kind = match url.split_once("://") {
            Some(("http", _)) => Kind::Http,
            Some(("https", _)) => Kind::Https,
            _ => return Err(Failure::usage(format!("not a URL: {url}"))),
        };
        let target = Target::parse(kind, &url, self.environment.names).map_err(Failure::usage)?;
        let probe = given.network(kind, target.endpoint, target.path, target.name);
        let no_url = || Failure::usage(format!("not a URL: {url}"));
        let Probe::Network { to, manner } = probe.map_err(Failure::usage)? else {
            return Err(no_url());
        };
        let Manner { from, question } = &*manner;
        let Question::Http(http) = question else {
            return Err(no_url());
        };
        match runner()?.digest(to, from, http, given.timeout()) {
            Ok(digest) => {
                self.print(&format!("{digest}\n"));
                Ok(status::UP)
            }
            Err(verdict) => {
                self.complain(&format!("{}: {url}", show::why(&verdict)));
                Ok(match verdict {
                    Verdict::Unknown(_) => status::USAGE,
                    _ => status::DOWN,
                })
            }
        }
    }

    fn print(&mut self, text: &str) {
        if self.output_failed.is_none() {
            let output = &mut self.environment.output;
            let written = output.write_all(text.as_bytes());
            self.output_failed = written.and_then(|()| output.flush()).err();
        }
    }

    fn complain(&mut self, text: &str) {
        // Nobody is left to tell when standard error is gone.
        let _ = writeln!(self.environment.errors, "{PROGRAM}: {text}");
    }

    /// Output that was lost is an error.
    fn finish(mut self, status: u8) -> u8 {
        match self.output_failed.take() {
            Some(error) => {
                let program = PROGRAM;
                let error = &error;
                let text = WriteError { program, error }.to_string();
                let _ = writeln!(self.environment.errors, "{text}");
                status::USAGE
            }
            None => status,
        }
    }
}

/// Where a probe asks; ping asks at no port.
fn place(probe: &Probe) -> Option<String> {
    match probe {
        Probe::Network { to, .. } if to.port == 0 => Some(to.address.to_string()),
        Probe::Network { to, .. } => Some(to.to_string()),
        _ => None,
    }
}

fn runner() -> Result<Runner, Failure> {
    Runner::new().map_err(|error| Failure::of("cannot wait for events", &error))
}

fn verdict_status(outcome: &Outcome) -> u8 {
    match outcome.verdict {
        Verdict::Up(_) => status::UP,
        Verdict::Down(_) => status::DOWN,
        Verdict::Unknown(_) => status::USAGE,
    }
}
