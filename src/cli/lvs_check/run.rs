//! `lvs-check run`: checks all servers again and again; the table follows, and heals.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::ArgMatches;

use crate::check::Verdict;
use crate::check::control::Control;
use crate::check::health::{Event, State as Health};
use crate::check::memory::Memory;
use crate::check::orders::Orders;
use crate::check::rhythm::Rhythm;
use crate::check::rounds::{Course, Happening, Next, Senses};
use crate::check::runner::{Outcome, Runner};
use crate::check::timetable::Beginning;
use crate::check::watch::Watch;
use crate::cli::kernel;
use crate::cli::synchronisation::Daemons;
use crate::conf::frame::Digest;
use crate::conf::model::Config;
use crate::host::scheduling::Process;
use crate::host::{signals, state::State};
use crate::ipvs::Daemon;
use crate::ipvs::client::Client;
use crate::report::lvs_check as status;

use super::notices::{Notices, Overall, ServerNotices, Teller};
use super::once::{Place, open_memory, patience};
use super::questions::Given;
use super::{Failure, Session, ask, runner};
use audience::Audience;
use patrol::Patrol;

mod audience;
mod orders;
mod patrol;
mod reload;
mod rest;
mod slow_start;
mod table;
mod tell;

/// How long keepalived waits before the first checks, beside the warmup.
const START_DELAY: Duration = Duration::from_secs(1);

/// What shall be.
#[derive(Default)]
struct Desired {
    watches: Vec<Watch>,
    /// Who is told of each.
    notices: Vec<Notices>,
    /// By which text of a configuration each is known again, if it can be.
    digests: Vec<Option<Digest>>,
    overall: Overall,
    /// What of the configuration concerns checks, without its virtual servers.
    frame: Config,
}

/// What runs, between two happenings.
struct Running<'r, 's, 'e> {
    session: &'r mut Session<'s>,
    runner: &'r Runner,
    given: Given<'r>,
    rules: Option<&'e OsString>,
    configuration: Option<&'e String>,
    state: State,
    /// The network namespace of the table, where that is another one.
    table_in: Option<String>,
    client: Client,
    memory: Memory,
    desired: Desired,
    places: Vec<Place>,
    /// Whose servers have changed, and whose table has to follow.
    changed: BTreeSet<usize>,
    pending: BTreeSet<usize>,
    /// Whose table is looked at next.
    patrol: Patrol,
    /// Before this the table does not follow again: thousands of verdicts shall come together.
    rested: Instant,
    /// What somebody has ordered of servers.
    orders: Orders,
    /// Those servers that start slowly: which watch, which server.
    slow: BTreeSet<(usize, usize)>,
    /// Those who are told by mail and through pipes.
    audience: Audience,
    /// Those who synchronise connections.
    daemons: Daemons,
    /// How this process runs.
    process: Process,
    /// The places of checks that cannot be made, which has been told.
    faulty: BTreeSet<usize>,
    /// Whose checks rest.
    resting: Vec<bool>,
    /// When it began.
    start: Instant,
    /// Whether the table has been made what it shall be, so that others must have changed it.
    began: bool,
    /// Since when the file of the memory lacks something.
    unsaved: Option<Instant>,
}

impl Session<'_> {
    pub(super) fn run(&mut self, found: &ArgMatches) -> Result<u8, Failure> {
        let given = Given(found);
        let path = (self.environment.memory)();
        let (state, memory) = open_memory(path)?;
        let runner = runner()?;
        // Who reads what it says may go, and it goes on; and it may be asked to reload before it has
        // begun.
        signals::live_with_closed_pipes();
        let heard = runner.signals();
        let heard = heard.map_err(|error| Failure::of("cannot wait for signals", &error))?;
        let configuration: Option<&String> = found.get_one("use-file");
        let description = configuration.map(|file| self.description(file, false, None));
        let description = description.transpose()?;
        let table_in = description.as_ref().and_then(|one| one.table_in.clone());
        let client = self.client(table_in.as_deref())?;
        let orders = self.read_orders();
        let control = self.control(given)?;
        let mut running = Running {
            session: self,
            runner: &runner,
            given,
            rules: found.get_one("rules"),
            configuration,
            state,
            table_in,
            client,
            memory,
            desired: Desired::default(),
            places: Vec::new(),
            changed: BTreeSet::new(),
            pending: BTreeSet::new(),
            patrol: Patrol::default(),
            rested: Instant::now(),
            orders,
            slow: BTreeSet::new(),
            audience: Audience::default(),
            daemons: Daemons::default(),
            process: Process::default(),
            faulty: BTreeSet::new(),
            resting: Vec::new(),
            start: Instant::now(),
            began: false,
            unsaved: None,
        };
        let mut loaded = running.load(description)?;
        let actual = std::mem::take(&mut loaded.actual);
        let entries = running.adopt(loaded).entries;
        running.begin(&actual);
        running.save();
        let rests = running.rests(true);
        let beginning = match given.has("no-alpha") {
            true if running.configuration.is_some() => Beginning::After(START_DELAY),
            _ => Beginning::AtOnce,
        };
        let usual = match running.configuration {
            Some(_) => patrol::EVERY,
            None => Rhythm::default().delay,
        };
        let looks = given.get("delay").unwrap_or(usual);
        let course = Course { beginning, looks };
        let senses = Senses {
            signals: heard,
            control,
            monitor: running.monitor(),
        };
        let first = Next {
            restart: Some(entries),
            rests,
            ..Next::default()
        };
        let kept = runner.keep(first, course, senses, |happened| running.happened(happened));
        kept.map_err(|error| Failure::of("cannot wait for signals", &error))?;
        Ok(status::UP)
    }
}

