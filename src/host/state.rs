//! Small files below `/run/lvskit` that outlive a program: read, and replaced as a whole.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::files::{self, Lock};
use super::identity;

/// Where this project remembers things until the machine is started again.
const DIRECTORY: &str = "/run/lvskit";

/// The file `name` that belongs to the network namespace this process is in: IPVS and its tables,
/// links and addresses do too.
///
/// Each namespace has its number in it, also the first one, so that who may not look at other
/// processes finds it as well.
///
/// # Errors
/// /proc is not there.
pub fn path(name: &str) -> io::Result<PathBuf> {
    let namespace = identity::network()?;
    Ok(Path::new(DIRECTORY).join(format!("{name}.{namespace}")))
}

/// The file `name` that outlives the machine's next start. It is one for all network namespaces: in
/// another life they are not the same.
pub fn lasting(name: &str) -> PathBuf {
    /// Where this project remembers things for ever.
    const LASTING: &str = "/var/lib/lvskit";
    Path::new(LASTING).join(name)
}

/// A file that this process alone reads and replaces, until it is dropped.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    _lock: Lock,
}

impl State {
    /// Waits until nobody else has the file. It need not be there, nor its directory.
    ///
    /// # Errors
    /// The directory or the lock cannot be made.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        let _lock = Lock::take(&path)?;
        Ok(State { path, _lock })
    }

    /// As [`open`](Self::open), but waits no longer than `patience`.
    ///
    /// # Errors
    /// WouldBlock when somebody has the file all that time.
    pub fn open_within(path: PathBuf, patience: Duration) -> io::Result<Self> {
        let _lock = Lock::take_within(&path, patience)?;
        Ok(State { path, _lock })
    }

    /// What the file holds: nothing, where there is none.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(&self) -> io::Result<Vec<u8>> {
        match fs::read(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
            result => result,
        }
    }

    /// Makes the file hold this, or be gone when it is nothing. Whenever the machine stops, the
    /// file has either the old or the new content.
    ///
    /// # Errors
    /// The file is as it was.
    pub fn replace(&self, content: &[u8]) -> io::Result<()> {
        const MODE: u32 = 0o600;
        match content {
            [] => files::remove(&self.path),
            content => files::replace(&self.path, content, MODE),
        }
    }
}
