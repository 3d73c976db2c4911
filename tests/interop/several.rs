//! Several virtual routers in one process, from the file that keepalived would be given: each for
//! itself, as a group, and through a reload.

use std::fs;
use std::thread;
use std::time::Duration;

use crate::capture;
use crate::link::Link;
use crate::speaker::{Kind, Speaker};
use crate::{Case, Outcome};

use Kind::{Configured, Keepalived};

/// All of them.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (one, other) in [
        (Configured, Keepalived),
        (Keepalived, Configured),
        (Configured, Configured),
    ] {
        let name = |what: &str| format!("several/{what}/{one:?}-{other:?}");
        cases.push(Case::new(name("dual-master"), move |link| {
            dual_master(link, one, other)
        }));
        cases.push(Case::new(name("group"), move |link| {
            group(link, one, other)
        }));
        cases.push(Case::new(name("multicast-group"), move |link| {
            multicast_group(link, one, other)
        }));
        cases.push(Case::new(name("twins"), move |link| {
            twins(link, one, other)
        }));
    }
    cases.push(Case::new("several/reload", reload));
    cases.push(Case::new("several/reload-into-a-group", into_a_group));
    cases.push(Case::new(
        "several/interface-comes-back",
        interface_comes_back,
    ));
    for (one, other) in [
        (Configured, Keepalived),
        (Keepalived, Configured),
        (Configured, Configured),
    ] {
        let name = format!("vmac/ipv4/{one:?}-{other:?}");
        cases.push(Case::new(name, move |link| {
            virtual_mac(link, one, other, "10.9.0.101", "00:00:5e:00:01:65")
        }));
        let name = format!("vmac/ipv6/{one:?}-{other:?}");
        cases.push(Case::new(name, move |link| {
            virtual_mac(link, one, other, "fe80::9:101", "00:00:5e:00:02:65")
        }));
    }
    cases.push(Case::new("no-accept", no_accept));
    cases.push(Case::new("several/killed", killed));
    cases.push(Case::new("several/ipvlan", ipvlan));
    for kind in [Configured, Keepalived] {
        let name = format!("several/real-time/{kind:?}");
        cases.push(Case::new(name, move |link| real_time(link, kind)));
    }
    cases
}

/// A virtual router of version 3 with adverts every 0.2 s, as a file says it.
pub fn router(name: &str, interface: &str, vrid: u8, priority: u8, more: &str) -> String {
    format!(
        "vrrp_instance {name} {{
    state BACKUP
    interface {interface}
    virtual_router_id {vrid}
    version 3
    advert_int 0.2
    priority {priority}
    {more}
    virtual_ipaddress {{
        10.9.0.{vrid}
    }}
}}
"
    )
}

fn pause(seconds: f64) {
    thread::sleep(Duration::from_secs_f64(seconds));
}

/// Each host is the better one of one router; one host alone has both.
fn dual_master(link: &Link, one: Kind, other: Kind) -> Outcome {
    let file = |first, second| {
        router("FIRST", "eth0", 101, first, "") + &router("SECOND", "eth0", 102, second, "")
    };
    let b = Speaker::with_file(link, "b", other, &file(100, 150))?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    let a = Speaker::with_file(link, "a", one, &file(150, 100))?;
    link.until_only(3.5, "a", "10.9.0.101")?;
    link.until_only(0.5, "b", "10.9.0.102")?;
    a.kill();
    link.until(3.5, "b has both", || link.has("b", "10.9.0.101"))?;
    let a = Speaker::with_file(link, "a", one, &file(150, 100))?;
    link.until_only(3.5, "a", "10.9.0.101")?;
    link.until_only(0.5, "b", "10.9.0.102")?;
    b.stop()?;
    link.until_only(3.0, "a", "10.9.0.102")?;
    a.stop()?;
    link.until(1.0, "addresses gone after a stop", || {
        !link.has("a", "10.9.0.101") && !link.has("a", "10.9.0.102")
    })
}

