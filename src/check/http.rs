//! Asks for pages, by HTTP/1 with or without TLS, and looks at what comes.

use std::fmt;
use std::future::{Future, poll_fn};
use std::io;
use std::ops::RangeInclusive;
use std::pin::{Pin, pin};
use std::str::FromStr;
use std::task::Poll;

use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper::header::{self, HeaderValue};
use hyper::{Request, Response, Uri};
use hyper_util::rt::TokioIo;
use md5::{Digest as _, Md5};
use regex::bytes::{Regex, RegexBuilder};
use tokio::io::{AsyncRead, AsyncWrite};

use super::connect::{OneClose, tcp};
use super::exchange::{Deadline, Failure, failure};
use super::tls::Tls;
use super::{Origin, Reason, Stage};
use crate::addr::{Endpoint, Family};

/// A longer head of an answer is not read.
const LONGEST_HEAD: usize = 64 * 1024;

/// A longer page is not read.
const LONGEST_BODY: u64 = 64 * 1024 * 1024;

/// What a regular expression may match begins and ends before this.
const SEARCHED: usize = 1024 * 1024;

/// Pages of one server. All of them must be as they should.
#[derive(Clone, Debug, PartialEq)]
pub struct Http {
    /// TLS, if it is spoken.
    pub tls: Option<Tls>,
    /// How the server is spoken to.
    pub version: Version,
    /// The pages.
    pub pages: Vec<Page>,
}

/// What keepalived calls `http_protocol`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Version {
    /// HTTP/1.0.
    #[default]
    V1_0,
    /// HTTP/1.0 with `Connection: close`.
    V1_0C,
    /// HTTP/1.1 with `Connection: close`.
    V1_1,
}

impl Version {
    /// The version that is written so in keepalived.conf.
    pub fn parse(text: &str) -> Option<Self> {
        match text {
            "1.0" => Some(Version::V1_0),
            "1.0C" | "1.0c" => Some(Version::V1_0C),
            "1.1" => Some(Version::V1_1),
            _ => None,
        }
    }
}

/// One page, and what it must be.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    path: Uri,
    host: Option<HeaderValue>,
    /// What it must be.
    pub expected: Expected,
}

/// What a page must be.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Expected {
    /// The status it must have; 200 to 299 when empty.
    pub statuses: Statuses,
    /// The MD5 digest of its body.
    pub digest: Option<Digest>,
    /// What must, or must not, be in its body.
    pub pattern: Option<Pattern>,
}

impl Page {
    /// The page at a path (with its query) on a virtual host. Nothing if these cannot be sent.
    pub fn new(path: &str, host: Option<&str>) -> Option<Self> {
        let path = Uri::from_str(path).ok()?;
        let is_path = path.authority().is_none() && path.path().starts_with('/');
        let host = match host {
            Some("") => return None,
            Some(host) => Some(HeaderValue::from_str(host).ok()?),
            None => None,
        };
        is_path.then(|| Page {
            path,
            host,
            expected: Expected::default(),
        })
    }

    fn path(&self) -> String {
        self.path.to_string()
    }

    /// The virtual host, without a port.
    fn host(&self) -> Option<&str> {
        let host = self.host.as_ref()?.to_str().ok()?;
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        Some(if is_port { name } else { host })
    }
}

/// Statuses that are right, as `200-299,404`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Statuses(Vec<RangeInclusive<u16>>);

impl Statuses {
    /// Reads numbers and ranges of numbers from 100 to 999, with commas or blanks between them.
    pub fn parse(text: &str) -> Option<Self> {
        let number = |text: &str| {
            let number: u16 = text.parse().ok()?;
            (100..=999).contains(&number).then_some(number)
        };
        let range = |text: &str| {
            let (first, last) = text.split_once('-').unwrap_or((text, text));
            let (first, last) = (number(first)?, number(last)?);
            (first <= last).then_some(first..=last)
        };
        let words = text.split([',', ' ']).filter(|word| !word.is_empty());
        let ranges: Vec<_> = words.map(range).collect::<Option<_>>()?;
        (!ranges.is_empty()).then_some(Statuses(ranges))
    }

