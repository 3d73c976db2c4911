//! `-R`: command lines from standard input, each run as it would be by itself.
//!
//! Changes are gathered and sent together. They go out before a command that is no change, before
//! a problem is told, and before the program waits for more input; so what is seen from outside
//! is as if each had been carried out at once.

use std::io;

use crate::host::error_text;
use crate::ipvs::Change;
use crate::ipvs::rule::{self, Command};

use super::{End, Session};
use crate::report::ipvsadm as status;

/// So many changes are gathered at most.
const MOST_CHANGES: usize = 1024;

/// So much input is read at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A line of the input, for messages.
struct Line {
    number: usize,
    text: Vec<u8>,
}

struct Restore<'s, 'a> {
    session: &'s mut Session<'a>,
    tell_lines: bool,
    /// Changes that have not been sent, and the lines they stand in.
    changes: Vec<Change>,
    lines: Vec<Line>,
    number: usize,
    /// How the last line ended.
    last: u8,
}

impl<'a> Session<'a> {
    /// Runs the lines of standard input. The exit status is that of the last one.
    pub(super) fn restore(&mut self, tell_lines: bool) -> End {
        if let Err(end) = self.client() {
            return end;
        }
        let tell_lines = tell_lines || self.environment.tell_lines;
        let mut restore = Restore {
            session: self,
            tell_lines,
            changes: Vec::new(),
            lines: Vec::new(),
            number: 0,
            last: status::DONE,
        };
        match restore.all() {
            Ok(()) => End::Stops(restore.last),
            Err(status) => End::Stops(status),
        }
    }
}

impl Restore<'_, '_> {
    /// Reads to the end of the input, or to the line that ends it all with a status.
    fn all(&mut self) -> Result<(), u8> {
        let mut input: Vec<u8> = Vec::new();
        loop {
            let done = match input.iter().rposition(|&byte| byte == b'\n') {
                Some(end) => end + 1,
                None => 0,
            };
            for line in input[..done].split_inclusive(|&byte| byte == b'\n') {
                self.line(line)?;
            }
            input.drain(..done);
            self.send();
            self.session.flush();
            match self.read(&mut input) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) => {
                    let text = error_text(&error);
                    self.session
                        .complain(&format!("ipvsadm: read error: {text}"));
                    return Err(status::FAILED);
                }
            }
        }
        self.line(&input)?;
        self.send();
        Ok(())
    }

    /// Reads what there is; nothing at the end of the input.
    fn read(&mut self, input: &mut Vec<u8>) -> io::Result<usize> {
        let start = input.len();
        input.resize(start + CHUNK_BYTES, 0);
        let read = loop {
            match self.session.environment.input.read(&mut input[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        input.truncate(start + *read.as_ref().unwrap_or(&0));
        read
    }

    fn line(&mut self, line: &[u8]) -> Result<(), u8> {
        self.number += 1;
        let words = words(line);
        // ipvsadm has no comments: it would end here.
        if words.first().is_none_or(|word| word.starts_with(b"#")) {
            return Ok(());
        }
        let context = self.session.context();
        let command = match rule::parse(&words, context) {
            Ok(Command::Change(change)) => {
                self.changes.push(change);
                if self.tell_lines {
                    self.lines.push(self.here(&words));
                }
                if self.changes.len() == MOST_CHANGES {
                    self.send();
                }
                return Ok(());
            }
            command => command,
        };
        self.send();
        let end = match command {
            Ok(command) => self.session.command(command),
            Err(problem) => self.session.tell(&problem),
        };
        if self.tell_lines && end.status() != status::DONE {
            let here = self.here(&words);
            self.tell_line(&here);
        }
        match end {
            End::GoesOn(status) => {
                self.last = status;
                Ok(())
            }
            End::Stops(status) => Err(status),
        }
    }

    /// Sends the changes that have been gathered, and tells which were refused.
    fn send(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        let changes = std::mem::take(&mut self.changes);
        let lines = std::mem::take(&mut self.lines);
        let outcomes = match self.session.client() {
            Ok(client) => client.apply_all(&changes),
            Err(_) => return,
        };
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let refused = outcome.is_err();
            self.last = self.session.changed(outcome).status();
            if let (true, Some(line)) = (refused, lines.get(index)) {
                self.tell_line(line);
            }
        }
    }

    fn here(&self, words: &[&[u8]]) -> Line {
        Line {
            number: self.number,
            text: words.join(&b' '),
        }
    }

    fn tell_line(&mut self, line: &Line) {
        let text = String::from_utf8_lossy(&line.text);
        self.session
            .complain(&format!("ipvsadm: line {}: {text}", line.number));
    }
}

/// The words of a line. The program's name is left out wherever it stands, and a NUL ends a word.
fn words(line: &[u8]) -> Vec<&[u8]> {
    /// A line of a saved table has no more than this.
    const USUAL: usize = 16;
    let mut words = Vec::with_capacity(USUAL);
    words.extend(
        line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
            .map(|word| word.split(|&byte| byte == 0).next().unwrap_or(word))
            .filter(|word| !word.is_empty() && *word != b"ipvsadm"),
    );
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_stands_between_blanks() {
        assert_eq!(words(b" -A\t-t x\r\n"), [&b"-A"[..], b"-t", b"x"]);
        assert_eq!(words(b"ipvsadm -A -t ipvsadm x"), [&b"-A"[..], b"-t", b"x"]);
        assert_eq!(words(b"-t a\0b c"), [&b"-t"[..], b"a", b"c"]);
        assert!(words(b"\n").is_empty());
    }
}
