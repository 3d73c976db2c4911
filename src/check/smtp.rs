//! Asks a mail server for a greeting (RFC 5321, section 4.2).

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::exchange::{Deadline, Failure, failure};
use super::{Reason, Stage};

/// Longer replies are not read: a line has up to 512 bytes (RFC 5321, section 4.5.3.1.5), a
/// greeting a few lines.
const LONGEST_REPLY: usize = 8192;

/// Waits for the greeting, says HELO and QUIT, and sees that each is answered as it should.
pub async fn probe(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    helo: &str,
    deadline: Deadline,
) -> Result<(), Failure> {
    let dialogue = async {
        expect(&mut stream, "the connection", 220).await?;
        say(&mut stream, &format!("HELO {helo}\r\n")).await?;
        expect(&mut stream, "HELO", 250).await?;
        say(&mut stream, "QUIT\r\n").await?;
        expect(&mut stream, "QUIT", 221).await
    };
    deadline.within(Stage::Answer, dialogue).await?
}

async fn say(stream: &mut (impl AsyncWrite + Unpin), text: &str) -> Result<(), Failure> {
    let written = stream.write_all(text.as_bytes()).await;
    written.map_err(|error| failure(Stage::Answer, &error))
}

async fn expect(
    stream: &mut (impl AsyncRead + Unpin),
    to: &'static str,
    code: u16,
) -> Result<(), Failure> {
    match reply(stream).await? {
        found if found == code => Ok(()),
        code => Err(Reason::Smtp { to, code }.into()),
    }
}

/// Reads one reply of one or more lines; gives back its code.
///
/// A server speaks only when it is spoken to, so nothing stands behind the reply.
async fn reply(stream: &mut (impl AsyncRead + Unpin)) -> Result<u16, Failure> {
    let mut reply = Vec::new();
    let mut piece = [0; 1024];
    loop {
        let read = stream.read(&mut piece).await;
        match read.map_err(|error| failure(Stage::Answer, &error))? {
            0 => return Err(Reason::Closed(Stage::Answer).into()),
            length => reply.extend_from_slice(&piece[..length]),
        }
        if let Some(code) = code(&reply)? {
            return Ok(code);
        }
        if reply.len() > LONGEST_REPLY {
            return Err(Reason::TooLong(Stage::Answer).into());
        }
    }
}

/// The code of a reply, once its last line is there: the one without a `-` behind its code.
fn code(reply: &[u8]) -> Result<Option<u16>, Reason> {
    let Some(lines) = reply.strip_suffix(b"\n") else {
        return Ok(None);
    };
    let last = lines.split(|&byte| byte == b'\n').next_back();
    let last = last.unwrap_or(lines);
    let code = last
        .get(..3)
        .filter(|code| code.iter().all(u8::is_ascii_digit))
        .and_then(|code| std::str::from_utf8(code).ok()?.parse().ok());
    match (code, last.get(3)) {
        (None, _) => Err(Reason::Malformed("SMTP")),
        (Some(_), Some(b'-')) => Ok(None),
        (code, _) => Ok(code),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_of_a_reply_has_its_code() {
        for (reply, expected) in [
            ("220 mail ESMTP\r\n", Ok(Some(220))),
            ("220-mail\r\n", Ok(None)),
            ("220-mail\r\n220 welcome\r\n", Ok(Some(220))),
            ("220 mail", Ok(None)),
            ("250\n", Ok(Some(250))),
            ("\r\n", Err(Reason::Malformed("SMTP"))),
            ("HTTP/1.1 400 Bad\r\n", Err(Reason::Malformed("SMTP"))),
        ] {
            assert_eq!(code(reply.as_bytes()), expected, "{reply}");
        }
    }
}
