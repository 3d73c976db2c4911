//! Counters in the columns of `--stats` and `--rate`.

use std::fmt::{self, Write};

/// How counters are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counting {
    /// In full, however wide.
    Exact,
    /// In nine places, shortened to thousands, millions ... where they do not fit.
    Short,
}

/// Appends a counter, right-aligned in nine places. Shortened ones are cut off, not rounded.
pub fn write(out: &mut String, count: u64, counting: Counting) -> fmt::Result {
    const LIMITS: [(u64, u64, char); 4] = [
        (1_000_000_000, 1_000, 'K'),
        (100_000_000_000, 1_000_000, 'M'),
        (100_000_000_000_000, 1_000_000_000, 'G'),
        (u64::MAX, 1_000_000_000_000, 'T'),
    ];
    match (counting, count) {
        (Counting::Short, 100_000_000..) => {
            let (_, unit, letter) = LIMITS
                .into_iter()
                .find(|(limit, ..)| count < *limit)
                .unwrap_or(LIMITS[3]);
            write!(out, "{:>8}{letter}", count / unit)
        }
        // A blank stands before the widest numbers too.
        (_, 100_000_000..) => write!(out, " {count}"),
        _ => write!(out, "{count:>9}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(count: u64, counting: Counting) -> String {
        let mut out = String::new();
        write(&mut out, count, counting).unwrap();
        out
    }

    #[test]
    fn large_counters_are_cut_off_at_a_unit() {
        for (count, short) in [
            (0, "        0"),
            (99_999_999, " 99999999"),
            (100_000_000, "  100000K"),
            (999_999_999, "  999999K"),
            (1_000_000_000, "    1000M"),
            (99_999_999_999, "   99999M"),
            (100_000_000_000, "     100G"),
            (99_999_999_999_999, "   99999G"),
            (100_000_000_000_000, "     100T"),
            (u64::MAX, "18446744T"),
        ] {
            assert_eq!(text(count, Counting::Short), short);
        }
    }

    #[test]
    fn exact_counters_keep_a_blank_before_them() {
        assert_eq!(text(12_345_678, Counting::Exact), " 12345678");
        assert_eq!(text(123_456_789, Counting::Exact), " 123456789");
        assert_eq!(text(u64::MAX, Counting::Exact), " 18446744073709551615");
    }
}
