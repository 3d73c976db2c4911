//! Text for eyes: styles, widths, numbers that are short, bars and sparklines.
//!
//! A style stands in a text as characters that take no room, so that a layout may measure and pad
//! what is styled; [`paint`] makes escape sequences of them at last, or nothing.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

/// How a piece of text stands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Titles and services.
    Strong,
    /// What need not be read.
    Faint,
    /// What the user has chosen.
    Chosen,
    /// Takes connections.
    Good,
    /// To be looked at.
    Warning,
    /// Not at work.
    Bad,
    /// A share of the weights.
    Weight,
    /// A share of the connections, or how they went.
    Traffic,
}

/// What the mark of the first style is; no character is assigned here, and all take no room
/// (`Default_Ignorable_Code_Point`).
const MARKS: u32 = 0xE0F00;

/// Ends a style.
const END: char = '\u{E0FFF}';

impl Style {
    const ALL: [Style; 8] = [
        Style::Strong,
        Style::Faint,
        Style::Chosen,
        Style::Good,
        Style::Warning,
        Style::Bad,
        Style::Weight,
        Style::Traffic,
    ];

    /// The text in this style. Styles do not nest: the end of one ends all.
    pub fn on(self, text: &str) -> String {
        let mark = char::from_u32(MARKS + self as u32).unwrap_or(END);
        format!("{mark}{text}{END}")
    }

    fn of_mark(mark: char) -> Option<Style> {
        let place = u32::from(mark).checked_sub(MARKS)?;
        Style::ALL.get(place as usize).copied()
    }

    /// The parameters of the escape sequence (ECMA-48, "Select Graphic Rendition"). Only the eight
    /// colours that each user has chosen for their terminal.
    fn parameters(self, ink: Ink) -> &'static str {
        match (ink, self) {
            (Ink::Plain, _) => "",
            (_, Style::Strong) => "1",
            (_, Style::Faint) => "2",
            (_, Style::Chosen) => "7",
            (Ink::Black, Style::Warning | Style::Bad) => "1",
            (Ink::Black, _) => "",
            (Ink::Colours, Style::Good | Style::Traffic) => "32",
            (Ink::Colours, Style::Warning) => "1;33",
            (Ink::Colours, Style::Bad) => "1;31",
            (Ink::Colours, Style::Weight) => "36",
        }
    }
}

/// What a text can be written with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ink {
    /// Nothing but characters.
    Plain,
    /// Bold, faint and reversed ones.
    Black,
    /// Colours too.
    Colours,
}

/// Appends a text with its styles as escape sequences. A frame (`│`) is in no style, so that one
/// whose end was cut off with its cell ends there.
pub fn paint(out: &mut String, text: &str, ink: Ink) {
    let mut open = false;
    for character in text.chars() {
        let style = Style::of_mark(character);
        if open && (style.is_some() || matches!(character, END | '│')) {
            out.push_str("\x1b[0m");
            open = false;
        }
        match style.map(|style| style.parameters(ink)) {
            Some("") => {}
            Some(parameters) => {
                out.push_str("\x1b[");
                out.push_str(parameters);
                out.push('m');
                open = true;
            }
            None if character == END => {}
            None => out.push(character),
        }
    }
    if open {
        out.push_str("\x1b[0m");
    }
}

/// The columns of a terminal that a text takes.
pub fn width(text: &str) -> usize {
    text.width()
}

/// A text without what a terminal might obey or hide: a name comes from who knows where.
pub fn tame(text: &str) -> String {
    let tame = |character: char| match character.width() {
        Some(1..) => character,
        _ => '?',
    };
    text.chars().map(tame).collect()
}

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// The text (without styles) in exactly so many columns: padded, or cut off with a sign that it
/// was.
pub fn fit(text: &str, columns: usize, side: Side, glyphs: Glyphs) -> String {
    let missing = match columns.checked_sub(width(text)) {
        Some(missing) => missing,
        None => return cut(text, columns, glyphs),
    };
    let blanks = " ".repeat(missing);
    match side {
        Side::Left => format!("{text}{blanks}"),
        Side::Right => format!("{blanks}{text}"),
    }
}

fn cut(text: &str, columns: usize, glyphs: Glyphs) -> String {
    let Some(room) = columns.checked_sub(1) else {
        return String::new();
    };
    let mut kept = String::new();
    let mut taken = 0;
    for character in text.chars() {
        taken += character.width().unwrap_or(0);
        if taken > room {
            break;
        }
        kept.push(character);
    }
    kept.push(glyphs.cut());
    let missing = columns.saturating_sub(width(&kept));
    kept + &" ".repeat(missing)
}

