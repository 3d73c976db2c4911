//! Programs that are started and must not outlive whoever started them; a process in the background.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::sched::{CloneFlags, setns};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigSet, Signal, kill};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    ForkResult, Pid, chdir, dup2_stderr, dup2_stdin, dup2_stdout, fork, getppid, pipe2, setsid,
};

/// What the kernel does to a program when whoever started it dies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Orphaned {
    /// It is told to end, and ends in order.
    Ends,
    /// It is killed, and leaves all as it is.
    IsKilled,
}

/// A signal for a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// SIGHUP.
    Hangup,
    /// SIGTERM.
    Terminate,
    /// SIGKILL.
    Kill,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With this exit status.
    Status(i32),
    /// Killed by the signal of this number.
    Signal(i32),
}

/// A program that runs, and what it says.
#[derive(Debug)]
pub struct Program {
    child: Child,
    lines: Lines,
}

impl Program {
    /// Starts a program. What it writes to standard output and standard error is read as lines; it
    /// never waits for the reader: what does not fit is lost.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(path: &Path, arguments: &[&OsStr], orphaned: Orphaned) -> io::Result<Self> {
        let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
        for end in [&reader, &writer] {
            fcntl(end, FcntlArg::F_SETFL(OFlag::O_NONBLOCK))?;
        }
        let parent = Pid::this();
        let signal = match orphaned {
            Orphaned::Ends => Signal::SIGTERM,
            Orphaned::IsKilled => Signal::SIGKILL,
        };
        let mut command = Command::new(path);
        command
            .args(arguments)
            // What is told to the service manager, one tells.
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            // What is typed at a terminal is for the one who has started it.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(writer.try_clone()?)
            .stderr(writer);
        let prepare = move || {
            prctl::set_pdeathsig(signal)?;
            // It may have died before that.
            if getppid() != parent {
                return Err(io::ErrorKind::BrokenPipe.into());
            }
            SigSet::empty().thread_set_mask()?;
            Ok(())
        };
        // SAFETY: between fork and exec it makes three system calls, which are async-signal-safe,
        // and allocates nothing.
        unsafe { command.pre_exec(prepare) };
        Ok(Program {
            child: command.spawn()?,
            lines: Lines {
                pipe: reader.into(),
                rest: Vec::new(),
                is_open: true,
            },
        })
    }

    /// The number of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends it a signal.
    pub fn tell(&self, sign: Sign) {
        let signal = match sign {
            Sign::Hangup => Signal::SIGHUP,
            Sign::Terminate => Signal::SIGTERM,
            Sign::Kill => Signal::SIGKILL,
        };
        // It has not been waited for, so the number is still its own.
        if let Ok(id) = i32::try_from(self.child.id()) {
            let _ = kill(Pid::from_raw(id), signal);
        }
    }

    /// How it has ended, if it has; never waits.
    pub fn ended(&mut self) -> Option<Ended> {
        match self.child.try_wait() {
            Ok(None) => None,
            Ok(Some(status)) => Some(match status.signal() {
                Some(signal) => Ended::Signal(signal),
                None => Ended::Status(status.code().unwrap_or(1)),
            }),
            Err(_) => Some(Ended::Status(1)),
        }
    }

    /// Hands on the lines that have come; never waits.
    pub fn read(&mut self, each: impl FnMut(&str)) {
        self.lines.read(each);
    }

    /// Hands on all that has come, also a line without an end.
    pub fn read_last(&mut self, mut each: impl FnMut(&str)) {
        self.lines.read(&mut each);
        if !self.lines.rest.is_empty() {
            each(&String::from_utf8_lossy(&self.lines.rest));
            self.lines.rest.clear();
        }
    }

    /// What becomes readable when there are lines; nothing, when none can come any more.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.lines.is_open.then(|| self.lines.pipe.as_fd())
    }
}

#[derive(Debug)]
struct Lines {
    pipe: File,
    /// What has come of a line whose end has not.
    rest: Vec<u8>,
    /// Whether somebody may write to it.
    is_open: bool,
}

