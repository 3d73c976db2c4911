//! A speaker of either kind on a host, made from the same wishes.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::link::{HOSTS, Link};

/// Whose program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Ours,
    /// Ours, from the file that keepalived would be given.
    Configured,
    Keepalived,
}

/// What a speaker is told.
#[derive(Clone, Debug)]
pub struct Wishes {
    pub version: u8,
    /// Seconds.
    pub interval: f64,
    pub priority: u8,
    /// `pass` or `ah`, and the secret.
    pub auth: Option<(&'static str, &'static str)>,
    pub vips: Vec<&'static str>,
    pub unicast: bool,
    pub nopreempt: bool,
    pub preempt_delay: u32,
}

impl Wishes {
    /// Those of most tests.
    pub fn new(version: u8, interval: f64, priority: u8) -> Self {
        Wishes {
            version,
            interval,
            priority,
            auth: None,
            vips: vec!["10.9.0.100", "10.9.0.101"],
            unicast: false,
            nopreempt: false,
            preempt_delay: 0,
        }
    }

    fn is_ipv6(&self) -> bool {
        self.vips[0].contains(':')
    }

    fn address(&self, host: &str) -> String {
        let last = HOSTS.iter().position(|other| *other == host).unwrap_or(0) + 1;
        match self.is_ipv6() {
            true => format!("fd00:9::{last}"),
            false => format!("10.9.0.{last}"),
        }
    }

    fn peers(&self, host: &str) -> Vec<String> {
        let others = HOSTS.iter().filter(|other| **other != host && self.unicast);
        others.map(|other| self.address(other)).collect()
    }
}

/// A speaker that runs, until it is dropped.
pub struct Speaker {
    kind: Kind,
    host: &'static str,
    child: Child,
    log: PathBuf,
}

impl Speaker {
    /// Starts one.
    pub fn start(
        link: &Link,
        host: &'static str,
        kind: Kind,
        wishes: &Wishes,
    ) -> Result<Self, String> {
        if kind != Kind::Ours {
            return Self::with_file(link, host, kind, &configuration(host, wishes));
        }
        Self::spawn(link, host, kind, |command| {
            ours(command, link, host, wishes);
        })
    }

    /// Starts one that reads a file with this text.
    pub fn with_file(
        link: &Link,
        host: &'static str,
        kind: Kind,
        text: &str,
    ) -> Result<Self, String> {
        let file = link.directory.join(format!("{host}.conf"));
        fs::write(&file, text).map_err(|error| error.to_string())?;
        Self::spawn(link, host, kind, |command| {
            if kind == Kind::Keepalived {
                keepalived(command, link, host, &file);
            } else {
                command.arg(&link.program).args(["run", "-f"]).arg(file);
            }
        })
    }

    /// Starts one more of ours on a host, with files of this number.
    pub fn again(
        link: &Link,
        host: &'static str,
        number: usize,
        text: &str,
    ) -> Result<Self, String> {
        let name = format!("{host}-{number}");
        let file = link.directory.join(format!("{name}.conf"));
        fs::write(&file, text).map_err(|error| error.to_string())?;
        Self::spawn_as(&name, link, host, Kind::Configured, |command| {
            command.arg(&link.program).args(["run", "-f"]).arg(file);
        })
    }

    fn spawn(
        link: &Link,
        host: &'static str,
        kind: Kind,
        fill: impl FnOnce(&mut Command),
    ) -> Result<Self, String> {
        Self::spawn_as(host, link, host, kind, fill)
    }

