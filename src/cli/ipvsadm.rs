//! `ipvsadm`: reads a command line, asks the kernel, prints what comes back.

use std::fmt::Write as _;
use std::io::{self, Read, Write};
use std::path::PathBuf;

use crate::addr::{Name, Numeric, Resolve};
use crate::host::{is_root, modules};
use crate::ipvs::client::Client;
use crate::ipvs::refusal::Refusal;
use crate::ipvs::rule::{self, Command, Context, Problem, write};
use crate::ipvs::{DestinationRow, Info, ServiceId, ServiceRow, Version, order};
use crate::report::{WriteError, ipvsadm as status};

mod apply;
pub mod drain;
mod edit;
mod export;
pub mod help;
pub(super) mod list;
mod restore;
mod state;
mod terminal;
mod watch;

pub use terminal::{Display, Screen, display, screen};

/// What `-v` prints: that of the program this one stands in for, which scripts look for.
pub const VERSION: &str = "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n";

/// The oldest IPVS in the kernel that this program speaks to.
const OLDEST: Version = Version(0x01_01_04);

/// What the program works with. A test gives it a kernel and files of its own.
pub struct Environment<'a> {
    /// What the program was called as: `argv[0]`.
    pub program: &'a [u8],
    /// Opens the way to the kernel; called once, when it is first needed.
    pub kernel: &'a mut dyn FnMut() -> Result<Client, Refusal>,
    /// Who knows the numbers of names, on command lines.
    pub numbers: &'a dyn Resolve,
    /// Who knows the names of numbers, in listings.
    pub names: &'a dyn Name,
    /// Whether the first word that is no option ends the options (`POSIXLY_CORRECT`).
    pub posixly_correct: bool,
    /// Whether standard error is a terminal: problems of a restore are told with their lines, and
    /// what takes long shows how far it is.
    pub terminal: bool,
    /// Where weights are remembered while servers are drained.
    pub memory: &'a dyn Fn() -> io::Result<PathBuf>,
    /// Standard input, for a restore.
    pub input: &'a mut dyn Read,
    /// Standard output; large pieces are written to it.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
    /// What standard output can show; asked by who writes for eyes.
    pub display: &'a dyn Fn() -> Display,
    /// Takes over the terminal that standard output is; called for a display that
    /// [can move](Display::moves).
    pub screen: &'a mut dyn FnMut() -> io::Result<Box<dyn Screen>>,
}

/// Runs the program with the words after its name; gives back the exit status.
pub fn run(words: &[&[u8]], environment: Environment<'_>) -> u8 {
    let mut session = Session {
        environment,
        client: None,
        printed: String::new(),
        output_failed: None,
    };
    let context = session.context();
    let end = match rule::parse(words, context) {
        Err(problem) => session.tell(&problem),
        Ok(Command::Restore { tell_lines, strict }) => session.restore(tell_lines, strict),
        Ok(command) => session.command(command),
    };
    session.finish(end.status())
}

/// Opens the way to this machine's kernel. Where that fails, it is tried once more with the module
/// loaded by modprobe.
pub fn open_kernel() -> Result<Client, Refusal> {
    Client::open()
        .or_else(|refusal| match modules::load("ip_vs") {
            true => Client::open(),
            false => Err(refusal),
        })
        .map_err(|refusal| match refusal {
            // The kernel does not even know the name of IPVS.
            _ if !refusal.is_unknown_name() => refusal,
            _ if is_root() => Refusal::no_ipvs(),
            _ => Refusal::not_root(),
        })
}

/// How a command ended, and whether a restore goes on behind it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    GoesOn(u8),
    Stops(u8),
}

impl End {
    fn status(self) -> u8 {
        match self {
            End::GoesOn(status) | End::Stops(status) => status,
        }
    }
}

struct Session<'a> {
    environment: Environment<'a>,
    client: Option<Client>,
    /// What has been printed and not been sent on.
    printed: String,
    output_failed: Option<io::Error>,
}

