//! `include`: the files that a line names are read in its place.

use std::collections::VecDeque;

use super::input::{Form, Input};
use super::{Pieces, Unreadable};
use crate::conf::lex::{self, End, is_blank};
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
        let is_before = |c| is_blank(c) || c == '"';
        if !text.trim_start_matches(is_before).starts_with("include") {
            return false;
        }
        let mut pieces = VecDeque::new();
        lex::split(text, place, &mut pieces);
        let (Some(piece), 1) = (pieces.front(), pieces.len()) else {
            return false;
        };
        let [keyword, pattern, ..] = &piece.words[..] else {
            return false;
        };
        let form = INCLUDES.iter().find(|(name, _)| *name == keyword.text);
        let Some(&(_, form)) = form else {
            return false;
        };
        if piece.end != End::Line {
            return false;
        }
        let place = pattern.place;
        let path = match pattern.text.starts_with('/') {
            true => pattern.text.clone(),
            false => format!("{}/{}", self.directory(), pattern.text),
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
