//! What all probes share: the end of their time, and errors of sockets as reasons.

use std::future::Future;
use std::io;

use tokio::io::Interest;
use tokio::net::UdpSocket;
use tokio::time::{Instant, timeout_at};

use super::{Fault, Reason, Stage, Verdict};
use crate::host::error_text;

/// How a probe ends when the server is not known to be well.
#[derive(Debug)]
pub enum Failure {
    /// The server is not well.
    Down(Reason),
    /// This machine cannot ask.
    Unknown(Fault),
}

impl From<Failure> for Verdict {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Down(reason) => Verdict::Down(reason),
            Failure::Unknown(fault) => Verdict::Unknown(fault),
        }
    }
}

impl From<Reason> for Failure {
    fn from(reason: Reason) -> Self {
        Failure::Down(reason)
    }
}

/// When a check must have ended.
#[derive(Clone, Copy, Debug)]
pub struct Deadline(pub Instant);

impl Deadline {
    /// Waits for a step of the probe, but not beyond the deadline.
    pub async fn within<T>(self, stage: Stage, step: impl Future<Output = T>) -> Result<T, Reason> {
        timeout_at(self.0, step)
            .await
            .map_err(|_| Reason::Timeout(stage))
    }
}

/// What an error on an open socket says about the server, or about this machine.
pub fn failure(stage: Stage, error: &io::Error) -> Failure {
    use io::ErrorKind::{BrokenPipe, ConnectionRefused, UnexpectedEof};
    let reason = match error.kind() {
        ConnectionRefused => Reason::Refused,
        UnexpectedEof | BrokenPipe => Reason::Closed(stage),
        io::ErrorKind::TimedOut => Reason::Timeout(stage),
        // The server has no part in these: no such source, no free port, no memory, a firewall
        // here. (EACCES may come from one there: ICMPv6 "administratively prohibited".)
        _ => match error.raw_os_error() {
            Some(
                libc::EADDRNOTAVAIL
                | libc::EADDRINUSE
                | libc::ENOMEM
                | libc::ENOBUFS
                | libc::EPERM
                | libc::EINVAL,
            ) => return Failure::Unknown(Fault::of("send", error)),
            _ => Reason::Network(error_text(error)),
        },
    };
    Failure::Down(reason)
}

/// Waits for a datagram of up to `longest` bytes. Memory is taken only when it is there:
/// thousands of checks may be waiting.
pub async fn receive(socket: &UdpSocket, longest: usize) -> io::Result<Vec<u8>> {
    loop {
        let ready = socket.ready(Interest::READABLE | Interest::ERROR).await?;
        // An ICMP error comes alone, with nothing to read.
        if ready.is_error() {
            if let Some(error) = socket.take_error()? {
                return Err(error);
            }
            let seen = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            let _ = socket.try_io(Interest::ERROR, seen);
        }
        let mut datagram = vec![0; longest];
        match socket.try_recv(&mut datagram) {
            Ok(length) => {
                datagram.truncate(length);
                return Ok(datagram);
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(error) => return Err(error),
        }
    }
}

/// Eight bytes that nobody can guess from the last ones.
pub fn random() -> u64 {
    use std::hash::{BuildHasher, Hasher, RandomState};
    RandomState::new().build_hasher().finish()
}
