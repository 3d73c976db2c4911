//! From a keepalived.conf to the services, servers and checks that it asks for.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use crate::addr::Endpoint;
use crate::check::health::Policy;
use crate::check::rhythm::{Rhythm, Routine};
use crate::check::tls::Identity;
use crate::check::{Check, Manner, Probe, User};
use crate::cli::{post, scheduling};
use crate::conf;
use crate::conf::frame::{Digest, Frame, Obscure};
use crate::conf::model::{Checker, Common, Config, RealServer, SslGlobal, VirtualServer};
use crate::conf::problem::{Problem, Problems, Severity};
use crate::conf::source::{Place, Sources, Text};
use crate::conf::value::{Command, VirtualAddress};
use crate::host::accounts::short_host_name;
use crate::host::{limits, processes};
use crate::ipvs::plan::Entry;
use crate::ipvs::{Service, ServiceId, Timeouts};

use super::notices::{self, FifoSetting, Notices, Overall, ServerNotices, Teller};
use super::{Failure, PROGRAM, Session};
use checkers::Converter;
pub use gradual::{Before, Wanted};

mod checkers;
mod gradual;
mod services;

/// How many manners of asking are compared with a new one: few servers have more checks.
const MANNERS: usize = 4;

/// The numbers of a user, and of a group if it is not the user's own.
type Accounts<'a> = &'a dyn Fn(&str, Option<&str>) -> Option<(u32, u32)>;

/// What a configuration asks for.
#[derive(Debug, Default)]
pub struct Description {
    services: Vec<Listed>,
    /// What holds for all of it.
    pub overall: Overall,
    /// The network namespace whose table it is, where that is another one.
    pub table_in: Option<String>,
    /// What concerns checks, but the virtual servers, as it was read.
    pub frame: Config,
}

/// A virtual server of a description.
#[derive(Debug)]
enum Listed {
    /// It was read.
    New(Box<Described>),
    /// It is what it was before: its place among those.
    AsBefore(usize),
}

/// A virtual server.
#[derive(Debug)]
struct Described {
    /// Where it stands.
    at: Place,
    /// By which text it is known again, if it can be.
    digest: Option<Digest>,
    /// The service with all its servers.
    entry: Entry,
    /// Other services of its group.
    also: Vec<Service>,
    policy: Policy,
    servers: HashMap<Endpoint, Checked>,
    notices: Notices,
}

/// A server, as far as the table does not say it.
#[derive(Clone, Debug)]
struct Checked {
    inhibit: bool,
    /// Whether it counts as up before it is checked; nothing, when its first state is news.
    presumed: Option<bool>,
    checks: Vec<Arc<Routine>>,
    notices: ServerNotices,
}

