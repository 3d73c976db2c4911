//! The words that programs read in JSON and metrics. What the kernel may say and this program does
//! not know is `unknown-N`, with the kernel's number.

use std::borrow::Cow;

use crate::addr::{Family, Protocol};
use crate::ipvs::{Checksum, Forwarding, Tunnel};

pub type Word = Cow<'static, str>;

pub fn family(family: Family) -> &'static str {
    match family {
        Family::V4 => "ipv4",
        Family::V6 => "ipv6",
    }
}

pub fn protocol(protocol: Protocol) -> Word {
    match protocol.name() {
        Some(name) => name.into(),
        None => unknown(protocol.0.into()),
    }
}

pub fn forwarding(forwarding: Forwarding) -> Word {
    match forwarding {
        Forwarding::Masquerade => "masquerade".into(),
        Forwarding::Local => "local".into(),
        Forwarding::Tunnel(_) => "tunnel".into(),
        Forwarding::Route => "direct".into(),
        Forwarding::Unknown(number) => unknown(number),
    }
}

pub fn tunnel(tunnel: Tunnel) -> Word {
    match tunnel {
        Tunnel::Ipip => "ipip".into(),
        Tunnel::Gue { .. } => "gue".into(),
        Tunnel::Gre { .. } => "gre".into(),
        Tunnel::Unknown(number) => unknown(number.into()),
    }
}

pub fn checksum(checksum: Checksum) -> Word {
    match checksum {
        Checksum::Without => "none".into(),
        Checksum::Whole => "full".into(),
        Checksum::Remote => "remote".into(),
        Checksum::Unknown(flags) => unknown(flags.into()),
    }
}

fn unknown(number: u32) -> Word {
    format!("unknown-{number}").into()
}
