//! A configuration that is read again: of what is as it was before, nothing is read.

use std::collections::HashMap;

use super::{Accounts, Described, Description, Listed, Reader};
use crate::check::health::State;
use crate::check::memory::Memory;
use crate::check::watch::{Source, Terms, Watch};
use crate::cli::lvs_check::notices::Notices;
use crate::conf::frame::{Digest, Frame, Obscure};
use crate::conf::model::Config;
use crate::conf::problem::Problems;
use crate::conf::source::Sources;
use crate::ipvs::plan::Table;
use crate::ipvs::{Destination, ServiceId};

/// What was read before, by this process.
#[derive(Clone, Copy)]
pub struct Before<'a> {
    /// All that concerns checks, but the virtual servers.
    pub frame: &'a Config,
    /// The services.
    pub watches: &'a [Watch],
    /// By which text each is known again, if it can be.
    pub digests: &'a [Option<Digest>],
}

/// A service with its checks and who is told of it.
pub enum Wanted {
    /// It was read.
    New(Box<(Watch, Notices, Option<Digest>)>),
    /// It is what it was before: its place among those.
    AsBefore(usize),
}

impl Description {
    /// What a configuration asks for, read one virtual server after the other, of which those that are
    /// as they were `before` are not read; what is wrong with it, and its files.
    ///
    /// # Errors
    /// The configuration must be read as a whole.
    pub(super) fn gradually(
        mut frame: Frame<'_>,
        before: Option<Before<'_>>,
        accounts: Accounts<'_>,
    ) -> Result<(Self, Problems, Sources), Obscure> {
        let config = frame.config.clone().effective();
        let mut problems = Problems::default();
        let mut reader = Reader::new(&config, accounts, &mut problems);
        let overall = reader.overall();
        // What is shown to servers may have changed, with the same name.
        let concern = config.clone().for_checks();
        let before = before.filter(|before| config.ssl.is_none() && *before.frame == concern);
        let places = before.map(|before| before.places()).unwrap_or_default();
        let blocks = frame.blocks();
        let mut services = Vec::with_capacity(blocks.len());
        for block in &blocks {
            let digest = frame.digest(block);
            match places.get(&digest).zip(before) {
                Some((&place, before)) => {
                    reader.as_before(&before.watches[place], place, &mut services)?;
                }
                None => {
                    if let Some(mut server) = frame.virtual_server(block)? {
                        config.complete(&mut server);
                        reader.service(&server, Some(digest), &mut services)?;
                    }
                }
            }
        }
        let description = Description {
            services,
            overall,
            table_in: config.net_namespace_ipvs.clone(),
            frame: concern,
        };
        Ok((description, problems, frame.finish().sources))
    }

    /// The services that were read.
    pub fn new_services(&self) -> Vec<ServiceId> {
        let described = self.services.iter().filter_map(|listed| match listed {
            Listed::New(described) => Some(described),
            Listed::AsBefore(_) => None,
        });
        described
            .flat_map(|described| std::iter::once(&described.entry.service).chain(&described.also))
            .map(|service| service.id)
            .collect()
    }

    /// The services with their checks, and who is told of them.
    pub fn wanted(self, actual: &Table, memory: &Memory, no_alpha: bool) -> Vec<Wanted> {
        let watch = |described: Described| {
            let find = |one: &Destination| described.servers.get(&one.endpoint);
            let terms = Terms {
                policy: &|_| described.policy.clone(),
                inhibit: &|one| find(one).is_some_and(|one| one.inhibit),
                checks: &|_, one| find(one).map_or(Vec::new(), |one| one.checks.clone()),
            };
            let entry = &described.entry;
            let mut watch = Watch::new(Source::Wanted, entry, actual, memory, &terms);
            watch.group.told = None;
            let mut notices = described.notices;
            notices.servers.reserve_exact(watch.group.servers.len());
            for server in &mut watch.group.servers {
                let Some(one) = find(&server.destination) else {
                    continue;
                };
                if server.state() == State::Unchecked {
                    server.told = one.presumed;
                }
                notices.servers.push(one.notices.clone());
            }
            // Where checks rest, what has not been checked must be there when they do not.
            watch.group.policy.alpha |= !no_alpha && notices.suspend.is_none();
            watch.group.also = described.also;
            (watch, notices, described.digest)
        };
        let wanted = |listed| match listed {
            Listed::New(described) => Wanted::New(Box::new(watch(*described))),
            Listed::AsBefore(place) => Wanted::AsBefore(place),
        };
        self.services.into_iter().map(wanted).collect()
    }

    /// The services with their checks, of a description in which nothing is as before.
    pub fn watches(self, actual: &Table, memory: &Memory, no_alpha: bool) -> Vec<Watch> {
        let wanted = self.wanted(actual, memory, no_alpha).into_iter();
        let watches = wanted.filter_map(|wanted| match wanted {
            Wanted::New(new) => Some(new.0),
            Wanted::AsBefore(_) => None,
        });
        watches.collect()
    }
}

impl Before<'_> {
    /// Where those stand that are known again.
    fn places(&self) -> HashMap<Digest, usize> {
        let digests = self.digests.iter().enumerate();
        digests
            .filter_map(|(place, digest)| Some(((*digest)?, place)))
            .collect()
    }
}
