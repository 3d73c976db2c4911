//! Where a word of a configuration stands, and the text of the files, for whoever points at it.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

/// A place in a file: whole lines and characters, counted from 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Place {
    /// Which of the [`Sources`].
    pub file: u32,
    /// The line.
    pub line: u32,
    /// The first character.
    pub column: u32,
    /// How many characters; 0 for the rest of the line.
    pub length: u32,
}

/// A place that two values may differ in and still be equal: it says where a setting stood, not
/// what it is.
#[derive(Clone, Copy, Debug, Default)]
pub struct At(pub Place);

impl PartialEq for At {
    fn eq(&self, _: &At) -> bool {
        true
    }
}

impl Eq for At {}

/// The text of a file, which may be large: it is there once, whoever has it.
#[derive(Clone, Debug)]
pub struct Text(Arc<String>);

impl From<String> for Text {
    fn from(text: String) -> Self {
        Text(Arc::new(text))
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        text.to_owned().into()
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

/// The files that were read, in the order in which they were.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<Source>,
}

/// A file: its name, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    /// As it was asked for.
    pub name: String,
    text: Text,
    /// At which byte each line begins, once somebody has asked for one.
    begins: OnceLock<Vec<usize>>,
}

impl Source {
    fn new(name: &str, text: Text) -> Self {
        Source {
            name: name.to_owned(),
            text,
            begins: OnceLock::new(),
        }
    }

    /// All of it.
    pub fn text(&self) -> &Text {
        &self.text
    }

    /// A line, counted from 1, without its end.
    fn line(&self, number: u32) -> Option<&str> {
        let begins = self.begins.get_or_init(|| {
            let ends = self.text.match_indices('\n').map(|(end, _)| end + 1);
            std::iter::once(0).chain(ends).collect()
        });
        let begin = *begins.get((number as usize).checked_sub(1)?)?;
        self.text.get(begin..)?.lines().next()
    }
}

impl Sources {
    /// Adds a file; gives its number.
    pub fn add(&mut self, name: &str, text: Text) -> u32 {
        self.files.push(Source::new(name, text));
        u32::try_from(self.files.len() - 1).unwrap_or(u32::MAX)
    }

    /// The file with that number.
    pub fn file(&self, number: u32) -> Option<&Source> {
        self.files.get(number as usize)
    }

    /// The text of the line where `place` is.
    pub fn line(&self, place: Place) -> Option<&str> {
        self.file(place.file)?.line(place.line)
    }

    /// `FILE:LINE:COLUMN`.
    pub fn locate(&self, place: Place) -> Located<'_> {
        Located {
            name: self.file(place.file).map_or("?", |source| &source.name),
            place,
        }
    }
}

/// What [`Sources::locate`] gives.
pub struct Located<'a> {
    name: &'a str,
    place: Place,
}

impl fmt::Display for Located<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Place { line, column, .. } = self.place;
        write!(f, "{}:{line}:{column}", self.name)
    }
}
