//! The arguments of keywords: their kinds, as the table names them, and their values.

use std::net::IpAddr;
use std::num::NonZeroU32;
use std::time::Duration;

use super::lex::{Word, is_blank};
use super::lists::{InterfaceAddress, Member, Name, Peer, Route, Rule, Tracker};
use crate::addr::Endpoint;
use crate::ipvs::{Checksum, Forwarding, Netmask, Tunnel};

pub use form::{Form, mac};

mod form;

/// What a keyword takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Nothing.
    Flag,
    /// `on`, `true`, `yes`, `off`, `false`, `no`.
    Switch,
    /// A whole number.
    Number(i64, i64),
    /// A decimal number of seconds, from so many microseconds to so many.
    Seconds(u64, u64),
    /// A whole number of seconds, from 0 to that.
    WholeSeconds(i64),
    /// A word.
    Text,
    /// A regular expression, with escapes like a script.
    Pattern,
    /// The name of an interface, up to 15 bytes.
    Interface,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// As `Choice`, in capitals or not.
    AnyCase(&'static [&'static str]),
    /// An address.
    Address,
    /// A multicast address of the family, 4 or 6.
    Multicast(u8),
    /// A multicast address.
    Group,
    /// Words with a grammar of their own.
    Form(Form),
    /// An address and a port.
    Server,
    /// Who a virtual server is: an address and a port, `fwmark` and a number, `group` and a name.
    VirtualServer,
    /// A program with its arguments in one word; then, if need be, a user and a group.
    Command,
    /// A number from minus that to that; then, if need be, `reverse`.
    Weight(i64),
    /// How packets are forwarded.
    Forwarding,
    /// An IPv4 mask, or the length of an IPv6 prefix.
    Netmask,
    /// Status codes of HTTP, and ranges of them.
    Codes,
    /// Octets in hexadecimal.
    Hex,
    /// 32 hexadecimal digits.
    Digest,
    /// Any words, at least one.
    Words,
}

/// The arguments of a keyword, understood.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// There were none, and none are needed.
    None,
    /// On or off.
    Switch(bool),
    /// A number.
    Number(i64),
    /// A time.
    Seconds(Duration),
    /// A word.
    Text(String),
    /// An address.
    Address(IpAddr),
    /// An address, and a port if there was one.
    Server(IpAddr, Option<u16>),
    /// Who a virtual server is.
    VirtualServer(VirtualAddress),
    /// A script.
    Command(Command),
    /// A weight.
    Weight(Weight),
    /// A forwarding method.
    Forwarding(Forwarding),
    /// A mask.
    Netmask(Netmask),
    /// Words.
    Words(Vec<String>),
    /// The names of a list.
    Names(Vec<Name>),
    /// The addresses of a list.
    Addresses(Vec<InterfaceAddress>),
    /// The routes of a list.
    Routes(Vec<Route>),
    /// The rules of a list.
    Rules(Vec<Rule>),
    /// The routers of a list.
    Peers(Vec<Peer>),
    /// The trackers of a list.
    Trackers(Vec<Tracker>),
    /// The addresses, ranges and marks of a list.
    Members(Vec<Member>),
}

/// Who a virtual server is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum VirtualAddress {
    /// An address and a port; without one the port is 0.
    Address(Endpoint),
    /// A firewall mark.
    Mark(NonZeroU32),
    /// The addresses and marks of a group.
    Group(String),
}

/// A program with its arguments, and who runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// The program and its arguments, as they stand in the file; [`super::lex::arguments`] splits
    /// them.
    pub line: String,
    /// The account; the one of `script_user` when absent.
    pub user: Option<String>,
    /// The group; the one of the account when absent.
    pub group: Option<String>,
}

/// What a tracker does to a priority or a weight.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// Added while all is well if positive, while something is wrong if negative; 0 stands for
    /// a fault.
    pub weight: i32,
    /// Whether the two are exchanged.
    pub reverse: bool,
}

/// The words for on and off.
const SWITCHES: [(&str, bool); 6] = [
    ("on", true),
    ("true", true),
    ("yes", true),
    ("off", false),
    ("false", false),
    ("no", false),
];

/// The longest name of an interface (`IFNAMSIZ` less its NUL).
pub const LONGEST_INTERFACE: usize = 15;

