//! Asks a name server for a name: one datagram (RFC 1035).

use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE};
use tokio::net::UdpSocket;

use super::exchange::{Deadline, Failure, failure, random, receive};
use super::{Reason, Stage};

/// What was asked without EDNS is answered with no more than 512 bytes (RFC 1035, section 2.3.4).
const LONGEST_ANSWER: usize = 4096;

/// A question to a name server, in the form in which it is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query(Vec<u8>);

/// The types of records that keepalived asks for.
pub const TYPES: [&str; 9] = [
    "A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY",
];

impl Query {
    /// A question for the records of type `kind`, one of [`TYPES`], that `name` has; `.` is the
    /// root. Nothing if there is no such type, or no such name can be.
    pub fn new(kind: &str, name: &str) -> Option<Self> {
        let kind = match kind {
            "A" => TYPE::A,
            "NS" => TYPE::NS,
            "CNAME" => TYPE::CNAME,
            "SOA" => TYPE::SOA,
            "MX" => TYPE::MX,
            "TXT" => TYPE::TXT,
            "AAAA" => TYPE::AAAA,
            "RRSIG" => TYPE::RRSIG,
            "DNSKEY" => TYPE::DNSKEY,
            _ => return None,
        };
        let name = Name::new(name.strip_suffix('.').unwrap_or(name)).ok()?;
        let mut packet = Packet::new_query(0);
        packet.set_flags(PacketFlag::RECURSION_DESIRED);
        let (kind, class) = (QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN));
        packet
            .questions
            .push(Question::new(name, kind, class, false));
        packet.build_bytes_vec().ok().map(Query)
    }
}

/// Sends the question, and sees that it is answered without an error.
pub async fn probe(socket: UdpSocket, query: &Query, deadline: Deadline) -> Result<(), Failure> {
    let broken = |error| failure(Stage::Answer, &error);
    let id = random().to_be_bytes();
    let mut message = query.0.clone();
    message[..2].copy_from_slice(&id[..2]);
    socket.send(&message).await.map_err(broken)?;
    loop {
        let received = deadline.within(Stage::Answer, receive(&socket, LONGEST_ANSWER));
        let answer = received.await?.map_err(broken)?;
        // Whatever does not begin with our id is no answer to us.
        if answer.get(..2) == Some(&message[..2]) {
            return Ok(judge(&answer)?);
        }
    }
}

fn judge(answer: &[u8]) -> Result<(), Reason> {
    const MALFORMED: Reason = Reason::Malformed("DNS");
    let packet = Packet::parse(answer).map_err(|_| MALFORMED)?;
    if !packet.has_flags(PacketFlag::RESPONSE) {
        return Err(MALFORMED);
    }
    match packet.rcode() {
        RCODE::NoError => Ok(()),
        RCODE::FormatError => Err(Reason::Dns("FORMERR")),
        RCODE::ServerFailure => Err(Reason::Dns("SERVFAIL")),
        RCODE::NameError => Err(Reason::Dns("NXDOMAIN")),
        RCODE::NotImplemented => Err(Reason::Dns("NOTIMP")),
        RCODE::Refused => Err(Reason::Dns("REFUSED")),
        _ => Err(Reason::Dns("with an unusual code")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_question_is_what_rfc_1035_says() {
        let query = Query::new("SOA", ".").unwrap();
        let expected = [0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 1];
        assert_eq!(query.0, expected);
        let query = Query::new("A", "a.bc.").unwrap();
        assert_eq!(query.0[12..], [1, b'a', 2, b'b', b'c', 0, 0, 1, 0, 1]);
        assert_eq!(Query::new("PTR", "."), None);
        assert_eq!(Query::new("A", &"x".repeat(64)), None);
        for kind in TYPES {
            assert!(Query::new(kind, "example.org").is_some(), "{kind}");
        }
    }

    #[test]
    fn an_answer_is_judged_by_its_code() {
        let header = |flags: [u8; 2]| {
            let mut bytes = vec![0, 0];
            bytes.extend(flags);
            bytes.extend([0; 8]);
            bytes
        };
        assert_eq!(judge(&header([0x80, 0])), Ok(()));
        assert_eq!(judge(&header([0x80, 3])), Err(Reason::Dns("NXDOMAIN")));
        for bad in [header([0, 0]), vec![], vec![0; 11], vec![0xff; 40]] {
            assert_eq!(judge(&bad), Err(Reason::Malformed("DNS")), "{bad:?}");
        }
    }
}