    fn contain(&self, status: u16) -> bool {
        match self.0.is_empty() {
            true => (200..=299).contains(&status),
            false => self.0.iter().any(|range| range.contains(&status)),
        }
    }
}

/// An MD5 digest, written as 32 hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest([u8; 16]);

impl Digest {
    /// Reads 32 digits.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digits = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let number = is_digits.then(|| u128::from_str_radix(text, 16).ok())??;
        Some(Digest(number.to_be_bytes()))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

/// A regular expression over the bytes of a page.
#[derive(Clone, Debug)]
pub struct Pattern {
    regex: Regex,
    /// Whether the page must not match.
    pub absent: bool,
    /// At which byte the match may begin, from and to.
    pub offsets: RangeInclusive<usize>,
}

/// The same text matches the same.
impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        let known = |one: &Pattern| (one.absent, one.offsets.clone());
        self.regex.as_str() == other.regex.as_str() && known(self) == known(other)
    }
}

impl Pattern {
    /// A pattern that must be anywhere in the page. Its syntax is that of the regex crate, which is
    /// that of Perl without what takes more than linear time: look-around, back-references.
    ///
    /// # Errors
    /// What is wrong with it, in one line.
    pub fn new(text: &str) -> Result<Self, String> {
        let built = RegexBuilder::new(text).unicode(false).build();
        let regex = built.map_err(|error| {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            last.trim_start_matches("error: ").to_owned()
        })?;
        Ok(Pattern {
            regex,
            absent: false,
            offsets: 0..=usize::MAX,
        })
    }

    fn matches(&self, body: &[u8]) -> bool {
        let first = *self.offsets.start();
        first <= body.len()
            && self
                .regex
                .find_at(body, first)
                .is_some_and(|found| self.offsets.contains(&found.start()))
    }
}

/// Asks for all pages, one after the other, each on a connection of its own.
pub async fn probe(
    to: Endpoint,
    from: &Origin,
    http: &Http,
    deadline: Deadline,
) -> Result<(), Failure> {
    for page in &http.pages {
        let Expected {
            digest, pattern, ..
        } = &page.expected;
        let reading = Reading {
            digested: digest.is_some(),
            searched: pattern.is_some(),
        };
        let seen = fetch(to, from, http, page, reading, deadline).await?;
        judge(page, &seen)?;
    }
    Ok(())
}

/// The digest of a page's body, whatever its status: what keepalived's genhash prints.
///
/// # Errors
/// Why there is none.
pub(super) async fn digest(
    to: Endpoint,
    from: &Origin,
    http: &Http,
    page: &Page,
    deadline: Deadline,
) -> Result<Digest, Failure> {
    let reading = Reading {
        digested: true,
        searched: false,
    };
    let seen = fetch(to, from, http, page, reading, deadline).await?;
    Ok(seen.digest())
}

/// What of a body is wanted.
#[derive(Clone, Copy, Debug)]
struct Reading {
    digested: bool,
    searched: bool,
}

/// What came.
struct Seen {
    status: u16,
    /// Of the body, as far as it was read.
    md5: Md5,
    /// The beginning of the body.
    body: Vec<u8>,
}

impl Seen {
    /// The digest of the body.
    fn digest(&self) -> Digest {
        Digest(self.md5.clone().finalize().into())
    }
}

fn judge(page: &Page, seen: &Seen) -> Result<(), Reason> {
    let path = || page.path();
    let Expected {
        statuses,
        digest,
        pattern,
    } = &page.expected;
    if !statuses.contain(seen.status) {
        let (path, found) = (path(), seen.status);
        return Err(Reason::Status { path, found });
    }
    if let Some(digest) = digest {
        let (path, found) = (path(), seen.digest());
        if found != *digest {
            return Err(Reason::Digest { path, found });
        }
    }
    match pattern {
        Some(pattern) if pattern.matches(&seen.body) == pattern.absent => match pattern.absent {
            true => Err(Reason::Match { path: path() }),
            false => Err(Reason::NoMatch { path: path() }),
        },
        _ => Ok(()),
    }
}

