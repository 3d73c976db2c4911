//! `lvs-vrrp`: a command line to an exit status.

use std::ffi::OsString;
use std::io::{self, Write};
use std::path::PathBuf;
use std::thread;

use crate::conf;
use crate::conf::expand::Outside;
use crate::conf::problem::Severity;
use crate::host::error_text;
use crate::ipvs::client::Client;
use crate::ipvs::refusal::Refusal;
use crate::report::lvs_vrrp as status;
use crate::vrrp::configuration::Configuration;
use crate::vrrp::control::{self, Question};
use crate::vrrp::instance::Instance;
use crate::vrrp::port::Sender;
use crate::vrrp::reception::Reception;
use crate::vrrp::report::{News, Subject};
use crate::vrrp::speaker::{self, Until, place, speak};
use crate::vrrp::{Priority, State};

use arguments::{Asked, Manner, Refused, Request, Secrets, Wanted};
use configuration::{Chosen, Machine};
use mails::Mails;
use printer::Printer;
use watch::watch;

pub mod arguments;
mod configuration;
mod mails;
mod printer;
mod watch;

/// What the program is called in messages.
const PROGRAM: &str = "lvs-vrrp";

/// What the program is handed by its caller.
pub struct Environment<'a> {
    /// Where secrets are read from.
    pub secrets: Secrets<'a>,
    /// Where configurations are.
    pub outside: &'a dyn Outside,
    /// Opens the way to the kernel's IPVS.
    pub kernel: &'a mut dyn FnMut() -> Result<Client, Refusal>,
    /// Changes of state, adverts, answers.
    pub output: &'a mut dyn Write,
    /// The log.
    pub errors: &'a mut dyn Write,
}

/// Why a command did not do what was asked for: a status, and a line about it.
struct Failure(u8, String);

impl From<speaker::Failure> for Failure {
    fn from(failure: speaker::Failure) -> Self {
        Failure(status::FAILED, failure.to_string())
    }
}

fn failed(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure(status::FAILED, format!("{what}: {}", error_text(&error)))
}

/// Runs a command line, whose first word is the program's name; gives back the exit status.
pub fn run(words: impl IntoIterator<Item = OsString>, mut environment: Environment<'_>) -> u8 {
    let outcome = match arguments::parse(words, &environment.secrets) {
        Ok(request) => carry_out(request, &mut environment),
        Err(Refused::Help(text)) => {
            let written = environment.output.write_all(text.as_bytes());
            written
                .map(|()| status::DONE)
                .map_err(failed("write error"))
        }
        Err(Refused::Wrong(text)) => Err(Failure(status::USAGE, text)),
    };
    outcome.unwrap_or_else(|Failure(status, text)| {
        // There is nobody left to tell.
        let _ = writeln!(environment.errors, "{PROGRAM}: {text}");
        status
    })
}

fn carry_out(request: Request, environment: &mut Environment<'_>) -> Result<u8, Failure> {
    match request {
        Request::Run(wanted, manner) => {
            let chosen = configuration(&wanted, environment)?;
            let mut printer = Printer::new(environment, &wanted, manner);
            printer.become_as(chosen.mails, chosen.synchronised);
            let outcome = speak(chosen.configuration, Until::Told, &mut printer);
            printer.finish();
            outcome?;
            Ok(status::DONE)
        }
        Request::Elect(wanted, manner) => {
            // Status 1 says "backup", so that whatever goes wrong has another.
            elect(&wanted, manner, environment)
                .map_err(|Failure(_, text)| Failure(status::USAGE, text))
        }
        Request::Advertise {
            wanted,
            count,
            priority,
        } => {
            let chosen = configuration(&wanted, environment)?;
            advertise(&chosen.configuration, count, priority)
        }
        Request::Resign(asked) => {
            let all = asked == Asked::Named(vec![]);
            let speakers = find(asked)?;
            if all && speakers.len() > 1 {
                let names = speakers.into_iter().map(|(name, _)| name);
                let names = names.collect::<Vec<_>>().join(", ");
                let text = format!("which one shall resign? there are: {names}");
                return Err(Failure(status::USAGE, text));
            }
            for (name, path) in speakers {
                ask(&name, &path, Question::Resign)?;
            }
            Ok(status::DONE)
        }
        Request::Status(asked, form) => {
            for (name, path) in find(asked)? {
                let answer = ask(&name, &path, Question::Status(form))?;
                let written = environment.output.write_all(answer.as_bytes());
                written.map_err(failed("write error"))?;
            }
            Ok(status::DONE)
        }
        Request::Watch {
            interface,
            vrid,
            length,
            json,
        } => watch(&interface, vrid, length, json, environment),
    }
}

/// What is wanted. What is only odd is told.
fn configuration(wanted: &Wanted, environment: &mut Environment<'_>) -> Result<Chosen, Failure> {
    let mut chosen = match wanted {
        Wanted::Options {
            configuration,
            warnings,
        } => Chosen {
            configuration: Configuration::clone(configuration),
            mails: Mails::default(),
            synchronised: None,
            warnings: warnings.clone(),
        },
        Wanted::File { file, names } => configured(file, names, environment)?,
    };
    for warning in chosen.warnings.drain(..) {
        // There is nobody left to tell.
        let _ = writeln!(environment.errors, "{PROGRAM}: warning: {warning}");
    }
    Ok(chosen)
}

