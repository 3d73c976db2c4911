//! A link of its own for a test: hosts a, b and c, network namespaces with an `eth0` each, on a
//! bridge in a fourth one, where tcpdump listens.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Outcome;

/// The hosts.
pub const HOSTS: [&str; 3] = ["a", "b", "c"];

/// A file that says: packets may have something wrong.
const UNSOUND: &str = "unsound";

/// A link, until it is dropped.
pub struct Link {
    number: usize,
    /// `lvs-vrrp`.
    pub program: PathBuf,
    /// For files of this test.
    pub directory: PathBuf,
    capture: Option<Child>,
}

/// Runs ip(8).
pub fn ip(words: &[&str]) -> Outcome {
    run("ip", words).map(drop)
}

fn run(program: &str, words: &[&str]) -> Result<String, String> {
    let output = Command::new(program).args(words).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if !output.status.success() {
        let problem = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{program} {}: {}", words.join(" "), problem.trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

impl Link {
    /// Makes the namespaces, and waits until addresses can be used.
    pub fn new(number: usize, program: &Path) -> Result<Self, String> {
        let id = format!("lvskit-interop-{}-{number}", std::process::id());
        let directory = std::env::temp_dir().join(id);
        fs::create_dir_all(&directory).map_err(|error| error.to_string())?;
        let mut link = Link {
            number,
            program: program.to_owned(),
            directory,
            capture: None,
        };
        link.make()?;
        let file = link.directory.join("packets.pcap");
        let capture = Command::new("ip")
            .args([
                "netns",
                "exec",
                &link.namespace("s"),
                "tcpdump",
                "-q",
                "-U",
                "--immediate-mode",
                "-i",
                "br0",
                "-w",
            ])
            .arg(&file)
            .stderr(Stdio::null())
            .spawn();
        link.capture = Some(capture.map_err(|error| error.to_string())?);
        Ok(link)
    }

    fn make(&self) -> Outcome {
        let switch = self.namespace("s");
        ip(&["netns", "add", &switch])?;
        ip(&[
            "-n",
            &switch,
            "link",
            "add",
            "br0",
            "type",
            "bridge",
            "mcast_snooping",
            "0",
        ])?;
        ip(&["-n", &switch, "link", "set", "br0", "up"])?;
        for (place, host) in HOSTS.iter().enumerate() {
            let last = place + 1;
            let (namespace, port) = (self.namespace(host), format!("p-{host}"));
            let mac = format!("02:00:00:00:0a:{last:02x}");
            ip(&["netns", "add", &namespace])?;
            ip(&["-n", &namespace, "link", "set", "lo", "up"])?;
            ip(&[
                "link", "add", "eth0", "netns", &namespace, "address", &mac, "type", "veth",
                "peer", "name", &port, "netns", &switch,
            ])?;
            ip(&["-n", &switch, "link", "set", &port, "master", "br0", "up"])?;
            ip(&[
                "-n",
                &namespace,
                "addr",
                "add",
                &format!("10.9.0.{last}/24"),
                "dev",
                "eth0",
            ])?;
            ip(&[
                "-n",
                &namespace,
                "addr",
                "add",
                &format!("fd00:9::{last}/64"),
                "dev",
                "eth0",
                "nodad",
            ])?;
            ip(&["-n", &namespace, "link", "set", "eth0", "up"])?;
        }
        // IPv6 looks for duplicates of the link-local addresses first.
        self.until(5.0, "link-local addresses", || {
            HOSTS.iter().all(|host| {
                let shown = self.ip_in(host, &["addr", "show", "dev", "eth0"]);
                shown.is_ok_and(|shown| shown.contains("fe80") && !shown.contains("tentative"))
            })
        })
    }

    /// Gives a and b an `eth1` on a link of their own.
    pub fn add_second(&self) -> Outcome {
        let switch = self.namespace("s");
        let words = ["-n", &switch, "link", "add", "br1", "type", "bridge"];
        ip(&[&words[..], &["mcast_snooping", "0"]].concat())?;
        ip(&["-n", &switch, "link", "set", "br1", "up"])?;
        self.add_second_of("a", 1)?;
        self.add_second_of("b", 2)
    }

    /// Gives a host an `eth1` with the address 10.8.0.`last`.
    pub fn add_second_of(&self, host: &str, last: u8) -> Outcome {
        let (namespace, switch) = (self.namespace(host), self.namespace("s"));
        let (port, address) = (format!("q-{host}"), format!("10.8.0.{last}/24"));
        let words = ["link", "add", "eth1", "netns", &namespace, "type", "veth"];
        ip(&[&words[..], &["peer", "name", &port, "netns", &switch]].concat())?;
        ip(&["-n", &switch, "link", "set", &port, "master", "br1", "up"])?;
        ip(&["-n", &namespace, "link", "set", "eth1", "up"])?;
        ip(&["-n", &namespace, "addr", "add", &address, "dev", "eth1"])
    }

    /// The network namespace of a host, or of the switch `s`.
    pub fn namespace(&self, host: &str) -> String {
        format!("lvskit-{}-{}-{host}", std::process::id(), self.number)
    }

    /// Runs ip(8) in the namespace of a host.
    pub fn ip_in(&self, host: &str, words: &[&str]) -> Result<String, String> {
        let namespace = self.namespace(host);
        run("ip", &[&["-n", &namespace][..], words].concat())
    }

    /// Runs a program on a host to its end; gives back its status and what it printed.
    pub fn exec(&self, host: &str, words: &[&str]) -> Result<(i32, String), String> {
        let namespace = self.namespace(host);
        let output = Command::new("ip")
            .args(["netns", "exec", &namespace])
            .args(words)
            .output();
        let output = output.map_err(|error| error.to_string())?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((output.status.code().unwrap_or(-1), text))
    }

    /// Has the switch pass packets of a host, or not, with its carrier as it is.
    pub fn pass(&self, host: &str, passes: bool) -> Outcome {
        let state = if passes { "3" } else { "0" };
        let port = format!("p-{host}");
        run(
            "ip",
            &[
                "netns",
                "exec",
                &self.namespace("s"),
                "bridge",
                "link",
                "set",
                "dev",
                &port,
                "state",
                state,
            ],
        )
        .map(drop)
    }

    /// Whether a host has an address.
    pub fn has(&self, host: &str, address: &str) -> bool {
        let shown = self
            .ip_in(host, &["-o", "addr", "show"])
            .unwrap_or_default();
        shown.contains(&format!(" {address}/"))
    }

    /// Waits until `is_so`, so many seconds at most.
    pub fn until(&self, seconds: f64, what: &str, is_so: impl Fn() -> bool) -> Outcome {
        let begun = Instant::now();
        while !is_so() {
            if begun.elapsed().as_secs_f64() > seconds {
                return Err(format!("not within {seconds} s: {what}"));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// Waits until exactly this host has the address.
    pub fn until_only(&self, seconds: f64, host: &str, address: &str) -> Outcome {
        self.until(seconds, &format!("{address} on {host} alone"), || {
            HOSTS
                .iter()
                .all(|other| self.has(other, address) == (*other == host))
        })
    }

    /// Holds a test to its own outcome, and to packets that tcpdump finds nothing wrong with.
    pub fn hold(mut self, test: &dyn Fn(&Link) -> Outcome) -> Outcome {
        let outcome = test(&self);
        thread::sleep(Duration::from_millis(100));
        self.end_capture();
        outcome?;
        self.look_at_packets()
    }

    fn look_at_packets(&self) -> Outcome {
        let file = self.directory.join("packets.pcap");
        let file = file.to_str().unwrap_or_default();
        let filter = "ip proto 112 or ip proto 51 or ip6 proto 112 or arp or icmp6";
        let text = run("tcpdump", &["-nn", "-t", "-vv", "-r", file, filter])?;
        let is_bad = |line: &&str| {
            // Bytes, where "6bad " tells nothing.
            if line.trim_start().starts_with("0x") {
                return false;
            }
            // tcpdump sums version 2 over IPv6, which no RFC has, in another way than keepalived.
            if line.starts_with("IP6") && line.contains("VRRPv2") {
                return false;
            }
            let line = line.to_lowercase();
            ["bad ", "malformed", "truncated", "invalid", "[|", "wrong"]
                .iter()
                .any(|word| line.contains(word))
        };
        match text.lines().find(is_bad) {
            Some(line) if !self.directory.join(UNSOUND).exists() => Err(format!("tcpdump: {line}")),
            _ => Ok(()),
        }
    }

    /// From now on tcpdump may find something wrong with packets.
    pub fn is_unsound(&self) -> Outcome {
        fs::write(self.directory.join(UNSOUND), "").map_err(|error| error.to_string())
    }

    /// Ends tcpdump; what it has written is whole then.
    pub fn end_capture(&mut self) {
        if let Some(mut capture) = self.capture.take() {
            let _ = capture.kill();
            let _ = capture.wait();
        }
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.end_capture();
        for host in HOSTS.iter().chain(&["s"]) {
            let _ = ip(&["netns", "del", &self.namespace(host)]);
        }
        let _ = fs::remove_dir_all(&self.directory);
    }
}
