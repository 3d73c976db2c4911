//! Our `ipvsadm`, the real one, and the floor in turn, on the same kernel: medians and their
//! ratios.
//!
//! Run by `scripts/bench` in a kernel with IPVS whose table may be thrown away. Its arguments are
//! the sizes of the tables, in services.

mod floor;
mod table;

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::process::{Command, ExitCode, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use nix::sched::{CloneFlags, unshare};

use floor::Script;

const REAL: &str = "/usr/sbin/ipvsadm";
const OURS: &str = env!("CARGO_BIN_EXE_ipvsadm");

/// The size of the table where none is asked for.
const SERVICES: usize = 1000;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// One thing to measure. The ratio to reach is in the issue that set it.
struct Task {
    /// What is done, before the size of the table.
    name: &'static str,
    /// How the real program does it: one command after the other.
    real: &'static [&'static [&'static str]],
    ours: &'static [&'static str],
    floor: Option<Floor>,
    /// The rules on standard input.
    input: Option<Rules>,
    before: Before,
    /// How many times as fast as the real one ours is to be.
    goal: f64,
}

/// What a table holds before a run.
#[derive(Clone, Copy, PartialEq)]
enum Before {
    Empty,
    /// All services, on a table that nothing has been deleted from.
    Full,
    /// The same, and the task changes nothing.
    Read,
}

#[derive(Clone, Copy)]
enum Rules {
    All,
    /// One destination has another weight.
    Changed,
}

/// Which exchanges with the kernel the task needs.
#[derive(Clone, Copy)]
enum Floor {
    Restore,
    List,
    Change,
}

/// What depends on how large a table is.
const OF_A_TABLE: [Task; 4] = [
    Task {
        name: "-R",
        real: &[&["-R"]],
        ours: &["-R"],
        floor: Some(Floor::Restore),
        input: Some(Rules::All),
        before: Before::Empty,
        goal: 8.0,
    },
    Task {
        name: "-ln",
        real: &[&["-ln"]],
        ours: &["-ln"],
        floor: Some(Floor::List),
        input: None,
        before: Before::Read,
        goal: 1.8,
    },
    Task {
        name: "-Sn",
        real: &[&["-Sn"]],
        ours: &["-Sn"],
        floor: Some(Floor::List),
        input: None,
        before: Before::Read,
        goal: 1.8,
    },
    Task {
        name: "one change (-C and -R; --apply)",
        real: &[&["-C"], &["-R"]],
        ours: &["--apply", "-"],
        floor: Some(Floor::Change),
        input: Some(Rules::Changed),
        before: Before::Full,
        goal: 20.0,
    },
];

/// What does not.
const SINGLE: [Task; 2] = [
    Task {
        name: "-A",
        real: &[&["-A", "-t", "10.0.0.1:80", "-s", "rr"]],
        ours: &["-A", "-t", "10.0.0.1:80", "-s", "rr"],
        floor: None,
        input: None,
        before: Before::Empty,
        goal: 1.0,
    },
    Task {
        name: "-h",
        real: &[&["-h"]],
        ours: &["-h"],
        floor: None,
        input: None,
        before: Before::Empty,
        goal: 1.0,
    },
];

fn main() -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    let done = match words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--floor", script] => floor::play(script).map_err(Into::into),
        _ => measure_all(&words),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure_all(words: &[String]) -> Result {
    // Cargo adds a word of its own to the sizes.
    let words = words.iter().filter(|word| *word != "--bench");
    let mut sizes = words
        .map(|word| {
            word.parse()
                .map_err(|_| format!("not a number of services: {word}"))
        })
        .collect::<std::result::Result<Vec<usize>, _>>()?;
    if sizes.is_empty() {
        sizes.push(SERVICES);
    }
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "",
        "services",
        "ipvsadm 1.31",
        "ours",
        "ratio",
        "goal",
        "floor",
        "ours/floor",
        "runs",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for size in sizes {
        let bench = Bench::new(size)?;
        let runs = match size {
            ..=3000 => 3,
            _ => 1,
        };
        for task in &OF_A_TABLE {
            let row = bench.row(task, runs)?;
            // A large table takes minutes.
            eprintln!("{}", row.join("  "));
            table.add_row(row);
        }
    }
    let bench = Bench::new(0)?;
    for task in &SINGLE {
        table.add_row(bench.row(task, 21)?);
    }
    println!("{table}");
    Ok(())
}

/// Programs, rules and scripts for a table of one size. All of it is in memory, so that no file
/// system is measured.
struct Bench {
    size: usize,
    directory: String,
}

impl Bench {
    fn new(size: usize) -> Result<Self> {
        let directory = format!("/dev/shm/bench.{}", std::process::id());
        let bench = Bench { size, directory };
        fs::create_dir_all(&bench.directory)?;
        fs::copy(REAL, bench.file("real")).map_err(|error| format!("{REAL}: {error}"))?;
        fs::copy(OURS, bench.file("ours"))?;
        fs::copy("/proc/self/exe", bench.file("floor"))?;
        let mut services = table::of(size);
        fs::write(bench.rules(Rules::All), table::rules(&services))?;
        Script::new()?
            .restore(&services)
            .write(&bench.script(Floor::Restore))?;
        Script::new()?
            .list(&services)
            .write(&bench.script(Floor::List))?;
        let middle = size / 2;
        if let Some(service) = services.get_mut(middle) {
            service.destinations[0].weight = 2;
        }
        fs::write(bench.rules(Rules::Changed), table::rules(&services))?;
        let mut change = Script::new()?.list(&services);
        if let Some(service) = services.get(middle) {
            change = change.edit(service, &service.destinations[0]);
        }
        change.write(&bench.script(Floor::Change))?;
        Ok(bench)
    }

    fn file(&self, name: &str) -> String {
        format!("{}/{name}", self.directory)
    }

    fn rules(&self, rules: Rules) -> String {
        self.file(match rules {
            Rules::All => "rules",
            Rules::Changed => "rules.changed",
        })
    }

    fn script(&self, floor: Floor) -> String {
        self.file(match floor {
            Floor::Restore => "script.restore",
            Floor::List => "script.list",
            Floor::Change => "script.change",
        })
    }

    /// Measures a task: a line of the table.
    fn row(&self, task: &Task, runs: usize) -> Result<Vec<String>> {
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let real: Vec<Vec<String>> = task.real.iter().map(|command| words(command)).collect();
        let ours = vec![words(task.ours)];
        let floor = |floor| vec![words(&["--floor", &self.script(floor)])];
        let mut commands = vec![("real", real), ("ours", ours)];
        commands.extend(task.floor.map(|kind| ("floor", floor(kind))));
        let mut times: Vec<Vec<Duration>> = vec![Vec::new(); commands.len()];
        if task.before == Before::Read {
            self.prepare(Before::Full)?;
        }
        for _ in 0..runs {
            for ((program, commands), times) in commands.iter().zip(&mut times) {
                if task.before != Before::Read {
                    self.prepare(task.before)?;
                }
                times.push(self.time(program, commands, task.input)?);
            }
        }
        let times: Vec<f64> = times.into_iter().map(median).collect();
        let milliseconds = |time: f64| format!("{:.2} ms", time * 1e3);
        let (real, ours, floor) = (times[0], times[1], times.get(2));
        Ok(vec![
            task.name.to_owned(),
            self.size.to_string(),
            milliseconds(real),
            milliseconds(ours),
            format!("{:.2}", real / ours),
            format!("{:.1}", task.goal),
            floor.map_or_else(String::new, |&floor| milliseconds(floor)),
            floor.map_or_else(String::new, |floor| format!("{:.2}", ours / floor)),
            runs.to_string(),
        ])
    }

    fn prepare(&self, before: Before) -> Result {
        self.new_table()?;
        if before == Before::Full {
            self.time("ours", &[vec!["-R".into()]], Some(Rules::All))?;
        }
        Ok(())
    }

    /// Runs the commands and tells how long that took.
    fn time(
        &self,
        program: &str,
        commands: &[Vec<String>],
        input: Option<Rules>,
    ) -> Result<Duration> {
        let program = self.file(program);
        let input = input.map(|rules| self.rules(rules));
        let start = Instant::now();
        for words in commands {
            run(&program, words, input.as_deref())?;
        }
        Ok(start.elapsed())
    }

    /// Gives this process, and so what it starts, an empty IPVS table of its own.
    ///
    /// Clearing the old one would not do: the kernel keeps deleted destinations for two minutes
    /// and looks through all of them for each one that is added, so each run would be slower.
    fn new_table(&self) -> Result {
        unshare(CloneFlags::CLONE_NEWNET)?;
        // Without a local address the kernel takes no address for that of a server.
        run("ip", &["link", "set", "lo", "up"].map(str::to_owned), None)?;
        // The table that is gone now is taken down in the background.
        thread::sleep(Duration::from_millis(50 + self.size as u64));
        Ok(())
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        // What is left in memory there ends with the guest.
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn run(program: &str, words: &[String], input: Option<&str>) -> Result {
    let input = match input {
        Some(path) => Stdio::from(File::open(path)?),
        None => Stdio::null(),
    };
    let status = Command::new(program)
        .args(words)
        .stdin(input)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()?;
    if !status.success() {
        return Err(format!("{program} {}: {status}", words.join(" ")).into());
    }
    Ok(())
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64()
}
