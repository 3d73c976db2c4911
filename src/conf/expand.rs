//! Files to pieces: `include`, definitions, conditions, sequences and lists, each within bounds.

use std::borrow::Cow;
use std::collections::HashMap;

use super::lex::{self, End, Piece, is_blank};
use super::problem::{Problem, Problems, Severity};
use super::source::{Place, Sources};
use repeat::Repeat;

mod repeat;

/// What a configuration may ask of the machine that it is read on. The parser touches nothing
/// else.
pub trait Outside {
    /// The text of a file.
    ///
    /// # Errors
    ///
    /// Why it cannot be read.
    fn read(&self, path: &str) -> Result<String, Unreadable>;
    /// The files whose paths match a shell pattern (`*`, `?`, `[...]`, `{a,b}`), sorted.
    fn matching(&self, pattern: &str) -> Vec<String>;
    /// A variable of the environment.
    fn variable(&self, name: &str) -> Option<String>;
    /// What `@ID` is compared with: the name of this machine, or what the user said.
    fn identity(&self) -> &str;
    /// A number from `least` to `most`.
    fn random(&self, least: u32, most: u32) -> u32;
}

/// Why a file cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreadable {
    /// Whether it is because there is none.
    pub missing: bool,
    /// The reason as a reader knows it.
    pub why: String,
}

/// How far a configuration may grow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Files that include each other.
    pub depth: usize,
    /// Definitions within definitions.
    pub nesting: usize,
    /// Bytes of text after all replacements, with 32 more for each line.
    pub size: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            depth: 32,
            nesting: 64,
            size: 96 << 20,
        }
    }
}

/// What a line costs besides its text.
const A_LINE: usize = 32;

/// The longest line that keepalived reads as one, in bytes.
const LONGEST: usize = 1023;

/// What must be true of an `include`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Strictness {
    readable: bool,
    matched: bool,
    wildcard: bool,
}

/// The forms of `include`; the letter at the end says what is an error.
const INCLUDES: &[(&str, Strictness)] = &[
    ("include", strict(false, false, false)),
    ("includer", strict(true, false, false)),
    ("includem", strict(false, true, false)),
    ("includew", strict(false, false, true)),
    ("includeb", strict(false, false, true)),
    ("includea", strict(true, true, true)),
];

const fn strict(readable: bool, matched: bool, wildcard: bool) -> Strictness {
    Strictness {
        readable,
        matched,
        wildcard,
    }
}

/// Reads `text`, the file `path`, and all that it includes.
pub fn expand(
    path: &str,
    text: &str,
    outside: &dyn Outside,
    limits: Limits,
    sources: &mut Sources,
    problems: &mut Problems,
) -> Vec<Piece> {
    let mut expander = Expander {
        outside,
        limits,
        left: limits.size,
        sources,
        problems,
        definitions: HashMap::new(),
        directory: String::new(),
        open_files: Vec::new(),
        pieces: Vec::new(),
    };
    expander.file(path, text);
    expander.pieces
}

struct Expander<'a> {
    outside: &'a dyn Outside,
    limits: Limits,
    /// How many characters may still come.
    left: usize,
    sources: &'a mut Sources,
    problems: &'a mut Problems,
    definitions: HashMap<String, String>,
    /// Of the file that is being read.
    directory: String,
    open_files: Vec<String>,
    pieces: Vec<Piece>,
}

