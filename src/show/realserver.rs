//! What `lvs-realserver` did and found, as lines for people and as JSON for programs.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::realserver::Clamp;
use crate::realserver::plan::{Left, Step};
use crate::realserver::status::{Standing, State};
use crate::realserver::verify::{Effective, Exposure, Fault, Note, Report};

/// A line for each VIP, and below it what is missing where only a part is.
pub fn status_text(standings: &[Standing]) -> String {
    let mut text = String::new();
    for standing in standings {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {}", standing.vip, standing.state().name());
        match &standing.missing {
            Ok(missing) if standing.is_here => {
                for step in missing {
                    let _ = writeln!(text, "  missing: {step}");
                }
            }
            Err(problem) => {
                let _ = writeln!(text, "  {problem}");
            }
            Ok(_) => {}
        }
    }
    text
}

/// The same as JSON.
pub fn status_json(standings: &[Standing]) -> String {
    let vips = standings.iter().map(|standing| {
        let mut value =
            json!({ "vip": standing.vip.to_string(), "state": standing.state().name() });
        match &standing.missing {
            Ok(missing) => value["missing"] = missing.iter().map(step_json).collect(),
            Err(problem) => value["problem"] = problem.to_string().into(),
        }
        value
    });
    line(json!({
        "state": State::of(standings).name(),
        "vips": vips.collect::<Value>(),
    }))
}

/// What was or would be done, what was left, and what became of files, as JSON.
pub fn steps_json(steps: &[Step], left: &[Left], files: &[String]) -> String {
    let left = left.iter().map(|left| {
        let mut value = match left {
            Left::Vip { vip, device } => json!({ "vip": vip.to_string(), "device": device }),
            Left::Setting { knob, now, set } => {
                json!({ "setting": knob.to_string(), "now": now, "set": set })
            }
            Left::Needed { vip, device } => {
                json!({ "settings_needed_by": vip.to_string(), "device": device })
            }
            Left::Link(device) => json!({ "link": device }),
        };
        value["text"] = left.to_string().into();
        value
    });
    line(json!({
        "steps": steps.iter().map(step_json).collect::<Value>(),
        "left": left.collect::<Value>(),
        "files": files,
    }))
}

fn step_json(step: &Step) -> Value {
    let mut value = match step {
        Step::LoadModule(module) => json!({ "do": "load_module", "module": module }),
        Step::Set { knob, from, to } => {
            json!({ "do": "set", "setting": knob.to_string(), "from": from, "to": to })
        }
        Step::LinkUp(device) => json!({ "do": "link_up", "device": device }),
        Step::LinkDown(device) => json!({ "do": "link_down", "device": device }),
        Step::AddAddress { vip, device, label } => json!({
            "do": "add_address", "vip": vip.to_string(), "device": device, "label": label,
        }),
        Step::RemoveAddress { vip, device } => {
            json!({ "do": "remove_address", "vip": vip.to_string(), "device": device })
        }
        Step::AddRoute { vip, device } => {
            json!({ "do": "add_route", "vip": vip.to_string(), "device": device })
        }
        Step::Clamp(Clamp { vip, size }) => {
            json!({ "do": "clamp_mss", "vip": vip.to_string(), "size": size })
        }
        Step::Unclamp(Clamp { vip, size }) => {
            json!({ "do": "unclamp_mss", "vip": vip.to_string(), "size": size })
        }
        Step::RemoveRoute { vip, device } => {
            json!({ "do": "remove_route", "vip": vip.to_string(), "device": device })
        }
    };
    value["text"] = step.to_string().into();
    value
}

/// A line for each interface, each fault, each note.
pub fn report_text(report: &Report) -> String {
    let mut text = String::new();
    for exposure in &report.exposures {
        let mark = if exposure.leaks() { "LEAK " } else { "ok   " };
        let _ = writeln!(text, "{mark} {exposure}");
    }
    for fault in &report.faults {
        let _ = writeln!(text, "FAULT {fault}");
    }
    for note in &report.notes {
        let _ = writeln!(text, "note  {note}");
    }
    text
}

/// The same as JSON.
pub fn report_json(report: &Report) -> String {
    let Report {
        exposures,
        faults,
        notes,
    } = report;
    line(json!({
        "well": report.is_well(),
        "interfaces": exposures.iter().map(exposure_json).collect::<Value>(),
        "faults": faults.iter().map(fault_json).collect::<Value>(),
        "notes": notes.iter().map(note_json).collect::<Value>(),
    }))
}

fn exposure_json(exposure: &Exposure) -> Value {
    let effective = |value: Effective| json!({ "effective": value.value(), "all": value.all, "own": value.own });
    let mut value = json!({
        "vip": exposure.vip.to_string(),
        "device": exposure.device,
        "answers": exposure.answers.is_some(),
        "announces": exposure.announces.is_some(),
        "text": exposure.to_string(),
    });
    if exposure.vip.is_ipv4() {
        value["arp_ignore"] = effective(exposure.arp_ignore);
        value["arp_announce"] = effective(exposure.arp_announce);
    }
    value
}

fn fault_json(fault: &Fault) -> Value {
    let kind = match fault {
        Fault::WideMask { .. } => "wide_mask",
        Fault::RouteAlone { .. } => "route_without_address",
        Fault::Down { .. } => "link_down",
        Fault::Tentative { .. } => "address_tentative",
        Fault::StrictFilter { .. } => "rp_filter",
        Fault::NotForAll { .. } => "setting_not_for_all",
        Fault::Changed { .. } => "setting_changed",
        Fault::Undone(_) => "setting_undone_by_file",
    };
    json!({ "fault": kind, "text": fault.to_string() })
}

fn note_json(note: &Note) -> Value {
    let kind = match note {
        Note::NotClamped(_) => "not_clamped",
        Note::NotHere(_) => "not_here",
        Note::Source { .. } => "may_be_source",
    };
    json!({ "note": kind, "text": note.to_string() })
}

fn line(value: Value) -> String {
    let mut text = value.to_string();
    text.push('\n');
    text
}
