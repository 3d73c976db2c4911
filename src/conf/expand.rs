//! Files to pieces: `include`, definitions, conditions, sequences and lists, each within bounds. One
//! piece comes after the other, as it is asked for: a large configuration is never there as pieces.

use std::borrow::Cow;
use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use super::lex::{self, End, Piece, is_blank};
use super::problem::{Problem, Problems, Severity};
use super::source::{Place, Sources, Text};
use block::Block;
use definition::{Definition, definition};
use input::{File, Input, Origin};
use repeat::Repeat;

pub mod block;
mod definition;
mod include;
mod input;
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

/// The pieces of a file and of all that it includes.
pub struct Pieces<'a> {
    outside: &'a dyn Outside,
    limits: Limits,
    /// How many characters may still come.
    left: usize,
    sources: Sources,
    problems: Problems,
    definitions: HashMap<String, Definition>,
    /// What is being read; the last comes first, and the one before goes on after it.
    inputs: Vec<Input>,
    /// Pieces of the last line.
    ready: VecDeque<Piece>,
    /// How many braces are open.
    depth: usize,
    servers: VirtualServers,
}

/// What is done with virtual servers.
enum VirtualServers {
    /// They are read as all else.
    Read,
    /// They are passed over, as these were.
    PassedOver(Vec<Block>),
    /// One cannot be passed over, and nothing more is read.
    Obscure,
}

impl Iterator for Pieces<'_> {
    type Item = Piece;

    fn next(&mut self) -> Option<Piece> {
        loop {
            if let Some(piece) = self.ready.pop_front() {
                match piece.end {
                    End::Opens => self.depth += 1,
                    End::Closes => self.depth = self.depth.saturating_sub(1),
                    End::Line => {}
                }
                return Some(piece);
            }
            if self.left == 0 {
                return None;
            }
            self.read()?;
        }
    }
}

impl<'a> Pieces<'a> {
    /// Begins with `text`, the file `path`.
    pub fn new(path: &str, text: Text, outside: &'a dyn Outside, limits: Limits) -> Self {
        let mut pieces = Pieces::empty(outside, limits);
        pieces.open(path, text);
        pieces
    }

    /// The same without virtual servers: [`Pieces::finish_frame`] tells where those stand.
    pub fn of_frame(path: &str, text: Text, outside: &'a dyn Outside) -> Self {
        Pieces {
            servers: VirtualServers::PassedOver(Vec::new()),
            ..Pieces::new(path, text, outside, Limits::default())
        }
    }

    /// Those of a virtual server that was passed over, in the text of its file.
    pub fn of_block(block: &Block, text: Text, outside: &'a dyn Outside) -> Self {
        let mut pieces = Pieces::empty(outside, Limits::default());
        // It includes nothing, so that nobody asks where it is.
        pieces.inputs.push(Input::File(File {
            path: String::new(),
            directory: String::new(),
            number: block.file,
            text,
            next: block.begin,
            end: block.end,
            line: block.lines_before,
        }));
        pieces
    }

    fn empty(outside: &'a dyn Outside, limits: Limits) -> Self {
        Pieces {
            outside,
            limits,
            left: limits.size,
            sources: Sources::default(),
            problems: Problems::default(),
            definitions: HashMap::new(),
            inputs: Vec::new(),
            ready: VecDeque::new(),
            depth: 0,
            servers: VirtualServers::Read,
        }
    }

    /// The files that were read, and what was wrong with them.
    pub fn finish(self) -> (Sources, Problems) {
        (self.sources, self.problems)
    }

    /// The same, and the virtual servers that were passed over. Nothing if one could not be.
    pub fn finish_frame(self) -> Option<(Sources, Problems, Vec<Block>)> {
        match self.servers {
            VirtualServers::PassedOver(blocks) => Some((self.sources, self.problems, blocks)),
            VirtualServers::Read | VirtualServers::Obscure => None,
        }
    }

    fn open(&mut self, path: &str, text: Text) {
        self.inputs.push(Input::File(File {
            path: path.to_owned(),
            directory: directory_of(path),
            number: self.sources.add(path, text.clone()),
            next: 0,
            end: text.len(),
            text,
            line: 0,
        }));
    }

