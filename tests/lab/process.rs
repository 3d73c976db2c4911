//! One call of a program, and all that comes out of it.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Read, Seek, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nix::fcntl::OFlag;
use nix::sys::memfd::{MFdFlags, memfd_create};
use nix::sys::signal::{Signal, kill};
use nix::unistd::{Pid, close, pipe2};

use crate::fail::{Context, Result};
use crate::namespace::{Mount, in_network, with_mounts};
use crate::transcript::Output;

/// How long a call may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is run, in which surroundings.
#[derive(Default)]
pub struct Call<'a> {
    pub program: PathBuf,
    pub argv0: &'a str,
    pub arguments: &'a [String],
    pub stdin: &'a str,
    /// Added to an environment of nothing but `PATH`.
    pub env: Option<&'a BTreeMap<String, String>>,
    pub uid: Option<u32>,
    pub stdout: Output,
    /// A namespace made by `ip netns add`.
    pub network: Option<&'a str>,
    pub mounts: Vec<Mount>,
}

/// What came out, and what the table looked like afterwards.
#[derive(Clone, Debug, PartialEq)]
pub struct Outcome {
    pub stdout: String,
    pub stderr: String,
    /// The exit status, or the negative number of the signal.
    pub rc: i32,
    /// Empty until the table was looked at.
    pub after: String,
}

/// A command with a clean environment.
pub fn command(program: &Path) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
    command
}

/// Runs a helper of the machine, such as `ip`, which must succeed.
pub fn helper(program: &str, arguments: &[&str], stdin: &str) -> Result {
    let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
    let call = Call {
        program: program.into(),
        argv0: program,
        arguments: &arguments,
        stdin,
        ..Call::default()
    };
    match call.run()? {
        Outcome { rc: 0, .. } => Ok(()),
        Outcome {
            rc, stdout, stderr, ..
        } => Err(format!(
            "{program} {} ended with {rc}\n{stdout}{stderr}",
            arguments.join(" ")
        )),
    }
}

/// Sends a signal to the program of that name that a process has started.
pub fn signal_child(parent: u32, name: &str, signal: Signal) -> Result {
    let children = format!("/proc/{parent}/task/{parent}/children");
    let children = fs::read_to_string(&children).context(children)?;
    for child in children.split_whitespace() {
        let comm = fs::read_to_string(format!("/proc/{child}/comm")).unwrap_or_default();
        if comm.trim() == name {
            let child = child.parse().context("process")?;
            return kill(Pid::from_raw(child), signal).context("kill");
        }
    }
    Err(format!("no {name} among {children}"))
}

impl Call<'_> {
    pub fn run(&self) -> Result<Outcome> {
        let mut stdin = memory_file()?;
        stdin
            .write_all(self.stdin.as_bytes())
            .and_then(|()| stdin.rewind())
            .context("stdin")?;
        let (mut stdout, mut stderr) = (memory_file()?, memory_file()?);
        let mut command = command(&self.program);
        command
            .arg0(self.argv0)
            .args(self.arguments)
            .envs(self.env.into_iter().flatten());
        command
            .stdin(stdin)
            .stdout(self.stdout(&stdout)?)
            .stderr(stderr.try_clone().context("stderr")?);
        if let Some(uid) = self.uid {
            command.uid(uid).gid(uid);
        }
        if self.stdout == Output::Closed {
            // SAFETY: the closure runs between fork and exec and makes one system call, which is
            // async-signal-safe; nothing of the child owns file descriptor 1.
            unsafe { command.pre_exec(|| Ok(close(1)?)) };
        }
        let status = wait(self.spawn(&mut command)?)?;
        Ok(Outcome {
            stdout: text_of(&mut stdout)?,
            stderr: text_of(&mut stderr)?,
            rc: status
                .code()
                .or(status.signal().map(|signal| -signal))
                .unwrap_or(i32::MIN),
            after: String::new(),
        })
    }

    /// A process starts in the namespaces of the thread that starts it.
    fn spawn(&self, command: &mut Command) -> Result<Child> {
        let mut spawn = || command.spawn().context(self.program.display());
        match (self.network, self.mounts.as_slice()) {
            (None, []) => spawn(),
            (None, mounts) => with_mounts(mounts, spawn),
            (Some(network), mounts) => in_network(network, || with_mounts(mounts, spawn)),
        }
    }

    fn stdout(&self, captured: &File) -> Result<Stdio> {
        Ok(match self.stdout {
            Output::Captured | Output::Closed => captured.try_clone().context("stdout")?.into(),
            Output::Full => File::options()
                .write(true)
                .open("/dev/full")
                .context("/dev/full")?
                .into(),
            Output::ClosedPipe => pipe2(OFlag::O_CLOEXEC).context("pipe")?.1.into(),
        })
    }
}

/// Waits for the end of a process, but not for ever.
fn wait(mut child: Child) -> Result<ExitStatus> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(status) = child.try_wait().context("wait")? {
            return Ok(status);
        }
        if Instant::now() > deadline {
            child.kill().and_then(|()| child.wait()).context("kill")?;
            return Err(format!("still running after {} s", PATIENCE.as_secs()));
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// A file without a name. The streams of a call are files: no reader is needed while it runs.
pub fn memory_file() -> Result<File> {
    memfd_create("lab", MFdFlags::MFD_CLOEXEC)
        .map(File::from)
        .context("memory file")
}

fn text_of(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()
        .and_then(|()| file.read_to_end(&mut bytes))
        .context("output")?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
