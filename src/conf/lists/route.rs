//! Routes and rules as iproute2 writes them. They are checked word by word and kept as words:
//! whoever sets them hands them on.

use super::{Read, prefixed};
use crate::conf::lex::Word;
use crate::conf::problem::{Problem, Severity};
use crate::conf::source::At;
use crate::conf::value::{address, number};

/// A route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    words: Vec<String>,
    /// Its interface, if one is named.
    pub device: Option<String>,
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

/// A rule of policy routing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    words: Vec<String>,
    /// The interfaces that it names.
    pub devices: Vec<String>,
    /// Whether a master without it, or without its interfaces, is none (not `no_track`).
    pub tracked: bool,
    /// Where it stands.
    pub at: At,
}

impl Rule {
    /// As a line.
    pub fn words(&self) -> Vec<String> {
        self.words.clone()
    }
}

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Takes {
    Nothing,
    Anything,
    Number,
    Address,
    Prefix,
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
    ("table", Takes::Anything),
    ("scope", Takes::Anything),
    ("tos", Takes::Anything),
    ("dsfield", Takes::Anything),
    ("protocol", Takes::Anything),
    ("metric", Takes::Number),
    ("priority", Takes::Number),
    ("preference", Takes::Number),
    ("expires", Takes::Number),
    ("hoplimit", Takes::Number),
    ("advmss", Takes::Number),
    ("rtt", Takes::Anything),
    ("rttvar", Takes::Anything),
    ("rto_min", Takes::Anything),
    ("reordering", Takes::Number),
    ("window", Takes::Number),
    ("initcwnd", Takes::Number),
    ("initrwnd", Takes::Number),
    ("quickack", Takes::Number),
    ("fastopen_no_cookie", Takes::Number),
    ("realms", Takes::Anything),
    ("realm", Takes::Anything),
    ("features", Takes::Anything),
    ("congctl", Takes::Anything),
    ("mtu", Takes::Anything),
    ("ssthresh", Takes::Anything),
    ("cwnd", Takes::Anything),
    ("pref", Takes::Anything),
    ("weight", Takes::Number),
    ("ttl-propagate", Takes::Anything),
    ("track_group", Takes::Anything),
    ("vrf", Takes::Anything),
    ("onlink", Takes::Nothing),
    ("nexthop", Takes::Nothing),
    ("no_track", Takes::Nothing),
    ("append", Takes::Nothing),
    ("prepend", Takes::Nothing),
    ("add", Takes::Nothing),
    ("inet", Takes::Nothing),
    ("inet6", Takes::Nothing),
    ("unicast", Takes::Nothing),
    ("local", Takes::Nothing),
    ("broadcast", Takes::Nothing),
    ("multicast", Takes::Nothing),
    ("throw", Takes::Nothing),
    ("unreachable", Takes::Nothing),
    ("prohibit", Takes::Nothing),
    ("blackhole", Takes::Nothing),
    ("nat", Takes::Nothing),
];

const RULE: &[(&str, Takes)] = &[
    ("from", Takes::Prefix),
    ("to", Takes::Prefix),
    ("table", Takes::Anything),
    ("lookup", Takes::Anything),
    ("fwmark", Takes::Anything),
    ("iif", Takes::Anything),
    ("dev", Takes::Anything),
    ("oif", Takes::Anything),
    ("tos", Takes::Anything),
    ("dsfield", Takes::Anything),
    ("preference", Takes::Number),
    ("order", Takes::Number),
    ("priority", Takes::Number),
    ("pref", Takes::Number),
    ("realms", Takes::Anything),
    ("realm", Takes::Anything),
    ("goto", Takes::Number),
    ("suppress_prefixlength", Takes::Number),
    ("suppress_ifgroup", Takes::Anything),
    ("tun_id", Takes::Anything),
    ("tunnel-id", Takes::Anything),
    ("uidrange", Takes::Anything),
    ("ip_proto", Takes::Anything),
    ("ipproto", Takes::Anything),
    ("sport", Takes::Anything),
    ("dport", Takes::Anything),
    ("protocol", Takes::Anything),
    ("track_group", Takes::Anything),
    ("l3mdev", Takes::Nothing),
    ("not", Takes::Nothing),
    ("no_track", Takes::Nothing),
    ("inet", Takes::Nothing),
    ("inet6", Takes::Nothing),
    ("nop", Takes::Nothing),
    ("unreachable", Takes::Nothing),
    ("prohibit", Takes::Nothing),
    ("blackhole", Takes::Nothing),
];

/// Checks an argument of an option.
fn check(takes: Takes, text: &str) -> Result<(), String> {
    match takes {
        Takes::Nothing | Takes::Anything => Ok(()),
        Takes::Number => number(text, i64::MIN, i64::MAX).map(|_| ()),
        Takes::Address => address(text).map(|_| ()),
        Takes::Prefix if ["default", "default6", "all", "any"].contains(&text) => Ok(()),
        Takes::Prefix => match prefixed(text)? {
            (_, _, Some(wrong)) => Err(wrong),
            _ => Ok(()),
        },
    }
}

