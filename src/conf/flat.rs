//! A configuration as one text: what files and definitions made of it, without the rest. It is read
//! again to the same, wherever that is.

use super::lex::{End, Piece, Word};

/// Writes a piece, on a line of its own.
pub fn write(text: &mut String, piece: &Piece) {
    match &piece.source {
        Some(source) if !is_sign(source) => write_plain(text, source),
        _ => {
            for (place, word) in piece.words.iter().enumerate() {
                if place > 0 {
                    text.push(' ');
                }
                write_word(text, word, place == 0);
            }
        }
    }
    text.push_str(match piece.end {
        End::Line => "\n",
        End::Opens => " {\n",
        End::Closes => "}\n",
    });
}

/// Whether the beginning of a line is that of a condition, a definition or a sequence.
fn is_sign(text: &str) -> bool {
    text.starts_with(['@', '$', '~'])
}

fn write_word(text: &mut String, word: &Word, is_first: bool) {
    if word.quoted || is_first && is_sign(&word.text) {
        text.extend(["\"", &word.text, "\""]);
    } else {
        write_plain(text, &word.text);
    }
}

/// Writes what stood in a line, so that nothing in it begins a comment.
fn write_plain(text: &mut String, source: &str) {
    let mut quoted = false;
    let mut characters = source.chars();
    while let Some(c) = characters.next() {
        match c {
            '"' => quoted = !quoted,
            '#' | '!' if !quoted => text.push('\\'),
            '\\' => {
                text.push(c);
                text.extend(characters.next());
                continue;
            }
            _ => {}
        }
        text.push(c);
    }
}
