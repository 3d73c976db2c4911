//! Answers to values.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use super::{daemon, dest, info, svc, top};
use crate::addr::{Endpoint, Family, Protocol};
use crate::ipvs::{
    Checksum, Connections, Daemon, Destination, DestinationRow, EngineName, Forwarding, Info,
    InterfaceName, Netmask, Role, SchedulerFlags, Service, ServiceId, ServiceRow, ShortName, Stats,
    Thresholds, Timeouts, Tunnel, Version, Weight,
};
use crate::netlink::{Attribute, Attributes, Malformed};

/// Which attributes of a nest have been read, by their numbers.
#[derive(Clone, Copy, Default)]
struct Seen(u32);

impl Seen {
    fn add(&mut self, kind: u16) {
        self.0 |= 1u32.checked_shl(kind.into()).unwrap_or(0);
    }

    /// All of `kinds` must have been there.
    fn must_have(self, kinds: &[u16]) -> Result<(), Malformed> {
        let all = kinds.iter().all(|&kind| self.0 & (1 << kind) != 0);
        if all { Ok(()) } else { Err(Malformed) }
    }
}

/// The attributes inside the one attribute of an answer that is of this kind.
fn nest(attributes: Attributes<'_>, kind: u16) -> Result<Attributes<'_>, Malformed> {
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind == kind {
            return Ok(attribute.nested());
        }
    }
    Err(Malformed)
}

/// The 16 bytes of an address, of which an IPv4 one needs only four.
fn address_bytes(attribute: Attribute<'_>) -> Result<[u8; 16], Malformed> {
    if let Ok(bytes) = attribute.array() {
        return Ok(bytes);
    }
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&attribute.array::<4>()?);
    Ok(bytes)
}

fn address(family: Family, bytes: [u8; 16]) -> IpAddr {
    match family {
        Family::V4 => {
            let [a, b, c, d, ..] = bytes;
            Ipv4Addr::new(a, b, c, d).into()
        }
        Family::V6 => Ipv6Addr::from(bytes).into(),
    }
}

fn family(attribute: Attribute<'_>) -> Result<Family, Malformed> {
    Family::from_number(attribute.u16()?).ok_or(Malformed)
}

fn name<const N: usize>(attribute: Attribute<'_>) -> Result<ShortName<N>, Malformed> {
    ShortName::new(attribute.string(N)?).ok_or(Malformed)
}

/// Reads the answer to [`get_info`](super::get_info).
pub fn read_info(attributes: Attributes<'_>) -> Result<Info, Malformed> {
    let (mut version, mut size) = (None, None);
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            info::VERSION => version = Some(Version(attribute.u32()?)),
            info::CONN_TAB_SIZE => size = Some(attribute.u32()?),
            _ => {}
        }
    }
    Ok(Info {
        version: version.ok_or(Malformed)?,
        connection_table_size: size.ok_or(Malformed)?,
    })
}

/// Reads the answer to [`get_timeouts`](super::get_timeouts).
pub fn read_timeouts(attributes: Attributes<'_>) -> Result<Timeouts, Malformed> {
    let mut timeouts = Timeouts::KEEP;
    for attribute in attributes {
        let attribute = attribute?;
        match attribute.kind {
            top::TIMEOUT_TCP => timeouts.tcp = attribute.u32()?,
            top::TIMEOUT_TCP_FIN => timeouts.tcp_fin = attribute.u32()?,
            top::TIMEOUT_UDP => timeouts.udp = attribute.u32()?,
            _ => {}
        }
    }
    Ok(timeouts)
}

