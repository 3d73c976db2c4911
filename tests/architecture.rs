//! Reads the text of `src/` and holds it to its rooms: who may use whom, and who may touch the
//! outside.

use std::fs;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;

/// A room is a module at the top of the library, or `bin`, the programs.
struct Room {
    name: &'static str,
    /// The other rooms that it may use.
    rooms: &'static [&'static str],
    /// The crates that it may use; no room may use the others of `Cargo.toml`.
    crates: &'static [&'static str],
}

/// Those who speak the protocols of checks.
const CHECK_CRATES: &[&str] = &[
    "httparse",
    "libc",
    "nix",
    "regex",
    "simple_dns",
    "socket2",
    "tokio",
    "tokio_rustls",
];

#[rustfmt::skip]
const ROOMS: &[Room] = &[
    // It names the rooms.
    Room { name: "lib", rooms: &[], crates: &[] },
    Room { name: "addr", rooms: &[], crates: &["itoa"] },
    Room { name: "netlink", rooms: &["addr"], crates: &["neli"] },
    Room { name: "host", rooms: &["addr", "netlink"], crates: &["libc", "nix", "socket2"] },
    Room { name: "ipvs", rooms: &["addr", "netlink", "host"], crates: &[] },
    Room { name: "check", rooms: &["addr", "host", "ipvs"], crates: CHECK_CRATES },
    Room { name: "realserver", rooms: &["addr", "netlink"], crates: &[] },
    Room { name: "conf", rooms: &["addr", "ipvs"], crates: &["serde_json"] },
    Room { name: "vrrp", rooms: &["addr", "netlink", "host"], crates: &["hmac", "md5"] },
    Room { name: "notify", rooms: &["host"], crates: &["nix"] },
    Room { name: "supervise", rooms: &["host"], crates: &[] },
    Room { name: "show", rooms: &["addr", "ipvs", "check", "realserver", "vrrp", "supervise"], crates: &["comfy_table", "itoa", "serde", "serde_json", "unicode_width"] },
    Room { name: "report", rooms: &["host"], crates: &[] },
    Room { name: "cli", rooms: &["addr", "netlink", "host", "ipvs", "check", "realserver", "conf", "vrrp", "notify", "supervise", "show", "report"], crates: &["clap", "glob", "serde_json"] },
    Room { name: "bin", rooms: &["cli", "host"], crates: &[] },
];

/// Only here is anything `unsafe`.
const UNSAFE: &[&str] = &["src/host/", "src/netlink.rs"];

/// These compute, and touch nothing: no socket, file, process, clock, variable or thread.
const PURE: &[&str] = &[
    "src/addr.rs",
    "src/check.rs",
    "src/check/health.rs",
    "src/check/health/",
    "src/check/http/",
    "src/check/memory.rs",
    "src/check/orders.rs",
    "src/check/request.rs",
    "src/check/rhythm.rs",
    "src/check/status.rs",
    "src/check/timetable.rs",
    "src/check/watch.rs",
    "src/host/announce/frame.rs",
    "src/conf.rs",
    "src/conf/",
    "src/ipvs/drain.rs",
    "src/ipvs/order.rs",
    "src/ipvs/plan.rs",
    "src/ipvs/rule.rs",
    "src/ipvs/rule/",
    "src/ipvs/status.rs",
    "src/ipvs/wire.rs",
    "src/ipvs/wire/",
    "src/netlink/attributes.rs",
    "src/netlink/macvlan.rs",
    "src/netlink/monitor.rs",
    "src/netlink/nftables.rs",
    "src/netlink/nftables/",
    "src/netlink/request.rs",
    "src/netlink/route.rs",
    "src/notify/mail.rs",
    "src/realserver.rs",
    "src/realserver/",
    "src/show.rs",
    "src/show/",
    "src/supervise.rs",
    "src/supervise/child.rs",
    "src/supervise/director.rs",
    "src/supervise/director/",
    "src/supervise/pulse.rs",
    "src/supervise/status.rs",
    "src/vrrp.rs",
    "src/vrrp/advert.rs",
    "src/vrrp/command.rs",
    "src/vrrp/complaints.rs",
    "src/vrrp/configuration.rs",
    "src/vrrp/group.rs",
    "src/vrrp/instance.rs",
    "src/vrrp/observer.rs",
    "src/vrrp/packet.rs",
    "src/vrrp/process.rs",
    "src/vrrp/reception.rs",
    "src/vrrp/report.rs",
    "src/vrrp/router.rs",
    "src/vrrp/router/",
    "src/vrrp/tracking.rs",
    "src/vrrp/vmac.rs",
];

