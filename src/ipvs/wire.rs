//! Values to generic netlink attributes and back; the only file that knows their numbers.
//! Source: `linux/ip_vs.h`, from `IPVS_GENL_NAME` on.
//!
//! Mind the byte order: ports and IPv4 masks are in network order, an IPv6 "mask" is a prefix
//! length in host order, and so is the port of the synchronisation daemon.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use super::{
    Change, Checksum, Connections, Daemon, Destination, DestinationRow, EngineName, Forwarding,
    Info, InterfaceName, Netmask, Role, SchedulerFlags, Service, ServiceId, ServiceRow, ShortName,
    Stats, Thresholds, Timeouts, Tunnel, Version, Weight,
};
use crate::addr::{Endpoint, Family, Protocol};
use crate::netlink::{Attribute, Attributes, Kind, Malformed, Requests};

/// The name of the generic netlink family.
pub const FAMILY: &str = "IPVS";

/// `IPVS_CMD_*`.
mod command {
    pub const NEW_SERVICE: u8 = 1;
    pub const SET_SERVICE: u8 = 2;
    pub const DEL_SERVICE: u8 = 3;
    pub const GET_SERVICE: u8 = 4;
    pub const NEW_DEST: u8 = 5;
    pub const SET_DEST: u8 = 6;
    pub const DEL_DEST: u8 = 7;
    pub const GET_DEST: u8 = 8;
    pub const NEW_DAEMON: u8 = 9;
    pub const DEL_DAEMON: u8 = 10;
    pub const GET_DAEMON: u8 = 11;
    pub const SET_CONFIG: u8 = 12;
    pub const GET_CONFIG: u8 = 13;
    pub const GET_INFO: u8 = 15;
    pub const ZERO: u8 = 16;
    pub const FLUSH: u8 = 17;
}

/// `IPVS_CMD_ATTR_*`.
mod top {
    pub const SERVICE: u16 = 1;
    pub const DEST: u16 = 2;
    pub const DAEMON: u16 = 3;
    pub const TIMEOUT_TCP: u16 = 4;
    pub const TIMEOUT_TCP_FIN: u16 = 5;
    pub const TIMEOUT_UDP: u16 = 6;
}

/// `IPVS_SVC_ATTR_*`.
mod svc {
    pub const AF: u16 = 1;
    pub const PROTOCOL: u16 = 2;
    pub const ADDR: u16 = 3;
    pub const PORT: u16 = 4;
    pub const FWMARK: u16 = 5;
    pub const SCHED_NAME: u16 = 6;
    pub const FLAGS: u16 = 7;
    pub const TIMEOUT: u16 = 8;
    pub const NETMASK: u16 = 9;
    pub const STATS: u16 = 10;
    pub const PE_NAME: u16 = 11;
    pub const STATS64: u16 = 12;

    /// `IP_VS_SVC_F_PERSISTENT`.
    pub const PERSISTENT: u32 = 1;
    /// `IP_VS_SVC_F_ONEPACKET`.
    pub const ONE_PACKET: u32 = 4;
}

/// `IPVS_DEST_ATTR_*`.
mod dest {
    pub const ADDR: u16 = 1;
    pub const PORT: u16 = 2;
    pub const FWD_METHOD: u16 = 3;
    pub const WEIGHT: u16 = 4;
    pub const U_THRESH: u16 = 5;
    pub const L_THRESH: u16 = 6;
    pub const ACTIVE_CONNS: u16 = 7;
    pub const INACT_CONNS: u16 = 8;
    pub const PERSIST_CONNS: u16 = 9;
    pub const STATS: u16 = 10;
    pub const ADDR_FAMILY: u16 = 11;
    pub const STATS64: u16 = 12;
    pub const TUN_TYPE: u16 = 13;
    pub const TUN_PORT: u16 = 14;
    pub const TUN_FLAGS: u16 = 15;

    /// `IP_VS_CONN_F_FWD_MASK`.
    pub const FORWARDING: u32 = 7;
}

/// `IPVS_DAEMON_ATTR_*`.
mod daemon {
    pub const STATE: u16 = 1;
    pub const MCAST_IFN: u16 = 2;
    pub const SYNC_ID: u16 = 3;
    pub const SYNC_MAXLEN: u16 = 4;
    pub const MCAST_GROUP: u16 = 5;
    pub const MCAST_GROUP6: u16 = 6;
    pub const MCAST_PORT: u16 = 7;
    pub const MCAST_TTL: u16 = 8;
}

/// `IPVS_INFO_ATTR_*`.
mod info {
    pub const VERSION: u16 = 1;
    pub const CONN_TAB_SIZE: u16 = 2;
}

/// Asks for the version and the size of the connection table.
pub fn get_info(requests: &mut Requests) {
    requests.push(command::GET_INFO, Kind::Do, |_| {});
}

/// Asks for all services.
pub fn get_services(requests: &mut Requests) {
    requests.push(command::GET_SERVICE, Kind::Dump, |_| {});
}

