//! How long nobody has the address when its master is killed: from the last advert of the old one to
//! the first gratuitous ARP of the new one, as the switch sees them.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::Outcome;
use crate::capture::packets;
use crate::link::Link;
use crate::speaker::{Kind, Speaker, Wishes};

const VIP: &str = "10.9.0.100";

/// The backup's priority, which makes its skew.
const PRIORITY: u8 = 100;

/// As many trials at once as leave a machine of two processors idle most of the time: the more
/// seldom the adverts, the more.
fn at_once(interval: f64) -> usize {
    match interval {
        0.5.. => 10,
        0.05.. => 3,
        _ => 1,
    }
}

/// Measures both kinds, against themselves, with adverts at these intervals; prints a table.
pub fn measure(program: &Path, trials: usize, intervals: &[f64]) -> Outcome {
    println!("interval  protocol    ours: median (most)        keepalived: median (most)");
    for &interval in intervals {
        let skew = interval * f64::from(256 - u16::from(PRIORITY)) / 256.0;
        let least = 3.0 * interval + skew;
        let kinds = [Kind::Ours, Kind::Keepalived];
        let mut times = [vec![], vec![]];
        let all: Vec<usize> = (0..trials).collect();
        // In turn, that a machine which is busy for a while is so for both.
        for turn in all.chunks(at_once(interval)) {
            for (kind, times) in kinds.iter().zip(&mut times) {
                times.extend(trials_of(program, *kind, interval, turn, trials)?);
            }
        }
        let columns = times.map(|mut times| {
            times.sort_by(f64::total_cmp);
            let (median, most) = (times[times.len() / 2], times[times.len() - 1]);
            format!("{:8.1} ms ({:.1} ms)", median * 1e3, most * 1e3)
        });
        println!(
            "{interval:6} s {:8.1} ms {:>24} {:>30}",
            least * 1e3,
            columns[0],
            columns[1]
        );
    }
    Ok(())
}

/// The times of some of so many trials, all at once: their links are there before the first router
/// speaks, so that nothing is made while time is taken.
fn trials_of(
    program: &Path,
    kind: Kind,
    interval: f64,
    turn: &[usize],
    trials: usize,
) -> Result<Vec<f64>, String> {
    let links = turn.iter().map(|&trial| Link::new(trial, program));
    let mut links = links.collect::<Result<Vec<Link>, String>>()?;
    thread::scope(|scope| {
        let running: Vec<_> = links
            .iter_mut()
            .zip(turn)
            .map(|(link, &trial)| {
                // Each trial kills at another place between two adverts.
                let phase = interval * (trial as f64 + 0.5) / trials as f64;
                scope.spawn(move || trial_of(link, kind, interval, phase))
            })
            .collect();
        let ended = running.into_iter().map(thread::ScopedJoinHandle::join);
        ended
            .map(|outcome| outcome.unwrap_or_else(|_| Err("a trial broke off".into())))
            .collect()
    })
}

fn trial_of(link: &mut Link, kind: Kind, interval: f64, phase: f64) -> Result<f64, String> {
    let worse = Wishes::new(3, interval, PRIORITY);
    let better = Wishes {
        priority: 150,
        ..worse.clone()
    };
    let a = Speaker::start(link, "a", kind, &better)?;
    let b = Speaker::start(link, "b", kind, &worse)?;
    // Nothing looks at the hosts while time is taken: that would take time.
    thread::sleep(Duration::from_secs_f64(interval * 7.0 + 1.5));
    link.until_only(5.0, "a", VIP)?;
    thread::sleep(Duration::from_secs_f64(interval * 2.0 + 0.3 + phase));
    a.kill();
    thread::sleep(Duration::from_secs_f64(interval * 5.0 + 0.5));
    drop(b);
    link.end_capture();
    let capture =
        fs::read(link.directory.join("packets.pcap")).map_err(|error| error.to_string())?;
    silence(&capture).ok_or_else(|| "no fail-over in the capture".into())
}

/// The time between the last advert of a, and the first ARP of b for the address after it.
fn silence(capture: &[u8]) -> Option<f64> {
    let source = |last: u8| [10, 9, 0, last];
    let packets = packets(capture);
    let is_advert = |frame: &[u8]| {
        frame.get(12..14) == Some(&[8, 0])
            && frame.get(23) == Some(&112)
            && frame.get(26..30) == Some(&source(1))
    };
    let last = packets.iter().rposition(|(_, frame)| is_advert(frame))?;
    let is_announcement = |frame: &[u8]| {
        frame.get(12..14) == Some(&[8, 6])
            && frame.get(6..12) == Some(&[2, 0, 0, 0, 0x0a, 2])
            && frame.get(28..32) == Some(&source(100))
    };
    let (announced, _) = packets[last..]
        .iter()
        .find(|(_, frame)| is_announcement(frame))?;
    Some(announced - packets[last].0)
}
