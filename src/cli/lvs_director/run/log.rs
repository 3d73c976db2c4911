//! Where the lines of a director and of its programs go.

use std::fs::File;
use std::io::{self, Write};
use std::path::PathBuf;

use crate::host::clock;
use crate::host::syslog::{Severity, Syslog};
use crate::supervise::director::Level;

/// What a director is called in its log.
const PROGRAM: &str = "lvs-director";

/// The log.
pub struct Log<'a> {
    /// Standard error, and whether it takes a level at the front of a line.
    pub console: Option<(&'a mut dyn Write, bool)>,
    /// The log of the machine.
    pub syslog: Option<Syslog>,
    /// A file.
    pub file: Option<(PathBuf, File)>,
}

/// Opens a file to add lines to it.
pub fn open(path: PathBuf) -> io::Result<(PathBuf, File)> {
    let file = File::options().create(true).append(true).open(&path)?;
    Ok((path, file))
}

impl Log<'_> {
    /// A line of the director itself.
    pub fn say(&mut self, level: Level, text: &str) {
        self.write(level, PROGRAM, std::process::id(), text);
    }

    /// A line that a program has written; its name may stand at the front.
    pub fn pass_on(&mut self, name: &str, id: u32, line: &str) {
        let text = line
            .strip_prefix(name)
            .and_then(|rest| rest.strip_prefix(": "))
            .unwrap_or(line);
        self.write(level(text), name, id, text);
    }

    /// Opens the file anew: somebody may have moved it away.
    ///
    /// # Errors
    /// The old one is still used.
    pub fn reopen(&mut self) -> io::Result<()> {
        if let Some((path, file)) = &mut self.file {
            *file = open(path.clone())?.1;
        }
        Ok(())
    }

    /// Nobody is left to tell where a log cannot be written.
    fn write(&mut self, level: Level, name: &str, id: u32, text: &str) {
        let severity = match level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
            Level::Info => Severity::Info,
        };
        if let Some((console, leveled)) = &mut self.console {
            let _ = match leveled {
                true => writeln!(console, "<{}>{name}: {text}", severity as u8),
                false => writeln!(console, "{name}: {text}"),
            };
        }
        if let Some(syslog) = &mut self.syslog {
            syslog.send(severity, name, id, text);
        }
        if let Some((_, file)) = &mut self.file {
            let line = format!("{} {name}[{id}]: {text}\n", clock::local_time());
            let _ = file.write_all(line.as_bytes());
        }
    }
}

/// How much a line matters that a program has written.
fn level(text: &str) -> Level {
    let has = |word: &str| text.starts_with(word) || text.contains(&format!(" {word}"));
    match () {
        () if has("error:") => Level::Error,
        () if has("warning:") => Level::Warning,
        () => Level::Info,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_name_of_their_program_once() {
        let mut console = Vec::new();
        let mut log = Log {
            console: Some((&mut console, false)),
            syslog: None,
            file: None,
        };
        log.pass_on("lvs-vrrp", 7, "lvs-vrrp: VI: warning: x");
        log.pass_on("lvs-vrrp", 7, "INSTANCE \"VI\" MASTER 100");
        log.say(Level::Info, "ready");
        let text = String::from_utf8(console).unwrap();
        assert_eq!(
            text,
            "lvs-vrrp: VI: warning: x\nlvs-vrrp: INSTANCE \"VI\" MASTER 100\nlvs-director: ready\n"
        );
    }

    #[test]
    fn levels_are_read_off_lines() {
        assert_eq!(level("VI: warning: x"), Level::Warning);
        assert_eq!(level("a.conf:1:2: error: x"), Level::Error);
        assert_eq!(level("error: x"), Level::Error);
        assert_eq!(level("up 10.0.0.1:80"), Level::Info);
    }
}
