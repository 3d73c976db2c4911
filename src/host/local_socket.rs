//! Sockets with a name in the file system, which their own user alone reaches.

use std::fs::{self, DirBuilder, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use nix::sys::stat::{Mode, umask};

use super::files::Lock;

/// A socket that listens, and whose name is gone when it is dropped.
#[derive(Debug)]
pub struct LocalSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Who has it, listens there.
    _lock: Lock,
}

impl LocalSocket {
    /// Listens at `path`, in place of one that was left behind; makes its directory where it is
    /// missing.
    ///
    /// # Errors
    /// AddrInUse: another process listens there. AlreadyExists: something else has the name.
    pub fn listen(path: &Path) -> io::Result<Self> {
        use std::os::unix::fs::FileTypeExt;
        if let Some(directory) = path.parent() {
            DirBuilder::new()
                .recursive(true)
                .mode(0o755)
                .create(directory)?;
        }
        let lock = Lock::take_within(path, std::time::Duration::ZERO);
        let lock = lock.map_err(|error| match error.kind() {
            io::ErrorKind::WouldBlock => io::ErrorKind::AddrInUse.into(),
            _ => error,
        })?;
        if let Ok(found) = fs::symlink_metadata(path) {
            if !found.file_type().is_socket() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            if UnixStream::connect(path).is_ok() {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            fs::remove_file(path)?;
        }
        // Nobody else shall reach it even for a moment; this process has no other thread here.
        let before = umask(Mode::from_bits_truncate(0o177));
        let bound = UnixListener::bind(path);
        umask(before);
        let listener = bound?;
        fs::set_permissions(path, Permissions::from_mode(0o600))?;
        listener.set_nonblocking(true)?;
        Ok(LocalSocket {
            listener,
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// The socket, to accept connections with; it does not wait.
    ///
    /// # Errors
    /// The system gives no more descriptors.
    pub fn listener(&self) -> io::Result<UnixListener> {
        self.listener.try_clone()
    }
}

impl Drop for LocalSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
