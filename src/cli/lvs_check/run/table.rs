//! The table is made what it shall be, and what was done is remembered.

use std::collections::{BTreeSet, HashSet};
use std::time::{Duration, Instant};

use crate::check::health::Event;
use crate::check::watch::{self, Watch};
use crate::host::error_text;
use crate::ipvs::plan::{Plan, Table};
use crate::ipvs::refusal::Refusal;
use crate::ipvs::{Change, ServiceId};

use super::Running;
use crate::cli::lvs_check::once::command;

/// How long the file of the memory may lack something.
const SAVED_WITHIN: Duration = Duration::from_secs(1);

/// The table follows, then rests so many times as long as that took.
const REST: u32 = 4;

impl Running<'_, '_, '_> {
    /// Before the first checks: what an earlier run left behind goes, and with `lvs_flush` all that
    /// is not wanted.
    pub(super) fn begin(&mut self, actual: &Table) {
        if self.configuration.is_none() {
            return;
        }
        let wanted: HashSet<ServiceId> = services(&self.desired.watches);
        let flushes = self.desired.overall.flush;
        let left: Vec<ServiceId> = watch::ids(actual)
            .filter(|id| !wanted.contains(id) && (flushes || self.memory.owns(id)))
            .collect();
        for id in self.memory.services() {
            if !wanted.contains(&id) && self.memory.owns(&id) {
                self.memory.forget(&id);
            }
        }
        self.remove(left);
        self.make_all(actual, false);
    }

    /// Deletes services, and forgets them.
    pub(super) fn remove(&mut self, services: Vec<ServiceId>) {
        for id in &services {
            self.memory.forget(id);
        }
        let changes: Vec<Change> = services.into_iter().map(Change::DeleteService).collect();
        self.carry_out(&changes);
    }

    /// Makes the table what it shall be where something has changed, unless it has just been done;
    /// tells when to come back for that.
    pub(super) fn follow_soon(&mut self) -> Option<Duration> {
        if self.pending.is_empty() {
            return None;
        }
        let left = self.rested.saturating_duration_since(Instant::now());
        if !left.is_zero() {
            return Some(left);
        }
        self.follow_now();
        None
    }

    /// Makes the table what it shall be where something has changed.
    pub(super) fn follow_now(&mut self) {
        let start = Instant::now();
        let pending = std::mem::take(&mut self.pending);
        self.follow(&pending);
        self.rested = Instant::now() + start.elapsed() * REST;
    }

    fn follow(&mut self, places: &BTreeSet<usize>) {
        let watches = places.iter().map(|place| &self.desired.watches[*place]);
        let wanted = watch::wanted(watches);
        match self.compare(&wanted) {
            Ok(plan) => {
                self.remember(places.iter().copied());
                self.make(&plan);
            }
            Err(refusal) => self.session.complain(&refusal.to_string()),
        }
    }

    /// What makes of the kernel's table one that has these services as they shall be.
    fn compare(&mut self, wanted: &Table) -> Result<Plan, Refusal> {
        let services: Vec<ServiceId> = watch::ids(wanted).collect();
        let actual = self.client.table_of(&services)?;
        Ok(watch::plan(&actual, wanted))
    }

    /// Remembers how the servers of these services stand, and that those of a configuration were
    /// put there.
    fn remember(&mut self, places: impl Iterator<Item = usize>) {
        for place in places {
            let watch = &self.desired.watches[place];
            watch.remember(&mut self.memory);
            if self.configuration.is_some() {
                for service in watch.group.services() {
                    self.memory.own(service.id);
                }
            }
        }
        self.unsaved.get_or_insert_with(Instant::now);
    }

    /// Looks at some of the services, and at all when one is not as it shall be. Those that have to
    /// follow are not expected to be.
    pub(super) fn patrol(&mut self) {
        let start = Instant::now();
        let places = self.patrol.beat(self.desired.watches.len());
        let still = places.clone().filter(|place| !self.pending.contains(place));
        let wanted = watch::wanted(still.map(|place| &self.desired.watches[place]));
        match self.compare(&wanted) {
            Ok(plan) if plan.is_empty() => self.patrol.took(places.len(), start.elapsed()),
            Ok(_) => self.follow_all(true),
            Err(refusal) => self.session.complain(&refusal.to_string()),
        }
    }

    /// Makes the whole table what it shall be. What differs though no server does, somebody else
    /// has changed.
    pub(super) fn follow_all(&mut self, heals: bool) {
        match self.client.table() {
            Ok(actual) => self.make_all(&actual, heals),
            Err(refusal) => self.session.complain(&refusal.to_string()),
        }
    }

    /// The same, where the table that is, is known already.
    pub(super) fn make_all(&mut self, actual: &Table, heals: bool) {
        let plan = watch::plan(actual, &watch::wanted(&self.desired.watches));
        if heals && plan.is_empty() {
            return;
        }
        if heals {
            self.session
                .complain("the table was changed by somebody else");
        }
        self.remember(0..self.desired.watches.len());
        self.make(&plan);
    }

    fn make(&mut self, plan: &Plan) {
        // What is only in the kernel's table must be remembered before it leaves it.
        let only_there = self.rules.is_none() && self.configuration.is_none();
        if only_there && !plan.is_empty() {
            self.save();
        }
        for changes in [&plan.first, &plan.then] {
            self.carry_out(changes);
        }
    }

    pub(super) fn carry_out(&mut self, changes: &[Change]) {
        let outcomes = self.client.apply_all(changes);
        for (change, outcome) in changes.iter().zip(outcomes) {
            let command = command(change);
            match outcome {
                Ok(()) => self.session.tell(&format!("ipvsadm {command}")),
                Err(refusal) => self.session.complain(&format!("{refusal}: {command}")),
            }
        }
    }

    /// Writes the file of the memory, if it has lacked something for long enough; tells when to come
    /// back for that.
    pub(super) fn save_soon(&mut self) -> Option<Duration> {
        let left = SAVED_WITHIN.checked_sub(self.unsaved?.elapsed());
        if left.is_none_or(|left| left.is_zero()) {
            self.save();
            return None;
        }
        left
    }

    pub(super) fn save(&mut self) {
        self.unsaved = None;
        if let Err(error) = self.state.replace(self.memory.write().as_bytes()) {
            let text = error_text(&error);
            self.session.complain(&format!("cannot remember: {text}"));
        }
    }

    /// Leaves the table as it is, or takes the services away, as it was told to.
    pub(super) fn stop(&mut self) {
        let removes = match self.configuration {
            Some(_) => !self.given.has("keep"),
            None => self.given.has("remove"),
        };
        if removes {
            self.tell_omega();
            let services = services(&self.desired.watches).into_iter().collect();
            match self.desired.overall.flush_on_stop {
                true => self.carry_out(&[Change::Flush]),
                false => self.remove(services),
            }
            for watch in &self.desired.watches {
                self.memory.forget(&watch.group.service.id);
            }
        }
        self.synchronise(Vec::new());
        self.save();
        self.forget_orders();
        for told in self.audience.close() {
            self.session.complain(&told);
        }
    }

    /// Those whose end is told as if all had gone down.
    fn tell_omega(&mut self) {
        for place in 0..self.desired.watches.len() {
            if !self.desired.notices[place].omega {
                continue;
            }
            let group = &self.desired.watches[place].group;
            let servers = group.servers.iter().enumerate();
            let up: Vec<(usize, Event)> = servers
                .filter(|(_, server)| server.told == Some(true))
                .map(|(number, server)| (number, Event::ServerDown(server.destination.endpoint)))
                .collect();
            let has_quorum = group.told == Some(true);
            for (number, event) in up {
                self.tell(place, Some(number), event, None);
            }
            if has_quorum {
                self.tell(place, None, Event::QuorumDown, None);
            }
        }
    }
}

/// All services of these.
pub fn services<'a>(watches: impl IntoIterator<Item = &'a Watch>) -> HashSet<ServiceId> {
    let groups = watches.into_iter().map(|watch| &watch.group);
    groups
        .flat_map(|group| group.services().map(|service| service.id))
        .collect()
}
