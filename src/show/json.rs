//! The listings as JSON, for programs: `schema/ipvsadm.schema.json` says what is in them.
//!
//! Each listing is one document, written a piece at a time, with a line for each service,
//! destination and connection: it can be read in a terminal, and memory does not grow with it.
//! One that is not ended is no JSON, so that half a listing is not taken for a whole one.

use std::fmt::{self, Write};

use serde::Serialize;

use crate::ipvs::connections::{Connection, Count};
use crate::ipvs::status::Status;
use crate::ipvs::{Daemon, DestinationRow, Info, ServiceRow, Timeouts};

mod members;

/// The table, service after service.
#[derive(Debug, Default)]
pub struct Table {
    services: Items,
}

impl Table {
    /// Appends what stands before the services.
    pub fn begin(&self, out: &mut String, info: Info) -> fmt::Result {
        out.push_str("{\"ipvs\":");
        value(out, &members::Ipvs::of(info))?;
        out.push_str(",\"services\":[");
        Ok(())
    }

    /// Appends a service with its destinations.
    pub fn service(
        &mut self,
        out: &mut String,
        row: &ServiceRow,
        destinations: &[DestinationRow],
    ) -> fmt::Result {
        self.services.next(out, "\n");
        value(out, &members::Service::of(row))?;
        // Its destinations go into its object.
        out.pop();
        out.push_str(",\"destinations\":[");
        let mut items = Items::default();
        for row in destinations {
            items.next(out, "\n  ");
            value(out, &members::Destination::of(row))?;
        }
        items.end(out);
        out.push('}');
        Ok(())
    }

    /// Appends what stands behind the last service.
    pub fn end(self, out: &mut String) {
        self.services.end(out);
        out.push_str("}\n");
    }
}

/// A listing of things of one kind, one after the other.
#[derive(Debug)]
pub struct List {
    name: &'static str,
    items: Items,
}

impl List {
    /// A list of connections.
    pub fn of_connections() -> Self {
        List::new("connections")
    }

    fn new(name: &'static str) -> Self {
        let items = Items::default();
        List { name, items }
    }

    /// Appends what stands before the items.
    pub fn begin(&self, out: &mut String) -> fmt::Result {
        write!(out, "{{\"{}\":[", self.name)
    }

    /// Appends a connection.
    pub fn connection(&mut self, out: &mut String, connection: &Connection<'_>) -> fmt::Result {
        self.item(out, &members::Connection::of(connection))
    }

    fn item(&mut self, out: &mut String, item: &impl Serialize) -> fmt::Result {
        self.items.next(out, "\n");
        value(out, item)
    }

    /// Appends what stands behind the last item.
    pub fn end(self, out: &mut String) {
        self.items.end(out);
        out.push_str("}\n");
    }
}

/// Appends the document of the counts.
pub fn counts<'a>(out: &mut String, counts: impl Iterator<Item = Count<'a>>) -> fmt::Result {
    let mut list = List::new("counts");
    list.begin(out)?;
    for count in counts {
        list.item(out, &members::Count::of(count))?;
    }
    list.end(out);
    Ok(())
}

/// Appends the document of the timeouts.
pub fn timeouts(out: &mut String, timeouts: Timeouts) -> fmt::Result {
    document(out, "timeouts", &members::Timeouts::of(timeouts))
}

/// Appends the document of the daemons.
pub fn daemons(out: &mut String, daemons: &[Daemon]) -> fmt::Result {
    let mut list = List::new("daemons");
    list.begin(out)?;
    for daemon in daemons {
        list.item(out, &members::Daemon::of(daemon))?;
    }
    list.end(out);
    Ok(())
}

/// Appends the document of the state of IPVS.
pub fn status(out: &mut String, status: &Status) -> fmt::Result {
    document(out, "status", &members::Status::of(status))
}

fn document(out: &mut String, name: &str, content: &impl Serialize) -> fmt::Result {
    write!(out, "{{\"{name}\":")?;
    value(out, content)?;
    out.push_str("}\n");
    Ok(())
}

fn value(out: &mut String, value: &impl Serialize) -> fmt::Result {
    let text = serde_json::to_string(value).map_err(|_| fmt::Error)?;
    out.push_str(&text);
    Ok(())
}

/// What stands between the items of an array.
#[derive(Debug, Default)]
struct Items {
    some: bool,
}

impl Items {
    /// Appends what stands before the next item, which is on a line of its own.
    fn next(&mut self, out: &mut String, line: &str) {
        if self.some {
            out.push(',');
        }
        out.push_str(line);
        self.some = true;
    }

