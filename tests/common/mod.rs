//! A kernel at the other end of a socket pair, and the program that speaks to it.

use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::thread::{self, JoinHandle};

use lvskit::addr::{Family, Numeric, Protocol, Resolve};
use lvskit::cli::ipvsadm::{Environment, run};
use lvskit::ipvs::client::Client;
use lvskit::netlink::Connection;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};

/// The message type of the IPVS family.
pub const IPVS: u16 = 0x20;

/// The message type of the family that knows those of the others.
pub const CONTROL: u16 = 0x10;

/// How a program ended.
pub struct Ended {
    /// Standard output.
    pub output: Vec<u8>,
    /// Standard error.
    pub errors: Vec<u8>,
    pub status: u8,
}

/// Runs `ipvsadm` with `words` and `input` against a kernel that `answer`s.
pub fn ipvsadm(words: &[&[u8]], mut input: &[u8], answer: impl Answer) -> Ended {
    let (connection, kernel) = kernel(answer);
    let mut connection = Some(connection);
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = run(
        words,
        Environment {
            program: b"ipvsadm",
            kernel: &mut || Client::over(connection.take().unwrap()),
            numbers: &NoNames,
            names: &Numeric,
            posixly_correct: false,
            tell_lines: false,
            input: &mut input,
            output: &mut output,
            errors: &mut errors,
        },
    );
    drop(connection);
    kernel.join().unwrap();
    Ended {
        output,
        errors,
        status,
    }
}

/// What a kernel answers to a datagram of requests; nothing, and it closes its end.
pub trait Answer: FnMut(&[u8]) -> Option<Vec<Vec<u8>>> + Send + 'static {}
impl<T: FnMut(&[u8]) -> Option<Vec<Vec<u8>>> + Send + 'static> Answer for T {}

/// A connection to a kernel that `answer`s, each time with the sequence number of the request;
/// and the thread that it runs in, which ends when the connection is closed.
pub fn kernel(answer: impl Answer) -> (Connection, JoinHandle<()>) {
    let (ours, kernels) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::empty(),
    )
    .unwrap();
    let thread = thread::spawn(move || follow(&kernels, answer));
    (Connection::from_fd(ours), thread)
}

fn follow(socket: &OwnedFd, mut answer: impl Answer) {
    let mut request = vec![0; 1 << 16];
    while let Ok(length @ 16..) = recv(socket.as_raw_fd(), &mut request, MsgFlags::empty()) {
        let request = &request[..length];
        let Some(answers) = answer(request) else {
            return;
        };
        for mut answer in answers {
            number(&mut answer, &request[8..12]);
            // The program need not read all.
            let _ = send(socket.as_raw_fd(), &answer, MsgFlags::MSG_NOSIGNAL);
        }
    }
}

/// Writes the sequence number into all messages of an answer.
fn number(answer: &mut [u8], sequence: &[u8]) {
    let mut place = 0;
    while place + 16 <= answer.len() {
        answer[place + 8..place + 12].copy_from_slice(sequence);
        let length = u32::from_ne_bytes(answer[place..place + 4].try_into().unwrap());
        place += (length as usize).next_multiple_of(4).max(16);
    }
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
