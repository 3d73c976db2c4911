//! `lvs-vrrp`: a command line to an exit status.

use std::ffi::OsString;
use std::io::{self, Write};
use std::thread;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::conf;
use crate::conf::expand::Outside;
use crate::conf::problem::Severity;
use crate::host::error_text;
use crate::host::interfaces;
use crate::host::signals::Signals;
use crate::report::lvs_vrrp as status;
use crate::show::vrrp as show;
use crate::vrrp::control::{self, Question};
use crate::vrrp::instance::Instance;
use crate::vrrp::observer::{Observer, Verdict};
use crate::vrrp::packet::Datagram;
use crate::vrrp::port::{Listener, Sender};
use crate::vrrp::reception::Reception;
use crate::vrrp::speaker::{self, Audience, Level, Until, place, speak};
use crate::vrrp::{Moment, Priority, State, Vrid};

use arguments::{Configured, Refused, Request, Secrets, Speaking, Target};

pub mod arguments;
mod configuration;

/// What the program is called in messages.
const PROGRAM: &str = "lvs-vrrp";

/// Packets of a socket that are read before the others are looked at.
const PACKETS_A_TURN: usize = 64;

/// What the program is handed by its caller.
pub struct Environment<'a> {
    /// Where secrets are read from.
    pub secrets: Secrets<'a>,
    /// Where configurations are.
    pub outside: &'a dyn Outside,
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
        Request::Run(speaking) => {
            voice(&speaking, Until::Told, environment)?;
            Ok(status::DONE)
        }
        Request::RunConfigured(configured) => {
            let speaking = speaking(configured, environment)?;
            voice(&speaking, Until::Told, environment)?;
            Ok(status::DONE)
        }
        Request::Elect(speaking) => elect(&speaking, environment),
        Request::Advertise {
            instance,
            count,
            priority,
            warnings,
        } => {
            warn(environment, &warnings);
            advertise(&instance, count, priority)
        }
        Request::Resign(target) => {
            ask(&target, Question::Resign)?;
            Ok(status::DONE)
        }
        Request::Status(target) => {
            let answer = ask(&target, Question::Status)?;
            let written = environment.output.write_all(answer.as_bytes());
            written
                .map(|()| status::DONE)
                .map_err(failed("write error"))
        }
        Request::Watch {
            interface,
            vrid,
            length,
            json,
        } => watch(&interface, vrid, length, json, environment),
    }
}

/// What a configuration says. All that is wrong with it is told; with an error nothing starts.
fn speaking(asked: Configured, environment: &mut Environment<'_>) -> Result<Speaking, Failure> {
    let Configured {
        file,
        name,
        json,
        level,
    } = asked;
    let wrong = |text| Failure(status::USAGE, text);
    let text = environment.outside.read(&file);
    let text = text.map_err(|error| wrong(format!("cannot read {file}: {}", error.why)))?;
    let reading = conf::read(&file, &text, environment.outside);
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
            (Severity::Warning, Some(place)) => {
                let place = reading.sources.locate(place);
                warnings.push(format!("{place}: {}", problem.text));
            }
            (Severity::Warning, None) => warnings.push(problem.text.clone()),
            (Severity::Note, _) => {}
        }
    }
    if errors > 0 {
        return Err(wrong(format!("errors in {file}: {errors}")));
    }
    let chosen = configuration::choose(reading.config, &reading.sources, name.as_deref());
    let chosen = chosen.map_err(|mut refusals| {
        let last = refusals.pop().unwrap_or_default();
        for refusal in refusals {
            let _ = writeln!(environment.errors, "{PROGRAM}: {refusal}");
        }
        wrong(last)
    })?;
    warnings.extend(chosen.warnings);
    Ok(Speaking {
        instance: chosen.instance,
        json,
        level,
        warnings,
    })
}

fn warn(environment: &mut Environment<'_>, warnings: &[String]) {
    for warning in warnings {
        let _ = writeln!(environment.errors, "{PROGRAM}: warning: {warning}");
    }
}

/// Prints what becomes of a router, and logs the rest.
struct Printer<'a, 'b> {
    environment: &'a mut Environment<'b>,
    name: &'a str,
    json: bool,
    silent: bool,
    level: Level,
}

impl Audience for Printer<'_, '_> {
    fn became(&mut self, state: State, priority: Priority) {
        if self.silent {
            return;
        }
        let line = match self.json {
            true => show::state_json(self.name, state, priority).to_string(),
            false => show::state_line(self.name, state, priority),
        };
        // A speaker goes on when nobody listens to it any more.
        let _ = writeln!(self.environment.output, "{line}");
        let _ = self.environment.output.flush();
    }

    fn log(&mut self, level: Level, text: &str) {
        if level > self.level {
            return;
        }
        let word = match level {
            Level::Error => "error: ",
            Level::Warning => "warning: ",
            Level::Info => "",
        };
        let _ = writeln!(
            self.environment.errors,
            "{PROGRAM}: {}: {word}{text}",
            self.name
        );
    }
}

fn voice(
    speaking: &Speaking,
    until: Until,
    environment: &mut Environment<'_>,
) -> Result<State, Failure> {
    warn(environment, &speaking.warnings);
    let mut printer = Printer {
        environment,
        name: &speaking.instance.name,
        json: speaking.json,
        silent: until == Until::Known,
        level: speaking.level,
    };
    Ok(speak(&speaking.instance, until, &mut printer)?)
}

