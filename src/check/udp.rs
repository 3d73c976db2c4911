//! Sends a datagram; silence may be an answer, an ICMP error never is.

use tokio::net::UdpSocket;

use super::exchange::{Deadline, Failure, failure, random, receive};
use super::{Reason, Stage};

/// The longest datagram there is.
const LONGEST_REPLY: usize = 65_535;

/// What is sent, and what must come back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Datagram {
    /// What is sent: eight random bytes when absent.
    pub payload: Option<Vec<u8>>,
    /// What must come back, if anything must.
    pub reply: Option<Reply>,
}

/// What must come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply {
    /// How it begins.
    pub pattern: Pattern,
    /// How many bytes it may have.
    pub length: std::ops::RangeInclusive<usize>,
}

/// Bytes in which some digits do not matter: each with the bits that do.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pattern(Vec<(u8, u8)>);

impl Pattern {
    /// Reads hexadecimal digits, `x` for any, in groups with blanks between them. A group of an
    /// odd number of digits begins with a zero, as keepalived has it.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |character: char| match character {
            'x' | 'X' => Some((0, 0)),
            _ => Some((character.to_digit(16)? as u8, 0xf)),
        };
        let mut bytes = Vec::new();
        for group in text.split_ascii_whitespace() {
            let mut digits = group.chars().map(digit).collect::<Option<Vec<_>>>()?;
            if digits.len() % 2 == 1 {
                // The last digit stands alone: Ab12f is AB 12 0F.
                digits.insert(digits.len() - 1, (0, 0xf));
            }
            bytes.extend(
                digits
                    .chunks(2)
                    .map(|pair| (pair[0].0 << 4 | pair[1].0, pair[0].1 << 4 | pair[1].1)),
            );
        }
        Some(Pattern(bytes))
    }

    /// The bytes, if all digits matter.
    pub fn bytes(self) -> Option<Vec<u8>> {
        let byte = |(byte, mask)| (mask == 0xff).then_some(byte);
        self.0.into_iter().map(byte).collect()
    }

    /// Whether the pattern agrees with the bytes as far as both go.
    fn agrees(&self, bytes: &[u8]) -> bool {
        let mut pairs = self.0.iter().zip(bytes);
        pairs.all(|((expected, mask), byte)| byte & mask == *expected)
    }
}

/// Sends the datagram, and waits for what must come back, or for an error until the time is up.
pub async fn probe(
    socket: UdpSocket,
    datagram: &Datagram,
    deadline: Deadline,
) -> Result<(), Failure> {
    let broken = |error| failure(Stage::Answer, &error);
    let random = random().to_be_bytes();
    let payload = datagram.payload.as_deref().unwrap_or(&random);
    socket.send(payload).await.map_err(broken)?;
    let received = deadline.within(Stage::Answer, receive(&socket, LONGEST_REPLY));
    match (received.await, &datagram.reply) {
        (Ok(received), expected) => {
            let bytes = received.map_err(broken)?;
            match expected {
                Some(Reply { pattern, length })
                    if !length.contains(&bytes.len()) || !pattern.agrees(&bytes) =>
                {
                    Err(Reason::Reply.into())
                }
                _ => Ok(()),
            }
        }
        (Err(_), None) => Ok(()),
        (Err(timeout), Some(_)) => Err(timeout.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_read_as_keepalived_reads_them() {
        let bytes = |text| Pattern::parse(text).and_then(Pattern::bytes);
        assert_eq!(
            bytes("Ab12f 3 456 546443123"),
            Some(vec![
                0xab, 0x12, 0x0f, 0x03, 0x45, 0x06, 0x54, 0x64, 0x43, 0x12, 0x03
            ])
        );
        assert_eq!(bytes(""), Some(vec![]));
        assert_eq!(bytes("0g"), None);
        assert_eq!(bytes("x0"), None);
        assert_eq!(bytes("é"), None);
    }

    #[test]
    fn digits_marked_x_do_not_matter() {
        let pattern = Pattern::parse("1x xx 0F").unwrap();
        for (bytes, agrees) in [
            (&[0x10, 0, 0x0f][..], true),
            (&[0x1f, 0xff, 0x0f, 7], true),
            (&[0x1f], true),
            (&[], true),
            (&[0x20, 0, 0x0f], false),
            (&[0x10, 0, 0x1f], false),
        ] {
            assert_eq!(pattern.agrees(bytes), agrees, "{bytes:?}");
        }
    }
}
