//! Rules as they are written in a file: lines, words, comments, tables.

use crate::ipvs::Change;
use crate::ipvs::plan::{Misfit, Table};
use crate::ipvs::rule::{self, Command, Context, Problem};

/// A line that is no rule of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Its number, from 1 on.
    pub number: usize,
    /// What is wrong with it, and its words.
    pub text: String,
}

/// The table that a file describes, as `ipvsadm -S` prints it: `-A`, `-a` and comments.
///
/// # Errors
/// All lines that are wrong.
pub fn table(content: &[u8], context: Context<'_>) -> Result<Table, Vec<BadLine>> {
    let mut table = Table::default();
    let mut bad = Vec::new();
    for (index, line) in lines(content).enumerate() {
        let words = words(line);
        if is_nothing(&words) {
            continue;
        }
        if let Err(what) = add(&mut table, &words, context) {
            let line = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
            bad.push(BadLine {
                number: index + 1,
                text: format!("{what}: {line}"),
            });
        }
    }
    match bad.is_empty() {
        true => Ok(table),
        false => Err(bad),
    }
}

/// Adds what a line says to the table, or tells what is wrong with it.
fn add(table: &mut Table, words: &[&[u8]], context: Context<'_>) -> Result<(), String> {
    let added = match rule::parse(words, context) {
        Ok(Command::Change(Change::AddService(service))) => table.add_service(service),
        Ok(Command::Change(Change::AddDestination(of, new))) => table.add_destination(of, new),
        Ok(_) => return Err("not a rule of a saved table, -A or -a".to_owned()),
        Err(Problem::NoCommand) => return Err("not a rule".to_owned()),
        Err(problem) => {
            let mut text = Vec::new();
            // Writing to a Vec does not fail.
            let _ = problem.write(b"ipvsadm", &mut text);
            return Err(String::from_utf8_lossy(text.trim_ascii_end()).into_owned());
        }
    };
    added.map_err(|misfit| {
        let text = match misfit {
            Misfit::ServiceTwice => "the service is there already",
            Misfit::DestinationTwice => "the service has this server already",
            Misfit::NoService => "the service is not defined before its server",
        };
        text.to_owned()
    })
}

/// The lines of the input; the last one need not have an end.
pub fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split_inclusive(|&byte| byte == b'\n')
}

/// The words of a line. The program's name is left out wherever it stands, and a NUL ends a word.
pub fn words(line: &[u8]) -> Vec<&[u8]> {
    /// A line of a saved table has no more than this.
    const USUAL: usize = 16;
    let mut words = Vec::with_capacity(USUAL);
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let mut rest = line;
    while let Some(start) = rest.iter().position(|&byte| !is_blank(byte)) {
        rest = &rest[start..];
        let end = rest.iter().position(|&byte| is_blank(byte) || byte == 0);
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        if let [0, ..] = after {
            let next = after.iter().position(|&byte| is_blank(byte));
            rest = &after[next.unwrap_or(after.len())..];
        }
        if !word.is_empty() && word != b"ipvsadm" {
            words.push(word);
        }
    }
    words
}

/// Whether a line has no command: it is empty, or a comment. (ipvsadm has no comments: it would
/// end there.)
pub fn is_nothing(words: &[&[u8]]) -> bool {
    words.first().is_none_or(|word| word.starts_with(b"#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_stands_between_blanks() {
        assert_eq!(words(b" -A\t-t x\r\n"), [&b"-A"[..], b"-t", b"x"]);
        assert_eq!(words(b"ipvsadm -A -t ipvsadm x"), [&b"-A"[..], b"-t", b"x"]);
        assert_eq!(words(b"-t a\0b\0c d"), [&b"-t"[..], b"a", b"d"]);
        assert_eq!(words(b"\0a b\0"), [&b"b"[..]]);
        assert!(words(b"\n").is_empty());
    }
}