/// The modules of the standard library that reach outside.
const OUTSIDE: &[&str] = &["env", "fs", "process", "thread", "time"];

const SOCKETS: &[&str] = &[
    "TcpListener",
    "TcpStream",
    "UdpSocket",
    "UnixDatagram",
    "UnixListener",
    "UnixStream",
];

/// Only programs print.
const PRINTING: &[&str] = &["print", "println", "eprint", "eprintln", "dbg"];

/// The lines of the longest file.
const LONGEST: usize = 600;

#[test]
fn a_room_uses_only_the_rooms_below_it() {
    hold(rooms);
}

fn rooms(file: &File) -> Vec<Fault> {
    let fault = |path: Use| {
        let absolute = file.absolute(&path)?;
        let used = absolute.first().map_or("*", String::as_str);
        let allowed = used == file.room.name || file.room.rooms.contains(&used);
        let text = format!("`{}` may not use `{used}`", file.room.name);
        (!allowed).then_some((path.line, text))
    };
    file.uses().into_iter().filter_map(fault).collect()
}

#[test]
fn a_room_uses_only_its_own_crates() {
    hold(crates);
}

fn crates(file: &File) -> Vec<Fault> {
    let dependencies = dependencies();
    let fault = |path: Use| {
        let used = &path.names[0];
        // A name alone is something else that is called so.
        let is_crate = path.names.len() > 1 && dependencies.contains(used);
        let allowed = !is_crate || file.room.crates.contains(&used.as_str());
        let text = format!("`{}` may not use the crate `{used}`", file.room.name);
        (!allowed).then_some((path.line, text))
    };
    file.uses().into_iter().filter_map(fault).collect()
}

#[test]
fn only_the_files_at_the_edge_are_unsafe() {
    hold(unsafety);
}

fn unsafety(file: &File) -> Vec<Fault> {
    let words = file.words();
    let is_unsafe = words.iter().filter(|(_, word)| *word == "unsafe");
    match file.is_one_of(UNSAFE) {
        true => vec![],
        false => is_unsafe
            .map(|(line, _)| (*line, "no `unsafe` here".into()))
            .collect(),
    }
}

#[test]
fn only_programs_print_and_end_the_process() {
    hold(endings);
}

fn endings(file: &File) -> Vec<Fault> {
    if file.room.name == "bin" {
        return vec![];
    }
    let mut faults = Vec::new();
    for pair in file.words().windows(2) {
        if PRINTING.contains(&pair[0].1) && pair[1].1 == "!" {
            faults.push((pair[0].0, format!("only programs say `{}!`", pair[0].1)));
        }
    }
    for path in file.uses() {
        let ends = |pair: &[String]| pair[0] == "process" && ["exit", "abort"].contains(&&*pair[1]);
        if path.names.windows(2).any(ends) {
            faults.push((path.line, "only programs end the process".into()));
        }
    }
    faults
}

#[test]
fn pure_files_touch_nothing_outside() {
    hold(purity);
}

fn purity(file: &File) -> Vec<Fault> {
    if !file.is_one_of(PURE) {
        return vec![];
    }
    let fault = |path: Use| {
        let names: Vec<&str> = path.names.iter().map(String::as_str).collect();
        let outside = match names[..] {
            // A length of time is a number; what reads a clock is not here.
            ["std", "time", "Duration", ..] => false,
            ["std", module, ..] if OUTSIDE.contains(&module) => true,
            _ => names.iter().any(|name| SOCKETS.contains(name)),
        };
        let text = format!("a pure file knows no `{}`", names.join("::"));
        outside.then_some((path.line, text))
    };
    file.uses().into_iter().filter_map(fault).collect()
}

#[test]
fn each_file_says_at_its_top_what_it_is() {
    hold(|file| match file.text.starts_with("//! ") {
        true => vec![],
        false => vec![(1, "a file begins with a `//!` comment".into())],
    });
}

#[test]
fn no_file_is_too_long() {
    hold(|file| match file.text.lines().count() > LONGEST {
        true => vec![(LONGEST + 1, format!("more than {LONGEST} lines"))],
        false => vec![],
    });
}

