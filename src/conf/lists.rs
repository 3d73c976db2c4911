//! The lines of lists: addresses, routes, rules, peers, trackers, members of groups.

use std::net::{IpAddr, Ipv4Addr};

use super::keywords::Entry;
use super::lex::Word;
use super::problem::{Problem, Problems, Severity};
use super::source::At;
use super::value::{LONGEST_INTERFACE, TAILS, Value, Weight, address, bare_address, number};
use crate::addr::Family;

pub use member::Member;
pub use route::Route;
pub use rule::Rule;
pub use words::Names;

mod member;
mod route;
mod rule;
mod words;

/// A name in a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Name {
    /// The name.
    pub name: String,
    /// Where it stands.
    pub at: At,
}

impl Name {
    /// As a line.
    pub fn words(&self) -> Vec<String> {
        vec![self.name.clone()]
    }
}

/// A broadcast address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broadcast {
    /// This one.
    Address(Ipv4Addr),
    /// All bits of the host are 1: `+`.
    Ones,
    /// All are 0: `-`.
    Zeros,
}

/// An address of an interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InterfaceAddress {
    /// The address.
    pub address: IpAddr,
    /// The length of its network's prefix.
    pub prefix: u8,
    /// Its interface; that of the instance when absent.
    pub device: Option<String>,
    /// Its broadcast address.
    pub broadcast: Option<Broadcast>,
    /// Its scope, as iproute2 names it.
    pub scope: Option<String>,
    /// Its label.
    pub label: Option<String>,
    /// The other end of a link between two, with its prefix if it has one.
    pub peer: Option<String>,
    /// How many seconds it is preferred (IPv6), or `forever`.
    pub preferred_lifetime: Option<String>,
    /// The group whose instances fail with it.
    pub track_group: Option<String>,
    /// `home`, `-nodad`, `mngtmpaddr`, `noprefixroute`, `autojoin`, `no_track`, `use_vmac`.
    pub flags: Vec<&'static str>,
    /// Where it stands.
    pub at: At,
}

const FLAGS: [&str; 7] = [
    "home",
    "-nodad",
    "mngtmpaddr",
    "noprefixroute",
    "autojoin",
    "no_track",
    "use_vmac",
];

/// The scopes that iproute2 knows by name; numbers are scopes too.
const SCOPES: [&str; 5] = ["global", "link", "host", "site", "nowhere"];

impl InterfaceAddress {
    /// Its family.
    pub fn family(&self) -> Family {
        Family::of(&self.address)
    }

    /// Whether a master without it, or without its interface, is none (not `no_track`).
    pub fn is_tracked(&self) -> bool {
        !self.flags.contains(&"no_track")
    }

    /// As a line.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![format!("{}/{}", self.address, self.prefix)];
        let broadcast = self.broadcast.map(|broadcast| match broadcast {
            Broadcast::Address(address) => address.to_string(),
            Broadcast::Ones => "+".into(),
            Broadcast::Zeros => "-".into(),
        });
        for (name, value) in [
            ("brd", &broadcast),
            ("dev", &self.device),
            ("scope", &self.scope),
            ("label", &self.label),
            ("peer", &self.peer),
            ("preferred_lft", &self.preferred_lifetime),
            ("track_group", &self.track_group),
        ] {
            if let Some(value) = value {
                words.extend([name.to_owned(), value.clone()]);
            }
        }
        words.extend(self.flags.iter().map(|&flag| flag.to_owned()));
        words
    }
}

/// Another VRRP router of a unicast group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Peer {
    /// Its address.
    pub address: IpAddr,
    /// The least time to live that its adverts may have.
    pub min_ttl: Option<u8>,
    /// The most.
    pub max_ttl: Option<u8>,
    /// Where it stands.
    pub at: At,
}

impl Peer {
    /// As a line.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![self.address.to_string()];
        for (name, ttl) in [("min_ttl", self.min_ttl), ("max_ttl", self.max_ttl)] {
            if let Some(ttl) = ttl {
                words.extend([name.to_owned(), ttl.to_string()]);
            }
        }
        words
    }
}

/// Something that an instance or a group watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tracker {
    /// The name of the interface, script, file or process.
    pub name: String,
    /// What it does to the priority; that of the script, file or process when absent.
    pub weight: Option<Weight>,
    /// Where it stands.
    pub at: At,
}

impl Tracker {
    /// As a line.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec![self.name.clone()];
        if let Some(Weight { weight, reverse }) = self.weight {
            words.extend(["weight".to_owned(), weight.to_string()]);
            words.extend(reverse.then(|| "reverse".to_owned()));
        }
        words
    }
}

/// Reads the lines of a list; what is wrong is told and left out.
pub fn read(entry: Entry, lines: &[Vec<Word>], problems: &mut Problems) -> Value {
    match entry {
        Entry::Names => Value::Names(each(lines, problems, name)),
        Entry::Addresses => Value::Addresses(each(lines, problems, interface_address)),
        Entry::Routes => Value::Routes(each(lines, problems, route::route)),
        Entry::Rules => Value::Rules(each(lines, problems, rule::rule)),
        Entry::Peers => Value::Peers(each(lines, problems, peer)),
        Entry::Trackers(most) => Value::Trackers(each(lines, problems, |line| tracker(line, most))),
        Entry::Members => Value::Members(each(lines, problems, member::member)),
        Entry::Interfaces => Value::None,
    }
}