/// The characters to draw with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Glyphs {
    /// Blocks and circles.
    Unicode,
    /// Where the locale has no more.
    Ascii,
}

impl Glyphs {
    /// What stands where something was cut off.
    pub fn cut(self) -> char {
        match self {
            Glyphs::Unicode => '…',
            Glyphs::Ascii => '~',
        }
    }

    /// A bar for two shares, each 0 to 1 and together no more than 1, of so many columns: the
    /// first is solid, the second light. Anything above nothing shows.
    pub fn bar(self, first: f64, second: f64, columns: usize) -> String {
        const PARTS: [char; 8] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
        let (solid, light, steps) = match self {
            Glyphs::Unicode => ('█', '░', PARTS.len()),
            Glyphs::Ascii => ('#', '.', 1),
        };
        let full = columns * steps;
        let length = |share: f64| {
            let length = (share.clamp(0.0, 1.0) * full as f64).round() as usize;
            length.max(usize::from(share > 0.0)).min(full)
        };
        let solid_length = length(first);
        let mut bar: String = std::iter::repeat_n(solid, solid_length / steps).collect();
        let mut taken = solid_length / steps;
        if solid_length % steps > 0 {
            bar.push(PARTS[solid_length % steps]);
            taken += 1;
        }
        // A light part stands in whole columns.
        let end = length(first + second).div_ceil(steps).min(columns);
        bar.extend(std::iter::repeat_n(light, end.saturating_sub(taken)));
        bar.extend(std::iter::repeat_n(' ', columns - taken.max(end)));
        bar
    }

    /// A line of the last values, the newest at its right end, in so many columns. `top` is the
    /// value of the highest column; nothing shows as blank, or as the lowest one.
    pub fn sparkline<I>(self, values: I, top: f32, columns: usize) -> String
    where
        I: IntoIterator<Item = f32, IntoIter: ExactSizeIterator>,
    {
        let values = values.into_iter();
        let known = values.len();
        let mut line = " ".repeat(columns.saturating_sub(known));
        line.extend(
            values
                .skip(known.saturating_sub(columns))
                .map(|value| self.spark(value, top)),
        );
        line
    }

    fn spark(self, value: f32, top: f32) -> char {
        let levels: &[char] = match self {
            Glyphs::Unicode => &['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'],
            Glyphs::Ascii => &['_', '.', ':', '-', '=', '+', '*', '#'],
        };
        let highest = levels.len() - 1;
        let level = match value > 0.0 && top > 0.0 {
            // Whatever is more than nothing is higher than nothing.
            true => ((value / top * highest as f32).round() as usize).clamp(1, highest),
            false => 0,
        };
        levels[level]
    }
}

/// A count in at most five columns, with three digits at least: `9999`, `12.3K`, `123M`.
pub fn short(count: u64) -> String {
    match count {
        0..=9999 => count.to_string(),
        _ => with_unit(count as f64),
    }
}

/// What happens in a second, in at most five columns: `0`, `0.4`, `12.5`, `120`, `1.25K`.
pub fn rate(rate: f64) -> String {
    if rate <= 0.0 {
        "0".into()
    } else if rate < 0.1 {
        "<0.1".into()
    } else if rate < 99.95 {
        format!("{rate:.1}")
    } else if rate < 999.5 {
        format!("{rate:.0}")
    } else {
        with_unit(rate)
    }
}

