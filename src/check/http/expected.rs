//! What a page must be.

use std::fmt;
use std::ops::RangeInclusive;

use md5::{Digest as _, Md5};
use regex::bytes::{Regex, RegexBuilder};

use super::super::Reason;

/// What a regular expression may match begins and ends before this.
const SEARCHED: usize = 1024 * 1024;

/// What a page must be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// The status it must have; 200 to 299 when empty.
    pub statuses: Statuses,
    /// The MD5 digest of its body.
    pub digest: Option<Digest>,
    /// What must, or must not, be in its body.
    pub pattern: Option<Pattern>,
}

impl Expected {
    /// The body of a page, of which nothing has come: what of it has to be known.
    pub(super) fn body(&self) -> Body {
        Body {
            md5: self.digest.is_some().then(Md5::new),
            text: self.pattern.is_some().then(Vec::new),
        }
    }

    /// Compares what has come from a path.
    pub(super) fn judge(&self, path: &str, status: u16, body: &Body) -> Result<(), Reason> {
        let path = || path.to_owned();
        if !self.statuses.contain(status) {
            let (path, found) = (path(), status);
            return Err(Reason::Status { path, found });
        }
        if let Some(digest) = self.digest {
            let (path, found) = (path(), body.digest());
            if found != digest {
                return Err(Reason::Digest { path, found });
            }
        }
        let text = body.text.as_deref().unwrap_or_default();
        match &self.pattern {
            Some(pattern) if pattern.matches(text) == pattern.absent => match pattern.absent {
                true => Err(Reason::Match { path: path() }),
                false => Err(Reason::NoMatch { path: path() }),
            },
            _ => Ok(()),
        }
    }
}

/// What is kept of a page's body.
#[derive(Debug)]
pub(super) struct Body {
    /// Of what has come.
    md5: Option<Md5>,
    /// The beginning.
    text: Option<Vec<u8>>,
}

impl Body {
    /// One of which only the digest is wanted.
    pub(super) fn digested() -> Self {
        Body {
            md5: Some(Md5::new()),
            text: None,
        }
    }

    /// Takes what comes next.
    pub(super) fn add(&mut self, part: &[u8]) {
        if let Some(md5) = &mut self.md5 {
            md5.update(part);
        }
        if let Some(text) = &mut self.text {
            let room = SEARCHED.saturating_sub(text.len());
            text.extend_from_slice(part.get(..room).unwrap_or(part));
        }
    }

    /// Whether nothing more has to be known.
    pub(super) fn is_enough(&self) -> bool {
        let is_searched = |text: &Vec<u8>| text.len() >= SEARCHED;
        self.md5.is_none() && self.text.as_ref().is_none_or(is_searched)
    }

    /// The digest of what has come, if it was wanted; or else that of nothing.
    pub(super) fn digest(&self) -> Digest {
        Digest(self.md5.clone().unwrap_or_default().finalize().into())
    }
}

/// Statuses that are right, as `200-299,404`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Reads numbers and ranges of numbers from 100 to 999, with commas or blanks between them.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let number: u16 = text.parse().ok()?;
            (100..=999).contains(&number).then_some(number)
        };
        let range = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(first..=last)
        };
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let ranges: Vec<_> = words.map(range).collect::<Option<_>>()?;
        (!ranges.is_empty()).then_some(Statuses(ranges))
    }

    fn contain(&self, status: u16) -> bool {
        match self.0.is_empty() {
            true => (200..=299).contains(&status),
            false => self.0.iter().any(|range| range.contains(&status)),
        }
    }
}

/// An MD5 digest, written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Reads 32 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_digits.then(|| u128::from_str_radix(text, 16).ok())??;
        Some(Digest(number.to_be_bytes()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A regular expression over the bytes of a page.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// Whether the page must not match.
    pub absent: bool,
    /// At which byte the match may begin, from and to.
    pub offsets: RangeInclusive<usize>,
}

/// The same text matches the same.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        let known = |one: &Pattern| (one.absent, one.offsets.clone());
        self.regex.as_str() == other.regex.as_str() && known(self) == known(other)
    }
}

impl Pattern {
    /// A pattern that must be anywhere in the page. Its syntax is that of the regex crate, which is
    /// that of Perl without what takes more than linear time: look-around, back-references.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).unicode(false).build();
        let regex = built.map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        })?;
        Ok(Pattern {
            regex,
            absent: false,
            offsets: 0..=usize::MAX,
        })
    }

    fn matches(&self, body: &[u8]) -> bool {
        let first = *self.offsets.start();
        first <= body.len()
            && self
                .regex
                .find_at(body, first)
                .is_some_and(|found| self.offsets.contains(&found.start()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_and_ranges() {
        let statuses = Statuses::parse("200-204,404 500").unwrap();
        for (status, right) in [
            (200, true),
            (204, true),
            (205, false),
            (404, true),
            (500, true),
        ] {
            assert_eq!(statuses.contain(status), right, "{status}");
        }
        assert!(Statuses::default().contain(299) && !Statuses::default().contain(300));
        for bad in ["", "99", "1000", "300-200", "200-", "x", "200--201", "-1"] {
            assert_eq!(Statuses::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_is_written_as_it_is_read() {
        let text = "0123456789abcdef0123456789abcdef";
        assert_eq!(Digest::parse(text).unwrap().to_string(), text);
        for bad in ["", "+123456789abcdef0123456789abcdef", &text[1..], "g"] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_match_begins_where_it_may() {
        let pattern = |text, offsets| {
            let mut pattern = Pattern::new(text).unwrap();
            pattern.offsets = offsets;
            pattern
        };
        for (text, offsets, matches) in [
            ("b+", 0..=usize::MAX, true),
            ("b+", 2..=2, true),
            ("b+", 0..=1, false),
            ("a", 1..=9, true),
            ("a", 2..=9, false),
            ("^b", 2..=9, false),
            ("$", 7..=7, false),
            ("", 6..=6, true),
            (r"\xff", 0..=9, true),
            (r"(?i)A\w", 0..=9, true),
        ] {
            let found = pattern(text, offsets.clone()).matches(b"aabbc\xff");
            assert_eq!(found, matches, "{text} {offsets:?}");
        }
        assert!(Pattern::new("(").is_err());
        assert!(Pattern::new(r"(?<=a)b").is_err());
    }
}
