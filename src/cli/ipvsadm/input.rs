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
    words.extend(
        line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n'))
            .map(|word| word.split(|&byte| byte == 0).next().unwrap_or(word))
            .filter(|word| !word.is_empty() && *word != b"ipvsadm"),
    );
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
        assert_eq!(words(b"-t a\0b c"), [&b"-t"[..], b"a", b"c"]);
        assert!(words(b"\n").is_empty());
    }
}
