//! Taking servers out of service without cutting their connections: which changes begin it, how
//! far it is, which weights to remember.

use crate::addr::{Endpoint, Protocol};

use super::{Change, Connections, Destination, DestinationRow, ServiceId, Weight};

/// What is drained: all destinations of a service, or one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Target {
    /// The service.
    pub of: ServiceId,
    /// The destination; all of the service, when absent.
    pub only: Option<Endpoint>,
}

/// How far a target is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many connections are left; with none it is drained.
    Left(u64),
    /// Somebody gave this destination a weight again.
    Resumed(Endpoint),
}

/// The weight that a destination had before it was drained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Remembered {
    /// Its service.
    pub of: ServiceId,
    /// The destination.
    pub endpoint: Endpoint,
    /// Its weight, not 0.
    pub weight: Weight,
}

impl Target {
    /// Whether it is, or is one of, the destinations with this address and port.
    pub fn has(&self, of: &ServiceId, endpoint: &Endpoint) -> bool {
        self.of == *of && self.only.is_none_or(|only| only == *endpoint)
    }

    /// The weights that draining will take, of the destinations of the target's service.
    pub fn weights(&self, rows: &[DestinationRow]) -> impl Iterator<Item = Remembered> {
        self.weighty(rows).map(|destination| Remembered {
            of: self.of,
            endpoint: destination.endpoint,
            weight: destination.weight,
        })
    }

    /// The changes that begin it: all else stays as it is.
    pub fn changes(&self, rows: &[DestinationRow]) -> impl Iterator<Item = Change> {
        self.weighty(rows).map(|destination| {
            let drained = Destination {
                weight: Weight(0),
                ..destination.clone()
            };
            Change::EditDestination(self.of, drained)
        })
    }

    /// How far it is. A destination that is gone is drained.
    pub fn progress(&self, rows: &[DestinationRow]) -> Progress {
        match self.weighty(rows).next() {
            Some(destination) => Progress::Resumed(destination.endpoint),
            None => Progress::Left(self.rows(rows).map(|row| self.left(row.connections)).sum()),
        }
    }

    /// How many connections are waited for. Those of UDP never count as active, and so count here
    /// as long as the kernel remembers them.
    fn left(&self, connections: Connections) -> u64 {
        let Connections {
            active, inactive, ..
        } = connections;
        match self.of.protocol() {
            Some(Protocol::UDP) => u64::from(active) + u64::from(inactive),
            _ => u64::from(active),
        }
    }

    fn weighty<'r>(&self, rows: &'r [DestinationRow]) -> impl Iterator<Item = &'r Destination> {
        self.rows(rows)
            .map(|row| &row.destination)
            .filter(|destination| destination.weight != Weight(0))
    }

    fn rows<'r>(&self, rows: &'r [DestinationRow]) -> impl Iterator<Item = &'r DestinationRow> {
        let target = *self;
        rows.iter()
            .filter(move |row| target.has(&target.of, &row.destination.endpoint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipvs::{Forwarding, Stats, Thresholds};
    use std::net::Ipv4Addr;

    fn endpoint(number: u8) -> Endpoint {
        Endpoint::new(Ipv4Addr::new(10, 0, 0, number), 80)
    }

    fn service(protocol: Protocol) -> ServiceId {
        let endpoint = endpoint(100);
        ServiceId::Address { protocol, endpoint }
    }

    fn row(number: u8, weight: i32, active: u32, inactive: u32) -> DestinationRow {
        DestinationRow {
            destination: Destination {
                endpoint: endpoint(number),
                forwarding: Forwarding::Masquerade,
                weight: Weight(weight),
                thresholds: Thresholds { upper: 9, lower: 3 },
            },
            connections: Connections {
                active,
                inactive,
                persistent: 0,
            },
            stats: Stats::default(),
        }
    }

    #[test]
    fn only_the_weight_changes_and_is_remembered() {
        let rows = [row(1, 5, 0, 0), row(2, 0, 0, 0), row(3, 7, 0, 0)];
        let of = service(Protocol::TCP);
        let all = Target { of, only: None };
        let weights: Vec<_> = all.weights(&rows).collect();
        let remembered = |number, weight| Remembered {
            of,
            endpoint: endpoint(number),
            weight: Weight(weight),
        };
        assert_eq!(weights, [remembered(1, 5), remembered(3, 7)]);
        let only = Some(endpoint(3));
        let changes: Vec<_> = Target { of, only }.changes(&rows).collect();
        let drained = row(3, 0, 0, 0).destination;
        assert_eq!(changes, [Change::EditDestination(of, drained)]);
    }

    #[test]
    fn active_connections_are_waited_for_and_all_of_udp() {
        let rows = [row(1, 0, 2, 5), row(2, 0, 1, 1)];
        let left = |protocol, only| {
            let of = service(protocol);
            Target { of, only }.progress(&rows)
        };
        assert_eq!(left(Protocol::TCP, None), Progress::Left(3));
        assert_eq!(left(Protocol::TCP, Some(endpoint(2))), Progress::Left(1));
        assert_eq!(left(Protocol::UDP, None), Progress::Left(9));
        assert_eq!(left(Protocol::TCP, Some(endpoint(3))), Progress::Left(0));
    }

    #[test]
    fn a_weight_that_is_back_is_seen() {
        let rows = [row(1, 0, 2, 5), row(2, 3, 1, 1)];
        let of = service(Protocol::TCP);
        let only = Some(endpoint(1));
        assert_eq!(Target { of, only }.progress(&rows), Progress::Left(2));
        assert_eq!(
            Target { of, only: None }.progress(&rows),
            Progress::Resumed(endpoint(2))
        );
    }
}