    /// Starts one with a log of this name.
    fn spawn_as(
        name: &str,
        link: &Link,
        host: &'static str,
        kind: Kind,
        fill: impl FnOnce(&mut Command),
    ) -> Result<Self, String> {
        let log = link.directory.join(format!("{name}.log"));
        let file = File::create(&log).map_err(|error| error.to_string())?;
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &link.namespace(host)]);
        fill(&mut command);
        let copy = file.try_clone().map_err(|error| error.to_string())?;
        command.stdin(Stdio::null()).stdout(file).stderr(copy);
        let child = command.spawn().map_err(|error| error.to_string())?;
        Ok(Speaker {
            kind,
            host,
            child,
            log,
        })
    }

    /// What it has logged and printed.
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap_or_default()
    }

    /// The status with which it has ended, if it has.
    pub fn status(&mut self) -> Option<i32> {
        let ended = self.child.try_wait().ok().flatten();
        ended.map(|status| status.code().unwrap_or(-1))
    }

    /// Its process.
    pub fn process(&self) -> u32 {
        self.child.id()
    }

    /// Has it read its file again, which has this text now.
    pub fn reload(&self, link: &Link, text: &str) -> Result<(), String> {
        let file = link.directory.join(format!("{}.conf", self.host));
        fs::write(file, text).map_err(|error| error.to_string())?;
        self.signal(self.child.id(), Signal::SIGHUP);
        Ok(())
    }

    /// Asks it to stop, and waits until it has.
    pub fn stop(mut self) -> Result<(), String> {
        self.signal(self.child.id(), Signal::SIGTERM);
        for _ in 0..100 {
            if self.child.try_wait().is_ok_and(|status| status.is_some()) {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(50));
        }
        Err(format!("{:?} on {} does not stop", self.kind, self.host))
    }

    /// Kills it, so that it says nothing more.
    pub fn kill(mut self) {
        self.end();
    }

    fn end(&mut self) {
        let parent = self.child.id();
        // The child of keepalived would stop in order when its parent dies.
        self.signal(parent, Signal::SIGSTOP);
        let children = fs::read_to_string(format!("/proc/{parent}/task/{parent}/children"));
        for child in children.unwrap_or_default().split_whitespace() {
            if let Ok(child) = child.parse() {
                self.signal(child, Signal::SIGKILL);
            }
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    fn signal(&self, process: u32, signal: Signal) {
        if let Ok(process) = i32::try_from(process) {
            let _ = kill(Pid::from_raw(process), signal);
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            self.end();
        }
    }
}

fn ours(command: &mut Command, link: &Link, host: &str, wishes: &Wishes) {
    command
        .arg(&link.program)
        .args(["run", "-i", "eth0", "-I", "51"]);
    command.args(["-p", &wishes.priority.to_string()]);
    command.args(["--vrrp-version", &wishes.version.to_string()]);
    command.args(["--advert-int", &wishes.interval.to_string()]);
    for vip in &wishes.vips {
        command.args(["--vip", vip]);
    }
    if let Some((kind, secret)) = wishes.auth {
        command
            .env("SECRET", secret)
            .args(["--auth", &format!("{kind}:env:SECRET")]);
    }
    if wishes.unicast {
        command.args(["--unicast-src", &wishes.address(host)]);
    }
    for peer in wishes.peers(host) {
        command.args(["--peer", &peer]);
    }
    if wishes.nopreempt {
        command.arg("--nopreempt");
    }
    command.args(["--preempt-delay", &wishes.preempt_delay.to_string()]);
}

/// The text of a keepalived.conf.
fn configuration(host: &str, wishes: &Wishes) -> String {
    let mut lines = vec![
        "state BACKUP".to_owned(),
        "interface eth0".into(),
        "virtual_router_id 51".into(),
        format!("version {}", wishes.version),
        format!("priority {}", wishes.priority),
        format!("advert_int {}", wishes.interval),
    ];
    if let Some((kind, secret)) = wishes.auth {
        let kind = kind.to_uppercase();
        lines.push(format!(
            "authentication {{\nauth_type {kind}\nauth_pass {secret}\n}}"
        ));
    }
    if wishes.unicast {
        lines.push(format!("unicast_src_ip {}", wishes.address(host)));
        lines.push(format!(
            "unicast_peer {{\n{}\n}}",
            wishes.peers(host).join("\n")
        ));
    }
    if wishes.nopreempt {
        lines.push("nopreempt".into());
    }
    if wishes.preempt_delay > 0 {
        lines.push(format!("preempt_delay {}", wishes.preempt_delay));
    }
    lines.push(format!(
        "virtual_ipaddress {{\n{}\n}}",
        wishes.vips.join("\n")
    ));
    format!("vrrp_instance VI {{\n{}\n}}\n", lines.join("\n"))
}

fn keepalived(command: &mut Command, link: &Link, host: &str, configuration: &Path) {
    let file = |ending: &str| link.directory.join(format!("{host}.{ending}"));
    // Those of one that was killed keep it from starting, as long as the kernel remembers its child.
    for ending in ["pid", "vrrp.pid"] {
        let _ = fs::remove_file(file(ending));
    }
    command.args([
        "keepalived",
        "--dont-fork",
        "--log-console",
        "--no-syslog",
        "--log-detail",
        "--vrrp",
    ]);
    command
        .arg("-f")
        .arg(configuration)
        .arg("-p")
        .arg(file("pid"))
        .arg("-r")
        .arg(file("vrrp.pid"));
}
