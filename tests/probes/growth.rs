//! Many checks by one process, of good servers and bad ones: what it holds does not grow.

use std::alloc::System;
use std::fs;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::time::Duration;

use cap::Cap;
use lvskit::addr::Endpoint;
use lvskit::check::http::{Http, Page, Version};
use lvskit::check::rhythm::Routine;
use lvskit::check::runner::Runner;
use lvskit::check::{Check, Manner, Origin, Probe, Question, Tries, Verdict};

/// How many checks are made if `LVSKIT_CHECKS` says nothing else.
const CHECKS: usize = 40_000;

/// How many of them at once.
const ROUND: usize = 1000;

/// How many bytes more may be held at the end than after a few rounds. A byte that each check leaves
/// behind is more.
const SLACK: usize = 16 * 1024;

/// What is resident depends on how the C library cuts its heap: megabytes more or less in one run
/// and the next.
#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// The ports of servers, good and bad, and whether these count as up.
const SERVERS: [(u16, bool); 6] = [
    (80, true),
    (81, false),
    (9002, false),
    (9004, false),
    (9005, false),
    (9008, true),
];

/// Makes the checks. Says what grew, or what came out otherwise than it should.
pub fn check() -> Result<(), String> {
    let wanted = std::env::var("LVSKIT_CHECKS").ok();
    let wanted = wanted.and_then(|text| text.parse().ok()).unwrap_or(CHECKS);
    let runner = Runner::new().map_err(|error| error.to_string())?;
    let checks: Vec<Arc<Routine>> = (0..ROUND)
        .map(|index| Arc::new(one(SERVERS[index % SERVERS.len()].0)))
        .collect();
    let mut held = None;
    for round in 0..wanted.div_ceil(ROUND) {
        let mut wrong = None;
        runner.all(&checks, |place, outcome| {
            let is_up = matches!(outcome.verdict, Verdict::Up(_));
            if is_up != SERVERS[place % SERVERS.len()].1 {
                wrong = Some(format!("check {place} of round {round}: {outcome:?}"));
            }
        });
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        // By then all that is kept for good is there.
        if round == 4 {
            held = Some((files()?, MEMORY.allocated()));
        }
    }
    let (files_before, memory_before) = held.ok_or("too few rounds to compare")?;
    let (files, memory) = (files()?, MEMORY.allocated());
    println!(
        "growth: {wanted} checks; files {files_before} -> {files}, \
         memory {memory_before} -> {memory} bytes"
    );
    match files > files_before || memory > memory_before + SLACK {
        true => Err("more is held than before".to_owned()),
        false => Ok(()),
    }
}

fn one(port: u16) -> Routine {
    let page = Page::new("/", None).into_iter().map(|mut page| {
        page.expected.pattern = lvskit::check::http::Pattern::new("probes|short").ok();
        page
    });
    let check = Check {
        probe: Probe::Network {
            to: Endpoint::new(Ipv4Addr::new(10, 77, 0, 1), port),
            manner: Arc::new(Manner {
                from: Origin::default(),
                question: Question::Http(Http {
                    tls: None,
                    version: Version::V1_0,
                    pages: page.collect(),
                }),
            }),
        },
        timeout: Duration::from_secs(10),
        tries: Tries::default(),
    };
    Routine::of(check, Duration::from_secs(6), Duration::ZERO)
}

fn files() -> Result<usize, String> {
    let entries = fs::read_dir("/proc/self/fd").map_err(|error| error.to_string())?;
    Ok(entries.count())
}
