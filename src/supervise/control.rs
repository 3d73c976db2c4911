//! How a running director is asked things: a stream socket that only its own user reaches, a line
//! for a question, the rest of the stream for the answer.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::host::local_socket::LocalSocket;
use crate::host::state;

/// How long a question may take to come, and an answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// The longest question, in bytes.
const LONGEST: usize = 1024;

/// How many may ask at a time.
const MOST: usize = 32;

/// Where the director of this network namespace is asked.
///
/// # Errors
/// /proc is not there.
pub fn path() -> io::Result<PathBuf> {
    state::path("director.sock")
}

/// Where the `lvs-check` that it has started is asked.
///
/// # Errors
/// /proc is not there.
pub fn check_path() -> io::Result<PathBuf> {
    state::path("check.sock")
}

/// The end of a director.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    askers: Vec<Asker>,
    /// Its name goes with it.
    _socket: LocalSocket,
}

#[derive(Debug)]
struct Asker {
    stream: UnixStream,
    question: Vec<u8>,
    until: Duration,
}

impl Control {
    /// Opens it. What one that was killed has left is replaced.
    ///
    /// # Errors
    /// AddrInUse: another one listens there.
    pub fn open(path: &Path) -> io::Result<Self> {
        let socket = LocalSocket::listen(path)?;
        Ok(Control {
            listener: socket.listener()?,
            askers: Vec::new(),
            _socket: socket,
        })
    }

    /// What can become readable.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        let askers = self.askers.iter().map(|asker| asker.stream.as_fd());
        [self.listener.as_fd()].into_iter().chain(askers)
    }

    /// When somebody has taken too long.
    pub fn deadline(&self) -> Option<Duration> {
        self.askers.iter().map(|asker| asker.until).min()
    }

    /// Takes in who has come, and answers whoever has asked; never waits. `now` is the time since
    /// anything.
    pub fn turn(&mut self, now: Duration, mut answer: impl FnMut(&str) -> String) {
        while self.askers.len() < MOST {
            let Ok((stream, _)) = self.listener.accept() else {
                break;
            };
            if stream.set_nonblocking(true).is_ok() {
                self.askers.push(Asker {
                    stream,
                    question: Vec::new(),
                    until: now + PATIENCE,
                });
            }
        }
        self.askers.retain_mut(|asker| {
            let goes_on = asker.read();
            if let Some(end) = asker.question.iter().position(|&byte| byte == b'\n') {
                let question = String::from_utf8_lossy(&asker.question[..end]).into_owned();
                // Whoever asked may have gone. An answer is shorter than what a socket keeps.
                let _ = asker.stream.write_all(answer(&question).as_bytes());
                return false;
            }
            goes_on && asker.until > now && asker.question.len() < LONGEST
        });
    }
}

impl Asker {
    /// Reads what has come; says whether more may come.
    fn read(&mut self) -> bool {
        let mut some = [0; 256];
        while self.question.len() < LONGEST {
            match self.stream.read(&mut some) {
                Ok(0) => return false,
                Ok(length) => self.question.extend(&some[..length]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return error.kind() == io::ErrorKind::WouldBlock,
            }
        }
        true
    }
}

/// Asks a director.
///
/// # Errors
/// NotFound and ConnectionRefused: there is none. TimedOut or WouldBlock: it does not answer.
pub fn ask(path: &Path, question: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(path)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(question.as_bytes())?;
    stream.write_all(b"\n")?;
    stream.shutdown(Shutdown::Write)?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}
