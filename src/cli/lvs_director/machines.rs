//! This machine, as a configuration asks for it.

use std::cell::Cell;
use std::fs;
use std::net::ToSocketAddrs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::conf::expand::{Outside, Unreadable};
use crate::conf::lists::Names;
use crate::conf::machine::{Machine, Obstacle};
use crate::host::{accounts, error_text};

/// The longest file that is read, in bytes.
const LONGEST: u64 = 64 << 20;

/// The files and variables of this machine.
pub struct ThisOutside {
    identity: String,
    random: Cell<u64>,
}

impl ThisOutside {
    /// With what `@ID` is compared with, or the name of the host, and where random numbers begin.
    pub fn new(identity: Option<&str>, seed: u64) -> Self {
        ThisOutside {
            identity: identity.map_or_else(accounts::short_host_name, str::to_owned),
            random: Cell::new(seed),
        }
    }
}

impl Outside for ThisOutside {
    fn read(&self, path: &str) -> Result<String, Unreadable> {
        let told = |error: std::io::Error| Unreadable {
            missing: error.kind() == std::io::ErrorKind::NotFound,
            why: error_text(&error),
        };
        let refuse = |why: String| {
            Err(Unreadable {
                missing: false,
                why,
            })
        };
        let about = fs::metadata(path).map_err(told)?;
        if about.is_dir() {
            return refuse("it is a directory".into());
        }
        if about.len() > LONGEST {
            return refuse(format!("it has more than {LONGEST} bytes"));
        }
        let bytes = fs::read(path).map_err(told)?;
        let lossy = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        // Mostly the bytes are a text, and need not be looked at one by one.
        Ok(String::from_utf8(bytes).unwrap_or_else(|error| lossy(error.as_bytes())))
    }

    fn matching(&self, pattern: &str) -> Vec<String> {
        let mut found = Vec::new();
        for pattern in alternatives(pattern) {
            let Ok(paths) = glob::glob(&pattern) else {
                continue;
            };
            let files = paths.flatten().filter(|path| path.is_file());
            found.extend(files.map(|path| path.to_string_lossy().into_owned()));
        }
        found
    }

    fn variable(&self, name: &str) -> Option<String> {
        std::env::var(name).ok()
    }

    fn identity(&self) -> &str {
        &self.identity
    }

    fn random(&self, least: u32, most: u32) -> u32 {
        // The step of a linear congruential generator (Knuth, MMIX): names need no better.
        let next = self.random.get().wrapping_mul(6_364_136_223_846_793_005);
        self.random
            .set(next.wrapping_add(1_442_695_040_888_963_407));
        let width = u64::from(most.saturating_sub(least)) + 1;
        let offset = (self.random.get() >> 33) % width;
        least.saturating_add(u32::try_from(offset).unwrap_or(0))
    }
}

/// The patterns without braces that a pattern with `{a,b}` stands for.
fn alternatives(pattern: &str) -> Vec<String> {
    /// More of them are no list of files.
    const MOST: usize = 1024;
    let mut done = Vec::new();
    let mut open = vec![pattern.to_owned()];
    while let Some(pattern) = open.pop() {
        if done.len() + open.len() > MOST {
            break;
        }
        match first_braces(&pattern) {
            None => done.push(pattern),
            Some((before, parts, after)) => {
                let whole = |part: &&str| format!("{before}{part}{after}");
                open.extend(parts.iter().rev().map(whole));
            }
        }
    }
    done
}

/// The text before the first braces, the parts in them, and the text behind.
fn first_braces(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    let open = pattern.find('{')?;
    let mut depth = 0;
    let mut parts = Vec::new();
    let mut start = open + 1;
    for (at, c) in pattern.char_indices().skip_while(|(at, _)| *at < open) {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (c == ',' && depth == 1) || depth == 0 {
            parts.push(&pattern[start..at]);
            start = at + 1;
        }
        if depth == 0 {
            return Some((&pattern[..open], parts, &pattern[start..]));
        }
    }
    None
}

/// Where iproute2 lists the names of tables and the like.
const ROUTE_NAMES: [&str; 3] = ["/etc/iproute2", "/usr/share/iproute2", "/usr/lib/iproute2"];

/// What this machine has.
pub struct ThisMachine;

impl Machine for ThisMachine {
    fn has_interface(&self, name: &str) -> bool {
        accounts::has_interface(name)
    }

    fn can_run(&self, program: &str) -> Result<(), Obstacle> {
        let path = find(program).ok_or(Obstacle::Missing)?;
        let about = match fs::metadata(&path) {
            Ok(about) => about,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Err(Obstacle::Missing);
            }
            Err(error) => return Err(Obstacle::Unusable(error_text(&error))),
        };
        match () {
            () if !about.is_file() => Err(Obstacle::Unusable("it is no file".into())),
            () if about.permissions().mode() & 0o111 == 0 => {
                Err(Obstacle::Unusable("it is not executable (chmod +x)".into()))
            }
            () => Ok(()),
        }
    }

    fn has_user(&self, name: &str) -> bool {
        accounts::has_user(name)
    }

    fn has_group(&self, name: &str) -> bool {
        accounts::has_group(name)
    }

    fn has_route_name(&self, of: Names, name: &str) -> bool {
        let directories = ROUTE_NAMES.map(|directory| Path::new(directory).join(of.file()));
        let more = directories.iter().flat_map(|file| {
            fs::read_dir(file.with_extension("d"))
                .into_iter()
                .flatten()
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| path.extension().is_some_and(|ending| ending == "conf"))
        });
        let files = directories.iter().cloned().chain(more);
        let texts: Vec<String> = files
            .filter_map(|file| fs::read_to_string(file).ok())
            .collect();
        let mut lines = texts.iter().flat_map(|text| text.lines());
        texts.is_empty() || lines.any(|line| line.split_whitespace().nth(1) == Some(name))
    }

    fn resolves(&self, host: &str) -> bool {
        (host, 25)
            .to_socket_addrs()
            .is_ok_and(|mut all| all.next().is_some())
    }
}

/// A program with a `/` in its name is where that says, another is looked for in PATH.
fn find(program: &str) -> Option<PathBuf> {
    if program.contains('/') {
        return Some(PathBuf::from(program));
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path)
        .map(|directory| directory.join(program))
        .find(|path| Path::is_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_are_alternatives() {
        assert_eq!(alternatives("/a/{b,c}/*.d"), ["/a/b/*.d", "/a/c/*.d"]);
        assert_eq!(alternatives("{a,b{c,d}}"), ["a", "bc", "bd"]);
        assert_eq!(alternatives("a}b{"), ["a}b{"]);
        assert!(alternatives(&"{a,b}".repeat(40)).len() <= 1024);
    }

    #[test]
    fn random_numbers_keep_within_their_bounds() {
        let outside = ThisOutside::new(Some("x"), 7);
        for _ in 0..100 {
            assert!((3..=5).contains(&outside.random(3, 5)));
        }
        assert_eq!(outside.random(9, 9), 9);
    }
}