/// Asks for one service.
pub fn get_service(requests: &mut Requests, id: &ServiceId) {
    requests.push(command::GET_SERVICE, Kind::Do, |r| put_id(r, id));
}

/// Asks for all destinations of a service.
pub fn get_destinations(requests: &mut Requests, id: &ServiceId) {
    requests.push(command::GET_DEST, Kind::Dump, |r| put_id(r, id));
}

/// Asks for the timeouts.
pub fn get_timeouts(requests: &mut Requests) {
    requests.push(command::GET_CONFIG, Kind::Do, |_| {});
}

/// Asks for the synchronisation daemons.
pub fn get_daemons(requests: &mut Requests) {
    requests.push(command::GET_DAEMON, Kind::Dump, |_| {});
}

/// Asks for a change.
pub fn put_change(requests: &mut Requests, change: &Change) {
    let mut push = |command, fill: &dyn Fn(&mut Requests)| {
        requests.push(command, Kind::Do, fill);
    };
    match change {
        Change::AddService(service) => push(command::NEW_SERVICE, &|r| put_service(r, service)),
        Change::EditService(service) => push(command::SET_SERVICE, &|r| put_service(r, service)),
        Change::DeleteService(id) => push(command::DEL_SERVICE, &|r| put_id(r, id)),
        Change::AddDestination(id, destination) => push(command::NEW_DEST, &|r| {
            put_id(r, id);
            put_destination(r, destination);
        }),
        Change::EditDestination(id, destination) => push(command::SET_DEST, &|r| {
            put_id(r, id);
            put_destination(r, destination);
        }),
        Change::DeleteDestination(id, endpoint) => push(command::DEL_DEST, &|r| {
            put_id(r, id);
            r.nest(top::DEST, |r| put_endpoint(r, endpoint));
        }),
        Change::Flush => push(command::FLUSH, &|_| {}),
        Change::Zero(None) => push(command::ZERO, &|_| {}),
        Change::Zero(Some(id)) => push(command::ZERO, &|r| put_id(r, id)),
        Change::SetTimeouts(timeouts) => push(command::SET_CONFIG, &|r| {
            put_u32(r, top::TIMEOUT_TCP, timeouts.tcp);
            put_u32(r, top::TIMEOUT_TCP_FIN, timeouts.tcp_fin);
            put_u32(r, top::TIMEOUT_UDP, timeouts.udp);
        }),
        Change::StartDaemon(daemon) => push(command::NEW_DAEMON, &|r| put_daemon(r, daemon)),
        Change::StopDaemon { role, sync_id } => push(command::DEL_DAEMON, &|r| {
            r.nest(top::DAEMON, |r| {
                put_u32(r, daemon::STATE, *role as u32);
                // The kernel wants the attribute and does not look at it.
                r.put_string(daemon::MCAST_IFN, "");
                put_u32(r, daemon::SYNC_ID, *sync_id);
            });
        }),
    }
}

fn put_u16(requests: &mut Requests, kind: u16, value: u16) {
    requests.put(kind, &value.to_ne_bytes());
}

fn put_u32(requests: &mut Requests, kind: u16, value: u32) {
    requests.put(kind, &value.to_ne_bytes());
}

/// An address always takes 16 bytes; an IPv4 one stands in the first four.
fn put_address(requests: &mut Requests, kind: u16, address: &IpAddr) {
    let mut bytes = [0; 16];
    match address {
        IpAddr::V4(address) => bytes[..4].copy_from_slice(&address.octets()),
        IpAddr::V6(address) => bytes = address.octets(),
    }
    requests.put(kind, &bytes);
}

fn put_id(requests: &mut Requests, id: &ServiceId) {
    requests.nest(top::SERVICE, |r| put_id_fields(r, id));
}

fn put_id_fields(requests: &mut Requests, id: &ServiceId) {
    put_u16(requests, svc::AF, id.family() as u16);
    match id {
        ServiceId::Mark { mark, .. } => put_u32(requests, svc::FWMARK, mark.get()),
        ServiceId::Address { protocol, endpoint } => {
            put_u16(requests, svc::PROTOCOL, protocol.0);
            put_address(requests, svc::ADDR, &endpoint.address);
            requests.put(svc::PORT, &endpoint.port.to_be_bytes());
        }
    }
}

fn put_service(requests: &mut Requests, service: &Service) {
    let mut flags = service.scheduler_flags.bits();
    if service.persistence.is_some() {
        flags |= svc::PERSISTENT;
    }
    if service.one_packet {
        flags |= svc::ONE_PACKET;
    }
    // struct ip_vs_flags: the flags, and which of them are meant.
    let mut flags_and_mask = [0xff; 8];
    flags_and_mask[..4].copy_from_slice(&flags.to_ne_bytes());
    let granularity = match service.granularity {
        Netmask::V4(mask) => mask.octets(),
        Netmask::V6(length) => length.to_ne_bytes(),
    };
    requests.nest(top::SERVICE, |r| {
        put_id_fields(r, &service.id);
        r.put_string(svc::SCHED_NAME, service.scheduler.as_str());
        if let Some(engine) = &service.engine {
            r.put_string(svc::PE_NAME, engine.as_str());
        }
        r.put(svc::FLAGS, &flags_and_mask);
        put_u32(r, svc::TIMEOUT, service.persistence.unwrap_or(0));
        r.put(svc::NETMASK, &granularity);
    });
}