impl Session<'_> {
    /// Reads a configuration, but not again what is as it was before. Errors in it are told as
    /// `lvs-director check` tells them; what is not acted on is told in a line, unless only changes
    /// and problems shall be.
    pub(super) fn description(
        &mut self,
        file: &str,
        quiet: bool,
        before: Option<Before<'_>>,
    ) -> Result<Description, Failure> {
        let outside = (self.environment.outside)();
        let text = outside.read(file);
        let text = text.map_err(|why| Failure::usage(format!("{file}: {}", why.why)))?;
        let text = Text::from(text);
        let accounts = &crate::host::names::user;
        let quick = Frame::read(file, text.clone(), &*outside)
            .and_then(|frame| Description::gradually(frame, before, accounts));
        let (description, problems, sources) = match quick {
            Ok(read) => read,
            Err(Obscure) => {
                let reading = conf::read(file, text.clone(), &*outside);
                self.stop_at_errors(file, &reading.sources, &reading.problems)?;
                let mut problems = Problems::default();
                let config = reading.config.effective();
                let description = Description::new(config, accounts, &mut problems);
                (description, problems, reading.sources)
            }
        };
        drop(text);
        let problems = problems.sorted();
        self.stop_at_errors(file, &sources, &problems)?;
        limits::give_back_memory();
        if !quiet {
            for problem in problems {
                let text = problem.text;
                match problem.place {
                    Some(place) => {
                        let place = sources.locate(place);
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
        sources: &Sources,
        problems: &[Problem],
    ) -> Result<(), Failure> {
        let is_error = |problem: &&Problem| problem.severity.prevents_start();
        let count = problems.iter().filter(is_error).count();
        if count == 0 {
            return Ok(());
        }
        for problem in problems {
            // Nobody is left to tell when standard error is gone.
            let text = problem.render(sources);
            let _ = self.environment.errors.write_all(text.as_bytes());
        }
        Err(Failure::usage(format!(
            "{file}: it has errors, nothing is done"
        )))
    }
}

impl Description {
    /// What an effective configuration asks for. A problem is an error where a check would be
    /// another than it should, else something that is left out.
    fn new(mut config: Config, accounts: Accounts<'_>, problems: &mut Problems) -> Self {
        let virtual_servers = std::mem::take(&mut config.virtual_servers);
        let mut reader = Reader::new(&config, accounts, problems);
        let overall = reader.overall();
        let mut services = Vec::with_capacity(virtual_servers.len());
        for server in virtual_servers {
            // Here nothing is as before, so that nothing can be in its way.
            let _ = reader.service(&server, None, &mut services);
        }
        Description {
            services,
            overall,
            table_in: config.net_namespace_ipvs.clone(),
            frame: config.for_checks(),
        }
    }
}

/// Reads a configuration.
struct Reader<'a> {
    config: &'a Config,
    accounts: Accounts<'a>,
    problems: &'a mut Problems,
    /// The services that there are already, and which virtual server has each.
    known: HashMap<ServiceId, usize>,
    /// What is shown to servers that are asked over TLS.
    identity: Option<Identity>,
    /// How the last servers are asked.
    manners: VecDeque<Arc<Manner>>,
}

impl<'a> Reader<'a> {
    fn new(config: &'a Config, accounts: Accounts<'a>, problems: &'a mut Problems) -> Self {
        let mut reader = Reader {
            config,
            accounts,
            problems,
            known: HashMap::new(),
            identity: None,
            manners: VecDeque::new(),
        };
        let mut names = config.net_namespace.iter();
        let is_elsewhere = names.any(|name| !processes::is_in_network(name));
        left_out(
            "net_namespace",
            is_elsewhere,
            &config.common,
            reader.problems,
        );
        if let Some(ssl) = &config.ssl {
            reader.identity(ssl);
        }
        reader
    }

    /// Reads what is shown to servers. A certificate and its key may be in one file.
    fn identity(&mut self, ssl: &SslGlobal) {
        let certificate = ssl.certificate.as_ref().or(ssl.key.as_ref());
        let key = ssl.key.as_ref().or(certificate);
        if let Some((certificate, key)) = certificate.zip(key) {
            match Identity::read(Path::new(certificate), Path::new(key)) {
                Ok(identity) => self.identity = Some(identity),
                Err(error) => {
                    let hint = "lvs-check cannot show this to a server";
                    self.problems
                        .error(ssl.common.at.0, error.to_string(), hint);
                }
            }
        }
        // Keepalived reads it, too, and never asks who a server is.
        left_out("ca", ssl.ca.is_some(), &ssl.common, self.problems);
    }

    fn server(&mut self, real: &RealServer, endpoint: Endpoint) -> Checked {
        let converter = Converter {
            config: self.config,
            server: endpoint,
            identity: self.identity.as_ref(),
            accounts: self.accounts,
        };
        let mut checks = Vec::with_capacity(real.checkers.len());
        for checker in &real.checkers {
            tell_kept(&checker.common, self.problems);
            match converter.checks(checker) {
                Ok(own) => {
                    for mut check in own {
                        share(&mut self.manners, &mut check);
                        checks.push(routine(checker, check));
                    }
                }
                Err(wrong) => {
                    let hint = "lvs-check cannot make this check";
                    self.problems.error(wrong.place, wrong.text, hint);
                }
            }
        }
        let is_alpha = |checker: &Checker| checker.alpha == Some(true);
        let presumed = match real.checkers.iter().any(is_alpha) {
            true => Some(false),
            false if self.config.global.rs_init_notifies => None,
            false => Some(true),
        };
        let mut told = |command: &Option<Box<Command>>, keyword: &str| {
            let command = command.as_deref()?;
            let program = self.program(command, &real.common, keyword);
            program.map(Arc::new)
        };
        Checked {
            inhibit: real.inhibit_on_failure.unwrap_or(false),
            presumed,
            checks,
            notices: ServerNotices {
                up: told(&real.notify_up, "notify_up"),
                down: told(&real.notify_down, "notify_down"),
                mail: real.smtp_alert.unwrap_or(true),
            },
        }
    }

    fn notices(&mut self, server: &VirtualServer, id: &ServiceId) -> Notices {
        let mut told = |command: &Option<Command>, keyword: &str| {
            let command = command.as_ref()?;
            let program = self.program(command, &server.common, keyword);
            program.map(Arc::new)
        };
        let (quorum_up, quorum_down) = (
            told(&server.quorum_up, "quorum_up"),
            told(&server.quorum_down, "quorum_down"),
        );
        let suspend = match (server.ha_suspend, &server.address) {
            (true, Some(VirtualAddress::Mark(_))) => {
                let place = server.common.place("ha_suspend");
                let text = "a mark has no address that could be here: ha_suspend";
                self.problems
                    .add(Problem::new(Severity::Warning, place, text));
                None
            }
            (true, _) => Some(addresses(server, self.config)),
            (false, _) => None,
        };
        Notices {
            name: notices::name(server.address.as_ref(), id),
            protocol: match id {
                ServiceId::Address { protocol, .. } => protocol.name().unwrap_or("none"),
                ServiceId::Mark { .. } => "none",
            },
            suspend,
            quorum_up,
            quorum_down,
            mail: server.smtp_alert.unwrap_or(false),
            omega: server.omega,
            servers: Vec::new(),
        }
    }

    /// The program of a command, without a shell, as keepalived runs it.
    fn program(&mut self, command: &Command, common: &Common, keyword: &str) -> Option<Teller> {
        let made = checkers::program(self.config, command, self.accounts, common, keyword);
        match made {
            Ok((words, user)) => Some(Teller::Words { words, user }),
            Err(wrong) => {
                let hint = "this could not be run when it is needed";
                self.problems.error(wrong.place, wrong.text, hint);
                None
            }
        }
    }

    fn overall(&mut self) -> Overall {
        let global = &self.config.global;
        let host = short_host_name();
        let router = global.router_id.clone();
        let flush = global.flush_on_stop.as_deref();
        Overall {
            flush: global.flush,
            flush_on_stop: flush.is_some_and(|word| word != "VS"),
            timeouts: global.timeouts.as_deref().map(timeouts),
            synchronisation: self.config.synchronisation(),
            process: scheduling::of_checks(global),
            post: post::of(global, PROGRAM, &host),
            router: router.unwrap_or(host),
            fifos: [
                (
                    &global.lvs_notify_fifo,
                    &global.lvs_notify_fifo_script,
                    ["lvs_notify_fifo", "lvs_notify_fifo_script"],
                ),
                (
                    &global.notify_fifo,
                    &global.notify_fifo_script,
                    ["notify_fifo", "notify_fifo_script"],
                ),
            ]
            .into_iter()
            .filter_map(|(fifo, reader, keywords)| self.fifo(fifo, reader, keywords))
            .collect(),
        }
    }

    fn fifo(
        &mut self,
        fifo: &Option<Command>,
        reader: &Option<Command>,
        [of_fifo, of_reader]: [&str; 2],
    ) -> Option<FifoSetting> {
        let common = &self.config.global.common;
        let fifo = fifo.as_ref()?;
        let Teller::Words { words, .. } = self.program(fifo, common, of_fifo)? else {
            return None;
        };
        let owner = fifo.user.as_ref().and_then(|user| {
            let ids = (self.accounts)(user, fifo.group.as_deref())?;
            Some(User {
                uid: ids.0,
                gid: ids.1,
            })
        });
        let reader = reader.as_ref();
        Some(FifoSetting {
            path: words.into_iter().next()?.into(),
            owner,
            reader: reader.and_then(|reader| self.program(reader, common, of_reader)),
        })
    }
}

/// The timeouts of `tcp SECONDS`, `tcpfin SECONDS`, `udp SECONDS`; the others stay as they are.
fn timeouts(words: &[String]) -> Timeouts {
    let mut timeouts = Timeouts::KEEP;
    for pair in words.chunks_exact(2) {
        let Ok(seconds) = pair[1].parse() else {
            continue;
        };
        match pair[0].as_str() {
            "tcp" => timeouts.tcp = seconds,
            "tcpfin" => timeouts.tcp_fin = seconds,
            "udp" => timeouts.udp = seconds,
            _ => {}
        }
    }
    timeouts
}

/// Has a check share its manner of asking with one of the last, if it is the same: mostly it is.
fn share(last: &mut VecDeque<Arc<Manner>>, check: &mut Check) {
    let Probe::Network { manner, .. } = &mut check.probe else {
        return;
    };
    match last.iter().find(|last| *last == manner) {
        Some(same) => manner.clone_from(same),
        None => {
            last.push_front(Arc::clone(manner));
            last.truncate(MANNERS);
        }
    }
}

/// When a check is made.
fn routine(checker: &Checker, check: Check) -> Arc<Routine> {
    let delay = checker.delay_loop.unwrap_or(Rhythm::default().delay);
    let warmup = checker.warmup.unwrap_or(delay);
    Arc::new(Routine {
        log_all: checker.log_all_failures == Some(true),
        ..Routine::of(check, delay, warmup)
    })
}

/// The addresses of a virtual server.
fn addresses(server: &VirtualServer, config: &Config) -> Vec<IpAddr> {
    let services = server.services(config).into_iter();
    let addresses = services.filter_map(|service| match service.id {
        ServiceId::Address { endpoint, .. } => Some(endpoint.address),
        ServiceId::Mark { .. } => None,
    });
    addresses.collect()
}

fn tell_left_out(server: &VirtualServer, config: &Config, problems: &mut Problems) {
    let is_mailed = post::of(&config.global, PROGRAM, "").is_some();
    // Mail is often asked for by default; who writes it down waits for it.
    let mut mail = |alert: Option<bool>, common: &Common| {
        let is_there = alert == Some(true) && common.has("smtp_alert") && !is_mailed;
        if is_there {
            let text = "no mail without smtp_server and notification_email: smtp_alert";
            let place = common.place("smtp_alert");
            problems.add(Problem::new(Severity::Warning, place, text));
        }
    };
    mail(server.smtp_alert, &server.common);
    for real in &server.real_servers {
        mail(real.smtp_alert, &real.common);
    }
    tell_kept(&server.common, problems);
    for real in &server.real_servers {
        tell_kept(&real.common, problems);
    }
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
