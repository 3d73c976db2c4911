//! Files that must be whole or not there, also when the machine stops in between.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

/// What a file says; nothing where there is no file.
pub fn read(path: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file in one piece: who reads it sees what was there before or all of `content`, and once
/// this returns, a power cut does not take it back. Its directory is made where it is missing.
///
/// Links are followed; `mode` is for a file that was not there.
pub fn replace(path: &Path, content: &[u8], mode: u32) -> io::Result<()> {
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let directory = directory(path);
    fs::create_dir_all(directory)?;
    let mode = fs::metadata(path).map_or(mode, |found| found.permissions().mode());
    let new = beside(path, ".new");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    file.write_all(content)?;
    file.set_permissions(Permissions::from_mode(mode))?;
    file.sync_all()?;
    fs::rename(&new, path)?;
    File::open(directory)?.sync_all()
}

/// What others than root could change so that a program is another one: the program itself, what it is
/// a link to, or a directory on the way there. Nothing when nobody else can, or there is no such
/// program.
pub fn changed_by_others(program: &Path) -> Option<PathBuf> {
    let real = fs::canonicalize(program).ok()?;
    let ways = [program.to_owned(), real];
    let mut all = ways.iter().flat_map(|way| way.ancestors());
    let found = all.find(|path| {
        let Ok(found) = fs::metadata(path) else {
            return false;
        };
        let (mode, group) = (found.mode(), found.gid());
        found.uid() != 0 || mode & 0o002 != 0 || (mode & 0o020 != 0 && group != 0)
    });
    found.map(Path::to_owned)
}

/// Removes a file; it is no error that there is none.
pub fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(()) => File::open(directory(path))?.sync_all(),
    }
}

/// Held by one process at a time, until it is dropped or the process ends. It is a lock on a file
/// beside the one that is to be kept from others.
#[derive(Debug)]
pub struct Lock {
    path: PathBuf,
    file: Flock<File>,
}

impl Lock {
    /// Waits until nobody else holds the lock of the file `path`, and takes it.
    pub fn take(path: &Path) -> io::Result<Self> {
        Self::take_by(path, |file| {
            Flock::lock(file, FlockArg::LockExclusive).map_err(|(_, errno)| errno.into())
        })
    }

    /// As [`take`](Self::take), but waits no longer than `patience`.
    ///
    /// # Errors
    /// WouldBlock when somebody holds it all that time.
    pub fn take_within(path: &Path, patience: Duration) -> io::Result<Self> {
        /// How often it is tried.
        const GLANCE: Duration = Duration::from_millis(50);
        let start = Instant::now();
        Self::take_by(path, |mut file| {
            loop {
                match Flock::lock(file, FlockArg::LockExclusiveNonblock) {
                    Err((back, Errno::EWOULDBLOCK)) if start.elapsed() < patience => file = back,
                    result => return result.map_err(|(_, errno)| errno.into()),
                }
                thread::sleep(GLANCE);
            }
        })
    }

    fn take_by(path: &Path, lock: impl Fn(File) -> io::Result<Flock<File>>) -> io::Result<Self> {
        fs::create_dir_all(directory(path))?;
        let path = beside(path, ".lock");
        loop {
            let file = OpenOptions::new()
                .write(true)
                .create(true)
                .truncate(false)
                .mode(0o600)
                .open(&path)?;
            let lock = Lock {
                path: path.clone(),
                file: lock(file)?,
            };
            if lock.is_current()? {
                return Ok(lock);
            }
        }
    }

    /// Whether the locked file has not been retired while we waited for it.
    fn is_current(&self) -> io::Result<bool> {
        let held = self.file.metadata()?.ino();
        match fs::metadata(&self.path) {
            Ok(found) => Ok(found.ino() == held),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Lets go of the lock, and leaves no file behind.
    pub fn retire(self) -> io::Result<()> {
        remove(&self.path)
    }
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(directory) if !directory.as_os_str().is_empty() => directory,
        _ => Path::new("."),
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_beside_has_the_same_directory() {
        assert_eq!(
            beside(Path::new("/run/a.b"), ".new"),
            Path::new("/run/a.b.new")
        );
        assert_eq!(directory(Path::new("a")), Path::new("."));
        assert_eq!(directory(Path::new("/run/a")), Path::new("/run"));
    }
}
