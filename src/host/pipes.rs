//! Pipes with a name (fifo(7)): lines for whoever reads there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::Child;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::signals;

/// A pipe that is written to and held open, so that what is written before anybody reads waits for
/// him.
#[derive(Debug)]
pub struct NamedPipe {
    path: PathBuf,
    file: File,
    /// It was not there before, and is removed in the end.
    made: bool,
    /// The last line was lost.
    is_full: bool,
    /// Who was started to read it.
    reader: Option<Child>,
}

impl NamedPipe {
    /// Opens it; makes it where there is none, for this user and group alone.
    ///
    /// # Errors
    /// It is something else than a pipe, or cannot be opened.
    pub fn open(path: &Path, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let made = match mkfifo(path, Mode::S_IRUSR | Mode::S_IWUSR) {
            Ok(()) => true,
            Err(Errno::EEXIST) => false,
            Err(errno) => return Err(errno.into()),
        };
        if let Some((user, group)) = owner.filter(|_| made) {
            chown(path, Some(user), Some(group))?;
        }
        // To read as well: else opening it would fail, or wait, while nobody reads.
        let mut options = OpenOptions::new();
        let file = options
            .read(true)
            .write(true)
            .custom_flags(signals::NONBLOCK)
            .open(path)?;
        if !file.metadata()?.file_type().is_fifo() {
            return Err(io::Error::other("it is no pipe"));
        }
        Ok(NamedPipe {
            path: path.to_owned(),
            file,
            made,
            is_full: false,
            reader: None,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// This process was started to read it, and is to end with it.
    pub fn read_by(&mut self, reader: Child) {
        self.reader = Some(reader);
    }

    /// Looks whether its reader has ended: then nobody waits for it any more.
    pub fn reap(&mut self) {
        let reader = self.reader.as_mut();
        if reader.is_some_and(|reader| !matches!(reader.try_wait(), Ok(None))) {
            self.reader = None;
        }
    }

    /// Writes a line, which ends with its own line end; never waits. While the pipe is full lines
    /// are lost.
    ///
    /// # Errors
    /// The line is lost, and the one before it was not.
    pub fn tell(&mut self, line: &str) -> io::Result<()> {
        // One of up to 4096 bytes is written as a whole or not at all (pipe(7)).
        match self.file.write_all(line.as_bytes()) {
            Ok(()) => {
                self.is_full = false;
                Ok(())
            }
            Err(_) if std::mem::replace(&mut self.is_full, true) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

impl Drop for NamedPipe {
    fn drop(&mut self) {
        if let Some(reader) = &self.reader {
            signals::terminate(reader.id());
        }
        if self.made {
            let _ = fs::remove_file(&self.path);
        }
    }
}
