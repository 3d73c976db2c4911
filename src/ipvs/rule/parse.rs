//! From words to a typed command. What is wrong is told in the order in which ipvsadm 1.31 finds
//! it: options from left to right with their values, then words left over, then what does not go
//! together.

use crate::addr::Resolve;
use crate::ipvs::refusal::Operation;
use crate::ipvs::{Change, Role, Timeouts};

use super::legality::{self, Name, Row};
use super::number::integer;
use super::options::{Group, Opt};
use super::words::Words;
use super::{Command, Drained, Listing, Problem, flags};
use line::{Line, illegal};

mod line;
mod values;

/// 31 days in seconds: the longest timeout (`MAX_TIMEOUT` in ipvsadm).
const MAX_TIMEOUT: u32 = 86_400 * 31;

/// What a command line is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who knows names of hosts and ports.
    pub names: &'a dyn Resolve,
    /// Whether the first word that is no option ends the options (`POSIXLY_CORRECT`).
    pub posixly_correct: bool,
}

/// Reads a command line, given without the program's name. No words at all ask for a listing.
///
/// # Errors
/// The first problem, in the words of ipvsadm 1.31.
pub fn parse(words: &[&[u8]], context: Context<'_>) -> Result<Command, Problem> {
    if words.is_empty() {
        return Ok(Command::List(Listing::default()));
    }
    let mut words = Words::new(words, context.posixly_correct);
    let Some(Ok((command, value))) = words.next_option() else {
        return Err(Problem::NoCommand);
    };
    let verb = match (Verb::of(command.opt), command.opt) {
        (Some(verb), _) => verb,
        (None, Opt::Help) => return Ok(Command::Help),
        (None, Opt::Version) => return Ok(Command::Version),
        (None, _) => return Err(Problem::NoCommand),
    };
    let role = daemon_role(verb, value.unwrap_or(&[]))?;

    let mut line = Line::new(context.names);
    if command.group == Group::NewListing {
        // It lists by itself.
        line.take(command, value, words.last())?;
    }
    while let Some(option) = words.next_option() {
        let (option, value) = option.map_err(|mistake| Problem::Option {
            word: words.last().to_vec(),
            mistake,
        })?;
        line.take(option, value, words.last())?;
    }

    let mut others = words.others().into_iter();
    let timeouts = match verb {
        Verb::Set => timeouts(&mut others)?,
        _ => Timeouts::KEEP,
    };
    if let Some(word) = others.next() {
        return Err(Problem::usage(&[b"unexpected argument ", word]));
    }
    let scheduler_flags = flags::read(line.flags, line.scheduler)?;
    let drain = line.given.has(Name::Drain).then_some(line.drain);
    verb.row(drain).check(line.given)?;

    let drained = match verb {
        Verb::DeleteService => Some(Drained::Service(line.id()?)),
        Verb::DeleteServer => Some(Drained::Destination(line.id()?, line.server())),
        Verb::EditServer => Some(Drained::StayingDestination(line.id()?, line.server())),
        _ => None,
    };
    if let (Some(what), Some(seconds)) = (drained, drain) {
        return Ok(Command::Drain { what, seconds });
    }
    if line.given.has(Name::Keep) {
        return line.edit(verb, scheduler_flags).map(Command::Edit);
    }
    let change = match verb {
        Verb::AddService => {
            Change::AddService(line.service(Operation::AddService, scheduler_flags)?)
        }
        Verb::EditService => {
            Change::EditService(line.service(Operation::EditService, scheduler_flags)?)
        }
        Verb::DeleteService => Change::DeleteService(line.id()?),
        Verb::AddServer => Change::AddDestination(line.id()?, line.destination()?),
        Verb::EditServer => Change::EditDestination(line.id()?, line.destination()?),
        Verb::DeleteServer => Change::DeleteDestination(line.id()?, line.server()),
        Verb::Flush => Change::Flush,
        Verb::Zero => Change::Zero(line.zeroed()?),
        Verb::Set => Change::SetTimeouts(timeouts),
        Verb::StartDaemon => Change::StartDaemon(line.daemon(role)?),
        Verb::StopDaemon => Change::StopDaemon {
            role,
            sync_id: line.sync_id,
        },
        Verb::List => return line.listing().map(Command::List),
        Verb::Save => {
            return Ok(Command::Save {
                numeric: line.given.has(Name::Numeric),
            });
        }
        Verb::Apply => {
            return Ok(Command::Apply {
                file: value.unwrap_or(b"-").to_vec(),
                dry_run: line.given.has(Name::DryRun),
                drain,
            });
        }
        Verb::Undrain => {
            return Ok(Command::Undrain {
                of: line.id()?,
                only: line.server,
            });
        }
        Verb::Restore => {
            return Ok(Command::Restore {
                tell_lines: line.given.has(Name::Verbose),
                strict: line.given.has(Name::Strict),
            });
        }
    };
    Ok(Command::Change(change))
}

