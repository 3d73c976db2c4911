//! What a check found out, as a line for people and as JSON for programs.

use serde_json::{Value, json};

use crate::check::runner::Outcome;
use crate::check::{Share, Verdict};

/// A line such as `up 10.0.0.2:80 tcp 1.3 ms`.
pub fn line(target: &str, check: &str, outcome: &Outcome) -> String {
    let word = word(&outcome.verdict);
    let milliseconds = milliseconds(outcome);
    let more = match &outcome.verdict {
        Verdict::Up(Share::Same) => String::new(),
        Verdict::Up(Share::Exactly(weight)) => format!(", weight {weight}"),
        Verdict::Up(Share::Plus(more)) => format!(", weight {more:+}"),
        verdict => format!(": {}", why(verdict)),
    };
    format!("{word} {target} {check} {milliseconds:.1} ms{more}\n")
}

/// The same as one line of JSON.
pub fn json(target: &str, check: &str, outcome: &Outcome) -> String {
    let mut value = json!({
        "verdict": word(&outcome.verdict),
        "target": target,
        "check": check,
        "milliseconds": rounded(milliseconds(outcome)),
    });
    add_verdict(&mut value, &outcome.verdict);
    format!("{value}\n")
}

/// Adds why a server is not well, or what its weight shall be.
fn add_verdict(value: &mut Value, verdict: &Verdict) {
    match verdict {
        Verdict::Up(Share::Same) => {}
        Verdict::Up(Share::Exactly(weight)) => value["weight"] = (*weight).into(),
        Verdict::Up(Share::Plus(more)) => value["weight_change"] = (*more).into(),
        verdict => value["reason"] = why(verdict).into(),
    }
}

/// `up`, `down` or `unknown`.
pub fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Up(_) => "up",
        Verdict::Down(_) => "down",
        Verdict::Unknown(_) => "unknown",
    }
}

/// Why a server is not well, or not known to be; nothing where it is well.
pub fn why(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Up(_) => String::new(),
        Verdict::Down(reason) => reason.to_string(),
        Verdict::Unknown(fault) => fault.to_string(),
    }
}

fn milliseconds(outcome: &Outcome) -> f64 {
    outcome.took.as_secs_f64() * 1e3
}

fn rounded(milliseconds: f64) -> f64 {
    (milliseconds * 1e3).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Reason;
    use std::time::Duration;

    #[test]
    fn a_verdict_is_a_line() {
        let outcome = |verdict| Outcome {
            verdict,
            took: Duration::from_micros(1250),
        };
        for (verdict, text, json_text) in [
            (
                Verdict::Up(Share::Same),
                "up a:1 tcp 1.2 ms\n",
                r#"{"check":"tcp","milliseconds":1.25,"target":"a:1","verdict":"up"}"#,
            ),
            (
                Verdict::Up(Share::Plus(-2)),
                "up a:1 tcp 1.2 ms, weight -2\n",
                r#"{"check":"tcp","milliseconds":1.25,"target":"a:1","verdict":"up","weight_change":-2}"#,
            ),
            (
                Verdict::Down(Reason::Refused),
                "down a:1 tcp 1.2 ms: connection refused\n",
                r#"{"check":"tcp","milliseconds":1.25,"reason":"connection refused","target":"a:1","verdict":"down"}"#,
            ),
        ] {
            let outcome = outcome(verdict);
            assert_eq!(line("a:1", "tcp", &outcome), text);
            assert_eq!(json("a:1", "tcp", &outcome).trim_end(), json_text);
        }
    }
}
