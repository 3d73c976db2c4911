//! How the kernel treats this process: when it runs, and whether its memory stays.

use std::io;
use std::time::Duration;

use nix::errno::Errno;
use nix::sys::resource::{RLIM_INFINITY, Resource, setrlimit};

/// Runs before all processes of ordinary priority, from 1 to 99 (`SCHED_RR`, sched(7)), or as one of
/// them again. Children are ordinary.
///
/// # Errors
/// EPERM without CAP_SYS_NICE.
pub fn set_real_time(priority: Option<u8>) -> io::Result<()> {
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
pub fn limit_real_time(most: Option<Duration>) -> io::Result<()> {
    let micros = most.map(|most| u64::try_from(most.as_micros()).unwrap_or(RLIM_INFINITY));
    let micros = micros.unwrap_or(RLIM_INFINITY);
    Ok(setrlimit(Resource::RLIMIT_RTTIME, micros, micros)?)
}

/// Runs more often than others, down to -20, or less often, up to 19.
///
/// # Errors
/// EACCES without CAP_SYS_NICE.
pub fn set_niceness(niceness: i8) -> io::Result<()> {
    // SAFETY: no pointers.
    let outcome = unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, niceness.into()) };
    Ok(Errno::result(outcome).map(drop)?)
}

/// Keeps all its memory, also what it gets later, from being swapped, or not any more.
///
/// # Errors
/// ENOMEM or EPERM: RLIMIT_MEMLOCK is too low, and there is no CAP_IPC_LOCK.
pub fn lock_memory(locked: bool) -> io::Result<()> {
    // SAFETY: no pointers; where memory is does not change.
    let outcome = unsafe {
        match locked {
            true => libc::mlockall(libc::MCL_CURRENT | libc::MCL_FUTURE),
            false => libc::munlockall(),
        }
    };
    Ok(Errno::result(outcome).map(drop)?)
}

/// What ps(1) and top(1) call it: the first 15 bytes of this.
pub fn set_name(name: &str) -> io::Result<()> {
    let bytes: Vec<u8> = name.bytes().take(15).filter(|byte| *byte != 0).collect();
    let name = std::ffi::CString::new(bytes)?;
    Ok(nix::sys::prctl::set_name(&name)?)
}