/// Two routers of another multicast group, with a third one of the usual group beside them, of the
/// same number: it is no part of theirs.
fn multicast_group(link: &Link, one: Kind, other: Kind) -> Outcome {
    let file = |priority| {
        "global_defs {\n vrrp_mcast_group4 224.0.0.19\n}\n".to_owned()
            + &router("FIRST", "eth0", 101, priority, "")
    };
    let usual = router("OTHER", "eth0", 101, 250, "").replace("10.9.0.101", "10.9.0.102");
    let c = Speaker::with_file(link, "c", other, &usual)?;
    link.until_only(3.5, "c", "10.9.0.102")?;
    let b = Speaker::with_file(link, "b", other, &file(100))?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    let a = Speaker::with_file(link, "a", one, &file(150))?;
    link.until_only(3.5, "a", "10.9.0.101")?;
    a.kill();
    link.until(3.5, "a takeover after a kill", || {
        link.has("b", "10.9.0.101") && link.has("c", "10.9.0.102")
    })?;
    b.stop()?;
    c.stop()
}

/// Three routers of one number on one link, that do not hear each other: two groups, and peers. Each
/// host is the better one of some.
fn twins(link: &Link, one: Kind, other: Kind) -> Outcome {
    let file = |priorities: [u8; 3], own: u8, peer: u8| {
        let peer = format!("unicast_src_ip 10.9.0.{own}\nunicast_peer {{\n10.9.0.{peer}\n}}");
        let more = ["", "mcast_dst_ip 224.0.0.19", &peer];
        let routers = more.iter().zip(priorities).zip(101..);
        let routers = routers.map(|((more, priority), address): (_, u8)| {
            router(&format!("R{address}"), "eth0", 101, priority, more)
                .replace("10.9.0.101", &format!("10.9.0.{address}"))
        });
        routers.collect::<String>()
    };
    let addresses = ["10.9.0.101", "10.9.0.102", "10.9.0.103"];
    let of_b = file([100, 150, 100], 2, 1);
    let b = Speaker::with_file(link, "b", other, &of_b)?;
    for address in addresses {
        link.until_only(3.5, "b", address)?;
    }
    let of_a = file([150, 100, 150], 1, 2);
    let a = Speaker::with_file(link, "a", one, &of_a)?;
    for (address, host) in addresses.iter().zip(["a", "b", "a"]) {
        link.until_only(3.5, host, address)?;
    }
    b.reload(link, &of_b.replace("priority 150", "priority 50"))?;
    for address in addresses {
        link.until_only(3.5, "a", address)?;
    }
    for speaker in [&a, &b] {
        if speaker.log().contains("not believed") {
            return Err(format!("adverts are not believed: {}", speaker.log()));
        }
    }
    a.stop()?;
    for address in addresses {
        link.until_only(3.5, "b", address)?;
    }
    b.stop()
}

/// A router on each of two links, which move together when one link goes.
fn group(link: &Link, one: Kind, other: Kind) -> Outcome {
    link.add_second()?;
    let file = |priority| {
        "vrrp_sync_group G {\n group {\n OUT\n IN\n }\n}\n".to_owned()
            + &router("OUT", "eth0", 101, priority, "")
            + &router("IN", "eth1", 102, priority, "")
    };
    let on = |host: &str| link.has(host, "10.9.0.101") && link.has(host, "10.9.0.102");
    let neither = |host: &str| !link.has(host, "10.9.0.101") && !link.has(host, "10.9.0.102");
    let until = |has: &str, not: &str| {
        link.until(5.0, &format!("both on {has}"), || on(has) && neither(not))
    };
    let b = Speaker::with_file(link, "b", other, &file(100))?;
    until("b", "a")?;
    let a = Speaker::with_file(link, "a", one, &file(150))?;
    until("a", "b")?;
    // The carrier of the second link of a.
    link.ip_in("s", &["link", "set", "q-a", "down"])?;
    until("b", "a")?;
    link.ip_in("s", &["link", "set", "q-a", "up"])?;
    until("a", "b")?;
    a.kill();
    link.until(5.0, "b takes both over", || on("b"))?;
    let a = Speaker::with_file(link, "a", one, &file(150))?;
    until("a", "b")?;
    a.stop()?;
    until("b", "a")?;
    if other == Configured && !b.log().contains("GROUP \"G\" MASTER 0") {
        return Err(format!("no word of the group: {}", b.log()));
    }
    b.stop()
}