fn elect(speaking: &Speaking, environment: &mut Environment<'_>) -> Result<u8, Failure> {
    // Status 1 says "backup", so that whatever goes wrong has another.
    let state = voice(speaking, Until::Known, environment)
        .map_err(|Failure(_, text)| Failure(status::USAGE, text))?;
    let written = match speaking.json {
        true => {
            let Instance { name, settings, .. } = &speaking.instance;
            let value = show::state_json(name, state, settings.priority);
            writeln!(environment.output, "{value}")
        }
        false => writeln!(environment.output, "{state}"),
    };
    written.map_err(|error| {
        Failure(
            status::USAGE,
            format!("write error: {}", error_text(&error)),
        )
    })?;
    match state {
        State::Master => Ok(status::DONE),
        State::Backup => Ok(status::BACKUP),
        State::Fault | State::Initialize => Ok(status::USAGE),
    }
}

fn advertise(instance: &Instance, count: u32, priority: Priority) -> Result<u8, Failure> {
    let (interface, source) = place(instance)?;
    let mut sender = Sender::open(&interface, source).map_err(failed("raw socket"))?;
    let mut reception = Reception::new(instance.expected());
    for number in 0..count {
        if number > 0 {
            thread::sleep(instance.settings.interval.duration());
        }
        let sent = sender.advertise(instance, &mut reception, priority);
        sent.map_err(failed("cannot send an advert"))?;
    }
    Ok(status::DONE)
}

fn ask(target: &Target, question: Question) -> Result<String, Failure> {
    let Target {
        interface,
        vrid,
        family,
    } = target;
    control::ask(interface, *vrid, *family, question).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => Failure(
            status::FAILED,
            format!("not running: VRID {vrid} on {interface}"),
        ),
        _ => failed("control socket")(error),
    })
}

fn watch(
    name: &str,
    only: Option<Vrid>,
    length: Option<Duration>,
    json: bool,
    environment: &mut Environment<'_>,
) -> Result<u8, Failure> {
    let signals = Signals::open().map_err(failed("signals"))?;
    let interface = interfaces::named(name).map_err(failed("rtnetlink"))?;
    let interface =
        interface.ok_or_else(|| Failure(status::FAILED, format!("no such interface: {name}")))?;
    let mut listeners = Vec::new();
    for family in [Family::V4, Family::V6] {
        // A machine may have no IPv6.
        listeners.extend(Listener::open(family, &interface));
    }
    if listeners.is_empty() {
        Listener::open(Family::V4, &interface).map_err(failed("raw socket"))?;
    }
    let mut observer = Observer::default();
    let began = Instant::now();
    let now = || Moment(began.elapsed());
    loop {
        let mut lines = String::new();
        for listener in &mut listeners {
            let each = |datagram: &Datagram<'_>| {
                let vrid = crate::vrrp::advert::vrid(datagram.message);
                if only.is_none() || vrid == only {
                    lines += &heard_line(&mut observer, now(), datagram, json);
                }
            };
            listener
                .receive(PACKETS_A_TURN, each)
                .map_err(failed("raw socket"))?;
        }
        let written = environment.output.write_all(lines.as_bytes());
        written
            .and_then(|()| environment.output.flush())
            .map_err(failed("write error"))?;
        let left = length.map(|length| length.saturating_sub(began.elapsed()));
        if signals.shall_end() || left == Some(Duration::ZERO) {
            break;
        }
        let descriptors: Vec<_> = listeners.iter().flat_map(Listener::descriptors).collect();
        signals.wait(&descriptors, left).map_err(failed("poll"))?;
    }
    if length.is_none() {
        return Ok(status::DONE);
    }
    tell_verdict(&observer, now(), only, json, environment).map_err(failed("write error"))
}

fn heard_line(observer: &mut Observer, now: Moment, datagram: &Datagram<'_>, json: bool) -> String {
    let mut line = match (observer.hear(now, datagram), json) {
        (Ok(advert), true) => show::advert_json(datagram, &advert).to_string(),
        (Ok(advert), false) => show::advert_line(datagram, &advert),
        (Err(malformed), true) => show::malformed_json(datagram, malformed).to_string(),
        (Err(malformed), false) => format!("{} malformed: {malformed}", datagram.source),
    };
    line.push('\n');
    line
}

fn tell_verdict(
    observer: &Observer,
    now: Moment,
    only: Option<Vrid>,
    json: bool,
    environment: &mut Environment<'_>,
) -> io::Result<u8> {
    let verdict = observer.verdict(now, only);
    let masters = observer.masters(now);
    if json {
        let value = show::verdict_json(verdict, &masters);
        writeln!(environment.output, "{value}")?;
    } else {
        for (id, masters) in &masters {
            writeln!(environment.output, "{}", show::masters_line(id, masters))?;
        }
        writeln!(environment.output, "{}", show::verdict_word(verdict))?;
    }
    Ok(match verdict {
        Verdict::One => status::DONE,
        Verdict::None => status::NONE,
        Verdict::Several => status::SEVERAL,
    })
}