/// What a line gave, and what is wrong with parts of it.
struct Read<T> {
    entry: Option<T>,
    problems: Vec<Problem>,
}

impl<T> Read<T> {
    fn refuse(word: &Word, text: String) -> Self {
        Read {
            entry: None,
            problems: vec![error(word, text).hint("the line has no effect")],
        }
    }
}

fn error(word: &Word, text: String) -> Problem {
    Problem::new(Severity::Error, word.place, text)
}

fn each<T>(
    lines: &[Vec<Word>],
    problems: &mut Problems,
    read: impl Fn(&[Word]) -> Read<T>,
) -> Vec<T> {
    let mut entries = Vec::new();
    for line in lines {
        let found = read(line);
        entries.extend(found.entry);
        for problem in found.problems {
            problems.add(problem);
        }
    }
    entries
}

fn name(line: &[Word]) -> Read<Name> {
    Read {
        entry: line.first().map(|word| Name {
            name: word.text.clone(),
            at: At(word.place),
        }),
        problems: Vec::new(),
    }
}

/// `ADDRESS/LENGTH` with what is wrong with the length.
fn prefixed(text: &str) -> Result<(IpAddr, Option<u8>, Option<String>), String> {
    let (base, length) = match text.split_once('/') {
        Some((base, length)) => (base, Some(length)),
        None => (text, None),
    };
    let address = address(base)?;
    let most = if address.is_ipv4() { 32 } else { 128 };
    Ok(match length {
        None | Some("") => (address, None, None),
        Some(length) => match number(length, 0, most) {
            Ok(length) => (address, u8::try_from(length).ok(), None),
            Err(problem) => (address, None, Some(format!("prefix length: {problem}"))),
        },
    })
}

fn interface_address(line: &[Word]) -> Read<InterfaceAddress> {
    let Some(first) = line.first() else {
        return Read {
            entry: None,
            problems: Vec::new(),
        };
    };
    let mut problems = Vec::new();
    // `default` and `inet6` are words of routes; an address is the first of its line here.
    let (address, prefix, wrong) = match prefixed(&first.text) {
        Ok(found) => found,
        Err(text) => return Read::refuse(first, text),
    };
    let full = if address.is_ipv4() { 32 } else { 128 };
    if let Some(text) = wrong {
        problems.push(error(first, text).hint(format!("taken as /{full}")));
    }
    let mut found = InterfaceAddress {
        address,
        prefix: prefix.unwrap_or(full),
        device: None,
        broadcast: None,
        scope: None,
        label: None,
        peer: None,
        preferred_lifetime: None,
        track_group: None,
        flags: Vec::new(),
        at: At(first.place),
    };
    let mut words = line[1..].iter();
    while let Some(word) = words.next() {
        let option = word.text.as_str();
        if let Some(flag) = FLAGS.iter().find(|flag| **flag == option) {
            found.flags.push(flag);
            continue;
        }
        let known = [
            "brd",
            "broadcast",
            "dev",
            "scope",
            "label",
            "peer",
            "preferred_lft",
            "track_group",
        ];
        if !known.contains(&option) {
            let text = format!("`{option}` is no option of an address");
            let hint = match super::value::address(option.split('/').next().unwrap_or("")) {
                Ok(_) => "one address a line: this one has no effect",
                Err(_) => "it has no effect",
            };
            problems.push(error(word, text).hint(hint));
            continue;
        }
        let Some(value) = words.next() else {
            return Read::refuse(word, format!("`{option}` needs a value"));
        };
        let text = value.text.clone();
        match option {
            "dev" if found.device.is_some() => {
                return Read::refuse(value, "`dev` stands twice".into());
            }
            "dev" => found.device = Some(text),
            "label" if text.len() > LONGEST_INTERFACE => {
                return Read::refuse(value, format!("label `{text}` is longer than 15 bytes"));
            }
            "label" if address.is_ipv6() => {
                let text = "an IPv6 address has no label";
                problems.push(error(word, text.into()).hint("it has no effect"));
            }
            "label" => found.label = Some(text),
            "peer" => match prefixed(&text) {
                Ok(_) if text.contains('/') => {
                    return Read::refuse(value, format!("peer `{text}` has a prefix"));
                }
                Ok((peer, _, None)) if peer.is_ipv4() == address.is_ipv4() => {
                    if found.prefix != full {
                        let text = "an address with a peer has no prefix length";
                        problems.push(error(first, text.into()).hint(format!("taken as /{full}")));
                        found.prefix = full;
                    }
                    found.peer = Some(text);
                }
                Ok((_, _, None)) => {
                    let text = format!("peer `{text}` is of another family");
                    problems.push(error(value, text).hint("it has no effect"));
                }
                Ok((_, _, Some(text))) | Err(text) => return Read::refuse(value, text),
            },
            "preferred_lft" => match text == "forever" || number(&text, 0, 4_294_967_295).is_ok() {
                true => found.preferred_lifetime = Some(text),
                false => {
                    let text = format!("`{text}` is no number of seconds and not forever");
                    problems.push(error(value, text).hint("it has no effect"));
                }
            },
            "track_group" => found.track_group = Some(text),
            "scope" if address.is_ipv6() && text != "global" => {
                let text = "an IPv6 address has no scope of its own";
                problems.push(error(word, text.into()).hint("it has no effect"));
            }
            "scope" => match SCOPES.contains(&&*text) || number(&text, 0, 255).is_ok() {
                true => found.scope = Some(text),
                false => {
                    let text = format!("`{text}` is no scope: {}", SCOPES.join(", "));
                    problems.push(error(value, text).hint("it has no effect"));
                }
            },
            _ => {
                found.broadcast = match (text.as_str(), address) {
                    ("+", IpAddr::V4(_)) => Some(Broadcast::Ones),
                    ("-", IpAddr::V4(_)) => Some(Broadcast::Zeros),
                    (text, IpAddr::V4(_)) => match text.parse() {
                        Ok(broadcast) => Some(Broadcast::Address(broadcast)),
                        Err(_) => {
                            let text = format!("`{text}` is no broadcast address");
                            return Read::refuse(value, text);
                        }
                    },
                    _ => return Read::refuse(value, "IPv6 has no broadcast".into()),
                };
            }
        }
    }
    if found.peer.is_some() && found.broadcast.take().is_some() {
        let text = "an address with a peer has no broadcast address";
        problems.push(error(first, text.into()).hint("it has no effect"));
    }
    Read {
        entry: Some(found),
        problems,
    }
}

