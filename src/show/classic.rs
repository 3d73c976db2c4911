//! The listing as ipvsadm 1.31 prints it, byte for byte: scripts cut it into columns.

use std::fmt::{self, Write};

use crate::addr::{Endpoint, Family, Name, Protocol};
use crate::ipvs::rule::{Form, flags};
use crate::ipvs::{
    Checksum, Connections, Daemon, DestinationRow, Forwarding, Info, Netmask, Service, ServiceId,
    ServiceRow, Stats, Timeouts, Tunnel,
};

use super::count;
pub use super::count::Counting;

/// Names and ports are cut to this many bytes, together.
const LONGEST_ENDPOINT: usize = 59;

/// An IPv4 service with its protocol is cut to this many bytes; IPv6 ones shift the columns.
const SERVICE_WIDTH: usize = 33;

/// The same for destinations.
const DESTINATION_WIDTH: usize = 28;

/// What a tunnel is called is cut to this many bytes.
const LONGEST_TUNNEL: usize = 15;

/// How a listing of the table is to look.
#[derive(Clone, Copy)]
pub struct Classic<'a> {
    /// Which columns.
    pub form: Form,
    /// How counters are written.
    pub counting: Counting,
    /// Who knows names.
    pub names: &'a dyn Name,
}

/// Appends the first line of a listing of the whole table. The size is a signed number there.
pub fn version(out: &mut String, info: Info) -> fmt::Result {
    let Info {
        version,
        connection_table_size,
    } = info;
    let size = connection_table_size as i32;
    writeln!(out, "IP Virtual Server version {version} (size={size})")
}

/// Appends the timeouts, as signed numbers.
pub fn timeouts(out: &mut String, timeouts: Timeouts) -> fmt::Result {
    let [tcp, tcp_fin, udp] =
        [timeouts.tcp, timeouts.tcp_fin, timeouts.udp].map(|timeout| timeout as i32);
    writeln!(out, "Timeout (tcp tcpfin udp): {tcp} {tcp_fin} {udp}")
}

/// Appends a line for a synchronisation daemon.
pub fn daemon(out: &mut String, daemon: &Daemon) -> fmt::Result {
    let role = daemon.role.name();
    let interface = daemon.interface.as_str();
    let sync_id = daemon.sync_id as i32;
    write!(
        out,
        "{role} sync daemon (mcast={interface}, syncid={sync_id}"
    )?;
    if let Some(length) = daemon.max_length {
        write!(out, ", maxlen={length}")?;
    }
    if let Some(group) = daemon.group {
        write!(out, ", group={group}")?;
    }
    if let Some(port) = daemon.port {
        write!(out, ", port={port}")?;
    }
    if let Some(ttl) = daemon.ttl {
        write!(out, ", ttl={ttl}")?;
    }
    out.push_str(")\n");
    Ok(())
}

