//! Routes as iproute2 writes them. They are checked word by word and kept as words: whoever sets them
//! hands them on.

use std::ops::Range;

use super::words::{ANY, Names, Takes, check};
use super::{Read, prefixed};
use crate::conf::lex::Word;
use crate::conf::problem::{Problem, Severity};
use crate::conf::source::At;

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    words: Vec<String>,
    /// The interfaces that it names.
    pub devices: Vec<String>,
    /// What the machine must know by name.
    pub names: Vec<(Names, String)>,
    /// Whether a master without it, or without its interface, is none (not `no_track`).
    pub tracked: bool,
    /// Where it stands.
    pub at: At,
}

impl Route {
    /// As a line.
    pub fn words(&self) -> Vec<String> {
        self.words.clone()
    }
}

const ROUTE: &[(&str, Takes)] = &[
    ("to", Takes::Prefix),
    ("via", Takes::Address),
    ("gw", Takes::Address),
    ("or", Takes::Address),
    ("src", Takes::Address),
    ("from", Takes::Prefix),
    ("dev", Takes::Anything),
    ("oif", Takes::Anything),
    ("vrf", Takes::Anything),
    ("table", Takes::Name(Names::Tables)),
    ("scope", Takes::Name(Names::Scopes)),
    ("tos", Takes::Name(Names::Services)),
    ("dsfield", Takes::Name(Names::Services)),
    ("protocol", Takes::Name(Names::Protocols)),
    ("metric", ANY),
    ("priority", ANY),
    ("preference", ANY),
    ("expires", ANY),
    ("hoplimit", Takes::Number(255)),
    ("advmss", ANY),
    ("rtt", Takes::Time),
    ("rttvar", Takes::Time),
    ("rto_min", Takes::Time),
    ("reordering", ANY),
    ("window", ANY),
    ("initcwnd", ANY),
    ("initrwnd", ANY),
    ("quickack", Takes::Number(1)),
    ("fastopen_no_cookie", Takes::Number(1)),
    ("realms", Takes::Realms),
    ("features", Takes::Choice(&["ecn"])),
    ("congctl", Takes::Anything),
    ("mtu", ANY),
    ("ssthresh", ANY),
    ("cwnd", ANY),
    ("pref", Takes::Grade(&["low", "medium", "high"])),
    ("ttl-propagate", Takes::Choice(&["enabled", "disabled"])),
    ("track_group", Takes::Anything),
    ("onlink", Takes::Nothing),
    ("no_track", Takes::Nothing),
    ("append", Takes::Nothing),
    ("prepend", Takes::Nothing),
    ("add", Takes::Nothing),
    ("inet", Takes::Nothing),
    ("inet6", Takes::Nothing),
    ("unicast", Takes::Nothing),
    ("local", Takes::Nothing),
    ("broadcast", Takes::Nothing),
    ("anycast", Takes::Nothing),
    ("multicast", Takes::Nothing),
    ("throw", Takes::Nothing),
    ("unreachable", Takes::Nothing),
    ("prohibit", Takes::Nothing),
    ("blackhole", Takes::Nothing),
    ("xresolve", Takes::Nothing),
    ("nat", Takes::Nothing),
];

/// What stands behind `nexthop`, up to the next one or the end of the line.
const NEXTHOP: &[(&str, Takes)] = &[
    ("via", Takes::Address),
    ("dev", Takes::Anything),
    ("weight", Takes::Number(256)),
    ("realms", Takes::Realms),
    ("onlink", Takes::Nothing),
];

/// The options whose value the kernel leaves alone behind `lock`.
const LOCKED: [&str; 9] = [
    "mtu",
    "advmss",
    "rtt",
    "rttvar",
    "reordering",
    "cwnd",
    "ssthresh",
    "rto_min",
    "congctl",
];

/// The options of IPv6 routes alone.
const OF_V6: [&str; 3] = ["expires", "pref", "from"];

/// The families of the addresses of a route.
#[derive(Default)]
struct Families {
    v4: bool,
    v6: bool,
}

impl Families {
    fn see(&mut self, text: &str) {
        self.v6 |= ["default6", "inet6"].contains(&text);
        self.v4 |= text == "inet";
        if let Ok((address, ..)) = prefixed(text) {
            self.v4 |= address.is_ipv4();
            self.v6 |= address.is_ipv6();
        }
    }
}

/// What is tracked is known by its protocol, keepalived's, when it goes.
pub(super) fn other_protocol(protocol: &Word) -> Option<Problem> {
    /// As iproute2 has it in rt_protos.
    const OURS: [&str; 2] = ["keepalived", "18"];
    let is_ours = OURS.contains(&protocol.text.as_str());
    let text = format!("with protocol `{}` it cannot be tracked", protocol.text);
    let hint = "taken as `protocol keepalived`: remove it, or add `no_track`";
    (!is_ours).then(|| Problem::new(Severity::Warning, protocol.place, text).hint(hint))
}

