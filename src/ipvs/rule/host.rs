//! `HOST[:PORT]` and masks, as they are written on a command line.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::addr::{Endpoint, Family, Protocol, Resolve};

use super::number::integer;

/// Reads `HOST[:PORT]`, `[HOST]:PORT` or an IPv6 address. The port is absent when none is given.
///
/// `protocol` is that of the service, to look a port up by its name; without it a port must be a
/// number. What is nothing but digits is refused: it is a port without a host.
pub fn endpoint(
    word: &[u8],
    protocol: Option<Protocol>,
    names: &dyn Resolve,
) -> Option<(IpAddr, Option<u16>)> {
    if let Some((address, port)) = plain_endpoint(word) {
        return Some((address.into(), port));
    }
    let word = std::str::from_utf8(word).ok()?;
    if word.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (host, port) = if let Some(rest) = word.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        match rest {
            "" => (host, None),
            _ => (host, Some(rest.strip_prefix(':')?)),
        }
    } else if ipv6(word).is_some() {
        (word, None)
    } else {
        match word.rsplit_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (word, None),
        }
    };
    let address = host_address(host, names)?;
    let port = match port {
        Some(port) => Some(match integer(port.as_bytes(), 0, 65535) {
            Some(number) => number as u16,
            None => names.port(port, protocol?)?,
        }),
        None => None,
    };
    Some((address, port))
}

/// `A.B.C.D[:PORT]` in plain decimal numbers, which nearly every rule of a large table has: read
/// in a third of the time. All else is left to [`endpoint`].
fn plain_endpoint(word: &[u8]) -> Option<(Ipv4Addr, Option<u16>)> {
    let mut octets = [0; 4];
    let mut rest = word;
    for (place, octet) in octets.iter_mut().enumerate() {
        if place > 0 {
            rest = rest.strip_prefix(b".")?;
        }
        let (number, after) = plain_number(rest)?;
        *octet = u8::try_from(number).ok()?;
        rest = after;
    }
    let port = match rest {
        [] => None,
        [b':', rest @ ..] => match plain_number(rest)? {
            (number, []) => Some(u16::try_from(number).ok()?),
            _ => return None,
        },
        _ => return None,
    };
    Some((octets.into(), port))
}

/// A number of at most five digits, and what stands behind it. With a leading zero it might be an
/// octal one.
fn plain_number(text: &[u8]) -> Option<(u32, &[u8])> {
    let mut number = 0;
    let mut length = 0;
    while let Some(&digit @ b'0'..=b'9') = text.get(length) {
        number = number * 10 + u32::from(digit - b'0');
        length += 1;
        if length > 5 {
            return None;
        }
    }
    let plain = length == 1 || length > 1 && text[0] != b'0';
    plain.then(|| (number, &text[length..]))
}

/// The endpoint of a service: without a port, port 0.
pub fn service_endpoint(word: &[u8], protocol: Protocol, names: &dyn Resolve) -> Option<Endpoint> {
    let (address, port) = endpoint(word, Some(protocol), names)?;
    Some(Endpoint::new(address, port.unwrap_or(0)))
}

/// An address, or the first address of a host by its name, IPv4 before IPv6.
fn host_address(host: &str, names: &dyn Resolve) -> Option<IpAddr> {
    if let Some(address) = ipv4(host) {
        return Some(address.into());
    }
    if let Some(address) = ipv6(host) {
        return Some(address.into());
    }
    // IPVS has no place for a zone id, and the C library would drop it.
    if host.is_empty() || host.contains('%') {
        return None;
    }
    names
        .address(host, Family::V4)
        .or_else(|| names.address(host, Family::V6))
}

/// An IPv4 mask, or the address of a host as one.
pub fn mask(word: &[u8], names: &dyn Resolve) -> Option<Ipv4Addr> {
    let word = std::str::from_utf8(word).ok()?;
    if let Some(mask) = ipv4(word) {
        return Some(mask);
    }
    match names.address(word, Family::V4)? {
        IpAddr::V4(mask) => Some(mask),
        IpAddr::V6(_) => None,
    }
}

fn ipv6(text: &str) -> Option<Ipv6Addr> {
    // Most words are no IPv6 address, and this is a quick way to see it.
    if text.bytes().filter(|&byte| byte == b':').count() < 2 {
        return None;
    }
    text.parse().ok()
}