    fn end(self, out: &mut String) {
        out.push_str(if self.some { "\n]" } else { "]" });
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;
    use crate::addr::{Endpoint, Protocol};
    use crate::ipvs::{
        self, Checksum, Forwarding, Netmask, SchedulerFlags, ServiceId, Stats, Tunnel, Version,
        Weight,
    };

    const INFO: Info = Info {
        version: Version(0x01_02_01),
        connection_table_size: 4096,
    };

    fn service() -> ServiceRow {
        let id = ServiceId::Address {
            protocol: Protocol(47),
            endpoint: Endpoint::new([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1], 80),
        };
        let service = ipvs::Service {
            id,
            scheduler: ipvs::SchedulerName::new("sh").unwrap(),
            scheduler_flags: SchedulerFlags::from_bits(0x30),
            persistence: None,
            granularity: Netmask::V6(64),
            engine: None,
            one_packet: false,
        };
        let stats = Stats {
            bytes_in: u64::MAX,
            byte_rate_in: 7,
            ..Stats::default()
        };
        ServiceRow { service, stats }
    }

    fn destination(forwarding: Forwarding) -> DestinationRow {
        DestinationRow {
            destination: ipvs::Destination {
                endpoint: Endpoint::new([10, 0, 0, 1], 80),
                forwarding,
                weight: Weight(1),
                thresholds: ipvs::Thresholds::default(),
            },
            connections: ipvs::Connections::default(),
            stats: Stats::default(),
        }
    }

    fn table(services: &[(ServiceRow, Vec<DestinationRow>)]) -> String {
        let (mut out, mut table) = (String::new(), Table::default());
        table.begin(&mut out, INFO).unwrap();
        for (row, destinations) in services {
            table.service(&mut out, row, destinations).unwrap();
        }
        table.end(&mut out);
        out
    }

    #[test]
    fn an_empty_table_is_a_line() {
        let head = r#"{"ipvs":{"version":"1.2.1","connection_table_size":4096}"#;
        assert_eq!(table(&[]), format!("{head},\"services\":[]}}\n"));
    }

    #[test]
    fn each_service_and_destination_has_a_line() {
        let two = vec![
            destination(Forwarding::Route),
            destination(Forwarding::Masquerade),
        ];
        let text = table(&[(service(), two), (service(), vec![])]);
        let begins = [
            r#"{"ipvs":"#,
            r#"{"protocol":"unknown-47","family":"ipv6","address":"2001:db8::1","port":80,"#,
            r#"  {"family":"ipv4","address":"10.0.0.1","port":80,"forwarding":"direct","#,
            r#"  {"family":"ipv4","address":"10.0.0.1","port":80,"forwarding":"masquerade","#,
            "]},",
            r#"{"protocol":"#,
            "]}",
        ];
        for (line, begin) in text.lines().zip(begins) {
            assert!(line.starts_with(begin), "{line}");
        }
        assert_eq!(text.lines().count(), begins.len());
        let document: Value = serde_json::from_str(&text).unwrap();
        let service = &document["services"][0];
        assert_eq!(service["stats"]["bytes_in"], u64::MAX);
        assert_eq!(service["rates"]["bytes_in"], 7);
        assert_eq!(service["netmask"], "64");
        assert_eq!(service["scheduler_flags"], json!(["sh-port", "flag-3"]));
        assert_eq!(service["fwmark"], Value::Null);
    }

    #[test]
    fn what_is_not_known_is_told_by_its_number() {
        let checksum = Checksum::Unknown(12);
        let gre = Tunnel::Gre { checksum };
        for (forwarding, word, tunnel) in [
            (Forwarding::Unknown(5), "unknown-5", Value::Null),
            (
                Forwarding::Tunnel(Tunnel::Unknown(9)),
                "tunnel",
                json!({"type": "unknown-9", "port": null, "checksum": null}),
            ),
            (
                Forwarding::Tunnel(gre),
                "tunnel",
                json!({"type": "gre", "port": null, "checksum": "unknown-12"}),
            ),
        ] {
            let text = table(&[(service(), vec![destination(forwarding)])]);
            let document: Value = serde_json::from_str(&text).unwrap();
            let destination = &document["services"][0]["destinations"][0];
            assert_eq!(destination["forwarding"], word);
            assert_eq!(destination["tunnel"], tunnel);
        }
    }

    #[test]
    fn a_connection_is_as_in_its_file() {
        let line = "UDP 0A610002 0000 0A600001 13C4 0A620002 13C4 UDP 178 sip 16;1@x\"";
        let mut out = String::new();
        let mut list = List::of_connections();
        list.begin(&mut out).unwrap();
        let connection = Connection::read(line).unwrap();
        list.connection(&mut out, &connection).unwrap();
        list.end(&mut out);
        let expected = concat!(
            r#"{"connections":["#,
            "\n",
            r#"{"protocol":"udp","client":{"address":"10.97.0.2","port":0},"#,
            r#""service":{"address":"10.96.0.1","port":5060},"#,
            r#""destination":{"address":"10.98.0.2","port":5060},"#,
            r#""state":"UDP","expires":178,"engine":"sip","engine_data":"16;1@x\""}"#,
            "\n]}\n",
        );
        assert_eq!(out, expected);
    }
}
