//! `--drain` and `--undrain`: servers that go when their connections have ended, and come back.
//!
//! The weights that servers had are remembered as the commands that give them back, so that a
//! drain which was interrupted can be undone.

use std::collections::HashMap;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::addr::{Endpoint, Numeric};
use crate::cli::rules::{lines, words};
use crate::host::error_text;
use crate::host::state::State;
use crate::ipvs::drain::{Progress, Remembered, Target};
use crate::ipvs::refusal::Refusal;
use crate::ipvs::rule::{self, Command, Drained, Edit, Problem, write};
use crate::ipvs::{Change, Destination, DestinationRow, ServiceId, Weight};
use crate::report::ipvsadm as status;

use super::{End, Session};

/// The name of the file of remembered weights.
pub const MEMORY: &str = "ipvsadm.drained";

/// How often connections are counted.
const LOOK: Duration = Duration::from_millis(500);

impl Session<'_> {
    /// Drains what a command line names, and deletes it if that is asked for.
    pub(super) fn drain(&mut self, what: Drained, seconds: u32) -> Result<(), End> {
        match what {
            Drained::Destination(of, only) => {
                self.delete_drained(&[Change::DeleteDestination(of, only)], seconds)
            }
            Drained::Service(of) => self.delete_drained(&[Change::DeleteService(of)], seconds),
            Drained::StayingDestination(of, only) => {
                let only = Some(only);
                let target = Target { of, only };
                for progress in self.wait(&[target], seconds)? {
                    self.report(&target, progress)?;
                }
                Ok(())
            }
        }
    }

    /// Deletes each of these when its connections have ended, but not if somebody gives it a
    /// weight again meanwhile; when the time is up, in any case.
    pub(super) fn delete_drained(&mut self, deletions: &[Change], seconds: u32) -> Result<(), End> {
        let targets: Vec<Target> = deletions.iter().filter_map(target).collect();
        let progress = self.wait(&targets, seconds)?;
        let mut ended = Ok(());
        let mut gone = Vec::new();
        for (target, progress) in targets.iter().zip(progress) {
            let report = self.report(target, progress);
            match progress {
                Progress::Left(_) => gone.push(*target),
                Progress::Resumed(_) => ended = report,
            }
        }
        let deletions: Vec<Change> = deletions
            .iter()
            .filter(|deletion| target(deletion).is_some_and(|target| gone.contains(&target)))
            .cloned()
            .collect();
        self.all(&deletions)?;
        let memory = self.memory()?;
        let mut remembered = self.recall(&memory)?;
        remembered.retain(|old| !gone.iter().any(|target| target.has(&old.of, &old.endpoint)));
        self.store(&memory, &remembered)?;
        ended
    }

    /// Gives servers that were drained their weights back.
    pub(super) fn undrain(&mut self, of: ServiceId, only: Option<Endpoint>) -> Result<(), End> {
        let target = Target { of, only };
        let rows = self.rows(&[target])?;
        let memory = self.memory()?;
        let remembered = self.recall(&memory)?;
        let (back, others): (Vec<Remembered>, Vec<Remembered>) = remembered
            .into_iter()
            .partition(|old| target.has(&old.of, &old.endpoint));
        if back.is_empty() {
            self.complain(&format!("ipvsadm: not drained: {}", name(&target)));
            return Err(End::GoesOn(status::REFUSED));
        }
        let changes: Vec<Change> = back
            .iter()
            .filter_map(|old| {
                let mut destinations = rows[&of].iter().map(|row| &row.destination);
                let now = destinations.find(|now| now.endpoint == old.endpoint)?;
                // Whoever gave it another weight meanwhile knows better.
                (now.weight == Weight(0)).then(|| {
                    let weight = old.weight;
                    let again = Destination {
                        weight,
                        ..now.clone()
                    };
                    Change::EditDestination(of, again)
                })
            })
            .collect();
        self.all(&changes)?;
        self.store(&memory, &others)
    }

    /// Takes the weights, waits, and tells how far each target came.
    fn wait(&mut self, targets: &[Target], seconds: u32) -> Result<Vec<Progress>, End> {
        let (mut weights, mut changes) = (Vec::new(), Vec::new());
        let rows = self.rows(targets)?;
        for target in targets {
            let rows = &rows[&target.of];
            let there = |only| rows.iter().any(|row| row.destination.endpoint == only);
            if !target.only.is_none_or(there) {
                return self.accepted(Err(Refusal::no_such_destination()));
            }
            weights.extend(target.weights(rows));
            changes.extend(target.changes(rows));
        }
        self.remember(&weights)?;
        self.all(&changes)?;

        let start = Instant::now();
        let time = Duration::from_secs(u64::from(seconds));
        loop {
            let rows = self.rows(targets)?;
            let progress: Vec<Progress> = targets
                .iter()
                .map(|target| target.progress(&rows[&target.of]))
                .collect();
            let left = progress.iter().map(|progress| match progress {
                Progress::Left(left) => *left,
                Progress::Resumed(_) => 0,
            });
            let (left, rest) = (left.sum::<u64>(), time.saturating_sub(start.elapsed()));
            if left == 0 || rest.is_zero() {
                self.show_progress("");
                return Ok(progress);
            }
            let seconds = rest.as_secs_f64().ceil();
            self.show_progress(&format!(
                "draining: connections left: {left}, seconds left: {seconds}"
            ));
            thread::sleep(rest.min(LOOK));
        }
    }

    /// The destinations of all services that the targets are of; all of these must be there.
    fn rows(&mut self, targets: &[Target]) -> Result<HashMap<ServiceId, Vec<DestinationRow>>, End> {
        let mut rows = HashMap::new();
        for Target { of, .. } in targets {
            if !rows.contains_key(of) {
                let known = self.client()?.service(of);
                self.accepted(known)?;
                let destinations = self.client()?.destinations(of);
                rows.insert(*of, self.accepted(destinations)?);
            }
        }
        Ok(rows)
    }

    /// Shows how far it is in the last line of a terminal, in place of what stood there.
    fn show_progress(&mut self, text: &str) {
        if self.environment.terminal {
            let errors = &mut self.environment.errors;
            // Nobody is left to see it when standard error is gone.
            let _ = write!(errors, "\r{text}\x1b[K").and_then(|()| errors.flush());
        }
    }

    /// Tells how a target ended, unless it is as it should be.
    fn report(&mut self, target: &Target, progress: Progress) -> Result<(), End> {
        match progress {
            Progress::Left(0) => Ok(()),
            Progress::Left(left) => {
                let name = name(target);
                self.complain(&format!("ipvsadm: connections left: {left}: {name}"));
                Err(End::GoesOn(status::FAILED))
            }
            Progress::Resumed(endpoint) => {
                let of = target.of;
                let only = Some(endpoint);
                let name = name(&Target { of, only });
                self.complain(&format!(
                    "ipvsadm: given a weight meanwhile, so kept: {name}"
                ));
                Err(End::GoesOn(status::REFUSED))
            }
        }
    }

    /// What the kernel answered, or the end, once its refusal is told.
    fn accepted<T>(&mut self, answer: Result<T, Refusal>) -> Result<T, End> {
        answer.map_err(|refusal| self.tell(&Problem::Refused(refusal)))
    }

    /// Remembers weights, before they are taken.
    fn remember(&mut self, weights: &[Remembered]) -> Result<(), End> {
        if weights.is_empty() {
            return Ok(());
        }
        let memory = self.memory()?;
        let mut remembered = self.recall(&memory)?;
        let same = |a: &Remembered, b: &Remembered| a.of == b.of && a.endpoint == b.endpoint;
        remembered.retain(|old| !weights.iter().any(|new| same(old, new)));
        remembered.extend(weights);
        self.store(&memory, &remembered)
    }

    /// The file of remembered weights, for this program alone.
    fn memory(&mut self) -> Result<State, End> {
        let state = (self.environment.memory)().and_then(State::open);
        self.remembered(state)
    }

    fn recall(&mut self, memory: &State) -> Result<Vec<Remembered>, End> {
        let content = memory.read();
        let content = self.remembered(content)?;
        let weights = lines(&content).filter_map(|line| {
            match rule::parse(&words(line), self.context()).ok()? {
                Command::Edit(Edit::Destination(edit)) => Some(Remembered {
                    of: edit.of,
                    endpoint: edit.endpoint,
                    weight: edit.weight?,
                }),
                _ => None,
            }
        });
        Ok(weights.collect())
    }

    fn store(&mut self, memory: &State, weights: &[Remembered]) -> Result<(), End> {
        let mut content = String::new();
        for Remembered {
            of,
            endpoint,
            weight,
        } in weights
        {
            // Writing to a String does not fail.
            let _ = write::weight(&mut content, of, endpoint, *weight, &Numeric);
        }
        let stored = memory.replace(content.as_bytes());
        self.remembered(stored)
    }

    /// What came of using the memory, or the end, once the problem is told.
    fn remembered<T>(&mut self, result: io::Result<T>) -> Result<T, End> {
        result.map_err(|error| {
            let text = error_text(&error);
            self.complain(&format!("ipvsadm: cannot remember weights: {text}"));
            End::GoesOn(status::FAILED)
        })
    }
}

/// What has to be drained before this is done.
fn target(deletion: &Change) -> Option<Target> {
    match *deletion {
        Change::DeleteService(of) => Some(Target { of, only: None }),
        Change::DeleteDestination(of, only) => {
            let only = Some(only);
            Some(Target { of, only })
        }
        _ => None,
    }
}

/// A target as the options that name it.
fn name(target: &Target) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write::target(&mut text, &target.of, target.only.as_ref(), &Numeric);
    text
}
