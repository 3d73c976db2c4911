//! How long a configuration takes to be checked: `lvs-director check` and `keepalived
//! --config-test` in turn, medians and their ratios.
//!
//! Run by `scripts/bench --conf`, as root. Its arguments are the numbers of real servers.

use std::env;
use std::error::Error;
use std::fmt::Write;
use std::fs;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use nix::sched::{CloneFlags, unshare};

const REAL: &str = "/usr/sbin/keepalived";
const OURS: &str = env!("CARGO_BIN_EXE_lvs-director");

/// How many real servers there are where nobody says otherwise.
const SIZES: [usize; 3] = [1000, 5000, 20_000];

/// How many of them each virtual server has.
const REAL_SERVERS: usize = 20;

/// How often each is run.
const RUNS: usize = 7;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match measure() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn measure() -> Result {
    let mut sizes = Vec::new();
    // Cargo adds a word of its own to the sizes.
    for word in env::args().skip(1).filter(|word| word != "--bench") {
        let size = word.parse();
        sizes.push(size.map_err(|_| format!("not a number of real servers: {word}"))?);
    }
    if sizes.is_empty() {
        sizes.extend(SIZES);
    }
    // Both look whether the interface is there.
    unshare(CloneFlags::CLONE_NEWNET)?;
    run(&[
        "ip", "link", "add", "eth0", "type", "veth", "peer", "name", "eth1",
    ])?;

    let file = env::temp_dir().join(format!("lvskit-bench-{}.conf", std::process::id()));
    let path = file.to_str().ok_or("no path")?;
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(["real servers", "keepalived", "ours", "ratio"]);
    for column in table.column_iter_mut() {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for size in sizes {
        fs::write(&file, configuration(size))?;
        let (mut real, mut ours) = (Vec::new(), Vec::new());
        for _ in 0..RUNS {
            real.push(run(&[REAL, "--config-test", "--use-file", path])?);
            ours.push(run(&[OURS, "check", "--use-file", path])?);
        }
        let (real, ours) = (median(real), median(ours));
        table.add_row([
            size.to_string(),
            format!("{:.1} ms", real.as_secs_f64() * 1000.0),
            format!("{:.1} ms", ours.as_secs_f64() * 1000.0),
            format!("{:.2}", real.as_secs_f64() / ours.as_secs_f64()),
        ]);
    }
    fs::remove_file(&file)?;
    println!("{table}");
    Ok(())
}

/// Runs a command, which must succeed; tells how long that took.
fn run(words: &[&str]) -> Result<Duration> {
    let mut command = Command::new(words[0]);
    command.args(&words[1..]);
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let start = Instant::now();
    let status = command.stderr(Stdio::null()).status()?;
    match status.success() {
        true => Ok(start.elapsed()),
        false => Err(format!("{}: {status}", words.join(" ")).into()),
    }
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// A VRRP instance, and virtual servers whose real servers are checked by HTTP.
fn configuration(real_servers: usize) -> String {
    let mut text = String::from(
        "vrrp_instance VI_1 {\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n\
         \x20   priority 100\n    virtual_ipaddress {\n        10.0.0.1\n    }\n}\n",
    );
    for number in 0..real_servers {
        let (service, server) = (number / REAL_SERVERS, number % REAL_SERVERS + 1);
        let (high, low) = (service / 250, service % 250 + 1);
        // Writing to a String does not fail.
        if server == 1 {
            let _ = write!(
                text,
                "virtual_server 10.1.{high}.{low} 80 {{\n    delay_loop 6\n    lb_algo wrr\n\
                 \x20   lb_kind DR\n    protocol TCP\n"
            );
        }
        let _ = write!(
            text,
            "    real_server 10.{}.{low}.{server} 80 {{\n        weight 1\n        HTTP_GET {{\n\
             \x20           url {{\n                path /health\n                status_code 200\n\
             \x20           }}\n            connect_timeout 3\n        }}\n    }}\n",
            high + 2
        );
        if server == REAL_SERVERS || number + 1 == real_servers {
            text += "}\n";
        }
    }
    text
}
