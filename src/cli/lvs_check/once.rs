//! `lvs-check once`: checks all servers of a table at the same time, and makes the table follow.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{self, Read, Write};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;

use crate::addr::{Endpoint, Numeric, Protocol, Resolve};
use crate::check::health::{Patience, Policy};
use crate::check::memory::Memory;
use crate::check::rhythm::{Rhythm, Routine};
use crate::check::runner::Outcome;
use crate::check::watch::{self, Source, Terms, Watch};
use crate::check::{Check, Verdict};
use crate::cli::rules::{self, BadLine};
use crate::host::state::State;
use crate::ipvs::plan::{Entry, Table};
use crate::ipvs::rule::{Context, write};
use crate::ipvs::{Change, Destination, Forwarding, Service, ServiceId, Thresholds, Weight};
use crate::report::lvs_check as status;
use crate::show::check as show;

use super::options::Kind;
use super::questions::{Given, host_and_port};
use super::{Failure, Session, runner};

/// A check of `--with`.
#[derive(Clone, Debug, PartialEq, Eq)]
struct With {
    kind: Kind,
    /// The page, the command, the file.
    what: Option<String>,
}

impl With {
    fn parse(text: &str) -> Option<Self> {
        let (kind, what) = match text.split_once(':') {
            Some((kind, what)) => (kind, Some(what.to_owned())),
            None => (text, None),
        };
        let kind = Kind::named(kind)?;
        let is_right = match kind {
            Kind::Http | Kind::Https => true,
            Kind::Misc | Kind::File => what.as_ref().is_some_and(|what| !what.is_empty()),
            _ => what.is_none(),
        };
        is_right.then_some(With { kind, what })
    }

    /// What a service is checked with where nobody says otherwise: whatever it speaks.
    fn usual(service: &Service) -> Self {
        let kind = match service.id {
            ServiceId::Address { endpoint, .. } if endpoint.port == 0 => Kind::Ping,
            ServiceId::Address { protocol, .. } if protocol == Protocol::TCP => Kind::Tcp,
            ServiceId::Address { protocol, .. } if protocol == Protocol::UDP => Kind::Udp,
            ServiceId::Address { .. } | ServiceId::Mark { .. } => Kind::Ping,
        };
        With { kind, what: None }
    }
}

