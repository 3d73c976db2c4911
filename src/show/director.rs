//! A director and its programs as JSON and as text.

use serde_json::{Value, json};

use crate::supervise::status::Status;

/// A director, as it tells itself; one line.
pub fn json(status: &Status) -> String {
    let programs: Vec<Value> = status
        .programs
        .iter()
        .map(|program| {
            json!({
                "name": program.program.name(),
                "state": program.word,
                "process": program.process,
                "seconds": program.seconds,
                "restarts": program.restarts,
                "last_end": program.last_end,
            })
        })
        .collect();
    let reload = status.reload.as_ref().map(|reload| {
        json!({
            "at": reload.at,
            "taken": reload.taken,
            "problems": reload.problems,
        })
    });
    json!({
        "process": status.process,
        "file": status.file,
        "state": status.word,
        "seconds": status.seconds,
        "programs": programs,
        "reload": reload,
    })
    .to_string()
}

/// What became of a reload that was asked for; one line.
pub fn reload_json(taken: bool, problems: &[String]) -> String {
    json!({ "taken": taken, "problems": problems }).to_string()
}

/// Why a question has no answer; one line.
pub fn refusal_json(why: &str) -> String {
    json!({ "error": why }).to_string()
}
