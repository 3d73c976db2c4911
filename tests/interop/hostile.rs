//! Packets of somebody who wants to be master and must not be: ours keeps its role, its calm and its
//! log short.

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::process::{Command, ExitCode};
use std::thread;
use std::time::{Duration, Instant};

use lvskit::addr::Family;
use lvskit::host::interfaces;
use lvskit::host::raw_socket::RawSocket;
use lvskit::vrrp::advert::{Advertisement, Body, PseudoHeader};
use lvskit::vrrp::packet::{Envelope, write_ipv4};
use lvskit::vrrp::{Interval, PROTOCOL, Priority, Secret, Vrid, group_address};

use crate::link::Link;
use crate::speaker::{Kind, Speaker, Wishes};
use crate::{Case, Outcome};

const VIP: &str = "10.9.0.100";

/// Packets a second.
const RATE: u32 = 10_000;

const SECONDS: u32 = 4;

/// All of them.
pub fn all() -> Vec<Case> {
    let with = |auth| Wishes {
        auth,
        ..Wishes::new(2, 1.0, 100)
    };
    vec![
        Case::new("hostile/password", move |link| {
            endure(link, &with(Some(("pass", "s3cr3t"))))
        }),
        Case::new("hostile/header", move |link| {
            endure(link, &with(Some(("ah", "s3cr3t"))))
        }),
    ]
}

fn endure(link: &Link, wishes: &Wishes) -> Outcome {
    link.is_unsound()?;
    let a = Speaker::start(link, "a", Kind::Ours, wishes)?;
    let backup = Wishes {
        priority: 50,
        ..wishes.clone()
    };
    let b = Speaker::start(link, "b", Kind::Ours, &backup)?;
    link.until_only(7.0, "a", VIP)?;
    let (before_a, before_b) = (processor_time(&a)?, processor_time(&b)?);
    let begun = Instant::now();
    let own = std::env::current_exe().map_err(|error| error.to_string())?;
    let attacker = Command::new("ip")
        .args(["netns", "exec", &link.namespace("c")])
        .arg(own)
        .arg("hostile")
        .spawn();
    let mut attacker = attacker.map_err(|error| error.to_string())?;
    let mut outcome = Ok(());
    while attacker.try_wait().is_ok_and(|status| status.is_none()) {
        if !link.has("a", VIP) || link.has("b", VIP) {
            outcome = Err("a role changed".to_owned());
        }
        thread::sleep(Duration::from_millis(100));
    }
    outcome?;
    let took = begun.elapsed().as_secs_f64();
    for (name, speaker, before) in [("a", &a, before_a), ("b", &b, before_b)] {
        let share = (processor_time(speaker)? - before) / took;
        println!(
            "     {name} took {:.0} % of a processor under attack",
            share * 100.0
        );
        if share > 0.5 {
            return Err(format!("{name} took {share:.2} of a processor"));
        }
        let log = speaker.log();
        let lines = log
            .lines()
            .filter(|line| line.contains("not believed"))
            .count();
        if lines == 0 || lines > 15 * SECONDS as usize {
            return Err(format!("{name} logged {lines} lines"));
        }
        if log.contains("panic") || log.contains("s3cr3t") {
            return Err(format!("{name} logged: {log}"));
        }
    }
    // Neither did the flood keep the adverts from being sent and heard.
    thread::sleep(Duration::from_secs(4));
    link.until_only(0.1, "a", VIP)?;
    a.stop()?;
    b.stop()
}

/// Seconds of processor time that a speaker has had.
fn processor_time(speaker: &Speaker) -> Result<f64, String> {
    let text = fs::read_to_string(format!("/proc/{}/stat", speaker.process()));
    let text = text.map_err(|error| error.to_string())?;
    let (_, fields) = text.rsplit_once(')').ok_or("no fields")?;
    let fields: Vec<f64> = fields
        .split_whitespace()
        .filter_map(|field| field.parse().ok())
        .collect();
    // The state is no number, so that utime is the eleventh here.
    Ok((fields[10] + fields[11]) / 100.0)
}

/// What the attacker does, on host c.
pub fn attack() -> ExitCode {
    match flood() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("attack: {error}");
            ExitCode::FAILURE
        }
    }
}

fn flood() -> std::io::Result<()> {
    let interface = interfaces::named("eth0")?.ok_or(std::io::ErrorKind::NotFound)?;
    let socket = RawSocket::open(Family::V4, PROTOCOL, &interface, None)?;
    socket.send_only()?;
    let group = group_address(Family::V4);
    let packets = packets();
    let begun = Instant::now();
    for sent in 0..RATE * SECONDS {
        let due = Duration::from_secs_f64(f64::from(sent) / f64::from(RATE));
        let early = due.saturating_sub(begun.elapsed());
        if early > Duration::from_millis(2) {
            thread::sleep(early);
        }
        let packet = &packets[sent as usize % packets.len()];
        // A full queue loses some, as a real one would.
        let _ = socket.send(packet, group);
    }
    Ok(())
}

fn packets() -> Vec<Vec<u8>> {
    let envelope = Envelope {
        source: Ipv4Addr::new(10, 9, 0, 3),
        destination: Ipv4Addr::new(224, 0, 0, 18),
        hop_limit: 255,
        identification: 1,
    };
    let vips = [Ipv4Addr::new(10, 9, 0, 100), Ipv4Addr::new(10, 9, 0, 101)];
    let advert = |kind: u8, data: [u8; 8]| Advertisement {
        vrid: Vrid::new(51).unwrap(),
        priority: Priority::OWNER,
        interval: Interval::DEFAULT,
        addresses: vips.map(IpAddr::from).to_vec(),
        body: Body::V2 { kind, data },
    };
    let message = |advert: &Advertisement| advert.encode(Family::V4, PseudoHeader::None);
    let wrong = *Secret::new(b"wrong").bytes();
    let good = message(&advert(1, wrong));
    let plain = |bytes: &[u8]| write_ipv4(&envelope, bytes, None);
    let changed = |place: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[place] = byte;
        plain(&bytes)
    };
    let key = Secret::new(b"wrong");
    let signed = message(&advert(2, [0; 8]));
    let version_3 = Advertisement {
        body: Body::V3,
        ..advert(0, [0; 8])
    };
    let fragment = {
        let mut packet = plain(&good);
        packet[6] = 0x20;
        packet
    };
    vec![
        plain(&message(&advert(0, [0; 8]))),
        plain(&good),
        write_ipv4(
            &Envelope {
                hop_limit: 254,
                ..envelope
            },
            &good,
            None,
        ),
        write_ipv4(&envelope, &signed, Some((&key, 1))),
        write_ipv4(&envelope, &signed, Some((&key, u32::MAX))),
        plain(&message(&version_3)),
        changed(0, 0x41),
        changed(0, 0x22),
        changed(1, 0),
        changed(1, 52),
        changed(2, 0),
        changed(3, 0),
        changed(3, 255),
        changed(5, 0),
        changed(6, 0xff),
        plain(&good[..7]),
        plain(&[]),
        plain(&[0xff; 300]),
        fragment,
    ]
}
