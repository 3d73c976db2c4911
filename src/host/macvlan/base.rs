//! The interface below, which speaks for its own addresses alone while there are others on it.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, Write as _};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::rc::Rc;

use nix::errno::Errno;
use nix::fcntl::{Flock, FlockArg};

use crate::host::state;
use crate::host::sysctl;
use crate::netlink::monitor::Interface;

/// What it is told: to answer ARP for no address but its own, and to ask in the name of none but its
/// own. Otherwise other hosts would learn its MAC for virtual addresses.
const QUIET: [(&str, i32); 2] = [("arp_ignore", 1), ("arp_announce", 2)];

/// The interface below. What it was told before is in a file, for a process that is killed cannot put
/// it back; all processes with a [`super::Macvlan`] on it share a lock on that file, and the last one
/// puts it back.
#[derive(Debug)]
pub struct Base {
    name: String,
    path: PathBuf,
    file: Flock<File>,
    stays: Cell<bool>,
}

/// What is remembered of an interface.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Memory {
    /// Its number: one that comes later has the name alone in common.
    link: u32,
    /// Settings that were changed, with what they were.
    before: BTreeMap<String, i32>,
}

impl Base {
    /// Has it speak for its own addresses alone, until the last one on it is gone.
    ///
    /// # Errors
    /// It cannot be told so, or nothing can be remembered.
    pub fn open(below: &Interface) -> io::Result<Rc<Self>> {
        let path = state::path(&format!("vrrp-base.{}", below.name))?;
        let file = share(&path)?;
        let mut base = Base {
            name: below.name.clone(),
            path,
            file,
            stays: Cell::new(false),
        };
        // Not the first one alone: that may have been killed in between.
        base.quieten(below.index)?;
        base.file.relock(FlockArg::LockShared)?;
        Ok(Rc::new(base))
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// It stays as it is when this is dropped.
    pub fn leave(&self) {
        self.stays.set(true);
    }

    fn quieten(&mut self, link: u32) -> io::Result<()> {
        let known = self.recall().filter(|memory| memory.link == link);
        let mut memory = known.unwrap_or_default();
        memory.link = link;
        let mut changes = Vec::new();
        for (setting, value) in QUIET {
            let now = sysctl::read(&self.setting(setting))?;
            if now < value {
                memory.before.insert(setting.to_owned(), now);
                changes.push((setting, value));
            } else if now > value {
                // Somebody else has said so since.
                memory.before.remove(setting);
            }
        }
        // First: killed in between, what is remembered is what is there.
        self.remember(&memory)?;
        for (setting, value) in changes {
            sysctl::write(&self.setting(setting), value)?;
        }
        Ok(())
    }

    fn put_back(&mut self) {
        let memory = self.recall().unwrap_or_default();
        for (setting, value) in QUIET {
            let path = self.setting(setting);
            let Some(before) = memory.before.get(setting) else {
                continue;
            };
            // With the interface its settings went; what somebody else has set stays.
            if sysctl::read(&path).is_ok_and(|now| now == value) {
                let _ = sysctl::write(&path, *before);
            }
        }
        let _ = fs::remove_file(&self.path);
    }

    fn setting<'a>(&'a self, setting: &'a str) -> [&'a str; 5] {
        ["net", "ipv4", "conf", &self.name, setting]
    }

    fn recall(&mut self) -> Option<Memory> {
        let mut text = String::new();
        self.file.rewind().ok()?;
        self.file.read_to_string(&mut text).ok()?;
        Memory::read(&text)
    }

    fn remember(&mut self, memory: &Memory) -> io::Result<()> {
        let text = memory.written();
        self.file.rewind()?;
        self.file.write_all(text.as_bytes())?;
        self.file.set_len(text.len() as u64)
    }
}

impl Drop for Base {
    fn drop(&mut self) {
        // Whoever else is on it puts it back in the end.
        let is_last = || self.file.relock(FlockArg::LockExclusiveNonblock).is_ok();
        if !self.stays.get() && is_last() {
            self.put_back();
        }
    }
}

impl Memory {
    /// `LINK SETTING=BEFORE ...`, in one line.
    fn written(&self) -> String {
        let mut text = self.link.to_string();
        for (setting, before) in &self.before {
            // A String takes everything.
            let _ = write!(text, " {setting}={before}");
        }
        text.push('\n');
        text
    }

    /// Nothing, where it is not whole.
    fn read(text: &str) -> Option<Self> {
        let mut words = text.strip_suffix('\n')?.split(' ');
        let link = words.next()?.parse().ok()?;
        let read = |word: &str| {
            let (setting, before) = word.split_once('=')?;
            Some((setting.to_owned(), before.parse().ok()?))
        };
        let before = words.map(read).collect::<Option<_>>()?;
        Some(Memory { link, before })
    }
}

/// Opens a file that others may have too, and locks it: for this process alone where nobody else has
/// it.
fn share(path: &Path) -> io::Result<Flock<File>> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory)?;
    }
    loop {
        let open = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(libc::O_NOFOLLOW)
            .open(path)?;
        let file = match Flock::lock(open, FlockArg::LockExclusiveNonblock) {
            Ok(file) => file,
            Err((open, Errno::EWOULDBLOCK)) => {
                // Waits for one that is about to tell it, or to put it back.
                let shared = Flock::lock(open, FlockArg::LockShared);
                shared.map_err(|(_, errno)| io::Error::from(errno))?
            }
            Err((_, errno)) => return Err(errno.into()),
        };
        // The last one may have removed it.
        let is_current = match fs::metadata(path) {
            Ok(found) => found.ino() == file.metadata()?.ino(),
            Err(error) if error.kind() == io::ErrorKind::NotFound => false,
            Err(error) => return Err(error),
        };
        if is_current {
            return Ok(file);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_again_and_half_of_it_is_nothing() {
        let memory = Memory {
            link: 7,
            before: [
                ("arp_ignore".to_owned(), 0),
                ("arp_announce".to_owned(), -1),
            ]
            .into(),
        };
        let text = memory.written();
        assert_eq!(text, "7 arp_announce=-1 arp_ignore=0\n");
        assert_eq!(Memory::read(&text), Some(memory));
        assert_eq!(Memory::read("7\n").map(|memory| memory.link), Some(7));
        for text in ["", "7 arp_ig", "7 arp_ignore=0", "7 arp_ignore\n", "x\n"] {
            assert_eq!(Memory::read(text), None, "{text:?}");
        }
    }
}
