//! Several starts of the same virtual router, and what one that was killed has left to the next.

use std::fs;
use std::path::PathBuf;

use crate::link::Link;
use crate::several::router;
use crate::speaker::{Kind, Speaker};
use crate::{Case, Outcome};

use Kind::Configured;

/// All of them.
pub fn all() -> Vec<Case> {
    vec![
        Case::new("starts/at-the-same-time", at_the_same_time),
        Case::new("starts/settings-are-put-back", settings_are_put_back),
        Case::new("starts/two-on-one-interface", two_on_one_interface),
    ]
}

/// Of many that start at once one speaks, and each other says so and ends; when that one is killed the
/// next one speaks at once.
fn at_the_same_time(link: &Link) -> Outcome {
    const TIMES: usize = 3;
    const MANY: usize = 8;
    let text = router("FIRST", "eth0", 101, 150, "");
    for _ in 0..TIMES {
        let mut all = Vec::new();
        for number in 0..MANY {
            all.push(Speaker::again(link, "a", number, &text)?);
        }
        let mut alive = Vec::new();
        link.until(5.0, "one is left", || count_running(&all) == 1)?;
        for mut speaker in all {
            match speaker.status() {
                None => alive.push(speaker),
                Some(1) if speaker.log() == "lvs-vrrp: already running: VRID 101 on eth0\n" => {}
                Some(status) => return Err(format!("status {status}: {}", speaker.log())),
            }
        }
        let winner = alive.pop().ok_or("nobody speaks")?;
        link.until(3.5, "it is master", || link.has("a", "10.9.0.101"))?;
        winner.kill();
    }
    let next = Speaker::again(link, "a", 0, &text)?;
    link.until(3.5, "the next one is master", || {
        next.log().contains("MASTER")
    })?;
    next.stop()
}

fn count_running(all: &[Speaker]) -> usize {
    let is_running = |speaker: &&Speaker| {
        // One that has ended is a zombie until somebody asks for its status.
        let status = fs::read_to_string(format!("/proc/{}/stat", speaker.process()));
        status.is_ok_and(|status| !status.contains(") Z "))
    };
    all.iter().filter(is_running).count()
}

/// What the interface below is told for ARP.
fn arp(link: &Link) -> Result<String, String> {
    let script = "cd /proc/sys/net/ipv4/conf/eth0 && echo $(cat arp_ignore arp_announce)";
    let (_, text) = link.exec("a", &["sh", "-c", script])?;
    Ok(text.trim_end().to_owned())
}

fn arp_is(link: &Link, expected: &str) -> Outcome {
    let found = arp(link)?;
    match found == expected {
        true => Ok(()),
        false => Err(format!(
            "arp_ignore and arp_announce: {found}, not {expected}"
        )),
    }
}

/// Where it is remembered what the interface below of a router was told before; no other test has a
/// router of this number.
fn memory(vrid: u8) -> Result<PathBuf, String> {
    let beginning = format!("vrrp.eth0.inet.{vrid}.");
    let entries = fs::read_dir("/run/lvskit").map_err(|error| error.to_string())?;
    let names = entries.flatten().map(|entry| entry.file_name());
    let mut names = names.filter_map(|name| name.into_string().ok());
    let network = names.find_map(|name| name.strip_prefix(&beginning).map(str::to_owned));
    let network = network.ok_or("no socket")?;
    Ok(format!("/run/lvskit/vrrp-base.eth0.{network}").into())
}

/// One that was killed cannot put the settings of the interface below back: the next one does.
fn settings_are_put_back(link: &Link) -> Outcome {
    let text = router("FIRST", "eth0", 101, 150, "use_vmac");
    let set = |value: &str| {
        let script = format!("echo {value} > /proc/sys/net/ipv4/conf/eth0/arp_announce");
        link.exec("a", &["sh", "-c", &script]).map(drop)
    };
    set("1")?;
    arp_is(link, "0 1")?;
    for _ in 0..2 {
        let a = Speaker::with_file(link, "a", Configured, &text)?;
        link.until(3.5, "a is master", || a.log().contains("MASTER"))?;
        arp_is(link, "1 2")?;
        a.kill();
    }
    arp_is(link, "1 2")?;
    let a = Speaker::with_file(link, "a", Configured, &text)?;
    link.until(3.5, "a is master again", || a.log().contains("MASTER"))?;
    a.stop()?;
    arp_is(link, "0 1")?;
    // What somebody else has said since is not touched.
    let a = Speaker::with_file(link, "a", Configured, &text)?;
    link.until(3.5, "a is master", || a.log().contains("MASTER"))?;
    set("0")?;
    a.stop()?;
    arp_is(link, "0 0")
}

/// Of two processes on one interface the last one puts the settings back, whoever is killed.
fn two_on_one_interface(link: &Link) -> Outcome {
    let one = router("ONE", "eth0", 211, 150, "use_vmac");
    let two = router("TWO", "eth0", 212, 150, "use_vmac");
    let start = |number, text| {
        let speaker = Speaker::again(link, "a", number, text)?;
        link.until(3.5, "it is master", || speaker.log().contains("MASTER"))?;
        Ok::<_, String>(speaker)
    };
    let (first, second) = (start(0, &one)?, start(1, &two)?);
    first.stop()?;
    arp_is(link, "1 2")?;
    let first = start(0, &one)?;
    second.kill();
    arp_is(link, "1 2")?;
    let memory = memory(211)?;
    if !memory.exists() {
        return Err(format!("not there: {}", memory.display()));
    }
    first.stop()?;
    arp_is(link, "0 0")?;
    match memory.exists() {
        true => Err(format!("left: {}", memory.display())),
        false => Ok(()),
    }
}
