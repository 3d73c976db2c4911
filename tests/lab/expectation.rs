//! What a transcript must show: the recording, changed where we differ on purpose.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;

use regex::Regex;
use serde::Deserialize;
use serde_json::json;

use crate::diff::diff;
use crate::fail::Result;
use crate::process::Outcome;
use crate::transcript::{self, Case, Field};

/// Where we answer otherwise than the real program, and why: a line of `deviations.jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Deviation {
    id: String,
    #[serde(rename = "quirk")]
    _quirk: u32,
    #[serde(rename = "reason")]
    _reason: String,
    stdout: Option<String>,
    /// The rest of standard output is free.
    stdout_begins: Option<String>,
    stderr: Option<String>,
    rc: Option<i32>,
    after: Option<String>,
}

/// The deviations by the transcript's name. Each must name a transcript and change something in it.
pub fn load_deviations(cases: &[Case]) -> Result<BTreeMap<String, Deviation>> {
    let file = Path::new(transcript::FOLDER).join("deviations.jsonl");
    let mut deviations = BTreeMap::new();
    for deviation in transcript::load_lines::<Deviation>(&file)? {
        let id = deviation.id.clone();
        let Some(case) = cases.iter().find(|case| case.id == id) else {
            return Err(format!("{}: no transcript {id}", file.display()));
        };
        if !deviation.changes(case) {
            return Err(format!(
                "{}: {id}: a value that is that of the recording",
                file.display()
            ));
        }
        if deviations.insert(id.clone(), deviation).is_some() {
            return Err(format!("{}: {id} stands there twice", file.display()));
        }
    }
    Ok(deviations)
}

impl Deviation {
    /// Whether it changes something, and nothing that it lists is as recorded.
    fn changes(&self, case: &Case) -> bool {
        let listed = [
            self.stdout.as_ref().map(|text| *text != case.stdout),
            self.stdout_begins
                .as_ref()
                .map(|text| !case.stdout.starts_with(text)),
            self.stderr.as_ref().map(|text| *text != case.stderr),
            self.rc.map(|rc| rc != case.rc),
            self.after.as_ref().map(|text| *text != case.after),
        ];
        listed.iter().any(Option::is_some) && listed.into_iter().flatten().all(|changed| changed)
    }
}

/// What must come out.
pub struct Expectation<'a> {
    case: &'a Case,
    outcome: Outcome,
    stdout_is_beginning: bool,
    /// Whether the recording is of this kernel. On others the size of the connection table is free.
    strict: bool,
}

impl<'a> Expectation<'a> {
    /// As recorded.
    pub fn recorded(case: &'a Case, strict: bool) -> Self {
        let outcome = Outcome {
            stdout: case.stdout.clone(),
            stderr: case.stderr.clone(),
            rc: case.rc,
            after: case.after.clone(),
        };
        Self::observed(case, outcome, strict)
    }

    /// As seen a moment ago.
    pub fn observed(case: &'a Case, outcome: Outcome, strict: bool) -> Self {
        Self {
            case,
            outcome,
            stdout_is_beginning: false,
            strict,
        }
    }

    pub fn with(mut self, deviation: Option<&Deviation>) -> Self {
        let Some(deviation) = deviation else {
            return self;
        };
        self.stdout_is_beginning = deviation.stdout_begins.is_some();
        let outcome = &mut self.outcome;
        if let Some(stdout) = deviation
            .stdout
            .as_ref()
            .or(deviation.stdout_begins.as_ref())
        {
            outcome.stdout.clone_from(stdout);
        }
        if let Some(stderr) = &deviation.stderr {
            outcome.stderr.clone_from(stderr);
        }
        if let Some(after) = &deviation.after {
            outcome.after.clone_from(after);
        }
        outcome.rc = deviation.rc.unwrap_or(outcome.rc);
        self
    }

    /// How the outcome differs, in words; `None` if it does not.
    pub fn differences(&self, got: &Outcome) -> Option<String> {
        let mut text = String::new();
        if got.rc != self.outcome.rc {
            text += &format!("  rc: expected {}, got {}\n", self.outcome.rc, got.rc);
        }
        for (name, field) in [
            ("stdout", Field::Stdout),
            ("stderr", Field::Stderr),
            ("after", Field::After),
        ] {
            if !self.accepts(field, got) {
                let (expected, got) = (self.text(field, &self.outcome), self.text(field, got));
                text += &format!("  {name}:\n{}", diff(&expected, &got));
            }
        }
        (!text.is_empty()).then_some(text)
    }

    fn accepts(&self, field: Field, got: &Outcome) -> bool {
        let (expected, got) = (self.text(field, &self.outcome), self.text(field, got));
        if field == Field::Stdout && self.stdout_is_beginning {
            got.starts_with(&expected)
        } else {
            got == expected
        }
    }

    /// A field's text without what may vary.
    fn text(&self, field: Field, outcome: &Outcome) -> String {
        static SIZE: LazyLock<Regex> =
            LazyLock::new(|| Regex::new(r"\(size=\d+\)").expect("a constant"));
        let text = match field {
            Field::Stdout => &outcome.stdout,
            Field::Stderr => &outcome.stderr,
            Field::After => &outcome.after,
        };
        let text = self.case.normalise(field, text);
        if self.strict {
            text
        } else {
            SIZE.replace_all(&text, "(size=SIZE)").into_owned()
        }
    }

    /// The line of `deviations.jsonl` that would accept this outcome.
    pub fn deviation_line(&self, got: &Outcome) -> String {
        let mut line = json!({"id": self.case.id, "quirk": 0, "reason": ""});
        if got.rc != self.case.rc {
            line["rc"] = got.rc.into();
        }
        for (name, recorded, got) in [
            ("stdout", &self.case.stdout, &got.stdout),
            ("stderr", &self.case.stderr, &got.stderr),
            ("after", &self.case.after, &got.after),
        ] {
            if got != recorded {
                line[name] = got.as_str().into();
            }
        }
        line.to_string()
    }
}
