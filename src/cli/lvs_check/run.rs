//! `lvs-check run`: checks all servers again and again; the table follows, and heals.

use std::ffi::OsString;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use clap::ArgMatches;

use crate::check::health::Event;
use crate::check::memory::Memory;
use crate::check::rhythm::{Happening, Next, Rhythm};
use crate::check::runner::Runner;
use crate::check::watch::{self, Watch};
use crate::check::{Check, Verdict};
use crate::host::error_text;
use crate::host::state::State;
use crate::ipvs::ServiceId;
use crate::ipvs::client::Client;
use crate::report::lvs_check as status;
use crate::show::check as show;

use super::once::{Place, command, open_memory, patience, places, read_rules, refused, watches};
use super::questions::Given;
use super::{Failure, Session, runner};

/// From one check to the next where nobody says otherwise.
const DELAY: Duration = Duration::from_secs(6);

/// The same after a bad one.
const RETRY_DELAY: Duration = Duration::from_secs(1);

/// What runs, between two happenings.
struct Running<'r, 's, 'e> {
    session: &'r mut Session<'s>,
    runner: &'r Runner,
    given: Given<'r>,
    file: Option<&'e OsString>,
    state: State,
    client: Client,
    memory: Memory,
    watches: Vec<Watch>,
    places: Vec<Place>,
    /// Whether the table has been made what it shall be, so that others must have changed it.
    began: bool,
}

impl Session<'_> {
    pub(super) fn run(&mut self, found: &ArgMatches) -> Result<u8, Failure> {
        let given = Given(found);
        if found.contains_id("use-file") {
            // Each checker of a configuration has its own rhythm; the loop has one for all.
            let text = "run has one rhythm for all checks, and takes no configuration: -f";
            return Err(Failure::usage(text));
        }
        let path = (self.environment.memory)();
        let (state, memory) = open_memory(path)?;
        let client = (self.environment.kernel)().map_err(refused)?;
        let runner = runner()?;
        let mut running = Running {
            session: self,
            runner: &runner,
            given,
            file: found.get_one("rules"),
            state,
            client,
            memory,
            watches: Vec::new(),
            places: Vec::new(),
            began: false,
        };
        let checks = running.load()?;
        let rhythm = Rhythm {
            delay: given.get("delay").unwrap_or(DELAY),
            retry_delay: given.get("retry-delay").unwrap_or(RETRY_DELAY),
            fall: patience(given).fall.get(),
        };
        let kept = runner.keep(checks, rhythm, |happened| running.happened(happened));
        kept.map_err(|error| Failure::of("cannot wait for signals", &error))?;
        Ok(status::UP)
    }
}