/// What a configuration says, and what is odd about it. All that is wrong with it is told; with an
/// error nothing starts.
fn configured(
    file: &str,
    names: &[String],
    environment: &mut Environment<'_>,
) -> Result<Chosen, Failure> {
    let wrong = |text| Failure(status::USAGE, text);
    let text = environment.outside.read(file);
    let text = text.map_err(|error| wrong(format!("cannot read {file}: {}", error.why)))?;
    let reading = conf::frame::read(file, text, environment.outside);
    let mut warnings = Vec::new();
    let mut errors = 0;
    for problem in &reading.problems {
        match (problem.severity, problem.place) {
            (Severity::Error | Severity::Fatal, _) => {
                let text = problem.render(&reading.sources);
                let _ = environment.errors.write_all(text.as_bytes());
                errors += 1;
            }
            // In one line, without that of the file: there may be a password in it.
            (Severity::Warning | Severity::Ignored, Some(place)) => {
                let place = reading.sources.locate(place);
                warnings.push(format!("{place}: {}", problem.text));
            }
            (Severity::Warning | Severity::Ignored, None) => warnings.push(problem.text.clone()),
            (Severity::Note, _) => {}
        }
    }
    if errors > 0 {
        return Err(wrong(format!("errors in {file}: {errors}")));
    }
    let machine = Machine {
        account: &crate::host::names::user,
        is_exposed: &crate::host::programs::is_exposed,
        is_in_network: &crate::host::processes::is_in_network,
    };
    let chosen = configuration::choose(reading.config, &reading.sources, names, &machine);
    let chosen = chosen.map_err(|mut refusals| {
        let last = refusals.pop().unwrap_or_default();
        for refusal in refusals {
            let _ = writeln!(environment.errors, "{PROGRAM}: {refusal}");
        }
        wrong(last)
    })?;
    // Of thousands of virtual servers, which are not its own, nothing is kept.
    drop(reading.sources);
    crate::host::limits::give_back_memory();
    warnings.extend(chosen.warnings);
    Ok(Chosen { warnings, ..chosen })
}

fn elect(
    wanted: &Wanted,
    manner: Manner,
    environment: &mut Environment<'_>,
) -> Result<u8, Failure> {
    let configuration = configuration(wanted, environment)?.configuration;
    let mut printer = Printer::new(environment, wanted, manner).quiet();
    let states = speak(configuration.clone(), Until::Known, &mut printer)?;
    let several = states.len() > 1;
    for (Instance { name, settings, .. }, state) in configuration.instances().zip(&states) {
        let word = state.to_string();
        let news = News {
            subject: Subject::Instance(name),
            state: &word,
            priority: settings.priority,
        };
        let line = match several || manner.json {
            true => printer::line(&news, manner.json),
            false => word.clone(),
        };
        writeln!(environment.output, "{line}").map_err(failed("write error"))?;
    }
    let all = |wanted: &[State]| states.iter().all(|state| wanted.contains(state));
    Ok(match () {
        () if all(&[State::Master]) => status::DONE,
        () if all(&[State::Master, State::Backup]) => status::BACKUP,
        () => status::USAGE,
    })
}

fn advertise(
    configuration: &Configuration,
    count: u32,
    priority: Option<Priority>,
) -> Result<u8, Failure> {
    let mut speakers = Vec::new();
    for instance in configuration.instances() {
        let (interface, source) = place(instance)?;
        let sender = Sender::open(&interface, source).map_err(failed("raw socket"))?;
        speakers.push((instance, sender, Reception::new(instance.expected())));
    }
    let intervals = configuration.instances().map(|one| one.settings.interval);
    let pause = intervals.max().unwrap_or(crate::vrrp::Interval::DEFAULT);
    for number in 0..count {
        if number > 0 {
            thread::sleep(pause.duration());
        }
        for (instance, sender, reception) in &mut speakers {
            let priority = priority.unwrap_or(instance.settings.priority);
            let sent = sender.advertise(instance, reception, priority);
            sent.map_err(failed("cannot send an advert"))?;
        }
    }
    Ok(status::DONE)
}

/// Those that are asked for, with what they are called and where they are asked.
fn find(asked: Asked) -> Result<Vec<(String, PathBuf)>, Failure> {
    let names = match asked {
        Asked::Router(id) => {
            let path = control::path(&id);
            let path = path.map_err(failed("control socket"))?;
            return Ok(vec![(id.to_string(), path)]);
        }
        Asked::Named(names) => names,
    };
    let mut speakers = Vec::new();
    for path in control::all().map_err(failed("control socket"))? {
        match control::ask(&path, Question::Name) {
            Ok(name) => speakers.push((name.trim_end().to_owned(), path)),
            Err(error) if is_nobody(&error) => {}
            Err(error) => return Err(failed("control socket")(error)),
        }
    }
    if speakers.is_empty() && names.is_empty() {
        return Err(Failure(status::FAILED, "none is running".into()));
    }
    for name in &names {
        if !speakers.iter().any(|(running, _)| running == name) {
            return Err(Failure(status::FAILED, format!("not running: {name}")));
        }
    }
    speakers.retain(|(name, _)| names.is_empty() || names.contains(name));
    Ok(speakers)
}

/// One that was killed leaves its socket.
fn is_nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused)
}

fn ask(name: &str, path: &std::path::Path, question: Question) -> Result<String, Failure> {
    control::ask(path, question).map_err(|error| match is_nobody(&error) {
        true => Failure(status::FAILED, format!("not running: {name}")),
        false => failed("control socket")(error),
    })
}
