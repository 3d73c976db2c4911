//! The recordings: what was called in which surroundings, and what came out.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::path::Path;

use regex::Regex;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

use crate::fail::{Context, Result};

/// The folder with the recordings, see `README.md` there.
pub const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcripts");

/// One recorded call of the real program: a line of `GROUP.jsonl`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    pub id: String,
    #[serde(rename = "group")]
    _group: String,
    #[serde(rename = "note")]
    _note: Option<String>,
    #[serde(rename = "tags")]
    _tags: Option<Vec<String>>,
    /// Command lines for the reference program, run first.
    #[serde(default)]
    pub setup: Vec<Vec<String>>,
    pub argv: Vec<String>,
    #[serde(default)]
    pub stdin: String,
    pub stdout: String,
    pub stderr: String,
    /// The exit status, or the negative number of the signal.
    pub rc: i32,
    /// The table afterwards, as the reference program shows it.
    pub after: String,
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    pub uid: Option<u32>,
    pub argv0: Option<String>,
    #[serde(default)]
    pub out: Output,
    /// Files replaced by `/dev/null` for the call.
    #[serde(default)]
    pub hide: Vec<String>,
    /// What stands in `/proc/net/ip_vs_conn` for the call.
    pub conn: Option<String>,
    /// One of the two scripts instead of the program.
    pub prog: Option<String>,
    #[serde(default)]
    pub world: Place,
    #[serde(default)]
    pub traffic: Vec<Op>,
    #[serde(default)]
    norm: Vec<Substitution>,
    #[serde(default)]
    unordered: Vec<Field>,
}

/// What standard output is during the call.
#[derive(Deserialize, Clone, Copy, Default, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Output {
    #[default]
    Captured,
    /// `/dev/full`
    Full,
    /// A pipe that nobody reads.
    ClosedPipe,
    /// No file descriptor 1.
    Closed,
}

/// The surroundings of a call. The order is the order of running: what changes the machine comes last.
#[derive(Deserialize, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Place {
    #[default]
    Plain,
    /// An empty `/proc`.
    NoProc,
    /// Three network namespaces with traffic between them.
    Lan,
    /// ip_vs is not loaded.
    Unloaded,
    /// ip_vs cannot be loaded.
    NoModule,
}

impl Place {
    /// Whether there is a table to prepare and to inspect.
    pub fn has_table(self) -> bool {
        !matches!(self, Self::Unloaded | Self::NoModule)
    }
}

/// The parts of an outcome that are compared.
#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Field {
    Stdout,
    Stderr,
    After,
}

/// One step of the traffic in the place `lan`; the line has it as `[kind, argument...]`.
#[derive(Deserialize, Clone, PartialEq)]
#[serde(try_from = "Vec<Value>")]
pub enum Op {
    UdpServer {
        address: IpAddr,
        port: u16,
        mode: Mode,
    },
    /// Accepts, never sends.
    TcpServer { address: IpAddr, port: u16 },
    Udp {
        from: (IpAddr, u16),
        to: (IpAddr, u16),
        count: u32,
        size: usize,
        wait: bool,
    },
    /// Opened, and kept open as long as the traffic's outcome is looked at.
    TcpOpen {
        from: (IpAddr, u16),
        to: (IpAddr, u16),
    },
    /// Seconds.
    Sleep(u64),
}

#[derive(Deserialize, Clone, Copy, PartialEq)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    Echo,
    Sink,
}

impl TryFrom<Vec<Value>> for Op {
    type Error = String;

    fn try_from(mut words: Vec<Value>) -> Result<Self> {
        fn arguments<T: DeserializeOwned>(words: Vec<Value>) -> Result<T> {
            serde_json::from_value(words.into()).context("traffic")
        }
        if words.is_empty() {
            return Err("traffic: an empty step".into());
        }
        let kind = words.remove(0);
        match kind.as_str() {
            Some("udpserver") => arguments(words).map(|(address, port, mode)| Self::UdpServer {
                address,
                port,
                mode,
            }),
            Some("tcpserver") => {
                arguments(words).map(|(address, port)| Self::TcpServer { address, port })
            }
            Some("udp") => {
                arguments(words).map(|(from, sport, to, port, count, size, wait)| Self::Udp {
                    from: (from, sport),
                    to: (to, port),
                    count,
                    size,
                    wait,
                })
            }
            Some("tcpopen") => arguments(words).map(|(from, sport, to, port)| Self::TcpOpen {
                from: (from, sport),
                to: (to, port),
            }),
            Some("sleep") => arguments(words).map(|(seconds,)| Self::Sleep(seconds)),
            _ => Err(format!("traffic: unknown step {kind}")),
        }
    }
}

/// What varies between two runs, and what stands for it in the comparison.
struct Substitution(Regex, String);

impl<'de> Deserialize<'de> for Substitution {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (pattern, replacement) = <(String, String)>::deserialize(deserializer)?;
        let regex = Regex::new(&pattern).map_err(serde::de::Error::custom)?;
        Ok(Self(regex, replacement))
    }
}

impl Case {
    /// The text without what varies from run to run.
    pub fn normalise(&self, field: Field, text: &str) -> String {
        let mut text = text.to_owned();
        for Substitution(regex, replacement) in &self.norm {
            text = regex.replace_all(&text, replacement).into_owned();
        }
        if self.unordered.contains(&field) {
            let mut lines: Vec<&str> = text.split_inclusive('\n').collect();
            lines.sort_unstable();
            text = lines.concat();
        }
        text
    }

    /// The call as one would type it.
    pub fn command_line(&self) -> String {
        let program = self.prog.as_deref().unwrap_or("ipvsadm");
        std::iter::once(program)
            .chain(self.argv.iter().map(String::as_str))
            .collect::<Vec<_>>()
            .join(" ")
    }
}

/// All recordings, in the order in which to run them.
pub fn load() -> Result<Vec<Case>> {
    let mut files: Vec<_> = std::fs::read_dir(FOLDER)
        .context(FOLDER)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "jsonl")
        })
        .filter(|path| path.file_stem().is_some_and(|stem| stem != "deviations"))
        .collect();
    files.sort();
    let mut cases = Vec::new();
    for file in files {
        cases.append(&mut load_lines::<Case>(&file)?);
    }
    cases.sort_by_key(|case| case.world); // stable: within a place as recorded
    Ok(cases)
}

/// The values of a file that has one JSON object on each line.
pub fn load_lines<T: DeserializeOwned>(file: &Path) -> Result<Vec<T>> {
    let text = std::fs::read_to_string(file).context(file.display())?;
    text.lines()
        .enumerate()
        .map(|(index, line)| {
            serde_json::from_str(line).context(format_args!("{}:{}", file.display(), index + 1))
        })
        .collect()
}