async fn fetch(
    to: Endpoint,
    from: &Origin,
    http: &Http,
    page: &Page,
    reading: Reading,
    deadline: Deadline,
) -> Result<Seen, Failure> {
    let request = request(to, http, page);
    let stream = tcp(to, from, deadline).await?;
    match &http.tls {
        None => exchange(OneClose(stream), request, reading, deadline).await,
        Some(tls) => {
            let stream = tls.wrap(stream, page.host(), to.address, deadline).await?;
            exchange(stream, request, reading, deadline).await
        }
    }
}

fn request(to: Endpoint, http: &Http, page: &Page) -> Request<String> {
    let default_port = if http.tls.is_some() { 443 } else { 80 };
    let host = page.host.clone().or_else(|| {
        let host = match (to.port == default_port, to.family()) {
            (true, Family::V4) => to.address.to_string(),
            (true, Family::V6) => format!("[{}]", to.address),
            (false, _) => to.to_string(),
        };
        HeaderValue::from_str(&host).ok()
    });
    let mut request = Request::new(String::new());
    *request.uri_mut() = page.path.clone();
    *request.version_mut() = match http.version {
        Version::V1_0 | Version::V1_0C => hyper::Version::HTTP_10,
        Version::V1_1 => hyper::Version::HTTP_11,
    };
    let headers = request.headers_mut();
    headers.extend(host.map(|host| (header::HOST, host)));
    let program = HeaderValue::from_static("lvs-check");
    headers.insert(header::USER_AGENT, program);
    if http.version != Version::V1_0 {
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    request
}

async fn exchange(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    request: Request<String>,
    reading: Reading,
    deadline: Deadline,
) -> Result<Seen, Failure> {
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(LONGEST_HEAD)
        .title_case_headers(true)
        .handshake(TokioIo::new(stream))
        .await
        .map_err(|error| broken(Stage::Answer, &error))?;
    let work = async {
        let answer = sender.send_request(request);
        let answer = deadline.within(Stage::Answer, answer).await?;
        let answer = answer.map_err(|error| broken(Stage::Answer, &error))?;
        deadline.within(Stage::Body, read(answer, reading)).await?
    };
    beside(connection, work).await
}

/// Reads as much of the body as is wanted: none, or all of it.
async fn read(answer: Response<Incoming>, reading: Reading) -> Result<Seen, Failure> {
    let status = answer.status().as_u16();
    let has = |name| answer.headers().contains_key(name);
    let ends_with_connection = !has(header::CONTENT_LENGTH) && !has(header::TRANSFER_ENCODING);
    let mut incoming = answer.into_body();
    let (mut md5, mut body, mut length) = (Md5::new(), Vec::new(), 0);
    while reading.digested || (reading.searched && body.len() < SEARCHED) {
        let frame = match poll_fn(|context| Pin::new(&mut incoming).poll_frame(context)).await {
            None => break,
            Some(Ok(frame)) => frame,
            // Many servers end TLS without a word.
            Some(Err(error)) if ends_with_connection && is_end(&error) => break,
            Some(Err(error)) => return Err(broken(Stage::Body, &error)),
        };
        let Some(data) = frame.data_ref() else {
            continue;
        };
        length += data.len() as u64;
        if length > LONGEST_BODY {
            return Err(Reason::TooLong(Stage::Body).into());
        }
        md5.update(data);
        if reading.searched {
            let room = SEARCHED - body.len();
            body.extend_from_slice(&data[..data.len().min(room)]);
        }
    }
    Ok(Seen { status, md5, body })
}

/// Waits for the work, while a connection is kept going for it.
async fn beside<T>(connection: impl Future, work: impl Future<Output = T>) -> T {
    let (mut connection, mut work) = (pin!(connection), pin!(work));
    let mut open = true;
    poll_fn(|context| {
        // What the connection has to say of its end, the work is told too.
        open = open && connection.as_mut().poll(context).is_pending();
        match work.as_mut().poll(context) {
            // The work may have asked the connection for something.
            Poll::Pending if open => {
                open = connection.as_mut().poll(context).is_pending();
                Poll::Pending
            }
            poll => poll,
        }
    })
    .await
}

fn broken(stage: Stage, error: &hyper::Error) -> Failure {
    /// hyper has a name for this only where it plays the server.
    const TOO_LARGE: &str = "message head is too large";
    if error.to_string() == TOO_LARGE {
        return Reason::TooLong(stage).into();
    }
    if error.is_parse() {
        return Reason::Malformed("HTTP").into();
    }
    if let Some(cause) = cause(error) {
        return failure(stage, cause);
    }
    match std::error::Error::source(error).and_then(|inner| inner.downcast_ref()) {
        Some(inner) => broken(stage, inner),
        None if error.is_incomplete_message() || error.is_closed() || error.is_canceled() => {
            Reason::Closed(stage).into()
        }
        // It speaks before it is spoken to, and the like.
        None => Reason::Malformed("HTTP").into(),
    }
}

fn is_end(error: &hyper::Error) -> bool {
    cause(error).is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof)
}

