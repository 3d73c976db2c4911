//! What is in the table by a file, ours beside keepalived's, and in which network namespace.

use std::fs::{self, File};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::helper;
use crate::world::World;

const FOLDER: &str = "/tmp/lvskit-table";

/// Where checks are made, and the servers are.
pub const CHECKS: &str = "lvskit-checks";
/// Where the table is, if not there.
const TABLE: &str = "lvskit-table";

/// In both namespaces, so that the kernel takes the addresses of the servers.
const LINKS: &str = "\
link set lo up
link add one type dummy
address add 192.0.2.8/24 dev one
address add 192.0.2.9/24 dev one
link set one up
";

/// A virtual server that stands twice: one whose servers come together, and by the first.
const TWICE: &str = "\
net_namespace lvskit-checks
virtual_server 192.0.2.7 80 {
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.0.2.8 80 {
        weight 3
    }
}
";
const AGAIN: &str = "\
virtual_server 192.0.2.7 80 {
    lb_algo wrr
    lb_kind NAT
    persistence_timeout 50
    protocol TCP
    real_server 192.0.2.9 80 {
        weight 2
    }
    real_server 192.0.2.8 80 {
        weight 5
    }
}
";

/// The second server refuses connections.
const ELSEWHERE: &str = "\
net_namespace lvskit-checks
net_namespace_ipvs lvskit-table
virtual_server 192.0.2.7 80 {
    delay_loop 1
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.0.2.8 80 {
        TCP_CHECK {
            connect_timeout 1
        }
    }
    real_server 192.0.2.9 80 {
        TCP_CHECK {
            connect_timeout 1
            retry 0
        }
    }
}
";

const SERVICE: &str = "-A -t 192.0.2.7:80 -s rr\n";
const FIRST: &str = "-a -t 192.0.2.7:80 -r 192.0.2.8:80 -g -w 3\n";
const SECOND: &str = "-a -t 192.0.2.7:80 -r 192.0.2.9:80 -m -w 2\n";

/// The table is that of keepalived, with a line about it; the second may go, and come back.
pub fn a_virtual_server_may_stand_twice(world: &mut World) -> Result {
    let stage = Stage::new(world)?;
    let both = format!("{TWICE}{AGAIN}");
    let all = [SERVICE, FIRST, SECOND];
    stage.write(&both)?;
    let mut theirs = stage.start(None)?;
    stage.table_is_soon(CHECKS, &all)?;
    theirs.end()?;
    stage.table_is_soon(CHECKS, &[])?;

    let mut ours = stage.start(Some(&stage.director))?;
    stage.table_is_soon(CHECKS, &all)?;
    let (place, first) = ("keepalived.conf:10:1: ", "already, in line 2: ");
    let said = said();
    if !said
        .lines()
        .any(|line| line.contains(place) && line.contains(first))
    {
        return Err(format!("no word of it:\n{said}"));
    }
    let number = fs::read_to_string(file("checkers")).context("checkers")?;
    let name = fs::read_to_string(format!("/proc/{}/comm", number.trim())).context("process")?;
    if name.trim() != "lvs-check" || file("vrrp").exists() {
        return Err(format!(
            "the PID files are not as they should be: {number}{name}"
        ));
    }
    for (text, expected) in [(TWICE, &all[..2]), (&both, &all)] {
        stage.write(text)?;
        ours.signal(Signal::SIGHUP)?;
        stage.table_is_soon(CHECKS, expected)?;
    }
    ours.end()?;
    if file("checkers").exists() {
        return Err("the PID file of lvs-check is left".into());
    }
    stage.table_is_soon(CHECKS, &[])
}

