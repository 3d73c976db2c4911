//! The entries of a virtual_server_group: addresses, ranges of them, marks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use super::Read;
use crate::addr::Family;
use crate::conf::lex::Word;
use crate::conf::value::{address, number};

/// An entry of a virtual_server_group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// The addresses from the first to the last, each with that port.
    Addresses {
        /// The first.
        first: IpAddr,
        /// The last, in the same family.
        last: IpAddr,
        /// The port; 0 for all.
        port: u16,
    },
    /// A firewall mark.
    Mark {
        /// The mark.
        mark: NonZeroU32,
        /// The family of its packets, if that is said.
        family: Option<Family>,
    },
}

impl Member {
    /// As a line.
    pub fn words(&self) -> Vec<String> {
        match self {
            Member::Mark { mark, family } => {
                let family = family.map(|family| match family {
                    Family::V4 => "inet".to_owned(),
                    Family::V6 => "inet6".to_owned(),
                });
                let words = [Some("fwmark".to_owned()), Some(mark.to_string()), family];
                words.into_iter().flatten().collect()
            }
            Member::Addresses { first, last, port } => {
                let mut words = vec![match (first, last) {
                    _ if first == last => first.to_string(),
                    // As the file has it: the end is the last octet, or the last group.
                    (IpAddr::V4(_), IpAddr::V4(last)) => {
                        format!("{first}-{}", last.octets()[3])
                    }
                    (_, IpAddr::V6(last)) => format!("{first}-{:x}", last.segments()[7]),
                    _ => first.to_string(),
                }];
                words.extend((*port != 0).then(|| port.to_string()));
                words
            }
        }
    }

    /// Its addresses with their port; none of a mark.
    pub fn addresses(&self) -> Vec<(IpAddr, u16)> {
        match self {
            Member::Mark { .. } => Vec::new(),
            Member::Addresses { first, last, port } => match (first, last) {
                (IpAddr::V4(first), IpAddr::V4(last)) => (u32::from(*first)..=u32::from(*last))
                    .map(|bits| (Ipv4Addr::from(bits).into(), *port))
                    .collect(),
                (IpAddr::V6(first), IpAddr::V6(last)) => (u128::from(*first)..=u128::from(*last))
                    .map(|bits| (Ipv6Addr::from(bits).into(), *port))
                    .collect(),
                _ => Vec::new(),
            },
        }
    }
}

pub(super) fn member(line: &[Word]) -> Read<Member> {
    let Some(first) = line.first() else {
        return Read {
            entry: None,
            problems: Vec::new(),
        };
    };
    let found = match (first.text.as_str(), line.get(1)) {
        ("fwmark", Some(mark)) => mark_member(mark, line.get(2)),
        ("fwmark", None) => Err((first, "`fwmark` needs a number".to_owned())),
        (text, port) => range(text)
            .map_err(|text| (first, text))
            .and_then(|(first, last)| {
                let port = match port {
                    Some(word) => number(&word.text, 1, 65535).map_err(|text| (word, text))?,
                    None => 0,
                };
                Ok(Member::Addresses {
                    first,
                    last,
                    port: u16::try_from(port).unwrap_or_default(),
                })
            }),
    };
    match found {
        Ok(member) => Read {
            entry: Some(member),
            problems: Vec::new(),
        },
        Err((word, text)) => Read::refuse(word, text),
    }
}

fn mark_member<'a>(mark: &'a Word, family: Option<&'a Word>) -> Result<Member, (&'a Word, String)> {
    let number = number(&mark.text, 1, 4_294_967_295).map_err(|text| (mark, text))?;
    let number = u32::try_from(number).ok().and_then(NonZeroU32::new);
    let family = match family {
        None => None,
        Some(word) => match word.text.as_str() {
            "inet" => Some(Family::V4),
            "inet6" => Some(Family::V6),
            other => return Err((word, format!("`{other}` is neither inet nor inet6"))),
        },
    };
    match number {
        Some(mark) => Ok(Member::Mark { mark, family }),
        None => Err((mark, "a mark is not 0".into())),
    }
}

/// How many addresses a range may have; more would be no configuration of services.
const MOST_ADDRESSES: u128 = 65_536;

/// The first and the last of `ADDRESS`, `ADDRESS-END`, `ADDRESS-ADDRESS` or `ADDRESS/LENGTH`.
fn range(text: &str) -> Result<(IpAddr, IpAddr), String> {
    if let Some((base, length)) = text.split_once('/') {
        return network(text, address(base)?, length);
    }
    let Some((first, end)) = text.split_once('-') else {
        let only = address(text)?;
        return Ok((only, only));
    };
    let first = address(first)?;
    let last: IpAddr = match (end.parse(), first) {
        (Ok(last), _) => last,
        (_, IpAddr::V4(first)) => {
            let [a, b, c, _] = first.octets();
            let last = number(end, 0, 255)?;
            IpAddr::from([a, b, c, u8::try_from(last).unwrap_or_default()])
        }
        (_, IpAddr::V6(first)) => {
            let mut segments = first.segments();
            let wrong = |_| format!("`{end}` is no end of a range");
            segments[7] = u16::from_str_radix(end, 16).map_err(wrong)?;
            segments.into()
        }
    };
    let (low, high) = match (first, last) {
        (IpAddr::V4(first), IpAddr::V4(last)) => (u32::from(first).into(), u32::from(last).into()),
        (IpAddr::V6(first), IpAddr::V6(last)) => (u128::from(first), u128::from(last)),
        _ => return Err(format!("`{text}`: the ends are of two families")),
    };
    match high.checked_sub(low) {
        Some(0) | None => Err(format!("`{text}`: the end is not above the beginning")),
        Some(count) if count >= MOST_ADDRESSES => Err(format!("`{text}` has too many addresses")),
        Some(_) => Ok((first, last)),
    }
}

fn network(text: &str, base: IpAddr, length: &str) -> Result<(IpAddr, IpAddr), String> {
    let (width, bits) = match base {
        IpAddr::V4(base) => (32, u128::from(u32::from(base))),
        IpAddr::V6(base) => (128, u128::from(base)),
    };
    let host = width - number(length, 0, width)?;
    if host > 16 {
        return Err(format!("`{text}` has too many addresses"));
    }
    let mask = (1u128 << host) - 1;
    if bits & mask != 0 {
        return Err(format!("`{text}` is no network: bits of the host are set"));
    }
    let last = bits | mask;
    Ok(match base {
        IpAddr::V4(_) => (
            base,
            Ipv4Addr::from(u32::try_from(last).unwrap_or(u32::MAX)).into(),
        ),
        IpAddr::V6(_) => (base, Ipv6Addr::from(last).into()),
    })
}
