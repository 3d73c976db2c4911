//! What stands behind the words of iproute2 in a route or a rule.

use super::prefixed;
use crate::conf::lex::Word;
use crate::conf::value::{address, number};

/// What an option takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Takes {
    Nothing,
    Anything,
    /// A number up to that.
    Number(i64),
    Address,
    Prefix,
    /// A number, or a name that the machine has in a file.
    Name(Names),
    /// `REALM` or `FROM/TO`.
    Realms,
    /// Milliseconds, or with `s` seconds.
    Time,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// One of these words, or a number up to 255.
    Grade(&'static [&'static str]),
    /// `MARK` or `MARK/MASK`.
    Mark,
    /// `FIRST-LAST`, of numbers up to that.
    Range(i64),
    /// A protocol over IP, by its number or its name.
    Transport,
}

/// Any number of 32 bits.
pub(super) const ANY: Takes = Takes::Number(u32::MAX as i64);

/// What has names on a machine, and the file of iproute2 that lists them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Names {
    /// Routing tables.
    Tables,
    /// Scopes of routes and addresses.
    Scopes,
    /// Who made a route.
    Protocols,
    /// Values of the type of service.
    Services,
    /// Realms of routes.
    Realms,
    /// Groups of interfaces.
    Groups,
}

impl Names {
    /// The file, in the directory of iproute2.
    pub fn file(self) -> &'static str {
        match self {
            Names::Tables => "rt_tables",
            Names::Scopes => "rt_scopes",
            Names::Protocols => "rt_protos",
            Names::Services => "rt_dsfield",
            Names::Realms => "rt_realms",
            Names::Groups => "group",
        }
    }

    /// What one of them is.
    pub fn one(self) -> &'static str {
        match self {
            Names::Tables => "routing table",
            Names::Scopes => "scope",
            Names::Protocols => "routing protocol",
            Names::Services => "type of service",
            Names::Realms => "realm",
            Names::Groups => "group of interfaces",
        }
    }

    fn most(self) -> i64 {
        match self {
            Names::Tables | Names::Groups => u32::MAX.into(),
            Names::Realms => u16::MAX.into(),
            Names::Scopes | Names::Protocols | Names::Services => u8::MAX.into(),
        }
    }

    /// Those that iproute2 has without a file.
    fn are_built_in(self) -> &'static [&'static str] {
        match self {
            Names::Tables => &["default", "main", "local"],
            Names::Scopes => &super::SCOPES,
            Names::Protocols => &["kernel", "boot", "static", "keepalived"],
            Names::Groups => &["default"],
            Names::Services | Names::Realms => &[],
        }
    }

    /// The text if it is a name that the machine must know: no number, and not built in.
    fn unknown(self, text: &str) -> Option<&str> {
        let is_number = unsigned(text, self.most()).is_some();
        (!is_number && !self.are_built_in().contains(&text)).then_some(text)
    }
}

/// A number, in hexadecimal behind `0x`.
fn unsigned(text: &str, most: i64) -> Option<i64> {
    let number = match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    };
    number.filter(|number| (0..=most).contains(number))
}