/// Servers are checked in one namespace, and are in the table of another.
pub fn the_table_may_be_in_another_namespace_than_checks(world: &mut World) -> Result {
    let stage = Stage::new(world)?;
    let _server = in_network(CHECKS, || {
        TcpListener::bind("192.0.2.8:80").context("real server")
    })?;
    stage.write(ELSEWHERE)?;
    let first = FIRST.replace("-w 3", "-w 1");
    for program in [None, Some(&*stage.director)] {
        let mut running = stage.start(program)?;
        stage.table_is_soon(TABLE, &[SERVICE, &first])?;
        stage.table_is_soon(CHECKS, &[])?;
        running.end()?;
        stage.table_is_soon(TABLE, &[])?;
    }

    // Once, without a director; the machine's own table is another one, too.
    let (file, check) = (file("keepalived.conf"), world.tool("lvs-check")?);
    let words = ["netns", "exec", CHECKS, &check.display().to_string()];
    let once = ["once", "--apply", "-f", &file.display().to_string()];
    // The second server is down, which it tells by its exit status.
    let ended = Command::new("ip")
        .args([&words[..], &once].concat())
        .output();
    if ended.context("lvs-check")?.status.code() != Some(1) {
        return Err("lvs-check once found no server that is down".into());
    }
    stage.table_is_soon(TABLE, &[SERVICE, &first])
}

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

/// What the last program that was started has to say.
pub fn said() -> String {
    fs::read_to_string(file("said")).unwrap_or_default()
}

/// The namespaces, which go with it.
pub struct Stage {
    /// Our lvs-director.
    pub director: PathBuf,
    ipvsadm: String,
}

impl Stage {
    pub fn new(world: &World) -> Result<Self> {
        fs::create_dir_all(FOLDER).context(FOLDER)?;
        let stage = Stage {
            director: world.tool("lvs-director")?,
            ipvsadm: world.reference.path.display().to_string(),
        };
        for name in [CHECKS, TABLE] {
            helper("ip", &["netns", "add", name], "")?;
            helper("ip", &["-n", name, "-batch", "-"], LINKS)?;
        }
        Ok(stage)
    }

    /// Writes the file.
    pub fn write(&self, text: &str) -> Result {
        fs::write(file("keepalived.conf"), text).context("keepalived.conf")
    }

    /// Starts ours, or keepalived.
    pub fn start(&self, ours: Option<&Path>) -> Result<Running> {
        let said = File::create(file("said")).context("said")?;
        let mut command = Command::new(ours.unwrap_or(Path::new("/usr/sbin/keepalived")));
        if ours.is_some() {
            command.arg("run");
        }
        // They have the same options.
        for (option, name) in [
            ("-f", "keepalived.conf"),
            ("-p", "pid"),
            ("-r", "vrrp"),
            ("-c", "checkers"),
        ] {
            command.arg(option).arg(file(name));
        }
        command
            .args(["-n", "-l", "-D"])
            .stdin(Stdio::null())
            .stdout(said.try_clone().context("said")?)
            .stderr(said);
        Ok(Running(command.spawn().context("start")?))
    }

    /// What the real ipvsadm prints in a namespace.
    pub fn lists(&self, network: &str, options: &[&str]) -> Result<String> {
        let output = Command::new("ip")
            .args(["netns", "exec", network, &self.ipvsadm])
            .args(options)
            .output();
        let output = output.context("ipvsadm")?.stdout;
        Ok(String::from_utf8_lossy(&output).into_owned())
    }

    fn table_is_soon(&self, network: &str, expected: &[&str]) -> Result {
        let mut found = Vec::new();
        for _ in 0..100 {
            let text = self.lists(network, &["-Sn"])?;
            found = text.split_inclusive('\n').map(str::to_owned).collect();
            found.sort();
            if found == expected {
                return Ok(());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Err(format!(
            "the table of {network} is\n{}not\n{}{}",
            found.concat(),
            expected.concat(),
            said()
        ))
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        for name in [CHECKS, TABLE] {
            let _ = helper("ip", &["netns", "del", name], "");
        }
    }
}

/// A program that runs, and is killed if nobody ends it.
pub struct Running(Child);

impl Running {
    pub fn signal(&self, signal: Signal) -> Result {
        let id = i32::try_from(self.0.id()).context("process")?;
        kill(Pid::from_raw(id), signal).context("kill")
    }

    pub fn end(&mut self) -> Result {
        self.signal(Signal::SIGTERM)?;
        match self.0.wait().context("wait")? {
            status if status.success() => Ok(()),
            status => Err(format!("it ended with {status}\n{}", said())),
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // One that has been waited for has no number any more.
        if let Ok(None) = self.0.try_wait() {
            let _ = self.end();
        }
    }
}