impl Expander<'_> {
    fn file(&mut self, path: &str, text: &str) {
        let file = self.sources.add(path, text);
        self.open_files.push(path.to_owned());
        let outer = std::mem::replace(&mut self.directory, directory_of(path));
        let mut lines = text.lines().zip(1u32..);
        while let Some((line, number)) = lines.next() {
            let place = Place {
                file,
                line: number,
                column: 1,
                length: 0,
            };
            let mut text = self.strip(line, place);
            if starts_definition(&text) {
                while text.trim_end_matches(is_blank).ends_with('\\') {
                    let length = text.trim_end_matches(is_blank).len() - 1;
                    let longer = text.to_mut();
                    longer.truncate(length);
                    longer.push('\n');
                    let Some((line, number)) = lines.next() else {
                        break;
                    };
                    let place = Place {
                        line: number,
                        ..place
                    };
                    let next = self.strip(line, place);
                    text.to_mut().push_str(&next);
                }
            }
            if !self.include(&text, place) {
                self.line(&text, place, 0);
            }
            if self.left == 0 {
                break;
            }
        }
        self.directory = outer;
        self.open_files.pop();
    }

    fn strip<'l>(&mut self, line: &'l str, place: Place) -> Cow<'l, str> {
        let found = lex::strip(line);
        let is_password = || {
            found
                .text
                .trim_start_matches(is_blank)
                .starts_with("auth_pass")
        };
        match found.cut {
            Some((column, c)) if c == '!' || is_password() => {
                let at = Place {
                    column,
                    length: 1,
                    ..place
                };
                let word = found.text.rsplit(is_blank).next().unwrap_or("");
                self.problems.note(
                    at,
                    format!("`{c}` begins a comment: the word ends as `{word}`"),
                    &format!("put the word in double quotes, or write \\{c}"),
                );
            }
            _ => {}
        }
        if found.text.len() > LONGEST {
            self.problems.error(
                place,
                format!("line of more than {LONGEST} bytes"),
                "keepalived reads it as two lines: make it shorter",
            );
        }
        found.text
    }

    /// Takes `size` from what may still come; tells when nothing is left.
    fn spend(&mut self, size: usize, place: Place) -> bool {
        if self.left == 0 {
            return false;
        }
        self.left = self.left.saturating_sub(size + A_LINE);
        if self.left == 0 {
            let text = "the configuration grows without an end";
            self.problems.add(
                Problem::new(Severity::Fatal, place, text)
                    .hint("look at the definitions, ~SEQ and ~LST of this line"),
            );
        }
        self.left > 0
    }

    /// One line without its comment, at `depth` definitions within definitions.
    fn line(&mut self, text: &str, place: Place, depth: usize) {
        let mut text = text;
        loop {
            text = text.trim_start_matches(is_blank);
            if !self.spend(text.len(), place) {
                return;
            }
            let Some(condition) = text.strip_prefix('@') else {
                break;
            };
            let end = condition.find(is_blank);
            let (id, rest) = condition.split_at(end.unwrap_or(condition.len()));
            let holds = match id.strip_prefix('^') {
                Some(id) => id != self.outside.identity(),
                None => id == self.outside.identity(),
            };
            if !holds {
                return;
            }
            text = rest;
        }
        if let Some((name, value)) = definition(text) {
            self.definitions.insert(name.to_owned(), value.to_owned());
            return;
        }
        if depth > self.limits.nesting {
            let text = "a definition that holds itself";
            self.problems
                .error(place, text, "definitions are replaced when they are used");
            return;
        }
        if text.starts_with("~SEQ") || text.starts_with("~LST") {
            // The numbers of a sequence may be definitions.
            let end = text.find(')').map_or(text.len(), |end| end + 1);
            let (head, rest) = text.split_at(end);
            let head = self.substitute(head, place).unwrap_or(head.to_owned());
            match repeat::parse(&head, rest) {
                Ok(repeat) => self.repeat(repeat, place, depth),
                Err(text) => self.problems.error(
                    place,
                    text,
                    "as ~SEQ(NAME, START, STEP, END) or ~LST(NAME, VALUE, ...)",
                ),
            }
            return;
        }
        match self.substitute(text, place) {
            Some(changed) => {
                for line in changed.split('\n') {
                    self.line(line, place, depth + 1);
                }
            }
            None => self.emit(text, place, depth),
        }
    }

    fn repeat(&mut self, repeat: Repeat<'_>, place: Place, depth: usize) {
        for values in repeat.values {
            if self.left == 0 {
                return;
            }
            for (name, value) in repeat.names.iter().zip(values) {
                self.definitions.insert((*name).to_owned(), value);
            }
            self.line(repeat.rest, place, depth + 1);
        }
    }

    /// The text with each definition replaced once; nothing if there was none.
    fn substitute(&mut self, text: &str, place: Place) -> Option<String> {
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
                Some((length, value)) => {
                    if !self.spend(value.len(), place) {
                        return None;
                    }
                    changed.push_str(&value);
                    rest = &after[length..];
                    any = true;
                }
                None => {
                    changed.push('$');
                    rest = &after[1..];
                }
            }
        }
        changed.push_str(rest);
        any.then_some(changed)
    }

    /// The length and the value of the reference that `text` begins with.
    fn reference(&self, text: &str) -> Option<(usize, String)> {
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
        Some((length, self.value(name)?))
    }

    fn value(&self, name: &str) -> Option<String> {
        if let Some(value) = self.definitions.get(name) {
            return Some(value.clone());
        }
        let mut words = name.split_whitespace();
        Some(match words.next()? {
            "_PWD" => self.directory.clone(),
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

    fn emit(&mut self, text: &str, place: Place, depth: usize) {
        // Words that came out of a definition have no column of their own.
        let place = match depth {
            0 => Place {
                column: self.indent(text, place),
                ..place
            },
            _ => place,
        };
        let found = lex::pieces(text, place);
        if found.unterminated.is_some() {
            self.problems.error(
                place,
                "a double quote that nothing ends",
                "end it on the same line",
            );
        }
        for mut piece in found.pieces {
            if depth > 0 {
                piece.place = place;
                for word in &mut piece.words {
                    word.place = place;
                }
            }
            self.pieces.push(piece);
        }
    }

    /// The column of a text that is the end of its line.
    fn indent(&self, text: &str, place: Place) -> u32 {
        let line = self.sources.line(place).unwrap_or("");
        let text = text.trim_end_matches(is_blank);
        let begun = line.trim_start_matches(is_blank);
        let before = match begun.starts_with(text) {
            true => line.len() - begun.len(),
            false => match line.find(text) {
                Some(before) => line[..before].chars().count(),
                // An escaped comment sign made it shorter.
                None => line.len() - begun.len(),
            },
        };
        u32::try_from(before + 1).unwrap_or(u32::MAX)
    }

    /// Whether the line is an `include`, which then is done.
    fn include(&mut self, text: &str, place: Place) -> bool {
        let is_before = |c| is_blank(c) || c == '"';
        if !text.trim_start_matches(is_before).starts_with("include") {
            return false;
        }
        let pieces = lex::pieces(text, place).pieces;
        let [piece] = &pieces[..] else { return false };
        let [keyword, pattern, ..] = &piece.words[..] else {
            return false;
        };
        let form = INCLUDES.iter().find(|(name, _)| *name == keyword.text);
        let Some((_, strictness)) = form else {
            return false;
        };
        if piece.end != End::Line {
            return false;
        }
        let place = pattern.place;
        let path = match pattern.text.starts_with('/') {
            true => pattern.text.clone(),
            false => format!("{}/{}", self.directory, pattern.text),
        };
        let is_pattern = path.contains(['*', '?', '[', '{']);
        let files = match is_pattern {
            true => self.outside.matching(&path),
            false => vec![path.clone()],
        };
        if files.is_empty() {
            let refused = strictness.wildcard || strictness.matched;
            self.missing(refused, place, format!("no file matches {path}"));
        }
        for file in files {
            if self.open_files.contains(&file) || self.open_files.len() >= self.limits.depth {
                self.problems.error(
                    place,
                    format!("{file} includes itself"),
                    "each file can be included from outside of it only",
                );
                continue;
            }
            match self.outside.read(&file) {
                Ok(text) => self.file(&file, &text),
                Err(Unreadable { missing, why }) => {
                    let refused = match missing {
                        true => strictness.matched && !is_pattern,
                        false => strictness.readable,
                    };
                    self.missing(refused, place, format!("cannot read {file}: {why}"));
                }
            }
        }
        true
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

fn directory_of(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((directory, _)) => directory.to_owned(),
        None => ".".to_owned(),
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

/// The name and the text of `$NAME=text`.
fn definition(text: &str) -> Option<(&str, &str)> {
    let (name, value) = text.strip_prefix('$')?.split_once('=')?;
    let starts = name.starts_with(|c: char| is_name(c) && !c.is_ascii_digit());
    (starts && name.chars().all(is_name)).then_some((name, value.trim_end_matches([' ', '\t'])))
}

/// Whether a line begins a definition, behind its conditions.
fn starts_definition(text: &str) -> bool {
    let mut text = text.trim_start_matches(is_blank);
    while text.starts_with('@') {
        let end = text.find(is_blank).unwrap_or(text.len());
        text = text[end..].trim_start_matches(is_blank);
    }
    definition(text).is_some()
}
