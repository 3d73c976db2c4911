//! The addresses of services on a director, by command.

use std::env;
use std::io;
use std::process::ExitCode;

use lvskit::cli::lvs_vip::run;

fn main() -> ExitCode {
    // A closed pipe does not end this process as it would a filter: not between two addresses.
    ExitCode::from(run(
        env::args_os(),
        &mut io::stdout().lock(),
        &mut io::stderr().lock(),
    ))
}
