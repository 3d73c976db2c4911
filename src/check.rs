//! Health checks as plain values: what is asked of a server, what came of it, and why not.
//!
//! The words are those of keepalived.conf(5), whose checks can all be made with these.

use std::ffi::OsString;
use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::addr::Endpoint;

mod connect;
pub mod control;
pub mod dns;
mod exchange;
mod file;
mod files;
pub mod health;
pub mod http;
pub mod memory;
mod misc;
pub mod orders;
mod ping;
mod readable;
pub mod request;
pub mod rhythm;
pub mod rounds;
pub mod runner;
mod smtp;
pub mod status;
pub mod timetable;
pub mod tls;
pub mod udp;
pub mod watch;

/// One check of one server.
#[derive(Clone, Debug, PartialEq)]
pub struct Check {
    /// What is done.
    pub probe: Probe,
    /// How long one try may take in all.
    pub timeout: Duration,
    /// How often it is tried.
    pub tries: Tries,
}

/// How often a check is tried before the server is said not to be well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tries {
    /// How often it is tried again.
    pub retry: u32,
    /// How long to wait before that.
    pub delay: Duration,
}

/// What is done to find out whether a server is well.
#[derive(Clone, Debug, PartialEq)]
pub enum Probe {
    /// It is asked over the network.
    Network {
        /// Where it is. Ping has no port: 0.
        to: Endpoint,
        /// How it is asked. Thousands of servers are asked alike.
        manner: Arc<Manner>,
    },
    /// A program looks (MISC_CHECK).
    Misc(Box<Misc>),
    /// A file says it (FILE_CHECK).
    File(Tracked),
}

impl Probe {
    /// What the check is called on a command line.
    pub fn name(&self) -> &'static str {
        match self {
            Probe::Network { manner, .. } => match &manner.question {
                Question::Tcp => "tcp",
                Question::Http(http) if http.tls.is_some() => "https",
                Question::Http(_) => "http",
                Question::Smtp { .. } => "smtp",
                Question::Dns(_) => "dns",
                Question::Udp(_) => "udp",
                Question::Ping { .. } => "ping",
            },
            Probe::Misc(_) => "misc",
            Probe::File(_) => "file",
        }
    }
}

/// How a server is asked over the network.
#[derive(Clone, Debug, PartialEq)]
pub struct Manner {
    /// From where.
    pub from: Origin,
    /// What.
    pub question: Question,
}

/// From where a server is asked. What is absent the kernel chooses.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// The source address.
    pub address: Option<IpAddr>,
    /// The source port.
    pub port: Option<u16>,
    /// The interface that packets leave by.
    pub interface: Option<String>,
    /// The firewall mark that packets have.
    pub mark: Option<u32>,
}

/// What a server is asked over the network.
#[derive(Clone, Debug, PartialEq)]
pub enum Question {
    /// To accept a connection (TCP_CHECK).
    Tcp,
    /// For pages (HTTP_GET, SSL_GET).
    Http(http::Http),
    /// For a greeting (SMTP_CHECK).
    Smtp {
        /// Who is said to ask.
        helo: String,
    },
    /// For a name (DNS_CHECK).
    Dns(dns::Query),
    /// To take a datagram (UDP_CHECK).
    Udp(udp::Datagram),
    /// For an echo (PING_CHECK).
    Ping {
        /// How many bytes of payload, 0 to 65,507.
        size: usize,
    },
}

/// A program whose exit status tells how a server is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misc {
    /// The program and its arguments.
    pub command: Vec<OsString>,
    /// Whether a status of 2 to 255 is a weight of 0 to 253 (`misc_dynamic`).
    pub dynamic: bool,
    /// Who it is run as.
    pub user: Option<User>,
    /// The server that it is asked about; it finds it in its environment as `LVS_CHECK_ADDRESS`
    /// and `LVS_CHECK_PORT`.
    pub about: Option<Endpoint>,
}

/// A user by numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct User {
    /// The user id.
    pub uid: u32,
    /// The group id.
    pub gid: u32,
}

/// A file with a number in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracked {
    /// Where it is.
    pub path: PathBuf,
    /// With it the number times this is added to the server's weight; without it, a server is up
    /// while the number is 0.
    pub factor: Option<i32>,
}

