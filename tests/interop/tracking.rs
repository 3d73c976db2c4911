//! What routers track, and whom they tell: files with numbers, processes, their own link, readers of
//! pipes. Each beside keepalived, from the same file.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::link::Link;
use crate::several::router;
use crate::speaker::{Kind, Speaker};
use crate::{Case, Outcome};

use Kind::{Configured, Keepalived};

/// All of them.
pub fn all() -> Vec<Case> {
    let mut cases = vec![
        Case::new("tracking/process", process),
        Case::new("tracking/fractions", fractions),
        Case::new("tracking/source", source),
    ];
    for kind in [Configured, Keepalived] {
        let name = |what: &str| format!("tracking/{what}/{kind:?}");
        cases.push(Case::new(name("file"), move |link| file(link, kind)));
        cases.push(Case::new(name("number-or-fault"), move |link| {
            number_or_fault(link, kind)
        }));
        cases.push(Case::new(name("own-link"), move |link| {
            own_link(link, kind)
        }));
        cases.push(Case::new(name("source-untracked"), move |link| {
            source_untracked(link, kind)
        }));
        cases.push(Case::new(name("no-peer"), move |link| no_peer(link, kind)));
        cases.push(Case::new(name("priority"), move |link| {
            priority(link, kind)
        }));
        cases.push(Case::new(name("devices"), move |link| devices(link, kind)));
        cases.push(Case::new(name("routes"), move |link| routes(link, kind)));
        cases.push(Case::new(name("static"), move |link| fixed(link, kind)));
        cases.push(Case::new(name("route-gone"), move |link| {
            route_gone(link, kind)
        }));
        cases.push(Case::new(name("static-put-back"), move |link| {
            put_back(link, kind)
        }));
        cases.push(Case::new(name("pipe"), move |link| pipe(link, kind)));
    }
    cases
}

fn write(link: &Link, name: &str, text: &str) -> Outcome {
    fs::write(link.directory.join(name), text).map_err(|error| error.to_string())
}

fn track_file(link: &Link, weight: &str) -> String {
    let path = link.directory.join("number");
    let path = path.display();
    format!("vrrp_track_file F {{\n file {path}\n weight {weight}\n init_file 3\n}}\n")
}

const TRACKS: &str = "track_file {\n F\n }";

/// The number in a file moves the priority; to write it moves the master.
fn file(link: &Link, kind: Kind) -> Outcome {
    let text = track_file(link, "10 reverse") + &router("FIRST", "eth0", 101, 120, TRACKS);
    let b = Speaker::with_file(
        link,
        "b",
        Keepalived,
        &router("FIRST", "eth0", 101, 100, ""),
    )?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    // 120 - 3 * 10: the file was made.
    let a = Speaker::with_file(link, "a", kind, &text)?;
    thread::sleep(Duration::from_secs(2));
    link.until_only(0.5, "b", "10.9.0.101")?;
    for (number, master) in [("1\n", "a"), ("0x3", "b"), ("-1", "a")] {
        write(link, "number", number)?;
        link.until_only(4.0, master, "10.9.0.101")?;
    }
    write(link, "other", "5")?;
    let moved = fs::rename(link.directory.join("other"), link.directory.join("number"));
    moved.map_err(|error| error.to_string())?;
    link.until_only(4.0, "b", "10.9.0.101")?;
    let removed = fs::remove_file(link.directory.join("number"));
    removed.map_err(|error| error.to_string())?;
    link.until_only(4.0, "a", "10.9.0.101")?;
    a.stop()?;
    b.stop()
}

/// Without a weight any number but 0 is a fault.
fn number_or_fault(link: &Link, kind: Kind) -> Outcome {
    let text = track_file(link, "0") + &router("FIRST", "eth0", 101, 150, TRACKS);
    write(link, "number", "0")?;
    let a = Speaker::with_file(link, "a", kind, &text)?;
    link.until(3.5, "a is master", || link.has("a", "10.9.0.101"))?;
    write(link, "number", "1")?;
    link.until(1.0, "a has a fault", || !link.has("a", "10.9.0.101"))?;
    write(link, "number", "0")?;
    link.until(3.5, "a is well", || link.has("a", "10.9.0.101"))?;
    a.stop()
}

