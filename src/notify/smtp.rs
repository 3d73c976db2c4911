//! One mail over SMTP (RFC 5321), plain: to a relay that is near.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::time::Duration;

use super::mail::{Envelope, Mail, address};
use crate::host::error_text;

/// The longest line of an answer that is read (RFC 5321, section 4.5.3.1.5, has 512).
const LONGEST_LINE: u64 = 4096;

/// How many lines an answer may have.
const MOST_LINES: usize = 100;

/// The relay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Relay {
    /// Its name or address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// Who is said to send.
    pub helo: String,
    /// How long a connection, and each answer, may take.
    pub timeout: Duration,
}

/// Why a mail was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// In a sentence.
    pub why: String,
    /// Whether it will never be.
    pub forever: bool,
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        let why = match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => "time is up".to_owned(),
            _ => error_text(&error),
        };
        Failed {
            why,
            forever: false,
        }
    }
}

/// Sends a mail. Recipients that are refused for ever do not keep others from getting it; they are
/// given back, if any has got it.
pub fn send(relay: &Relay, envelope: &Envelope, mail: &Mail) -> Result<Vec<String>, Failed> {
    let stream = connect(relay)?;
    stream.set_read_timeout(Some(relay.timeout))?;
    stream.set_write_timeout(Some(relay.timeout))?;
    let mut talk = Talk(BufReader::new(stream));
    talk.answer("the connection", 220)?;
    talk.ask(&format!("HELO {}", relay.helo), 250)?;
    talk.ask(&format!("MAIL FROM:<{}>", address(&envelope.from)), 250)?;
    let (mut refused, mut why) = (Vec::new(), None);
    for to in &envelope.to {
        match talk.ask(&format!("RCPT TO:<{}>", address(to)), 250) {
            Ok(()) => {}
            Err(failed) if failed.forever => {
                refused.push(to.clone());
                why = Some(failed);
            }
            Err(failed) => return Err(failed),
        }
    }
    if let Some(failed) = why.filter(|_| refused.len() == envelope.to.len()) {
        return Err(failed);
    }
    talk.ask("DATA", 354)?;
    let text = mail.text(envelope);
    talk.0.get_mut().write_all(text.as_bytes())?;
    talk.ask(".", 250)?;
    // It has been taken, whatever the answer is now.
    let _ = talk.ask("QUIT", 221);
    Ok(refused)
}

fn connect(relay: &Relay) -> io::Result<TcpStream> {
    let mut last = io::ErrorKind::NotFound.into();
    for address in (relay.host.as_str(), relay.port).to_socket_addrs()? {
        match TcpStream::connect_timeout(&address, relay.timeout) {
            Ok(stream) => return Ok(stream),
            Err(error) => last = error,
        }
    }
    Err(last)
}

struct Talk(BufReader<TcpStream>);

impl Talk {
    fn ask(&mut self, line: &str, wanted: u16) -> Result<(), Failed> {
        self.0
            .get_mut()
            .write_all(format!("{line}\r\n").as_bytes())?;
        self.answer(line, wanted)
    }

    fn answer(&mut self, to: &str, wanted: u16) -> Result<(), Failed> {
        let malformed = || Failed {
            why: format!("not an answer of a mail server, to {to}"),
            forever: false,
        };
        for _ in 0..MOST_LINES {
            let mut line = Vec::new();
            let read = (&mut self.0)
                .take(LONGEST_LINE)
                .read_until(b'\n', &mut line)?;
            if read == 0 {
                return Err(io::Error::from(io::ErrorKind::UnexpectedEof).into());
            }
            let text = String::from_utf8_lossy(&line);
            let code: u16 = text
                .get(..3)
                .and_then(|code| code.parse().ok())
                .ok_or_else(malformed)?;
            if text.get(3..4) == Some("-") {
                continue;
            }
            // 251 says that it is passed on.
            return match code == wanted || (wanted == 250 && code == 251) {
                true => Ok(()),
                false => Err(Failed {
                    why: format!("answer to {to}: {}", text.trim_end()),
                    forever: (500..600).contains(&code),
                }),
            };
        }
        Err(malformed())
    }
}
