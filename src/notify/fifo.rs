//! A pipe with a name, into which lines are written (`lvs_notify_fifo`).

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt, chown};
use std::path::{Path, PathBuf};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::host::signals::NONBLOCK;

/// A pipe that is open.
#[derive(Debug)]
pub struct Fifo {
    path: PathBuf,
    file: File,
    /// Whether it is to be removed in the end.
    made: bool,
    /// Whether the last line was lost.
    is_full: bool,
}

impl Fifo {
    /// Opens the pipe, and makes it where there is none, for this user and group.
    ///
    /// # Errors
    /// InvalidInput: what is there is no pipe.
    pub fn open(path: &Path, owner: Option<(u32, u32)>) -> io::Result<Self> {
        let made = match fs::metadata(path) {
            Ok(found) if found.file_type().is_fifo() => false,
            Ok(_) => return Err(io::ErrorKind::InvalidInput.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                mkfifo(path, Mode::from_bits_truncate(0o600))?;
                if let Some((user, group)) = owner {
                    chown(path, Some(user), Some(group))?;
                }
                true
            }
            Err(error) => return Err(error),
        };
        // Open for reading, too: so lines wait in it until somebody reads them.
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .custom_flags(NONBLOCK)
            .open(path)?;
        Ok(Fifo {
            path: path.to_owned(),
            file,
            made,
            is_full: false,
        })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a line, which ends with its own line end. When the pipe is full it is lost; tells so
    /// for the first of those.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn write(&mut self, line: &str) -> io::Result<()> {
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

impl Drop for Fifo {
    fn drop(&mut self) {
        if self.made {
            let _ = fs::remove_file(&self.path);
        }
    }
}