/// With `dont_track_primary` a master stays one while its own link is down.
fn own_link(link: &Link, kind: Kind) -> Outcome {
    let text = router("HELD", "eth0", 101, 150, "dont_track_primary");
    let a = Speaker::with_file(link, "a", kind, &text)?;
    link.until(3.5, "a is master", || link.has("a", "10.9.0.101"))?;
    link.ip_in("s", &["link", "set", "p-a", "down"])?;
    for _ in 0..20 {
        thread::sleep(Duration::from_millis(100));
        if !link.has("a", "10.9.0.101") {
            return Err(format!("given up: {}", a.log()));
        }
    }
    link.ip_in("s", &["link", "set", "p-a", "up"])?;
    a.stop()
}

/// With `track_src_ip` there is a fault while the address of the adverts is not there, and the other
/// one takes over. keepalived 2.2.7 compares other bytes than it means to, and goes on.
fn source(link: &Link) -> Outcome {
    let text = |priority, more| router("FIRST", "eth0", 101, priority, more);
    let b = Speaker::with_file(link, "b", Keepalived, &text(100, ""))?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    let more = "mcast_src_ip 10.9.0.1\n track_src_ip";
    let a = Speaker::with_file(link, "a", Configured, &text(150, more))?;
    link.until_only(3.5, "a", "10.9.0.101")?;
    link.ip_in("a", &["addr", "del", "10.9.0.1/24", "dev", "eth0"])?;
    link.until_only(2.0, "b", "10.9.0.101")?;
    link.ip_in("a", &["addr", "add", "10.9.0.1/24", "dev", "eth0"])?;
    link.until_only(3.5, "a", "10.9.0.101")?;
    a.stop()?;
    b.stop()
}

/// Without it adverts come from an address that may not be there, and another router hears them.
fn source_untracked(link: &Link, kind: Kind) -> Outcome {
    let text = |priority, more| router("FIRST", "eth0", 101, priority, more);
    let b = Speaker::with_file(link, "b", Keepalived, &text(100, ""))?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    let a = Speaker::with_file(link, "a", kind, &text(150, "mcast_src_ip 10.9.0.9"))?;
    link.until_only(3.5, "a", "10.9.0.101")?;
    link.ip_in("a", &["addr", "add", "10.9.0.9/24", "dev", "eth0"])?;
    thread::sleep(Duration::from_millis(500));
    link.ip_in("a", &["addr", "del", "10.9.0.9/24", "dev", "eth0"])?;
    for _ in 0..15 {
        thread::sleep(Duration::from_millis(100));
        link.until_only(0.0, "a", "10.9.0.101")?;
    }
    a.stop()?;
    b.stop()
}

/// With `unicast_fault_no_peer` one without peers is never master, nor speaks to the group.
fn no_peer(link: &Link, kind: Kind) -> Outcome {
    let more = "unicast_src_ip 10.9.0.1\n unicast_fault_no_peer";
    let alone = router("FIRST", "eth0", 101, 150, more);
    let a = Speaker::with_file(link, "a", kind, &alone)?;
    thread::sleep(Duration::from_secs(3));
    if link.has("a", "10.9.0.101") {
        return Err("a is master without a peer".into());
    }
    let more = format!("{more}\n unicast_peer {{\n 10.9.0.2\n }}");
    a.reload(link, &router("FIRST", "eth0", 101, 150, &more))?;
    link.until(4.0, "a is master with one", || link.has("a", "10.9.0.101"))?;
    a.stop()
}

