//! `lvs-director run -f` beside keepalived: how long a start, reloads and a stop take, how much
//! memory, and what is left then.

use std::fs;
use std::time::{Duration, Instant};

use crate::Result;
use crate::configuration;
use crate::look::{Kernel, PATIENCE, seconds, until};
use crate::program::{self, Running};
use crate::servers::Kind;

/// The head of the table of its lines.
pub const HEAD: [&str; 10] = [
    "",
    "servers",
    "start s",
    "reload s",
    "weight s",
    "MiB",
    "stop s",
    "left",
    "addresses",
    "processes",
];

/// So long that checks do not keep the one slow processor busy.
const EVERY: u64 = 60;

/// Between two looks.
const PAUSE: Duration = Duration::from_millis(20);

/// Of the instance.
const ADDRESSES: usize = 3;

/// One program with one size: a line of the table.
pub fn run(file: &str, size: usize, kind: Kind, ours: Option<&str>) -> Result<Vec<String>> {
    let write = |weight| {
        let services = configuration::services(size, kind, EVERY, weight);
        fs::write(file, services + &instance())
    };
    write(1)?;
    let mut kernel = Kernel::open()?;
    let begin = Instant::now();
    let mut running = Running::start(ours, file, &[])?;
    let start = until(begin, PAUSE * 10, || Ok(kernel.count()? == size))?;
    // They come later, when no other master has been heard of.
    until(begin, PAUSE, || Ok(addresses()? == ADDRESSES))?;

    // Each of our three says so; keepalived, when both its children have told it.
    let (words, speakers) = match ours {
        Some(_) => ("reloaded", 3),
        None => ("Reload complete", 1),
    };
    let reload = |weight, is_done: &mut dyn FnMut(&Running) -> Result<bool>| {
        // Whoever has not started has nothing to reload.
        if start.is_none() {
            return Ok(None);
        }
        write(weight)?;
        let begin = Instant::now();
        running.reload()?;
        until(begin, PAUSE, || is_done(&running))
    };
    let unchanged = reload(1, &mut |running| Ok(running.said(words)? >= speakers))?;
    let changed = reload(2, &mut |_| kernel.has_weight(2))?;

    let memory = running.memory();
    let stop = match start {
        Some(_) => running.stop(PATIENCE)?,
        None => None,
    };
    drop(running);
    let (left, addresses) = (kernel.count()?, addresses()?);
    kernel.flush()?;
    program::feed(
        "ip",
        &["-batch", "-"],
        "address flush dev eth0 to 10.9.0.0/24\n",
    )?;
    let name = if ours.is_some() { "ours" } else { "keepalived" };
    Ok(vec![
        name.to_owned(),
        size.to_string(),
        seconds(start),
        seconds(unchanged),
        seconds(changed),
        format!("{:.1}", memory.iter().sum::<u64>() as f64 / 1024.0),
        seconds(stop),
        left.to_string(),
        addresses.to_string(),
        memory.len().to_string(),
    ])
}

/// Where the instance has its addresses, beside one to speak from.
pub const INTERFACE: &str = "\
link add eth0 type veth peer name eth1
address add 10.8.0.1/24 dev eth0
link set eth0 up
link set eth1 up
";

fn instance() -> String {
    let mut text = String::from(
        "vrrp_instance VI_1 {\n state MASTER\n interface eth0\n virtual_router_id 51\n \
         priority 100\n virtual_ipaddress {\n",
    );
    for number in 1..=ADDRESSES {
        text += &format!(" 10.9.0.{number}/24\n");
    }
    text + " }\n}\n"
}

/// How many addresses of the instance are there.
fn addresses() -> Result<usize> {
    let words = [
        "-oneline",
        "address",
        "show",
        "dev",
        "eth0",
        "to",
        "10.9.0.0/24",
    ];
    let shown = program::ask("ip", &words)?;
    Ok(shown.lines().count())
}
