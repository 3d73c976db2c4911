//! Virtual servers to services with their real servers.

use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::collections::{BTreeMap, HashMap, HashSet};

use super::{Checked, Described, Listed, Reader, tell_left_out};
use crate::check::health::Policy;
use crate::check::watch::Watch;
use crate::conf::frame::{Digest, Obscure};
use crate::conf::model::{Checker, CheckerKind, VirtualServer};
use crate::conf::problem::{Problem, Problems, Severity};
use crate::conf::source::Place;
use crate::ipvs::plan::Entry;
use crate::ipvs::{Destination, Thresholds, Weight};

/// A real server: where it stands, what it is in the table, and how it is checked.
type Server = (Place, Destination, Checked);

impl Reader<'_> {
    /// Lists a virtual server that is what it was before.
    ///
    /// # Errors
    /// One that is listed already has its services.
    pub(super) fn as_before(
        &mut self,
        watch: &Watch,
        place: usize,
        listed: &mut Vec<Listed>,
    ) -> Result<(), Obscure> {
        for service in watch.group.services() {
            if self.known.insert(service.id, listed.len()).is_some() {
                return Err(Obscure);
            }
        }
        listed.push(Listed::AsBefore(place));
        Ok(())
    }

    /// Reads a virtual server, known again by its text, behind those that are listed.
    ///
    /// # Errors
    /// One that was not read has services of it.
    pub(super) fn service(
        &mut self,
        server: &VirtualServer,
        digest: Option<Digest>,
        listed: &mut Vec<Listed>,
    ) -> Result<(), Obscure> {
        tell_left_out(server, self.config, self.problems);
        let (mut own, mut joined) = (Vec::new(), BTreeMap::<usize, usize>::new());
        let mut seen = HashSet::new();
        for service in server.services(self.config) {
            // A group may have one twice.
            if !seen.insert(service.id) {
                continue;
            }
            match self.known.entry(service.id) {
                Occupied(known) => *joined.entry(*known.get()).or_default() += 1,
                Vacant(unknown) => {
                    unknown.insert(listed.len());
                    own.push(service);
                }
            }
        }
        let mut servers = Vec::new();
        for real in &server.real_servers {
            if let Some(destination) = real.destination(server) {
                let checked = self.server(real, destination.endpoint);
                servers.push((real.common.at.0, destination, checked));
            }
        }
        let is_alpha = alpha(server, self.problems);
        for (first, count) in joined {
            match &mut listed[first] {
                Listed::New(first) => self.join(server, first, count, &servers, is_alpha),
                Listed::AsBefore(_) => return Err(Obscure),
            }
        }
        let mut own = own.into_iter();
        let Some(service) = own.next() else {
            return Ok(());
        };
        let notices = self.notices(server, &service.id);
        let mut new = Described {
            at: server.common.at.0,
            digest: digest.filter(|_| !has_programs(server)),
            entry: Entry {
                service,
                destinations: BTreeMap::new(),
            },
            also: own.collect(),
            policy: Policy {
                quorum: server.quorum.into(),
                hysteresis: server.hysteresis.into(),
                sorry: sorry(server),
                sorry_inhibit: server.sorry_server_inhibit,
                alpha: is_alpha,
            },
            servers: HashMap::new(),
            notices,
        };
        self.add(&mut new, &servers);
        listed.push(Listed::New(Box::new(new)));
        Ok(())
    }

    /// Adds the real servers of a virtual server to another one that has `count` of its services, as
    /// they come together in keepalived's table. The first one says all else.
    fn join(
        &mut self,
        server: &VirtualServer,
        first: &mut Described,
        count: usize,
        servers: &[Server],
        is_alpha: bool,
    ) {
        // The text of the first alone does not say it.
        first.digest = None;
        let place = server.common.at.0;
        let by = match first.at.file == place.file {
            true => format!("line {}", first.at.line),
            false => "another file".to_owned(),
        };
        // Those of a group have the same servers.
        let text = match count == 1 + first.also.len() {
            true => {
                self.add(first, servers);
                first.policy.alpha |= is_alpha;
                format!(
                    "the service is there already, in {by}: the real servers are added to it, \
                     all else has no effect"
                )
            }
            false => format!(
                "the service is there already, in a group in {by}: this has no effect for it"
            ),
        };
        self.problems
            .add(Problem::new(Severity::Warning, place, text));
    }

    /// Adds real servers to a virtual server.
    fn add(&mut self, to: &mut Described, servers: &[Server]) {
        for (place, destination, checked) in servers {
            let endpoint = destination.endpoint;
            if to.servers.contains_key(&endpoint) {
                let text = format!("the real server is there already: {endpoint}");
                self.problems
                    .add(Problem::new(Severity::Warning, *place, text));
                continue;
            }
            to.servers.insert(endpoint, checked.clone());
            to.entry.destinations.insert(endpoint, destination.clone());
        }
    }
}

/// Whether it has programs run: who may run them and who runs them may change, and the text does not.
fn has_programs(server: &VirtualServer) -> bool {
    let is_program = |checker: &Checker| matches!(checker.kind, CheckerKind::Misc(_));
    let mut real_servers = server.real_servers.iter();
    server.quorum_up.is_some()
        || server.quorum_down.is_some()
        || real_servers.any(|real| {
            let tells = real.notify_up.is_some() || real.notify_down.is_some();
            tells || real.checkers.iter().any(is_program)
        })
}

/// The sorry server. It has weight 1, as keepalived has it.
fn sorry(server: &VirtualServer) -> Option<Destination> {
    let mut endpoint = server.sorry_server?;
    if endpoint.port == 0 {
        endpoint.port = server.port();
    }
    Some(Destination {
        endpoint,
        forwarding: server.sorry_forwarding.or(server.forwarding)?,
        weight: Weight(1),
        thresholds: Thresholds::default(),
    })
}

/// Whether servers must be found well first: here that is one setting for all of a service.
fn alpha(server: &VirtualServer, problems: &mut Problems) -> bool {
    let checkers = || {
        let servers = server.real_servers.iter();
        servers.flat_map(|real| &real.checkers)
    };
    let is_alpha = |checker: &Checker| checker.alpha == Some(true);
    let (any, all) = (checkers().any(is_alpha), checkers().all(is_alpha));
    if any && !all {
        let text = "alpha is taken for all checkers of the service";
        let place = server.common.at.0;
        problems.add(Problem::new(Severity::Warning, place, text));
    }
    any
}
