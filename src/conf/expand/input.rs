//! What lines are read from, one within the other.

use std::sync::Arc;
use std::vec;

use super::block::{Block, Extent};
use super::repeat::Values;
use crate::conf::source::{Place, Text};

/// Where lines come from.
pub enum Input {
    /// A file.
    File(File),
    /// Files that are included, one after the other.
    Include {
        /// Those that are left.
        files: vec::IntoIter<String>,
        /// How they are included.
        form: Form,
        /// Where.
        place: Place,
    },
    /// What definitions made of a line.
    Text {
        /// The lines.
        text: Arc<str>,
        /// The byte at which the next one begins; none after the last.
        next: Option<usize>,
        /// The line that it was.
        origin: Origin,
    },
    /// A line that is there several times.
    Repeat {
        /// What has another value each time.
        names: Vec<String>,
        /// The values that are left.
        values: Values,
        /// What is repeated.
        line: Arc<str>,
        /// The line that it was.
        origin: Origin,
    },
}

/// A file that is being read.
pub struct File {
    /// As it was asked for.
    pub path: String,
    /// Where it is.
    pub directory: String,
    /// Its number in the sources.
    pub number: u32,
    /// All of it.
    pub text: Text,
    /// The byte at which the next line begins.
    pub next: usize,
    /// The byte behind the last line that is read.
    pub end: usize,
    /// Which line was read last, counted from 1.
    pub line: u32,
}

impl File {
    /// What has not been read.
    pub fn rest(&self) -> &str {
        self.text.get(self.next..self.end).unwrap_or("")
    }

    /// Goes on behind what comes next.
    pub fn pass(&mut self, extent: Extent) -> Block {
        let (begin, lines_before) = (self.next, self.line);
        self.next += extent.bytes;
        self.line += extent.lines;
        Block {
            file: self.number,
            lines_before,
            begin,
            end: self.next,
        }
    }

    /// The next line without its end, of `text`, which is the file's own.
    pub fn next_line<'t>(&mut self, text: &'t str) -> Option<&'t str> {
        let rest = text.get(self.next..self.end)?;
        if rest.is_empty() {
            return None;
        }
        self.line += 1;
        // Lines are short: to look byte by byte is quicker than memchr.
        match rest.bytes().position(|byte| byte == b'\n') {
            None => {
                self.next = self.end;
                Some(rest)
            }
            Some(end) => {
                self.next += end + 1;
                let line = &rest[..end];
                Some(line.strip_suffix('\r').unwrap_or(line))
            }
        }
    }

    /// The line that was read last.
    pub fn place(&self) -> Place {
        Place {
            file: self.number,
            line: self.line,
            column: 1,
            length: 0,
        }
    }
}

/// Where the text of a line stood.
#[derive(Clone, Copy)]
pub struct Origin {
    /// The line.
    pub place: Place,
    /// How many definitions within definitions it came out of.
    pub depth: usize,
}

impl Origin {
    /// What came out of a definition in it.
    pub fn deeper(self) -> Self {
        Origin {
            depth: self.depth + 1,
            ..self
        }
    }
}

/// What an `include` demands of its files, by its last letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Form {
    /// Each can be read.
    pub readable: bool,
    /// There are some.
    pub matched: bool,
    /// There are some, where a pattern is given.
    pub wildcard: bool,
}
