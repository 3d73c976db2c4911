//! A virtual router by command.

use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, io};

use lvskit::cli::ipvsadm::open_kernel;
use lvskit::cli::lvs_director::machines::ThisOutside;
use lvskit::cli::lvs_vrrp::arguments::Secrets;
use lvskit::cli::lvs_vrrp::{Environment, run};
use lvskit::host::signals;

fn main() -> ExitCode {
    let wants_filter = env::args_os().nth(1).is_none_or(|verb| verb != "run");
    if wants_filter {
        // One that runs goes on when nobody reads what it prints.
        signals::die_of_closed_pipes();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.map_or(0, |now| u64::from(now.subsec_nanos()));
    ExitCode::from(run(
        env::args_os(),
        Environment {
            secrets: Secrets {
                variable: &|name| env::var(name).ok(),
                file: &|path| fs::read(path).ok(),
            },
            outside: &ThisOutside::new(None, seed),
            kernel: &mut open_kernel,
            output: &mut io::stdout().lock(),
            errors: &mut io::stderr().lock(),
        },
    ))
}
