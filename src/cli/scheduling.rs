//! How `global_defs` would have the processes run.

use std::time::Duration;

use crate::conf::model::Global;
use crate::host::scheduling::Process;

/// What the file says of one of them.
struct Said<'a> {
    real_time: Option<u8>,
    real_time_limit: Option<u32>,
    niceness: Option<i32>,
    locked: bool,
    cpus: Option<&'a Vec<String>>,
    name: Option<&'a String>,
}

/// Of the one that speaks VRRP.
pub fn of_vrrp(global: &Global) -> Process {
    process(Said {
        real_time: global.vrrp_real_time,
        real_time_limit: global.vrrp_real_time_limit,
        niceness: global.vrrp_niceness,
        locked: global.vrrp_no_swap,
        cpus: global.vrrp_cpus.as_ref(),
        name: global.vrrp_process_name.as_ref(),
    })
}

/// Of the one that makes checks.
pub fn of_checks(global: &Global) -> Process {
    process(Said {
        real_time: global.checker_real_time,
        real_time_limit: global.checker_real_time_limit,
        niceness: global.checker_niceness,
        locked: global.checker_no_swap,
        cpus: global.checker_cpus.as_ref(),
        name: global.checker_process_name.as_ref(),
    })
}

fn process(said: Said) -> Process {
    // Ordinary processes have no such limit.
    let limit = said.real_time_limit.filter(|_| said.real_time.is_some());
    let niceness = said.niceness;
    let cpus = said.cpus.into_iter().flatten();
    Process {
        real_time: said.real_time,
        real_time_limit: limit.map(|limit| Duration::from_micros(limit.into())),
        niceness: niceness.and_then(|niceness| i8::try_from(niceness).ok()),
        locked: said.locked,
        cpus: cpus.filter_map(|cpu| cpu.parse().ok()).collect(),
        name: said.name.cloned(),
    }
}