    /// Passes over the virtual server that comes next; whether there was one.
    fn pass_over(&mut self) -> bool {
        let (VirtualServers::PassedOver(blocks), Some(Input::File(file)), 0) =
            (&mut self.servers, self.inputs.last_mut(), self.depth)
        else {
            return false;
        };
        if !block::begins(file.rest()) {
            return false;
        }
        if let Some(extent) = block::extent(file.rest()) {
            blocks.push(file.pass(extent));
            let cost = extent.bytes + extent.lines as usize * A_LINE;
            self.left = self.left.saturating_sub(cost);
            if self.left > 0 {
                return true;
            }
        }
        self.servers = VirtualServers::Obscure;
        self.inputs.clear();
        true
    }

    /// The files that are being read, the innermost first.
    fn open_files(&self) -> impl Iterator<Item = &File> {
        self.inputs.iter().rev().filter_map(|input| match input {
            Input::File(file) => Some(file),
            _ => None,
        })
    }

    /// The directory of the file that is being read.
    fn directory(&self) -> &str {
        self.open_files().next().map_or(".", |file| &file.directory)
    }

    /// Reads the next line; nothing when all has been read.
    fn read(&mut self) -> Option<()> {
        if self.pass_over() {
            return Some(());
        }
        match self.inputs.last_mut()? {
            Input::File(file) => {
                let text = file.text.clone();
                let Some(line) = file.next_line(&text) else {
                    self.inputs.pop();
                    return Some(());
                };
                let place = file.place();
                let mut line = self.strip(line, place);
                if self.starts_definition(&line) {
                    self.complete(&mut line, &text);
                }
                self.line(&line, Origin { place, depth: 0 });
            }
            Input::Include { files, form, place } => {
                let (form, place) = (*form, *place);
                match files.next() {
                    Some(file) => self.include_file(&file, form, place),
                    None => drop(self.inputs.pop()),
                }
            }
            Input::Text { text, next, origin } => {
                let (text, origin) = (Arc::clone(text), *origin);
                let Some(rest) = next.and_then(|next| text.get(next..)) else {
                    self.inputs.pop();
                    return Some(());
                };
                let end = rest.find('\n');
                *next = next.zip(end).map(|(next, end)| next + end + 1);
                self.line(&rest[..end.unwrap_or(rest.len())], origin);
            }
            Input::Repeat {
                names,
                values,
                line,
                origin,
            } => {
                let (line, origin) = (Arc::clone(line), *origin);
                let Some(values) = values.next() else {
                    self.inputs.pop();
                    return Some(());
                };
                let names = names.iter().cloned();
                let definition = |text| Definition {
                    text,
                    is_lines: false,
                };
                let values = values.into_iter().map(definition);
                self.definitions.extend(names.zip(values));
                self.line(&line, origin);
            }
        }
        Some(())
    }

