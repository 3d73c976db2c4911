//! Health checks by command: one, or a whole table.

use std::env;
use std::io;
use std::process::ExitCode;

use lvskit::cli::lvs_check::{Environment, run};
use lvskit::host::{names::SystemNames, signals};

fn main() -> ExitCode {
    signals::die_of_closed_pipes();
    let names = SystemNames::default();
    ExitCode::from(run(
        env::args_os(),
        Environment {
            names: &names,
            output: &mut io::stdout().lock(),
            errors: &mut io::stderr().lock(),
        },
    ))
}
