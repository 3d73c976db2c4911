//! Asks for an echo (ICMP: RFC 792; ICMPv6: RFC 4443, section 4).
//!
//! A ping socket (icmp(7)) needs no capability where `net.ipv4.ping_group_range` allows it; where
//! it does not, a raw socket needs CAP_NET_RAW.

use socket2::{Protocol, Type};
use tokio::net::UdpSocket;

use super::connect::datagrams;
use super::exchange::{Deadline, Failure, failure, random, receive};
use super::{Origin, Stage};
use crate::addr::{Endpoint, Family};

/// The header of an echo: type, code, checksum, identifier, sequence number.
const HEADER_BYTES: usize = 8;

/// The longest packet there is.
const LONGEST: usize = 65_535;

/// What tells our echo from those of others: it stands where the sequence number and, if there is
/// room, the payload begins.
type Token = [u8; 8];

/// Sends one request, and waits for its echo.
pub async fn probe(
    to: Endpoint,
    from: &Origin,
    size: usize,
    deadline: Deadline,
) -> Result<(), Failure> {
    let broken = |error| failure(Stage::Answer, &error);
    let to = Endpoint { port: 0, ..to };
    let (request, reply, protocol) = match to.family() {
        Family::V4 => (8, 0, Protocol::ICMPV4),
        Family::V6 => (128, 129, Protocol::ICMPV6),
    };
    let (socket, raw) = socket(to, from, protocol)?;
    let token = random().to_be_bytes();
    let packet = packet(request, &token, size);
    socket.send(&packet).await.map_err(broken)?;
    loop {
        let received = deadline.within(Stage::Answer, receive(&socket, LONGEST));
        let received = received.await?.map_err(broken)?;
        // Raw sockets of IPv4, and only they, get the header of IP too.
        let message = match (raw, to.family()) {
            (true, Family::V4) => without_header(&received),
            _ => &received,
        };
        if is_echo(message, reply, &packet) {
            return Ok(());
        }
    }
}

/// Whether the message is the echo of the request. The kernel may have given the request another
/// identifier, so that is not compared.
fn is_echo(message: &[u8], reply: u8, request: &[u8]) -> bool {
    message.len() == request.len() && message[..2] == [reply, 0] && message[6..] == request[6..]
}

fn socket(to: Endpoint, from: &Origin, protocol: Protocol) -> Result<(UdpSocket, bool), Failure> {
    match datagrams(to, from, Type::DGRAM, protocol) {
        Ok(socket) => Ok((socket, false)),
        Err(failure) => match datagrams(to, from, Type::RAW, protocol) {
            Ok(socket) => Ok((socket, true)),
            Err(_) => Err(failure),
        },
    }
}

fn packet(kind: u8, token: &Token, size: usize) -> Vec<u8> {
    let mut packet = vec![0; HEADER_BYTES + size];
    packet[0] = kind;
    packet[4..8].copy_from_slice(&token[..4]);
    for (byte, token) in packet[HEADER_BYTES..].iter_mut().zip(token) {
        *byte = *token;
    }
    // The kernel computes it for ping sockets and for ICMPv6, but not for raw sockets of IPv4.
    let checksum = checksum(&packet);
    packet[2..4].copy_from_slice(&checksum.to_be_bytes());
    packet
}

/// The Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let words = bytes.chunks(2).map(|pair| {
        let low = pair.get(1).copied().unwrap_or(0);
        u32::from(u16::from_be_bytes([pair[0], low]))
    });
    let mut sum: u32 = words.sum();
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !(sum as u16)
}

/// What stands behind the header of IPv4, whose length is in its first byte.
fn without_header(packet: &[u8]) -> &[u8] {
    let length = packet
        .first()
        .map_or(0, |first| usize::from(first & 0xf) * 4);
    packet.get(length..).unwrap_or(&[])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_over_a_packet_with_its_checksum_is_zero() {
        for size in [0, 1, 7, 8, 56, 1472] {
            let packet = packet(8, &[1, 2, 3, 4, 5, 6, 7, 8], size);
            assert_eq!(packet.len(), HEADER_BYTES + size);
            assert_eq!(checksum(&packet), 0, "{size}");
        }
    }

    #[test]
    fn only_the_echo_of_the_request_is_one() {
        let request = packet(8, &[1, 2, 3, 4, 5, 6, 7, 8], 16);
        let mut echo = request.clone();
        echo[0] = 0;
        assert!(is_echo(&echo, 0, &request));
        echo[4] = 99;
        assert!(is_echo(&echo, 0, &request));
        assert!(!is_echo(&request, 0, &request));
        assert!(!is_echo(&echo[1..], 0, &request));
        assert!(!is_echo(&[], 0, &request));
        echo[20] ^= 1;
        echo[9] ^= 1;
        assert!(!is_echo(&echo, 0, &request));
        assert_eq!(without_header(&[0x45]), &[] as &[u8]);
        assert_eq!(without_header(&[]), &[] as &[u8]);
    }
}
