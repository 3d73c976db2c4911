//! What the views for eyes show of a service and its destinations, whatever their layout.

use std::fmt::Write;

use crate::addr::{Family, Name, Protocol};
use crate::ipvs::{DestinationRow, Service, ServiceId, ServiceRow};

use super::classic;
use super::style::{Glyphs, Style, tame};

/// A service and its destinations, as they were at one time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The service.
    pub service: ServiceRow,
    /// Its destinations.
    pub destinations: Vec<DestinationRow>,
}

/// Tells `names` which hosts the views of this table will ask for.
pub fn prepare(groups: &[Group], names: &dyn Name) {
    names.prepare(&mut groups.iter().flat_map(|group| {
        let service = group.service.service.id.endpoint();
        let destinations = group.destinations.iter();
        let destinations = destinations.map(|row| row.destination.endpoint);
        destinations.chain(service).map(|endpoint| endpoint.address)
    }));
}

/// `TCP 192.0.2.10:80` or `FWM 7 IPv6`.
pub fn service_name(id: &ServiceId, names: &dyn Name) -> String {
    let mut name = String::new();
    match id {
        ServiceId::Mark { family, mark } => {
            // Writing to a String does not fail.
            let _ = write!(name, "FWM {mark}");
            if *family == Family::V6 {
                name.push_str(" IPv6");
            }
        }
        ServiceId::Address { protocol, endpoint } => {
            name.push_str(match *protocol {
                Protocol::TCP => "TCP ",
                Protocol::UDP => "UDP ",
                Protocol::SCTP => "SCTP ",
                _ => "? ",
            });
            names.write_endpoint(&mut name, endpoint, Some(*protocol));
        }
    }
    tame(&name)
}

/// `192.0.2.21:80`.
pub fn destination_name(of: &ServiceId, row: &DestinationRow, names: &dyn Name) -> String {
    let mut name = String::new();
    names.write_endpoint(&mut name, &row.destination.endpoint, of.protocol());
    tame(&name)
}

/// `wrr (flag-1) persistent 360`, as the classic listing has it.
pub fn settings(service: &Service) -> String {
    let mut text = String::new();
    let _ = classic::write_settings(&mut text, service);
    tame(text.trim())
}

/// Whether a destination takes new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It does.
    Open,
    /// It does not: its weight is 0.
    Drained,
    /// It does not: it has as many as its upper threshold allows. The kernel opens it again below
    /// the lower one, which cannot be seen from outside.
    Full,
}

impl State {
    /// The state of a destination.
    pub fn of(row: &DestinationRow) -> Self {
        let upper = u64::from(row.destination.thresholds.upper);
        let connections = u64::from(row.connections.active) + u64::from(row.connections.inactive);
        if row.destination.weight.0 == 0 {
            State::Drained
        } else if upper > 0 && connections >= upper {
            State::Full
        } else {
            State::Open
        }
    }

    /// The sign before its name.
    pub fn sign(self, glyphs: Glyphs) -> char {
        match (self, glyphs) {
            (State::Open, Glyphs::Unicode) => '●',
            (State::Open, Glyphs::Ascii) => '*',
            (State::Drained, Glyphs::Unicode) => '○',
            (State::Drained, Glyphs::Ascii) => 'o',
            (State::Full, Glyphs::Unicode) => '▲',
            (State::Full, Glyphs::Ascii) => '!',
        }
    }

    /// How the sign is styled.
    pub fn style(self) -> Style {
        match self {
            State::Open => Style::Good,
            State::Drained => Style::Warning,
            State::Full => Style::Bad,
        }
    }
}

/// `part` of `whole`, 0 to 1; nothing of nothing is nothing.
pub fn share(part: u64, whole: u64) -> f64 {
    match whole {
        0 => 0.0,
        _ => part as f64 / whole as f64,
    }
}

/// The weights of a service's destinations together.
pub fn weight<'a>(destinations: impl IntoIterator<Item = &'a DestinationRow>) -> u64 {
    destinations.into_iter().map(weight_of).sum()
}

/// The weight of a destination; the kernel keeps negative ones out.
pub fn weight_of(row: &DestinationRow) -> u64 {
    u64::try_from(row.destination.weight.0).unwrap_or(0)
}

#[cfg(test)]
pub mod example {
    //! A table to look at in tests.

    use std::num::NonZeroU32;

    use crate::addr::{Endpoint, Family, Protocol};
    use crate::ipvs::{
        Connections, Destination, DestinationRow, Forwarding, Netmask, SchedulerFlags, Service,
        ServiceId, ServiceRow, ShortName, Stats, Thresholds, Tunnel, Weight,
    };

    use super::Group;

    /// A destination with this last byte in its address.
    pub fn destination(number: u8, weight: i32, active: u32, inactive: u32) -> DestinationRow {
        DestinationRow {
            destination: Destination {
                endpoint: Endpoint::new([10, 0, 0, number], 80),
                forwarding: Forwarding::Route,
                weight: Weight(weight),
                thresholds: Thresholds::default(),
            },
            connections: Connections {
                active,
                inactive,
                persistent: 0,
            },
            stats: Stats {
                connections: 100 * u64::from(number),
                ..Stats::default()
            },
        }
    }

    /// A service without destinations.
    pub fn service(id: ServiceId) -> ServiceRow {
        ServiceRow {
            service: Service {
                id,
                scheduler: ShortName::new("wrr").unwrap(),
                scheduler_flags: SchedulerFlags::default(),
                persistence: None,
                granularity: Netmask::full(id.family()),
                engine: None,
                one_packet: false,
            },
            stats: Stats::default(),
        }
    }

    /// The service 192.0.2.10:80.
    pub fn web() -> ServiceId {
        ServiceId::Address {
            protocol: Protocol::TCP,
            endpoint: Endpoint::new([192, 0, 2, 10], 80),
        }
    }

    /// Two services; one destination is drained, one is full.
    pub fn groups() -> Vec<Group> {
        let mut persistent = service(web());
        persistent.service.persistence = Some(360);
        let mut full = destination(13, 1, 20, 4);
        full.destination.thresholds = Thresholds {
            upper: 24,
            lower: 0,
        };
        let mark = ServiceId::Mark {
            family: Family::V6,
            mark: NonZeroU32::new(7).unwrap(),
        };
        let mut tunnel = destination(21, 1, 0, 0);
        tunnel.destination.endpoint = Endpoint::new([0x2001, 0xdb8, 1, 0, 0, 0, 0, 0x21], 80);
        tunnel.destination.forwarding = Forwarding::Tunnel(Tunnel::Ipip);
        vec![
            Group {
                service: persistent,
                destinations: vec![destination(11, 3, 31, 117), destination(12, 0, 2, 0), full],
            },
            Group {
                service: service(mark),
                destinations: vec![tunnel],
            },
        ]
    }
}
