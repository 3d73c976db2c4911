//! The programs that a director consists of, kept alive: which run, when one is started again, when
//! the virtual addresses are given up rather than held by a sick machine, in which order all ends.
//!
//! `child` is one program over time, `director` all of them, `pulse` whether one answers; all are pure, time is passed in. What
//! they decide is carried out by `lvs-director run`. `control` is how it is asked things.

use std::fmt;
use std::time::Duration;

pub mod child;
pub mod control;
pub mod director;
pub mod pulse;
pub mod status;

/// A program that a director starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Program {
    /// Checks real servers and keeps the IPVS table.
    Check,
    /// Speaks VRRP and has the virtual addresses.
    Vrrp,
}

impl Program {
    /// All of them, in the order in which they are started: the table should be there before the
    /// address.
    pub const ALL: [Program; 2] = [Program::Check, Program::Vrrp];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Program::Check => "lvs-check",
            Program::Vrrp => "lvs-vrrp",
        }
    }
}

impl fmt::Display for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which programs a configuration has something for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// There is a virtual server.
    pub check: bool,
    /// There is a VRRP instance.
    pub vrrp: bool,
}

impl Needs {
    /// Whether it has something for this one.
    pub fn has(self, program: Program) -> bool {
        match program {
            Program::Check => self.check,
            Program::Vrrp => self.vrrp,
        }
    }
}

/// How a program ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// With this exit status.
    Status(i32),
    /// Killed by the signal of this number.
    Signal(i32),
    /// It could not be started, and why.
    NotStarted(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            End::Status(status) => write!(f, "ended with status {status}"),
            End::Signal(signal) => write!(f, "was killed by signal {signal}"),
            End::NotStarted(why) => write!(f, "cannot be started: {why}"),
        }
    }
}

/// How patient a director is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long a program must run to count as started.
    pub settle: Duration,
    /// How long it must run for its earlier ends to be forgotten.
    pub stable: Duration,
    /// How many ends in a row, each before it was stable, make a program sick.
    pub ends: u32,
    /// The longest wait before another start.
    pub longest_wait: Duration,
    /// How long a program may take to end when it is told to; then it is killed.
    pub stop: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            settle: Duration::from_millis(300),
            stable: Duration::from_secs(10),
            ends: 4,
            longest_wait: Duration::from_secs(30),
            // `child_wait_time` of keepalived.
            stop: Duration::from_secs(5),
        }
    }
}

impl Patience {
    /// How long to wait for the next start after so many ends in a row: not at all after the first,
    /// then a second, and twice as long each time.
    pub fn wait(&self, ends: u32) -> Duration {
        match ends {
            0 | 1 => Duration::ZERO,
            _ => {
                let seconds = 1u64.checked_shl(ends - 2).unwrap_or(u64::MAX);
                Duration::from_secs(seconds).min(self.longest_wait)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_the_longest() {
        let patience = Patience::default();
        let waits: Vec<u64> = (0..9).map(|ends| patience.wait(ends).as_secs()).collect();
        assert_eq!(waits, [0, 0, 1, 2, 4, 8, 16, 30, 30]);
        assert_eq!(patience.wait(u32::MAX).as_secs(), 30);
    }
}
