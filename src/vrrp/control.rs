//! How a running speaker is asked things: a datagram socket below `/run/lvskit`, which only its own
//! user reaches.

use std::fs::{self, Permissions};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::addr::Family;
use crate::host::files::Lock;
use crate::host::state;

use super::configuration::Id;
use super::report::Form;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The longest question and answer.
const LONGEST: usize = 64 * 1024;

/// What a speaker can be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Question {
    /// To give up being master.
    Resign,
    /// What it is.
    Status(Form),
    /// What it is called.
    Name,
}

impl Question {
    fn word(self) -> &'static str {
        match self {
            Question::Resign => "resign",
            Question::Status(Form::Text) => "status",
            Question::Status(Form::Json) => "status json",
            Question::Name => "name",
        }
    }
}

/// Where a speaker is asked.
#[derive(Debug)]
pub struct Control {
    socket: UnixDatagram,
    path: PathBuf,
}

impl Control {
    /// Opens it for one virtual router.
    ///
    /// # Errors
    /// AddrInUse: another process speaks for that one.
    pub fn open(id: &Id) -> io::Result<Self> {
        let path = path(id)?;
        let _turn = take_turn(&path)?;
        if UnixDatagram::unbound()?.connect(&path).is_ok() {
            return Err(io::ErrorKind::AddrInUse.into());
        }
        // Nobody listens: it is left from one that was killed.
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let socket = UnixDatagram::bind(&path)?;
        socket.set_nonblocking(true)?;
        fs::set_permissions(&path, Permissions::from_mode(0o600))?;
        Ok(Control { socket, path })
    }

    /// Answers one question, if there is one; never waits.
    pub fn answer(&self, answer: impl FnOnce(Question) -> String) -> io::Result<()> {
        let mut buffer = [0; 64];
        let (length, asker) = match self.socket.recv_from(&mut buffer) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            received => received?,
        };
        let known = [
            Question::Resign,
            Question::Status(Form::Text),
            Question::Status(Form::Json),
            Question::Name,
        ];
        let asked = |question: &Question| question.word().as_bytes() == &buffer[..length];
        if let Some(question) = known.into_iter().find(asked) {
            let text = answer(question);
            // Whoever asked may have gone.
            let _ = self.socket.send_to_addr(text.as_bytes(), &asker);
        }
        Ok(())
    }
}

impl AsFd for Control {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Waits until nobody else looks whether a socket is deserted, to have its name: of two that start at
/// the same time each would take that of the other for one that was left. Whoever has the socket then
/// keeps others away by living.
fn take_turn(path: &Path) -> io::Result<Lock> {
    Lock::take_within(&path.with_file_name("vrrp"), PATIENCE)
}

/// Removes the sockets of speakers, and of those who asked one, that were killed: nobody listens
/// there. Other network namespaces are swept too, they may be gone as well.
pub fn sweep() {
    /// One that is younger may not listen yet.
    const YOUNG: Duration = Duration::from_secs(10);
    let Ok(example) = state::path("vrrp") else {
        return;
    };
    let Ok(_turn) = take_turn(&example) else {
        return;
    };
    let entries = example.parent().and_then(|all| fs::read_dir(all).ok());
    for entry in entries.into_iter().flatten().flatten() {
        let is_ours = {
            let name = entry.file_name();
            let name = name.as_encoded_bytes();
            name.starts_with(b"vrrp.") || name.starts_with(b"vrrp-ask.")
        };
        let Ok(found) = entry.metadata() else {
            continue;
        };
        let age = found.modified().ok().and_then(|made| made.elapsed().ok());
        let is_old = age.is_some_and(|age| age > YOUNG);
        if is_ours && is_old && found.file_type().is_socket() && is_deserted(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// Whether a socket has a name, and nobody has the socket.
fn is_deserted(path: &Path) -> bool {
    let reached = UnixDatagram::unbound().and_then(|socket| socket.connect(path));
    reached.is_err_and(|error| error.kind() == io::ErrorKind::ConnectionRefused)
}

/// The sockets of all speakers of this network namespace, in the order of their names.
pub fn all() -> io::Result<Vec<PathBuf>> {
    let example = state::path("vrrp")?;
    let (Some(directory), Some(ending)) = (example.parent(), example.extension()) else {
        return Ok(vec![]);
    };
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(vec![]),
        entries => entries?,
    };
    let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
    let mut paths: Vec<PathBuf> = paths
        .filter(|path| {
            let name = path.file_name().unwrap_or_default().as_encoded_bytes();
            name.starts_with(b"vrrp.") && path.extension() == Some(ending)
        })
        .collect();
    paths.sort();
    Ok(paths)
}

/// Asks the speaker that has this socket.
///
/// # Errors
/// NotFound and ConnectionRefused: there is none.
pub fn ask(path: &Path, question: Question) -> io::Result<String> {
    let own = state::path(&format!("vrrp-ask.{}", std::process::id()))?;
    let _ = fs::remove_file(&own);
    let socket = UnixDatagram::bind(&own)?;
    let answer = (|| {
        socket.connect(path)?;
        socket.set_read_timeout(Some(PATIENCE))?;
        socket.send(question.word().as_bytes())?;
        let mut buffer = vec![0; LONGEST];
        let length = socket.recv(&mut buffer)?;
        Ok(String::from_utf8_lossy(&buffer[..length]).into_owned())
    })();
    let _ = fs::remove_file(&own);
    answer
}

/// The socket of the speaker for a virtual router.
///
/// # Errors
/// /proc is not there.
pub fn path(id: &Id) -> io::Result<PathBuf> {
    let family = match id.family {
        Family::V4 => "inet",
        Family::V6 => "inet6",
    };
    // A name may have any characters, and any number of them.
    let twin = id.twin.as_ref().map_or(String::new(), |name| {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        format!(".{:016x}", hasher.finish())
    });
    state::path(&format!("vrrp.{}.{family}.{}{twin}", id.interface, id.vrid))
}
