//! Who is master, and when.

use std::thread;
use std::time::Duration;

use crate::link::Link;
use crate::speaker::{Kind, Speaker, Wishes};
use crate::{Case, Outcome};

use Kind::{Configured, Keepalived, Ours};

/// Which kinds are on a and b.
const PAIRS: [(Kind, Kind); 3] = [(Ours, Keepalived), (Keepalived, Ours), (Ours, Ours)];

const VIP: &str = "10.9.0.100";

/// More than the time to become master that the protocol has, for a machine that is busy.
const SLACK: f64 = 2.5;

/// All of them.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for (form, wishes) in forms() {
        for (one, other) in PAIRS {
            let wishes = wishes.clone();
            let name = format!("hand-over/{form}/{one:?}-{other:?}");
            cases.push(Case::new(name, move |link| {
                hand_over(link, one, other, &wishes)
            }));
        }
    }
    for (one, other) in [(Configured, Keepalived), (Keepalived, Configured)] {
        let wishes = Wishes {
            auth: Some(("pass", "s3cr3t")),
            ..Wishes::new(2, 1.0, 150)
        };
        let name = format!("hand-over/configuration/{one:?}-{other:?}");
        cases.push(Case::new(name, move |link| {
            hand_over(link, one, other, &wishes)
        }));
    }
    for (one, other) in PAIRS {
        let name = |what: &str| format!("{what}/{one:?}-{other:?}");
        cases.push(Case::new(name("nopreempt"), move |link| {
            nopreempt(link, one, other)
        }));
        cases.push(Case::new(name("preempt-delay"), move |link| {
            preempt_delay(link, one, other)
        }));
        cases.push(Case::new(name("link-down"), move |link| {
            link_down(link, one, other)
        }));
        cases.push(Case::new(name("address-gone"), move |link| {
            address_gone(link, one, other)
        }));
    }
    for kinds in [[Ours, Keepalived, Ours], [Keepalived, Ours, Keepalived]] {
        let name = format!("partition/{kinds:?}");
        cases.push(Case::new(name, move |link| partition(link, kinds)));
    }
    for (difference, change, reason) in DIFFERENCES {
        let name = format!("mismatch/{difference}");
        cases.push(Case::new(name, move |link| mismatch(link, change, reason)));
    }
    cases.push(Case::new("split-brain", split_brain));
    cases.push(Case::new("elect", elect));
    cases.push(Case::new("resign", resign));
    cases.push(Case::new(
        "scripts-and-notifications",
        scripts_and_notifications,
    ));
    cases
}

/// The forms of the protocol.
fn forms() -> Vec<(&'static str, Wishes)> {
    let v2 = Wishes::new(2, 1.0, 150);
    let v3 = Wishes::new(3, 0.2, 150);
    let v6 = Wishes {
        vips: vec!["fe80::9:100", "fd00:9::100"],
        ..v3.clone()
    };
    let unicast = |wishes: &Wishes| Wishes {
        unicast: true,
        ..wishes.clone()
    };
    vec![
        ("v2", v2.clone()),
        (
            "v2-pass",
            Wishes {
                auth: Some(("pass", "s3cr3t")),
                ..v2.clone()
            },
        ),
        (
            "v2-ah",
            Wishes {
                auth: Some(("ah", "s3cr3t")),
                ..v2.clone()
            },
        ),
        ("v2-unicast", unicast(&v2)),
        (
            "v2-ah-unicast",
            Wishes {
                auth: Some(("ah", "s3cr3t")),
                ..unicast(&v2)
            },
        ),
        (
            "v2-ipv6",
            Wishes {
                version: 2,
                interval: 1.0,
                ..v6.clone()
            },
        ),
        ("v3-ipv4", v3.clone()),
        ("v3-ipv4-unicast", unicast(&v3)),
        ("v3-ipv6", v6.clone()),
        (
            "v3-ipv6-unicast",
            unicast(&Wishes {
                vips: vec!["fd00:9::100"],
                ..v6
            }),
        ),
    ]
}

/// Three intervals and the longest skew.
fn master_down(wishes: &Wishes) -> f64 {
    3.0 * wishes.interval
        + if wishes.version == 2 {
            1.0
        } else {
            wishes.interval
        }
}

fn lower(wishes: &Wishes) -> Wishes {
    Wishes {
        priority: 100,
        ..wishes.clone()
    }
}

fn pause(seconds: f64) {
    thread::sleep(Duration::from_secs_f64(seconds));
}

