//! What shall be is read, and read again: what is as it was goes on untouched.

use std::collections::HashMap;

use crate::check::timetable::Entry;
use crate::check::watch::Watch;
use crate::cli::lvs_check::Failure;
use crate::cli::lvs_check::configuration::{Before, Description, Wanted};
use crate::cli::lvs_check::notices::Overall;
use crate::cli::lvs_check::once::{Place, places, read_rules, refused, watches};
use crate::cli::synchronisation;
use crate::conf::model::Config;
use crate::host::error_text;
use crate::ipvs::plan::Table;
use crate::ipvs::{Change, ServiceId};

use super::table::services;
use super::{Desired, Running};

/// What was read and shall be.
pub struct Loaded {
    /// The table as it is; on a reload, only those services that were read.
    pub actual: Table,
    services: Vec<Wanted>,
    overall: Overall,
    frame: Config,
}

/// What has become of what was read.
#[derive(Default)]
pub struct Adopted {
    /// The checks, in the order of their places.
    pub entries: Vec<Entry>,
    /// The places of the services that were read.
    new: Vec<usize>,
}

/// Where the checks of a service were before: its place, and where those of each server were, unless
/// all of them are the same.
type Former = (usize, Option<Vec<Vec<Option<(usize, usize)>>>>);

impl Running<'_, '_, '_> {
    /// Reads again what shall be.
    ///
    /// # Errors
    /// It cannot be read, or the table cannot.
    pub(super) fn load_again(&mut self) -> Result<Loaded, Failure> {
        let Some(file) = self.configuration else {
            return self.load(None);
        };
        let before = Before {
            frame: &self.desired.frame,
            watches: &self.desired.watches,
            digests: &self.desired.digests,
        };
        let description = self.session.description(file, false, Some(before))?;
        if description.table_in != self.table_in {
            let text = "net_namespace_ipvs has changed: it holds when this is started again";
            self.session.complain(text);
        }
        let actual = self.client.table_of(&description.new_services());
        let actual = actual.map_err(refused)?;
        Ok(self.described(description, actual))
    }

    /// What shall be: by a configuration, or by rules that are read.
    ///
    /// # Errors
    /// They cannot be read, or the table cannot.
    pub(super) fn load(&mut self, description: Option<Description>) -> Result<Loaded, Failure> {
        if let Some(description) = description {
            let actual = self.client.table().map_err(refused)?;
            return Ok(self.described(description, actual));
        }
        let names = self.session.environment.names;
        let rules = self.rules.map(|file| read_rules(file, names)).transpose()?;
        let actual = self.client.table().map_err(refused)?;
        let watches = watches(
            self.given,
            rules.as_ref(),
            &actual,
            &self.memory,
            !self.given.has("no-alpha"),
            self.rhythm(),
        )?;
        let wanted = |watch: Watch| {
            let notices = self.notices(&watch);
            Wanted::New(Box::new((watch, notices, None)))
        };
        Ok(Loaded {
            actual,
            services: watches.into_iter().map(wanted).collect(),
            overall: Overall::default(),
            frame: Config::default(),
        })
    }

    fn described(&self, mut description: Description, actual: Table) -> Loaded {
        let no_alpha = self.given.has("no-alpha");
        let overall = std::mem::take(&mut description.overall);
        let frame = std::mem::take(&mut description.frame);
        Loaded {
            services: description.wanted(&actual, &self.memory, no_alpha),
            actual,
            overall,
            frame,
        }
    }

    /// Goes on with what was read again, and makes the table so; gives the checks.
    pub(super) fn reload(&mut self, loaded: Loaded) -> Vec<Entry> {
        self.forget_orders();
        let before = services(&self.desired.watches);
        let adopted = self.adopt(loaded);
        self.session.complain("reloaded");
        if self.configuration.is_some() {
            let wanted = services(&self.desired.watches);
            self.remove(before.difference(&wanted).copied().collect());
        }
        self.pending.extend(adopted.new);
        self.follow_now();
        adopted.entries
    }

    /// Goes on with what shall be now: checks that are the same as before stand as they did.
    pub(super) fn adopt(&mut self, loaded: Loaded) -> Adopted {
        let before = std::mem::take(&mut self.desired);
        let watches = before.watches.iter().enumerate();
        let known: HashMap<ServiceId, usize> = watches
            .map(|(place, watch)| (watch.group.service.id, place))
            .collect();
        let mut before: Vec<_> = before
            .watches
            .into_iter()
            .zip(before.notices)
            .zip(before.digests)
            .map(|((watch, notices), digest)| Some((watch, notices, digest)))
            .collect();
        let mut desired = Desired {
            overall: loaded.overall,
            frame: loaded.frame,
            ..Desired::default()
        };
        let mut former: Vec<Option<Former>> = Vec::with_capacity(loaded.services.len());
        let mut new = Vec::new();
        for wanted in loaded.services {
            let (watch, notices, digest) = match wanted {
                Wanted::AsBefore(place) => {
                    let Some(same) = before.get_mut(place).and_then(Option::take) else {
                        continue;
                    };
                    former.push(Some((place, None)));
                    same
                }
                Wanted::New(read) => {
                    let (mut watch, notices, digest) = *read;
                    let place = known.get(&watch.group.service.id).copied();
                    let old = place.and_then(|place| Some((place, before[place].as_ref()?)));
                    former.push(old.map(|(place, old)| (place, Some(watch.go_on(&old.0)))));
                    new.push(desired.watches.len());
                    (watch, notices, digest)
                }
            };
            desired.watches.push(watch);
            desired.notices.push(notices);
            desired.digests.push(digest);
        }
        drop(before);
        let entries = self.adopt_checks(&desired.watches, &former);
        self.changed.clear();
        self.pending.clear();
        self.faulty.clear();
        self.desired = desired;
        self.obey();
        if let Some(timeouts) = self.desired.overall.timeouts {
            self.carry_out(&[Change::SetTimeouts(timeouts)]);
        }
        for (what, error) in self.process.turn_to(&self.desired.overall.process) {
            let text = format!("{what}: {}", error_text(&error));
            self.session.complain(&text);
        }
        for wrong in self.audience.become_as(&self.desired.overall) {
            self.session.complain(&wrong);
        }
        self.synchronise(synchronisation::both(
            self.desired.overall.synchronisation.as_ref(),
        ));
        self.go_on_slowly();
        for place in 0..self.desired.watches.len() {
            self.count(place);
        }
        Adopted { entries, new }
    }

    /// The checks of these, each with its place before.
    fn adopt_checks(&mut self, watches: &[Watch], former: &[Option<Former>]) -> Vec<Entry> {
        let old_places = std::mem::take(&mut self.places);
        let (places, routines) = places(watches);
        let before = |place: &Place| {
            let (watch, servers) = former[place.watch].as_ref()?;
            let (server, check) = match servers {
                None => (place.server, place.check),
                Some(servers) => servers[place.server][place.check]?,
            };
            let old = Place {
                watch: *watch,
                server,
                check,
            };
            old_places.binary_search(&old).ok()
        };
        let entries = places.iter().zip(routines).map(|(place, routine)| Entry {
            routine,
            before: before(place),
        });
        let entries = entries.collect();
        self.places = places;
        entries
    }
}
