//! Arguments with a little grammar of their own. They are checked here and kept as words.

use super::{address, number};

/// Which grammar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// `HOST [PORT]`.
    MailServer,
    /// `INTERFACE [[inst] INSTANCE] [id N] [maxlen N] [port N] [ttl N] [group ADDRESS]`.
    SyncDaemon,
    /// `[tcp SECONDS] [tcpfin SECONDS] [udp SECONDS]`.
    Timeouts,
    /// An octal number, or names of bits with `|` between.
    Umask,
    /// `[+-]read match wildcard_match brace_match`.
    IncludeCheck,
    /// `[INTERFACE] [MAC]`.
    Vmac,
    /// `[all] SECONDS`.
    ExtraInterfaces,
    /// As `ExtraInterfaces`; 0 seconds for none.
    ExtraInterfacesOrNone,
    /// `[VALUE] [overwrite]`.
    InitFile,
    /// `MTU`, `ADVERT` or a number.
    ReceiveBuffers,
    /// Numbers of CPUs.
    Cpus,
}

type Wrong = (usize, String);

impl Form {
    /// The grammar as the manual page has it.
    pub fn shown(self) -> &'static str {
        match self {
            Form::MailServer => "HOST [PORT]",
            Form::SyncDaemon => {
                "INTERFACE [[inst] INSTANCE] [id ID] [maxlen BYTES] [port PORT] [ttl TTL] [group ADDRESS]"
            }
            Form::Timeouts => "[tcp SECONDS] [tcpfin SECONDS] [udp SECONDS]",
            Form::Umask => "OCTAL|BIT|...",
            Form::IncludeCheck => "[+-]read match wildcard_match brace_match",
            Form::Vmac => "[INTERFACE] [MAC]",
            Form::ExtraInterfaces | Form::ExtraInterfacesOrNone => "[all] SECONDS",
            Form::InitFile => "[VALUE] [overwrite]",
            Form::ReceiveBuffers => "MTU|ADVERT|BYTES",
            Form::Cpus => "CPU ...",
        }
    }

    /// Checks the words.
    ///
    /// # Errors
    ///
    /// What is wrong, and with which word.
    pub fn check(self, words: &[&str]) -> Result<(), Wrong> {
        match self {
            Form::MailServer => match words.get(1) {
                Some(port) => in_range(port, 1, 65535).map_err(at(1)),
                None => Ok(()),
            },
            Form::SyncDaemon => sync_daemon(words),
            Form::Timeouts => {
                let limits = [("tcp", 0, U32), ("tcpfin", 0, U32), ("udp", 0, U32)];
                options(words, 0, &limits)
            }
            Form::Umask => umask(words),
            Form::IncludeCheck => each(words, |word| {
                let names = ["read", "match", "wildcard_match", "brace_match"];
                one_of(word.trim_start_matches(['+', '-']), &names)
            }),
            Form::Vmac => vmac(words),
            Form::ExtraInterfaces | Form::ExtraInterfacesOrNone => {
                let least = i64::from(self == Form::ExtraInterfaces);
                let place = usize::from(words.first() == Some(&"all"));
                match words.get(place) {
                    Some(time) => in_range(time, least, 86_400).map_err(at(place)),
                    None => Err((0, "a time is missing".into())),
                }
            }
            Form::InitFile => each(words, |word| match word {
                "overwrite" => Ok(()),
                _ => in_range(word, -254, 254),
            }),
            Form::ReceiveBuffers => match words {
                ["MTU" | "ADVERT"] => Ok(()),
                ["MTU" | "ADVERT", _, ..] => Err((1, "there is one policy".into())),
                _ => each(&words[..1], |word| in_range(word, 0, U32)),
            },
            Form::Cpus => each(words, |word| in_range(word, 0, 4095)),
        }
    }
}

const U32: i64 = 4_294_967_295;

fn at(place: usize) -> impl Fn(String) -> Wrong {
    move |text| (place, text)
}

fn in_range(text: &str, least: i64, most: i64) -> Result<(), String> {
    number(text, least, most).map(|_| ())
}

fn each(words: &[&str], check: impl Fn(&str) -> Result<(), String>) -> Result<(), Wrong> {
    let mut words = words.iter().enumerate();
    words.try_for_each(|(place, word)| check(word).map_err(at(place)))
}

fn one_of(word: &str, names: &[&str]) -> Result<(), String> {
    match names.contains(&word) {
        true => Ok(()),
        false => Err(format!("`{word}` is none of {}", names.join(", "))),
    }
}