impl Kind {
    /// Reads the words behind a keyword; there is at least one.
    ///
    /// # Errors
    ///
    /// What is wrong with them, and with which.
    pub fn read(self, words: &[Word]) -> Result<Value, (usize, String)> {
        let Some(first) = words.first() else {
            return Ok(Value::None);
        };
        let text = first.text.as_str();
        let at_first = |problem| (0, problem);
        let plain = |word: &Word| word.text.clone();
        Ok(match self {
            Kind::Flag => Value::None,
            Kind::Switch => {
                let found = SWITCHES.iter().find(|(name, _)| *name == text);
                let value = found.ok_or_else(|| at_first(format!("`{text}` is not on or off")))?;
                Value::Switch(value.1)
            }
            Kind::Number(least, most) => {
                Value::Number(number(text, least, most).map_err(at_first)?)
            }
            Kind::Seconds(least, most) => {
                let micros = micros(text, least, most).map_err(at_first)?;
                Value::Seconds(Duration::from_micros(micros))
            }
            Kind::WholeSeconds(most) => {
                let seconds = number(text, 0, most).map_err(at_first)?;
                Value::Seconds(Duration::from_secs(seconds.unsigned_abs()))
            }
            Kind::Text | Kind::Pattern => Value::Text(plain(first)),
            Kind::Interface if text.len() > LONGEST_INTERFACE => {
                let longest = LONGEST_INTERFACE;
                return Err((
                    0,
                    format!(
                        "`{text}` is longer than the {longest} bytes that an interface's name can have"
                    ),
                ));
            }
            Kind::Interface => Value::Text(plain(first)),
            Kind::Choice(of) | Kind::AnyCase(of) => {
                let same = |name: &&&str| match self {
                    Kind::Choice(_) => **name == text,
                    _ => name.eq_ignore_ascii_case(text),
                };
                let Some(found) = of.iter().find(same) else {
                    let one_of = of.join(", ");
                    return Err((0, format!("`{text}` is none of {one_of}")));
                };
                Value::Text((*found).to_owned())
            }
            Kind::Address => Value::Address(bare_address(text).map_err(at_first)?),
            Kind::Multicast(family) => {
                let address = bare_address(text).map_err(at_first)?;
                if address.is_ipv4() != (family == 4) || !address.is_multicast() {
                    return Err((0, format!("`{text}` is no IPv{family} multicast address")));
                }
                Value::Address(address)
            }
            Kind::Group => {
                let address = bare_address(text).map_err(at_first)?;
                if !address.is_multicast() {
                    return Err((0, format!("`{text}` is no multicast address")));
                }
                Value::Address(address)
            }
            Kind::Form(form) => {
                let texts: Vec<&str> = words.iter().map(|word| word.text.as_str()).collect();
                form.check(&texts)?;
                Value::Words(words.iter().map(plain).collect())
            }
            Kind::Server => {
                let address = bare_address(text).map_err(at_first)?;
                Value::Server(address, port(words.get(1)).map_err(|problem| (1, problem))?)
            }
            Kind::VirtualServer => Value::VirtualServer(virtual_address(words)?),
            Kind::Command => Value::Command(Command {
                line: plain(first),
                user: words.get(1).map(plain),
                group: words.get(2).map(plain),
            }),
            Kind::Weight(most) => {
                let weight = number(text, -most, most).map_err(at_first)?;
                let reverse = match words.get(1).map(|word| word.text.as_str()) {
                    None | Some("noreverse" | "no_reverse") => false,
                    Some("reverse") => true,
                    Some(other) => return Err((1, format!("`{other}` is not reverse"))),
                };
                Value::Weight(Weight {
                    weight: i32::try_from(weight).unwrap_or_default(),
                    reverse,
                })
            }
            Kind::Forwarding => Value::Forwarding(forwarding(words)?),
            Kind::Netmask => Value::Netmask(netmask(text).map_err(at_first)?),
            Kind::Codes => {
                for (place, word) in words.iter().enumerate() {
                    code(&word.text).ok_or_else(|| {
                        (
                            place,
                            format!("`{}` is no status code of HTTP, 100 to 599", word.text),
                        )
                    })?;
                }
                Value::Words(words.iter().map(plain).collect())
            }
            Kind::Hex => {
                let digits = |c: char| c.is_ascii_hexdigit() || "xX ".contains(c);
                match words.iter().position(|word| !word.text.chars().all(digits)) {
                    Some(place) => {
                        return Err((place, format!("`{}` is not hexadecimal", words[place].text)));
                    }
                    None => Value::Words(words.iter().map(plain).collect()),
                }
            }
            Kind::Digest => {
                if text.len() != 32 || !text.chars().all(|c| c.is_ascii_hexdigit()) {
                    return Err((0, format!("`{text}` is not 32 hexadecimal digits")));
                }
                Value::Text(plain(first))
            }
            Kind::Words => Value::Words(words.iter().map(plain).collect()),
        })
    }