/// An IPv4 address in the forms of inet_aton(3): one to four numbers, decimal, octal (`012`) or
/// hexadecimal (`0xc`); the last fills all bytes that are left. Nothing may stand behind it.
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    // Rust refuses leading zeros, so that what it reads means the same in both.
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    let parts: Vec<u32> = text.split('.').map(ipv4_part).collect::<Option<_>>()?;
    let (last, leading) = parts.split_last()?;
    if leading.len() > 3 || leading.iter().any(|&part| part > 255) {
        return None;
    }
    let last_bits = 32 - 8 * leading.len() as u32;
    if last_bits < 32 && *last >> last_bits != 0 {
        return None;
    }
    let address = leading
        .iter()
        .enumerate()
        .fold(*last, |address, (place, part)| {
            address | (part << (24 - 8 * place))
        });
    Some(address.into())
}

fn ipv4_part(text: &str) -> Option<u32> {
    let (digits, radix) = match text.as_bytes() {
        [b'0', b'x' | b'X', _, ..] => (&text[2..], 16),
        [b'0', _, ..] => (&text[1..], 8),
        _ => (text, 10),
    };
    // `from_str_radix` would take a sign.
    digits
        .starts_with(|c: char| c.is_digit(radix))
        .then_some(())?;
    u32::from_str_radix(digits, radix).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Hosts;

    impl Resolve for Hosts {
        fn address(&self, name: &str, family: Family) -> Option<IpAddr> {
            let text = match (name, family) {
                ("web", Family::V4) => "10.1.0.1",
                ("six" | "web", Family::V6) => "2001:db8::11",
                ("fe80::1%lo", Family::V6) => "fe80::1",
                _ => return None,
            };
            text.parse().ok()
        }
        fn port(&self, name: &str, protocol: Protocol) -> Option<u16> {
            (name == "http" && protocol == Protocol::TCP).then_some(80)
        }
    }

    fn read(word: &str) -> Option<String> {
        let endpoint = endpoint(word.as_bytes(), Some(Protocol::TCP), &Hosts)?;
        Some(format!("{endpoint:?}"))
    }

    #[test]
    fn hosts_and_ports_are_read_in_all_their_forms() {
        for (word, expected) in [
            ("10.0.0.1:80", "(10.0.0.1, Some(80))"),
            ("10.0.0.1", "(10.0.0.1, None)"),
            ("10.1:80", "(10.0.0.1, Some(80))"),
            ("0x0a000001:80", "(10.0.0.1, Some(80))"),
            ("012.0.0.1:80", "(10.0.0.1, Some(80))"),
            ("167772161:80", "(10.0.0.1, Some(80))"),
            ("web:http", "(10.1.0.1, Some(80))"),
            ("six:80", "(2001:db8::11, Some(80))"),
            ("2001:db8::1", "(2001:db8::1, None)"),
            ("2001:db8::1:80", "(2001:db8::1:80, None)"),
            ("[2001:db8::1]:80", "(2001:db8::1, Some(80))"),
            ("[2001:db8::1]", "(2001:db8::1, None)"),
            ("[10.0.0.1]:80", "(10.0.0.1, Some(80))"),
            ("[web]:80", "(10.1.0.1, Some(80))"),
        ] {
            assert_eq!(read(word).as_deref(), Some(expected), "{word}");
        }
    }

    #[test]
    fn what_is_no_host_or_port_is_refused() {
        for word in [
            "",
            "80",
            "1234",
            ":80",
            "10.0.0.1:",
            "10.0.0.256:80",
            "10.0.0.1 junk:80",
            "[]:80",
            "[2001:db8::1]80",
            "[2001:db8::1]:",
            "[2001:db8::1",
            "2001:db8::1]:80",
            "1.2.3.4.5:80",
            "08.0.0.1:80",
            "0x:80",
            "+1.0.0.1:80",
            "10.0.0.1:HTTP",
            "10.0.0.1:65536",
            "nobody:80",
            "[fe80::1%lo]:80",
            "[10.0.0.1:80]:80",
            "10..1:80",
            "4294967296:80",
            "10.16777216:80",
        ] {
            assert_eq!(read(word), None, "{word}");
        }
    }
}
