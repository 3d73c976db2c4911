//! Reads an answer of HTTP/1 as it comes, in pieces of any length. Nothing in here waits or asks
//! for anything, so that a server can be played that nobody would want to have.

use std::mem::MaybeUninit;

use httparse::{ParserConfig, Response, Status, parse_chunk_size};

use super::super::{Reason, Stage};

/// A longer head is not read; those of interim answers before it count.
const LONGEST_HEAD: usize = 64 * 1024;

/// A head with more fields is not read.
const MOST_FIELDS: usize = 100;

/// A longer line between the chunks of a body, or behind the last one, is not read.
const LONGEST_LINE: usize = 16 * 1024;

/// A longer page, with what is between its chunks, is not read.
const LONGEST_BODY: u64 = 64 * 1024 * 1024;

const MALFORMED: Reason = Reason::Malformed("HTTP");

/// An answer, as far as it has come.
#[derive(Debug)]
pub struct Answer {
    is_body_wanted: bool,
    /// What has come of a head, or of a line of a body in chunks, before its end is there.
    kept: Vec<u8>,
    /// How long the interim answers were.
    skipped: usize,
    /// How much has come behind the head.
    behind: u64,
    status: Option<u16>,
    rest: Rest,
}

/// How much of a body is still to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    /// So many bytes.
    Bytes(u64),
    /// What comes until the connection ends.
    Connection,
    /// Chunks.
    Chunks(Next),
}

/// What comes next in a body in chunks (RFC 9112, section 7.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Next {
    /// The line with the length of a chunk.
    Length,
    /// So many bytes of a chunk, and the end of its line.
    Data(u64),
    /// A field behind the last chunk, or the empty line that ends it all.
    Trailer,
}

/// Nothing more.
const END: Rest = Rest::Bytes(0);

impl Answer {
    /// One of which nothing has come. It ends with its head where the body is not wanted.
    pub fn new(is_body_wanted: bool) -> Self {
        Answer {
            is_body_wanted,
            kept: Vec::new(),
            skipped: 0,
            behind: 0,
            status: None,
            rest: END,
        }
    }

    /// The status, once the whole head is there.
    pub fn status(&self) -> Option<u16> {
        self.status
    }

    /// What is read now: the head or the body.
    pub fn stage(&self) -> Stage {
        match self.status {
            None => Stage::Answer,
            Some(_) => Stage::Body,
        }
    }

    /// Whether all that is wanted is there.
    pub fn has_ended(&self) -> bool {
        self.status.is_some() && self.rest == END
    }

    /// Reads what has come. What of it is the body's is handed to `part`.
    ///
    /// # Errors
    /// It is not HTTP, or too long.
    pub fn take(&mut self, piece: &[u8], part: impl FnMut(&[u8])) -> Result<(), Reason> {
        let piece = match self.status {
            None => self.take_head(piece)?,
            Some(_) => piece,
        };
        if self.status.is_none() || self.has_ended() {
            return Ok(());
        }
        self.behind += piece.len() as u64;
        if self.behind > LONGEST_BODY {
            return Err(Reason::TooLong(Stage::Body));
        }
        self.take_body(piece, part)
    }

    /// The connection has ended.
    ///
    /// # Errors
    /// Not all that is wanted is there.
    pub fn end(&mut self) -> Result<(), Reason> {
        match (self.status, self.rest) {
            (None, _) => {
                parse(&self.kept)?;
                Err(Reason::Closed(Stage::Answer))
            }
            (Some(_), END) => Ok(()),
            (Some(_), Rest::Connection) => {
                self.rest = END;
                Ok(())
            }
            (Some(_), _) => Err(Reason::Closed(Stage::Body)),
        }
    }

