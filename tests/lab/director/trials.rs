//! Faults that are tried more than once, at the same times for all directors.

use std::net::Ipv4Addr;
use std::time::{Duration, Instant};

use crate::fail::{Context, Result};
use crate::segment::packet_socket;

/// How often each is tried: `LVSKIT_TRIALS`, once if it is not set.
pub fn trials() -> Result<u32> {
    match std::env::var("LVSKIT_TRIALS") {
        Ok(number) => number.parse().context("LVSKIT_TRIALS"),
        Err(_) => Ok(1),
    }
}

/// Waits until this address connects to port 80 of a machine.
pub fn wait_for_check(from: Ipv4Addr, machine: &str) -> Result {
    const PATIENCE: Duration = Duration::from_secs(5);
    let socket = packet_socket(machine, "eth0")?;
    let timeout = socket.set_read_timeout(Some(PATIENCE));
    timeout.context("timeout")?;
    let start = Instant::now();
    let mut frame = [0; 128];
    while start.elapsed() < PATIENCE {
        let length = socket.recv(&mut frame).context("no check")?;
        if is_opening(&frame[..length], from) {
            return Ok(());
        }
    }
    Err(format!("{from} checks nothing on {machine}"))
}

/// Whether an Ethernet frame is the first of a TCP connection from this address to port 80.
fn is_opening(frame: &[u8], from: Ipv4Addr) -> bool {
    const TCP: u8 = 6;
    const SYN: u8 = 2;
    let ip = frame.get(14..).unwrap_or_default();
    let header = usize::from(ip.first().map_or(0, |first| first & 15)) * 4;
    let segment = ip.get(header..).unwrap_or_default();
    frame.get(12..14) == Some(&[8, 0])
        && ip.get(9) == Some(&TCP)
        && ip.get(12..16) == Some(&from.octets()[..])
        && segment.get(2..4) == Some(&80_u16.to_be_bytes()[..])
        && segment.get(13) == Some(&SYN)
}
