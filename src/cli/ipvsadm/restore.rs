//! `-R`: command lines from standard input, each run as it would be by itself.
//!
//! Changes are gathered and sent together. They go out before a command that is no change, before
//! a problem is told, and before the program waits for more input; so what is seen from outside
//! is as if each had been carried out at once.

use std::io;

use crate::cli::rules::{is_nothing, lines, words};
use crate::host::error_text;
use crate::ipvs::Change;
use crate::ipvs::rule::{self, Command, Output, Problem};

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
    /// The number of the line that is read.
    number: usize,
    /// How the last line ended.
    last: u8,
    /// How the first line that failed ended.
    first_failure: Option<u8>,
}

impl Session<'_> {
    /// Runs the lines of standard input. The exit status is that of the last one.
    ///
    /// A `strict` restore changes nothing when a line cannot be understood, and its exit status
    /// is that of the first line that fails.
    pub(super) fn restore(&mut self, tell_lines: bool, strict: bool) -> End {
        if let Err(end) = self.client() {
            return end;
        }
        let tell_lines = tell_lines || self.environment.terminal;
        let mut restore = Restore {
            session: self,
            tell_lines,
            changes: Vec::new(),
            lines: Vec::new(),
            number: 0,
            last: status::DONE,
            first_failure: None,
        };
        let ended = if strict {
            restore.check_and_run()
        } else {
            restore.run_as_it_comes()
        };
        End::Stops(match ended {
            Err(status) => status,
            Ok(()) if strict => restore.first_failure.unwrap_or(status::DONE),
            Ok(()) => restore.last,
        })
    }
}

impl Restore<'_, '_> {
    /// Runs all that has arrived before it waits for more. Ends with the input, or with the
    /// status of a line that ends it all.
    fn run_as_it_comes(&mut self) -> Result<(), u8> {
        let mut input = Vec::new();
        while self.read(&mut input)? > 0 {
            let end = input.iter().rposition(|&byte| byte == b'\n');
            let whole = end.map_or(0, |end| end + 1);
            self.run(&input[..whole])?;
            self.session.flush();
            input.drain(..whole);
        }
        self.run(&input)
    }

    /// Reads all lines and looks at each before the first is run.
    fn check_and_run(&mut self) -> Result<(), u8> {
        let mut input = Vec::new();
        while self.read(&mut input)? > 0 {}
        let mut ended = Ok(());
        for line in lines(&input) {
            self.number += 1;
            let words = words(line);
            if let Err(problem) = self.parse(&words) {
                let end = self.tell(&problem, &words);
                ended = ended.and(Err(end.status()));
            }
        }
        ended?;
        self.number = 0;
        self.run(&input)
    }

    /// Reads what there is; nothing at the end of the input.
    fn read(&mut self, input: &mut Vec<u8>) -> Result<usize, u8> {
        let start = input.len();
        input.resize(start + CHUNK_BYTES, 0);
        let read = loop {
            match self.session.environment.input.read(&mut input[start..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                result => break result,
            }
        };
        input.truncate(start + *read.as_ref().unwrap_or(&0));
        read.map_err(|error| {
            let text = error_text(&error);
            self.session
                .complain(&format!("ipvsadm: read error: {text}"));
            status::FAILED
        })
    }

    fn run(&mut self, input: &[u8]) -> Result<(), u8> {
        for line in lines(input) {
            self.number += 1;
            self.run_line(line)?;
        }
        self.send();
        Ok(())
    }

    fn run_line(&mut self, line: &[u8]) -> Result<(), u8> {
        let words = words(line);
        let command = match self.parse(&words) {
            Ok(None) => return Ok(()),
            Ok(Some(Command::Change(change))) => {
                self.changes.push(change);
                if self.tell_lines {
                    self.lines.push(self.here(&words));
                }
                if self.changes.len() == MOST_CHANGES {
                    self.send();
                }
                return Ok(());
            }
            Ok(Some(command)) => Ok(command),
            Err(problem) => Err(problem),
        };
        self.send();
        let end = match command {
            Ok(command) => {
                let end = self.session.command(command);
                if end.status() != status::DONE {
                    self.tell_line(&self.here(&words));
                }
                end
            }
            Err(problem) => self.tell(&problem, &words),
        };
        self.note(end.status());
        match end {
            End::GoesOn(_) => Ok(()),
            End::Stops(status) => Err(status),
        }
    }

    fn parse(&self, words: &[&[u8]]) -> Result<Option<Command>, Problem> {
        if is_nothing(words) {
            return Ok(None);
        }
        match rule::parse(words, self.session.context())? {
            Command::List(listing) if matches!(listing.output, Output::Watch(_)) => {
                // It would never end.
                let text = "Illegal 'watch' option with the 'restore' command";
                Err(Problem::Usage(text.into()))
            }
            command => Ok(Some(command)),
        }
    }

    /// Sends the changes that have been gathered, and tells which were refused.
    fn send(&mut self) {
        if self.changes.is_empty() {
            return;
        }
        let changes = std::mem::take(&mut self.changes);
        let lines = std::mem::take(&mut self.lines);
        let Ok(client) = self.session.client() else {
            return;
        };
        let outcomes = client.apply_all(&changes);
        for (index, outcome) in outcomes.into_iter().enumerate() {
            let refused = outcome.is_err();
            let end = self.session.changed(outcome);
            self.note(end.status());
            if let (true, Some(line)) = (refused, lines.get(index)) {
                self.tell_line(line);
            }
        }
    }

    /// Remembers how a line ended.
    fn note(&mut self, ended: u8) {
        self.last = ended;
        if ended != status::DONE {
            self.first_failure.get_or_insert(ended);
        }
    }

    fn here(&self, words: &[&[u8]]) -> Line {
        Line {
            number: self.number,
            text: words.join(&b' '),
        }
    }

    fn tell(&mut self, problem: &Problem, words: &[&[u8]]) -> End {
        let end = self.session.tell(problem);
        self.tell_line(&self.here(words));
        end
    }

    fn tell_line(&mut self, line: &Line) {
        if self.tell_lines {
            let text = String::from_utf8_lossy(&line.text);
            self.session
                .complain(&format!("ipvsadm: line {}: {text}", line.number));
        }
    }
}
