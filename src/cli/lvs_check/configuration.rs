//! From a keepalived.conf to the services, servers and checks that it asks for.

use std::collections::HashMap;
use std::sync::Arc;

use crate::addr::Endpoint;
use crate::check::Check;
use crate::check::health::Policy;
use crate::check::memory::Memory;
use crate::check::watch::{Source, Terms, Watch};
use crate::conf::model::{Common, Config, RealServer, VirtualServer};
use crate::conf::problem::{Problem, Problems, Severity};
use crate::conf::{self, Reading};
use crate::ipvs::plan::{Entry, Table};
use crate::ipvs::{Destination, ServiceId, Thresholds, Weight};

use super::{Failure, Session};
use checkers::Converter;

mod checkers;

/// The numbers of a user, and of a group if it is not the user's own.
type Accounts<'a> = &'a dyn Fn(&str, Option<&str>) -> Option<(u32, u32)>;

/// What a configuration asks for.
#[derive(Debug, Default)]
pub struct Description {
    table: Table,
    policies: HashMap<ServiceId, Policy>,
    servers: HashMap<(ServiceId, Endpoint), Checked>,
}

/// A server, as far as the table does not say it.
#[derive(Clone, Debug, Default)]
struct Checked {
    inhibit: bool,
    checks: Vec<Arc<Check>>,
}

impl Session<'_> {
    /// Reads a configuration. Errors in it are told as `lvs-director check` tells them; what is not
    /// acted on is told in a line, unless only changes and problems shall be.
    pub(super) fn description(&mut self, file: &str, quiet: bool) -> Result<Description, Failure> {
        let outside = (self.environment.outside)();
        let text = outside.read(file);
        let text = text.map_err(|why| Failure::usage(format!("{file}: {}", why.why)))?;
        let reading = conf::read(file, &text, &*outside);
        self.stop_at_errors(file, &reading, &reading.problems)?;
        let config = reading.config.clone().effective();
        let mut problems = Problems::default();
        let description = Description::new(&config, &crate::host::names::user, &mut problems);
        let problems = problems.sorted();
        self.stop_at_errors(file, &reading, &problems)?;
        if !quiet {
            for problem in problems {
                let text = problem.text;
                match problem.place {
                    Some(place) => {
                        let place = reading.sources.locate(place);
                        self.complain(&format!("{place}: {text}"));
                    }
                    None => self.complain(&format!("{file}: {text}")),
                }
            }
        }
        Ok(description)
    }

    fn stop_at_errors(
        &mut self,
        file: &str,
        reading: &Reading,
        problems: &[Problem],
    ) -> Result<(), Failure> {
        let is_error = |problem: &&Problem| problem.severity >= Severity::Error;
        let count = problems.iter().filter(is_error).count();
        if count == 0 {
            return Ok(());
        }
        for problem in problems {
            // Nobody is left to tell when standard error is gone.
            let text = problem.render(&reading.sources);
            let _ = self.environment.errors.write_all(text.as_bytes());
        }
        Err(Failure::usage(format!("{file}: nothing is checked")))
    }
}

impl Description {
    /// What an effective configuration asks for. A problem is an error where a check would be
    /// another than it should, else something that is left out.
    fn new(config: &Config, accounts: Accounts<'_>, problems: &mut Problems) -> Self {
        let mut description = Description::default();
        for (keyword, is_there) in [
            ("net_namespace", config.net_namespace.is_some()),
            ("net_namespace_ipvs", config.net_namespace_ipvs.is_some()),
        ] {
            left_out(keyword, is_there, &config.common, problems);
        }
        if let Some(ssl) = &config.ssl {
            left_out("SSL", true, &ssl.common, problems);
        }
        for server in &config.virtual_servers {
            description.add(server, config, accounts, problems);
        }
        description
    }

