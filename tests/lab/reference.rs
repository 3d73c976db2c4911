//! The real program, kept running: it reads command lines from a pipe (`-R`) for as long as we
//! like, which saves a fork and exec for every one of them.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Stdio};

use crate::fail::{Context, Result};
use crate::process::{command, memory_file};

/// A listing of exactly one line, which tells the end of an answer.
const MARK: &str = "-L --timeout";
const MARK_ANSWER: &str = "Timeout (tcp";

pub struct Session {
    process: Child,
    commands: ChildStdin,
    answers: BufReader<ChildStdout>,
    complaints: File,
    /// How much of the complaints was read.
    heard: u64,
}

impl Session {
    pub fn start(reference: &Path) -> Result<Self> {
        let complaints = memory_file()?;
        let mut process = command(Path::new("/usr/bin/stdbuf"))
            .args(["-oL".as_ref(), reference, "-R".as_ref()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(complaints.try_clone().context("stderr")?)
            .spawn()
            .context("stdbuf")?;
        let (commands, answers) = (process.stdin.take(), process.stdout.take());
        let (commands, answers) = commands
            .zip(answers)
            .ok_or("no pipes to the reference program")?;
        Ok(Self {
            process,
            commands,
            answers: BufReader::new(answers),
            complaints,
            heard: 0,
        })
    }

    /// Whether a command line survives `-R`, which knows no quoting and drops the word ipvsadm.
    pub fn can_say(words: &[String]) -> bool {
        words.iter().all(|word| {
            !word.is_empty() && word != "ipvsadm" && !word.contains(char::is_whitespace)
        })
    }

    /// Runs the command lines and takes what they print. After an error the session is of no use.
    pub fn ask<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let mut marks = 0;
        let mut text = String::new();
        for line in lines.into_iter().chain([MARK]) {
            marks += usize::from(line == MARK);
            text += line;
            text.push('\n');
        }
        // A broken pipe shows below as the end of the answers.
        let sent = self.commands.write_all(text.as_bytes());
        let mut answer = String::new();
        while marks > 0 {
            let start = answer.len();
            if self
                .answers
                .read_line(&mut answer)
                .context("reference program")?
                == 0
            {
                let status = self.process.wait().context("reference program")?;
                return Err(format!(
                    "the reference program ended ({status}): {}{answer}",
                    self.complaints()?
                ));
            }
            if answer[start..].starts_with(MARK_ANSWER) {
                marks -= 1;
                if marks == 0 {
                    answer.truncate(start);
                }
            }
        }
        sent.context("reference program")?;
        match self.complaints()? {
            none if none.is_empty() => Ok(answer),
            complaints => Err(format!("the reference program says: {complaints}")),
        }
    }

    /// What came on standard error since the last time.
    fn complaints(&mut self) -> Result<String> {
        let length = self.complaints.metadata().context("stderr")?.len();
        let mut bytes = vec![0; (length - self.heard) as usize];
        self.complaints
            .read_exact_at(&mut bytes, self.heard)
            .context("stderr")?;
        self.heard = length;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // Nothing to report to: it may be gone already.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
