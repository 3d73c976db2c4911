//! The runner's own command line.

use std::path::PathBuf;

use regex::Regex;

use crate::fail::{Context, Result};

pub const USAGE: &str = "\
usage: lab [--bin PATH] [--reference PATH] [--only GLOB]... [--list] [--recorded] [--record-differences]
  --bin PATH            the ipvsadm under test, beside which our other programs lie
                        (default: $LVSKIT_IPVSADM, else the one just built)
  --reference PATH      the real ipvsadm, which prepares and inspects the table (default: /usr/sbin/ipvsadm)
  --only GLOB           run the tests whose name (group/name) matches; may be repeated
  --list                print the names, run nothing
  --recorded            expect the recordings as they are: no deviations, transcripts only
  --record-differences  for a failing transcript print the line of deviations.jsonl that would accept it
";

pub struct Options {
    pub program: PathBuf,
    pub reference: PathBuf,
    pub list: bool,
    pub recorded: bool,
    pub record_differences: bool,
    only: Vec<Regex>,
}

impl Options {
    /// Reads the arguments that follow the program's name.
    pub fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let built = || env!("CARGO_BIN_EXE_ipvsadm").into();
        let mut options = Self {
            program: std::env::var_os("LVSKIT_IPVSADM").map_or_else(built, PathBuf::from),
            reference: "/usr/sbin/ipvsadm".into(),
            list: false,
            recorded: false,
            record_differences: false,
            only: Vec::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || {
                arguments
                    .next()
                    .ok_or(format!("{argument}: missing value\n{USAGE}"))
            };
            match argument.as_str() {
                "--bin" => options.program = value()?.into(),
                "--reference" => options.reference = value()?.into(),
                "--only" => options.only.push(glob(&value()?)?),
                "--list" => options.list = true,
                "--recorded" => options.recorded = true,
                "--record-differences" => options.record_differences = true,
                "-h" | "--help" => return Err(USAGE.into()),
                _ => return Err(format!("{argument}: unknown argument\n{USAGE}")),
            }
        }
        Ok(options)
    }

    /// Whether the test of this name was asked for.
    pub fn selects(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|glob| glob.is_match(name))
    }
}

/// A shell pattern (`*` and `?`, over the whole name) as a regular expression.
fn glob(pattern: &str) -> Result<Regex> {
    let regex = regex::escape(pattern)
        .replace(r"\*", ".*")
        .replace(r"\?", ".");
    Regex::new(&format!("^{regex}$")).context(pattern)
}
