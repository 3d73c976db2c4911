//! A virtual router by command.

use std::process::ExitCode;
use std::{env, fs, io};

use lvskit::cli::lvs_vrrp::arguments::Secrets;
use lvskit::cli::lvs_vrrp::{Environment, run};
use lvskit::host::signals;

fn main() -> ExitCode {
    let wants_filter = env::args_os().nth(1).is_none_or(|verb| verb != "run");
    if wants_filter {
        // One that runs goes on when nobody reads what it prints.
        signals::die_of_closed_pipes();
    }
    ExitCode::from(run(
        env::args_os(),
        Environment {
            secrets: Secrets {
                variable: &|name| env::var(name).ok(),
                file: &|path| fs::read(path).ok(),
            },
            output: &mut io::stdout().lock(),
            errors: &mut io::stderr().lock(),
        },
    ))
}