    /// Whether its first word is an address.
    pub fn is_address(self) -> bool {
        matches!(
            self,
            Kind::Address | Kind::Multicast(_) | Kind::Group | Kind::Server | Kind::VirtualServer
        )
    }

    /// Whether `'` groups words as `"` does, and `\` gives escapes.
    pub fn has_escapes(self) -> bool {
        matches!(self, Kind::Command | Kind::Pattern)
    }

    /// How many words it takes at most; the rest has no effect.
    pub fn most_words(self) -> usize {
        match self {
            Kind::Flag => 0,
            Kind::Server | Kind::VirtualServer | Kind::Weight(_) => 2,
            Kind::Command => 3,
            Kind::Forwarding | Kind::Words | Kind::Form(_) | Kind::Codes | Kind::Hex => usize::MAX,
            _ => 1,
        }
    }

    /// The kind as it is written in a manual page.
    pub fn shown(self) -> String {
        match self {
            Kind::Flag => String::new(),
            Kind::Switch => "on|off".into(),
            Kind::Number(least, most) => format!("{least}..{most}"),
            Kind::Seconds(least, most) => {
                format!("{}..{} s", decimal(least), decimal(most))
            }
            Kind::WholeSeconds(most) => format!("0..{most} s, whole"),
            Kind::Text => "TEXT".into(),
            Kind::Pattern => "REGEX".into(),
            Kind::Interface => "INTERFACE".into(),
            Kind::Choice(of) | Kind::AnyCase(of) => of.join("|"),
            Kind::Address => "ADDRESS".into(),
            Kind::Multicast(family) => format!("IPv{family}-GROUP"),
            Kind::Group => "GROUP".into(),
            Kind::Form(form) => form.shown().into(),
            Kind::Server => "ADDRESS [PORT]".into(),
            Kind::VirtualServer => "ADDRESS [PORT]|fwmark MARK|group NAME".into(),
            Kind::Command => "COMMAND [USER [GROUP]]".into(),
            Kind::Weight(most) => format!("-{most}..{most} [reverse]"),
            Kind::Forwarding => {
                "NAT|DR|TUN [type ipip|gue port PORT|gre] [nocsum|csum|remcsum]".into()
            }
            Kind::Netmask => "MASK".into(),
            Kind::Codes => "CODE[-CODE] ...".into(),
            Kind::Hex => "HEX".into(),
            Kind::Digest => "MD5".into(),
            Kind::Words => "WORD ...".into(),
        }
    }
}

/// A whole number within its bounds.
///
/// # Errors
///
/// What is wrong with it.
pub fn number(text: &str, least: i64, most: i64) -> Result<i64, String> {
    let number: i64 = text
        .trim_start_matches(is_blank)
        .parse()
        .map_err(|_| format!("`{text}` is not a whole number"))?;
    match (least..=most).contains(&number) {
        true => Ok(number),
        false => Err(format!("{number} is not in {least}..{most}")),
    }
}

/// A number with up to six decimals in millionths, within its bounds.
fn micros(text: &str, least: u64, most: u64) -> Result<u64, String> {
    let wrong = || format!("`{text}` is not a decimal number with up to six decimals");
    let unsigned = text.trim_start_matches(is_blank);
    let unsigned = unsigned.strip_prefix('+').unwrap_or(unsigned);
    let (whole, part) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let digits = |text: &str| text.chars().all(|c| c.is_ascii_digit());
    let is_empty = whole.is_empty() && part.is_empty();
    if is_empty || !digits(whole) || !digits(part) || part.len() > 6 {
        return Err(wrong());
    }
    // `.2` is a number too.
    let whole: u64 = format!("0{whole}").parse().map_err(|_| wrong())?;
    let part: u64 = format!("{part:0<6}").parse().map_err(|_| wrong())?;
    let micros = whole
        .checked_mul(1_000_000)
        .and_then(|w| w.checked_add(part));
    match micros {
        Some(micros) if (least..=most).contains(&micros) => Ok(micros),
        _ => Err(format!(
            "{text} is not in {}..{} seconds",
            decimal(least),
            decimal(most)
        )),
    }
}

