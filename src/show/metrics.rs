//! The table as metrics: the text format of Prometheus, version 0.0.4.
//!
//! Rates are left out: Prometheus makes them of counters, over the time that is asked for, where
//! the kernel has only those of the last seconds before a scrape.

use std::fmt::{self, Write};

use crate::addr::Bare;
use crate::ipvs::{DestinationRow, Info, ServiceId, ServiceRow};

use super::words;

/// A service with its destinations.
pub type Row = (ServiceRow, Vec<DestinationRow>);

/// A number that all counters and weights fit into.
type Number = i128;

/// The samples that all services, or all destinations, have under one name.
struct Metric<T> {
    name: &'static str,
    kind: Kind,
    help: &'static str,
    /// None, where this one has no such sample.
    sample: fn(&T) -> Option<Number>,
}

#[derive(Clone, Copy)]
enum Kind {
    Counter,
    Gauge,
}

const fn counter<T>(
    name: &'static str,
    help: &'static str,
    sample: fn(&T) -> Option<Number>,
) -> Metric<T> {
    let kind = Kind::Counter;
    Metric {
        name,
        kind,
        help,
        sample,
    }
}

const fn gauge<T>(
    name: &'static str,
    help: &'static str,
    sample: fn(&T) -> Option<Number>,
) -> Metric<T> {
    let kind = Kind::Gauge;
    Metric {
        name,
        kind,
        help,
        sample,
    }
}

#[rustfmt::skip] // A line for each.
const SERVICE_METRICS: &[Metric<ServiceRow>] = &[
    gauge("ipvs_service_persistence_timeout_seconds", "How long a client stays with its destination; persistent services only.", |row| row.service.persistence.map(Number::from)),
    counter("ipvs_service_connections_total", "Connections scheduled.", |row| Some(row.stats.connections.into())),
    counter("ipvs_service_incoming_packets_total", "Packets from clients.", |row| Some(row.stats.packets_in.into())),
    counter("ipvs_service_outgoing_packets_total", "Packets to clients that passed the director.", |row| Some(row.stats.packets_out.into())),
    counter("ipvs_service_incoming_bytes_total", "Bytes from clients.", |row| Some(row.stats.bytes_in.into())),
    counter("ipvs_service_outgoing_bytes_total", "Bytes to clients that passed the director.", |row| Some(row.stats.bytes_out.into())),
];

#[rustfmt::skip] // A line for each.
const DESTINATION_METRICS: &[Metric<DestinationRow>] = &[
    gauge("ipvs_destination_weight", "Share of the connections; 0: no new ones.", |row| Some(row.destination.weight.0.into())),
    gauge("ipvs_destination_upper_threshold", "It takes no more connections than this; 0: no limit.", |row| Some(row.destination.thresholds.upper.into())),
    gauge("ipvs_destination_lower_threshold", "Once full, it takes new connections again below this; 0: three quarters of the upper one.", |row| Some(row.destination.thresholds.lower.into())),
    gauge("ipvs_destination_connections_active", "Established connections.", |row| Some(row.connections.active.into())),
    gauge("ipvs_destination_connections_inactive", "Connections that are remembered, but not established.", |row| Some(row.connections.inactive.into())),
    gauge("ipvs_destination_connections_persistent", "Clients that persistence remembers.", |row| Some(row.connections.persistent.into())),
    counter("ipvs_destination_connections_total", "Connections scheduled.", |row| Some(row.stats.connections.into())),
    counter("ipvs_destination_incoming_packets_total", "Packets from clients.", |row| Some(row.stats.packets_in.into())),
    counter("ipvs_destination_outgoing_packets_total", "Packets to clients that passed the director.", |row| Some(row.stats.packets_out.into())),
    counter("ipvs_destination_incoming_bytes_total", "Bytes from clients.", |row| Some(row.stats.bytes_in.into())),
    counter("ipvs_destination_outgoing_bytes_total", "Bytes to clients that passed the director.", |row| Some(row.stats.bytes_out.into())),
];

/// Appends the whole table. The samples of one name stand together, so that all rows must be known
/// before the first line is.
pub fn write(out: &mut String, info: Info, table: &[Row]) -> fmt::Result {
    let Info {
        version,
        connection_table_size,
    } = info;
    head(
        out,
        "ipvs_info",
        Kind::Gauge,
        "IPVS and its version; always 1.",
    )?;
    writeln!(out, "ipvs_info{{version=\"{version}\"}} 1")?;
    let name = "ipvs_connection_table_size";
    head(out, name, Kind::Gauge, "Buckets of the connection table.")?;
    writeln!(out, "{name} {connection_table_size}")?;

    let services: Vec<(String, &ServiceRow)> = (table.iter())
        .map(|(row, _)| Ok((service_labels(&row.service.id)?, row)))
        .collect::<Result<_, fmt::Error>>()?;
    let mut destinations: Vec<(String, &DestinationRow)> = Vec::new();
    for ((labels, _), (_, rows)) in services.iter().zip(table) {
        for row in rows {
            destinations.push((destination_labels(labels, row)?, row));
        }
    }

    if !services.is_empty() {
        head(
            out,
            "ipvs_service_info",
            Kind::Gauge,
            "A service and its scheduler; always 1.",
        )?;
    }
    for (labels, row) in &services {
        let scheduler = Escaped(row.service.scheduler.as_str());
        writeln!(
            out,
            "ipvs_service_info{{{labels},scheduler=\"{scheduler}\"}} 1"
        )?;
    }
    for metric in SERVICE_METRICS {
        samples(out, metric, &services)?;
    }
    if !destinations.is_empty() {
        head(
            out,
            "ipvs_destination_info",
            Kind::Gauge,
            "A destination and how packets reach it; always 1.",
        )?;
    }
    for (labels, row) in &destinations {
        let forwarding = words::forwarding(row.destination.forwarding);
        writeln!(
            out,
            "ipvs_destination_info{{{labels},forwarding=\"{forwarding}\"}} 1"
        )?;
    }
    for metric in DESTINATION_METRICS {
        samples(out, metric, &destinations)?;
    }
    Ok(())
}