fn texts(line: &[Word]) -> Vec<String> {
    line.iter().map(|word| word.text.clone()).collect()
}

/// The families of the addresses of a route.
#[derive(Default)]
struct Families {
    v4: bool,
    v6: bool,
}

impl Families {
    fn see(&mut self, text: &str) {
        self.v6 |= text == "default6";
        if let Ok((address, ..)) = prefixed(text) {
            self.v4 |= address.is_ipv4();
            self.v6 |= address.is_ipv6();
        }
    }
}

/// What is tracked is known by its protocol, keepalived's, when it goes.
fn other_protocol(protocol: &Word) -> Option<Problem> {
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
        words: texts(line),
        device: None,
        tracked: true,
        at: At(first.place),
    };
    let mut destination = false;
    let mut protocol = None;
    let mut families = Families::default();
    let mut at = 0;
    while let Some(word) = line.get(at) {
        at += 1;
        let option = word.text.as_str();
        let Some((_, takes)) = ROUTE.iter().find(|(name, _)| *name == option) else {
            // `encap` has a language of its own up to the end.
            if option == "encap" {
                break;
            }
            if check(Takes::Prefix, option).is_ok() && !destination {
                destination = true;
                families.see(option);
                continue;
            }
            return Read::refuse(word, format!("`{option}` is no word of a route"));
        };
        if *takes == Takes::Nothing {
            found.tracked &= option != "no_track";
            destination |= option == "nexthop";
            continue;
        }
        let mut value = line.get(at);
        // `mtu lock 1500`, `via inet6 fe80::1`.
        if value.is_some_and(|v| ["lock", "inet", "inet6"].contains(&&*v.text)) {
            at += 1;
            value = line.get(at);
        }
        at += 1;
        let Some(value) = value else {
            return Read::refuse(word, format!("`{option}` needs a value"));
        };
        if let Err(text) = check(*takes, &value.text) {
            return Read::refuse(value, format!("`{option}`: {text}"));
        }
        if [Takes::Address, Takes::Prefix].contains(takes) {
            families.see(&value.text);
        }
        match option {
            "to" => destination = true,
            "dev" | "oif" => found.device = Some(value.text.clone()),
            "protocol" => protocol = Some(value),
            "gw" => {
                problems.push(warning(word, "`gw` is an old word").hint("instead: via"));
            }
            _ => {}
        }
    }
    if families.v4 && families.v6 {
        return Read::refuse(first, "a route with addresses of two families".into());
    }
    if !destination {
        return Read::refuse(first, "a route without a destination".into());
    }
    problems.extend(protocol.filter(|_| found.tracked).and_then(other_protocol));
    if found.device.is_none() && found.tracked {
        problems.push(
            warning(first, "a route without an interface cannot be tracked")
                .hint("add `dev INTERFACE`, or `no_track`"),
        );
        found.tracked = false;
    }
    Read {
        entry: Some(found),
        problems,
    }
}

pub(super) fn rule(line: &[Word]) -> Read<Rule> {
    let Some(first) = line.first() else {
        return Read {
            entry: None,
            problems: Vec::new(),
        };
    };
    let mut found = Rule {
        words: texts(line),
        devices: Vec::new(),
        tracked: true,
        at: At(first.place),
    };
    let mut preference = false;
    let mut protocol = None;
    let mut words = line.iter();
    while let Some(word) = words.next() {
        let option = word.text.as_str();
        let Some((_, takes)) = RULE.iter().find(|(name, _)| *name == option) else {
            return Read::refuse(word, format!("`{option}` is no word of a rule"));
        };
        if *takes == Takes::Nothing {
            found.tracked &= option != "no_track";
            continue;
        }
        let Some(value) = words.next() else {
            return Read::refuse(word, format!("`{option}` needs a value"));
        };
        if let Err(text) = check(*takes, &value.text) {
            return Read::refuse(value, format!("`{option}`: {text}"));
        }
        if ["iif", "dev", "oif"].contains(&option) {
            found.devices.push(value.text.clone());
        }
        if option == "protocol" {
            protocol = Some(value);
        }
        preference |= ["preference", "order", "priority", "pref"].contains(&option);
    }
    let mut problems = Vec::new();
    problems.extend(protocol.filter(|_| found.tracked).and_then(other_protocol));
    if !preference {
        problems.push(
            Problem::new(
                Severity::Warning,
                first.place,
                "a rule without a preference",
            )
            .hint("add `preference N`: rules are looked at in its order"),
        );
    }
    Read {
        entry: Some(found),
        problems,
    }
}
