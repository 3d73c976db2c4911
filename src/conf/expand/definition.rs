//! `$NAME=text`, and what stands for it where it is used.

use super::{LONGEST, Pieces, is_end};
use crate::conf::lex::is_blank;
use crate::conf::source::Place;

/// How many definitions may be replaced in one line.
const MOST: usize = 4096;

/// What a definition stands for.
pub(super) struct Definition {
    /// The text.
    pub text: String,
    /// Whether a `\` ended its first line: it stands for lines, and at the end of a line only.
    pub is_lines: bool,
}

impl Pieces<'_> {
    /// The text without definitions, and the lines that come behind it; nothing if there were no
    /// definitions in it.
    ///
    /// What stands for one is looked at before the rest, up to what begins a sequence: that sets
    /// definitions of its own.
    pub(super) fn substitute(&mut self, text: &str, place: Place) -> Option<String> {
        let mut at = text.find('$')?;
        let mut line = text.to_owned();
        let mut behind = String::new();
        let mut any = 0_usize;
        loop {
            let reference = self.reference(&line[at..]);
            let is_whole = |length: usize| is_end(&line[at + length..]);
            match reference.filter(|(length, _, is_lines)| !is_lines || is_whole(*length)) {
                Some((length, value, _)) => {
                    if !self.spend(value.len(), place) {
                        return None;
                    }
                    any += 1;
                    let (first, others) = value.split_once('\n').unwrap_or((&value, ""));
                    line.replace_range(at..at + length, first);
                    if !others.is_empty() {
                        behind.insert_str(0, others);
                        behind.insert(0, '\n');
                    }
                    if any > MOST || line.len() > LONGEST {
                        self.problems.error(
                            place,
                            "a definition that holds itself, or a line that has no end",
                            "definitions are replaced when they are used",
                        );
                        return Some(String::new());
                    }
                    if value.starts_with('~') {
                        break;
                    }
                }
                None => at += 1,
            }
            match line[at..].find('$') {
                Some(next) => at += next,
                None => break,
            }
        }
        (any > 0).then(|| line + &behind)
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
