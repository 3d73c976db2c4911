//! A configuration as one text: what files and definitions made of it, without the rest. It is read
//! again to the same, wherever that is.

use super::lex::{End, Piece, Word};

/// Writes a piece, on a line of its own.
pub fn write(text: &mut String, piece: &Piece) {
    for (place, word) in piece.words.iter().enumerate() {
        if place > 0 {
            text.push(' ');
        }
        write_word(text, word, place == 0);
    }
    text.push_str(match piece.end {
        End::Line => "\n",
        End::Opens => " {\n",
        End::Closes => "}\n",
    });
}

fn write_word(text: &mut String, word: &Word, is_first: bool) {
    // At the beginning of a line these would be conditions, definitions and sequences.
    let is_sign = is_first && word.text.starts_with(['@', '$', '~']);
    if word.quoted || is_sign {
        text.extend(["\"", &word.text, "\""]);
        return;
    }
    for c in word.text.chars() {
        if matches!(c, '#' | '!') {
            text.push('\\');
        }
        text.push(c);
    }
}
