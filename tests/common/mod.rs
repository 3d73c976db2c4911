//! A kernel at the other end of a socket pair, and the program that speaks to it.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread::{self, JoinHandle};

use lvskit::addr::{Family, Numeric, Protocol, Resolve};
use lvskit::cli::ipvsadm::{Display, Environment, run};
use lvskit::ipvs::client::Client;
use lvskit::netlink::Connection;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};

/// The message type of the IPVS family.
pub const IPVS: u16 = 0x20;

/// The message type of the family that knows those of the others.
const CONTROL: u16 = 0x10;

/// How a program ended.
pub struct Ended {
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: Vec<u8>,
    pub status: u8,
}

/// Runs `ipvsadm` with `words` and `input` against a kernel.
pub fn ipvsadm(words: &[&[u8]], mut input: &[u8], kernel: Kernel) -> Ended {
    let mut connection = Some(kernel.connection);
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = run(
        words,
        Environment {
            program: b"ipvsadm",
            kernel: &mut || Client::over(connection.take().unwrap()),
            numbers: &NoNames,
            names: &Numeric,
            posixly_correct: false,
            terminal: false,
            memory: &|| Err(std::io::ErrorKind::NotFound.into()),
            input: &mut input,
            output: &mut output,
            errors: &mut errors,
            display: &Display::default,
            screen: &mut || unreachable!("a file cannot be taken over"),
        },
    );
    drop(connection);
    kernel.thread.join().unwrap();
    Ended {
        output,
        errors,
        status,
    }
}

/// A kernel in a thread of its own, which ends when the connection to it is closed.
pub struct Kernel {
    pub connection: Connection,
    pub thread: JoinHandle<()>,
}

impl Kernel {
    /// A kernel that does what `play` does with its end of the connection.
    pub fn new(play: impl FnOnce(OwnedFd) + Send + 'static) -> Self {
        let (ours, kernels) = socketpair(
            AddressFamily::Unix,
            SockType::SeqPacket,
            None,
            SockFlag::empty(),
        )
        .unwrap();
        Kernel {
            connection: Connection::from_fd(ours),
            thread: thread::spawn(|| play(kernels)),
        }
    }

    /// A kernel that sends the datagrams which `answer` gives for a request, with its sequence
    /// number; where there is no answer, it closes its end.
    pub fn that_answers(
        mut answer: impl FnMut(&[u8]) -> Option<Vec<Vec<u8>>> + Send + 'static,
    ) -> Self {
        Self::new(move |socket| {
            let mut datagram = vec![0; 1 << 16];
            while let Ok(length @ 16..) = recv(socket.as_raw_fd(), &mut datagram, MsgFlags::empty())
            {
                let mut rest = &datagram[..length];
                while !rest.is_empty() {
                    let length = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
                    let Some(answers) = answer(&rest[..length]) else {
                        return;
                    };
                    for mut datagram in answers {
                        number(&mut datagram, rest[8..12].try_into().unwrap());
                        // The program need not read all.
                        let _ = send(socket.as_raw_fd(), &datagram, MsgFlags::MSG_NOSIGNAL);
                    }
                    rest = &rest[length..];
                }
            }
        })
    }
}

/// Writes the sequence number into all messages of a datagram.
pub fn number(datagram: &mut [u8], sequence: [u8; 4]) {
    let mut place = 0;
    while place + 16 <= datagram.len() {
        datagram[place + 8..place + 12].copy_from_slice(&sequence);
        let length = u32::from_ne_bytes(datagram[place..place + 4].try_into().unwrap());
        place += (length as usize).next_multiple_of(4).max(16);
    }
}

/// Whether a request asks for the message type of a family, not for one of IPVS.
pub fn is_for_control(request: &[u8]) -> bool {
    request[4..6] == CONTROL.to_ne_bytes()
}

/// The answer to CTRL_CMD_GETFAMILY, as far as anybody looks at it.
pub fn family() -> Vec<Vec<u8>> {
    let mut payload = vec![1, 2, 0, 0, 6, 0, 1, 0];
    payload.extend(IPVS.to_ne_bytes());
    payload.extend([0, 0]);
    vec![message(CONTROL, &payload), message(2, &[0; 4])]
}

/// A message without flags and sequence number.
pub fn message(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut message = (16 + payload.len() as u32).to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend([0; 10]);
    message.extend(payload);
    message
}

/// The bytes that `hex` spells.
pub fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|place| u8::from_str_radix(&hex[2 * place..][..2], 16).unwrap())
        .collect()
}

/// No name is that of a host or a port.
pub struct NoNames;

impl Resolve for NoNames {
    fn address(&self, _: &str, _: Family) -> Option<IpAddr> {
        None
    }
    fn port(&self, _: &str, _: Protocol) -> Option<u16> {
        None
    }
}