impl Classic<'_> {
    /// Appends the titles of the columns. Some end in a blank.
    pub fn titles(&self, out: &mut String) {
        out.push_str(match self.form {
            Form::Plain => {
                "Prot LocalAddress:Port Scheduler Flags\n  \
                 -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
            }
            Form::Tunnels => {
                "Prot LocalAddress:Port Scheduler Flags\n  \
                 -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn\n"
            }
            Form::Stats => {
                "Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes\n  \
                 -> RemoteAddress:Port\n"
            }
            Form::Rate => {
                "Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS\n  \
                 -> RemoteAddress:Port\n"
            }
            Form::Thresholds => {
                "Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn \n  \
                 -> RemoteAddress:Port\n"
            }
            Form::PersistentConnections => {
                "Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn \n  \
                 -> RemoteAddress:Port\n"
            }
        });
    }

    /// Appends the line of a service.
    pub fn service(&self, out: &mut String, row: &ServiceRow) -> fmt::Result {
        let start = out.len();
        self.service_name(out, &row.service.id)?;
        match self.form {
            Form::Stats | Form::Rate => {
                pad(out, start, SERVICE_WIDTH);
                for count in match self.form {
                    Form::Stats => counters(&row.stats),
                    _ => rates(&row.stats),
                } {
                    count::write(out, count, self.counting)?;
                }
            }
            _ => write_settings(out, &row.service)?,
        }
        out.push('\n');
        Ok(())
    }

    /// Appends the line of a destination of the service `of`.
    pub fn destination(
        &self,
        out: &mut String,
        of: &ServiceId,
        row: &DestinationRow,
    ) -> fmt::Result {
        let DestinationRow {
            destination,
            connections,
            stats,
        } = row;
        let Connections {
            active,
            inactive,
            persistent,
        } = *connections;
        out.push_str("  -> ");
        let start = out.len();
        self.endpoint(out, &destination.endpoint, of.protocol());
        if destination.endpoint.family() == Family::V4 {
            cut(out, start, DESTINATION_WIDTH);
        }
        pad(out, start, DESTINATION_WIDTH);
        let weight = i64::from(destination.weight.0);
        match self.form {
            Form::Plain => {
                word(out, forward(destination.forwarding), 7);
                columns(
                    out,
                    [(weight, 6), (active.into(), 10), (inactive.into(), 10)],
                );
            }
            Form::Tunnels => {
                word(out, forward(destination.forwarding), 7);
                out.push(' ');
                let start = out.len();
                write_tunnel(out, destination.forwarding)?;
                cut(out, start, LONGEST_TUNNEL);
                pad(out, start, 13);
                columns(
                    out,
                    [(weight, 6), (active.into(), 10), (inactive.into(), 10)],
                );
            }
            Form::Thresholds => {
                let thresholds = destination.thresholds;
                let [upper, lower] = [thresholds.upper, thresholds.lower].map(i64::from);
                columns(
                    out,
                    [
                        (upper, 10),
                        (lower, 10),
                        (active.into(), 10),
                        (inactive.into(), 10),
                    ],
                );
            }
            Form::PersistentConnections => {
                // Only here the weight is unsigned.
                let weight = i64::from(weight as u32);
                columns(
                    out,
                    [
                        (weight, 9),
                        (persistent.into(), 11),
                        (active.into(), 10),
                        (inactive.into(), 10),
                    ],
                );
            }
            Form::Stats => {
                for count in counters(stats) {
                    count::write(out, count, self.counting)?;
                }
            }
            Form::Rate => {
                let [cps, packets_in, packets_out, bytes_in, bytes_out] = rates(stats);
                write!(out, " {cps:>8} {packets_in:>8} {packets_out:>8}")?;
                count::write(out, bytes_in, self.counting)?;
                count::write(out, bytes_out, self.counting)?;
            }
        }
        out.push('\n');
        Ok(())
    }

    /// Protocol and address, or the firewall mark.
    fn service_name(&self, out: &mut String, id: &ServiceId) -> fmt::Result {
        match id {
            ServiceId::Mark { family, mark } => match family {
                Family::V4 => write!(out, "FWM  {mark}"),
                Family::V6 => write!(out, "FWM  {mark} IPv6"),
            },
            ServiceId::Address { protocol, endpoint } => {
                let start = out.len();
                out.push_str(match *protocol {
                    Protocol::TCP => "TCP  ",
                    Protocol::UDP => "UDP  ",
                    Protocol::SCTP => "SCTP ",
                    _ => "?    ",
                });
                self.endpoint(out, endpoint, Some(*protocol));
                if endpoint.family() == Family::V4 {
                    cut(out, start, SERVICE_WIDTH);
                }
                Ok(())
            }
        }
    }

    fn endpoint(&self, out: &mut String, endpoint: &Endpoint, protocol: Option<Protocol>) {
        write_endpoint(out, self.names, endpoint, protocol);
    }
}