pub(super) fn route(line: &[Word]) -> Read<Route> {
    let Some(first) = line.first() else {
        return Read {
            entry: None,
            problems: Vec::new(),
        };
    };
    let warning =
        |word: &Word, text: &str| Problem::new(Severity::Warning, word.place, text.to_owned());
    let mut problems = Vec::new();
    let mut found = Route {
        words: Vec::new(),
        devices: Vec::new(),
        names: Vec::new(),
        tracked: true,
        at: At(first.place),
    };
    let mut destination: Option<Range<usize>> = None;
    let mut has_interface = false;
    let mut protocol = None;
    let mut of_v6 = None;
    let mut families = Families::default();
    let mut options = ROUTE;
    let mut words = line.iter().peekable();
    while let Some(word) = words.next() {
        let option = word.text.as_str();
        if option == "nexthop" {
            options = NEXTHOP;
            found.words.push(option.to_owned());
            continue;
        }
        let Some((_, takes)) = options.iter().find(|(name, _)| *name == option) else {
            // `encap` has a language of its own up to the end.
            if option == "encap" {
                found.words.push(option.to_owned());
                found.words.extend(words.map(|word| word.text.clone()));
                break;
            }
            if options == NEXTHOP {
                let text = format!("`{option}` is no word of a nexthop");
                let hint =
                    "it has no effect, and what stands behind it: put it before the first nexthop";
                problems.push(Problem::new(Severity::Error, word.place, text).hint(hint));
                break;
            }
            if check(Takes::Prefix, word).is_err() {
                return Read::refuse(word, format!("`{option}` is no word of a route"));
            }
            if let Some(other) = destination.take() {
                let text = "a route with two destinations";
                let problem = Problem::new(Severity::Note, word.place, text);
                problems.push(problem.hint("the last one counts: remove one"));
                found.words.drain(other);
            }
            families.see(option);
            destination = Some(found.words.len()..found.words.len() + 1);
            found.words.push(option.to_owned());
            continue;
        };
        found.words.push(option.to_owned());
        if *takes == Takes::Nothing {
            found.tracked &= option != "no_track";
            families.see(option);
            continue;
        }
        let is_modifier = |value: &&&Word| match value.text.as_str() {
            "lock" => LOCKED.contains(&option),
            "inet" | "inet6" => option == "via",
            _ => false,
        };
        if let Some(modifier) = words.next_if(|value| is_modifier(&value)) {
            families.see(&modifier.text);
            found.words.push(modifier.text.clone());
        }
        let Some(value) = words.next() else {
            return Read::refuse(word, format!("`{option}` needs a value"));
        };
        found.words.push(value.text.clone());
        match check(*takes, value) {
            Ok(names) => found
                .names
                .extend(names.into_iter().map(|(n, name)| (n, name.to_owned()))),
            Err(text) => return Read::refuse(value, format!("`{option}`: {text}")),
        }
        if [Takes::Address, Takes::Prefix].contains(takes) {
            families.see(&value.text);
        }
        if OF_V6.contains(&option) {
            of_v6 = Some(word);
        }
        match option {
            "to" => destination = Some(found.words.len() - 2..found.words.len()),
            "dev" | "oif" => {
                has_interface |= options == ROUTE;
                found.devices.push(value.text.clone());
            }
            "vrf" => found.devices.push(value.text.clone()),
            "weight" if value.text == "0" => {
                return Read::refuse(value, "`weight` 0: 1 is the least".into());
            }
            "protocol" => protocol = Some(value),
            "gw" => problems.push(warning(word, "`gw` is an old word").hint("instead: via")),
            "or" => problems.push(warning(word, "`or` is an old word").hint("instead: nexthop")),
            _ => {}
        }
    }
    if families.v4 && families.v6 {
        return Read::refuse(first, "a route of two families".into());
    }
    if let Some(word) = of_v6.filter(|_| families.v4) {
        return Read::refuse(word, format!("`{}` is for IPv6 alone", word.text));
    }
    if destination.is_none() {
        return Read::refuse(first, "a route without a destination".into());
    }
    problems.extend(protocol.filter(|_| found.tracked).and_then(other_protocol));
    if !has_interface && found.tracked {
        problems.push(
            warning(first, "a route without an interface cannot be tracked")
                .hint("add `dev INTERFACE` before any nexthop, or `no_track`"),
        );
        found.tracked = false;
    }
    Read {
        entry: Some(found),
        problems,
    }
}
