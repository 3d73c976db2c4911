//! The bytes that make one screen of the one before it: only lines that are not the same are
//! written, so that nothing flickers and a slow line has little to carry.

use std::fmt::Write;

use crate::show::style::{Ink, paint, width};

/// The columns and lines of a screen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Columns.
    pub width: u16,
    /// Lines.
    pub height: u16,
}

/// What stands on the screen.
#[derive(Debug)]
pub struct Drawing {
    ink: Ink,
    /// The lines as they were written; none when nobody knows.
    shown: Option<(Size, Vec<String>)>,
}

impl Drawing {
    /// A screen of which nobody knows what stands on it.
    pub fn new(ink: Ink) -> Self {
        Drawing { ink, shown: None }
    }

    /// Something else has written on the screen.
    pub fn forget(&mut self) {
        self.shown = None;
    }

    /// The bytes that make the screen show `lines`, of which none is wider than the screen.
    pub fn change(&mut self, size: Size, lines: Vec<String>) -> String {
        let mut out = String::new();
        let before = match self.shown.take() {
            Some((same, before)) if same == size => before,
            _ => {
                out.push_str("\x1b[0m\x1b[2J");
                Vec::new()
            }
        };
        for place in 0..lines.len().max(before.len()) {
            let line = lines.get(place).map_or("", String::as_str);
            if before.get(place).map_or("", String::as_str) == line {
                continue;
            }
            // Writing to a String does not fail.
            let _ = write!(out, "\x1b[{};1H", place + 1);
            paint(&mut out, line, self.ink);
            // Behind a full line the cursor stands on its last column, which would be cleared.
            if width(line) < size.width.into() {
                out.push_str("\x1b[K");
            }
        }
        self.shown = Some((size, lines));
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size {
        width: 4,
        height: 3,
    };

    fn lines(text: &str) -> Vec<String> {
        text.lines().map(str::to_owned).collect()
    }

    #[test]
    fn only_what_is_new_is_written() {
        let mut drawing = Drawing::new(Ink::Plain);
        assert_eq!(
            drawing.change(SIZE, lines("one\nfour\n")),
            "\x1b[0m\x1b[2J\x1b[1;1Hone\x1b[K\x1b[2;1Hfour"
        );
        assert_eq!(drawing.change(SIZE, lines("one\nfour\n")), "");
        assert_eq!(
            drawing.change(SIZE, lines("one\nsix")),
            "\x1b[2;1Hsix\x1b[K"
        );
        assert_eq!(drawing.change(SIZE, lines("one")), "\x1b[2;1H\x1b[K");
    }

    #[test]
    fn another_size_or_writer_makes_all_new() {
        let mut drawing = Drawing::new(Ink::Plain);
        drawing.change(SIZE, lines("one"));
        drawing.forget();
        let all = "\x1b[0m\x1b[2J\x1b[1;1Hone\x1b[K";
        assert_eq!(drawing.change(SIZE, lines("one")), all);
        let wider = Size { width: 9, ..SIZE };
        assert_eq!(drawing.change(wider, lines("one")), all);
    }
}
