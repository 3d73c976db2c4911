//! The configuration that was read last and holds, for programs that are started again when the file
//! says something else.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::path::{Path, PathBuf};

use crate::conf::expand::Outside;
use crate::conf::frame::{self, Known, Survey};
use crate::conf::model::Config;
use crate::host::{files, limits};

/// There are passwords in it.
const MODE: u32 = 0o600;

pub struct Loaded {
    /// Without its virtual servers, which are for `lvs-check`.
    pub config: Config,
    /// Virtual servers that need not be read again.
    pub known: Known,
    /// Tells it, with them, from others.
    digest: u64,
    snapshot: PathBuf,
}

impl Loaded {
    /// Nothing yet; what is loaded will be kept in this file.
    pub fn new(snapshot: PathBuf, known: Known) -> Self {
        Loaded {
            config: Config::default(),
            known,
            digest: 0,
            snapshot,
        }
    }

    /// Takes what was read. An error says that it cannot be kept in the file; it is taken all the
    /// same.
    pub fn take(&mut self, survey: Survey) -> io::Result<()> {
        let Survey { reading, text, .. } = survey;
        self.digest = digest(&text);
        let kept = files::replace(&self.snapshot, text.as_bytes(), MODE);
        self.config = reading.config;
        drop((text, reading.sources, reading.problems));
        limits::give_back_memory();
        kept
    }

    /// Whether this is the text of what holds.
    pub fn is(&self, text: &str) -> bool {
        digest(text) == self.digest
    }

    /// The file that has what holds.
    pub fn snapshot(&self) -> &Path {
        &self.snapshot
    }
}

impl Drop for Loaded {
    fn drop(&mut self) {
        let _ = files::remove(&self.snapshot);
    }
}

/// Reads a file.
///
/// # Errors
/// It cannot be read, in one line.
pub fn read(file: &str, outside: &dyn Outside, known: &mut Known) -> Result<Survey, String> {
    let text = outside.read(file);
    let text = text.map_err(|error| format!("cannot read {file}: {}", error.why))?;
    Ok(frame::survey(file, text, outside, known))
}

fn digest(text: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    hasher.finish()
}
