//! Who synchronises connections by a file, ours beside keepalived.

use std::fmt::Write;
use std::thread;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::director_table::{CHECKS, Stage, said};
use crate::fail::Result;
use crate::process::helper;
use crate::world::World;

/// Where adverts go and connections are told: a link that may go down.
const LINK: &str = "\
link add two type veth peer name three
address add 198.51.100.1/24 dev two
link set two up
link set three up
";

const INSTANCE: &str = "\
vrrp_instance VI_1 {
    interface two
    virtual_router_id 51
    priority 100
    version 3
    advert_int .2
    SYNC
    virtual_ipaddress {
        198.51.100.9
    }
}
";

const SERVICE: &str = "\
virtual_server 192.0.2.7 80 {
    lb_algo rr
    lb_kind DR
    protocol TCP
    real_server 192.0.2.8 80 {
    }
}
";

/// A file with this for all, and this in the instance, if there is one.
fn file(global: &str, instance: Option<&str>) -> String {
    let mut text = format!("net_namespace {CHECKS}\nglobal_defs {{\n{global}\n}}\n");
    match instance {
        Some(own) => text += &INSTANCE.replace("SYNC", own),
        None => text += SERVICE,
    }
    text
}

/// The daemon of one role.
fn daemon(role: &str, id: u8) -> String {
    format!("{role} sync daemon (mcast=two, syncid={id}, ")
}

/// With an instance: the daemon that sends runs while it is master, else the one that takes. Without:
/// both. At the end none.
pub fn connections_are_synchronised_as_the_file_says(world: &mut World) -> Result {
    let stage = Stage::new(world)?;
    helper("ip", &["-n", CHECKS, "-batch", "-"], LINK)?;
    let director = stage.director.clone();
    for program in [None, Some(&*director)] {
        for (global, own, id) in [
            ("lvs_sync_daemon two VI_1", "", 51),
            ("lvs_sync_daemon two inst VI_1 id 7 ttl 2", "", 7),
            ("", "lvs_sync_daemon_interface two", 0),
        ] {
            stage.write(&file(global, Some(own)))?;
            let mut running = stage.start(program)?;
            daemons_are_soon(&stage, &[daemon("master", id)])?;
            link(false)?;
            daemons_are_soon(&stage, &[daemon("backup", id)])?;
            link(true)?;
            daemons_are_soon(&stage, &[daemon("master", id)])?;
            running.end()?;
            daemons_are_soon(&stage, &[])?;
        }
        stage.write(&file("lvs_sync_daemon two id 9", None))?;
        let mut running = stage.start(program)?;
        daemons_are_soon(&stage, &[daemon("master", 9), daemon("backup", 9)])?;
        running.end()?;
        daemons_are_soon(&stage, &[])?;
    }

    // A reload changes what differs, and what a killed one left does not stay.
    let text = |id: u8| file(&format!("lvs_sync_daemon two VI_1 id {id}"), Some(""));
    stage.write(&text(1))?;
    let mut ours = stage.start(Some(&director))?;
    daemons_are_soon(&stage, &[daemon("master", 1)])?;
    stage.write(&text(2))?;
    ours.signal(Signal::SIGHUP)?;
    daemons_are_soon(&stage, &[daemon("master", 2)])?;
    let words = ["netns", "exec", CHECKS, "pkill", "-KILL", "lvs-vrrp"];
    helper("ip", &words, "")?;
    stage.write(&text(3))?;
    ours.signal(Signal::SIGHUP)?;
    daemons_are_soon(&stage, &[daemon("master", 3)])?;
    ours.end()?;
    daemons_are_soon(&stage, &[])
}

fn link(up: bool) -> Result {
    let word = if up { "up" } else { "down" };
    helper("ip", &["-n", CHECKS, "link", "set", "three", word], "").map(drop)
}

fn daemons_are_soon(stage: &Stage, expected: &[String]) -> Result {
    let mut found = String::new();
    for _ in 0..150 {
        found = stage.lists(CHECKS, &["-L", "--daemon"])?;
        let mut lines = found.lines();
        let all = expected.iter().all(|one| {
            let line = lines.next();
            line.is_some_and(|line| line.starts_with(one))
        });
        if all && lines.next().is_none() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    let mut text = format!("the daemons are\n{found}not\n");
    for one in expected {
        // Writing to a String does not fail.
        let _ = writeln!(text, "{one}");
    }
    Err(text + &said())
}
