//! The unit under the real systemd, as the first process of a process namespace.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fail::{Context, Result};
use crate::process::helper;
use crate::world::World;

const FOLDER: &str = "/tmp/lvskit-systemd";
const UNIT: &str = "lvs-director";

const TEXT: &str = "\
vrrp_instance VI {
    interface one
    virtual_router_id 51
    virtual_ipaddress {
        192.0.2.7
    }
}
virtual_server 192.0.2.7 80 {
    protocol TCP
    real_server 192.0.2.8 80 {
    }
}
";
const LINKS: &str = "\
link add one type veth peer name other
address add 192.0.2.1/24 dev one
link set one up
link set other up
";

/// Neither of the two waits for a boot.
const BARE: &str = "[Unit]\nDefaultDependencies=no\n";

/// Makes the first process of new namespaces systemd. Its tree of control groups begins with the one
/// it is in, and those of this machine are none of its business.
const START: &str = "\
set -e
mount -t proc proc /proc
mount -t tmpfs tmpfs /run
umount -R /sys/fs/cgroup 2>/dev/null || true
mount -t cgroup2 cgroup2 /sys/fs/cgroup
mkdir /run/systemd
cp -r \"$1\" /run/systemd/system
exec env -i container=lab PATH=/usr/sbin:/usr/bin:/sbin:/bin /usr/lib/systemd/systemd --system \
    --unit=lab.target --log-target=console --show-status=no
";

/// It becomes active, reloads, is started again when it hangs, and leaves nothing when it is stopped.
pub fn the_unit_runs_under_the_real_systemd(world: &mut World) -> Result {
    helper("ip", &["-batch", "-"], LINKS)?;
    let ran = live(world);
    helper("ip", &["link", "del", "one"], "")?;
    ran
}

fn live(world: &World) -> Result {
    let systemd = Systemd::start(world)?;
    systemd.ctl(&["start", UNIT])?;
    let first = systemd.show("MainPID")?;
    is_soon("the address", || {
        Ok(has_address()? && table(world)?.contains("-r 192.0.2.8:80"))
    })?;
    systemd.is("ActiveState", "active")?;

    let more = TEXT.replace("192.0.2.8 80 {\n", "192.0.2.8 80 {\n weight 5\n");
    fs::write(file("keepalived.conf"), more).context("keepalived.conf")?;
    systemd.ctl(&["reload", UNIT])?;
    is_soon("the weight", || Ok(table(world)?.contains("-w 5")))?;
    // More than once the time after which it would be killed.
    thread::sleep(Duration::from_secs(15));
    systemd.is("MainPID", &first)?;
    systemd.is("NRestarts", "0")?;

    systemd.ctl(&["kill", "--signal=STOP", "--kill-who=main", UNIT])?;
    is_soon("the second start", || {
        Ok(systemd.show("NRestarts")? == "1" && systemd.show("ActiveState")? == "active")
    })?;
    is_soon("the address again", has_address)?;

    systemd.ctl(&["stop", UNIT])?;
    systemd.is("ActiveState", "inactive")?;
    match (has_address()?, &*table(world)?) {
        (false, "") => Ok(()),
        (address, left) => Err(format!("left: address {address}, table {left}")),
    }
}

fn file(name: &str) -> PathBuf {
    Path::new(FOLDER).join(name)
}

fn has_address() -> Result<bool> {
    let words = ["-oneline", "address", "show", "dev", "one"];
    let shown = Command::new("ip").args(words).output().context("ip")?;
    Ok(String::from_utf8_lossy(&shown.stdout).contains("192.0.2.7/"))
}

fn table(world: &World) -> Result<String> {
    let shown = Command::new(&world.reference.path).arg("-Sn").output();
    let shown = shown.context("ipvsadm")?.stdout;
    Ok(String::from_utf8_lossy(&shown).into_owned())
}

fn is_soon(what: &str, mut look: impl FnMut() -> Result<bool>) -> Result {
    for _ in 0..300 {
        if look()? {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(200));
    }
    let log = fs::read_to_string(file("log")).unwrap_or_default();
    Err(format!("a minute without {what}:\n{log}"))
}

/// A systemd with this network and mounts of its own.
struct Systemd {
    /// Who has made its namespaces, and ends with it.
    parent: Child,
    id: u32,
}

impl Systemd {
    /// Starts it with our unit and no other.
    fn start(world: &World) -> Result<Self> {
        let units = file("units");
        fs::create_dir_all(units.join("lvs-director.service.d")).context(FOLDER)?;
        let unit = include_str!("../../packaging/lvs-director.service");
        // Theirs is below /run, of which this systemd has its own.
        fs::create_dir_all(file("bin")).context(FOLDER)?;
        for name in ["lvs-check", "lvs-director", "lvs-vrrp"] {
            fs::copy(world.tool(name)?, file("bin").join(name)).context(name)?;
        }
        let unit = unit.replace("/usr/sbin", &file("bin").display().to_string());
        let options = "DAEMON_ARGS=-D -f";
        let service = format!(
            "[Service]\nEnvironmentFile=\nEnvironment=\"{options} {}\"\n",
            file("keepalived.conf").display()
        );
        for (name, text) in [
            ("units/lvs-director.service", &*unit),
            (
                "units/lvs-director.service.d/lab.conf",
                &format!("{BARE}{service}"),
            ),
            ("units/lab.target", BARE),
            ("keepalived.conf", TEXT),
        ] {
            fs::write(file(name), text).context(name)?;
        }
        let script = file("start");
        fs::write(&script, START).context("start")?;
        let log = fs::File::create(file("log")).context("log")?;
        let parent = Command::new("unshare")
            .args(["--pid", "--fork", "--kill-child", "--mount", "--cgroup"])
            .arg("sh")
            .args([script, units])
            .stdin(Stdio::null())
            .stdout(log.try_clone().context("log")?)
            .stderr(log)
            .spawn()
            .context("unshare")?;
        let mut systemd = Systemd { parent, id: 0 };
        is_soon("systemd", || {
            let parent = systemd.parent.id();
            let children = format!("/proc/{parent}/task/{parent}/children");
            let children = fs::read_to_string(&children).context(children)?;
            systemd.id = children.trim().parse().unwrap_or(0);
            let private = format!("/proc/{}/root/run/systemd/private", systemd.id);
            Ok(systemd.id != 0 && Path::new(&private).exists())
        })?;
        Ok(systemd)
    }

    /// What systemctl prints; it must succeed.
    fn ctl(&self, words: &[&str]) -> Result<String> {
        let done = Command::new("nsenter")
            .args(["-t", &self.id.to_string(), "-p", "-m", "systemctl"])
            .args(words)
            .output()
            .context("nsenter")?;
        let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
        match done.status.success() {
            true => Ok(said),
            false => Err(format!(
                "systemctl {words:?}: {said}{}{}",
                String::from_utf8_lossy(&done.stderr),
                fs::read_to_string(file("log")).unwrap_or_default()
            )),
        }
    }

    fn show(&self, property: &str) -> Result<String> {
        self.ctl(&["show", "--value", "-p", property, UNIT])
    }

    fn is(&self, property: &str, expected: &str) -> Result {
        match self.show(property)? {
            found if found == expected => Ok(()),
            found => Err(format!("{property} is {found}, not {expected}")),
        }
    }
}

impl Drop for Systemd {
    fn drop(&mut self) {
        // With the first process all others of its namespace end.
        if let Ok(id @ 1..) = i32::try_from(self.id) {
            let _ = kill(Pid::from_raw(id), Signal::SIGKILL);
        }
        let _ = self.parent.kill();
        let _ = self.parent.wait();
    }
}
