//! The commands that rebuild a table, as `-S` prints them.

use std::fmt::{self, Write};

use crate::addr::{Name, Protocol};
use crate::ipvs::{
    Checksum, Destination, Forwarding, Netmask, Service, ServiceId, Thresholds, Tunnel,
};

use super::flags;

/// Appends the command that adds `service`.
pub fn service(out: &mut String, service: &Service, names: &dyn Name) -> fmt::Result {
    out.push_str("-A ");
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
    out.push_str("-a ");
    id(out, of, names)?;
    out.push_str(" -r ");
    names.write_endpoint(out, &destination.endpoint, of.protocol());
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