/// Names with a number behind each.
fn options(words: &[&str], from: usize, limits: &[(&str, i64, i64)]) -> Result<(), Wrong> {
    for (place, pair) in words.chunks(2).enumerate() {
        let place = from + 2 * place;
        let limit = limits.iter().find(|(name, ..)| *name == pair[0]);
        let Some((_, least, most)) = limit else {
            return Err((place, format!("`{}` is no option here", pair[0])));
        };
        match pair.get(1) {
            Some(number) => in_range(number, *least, *most).map_err(at(place + 1))?,
            None => return Err((place, format!("`{}` needs a value", pair[0]))),
        }
    }
    Ok(())
}

fn sync_daemon(words: &[&str]) -> Result<(), Wrong> {
    const OPTIONS: [(&str, i64, i64); 4] = [
        ("id", 0, 255),
        ("maxlen", 1, 65507),
        ("port", 1, 65535),
        ("ttl", 1, 255),
    ];
    if words[0].len() > super::LONGEST_INTERFACE {
        return Err((0, format!("`{}` is no name of an interface", words[0])));
    }
    let is_option = |word: &str| word == "group" || OPTIONS.iter().any(|(name, ..)| *name == word);
    let mut from = match words.get(1) {
        Some(&"inst") => 3,
        Some(word) if !is_option(word) => 2,
        _ => 1,
    };
    while let Some(word) = words.get(from) {
        if *word == "group" {
            let group = words.get(from + 1).unwrap_or(&"");
            let is_group = address(group).is_ok_and(|address| address.is_multicast());
            if !is_group {
                return Err((from, format!("`{group}` is no multicast address")));
            }
        } else {
            let pair = &words[from..words.len().min(from + 2)];
            options(pair, from, &OPTIONS)?;
        }
        from += 2;
    }
    Ok(())
}

fn umask(words: &[&str]) -> Result<(), Wrong> {
    const BITS: [&str; 12] = [
        "IRUSR", "IWUSR", "IXUSR", "IRWXU", "IRGRP", "IWGRP", "IXGRP", "IRWXG", "IROTH", "IWOTH",
        "IXOTH", "IRWXO",
    ];
    if words[0].starts_with(|c: char| c.is_ascii_digit()) {
        let mask = u32::from_str_radix(words[0], 8).ok();
        return match mask {
            Some(0..=0o777) => Ok(()),
            _ => Err((0, format!("`{}` is not 0 to 0777 in octal", words[0]))),
        };
    }
    each(words, |word| {
        let mut bits = word.split('|').filter(|bit| !bit.is_empty());
        bits.try_for_each(|bit| one_of(bit, &BITS))
    })
}

fn vmac(words: &[&str]) -> Result<(), Wrong> {
    let is_mac = |word: &&&str| word.contains(':');
    let macs = words.iter().filter(is_mac).count();
    if words.len() - macs > 1 {
        return Err((1, "there is one name".into()));
    }
    if macs > 1 {
        return Err((1, "there is one MAC address".into()));
    }
    each(words, |word| match word.contains(':') {
        true => mac(word, 0).map(|_| ()),
        false if word.len() > super::LONGEST_INTERFACE || word.contains('/') => {
            Err(format!("`{word}` is no name of an interface"))
        }
        false => Ok(()),
    })
}

/// The address that `use_vmac` names for a virtual router: where only five octets are given, its
/// number is the sixth.
///
/// # Errors
///
/// What is wrong with it: it is none, one of a group, or one that RFC 5798 has given to others
/// (section 7.3).
pub fn mac(text: &str, router_id: u8) -> Result<[u8; 6], String> {
    let octet = |text: &str| match text.len() {
        1..=2 => u8::from_str_radix(text, 16).ok(),
        _ => None,
    };
    let octets: Option<Vec<u8>> = text
        .strip_suffix(':')
        .unwrap_or(text)
        .split(':')
        .map(octet)
        .collect();
    let mac = match octets.as_deref() {
        Some(&[a, b, c, d, e, f]) if !text.ends_with(':') => [a, b, c, d, e, f],
        Some(&[a, b, c, d, e]) => [a, b, c, d, e, router_id],
        _ => return Err(format!("`{text}` is no MAC address")),
    };
    match mac {
        [first, ..] if first & 1 == 1 => Err(format!("`{text}` is the MAC address of a group")),
        [0, 0, 0x5e, 0, 1 | 2, _] => Err(format!(
            "`{text}` is that of a virtual router: write use_vmac without it"
        )),
        _ => Ok(mac),
    }
}
