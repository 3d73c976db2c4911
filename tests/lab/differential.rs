//! Random command lines, and random input of `-R`, go to the real program and to ours. From the same
//! table both must print the same, end the same, and leave the same table.
//!
//! `LVSKIT_CASES` says how many are tried (of each kind), `LVSKIT_SEED` where to begin. Each case
//! has a seed of its own, that of the first is `LVSKIT_SEED`: a failure tells which to set to run
//! that case alone.

use serde_json::json;

use crate::expectation::Expectation;
use crate::fail::{Context, Result};
use crate::replay::{replay, replay_reference};
use crate::transcript::Case;
use crate::vocabulary::{
    CHANGES, Command, NUMBERS, OPTIONS, OTHER_COMMANDS, STRAY, TABLE, Takes, Values, Word,
};
use crate::world::World;

/// So many take about twelve seconds in software emulation.
const CASES: u64 = 45;
const SEED: u64 = 1;

/// How many differences are shown.
const SHOWN: usize = 10;

/// `-S` of ours has more than that of the real program, on purpose: thresholds, and masks of services
/// that are not persistent.
const SAVED_BY_US_ONLY: [(&str, &str); 2] = [
    (r"(?m)^(-a .*?)(?: -[xy] \d+)+", "$1"),
    (r"(?m)^(-A \S+ \S+(?: -6)? -s \S+) -M \S+", "$1"),
];

/// One command line a case.
pub fn command_lines(world: &mut World) -> Result {
    compare(world, |random| (random.command_line(), String::new()))
}

/// Several command lines a case, as input of `-R`.
pub fn restores(world: &mut World) -> Result {
    compare(world, |random| (vec!["-R".to_owned()], random.input()))
}

fn compare(world: &mut World, make: fn(&mut Random) -> (Vec<String>, String)) -> Result {
    let cases = setting("LVSKIT_CASES", CASES)?;
    let mut seed = setting("LVSKIT_SEED", SEED)?;
    let mut failures = Vec::new();
    for number in 0..cases {
        let mut random = Random(seed);
        let case = case(&mut random, make)?;
        if let Some(difference) = difference(world, &case) {
            failures.push(format!(
                "  case {number} (LVSKIT_SEED={seed} LVSKIT_CASES=1): {}\n{difference}\n",
                shown(&case)
            ));
        }
        seed = random.next();
    }
    if failures.is_empty() {
        return Ok(());
    }
    let count = failures.len();
    failures.truncate(SHOWN);
    Err(format!("{}  {count} of {cases} differ", failures.concat()))
}

/// A number of the environment.
fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().context(name),
        Err(_) => Ok(default),
    }
}

/// What a transcript is before it is recorded.
fn case(random: &mut Random, make: fn(&mut Random) -> (Vec<String>, String)) -> Result<Case> {
    let (argv, stdin) = make(random);
    let setup: Vec<Vec<&str>> = TABLE
        .lines()
        .map(|line| line.split(' ').collect())
        .collect();
    let env = if random.percent(5) {
        json!({"POSIXLY_CORRECT": "1"})
    } else {
        json!({})
    };
    let case = json!({
        "id": "", "group": "", "setup": setup, "argv": argv, "stdin": stdin, "env": env,
        "stdout": "", "stderr": "", "rc": 0, "after": "", "norm": SAVED_BY_US_ONLY,
    });
    serde_json::from_value(case).context("case")
}

fn difference(world: &mut World, case: &Case) -> Option<String> {
    let ours = replay(world, case);
    let real = replay_reference(world, case);
    match (ours, real) {
        (Ok(ours), Ok(real)) => Expectation::observed(case, real, true).differences(&ours),
        (Err(why), _) => Some(format!("  ours: {why}\n")),
        (_, Err(why)) => Some(format!("  the real program: {why}\n")),
    }
}

/// The call and its input, so that nothing in it is in doubt.
fn shown(case: &Case) -> String {
    let mut text = String::new();
    for (name, value) in &case.env {
        text += &format!("{name}={value} ");
    }
    text += "ipvsadm";
    for word in &case.argv {
        match word.is_empty() || word.contains(char::is_whitespace) {
            true => text += &format!(" '{word}'"),
            false => text += &format!(" {word}"),
        }
    }
    for line in case.stdin.split_inclusive('\n') {
        text += &format!("\n    {}", line.escape_debug());
    }
    text
}

