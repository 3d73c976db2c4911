//! Files that others write: word when one of them may have changed (inotify(7)).

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

/// Files that are watched; they need not be there.
#[derive(Debug)]
pub struct FileWatch {
    inotify: Inotify,
    /// Each in the directory where it is, or will be.
    files: Vec<(WatchDescriptor, OsString)>,
}

impl FileWatch {
    /// One that watches nothing yet.
    pub fn open() -> io::Result<Self> {
        let flags = InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC;
        Ok(FileWatch {
            inotify: Inotify::init(flags)?,
            files: vec![],
        })
    }

    /// Watches a file from now on.
    ///
    /// # Errors
    /// There is no such directory, or it cannot be watched.
    pub fn watch(&mut self, path: &Path) -> io::Result<()> {
        let Some(name) = path.file_name() else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let directory = path
            .parent()
            .filter(|parent| !parent.as_os_str().is_empty());
        let flags = AddWatchFlags::IN_CLOSE_WRITE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_ONLYDIR;
        let directory = directory.unwrap_or(Path::new("."));
        let watch = self.inotify.add_watch(directory, flags)?;
        self.files.push((watch, name.to_owned()));
        Ok(())
    }

    /// Whether one of the files may have changed since it was asked last; never waits.
    pub fn has_news(&mut self) -> io::Result<bool> {
        let mut news = false;
        loop {
            match self.inotify.read_events() {
                Ok(events) => news |= events.iter().any(|event| self.is_news(event)),
                Err(Errno::EAGAIN) => return Ok(news),
                Err(Errno::EINTR) => {}
                Err(errno) => return Err(errno.into()),
            }
        }
    }

    /// What has no name is of a directory that is gone, or of too much to tell it all.
    fn is_news(&self, event: &InotifyEvent) -> bool {
        let Some(name) = &event.name else {
            return true;
        };
        let mut files = self.files.iter();
        files.any(|(watch, file)| *watch == event.wd && file == name)
    }
}

impl AsFd for FileWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_file_is_news_when_it_is_made_written_moved_or_removed() {
        let directory = std::env::temp_dir().join(format!("lvskit-watch.{}", std::process::id()));
        fs::create_dir(&directory).unwrap();
        let (file, other) = (directory.join("file"), directory.join("other"));
        let mut watch = FileWatch::open().unwrap();
        watch.watch(&file).unwrap();
        let mut is_news = |step: &str, change: &dyn Fn() -> io::Result<()>| {
            change().unwrap();
            assert!(watch.has_news().unwrap(), "{step}");
            assert!(!watch.has_news().unwrap(), "twice: {step}");
        };
        is_news("made", &|| fs::write(&file, "1"));
        is_news("written", &|| fs::write(&file, "2"));
        is_news("moved away", &|| fs::rename(&file, &other));
        is_news("moved here", &|| fs::rename(&other, &file));
        is_news("removed", &|| fs::remove_file(&file));
        fs::write(&other, "1").unwrap();
        assert!(!watch.has_news().unwrap(), "another file");
        fs::remove_dir_all(&directory).unwrap();
    }
}
