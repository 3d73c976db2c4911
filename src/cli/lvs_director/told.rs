//! What `lvs-director check` answers.

use std::fmt::Write;

use serde_json::json;

use super::verdict;
use crate::conf::Reading;
use crate::conf::problem::{Problem, Severity};
use crate::report::lvs_director as status;

fn count(reading: &Reading, severities: &[Severity]) -> usize {
    let counts = |problem: &&Problem| severities.contains(&problem.severity);
    reading.problems.iter().filter(counts).count()
}

/// `1 error`, `2 errors`; nothing of none.
fn counted(number: usize, what: &str) -> Option<String> {
    match number {
        0 => None,
        1 => Some(format!("1 {what}")),
        _ => Some(format!("{number} {what}s")),
    }
}

/// For a reader: each problem, then what the file holds.
pub fn text(file: &str, reading: &Reading) -> String {
    let mut out = String::new();
    for problem in &reading.problems {
        out.push_str(&problem.render(&reading.sources));
    }
    let errors = [Severity::Ignored, Severity::Error, Severity::Fatal];
    let counts = [
        counted(count(reading, &errors), "error"),
        counted(count(reading, &[Severity::Warning]), "warning"),
        counted(count(reading, &[Severity::Note]), "note"),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    let counts = match counts.is_empty() {
        true => "fine".to_owned(),
        false => counts.join(", "),
    };
    let config = &reading.config;
    let real_servers = config.virtual_servers.iter();
    let real_servers = real_servers.map(|server| server.real_servers.len()).sum();
    let holds = [
        counted(config.instances.len(), "VRRP instance"),
        counted(config.virtual_servers.len(), "virtual server"),
        counted(real_servers, "real server"),
    ];
    let holds: Vec<String> = holds.into_iter().flatten().collect();
    let holds = match holds.is_empty() {
        true => String::new(),
        false => format!(" ({})", holds.join(", ")),
    };
    let _ = writeln!(out, "{file}: {counts}{holds}");
    out
}

/// For a script.
pub fn json(file: &str, reading: &Reading) -> String {
    let problems: Vec<_> = reading
        .problems
        .iter()
        .map(|problem| {
            let place = problem.place;
            let source = place.and_then(|place| reading.sources.file(place.file));
            json!({
                "severity": problem.severity.name(),
                "fatal": problem.severity == Severity::Fatal,
                "file": source.map(|source| &source.name),
                "line": place.map(|place| place.line),
                "column": place.map(|place| place.column),
                "text": problem.text,
                "hint": problem.hint,
                "source": place.and_then(|place| reading.sources.line(place)),
            })
        })
        .collect();
    let verdict = match verdict(reading) {
        status::FINE => "fine",
        status::WARNINGS => "warnings",
        _ => "errors",
    };
    format!(
        "{:#}\n",
        json!({ "file": file, "verdict": verdict, "problems": problems })
    )
}
