//! Files whose numbers are tracked (keepalived's `track_file`).

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use crate::host::file_watch::FileWatch;
use crate::host::signals::NONBLOCK;

use super::tracking::Weight;

/// The longest number that is read.
const LONGEST: u64 = 127;

/// A file with a number in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TrackedFile {
    /// What it is called in logs.
    pub name: String,
    /// Where it is.
    pub path: PathBuf,
    /// What its number is taken times, for the priority.
    pub weight: Weight,
    /// What it is made with.
    pub first: Option<First>,
}

/// What a file is made with when the speaker starts (`init_file`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct First {
    /// The number in it.
    pub number: i32,
    /// Whether one that is there is written over.
    pub overwrite: bool,
}

impl TrackedFile {
    /// Makes the file, if it is to be made.
    ///
    /// # Errors
    /// It cannot be written, or is no ordinary file.
    pub fn make(&self) -> io::Result<()> {
        let Some(first) = self.first else {
            return Ok(());
        };
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(NONBLOCK);
        let options = match first.overwrite {
            true => options.create(true),
            false => options.create_new(true),
        };
        let mut file = match options.open(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
            file => file?,
        };
        if !file.metadata()?.is_file() {
            return Err(io::Error::other("it is no ordinary file"));
        }
        file.set_len(0)?;
        writeln!(file, "{}", first.number)
    }
}

/// All files that are watched, each with its last number.
#[derive(Debug, Default)]
pub struct Files {
    watch: Option<FileWatch>,
    numbers: Vec<(PathBuf, i32)>,
    /// Whether a number has changed and nobody was told.
    changed: bool,
}

impl Files {
    /// Watches these from now on, and no others.
    ///
    /// # Errors
    /// One cannot be watched: its number stays as it is now.
    pub fn turn_to<'a>(&mut self, paths: impl Iterator<Item = &'a Path>) -> io::Result<()> {
        let mut outcome = Ok(());
        let before = std::mem::take(&mut self.numbers);
        let mut watch = None;
        for path in paths {
            if self.numbers.iter().any(|(known, _)| known == path) {
                continue;
            }
            if watch.is_none() {
                watch = Some(FileWatch::open()?);
            }
            // Watched before it is read, that no change is missed.
            let watched = watch.as_mut().map_or(Ok(()), |watch| watch.watch(path));
            outcome = watched.and(outcome);
            let known = before.iter().find(|(known, _)| known == path);
            let last = known.map_or(0, |(_, number)| *number);
            let number = read(path, last);
            self.changed |= known.is_some() && number != last;
            self.numbers.push((path.to_owned(), number));
        }
        self.watch = watch;
        outcome
    }

    /// Reads those that have changed. Tells whether a number has.
    pub fn heed(&mut self) -> io::Result<bool> {
        let mut changed = std::mem::take(&mut self.changed);
        let Some(watch) = &mut self.watch else {
            return Ok(changed);
        };
        if !watch.has_news()? {
            return Ok(changed);
        }
        for (path, number) in &mut self.numbers {
            let now = read(path, *number);
            changed |= std::mem::replace(number, now) != now;
        }
        Ok(changed)
    }

    /// The number in a file, 0 in one that is not there.
    pub fn number(&self, path: &Path) -> i32 {
        let mut numbers = self.numbers.iter();
        let found = numbers.find(|(known, _)| known == path);
        found.map_or(0, |(_, number)| *number)
    }

    /// What to wait for.
    pub fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.watch.as_ref().map(AsFd::as_fd)
    }
}

/// The number in a file; `last` if it is out of range.
fn read(path: &Path, last: i32) -> i32 {
    let mut text = Vec::new();
    let mut options = File::options();
    let file = options.read(true).custom_flags(NONBLOCK).open(path);
    let read = file.and_then(|file| file.take(LONGEST).read_to_end(&mut text));
    match read {
        Ok(_) => number(&text).unwrap_or(last),
        Err(_) => 0,
    }
}

/// The number that a text begins with, as strtol(3) reads it with base 0: 0 when there is none.
/// Nothing, when it is out of range.
fn number(text: &[u8]) -> Option<i32> {
    let text = text.trim_ascii_start();
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let (base, digits) = match digits {
        [b'0', b'x' | b'X', digits @ ..] => (16, digits),
        [b'0', digits @ ..] => (8, digits),
        digits => (10, digits),
    };
    let mut size: i64 = 0;
    for &byte in digits {
        let Some(digit) = char::from(byte).to_digit(base) else {
            break;
        };
        size = size.saturating_mul(base.into());
        size = size.saturating_add(digit.into());
    }
    i32::try_from(if negative { -size } else { size }).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_begins_with_a_number_or_has_0() {
        for (text, expected) in [
            ("", Some(0)),
            ("7\n", Some(7)),
            (" -12 and more", Some(-12)),
            ("+0x1F", Some(31)),
            ("010", Some(8)),
            ("up", Some(0)),
            ("-", Some(0)),
            ("2147483647", Some(i32::MAX)),
            ("2147483648", None),
            ("99999999999999999999999999", None),
            ("-99999999999999999999999999", None),
        ] {
            assert_eq!(number(text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn a_file_is_made_once_or_written_over() {
        let path = std::env::temp_dir().join(format!("lvskit-number.{}", std::process::id()));
        let make = |number, overwrite| {
            let file = TrackedFile {
                name: "F".into(),
                path: path.clone(),
                weight: Weight::new(1),
                first: Some(First { number, overwrite }),
            };
            file.make().unwrap();
            read(&path, 0)
        };
        assert_eq!(make(12345, false), 12345);
        assert_eq!(make(7, false), 12345);
        assert_eq!(make(7, true), 7);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(read(&path, 3), 0);
    }
}