impl Lines {
    fn read(&mut self, mut each: impl FnMut(&str)) {
        /// A line is cut there, in bytes.
        const LONGEST: usize = 8192;
        /// So many reads at a time, so that one that never stops talking does not hold up the rest.
        const READS: usize = 64;
        let mut some = [0; 4096];
        for _ in 0..READS {
            match self.pipe.read(&mut some) {
                Ok(0) => {
                    self.is_open = false;
                    break;
                }
                Ok(length) => self.rest.extend(&some[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
            while let Some(end) = self.rest.iter().position(|&byte| byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                each(&String::from_utf8_lossy(&line[..end]));
            }
            if self.rest.len() > LONGEST {
                each(&String::from_utf8_lossy(&self.rest));
                self.rest.clear();
            }
        }
    }
}

/// From here on, the mode of files that are made lacks these bits.
pub fn set_umask(bits: u32) {
    umask(Mode::from_bits_truncate(bits));
}

/// Lets this process, and those that it starts, leave core files of any size.
///
/// # Errors
/// It may not.
pub fn allow_core_files() -> io::Result<()> {
    let (_, most) = getrlimit(Resource::RLIMIT_CORE)?;
    match setrlimit(
        Resource::RLIMIT_CORE,
        libc::RLIM_INFINITY,
        libc::RLIM_INFINITY,
    ) {
        Ok(()) => Ok(()),
        Err(_) => Ok(setrlimit(Resource::RLIMIT_CORE, most, most)?),
    }
}

/// Where the network namespace of a name is, one that `ip netns add` has made.
fn network(name: &str) -> PathBuf {
    Path::new("/run/netns").join(name)
}

/// Enters a network namespace.
///
/// # Errors
/// There is none of that name, or it may not be entered.
pub fn enter_network(name: &str) -> io::Result<()> {
    let file = File::open(network(name))?;
    Ok(setns(file, CloneFlags::CLONE_NEWNET)?)
}

/// Does something in another network namespace, and comes back; without a name in that of the
/// machine's first process. What is opened there stays there.
///
/// # Errors
/// There is none of that name, or it may not be entered; nothing was done. Or, which the kernel
/// does not let happen to one that may enter another, the way back is closed.
pub fn in_network<T>(name: &str, act: impl FnOnce() -> T) -> io::Result<T> {
    let there = match name {
        "" => PathBuf::from("/proc/1/ns/net"),
        name => network(name),
    };
    let (own, there) = (File::open(OWN_NETWORK)?, File::open(there)?);
    setns(there, CloneFlags::CLONE_NEWNET)?;
    let done = act();
    setns(own, CloneFlags::CLONE_NEWNET)?;
    Ok(done)
}

/// That of this thread.
const OWN_NETWORK: &str = "/proc/thread-self/ns/net";

/// Whether this thread is in the network namespace of that name.
pub fn is_in_network(name: &str) -> bool {
    let number = |path: &Path| fs::metadata(path).map(|file| (file.dev(), file.ino())).ok();
    let own = number(Path::new(OWN_NETWORK));
    own.is_some() && own == number(&network(name))
}

/// What a process in the background owes to whoever waits for it.
#[derive(Debug)]
pub struct Debt(OwnedFd);

impl Debt {
    /// Lets the one that waits end well. If this never happens, it ends badly.
    pub fn settle(self) {
        let _ = File::from(self.0).write_all(b"1");
    }
}

/// Where a process finds itself after it has split.
#[derive(Debug)]
pub enum Split {
    /// The one that was called: whether the other one settled its debt.
    Front(bool),
    /// The one in the background.
    Background(Debt),
}

/// Splits in two: one goes on in the background, in `/` and without a terminal; the other waits for
/// what becomes of it. To be called while there is one thread.
///
/// # Errors
/// There is one process, as before.
pub fn go_to_background() -> io::Result<Split> {
    let (reader, writer) = pipe2(OFlag::O_CLOEXEC)?;
    // SAFETY: there is one thread, so that the new process may do all that this one may.
    match unsafe { fork() }? {
        ForkResult::Parent { .. } => {
            drop(writer);
            let mut told = Vec::new();
            File::from(reader).read_to_end(&mut told)?;
            Ok(Split::Front(!told.is_empty()))
        }
        ForkResult::Child => {
            setsid()?;
            chdir("/")?;
            let null = File::options()
                .read(true)
                .write(true)
                .custom_flags(libc::O_NOCTTY)
                .open("/dev/null")?;
            dup2_stdin(&null)?;
            dup2_stdout(&null)?;
            dup2_stderr(&null)?;
            Ok(Split::Background(Debt(writer)))
        }
    }
}
