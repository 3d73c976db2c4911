//! `--filter`: which connections to list, as `client=10.0.0.0/8,state=ESTABLISHED`.

use crate::addr::{Network, Protocol, Resolve};
use crate::ipvs::connections::{Filter, Place};

use super::number::integer;
use super::{Problem, host};

/// Reads the conditions, which are separated by commas; each may be there once.
pub fn read(value: &[u8], names: &dyn Resolve) -> Result<Filter, Problem> {
    let mut filter = Filter::default();
    for condition in value.split(|&byte| byte == b',') {
        let equals = condition.iter().position(|&byte| byte == b'=');
        let (key, what) = match equals {
            Some(place) => (&condition[..place], &condition[place + 1..]),
            None => (condition, &b""[..]),
        };
        let twice = match key {
            b"service" => set(&mut filter.service, place(what, names)),
            b"server" => set(&mut filter.server, place(what, names)),
            b"client" => set(&mut filter.client, network(what, names)),
            b"state" => set(&mut filter.state, state(what)),
            _ => None,
        };
        match twice {
            Some(false) => {}
            Some(true) => {
                return Err(Problem::usage(&[b"multiple '", key, b"' in the filter"]));
            }
            None => return Err(Problem::usage(&[b"invalid filter `", condition, b"'"])),
        }
    }
    Ok(filter)
}

/// Sets what is not set yet; tells whether it was, or nothing without a value.
fn set<T>(condition: &mut Option<T>, value: Option<T>) -> Option<bool> {
    let twice = condition.replace(value?).is_some();
    Some(twice)
}

fn place(word: &[u8], names: &dyn Resolve) -> Option<Place> {
    let (address, port) = host::endpoint(word, Some(Protocol::TCP), names)?;
    Some(Place { address, port })
}

/// `HOST`, or `HOST/LENGTH`.
fn network(word: &[u8], names: &dyn Resolve) -> Option<Network> {
    let slash = word.iter().position(|&byte| byte == b'/');
    let (host, length) = match slash {
        Some(slash) => (&word[..slash], Some(&word[slash + 1..])),
        None => (word, None),
    };
    let (address, None) = host::endpoint(host, None, names)? else {
        return None;
    };
    match length {
        Some(length) => Network::new(address, integer(length, 0, 128)? as u8),
        None => Some(Network::of(address)),
    }
}

fn state(word: &[u8]) -> Option<String> {
    let word = std::str::from_utf8(word).ok()?;
    (!word.is_empty()).then(|| word.to_ascii_uppercase())
}
