//! Values to requests.

use std::net::IpAddr;

use super::{command, daemon, dest, svc, top};
use crate::addr::Endpoint;
use crate::ipvs::{Change, Daemon, Destination, Forwarding, Netmask, Service, ServiceId, Tunnel};
use crate::netlink::{Kind, Requests};

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
