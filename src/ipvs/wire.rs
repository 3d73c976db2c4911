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

/// The attributes of one nest, each at its number, so that they can be taken in any order.
struct Nest<'a, const N: usize>([Option<Attribute<'a>>; N]);

impl<'a, const N: usize> Nest<'a, N> {
    fn read(attributes: Attributes<'a>) -> Result<Self, Malformed> {
        let mut nest = [None; N];
        for attribute in attributes {
            let attribute = attribute?;
            if let Some(place) = nest.get_mut(usize::from(attribute.kind)) {
                *place = Some(attribute);
            }
        }
        Ok(Nest(nest))
    }

    fn may(&self, kind: u16) -> Option<Attribute<'a>> {
        self.0.get(usize::from(kind)).copied().flatten()
    }

    fn must(&self, kind: u16) -> Result<Attribute<'a>, Malformed> {
        self.may(kind).ok_or(Malformed)
    }

    fn nest<const M: usize>(&self, kind: u16) -> Result<Nest<'a, M>, Malformed> {
        Nest::read(self.must(kind)?.nested())
    }
}

fn address(family: Family, attribute: Attribute<'_>) -> Result<IpAddr, Malformed> {
    Ok(match family {
        Family::V4 => Ipv4Addr::from(attribute.array::<4>()?).into(),
        Family::V6 => Ipv6Addr::from(attribute.array::<16>()?).into(),
    })
}

fn family(attribute: Attribute<'_>) -> Result<Family, Malformed> {
    Family::from_number(attribute.u16()?).ok_or(Malformed)
}

fn name<const N: usize>(attribute: Attribute<'_>) -> Result<ShortName<N>, Malformed> {
    ShortName::new(attribute.string(N)?).ok_or(Malformed)
}

/// Reads the answer to [`get_info`].
pub fn read_info(attributes: Attributes<'_>) -> Result<Info, Malformed> {
    let nest = Nest::<3>::read(attributes)?;
    Ok(Info {
        version: Version(nest.must(info::VERSION)?.u32()?),
        connection_table_size: nest.must(info::CONN_TAB_SIZE)?.u32()?,
    })
}

/// Reads the answer to [`get_timeouts`].
pub fn read_timeouts(attributes: Attributes<'_>) -> Result<Timeouts, Malformed> {
    let nest = Nest::<7>::read(attributes)?;
    let timeout = |kind| nest.may(kind).map_or(Ok(0), |attribute| attribute.u32());
    Ok(Timeouts {
        tcp: timeout(top::TIMEOUT_TCP)?,
        tcp_fin: timeout(top::TIMEOUT_TCP_FIN)?,
        udp: timeout(top::TIMEOUT_UDP)?,
    })
}

/// Reads one service of the answer to [`get_services`] or [`get_service`].
pub fn read_service(attributes: Attributes<'_>) -> Result<ServiceRow, Malformed> {
    let nest: Nest<'_, 13> = Nest::<7>::read(attributes)?.nest(top::SERVICE)?;
    let family = family(nest.must(svc::AF)?)?;
    let mark = match nest.may(svc::FWMARK) {
        Some(mark) => NonZeroU32::new(mark.u32()?),
        None => None,
    };
    let id = match mark {
        Some(mark) => ServiceId::Mark { family, mark },
        None => ServiceId::Address {
            protocol: Protocol(nest.must(svc::PROTOCOL)?.u16()?),
            endpoint: Endpoint::new(
                address(family, nest.must(svc::ADDR)?)?,
                nest.must(svc::PORT)?.be16()?,
            ),
        },
    };
    let flags = nest.must(svc::FLAGS)?.u32()?;
    let timeout = nest.must(svc::TIMEOUT)?.u32()?;
    let mask = nest.must(svc::NETMASK)?;
    let engine = nest.may(svc::PE_NAME).map(name).transpose()?;
    let service = Service {
        id,
        scheduler: name(nest.must(svc::SCHED_NAME)?)?,
        scheduler_flags: SchedulerFlags::from_bits(flags),
        persistence: (flags & svc::PERSISTENT != 0).then_some(timeout),
        granularity: match family {
            Family::V4 => Netmask::V4(mask.array()?.into()),
            Family::V6 => Netmask::V6(mask.u32()?),
        },
        engine: engine.filter(|engine: &EngineName| !engine.as_str().is_empty()),
        one_packet: flags & svc::ONE_PACKET != 0,
    };
    let stats = stats(nest.may(svc::STATS64), nest.may(svc::STATS))?;
    Ok(ServiceRow { service, stats })
}