/// With `notify_priority_changes` a pipe is told of each other priority.
fn priority(link: &Link, kind: Kind) -> Outcome {
    let pipe = link.directory.join("told");
    let global = format!("global_defs {{\n vrrp_notify_fifo {}\n}}\n", pipe.display());
    let more = format!("notify_priority_changes on\n {TRACKS}");
    let text = global + &track_file(link, "10") + &router("FIRST", "eth0", 101, 100, &more);
    write(link, "number", "0")?;
    let a = Speaker::with_file(link, "a", kind, &text)?;
    link.until(3.0, "the pipe is there", || pipe.exists())?;
    let heard = link.directory.join("heard");
    let file = fs::File::create(&heard).map_err(|error| error.to_string())?;
    let reader = Command::new("cat").arg(&pipe).stdout(file).spawn();
    let mut reader = reader.map_err(|error| error.to_string())?;
    let has = |line: &str| fs::read_to_string(&heard).is_ok_and(|text| text.contains(line));
    let outcome = (|| {
        link.until(3.5, "a is master", || link.has("a", "10.9.0.101"))?;
        write(link, "number", "2")?;
        link.until(2.0, "a line of the master", || {
            has("INSTANCE \"FIRST\" MASTER_PRIORITY 120\n")
        })?;
        let better = router("FIRST", "eth0", 101, 200, "");
        let b = Speaker::with_file(link, "b", Keepalived, &better)?;
        link.until_only(4.0, "b", "10.9.0.101")?;
        write(link, "number", "-2")?;
        link.until(2.0, "a line of the backup", || {
            has("INSTANCE \"FIRST\" BACKUP_PRIORITY 80\n")
        })?;
        b.stop()
    })();
    let outcome = outcome.and_then(|()| a.stop());
    let _ = reader.kill();
    let _ = reader.wait();
    outcome
}

/// The interfaces of addresses and routes have to run, unless `no_track` says otherwise.
fn devices(link: &Link, kind: Kind) -> Outcome {
    for (name, net) in [
        ("eth1", "10.61.0.1/24"),
        ("eth2", "10.62.0.1/24"),
        ("eth3", "10.63.0.1/24"),
    ] {
        link.ip_in(
            "a",
            &[
                "link",
                "add",
                name,
                "type",
                "veth",
                "peer",
                "name",
                &format!("{name}-x"),
            ],
        )?;
        for name in [name, &format!("{name}-x")] {
            link.ip_in("a", &["link", "set", name, "up"])?;
        }
        link.ip_in("a", &["addr", "add", net, "dev", name])?;
    }
    let more = "virtual_ipaddress_excluded {\n 10.61.0.9 dev eth1\n 10.63.0.9 dev eth3 no_track\n }
    virtual_routes {\n 10.66.0.0/16 via 10.62.0.2 dev eth2\n 10.67.0.0/16 dev eth3 no_track\n }";
    let a = Speaker::with_file(link, "a", kind, &router("FIRST", "eth0", 101, 150, more))?;
    let is_master = || link.has("a", "10.9.0.101");
    link.until(3.5, "a is master", is_master)?;
    for name in ["eth1-x", "eth2-x"] {
        link.ip_in("a", &["link", "set", name, "down"])?;
        link.until(1.5, &format!("a fault without {name}"), || !is_master())?;
        link.ip_in("a", &["link", "set", name, "up"])?;
        link.until(3.5, &format!("a is well with {name}"), is_master)?;
    }
    link.ip_in("a", &["link", "set", "eth3-x", "down"])?;
    link.ip_in("a", &["addr", "del", "10.63.0.9/32", "dev", "eth3"])?;
    for _ in 0..15 {
        thread::sleep(Duration::from_millis(100));
        if !is_master() {
            return Err(format!("given up: {}", a.log()));
        }
    }
    a.stop()
}

