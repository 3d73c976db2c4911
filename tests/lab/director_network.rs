//! A director whose file names the network namespace in which all is done.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fail::{Context, Result};
use crate::process::helper;
use crate::world::World;

const NAME: &str = "lvskit-named";
const FILE: &str = "/tmp/lvskit-named.conf";
const TEXT: &str = "\
net_namespace lvskit-named
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

/// The addresses and the table are those of the namespace, and whoever asks there is answered.
pub fn all_is_done_in_the_namespace_of_the_file(world: &mut World) -> Result {
    helper("ip", &["netns", "add", NAME], "")?;
    helper("ip", &["-n", NAME, "-batch", "-"], LINKS)?;
    fs::write(FILE, TEXT).context(FILE)?;
    let (director, ipvsadm) = (world.tool("lvs-director")?, world.tool("ipvsadm")?);
    let mut child = Command::new(&director)
        .args(["run", "-f", FILE])
        .stdin(Stdio::null())
        .spawn()
        .context("lvs-director")?;
    let looked = look(&director, &ipvsadm);
    let ended = end(&mut child);
    helper("ip", &["netns", "del", NAME], "")?;
    looked.and(ended)
}

fn look(director: &Path, ipvsadm: &Path) -> Result {
    let inside = |words: &[&str]| {
        let output = Command::new("ip")
            .args(["netns", "exec", NAME])
            .args(words)
            .output();
        let output = output.context("ip")?;
        Ok::<_, String>(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let ipvsadm = ipvsadm.display().to_string();
    let mut seen = String::new();
    for _ in 0..100 {
        let table = inside(&[&ipvsadm, "-Sn"])?;
        let addresses = inside(&["ip", "-oneline", "address", "show", "dev", "one"])?;
        if table.contains("-r 192.0.2.8:80") && addresses.contains("192.0.2.7/") {
            let master = ["status", "-s", NAME, "--is-master", "VI"];
            let status = Command::new(director).args(master).status();
            return match status.context("status")?.success() {
                true => Ok(()),
                false => Err("no answer in the namespace".into()),
            };
        }
        seen = table + &addresses;
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!("not there after 10 s:\n{seen}"))
}

fn end(child: &mut Child) -> Result {
    let id = i32::try_from(child.id()).context("process")?;
    kill(Pid::from_raw(id), Signal::SIGTERM).context("kill")?;
    let status = child.wait().context("wait")?;
    match status.success() {
        true => Ok(()),
        false => Err(format!("it ended with {status}")),
    }
}
