//! `lvs-vrrp` and the real keepalived on one link, in network namespaces of this machine: each as
//! master and as backup, in every form of the protocol, until one of them dies.
//!
//! Needs root, `ip`, `bridge`, `tcpdump` and `keepalived`, and no IPVS. `scripts/test` builds and runs
//! it: `interop --bin PATH/lvs-vrrp [--only PART-OF-A-NAME] [--jobs N]`. With `--failover TRIALS
//! [--interval SECONDS]` it measures instead, for `scripts/bench`.

mod capture;
mod cases;
mod failover;
mod hostile;
mod link;
mod several;
mod speaker;
mod starts;
mod tracking;
mod unicast;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::Mutex;
use std::thread;
use std::time::Instant;

use link::Link;

/// A test: what it watches, and what was wrong.
pub type Outcome = Result<(), String>;

/// A test with its name; it gets a link of its own.
pub struct Case {
    name: String,
    run: Box<dyn Fn(&Link) -> Outcome + Send>,
}

impl Case {
    fn new(name: impl Into<String>, run: impl Fn(&Link) -> Outcome + Send + 'static) -> Self {
        Case {
            name: name.into(),
            run: Box::new(run),
        }
    }
}

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    if words == ["hostile"] {
        return hostile::attack();
    }
    let option = |name: &str| {
        let place = words.iter().position(|word| word == name)?;
        words.get(place + 1).cloned()
    };
    let Some(program) = option("--bin").map(PathBuf::from) else {
        eprintln!(
            "usage: interop --bin PATH/lvs-vrrp [--only PART-OF-A-NAME] [--jobs N] [--failover TRIALS]"
        );
        return ExitCode::from(64);
    };
    if let Some(lack) = lack() {
        // Not a pass: whoever runs this wants to know.
        eprintln!("interop: cannot run here: {lack}");
        return ExitCode::from(69);
    }
    if let Some(trials) = option("--failover") {
        let trials = trials.parse().unwrap_or(30);
        let only = option("--interval").and_then(|interval| interval.parse().ok());
        let intervals = only.map_or(vec![1.0, 0.1, 0.01], |interval: f64| vec![interval]);
        return match failover::measure(&program, trials, &intervals) {
            Ok(()) => ExitCode::SUCCESS,
            Err(problem) => {
                eprintln!("interop: {problem}");
                ExitCode::FAILURE
            }
        };
    }
    let only = option("--only").unwrap_or_default();
    let jobs = option("--jobs")
        .and_then(|jobs| jobs.parse().ok())
        .unwrap_or(6);
    let mut cases = cases::all();
    cases.extend(several::all());
    cases.extend(starts::all());
    cases.extend(tracking::all());
    cases.extend(unicast::all());
    cases.extend(hostile::all());
    cases.retain(|case| case.name.contains(&only));
    let count = cases.len();
    let queue = Mutex::new(cases.into_iter().enumerate());
    let failed = Mutex::new(0);
    thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let next = queue.lock().unwrap().next();
                    let Some((number, case)) = next else { break };
                    let begun = Instant::now();
                    let outcome = Link::new(number, &program).and_then(|link| link.hold(&case.run));
                    let took = begun.elapsed().as_secs_f64();
                    match outcome {
                        Ok(()) => println!("ok   {} ({took:.0} s)", case.name),
                        Err(problem) => {
                            println!("FAIL {} ({took:.0} s): {problem}", case.name);
                            *failed.lock().unwrap() += 1;
                        }
                    }
                }
            });
        }
    });
    let failed = failed.into_inner().unwrap();
    println!("{} passed, {failed} failed", count - failed);
    if failed > 0 || count == 0 {
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

/// What this machine has not.
fn lack() -> Option<String> {
    for program in ["ip", "bridge", "tcpdump", "keepalived"] {
        let found = Command::new("sh")
            .args(["-c", &format!("command -v {program}")])
            .output();
        if !found.is_ok_and(|found| found.status.success()) {
            return Some(format!("no {program}"));
        }
    }
    let made = link::ip(&["netns", "add", "lvskit-try"])
        .and_then(|()| link::ip(&["-n", "lvskit-try", "link", "add", "br0", "type", "bridge"]));
    let _ = link::ip(&["netns", "del", "lvskit-try"]);
    made.err()
        .map(|problem| format!("no network namespaces and bridges: {problem}"))
}