/// Routes and rules come with the master and go with it.
fn routes(link: &Link, kind: Kind) -> Outcome {
    let more = "virtual_routes {
        10.20.0.0/16 via 10.9.0.3 dev eth0 src 10.9.0.101
        default gw 10.9.0.3 table 77
        blackhole 10.21.0.0/16 metric 5
        fd00:20::/32 dev eth0
    }
    virtual_rules {
        from 10.9.0.101 table 77 priority 1077
    }";
    let own = |priority| router("FIRST", "eth0", 101, priority, more);
    let shown = |words: &[&str]| link.ip_in("a", words).unwrap_or_default();
    let has = |there: bool| {
        let routes = shown(&["route", "show", "table", "all"]) + &shown(&["-6", "route"]);
        let rules = shown(&["rule"]);
        [
            "10.20.0.0/16 via 10.9.0.3 dev eth0",
            "default via 10.9.0.3",
            "blackhole 10.21.0.0/16",
            "fd00:20::/32 dev eth0",
        ]
        .iter()
        .all(|route| routes.contains(route) == there)
            && (rules.matches("from 10.9.0.101 lookup 77").count() == usize::from(there))
    };
    let a = Speaker::with_file(link, "a", kind, &own(100))?;
    link.until(4.0, "a has its routes", || has(true))?;
    let b = Speaker::with_file(
        link,
        "b",
        Keepalived,
        &router("FIRST", "eth0", 101, 150, ""),
    )?;
    link.until(4.0, "a has them no more", || has(false))?;
    b.stop()?;
    link.until(4.0, "a has them again", || has(true))?;
    // A restart after a crash finds them there, and has them once.
    a.kill();
    let a = Speaker::with_file(link, "a", kind, &own(100))?;
    link.until(4.0, "a has them once", || has(true))?;
    thread::sleep(Duration::from_secs(1));
    if !has(true) {
        return Err(format!("not once: {}", shown(&["rule"])));
    }
    a.stop()?;
    link.until(1.0, "nothing is left", || has(false))
}

/// Static addresses, routes and rules are there whoever is master, follow the file, and go at the end.
fn fixed(link: &Link, kind: Kind) -> Outcome {
    let text = |address: &str, route: &str| {
        format!(
            "static_ipaddress {{\n {address} dev eth0\n 10.41.0.1 dev eth0 scope link\n}}\n\
             static_routes {{\n {route}\n 10.43.0.0/24 dev eth0 table 78\n}}\n\
             static_rules {{\n from 10.43.0.0/24 table 78 priority 1078\n}}\n"
        ) + &router("FIRST", "eth0", 101, 100, "")
    };
    let shown = || {
        let shown = |words: &[&str]| link.ip_in("a", words).unwrap_or_default();
        shown(&["-o", "address", "show", "dev", "eth0"])
            + &shown(&["route", "show", "table", "all"])
            + &shown(&["rule"])
    };
    let has = |lines: &[&str], there: bool| {
        let shown = shown();
        lines.iter().all(|line| shown.contains(line) == there)
    };
    let stay = ["10.41.0.1/32 scope link", "10.43.0.0/24 dev eth0 table 78"];
    let rule = || shown().matches("from 10.43.0.0/24 lookup 78").count();
    let old = ["10.40.0.1/24", "10.42.0.0/24 via 10.40.0.9"];
    let new = ["10.40.0.2/24", "10.44.0.0/24 via 10.40.0.9"];
    let [first, second] = [old, new].map(|[address, route]| text(address, route));

    let b = Speaker::with_file(
        link,
        "b",
        Keepalived,
        &router("FIRST", "eth0", 101, 150, ""),
    )?;
    let a = Speaker::with_file(link, "a", kind, &first)?;
    link.until(2.0, "all is there", || {
        has(&old, true) && has(&stay, true) && rule() == 1
    })?;
    a.reload(link, &second)?;
    link.until(2.0, "the new one is there", || {
        has(&new, true) && has(&old, false) && has(&stay, true) && rule() == 1
    })?;
    // What a crash has left is there once.
    a.kill();
    let a = Speaker::with_file(link, "a", kind, &second)?;
    link.until(2.0, "all is there again", || {
        has(&new, true) && has(&stay, true) && rule() == 1
    })?;
    a.stop()?;
    link.until(1.0, "nothing is left", || {
        has(&new, false) && has(&stay, false) && rule() == 0
    })?;
    b.stop()
}