/// The better one is master; hands over when it stops; takes it back; is missed when it is killed.
fn hand_over(link: &Link, one: Kind, other: Kind, better: &Wishes) -> Outcome {
    let vip = better.vips[0];
    let down = master_down(better) + SLACK;
    let worse = lower(better);
    let b = Speaker::start(link, "b", other, &worse)?;
    link.until_only(down, "b", vip)?;
    let a = Speaker::start(link, "a", one, better)?;
    link.until_only(down, "a", vip)?;
    let (status, text) = link.exec(
        "c",
        &[
            link.program.to_str().unwrap(),
            "watch",
            "-i",
            "eth0",
            "--for",
            "1.5",
        ],
    )?;
    // c is a peer.
    if status != 0 {
        return Err(format!("watch: status {status}: {text}"));
    }
    // Priority 0 costs only the skew.
    a.stop()?;
    link.until_only(1.0 + SLACK, "b", vip)?;
    let a = Speaker::start(link, "a", one, better)?;
    link.until_only(down, "a", vip)?;
    a.kill();
    link.until(down, "a takeover after a kill", || link.has("b", vip))?;
    let a = Speaker::start(link, "a", one, better)?;
    link.until_only(down + 1.0, "a", vip)?;
    b.stop()?;
    a.stop()?;
    link.until(1.0, "addresses gone after a stop", || {
        !link.has("a", vip) && !link.has("b", vip)
    })
}

fn nopreempt(link: &Link, one: Kind, other: Kind) -> Outcome {
    let better = Wishes {
        nopreempt: true,
        ..Wishes::new(3, 0.2, 150)
    };
    let down = master_down(&better);
    let b = Speaker::start(link, "b", other, &lower(&better))?;
    link.until_only(down + SLACK, "b", VIP)?;
    let a = Speaker::start(link, "a", one, &better)?;
    pause(down * 3.0);
    link.until_only(0.1, "b", VIP)?;
    b.kill();
    link.until(down + SLACK, "a takeover after a kill", || {
        link.has("a", VIP)
    })?;
    a.stop()
}

fn preempt_delay(link: &Link, one: Kind, other: Kind) -> Outcome {
    let better = Wishes {
        preempt_delay: 4,
        ..Wishes::new(3, 0.2, 150)
    };
    let down = master_down(&better);
    let b = Speaker::start(link, "b", other, &lower(&better))?;
    link.until_only(down + SLACK, "b", VIP)?;
    let a = Speaker::start(link, "a", one, &better)?;
    pause(2.5);
    // A busy machine takes its time to answer, though not until the delay is over.
    link.until_only(1.0, "b", VIP)?;
    link.until_only(1.5 + down + SLACK, "a", VIP)?;
    b.stop()?;
    a.stop()
}

fn link_down(link: &Link, one: Kind, other: Kind) -> Outcome {
    let better = Wishes::new(3, 0.2, 150);
    let down = master_down(&better) + SLACK;
    let b = Speaker::start(link, "b", other, &lower(&better))?;
    let a = Speaker::start(link, "a", one, &better)?;
    link.until_only(down, "a", VIP)?;
    link.ip_in("a", &["link", "set", "eth0", "down"])?;
    link.until_only(down, "b", VIP)?;
    link.ip_in("a", &["link", "set", "eth0", "up"])?;
    link.until_only(down, "a", VIP)?;
    // The carrier alone.
    link.ip_in("s", &["link", "set", "p-a", "down"])?;
    link.until_only(down, "b", VIP)?;
    link.ip_in("s", &["link", "set", "p-a", "up"])?;
    link.until_only(down, "a", VIP)?;
    if one == Ours && !a.log().contains("FAULT") {
        return Err("no word of a fault".into());
    }
    b.stop()?;
    a.stop()
}

/// A virtual address that somebody takes off comes back; an address of its own that goes is a fault.
fn address_gone(link: &Link, one: Kind, other: Kind) -> Outcome {
    let better = Wishes::new(3, 0.2, 150);
    let down = master_down(&better) + SLACK;
    let b = Speaker::start(link, "b", other, &lower(&better))?;
    let a = Speaker::start(link, "a", one, &better)?;
    link.until_only(down, "a", VIP)?;
    link.ip_in("a", &["addr", "del", &format!("{VIP}/32"), "dev", "eth0"])?;
    pause(0.2);
    link.until_only(down, "a", VIP)?;
    link.ip_in("a", &["addr", "del", "10.9.0.1/24", "dev", "eth0"])?;
    link.until_only(down, "b", VIP)?;
    link.ip_in("a", &["addr", "add", "10.9.0.1/24", "dev", "eth0"])?;
    link.until_only(down, "a", VIP)?;
    b.stop()?;
    a.stop()
}

