//! The commands that rebuild a table, as `-S` prints them, and those that change one.

use std::fmt::{self, Write};

use crate::addr::{Endpoint, Name, Protocol};
use crate::ipvs::{
    Change, Checksum, Daemon, Destination, Forwarding, Netmask, Service, ServiceId, Thresholds,
    Timeouts, Tunnel, Weight,
};

use super::flags;

/// Appends the command that makes `change`.
pub fn change(out: &mut String, change: &Change, names: &dyn Name) -> fmt::Result {
    match change {
        Change::AddService(new) => service(out, new, names),
        Change::EditService(new) => service_with(out, "-E ", new, names),
        Change::DeleteService(old) => {
            out.push_str("-D ");
            id(out, old, names)?;
            out.push('\n');
            Ok(())
        }
        Change::AddDestination(of, new) => destination(out, of, new, names),
        Change::EditDestination(of, new) => destination_with(out, "-e ", of, new, names),
        Change::DeleteDestination(of, old) => {
            out.push_str("-d ");
            target(out, of, Some(old), names)?;
            out.push('\n');
            Ok(())
        }
        Change::Flush => out.write_str("-C\n"),
        Change::Zero(None) => out.write_str("-Z\n"),
        Change::Zero(Some(one)) => {
            out.push_str("-Z ");
            id(out, one, names)?;
            out.push('\n');
            Ok(())
        }
        Change::SetTimeouts(Timeouts { tcp, tcp_fin, udp }) => {
            writeln!(out, "--set {tcp} {tcp_fin} {udp}")
        }
        Change::StartDaemon(new) => daemon(out, new),
        Change::StopDaemon { role, sync_id } => {
            writeln!(out, "--stop-daemon {} --syncid {sync_id}", role.name())
        }
    }
}

/// Appends the command that gives a destination a weight and keeps all else.
pub fn weight(
    out: &mut String,
    of: &ServiceId,
    endpoint: &Endpoint,
    weight: Weight,
    names: &dyn Name,
) -> fmt::Result {
    out.push_str("-e ");
    target(out, of, Some(endpoint), names)?;
    writeln!(out, " --keep -w {}", weight.0)
}

/// Appends the options that name a service, and those that name a destination of it.
pub fn target(
    out: &mut String,
    of: &ServiceId,
    only: Option<&Endpoint>,
    names: &dyn Name,
) -> fmt::Result {
    id(out, of, names)?;
    if let Some(endpoint) = only {
        out.push_str(" -r ");
        names.write_endpoint(out, endpoint, of.protocol());
    }
    Ok(())
}

fn daemon(out: &mut String, daemon: &Daemon) -> fmt::Result {
    let (role, interface) = (daemon.role.name(), daemon.interface.as_str());
    write!(out, "--start-daemon {role} --mcast-interface {interface}")?;
    write!(out, " --syncid {}", daemon.sync_id)?;
    if let Some(length) = daemon.max_length {
        write!(out, " --sync-maxlen {length}")?;
    }
    if let Some(group) = daemon.group {
        write!(out, " --mcast-group {group}")?;
    }
    if let Some(port) = daemon.port {
        write!(out, " --mcast-port {port}")?;
    }
    if let Some(ttl) = daemon.ttl {
        write!(out, " --mcast-ttl {ttl}")?;
    }
    out.push('\n');
    Ok(())
}

/// Appends the command that adds `service`.
pub fn service(out: &mut String, service: &Service, names: &dyn Name) -> fmt::Result {
    service_with(out, "-A ", service, names)
}

fn service_with(
    out: &mut String,
    command: &str,
    service: &Service,
    names: &dyn Name,
) -> fmt::Result {
    out.push_str(command);
    id(out, &service.id, names)?;
    let scheduler = service.scheduler.as_str();
    write!(out, " -s {scheduler}")?;
    if let Some(timeout) = service.persistence {
        write!(out, " -p {timeout}")?;
    }
    // ipvsadm forgets the mask of a service without persistence, though the kernel keeps it.
    if !service.granularity.is_full() {
        match service.granularity {
            Netmask::V4(mask) => write!(out, " -M {mask}")?,
            Netmask::V6(length) => write!(out, " -M {}", length as i32)?,
        }
    }
    if let Some(engine) = &service.engine {
        write!(out, " --pe {}", engine.as_str())?;
    }
    if service.one_packet {
        out.push_str(" -o");
    }
    if !service.scheduler_flags.is_empty() {
        write!(
            out,
            " -b {}",
            flags::write(service.scheduler_flags, scheduler)
        )?;
    }
    out.push('\n');
    Ok(())
}

/// Appends the command that adds `destination` to the service `of`.
pub fn destination(
    out: &mut String,
    of: &ServiceId,
    destination: &Destination,
    names: &dyn Name,
) -> fmt::Result {
    destination_with(out, "-a ", of, destination, names)
}

fn destination_with(
    out: &mut String,
    command: &str,
    of: &ServiceId,
    destination: &Destination,
    names: &dyn Name,
) -> fmt::Result {
    out.push_str(command);
    target(out, of, Some(&destination.endpoint), names)?;
    out.push_str(match destination.forwarding {
        Forwarding::Masquerade => " -m",
        Forwarding::Tunnel(_) => " -i",
        Forwarding::Local | Forwarding::Route => " -g",
        // There is no option for it.
        Forwarding::Unknown(_) => "",
    });
    write!(out, " -w {}", destination.weight.0)?;
    if let Forwarding::Tunnel(tunnel) = destination.forwarding {
        match tunnel {
            Tunnel::Ipip => out.push_str(" --tun-type ipip"),
            Tunnel::Gue { port, checksum } => {
                write!(out, " --tun-type gue --tun-port {port}{}", option(checksum))?;
            }
            Tunnel::Gre { checksum } => write!(out, " --tun-type gre{}", option(checksum))?,
            Tunnel::Unknown(_) => {}
        }
    }
    // ipvsadm forgets the thresholds. They stand last, where they disturb no pattern.
    let Thresholds { upper, lower } = destination.thresholds;
    if upper != 0 {
        write!(out, " -x {upper}")?;
    }
    if lower != 0 {
        write!(out, " -y {lower}")?;
    }
    out.push('\n');
    Ok(())
}

/// Appends the options that name a service.
pub fn id(out: &mut String, id: &ServiceId, names: &dyn Name) -> fmt::Result {
    match id {
        ServiceId::Address { protocol, endpoint } => {
            out.push_str(match *protocol {
                Protocol::TCP => "-t ",
                Protocol::UDP => "-u ",
                Protocol::SCTP => "--sctp-service ",
                _ => "--xxx-service ",
            });
            names.write_endpoint(out, endpoint, Some(*protocol));
            Ok(())
        }
        ServiceId::Mark { family, mark } => match family {
            crate::addr::Family::V4 => write!(out, "-f {mark}"),
            crate::addr::Family::V6 => write!(out, "-f {mark} -6"),
        },
    }
}

fn option(checksum: Checksum) -> &'static str {
    match checksum {
        Checksum::Without => " --tun-nocsum",
        Checksum::Whole => " --tun-csum",
        Checksum::Remote => " --tun-remcsum",
        Checksum::Unknown(_) => "",
    }
}