impl Session<'_> {
    pub(super) fn once(&mut self, found: &ArgMatches) -> Result<u8, Failure> {
        let given = Given(found);
        let applies = given.has("apply");
        let rules = match found.get_one::<OsString>("rules") {
            Some(file) => Some(read_rules(file, self.environment.names)?),
            None => None,
        };
        let description = match found.get_one::<String>("use-file") {
            Some(file) => Some(self.description(file, given.has("quiet"), None)?),
            None => None,
        };
        let is_described = rules.is_some() || description.is_some();
        let path = (self.environment.memory)();
        let (state, mut memory) = match applies {
            true => {
                let (state, memory) = open_memory(path)?;
                (Some(state), memory)
            }
            false => {
                let content = path.and_then(fs::read).unwrap_or_default();
                (None, Memory::parse(&String::from_utf8_lossy(&content)))
            }
        };

        // A file can be checked where there is no IPVS.
        let mut client = match (is_described, applies) {
            (true, false) => None,
            _ => {
                let described = description.as_ref();
                Some(self.client(described.and_then(|one| one.table_in.as_deref()))?)
            }
        };
        let actual = match &mut client {
            Some(client) => client.table().map_err(refused)?,
            None => Table::default(),
        };
        let mut watches = match description {
            Some(description) => description.watches(&actual, &memory, true),
            None => {
                let rhythm = Rhythm::default();
                watches(given, rules.as_ref(), &actual, &memory, false, rhythm)?
            }
        };
        let outcomes = self.check_all(&watches)?;
        let patience = patience(given);
        let mut rows = Vec::new();
        for (place, outcome) in &outcomes {
            let watch = &mut watches[place.watch];
            // What follows from it shows in the table.
            let _ = watch
                .group
                .observe(place.server, place.check, patience, &outcome.verdict);
        }
        for watch in &mut watches {
            let _ = watch.group.count();
        }
        let shall = watch::wanted(&watches);
        let weights = weights(&shall);
        for (place, outcome) in &outcomes {
            rows.push(row(&watches[place.watch], *place, outcome, &weights));
        }
        let text = match (given.has("json"), given.has("metrics"), given.has("quiet")) {
            (true, _, _) => show::rows_json(&rows),
            (_, true, _) => show::rows_metrics(&rows),
            (_, _, true) => String::new(),
            _ if self.environment.terminal => show::rows_table(&rows),
            _ => show::rows_lines(&rows),
        };
        self.print(&text);

        let mut refusals = false;
        if let (Some(state), Some(client)) = (&state, &mut client) {
            let plan = watch::plan(&actual, &shall);
            for changes in [&plan.first, &plan.then] {
                let outcomes = client.apply_all(changes);
                for (change, outcome) in changes.iter().zip(outcomes) {
                    let command = command(change);
                    match outcome {
                        Ok(()) => self.tell(&format!("ipvsadm {command}")),
                        Err(refusal) => {
                            refusals = true;
                            self.complain(&format!("{refusal}: {command}"));
                        }
                    }
                }
            }
            if !is_described {
                let services: HashSet<ServiceId> = watch::ids(&shall).collect();
                for gone in memory.services() {
                    if !services.contains(&gone) {
                        memory.forget(&gone);
                    }
                }
            }
            watches.iter().for_each(|watch| watch.remember(&mut memory));
            let stored = state.replace(memory.write().as_bytes());
            stored.map_err(|error| Failure::of("cannot remember", &error))?;
        }
        let any =
            |test: fn(&Verdict) -> bool| outcomes.iter().any(|(_, outcome)| test(&outcome.verdict));
        Ok(match () {
            () if refusals => status::USAGE,
            () if any(|verdict| matches!(verdict, Verdict::Down(_))) => status::DOWN,
            () if any(|verdict| matches!(verdict, Verdict::Unknown(_))) => status::USAGE,
            () => status::UP,
        })
    }

    /// Makes all checks of all servers.
    fn check_all(&mut self, watches: &[Watch]) -> Result<Vec<(Place, Outcome)>, Failure> {
        let (places, checks) = places(watches);
        let mut outcomes: Vec<Option<Outcome>> = vec![None; checks.len()];
        let mut done = 0;
        runner()?.all(&checks, |place, outcome| {
            outcomes[place] = Some(outcome);
            done += 1;
            self.show_progress(&format!("checking: {done} of {}", checks.len()));
        });
        self.show_progress("");
        let outcomes = places.into_iter().zip(outcomes);
        Ok(outcomes
            .filter_map(|(place, outcome)| Some((place, outcome?)))
            .collect())
    }

    /// Shows how far it is in the last line of a terminal, in place of what stood there.
    fn show_progress(&mut self, text: &str) {
        if self.environment.shows_progress {
            let errors = &mut self.environment.errors;
            // Nobody is left to see it when standard error is gone.
            let _ = write!(errors, "\r{text}\x1b[K").and_then(|()| errors.flush());
        }
    }

    /// Tells what was done.
    pub(super) fn tell(&mut self, text: &str) {
        let _ = writeln!(self.environment.errors, "{text}");
    }
}

/// Which check of all; in the order of the lists in which they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// Which service.
    pub watch: usize,
    /// Which of its servers.
    pub server: usize,
    /// Which of its checks.
    pub check: usize,
}