/// SplitMix64, in which neighbouring seeds lead to unlike cases.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from 0 to `end - 1`.
    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn percent(&mut self, chance: usize) -> bool {
        self.below(100) < chance
    }

    fn one_of<'a, T>(&mut self, of: &'a [T]) -> &'a T {
        &of[self.below(of.len())]
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for end in (2..=items.len()).rev() {
            items.swap(end - 1, self.below(end));
        }
    }

    /// What `-R` reads: a few command lines, with white space between, before and behind.
    fn input(&mut self) -> String {
        let mut input = String::new();
        for _ in 0..=self.below(6) {
            let mut words = self.command_line();
            // There is no way to write these.
            words.retain(|word| !word.is_empty() && !word.contains(char::is_whitespace));
            if self.percent(5) {
                words.insert(0, "ipvsadm".into());
            }
            let (before, between, behind) = match self.percent(80) {
                true => ("", " ", ""),
                false => (
                    *self.one_of(&["", " ", "\t"]),
                    *self.one_of(&["\t", "  "]),
                    *self.one_of(&["", " ", "\t", "\r"]),
                ),
            };
            input += &format!("{before}{}{behind}\n", words.join(between));
        }
        match self.below(4) {
            // White space before the end of the input makes a difference, on purpose.
            0 => input.trim_end().to_owned(),
            1 => input + "\n",
            _ => input,
        }
    }

    fn command_line(&mut self) -> Vec<String> {
        loop {
            let words = self.words();
            // `flag-3` has a name with sh and mh too, on purpose.
            let is_named = words.iter().any(|word| word.contains("flag-3"));
            let by_hash = |word: &String| word.ends_with("sh") || word.ends_with("mh");
            if !(is_named && words.iter().any(by_hash)) {
                return words;
            }
        }
    }

    /// A command and options that go with it, most of the time.
    fn words(&mut self) -> Vec<String> {
        let Command(command, needed, possible) = match self.percent(60) {
            true => self.one_of(CHANGES),
            false => self.one_of(OTHER_COMMANDS),
        };
        let mut options = Vec::new();
        for (choices, chance) in [(needed, 95), (possible, 40)] {
            for alternatives in choices.iter() {
                if self.percent(chance) {
                    let alternatives: Vec<&str> = alternatives.split('|').collect();
                    let names = self.one_of(&alternatives).split(' ');
                    options.extend(names.map(|name| self.option(name)));
                }
            }
        }
        if command.1 == "set" {
            let count = *self.one_of(&[3, 3, 3, 3, 2, 4]);
            options.extend((0..count).map(|_| vec![self.value(NUMBERS)]));
        }
        if self.percent(8) {
            let any = self.one_of(OPTIONS);
            options.push(self.word(any));
        }
        if self.percent(4) {
            options.push(vec![(*self.one_of(STRAY)).to_owned()]);
        }
        if self.percent(15) {
            self.shuffle(&mut options);
        }
        let mut words = self.word(command);
        words.extend(options.into_iter().flatten());
        words
    }

    /// The option of this long name.
    fn option(&mut self, name: &str) -> Vec<String> {
        let option = OPTIONS.iter().find(|Word(_, long, _)| *long == name);
        self.word(option.expect("the vocabulary has all its own options"))
    }

    /// One of the ways to write it, with a value if it takes one.
    fn word(&mut self, Word(letter, long, takes): &Word) -> Vec<String> {
        let short = !letter.is_empty() && self.percent(70);
        let name = match short {
            true => format!("-{letter}"),
            false => format!("--{long}"),
        };
        let value = match takes {
            Takes::Nothing => return vec![name],
            Takes::Optional(_) if self.percent(50) => return vec![name],
            Takes::Optional(values) | Takes::Value(values) => self.value(values),
        };
        match self.below(4) {
            0 => vec![format!("{name}={value}")],
            1 if short => vec![name + &value],
            _ => vec![name, value],
        }
    }

    fn value(&mut self, Values(good, others): &Values) -> String {
        let values = if self.percent(80) { good } else { others };
        (*self.one_of(values)).to_owned()
    }
}
