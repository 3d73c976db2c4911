//! `include`: the files that a line names are read in its place.

use super::input::{Form, Input};
use super::{Pieces, Unreadable};
use crate::conf::lex::is_blank;
use crate::conf::problem::{Problem, Severity};
use crate::conf::source::Place;

/// The forms of `include`; the letter at the end says what is an error.
const INCLUDES: &[(&str, Form)] = &[
    ("include", form(false, false, false)),
    ("includer", form(true, false, false)),
    ("includem", form(false, true, false)),
    ("includew", form(false, false, true)),
    ("includeb", form(false, false, true)),
    ("includea", form(true, true, true)),
];

const fn form(readable: bool, matched: bool, wildcard: bool) -> Form {
    Form {
        readable,
        matched,
        wildcard,
    }
}

impl Pieces<'_> {
    /// Whether the line is an `include`, which then is done.
    pub(super) fn include(&mut self, text: &str, place: Place) -> bool {
        let (keyword, rest) = text.split_once(is_blank).unwrap_or((text, ""));
        let form = INCLUDES
            .iter()
            .find(|(name, _)| *name == keyword.trim_matches('"'));
        let pattern = rest.trim_matches(is_blank);
        let (Some(&(_, form)), false) = (form, pattern.is_empty()) else {
            return false;
        };
        let width = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
        let place = match place.length {
            0 => Place {
                column: place.column + width(text.strip_suffix(pattern).unwrap_or(keyword)),
                length: width(pattern),
                ..place
            },
            _ => place,
        };
        let pattern = pattern
            .strip_prefix('"')
            .and_then(|pattern| pattern.strip_suffix('"'))
            .unwrap_or(pattern);
        let path = match pattern.starts_with('/') {
            true => pattern.to_owned(),
            false => format!("{}/{pattern}", self.directory()),
        };
        let is_pattern = path.contains(['*', '?', '[', '{']);
        let files = match is_pattern {
            true => self.outside.matching(&path),
            false => vec![path.clone()],
        };
        if files.is_empty() {
            let refused = form.wildcard || form.matched;
            self.missing(refused, place, format!("no file matches {path}"));
        }
        self.inputs.push(Input::Include {
            files: files.into_iter(),
            form: Form {
                // A file that went meanwhile is no mistake.
                matched: form.matched && !is_pattern,
                ..form
            },
            place,
        });
        true
    }

    /// Begins a file that is included.
    pub(super) fn include_file(&mut self, file: &str, form: Form, place: Place) {
        let is_open = self.open_files().any(|open| open.path == file);
        if is_open || self.open_files().count() >= self.limits.depth {
            return self.problems.error(
                place,
                format!("{file} includes itself"),
                "each file can be included from outside of it only",
            );
        }
        match self.outside.read(file) {
            Ok(text) => self.open(file, text.into()),
            Err(Unreadable { missing, why }) => {
                let refused = match missing {
                    true => form.matched,
                    false => form.readable,
                };
                self.missing(refused, place, format!("cannot read {file}: {why}"));
            }
        }
    }

    fn missing(&mut self, refused: bool, place: Place, text: String) {
        let severity = match refused {
            true => Severity::Fatal,
            false => Severity::Note,
        };
        let hint = match refused {
            true => "with this form of include that is an error",
            false => "with this form of include that is no error; includea makes it one",
        };
        self.problems
            .add(Problem::new(severity, place, text).hint(hint));
    }
}
