//! Signals, and waiting: until one comes, a descriptor has something, or it is time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::prctl;
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::unistd::Pid;

/// `O_NONBLOCK`.
pub const NONBLOCK: i32 = libc::O_NONBLOCK;

/// Lets a closed pipe end this process, as it does any Unix filter: `ipvsadm -L | head -1`.
///
/// The Rust runtime ignores SIGPIPE, so that writing would fail instead.
pub fn die_of_closed_pipes() {
    // SAFETY: the default action runs no code of ours. It cannot fail for this signal.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}

/// Has a write into a closed pipe fail, and not end this process: what runs for long outlives who
/// reads what it says. Programs that it starts have the usual way again.
pub fn live_with_closed_pipes() {
    // SAFETY: to ignore a signal runs no code of ours. It cannot fail for this signal.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigIgn) };
}

/// Asks a process, which is a child that has not been waited for, to end.
pub fn terminate(process: u32) {
    if let Ok(process) = i32::try_from(process) {
        let _ = kill(Pid::from_raw(process), Signal::SIGTERM);
    }
}

/// Does something with all signals held back. A thread that is started by it never gets one: what is
/// sent to the process is for those who wait for it, and would end it where nobody does.
pub fn without_signals<T>(work: impl FnOnce() -> T) -> T {
    let before = SigSet::all().thread_swap_mask(SigmaskHow::SIG_BLOCK);
    let result = work();
    if let Ok(before) = before {
        let _ = before.thread_set_mask();
    }
    result
}

/// What signals have asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Received {
    /// SIGTERM or SIGINT: to end.
    pub end: bool,
    /// SIGHUP: the terminal is gone, or somebody wants a daemon to read its configuration again.
    pub hang_up: bool,
}

/// Signals that are read, not suffered, from when this was made: those that ask this process to end,
/// and those of children that have ended.
#[derive(Debug)]
pub struct Signals(SignalFd);

impl Signals {
    /// Children that are started later get none of this.
    pub fn open() -> io::Result<Self> {
        let mut set = SigSet::empty();
        for signal in [
            Signal::SIGTERM,
            Signal::SIGINT,
            Signal::SIGHUP,
            Signal::SIGCHLD,
        ] {
            set.add(signal);
        }
        set.thread_block()?;
        let flags = SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC;
        Ok(Signals(SignalFd::with_flags(&set, flags)?))
    }

    /// Reads what has come.
    pub fn receive(&self) -> Received {
        let mut received = Received::default();
        while let Ok(Some(signal)) = self.0.read_signal() {
            let number = signal.ssi_signo;
            received.end |= number == Signal::SIGTERM as u32 || number == Signal::SIGINT as u32;
            received.hang_up |= number == Signal::SIGHUP as u32;
        }
        received
    }

    /// Waits until a signal comes, one of `descriptors` can be read, or `most` is over.
    pub fn wait(&self, descriptors: &[BorrowedFd<'_>], most: Option<Duration>) -> io::Result<()> {
        let all = [self.0.as_fd()]
            .into_iter()
            .chain(descriptors.iter().copied());
        let mut polled: Vec<PollFd> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match ppoll(&mut polled, most.map(TimeSpec::from), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// Has the kernel wake this process when it is time, not up to 50 us later.
pub fn wake_exactly() {
    let _ = prctl::set_timerslack(1);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_that_is_started_without_signals_has_none() {
        let blocks = || SigSet::thread_get_mask().is_ok_and(|mask| mask.contains(Signal::SIGTERM));
        let before = blocks();
        let thread = without_signals(|| std::thread::spawn(blocks));
        assert!(thread.join().unwrap());
        assert_eq!(blocks(), before);
    }
}
