//! Who is told what happened to servers and services, and how.

use std::ffi::OsString;
use std::net::IpAddr;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use crate::addr::Endpoint;
use crate::check::User;
use crate::conf::model::Synchronisation;
use crate::conf::value::VirtualAddress;
use crate::host::scheduling::Process;
use crate::ipvs::{ServiceId, Timeouts};
use crate::notify::mail::Envelope;
use crate::notify::postman::Relay;

/// A command that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Teller {
    /// A program with its arguments.
    Words {
        /// The program first.
        words: Vec<OsString>,
        /// Who runs it; this process's own user when absent.
        user: Option<User>,
    },
    /// A line for the shell.
    Shell(String),
}

impl Teller {
    /// The process that is to be started, without input.
    pub fn command(&self) -> Command {
        let mut command;
        match self {
            Teller::Words { words, user } => {
                let (program, arguments) = words.split_first().map_or_else(
                    || (OsString::new(), &[][..]),
                    |(program, arguments)| (program.clone(), arguments),
                );
                command = Command::new(program);
                command.args(arguments);
                if let Some(User { uid, gid }) = user {
                    command.uid(*uid).gid(*gid);
                }
            }
            Teller::Shell(line) => {
                command = Command::new("/bin/sh");
                command.args(["-c", line]);
            }
        }
        command.stdin(Stdio::null());
        command
    }

    /// What it is called, in what is told of it.
    pub fn name(&self) -> String {
        match self {
            Teller::Words { words, .. } => {
                let words = words.iter().map(|word| word.to_string_lossy());
                words.collect::<Vec<_>>().join(" ")
            }
            Teller::Shell(line) => line.clone(),
        }
    }
}

/// Who is told of a server.
#[derive(Clone, Debug, Default)]
pub struct ServerNotices {
    /// When it is up (`notify_up`).
    pub up: Option<Arc<Teller>>,
    /// When it is down (`notify_down`).
    pub down: Option<Arc<Teller>>,
    /// Whether a mail tells of it.
    pub mail: bool,
}

/// Who is told of a service and its servers.
#[derive(Clone, Debug, Default)]
pub struct Notices {
    /// What a FIFO calls it.
    pub name: String,
    /// What a FIFO calls the protocol of its servers.
    pub protocol: &'static str,
    /// Checks rest while none of these addresses is on this machine (`ha_suspend`).
    pub suspend: Option<Vec<IpAddr>>,
    /// When it has enough servers (`quorum_up`).
    pub quorum_up: Option<Arc<Teller>>,
    /// When it has not (`quorum_down`).
    pub quorum_down: Option<Arc<Teller>>,
    /// Whether a mail tells of it.
    pub mail: bool,
    /// Whether its end is told as if all had gone down (`omega`).
    pub omega: bool,
    /// Those of its servers, in their order.
    pub servers: Vec<ServerNotices>,
}

/// What holds for all services.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Overall {
    /// Whether nothing else is in the table at the start (`lvs_flush`).
    pub flush: bool,
    /// Whether nothing at all is in the table at the end (`lvs_flush_on_stop`).
    pub flush_on_stop: bool,
    /// Timeouts of connections (`lvs_timeouts`).
    pub timeouts: Option<Timeouts>,
    /// Who synchronises connections, where no virtual router says it (`lvs_sync_daemon`).
    pub synchronisation: Option<Synchronisation>,
    /// How the process runs.
    pub process: Process,
    /// What this machine is called in mails (`router_id`).
    pub router: String,
    /// Who carries mails, and whom to.
    pub post: Option<(Relay, Envelope)>,
    /// The pipes (`lvs_notify_fifo`, `notify_fifo`).
    pub fifos: Vec<FifoSetting>,
}

/// A pipe that is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FifoSetting {
    /// Where it is.
    pub path: PathBuf,
    /// Whose it is, if it has to be made.
    pub owner: Option<User>,
    /// Who reads it (`lvs_notify_fifo_script`).
    pub reader: Option<Teller>,
}

/// What a FIFO calls a server.
pub fn server_name(server: &Endpoint, protocol: &str) -> String {
    format!("[{}]:{protocol}:{}", server.address, server.port)
}

/// What a FIFO calls a service: `[10.0.0.1]:tcp:80`, `FWM 7`, the name of a group.
pub fn name(address: Option<&VirtualAddress>, id: &ServiceId) -> String {
    match (address, id) {
        (Some(VirtualAddress::Group(name)), _) => name.clone(),
        (_, ServiceId::Mark { mark, .. }) => format!("FWM {mark}"),
        (_, ServiceId::Address { protocol, endpoint }) => {
            server_name(endpoint, protocol.name().unwrap_or("none"))
        }
    }
}
