//! The state of IPVS as text for people: a line for each thing, and one for each setting that has
//! a known meaning.

use std::fmt::{self, Write};

use crate::ipvs::status::Status;

use super::classic;

/// Names stand in a column of this width.
const NAME_WIDTH: usize = 26;

/// Values of settings stand in a column of this width.
const VALUE_WIDTH: usize = 12;

/// Appends all that is known.
pub fn write(out: &mut String, status: &Status) -> fmt::Result {
    let Status {
        info,
        services,
        destinations,
        active,
        inactive,
        totals,
        timeouts,
        daemons,
        tables,
        settings,
    } = status;
    let mut line =
        |name: &str, value: &dyn fmt::Display| writeln!(out, "{name:<NAME_WIDTH$}{value}");
    line("IPVS version", &info.version)?;
    line("connection table size", &info.connection_table_size)?;
    line("services", services)?;
    line("real servers", destinations)?;
    line("active connections", active)?;
    line("inactive connections", inactive)?;
    if let Some(totals) = totals {
        line("connections since start", &totals.connections)?;
        line(
            "packets in, out",
            &Pair(totals.packets_in, totals.packets_out),
        )?;
        line("bytes in, out", &Pair(totals.bytes_in, totals.bytes_out))?;
    }
    let [tcp, tcp_fin, udp] = [timeouts.tcp, timeouts.tcp_fin, timeouts.udp];
    line(
        "timeouts",
        &format_args!("tcp {tcp}, tcpfin {tcp_fin}, udp {udp}"),
    )?;
    if daemons.is_empty() {
        line("sync daemons", &"none")?;
    }
    daemons
        .iter()
        .try_for_each(|daemon| classic::daemon(out, daemon))?;
    for (name, value) in tables {
        writeln!(out, "{name:<NAME_WIDTH$}{value}")?;
    }
    out.push_str("\nnet.ipv4.vs\n");
    for setting in settings {
        if let Some(meaning) = setting.meaning() {
            let value = setting.value.replace('\t', " ");
            let name = &setting.name;
            writeln!(out, "  {name:<NAME_WIDTH$}{value:<VALUE_WIDTH$}{meaning}")?;
        }
    }
    Ok(())
}

struct Pair(u64, u64);

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.0, self.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ipvs::status::Setting;
    use crate::ipvs::{Info, Timeouts, Version};

    #[test]
    fn what_the_kernel_does_not_tell_is_left_out() {
        let setting = |name: &str, value: &str| Setting {
            name: name.to_owned(),
            value: value.to_owned(),
        };
        let status = Status {
            info: Info {
                version: Version(0x01_02_01),
                connection_table_size: 4096,
            },
            services: 1,
            destinations: 2,
            active: 3,
            inactive: 4,
            totals: None,
            timeouts: Timeouts {
                tcp: 900,
                tcp_fin: 120,
                udp: 300,
            },
            daemons: vec![],
            tables: vec![("Conns".to_owned(), "7".to_owned())],
            settings: vec![
                setting("sync_threshold", "3\t50"),
                setting("unheard_of", "1"),
            ],
        };
        let mut text = String::new();
        write(&mut text, &status).unwrap();
        assert_eq!(
            text,
            "IPVS version              1.2.1\n\
             connection table size     4096\n\
             services                  1\n\
             real servers              2\n\
             active connections        3\n\
             inactive connections      4\n\
             timeouts                  tcp 900, tcpfin 120, udp 300\n\
             sync daemons              none\n\
             Conns                     7\n\
             \n\
             net.ipv4.vs\n  \
               sync_threshold            3 50        after how many packets a connection is sent, \
             and then each how many\n"
        );
    }
}