/// Millionths as a decimal number, without zeros at the end.
pub fn decimal(micros: u64) -> String {
    let (whole, part) = (micros / 1_000_000, micros % 1_000_000);
    match part {
        0 => whole.to_string(),
        _ => format!("{whole}.{part:06}")
            .trim_end_matches('0')
            .to_owned(),
    }
}

/// An address.
///
/// # Errors
///
/// What is wrong with it.
pub fn address(text: &str) -> Result<IpAddr, String> {
    text.parse()
        .map_err(|_| format!("`{text}` is not an IP address"))
}

/// An address of which keepalived ignores what follows a `/` or `-`.
///
/// # Errors
///
/// What is wrong with it.
pub fn bare_address(text: &str) -> Result<IpAddr, String> {
    let end = text.find(TAILS).unwrap_or(text.len());
    address(&text[..end]).map_err(|_| format!("`{text}` is not an IP address"))
}

/// What begins the part of an address that has no effect.
pub const TAILS: [char; 2] = ['/', '-'];

fn port(word: Option<&Word>) -> Result<Option<u16>, String> {
    let Some(word) = word else { return Ok(None) };
    let port = number(&word.text, 0, 65535)?;
    Ok(u16::try_from(port).ok())
}

fn virtual_address(words: &[Word]) -> Result<VirtualAddress, (usize, String)> {
    let second = || {
        let second = words.get(1);
        second.ok_or_else(|| (0, format!("`{}` needs a value", words[0].text)))
    };
    match words[0].text.as_str() {
        "fwmark" => {
            let mark = number(&second()?.text, 1, i64::from(u32::MAX)).map_err(|p| (1, p))?;
            let mark = u32::try_from(mark).ok().and_then(NonZeroU32::new);
            mark.map(VirtualAddress::Mark).ok_or((1, "no mark".into()))
        }
        "group" => Ok(VirtualAddress::Group(second()?.text.clone())),
        text => {
            let address = bare_address(text).map_err(|problem| (0, problem))?;
            let port = match words.get(1) {
                Some(word) => number(&word.text, 0, 65535).map_err(|problem| (1, problem))?,
                None => 0,
            };
            let port = u16::try_from(port).unwrap_or_default();
            Ok(VirtualAddress::Address(Endpoint::new(address, port)))
        }
    }
}

fn forwarding(words: &[Word]) -> Result<Forwarding, (usize, String)> {
    let mut words = words.iter().map(|word| word.text.as_str()).enumerate();
    let without = match words.next() {
        Some((_, "NAT")) => Some(Forwarding::Masquerade),
        Some((_, "DR")) => Some(Forwarding::Route),
        Some((_, "TUN")) => None,
        Some((place, other)) => return Err((place, format!("`{other}` is none of NAT, DR, TUN"))),
        None => return Err((0, "a method is missing".into())),
    };
    let tunnel = tunnel(words)?;
    Ok(without.unwrap_or(Forwarding::Tunnel(tunnel)))
}

