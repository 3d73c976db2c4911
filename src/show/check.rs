//! What a check found out, as a line for people and as JSON for programs.

use std::fmt::Write;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde_json::{Value, json};

use crate::addr::{Endpoint, Numeric};
use crate::check::health::{Standing, State};
use crate::check::runner::Outcome;
use crate::check::{Share, Verdict};
use crate::ipvs::rule::write;
use crate::ipvs::{ServiceId, Weight};

pub mod status;

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

/// A check of a server in a table, and what came of it.
#[derive(Clone, Debug)]
pub struct Row {
    /// The service.
    pub service: ServiceId,
    /// The server.
    pub server: Endpoint,
    /// What the check is called.
    pub check: &'static str,
    /// What it found out.
    pub outcome: Outcome,
    /// How the server stands with it now.
    pub standing: Standing,
    /// The weight that the server shall have in the table, if it shall be there.
    pub weight: Option<Weight>,
}

impl Row {
    fn target(&self) -> String {
        target(&self.service, Some(&self.server))
    }

    fn service(&self) -> String {
        target(&self.service, None)
    }

    fn weight_text(&self) -> String {
        self.weight
            .map_or("-".to_owned(), |weight| weight.0.to_string())
    }

    fn is_up(&self) -> bool {
        self.standing.state == State::Up
    }
}

/// Service and server as the options of ipvsadm name them.
pub fn target(service: &ServiceId, server: Option<&Endpoint>) -> String {
    let mut text = String::new();
    // Writing to a String does not fail.
    let _ = write::target(&mut text, service, server, &Numeric);
    text
}

/// A line for each row.
pub fn rows_lines(rows: &[Row]) -> String {
    let lines = rows
        .iter()
        .map(|row| line(&row.target(), row.check, &row.outcome));
    lines.collect()
}

/// The rows in a table with a frame.
pub fn rows_table(rows: &[Row]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "service", "server", "check", "verdict", "ms", "weight", "why",
    ]);
    for row in rows {
        table.add_row([
            row.service(),
            row.server.to_string(),
            row.check.to_owned(),
            word(&row.outcome.verdict).to_owned(),
            format!("{:.1}", milliseconds(&row.outcome)),
            row.weight_text(),
            why(&row.outcome.verdict),
        ]);
    }
    format!("{table}\n")
}

/// The rows as JSON.
pub fn rows_json(rows: &[Row]) -> String {
    let checks = rows.iter().map(|row| {
        let mut value = json!({
            "service": row.service(),
            "server": row.server.to_string(),
            "check": row.check,
            "verdict": word(&row.outcome.verdict),
            "milliseconds": rounded(milliseconds(&row.outcome)),
            "counts_as_up": row.is_up(),
            "against": row.standing.against,
            "weight_in_table": row.weight.map(|weight| weight.0),
        });
        add_verdict(&mut value, &row.outcome.verdict);
        value
    });
    format!("{}\n", json!({ "checks": checks.collect::<Value>() }))
}

/// The rows as the text that Prometheus reads.
pub fn rows_metrics(rows: &[Row]) -> String {
    let mut text = String::new();
    let mut family = |name: &str, help: &str, value: &dyn Fn(&Row) -> f64| {
        // Writing to a String does not fail.
        let _ = writeln!(
            text,
            "# HELP lvs_check_{name} {help}\n# TYPE lvs_check_{name} gauge"
        );
        for row in rows {
            let (service, server, check) = (row.service(), row.server, row.check);
            let labels = format!("service=\"{service}\",server=\"{server}\",check=\"{check}\"");
            let _ = writeln!(text, "lvs_check_{name}{{{labels}}} {}", value(row));
        }
    };
    let number = |is: bool| if is { 1.0 } else { 0.0 };
    family("success", "Whether the last check was good.", &|row| {
        number(matches!(row.outcome.verdict, Verdict::Up(_)))
    });
    family("up", "Whether the server counts as up.", &|row| {
        number(row.is_up())
    });
    family("seconds", "How long the last check took.", &|row| {
        row.outcome.took.as_secs_f64()
    });
    family("weight", "The weight that the server shall have.", &|row| {
        row.weight.map_or(0.0, |weight| weight.0.into())
    });
    text
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