/// Reads one service of the answer to [`get_services`](super::get_services) or [`get_service`](super::get_service).
pub fn read_service(attributes: Attributes<'_>) -> Result<ServiceRow, Malformed> {
    let mut seen = Seen::default();
    let mut af = Family::V4;
    let (mut protocol, mut bytes, mut port, mut mark) = (Protocol(0), [0; 16], 0, None);
    let (mut scheduler, mut engine) = (None, None::<EngineName>);
    let (mut flags, mut timeout, mut mask) = (0, 0, [0; 4]);
    let mut stats = StatsReader::default();
    for attribute in nest(attributes, top::SERVICE)? {
        let attribute = attribute?;
        seen.add(attribute.kind);
        match attribute.kind {
            svc::AF => af = family(attribute)?,
            svc::PROTOCOL => protocol = Protocol(attribute.u16()?),
            svc::ADDR => bytes = address_bytes(attribute)?,
            svc::PORT => port = attribute.be16()?,
            svc::FWMARK => mark = NonZeroU32::new(attribute.u32()?),
            svc::SCHED_NAME => scheduler = Some(name(attribute)?),
            svc::PE_NAME => engine = Some(name(attribute)?),
            svc::FLAGS => flags = attribute.u32()?,
            svc::TIMEOUT => timeout = attribute.u32()?,
            svc::NETMASK => mask = attribute.array()?,
            svc::STATS => stats.narrow = Some(attribute),
            svc::STATS64 => stats.wide = Some(attribute),
            _ => {}
        }
    }
    seen.must_have(&[svc::AF, svc::FLAGS, svc::TIMEOUT, svc::NETMASK])?;
    let id = match mark {
        Some(mark) => ServiceId::Mark { family: af, mark },
        None => {
            seen.must_have(&[svc::PROTOCOL, svc::ADDR, svc::PORT])?;
            let endpoint = Endpoint::new(address(af, bytes), port);
            ServiceId::Address { protocol, endpoint }
        }
    };
    let service = Service {
        id,
        scheduler: scheduler.ok_or(Malformed)?,
        scheduler_flags: SchedulerFlags::from_bits(flags),
        persistence: (flags & svc::PERSISTENT != 0).then_some(timeout),
        granularity: match af {
            Family::V4 => Netmask::V4(mask.into()),
            Family::V6 => Netmask::V6(u32::from_ne_bytes(mask)),
        },
        engine: engine.filter(|engine| !engine.as_str().is_empty()),
        one_packet: flags & svc::ONE_PACKET != 0,
    };
    Ok(ServiceRow {
        service,
        stats: stats.read()?,
    })
}

/// Reads one destination of the answer to [`get_destinations`](super::get_destinations).
///
/// A kernel before 3.18 does not tell the family; it is that of the service then.
pub fn read_destination(
    attributes: Attributes<'_>,
    service_family: Family,
) -> Result<DestinationRow, Malformed> {
    let mut seen = Seen::default();
    let (mut af, mut bytes, mut port) = (service_family, [0; 16], 0);
    let (mut method, mut weight) = (0, Weight(0));
    let (mut kind, mut tunnel_port, mut tunnel_flags) = (0, 0, 0);
    let (mut thresholds, mut connections) = (Thresholds::default(), Connections::default());
    let mut stats = StatsReader::default();
    for attribute in nest(attributes, top::DEST)? {
        let attribute = attribute?;
        seen.add(attribute.kind);
        match attribute.kind {
            dest::ADDR => bytes = address_bytes(attribute)?,
            dest::PORT => port = attribute.be16()?,
            dest::FWD_METHOD => method = attribute.u32()? & dest::FORWARDING,
            dest::WEIGHT => weight = Weight(attribute.u32()? as i32),
            dest::U_THRESH => thresholds.upper = attribute.u32()?,
            dest::L_THRESH => thresholds.lower = attribute.u32()?,
            dest::ACTIVE_CONNS => connections.active = attribute.u32()?,
            dest::INACT_CONNS => connections.inactive = attribute.u32()?,
            dest::PERSIST_CONNS => connections.persistent = attribute.u32()?,
            dest::ADDR_FAMILY => af = family(attribute)?,
            dest::TUN_TYPE => kind = attribute.u8()?,
            dest::TUN_PORT => tunnel_port = attribute.be16()?,
            dest::TUN_FLAGS => tunnel_flags = attribute.u16()?,
            dest::STATS => stats.narrow = Some(attribute),
            dest::STATS64 => stats.wide = Some(attribute),
            _ => {}
        }
    }
    seen.must_have(&[
        dest::ADDR,
        dest::PORT,
        dest::FWD_METHOD,
        dest::WEIGHT,
        dest::U_THRESH,
        dest::L_THRESH,
        dest::ACTIVE_CONNS,
        dest::INACT_CONNS,
        dest::PERSIST_CONNS,
    ])?;
    let checksum = Checksum::from_flags(tunnel_flags);
    // A kernel before 5.3 sends no type: it knows IP in IP only.
    let tunnel = match kind {
        0 => Tunnel::Ipip,
        1 => Tunnel::Gue {
            port: tunnel_port,
            checksum,
        },
        2 => Tunnel::Gre { checksum },
        other => Tunnel::Unknown(other),
    };
    let destination = Destination {
        endpoint: Endpoint::new(address(af, bytes), port),
        forwarding: match method {
            0 => Forwarding::Masquerade,
            1 => Forwarding::Local,
            2 => Forwarding::Tunnel(tunnel),
            3 => Forwarding::Route,
            other => Forwarding::Unknown(other),
        },
        weight,
        thresholds,
    };
    Ok(DestinationRow {
        destination,
        connections,
        stats: stats.read()?,
    })
}