    fn add(
        &mut self,
        server: &VirtualServer,
        config: &Config,
        accounts: Accounts<'_>,
        problems: &mut Problems,
    ) {
        tell_left_out(server, problems);
        let mut servers: Vec<(Destination, Checked)> = Vec::new();
        for real in &server.real_servers {
            let Some(destination) = real.destination(server) else {
                continue;
            };
            let converter = Converter {
                config,
                server: destination.endpoint,
                accounts,
            };
            let checks = real.checkers.iter().flat_map(|checker| {
                tell_kept(&checker.common, problems);
                converter.checks(checker).unwrap_or_else(|wrong| {
                    problems.error(wrong.place, wrong.text, "lvs-check cannot make this check");
                    Vec::new()
                })
            });
            let checked = Checked {
                inhibit: real.inhibit_on_failure.unwrap_or(false),
                checks: checks.map(Arc::new).collect(),
            };
            servers.push((destination, checked));
        }
        let policy = Policy {
            quorum: server.quorum.into(),
            hysteresis: server.hysteresis.into(),
            sorry: sorry(server),
            alpha: alpha(server, problems),
        };
        for service in server.services(config) {
            let id = service.id;
            if self.table.add_service(service).is_err() {
                let text = "the service is there already";
                problems.error(server.common.at.0, text, "write each service once");
                continue;
            }
            self.policies.insert(id, policy.clone());
            for (destination, checked) in &servers {
                let endpoint = destination.endpoint;
                if self.table.add_destination(id, destination.clone()).is_err() {
                    let text = format!("the real server is there already: {endpoint}");
                    problems.error(server.common.at.0, text, "write each real server once");
                }
                self.servers.insert((id, endpoint), checked.clone());
            }
        }
    }

    /// The services with their checks.
    pub fn watches(&self, actual: &Table, memory: &Memory) -> Vec<Watch> {
        let watch = |entry: &Entry| {
            let service = entry.service.id;
            let terms = Terms {
                policy: &|entry| {
                    self.policies
                        .get(&entry.service.id)
                        .cloned()
                        .unwrap_or_default()
                },
                inhibit: &|one| self.checked(service, one).is_some_and(|one| one.inhibit),
                checks: &|_, one| {
                    let checked = self.checked(service, one);
                    checked.map_or(Vec::new(), |one| one.checks.clone())
                },
            };
            Watch::new(Source::Wanted, entry, actual, memory, &terms)
        };
        self.table.entries().iter().map(watch).collect()
    }

    fn checked(&self, service: ServiceId, destination: &Destination) -> Option<&Checked> {
        self.servers.get(&(service, destination.endpoint))
    }
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
    let is_alpha = |checker: &conf::model::Checker| checker.alpha == Some(true);
    let (any, all) = (checkers().any(is_alpha), checkers().all(is_alpha));
    if any && !all {
        let text = "alpha is taken for all checkers of the service";
        let place = server.common.at.0;
        problems.add(Problem::new(Severity::Warning, place, text));
    }
    any
}

fn tell_left_out(server: &VirtualServer, problems: &mut Problems) {
    for (keyword, is_there) in [
        ("quorum_up", server.quorum_up.is_some()),
        ("quorum_down", server.quorum_down.is_some()),
        ("ha_suspend", server.ha_suspend),
        ("sorry_server_inhibit", server.sorry_server_inhibit),
    ] {
        left_out(keyword, is_there, &server.common, problems);
    }
    mail(server.smtp_alert, &server.common, problems);
    tell_kept(&server.common, problems);
    for real in &server.real_servers {
        let RealServer { common, .. } = real;
        left_out("notify_up", real.notify_up.is_some(), common, problems);
        left_out("notify_down", real.notify_down.is_some(), common, problems);
        mail(real.smtp_alert, common, problems);
        tell_kept(common, problems);
    }
}

/// Mail is often asked for by default; who writes it down waits for it.
fn mail(alert: Option<bool>, common: &Common, problems: &mut Problems) {
    let is_there = alert == Some(true) && common.has("smtp_alert");
    left_out("smtp_alert", is_there, common, problems);
}

fn tell_kept(common: &Common, problems: &mut Problems) {
    for kept in &common.kept {
        left_out(kept.name, true, common, problems);
    }
}

fn left_out(keyword: &str, is_there: bool, common: &Common, problems: &mut Problems) {
    if is_there {
        let text = format!("not acted on: {keyword}");
        let place = common.place(keyword);
        problems.add(Problem::new(Severity::Warning, place, text));
    }
}

#[cfg(test)]
mod tests;