fn put_endpoint(requests: &mut Requests, endpoint: &Endpoint) {
    put_u16(requests, dest::ADDR_FAMILY, endpoint.family() as u16);
    put_address(requests, dest::ADDR, &endpoint.address);
    requests.put(dest::PORT, &endpoint.port.to_be_bytes());
}

fn put_destination(requests: &mut Requests, destination: &Destination) {
    let (method, tunnel) = match destination.forwarding {
        Forwarding::Masquerade => (0, Tunnel::Ipip),
        Forwarding::Local => (1, Tunnel::Ipip),
        Forwarding::Tunnel(tunnel) => (2, tunnel),
        Forwarding::Route => (3, Tunnel::Ipip),
        Forwarding::Unknown(method) => (method, Tunnel::Ipip),
    };
    let (kind, port, flags) = match tunnel {
        Tunnel::Ipip => (0u8, 0u16, 0u16),
        Tunnel::Gue { port, checksum } => (1, port, checksum.flags()),
        Tunnel::Gre { checksum } => (2, 0, checksum.flags()),
        Tunnel::Unknown(kind) => (kind, 0, 0),
    };
    requests.nest(top::DEST, |r| {
        put_endpoint(r, &destination.endpoint);
        put_u32(r, dest::FWD_METHOD, method);
        r.put(dest::WEIGHT, &destination.weight.0.to_ne_bytes());
        r.put(dest::TUN_TYPE, &[kind]);
        r.put(dest::TUN_PORT, &port.to_be_bytes());
        put_u16(r, dest::TUN_FLAGS, flags);
        put_u32(r, dest::U_THRESH, destination.thresholds.upper);
        put_u32(r, dest::L_THRESH, destination.thresholds.lower);
    });
}

fn put_daemon(requests: &mut Requests, daemon: &Daemon) {
    requests.nest(top::DAEMON, |r| {
        put_u32(r, daemon::STATE, daemon.role as u32);
        r.put_string(daemon::MCAST_IFN, daemon.interface.as_str());
        put_u32(r, daemon::SYNC_ID, daemon.sync_id);
        if let Some(length) = daemon.max_length {
            put_u16(r, daemon::SYNC_MAXLEN, length);
        }
        match daemon.group {
            Some(IpAddr::V4(group)) => r.put(daemon::MCAST_GROUP, &group.octets()),
            Some(IpAddr::V6(group)) => r.put(daemon::MCAST_GROUP6, &group.octets()),
            None => {}
        }
        if let Some(port) = daemon.port {
            put_u16(r, daemon::MCAST_PORT, port);
        }
        if let Some(ttl) = daemon.ttl {
            r.put(daemon::MCAST_TTL, &[ttl]);
        }
    });
}

/// Which attributes of a nest have been read, by their numbers.
#[derive(Clone, Copy, Default)]
struct Seen(u32);

impl Seen {
    fn add(&mut self, kind: u16) {
        self.0 |= 1u32.checked_shl(kind.into()).unwrap_or(0);
    }

    /// All of `kinds` must have been there.
    fn must_have(self, kinds: &[u16]) -> Result<(), Malformed> {
        let all = kinds.iter().all(|&kind| self.0 & 1 << kind != 0);
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

/// Reads the answer to [`get_info`].
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

/// Reads the answer to [`get_timeouts`].
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

/// Reads one service of the answer to [`get_services`] or [`get_service`].
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
            svc::STATS => stats.narrow(attribute)?,
            svc::STATS64 => stats.wide(attribute)?,
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
        stats: stats.stats,
    })
}

/// Reads one destination of the answer to [`get_destinations`].
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
            dest::STATS => stats.narrow(attribute)?,
            dest::STATS64 => stats.wide(attribute)?,
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
        stats: stats.stats,
    })
}

/// Reads statistics: 64-bit ones where the kernel has them (4.1), else the older ones, in which
/// only the byte counters have 64 bits. All ten must be there, or none.
#[derive(Default)]
struct StatsReader {
    stats: Stats,
    is_wide: bool,
}

impl StatsReader {
    fn narrow(&mut self, attribute: Attribute<'_>) -> Result<(), Malformed> {
        if self.is_wide {
            Ok(())
        } else {
            self.read(attribute)
        }
    }

    fn wide(&mut self, attribute: Attribute<'_>) -> Result<(), Malformed> {
        self.is_wide = true;
        self.read(attribute)
    }

    fn read(&mut self, attribute: Attribute<'_>) -> Result<(), Malformed> {
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
        self.stats = Stats {
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
        };
        Ok(())
    }
}

/// Reads one daemon of the answer to [`get_daemons`]; none, if it is in neither role.
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