impl Running<'_, '_, '_> {
    /// Reads what shall be, and goes on where it was.
    fn load(&mut self) -> Result<Vec<Arc<Check>>, Failure> {
        let names = self.session.environment.names;
        let rules = self.file.map(|file| read_rules(file, names)).transpose()?;
        let actual = self.client.table().map_err(refused)?;
        let alpha = !self.given.has("no-alpha");
        self.watches = watches(self.given, rules.as_ref(), &actual, &self.memory, alpha)?;
        for watch in &mut self.watches {
            let _ = watch.group.count();
        }
        let (places, checks) = places(&self.watches);
        self.places = places;
        Ok(checks)
    }

    fn happened(&mut self, happened: Vec<Happening>) -> Next {
        let (mut changes, mut looks) = (false, false);
        for one in happened {
            match one {
                Happening::Checked(place, outcome) => {
                    changes |= self.checked(place, &outcome.verdict);
                }
                Happening::Look => looks = true,
                Happening::Stop => {
                    self.stop();
                    return Next::End;
                }
                Happening::Reload => match self.load() {
                    Ok(checks) => {
                        self.session.complain("reloaded");
                        self.follow(false);
                        return Next::Restart(checks);
                    }
                    Err(failure) => {
                        let text = failure.text;
                        self.session.complain(&format!("not reloaded: {text}"));
                    }
                },
            }
        }
        if changes || looks {
            self.follow(!changes && self.began);
            self.began = true;
        }
        Next::GoOn
    }

    /// Takes a verdict into account, and tells whom it concerns. Says whether the table changes.
    fn checked(&mut self, place: usize, verdict: &Verdict) -> bool {
        let Some(&Place {
            watch,
            server,
            check,
        }) = self.places.get(place)
        else {
            return false;
        };
        let group = &mut self.watches[watch].group;
        let alpha = group.policy.alpha;
        let before = group.servers[server].part(alpha);
        let events = group.observe(server, check, patience(self.given), verdict);
        let changes = !events.is_empty() || group.servers[server].part(alpha) != before;
        let service = group.service.id;
        for event in events {
            self.tell(service, event, verdict);
        }
        changes
    }

    /// Says what happened, and starts the command that is to know of it.
    fn tell(&mut self, service: ServiceId, event: Event, verdict: &Verdict) {
        let (word, option, server) = match event {
            Event::ServerUp(server) => ("up", "notify-up", Some(server)),
            Event::ServerDown(server) => ("down", "notify-down", Some(server)),
            Event::QuorumUp => ("quorum up", "quorum-up", None),
            Event::QuorumDown => ("quorum down", "quorum-down", None),
        };
        let target = show::target(&service, server.as_ref());
        let text = match event {
            Event::ServerDown(_) => format!("{word} {target}: {}", show::why(verdict)),
            _ => format!("{word} {target}"),
        };
        self.session.tell(&text);
        if let Some(line) = self.given.get::<String>(option) {
            let mut command = Command::new("/bin/sh");
            command
                .args(["-c", &line])
                .env("LVS_CHECK_EVENT", word)
                .env("LVS_CHECK_SERVICE", show::target(&service, None))
                .stdin(Stdio::null());
            if let Some(server) = server {
                command
                    .env("LVS_CHECK_ADDRESS", server.address.to_string())
                    .env("LVS_CHECK_PORT", server.port.to_string());
            }
            if let Err(error) = self.runner.start(command) {
                let text = error_text(&error);
                self.session.complain(&format!("{text}: {line}"));
            }
        }
    }

    /// Makes the table what it shall be, and remembers. What differs though no server does, somebody
    /// else has changed.
    fn follow(&mut self, heals: bool) {
        let actual = match self.client.table() {
            Ok(actual) => actual,
            Err(refusal) => return self.session.complain(&refusal.to_string()),
        };
        let plan = watch::plan(&actual, &watch::wanted(&self.watches));
        if heals && !plan.is_empty() {
            self.session
                .complain("the table was changed by somebody else");
        }
        for changes in [&plan.first, &plan.then] {
            let outcomes = self.client.apply_all(changes);
            for (change, outcome) in changes.iter().zip(outcomes) {
                let command = command(change);
                match outcome {
                    Ok(()) => self.session.tell(&format!("ipvsadm {command}")),
                    Err(refusal) => self.session.complain(&format!("{refusal}: {command}")),
                }
            }
        }
        for watch in &self.watches {
            watch.remember(&mut self.memory);
        }
        if let Err(error) = self.state.replace(self.memory.write().as_bytes()) {
            let text = error_text(&error);
            self.session.complain(&format!("cannot remember: {text}"));
        }
    }

    /// Leaves the table as it is, or takes the services away.
    fn stop(&mut self) {
        if self.given.has("remove") {
            for watch in std::mem::take(&mut self.watches) {
                let id = watch.group.service.id;
                self.memory.forget(&id);
                let change = crate::ipvs::Change::DeleteService(id);
                match self.client.apply(&change) {
                    Ok(()) => self.session.tell(&format!("ipvsadm {}", command(&change))),
                    Err(refusal) => self.session.complain(&refusal.to_string()),
                }
            }
        }
        self.follow(false);
    }
}