fn peer(line: &[Word]) -> Read<Peer> {
    let Some(first) = line.first() else {
        return Read {
            entry: None,
            problems: Vec::new(),
        };
    };
    let address = match bare_address(&first.text) {
        Ok(address) => address,
        Err(text) => return Read::refuse(first, text),
    };
    let mut problems = Vec::new();
    if first.text.contains(TAILS) {
        let text = format!("`{}`: an address alone stands here", first.text);
        let hint = "what follows the address has no effect";
        problems.push(Problem::new(Severity::Note, first.place, text).hint(hint));
    }
    let mut found = Peer {
        address,
        min_ttl: None,
        max_ttl: None,
        at: At(first.place),
    };
    let mut words = line[1..].iter();
    while let Some(word) = words.next() {
        let option = word.text.as_str();
        let value = words.next();
        let ttl = value.map(|value| number(&value.text, 0, 255));
        match (option, ttl) {
            ("min_ttl", Some(Ok(ttl))) => found.min_ttl = u8::try_from(ttl).ok(),
            ("max_ttl", Some(Ok(ttl))) => found.max_ttl = u8::try_from(ttl).ok(),
            ("min_ttl" | "max_ttl", Some(Err(text))) => {
                problems.push(error(word, format!("`{option}`: {text}")));
            }
            _ => problems.push(
                error(word, format!("`{option}` is no option of a peer"))
                    .hint("as: ADDRESS [min_ttl N] [max_ttl N]; one peer a line"),
            ),
        }
    }
    if let (Some(least), Some(most)) = (found.min_ttl, found.max_ttl) {
        if least > most {
            let text = format!("min_ttl {least} is above max_ttl {most}");
            let hint = "every advert of this router is dropped: lower it";
            problems.push(error(first, text).hint(hint));
        }
    }
    Read {
        entry: Some(found),
        problems,
    }
}

fn tracker(line: &[Word], most: i64) -> Read<Tracker> {
    let Some(first) = line.first() else {
        return Read {
            entry: None,
            problems: Vec::new(),
        };
    };
    let mut problems = Vec::new();
    let mut weight = None;
    let mut words = line[1..].iter().peekable();
    while let Some(word) = words.next() {
        if word.text != "weight" {
            let text = format!("`{}` is no option here", word.text);
            problems.push(error(word, text).hint("as: NAME [weight N [reverse]]; one name a line"));
            continue;
        }
        let Some(value) = words.next() else {
            problems.push(error(word, "`weight` needs a value".into()));
            break;
        };
        let reverse = match words.peek().map(|word| word.text.as_str()) {
            Some("reverse") => Some(true),
            Some("noreverse" | "no_reverse") => Some(false),
            _ => None,
        };
        if reverse.is_some() {
            words.next();
        }
        match number(&value.text, -most, most) {
            Ok(number) => {
                weight = Some(Weight {
                    weight: i32::try_from(number).unwrap_or_default(),
                    reverse: reverse.unwrap_or(false),
                });
            }
            Err(text) => problems.push(error(value, text).hint("it has no effect")),
        }
    }
    Read {
        entry: Some(Tracker {
            name: first.text.clone(),
            weight,
            at: At(first.place),
        }),
        problems,
    }
}