/// A master whose route or rule somebody takes off gives up, and has all again; of one that is not
/// tracked it takes no notice.
fn route_gone(link: &Link, kind: Kind) -> Outcome {
    let more =
        "virtual_routes {\n 10.20.0.0/16 via 10.9.0.3 dev eth0\n 10.21.0.0/16 dev eth0 no_track\n }
    virtual_rules {\n from 10.9.0.101 table 77 priority 1077\n }";
    let a = Speaker::with_file(link, "a", kind, &router("FIRST", "eth0", 101, 150, more))?;
    let shown = || {
        let shown = |words: &[&str]| link.ip_in("a", words).unwrap_or_default();
        shown(&["route"]) + &shown(&["rule"])
    };
    let has = |line: &str| shown().contains(line);
    let (route, rule) = ("10.20.0.0/16 via 10.9.0.3", "from 10.9.0.101 lookup 77");
    let all = || link.has("a", "10.9.0.101") && has(route) && has(rule) && has("10.21.0.0/16");
    let masters = || a.log().matches("STATE").count() + a.log().matches("INSTANCE").count();
    link.until(4.0, "a has its routes", all)?;
    for words in [
        &["route", "del", "10.20.0.0/16"][..],
        &["rule", "del", "priority", "1077"],
    ] {
        let before = masters();
        link.ip_in("a", words)?;
        link.until(4.0, "a is master once more", || masters() > before && all())?;
    }
    let before = masters();
    link.ip_in("a", &["route", "del", "10.21.0.0/16"])?;
    thread::sleep(Duration::from_millis(1500));
    if masters() > before || has("10.21.0.0/16") || !link.has("a", "10.9.0.101") {
        return Err(format!("something became of it: {}", a.log()));
    }
    a.stop()
}

/// What is static and somebody takes off is put back, but what is not tracked.
fn put_back(link: &Link, kind: Kind) -> Outcome {
    let text = "static_ipaddress {\n 10.40.0.1/24 dev eth0\n 10.40.1.1/24 dev eth0 no_track\n}
static_routes {\n 10.42.0.0/24 via 10.40.0.9 dev eth0\n 10.43.0.0/24 dev eth0 table 78\n}
static_rules {\n from 10.43.0.0/24 table 78 priority 1078\n}\n";
    // keepalived 2.2.7 looks after static ones only where there are others.
    let more = "virtual_routes {\n 10.20.0.0/16 dev eth0\n }
    virtual_rules {\n from 10.9.0.101 table 77 priority 1077\n }";
    let text = text.to_owned() + &router("FIRST", "eth0", 101, 150, more);
    let shown = || {
        let shown = |words: &[&str]| link.ip_in("a", words).unwrap_or_default();
        shown(&["-o", "address", "show", "dev", "eth0"])
            + &shown(&["route", "show", "table", "all"])
            + &shown(&["rule"])
    };
    let lines = [
        " 10.40.0.1/24",
        "10.42.0.0/24 via 10.40.0.9",
        "10.43.0.0/24 dev eth0 table 78",
        "from 10.43.0.0/24 lookup 78",
    ];
    let all = || lines.iter().all(|line| shown().contains(line));
    let a = Speaker::with_file(link, "a", kind, &text)?;
    link.until(3.0, "all is there", all)?;
    link.until(3.5, "a is master", || link.has("a", "10.9.0.101"))?;
    for words in [
        &["route", "del", "10.42.0.0/24"][..],
        &["route", "del", "10.43.0.0/24", "table", "78"],
        &["rule", "del", "priority", "1078"],
        &["address", "del", "10.40.0.1/24", "dev", "eth0"],
    ] {
        link.ip_in("a", words)?;
        let what = format!("put back after {}", words.join(" "));
        link.until(2.0, &what, all)?;
    }
    let word = ["address", "del", "10.40.1.1/24", "dev", "eth0"];
    link.ip_in("a", &word)?;
    thread::sleep(Duration::from_secs(1));
    if shown().contains("10.40.1.1/24") || !link.has("a", "10.9.0.101") {
        return Err(format!("not left alone: {}", a.log()));
    }
    if kind == Configured {
        link.ip_in("a", &["link", "set", "eth0", "down"])?;
        link.ip_in("a", &["link", "set", "eth0", "up"])?;
        link.until(3.0, "all is there after the link was down", all)?;
    }
    a.stop()?;
    link.until(1.0, "nothing is left", || {
        !lines.iter().any(|line| shown().contains(line))
    })
}

