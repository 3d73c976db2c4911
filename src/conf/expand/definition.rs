//! `$NAME=text`, and what stands for it where it is used.

use super::{Pieces, is_end};
use crate::conf::lex::is_blank;
use crate::conf::source::Place;

/// What a definition stands for.
pub(super) struct Definition {
    /// The text.
    pub text: String,
    /// Whether a `\` ended its first line: it stands for lines, and at the end of a line only.
    pub is_lines: bool,
}

impl Pieces<'_> {
    /// The text with each definition replaced once; nothing if there was none.
    pub(super) fn substitute(&mut self, text: &str, place: Place) -> Option<String> {
        if !text.contains('$') {
            return None;
        }
        let mut changed = String::new();
        let mut rest = text;
        let mut any = false;
        while let Some(dollar) = rest.find('$') {
            let (before, after) = rest.split_at(dollar);
            changed.push_str(before);
            match self.reference(after) {
                Some((length, value, is_lines)) if !is_lines || is_end(&after[length..]) => {
                    if !self.spend(value.len(), place) {
                        return None;
                    }
                    changed.push_str(&value);
                    rest = &after[length..];
                    any = true;
                }
                _ => {
                    changed.push('$');
                    rest = &after[1..];
                }
            }
        }
        changed.push_str(rest);
        any.then_some(changed)
    }

    /// The length and the value of the reference that `text` begins with, and whether it stands for
    /// lines.
    fn reference(&self, text: &str) -> Option<(usize, String, bool)> {
        let (name, length) = match text.strip_prefix("${") {
            Some(inside) => {
                let end = inside.find('}')?;
                (&inside[..end], end + 3)
            }
            None => {
                let inside = &text[1..];
                let end = inside.find(|c| !is_name(c)).unwrap_or(inside.len());
                let after = inside[end..].chars().next();
                let ends = after.is_none_or(|c| is_blank(c) || ",)".contains(c));
                (ends && end > 0).then_some((&inside[..end], end + 1))?
            }
        };
        match self.definitions.get(name) {
            Some(Definition { text, is_lines }) => Some((length, text.clone(), *is_lines)),
            None => Some((length, self.predefined(name)?, false)),
        }
    }

    fn predefined(&self, name: &str) -> Option<String> {
        let mut words = name.split_whitespace();
        Some(match words.next()? {
            "_PWD" => self.directory().to_owned(),
            "_INSTANCE" => self.outside.identity().to_owned(),
            "_HASH" => "#".to_owned(),
            "_BANG" => "!".to_owned(),
            "_ENV" => self.outside.variable(words.next()?).unwrap_or_default(),
            "_RANDOM" => {
                let mut number =
                    |otherwise| words.next().map_or(Some(otherwise), |w| w.parse().ok());
                let (least, most) = (number(0)?, number(32767)?);
                let most = most.max(least);
                self.outside.random(least, most).to_string()
            }
            _ => return None,
        })
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The name and the meaning of `$NAME=text`.
pub(super) fn definition(text: &str) -> Option<(&str, Definition)> {
    let (name, value) = text.strip_prefix('$')?.split_once('=')?;
    let starts = name.starts_with(|c: char| is_name(c) && !c.is_ascii_digit());
    let text = value.trim_matches(is_blank).to_owned();
    (starts && name.chars().all(is_name)).then(|| {
        let is_lines = value.contains('\n') && !text.is_empty();
        (name, Definition { text, is_lines })
    })
}
