//! What is wrong with a configuration, as values, and how it is told.

use std::collections::HashSet;
use std::fmt::Write;

use super::source::{Place, Sources};

/// How bad a problem is, from the mildest on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// keepalived says nothing of it; the user should know.
    Note,
    /// keepalived complains as well, and both of us do what was probably meant.
    Warning,
    /// An error in keepalived's test, and so in ours: a word that many files have and that nothing
    /// knows any more. keepalived runs without it, and so do we.
    Ignored,
    /// keepalived complains as well, and something that stands there has no effect.
    Error,
    /// keepalived would not start.
    Fatal,
}

impl Severity {
    /// `note`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Severity::Note => "note",
            Severity::Warning => "warning",
            Severity::Ignored | Severity::Error | Severity::Fatal => "error",
        }
    }

    /// Whether nothing is started with such a problem.
    pub fn prevents_start(self) -> bool {
        self >= Severity::Error
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// How bad it is.
    pub severity: Severity,
    /// Where; some problems are of the whole configuration.
    pub place: Option<Place>,
    /// What is wrong, in one line.
    pub text: String,
    /// What to do.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem at a place.
    pub fn new(severity: Severity, place: Place, text: impl Into<String>) -> Self {
        Problem {
            severity,
            place: Some(place),
            text: text.into(),
            hint: None,
        }
    }

    /// The problem with what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The problem for a reader: where and what, the line with a mark, what to do.
    pub fn render(&self, sources: &Sources) -> String {
        let mut out = String::new();
        // Writing to a String does not fail.
        let _ = self.render_to(&mut out, sources);
        out
    }

    fn render_to(&self, out: &mut String, sources: &Sources) -> std::fmt::Result {
        /// A line is shown up to here.
        const WIDEST: usize = 160;
        let name = self.severity.name();
        match self.place {
            None => writeln!(out, "{name}: {}", self.text)?,
            Some(place) => {
                writeln!(out, "{}: {name}: {}", sources.locate(place), self.text)?;
                if let Some(line) = sources.line(place) {
                    let number = place.line.to_string();
                    // A tab stays a tab in both lines, so that the mark stands right.
                    let shown: String = line.chars().take(WIDEST).filter(is_plain).collect();
                    let shown = without_secrets(&shown);
                    let before = (place.column as usize).saturating_sub(1);
                    let rest = shown.trim_end().chars().count().saturating_sub(before);
                    let length = match place.length as usize {
                        0 => rest,
                        length => length.min(rest),
                    };
                    let indent: String = shown
                        .chars()
                        .take(before)
                        .map(|c| if c == '\t' { '\t' } else { ' ' })
                        .collect();
                    writeln!(out, " {number} | {}", shown.trim_end())?;
                    if length > 0 {
                        let margin = " ".repeat(number.len());
                        writeln!(out, " {margin} | {indent}{}", "^".repeat(length))?;
                    }
                }
            }
        }
        match &self.hint {
            Some(hint) => writeln!(out, "   = {hint}"),
            None => Ok(()),
        }
    }
}

/// The line with stars in place of what stands behind a keyword of a password, also a misspelt one.
fn without_secrets(line: &str) -> String {
    let start = line.find("pas").map_or(line.len(), |found| {
        let blank = line[found..].find(char::is_whitespace);
        blank.map_or(line.len(), |blank| found + blank)
    });
    let (shown, secret) = line.split_at(start);
    let star = |c: char| if c.is_whitespace() { c } else { '*' };
    shown.chars().chain(secret.chars().map(star)).collect()
}

/// Whether a character does nothing to a terminal.
fn is_plain(c: &char) -> bool {
    !c.is_control() || *c == '\t'
}

/// The problems of a configuration as they are found.
#[derive(Clone, Debug, Default)]
pub struct Problems {
    found: Vec<Problem>,
    /// How bad the worst is, also of those that were too many.
    worst: Option<Severity>,
    /// The subjects that we have said we do not act on.
    subjects: HashSet<&'static str>,
}

impl Problems {
    /// So many are enough for any reader, and a bound for a hostile file.
    const MOST: usize = 10_000;

    /// Adds one.
    pub fn add(&mut self, problem: Problem) {
        self.worst = self.worst.max(Some(problem.severity));
        if self.found.len() < Self::MOST {
            self.found.push(problem);
        }
    }

    /// Adds one that keepalived does not speak of.
    pub fn note(&mut self, place: Place, text: impl Into<String>, hint: &str) {
        self.add(Problem::new(Severity::Note, place, text).hint(hint));
    }

    /// Adds a warning.
    pub fn warning(&mut self, place: Place, text: impl Into<String>, hint: &str) {
        self.add(Problem::new(Severity::Warning, place, text).hint(hint));
    }

    /// Adds an error.
    pub fn error(&mut self, place: Place, text: impl Into<String>, hint: &str) {
        self.add(Problem::new(Severity::Error, place, text).hint(hint));
    }

    /// Adds a note that we do not act on a subject, unless that is known.
    pub fn not_acted_on(&mut self, subject: &'static str, place: Place, keyword: &str) {
        if self.subjects.insert(subject) {
            let text = format!("`{keyword}` is understood and has no effect here");
            self.note(place, text, &format!("not acted on: {subject}"));
        }
    }

    /// Whether one of them keeps us from starting.
    pub fn prevent_start(&self) -> bool {
        self.worst.is_some_and(Severity::prevents_start)
    }

    /// How many are kept.
    pub fn count(&self) -> usize {
        self.found.len()
    }

    /// Adds those that others have found.
    pub fn append(&mut self, others: Problems) {
        self.worst = self.worst.max(others.worst);
        self.subjects.extend(others.subjects);
        let room = Self::MOST.saturating_sub(self.found.len());
        self.found.extend(others.found.into_iter().take(room));
    }

    /// All of them by place, each once.
    pub fn sorted(mut self) -> Vec<Problem> {
        self.found.sort_by_key(|problem| problem.place);
        self.found.dedup();
        self.found
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_shows_its_line_with_a_mark() {
        let mut sources = Sources::default();
        let file = sources.add("a.conf", "x {\n\tpresistence_timeout 50\n}\n".into());
        let place = Place {
            file,
            line: 2,
            column: 2,
            length: 19,
        };
        let problem = Problem::new(Severity::Error, place, "unknown keyword").hint("look again");
        assert_eq!(
            problem.render(&sources),
            "a.conf:2:2: error: unknown keyword\n 2 | \tpresistence_timeout 50\n   | \t^^^^^^^^^^^^^^^^^^^\n   = look again\n"
        );
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(
            without_secrets("\tauth_pas \"a b\" # x"),
            "\tauth_pas ** ** * *"
        );
        assert_eq!(
            without_secrets("virtual_router_id 51"),
            "virtual_router_id 51"
        );
        assert_eq!(without_secrets("auth_pass"), "auth_pass");
    }

    #[test]
    fn a_place_outside_of_the_text_is_no_panic() {
        let mut sources = Sources::default();
        sources.add("a.conf", "x\n".into());
        for (line, column) in [(0, 0), (1, 9), (9, 1)] {
            let place = Place {
                file: 0,
                line,
                column,
                length: 3,
            };
            Problem::new(Severity::Note, place, "text").render(&sources);
        }
    }
}
