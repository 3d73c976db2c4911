//! `lvs-check run -f` beside keepalived's checks: CPU, memory, lateness, and how long a start, a
//! server's death, a reload and a stop take.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::configuration::{self, OF_A_SERVICE};
use crate::look::{Kernel, PATIENCE, seconds, until};
use crate::program::Running;
use crate::servers::{Kind, Servers};
use crate::{Result, VERY_MANY};

/// The head of the table of its lines.
pub const HEAD: [&str; 12] = [
    "", "servers", "every s", "start s", "CPU s", "checks", "MiB", "late ms", "death s",
    "reload s", "stop s", "left",
];

/// How long both are watched while nothing happens.
const WATCHED: Duration = Duration::from_secs(10);

/// From this many real servers on, the kernel of the lab cannot take a check of each a second.
const MANY: usize = 5000;

/// One program with one size: a line of the table.
pub fn run(
    file: &str,
    servers: &Servers,
    size: usize,
    kind: Kind,
    ours: Option<&str>,
) -> Result<Vec<String>> {
    let every = match size {
        VERY_MANY.. => 60,
        MANY.. => 10,
        _ => 1,
    };
    let write = |weight| fs::write(file, configuration::services(size, kind, every, weight));
    write(1)?;
    servers.live(true)?;
    let mut kernel = Kernel::open()?;
    let begin = Instant::now();
    let mut running = Running::start(ours, file, &["-C"])?;
    let start = until(begin, Duration::from_millis(200), || {
        Ok(kernel.count()? == size)
    })?;

    let (mut cpu, mut checks, mut late) = (String::new(), String::new(), String::new());
    let mut death = String::new();
    if size < VERY_MANY {
        // All have begun, and go their way.
        thread::sleep(Duration::from_secs(every.max(2)));
        let every = Duration::from_secs(every);
        let before = running.cpu()?;
        servers.watch(every);
        thread::sleep(WATCHED);
        cpu = format!("{:.2}", (running.cpu()? - before).as_secs_f64());
        checks = servers.made().to_string();
        // Until each has been asked twice.
        thread::sleep(every);
        late = format!("{:.0}", servers.latest().as_secs_f64() * 1e3);
        servers.live(false)?;
        let begin = Instant::now();
        death = seconds(until(begin, Duration::from_millis(10), || {
            Ok(kernel.of_first()? == OF_A_SERVICE - 1)
        })?);
    }

    write(2)?;
    let begin = Instant::now();
    running.reload()?;
    let reload = until(begin, Duration::from_millis(20), || kernel.has_weight(2))?;
    // The child for the checks is the largest.
    let memory = running.memory().into_iter().max().unwrap_or(0);
    let stop = running.stop(PATIENCE)?;
    let left = kernel.count()?;
    kernel.flush()?;
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
