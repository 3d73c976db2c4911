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

/// A decimal number such as `2` or `0.5`, in thousandths; further digits have no effect.
pub fn thousandths(word: &[u8]) -> Option<u32> {
    let dot = word.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match dot {
        Some(dot) => (&word[..dot], &word[dot + 1..]),
        None => (word, &b"0"[..]),
    };
    if whole.is_empty() || fraction.is_empty() || !fraction.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let whole = integer(whole, 0, u32::MAX)?;
    let digits = fraction.iter().chain(b"00").take(3);
    let fraction = digits.fold(0, |value, digit| value * 10 + u32::from(digit - b'0'));
    whole.checked_mul(1000)?.checked_add(fraction)
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
    fn a_fraction_is_read_to_its_third_digit() {
        for (word, value) in [("2", 2000), ("0.5", 500), ("1.25", 1250), ("0.0019", 1)] {
            assert_eq!(thousandths(word.as_bytes()), Some(value), "{word}");
        }
        for word in ["", ".5", "1.", "1.x", "x", "-1", "4294968", "1.2.3"] {
            assert_eq!(thousandths(word.as_bytes()), None, "{word}");
        }
    }

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
