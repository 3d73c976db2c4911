//! Small files below `/run/lvskit` that outlive a program: read, and replaced as a whole.

use std::ffi::OsString;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::fcntl::{Flock, FlockArg};

/// Where this project remembers things until the machine is started again.
const DIRECTORY: &str = "/run/lvskit";

/// The file `name` that belongs to the network namespace this process is in: IPVS and its tables
/// do too.
///
/// # Errors
/// /proc is not there.
pub fn path(name: &str) -> io::Result<PathBuf> {
    let namespace = fs::metadata("/proc/self/ns/net")?.ino();
    Ok(Path::new(DIRECTORY).join(format!("{name}.{namespace}")))
}

/// A file that this process alone reads and replaces, until it is dropped.
#[derive(Debug)]
pub struct State {
    path: PathBuf,
    _lock: Flock<File>,
}

impl State {
    /// Waits until nobody else has the file. It need not be there, nor its directory.
    ///
    /// # Errors
    /// The directory or the lock cannot be made.
    pub fn open(path: PathBuf) -> io::Result<Self> {
        if let Some(directory) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(directory)?;
        }
        // The file itself is replaced, so a lock on it would lock what nobody sees.
        let lock = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(with_ending(&path, ".lock"))?;
        let lock = Flock::lock(lock, FlockArg::LockExclusive).map_err(|(_, errno)| errno)?;
        Ok(State { path, _lock: lock })
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
        if content.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
                result => result,
            };
        }
        let new = with_ending(&self.path, ".new");
        let mut file = OpenOptions::new()
            .create(true)
            .truncate(true)
            .write(true)
            .mode(0o600)
            .open(&new)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)
    }
}

fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}