impl Session<'_> {
    /// Where the loop is asked. Without it the checks go on, unless a place was named.
    fn control(&mut self, given: Given<'_>) -> Result<Option<Control>, Failure> {
        let path = ask::socket(given);
        match Control::open(&path) {
            Ok(control) => Ok(Some(control)),
            Err(error) => {
                let failure = Failure::of(format!("cannot listen at {}", path.display()), &error);
                match given.get::<PathBuf>("control") {
                    Some(_) => Err(failure),
                    None => {
                        self.complain(&failure.text);
                        Ok(None)
                    }
                }
            }
        }
    }
}

impl Running<'_, '_, '_> {
    /// The rhythm of the command line, one for all checks.
    fn rhythm(&self) -> Rhythm {
        let usual = Rhythm::default();
        let delay = self.given.get("delay").unwrap_or(usual.delay);
        Rhythm {
            delay,
            retry_delay: self.given.get("retry-delay").unwrap_or(usual.retry_delay),
            warmup: delay,
            patience: patience(self.given),
        }
    }

    /// Who is told, by the command line.
    fn notices(&self, watch: &Watch) -> Notices {
        let teller = |name| {
            let line: Option<String> = self.given.get(name);
            line.map(|line| Arc::new(Teller::Shell(line)))
        };
        let server = ServerNotices {
            up: teller("notify-up"),
            down: teller("notify-down"),
            mail: false,
        };
        Notices {
            quorum_up: teller("quorum-up"),
            quorum_down: teller("quorum-down"),
            servers: vec![server; watch.group.servers.len()],
            ..Notices::default()
        }
    }

    fn happened(&mut self, happened: Vec<Happening>) -> Next {
        let mut next = Next::default();
        let (mut looks, mut reloaded) = (false, false);
        for one in happened {
            match one {
                // After a reload it is another's place.
                Happening::Checked(..) if reloaded => {}
                Happening::Checked(place, outcome) => self.checked(place, &outcome),
                Happening::Look => looks = true,
                Happening::Woken => {}
                Happening::Addresses => next.rests.extend(self.rests(false)),
                Happening::Asked(asked) => self.answer(asked),
                Happening::Stop => {
                    self.stop();
                    next.end = true;
                    return next;
                }
                Happening::Reload => match self.load_again() {
                    Ok(loaded) => {
                        next.restart = Some(self.reload(loaded));
                        next.rests = self.rests(true);
                        reloaded = true;
                    }
                    Err(failure) => {
                        let text = failure.text;
                        self.session.complain(&format!("not reloaded: {text}"));
                    }
                },
            }
        }
        let grows = self.grow();
        for place in std::mem::take(&mut self.changed) {
            self.count(place);
            self.pending.insert(place);
        }
        for told in self.audience.told() {
            self.session.complain(&told);
        }
        if looks {
            self.look();
        }
        let wakes = [self.follow_soon(), self.save_soon(), grows];
        next.wake = wakes.into_iter().flatten().min();
        next
    }

    /// Looks whether the table is as it shall be.
    fn look(&mut self) {
        let is_free = self.configuration.is_some() && self.given.get::<Duration>("delay").is_none();
        if self.began && is_free {
            return self.patrol();
        }
        let waits = !std::mem::take(&mut self.pending).is_empty();
        self.follow_all(self.began && !waits);
        self.began = true;
    }

    /// Takes a verdict into account, and tells whom it concerns.
    fn checked(&mut self, place: usize, outcome: &Outcome) {
        let Some(&Place {
            watch,
            server,
            check,
        }) = self.places.get(place)
        else {
            return;
        };
        let one = &mut self.desired.watches[watch];
        let routine = &one.checks[server][check];
        let (patience, log_all) = (routine.rhythm.patience, routine.log_all);
        let was_well = one.group.servers[server].checks[check].state == Health::Up;
        let before = one.group.servers[server].state();
        let observed = one.group.take(server, check, patience, &outcome.verdict);
        let after = one.group.servers[server].state();
        if before != after {
            one.group.servers[server].since = self.start.elapsed();
            if (before, after) == (Health::Down, Health::Up) {
                self.start_slowly(watch, server);
            }
        }
        if observed.counts {
            self.changed.insert(watch);
        }
        match observed.event {
            Some(event) => self.tell(watch, Some(server), event, Some(&outcome.verdict)),
            None if log_all && was_well => self.tell_failure(watch, server, &outcome.verdict),
            None => {}
        }
        self.heed_fault(place, &outcome.verdict);
    }

    /// Has these synchronise connections.
    fn synchronise(&mut self, wanted: Vec<Daemon>) {
        let (kernel, network) = (&mut self.session.environment.kernel, &self.table_in);
        let open = || kernel::open(network.as_deref(), kernel);
        for wrong in self.daemons.become_as(wanted, open) {
            self.session.complain(&wrong);
        }
    }

    /// Sees whether a service has enough servers.
    fn count(&mut self, watch: usize) {
        let event: Option<Event> = self.desired.watches[watch].group.count();
        if let Some(event) = event {
            self.tell(watch, None, event, None::<&Verdict>);
        }
    }
}
