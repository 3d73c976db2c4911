//! Numbers as C reads them.

/// A whole number within `min..=max`, as `strtol` with base 10 reads the whole of `word`: blanks
/// and one sign may stand before it, nothing behind it.
pub fn integer(word: &[u8], min: u32, max: u32) -> Option<u32> {
    let (negative, digits) = sign(word);
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let value = magnitude(digits);
    if negative && value != 0 {
        return None;
    }
    (u64::from(min)..=u64::from(max))
        .contains(&value)
        .then_some(value as u32)
}

/// The number that `word` begins with, as `atoi` reads it; 0 if there is none or it is negative.
pub fn leading_integer(word: &[u8]) -> u64 {
    let (negative, digits) = sign(word);
    let end = digits
        .iter()
        .position(|byte| !byte.is_ascii_digit())
        .unwrap_or(digits.len());
    if negative {
        0
    } else {
        magnitude(&digits[..end])
    }
}

fn sign(word: &[u8]) -> (bool, &[u8]) {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t'..=b'\r');
    let start = word
        .iter()
        .position(|byte| !blank(byte))
        .unwrap_or(word.len());
    match &word[start..] {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] | digits => (false, digits),
    }
}

fn magnitude(digits: &[u8]) -> u64 {
    digits.iter().fold(0u64, |value, digit| {
        value
            .saturating_mul(10)
            .saturating_add(u64::from(digit - b'0'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_a_sign_and_leading_zeros_are_read_and_nothing_else() {
        for (word, value) in [("7", 7), (" 7", 7), ("+7", 7), ("\t007", 7), ("-0", 0)] {
            assert_eq!(integer(word.as_bytes(), 0, 10), Some(value), "{word:?}");
        }
        for word in [
            "",
            " ",
            "-1",
            "11",
            "7 ",
            "0x1",
            "1.5",
            "+-1",
            "99999999999999999999999",
        ] {
            assert_eq!(integer(word.as_bytes(), 0, 10), None, "{word:?}");
        }
        assert_eq!(leading_integer(b" 64abc"), 64);
        assert_eq!(leading_integer(b"-1"), 0);
        assert_eq!(leading_integer(b"abc"), 0);
    }
}
