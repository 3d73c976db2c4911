//! A line of text to words: comments, quotes, escapes, braces.

use std::borrow::Cow;
use std::collections::VecDeque;

use super::source::Place;

/// A word, without its quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// The text.
    pub text: String,
    /// Whether it stood in double quotes.
    pub quoted: bool,
    /// Where.
    pub place: Place,
}

/// How a statement ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// With its line.
    Line,
    /// With a `{`.
    Opens,
    /// It is a `}` and has no words.
    Closes,
}

/// What stands between two ends: some words, then the end of a line or a brace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// The words.
    pub words: Vec<Word>,
    /// How it ends.
    pub end: End,
    /// The whole of it, or its brace.
    pub place: Place,
    /// Its words as they stand, where quotes or escapes are among them: scripts are read from that.
    pub source: Option<Box<str>>,
}

/// Whether a character stands between words. The blanks of Unicode do not: keepalived reads bytes.
pub fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t'..='\r')
}

/// A line without its comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stripped<'a> {
    /// The text, with `\#` and `\!` as they are meant. A `\` at the end of the line is at its end,
    /// even if it was the end of the comment.
    pub text: Cow<'a, str>,
    /// The character (from 1) of a comment that begins inside a word, as in `k@l!ve`.
    pub cut: Option<(u32, char)>,
    /// Whether double quotes are open at the end.
    pub is_open: bool,
}

/// Takes the comment off a line: from `#` or `!` to its end, outside of double quotes.
pub fn strip(line: &str) -> Stripped<'_> {
    if !line.bytes().any(|byte| matches!(byte, b'#' | b'!' | b'\\')) {
        return Stripped {
            text: Cow::Borrowed(line),
            cut: None,
            is_open: line.bytes().filter(|byte| *byte == b'"').count() % 2 == 1,
        };
    }
    let mut text = String::with_capacity(line.len());
    let (mut quoted, mut commented, mut continued) = (false, false, false);
    let mut cut = None;
    let mut characters = line.chars().zip(1u32..).peekable();
    while let Some((c, column)) = characters.next() {
        match c {
            '\\' => match characters.next() {
                None => continued = true,
                Some(_) if commented => {}
                Some((sign @ ('#' | '!'), _)) if !quoted => text.push(sign),
                Some((other, _)) => text.extend([c, other]),
            },
            _ if commented => {}
            '#' | '!' if !quoted => {
                let inside = text
                    .chars()
                    .next_back()
                    .is_some_and(|before| !is_blank(before) && !"{}!#\"".contains(before));
                let goes_on = characters
                    .peek()
                    .is_some_and(|(next, _)| !is_blank(*next) && *next != c);
                if inside && goes_on {
                    cut = Some((column, c));
                }
                commented = true;
            }
            _ => {
                quoted ^= c == '"';
                text.push(c);
            }
        }
    }
    if continued {
        text.truncate(text.trim_end_matches(is_blank).len());
        text.push('\\');
    }
    Stripped {
        text: Cow::Owned(text),
        cut,
        is_open: quoted,
    }
}

/// Splits a line without a comment at its braces and blanks; the pieces come behind those that are
/// there. Gives the character (from 1) of a double quote that nothing ends.
///
/// `place` is the line; the columns of the words are counted from its own.
pub fn split(text: &str, place: Place, pieces: &mut VecDeque<Piece>) -> Option<u32> {
    let mut unterminated = None;
    let mut words: Vec<Word> = Vec::new();
    let mut column = 0;
    let mut rest = text;
    // What stands from the first of the words to `rest`.
    let mut begin = text;
    let source = |begin: &str, rest: &str| {
        let source = &begin[..begin.len() - rest.len()];
        let is_special = source
            .bytes()
            .any(|byte| matches!(byte, b'\'' | b'"' | b'\\'));
        is_special.then(|| source.trim_end_matches(is_blank).into())
    };
    loop {
        let trimmed = rest.trim_start_matches(is_blank);
        // All blanks are of one byte.
        column += length(rest) - length(trimmed);
        rest = trimmed;
        let at = |length: u32| Place {
            column: place.column + column,
            length,
            ..place
        };
        let Some(first) = rest.chars().next() else {
            break;
        };
        if words.is_empty() {
            begin = rest;
        }
        let taken = match first {
            '{' => {
                pieces.push_back(Piece {
                    place: whole(&words, at(1)),
                    words: std::mem::take(&mut words),
                    end: End::Opens,
                    source: source(begin, rest),
                });
                "{"
            }
            '}' => {
                push_line(pieces, &mut words, source(begin, rest));
                pieces.push_back(Piece {
                    words: Vec::new(),
                    end: End::Closes,
                    place: at(1),
                    source: None,
                });
                "}"
            }
            '"' => {
                let end = rest[1..].find('"').map(|end| end + 1);
                if end.is_none() {
                    unterminated = Some(column + 1);
                }
                let taken = &rest[..end.map_or(rest.len(), |end| end + 1)];
                words.push(Word {
                    text: rest[1..end.unwrap_or(rest.len())].to_owned(),
                    quoted: true,
                    place: at(width(taken)),
                });
                taken
            }
            _ => {
                let ends = |c: char| matches!(c, '"' | '{' | '}') || is_blank(c);
                let taken = &rest[..rest.find(ends).unwrap_or(rest.len())];
                words.push(Word {
                    text: taken.to_owned(),
                    quoted: false,
                    place: at(width(taken)),
                });
                taken
            }
        };
        column += width(taken);
        rest = &rest[taken.len()..];
    }
    push_line(pieces, &mut words, source(begin, rest));
    unterminated
}