/// A command that other options may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    AddService,
    EditService,
    DeleteService,
    Flush,
    List,
    AddServer,
    EditServer,
    DeleteServer,
    Set,
    StartDaemon,
    StopDaemon,
    Restore,
    Apply,
    Undrain,
    Save,
    Zero,
}

impl Verb {
    fn of(option: Opt) -> Option<Self> {
        Some(match option {
            Opt::AddService => Verb::AddService,
            Opt::EditService => Verb::EditService,
            Opt::DeleteService => Verb::DeleteService,
            Opt::Clear => Verb::Flush,
            Opt::List => Verb::List,
            // These ask for a listing by themselves.
            Opt::Json
            | Opt::Metrics
            | Opt::Pretty
            | Opt::Watch
            | Opt::Status
            | Opt::Filter
            | Opt::Count => Verb::List,
            Opt::AddServer => Verb::AddServer,
            Opt::EditServer => Verb::EditServer,
            Opt::DeleteServer => Verb::DeleteServer,
            Opt::Set => Verb::Set,
            Opt::StartDaemon => Verb::StartDaemon,
            Opt::StopDaemon => Verb::StopDaemon,
            Opt::Restore => Verb::Restore,
            Opt::Apply => Verb::Apply,
            Opt::Undrain => Verb::Undrain,
            Opt::Save => Verb::Save,
            Opt::Zero => Verb::Zero,
            _ => return None,
        })
    }

    /// What may stand with the command.
    fn row(self, drain: Option<u32>) -> &'static Row {
        match self {
            Verb::EditServer if drain.is_some() => &legality::DRAIN_SERVER,
            Verb::AddService => &legality::ADD_SERVICE,
            Verb::EditService => &legality::EDIT_SERVICE,
            Verb::DeleteService => &legality::DELETE_SERVICE,
            Verb::Flush => &legality::FLUSH,
            Verb::List => &legality::LIST,
            Verb::AddServer => &legality::ADD_SERVER,
            Verb::EditServer => &legality::EDIT_SERVER,
            Verb::DeleteServer => &legality::DELETE_SERVER,
            Verb::Set => &legality::SET,
            Verb::StartDaemon => &legality::START_DAEMON,
            Verb::StopDaemon => &legality::STOP_DAEMON,
            Verb::Restore => &legality::RESTORE,
            Verb::Apply => &legality::APPLY,
            Verb::Undrain => &legality::UNDRAIN,
            Verb::Save => &legality::SAVE,
            Verb::Zero => &legality::ZERO,
        }
    }
}

/// The role that a daemon's command names; any, for the other commands.
fn daemon_role(verb: Verb, value: &[u8]) -> Result<Role, Problem> {
    match (verb, value) {
        (Verb::StartDaemon | Verb::StopDaemon, b"backup") => Ok(Role::Backup),
        (Verb::StartDaemon | Verb::StopDaemon, b"master") => Ok(Role::Master),
        (Verb::StartDaemon, _) => Err(illegal("start-daemon parameter")),
        (Verb::StopDaemon, _) => Err(illegal("start_daemon")),
        _ => Ok(Role::Master),
    }
}

/// The three words of `--set`. All must be there before one is looked at.
fn timeouts<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Result<Timeouts, Problem> {
    let (Some(tcp), Some(tcp_fin), Some(udp)) = (words.next(), words.next(), words.next()) else {
        let text = b"--set option requires 3 timeout values";
        return Err(Problem::usage(&[text]));
    };
    let timeout = |word| integer(word, 0, MAX_TIMEOUT).ok_or_else(|| bad_timeout(word));
    Ok(Timeouts {
        tcp: timeout(tcp)?,
        tcp_fin: timeout(tcp_fin)?,
        udp: timeout(udp)?,
    })
}

fn bad_timeout(word: &[u8]) -> Problem {
    Problem::usage(&[b"invalid timeout value `", word, b"' specified"])
}
