//! How the kernel treats this process: when it runs, and whether its memory stays.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sched::{CpuSet, sched_setaffinity};
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};
use nix::unistd::Pid;

/// How the kernel treats a process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Process {
    /// Before all ordinary ones: 1 to 99.
    pub real_time: Option<u8>,
    /// How long it may then compute without a pause, before the kernel kills it.
    pub real_time_limit: Option<Duration>,
    /// Among ordinary ones: -20, the most, to 19.
    pub niceness: Option<i8>,
    /// Whether its memory is never swapped.
    pub locked: bool,
    /// The CPUs that it runs on; all if there are none.
    pub cpus: Vec<usize>,
    /// What it is called.
    pub name: Option<String>,
}

impl Process {
    /// Has this process, which runs so, run otherwise. It does without what is not allowed, and tells
    /// what that was, and why.
    pub fn turn_to(&mut self, to: &Process) -> Vec<(&'static str, io::Error)> {
        let from = std::mem::replace(self, to.clone());
        let mut wrong = Vec::new();
        let mut note = |what, outcome: io::Result<()>| {
            wrong.extend(outcome.err().map(|error| (what, error)));
        };
        // With a niceness, too: of it, children get no more than of real time.
        if (from.real_time, from.niceness) != (to.real_time, to.niceness) {
            let what = "cannot set the real-time priority";
            note(what, set_real_time(to.real_time));
        }
        if from.real_time_limit != to.real_time_limit {
            let what = "cannot limit real-time computing";
            note(what, limit_real_time(to.real_time_limit));
        }
        if from.niceness != to.niceness {
            let niceness = to.niceness.unwrap_or(0);
            note("cannot set the niceness", set_niceness(niceness));
        }
        if from.locked != to.locked {
            note("cannot lock the memory", lock_memory(to.locked));
        }
        if from.cpus != to.cpus {
            note("cannot choose the CPUs", set_cpus(&to.cpus));
        }
        if let Some(name) = to.name.as_ref().filter(|_| from.name != to.name) {
            note("cannot set the name of the process", set_name(name));
        }
        wrong
    }
}

/// Runs before all processes of ordinary priority, from 1 to 99 (`SCHED_RR`, sched(7)), or as one of
/// them again. Children are ordinary, and have no negative niceness (`SCHED_RESET_ON_FORK`).
///
/// # Errors
/// EPERM without CAP_SYS_NICE.
fn set_real_time(priority: Option<u8>) -> io::Result<()> {
    let policy = match priority {
        Some(_) => libc::SCHED_RR,
        None => libc::SCHED_OTHER,
    };
    let parameters = libc::sched_param {
        sched_priority: priority.unwrap_or(0).into(),
    };
    // SAFETY: the kernel reads the parameters and keeps no pointer to them.
    let outcome =
        unsafe { libc::sched_setscheduler(0, policy | libc::SCHED_RESET_ON_FORK, &parameters) };
    Ok(Errno::result(outcome).map(drop)?)
}

/// Has the kernel kill it when it computes for so long without a pause while it runs before all
/// others (`RLIMIT_RTTIME`, getrlimit(2)): a loop that never ends would stop the machine.
///
/// # Errors
/// EPERM without CAP_SYS_RESOURCE, where there is a lower limit.
fn limit_real_time(most: Option<Duration>) -> io::Result<()> {
    let micros = most.map(|most| u64::try_from(most.as_micros()).unwrap_or(RLIM_INFINITY));
    let micros = micros.unwrap_or(RLIM_INFINITY);
    Ok(setrlimit(Resource::RLIMIT_RTTIME, micros, micros)?)
}

/// Runs more often than others, down to -20, or less often, up to 19.
///
/// # Errors
/// EACCES without CAP_SYS_NICE.
fn set_niceness(niceness: i8) -> io::Result<()> {
    // SAFETY: no pointers.
    let outcome = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness.into()) };
    Ok(Errno::result(outcome).map(drop)?)
}

/// Keeps all its memory, also what it gets later, from being swapped, or not any more.
///
/// # Errors
/// ENOMEM or EPERM: RLIMIT_MEMLOCK is too low, and there is no CAP_IPC_LOCK.
fn lock_memory(locked: bool) -> io::Result<()> {
    // SAFETY: no pointers; where memory is does not change.
    let outcome = unsafe {
        match locked {
            true => libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE),
            false => libc::munlockall(),
        }
    };
    Ok(Errno::result(outcome).map(drop)?)
}

/// Runs on these CPUs only, or on all again if there are none.
///
/// # Errors
/// There is no such CPU.
fn set_cpus(cpus: &[usize]) -> io::Result<()> {
    let mut set = CpuSet::new();
    let all: Vec<usize> = (0..CpuSet::count()).collect();
    for cpu in if cpus.is_empty() { &all } else { cpus } {
        set.set(*cpu)?;
    }
    Ok(sched_setaffinity(Pid::from_raw(0), &set)?)
}

/// What ps(1) and top(1) call it: the first 15 bytes of this.
fn set_name(name: &str) -> io::Result<()> {
    let bytes: Vec<u8> = name.bytes().take(15).filter(|byte| *byte != 0).collect();
    let name = std::ffi::CString::new(bytes)?;
    Ok(nix::sys::prctl::set_name(&name)?)
}