/// A text up to its first brace outside of double quotes, and what stands behind that, if anything
/// does.
pub fn behind_brace(text: &str) -> Option<(&str, &str)> {
    let mut quoted = false;
    let brace = text.bytes().position(|byte| {
        quoted ^= byte == b'"';
        !quoted && matches!(byte, b'{' | b'}')
    })?;
    let rest = text[brace + 1..].trim_start_matches(is_blank);
    (!rest.is_empty()).then(|| (&text[..=brace], rest))
}

/// How many bytes a text has.
fn length(text: &str) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

/// How many characters a text has.
fn width(text: &str) -> u32 {
    u32::try_from(text.chars().count()).unwrap_or(u32::MAX)
}

fn push_line(pieces: &mut VecDeque<Piece>, words: &mut Vec<Word>, source: Option<Box<str>>) {
    if let Some(first) = words.first() {
        pieces.push_back(Piece {
            place: whole(words, first.place),
            words: std::mem::take(words),
            end: End::Line,
            source,
        });
    }
}

/// From the first word to the end of the last; `otherwise` if there is none.
fn whole(words: &[Word], otherwise: Place) -> Place {
    match words {
        [] => otherwise,
        [first, .., last] => Place {
            length: (last.place.column + last.place.length).saturating_sub(first.place.column),
            ..first.place
        },
        [only] => only.place,
    }
}

/// The arguments of a script as it is started: blanks separate, `'` and `"` group, and `\` gives
/// the well-known escapes.
///
/// # Errors
///
/// The quote that nothing ends.
pub fn arguments(command: &str) -> Result<Vec<String>, char> {
    let mut found = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    let mut characters = command.chars().peekable();
    while let Some(c) = characters.next() {
        match (quote, c) {
            (_, '\\') => {
                let escaped = escape(&mut characters);
                word.get_or_insert_default().push(escaped);
            }
            (Some(end), _) if c == end => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, _) if is_blank(c) => found.extend(word.take()),
            _ => word.get_or_insert_default().push(c),
        }
    }
    found.extend(word);
    match quote {
        Some(quote) => Err(quote),
        None => Ok(found),
    }
}

/// The words of a statement in which `'` groups as well, and `\` gives escapes. A word that has them
/// has no column of its own.
///
/// # Errors
///
/// The quote that nothing ends.
pub fn escaped(source: &str, place: Place) -> Result<Vec<Word>, char> {
    let word = |text| Word {
        text,
        quoted: false,
        place,
    };
    Ok(arguments(source)?.into_iter().map(word).collect())
}

type Rest<'a> = std::iter::Peekable<std::str::Chars<'a>>;

/// The byte whose digits, `most` of them, come after `value`.
fn number(rest: &mut Rest<'_>, mut value: u32, radix: u32, most: usize) -> char {
    for _ in 0..most {
        let Some(digit) = rest.peek().and_then(|c| c.to_digit(radix)) else {
            break;
        };
        value = (value * radix + digit) & 0xff;
        rest.next();
    }
    char::from_u32(value).unwrap_or('?')
}