fn cause(error: &hyper::Error) -> Option<&io::Error> {
    std::error::Error::source(error)?.downcast_ref()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_numbers_and_ranges() {
        let statuses = Statuses::parse("200-204,404 500").unwrap();
        for (status, right) in [
            (200, true),
            (204, true),
            (205, false),
            (404, true),
            (500, true),
        ] {
            assert_eq!(statuses.contain(status), right, "{status}");
        }
        assert!(Statuses::default().contain(299) && !Statuses::default().contain(300));
        for bad in ["", "99", "1000", "300-200", "200-", "x", "200--201", "-1"] {
            assert_eq!(Statuses::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_digest_is_written_as_it_is_read() {
        let text = "0123456789abcdef0123456789abcdef";
        assert_eq!(Digest::parse(text).unwrap().to_string(), text);
        for bad in ["", "+123456789abcdef0123456789abcdef", &text[1..], "g"] {
            assert_eq!(Digest::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_match_begins_where_it_may() {
        let pattern = |text, offsets| {
            let mut pattern = Pattern::new(text).unwrap();
            pattern.offsets = offsets;
            pattern
        };
        for (text, offsets, matches) in [
            ("b+", 0..=usize::MAX, true),
            ("b+", 2..=2, true),
            ("b+", 0..=1, false),
            ("a", 1..=9, true),
            ("a", 2..=9, false),
            ("^b", 2..=9, false),
            ("$", 7..=7, false),
            ("", 6..=6, true),
            (r"\xff", 0..=9, true),
            (r"(?i)A\w", 0..=9, true),
        ] {
            let found = pattern(text, offsets.clone()).matches(b"aabbc\xff");
            assert_eq!(found, matches, "{text} {offsets:?}");
        }
        assert!(Pattern::new("(").is_err());
        assert!(Pattern::new(r"(?<=a)b").is_err());
    }

    #[test]
    fn a_page_has_a_path_and_a_name() {
        for path in ["/", "/a?b=c", "/%20", "/a:80"] {
            assert_eq!(Page::new(path, None).unwrap().path(), path);
        }
        for (path, host) in [
            ("", None),
            ("a", None),
            ("http://a/", None),
            ("/a b", None),
            ("/\n", None),
            ("*", None),
            ("/", Some("")),
            ("/", Some("a\r\nb: c")),
        ] {
            assert!(Page::new(path, host).is_none(), "{path:?} {host:?}");
        }
        let host = |host| {
            Page::new("/", Some(host))
                .unwrap()
                .host()
                .map(str::to_owned)
        };
        assert_eq!(host("a.b:8080").unwrap(), "a.b");
        assert_eq!(host("a.b").unwrap(), "a.b");
    }
}