/// The statistics of an answer: 64-bit ones where the kernel has them (4.1), else the older ones,
/// in which only the byte counters have 64 bits.
#[derive(Default)]
struct StatsReader<'a> {
    narrow: Option<Attribute<'a>>,
    wide: Option<Attribute<'a>>,
}

impl StatsReader<'_> {
    /// Reads those that count. All ten must be there, or none.
    fn read(self) -> Result<Stats, Malformed> {
        let Some(attribute) = self.wide.or(self.narrow) else {
            return Ok(Stats::default());
        };
        let mut numbers = [0; 11];
        let mut seen = Seen::default();
        for attribute in attribute.nested() {
            let attribute = attribute?;
            if let Some(number) = numbers.get_mut(usize::from(attribute.kind)) {
                seen.add(attribute.kind);
                *number = match attribute.u64() {
                    Ok(number) => number,
                    Err(Malformed) => attribute.u32()?.into(),
                };
            }
        }
        seen.must_have(&[1, 2, 3, 4, 5, 6, 7, 8, 9, 10])?;
        let [_, n1, n2, n3, n4, n5, n6, n7, n8, n9, n10] = numbers;
        Ok(Stats {
            connections: n1,
            packets_in: n2,
            packets_out: n3,
            bytes_in: n4,
            bytes_out: n5,
            connection_rate: n6,
            packet_rate_in: n7,
            packet_rate_out: n8,
            byte_rate_in: n9,
            byte_rate_out: n10,
        })
    }
}

/// Reads one daemon of the answer to [`get_daemons`](super::get_daemons); none, if it is in neither role.
pub fn read_daemon(attributes: Attributes<'_>) -> Result<Option<Daemon>, Malformed> {
    let (mut state, mut interface, mut sync_id) = (None, None::<InterfaceName>, None);
    let (mut max_length, mut group, mut port, mut ttl) = (None, None::<IpAddr>, None, None);
    for attribute in nest(attributes, top::DAEMON)? {
        let attribute = attribute?;
        match attribute.kind {
            daemon::STATE => state = Some(attribute.u32()?),
            daemon::MCAST_IFN => interface = Some(name(attribute)?),
            daemon::SYNC_ID => sync_id = Some(attribute.u32()?),
            daemon::SYNC_MAXLEN => max_length = Some(attribute.u16()?),
            daemon::MCAST_GROUP => group = Some(Ipv4Addr::from(attribute.array::<4>()?).into()),
            daemon::MCAST_GROUP6 => group = Some(Ipv6Addr::from(attribute.array::<16>()?).into()),
            daemon::MCAST_PORT => port = Some(attribute.u16()?),
            daemon::MCAST_TTL => ttl = Some(attribute.u8()?),
            _ => {}
        }
    }
    let state = state.ok_or(Malformed)?;
    let daemon = |role| -> Result<Daemon, Malformed> {
        Ok(Daemon {
            role,
            interface: interface.ok_or(Malformed)?,
            sync_id: sync_id.ok_or(Malformed)?,
            // Zero is how the kernel says that it has none.
            max_length: max_length.filter(|&length| length != 0),
            group: group.filter(|group| !group.is_unspecified()),
            port: port.filter(|&port| port != 0),
            ttl: ttl.filter(|&ttl| ttl != 0),
        })
    };
    if state & Role::Master as u32 != 0 {
        daemon(Role::Master).map(Some)
    } else if state & Role::Backup as u32 != 0 {
        daemon(Role::Backup).map(Some)
    } else {
        Ok(None)
    }
}