/// All checks in one list, with their places, which are in order.
pub fn places(watches: &[Watch]) -> (Vec<Place>, Vec<Arc<Routine>>) {
    let count = watches.iter().flat_map(|watch| &watch.checks);
    let count = count.map(Vec::len).sum();
    let (mut places, mut checks) = (Vec::with_capacity(count), Vec::with_capacity(count));
    for (
        watch,
        Watch {
            checks: servers, ..
        },
    ) in watches.iter().enumerate()
    {
        for (server, of_server) in servers.iter().enumerate() {
            for (check, one) in of_server.iter().enumerate() {
                places.push(Place {
                    watch,
                    server,
                    check,
                });
                checks.push(Arc::clone(one));
            }
        }
    }
    (places, checks)
}

/// How long to wait for another run that changes the table. A loop does not end by itself.
const PATIENCE: Duration = Duration::from_secs(30);

/// The table that a file describes, `-` for standard input.
pub fn read_rules(file: &OsStr, names: &dyn Resolve) -> Result<Table, Failure> {
    let name = file.to_string_lossy();
    let content = match &*name {
        "-" => {
            let mut content = Vec::new();
            let read = io::stdin().lock().read_to_end(&mut content);
            read.map(|_| content)
        }
        _ => fs::read(file),
    };
    let content = content.map_err(|error| Failure::of(&name, &error))?;
    let context = Context {
        names,
        posixly_correct: false,
    };
    rules::table(&content, context).map_err(|bad| {
        let lines = bad
            .iter()
            .map(|BadLine { number, text }| format!("{name}:{number}: {text}"));
        Failure::usage(lines.collect::<Vec<String>>().join("\nlvs-check: "))
    })
}

/// What earlier runs left, for this process alone: whoever changes the table is alone until it has
/// remembered what it did.
pub fn open_memory(path: io::Result<PathBuf>) -> Result<(State, Memory), Failure> {
    let failed = |error| Failure::of("cannot remember", &error);
    let state = path.and_then(|path| State::open_within(path, PATIENCE));
    let state = state.map_err(|error| match error.kind() {
        io::ErrorKind::WouldBlock => Failure::usage("busy: another lvs-check changes the table"),
        _ => failed(error),
    })?;
    let content = state.read().map_err(failed)?;
    Ok((state, Memory::parse(&String::from_utf8_lossy(&content))))
}

type Weights = HashMap<(ServiceId, Endpoint), Weight>;

fn weights(table: &Table) -> Weights {
    let entries = table.entries().iter();
    let all = entries.flat_map(|entry| {
        let destinations = entry.destinations.values();
        destinations.map(|one| ((entry.service.id, one.endpoint), one.weight))
    });
    all.collect()
}

fn row(watch: &Watch, place: Place, outcome: &Outcome, weights: &Weights) -> show::Row {
    let server = &watch.group.servers[place.server];
    let (service, endpoint) = (watch.group.service.id, server.destination.endpoint);
    show::Row {
        service,
        server: endpoint,
        check: watch.checks[place.server][place.check].check.probe.name(),
        outcome: outcome.clone(),
        standing: server.checks[place.check],
        weight: weights.get(&(service, endpoint)).copied(),
    }
}

