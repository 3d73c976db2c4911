//! Asks a file.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use super::exchange::Failure;
use super::{Reason, Share, Tracked};
use crate::host::error_text;

/// A number needs no more.
const LONGEST: u64 = 64;

/// Reads the number in the file.
pub fn probe(tracked: &Tracked) -> Result<Share, Failure> {
    let text = read(&tracked.path).map_err(|error| Reason::File(error_text(&error)))?;
    Ok(judge(&text, tracked.factor)?)
}

fn read(path: &Path) -> io::Result<String> {
    let mut bytes = Vec::new();
    File::open(path)?.take(LONGEST).read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// An empty file stands for 0.
fn judge(text: &str, factor: Option<i32>) -> Result<Share, Reason> {
    let text = text.trim();
    let value: i32 = match text {
        "" => 0,
        text => text
            .parse()
            .map_err(|_| Reason::File("not a number".to_owned()))?,
    };
    match (value, factor) {
        (value, Some(factor)) => Ok(Share::Plus(i64::from(value) * i64::from(factor))),
        (0, None) => Ok(Share::Same),
        (value, None) => Err(Reason::Value(value.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_down_or_a_weight() {
        let bad = || Err(Reason::File("not a number".to_owned()));
        for (text, factor, expected) in [
            ("0\n", None, Ok(Share::Same)),
            ("", None, Ok(Share::Same)),
            ("3", None, Err(Reason::Value(3))),
            ("-3\n", Some(2), Ok(Share::Plus(-6))),
            (
                "2147483647",
                Some(i32::MIN),
                Ok(Share::Plus(-4_611_686_016_279_904_256)),
            ),
            ("up", None, bad()),
            ("99999999999", Some(1), bad()),
        ] {
            assert_eq!(judge(text, factor), expected, "{text}");
        }
    }
}
