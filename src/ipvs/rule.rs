//! The ipvsadm rule language, both ways: what a command line means, and the commands that
//! rebuild a table. `argv`, the lines of `-R` and the output of `-S` are all of it.
//!
//! Reading: [`words`] takes a line apart as popt does, [`options`] is the table of all options,
//! [`parse`] makes a typed [`Command`] of them. Writing: [`mod@write`].

use std::io::{self, Write};

use super::connections::Filter;
use super::refusal::Refusal;
use super::{Change, ServiceId};
use crate::addr::Endpoint;

pub mod edit;
mod filter;
pub mod flags;
mod host;
mod legality;
mod number;
pub mod options;
mod parse;
pub mod words;
pub mod write;

pub use edit::Edit;
pub use parse::{Context, parse};
use words::Mistake;

/// What a command line asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// A change to the table, the timeouts or the daemons.
    Change(Change),
    /// An edit that keeps what it does not name.
    Edit(Edit),
    /// Lets connections end: weight 0, and then what shall be.
    Drain {
        /// What is drained, and whether it stays.
        what: Drained,
        /// How long to wait for them, at most.
        seconds: u32,
    },
    /// Puts remembered weights back.
    Undrain {
        /// The service.
        of: ServiceId,
        /// Only this server of it.
        only: Option<Endpoint>,
    },
    /// A listing.
    List(Listing),
    /// The commands that rebuild the table.
    Save {
        /// No names.
        numeric: bool,
    },
    /// The commands on standard input.
    Restore {
        /// Problems are told with the line they stand in.
        tell_lines: bool,
        /// All lines are checked before the first is run, and any failure counts.
        strict: bool,
    },
    /// Make the table be what a file says.
    Apply {
        /// The file's path, or `-` for standard input.
        file: Vec<u8>,
        /// Only tell which commands that would take.
        dry_run: bool,
        /// How many seconds to wait for the connections of what goes.
        drain: Option<u32>,
    },
    /// How to use the program.
    Help,
    /// The version of the program.
    Version,
}

/// What is drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drained {
    /// A destination, which is deleted then.
    Destination(ServiceId, Endpoint),
    /// A destination, which stays, with weight 0.
    StayingDestination(ServiceId, Endpoint),
    /// A service with all its destinations, which is deleted then.
    Service(ServiceId),
}

/// What to list, and how.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What to list.
    pub what: What,
    /// How it is written.
    pub output: Output,
    /// No names.
    pub numeric: bool,
}

/// How a listing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Output {
    /// In the columns of ipvsadm 1.31.
    Classic,
    /// As a JSON document.
    Json,
    /// As Prometheus text; only the table.
    Metrics,
    /// With lines, bars and colours; only the table.
    Pretty,
    /// Again and again; only the table.
    Watch(Interval),
}

/// The time between two looks at the table: 0.1 s to 86,400 s.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interval {
    milliseconds: u32,
}

impl Interval {
    /// Two seconds: as often as the kernel adds its counters up.
    pub const DEFAULT: Interval = Interval {
        milliseconds: 2_000,
    };

    /// So many milliseconds, if they are in range.
    pub fn from_milliseconds(milliseconds: u32) -> Option<Self> {
        (100..=86_400_000)
            .contains(&milliseconds)
            .then_some(Interval { milliseconds })
    }

    /// The time in milliseconds.
    pub fn milliseconds(self) -> u32 {
        self.milliseconds
    }
}

/// What there is to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// Services with their destinations.
    Table {
        /// Which columns.
        form: Form,
        /// Counters are not shortened to K, M, G, T.
        exact: bool,
        /// Sorted; else in the kernel's order.
        sorted: bool,
        /// Only this service.
        only: Option<ServiceId>,
    },
    /// The connections.
    Connections {
        /// With what the persistence engine knows of them.
        engine: bool,
        /// Which of them.
        filter: Filter,
        /// Only how many there are, by destination and state.
        count: bool,
    },
    /// The timeouts of connections.
    Timeouts,
    /// The synchronisation daemons.
    Daemons,
    /// The state of IPVS in the kernel.
    Status,
}

/// The columns of a listing of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Forwarding method, weight, connections.
    Plain,
    /// Counters.
    Stats,
    /// Rates.
    Rate,
    /// Thresholds and connections.
    Thresholds,
    /// Weight, persistent and other connections.
    PersistentConnections,
    /// As plain, with the kind of tunnel.
    Tunnels,
}

impl Default for Listing {
    /// The whole table, as the program without arguments lists it.
    fn default() -> Self {
        Listing {
            what: What::Table {
                form: Form::Plain,
                exact: false,
                sorted: true,
                only: None,
            },
            output: Output::Classic,
            numeric: false,
        }
    }
}

/// What is wrong with a command line. The texts are those of ipvsadm 1.31; they may hold bytes
/// of the command line, which need not be text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// It does not begin with a command.
    NoCommand,
    /// An option is not to be understood.
    Option {
        /// The word it stands in.
        word: Vec<u8>,
        /// Why.
        mistake: Mistake,
    },
    /// It asks for something that does not go.
    Usage(Vec<u8>),
    /// The kernel would refuse it, as it cannot even be asked.
    Refused(Refusal),
}

impl Problem {
    fn usage(parts: &[&[u8]]) -> Self {
        Problem::Usage(parts.concat())
    }

    /// The status that the program exits with.
    pub fn status(&self) -> u8 {
        match self {
            Problem::Usage(_) => 2,
            Problem::NoCommand | Problem::Option { .. } | Problem::Refused(_) => 255,
        }
    }

    /// Whether a restore ends here, or goes on with the next line.
    pub fn ends_restore(&self) -> bool {
        matches!(self, Problem::NoCommand | Problem::Usage(_))
    }

    /// Writes the message, with its end of line. `program` is what the program was called as.
    pub fn write(&self, program: &[u8], out: &mut dyn Write) -> io::Result<()> {
        let text = match self {
            Problem::NoCommand => [
                b"Try `",
                program,
                b" -h' or '",
                program,
                b" --help' for more information.",
            ]
            .concat(),
            Problem::Option { word, mistake } => {
                [word, &b": "[..], mistake.text().as_bytes()].concat()
            }
            Problem::Usage(text) => text.clone(),
            Problem::Refused(refusal) => refusal.to_string().into_bytes(),
        };
        out.write_all(&[&text[..], b"\n"].concat())
    }
}