/// What is the same misses nothing, what changes stays master, what is gone says so.
fn reload(link: &Link) -> Outcome {
    let more = "virtual_ipaddress_excluded {\n10.9.0.200\n}";
    let before = router("KEPT", "eth0", 101, 150, "")
        + &router("CHANGED", "eth0", 102, 150, "")
        + &router("GONE", "eth0", 103, 150, "");
    let after = router("CHANGED", "eth0", 102, 160, more)
        + &router("KEPT", "eth0", 101, 150, "")
        + &router("NEW", "eth0", 104, 150, "");
    let theirs: String = [101, 102, 103, 104]
        .map(|vrid| router(&format!("R{vrid}"), "eth0", vrid, 100, ""))
        .concat();
    let a = Speaker::with_file(link, "a", Configured, &before)?;
    link.until(3.0, "a is master", || link.has("a", "10.9.0.103"))?;
    let b = Speaker::with_file(link, "b", Keepalived, &theirs)?;
    link.until_only(4.0, "b", "10.9.0.104")?;
    let again = |text: &str| a.reload(link, text);
    again(&after.replace("virtual_router_id 104", "virtual_router_id 0"))?;
    again(&after.replace("interface eth0", "interface eth7"))?;
    pause(1.0);
    if a.log().matches("nothing is changed").count() == 0 || link.has("a", "10.9.0.200") {
        return Err(format!("a broken file: {}", a.log()));
    }
    again(&after)?;
    link.until_only(2.0, "b", "10.9.0.103")?;
    link.until_only(3.0, "a", "10.9.0.104")?;
    link.until_only(0.5, "a", "10.9.0.200")?;
    if !a
        .log()
        .contains("reloaded: 1 unchanged, 1 changed, 1 new, 1 gone")
    {
        return Err(format!("no word of the reload: {}", a.log()));
    }
    // Nor was either of them away for a moment.
    for name in ["R101", "R102"] {
        if b.log().contains(&format!("({name}) Entering MASTER")) {
            return Err(format!("{name} was lost: {}", b.log()));
        }
    }
    let lines = a.log().matches("\"KEPT\"").count();
    if lines != 2 {
        return Err(format!("KEPT was told of {lines} times: {}", a.log()));
    }
    let longest = capture::longest_silence(link, 1, 101)?;
    if longest > 0.3 {
        return Err(format!("an advert was missed: {longest} s"));
    }
    b.stop()?;
    a.stop()
}

/// Two masters that become a group stay masters; one that leaves it is by itself.
fn into_a_group(link: &Link) -> Outcome {
    let routers = router("ONE", "eth0", 101, 150, "") + &router("TWO", "eth0", 102, 150, "");
    let group = "vrrp_sync_group G {\ngroup {\nONE\nTWO\n}\n}\n".to_owned();
    let a = Speaker::with_file(link, "a", Configured, &routers)?;
    let has = || link.has("a", "10.9.0.101") && link.has("a", "10.9.0.102");
    link.until(3.0, "a has both", has)?;
    for text in [group + &routers, routers] {
        a.reload(link, &text)?;
        for _ in 0..20 {
            pause(0.05);
            if !has() {
                return Err(format!("an address was lost: {}", a.log()));
            }
        }
    }
    let resign = |words: &[&str]| {
        let program = link.program.to_str().unwrap();
        link.exec("a", &[&[program, "resign"], words].concat())
    };
    if resign(&[])?.0 != 2 || resign(&["THREE"])?.0 != 1 || resign(&["TWO"])?.0 != 0 {
        return Err("resign by name".into());
    }
    link.until(1.0, "TWO resigned", || {
        link.has("a", "10.9.0.101") && !link.has("a", "10.9.0.102")
    })?;
    a.stop()
}

/// An interface that is removed is a fault until one of its name is there.
fn interface_comes_back(link: &Link) -> Outcome {
    link.add_second()?;
    let file = |priority| {
        router("OUT", "eth0", 101, priority, "") + &router("IN", "eth1", 102, priority, "")
    };
    let b = Speaker::with_file(link, "b", Keepalived, &file(100))?;
    let a = Speaker::with_file(link, "a", Configured, &file(150))?;
    link.until_only(4.0, "a", "10.9.0.102")?;
    link.ip_in("a", &["link", "del", "eth1"])?;
    link.until_only(4.0, "b", "10.9.0.102")?;
    link.until_only(0.1, "a", "10.9.0.101")?;
    link.add_second_of("a", 1)?;
    link.until_only(4.0, "a", "10.9.0.102")?;
    b.stop()?;
    a.stop()
}