/// Appends an endpoint, cut to what the listings have room for.
pub fn write_endpoint(
    out: &mut String,
    names: &dyn Name,
    endpoint: &Endpoint,
    protocol: Option<Protocol>,
) {
    let start = out.len();
    names.write_endpoint(out, endpoint, protocol);
    cut(out, start, LONGEST_ENDPOINT);
}

/// Appends a service's scheduler and how it behaves. Mask and engine show only what they do, so
/// not without persistence.
pub(super) fn write_settings(out: &mut String, service: &Service) -> fmt::Result {
    let scheduler = service.scheduler.as_str();
    write!(out, " {scheduler}")?;
    if !service.scheduler_flags.is_empty() {
        write!(
            out,
            " ({})",
            flags::write(service.scheduler_flags, scheduler)
        )?;
    }
    if let Some(timeout) = service.persistence {
        write!(out, " persistent {timeout}")?;
        if !service.granularity.is_full() {
            match service.granularity {
                Netmask::V4(mask) => write!(out, " mask {mask}")?,
                Netmask::V6(length) => write!(out, " mask {}", length as i32)?,
            }
        }
        if let Some(engine) = &service.engine {
            write!(out, " pe {}", engine.as_str())?;
        }
    }
    if service.one_packet {
        out.push_str(" ops");
    }
    Ok(())
}

pub(super) fn counters(stats: &Stats) -> [u64; 5] {
    [
        stats.connections,
        stats.packets_in,
        stats.packets_out,
        stats.bytes_in,
        stats.bytes_out,
    ]
}

pub(super) fn rates(stats: &Stats) -> [u64; 5] {
    [
        stats.connection_rate,
        stats.packet_rate_in,
        stats.packet_rate_out,
        stats.byte_rate_in,
        stats.byte_rate_out,
    ]
}

pub(super) fn forward(forwarding: Forwarding) -> &'static str {
    match forwarding {
        Forwarding::Masquerade => "Masq",
        Forwarding::Local => "Local",
        Forwarding::Tunnel(_) => "Tunnel",
        Forwarding::Route => "Route",
        // What glibc prints for the missing word.
        Forwarding::Unknown(_) => "(null)",
    }
}

pub(super) fn write_tunnel(out: &mut String, forwarding: Forwarding) -> fmt::Result {
    let sign = |checksum| match checksum {
        Checksum::Without | Checksum::Unknown(_) => "-c",
        Checksum::Whole => "+c",
        Checksum::Remote => "r+c",
    };
    match forwarding {
        Forwarding::Tunnel(Tunnel::Ipip) => out.write_str("ipip"),
        Forwarding::Tunnel(Tunnel::Gue { port, checksum }) => {
            write!(out, "gue:{port}:{}", sign(checksum))
        }
        Forwarding::Tunnel(Tunnel::Gre { checksum }) => write!(out, "gre:{}", sign(checksum)),
        _ => out.write_str("n/a"),
    }
}

/// Appends a blank and a word, left-aligned in its column.
fn word(out: &mut String, word: &str, width: usize) {
    out.push(' ');
    let start = out.len();
    out.push_str(word);
    pad(out, start, width);
}

/// Appends numbers, each after a blank and left-aligned in its column, the last one too: the
/// lines end in blanks.
fn columns<const N: usize>(out: &mut String, columns: [(i64, usize); N]) {
    for (number, width) in columns {
        word(out, itoa::Buffer::new().format(number), width);
    }
}

/// Fills what stands from `start` on with blanks up to `width` bytes.
fn pad(out: &mut String, start: usize, width: usize) {
    const BLANKS: &str = "                                 ";
    let missing = width.saturating_sub(out.len() - start).min(BLANKS.len());
    out.push_str(&BLANKS[..missing]);
}

/// Cuts what stands from `start` on to `longest` bytes, or to the character before.
fn cut(out: &mut String, start: usize, longest: usize) {
    if out.len() - start > longest {
        let mut end = start + longest;
        while !out.is_char_boundary(end) {
            end -= 1;
        }
        out.truncate(end);
    }
}
