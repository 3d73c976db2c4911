//! A program that runs, with its children: ours, or keepalived.

use std::fs;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Result;

/// Ticks of a second in /proc (USER_HZ).
const TICKS: f64 = 100.0;

/// Where what runs writes what it has to say.
const LOG: &str = "/dev/shm/bench.log";

pub struct Running(Child);

impl Running {
    /// Starts our program, or keepalived, which has more options then.
    pub fn start(ours: Option<&str>, file: &str, options: &[&str]) -> Result<Self> {
        let pid = |name: &str| format!("/dev/shm/bench.{name}.pid");
        let mut command = Command::new(ours.unwrap_or("keepalived"));
        match ours {
            Some(_) => command.args(["run", "-f", file]),
            None => command
                .args(["-n", "-l", "-G", "-f", file])
                .args([
                    "-p",
                    &pid("main"),
                    "-c",
                    &pid("checkers"),
                    "-r",
                    &pid("vrrp"),
                ])
                .args(options),
        };
        let log = fs::File::create(LOG)?;
        command.stdin(Stdio::null()).stdout(log.try_clone()?);
        let child = command.stderr(log).spawn();
        Ok(Running(
            child.map_err(|error| format!("{command:?}: {error}"))?,
        ))
    }

    /// How many lines of the log have this in them.
    pub fn said(&self, words: &str) -> Result<usize> {
        let log = fs::read_to_string(LOG)?;
        Ok(log.lines().filter(|line| line.contains(words)).count())
    }

    /// The process and its children.
    fn processes(&self) -> Vec<u32> {
        let id = self.0.id();
        let path = format!("/proc/{id}/task/{id}/children");
        let children = fs::read_to_string(path).unwrap_or_default();
        let children = children.split_whitespace().filter_map(|id| id.parse().ok());
        std::iter::once(id).chain(children).collect()
    }

    /// How much of the processor all have had.
    pub fn cpu(&self) -> Result<Duration> {
        let mut ticks = 0.0;
        for id in self.processes() {
            let text = fs::read_to_string(format!("/proc/{id}/stat"))?;
            let (_, after) = text.rsplit_once(')').ok_or("no stat")?;
            let fields: Vec<&str> = after.split_whitespace().collect();
            // Those behind the name begin with the third of proc(5); these are 14 and 15.
            ticks += fields[11].parse::<f64>()? + fields[12].parse::<f64>()?;
        }
        Ok(Duration::from_secs_f64(ticks / TICKS))
    }

    /// The most that was resident, of each of the processes, in KiB.
    pub fn memory(&self) -> Vec<u64> {
        let peak = |id| -> Option<u64> {
            let text = fs::read_to_string(format!("/proc/{id}/status")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
            line.split_whitespace().next()?.parse().ok()
        };
        self.processes().into_iter().filter_map(peak).collect()
    }

    pub fn reload(&self) -> Result {
        self.signal(Signal::SIGHUP)
    }

    fn signal(&self, signal: Signal) -> Result {
        Ok(kill(Pid::from_raw(i32::try_from(self.0.id())?), signal)?)
    }

    /// How long it takes to end.
    pub fn stop(&mut self, patience: Duration) -> Result<Option<Duration>> {
        let begin = Instant::now();
        self.signal(Signal::SIGTERM)?;
        while begin.elapsed() < patience {
            if self.0.try_wait()?.is_some() {
                return Ok(Some(begin.elapsed()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(None)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has been waited for has no number any more.
        if let Ok(None) = self.0.try_wait() {
            for id in self.processes().into_iter().skip(1) {
                if let Ok(id) = i32::try_from(id) {
                    let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
                }
            }
        }
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Runs a program with this on its standard input.
pub fn feed(program: &str, arguments: &[&str], input: &str) -> Result {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin.write_all(input.as_bytes())?;
    }
    match child.wait()? {
        status if status.success() => Ok(()),
        status => Err(format!("{program} ended with {status}").into()),
    }
}

/// What a program prints.
pub fn ask(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).output()?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