/// The MAC address stays the same when the virtual one moves; each hears the other.
fn virtual_mac(link: &Link, one: Kind, other: Kind, vip: &str, mac: &str) -> Outcome {
    let file =
        |priority| router("FIRST", "eth0", 101, priority, "use_vmac").replace("10.9.0.101", vip);
    let learned = |host: &str| {
        let shown = link.ip_in(host, &["neigh", "show", vip]);
        shown.unwrap_or_default()
    };
    let b = Speaker::with_file(link, "b", other, &file(100))?;
    link.until_only(3.5, "b", vip)?;
    let a = Speaker::with_file(link, "a", one, &file(150))?;
    link.until_only(3.5, "a", vip)?;
    for (host, kind) in [("a", one), ("b", other)] {
        // It asks for c in the name of the virtual address, with the MAC of the interface.
        if kind == Keepalived && !vip.contains(':') {
            let to = ["10.9.0.3", "lladdr", "02:00:00:00:0a:03", "dev", "eth0"];
            link.ip_in(host, &[&["neigh", "replace"], &to[..]].concat())?;
        }
    }
    // c asks, and whoever answers has the virtual MAC; nobody else answers.
    let ask = || {
        let target = match vip.contains(':') {
            true => format!("[{vip}%eth0]"),
            false => vip.to_owned(),
        };
        let open = format!("exec 3<>/dev/tcp/{target}/9");
        let open = open.replace(['[', ']'], "");
        link.exec("c", &["timeout", "2", "bash", "-c", &open])
            .map(drop)
    };
    ask()?;
    if !learned("c").contains(mac) {
        return Err(format!("c learned: {}", learned("c")));
    }
    a.kill();
    link.until(3.5, "a takeover after a kill", || link.has("b", vip))?;
    link.ip_in("c", &["neigh", "flush", "all"])?;
    ask()?;
    if !learned("c").contains(mac) {
        return Err(format!("after the takeover c learned: {}", learned("c")));
    }
    let a = Speaker::with_file(link, "a", one, &file(150))?;
    link.until_only(3.5, "a", vip)?;
    b.stop()?;
    a.stop()?;
    link.until(1.0, "no interface is left", || {
        ["a", "b"].iter().all(|host| {
            let shown = link.ip_in(host, &["-br", "link"]).unwrap_or_default();
            !shown.contains("vrrp.101")
        })
    })
}

/// What one that was killed has left, the next one takes over or away, also what it has no use for;
/// of one that lives it lets its hands off.
fn killed(link: &Link) -> Outcome {
    /// No other test has such numbers.
    const BEGINNING: &str = "vrrp.eth0.inet.20";
    let first = router("FIRST", "eth0", 201, 150, "use_vmac\n no_accept");
    let second = router("SECOND", "eth0", 202, 150, "");
    let other = router("OTHER", "eth0", 203, 150, "");
    let sockets = || -> Result<Vec<String>, String> {
        let all = fs::read_dir("/run/lvskit").map_err(|error| error.to_string())?;
        let names = all.flatten().map(|entry| entry.file_name());
        let names = names.filter_map(|name| name.into_string().ok());
        let mut own: Vec<String> = names.filter(|name| name.starts_with(BEGINNING)).collect();
        own.sort();
        Ok(own)
    };
    // On host a, with a file of its own.
    let lives = Speaker::with_file(link, "a", Configured, &other)?;
    link.until(3.5, "another one is master", || link.has("a", "10.9.0.203"))?;
    let a = Speaker::with_file(link, "a", Configured, &(first.clone() + &second))?;
    link.until(3.5, "a is master", || {
        link.has("a", "10.9.0.201") && link.has("a", "10.9.0.202")
    })?;
    a.kill();
    let all = sockets()?;
    if all.len() != 3 {
        return Err(format!("not left: {all:?}"));
    }
    // As if it had been killed a minute ago.
    for name in &all {
        let name = format!("/run/lvskit/{name}");
        link.exec("a", &["touch", "-d", "1 minute ago", &name])?;
    }
    let a = Speaker::with_file(link, "a", Configured, &first)?;
    let tells = || a.log().contains("MASTER");
    link.until(3.5, "a is master once more", tells)?;
    if sockets()? != [all[0].clone(), all[2].clone()] {
        return Err(format!("not swept: {:?}", sockets()?));
    }
    let program = link.program.display().to_string();
    let (status, text) = link.exec("a", &[&program, "status"])?;
    let is_named = |name: &str| text.contains(name);
    if status != 0 || !is_named("FIRST") || !is_named("OTHER") || is_named("SECOND") {
        return Err(format!("status: {status} {text}"));
    }
    a.stop()?;
    lives.stop()?;
    let shown = link.ip_in("a", &["link"])?;
    let (_, tables) = link.exec("a", &["nft", "list", "tables"])?;
    let left = sockets()?;
    if !left.is_empty() || shown.contains("vrrp.201") || tables.contains("lvs-closed") {
        return Err(format!("left: {left:?} {shown} {tables}"));
    }
    Ok(())
}

