//! Our `ipvsadm` and the real one in turn, on the same kernel: medians and their ratio.
//!
//! Run by `scripts/bench` in a kernel with IPVS whose table may be thrown away.

use std::error::Error;
use std::fmt::Write as _;
use std::fs::{self, File};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use nix::sched::{CloneFlags, unshare};

const REAL: &str = "/usr/sbin/ipvsadm";
const OURS: &str = env!("CARGO_BIN_EXE_ipvsadm");
const SERVICES: u32 = 1000;
const DESTINATIONS: u32 = 10;

/// One thing to measure. The ratio to reach is in the issue that set it.
struct Task {
    name: &'static str,
    args: &'static [&'static str],
    /// Whether it reads the rules.
    rules: bool,
    table: Before,
    /// How many times as fast ours is to be.
    goal: f64,
    runs: usize,
}

/// What the table holds before each run.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Empty,
    Full,
}

const TASKS: [Task; 5] = [
    Task {
        name: "-R, 11,000 rules",
        args: &["-R"],
        rules: true,
        table: Before::Empty,
        goal: 8.0,
        runs: 5,
    },
    Task {
        name: "-ln, 10,000 destinations",
        args: &["-ln"],
        rules: false,
        table: Before::Full,
        goal: 1.8,
        runs: 5,
    },
    Task {
        name: "-Sn, 10,000 destinations",
        args: &["-Sn"],
        rules: false,
        table: Before::Full,
        goal: 1.8,
        runs: 5,
    },
    Task {
        name: "-A, one service",
        args: &["-A", "-t", "10.0.0.1:80", "-s", "rr"],
        rules: false,
        table: Before::Empty,
        goal: 1.0,
        runs: 21,
    },
    Task {
        name: "-h",
        args: &["-h"],
        rules: false,
        table: Before::Empty,
        goal: 1.0,
        runs: 21,
    },
];

fn main() -> ExitCode {
    match measure_all() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all() -> Result<(), Box<dyn Error>> {
    // In memory: the programs, so that no file system is measured, and the rules.
    let [real, ours, rules] = ["real", "ours", "rules"]
        .map(|name| format!("/dev/shm/bench.{}.{name}", std::process::id()));
    fs::copy(REAL, &real).map_err(|error| format!("{REAL}: {error}"))?;
    fs::copy(OURS, &ours)?;
    fs::write(&rules, write_rules())?;

    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["", "ipvsadm 1.31", "ours", "ratio", "goal", "runs"]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for task in &TASKS {
        let mut times: [Vec<Duration>; 2] = Default::default();
        for _ in 0..task.runs {
            for (program, times) in [&real, &ours].into_iter().zip(&mut times) {
                new_table()?;
                if task.table == Before::Full {
                    run(&ours, &["-R"], Some(&rules))?;
                }
                let input = task.rules.then_some(&rules);
                let start = Instant::now();
                run(program, task.args, input)?;
                times.push(start.elapsed());
            }
        }
        let [real, ours] = times.map(median);
        let milliseconds = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1e3);
        table.add_row([
            task.name.to_owned(),
            milliseconds(real),
            milliseconds(ours),
            format!("{:.2}", real.as_secs_f64() / ours.as_secs_f64()),
            format!("{:.1}", task.goal),
            task.runs.to_string(),
        ]);
    }
    println!("{table}");
    for file in [real, ours, rules] {
        fs::remove_file(file)?;
    }
    Ok(())
}

/// Gives this process, and so what it starts, an empty IPVS table of its own.
///
/// Clearing the old one would not do: the kernel keeps deleted destinations for two minutes and
/// looks through all of them for each one that is added, so each run would be slower.
fn new_table() -> Result<(), Box<dyn Error>> {
    unshare(CloneFlags::CLONE_NEWNET)?;
    // Without a local address the kernel takes no address for that of a server.
    run("ip", &["link", "set", "lo", "up"], None)?;
    // The table that is gone now is taken down in the background.
    thread::sleep(Duration::from_secs(1));
    Ok(())
}

fn write_rules() -> String {
    let mut rules = String::new();
    for service in 0..SERVICES {
        let vip = format!("10.1.{}.{}:80", service / 250, service % 250 + 1);
        let _ = writeln!(rules, "-A -t {vip} -s wrr -p 300");
        for destination in 0..DESTINATIONS {
            let _ = writeln!(
                rules,
                "-a -t {vip} -r 10.2.0.{}:80 -g -w 1",
                destination + 1
            );
        }
    }
    rules
}

fn run(program: &str, args: &[&str], input: Option<&String>) -> Result<(), Box<dyn Error>> {
    let input = match input {
        Some(path) => Stdio::from(File::open(path)?),
        None => Stdio::null(),
    };
    let mut command = Command::new(program);
    let status = command
        .args(args)
        .stdin(input)
        .stdout(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{program} {}: {status}", args.join(" ")).into());
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
