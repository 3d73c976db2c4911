//! What is in the documents, member by member, in their order.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use serde::{Serialize, Serializer};

use crate::addr::{Bare, Endpoint};
use crate::ipvs::rule::flags;
use crate::ipvs::{self, Forwarding, connections, status};
use crate::show::words::{self, Word};

#[derive(Serialize)]
pub struct Ipvs {
    #[serde(serialize_with = "text")]
    version: ipvs::Version,
    connection_table_size: u32,
}

#[derive(Serialize)]
pub struct Service<'a> {
    protocol: Option<Word>,
    family: &'static str,
    address: Option<Address>,
    port: Option<u16>,
    fwmark: Option<u32>,
    scheduler: &'a str,
    scheduler_flags: Vec<&'static str>,
    persistence: Option<Persistence>,
    netmask: String,
    engine: Option<&'a str>,
    one_packet: bool,
    stats: Counters,
    rates: Counters,
}

#[derive(Serialize)]
pub struct Persistence {
    timeout: u32,
}

#[derive(Serialize)]
pub struct Destination {
    family: &'static str,
    address: Address,
    port: u16,
    forwarding: Word,
    tunnel: Option<Tunnel>,
    weight: i32,
    thresholds: Thresholds,
    connections: Connections,
    stats: Counters,
    rates: Counters,
}

#[derive(Serialize)]
pub struct Tunnel {
    r#type: Word,
    port: Option<u16>,
    checksum: Option<Word>,
}

#[derive(Serialize)]
pub struct Thresholds {
    upper: u32,
    lower: u32,
}

#[derive(Serialize)]
pub struct Connections {
    active: u32,
    inactive: u32,
    persistent: u32,
}

/// Counters, or the same per second.
#[derive(Serialize)]
pub struct Counters {
    connections: u64,
    packets_in: u64,
    packets_out: u64,
    bytes_in: u64,
    bytes_out: u64,
}

#[derive(Serialize)]
pub struct Place {
    address: Address,
    port: u16,
}

#[derive(Serialize)]
pub struct Connection<'a> {
    protocol: String,
    client: Place,
    service: Place,
    destination: Place,
    state: &'a str,
    expires: u32,
    engine: Option<&'a str>,
    engine_data: Option<&'a str>,
}

#[derive(Serialize)]
pub struct Count<'a> {
    protocol: String,
    destination: Place,
    state: &'a str,
    connections: u64,
}

#[derive(Serialize)]
pub struct Timeouts {
    tcp: u32,
    tcp_fin: u32,
    udp: u32,
}

#[derive(Serialize)]
pub struct Daemon<'a> {
    role: &'static str,
    interface: &'a str,
    sync_id: u32,
    max_length: Option<u16>,
    group: Option<Address>,
    port: Option<u16>,
    ttl: Option<u8>,
}

#[derive(Serialize)]
pub struct Status<'a> {
    ipvs: Ipvs,
    services: u64,
    destinations: u64,
    connections: Settled,
    totals: Option<Totals>,
    timeouts: Timeouts,
    daemons: Vec<Daemon<'a>>,
    tables: BTreeMap<&'a str, Scalar>,
    settings: BTreeMap<&'a str, Scalar>,
}

#[derive(Serialize)]
pub struct Settled {
    active: u64,
    inactive: u64,
}

#[derive(Serialize)]
pub struct Totals {
    stats: Counters,
    rates: Counters,
}

/// A value that the kernel has as text.
#[derive(Serialize)]
#[serde(untagged)]
enum Scalar {
    Number(i64),
    Text(String),
}

/// An address as in the listings, without brackets.
pub struct Address(IpAddr);

impl Serialize for Address {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&Bare(self.0))
    }
}

