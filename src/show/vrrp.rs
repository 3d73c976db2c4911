//! Adverts, states and verdicts of VRRP as lines and as JSON.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::IpAddr;

use serde_json::{Value, json};

use crate::addr::Family;
use crate::vrrp::advert::{self, Advertisement, Body};
use crate::vrrp::complaints::Rejected;
use crate::vrrp::observer::{Id, Verdict};
use crate::vrrp::packet::Datagram;
use crate::vrrp::report::{News, Report, Subject};
use crate::vrrp::tracking::Weight;

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

/// What a router or a group has become, as JSON.
pub fn news_json(news: &News<'_>) -> Value {
    let (state, priority) = (news.state, news.priority.0);
    match news.subject {
        Subject::Instance(name) => {
            json!({ "instance": name, "state": state, "priority": priority })
        }
        Subject::Group(name) => json!({ "group": name, "state": state }),
    }
}

/// What a router is, a fact a line; the first has its name.
pub fn report_text(report: &Report) -> String {
    let Report {
        name,
        id,
        state,
        priority,
        ..
    } = report;
    let mut text = format!("{name} {state} priority {priority}\n");
    let mut line = |fact: String| {
        text += &fact;
        text += "\n";
    };
    let source = report.source.map(|source| format!(" source {source}"));
    let (interface, vrid, source) = (&id.interface, id.vrid, source.unwrap_or_default());
    line(format!("interface {interface} VRID {vrid}{source}"));
    if let Some(group) = &report.group {
        line(format!("group {group}"));
    }
    if let Some(master) = report.master {
        line(format!("master {master}"));
    }
    for address in &report.addresses {
        line(format!("address {address}"));
    }
    for fault in &report.faults {
        line(format!("fault: {fault}"));
    }
    for (name, running, weight) in &report.interfaces {
        let state = if *running { "up" } else { "down" };
        line(format!("interface {name} {state} weight {weight}"));
    }
    for (kind, tracked) in [("script", &report.scripts), ("process", &report.processes)] {
        for (name, well, weight) in tracked {
            let word = well_word(*well);
            line(format!("{kind} {name} {word} weight {weight}"));
        }
    }
    for (name, number, weight) in &report.files {
        line(format!("file {name} {number} weight {weight}"));
    }
    for (count, Rejected { source, reason }) in &report.rejected {
        line(format!("rejected {count}, last from {source}: {reason}"));
    }
    text
}

/// What a router is, as JSON.
pub fn report_json(report: &Report) -> Value {
    let address = |address: Option<IpAddr>| address.map(|address| address.to_string());
    let interfaces = report.interfaces.iter().map(|(name, running, weight)| {
        let Weight { amount, reversed } = weight;
        json!({ "name": name, "up": running, "weight": amount, "reversed": reversed })
    });
    let tracked = |tracked: &[(String, Option<bool>, Weight)]| -> Vec<Value> {
        let tracked = tracked.iter().map(|(name, well, weight)| {
            let (Weight { amount, reversed }, state) = (weight, well_word(*well));
            json!({ "name": name, "state": state, "weight": amount, "reversed": reversed })
        });
        tracked.collect()
    };
    let files = report.files.iter().map(|(name, number, weight)| {
        let Weight { amount, reversed } = weight;
        json!({ "name": name, "number": number, "weight": amount, "reversed": reversed })
    });
    let rejected = report.rejected.iter().map(|(count, last)| {
        let (source, reason) = (last.source.to_string(), last.reason.to_string());
        json!({ "count": count, "source": source, "reason": reason })
    });
    json!({
        "instance": report.name,
        "group": report.group,
        "state": report.state.to_string(),
        "priority": report.priority.0,
        "interface": report.id.interface,
        "vrid": report.id.vrid.number(),
        "family": family_name(report.id.family),
        "source": address(report.source),
        "master": address(report.master),
        "addresses": report.addresses,
        "faults": report.faults,
        "interfaces": interfaces.collect::<Vec<_>>(),
        "scripts": tracked(&report.scripts),
        "processes": tracked(&report.processes),
        "files": files.collect::<Vec<_>>(),
        "rejected": rejected.collect::<Vec<_>>(),
    })
}

fn well_word(well: Option<bool>) -> &'static str {
    match well {
        Some(true) => "well",
        Some(false) => "failed",
        None => "unknown",
    }
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