    /// Reads the head, and passes over interim answers. Gives back what is behind it.
    fn take_head<'a>(&mut self, mut piece: &'a [u8]) -> Result<&'a [u8], Reason> {
        while self.status.is_none() && !piece.is_empty() {
            let known = self.kept.len();
            // Mostly all of it comes at once, and nothing has to be kept.
            let parsed = match known {
                0 => parse(piece)?,
                _ => {
                    self.kept.extend_from_slice(piece);
                    // One that comes byte by byte is not parsed again with each of them.
                    let may_end = has_empty_line(&self.kept, known);
                    if may_end { parse(&self.kept)? } else { None }
                }
            };
            let length = parsed.map_or(known + piece.len(), |(_, length)| length);
            if self.skipped + length > LONGEST_HEAD {
                return Err(Reason::TooLong(Stage::Answer));
            }
            let Some((head, length)) = parsed else {
                if known == 0 {
                    self.kept.extend_from_slice(piece);
                }
                return Ok(&[]);
            };
            // The head's end has come just now.
            piece = piece.get(length.saturating_sub(known)..).unwrap_or(&[]);
            self.kept.clear();
            match head {
                Head::Interim => self.skipped += length,
                Head::Final { status, rest } => {
                    self.status = Some(status);
                    self.rest = if self.is_body_wanted { rest } else { END };
                }
            }
        }
        Ok(piece)
    }

    fn take_body(&mut self, mut piece: &[u8], mut part: impl FnMut(&[u8])) -> Result<(), Reason> {
        while !piece.is_empty() {
            match &mut self.rest {
                Rest::Bytes(0) => break,
                Rest::Connection => {
                    part(piece);
                    break;
                }
                Rest::Bytes(left) | Rest::Chunks(Next::Data(left @ 1..)) => {
                    let here = usize::try_from(*left).unwrap_or(usize::MAX);
                    let (data, behind) = piece.split_at(here.min(piece.len()));
                    *left -= data.len() as u64;
                    part(data);
                    piece = behind;
                }
                Rest::Chunks(next) => {
                    let end = piece.iter().position(|&byte| byte == b'\n');
                    let (line, behind) = piece.split_at(end.map_or(piece.len(), |end| end + 1));
                    self.kept.extend_from_slice(line);
                    if self.kept.len() > LONGEST_LINE {
                        return Err(Reason::TooLong(Stage::Body));
                    }
                    if end.is_some() {
                        self.rest = after(*next, &self.kept)?;
                        self.kept.clear();
                    }
                    piece = behind;
                }
            }
        }
        Ok(())
    }
}

/// What stands before a body.
#[derive(Clone, Copy, Debug)]
enum Head {
    /// The answer is still to come.
    Interim,
    Final {
        status: u16,
        rest: Rest,
    },
}

/// Whether the end of a head may be behind what is known of it.
fn has_empty_line(bytes: &[u8], known: usize) -> bool {
    let lines = bytes.get(known.saturating_sub(2)..).unwrap_or(&[]);
    lines.windows(2).any(|pair| pair == b"\n\n") || lines.windows(3).any(|three| three == b"\n\r\n")
}

/// Reads a head, if all of it is there, and says how long it is.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Reason> {
    let mut fields = [const { MaybeUninit::uninit() }; MOST_FIELDS];
    let mut response = Response::new(&mut []);
    let parser = ParserConfig::default();
    match parser.parse_response_with_uninit_headers(&mut response, bytes, &mut fields) {
        Ok(Status::Complete(length)) => Ok(Some((head(&response)?, length))),
        Ok(Status::Partial) => Ok(None),
        Err(httparse::Error::TooManyHeaders) => Err(Reason::TooLong(Stage::Answer)),
        Err(_) => Err(MALFORMED),
    }
}

fn head(response: &Response) -> Result<Head, Reason> {
    let status = response.code.filter(|&status| status >= 100);
    let status = status.ok_or(MALFORMED)?;
    let rest = match status {
        // It wants to speak something else than HTTP.
        101 | 204 | 304 => END,
        100..=199 => return Ok(Head::Interim),
        _ => rest(response)?,
    };
    Ok(Head::Final { status, rest })
}