impl<'a> Session<'a> {
    fn context(&self) -> Context<'a> {
        Context {
            names: self.environment.numbers,
            posixly_correct: self.environment.posixly_correct,
        }
    }

    /// Does what one command line asks for.
    fn command(&mut self, command: Command) -> End {
        let result = match command {
            Command::Help => {
                let program = String::from_utf8_lossy(self.environment.program).into_owned();
                self.print(&help::text(&program));
                return End::Stops(status::DONE);
            }
            Command::Version => {
                self.print(VERSION);
                return End::Stops(status::DONE);
            }
            Command::Restore { .. } => return self.tell(&Problem::NoCommand),
            Command::Apply {
                file,
                dry_run,
                drain,
            } => return self.apply(&file, dry_run, drain),
            Command::Edit(edit) => return self.edit(edit),
            Command::Drain { what, seconds } => self.drain(what, seconds),
            Command::Undrain { of, only } => self.undrain(of, only),
            Command::Change(change) => match self.client() {
                Err(end) => return end,
                Ok(client) => {
                    let outcome = client.apply(&change);
                    return self.changed(outcome);
                }
            },
            Command::List(listing) => self.list(listing),
            Command::Save { numeric } => self.save(numeric),
        };
        match result {
            Ok(()) => End::GoesOn(status::DONE),
            Err(end) => end,
        }
    }

    /// The way to the kernel, opened when it is first asked for.
    fn client(&mut self) -> Result<&mut Client, End> {
        if self.client.is_none() {
            match (self.environment.kernel)() {
                Ok(client) => {
                    self.warn_of_old_kernel(client.info());
                    self.client = Some(client);
                }
                Err(refusal) => {
                    self.complain(&format!(
                        "Can't initialize ipvs: {refusal}\n\
                         Are you sure that IP Virtual Server is built in the kernel or as module?"
                    ));
                    return Err(End::Stops(status::USAGE));
                }
            }
        }
        self.client.as_mut().ok_or(End::Stops(status::USAGE))
    }

    fn warn_of_old_kernel(&mut self, info: Info) {
        if info.version < OLDEST {
            self.complain(&format!(
                "Warning: IPVS version mismatch: \n  \
                 Kernel compiled with IPVS version {}\n  \
                 ipvsadm v1.31  requires minimum IPVS version {OLDEST}\n",
                info.version
            ));
        }
    }

    /// How a change ended; a refusal is told.
    fn changed(&mut self, outcome: Result<(), Refusal>) -> End {
        match outcome {
            Ok(()) => End::GoesOn(status::DONE),
            Err(refusal) => self.tell(&Problem::Refused(refusal)),
        }
    }

    fn names(&self, numeric: bool) -> &'a dyn Name {
        if numeric {
            &Numeric
        } else {
            self.environment.names
        }
    }

    fn services(&mut self, sorted: bool) -> Result<Vec<ServiceRow>, End> {
        let services = self.client()?.services();
        let services = self.listed(services)?;
        Ok(if sorted {
            order::sort_services(services)
        } else {
            services
        })
    }

    fn service(&mut self, id: &ServiceId) -> Result<ServiceRow, End> {
        let service = self.client()?.service(id);
        self.listed(service)
    }

    fn destinations(&mut self, of: &ServiceId, sorted: bool) -> Result<Vec<DestinationRow>, End> {
        let destinations = self.client()?.destinations(of);
        let destinations = self.listed(destinations)?;
        Ok(if sorted {
            order::sort_destinations(destinations)
        } else {
            destinations
        })
    }

    fn save(&mut self, numeric: bool) -> Result<(), End> {
        let names = self.names(numeric);
        let services = self.services(true)?;
        self.print_table(&services, true, names, |out, row, destinations| {
            let service = &row.service;
            write::service(out, service, names)?;
            destinations
                .iter()
                .try_for_each(|row| write::destination(out, &service.id, &row.destination, names))
        })
    }

    /// Prints services with their destinations, as `print` writes each. Some are gathered before
    /// they are printed, so that their names can be asked for at once.
    fn print_table(
        &mut self,
        services: &[ServiceRow],
        sorted: bool,
        names: &dyn Name,
        print: impl Fn(&mut String, &ServiceRow, &[DestinationRow]) -> std::fmt::Result,
    ) -> Result<(), End> {
        /// How many services are gathered.
        const SERVICES: usize = 256;
        for services in services.chunks(SERVICES) {
            let mut rows = Vec::with_capacity(services.len());
            let mut ended = Ok(());
            for service in services {
                match self.destinations(&service.service.id, sorted) {
                    Ok(destinations) => rows.push(destinations),
                    Err(end) => {
                        ended = Err(end);
                        break;
                    }
                }
            }
            let services = services.iter().zip(&rows);
            names.prepare(&mut services.clone().flat_map(|(service, destinations)| {
                let destinations = destinations.iter().map(|row| row.destination.endpoint);
                let endpoints = service
                    .service
                    .id
                    .endpoint()
                    .into_iter()
                    .chain(destinations);
                endpoints.map(|endpoint| endpoint.address)
            }));
            for (service, destinations) in services {
                self.print_with(|out| print(out, service, destinations));
            }
            ended?;
        }
        Ok(())
    }

    /// What a listing got, or its end, once the refusal is told.
    fn listed<T>(&mut self, result: Result<T, Refusal>) -> Result<T, End> {
        result.map_err(|refusal| {
            self.complain(&refusal.to_string());
            End::Stops(status::FAILED)
        })
    }

    /// Tells what is wrong with a command line, or why the kernel refused it.
    fn tell(&mut self, problem: &Problem) -> End {
        // Nobody is left to tell when standard error is gone.
        let _ = problem.write(self.environment.program, self.environment.errors);
        if problem.ends_restore() {
            End::Stops(problem.status())
        } else {
            End::GoesOn(problem.status())
        }
    }

    fn complain(&mut self, text: &str) {
        let _ = writeln!(self.environment.errors, "{text}");
    }

    fn print(&mut self, text: &str) {
        self.print_with(|out| out.write_str(text));
    }

    fn print_with(&mut self, write: impl FnOnce(&mut String) -> std::fmt::Result) {
        /// So much is sent on at once.
        const BYTES: usize = 64 * 1024;
        // Writing to a String does not fail.
        let _ = write(&mut self.printed);
        if self.printed.len() >= BYTES {
            self.flush();
        }
    }

    /// Sends on what has been printed so far.
    fn flush(&mut self) {
        let Environment { output, .. } = &mut self.environment;
        if self.output_failed.is_none() {
            let sent = output.write_all(self.printed.as_bytes());
            self.output_failed = sent.and_then(|()| output.flush()).err();
        }
        self.printed.clear();
    }

    /// Output that was lost is an error, where nothing worse has happened.
    fn finish(mut self, status: u8) -> u8 {
        self.flush();
        match self.output_failed.take() {
            Some(error) => {
                let program = "ipvsadm";
                self.complain(
                    &WriteError {
                        program,
                        error: &error,
                    }
                    .to_string(),
                );
                status.max(status::FAILED)
            }
            None => status,
        }
    }
}
