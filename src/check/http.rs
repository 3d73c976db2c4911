//! Asks for pages, by HTTP/1 with or without TLS, and looks at what comes.

use std::borrow::Cow;
use std::future::poll_fn;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use self::answer::Answer;
use self::expected::Body;
use super::connect::tcp;
use super::exchange::{Deadline, Failure, failure};
use super::tls::Tls;
use super::{Origin, Stage};
use crate::addr::{Endpoint, Family};

mod answer;
mod expected;

pub use self::expected::{Digest, Expected, Pattern, Statuses};

/// So much is read at a time.
const PIECE: usize = 8 * 1024;

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
    path: Box<str>,
    host: Option<Box<str>>,
    /// What it must be.
    pub expected: Expected,
}

impl Page {
    /// The page at a path (with its query) on a virtual host. Nothing if these cannot be sent.
    pub fn new(path: &str, host: Option<&str>) -> Option<Self> {
        // What is behind this is not for the server.
        let path = path.split_once('#').map_or(path, |(path, _)| path);
        let is_sent = |char: char| char > ' ' && char != '\x7f';
        let is_path = path.starts_with('/') && path.chars().all(is_sent);
        let is_name = |char: char| matches!(char, ' '..='~');
        let is_host = |host: &str| !host.is_empty() && host.chars().all(is_name);
        (is_path && host.is_none_or(is_host)).then(|| Page {
            path: path.into(),
            host: host.map(Box::from),
            expected: Expected::default(),
        })
    }

    /// The virtual host, without a port.
    fn host(&self) -> Option<&str> {
        let host = self.host.as_deref()?;
        let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
        let is_port = port.bytes().all(|byte| byte.is_ascii_digit());
        Some(if is_port { name } else { host })
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
        let mut body = page.expected.body();
        let status = fetch(to, from, http, page, &mut body, deadline).await?;
        page.expected.judge(&page.path, status, &body)?;
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
    let mut body = Body::digested();
    fetch(to, from, http, page, &mut body, deadline).await?;
    Ok(body.digest())
}

/// Asks for a page, and reads as much of it as is wanted. Gives back its status.
async fn fetch(
    to: Endpoint,
    from: &Origin,
    http: &Http,
    page: &Page,
    body: &mut Body,
    deadline: Deadline,
) -> Result<u16, Failure> {
    let stream = tcp(to, from, deadline).await?;
    let request = request(to, http, page);
    match &http.tls {
        None => exchange(stream, request, body, deadline).await,
        // What is large is boxed, so that thousands without TLS stay small.
        Some(tls) => {
            let secured = async {
                let stream = tls.wrap(stream, page.host(), to.address, deadline).await?;
                exchange(stream, request, body, deadline).await
            };
            Box::pin(secured).await
        }
    }
}

/// What is sent to ask for a page.
fn request(to: Endpoint, http: &Http, page: &Page) -> String {
    let version = match http.version {
        Version::V1_0 | Version::V1_0C => " HTTP/1.0\r\n",
        Version::V1_1 => " HTTP/1.1\r\n",
    };
    let default_port = if http.tls.is_some() { 443 } else { 80 };
    let host: Cow<'_, str> = match (&page.host, to.port == default_port, to.family()) {
        (Some(host), ..) => Cow::Borrowed(host),
        (None, true, Family::V4) => to.address.to_string().into(),
        (None, true, Family::V6) => format!("[{}]", to.address).into(),
        (None, false, _) => to.to_string().into(),
    };
    let close = match http.version {
        Version::V1_0 => "",
        Version::V1_0C | Version::V1_1 => "Connection: close\r\n",
    };
    // In one piece of memory, unlike with format!: thousands of these are written each second.
    [
        "GET ",
        &page.path,
        version,
        "Host: ",
        &host,
        "\r\nUser-Agent: lvs-check\r\n",
        close,
        "\r\n",
    ]
    .concat()
}

/// Sends a request, and reads the answer.
async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: String,
    body: &mut Body,
    deadline: Deadline,
) -> Result<u16, Failure> {
    let mut answer = Answer::new(!body.is_enough());
    let until_head = async {
        let sent = send(&mut stream, request).await;
        sent.map_err(|error| failure(Stage::Answer, &error))?;
        loop {
            receive(&mut stream, &mut answer, body).await?;
            if let Some(status) = answer.status() {
                return Ok::<_, Failure>(status);
            }
        }
    };
    let status = deadline.within(Stage::Answer, until_head).await??;
    let until_end = async {
        while !answer.has_ended() && !body.is_enough() {
            receive(&mut stream, &mut answer, body).await?;
        }
        Ok(status)
    };
    deadline.within(Stage::Body, until_end).await?
}

async fn send(stream: &mut (impl AsyncWrite + Unpin), request: String) -> io::Result<()> {
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await
}

/// Waits for more of an answer, or the end of the connection.
///
/// Memory is taken, from the stack, only when something is there: thousands of checks may be
/// waiting.
async fn receive(
    stream: &mut (impl AsyncRead + Unpin),
    answer: &mut Answer,
    body: &mut Body,
) -> Result<(), Failure> {
    let received = poll_fn(|context| {
        let mut memory = [MaybeUninit::uninit(); PIECE];
        let mut buffer = ReadBuf::uninit(&mut memory);
        let read = ready!(Pin::new(&mut *stream).poll_read(context, &mut buffer));
        Poll::Ready(match (read, buffer.filled()) {
            (Ok(()), []) => Ok(answer.end()),
            (Ok(()), piece) => Ok(answer.take(piece, |part| body.add(part))),
            // Many servers end TLS without a word.
            (Err(error), _) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(answer.end()),
            (Err(error), _) => Err(failure(answer.stage(), &error)),
        })
    });
    Ok(received.await??)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_what_it_always_was() {
        let sent = |to: &str, version, path, host| {
            let http = Http {
                tls: None,
                version,
                pages: vec![],
            };
            let to: std::net::SocketAddr = to.parse().unwrap();
            let to = Endpoint::new(to.ip(), to.port());
            request(to, &http, &Page::new(path, host).unwrap())
        };
        assert_eq!(
            sent("10.0.0.2:8080", Version::V1_0, "/a?b=c", None),
            "GET /a?b=c HTTP/1.0\r\nHost: 10.0.0.2:8080\r\nUser-Agent: lvs-check\r\n\r\n"
        );
        assert_eq!(
            sent("[fd00::2]:80", Version::V1_0C, "/", None),
            "GET / HTTP/1.0\r\nHost: [fd00::2]\r\nUser-Agent: lvs-check\r\nConnection: close\r\n\r\n"
        );
        assert_eq!(
            sent("10.0.0.2:80", Version::V1_1, "/a#b", Some("a.example:81")),
            "GET /a HTTP/1.1\r\nHost: a.example:81\r\nUser-Agent: lvs-check\r\nConnection: close\r\n\r\n"
        );
    }

    #[test]
    fn a_page_has_a_path_and_a_name() {
        for path in ["/", "/a?b=c", "/%20", "/a:80", "/é"] {
            assert_eq!(&*Page::new(path, None).unwrap().path, path);
        }
        for (path, host) in [
            ("", None),
            ("a", None),
            ("http://a/", None),
            ("/a b", None),
            ("/\n", None),
            ("*", None),
            ("#a", None),
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