/// The reader of a pipe is started, with the path behind its own arguments, and ends with it.
fn pipe(link: &Link, kind: Kind) -> Outcome {
    let path = |name: &str| link.directory.join(name);
    let reader = path("reader");
    let heard = path("heard");
    let script = format!(
        "#!/bin/sh\nexec cat \"$2\" >{}/$1\n",
        link.directory.display()
    );
    fs::write(&reader, script).map_err(|error| error.to_string())?;
    let executable = fs::Permissions::from_mode(0o755);
    fs::set_permissions(&reader, executable).map_err(|error| error.to_string())?;
    let global = format!(
        "global_defs {{\n script_user root\n vrrp_notify_fifo {}\n vrrp_notify_fifo_script \"{} heard\"\n}}\n",
        path("told").display(),
        reader.display()
    );
    let text = global + &router("FIRST", "eth0", 101, 150, "");
    let a = Speaker::with_file(link, "a", kind, &text)?;
    let has = |line: &str| fs::read_to_string(&heard).is_ok_and(|text| text.contains(line));
    link.until(5.0, "the reader has heard", || {
        has("INSTANCE \"FIRST\" MASTER 150\n")
    })?;
    a.stop()?;
    link.until(2.0, "the pipe is gone", || !path("told").exists())
}

/// A script may be run several times a second; keepalived before 2.3.2 takes such an interval for none.
fn fractions(link: &Link) -> Outcome {
    let ran = link.directory.join("ran");
    let script = format!("sh -c 'echo >>{}'", ran.display());
    let text = format!("vrrp_script S {{\n script \"{script}\"\n interval .05\n timeout 2.5\n}}\n")
        + &router("FIRST", "eth0", 101, 150, "track_script {\n S\n }");
    let a = Speaker::with_file(link, "a", Configured, &text)?;
    // Once a second it would take a minute.
    link.until(20.0, "the script has run sixty times", || {
        fs::read(&ran).is_ok_and(|lines| lines.len() >= 60)
    })?;
    a.stop()
}

/// A process that runs makes its machine the better one.
fn process(link: &Link) -> Outcome {
    // Nobody else sleeps just so long.
    let seconds = format!("86400.{}", std::process::id());
    let file = format!("vrrp_track_process P {{\n process sleep {seconds}\n weight 60\n}}\n")
        + &router("FIRST", "eth0", 101, 90, "track_process {\n P\n }");
    let better = router("FIRST", "eth0", 101, 100, "");
    let b = Speaker::with_file(link, "b", Keepalived, &better)?;
    link.until_only(3.5, "b", "10.9.0.101")?;
    let a = Speaker::with_file(link, "a", Configured, &file)?;
    thread::sleep(Duration::from_secs(1));
    link.until_only(0.5, "b", "10.9.0.101")?;
    let sleeps = Command::new("sleep").arg(&seconds).spawn();
    let mut sleeps = sleeps.map_err(|error| error.to_string())?;
    let outcome = link.until_only(4.0, "a", "10.9.0.101");
    let _ = sleeps.kill();
    let _ = sleeps.wait();
    outcome?;
    link.until_only(4.0, "b", "10.9.0.101")?;
    a.stop()?;
    b.stop()
}
