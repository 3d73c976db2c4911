//! Rules of policy routing, as iproute2 writes them.

use super::words::{ANY, Names, Takes, check};
use super::{Read, prefixed, route};
use crate::conf::lex::Word;
use crate::conf::problem::{Problem, Severity};
use crate::conf::source::At;
use crate::conf::value::number;

/// A rule of policy routing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    words: Vec<String>,
    /// The interfaces that it names.
    pub devices: Vec<String>,
    /// What the machine must know by name.
    pub names: Vec<(Names, String)>,
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

const RULE: &[(&str, Takes)] = &[
    ("from", Takes::Prefix),
    ("to", Takes::Prefix),
    ("table", Takes::Name(Names::Tables)),
    ("lookup", Takes::Name(Names::Tables)),
    ("fwmark", Takes::Mark),
    ("iif", Takes::Anything),
    ("dev", Takes::Anything),
    ("oif", Takes::Anything),
    ("tos", Takes::Name(Names::Services)),
    ("dsfield", Takes::Name(Names::Services)),
    ("preference", ANY),
    ("order", ANY),
    ("priority", ANY),
    ("realms", Takes::Realms),
    ("goto", ANY),
    ("suppress_prefixlength", Takes::Number(i32::MAX as i64)),
    ("sup_pl", Takes::Number(i32::MAX as i64)),
    ("suppress_ifgroup", Takes::Name(Names::Groups)),
    ("sup_group", Takes::Name(Names::Groups)),
    ("tunnel-id", Takes::Number(i64::MAX)),
    ("uidrange", Takes::Range(u32::MAX as i64)),
    ("ipproto", Takes::Transport),
    ("sport", Takes::Range(u16::MAX as i64)),
    ("dport", Takes::Range(u16::MAX as i64)),
    ("protocol", Takes::Number(255)),
    ("track_group", Takes::Anything),
    ("l3mdev", Takes::Nothing),
    ("not", Takes::Nothing),
    ("no_track", Takes::Nothing),
    ("inet", Takes::Nothing),
    ("inet6", Takes::Nothing),
    ("type", Takes::Nothing),
    ("nop", Takes::Nothing),
    ("unreachable", Takes::Nothing),
    ("prohibit", Takes::Nothing),
    ("blackhole", Takes::Nothing),
];

/// What a rule may do with packets: one of these.
const ACTIONS: [&str; 8] = [
    "table",
    "lookup",
    "l3mdev",
    "goto",
    "nop",
    "unreachable",
    "prohibit",
    "blackhole",
];

pub(super) fn rule(line: &[Word]) -> Read<Rule> {
    let Some(first) = line.first() else {
        return Read {
            entry: None,
            problems: Vec::new(),
        };
    };
    let mut found = Rule {
        words: line.iter().map(|word| word.text.clone()).collect(),
        devices: Vec::new(),
        names: Vec::new(),
        tracked: true,
        at: At(first.place),
    };
    let mut preference = None;
    let mut protocol = None;
    let mut action: Option<&str> = None;
    let mut target = None;
    let mut only_for_tables = None;
    let mut families = (false, false);
    let mut words = line.iter();
    while let Some(word) = words.next() {
        let option = word.text.as_str();
        let Some((_, takes)) = RULE.iter().find(|(name, _)| *name == option) else {
            return Read::refuse(word, format!("`{option}` is no word of a rule"));
        };
        if ACTIONS.contains(&option) {
            if let Some(other) = action.replace(option) {
                return Read::refuse(
                    word,
                    format!("`{other}` and `{option}`: a rule does one thing"),
                );
            }
        }
        if *takes == Takes::Nothing {
            found.tracked &= option != "no_track";
            continue;
        }
        let Some(value) = words.next() else {
            return Read::refuse(word, format!("`{option}` needs a value"));
        };
        let text = value.text.as_str();
        match check(*takes, value) {
            Ok(names) => found
                .names
                .extend(names.into_iter().map(|(n, name)| (n, name.to_owned()))),
            Err(text) => return Read::refuse(value, format!("`{option}`: {text}")),
        }
        match option {
            "iif" | "dev" | "oif" => found.devices.push(text.to_owned()),
            "protocol" => protocol = Some(value),
            "preference" | "order" | "priority" => preference = number(text, 0, i64::MAX).ok(),
            "goto" => target = number(text, 0, i64::MAX).ok(),
            "table" | "lookup" if text == "0" => {
                return Read::refuse(value, "there is no table 0".into());
            }
            "realms" | "suppress_prefixlength" | "sup_pl" | "suppress_ifgroup" | "sup_group" => {
                only_for_tables = Some(word);
            }
            "from" | "to" => {
                families.1 |= text == "default6";
                if let Ok((address, ..)) = prefixed(text) {
                    families.0 |= address.is_ipv4();
                    families.1 |= address.is_ipv6();
                }
            }
            _ => {}
        }
    }
    if families == (true, true) {
        return Read::refuse(first, "a rule with addresses of two families".into());
    }
    let Some(action) = action else {
        return Read::refuse(first, "a rule that does nothing: add `table NAME`".into());
    };
    match (target, preference) {
        (Some(_), None) => {
            return Read::refuse(first, "`goto` in a rule without a preference".into());
        }
        (Some(target), Some(preference)) if preference >= target => {
            let text = format!("`goto {target}` leads back from preference {preference}");
            return Read::refuse(first, text);
        }
        _ => {}
    }
    if let Some(word) = only_for_tables.filter(|_| !["table", "lookup", "l3mdev"].contains(&action))
    {
        return Read::refuse(word, format!("`{}` goes with `table` alone", word.text));
    }
    let mut problems = Vec::new();
    problems.extend(
        protocol
            .filter(|_| found.tracked)
            .and_then(route::other_protocol),
    );
    if preference.is_none() {
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
