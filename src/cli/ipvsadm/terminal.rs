//! What the program knows of a terminal: what can be shown on it, and the terminal as a screen.

use std::env;
use std::io::{self, IsTerminal};
use std::time::Duration;

use crate::host::terminal::{Event, Size, Terminal, size_of_output};
use crate::show::style::{Glyphs, Ink};

/// What standard output can show. By default it is a file.
#[derive(Clone, Copy, Debug)]
pub struct Display {
    /// What it can be written with.
    pub ink: Ink,
    /// What it can be drawn with.
    pub glyphs: Glyphs,
    /// How many columns it has, if that is known.
    pub width: Option<u16>,
    /// Whether it is a terminal on which one can write anywhere.
    pub moves: bool,
}

impl Default for Display {
    fn default() -> Self {
        Display {
            ink: Ink::Plain,
            glyphs: Glyphs::Unicode,
            width: None,
            moves: false,
        }
    }
}

impl Display {
    /// What is known of standard output: whether it is a `terminal`, and the `variables` of the
    /// environment, where one that is empty is as good as none.
    fn of(terminal: bool, variable: impl Fn(&str) -> Option<String>) -> Self {
        let variable = |name| variable(name).filter(|value| !value.is_empty());
        let moves = terminal && variable("TERM").is_some_and(|term| term != "dumb");
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(variable);
        let locale = locale.unwrap_or_default().to_lowercase();
        Display {
            ink: match (moves, variable("NO_COLOR")) {
                (false, _) => Ink::Plain,
                (true, Some(_)) => Ink::Black,
                (true, None) => Ink::Colours,
            },
            glyphs: match locale.ends_with("utf-8") || locale.ends_with("utf8") {
                true => Glyphs::Unicode,
                false => Glyphs::Ascii,
            },
            width: None,
            moves,
        }
    }
}

/// What the standard output of this process can show.
pub fn display() -> Display {
    let variable = |name: &str| env::var(name).ok();
    let terminal = io::stdout().is_terminal();
    Display {
        width: size_of_output().map(|(width, _)| width),
        ..Display::of(terminal, variable)
    }
}

/// A terminal that is all ours until it is dropped.
pub trait Screen {
    /// Its columns and lines.
    fn size(&self) -> Size;

    /// Writes to it.
    fn write(&mut self, bytes: &[u8]) -> io::Result<()>;

    /// Waits until something happens, but no longer than `time`.
    fn wait(&mut self, time: Duration) -> io::Result<Event>;

    /// Stops the program, with all of its job or alone, until it is told to go on.
    fn stop(&mut self, whole_job: bool) -> io::Result<()>;
}

impl Screen for Terminal {
    fn size(&self) -> Size {
        Terminal::size(self)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        Terminal::write(self, bytes)
    }

    fn wait(&mut self, time: Duration) -> io::Result<Event> {
        Terminal::wait(self, time)
    }

    fn stop(&mut self, whole_job: bool) -> io::Result<()> {
        Terminal::stop(self, whole_job)
    }
}

/// Takes over the terminal of this process.
pub fn screen() -> io::Result<Box<dyn Screen>> {
    Ok(Box::new(Terminal::open()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(terminal: bool, variables: &[(&str, &str)]) -> (Ink, Glyphs, bool) {
        let display = Display::of(terminal, |name| {
            let (_, value) = variables.iter().find(|(known, _)| *known == name)?;
            Some((*value).to_owned())
        });
        (display.ink, display.glyphs, display.moves)
    }

    #[test]
    fn colours_are_for_terminals_whose_users_want_them() {
        use Glyphs::Ascii;
        let xterm = ("TERM", "xterm");
        assert_eq!(of(true, &[xterm]), (Ink::Colours, Ascii, true));
        assert_eq!(
            of(true, &[xterm, ("NO_COLOR", "")]),
            (Ink::Colours, Ascii, true)
        );
        assert_eq!(
            of(true, &[xterm, ("NO_COLOR", "1")]),
            (Ink::Black, Ascii, true)
        );
        assert_eq!(of(true, &[("TERM", "dumb")]), (Ink::Plain, Ascii, false));
        assert_eq!(of(true, &[]), (Ink::Plain, Ascii, false));
        assert_eq!(of(false, &[xterm]), (Ink::Plain, Ascii, false));
    }

    #[test]
    fn the_locale_tells_what_can_be_drawn() {
        for (variables, glyphs) in [
            (&[("LANG", "C.UTF-8")][..], Glyphs::Unicode),
            (&[("LANG", "de_DE.utf8")], Glyphs::Unicode),
            (&[("LANG", "C.UTF-8"), ("LC_ALL", "C")], Glyphs::Ascii),
            (
                &[("LC_CTYPE", "en_US.UTF-8"), ("LANG", "C")],
                Glyphs::Unicode,
            ),
            (&[("LC_ALL", ""), ("LANG", "C.UTF-8")], Glyphs::Unicode),
            (&[], Glyphs::Ascii),
        ] {
            assert_eq!(of(false, variables).1, glyphs, "{variables:?}");
        }
    }
}
