//! `lvs-vrrp watch`: what is heard, and a verdict.

use std::io;
use std::time::{Duration, Instant};

use crate::addr::Family;
use crate::host::interfaces;
use crate::host::signals::Signals;
use crate::report::lvs_vrrp as status;
use crate::show::vrrp as show;
use crate::vrrp::observer::{Observer, Verdict};
use crate::vrrp::packet::Datagram;
use crate::vrrp::port::Listener;
use crate::vrrp::{Moment, Vrid, group_address};

use super::{Environment, Failure, failed};

/// Packets of a socket that are read before the others are looked at.
const PACKETS_A_TURN: usize = 64;

/// Prints what is heard on an interface, for so long or until a signal.
pub(super) fn watch(
    name: &str,
    only: Option<Vrid>,
    length: Option<Duration>,
    json: bool,
    environment: &mut Environment<'_>,
) -> Result<u8, Failure> {
    let signals = Signals::open().map_err(failed("signals"))?;
    let interface = interfaces::named(name).map_err(failed("rtnetlink"))?;
    let interface =
        interface.ok_or_else(|| Failure(status::FAILED, format!("no such interface: {name}")))?;
    let mut listeners = Vec::new();
    for family in [Family::V4, Family::V6] {
        // A machine may have no IPv6.
        listeners.extend(Listener::open(group_address(family), &interface));
    }
    if listeners.is_empty() {
        Listener::open(group_address(Family::V4), &interface).map_err(failed("raw socket"))?;
    }
    let mut observer = Observer::default();
    let began = Instant::now();
    let now = || Moment(began.elapsed());
    loop {
        let mut lines = String::new();
        for listener in &mut listeners {
            let each = |datagram: &Datagram<'_>, waited: Duration| {
                let vrid = crate::vrrp::advert::vrid(datagram.message);
                if only.is_none() || vrid == only {
                    let came = now().before(waited);
                    lines += &heard_line(&mut observer, came, datagram, json);
                }
            };
            listener
                .receive(PACKETS_A_TURN, each)
                .map_err(failed("raw socket"))?;
        }
        let written = environment.output.write_all(lines.as_bytes());
        written
            .and_then(|()| environment.output.flush())
            .map_err(failed("write error"))?;
        let received = signals.receive();
        let left = length.map(|length| length.saturating_sub(began.elapsed()));
        if received.end || received.hang_up || left == Some(Duration::ZERO) {
            break;
        }
        let descriptors: Vec<_> = listeners.iter().flat_map(Listener::descriptors).collect();
        signals.wait(&descriptors, left).map_err(failed("poll"))?;
    }
    if length.is_none() {
        return Ok(status::DONE);
    }
    tell_verdict(&observer, now(), only, json, environment).map_err(failed("write error"))
}

fn heard_line(observer: &mut Observer, now: Moment, datagram: &Datagram<'_>, json: bool) -> String {
    let mut line = match (observer.hear(now, datagram), json) {
        (Ok(advert), true) => show::advert_json(datagram, &advert).to_string(),
        (Ok(advert), false) => show::advert_line(datagram, &advert),
        (Err(malformed), true) => show::malformed_json(datagram, malformed).to_string(),
        (Err(malformed), false) => format!("{} malformed: {malformed}", datagram.source),
    };
    line.push('\n');
    line
}

fn tell_verdict(
    observer: &Observer,
    now: Moment,
    only: Option<Vrid>,
    json: bool,
    environment: &mut Environment<'_>,
) -> io::Result<u8> {
    let verdict = observer.verdict(now, only);
    let masters = observer.masters(now);
    if json {
        let value = show::verdict_json(verdict, &masters);
        writeln!(environment.output, "{value}")?;
    } else {
        for (id, masters) in &masters {
            writeln!(environment.output, "{}", show::masters_line(id, masters))?;
        }
        writeln!(environment.output, "{}", show::verdict_word(verdict))?;
    }
    Ok(match verdict {
        Verdict::One => status::DONE,
        Verdict::None => status::NONE,
        Verdict::Several => status::SEVERAL,
    })
}