/// The character that an escape stands for, once its `\` is read.
fn escape(rest: &mut Rest<'_>) -> char {
    let Some(c) = rest.next() else { return '\\' };
    match c {
        'a' => '\x07',
        'b' => '\x08',
        'E' => '\x1b',
        'f' => '\x0c',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'v' => '\x0b',
        'x' if rest.peek().is_some_and(char::is_ascii_hexdigit) => number(rest, 0, 16, usize::MAX),
        'c' => match rest.next() {
            Some(c) => char::from_u32(u32::from(c) & 0x1f).unwrap_or('?'),
            None => 'c',
        },
        '0'..='7' => number(rest, c.to_digit(8).unwrap_or(0), 8, 2),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> Vec<(Vec<String>, End)> {
        let place = Place {
            line: 1,
            column: 1,
            ..Place::default()
        };
        let mut pieces = VecDeque::new();
        split(&strip(text).text, place, &mut pieces);
        let texts = |piece: Piece| piece.words.into_iter().map(|word| word.text).collect();
        let end = |piece: &Piece| piece.end;
        pieces
            .into_iter()
            .map(|piece| {
                let end = end(&piece);
                (texts(piece), end)
            })
            .collect()
    }

    #[test]
    fn braces_end_pieces_and_comments_end_lines() {
        let line = |words: &[&str], end| {
            let words: Vec<String> = words.iter().map(|&word| word.into()).collect();
            (words, end)
        };
        for (text, expected) in [
            ("", vec![]),
            ("a b # c", vec![line(&["a", "b"], End::Line)]),
            ("a \"b # c\"", vec![line(&["a", "b # c"], End::Line)]),
            ("a\\!b", vec![line(&["a!b"], End::Line)]),
            (
                "a{b}",
                vec![
                    line(&["a"], End::Opens),
                    line(&["b"], End::Line),
                    line(&[], End::Closes),
                ],
            ),
            ("a \"{\"", vec![line(&["a", "{"], End::Line)]),
            ("a \"\"", vec![line(&["a", ""], End::Line)]),
            ("a\u{a0}b\tc", vec![line(&["a\u{a0}b", "c"], End::Line)]),
            ("\"M\"S", vec![line(&["M", "S"], End::Line)]),
        ] {
            assert_eq!(words(text), expected, "{text}");
        }
    }

    #[test]
    fn a_backslash_at_the_end_outlives_its_comment() {
        for (line, left) in [
            ("a # b", "a "),
            ("a \\", "a\\"),
            ("a # b \\", "a\\"),
            ("# b \\", "\\"),
            ("# b \\ ", ""),
            ("# b \\\\", ""),
            ("\"a\\\"#b\" # c", "\"a\\\"#b\" "),
            ("a\\\\#b", "a\\\\"),
        ] {
            assert_eq!(strip(line).text, left, "{line}");
        }
    }

    #[test]
    fn the_source_of_words_is_there_where_they_have_quotes() {
        for (line, source) in [
            ("script a b", None),
            ("script 'a b' {", Some("script 'a b'")),
            (" script \"a\" b  ", Some("script \"a\" b")),
            ("x { script a\\ b }", Some("script a\\ b")),
        ] {
            let mut pieces = VecDeque::new();
            split(line, Place::default(), &mut pieces);
            let found = pieces.iter().find_map(|piece| piece.source.as_deref());
            assert_eq!(found, source, "{line}");
        }
    }

    #[test]
    fn a_comment_that_cuts_a_word_is_seen() {
        assert_eq!(strip("auth_pass k@l!ve").cut, Some((14, '!')));
        for text in ["a !b", "a! b", "a {#b", "\"a!b\"", "a\\!b", "!!a", "a!!"] {
            assert_eq!(strip(text).cut, None, "{text}");
        }
    }

    #[test]
    fn words_know_their_columns() {
        let place = Place {
            line: 1,
            column: 1,
            ..Place::default()
        };
        let mut found = VecDeque::new();
        split("  é \"b c\" {", place, &mut found);
        let columns: Vec<(u32, u32)> = found[0]
            .words
            .iter()
            .map(|word| (word.place.column, word.place.length))
            .collect();
        assert_eq!(columns, [(3, 1), (5, 5)]);
    }

    #[test]
    fn the_arguments_of_a_script_are_split_a_second_time() {
        for (text, expected) in [
            ("/bin/x a  b", Ok(vec!["/bin/x", "a", "b"])),
            ("'a b' \"c d\"", Ok(vec!["a b", "c d"])),
            ("a\\ b \\x41\\102\\n ''", Ok(vec!["a b", "AB\n", ""])),
            ("a 'b", Err('\'')),
        ] {
            let found = arguments(text);
            let expected = expected.map(|words| words.into_iter().map(String::from).collect());
            assert_eq!(found, expected, "{text}");
        }
    }
}
