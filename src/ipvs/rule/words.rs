//! A command line, word by word, as popt 1.19 takes it apart: options may be clustered, a value
//! follows in the same word or the next, other words may stand anywhere.

use super::options::{self, Spec, Value};

/// Why an option cannot be understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mistake {
    /// There is no such option.
    Unknown,
    /// It needs a value, and the line ends.
    MissingArgument,
    /// It takes no value, and has one.
    UnwantedArgument,
}

impl Mistake {
    /// popt's words for it.
    pub fn text(self) -> &'static str {
        match self {
            Mistake::Unknown => "unknown option",
            Mistake::MissingArgument => "missing argument",
            Mistake::UnwantedArgument => "option does not take an argument",
        }
    }
}

/// An option with its value.
pub type Found<'a> = (&'static Spec, Option<&'a [u8]>);

/// The options of a line, read from left to right. The other words are put aside.
pub struct Words<'a> {
    words: &'a [&'a [u8]],
    next: usize,
    /// What is left of a cluster of short options.
    cluster: &'a [u8],
    /// From here on there are no options.
    ended: bool,
    /// The first word that is no option ends the options.
    posixly_correct: bool,
    others: Vec<&'a [u8]>,
}

impl<'a> Words<'a> {
    /// Begins to read `words`, which are those after the program's name.
    pub fn new(words: &'a [&'a [u8]], posixly_correct: bool) -> Self {
        Words {
            words,
            next: 0,
            cluster: &[],
            ended: false,
            posixly_correct,
            others: Vec::new(),
        }
    }

    /// The next option.
    pub fn next_option(&mut self) -> Option<Result<Found<'a>, Mistake>> {
        while self.cluster.is_empty() {
            let word = *self.words.get(self.next)?;
            self.next += 1;
            match word {
                _ if self.ended => self.others.push(word),
                b"--" => self.ended = true,
                [b'-', b'-', long @ ..] => return Some(self.long(long)),
                [b'-', cluster @ ..] if !cluster.is_empty() => self.cluster = cluster,
                _ => {
                    self.ended = self.posixly_correct;
                    self.others.push(word);
                }
            }
        }
        Some(self.short())
    }

    /// The last word that was looked at.
    pub fn last(&self) -> &'a [u8] {
        self.words
            .get(self.next.wrapping_sub(1))
            .copied()
            .unwrap_or(&[])
    }

    /// The words that are no options and no values, once all options are read.
    pub fn others(self) -> Vec<&'a [u8]> {
        self.others
    }

    fn long(&mut self, long: &'a [u8]) -> Result<Found<'a>, Mistake> {
        let (name, value) = match long.iter().position(|&byte| byte == b'=') {
            Some(at) => (&long[..at], Some(&long[at + 1..])),
            None => (long, None),
        };
        let option = options::by_long(name).ok_or(Mistake::Unknown)?;
        if value.is_some() && option.value == Value::None {
            return Err(Mistake::UnwantedArgument);
        }
        self.value(option, value)
    }

    fn short(&mut self) -> Result<Found<'a>, Mistake> {
        let (letter, rest) = (self.cluster[0], &self.cluster[1..]);
        self.cluster = &[];
        let option = options::by_short(letter).ok_or(Mistake::Unknown)?;
        match (rest, option.value) {
            ([b'=', ..], Value::None) => Err(Mistake::UnwantedArgument),
            (_, Value::None) => {
                self.cluster = rest;
                Ok((option, None))
            }
            ([], _) => self.value(option, None),
            ([b'=', value @ ..] | value, _) => self.value(option, Some(value)),
        }
    }

    /// Takes the value from the next word where it did not come with the option. An optional one
    /// is not taken from a word that looks like an option.
    fn value(
        &mut self,
        option: &'static Spec,
        value: Option<&'a [u8]>,
    ) -> Result<Found<'a>, Mistake> {
        if value.is_some() || option.value == Value::None {
            return Ok((option, value));
        }
        match (self.words.get(self.next), option.value) {
            (None | Some([b'-', ..]), Value::Optional(_)) => Ok((option, None)),
            (None, _) => Err(Mistake::MissingArgument),
            (Some(value), _) => {
                self.next += 1;
                Ok((option, Some(value)))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipvs::rule::options::Opt;

    type Read = Result<(Opt, Option<String>), Mistake>;

    fn read(line: &str) -> (Vec<Read>, Vec<String>) {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut reader = Words::new(&words, false);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let mut found = Vec::new();
        while let Some(option) = reader.next_option() {
            let stop = option.is_err();
            found.push(option.map(|(spec, value)| (spec.opt, value.map(text))));
            if stop {
                break;
            }
        }
        (found, reader.others().into_iter().map(text).collect())
    }

    fn options(line: &str) -> Vec<Read> {
        read(line).0
    }

    fn some(value: &str) -> Option<String> {
        Some(value.to_owned())
    }

    #[test]
    fn a_value_is_the_rest_of_the_word_or_the_next_word() {
        for line in [
            "-Ansrr",
            "-A -n -s rr",
            "-A -n -s=rr",
            "-A -n --scheduler=rr",
        ] {
            let expected = [
                Ok((Opt::AddService, None)),
                Ok((Opt::Numeric, None)),
                Ok((Opt::Scheduler, some("rr"))),
            ];
            assert_eq!(options(line), expected, "{line}");
        }
        assert_eq!(
            options("--scheduler==rr"),
            [Ok((Opt::Scheduler, some("=rr")))]
        );
        assert_eq!(options("-w -5"), [Ok((Opt::Weight, some("-5")))]);
    }

    #[test]
    fn an_optional_value_is_not_taken_from_an_option() {
        assert_eq!(options("-p 5"), [Ok((Opt::Persistent, some("5")))]);
        assert_eq!(options("-p5"), [Ok((Opt::Persistent, some("5")))]);
        let expected = [Ok((Opt::Persistent, None)), Ok((Opt::OnePacket, None))];
        assert_eq!(options("-p -o"), expected);
        assert_eq!(options("-p"), [Ok((Opt::Persistent, None))]);
        assert_eq!(
            read("-p -"),
            (vec![Ok((Opt::Persistent, None))], vec!["-".into()])
        );
    }

    #[test]
    fn mistakes_are_found_where_they_stand() {
        assert_eq!(options("-n=1"), [Err(Mistake::UnwantedArgument)]);
        assert_eq!(options("--numeric=1"), [Err(Mistake::UnwantedArgument)]);
        assert_eq!(options("-k"), [Err(Mistake::Unknown)]);
        assert_eq!(options("--num"), [Err(Mistake::Unknown)]);
        assert_eq!(options("-s"), [Err(Mistake::MissingArgument)]);
    }

    #[test]
    fn other_words_are_put_aside() {
        let (found, others) = read("a -n b -- -L");
        assert_eq!(found, [Ok((Opt::Numeric, None))]);
        assert_eq!(others, ["a", "b", "-L"]);
    }
}