/// The options of a tunnel, which keepalived reads behind any method.
fn tunnel<'w>(
    mut words: impl Iterator<Item = (usize, &'w str)>,
) -> Result<Tunnel, (usize, String)> {
    let mut kind = ("ipip", 0);
    let mut gue_port = None;
    let mut checksum = (Checksum::Without, 0);
    while let Some((place, word)) = words.next() {
        match word {
            "type" => match words.next() {
                Some((place, name @ ("ipip" | "gue" | "gre"))) => kind = (name, place),
                Some((place, other)) => {
                    return Err((place, format!("`{other}` is none of ipip, gue, gre")));
                }
                None => return Err((place, "`type` needs a value".into())),
            },
            "port" => match words.next() {
                Some((place, text)) => {
                    let port = number(text, 1, 65535).map_err(|problem| (place, problem))?;
                    gue_port = u16::try_from(port).ok();
                }
                None => return Err((place, "`port` needs a value".into())),
            },
            "nocsum" => checksum = (Checksum::Without, place),
            "csum" => checksum = (Checksum::Whole, place),
            "remcsum" => checksum = (Checksum::Remote, place),
            other => return Err((place, format!("`{other}` is no option of a tunnel"))),
        }
    }
    let checksum_place = checksum.1;
    Ok(match (kind.0, gue_port, checksum.0) {
        ("gue", Some(port), checksum) => Tunnel::Gue { port, checksum },
        ("gue", None, _) => return Err((kind.1, "a gue tunnel needs a port".into())),
        (name, Some(_), _) => return Err((kind.1, format!("a {name} tunnel has no port"))),
        ("gre", None, Checksum::Remote) => {
            return Err((checksum_place, "a gre tunnel has no remote checksum".into()));
        }
        ("gre", None, checksum) => Tunnel::Gre { checksum },
        (_, None, Checksum::Without) => Tunnel::Ipip,
        _ => return Err((checksum_place, "an ipip tunnel has no checksum".into())),
    })
}

fn netmask(text: &str) -> Result<Netmask, String> {
    if let Ok(mask) = text.parse() {
        return Ok(Netmask::V4(mask));
    }
    let length = number(text, 1, 128).map_err(|_| format!("`{text}` is no mask and no length"))?;
    Ok(Netmask::V6(u32::try_from(length).unwrap_or(128)))
}

/// The codes from the first to the second, of `200` or `200-299`.
pub fn code(text: &str) -> Option<(u16, u16)> {
    let one = |text| number(text, 100, 599).ok()?.try_into().ok();
    match text.split_once('-') {
        Some((first, last)) => {
            let (first, last) = (one(first)?, one(last)?);
            (first <= last).then_some((first, last))
        }
        None => one(text).map(|code| (code, code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::source::Place;

    fn read(kind: Kind, text: &str) -> Result<Value, String> {
        let words: Vec<Word> = text
            .split_whitespace()
            .map(|text| Word {
                text: text.into(),
                quoted: false,
                place: Place::default(),
            })
            .collect();
        kind.read(&words).map_err(|(_, problem)| problem)
    }

    #[test]
    fn numbers_are_read_as_keepalived_reads_them() {
        let kind = Kind::Number(0, 300);
        for (text, number) in [("5", 5), ("+5", 5), ("010", 10), ("300", 300)] {
            assert_eq!(read(kind, text), Ok(Value::Number(number)), "{text}");
        }
        for text in ["5x", "0x10", "1.5", "-1", "301", "99999999999999999999"] {
            assert!(read(kind, text).is_err(), "{text}");
        }
    }

    #[test]
    fn seconds_have_six_decimals() {
        let kind = Kind::Seconds(0, 10_000_000);
        for (text, micros) in [
            ("1", 1_000_000),
            ("1.", 1_000_000),
            (".2", 200_000),
            ("0.000001", 1),
        ] {
            let value = Value::Seconds(Duration::from_micros(micros));
            assert_eq!(read(kind, text), Ok(value), "{text}");
        }
        for text in [".", "1e0", "1.0000001", "-1", "11", "18446744073709.551616"] {
            assert!(read(kind, text).is_err(), "{text}");
        }
        assert_eq!(decimal(2_500_000), "2.5");
    }

    #[test]
    fn tunnels_have_what_their_types_have() {
        let gue = Tunnel::Gue {
            port: 6080,
            checksum: Checksum::Whole,
        };
        for (text, expected) in [
            ("TUN", Ok(Forwarding::Tunnel(Tunnel::Ipip))),
            ("TUN type gue port 6080 csum", Ok(Forwarding::Tunnel(gue))),
            ("TUN type gue", Err("a gue tunnel needs a port")),
            ("TUN csum", Err("an ipip tunnel has no checksum")),
            ("dr", Err("`dr` is none of NAT, DR, TUN")),
        ] {
            let expected = expected.map(Value::Forwarding).map_err(String::from);
            assert_eq!(read(Kind::Forwarding, text), expected, "{text}");
        }
    }
}
