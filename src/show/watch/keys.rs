//! The keys that a terminal sends, out of the bytes that it sends them as.

/// A key that means something here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A character; those with the control key are the control characters.
    Char(char),
    /// Escape by itself.
    Escape,
    /// An arrow key.
    Up,
    /// An arrow key.
    Down,
    /// Page up.
    PageUp,
    /// Page down.
    PageDown,
    /// The first of all.
    Home,
    /// The last of all.
    End,
}

/// Takes the bytes in whatever pieces they come.
#[derive(Debug, Default)]
pub struct Decoder {
    /// The beginning of a key.
    begun: Vec<u8>,
}

/// What the bytes at the beginning are.
enum Piece {
    /// So many bytes are a key, or one that means nothing here.
    Whole(usize, Option<Key>),
    /// The beginning of one.
    Part,
}

/// No key sends more than this; what is longer is rubbish.
const LONGEST: usize = 32;

impl Decoder {
    /// The keys that end in these bytes.
    pub fn feed(&mut self, bytes: &[u8]) -> Vec<Key> {
        self.begun.extend(bytes);
        let mut keys = Vec::new();
        while !self.begun.is_empty() {
            match piece(&self.begun) {
                Piece::Whole(length, key) => {
                    self.begun.drain(..length);
                    keys.extend(key);
                }
                Piece::Part if self.begun.len() > LONGEST => self.begun.clear(),
                Piece::Part => break,
            }
        }
        keys
    }

    /// Whether a key has begun. If nothing comes for a moment, it was all: call [`Self::end`].
    pub fn has_begun(&self) -> bool {
        !self.begun.is_empty()
    }

    /// The key that a beginning is when nothing follows: only Escape is one.
    pub fn end(&mut self) -> Option<Key> {
        let begun = std::mem::take(&mut self.begun);
        (begun == [ESC]).then_some(Key::Escape)
    }
}

const ESC: u8 = 0x1b;

fn piece(bytes: &[u8]) -> Piece {
    match *bytes {
        [ESC] | [ESC, b'[' | b'O'] => Piece::Part,
        // "SS3": the keys of a terminal in application mode.
        [ESC, b'O', last, ..] => Piece::Whole(3, named(&[], last)),
        // "CSI": parameters up to a letter or a tilde.
        [ESC, b'[', ref rest @ ..] => {
            match rest.iter().position(|byte| (0x40..=0x7e).contains(byte)) {
                // The function keys of the Linux console: one more letter.
                Some(0) if rest[0] == b'[' => match rest.len() {
                    1 => Piece::Part,
                    _ => Piece::Whole(4, None),
                },
                Some(place) => Piece::Whole(place + 3, named(&rest[..place], rest[place])),
                None => Piece::Part,
            }
        }
        [ESC, ESC, ..] => Piece::Whole(1, Some(Key::Escape)),
        // A character with the Alt key.
        [ESC, _, ..] => Piece::Whole(2, None),
        [byte @ 0..=0x7f, ..] => Piece::Whole(1, Some(Key::Char(byte.into()))),
        // Beyond ASCII nothing has a meaning here.
        _ => Piece::Whole(1, None),
    }
}

/// The key of a sequence; the first parameter tells the key, others the keys held with it.
fn named(parameters: &[u8], last: u8) -> Option<Key> {
    let first = parameters.split(|&byte| byte == b';').next();
    match (last, first.unwrap_or_default()) {
        (b'A', _) => Some(Key::Up),
        (b'B', _) => Some(Key::Down),
        (b'H', _) | (b'~', b"1" | b"7") => Some(Key::Home),
        (b'F', _) | (b'~', b"4" | b"8") => Some(Key::End),
        (b'~', b"5") => Some(Key::PageUp),
        (b'~', b"6") => Some(Key::PageDown),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(pieces: &[&[u8]]) -> Vec<Key> {
        let mut decoder = Decoder::default();
        let mut keys: Vec<Key> = pieces
            .iter()
            .flat_map(|piece| decoder.feed(piece))
            .collect();
        keys.extend(decoder.end());
        keys
    }

    #[test]
    fn keys_are_known_by_their_sequences() {
        for (bytes, expected) in [
            (&b"q"[..], &[Key::Char('q')][..]),
            (b"\x03", &[Key::Char('\x03')]),
            (b"\x1b", &[Key::Escape]),
            (b"\x1b[A\x1bOB", &[Key::Up, Key::Down]),
            (b"\x1b[5~\x1b[6~", &[Key::PageUp, Key::PageDown]),
            (b"\x1b[1~\x1b[F", &[Key::Home, Key::End]),
            (b"\x1b[1;5A", &[Key::Up]),
            (b"\x1b\x1bq", &[Key::Escape]),
            (b"\x1bq", &[]),
            ("ü".as_bytes(), &[]),
            (b"\x1b[[Aq", &[Key::Char('q')]),
            (b"\x1b[15~q", &[Key::Char('q')]),
        ] {
            assert_eq!(keys(&[bytes]), expected, "{}", bytes.escape_ascii());
        }
    }

    #[test]
    fn sequences_may_come_in_pieces() {
        assert_eq!(keys(&[b"\x1b", b"[", b"5", b"~"]), [Key::PageUp]);
        let mut decoder = Decoder::default();
        assert_eq!(decoder.feed(b"\x1b"), []);
        assert!(decoder.has_begun());
        assert_eq!(decoder.end(), Some(Key::Escape));
        assert!(!decoder.has_begun());
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter(bytes: Vec<u8>, place: prop::sample::Index) {
            let (one, other) = bytes.split_at(place.index(bytes.len() + 1));
            prop_assert_eq!(keys(&[one, other]), keys(&[&bytes]));
        }

        #[test]
        fn what_has_begun_ends(bytes: Vec<u8>) {
            let mut decoder = Decoder::default();
            for byte in bytes {
                decoder.feed(&[byte]);
                prop_assert!(decoder.begun.len() <= LONGEST);
            }
        }
    }
}
