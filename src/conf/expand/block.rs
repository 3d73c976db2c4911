//! Where a virtual server ends, without reading it: there may be thousands.

use std::borrow::Cow;

use crate::conf::lex::{self, is_blank};

/// The keyword of virtual servers.
const KEYWORD: &str = "virtual_server";

/// A virtual server as it stands in one file: whole lines, in which there are no definitions,
/// conditions, sequences or includes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Block {
    /// Which of the sources.
    pub file: u32,
    /// How many lines stand before it.
    pub lines_before: u32,
    /// The byte at which it begins.
    pub begin: usize,
    /// The byte behind it.
    pub end: usize,
}

/// How far a text goes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// How many lines.
    pub lines: u32,
    /// How many bytes, with the ends of the lines.
    pub bytes: usize,
}

/// Whether a virtual server begins in the first line of a text.
pub fn begins(text: &str) -> bool {
    let first = text.trim_start_matches(|c| is_blank(c) && c != '\n');
    let rest = first.strip_prefix(KEYWORD);
    rest.is_some_and(|rest| rest.starts_with(is_blank))
}

/// How far the virtual server goes that begins the text. Nothing if only who reads it can tell: other
/// lines stand in it than its own, or it has no end.
pub fn extent(text: &str) -> Option<Extent> {
    let mut extent = Extent::default();
    let mut depth = 0_usize;
    while extent.bytes < text.len() {
        let (line, signs) = first_line(text.get(extent.bytes..)?);
        let stripped = match signs & COMMENT {
            0 => Cow::Borrowed(line),
            _ => lex::strip(line.trim_end_matches(['\r', '\n'])).text,
        };
        if extent.lines > 0 && is_of_others(&stripped) {
            return None;
        }
        extent.lines += 1;
        extent.bytes += line.len();
        if signs & STRUCTURE == 0 {
            continue;
        }
        let (mut quoted, mut ended) = (false, false);
        for byte in stripped.bytes() {
            match byte {
                // Something stands behind the last brace.
                _ if ended && !is_blank(char::from(byte)) => return None,
                _ if SIGNS[usize::from(byte)] & STRUCTURE == 0 => {}
                b'$' => return None,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' => depth += 1,
                _ => {
                    depth = depth.checked_sub(1)?;
                    ended = depth == 0;
                }
            }
        }
        if quoted {
            return None;
        }
        if ended {
            return Some(extent);
        }
    }
    None
}

/// A comment begins, or is kept from it.
const COMMENT: u8 = 1;

/// A block begins or ends, or there may be more, or less, than there seems.
const STRUCTURE: u8 = 2;

/// What each byte may be the sign of. Most are of nothing, and most lines have none.
const SIGNS: [u8; 256] = {
    let mut signs = [0; 256];
    signs[b'#' as usize] = COMMENT;
    signs[b'!' as usize] = COMMENT;
    signs[b'\\' as usize] = COMMENT;
    signs[b'{' as usize] = STRUCTURE;
    signs[b'}' as usize] = STRUCTURE;
    signs[b'"' as usize] = STRUCTURE;
    signs[b'$' as usize] = STRUCTURE;
    signs
};

/// The first line of a text, with its end, and the signs that are in it.
fn first_line(text: &str) -> (&str, u8) {
    let mut signs = 0;
    for (place, &byte) in text.as_bytes().iter().enumerate() {
        signs |= SIGNS[usize::from(byte)];
        if byte == b'\n' {
            return (&text[..=place], signs);
        }
    }
    (text, signs)
}

/// Whether a line makes others, or begins what stands at the top, so that a brace is missing.
fn is_of_others(line: &str) -> bool {
    let text = line.trim_start_matches(|c| is_blank(c) || c == '"');
    match text.as_bytes().first() {
        Some(b'@' | b'~') => true,
        Some(b'i') => text.starts_with("include"),
        Some(b'v') => text.starts_with("vrrp_") || text.starts_with(KEYWORD),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: &str = "virtual_server 192.0.2.1 80 {\n real_server 10.0.0.1 80 {\n }\n}\n";

    #[test]
    fn a_virtual_server_ends_with_its_last_brace() {
        for (before, lines) in [
            (ONE, 4),
            (" virtual_server group G\n{\n}\n", 3),
            ("virtual_server 192.0.2.1 80 { # {\n}  ! }\n", 2),
            (
                "virtual_server 192.0.2.1 80 {\n quorum_up \"echo }\"\n}\n",
                3,
            ),
            ("virtual_server\t192.0.2.1 80 { }", 1),
            ("virtual_server 192.0.2.1 80 {\n\n# @x $y\n}\r\n", 4),
        ] {
            let text = format!("{before}vrrp_instance V {{\n");
            let found = extent(if before.ends_with('\n') {
                &text
            } else {
                before
            });
            let bytes = before.len();
            assert!(begins(&text), "{text}");
            assert_eq!(found, Some(Extent { lines, bytes }), "{before}");
        }
    }

    #[test]
    fn a_virtual_server_begins_with_its_keyword() {
        for text in [
            "",
            "virtual_server",
            "virtual_server_group G {\n}\n",
            "vrrp_instance V {\n}\n",
            "\nvirtual_server 192.0.2.1 80 {\n}\n",
            "# virtual_server 192.0.2.1 80 {\n}\n",
        ] {
            assert!(!begins(text), "{text}");
        }
    }

    #[test]
    fn what_only_a_reader_knows_is_left_to_one() {
        for text in [
            "virtual_server 192.0.2.1 80 {\n",
            "virtual_server 192.0.2.1 80 }\n",
            "virtual_server $VIP 80 {\n}\n",
            "virtual_server 192.0.2.1 80 {\n @here delay_loop 1\n}\n",
            "virtual_server 192.0.2.1 80 {\n include x.conf\n}\n",
            "virtual_server 192.0.2.1 80 {\n \"includea\" x.conf\n}\n",
            "virtual_server 192.0.2.1 80 {\n ~SEQ(A, 1, 2) real_server 10.0.0.$A 80 {\n }\n}\n",
            "virtual_server 192.0.2.1 80 {\n quorum_up \"echo\n}\n",
            "virtual_server 192.0.2.1 80 {\n} vrrp_instance V {\n}\n",
            "virtual_server 192.0.2.1 80 {\n} }\n",
            // A brace is missing.
            "virtual_server 192.0.2.1 80 {\nvrrp_instance V {\n}\n}\n",
            "virtual_server 192.0.2.1 80 {\nvirtual_server 192.0.2.2 80 {\n}\n}\n",
        ] {
            assert_eq!(extent(text), None, "{text}");
        }
    }
}