/// Reads one destination of the answer to [`get_destinations`].
///
/// A kernel before 3.18 does not tell the family; it is that of the service then.
pub fn read_destination(
    attributes: Attributes<'_>,
    service_family: Family,
) -> Result<DestinationRow, Malformed> {
    let nest: Nest<'_, 16> = Nest::<7>::read(attributes)?.nest(top::DEST)?;
    let family = match nest.may(dest::ADDR_FAMILY) {
        Some(attribute) => family(attribute)?,
        None => service_family,
    };
    let u32 = |kind| nest.must(kind)?.u32();
    let destination = Destination {
        endpoint: Endpoint::new(
            address(family, nest.must(dest::ADDR)?)?,
            nest.must(dest::PORT)?.be16()?,
        ),
        forwarding: match u32(dest::FWD_METHOD)? & dest::FORWARDING {
            0 => Forwarding::Masquerade,
            1 => Forwarding::Local,
            2 => Forwarding::Tunnel(read_tunnel(&nest)?),
            3 => Forwarding::Route,
            other => Forwarding::Unknown(other),
        },
        weight: Weight(i32::from_ne_bytes(nest.must(dest::WEIGHT)?.array()?)),
        thresholds: Thresholds {
            upper: u32(dest::U_THRESH)?,
            lower: u32(dest::L_THRESH)?,
        },
    };
    Ok(DestinationRow {
        destination,
        connections: Connections {
            active: u32(dest::ACTIVE_CONNS)?,
            inactive: u32(dest::INACT_CONNS)?,
            persistent: u32(dest::PERSIST_CONNS)?,
        },
        stats: stats(nest.may(dest::STATS64), nest.may(dest::STATS))?,
    })
}

/// A kernel before 5.3 knows IP in IP only and sends no type.
fn read_tunnel(nest: &Nest<'_, 16>) -> Result<Tunnel, Malformed> {
    let number = |kind| nest.may(kind).map_or(Ok(0), |attribute| attribute.u16());
    let checksum = Checksum::from_flags(number(dest::TUN_FLAGS)?);
    let kind = nest.may(dest::TUN_TYPE).map_or(Ok(0), |kind| kind.u8())?;
    Ok(match kind {
        0 => Tunnel::Ipip,
        1 => Tunnel::Gue {
            port: u16::from_be(number(dest::TUN_PORT)?),
            checksum,
        },
        2 => Tunnel::Gre { checksum },
        other => Tunnel::Unknown(other),
    })
}

/// Reads statistics: 64-bit ones where the kernel has them (4.1), else the older ones, in which
/// only the byte counters have 64 bits. All ten must be there, or none.
fn stats(wide: Option<Attribute<'_>>, narrow: Option<Attribute<'_>>) -> Result<Stats, Malformed> {
    let Some(attribute) = wide.or(narrow) else {
        return Ok(Stats::default());
    };
    let nest = Nest::<11>::read(attribute.nested())?;
    let number = |kind| {
        let attribute = nest.must(kind)?;
        match attribute.value.len() {
            8.. => attribute.u64(),
            _ => attribute.u32().map(u64::from),
        }
    };
    Ok(Stats {
        connections: number(1)?,
        packets_in: number(2)?,
        packets_out: number(3)?,
        bytes_in: number(4)?,
        bytes_out: number(5)?,
        connection_rate: number(6)?,
        packet_rate_in: number(7)?,
        packet_rate_out: number(8)?,
        byte_rate_in: number(9)?,
        byte_rate_out: number(10)?,
    })
}

/// Reads one daemon of the answer to [`get_daemons`]; none, if it is in neither role.
pub fn read_daemon(attributes: Attributes<'_>) -> Result<Option<Daemon>, Malformed> {
    let nest: Nest<'_, 9> = Nest::<7>::read(attributes)?.nest(top::DAEMON)?;
    let interface: InterfaceName = name(nest.must(daemon::MCAST_IFN)?)?;
    let group = match (
        nest.may(daemon::MCAST_GROUP),
        nest.may(daemon::MCAST_GROUP6),
    ) {
        (Some(group), _) => Some(address(Family::V4, group)?),
        (None, Some(group)) => Some(address(Family::V6, group)?),
        (None, None) => None,
    };
    let u16 = |kind| nest.may(kind).map(|attribute| attribute.u16()).transpose();
    let ttl = nest
        .may(daemon::MCAST_TTL)
        .map(|ttl| ttl.u8())
        .transpose()?;
    let state = nest.must(daemon::STATE)?.u32()?;
    let role = match (state & Role::Master as u32, state & Role::Backup as u32) {
        (0, 0) => return Ok(None),
        (0, _) => Role::Backup,
        _ => Role::Master,
    };
    Ok(Some(Daemon {
        role,
        interface,
        sync_id: nest.must(daemon::SYNC_ID)?.u32()?,
        max_length: u16(daemon::SYNC_MAXLEN)?.filter(|&length| length != 0),
        group: group.filter(|group| !group.is_unspecified()),
        port: u16(daemon::MCAST_PORT)?.filter(|&port| port != 0),
        ttl: ttl.filter(|&ttl| ttl != 0),
    }))
}