/// A number from 999.5 up with three digits and a unit of thousand, million ...
fn with_unit(number: f64) -> String {
    let mut number = number;
    let mut unit = ' ';
    for next in ['K', 'M', 'G', 'T', 'P', 'E'] {
        if number < 999.5 {
            break;
        }
        number /= 1000.0;
        unit = next;
    }
    let digits = match number {
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{number:.digits$}{unit}")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn painted(text: &str, ink: Ink) -> String {
        let mut out = String::new();
        paint(&mut out, text, ink);
        out
    }

    #[test]
    fn styles_take_no_room_and_become_escape_sequences_or_nothing() {
        for style in Style::ALL {
            assert_eq!(width(&style.on("ab")), 2);
            assert_eq!(painted(&style.on("ab"), Ink::Plain), "ab");
        }
        let text = format!("x {} y", Style::Bad.on("full"));
        assert_eq!(painted(&text, Ink::Colours), "x \x1b[1;31mfull\x1b[0m y");
        assert_eq!(painted(&text, Ink::Black), "x \x1b[1mfull\x1b[0m y");
    }

    #[test]
    fn a_style_without_its_end_does_not_leave_its_cell() {
        let cut = Style::Bad.on("full").replace(END, "");
        assert_eq!(
            painted(&format!("{cut} │ x"), Ink::Colours),
            "\x1b[1;31mfull \x1b[0m│ x"
        );
        assert_eq!(painted(&cut, Ink::Colours), "\x1b[1;31mfull\x1b[0m");
    }

    #[test]
    fn names_lose_what_a_terminal_would_obey() {
        assert_eq!(tame("web\x1b[2J\u{200b}1\u{E0F00}"), "web?[2J?1?");
        assert_eq!(tame("日本"), "日本");
    }

    #[test]
    fn texts_fit_their_columns() {
        use Side::{Left, Right};
        for (text, columns, side, fitted) in [
            ("ab", 4, Left, "ab  "),
            ("ab", 4, Right, "  ab"),
            ("abcd", 4, Left, "abcd"),
            ("abcde", 4, Right, "abc…"),
            ("日本語", 4, Left, "日… "),
            ("ab", 0, Left, ""),
            ("ab", 1, Left, "…"),
        ] {
            assert_eq!(fit(text, columns, side, Glyphs::Unicode), fitted);
        }
        assert_eq!(fit("abc", 2, Left, Glyphs::Ascii), "a~");
    }

    #[test]
    fn bars_show_shares() {
        let bar = |first, second| Glyphs::Unicode.bar(first, second, 4);
        assert_eq!(bar(0.0, 0.0), "    ");
        assert_eq!(bar(0.5, 0.0), "██  ");
        assert_eq!(bar(0.25, 0.5), "█░░ ");
        assert_eq!(bar(1.0, 0.0), "████");
        assert_eq!(bar(0.0001, 0.0), "▏   ");
        assert_eq!(bar(0.4, 0.6), "█▋░░");
        assert_eq!(Glyphs::Ascii.bar(0.5, 0.25, 4), "##. ");
    }

    #[test]
    fn sparklines_end_with_the_newest_value() {
        let line = |values: &[f32], top, columns| {
            Glyphs::Unicode.sparkline(values.iter().copied(), top, columns)
        };
        assert_eq!(line(&[0.0, 1.0, 50.0, 100.0], 100.0, 6), "  ▁▂▅█");
        assert_eq!(line(&[0.0, 1.0, 50.0, 100.0], 100.0, 2), "▅█");
        assert_eq!(line(&[0.0], 0.0, 1), "▁");
        assert_eq!(line(&[], 1.0, 0), "");
        assert_eq!(Glyphs::Ascii.sparkline([0.0, 2.0], 2.0, 2), "_#");
    }

    #[test]
    fn numbers_are_short() {
        for (count, text) in [
            (0, "0"),
            (9_999, "9999"),
            (10_000, "10.0K"),
            (99_960, "100K"),
            (999_499, "999K"),
            (999_500, "1.00M"),
            (1_250_000_000, "1.25G"),
            (u64::MAX, "18.4E"),
        ] {
            assert_eq!(short(count), text);
        }
        for (value, text) in [
            (0.0, "0"),
            (0.05, "<0.1"),
            (0.44, "0.4"),
            (99.94, "99.9"),
            (99.96, "100"),
            (999.6, "1.00K"),
            (12_345.0, "12.3K"),
        ] {
            assert_eq!(rate(value), text);
        }
    }

    proptest! {
        #[test]
        fn whatever_is_asked_for_has_the_width_asked_for(
            text in "\\PC{0,20}", columns in 0..30usize, first in 0.0..1.0, second in 0.0..1.0,
        ) {
            let text = tame(&text);
            for glyphs in [Glyphs::Unicode, Glyphs::Ascii] {
                prop_assert_eq!(width(&fit(&text, columns, Side::Left, glyphs)), columns);
                prop_assert_eq!(width(&glyphs.bar(first, second, columns)), columns);
            }
        }

        #[test]
        fn numbers_have_at_most_five_columns(count: u64, value in 0.0..1e18) {
            prop_assert!(short(count).len() <= 5);
            prop_assert!(rate(value).len() <= 5);
        }
    }
}
