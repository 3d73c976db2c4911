//! What a speaker tells of itself: what it has become, as it happens, and what it is, when it is
//! asked.

use std::fmt;
use std::net::IpAddr;

use super::complaints::Rejected;
use super::configuration::Id;
use super::tracking::Weight;
use super::{Priority, State};

/// A change, as those who want to know are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct News<'a> {
    /// Whose.
    pub subject: Subject<'a>,
    /// What it is now, in keepalived's word: that of a [`State`], or `DELETED`.
    pub state: &'a str,
    /// Its priority, with the weights of what is tracked; 0 of a group.
    pub priority: Priority,
}

/// Who has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject<'a> {
    /// The virtual router of this name.
    Instance(&'a str),
    /// The group of this name.
    Group(&'a str),
}

impl Subject<'_> {
    /// `INSTANCE` or `GROUP`.
    pub fn kind(&self) -> &'static str {
        match self {
            Subject::Instance(_) => "INSTANCE",
            Subject::Group(_) => "GROUP",
        }
    }

    /// Its name.
    pub fn name(&self) -> &str {
        match self {
            Subject::Instance(name) | Subject::Group(name) => name,
        }
    }
}

impl fmt::Display for News<'_> {
    /// The line that keepalived writes to a FIFO.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let News {
            subject,
            state,
            priority,
        } = self;
        write!(
            f,
            "{} \"{}\" {state} {priority}",
            subject.kind(),
            subject.name()
        )
    }
}

/// What a virtual router is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// Its name.
    pub name: String,
    /// The group that it moves with.
    pub group: Option<String>,
    /// Where it is, and its number there.
    pub id: Id,
    /// What it is.
    pub state: State,
    /// With the weights of what is tracked.
    pub priority: Priority,
    /// The address that its adverts come from, if there is one.
    pub source: Option<IpAddr>,
    /// The master that it listens to, if it is a backup that has heard one.
    pub master: Option<IpAddr>,
    /// Its virtual addresses, as they are put up.
    pub addresses: Vec<String>,
    /// Why it cannot take part.
    pub faults: Vec<String>,
    /// The interfaces that it tracks beside its own, and whether they run.
    pub interfaces: Vec<(String, bool, Weight)>,
    /// The scripts, and whether they are well, if that is known.
    pub scripts: Vec<(String, Option<bool>, Weight)>,
    /// The same of processes that are counted.
    pub processes: Vec<(String, Option<bool>, Weight)>,
    /// The files, and the numbers in them.
    pub files: Vec<(String, i32, Weight)>,
    /// The adverts that it did not believe, by their cause: how many, and the last one.
    pub rejected: Vec<(u64, Rejected)>,
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Lines for people.
    Text,
    /// A JSON document in a line.
    Json,
}
