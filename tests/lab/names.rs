//! Listings with names, beside resolvers that are slow or silent.

use std::fmt::Write;
use std::net::UdpSocket;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use crate::clients::{Background, done};
use crate::fail::{Context, Result};
use crate::namespace::{Mount, in_network};
use crate::process::Call;
use crate::traffic::{BALANCER, Lan, SERVERS};
use crate::world::World;

/// Where the resolver is, in the namespace of the servers.
const RESOLVER: &str = "10.98.0.2";

/// How many destinations there are. One after the other, so many answers would take 20 s.
const DESTINATIONS: u8 = 200;
const DELAY: Duration = Duration::from_millis(100);

/// The longest that a listing waits for names, and what it takes besides in emulation.
const BOUND: Duration = Duration::from_secs(10);
const BESIDES: Duration = Duration::from_secs(4);

/// A resolver that never answers costs a listing ten seconds and the names.
pub fn a_silent_resolver_does_not_hold_a_listing_up(world: &mut World) -> Result {
    let _lan = Lan::new()?;
    // Nobody reads from it.
    let _resolver = resolver()?;
    let (listed, elapsed) = list(world)?;
    if listed.matches("  -> 10.98.1.").count() != usize::from(DESTINATIONS) {
        return Err(listed);
    }
    match elapsed < BOUND + BESIDES {
        true => Ok(()),
        false => Err(format!("a listing without answers took {elapsed:?}")),
    }
}

/// A resolver that takes its time is asked for many names at once.
pub fn slow_answers_are_waited_for_together(world: &mut World) -> Result {
    let _lan = Lan::new()?;
    let resolver = resolver()?;
    resolver.set_read_timeout(Some(DELAY)).context("timeout")?;
    let answering = Background::start(move |stop| {
        thread::scope(|scope| {
            let mut datagram = [0; 512];
            while !stop.load(Ordering::Relaxed) {
                let Ok((length, peer)) = resolver.recv_from(&mut datagram) else {
                    continue;
                };
                let (answer, resolver) = (answer(&datagram[..length]), &resolver);
                scope.spawn(move || {
                    thread::sleep(DELAY);
                    // Who asked may have gone.
                    let _ = resolver.send_to(&answer, peer);
                });
            }
        });
    });
    let (listed, elapsed) = list(world)?;
    answering.stop()?;
    for destination in 1..=DESTINATIONS {
        if !listed.contains(&format!("  -> host-{destination}.example:")) {
            return Err(format!("host-{destination} is missing in\n{listed}"));
        }
    }
    match elapsed < DELAY * u32::from(DESTINATIONS) / 4 {
        true => Ok(()),
        false => Err(format!("a listing with slow answers took {elapsed:?}")),
    }
}

fn resolver() -> Result<UdpSocket> {
    in_network(SERVERS, || UdpSocket::bind((RESOLVER, 53)).context("bind"))
}

/// Lists a service with many destinations by their names; tells how long that took.
fn list(world: &World) -> Result<(String, Duration)> {
    let program = world.program.path.clone();
    let mut rules = "-A -t 10.96.0.1:80 -s rr\n".to_owned();
    for destination in 1..=DESTINATIONS {
        let _ = writeln!(rules, "-a -t 10.96.0.1:80 -r 10.98.1.{destination}:80 -m");
    }
    done(&program, "-R", &rules)?;
    let mounts = [
        ("/etc/resolv.conf", format!("nameserver {RESOLVER}\n")),
        ("/etc/nsswitch.conf", "hosts: files dns\n".to_owned()),
    ]
    .map(|(onto, text)| Mount::Text {
        text,
        onto: onto.into(),
    });
    let start = Instant::now();
    let outcome = Call {
        program,
        argv0: "ipvsadm",
        arguments: &["-L".to_owned()],
        network: Some(BALANCER),
        mounts: mounts.into(),
        ..Call::default()
    }
    .run()?;
    match outcome.rc {
        0 => Ok((outcome.stdout, start.elapsed())),
        status => Err(format!("-L: {status} {}", outcome.stderr)),
    }
}

/// The answer to a question for the name of 10.98.1.N (RFC 1035): `host-N.example`; that for
/// another's is that there is none.
fn answer(question: &[u8]) -> Vec<u8> {
    const HEADER_BYTES: usize = 12;
    let mut answer = question.to_vec();
    let first = usize::from(question[HEADER_BYTES]);
    let (number, rest) = question[HEADER_BYTES + 1..].split_at(first);
    // A response, recursion desired and available; NXDOMAIN.
    answer[2..4].copy_from_slice(&[0x81, 0x83]);
    if !rest.starts_with(b"\x011\x0298\x0210\x07in-addr") {
        return answer;
    }
    let host = [b"host-", number].concat();
    answer[3] = 0x80;
    answer[7] = 1; // one answer
    answer.extend([0xc0, HEADER_BYTES as u8, 0, 12, 0, 1, 0, 0, 0, 60]);
    let name = [&[host.len() as u8], &host[..], b"\x07example\0"].concat();
    answer.extend((name.len() as u16).to_be_bytes());
    answer.extend(name);
    answer
}