#[test]
fn the_rules_see_through_groups_chains_and_inner_modules() {
    let found = |rule: fn(&File) -> Vec<Fault>, name: &str, text: &str| {
        rule(&File::new(name.into(), text.into())).len()
    };
    for (name, text, count) in [
        ("src/addr.rs", "use crate::ipvs::Service;", 1),
        (
            "src/addr.rs",
            "fn f() {}\nuse super::{ipvs, netlink as n};",
            2,
        ),
        ("src/addr.rs", "use crate::*;", 1),
        ("src/addr.rs", "mod tests { use super::*; }", 0),
        ("src/addr.rs", "mod tests { use super::super::ipvs; }", 1),
        ("src/addr.rs", "mod a { mod b {} } use super::ipvs;", 1),
        ("src/addr.rs", "pub(crate) fn f() {} // crate::ipvs", 0),
        (
            "src/addr.rs",
            "const C: &str = \"crate::ipvs\"; const D: char = '\"';",
            0,
        ),
        ("src/ipvs/rule/x.rs", "use super::super::{client, wire};", 0),
        (
            "src/ipvs/rule/x.rs",
            "use super::{super::super::{cli, addr}, y};",
            1,
        ),
        ("src/ipvs/rule/x.rs", "fn f() { crate::show::f(); }", 1),
        (
            "src/bin/x.rs",
            "use lvskit::{cli, host::{names, signals}};",
            0,
        ),
        ("src/bin/x.rs", "fn main() { lvskit::ipvs::f() }", 1),
    ] {
        assert_eq!(found(rooms, name, text), count, "{name}: {text}");
    }
    for (name, text, count) in [
        ("src/ipvs.rs", "use ::neli::{self};", 1),
        ("src/ipvs.rs", "use {clap::Arg, std::fmt};", 1),
        ("src/netlink/x.rs", "use neli::socket::NlSocket;", 0),
    ] {
        assert_eq!(found(crates, name, text), count, "{name}: {text}");
    }
    assert_eq!(found(purity, "src/addr.rs", "use std::time::Duration;"), 0);
    for text in [
        "use std::time::{Duration, Instant};",
        "use std::{fmt, process::{self, Command}};",
        "use std::net::{IpAddr, UdpSocket};",
        "fn f() { let _ = std::fs::read(\"\"); }",
    ] {
        assert!(found(purity, "src/addr.rs", text) > 0, "{text}");
        assert_eq!(found(purity, "src/host/x.rs", text), 0, "{text}");
    }
    for text in [
        "fn f() { std::process::exit(1) }",
        "use std::process; fn f() { process::exit(1) }",
        "use std::process::{exit, Command};",
        "fn f() { println!() }",
    ] {
        assert_eq!(found(endings, "src/cli/x.rs", text), 1, "{text}");
    }
    assert_eq!(found(unsafety, "src/cli/x.rs", "unsafe fn f() {}"), 1);
    assert_eq!(found(unsafety, "src/host/x.rs", "unsafe fn f() {}"), 0);
}

/// A line, and what is wrong there.
type Fault = (usize, String);

/// Fails with the faults that `rule` finds in all files.
fn hold(rule: impl Fn(&File) -> Vec<Fault>) {
    let mut faults = Vec::new();
    for file in files(&root().join("src")) {
        let found = rule(&file).into_iter();
        faults.extend(found.map(|(line, text)| format!("{}:{line}: {text}", file.name)));
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn files(directory: &Path) -> Vec<File> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap();
            files.push(File::new(name.into(), fs::read_to_string(&path).unwrap()));
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

/// The crates that `Cargo.toml` names for the library and the programs.
fn dependencies() -> Vec<String> {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let (_, after) = text.split_once("\n[dependencies]\n").unwrap();
    let lines = after.lines().take_while(|line| !line.starts_with('['));
    let names = lines.filter_map(|line| line.split_once('='));
    names
        .map(|(name, _)| name.trim().replace('-', "_"))
        .collect()
}

static WORD: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(
        r##"(?sx) //[^\n]* | /\*.*?\*/ | b?r\#".*?"\# | b?r"[^"]*" | [bc]?"(?:\\.|[^"\\])*"
        | b?'(?:\\'|\\[^']+|[^'\\])' | '\w+ | pub\([^)]*\) | \s+ | (?<word>\w+|::|.)"##,
    )
    .unwrap()
});

struct File {
    /// As `src/ipvs/rule.rs`.
    name: String,
    text: String,
    room: &'static Room,
}

/// A path in the code, as `crate::addr::Family`, or one name alone.
struct Use {
    line: usize,
    names: Vec<String>,
    /// The modules of this file around it.
    inside: Vec<String>,
}

