//! Rules as they are written in a file: lines, words, comments.

/// The lines of the input; the last one need not have an end.
pub fn lines(input: &[u8]) -> impl Iterator<Item = &[u8]> {
    input.split_inclusive(|&byte| byte == b'\n')
}

/// The words of a line. The program's name is left out wherever it stands, and a NUL ends a word.
pub fn words(line: &[u8]) -> Vec<&[u8]> {
    /// A line of a saved table has no more than this.
    const USUAL: usize = 16;
    let mut words = Vec::with_capacity(USUAL);
    let is_blank = |byte: u8| matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
    let mut rest = line;
    while let Some(start) = rest.iter().position(|&byte| !is_blank(byte)) {
        rest = &rest[start..];
        let end = rest.iter().position(|&byte| is_blank(byte) || byte == 0);
        let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
        rest = after;
        if let [0, ..] = after {
            let next = after.iter().position(|&byte| is_blank(byte));
            rest = &after[next.unwrap_or(after.len())..];
        }
        if !word.is_empty() && word != b"ipvsadm" {
            words.push(word);
        }
    }
    words
}

/// Whether a line has no command: it is empty, or a comment. (ipvsadm has no comments: it would
/// end there.)
pub fn is_nothing(words: &[&[u8]]) -> bool {
    words.first().is_none_or(|word| word.starts_with(b"#"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_what_stands_between_blanks() {
        assert_eq!(words(b" -A\t-t x\r\n"), [&b"-A"[..], b"-t", b"x"]);
        assert_eq!(words(b"ipvsadm -A -t ipvsadm x"), [&b"-A"[..], b"-t", b"x"]);
        assert_eq!(words(b"-t a\0b\0c d"), [&b"-t"[..], b"a", b"d"]);
        assert_eq!(words(b"\0a b\0"), [&b"b"[..]]);
        assert!(words(b"\n").is_empty());
    }
}
