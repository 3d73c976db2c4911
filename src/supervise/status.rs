//! What a director can say of itself.

use super::director::Director;
use super::{Program, child::Phase};

/// A program, as it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramStatus {
    /// Which.
    pub program: Program,
    /// What it is: `running`, `waiting` for another start, `stopping`, `stopped`.
    pub word: &'static str,
    /// Its process.
    pub process: Option<u32>,
    /// For how many seconds it has run.
    pub seconds: Option<u64>,
    /// How often it was started again.
    pub restarts: u32,
    /// How it ended last, when nobody had told it to.
    pub last_end: Option<String>,
}

/// What became of the last reload.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reload {
    /// When, in local time.
    pub at: String,
    /// Whether what was read is what holds now.
    pub taken: bool,
    /// What was wrong with it, each with its place.
    pub problems: Vec<String>,
}

/// A director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its process.
    pub process: u32,
    /// The configuration.
    pub file: String,
    /// For how many seconds it has run.
    pub seconds: u64,
    /// `starting`, `running`, `given up` or `stopping`.
    pub word: &'static str,
    /// Its programs: those that the configuration has something for, and those that still run.
    pub programs: Vec<ProgramStatus>,
    /// The last reload.
    pub reload: Option<Reload>,
}

/// What a director is, in a word.
pub fn word(director: &Director) -> &'static str {
    match () {
        () if director.is_stopping() => "stopping",
        () if director.has_given_up() => "given up",
        () if director.is_ready() => "running",
        () => "starting",
    }
}

/// What is told of the programs at `now`, the time since the director began.
pub fn programs(
    director: &Director,
    now: std::time::Duration,
    process: impl Fn(Program) -> Option<u32>,
) -> Vec<ProgramStatus> {
    let told = Program::ALL.into_iter().filter(|&program| {
        director.needs(program) || director.child(program).phase != Phase::Absent
    });
    told.map(|program| {
        let child = director.child(program);
        let seconds = match child.phase {
            Phase::Running(since) => Some(now.saturating_sub(since).as_secs()),
            _ => None,
        };
        ProgramStatus {
            program,
            word: child.phase.word(),
            process: process(program).filter(|_| child.lives()),
            seconds,
            restarts: child.restarts,
            last_end: child.last_end.as_ref().map(|end| end.to_string()),
        }
    })
    .collect()
}