/// Three speakers of two kinds: the switch no longer passes what a sends, then does again.
fn partition(link: &Link, kinds: [Kind; 3]) -> Outcome {
    let best = Wishes::new(3, 0.2, 200);
    let down = master_down(&best) + SLACK;
    let b = Speaker::start(
        link,
        "b",
        kinds[1],
        &Wishes {
            priority: 150,
            ..best.clone()
        },
    )?;
    let c = Speaker::start(link, "c", kinds[2], &lower(&best))?;
    let a = Speaker::start(link, "a", kinds[0], &best)?;
    link.until_only(down, "a", VIP)?;
    link.pass("a", false)?;
    link.until(down, "a master in each part", || {
        link.has("a", VIP) && link.has("b", VIP)
    })?;
    pause(1.0);
    if link.has("c", VIP) {
        return Err("two masters in one part".into());
    }
    link.pass("a", true)?;
    link.until_only(down, "a", VIP)?;
    a.kill();
    link.until(down, "b takes over", || {
        link.has("b", VIP) && !link.has("c", VIP)
    })?;
    b.kill();
    link.until(down, "c takes over", || link.has("c", VIP))?;
    c.stop()
}

type Change = fn(&mut Wishes);

/// What the other side may have otherwise, and what ours says about it.
const DIFFERENCES: [(&str, Change, &str); 7] = [
    (
        "password",
        |wishes| wishes.auth = Some(("pass", "other")),
        "its password is another",
    ),
    (
        "no-password",
        |wishes| wishes.auth = None,
        "it has no authentication",
    ),
    (
        "header",
        |wishes| wishes.auth = Some(("ah", "s3cr3t")),
        "it has an IP authentication header",
    ),
    (
        "interval",
        |wishes| wishes.interval = 2.0,
        "advertisement interval 2 s, here it is 1 s",
    ),
    (
        "version",
        |wishes| {
            wishes.version = 3;
            wishes.auth = None
        },
        "VRRP version 3, here it is 2",
    ),
    (
        "addresses",
        |wishes| wishes.vips = vec![VIP],
        "virtual addresses: 1, here there are 2",
    ),
    (
        "unicast",
        |wishes| wishes.unicast = true,
        "it went to this machine, here adverts go to the group",
    ),
];

/// keepalived has something otherwise: there are two masters, and ours says why, once.
fn mismatch(link: &Link, change: Change, reason: &str) -> Outcome {
    let wishes = Wishes {
        auth: Some(("pass", "s3cr3t")),
        ..Wishes::new(2, 1.0, 150)
    };
    let mut theirs = lower(&wishes);
    change(&mut theirs);
    let b = Speaker::start(link, "b", Keepalived, &theirs)?;
    let a = Speaker::start(link, "a", Ours, &wishes)?;
    let down = master_down(&wishes).max(master_down(&theirs)) + SLACK;
    link.until(down, "two masters", || {
        link.has("a", VIP) && link.has("b", VIP)
    })?;
    pause(3.0);
    let said = a.log().matches(reason).count();
    if said != 1 {
        return Err(format!("the reason was told {said} times: {}", a.log()));
    }
    let (_, status) = link.exec(
        "a",
        &[
            link.program.to_str().unwrap(),
            "status",
            "-i",
            "eth0",
            "-I",
            "51",
        ],
    )?;
    if !status.contains(reason) {
        return Err(format!("the state does not say why: {status}"));
    }
    if a.log().contains("s3cr3t") || a.log().contains("other") && a.log().contains("pass:") {
        return Err("a secret was logged".into());
    }
    b.stop()?;
    a.stop()
}

/// Two of ours that do not believe each other: whoever watches sees both.
///
/// (keepalived 2.2.7, as a master that hears adverts which it does not believe, hardly sends any
/// more: each puts its own next one off.)
fn split_brain(link: &Link) -> Outcome {
    let wishes = Wishes::new(3, 0.2, 150);
    let other = Wishes {
        vips: vec![VIP],
        ..lower(&wishes)
    };
    let b = Speaker::start(link, "b", Ours, &other)?;
    let a = Speaker::start(link, "a", Ours, &wishes)?;
    link.until(3.0, "two masters", || {
        link.has("a", VIP) && link.has("b", VIP)
    })?;
    let program = link.program.to_str().unwrap();
    let watch = |words: &[&str]| {
        link.exec(
            "c",
            &[&[program, "watch", "-i", "eth0", "--for", "2"], words].concat(),
        )
    };
    let (status, text) = watch(&[])?;
    if status != 4 || !text.contains("SPLIT BRAIN: masters 10.9.0.") {
        return Err(format!("watch: status {status}: {text}"));
    }
    let (status, text) = watch(&["--json", "-I", "52"])?;
    if status != 3 || !text.contains("no master") {
        return Err(format!("watch of another VRID: status {status}: {text}"));
    }
    b.stop()?;
    a.stop()
}

