//! A load balancer with IPVS and VRRP, from a keepalived.conf.

use std::env;
use std::ffi::OsString;
use std::io;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use lvskit::cli::lvs_director::machines::{ThisMachine, ThisOutside};
use lvskit::cli::lvs_director::{Environment, run};
use lvskit::host::signals;

fn main() -> ExitCode {
    let words: Vec<OsString> = env::args_os().collect();
    if words.get(1).is_none_or(|verb| verb != "run") {
        // One that runs goes on when nobody reads its log.
        signals::die_of_closed_pipes();
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let seed = now.map_or(0, |now| u64::from(now.subsec_nanos()));
    ExitCode::from(run(
        &words,
        Environment {
            outside: &|id| Box::new(ThisOutside::new(id, seed)),
            machine: &ThisMachine,
            output: &mut io::stdout().lock(),
            errors: &mut io::stderr().lock(),
        },
    ))
}