/// Appends the samples of one metric; nothing, if there are none.
fn samples<T>(out: &mut String, metric: &Metric<T>, rows: &[(String, &T)]) -> fmt::Result {
    let mut headed = false;
    for (labels, row) in rows {
        let Some(number) = (metric.sample)(row) else {
            continue;
        };
        if !headed {
            head(out, metric.name, metric.kind, metric.help)?;
            headed = true;
        }
        let mut buffer = itoa::Buffer::new();
        let number = buffer.format(number);
        out.extend([metric.name, "{", labels, "} ", number, "\n"]);
    }
    Ok(())
}

fn head(out: &mut String, name: &str, kind: Kind, help: &str) -> fmt::Result {
    let kind = match kind {
        Kind::Counter => "counter",
        Kind::Gauge => "gauge",
    };
    writeln!(out, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

/// What tells a service from all others. An empty label is the same to Prometheus as none.
fn service_labels(id: &ServiceId) -> Result<String, fmt::Error> {
    let mut labels = String::new();
    let family = words::family(id.family());
    match id {
        ServiceId::Address { protocol, endpoint } => write!(
            labels,
            "protocol=\"{}\",family=\"{family}\",address=\"{}\",port=\"{}\",fwmark=\"\"",
            words::protocol(*protocol),
            Bare(endpoint.address),
            endpoint.port
        )?,
        ServiceId::Mark { mark, .. } => write!(
            labels,
            "protocol=\"\",family=\"{family}\",address=\"\",port=\"\",fwmark=\"{mark}\""
        )?,
    }
    Ok(labels)
}

fn destination_labels(service: &str, row: &DestinationRow) -> Result<String, fmt::Error> {
    let endpoint = &row.destination.endpoint;
    let address = Bare(endpoint.address);
    let port = endpoint.port;
    let mut labels = String::from(service);
    write!(
        labels,
        ",server_address=\"{address}\",server_port=\"{port}\""
    )?;
    Ok(labels)
}

/// The value of a label between its quotes.
struct Escaped<'a>(&'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use super::*;
    use crate::addr::Family;
    use crate::ipvs::{Netmask, SchedulerFlags, SchedulerName, Service, Stats, Version};

    fn row(id: ServiceId, scheduler: &str) -> Row {
        let service = Service {
            id,
            scheduler: SchedulerName::new(scheduler).unwrap(),
            scheduler_flags: SchedulerFlags::default(),
            persistence: None,
            granularity: Netmask::full(id.family()),
            engine: None,
            one_packet: false,
        };
        let stats = Stats {
            bytes_in: u64::MAX,
            ..Stats::default()
        };
        (ServiceRow { service, stats }, vec![])
    }

    fn text(table: &[Row]) -> String {
        let info = Info {
            version: Version(0x01_02_01),
            connection_table_size: 4096,
        };
        let mut out = String::new();
        write(&mut out, info, table).unwrap();
        out
    }

    #[test]
    fn an_empty_table_has_metrics_without_samples_of_services() {
        let text = text(&[]);
        assert!(text.starts_with("# HELP ipvs_info "));
        assert!(text.ends_with("\nipvs_connection_table_size 4096\n"));
        assert_eq!(text.lines().count(), 6);
    }

    #[test]
    fn one_mark_of_two_families_is_two_services() {
        let mark = NonZeroU32::MIN;
        let table =
            [Family::V4, Family::V6].map(|family| row(ServiceId::Mark { family, mark }, "rr"));
        let text = text(&table);
        for family in ["ipv4", "ipv6"] {
            let line = format!(
                "ipvs_service_incoming_bytes_total{{protocol=\"\",family=\"{family}\",address=\"\",\
                 port=\"\",fwmark=\"1\"}} 18446744073709551615"
            );
            assert!(text.lines().any(|other| other == line), "{line}:\n{text}");
        }
    }

    #[test]
    fn labels_are_escaped() {
        assert_eq!(Escaped("a\\b\"c\nd").to_string(), r#"a\\b\"c\nd"#);
    }
}
