//! `lvs-check run -f` and the real keepalived with the same file: CPU, memory, lateness, and how long
//! a start, a server's death, a reload and a stop take.
//!
//! Run by `scripts/bench --checks` in a kernel with IPVS whose table may be thrown away. Its arguments
//! are our program and numbers of real servers.

mod program;
mod servers;

use std::env;
use std::error::Error;
use std::fs;
use std::process::ExitCode;
use std::thread;
use std::time::{Duration, Instant};

use comfy_table::{CellAlignment, Table, presets};
use nix::sched::{CloneFlags, unshare};

use lvskit::ipvs::client::Client;
use program::Running;
use servers::{Kind, Servers};

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// How many real servers a service has.
const OF_A_SERVICE: usize = 10;

/// How long both are watched while nothing happens.
const WATCHED: Duration = Duration::from_secs(10);

/// What takes longer, takes too long.
const PATIENCE: Duration = Duration::from_secs(90);

/// From this many real servers on, the kernel of the lab cannot take a check of each a second.
const MANY: usize = 5000;

/// From this many on, only the start, the reload and the stop are looked at.
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
    let usage = "usage: checks PROGRAM [--ours] [SERVERS...]";
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
    if sizes.is_empty() {
        sizes = vec![1000, 10_000];
    }
    unshare(CloneFlags::CLONE_NEWNET)?;
    program::feed("ip", &["-batch", "-"], ADDRESSES)?;
    let _ = fs::write("/proc/sys/net/ipv4/tcp_max_syn_backlog", "65536");
    let _ = fs::write("/proc/sys/net/core/somaxconn", "65536");
    let servers = Servers::start()?;
    let mut table = Table::new();
    table.load_preset(presets::ASCII_MARKDOWN);
    table.set_header([
        "", "servers", "every s", "start s", "CPU s", "checks", "MiB", "late ms", "death s",
        "reload s", "stop s", "left",
    ]);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    for size in sizes {
        let kinds = match size {
            VERY_MANY.. => &[Kind::Tcp][..],
            _ => &[Kind::Tcp, Kind::Http],
        };
        for &kind in kinds {
            for &ours in both {
                let ours = ours.then_some(program.as_str());
                let row = run(&servers, size, kind, ours)?;
                // It takes minutes.
                eprintln!("{}", row.join("  "));
                table.add_row(row);
            }
        }
    }
    println!("{table}");
    Ok(())
}

/// One program with one size: a line of the table.
fn run(servers: &Servers, size: usize, kind: Kind, ours: Option<&str>) -> Result<Vec<String>> {
    let every = match size {
        VERY_MANY.. => 60,
        MANY.. => 10,
        _ => 1,
    };
    let file = format!("/dev/shm/checks.{}.conf", std::process::id());
    let write = |weight| fs::write(&file, configuration(size, kind, every, weight));
    write(1)?;
    servers.live(true)?;
    let mut client = Client::open().map_err(|refusal| refusal.to_string())?;
    let begin = Instant::now();
    let mut running = Running::start(ours, &file)?;
    let start = until(begin, Duration::from_millis(200), || {
        Ok(count(&mut client)? == size)
    })?;

    let (mut cpu, mut checks, mut late) = (String::new(), String::new(), String::new());
    let mut death = String::new();
    if size < VERY_MANY {
        // All have begun, and go their way.
        thread::sleep(Duration::from_secs(every.max(2)));
        let before = running.cpu()?;
        servers.watch(Duration::from_secs(every));
        thread::sleep(WATCHED);
        let (made, latest) = servers.watched();
        cpu = format!("{:.2}", (running.cpu()? - before).as_secs_f64());
        checks = made.to_string();
        late = format!("{:.0}", latest.as_secs_f64() * 1e3);
        servers.live(false)?;
        let begin = Instant::now();
        death = seconds(until(begin, Duration::from_millis(10), || {
            Ok(of_first(&mut client)? == OF_A_SERVICE - 1)
        })?);
    }

    write(2)?;
    let begin = Instant::now();
    running.reload()?;
    let reload = until(begin, Duration::from_millis(20), || {
        has_weight(&mut client, 2)
    })?;
    let memory = running.memory()?;
    let stop = running.stop(PATIENCE)?;
    let left = count(&mut client)?;
    fs::remove_file(&file)?;
    let flush = lvskit::ipvs::Change::Flush;
    client
        .apply(&flush)
        .map_err(|refusal| refusal.to_string())?;
    let name = if ours.is_some() { "ours" } else { "keepalived" };
    Ok(vec![
        format!("{name}, {}", kind.name()),
        size.to_string(),
        every.to_string(),
        seconds(start),
        cpu,
        checks,
        format!("{:.1}", memory as f64 / 1024.0),
        late,
        death,
        seconds(reload),
        seconds(stop),
        left.to_string(),
    ])
}

/// A time, or that it took too long.
fn seconds(time: Option<Duration>) -> String {
    match time {
        Some(time) => format!("{:.2}", time.as_secs_f64()),
        None => format!("> {}", PATIENCE.as_secs()),
    }
}

/// How long it took until this was so, looking at it so often.
fn until(
    begin: Instant,
    pause: Duration,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result<Option<Duration>> {
    while begin.elapsed() < PATIENCE {
        if is_so()? {
            return Ok(Some(begin.elapsed()));
        }
        thread::sleep(pause);
    }
    Ok(None)
}

/// How many servers are in the table.
fn count(client: &mut Client) -> Result<usize> {
    let table = client.table().map_err(|refusal| refusal.to_string())?;
    let counts = table.entries().iter().map(|entry| entry.destinations.len());
    Ok(counts.sum())
}

/// How many servers the first service has.
fn of_first(client: &mut Client) -> Result<usize> {
    let found = client.destinations(&servers::service(0));
    Ok(found.map_err(|refusal| refusal.to_string())?.len())
}

/// Whether the second server of the first service has this weight.
fn has_weight(client: &mut Client, weight: i32) -> Result<bool> {
    let found = client.destinations(&servers::service(0));
    let rows = found.map_err(|refusal| refusal.to_string())?;
    let mut rows = rows.iter().map(|row| &row.destination);
    Ok(rows.any(|one| {
        one.endpoint == servers::endpoint(1) && one.weight == lvskit::ipvs::Weight(weight)
    }))
}

/// All services, with their real servers; the second of the first service has this weight.
fn configuration(size: usize, kind: Kind, every: u64, weight: u32) -> String {
    let mut text = String::from("global_defs {\n}\n");
    for number in 0..size {
        if number % OF_A_SERVICE == 0 {
            let (address, port) = servers::address(number / OF_A_SERVICE, [10, 100]);
            text += &format!(
                "virtual_server {address} {port} {{\n protocol TCP\n lb_algo rr\n lb_kind NAT\n \
                 delay_loop {every}\n"
            );
        }
        let server = servers::endpoint(number);
        let weight = if number == 1 { weight } else { 1 };
        text += &format!(
            " real_server {} {} {{\n weight {weight}\n {}\n }}\n",
            server.address,
            server.port,
            kind.checker()
        );
        if number % OF_A_SERVICE == OF_A_SERVICE - 1 || number == size - 1 {
            text += "}\n";
        }
    }
    text
}
