//! `--filter`, `--count` and `--status` on a balancer with connections.

use std::net::TcpStream;

use crate::clients::{VIP, ask, call, connect, done, servers};
use crate::fail::Result;
use crate::process::Outcome;
use crate::traffic::Lan;
use crate::world::World;

const RULES: &str = "\
-A -t 10.96.0.1:80 -s rr
-a -t 10.96.0.1:80 -r 10.98.0.2:80 -m -w 1
-a -t 10.96.0.1:80 -r 10.98.0.3:80 -m -w 1
";

/// Four connections, two to each server; those that are filtered and counted are the right ones.
pub fn a_filter_and_a_count_tell_what_there_is(world: &mut World) -> Result {
    let _lan = Lan::new()?;
    let _servers = servers()?;
    let program = world.program.path.clone();
    done(&program, "-R", RULES)?;
    let mut streams = (0..4)
        .map(|_| connect())
        .collect::<Result<Vec<TcpStream>>>()?;
    for stream in &mut streams {
        ask(stream)?;
    }
    for (filter, expected) in [
        ("state=established", 4),
        ("state=TIME_WAIT", 0),
        ("server=10.98.0.3", 2),
        ("server=10.98.0.3:81", 0),
        ("server=10.98.0.2:80,client=10.97.0.0/16", 2),
        ("client=10.97.0.3", 0),
        ("service=10.96.0.1:http,state=ESTABLISHED", 4),
        ("service=10.96.0.2", 0),
    ] {
        let listed = done(&program, &format!("-Lnc --filter {filter}"), "")?;
        // Two lines are titles.
        if listed.lines().count() != 2 + expected {
            return Err(format!("{filter}:\n{listed}"));
        }
    }
    let counted = done(&program, "--count --filter client=10.97.0.2 -n", "")?;
    let expected = "\
IPVS connection counts
pro destination        state       connections
TCP 10.98.0.2:80       ESTABLISHED 2
TCP 10.98.0.3:80       ESTABLISHED 2
";
    if counted != expected {
        return Err(counted);
    }
    let status = done(&program, "--status", "")?;
    for line in [
        "services                  1",
        "real servers              2",
        "active connections        4",
        "inactive connections      0",
    ] {
        if !status.lines().any(|told| told == line) {
            return Err(format!("{line}:\n{status}"));
        }
    }
    for (arguments, text) in [
        ("--filter client", "invalid filter `client'\n"),
        (
            "--filter client=1.2.3.4/33",
            "invalid filter `client=1.2.3.4/33'\n",
        ),
        (
            "--filter server=1.2.3.4,server=1.2.3.5",
            "multiple 'server' in the filter\n",
        ),
    ] {
        match call(&program, arguments, "")? {
            Outcome { rc: 2, stderr, .. } if stderr == text => {}
            other => return Err(format!("{arguments}: {} {}", other.rc, other.stderr)),
        }
    }
    match call(&program, &format!("-L -t {VIP} --count"), "")? {
        Outcome { rc: 2, .. } => Ok(()),
        other => Err(format!("{} {}", other.rc, other.stdout)),
    }
}
