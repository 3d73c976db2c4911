//! Adverts, states and verdicts of VRRP as lines and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::addr::Family;
use crate::vrrp::advert::{self, Advertisement, Body};
use crate::vrrp::observer::{Id, Verdict};
use crate::vrrp::packet::Datagram;
use crate::vrrp::{Priority, State};

/// An advert as a line.
pub fn advert_line(datagram: &Datagram<'_>, advert: &Advertisement) -> String {
    let mut line = format!(
        "{} > {} VRRPv{} VRID {} priority {} interval {} s",
        datagram.source,
        datagram.destination,
        advert.version(),
        advert.vrid,
        advert.priority,
        advert.interval,
    );
    if let Body::V2 { kind, .. } = advert.body {
        line += match kind {
            0 => "",
            1 => " auth pass",
            2 => " auth ah",
            _ => " auth unknown",
        };
    }
    if datagram.hop_limit != 255 {
        // Writing to a String cannot fail.
        let _ = write!(line, " TTL {}", datagram.hop_limit);
    }
    for (place, address) in advert.addresses.iter().enumerate() {
        line += if place == 0 { " addresses " } else { "," };
        line += &address.to_string();
    }
    line
}

/// An advert as JSON; a password is not in it.
pub fn advert_json(datagram: &Datagram<'_>, advert: &Advertisement) -> Value {
    let addresses: Vec<String> = advert.addresses.iter().map(IpAddr::to_string).collect();
    let auth = match advert.body {
        Body::V2 { kind: 1, .. } => "pass",
        Body::V2 { kind: 2, .. } => "ah",
        _ => "none",
    };
    json!({
        "source": datagram.source.to_string(),
        "destination": datagram.destination.to_string(),
        "ttl": datagram.hop_limit,
        "version": advert.version() as u8,
        "vrid": advert.vrid.number(),
        "priority": advert.priority.0,
        "interval": f64::from(advert.interval.centiseconds()) / 100.0,
        "auth": auth,
        "addresses": addresses,
    })
}

/// What a router has become, in the line that keepalived writes to a FIFO.
pub fn state_line(instance: &str, state: State, priority: Priority) -> String {
    format!("INSTANCE \"{instance}\" {state} {priority}")
}

/// What a router has become, as JSON.
pub fn state_json(instance: &str, state: State, priority: Priority) -> Value {
    json!({ "instance": instance, "state": state.to_string(), "priority": priority.0 })
}

/// The masters of one virtual router as a line.
pub fn masters_line(id: &Id, masters: &[IpAddr]) -> String {
    let family = family_name(id.family);
    let names: Vec<String> = masters.iter().map(IpAddr::to_string).collect();
    let word = match masters.len() {
        0 => "no master",
        1 => "master",
        _ => "SPLIT BRAIN: masters",
    };
    format!("{family} VRID {}: {word} {}", id.vrid, names.join(" "))
        .trim_end()
        .to_owned()
}

/// A verdict as JSON, with the masters of each virtual router.
pub fn verdict_json(verdict: Verdict, masters: &BTreeMap<Id, Vec<IpAddr>>) -> Value {
    let each = |(id, masters): (&Id, &Vec<IpAddr>)| {
        let masters: Vec<String> = masters.iter().map(IpAddr::to_string).collect();
        json!({ "family": family_name(id.family), "vrid": id.vrid.number(), "masters": masters })
    };
    let routers: Vec<Value> = masters.iter().map(each).collect();
    json!({ "verdict": verdict_word(verdict), "routers": routers })
}

/// A packet that is no advert, as JSON.
pub fn malformed_json(datagram: &Datagram<'_>, malformed: advert::Malformed) -> Value {
    json!({ "source": datagram.source.to_string(), "malformed": malformed.to_string() })
}

/// A verdict as a word.
pub fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::One => "one master",
        Verdict::None => "no master",
        Verdict::Several => "split brain",
    }
}

fn family_name(family: Family) -> &'static str {
    match family {
        Family::V4 => "IPv4",
        Family::V6 => "IPv6",
    }
}