impl File {
    fn new(name: String, text: String) -> Self {
        let below = name.strip_prefix("src/").unwrap();
        let first = below.split(['/', '.']).next();
        let room = ROOMS.iter().find(|room| Some(room.name) == first);
        let room = room.unwrap_or_else(|| panic!("{name} is in no room of the table"));
        File { name, text, room }
    }

    /// Whether `names` has this file or, with a `/` at its end, a directory above it.
    fn is_one_of(&self, names: &[&str]) -> bool {
        names.iter().any(|name| match name.ends_with('/') {
            true => self.name.starts_with(name),
            false => self.name == *name,
        })
    }

    /// The modules that lead to this file, from the top of the library.
    fn module(&self) -> Vec<String> {
        match self.room.name {
            "lib" | "bin" => vec![],
            _ => {
                let below = self.name.strip_prefix("src/").unwrap();
                let names = below.strip_suffix(".rs").unwrap().split('/');
                names.map(str::to_owned).collect()
            }
        }
    }

    /// A path that leads to a room, without what stands before the room.
    fn absolute(&self, path: &Use) -> Option<Vec<String>> {
        let first = path.names[0].as_str();
        match (self.room.name, first) {
            ("bin", "lvskit") => Some(path.names[1..].to_vec()),
            ("bin", _) => None,
            (_, "crate") => Some(path.names[1..].to_vec()),
            (_, "super") => {
                let ups = path
                    .names
                    .iter()
                    .take_while(|name| *name == "super")
                    .count();
                let mut modules = [self.module(), path.inside.clone()].concat();
                modules.truncate(modules.len().saturating_sub(ups));
                Some([&modules, &path.names[ups..]].concat())
            }
            _ => None,
        }
    }

    /// The words of the code with their lines, without comments, texts, lifetimes, `pub(crate)`.
    fn words(&self) -> Vec<(usize, &str)> {
        let mut line = 1;
        let mut words = Vec::new();
        for found in WORD.captures_iter(&self.text) {
            if let Some(word) = found.name("word") {
                words.push((line, word.as_str()));
            }
            line += found[0].matches('\n').count();
        }
        words
    }

    /// All paths in the code; those of a `use` one by one.
    fn uses(&self) -> Vec<Use> {
        let words = self.words();
        let mut uses = Vec::new();
        let mut depth = 0;
        let mut inside: Vec<(usize, &str)> = Vec::new();
        let mut rest = &words[..];
        while let [(line, word), after @ ..] = rest {
            let mut paths = Vec::new();
            rest = after;
            match (*word, after) {
                ("mod", [(_, name), (_, "{"), ..]) => {
                    inside.push((depth, name));
                    rest = &after[1..];
                }
                ("{", _) => depth += 1,
                ("}", _) => {
                    depth -= 1;
                    inside.retain(|(outer, _)| *outer < depth);
                }
                ("use", _) => rest = tree(after, &[], &mut paths),
                (word, _) if is_name(word) => {
                    let mut names = vec![word.to_owned()];
                    while let [(_, "::"), (_, name), after @ ..] = rest {
                        if !is_name(name) {
                            break;
                        }
                        names.push((*name).to_owned());
                        rest = after;
                    }
                    paths.push((*line, names));
                }
                _ => {}
            }
            let inside: Vec<String> = inside.iter().map(|(_, name)| (*name).to_owned()).collect();
            uses.extend(paths.into_iter().map(|(line, names)| Use {
                line,
                names,
                inside: inside.clone(),
            }));
        }
        uses
    }
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Takes a tree of paths, as `a::{b, c::{d, e as f}}`, off a `use`; gives back what is left.
fn tree<'w, 'a>(
    mut words: &'w [(usize, &'a str)],
    before: &[String],
    paths: &mut Vec<(usize, Vec<String>)>,
) -> &'w [(usize, &'a str)] {
    let mut names = before.to_vec();
    while let [(line, word), after @ ..] = words {
        match *word {
            "::" => {}
            "{" => {
                words = after;
                while let [(_, word), after @ ..] = words {
                    match *word {
                        "}" => return after,
                        "," => words = after,
                        _ => words = tree(words, &names, paths),
                    }
                }
                return words;
            }
            name if is_name(name) || name == "*" => {
                names.push(name.to_owned());
                if !matches!(after, [(_, "::"), ..]) {
                    paths.push((*line, names));
                    // What it is called here does not matter.
                    return match after {
                        [(_, "as"), _, after @ ..] => after,
                        _ => after,
                    };
                }
            }
            _ => return after,
        }
        words = after;
    }
    words
}
