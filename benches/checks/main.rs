//! Ours and the real keepalived with the same file, and thousands of real servers.
//!
//! Run by `scripts/bench --checks` and `--director` in a kernel with IPVS whose table may be thrown
//! away. Its arguments are the mode, our program and numbers of real servers.

mod checks;
mod configuration;
mod director;
mod look;
mod program;
mod servers;

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;

use comfy_table::{CellAlignment, Table, presets};
use nix::sched::{CloneFlags, unshare};

use servers::{Kind, Servers};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// From this many real servers on, they are checked by TCP alone, and how well is not looked at.
const VERY_MANY: usize = 20_000;

/// Where real servers and services are.
const ADDRESSES: &str = "\
link set lo up
route add local 10.200.0.0/15 dev lo
route add local 10.100.0.0/16 dev lo
";

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
    // Cargo adds a word of its own.
    let mut words = env::args().skip(1).filter(|word| word != "--bench");
    let usage = "usage: checks checks|director PROGRAM [--ours] [SERVERS...]";
    let mode = words.next().ok_or(usage)?;
    let program = words.next().ok_or(usage)?;
    let mut sizes = Vec::new();
    let mut both = &[true, false][..];
    for word in words {
        if word == "--ours" {
            both = &[true];
            continue;
        }
        let size = word.parse::<usize>();
        sizes.push(size.map_err(|_| format!("not a number of servers: {word}"))?);
    }
    let (head, usual) = match mode.as_str() {
        "checks" => (&checks::HEAD[..], &[1000, 10_000][..]),
        "director" => (&director::HEAD[..], &[1000, 5000, 20_000][..]),
        _ => return Err(usage.into()),
    };
    if sizes.is_empty() {
        sizes.extend(usual);
    }
    unshare(CloneFlags::CLONE_NEWNET)?;
    program::feed("ip", &["-batch", "-"], ADDRESSES)?;
    let _ = fs::write("/proc/sys/net/ipv4/tcp_max_syn_backlog", "65536");
    let _ = fs::write("/proc/sys/net/core/somaxconn", "65536");
    let servers = Servers::start()?;
    if mode == "director" {
        servers.live(true)?;
        program::feed("ip", &["-batch", "-"], director::INTERFACE)?;
    }
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header(head);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    let file = format!("/dev/shm/bench.{}.conf", std::process::id());
    // It takes minutes.
    let mut add = |row: Vec<String>| {
        eprintln!("{}", row.join("  "));
        table.add_row(row);
    };
    for size in sizes {
        let kinds = match size {
            ..VERY_MANY if mode == "checks" => &[Kind::Tcp, Kind::Http][..],
            _ => &[Kind::Tcp],
        };
        for &kind in kinds {
            for &ours in both {
                let ours = ours.then_some(program.as_str());
                add(match mode.as_str() {
                    "checks" => checks::run(&file, &servers, size, kind, ours)?,
                    _ => director::run(&file, size, kind, ours)?,
                });
            }
        }
    }
    fs::remove_file(&file)?;
    println!("{table}");
    Ok(())
}
