//! The terminal as a screen: raw keys in, the alternate screen out, and the terminal as it was
//! before on every way out: at the end, by a signal, in a panic, and while the program is stopped.
//!
//! There is one thread and no loop that is busy: [`Terminal::wait`] sleeps in one poll(2) over keys,
//! signals and the time. Signals that end the program do not wait for that: their handler gives the
//! terminal back at once, whatever the program is doing, and then lets the signal do its work.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::panic;
use std::ptr;
use std::sync::Once;
use std::sync::atomic::{AtomicPtr, Ordering};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::signal::{SaFlags, SigAction, SigHandler, SigSet, Signal, kill, raise, sigaction};
use nix::sys::signalfd::{SfdFlags, SignalFd};
use nix::sys::termios::{SetArg, Termios, cfmakeraw, tcgetattr, tcsetattr};
use nix::unistd::{Pid, read};

/// The alternate screen; no cursor; what is too long for a line does not go on in the next.
const ENTER: &[u8] = b"\x1b[?1049h\x1b[?25l\x1b[?7l";

/// All of that back, and no style. The escape at its beginning also ends a sequence of which a
/// signal let only a part be written.
const LEAVE: &[u8] = b"\x1b[0m\x1b[?7h\x1b[?25h\x1b[?1049l";

/// Signals that end the program.
const ENDING: [Signal; 4] = [
    Signal::SIGTERM,
    Signal::SIGINT,
    Signal::SIGHUP,
    Signal::SIGQUIT,
];

/// Signals that [`Terminal::wait`] tells of.
const TOLD: [Signal; 3] = [Signal::SIGWINCH, Signal::SIGTSTP, Signal::SIGCONT];

/// The columns and lines of a terminal.
pub type Size = (u16, u16);

/// The columns and lines of the terminal that standard output is, if it is one and knows them.
pub fn size_of_output() -> Option<Size> {
    size(io::stdout().as_fd())
}

fn size(terminal: BorrowedFd<'_>) -> Option<Size> {
    let mut size = MaybeUninit::<libc::winsize>::uninit();
    // SAFETY: TIOCGWINSZ fills a `struct winsize`, and has done so when it answers 0.
    let size = unsafe {
        match libc::ioctl(terminal.as_raw_fd(), libc::TIOCGWINSZ, size.as_mut_ptr()) {
            0 => size.assume_init(),
            _ => return None,
        }
    };
    (size.ws_col > 0 && size.ws_row > 0).then_some((size.ws_col, size.ws_row))
}

/// What [`Terminal::wait`] woke up for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// These bytes came from the keyboard.
    Keys(Vec<u8>),
    /// The terminal has another size.
    Resized,
    /// The program is to stop, by a signal from outside.
    Stop,
    /// The program goes on after a stop; the terminal is a screen again.
    Continued,
    /// Nothing has happened for the time asked for.
    Nothing,
    /// The keyboard is gone.
    Closed,
}

/// The terminal, taken over until this value is dropped. There is one at a time.
pub struct Terminal {
    keyboard: File,
    before: *mut Before,
    signals: SignalFd,
    raw: Termios,
    /// What the signals were before.
    actions: Vec<(Signal, SigAction)>,
    mask: SigSet,
}

/// How the terminal was before.
struct Before {
    keyboard: libc::c_int,
    settings: libc::termios,
}

/// How the terminal was before, while it is taken over: handlers of signals and panics cannot be
/// handed anything.
static BEFORE: AtomicPtr<Before> = AtomicPtr::new(ptr::null_mut());

impl Terminal {
    /// Takes the terminal over: standard output, with the keyboard from standard input if that is a
    /// terminal too, else from `/dev/tty`.
    ///
    /// # Errors
    /// Standard output is no terminal, there is no keyboard, or the terminal is gone.
    pub fn open() -> io::Result<Self> {
        let keyboard = match io::stdin().is_terminal() {
            true => File::from(io::stdin().as_fd().try_clone_to_owned()?),
            false => File::open("/dev/tty")?,
        };
        let before = tcgetattr(&keyboard)?;
        let mut raw = before.clone();
        cfmakeraw(&mut raw);
        // It stays for ever: a handler may be reading it at any time.
        let before = Box::into_raw(Box::new(Before {
            keyboard: keyboard.as_raw_fd(),
            settings: before.into(),
        }));

        let told = SigSet::from_iter(TOLD);
        let signals = SignalFd::with_flags(&told, SfdFlags::SFD_NONBLOCK | SfdFlags::SFD_CLOEXEC)?;
        let mask = told.thread_swap_mask(nix::sys::signal::SigmaskHow::SIG_BLOCK)?;
        // From here on, dropping puts back what has been changed.
        let mut terminal = Terminal {
            keyboard,
            before,
            signals,
            raw,
            actions: Vec::new(),
            mask,
        };
        restore_in_panics();
        terminal.restore_at_signals()?;
        terminal.enter()?;
        Ok(terminal)
    }

    /// The columns and lines; those of a VT100 where the terminal does not know.
    pub fn size(&self) -> Size {
        size_of_output().unwrap_or((80, 24))
    }

