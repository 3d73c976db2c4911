//! Health checks by command: one, or a whole table.

use std::env;
use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use lvskit::cli::ipvsadm::open_kernel;
use lvskit::cli::lvs_check::{Environment, MEMORY, ORDERS, PASSING_ORDERS, Term, run};
use lvskit::cli::lvs_director::machines::ThisOutside;
use lvskit::host::{names::SystemNames, signals, state};

fn main() -> ExitCode {
    signals::die_of_closed_pipes();
    let names = SystemNames::default();
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.map_or(0, |now| u64::from(now.subsec_nanos()));
    ExitCode::from(run(
        env::args_os(),
        Environment {
            names: &names,
            outside: &|| Box::new(ThisOutside::new(None, seed)),
            kernel: &mut open_kernel,
            memory: &|| state::path(MEMORY),
            orders: &|term| match term {
                Term::Always => Ok(state::lasting(ORDERS)),
                Term::Boot => state::path(ORDERS),
                Term::Reload => state::path(PASSING_ORDERS),
            },
            terminal: io::stdout().is_terminal(),
            shows_progress: io::stderr().is_terminal(),
            output: &mut io::stdout().lock(),
            errors: &mut io::stderr().lock(),
        },
    ))
}
