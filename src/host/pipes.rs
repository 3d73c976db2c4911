//! Pipes with a name (fifo(7)): lines for whoever reads there.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

/// A pipe that is written to and held open, so that what is written before anybody reads waits for
/// him.
#[derive(Debug)]
pub struct NamedPipe {
    path: PathBuf,
    file: File,
    /// It was not there before, and is removed in the end.
    made: bool,
}

impl NamedPipe {
    /// Opens it; makes it, for its own user alone, when it is not there.
    ///
    /// # Errors
    /// It is something else than a pipe, or cannot be opened.
    pub fn open(path: &Path) -> io::Result<Self> {
        let made = match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(errno.into()),
        };
        // To read as well: else opening it would fail, or wait, while nobody reads.
        let flags = libc::O_NONBLOCK;
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .custom_flags(flags)
            .open(path)?;
        if !file.metadata()?.file_type().is_fifo() {
            return Err(io::Error::other("it is no pipe"));
        }
        let path = path.to_owned();
        Ok(NamedPipe { path, file, made })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line; never waits.
    ///
    /// # Errors
    /// WouldBlock: it is full, and the line is lost.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        self.file.write_all(line.as_bytes())
    }
}

impl Drop for NamedPipe {
    fn drop(&mut self) {
        if self.made {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}
