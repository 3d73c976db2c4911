//! This host as a real server, by command.

use std::env;
use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use lvskit::cli::lvs_realserver::{Environment, run};

fn main() -> ExitCode {
    // A closed pipe does not end this process as it would a filter: not between two steps.
    let path = env::current_exe().unwrap_or_else(|_| PathBuf::from("lvs-realserver"));
    ExitCode::from(run(
        env::args_os(),
        Environment {
            path: &path,
            output: &mut io::stdout().lock(),
            errors: &mut io::stderr().lock(),
        },
    ))
}