/// The services with their checks.
pub fn watches(
    given: Given<'_>,
    rules: Option<&Table>,
    actual: &Table,
    memory: &Memory,
    alpha: bool,
    rhythm: Rhythm,
) -> Result<Vec<Watch>, Failure> {
    let with: Vec<String> = given.all("with");
    let with = with.iter().map(|text| {
        With::parse(text).ok_or_else(|| Failure::usage(format!("--with: not a check: {text}")))
    });
    let with = with.collect::<Result<Vec<_>, _>>()?;
    let sorry = given.get::<String>("sorry").map(|text| {
        let (host, port) = host_and_port(&text);
        let address: Option<IpAddr> = host.parse().ok();
        let port = port.map(str::parse::<u16>).transpose().ok();
        address
            .zip(port)
            .ok_or_else(|| Failure::usage(format!("--sorry: not an address: {text}")))
    });
    let sorry = sorry.transpose()?;
    let number = |name, default| given.get::<u32>(name).map_or(default, u64::from);
    let policy = |entry: &Entry| Policy {
        quorum: number("quorum", 1),
        hysteresis: number("hysteresis", 0),
        sorry: sorry.and_then(|sorry| stand_in(entry, sorry)),
        sorry_inhibit: false,
        alpha,
    };
    let (source, table) = match rules {
        Some(rules) => (Source::Wanted, rules),
        None => (Source::Actual, actual),
    };
    let mut wrong: Option<String> = None;
    let mut watches = Vec::new();
    for entry in table.entries() {
        let usual = [With::usual(&entry.service)];
        let with = if with.is_empty() { &usual[..] } else { &with };
        let problem = RefCell::new(None);
        let checks = |_: &Service, destination: &Destination| {
            let checks = with.iter().map(|with| {
                let check = check(given, with, destination.endpoint)?;
                Ok(Arc::new(Routine {
                    check,
                    rhythm,
                    log_all: false,
                }))
            });
            match checks.collect() {
                Ok(checks) => checks,
                Err(text) => {
                    problem.replace(Some(text));
                    Vec::new()
                }
            }
        };
        let terms = Terms {
            policy: &policy,
            inhibit: &|_| given.has("inhibit"),
            checks: &checks,
        };
        watches.push(Watch::new(source, entry, actual, memory, &terms));
        wrong = wrong.or(problem.take());
    }
    match wrong {
        Some(text) => Err(Failure::usage(text)),
        None => Ok(watches),
    }
}

/// The sorry server of a service, which forwards as its servers do.
fn stand_in(entry: &Entry, (address, port): (IpAddr, Option<u16>)) -> Option<Destination> {
    let service_port = match entry.service.id {
        ServiceId::Address { endpoint, .. } => endpoint.port,
        ServiceId::Mark { .. } => 0,
    };
    let endpoint = Endpoint::new(address, port.unwrap_or(service_port));
    let is_fitting = endpoint.family() == entry.service.id.family();
    let first = entry.destinations.values().next();
    is_fitting.then(|| Destination {
        endpoint,
        forwarding: first.map_or(Forwarding::Route, |first| first.forwarding),
        weight: Weight(1),
        thresholds: Thresholds::default(),
    })
}

fn check(given: Given<'_>, with: &With, server: Endpoint) -> Result<Check, String> {
    let what = with.what.as_deref();
    let probe = match (with.kind, what) {
        (Kind::Misc, Some(command)) => {
            let shell = ["/bin/sh", "-c", command];
            given.misc(shell.map(OsString::from).to_vec(), Some(server))?
        }
        (Kind::File, Some(path)) => given.tracked(path.into()),
        (kind, path) => given.network(kind, server, path, None)?,
    };
    Ok(given.made(probe))
}

/// How many verdicts change what counts.
pub fn patience(given: Given<'_>) -> Patience {
    let number = |name| given.get::<u32>(name).and_then(NonZeroU32::new);
    Patience {
        rise: number("rise").unwrap_or(NonZeroU32::MIN),
        fall: number("fall").unwrap_or(NonZeroU32::MIN),
    }
}

/// A change as the options of ipvsadm.
pub fn command(change: &Change) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write::change(&mut text, change, &Numeric);
    text.truncate(text.trim_end().len());
    text
}

/// The kernel does not answer.
pub fn refused(refusal: crate::ipvs::refusal::Refusal) -> Failure {
    Failure::usage(format!("cannot ask IPVS: {refusal}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_check_has_what_it_needs_and_no_more() {
        for (text, kind, what) in [
            ("tcp", Kind::Tcp, None),
            ("http", Kind::Http, None),
            ("https:/a:b", Kind::Https, Some("/a:b")),
            ("misc:test -e /x", Kind::Misc, Some("test -e /x")),
            ("file:/x", Kind::File, Some("/x")),
        ] {
            let what = what.map(str::to_owned);
            assert_eq!(With::parse(text), Some(With { kind, what }), "{text}");
        }
        for bad in ["", "tcp:80", "misc", "misc:", "file", "TCP", "http/"] {
            assert_eq!(With::parse(bad), None, "{bad}");
        }
    }
}