/// What one check found out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The server is well.
    Up(Share),
    /// It is not.
    Down(Reason),
    /// The check could not be made, which says nothing about the server.
    Unknown(Fault),
}

/// What a check says about the weight of a server that is well.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Share {
    /// Nothing.
    #[default]
    Same,
    /// It shall be this.
    Exactly(u8),
    /// So much more, or less, than configured.
    Plus(i64),
}

/// Why a check could not be made: the fault is this machine's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What was being done.
    pub doing: &'static str,
    /// What the system said.
    pub error: String,
}

impl Fault {
    /// A system call failed.
    pub fn of(doing: &'static str, error: &std::io::Error) -> Self {
        Fault {
            doing,
            error: crate::host::error_text(error),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.doing, self.error)
    }
}

/// How far a check had come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Until the connection is there.
    Connect,
    /// Until TLS is agreed upon.
    Handshake,
    /// Until the server has answered.
    Answer,
    /// Until the whole page is there.
    Body,
    /// Until the program has ended.
    Program,
}

/// Why a server is not well. This is the only place where reasons have words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Nobody listens there.
    Refused,
    /// The time was up.
    Timeout(Stage),
    /// The system's word for what the network did: reset, unreachable ...
    Network(String),
    /// The connection ended in the middle.
    Closed(Stage),
    /// The answer is not what the protocol allows.
    Malformed(&'static str),
    /// The answer is longer than is read.
    TooLong(Stage),
    /// TLS was not agreed upon.
    Tls(String),
    /// A page has another status.
    Status {
        /// The page's path.
        path: String,
        /// What it has.
        found: u16,
    },
    /// A page has another digest.
    Digest {
        /// The page's path.
        path: String,
        /// What it has.
        found: http::Digest,
    },
    /// A page lacks what must be in it.
    NoMatch {
        /// The page's path.
        path: String,
    },
    /// A page has what must not be in it.
    Match {
        /// The page's path.
        path: String,
    },
    /// A mail server says no, or not what it should.
    Smtp {
        /// To what.
        to: &'static str,
        /// Its three digits.
        code: u16,
    },
    /// A name server answers with this code (RFC 1035, section 4.1.1).
    Dns(&'static str),
    /// A datagram came back that is not what it should be.
    Reply,
    /// The program ended with this status.
    Exit(i32),
    /// The program was ended by this signal.
    Signal(i32),
    /// The file says so.
    Value(i64),
    /// The file is not there, or has no number in it.
    File(String),
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::Connect => "the connection",
            Stage::Handshake => "the TLS handshake",
            Stage::Answer => "the answer",
            Stage::Body => "the page",
            Stage::Program => "the program",
        })
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::Refused => f.write_str("connection refused"),
            Reason::Timeout(stage) => write!(f, "time is up, waiting for {stage}"),
            Reason::Network(text) => f.write_str(&lower(text)),
            Reason::Closed(stage) => write!(f, "connection closed before {stage}"),
            Reason::Malformed(what) => write!(f, "not {what}"),
            Reason::TooLong(stage) => write!(f, "too long: {stage}"),
            Reason::Tls(text) => write!(f, "TLS: {text}"),
            Reason::Status { path, found } => write!(f, "status {found} of {path}"),
            Reason::Digest { path, found } => write!(f, "digest {found} of {path}"),
            Reason::NoMatch { path } => write!(f, "no match in {path}"),
            Reason::Match { path } => write!(f, "a match in {path}"),
            Reason::Smtp { to, code } => write!(f, "answer {code} to {to}"),
            Reason::Dns(code) => write!(f, "answer {code}"),
            Reason::Reply => f.write_str("another reply"),
            Reason::Exit(status) => write!(f, "exit status {status}"),
            Reason::Signal(signal) => write!(f, "ended by signal {signal}"),
            Reason::Value(value) => write!(f, "value {value}"),
            Reason::File(text) => f.write_str(&lower(text)),
        }
    }
}

/// `strerror` begins with a capital; our sentences do not.
fn lower(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_lowercase().chain(chars).collect(),
        None => String::new(),
    }
}