fn elect(link: &Link) -> Outcome {
    let program = link.program.to_str().unwrap();
    let words = |priority| {
        let line = [
            program,
            "elect",
            "-i",
            "eth0",
            "-I",
            "51",
            "--vrrp-version",
            "3",
            "--advert-int",
            "0.2",
            "--vip",
            VIP,
            "--vip",
            "10.9.0.101",
            "-p",
            priority,
        ];
        line.map(str::to_owned)
    };
    let run = |host, priority| {
        let words = words(priority);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        link.exec(host, &words)
    };
    let outcome = run("a", "100")?;
    if outcome != (0, "MASTER\n".into()) || !link.has("a", VIP) {
        return Err(format!("alone: {outcome:?}"));
    }
    link.ip_in("a", &["addr", "del", &format!("{VIP}/32"), "dev", "eth0"])?;
    let b = Speaker::start(link, "b", Keepalived, &Wishes::new(3, 0.2, 150))?;
    link.until(4.0, "a master", || link.has("b", VIP))?;
    let outcome = run("a", "100")?;
    if outcome != (1, "BACKUP\n".into()) || link.has("a", VIP) {
        return Err(format!("beside a better one: {outcome:?}"));
    }
    let outcome = run("c", "200")?;
    if outcome != (0, "MASTER\n".into()) {
        return Err(format!("beside a worse one: {outcome:?}"));
    }
    b.stop()
}

fn resign(link: &Link) -> Outcome {
    let better = Wishes::new(3, 0.2, 150);
    let b = Speaker::start(link, "b", Keepalived, &lower(&better))?;
    let a = Speaker::start(link, "a", Ours, &better)?;
    link.until_only(4.0, "a", VIP)?;
    let (status, _) = link.exec(
        "a",
        &[
            link.program.to_str().unwrap(),
            "resign",
            "-i",
            "eth0",
            "-I",
            "51",
        ],
    )?;
    if status != 0 {
        return Err(format!("resign: status {status}"));
    }
    link.until_only(3.0, "b", VIP)?;
    pause(1.5);
    link.until_only(0.1, "b", VIP)?;
    b.stop()?;
    link.until_only(3.0, "a", VIP)?;
    a.stop()
}

/// A script that fails costs priority; each change is told, with words that no shell read.
fn scripts_and_notifications(link: &Link) -> Outcome {
    let file = |name: &str| link.directory.join(name).to_str().unwrap().to_owned();
    let (well, told, program) = (file("well"), file("told"), link.program.to_str().unwrap());
    std::fs::write(&well, "").map_err(|error| error.to_string())?;
    let tell = file("tell");
    std::fs::write(&tell, format!("#!/bin/sh\necho \"$*\" >> {told}\n"))
        .map_err(|error| error.to_string())?;
    link.exec("a", &["chmod", "+x", &tell])?;
    let b = Speaker::start(link, "b", Keepalived, &Wishes::new(3, 0.2, 100))?;
    let namespace = link.namespace("a");
    let mut a = std::process::Command::new("ip")
        .args([
            "netns", "exec", &namespace, program, "run", "-i", "eth0", "-I", "51", "-p", "150",
        ])
        .args([
            "--vrrp-version",
            "3",
            "--advert-int",
            "0.2",
            "--vip",
            VIP,
            "--vip",
            "10.9.0.101",
        ])
        .args([
            "--notify",
            &tell,
            "--track-script",
            &format!("w:0.2:1:2:-80:test -e {well}"),
        ])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .map_err(|error| error.to_string())?;
    let outcome = (|| {
        link.until_only(4.0, "a", VIP)?;
        std::fs::remove_file(&well).map_err(|error| error.to_string())?;
        link.until_only(4.0, "b", VIP)?;
        std::fs::write(&well, "").map_err(|error| error.to_string())?;
        link.until_only(4.0, "a", VIP)?;
        pause(0.3);
        let lines = std::fs::read_to_string(&told).map_err(|error| error.to_string())?;
        let expected = ["BACKUP 150", "MASTER 150", "BACKUP 70", "MASTER 150"];
        let expected: String = expected
            .iter()
            .map(|line| format!("INSTANCE VI_51 {line}\n"))
            .collect();
        match lines == expected {
            true => Ok(()),
            false => Err(format!("it was told: {lines}")),
        }
    })();
    let _ = a.kill();
    let _ = a.wait();
    outcome.and(b.stop())
}
