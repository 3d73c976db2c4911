//! Programs, and who could have changed them.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// Whether somebody other than root can change a program, or put another one in its place: it or a
/// directory on the way to it is not root's, or its group or others may write there. One that is
/// not there is not exposed; a name without a slash is looked for as execvp(3) does.
pub fn is_exposed(program: &str) -> bool {
    let Some(path) = find(program) else {
        return false;
    };
    // A link is as good as the directories that it is in, and what it leads to.
    let target = fs::canonicalize(&path);
    target.is_ok_and(|target| is_open(&target)) || path.parent().is_some_and(is_open)
}

fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(program.into());
    }
    let path = env::var_os("PATH")?;
    let mut candidates = env::split_paths(&path).map(|directory| directory.join(program));
    candidates.find(|candidate| candidate.is_file())
}

/// Whether that file or directory, or one above it, may be written by others than root.
fn is_open(path: &Path) -> bool {
    /// Of a group, and of all.
    const WRITE: u32 = 0o022;
    path.ancestors().any(|part| {
        let part = if part.as_os_str().is_empty() {
            Path::new(".")
        } else {
            part
        };
        fs::metadata(part).is_ok_and(|found| found.uid() != 0 || found.mode() & WRITE != 0)
    })
}