/// With `use_ipvlan` the addresses are on the interface itself: they move all the same, and packets
/// reach them.
fn ipvlan(link: &Link) -> Outcome {
    let file = |priority, more| router("FIRST", "eth0", 101, priority, more);
    // Refused at once where somebody is.
    let reached = || {
        let words = [
            "timeout",
            "1",
            "bash",
            "-c",
            "exec 3<>/dev/tcp/10.9.0.101/9",
        ];
        link.exec("c", &words)
            .is_ok_and(|(status, _)| status != 124)
    };
    let b = Speaker::with_file(link, "b", Keepalived, &file(100, ""))?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    let more = "use_ipvlan ipv.101 10.9.0.61/24";
    let a = Speaker::with_file(link, "a", Configured, &file(150, more))?;
    link.until_only(3.5, "a", "10.9.0.101")?;
    link.until(3.0, "packets come to a", reached)?;
    pause(1.0);
    link.until_only(0.0, "a", "10.9.0.101")?;
    a.stop()?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    link.until(3.0, "packets come to b", reached)?;
    b.stop()
}

/// One that runs before all others is stopped by the kernel when it computes for too long.
fn real_time(link: &Link, kind: Kind) -> Outcome {
    let global = "global_defs {\n vrrp_rt_priority 10\n vrrp_rlimit_rttime 70000\n}\n";
    let text = global.to_owned() + &router("FIRST", "eth0", 101, 150, "");
    let a = Speaker::with_file(link, "a", kind, &text)?;
    link.until(3.5, "a is master", || link.has("a", "10.9.0.101"))?;
    let own = a.process();
    let children = fs::read_to_string(format!("/proc/{own}/task/{own}/children"));
    let processes = format!("{own} {}", children.unwrap_or_default());
    let is_limited = |process: &str| {
        let limits = fs::read_to_string(format!("/proc/{process}/limits")).unwrap_or_default();
        let mut lines = limits.lines();
        let line = lines.find(|line| line.starts_with("Max realtime timeout"));
        line.is_some_and(|line| line.split_whitespace().nth(4) == Some("70000"))
    };
    if !processes.split_whitespace().any(is_limited) {
        return Err(format!("no limit: {}", a.log()));
    }
    a.stop()
}

/// A master that takes no packets to its address is still found there, until it stops.
fn no_accept(link: &Link) -> Outcome {
    let file = router("CLOSED", "eth0", 101, 150, "no_accept")
        + &router("CLOSED6", "eth0", 102, 150, "no_accept").replace("10.9.0.102", "fd00:9::102")
        + &router("OPEN", "eth0", 103, 150, "");
    let a = Speaker::with_file(link, "a", Configured, &file)?;
    link.until(3.5, "a is master", || {
        link.has("a", "10.9.0.101") && link.has("a", "fd00:9::102") && link.has("a", "10.9.0.103")
    })?;
    // Refused at once where somebody is, else nothing comes back.
    let answers = |address: &str| {
        let open = format!("exec 3<>/dev/tcp/{address}/9");
        let status = link.exec("c", &["timeout", "1", "bash", "-c", &open]);
        status.map(|(status, _)| status != 124)
    };
    let learned = |address: &str| {
        let shown = link.ip_in("c", &["neigh", "show", address]);
        shown.is_ok_and(|shown| shown.contains("02:00:00:00:0a:01"))
    };
    for (address, open) in [
        ("10.9.0.103", true),
        ("10.9.0.101", false),
        ("fd00:9::102", false),
    ] {
        if answers(address)? != open || !learned(address) {
            return Err(format!(
                "{address}: answers {}, {}",
                !open,
                learned(address)
            ));
        }
    }
    a.stop()?;
    let (_, tables) = link.exec("a", &["nft", "list", "tables"])?;
    match tables.contains("lvs-closed") {
        true => Err(format!("left: {tables}")),
        false => Ok(()),
    }
}
