//! One program over time: it runs, has ended and waits to be started again, or is told to end.

use std::time::Duration;

use super::{End, Patience};

/// Where a program is. Times are those since the director began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It does not run, and nothing is due.
    Absent,
    /// It runs, from then on.
    Running(Duration),
    /// It has ended, and is started again then.
    Waiting(Duration),
    /// It was told to end; then it is killed.
    Stopping(Duration),
    /// It was killed, and its end is waited for.
    Killed,
}

impl Phase {
    /// What it is called.
    pub fn word(self) -> &'static str {
        match self {
            Phase::Absent => "stopped",
            Phase::Running(_) => "running",
            Phase::Waiting(_) => "waiting",
            Phase::Stopping(_) | Phase::Killed => "stopping",
        }
    }
}

/// A program.
#[derive(Clone, Debug)]
pub struct Child {
    /// Where it is.
    pub phase: Phase,
    /// How often it has ended in a row without having been stable.
    pub ends: u32,
    /// How often it was started again since the director began.
    pub restarts: u32,
    /// How it ended last, when nobody had told it to.
    pub last_end: Option<End>,
    /// It ended too often, and has not been stable since.
    pub sick: bool,
}

impl Default for Child {
    fn default() -> Self {
        Child {
            phase: Phase::Absent,
            ends: 0,
            restarts: 0,
            last_end: None,
            sick: false,
        }
    }
}

impl Child {
    /// Whether there is a process.
    pub fn lives(&self) -> bool {
        matches!(
            self.phase,
            Phase::Running(_) | Phase::Stopping(_) | Phase::Killed
        )
    }

    /// Whether it has run for as long as that.
    pub fn has_run(&self, now: Duration, length: Duration) -> bool {
        matches!(self.phase, Phase::Running(since) if now >= since + length)
    }

    /// Takes an end that nobody asked for into account; gives back after how long it is started
    /// again.
    pub fn ended(&mut self, now: Duration, end: End, patience: &Patience) -> Duration {
        if self.has_run(now, patience.stable) {
            self.ends = 0;
        }
        self.ends = self.ends.saturating_add(1);
        self.sick |= self.ends >= patience.ends;
        self.last_end = Some(end);
        let wait = patience.wait(self.ends);
        self.phase = Phase::Waiting(now + wait);
        wait
    }

    /// Forgets its ends when it has been stable; says whether it was sick until now.
    pub fn recovered(&mut self, now: Duration, patience: &Patience) -> bool {
        if !self.has_run(now, patience.stable) {
            return false;
        }
        self.ends = 0;
        std::mem::take(&mut self.sick)
    }

    /// When something is due.
    pub fn deadline(&self, patience: &Patience) -> Option<Duration> {
        match self.phase {
            Phase::Waiting(until) | Phase::Stopping(until) => Some(until),
            Phase::Running(since) if self.ends > 0 => Some(since + patience.stable),
            Phase::Running(_) | Phase::Absent | Phase::Killed => None,
        }
    }
}