    /// Writes to the screen.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        let mut output = io::stdout().lock();
        output.write_all(bytes)?;
        output.flush()
    }

    /// Waits until something happens, but no longer than `time`.
    pub fn wait(&mut self, time: Duration) -> io::Result<Event> {
        // Rounded up: else the last moment would be a busy one.
        let milliseconds = time.as_nanos().div_ceil(1_000_000);
        let timeout = i32::try_from(milliseconds).unwrap_or(i32::MAX);
        let timeout = PollTimeout::try_from(timeout).unwrap_or(PollTimeout::MAX);
        let mut ready = [
            PollFd::new(self.signals.as_fd(), PollFlags::POLLIN),
            PollFd::new(self.keyboard.as_fd(), PollFlags::POLLIN),
        ];
        match poll(&mut ready, timeout) {
            Ok(0) | Err(Errno::EINTR) => return Ok(Event::Nothing),
            Ok(_) => {}
            Err(error) => return Err(error.into()),
        }
        let [signal, keyboard] = ready.map(|ready| ready.any().unwrap_or(false));
        if signal {
            if let Some(event) = self.signal()? {
                return Ok(event);
            }
        }
        if !keyboard {
            return Ok(Event::Nothing);
        }
        let mut bytes = [0; 256];
        match read(&self.keyboard, &mut bytes) {
            Ok(0) | Err(Errno::EIO) => Ok(Event::Closed),
            Ok(length) => Ok(Event::Keys(bytes[..length].to_vec())),
            Err(Errno::EINTR | Errno::EAGAIN) => Ok(Event::Nothing),
            Err(error) => Err(error.into()),
        }
    }

    fn signal(&mut self) -> io::Result<Option<Event>> {
        let Some(info) = self.signals.read_signal()? else {
            return Ok(None);
        };
        Ok(match Signal::try_from(info.ssi_signo as i32) {
            Ok(Signal::SIGWINCH) => Some(Event::Resized),
            Ok(Signal::SIGTSTP) => Some(Event::Stop),
            Ok(Signal::SIGCONT) => {
                // The shell may have changed the terminal meanwhile.
                self.enter()?;
                Some(Event::Continued)
            }
            _ => None,
        })
    }

    /// Gives the terminal back and stops this process, with all of its job when the user asked for
    /// it; returns when it goes on, with the terminal taken over again.
    pub fn stop(&mut self, whole_job: bool) -> io::Result<()> {
        restore();
        match whole_job {
            true => kill(Pid::from_raw(0), Signal::SIGTSTP)?,
            false => raise(Signal::SIGTSTP)?,
        }
        // Blocked, it waits; let through, it stops the process here.
        let stop = SigSet::from(Signal::SIGTSTP);
        stop.thread_unblock()?;
        stop.thread_block()?;
        self.enter()
    }

    fn enter(&mut self) -> io::Result<()> {
        BEFORE.store(self.before, Ordering::SeqCst);
        tcsetattr(&self.keyboard, SetArg::TCSADRAIN, &self.raw)?;
        self.write(ENTER)
    }

    fn restore_at_signals(&mut self) -> io::Result<()> {
        // The handler runs once, and the signal comes again when it is done.
        let action = SigAction::new(
            SigHandler::Handler(restore_and_die),
            SaFlags::SA_RESETHAND,
            SigSet::empty(),
        );
        for signal in ENDING {
            // SAFETY: the handler does only what a handler may do, see there.
            let before = unsafe { sigaction(signal, &action)? };
            self.actions.push((signal, before));
            // Who was started to ignore it (nohup) goes on ignoring it.
            if matches!(before.handler(), SigHandler::SigIgn) {
                // SAFETY: this is the action that was there before.
                unsafe { sigaction(signal, &before)? };
            }
        }
        Ok(())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        restore();
        for (signal, action) in &self.actions {
            // SAFETY: these are the actions that were there before.
            let _ = unsafe { sigaction(*signal, action) };
        }
        let _ = self.mask.thread_set_mask();
    }
}

/// Puts the terminal back, if it is taken over. It makes only calls that a handler of signals may
/// make (signal-safety(7)), and takes no lock.
fn restore() {
    let before = BEFORE.swap(ptr::null_mut(), Ordering::SeqCst);
    // SAFETY: what is not null there was made by `Terminal::open` and is never freed or changed.
    let Some(before) = (unsafe { before.as_ref() }) else {
        return;
    };
    let mut output = libc::pollfd {
        fd: libc::STDOUT_FILENO,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: plain system calls with memory that lives through them.
    unsafe {
        // In the background the terminal is another job's, and touching it would stop this one.
        let foreground = libc::tcgetpgrp(before.keyboard);
        if foreground >= 0 && foreground != libc::getpgrp() {
            return;
        }
        libc::tcsetattr(before.keyboard, libc::TCSANOW, &before.settings);
        // A terminal that takes nothing any more must not keep the program from its end.
        if libc::poll(&mut output, 1, 0) == 1 {
            libc::write(libc::STDOUT_FILENO, LEAVE.as_ptr().cast(), LEAVE.len());
        }
    }
}

/// Handles a signal that ends the program: its action is the default one again, so that it kills
/// the program as soon as this returns, and who waits for it sees by what.
extern "C" fn restore_and_die(signal: libc::c_int) {
    restore();
    // SAFETY: raise may be called here.
    unsafe { libc::raise(signal) };
}

/// A panic aborts the program, and nothing is dropped.
fn restore_in_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let tell = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            restore();
            tell(panic);
        }));
    });
}
