//! Commands of users as processes: scripts that are run again and again, notifications that are run
//! once; and processes that others run, which are counted. Nothing here waits for one.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use crate::host::{running, signals};

use super::Moment;
use super::command::{Account, CommandLine, Text};
use super::instance::{Script, Task};
use super::process::Count;
use super::tracking::Verdict;

/// How long a script that was told to end may take before it is killed.
const GRACE: Duration = Duration::from_secs(2);

/// Starts a command, with more arguments behind its own.
pub fn start(command: &CommandLine, arguments: &[String]) -> io::Result<Child> {
    let mut process = match &command.text {
        Text::Words(words) => {
            let mut process = Command::new(&words[0]);
            process.args(&words[1..]).args(arguments);
            process
        }
        Text::Shell(text) => {
            let mut process = Command::new("/bin/sh");
            // Behind the text, so that what is a word stays one: `"$@"`.
            let text = format!("{text} \"$@\"");
            process.args(["-c", &text, "sh"]).args(arguments);
            process
        }
    };
    if let Some(Account { uid, gid }) = command.account {
        // With its other groups gone, too.
        process.uid(uid).gid(gid);
    }
    process.stdin(Stdio::null()).spawn()
}

/// A script, and how it fared.
#[derive(Debug)]
pub struct Watched {
    script: Script,
    verdict: Verdict,
    next: Moment,
    running: Option<Running>,
    /// The processes that were counted last.
    counted: Vec<u32>,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// When it is told to end, and then when it is killed.
    end_at: Moment,
    told: bool,
}

impl Watched {
    /// One that is to be run at once.
    pub fn new(script: Script, now: Moment) -> Self {
        Watched {
            verdict: match script.begins_failed {
                true => Verdict::failed(script.rise, script.fall),
                false => Verdict::new(script.rise, script.fall),
            },
            script,
            next: now,
            running: None,
            counted: Vec::new(),
        }
    }

    /// What it is.
    pub fn script(&self) -> &Script {
        &self.script
    }

    /// Whether it is well; nothing is known before the first run has ended.
    pub fn is_well(&self) -> Option<bool> {
        self.verdict.is_well()
    }

    /// When it has something to do.
    pub fn deadline(&self) -> Moment {
        self.running
            .as_ref()
            .map_or(self.next, |running| running.end_at)
    }

    /// Does what is due at `now`, and looks whether the process has ended. Gives back whether it is
    /// well, when that is news.
    pub fn turn(&mut self, now: Moment) -> Option<bool> {
        let mut success = None;
        if let Some(running) = &mut self.running {
            match running.child.try_wait() {
                Ok(None) => running.press(now),
                Ok(Some(status)) => success = Some(status.success() && !running.told),
                Err(_) => success = Some(false),
            }
        } else if self.next <= now {
            // In step with the last one, unless that took longer.
            self.next = (self.next + self.script.interval).max(now);
            let end_at = now + self.script.timeout;
            match &self.script.task {
                Task::Count(count) => success = Some(recount(count, &mut self.counted)),
                Task::Command(command) => match start(command, &[]) {
                    Ok(child) => {
                        self.running = Some(Running {
                            child,
                            end_at,
                            told: false,
                        })
                    }
                    Err(_) => {
                        self.next = now + self.script.interval;
                        success = Some(false);
                    }
                },
            }
        }
        let success = success?;
        self.running = None;
        self.verdict.count(success)
    }
}

/// Whether as many processes run as shall. Adverts wait meanwhile: all processes of the machine are
/// only looked at when those that were found last are not enough, or may be too many.
fn recount(count: &Count, counted: &mut Vec<u32>) -> bool {
    let is_meant = |id: &u32| running::look(*id, |name, words| count.pattern.matches(name, words));
    counted.retain(is_meant);
    if counted.len() < count.least || count.most.is_some() {
        *counted = running::all().filter(is_meant).collect();
    }
    count.is_well(counted.len())
}

impl Running {
    /// One that takes too long is told to end, then killed.
    fn press(&mut self, now: Moment) {
        if self.end_at > now {
            return;
        }
        self.end_at = now + GRACE;
        if self.told {
            let _ = self.child.kill();
        } else {
            signals::terminate(self.child.id());
        }
        self.told = true;
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        if let Some(running) = &mut self.running {
            signals::terminate(running.child.id());
        }
    }
}

/// Notifications that run.
#[derive(Debug, Default)]
pub struct Children(Vec<Child>);

impl Children {
    /// Adds one.
    pub fn add(&mut self, child: Child) {
        self.0.push(child);
    }

    /// Forgets those that have ended; gives back how those ended that did not succeed.
    pub fn reap(&mut self) -> Vec<ExitStatus> {
        let mut failed = Vec::new();
        self.0.retain_mut(|child| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                failed.extend(Some(status).filter(|status| !status.success()));
                false
            }
            Err(_) => false,
        });
        failed
    }
}
