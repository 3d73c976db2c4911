//! A file with the number of a process, locked while the process lives.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// A PID file of this process; gone when it is dropped.
#[derive(Debug)]
pub struct PidFile {
    path: PathBuf,
    file: Flock<File>,
}

/// Why there is none.
#[derive(Debug)]
pub enum Refused {
    /// A process that lives has it; its number, if the file says so.
    Taken(Option<u32>),
    /// The file cannot be made.
    Failed(io::Error),
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Refused::Failed(error)
    }
}

impl PidFile {
    /// Takes the file. One that a dead process has left is not locked any more, whatever number is
    /// in it, and is taken over.
    ///
    /// # Errors
    /// Another process has it, or it cannot be made.
    pub fn take(path: &Path) -> Result<Self, Refused> {
        loop {
            let file = OpenOptions::new()
                .read(true)
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o644)
                .custom_flags(libc::O_NOFOLLOW)
                .open(path)?;
            let file = match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                Ok(file) => file,
                Err((mut file, Errno::EWOULDBLOCK)) => {
                    let mut text = String::new();
                    let _ = file.read_to_string(&mut text);
                    return Err(Refused::Taken(text.trim().parse().ok()));
                }
                Err((_, errno)) => return Err(io::Error::from(errno).into()),
            };
            // Whoever had it may have removed it in between.
            let is_current = match fs::metadata(path) {
                Ok(found) => found.ino() == file.metadata()?.ino(),
                Err(error) if error.kind() == io::ErrorKind::NotFound => false,
                Err(error) => return Err(error.into()),
            };
            if is_current {
                return Ok(PidFile {
                    path: path.to_owned(),
                    file,
                });
            }
        }
    }

    /// Writes the number of this process into it. The lock is of all processes that this one has
    /// split into since it was taken.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self) -> io::Result<()> {
        let text = format!("{}\n", std::process::id());
        self.file.set_len(0)?;
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())
    }

    /// Leaves the file to another process that has the lock, too.
    pub fn leave(self) {
        std::mem::forget(self);
    }
}

impl Drop for PidFile {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