    /// Goes on with a definition whose lines end with `\`.
    fn complete<'t>(&mut self, line: &mut Cow<'t, str>, text: &'t str) {
        while line.trim_end_matches(is_blank).ends_with('\\') {
            let length = line.trim_end_matches(is_blank).len() - 1;
            let longer = line.to_mut();
            longer.truncate(length);
            longer.push('\n');
            let Some(next) = self.continuation(text) else {
                break;
            };
            line.to_mut().push_str(&next);
        }
    }

    /// The next line of a definition. A line of which nothing is left ends it.
    fn continuation<'t>(&mut self, text: &'t str) -> Option<Cow<'t, str>> {
        let Some(Input::File(file)) = self.inputs.last_mut() else {
            return None;
        };
        let line = file.next_line(text)?;
        let place = file.place();
        let line = self.strip(line, place);
        (!is_end(&line)).then_some(line)
    }

    /// Whether a line begins a definition, behind its conditions.
    fn starts_definition(&self, text: &str) -> bool {
        self.where_it_holds(text)
            .is_some_and(|text| definition(text).is_some())
    }

    /// A line behind its conditions; nothing if one of them does not hold.
    fn where_it_holds<'l>(&self, line: &'l str) -> Option<&'l str> {
        let mut text = line.trim_start_matches(is_blank);
        while let Some(condition) = text.strip_prefix('@') {
            let end = condition.find(is_blank);
            let (id, rest) = condition.split_at(end.unwrap_or(condition.len()));
            let holds = match id.strip_prefix('^') {
                Some(id) => id != self.outside.identity(),
                None => id == self.outside.identity(),
            };
            if !holds {
                return None;
            }
            text = rest.trim_start_matches(is_blank);
        }
        Some(text)
    }

    fn strip<'l>(&mut self, line: &'l str, place: Place) -> Cow<'l, str> {
        let found = lex::strip(line);
        if found.is_open {
            self.problems.error(
                place,
                "a double quote that nothing ends",
                "end it on the same line",
            );
        }
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
        if line.trim_end_matches(is_blank).len() > LONGEST {
            // keepalived finds no keyword in the rest of a comment, and goes on.
            let severity = match found.text.len() > LONGEST {
                true => Severity::Error,
                false => Severity::Ignored,
            };
            let text = format!("line of more than {LONGEST} bytes");
            let hint = "keepalived reads it as two lines: make it shorter";
            self.problems
                .add(Problem::new(severity, place, text).hint(hint));
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

    /// One line without its comment.
    fn line(&mut self, line: &str, origin: Origin) {
        let Origin { place, depth } = origin;
        if !self.spend(line.len(), place) {
            return;
        }
        let Some(text) = self.where_it_holds(line) else {
            return;
        };
        if let Some((name, definition)) = definition(text) {
            self.definitions.insert(name.to_owned(), definition);
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
                Ok(Repeat {
                    names,
                    values,
                    rest,
                }) => self.inputs.push(Input::Repeat {
                    names,
                    values,
                    line: rest.into(),
                    origin: origin.deeper(),
                }),
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
                // What stands for `#` may begin a comment. The lines behind had theirs taken off.
                let end = changed.find('\n').unwrap_or(changed.len());
                let (first, rest) = changed.split_at(end);
                self.inputs.push(Input::Text {
                    text: (lex::strip(first).text + rest).into(),
                    next: Some(0),
                    origin: origin.deeper(),
                });
            }
            None => self.emit(text, line, origin),
        }
    }

    /// The pieces of `text`, which is the end of `line`. What stands behind a brace is a line of its
    /// own, which makes a difference if it makes others.
    fn emit(&mut self, text: &str, line: &str, origin: Origin) {
        let before = &line[..line.len() - text.len()];
        let begins = u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX);
        let place = match origin.depth {
            0 => Place {
                column: begins,
                ..origin.place
            },
            _ => origin.place,
        };
        if self.include(text, place) {
            return;
        }
        let mut text = text;
        if let Some((before, rest)) = lex::behind_brace(text).filter(|(_, rest)| makes_lines(rest))
        {
            self.inputs.push(Input::Text {
                text: rest.into(),
                next: Some(0),
                origin: origin.deeper(),
            });
            text = before;
        }
        let unterminated = lex::split(text, place, &mut self.ready);
        // The line of a file was told when it was read.
        let is_told = origin.depth == 0 && lex::strip(text).is_open;
        if unterminated.is_some() && !is_told {
            self.problems.error(
                place,
                "a double quote that nothing ends",
                "end it on the same line",
            );
        }
        if origin.depth > 0 {
            // Words that came out of a definition have no column of their own.
            for piece in &mut self.ready {
                piece.place = place;
                for word in &mut piece.words {
                    word.place = place;
                }
            }
        }
    }
}

fn directory_of(path: &str) -> String {
    match path.rsplit_once('/') {
        Some(("", _)) => "/".to_owned(),
        Some((directory, _)) => directory.to_owned(),
        None => ".".to_owned(),
    }
}

/// Whether a line stands for others than itself.
fn makes_lines(text: &str) -> bool {
    text.contains(['$', '~', '@']) || text.starts_with("include")
}

/// Whether nothing but blanks stands there.
fn is_end(rest: &str) -> bool {
    rest.trim_start_matches(is_blank).is_empty()
}