/// What is behind a head (RFC 9112, section 6.3).
fn rest(response: &Response) -> Result<Rest, Reason> {
    let values = |name: &'static str| {
        let fields = response.headers.iter();
        let named = fields.filter(move |field| field.name.eq_ignore_ascii_case(name));
        named.flat_map(|field| field.value.split(|&byte| byte == b','))
    };
    if let Some(coding) = values("Transfer-Encoding").last() {
        let is_chunked = coding.trim_ascii().eq_ignore_ascii_case(b"chunked");
        return match (response.version, is_chunked) {
            (Some(1), true) => Ok(Rest::Chunks(Next::Length)),
            (Some(1), false) => Ok(Rest::Connection),
            _ => Err(MALFORMED),
        };
    }
    let mut lengths = values("Content-Length").map(number);
    match lengths.next() {
        None => Ok(Rest::Connection),
        Some(Some(length)) if lengths.all(|other| other == Some(length)) => Ok(Rest::Bytes(length)),
        Some(_) => Err(MALFORMED),
    }
}

/// A number of digits only.
fn number(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    let is_digits = digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits)
        .ok()
        .filter(|_| is_digits)?
        .parse()
        .ok()
}

/// What comes after a line of a body in chunks.
fn after(next: Next, line: &[u8]) -> Result<Rest, Reason> {
    let next = match (next, line) {
        // The parser takes no digit at all for 0.
        (Next::Length, [b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F', ..]) => {
            match parse_chunk_size(line) {
                Ok(Status::Complete((_, 0))) => Next::Trailer,
                Ok(Status::Complete((_, length))) => Next::Data(length),
                // A line has ended, but not as it should.
                Ok(Status::Partial) | Err(_) => return Err(MALFORMED),
            }
        }
        (Next::Data(_), b"\r\n") => Next::Length,
        (Next::Trailer, b"\r\n") => return Ok(END),
        (Next::Trailer, _) => Next::Trailer,
        _ => return Err(MALFORMED),
    };
    Ok(Rest::Chunks(next))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// What came of it: the status and the body, or why not.
    type Told = Result<(u16, Vec<u8>), Reason>;

    /// Lets a server say all this, and then end the connection.
    fn told<'a>(is_body_wanted: bool, pieces: impl IntoIterator<Item = &'a [u8]>) -> Told {
        let (mut answer, mut body) = (Answer::new(is_body_wanted), Vec::new());
        for piece in pieces {
            answer.take(piece, |part| body.extend_from_slice(part))?;
            if answer.has_ended() {
                break;
            }
        }
        answer.end()?;
        Ok((answer.status().unwrap(), body))
    }

    fn whole(text: &[u8]) -> Told {
        told(true, [text])
    }

    /// The status and the body of what must be an answer.
    fn read(text: &str) -> (u16, String) {
        let (status, body) = whole(text.as_bytes()).unwrap();
        (status, String::from_utf8(body).unwrap())
    }

    fn is_malformed(text: &str) -> bool {
        whole(text.as_bytes()) == Err(MALFORMED)
    }

    const CLOSED_IN_HEAD: Told = Err(Reason::Closed(Stage::Answer));
    const CLOSED_IN_BODY: Told = Err(Reason::Closed(Stage::Body));

    #[test]
    fn a_body_ends_as_its_head_says() {
        for (fields, text, body) in [
            ("", "page", "page"),
            ("Content-Length: 4\r\n", "page, and more", "page"),
            (
                "content-length:4\r\nCONTENT-LENGTH: 4, 4\r\n",
                "page!",
                "page",
            ),
            ("Content-Length: 0\r\n", "page", ""),
            ("Transfer-Encoding: gzip\r\n", "page", "page"),
            ("Transfer-Encoding: chunked, gzip\r\n", "page", "page"),
            (
                "Transfer-Encoding: chunked\r\nTransfer-Encoding: gzip\r\n",
                "page",
                "page",
            ),
            (
                "Transfer-Encoding: gzip, Chunked\r\n",
                "4\r\npage\r\n0\r\n\r\n",
                "page",
            ),
            (
                "Transfer-Encoding: chunked\r\nContent-Length: x\r\n",
                "1\r\np\r\n0\r\n\r\n",
                "p",
            ),
        ] {
            let text = format!("HTTP/1.1 200 OK\r\n{fields}\r\n{text}");
            assert_eq!(read(&text), (200, body.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn lengths_must_be_one_number() {
        for length in [
            "",
            "-1",
            "+4",
            "4 4",
            "0x4",
            "4,5",
            "4,",
            "4,x",
            "18446744073709551616",
            "é",
            "4\r\nContent-Length: 5",
        ] {
            let text = format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\npage");
            assert!(is_malformed(&text), "{text:?}");
        }
    }

    #[test]
    fn chunks_have_lengths_extensions_and_trailers() {
        for (chunks, body) in [
            ("0\r\n\r\n", Some("")),
            ("4\r\npage\r\n0\r\n\r\nmore", Some("page")),
            (
                "1\r\np\r\n03 ; a=b;c\r\nage\r\n000\r\nX: y\r\n\r\n",
                Some("page"),
            ),
            ("A\r\n0123456789\r\n0\r\n\r\n", Some("0123456789")),
            ("\r\n\r\n", None),
            (";a\r\n\r\n", None),
            ("-1\r\np\r\n", None),
            ("0x1\r\np\r\n", None),
            ("1\np\r\n0\r\n\r\n", None),
            ("1;a\nb\r\np\r\n0\r\n\r\n", None),
            ("1\r\npp\r\n0\r\n\r\n", None),
            ("1\r\np\n0\r\n\r\n", None),
            ("10000000000000000\r\np\r\n", None),
        ] {
            let text = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}");
            match body {
                Some(body) => assert_eq!(read(&text), (200, body.to_owned()), "{text:?}"),
                None => assert!(is_malformed(&text), "{text:?}"),
            }
        }
        let head = "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
        assert!(is_malformed(head), "HTTP/1.0 has no chunks");
    }

    #[test]
    fn interim_answers_are_passed_over() {
        let last = "HTTP/1.1 200 OK\r\n\r\npage";
        let text = format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nA: b\r\n\r\n{last}");
        assert_eq!(read(&text), (200, "page".to_owned()));
        assert_eq!(whole(b"HTTP/1.1 100 Continue\r\n\r\n"), CLOSED_IN_HEAD);
    }

    #[test]
    fn some_statuses_have_no_body() {
        for status in [101, 204, 304] {
            let text = format!("HTTP/1.1 {status} No\r\nContent-Length: 4\r\n\r\npage");
            assert_eq!(read(&text), (status, String::new()));
        }
    }

    #[test]
    fn a_body_that_is_not_wanted_is_not_looked_at() {
        let text = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n";
        assert_eq!(told(false, [&text[..]]), Ok((200, vec![])));
        let text = b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n";
        assert_eq!(told(false, [&text[..]]), Err(MALFORMED));
    }

    #[test]
    fn what_is_not_http_is_told_at_once() {
        for text in [
            "220 welcome\r\n",
            "HTTP/2.0 200 OK\r\n",
            "HTTP/1.1 2000 OK\r\n",
            "HTTP/1.1 099 OK\r\n\r\n",
            "HTTP/1.1 200 OK\r\nno field\r\n",
            "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n",
            "\0",
        ] {
            let taken = Answer::new(true).take(text.as_bytes(), |_| {});
            assert_eq!(taken, Err(MALFORMED), "{text:?}");
        }
    }

    #[test]
    fn an_early_end_is_told() {
        for text in ["", "HTTP/1.1 200 OK\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n"] {
            assert_eq!(whole(text.as_bytes()), CLOSED_IN_HEAD, "{text:?}");
        }
        for text in [
            "Content-Length: 5\r\n\r\npage",
            "Transfer-Encoding: chunked\r\n\r\n",
            "Transfer-Encoding: chunked\r\n\r\n5\r\npage",
            "Transfer-Encoding: chunked\r\n\r\n4\r\npage\r\n",
            "Transfer-Encoding: chunked\r\n\r\n0\r\n",
        ] {
            let text = format!("HTTP/1.1 200 OK\r\n{text}");
            assert_eq!(whole(text.as_bytes()), CLOSED_IN_BODY, "{text:?}");
        }
    }

    #[test]
    fn nothing_is_read_for_ever() {
        let endless = |first: &str, again: &str| {
            let first = std::iter::once(first.as_bytes());
            told(true, first.chain(std::iter::repeat(again.as_bytes())))
        };
        const TOO_LONG_HEAD: Told = Err(Reason::TooLong(Stage::Answer));
        const TOO_LONG_BODY: Told = Err(Reason::TooLong(Stage::Body));
        let head = "HTTP/1.1 200 OK\r\n";
        assert_eq!(endless(head, "A"), TOO_LONG_HEAD);
        assert_eq!(endless(head, "A: b\r\n"), TOO_LONG_HEAD);
        assert_eq!(endless("", "\r\n"), TOO_LONG_HEAD);
        assert_eq!(endless("", "HTTP/1.1 100 Continue\r\n\r\n"), TOO_LONG_HEAD);
        let fields = "A: b\r\n".repeat(MOST_FIELDS + 1);
        assert_eq!(
            whole(format!("{head}{fields}\r\n").as_bytes()),
            TOO_LONG_HEAD
        );
        let page = "x".repeat(1 << 20);
        assert_eq!(endless("HTTP/1.1 200 OK\r\n\r\n", &page), TOO_LONG_BODY);
        let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (first, again) in [
            ("1;", &*page),
            ("0\r\nA: ", &page),
            ("0\r\n", &format!("A: {}\r\n", &page[..1 << 13])),
            ("", &format!("2000\r\n{}\r\n", &page[..1 << 13])),
        ] {
            assert_eq!(endless(&format!("{chunked}{first}"), again), TOO_LONG_BODY);
        }
    }

    /// What servers say, and what is nearly that.
    fn texts() -> impl Strategy<Value = Vec<u8>> {
        let part = prop::sample::select(vec![
            "HTTP/1.1 200 OK\r\n",
            "HTTP/1.0 404 No\n",
            "HTTP/1.1 100 Continue\r\n\r\n",
            "Content-Length: 4\r\n",
            "Transfer-Encoding: chunked\r\n",
            "A: b\r\n",
            "\r\n",
            "\n",
            "4\r\npage\r\n",
            "2;a=b\r\n",
            "0\r\n",
            "page",
            "\r",
            ":",
            "\0",
        ]);
        let parts = prop::collection::vec(part, 0..12);
        (any::<bool>(), parts).prop_map(|(is_answer, parts)| {
            let first = if is_answer { "HTTP/1.1 200 OK\r\n" } else { "" };
            [first.as_bytes(), parts.concat().as_bytes()].concat()
        })
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in texts(), is_body_wanted: bool, length in 1..9_usize) {
            let at_once = told(is_body_wanted, [&text[..]]);
            prop_assert_eq!(told(is_body_wanted, text.chunks(length)), at_once);
        }

        #[test]
        fn any_bytes_are_something(bytes: Vec<u8>, is_body_wanted: bool) {
            let at_once = told(is_body_wanted, [&bytes[..]]);
            prop_assert_eq!(told(is_body_wanted, bytes.chunks(1)), at_once);
        }
    }
}
