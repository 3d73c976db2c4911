//! The processes of this machine, as /proc shows them.

use std::fs;

/// The numbers of all processes.
pub fn all() -> impl Iterator<Item = u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Looks at a process: its short name, and the words of its command line. One that has gone, or is of
/// the kernel, has none.
pub fn look<T>(id: u32, look: impl FnOnce(&str, &[&str]) -> T) -> T {
    let read = |file: &str| fs::read(format!("/proc/{id}/{file}")).unwrap_or_default();
    let (name, line) = (read("comm"), read("cmdline"));
    let name = String::from_utf8_lossy(&name);
    let line = String::from_utf8_lossy(&line);
    let words: Vec<&str> = match line.is_empty() {
        true => Vec::new(),
        false => line.trim_end_matches('\0').split('\0').collect(),
    };
    look(name.trim_end(), &words)
}
