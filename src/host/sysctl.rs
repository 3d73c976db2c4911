//! Settings of the kernel under `/proc/sys`, in the network namespace of this thread.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// The number that a setting has.
///
/// # Errors
/// NotFound where the kernel, or the device that it names, has no such setting; InvalidData where
/// it is no number.
pub fn read(path: &[&str]) -> io::Result<i32> {
    let text = fs::read_to_string(file(path))?;
    text.trim_end()
        .parse()
        .map_err(|_| io::ErrorKind::InvalidData.into())
}

/// Gives a setting a number.
pub fn write(path: &[&str], value: i32) -> io::Result<()> {
    // Without O_CREAT, whose refusal in /proc would tell something else.
    let mut file = fs::OpenOptions::new().write(true).open(file(path))?;
    io::Write::write_all(&mut file, format!("{value}\n").as_bytes())
}

/// The file of a setting: the name's parts are directories, so that a device's name may have dots.
fn file(path: &[&str]) -> PathBuf {
    let mut file = PathBuf::from("/proc/sys");
    file.extend(path.iter().map(Path::new));
    file
}
