//! The checksum of version 3 to peers: keepalived's own, and that of keepalived up to 1.3.6.

use crate::link::Link;
use crate::several::router;
use crate::speaker::{Kind, Speaker};
use crate::{Case, Outcome};

use Kind::{Configured, Keepalived};

const VIP: &str = "10.9.0.101";
const OLD: &str = "old_unicast_checksum";
const NEVER: &str = "old_unicast_checksum never";

/// All of them.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    // Of a, which is better, and b.
    for (what, words) in [
        ("both", [OLD, OLD]),
        ("master", [OLD, ""]),
        ("backup", ["", OLD]),
        ("both-never", [NEVER, NEVER]),
        ("never-and-new", [NEVER, ""]),
    ] {
        for (one, other) in [(Configured, Keepalived), (Keepalived, Configured)] {
            let name = format!("old-checksum/{what}/{one:?}-{other:?}");
            cases.push(Case::new(name, move |link| agree(link, one, other, words)));
        }
    }
    // Ours believes a keepalived that does not believe it.
    cases.push(Case::new("old-checksum/never-and-old", |link| {
        agree(link, Keepalived, Configured, [NEVER, OLD])
    }));
    for (one, other) in [(Configured, Keepalived), (Keepalived, Keepalived)] {
        let name = format!("old-checksum/never/{one:?}-{other:?}");
        cases.push(Case::new(name, move |link| disagree(link, one, other)));
    }
    cases
}

fn file(host: &str, priority: u8, word: &str) -> String {
    let (own, peer) = match host {
        "a" => ("10.9.0.1", "10.9.0.2"),
        _ => ("10.9.0.2", "10.9.0.1"),
    };
    let more = format!("unicast_src_ip {own}\n unicast_peer {{\n {peer}\n }}\n {word}");
    router("FIRST", "eth0", 101, priority, &more)
}

/// The better one takes over, the other one believes it, and takes over when it is gone.
fn agree(link: &Link, one: Kind, other: Kind, words: [&str; 2]) -> Outcome {
    // tcpdump knows the new way.
    link.is_unsound()?;
    let b = Speaker::with_file(link, "b", other, &file("b", 100, words[1]))?;
    link.until_only(3.5, "b", VIP)?;
    let a = Speaker::with_file(link, "a", one, &file("a", 150, words[0]))?;
    link.until_only(3.5, "a", VIP)?;
    for _ in 0..20 {
        link.until_only(0.1, "a", VIP)?;
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    a.kill();
    link.until(3.5, "a takeover after a kill", || link.has("b", VIP))?;
    let a = Speaker::with_file(link, "a", one, &file("a", 150, words[0]))?;
    link.until_only(3.5, "a", VIP)?;
    a.stop()?;
    link.until_only(3.5, "b", VIP)?;
    b.stop()
}

/// Who never sums the old way, and who always does, are both master, and say why.
fn disagree(link: &Link, one: Kind, other: Kind) -> Outcome {
    link.is_unsound()?;
    let a = Speaker::with_file(link, "a", one, &file("a", 150, NEVER))?;
    let b = Speaker::with_file(link, "b", other, &file("b", 100, OLD))?;
    link.until(5.0, "two masters", || {
        link.has("a", VIP) && link.has("b", VIP)
    })?;
    for speaker in [&a, &b] {
        link.until(3.0, "the checksum is told", || {
            speaker.log().contains("checksum")
        })?;
    }
    a.stop()?;
    b.stop()
}