fn text<S: Serializer>(value: &impl fmt::Display, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

impl Scalar {
    fn of(text: &str) -> Self {
        match text.parse() {
            Ok(number) => Scalar::Number(number),
            Err(_) => Scalar::Text(text.replace('\t', " ")),
        }
    }
}

impl Ipvs {
    pub fn of(info: ipvs::Info) -> Self {
        let ipvs::Info {
            version,
            connection_table_size,
        } = info;
        Ipvs {
            version,
            connection_table_size,
        }
    }
}

impl<'a> Service<'a> {
    pub fn of(row: &'a ipvs::ServiceRow) -> Self {
        let ipvs::ServiceRow { service, stats } = row;
        let scheduler = service.scheduler.as_str();
        let (endpoint, fwmark) = match &service.id {
            ipvs::ServiceId::Address { endpoint, .. } => (Some(endpoint), None),
            ipvs::ServiceId::Mark { mark, .. } => (None, Some(mark.get())),
        };
        Service {
            protocol: service.id.protocol().map(words::protocol),
            family: words::family(service.id.family()),
            address: endpoint.map(|endpoint| Address(endpoint.address)),
            port: endpoint.map(|endpoint| endpoint.port),
            fwmark,
            scheduler,
            scheduler_flags: flags::names(service.scheduler_flags, scheduler).collect(),
            persistence: service.persistence.map(|timeout| Persistence { timeout }),
            netmask: match service.granularity {
                ipvs::Netmask::V4(mask) => mask.to_string(),
                ipvs::Netmask::V6(length) => length.to_string(),
            },
            engine: service.engine.as_ref().map(|engine| engine.as_str()),
            one_packet: service.one_packet,
            stats: Counters::of(stats),
            rates: Counters::rates_of(stats),
        }
    }
}

impl Destination {
    pub fn of(row: &ipvs::DestinationRow) -> Self {
        let ipvs::DestinationRow {
            destination,
            connections,
            stats,
        } = row;
        let forwarding = destination.forwarding;
        Destination {
            family: words::family(destination.endpoint.family()),
            address: Address(destination.endpoint.address),
            port: destination.endpoint.port,
            forwarding: words::forwarding(forwarding),
            tunnel: match forwarding {
                Forwarding::Tunnel(tunnel) => Some(Tunnel::of(tunnel)),
                _ => None,
            },
            weight: destination.weight.0,
            thresholds: Thresholds {
                upper: destination.thresholds.upper,
                lower: destination.thresholds.lower,
            },
            connections: Connections {
                active: connections.active,
                inactive: connections.inactive,
                persistent: connections.persistent,
            },
            stats: Counters::of(stats),
            rates: Counters::rates_of(stats),
        }
    }
}

impl Tunnel {
    pub fn of(tunnel: ipvs::Tunnel) -> Self {
        let (port, checksum) = match tunnel {
            ipvs::Tunnel::Gue { port, checksum } => (Some(port), Some(checksum)),
            ipvs::Tunnel::Gre { checksum } => (None, Some(checksum)),
            ipvs::Tunnel::Ipip | ipvs::Tunnel::Unknown(_) => (None, None),
        };
        Tunnel {
            r#type: words::tunnel(tunnel),
            port,
            checksum: checksum.map(words::checksum),
        }
    }
}

impl Counters {
    pub fn of(stats: &ipvs::Stats) -> Self {
        Counters {
            connections: stats.connections,
            packets_in: stats.packets_in,
            packets_out: stats.packets_out,
            bytes_in: stats.bytes_in,
            bytes_out: stats.bytes_out,
        }
    }

    pub fn rates_of(stats: &ipvs::Stats) -> Self {
        Counters {
            connections: stats.connection_rate,
            packets_in: stats.packet_rate_in,
            packets_out: stats.packet_rate_out,
            bytes_in: stats.byte_rate_in,
            bytes_out: stats.byte_rate_out,
        }
    }
}

impl Place {
    pub fn of(endpoint: Endpoint) -> Self {
        Place {
            address: Address(endpoint.address),
            port: endpoint.port,
        }
    }
}

impl Timeouts {
    pub fn of(timeouts: ipvs::Timeouts) -> Self {
        let ipvs::Timeouts { tcp, tcp_fin, udp } = timeouts;
        Timeouts { tcp, tcp_fin, udp }
    }
}

impl<'a> Daemon<'a> {
    pub fn of(daemon: &'a ipvs::Daemon) -> Self {
        Daemon {
            role: daemon.role.name(),
            interface: daemon.interface.as_str(),
            sync_id: daemon.sync_id,
            max_length: daemon.max_length,
            group: daemon.group.map(Address),
            port: daemon.port,
            ttl: daemon.ttl,
        }
    }
}

impl<'a> Connection<'a> {
    pub fn of(connection: &connections::Connection<'a>) -> Self {
        let connections::Connection {
            protocol,
            client,
            service,
            destination,
            state,
            expires,
            engine,
        } = *connection;
        Connection {
            protocol: protocol.to_ascii_lowercase(),
            client: Place::of(client),
            service: Place::of(service),
            destination: Place::of(destination),
            state,
            expires,
            engine: engine.map(|(name, _)| name),
            engine_data: engine.map(|(_, data)| data),
        }
    }
}

impl<'a> Count<'a> {
    pub fn of(count: connections::Count<'a>) -> Self {
        Count {
            protocol: count.protocol.to_ascii_lowercase(),
            destination: Place::of(count.destination),
            state: count.state,
            connections: count.connections,
        }
    }
}

impl<'a> Status<'a> {
    pub fn of(status: &'a status::Status) -> Self {
        let value = |text: &String| Scalar::of(text);
        Status {
            ipvs: Ipvs::of(status.info),
            services: status.services,
            destinations: status.destinations,
            connections: Settled {
                active: status.active,
                inactive: status.inactive,
            },
            totals: status.totals.as_ref().map(|totals| Totals {
                stats: Counters::of(totals),
                rates: Counters::rates_of(totals),
            }),
            timeouts: Timeouts::of(status.timeouts),
            daemons: status.daemons.iter().map(Daemon::of).collect(),
            tables: (status.tables.iter())
                .map(|(name, text)| (name.as_str(), value(text)))
                .collect(),
            settings: (status.settings.iter())
                .map(|setting| (setting.name.as_str(), value(&setting.value)))
                .collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_value_is_a_number_where_it_is_one() {
        for (text, value) in [("3\t50", json!("3 50")), ("-1", json!(-1)), ("", json!(""))] {
            assert_eq!(serde_json::to_value(Scalar::of(text)).unwrap(), value);
        }
    }
}
