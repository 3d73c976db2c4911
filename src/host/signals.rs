//! Signals, and waiting: until one comes, a descriptor has something, or it is time.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::libc;
use nix::poll::{PollFd, PollFlags, ppoll};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, kill, signal};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::time::TimeSpec;
use nix::sys::timerfd::{ClockId, Expiration, TimerFd, TimerFlags, TimerSetTimeFlags};
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
pub struct Signals {
    arrived: SignalFd,
    /// Of those who have it right to the microsecond.
    alarm: Option<TimerFd>,
}

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
        Ok(Signals {
            arrived: SignalFd::with_flags(&set, flags)?,
            alarm: None,
        })
    }

    /// Has [`Signals::wait`] end when it is time. Without this the kernel lets poll(2) sleep longer by
    /// a thousandth (`select_estimate_accuracy`), which is 3.6 ms of 3.6 s, so that it wakes less
    /// often; a timer of its own has no such slack.
    pub fn wake_exactly(&mut self) -> io::Result<()> {
        let flags = TimerFlags::TFD_NONBLOCK | TimerFlags::TFD_CLOEXEC;
        self.alarm = Some(TimerFd::new(ClockId::CLOCK_MONOTONIC, flags)?);
        Ok(())
    }

    /// Reads what has come.
    pub fn receive(&self) -> Received {
        let mut received = Received::default();
        while let Ok(Some(signal)) = self.arrived.read_signal() {
            let number = signal.ssi_signo;
            received.end |= number == Signal::SIGTERM as u32 || number == Signal::SIGINT as u32;
            received.hang_up |= number == Signal::SIGHUP as u32;
        }
        received
    }

    /// Waits until a signal comes, one of `descriptors` can be read, or `most` is over.
    pub fn wait(&self, descriptors: &[BorrowedFd<'_>], most: Option<Duration>) -> io::Result<()> {
        let (alarm, most) = match (&self.alarm, most) {
            // A timer that is set to nothing is one that is stopped.
            (Some(alarm), Some(most)) if !most.is_zero() => {
                let once = Expiration::OneShot(most.into());
                alarm.set(once, TimerSetTimeFlags::empty())?;
                (Some(alarm.as_fd()), None)
            }
            _ => (None, most),
        };
        let all = [self.arrived.as_fd()].into_iter().chain(alarm);
        let all = all.chain(descriptors.iter().copied());
        let mut polled: Vec<PollFd> = all.map(|fd| PollFd::new(fd, PollFlags::POLLIN)).collect();
        match ppoll(&mut polled, most.map(TimeSpec::from), None) {
            Ok(_) | Err(Errno::EINTR) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
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