/// Checks what stands behind an option; gives the names in it that the machine must know.
///
/// # Errors
///
/// What is wrong with it.
pub(super) fn check(takes: Takes, word: &Word) -> Result<Vec<(Names, &str)>, String> {
    let text = word.text.as_str();
    let wrong = |is: &str| Err(format!("`{text}` is {is}"));
    match takes {
        Takes::Nothing | Takes::Anything => {}
        Takes::Number(most) => {
            number(text, 0, most)?;
        }
        Takes::Address => {
            address(text)?;
        }
        Takes::Prefix if ["default", "default6", "all", "any"].contains(&text) => {}
        Takes::Prefix => {
            if let (_, _, Some(wrong)) = prefixed(text)? {
                return Err(wrong);
            }
        }
        Takes::Name(names) => {
            return Ok(names
                .unknown(text)
                .map(|name| (names, name))
                .into_iter()
                .collect());
        }
        Takes::Realms => {
            let names = Names::Realms;
            let parts = text.splitn(2, '/');
            return Ok(parts
                .filter_map(|part| Some((names, names.unknown(part)?)))
                .collect());
        }
        Takes::Time if !is_time(text) => return wrong("no time, as 20ms or 1.5s"),
        Takes::Choice(words) if !words.contains(&text) => {
            return wrong(&format!("none of {}", words.join(", ")));
        }
        Takes::Grade(words) if !words.contains(&text) && unsigned(text, 255).is_none() => {
            return wrong(&format!(
                "none of {} and no number up to 255",
                words.join(", ")
            ));
        }
        Takes::Mark => {
            let is_mark = |text: &str| unsigned(text, u32::MAX.into()).is_some();
            if !text.splitn(2, '/').all(is_mark) {
                return wrong("no mark, as 1 or 0x10/0xf0");
            }
        }
        Takes::Range(most) => {
            let mut ends = text.splitn(2, '-');
            if !ends.all(|end| unsigned(end, most).is_some()) {
                return wrong(&format!("no range of numbers up to {most}, as 10-20"));
            }
        }
        // Beyond those, /etc/protocols of the machine has more.
        Takes::Transport => {
            const KNOWN: [&str; 12] = [
                "icmp",
                "igmp",
                "tcp",
                "udp",
                "dccp",
                "gre",
                "esp",
                "ah",
                "ipv6-icmp",
                "sctp",
                "udplite",
                "vrrp",
            ];
            if !KNOWN.contains(&text) && unsigned(text, 255).is_none() {
                return wrong("no protocol over IP");
            }
        }
        Takes::Time | Takes::Choice(_) | Takes::Grade(_) => {}
    }
    Ok(Vec::new())
}

/// Whether a text is a time as keepalived has it: whole milliseconds, with or without `ms`, or
/// seconds with up to three decimals and `s`.
fn is_time(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    let bare = ["s", "sec", "secs"]
        .iter()
        .find_map(|unit| text.strip_suffix(unit));
    let (amount, decimals) = match bare {
        Some(bare) => match bare.strip_suffix('m') {
            Some(amount) => (amount, 0),
            None => (bare, 3),
        },
        None => (text.as_str(), 0),
    };
    let (whole, part) = amount.split_once('.').unwrap_or((amount, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    !amount.is_empty() && digits(whole) && digits(part) && part.len() <= decimals
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::source::Place;

    #[test]
    fn what_stands_behind_an_option_is_checked() {
        let choice = Takes::Choice(&["a"]);
        for (takes, good, bad) in [
            (ANY, "4294967295", "4294967296"),
            (Takes::Time, "1.5s", "1.5ms"),
            (Takes::Time, "20MS", "3m"),
            (Takes::Mark, "0x17/0x10", "x"),
            (Takes::Range(65535), "20-10", "10-65536"),
            (Takes::Transport, "udp", "nonsense"),
            (Takes::Grade(&["low"]), "255", "256"),
            (Takes::Prefix, "default6", "default7"),
            (choice, "a", "b"),
        ] {
            let word = |text: &str| Word {
                text: text.into(),
                quoted: false,
                place: Place::default(),
            };
            assert_eq!(check(takes, &word(good)), Ok(vec![]), "{good}");
            assert!(check(takes, &word(bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn names_that_the_machine_must_know_are_given() {
        let word = |text: &str| Word {
            text: text.into(),
            quoted: false,
            place: Place::default(),
        };
        let tables = Takes::Name(Names::Tables);
        assert_eq!(check(tables, &word("main")), Ok(vec![]));
        assert_eq!(check(tables, &word("0x10")), Ok(vec![]));
        assert_eq!(
            check(tables, &word("isp")),
            Ok(vec![(Names::Tables, "isp")])
        );
        let realms = Ok(vec![(Names::Realms, "x")]);
        assert_eq!(check(Takes::Realms, &word("3/x")), realms);
    }
}
