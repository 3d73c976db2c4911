//! The sockets of VRRP: adverts in and out.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

use crate::addr::Family;
use crate::host::raw_socket::RawSocket;
use crate::netlink::monitor::Interface;

use super::advert::Advertisement;
use super::instance::Instance;
use super::packet::{
    Datagram, Envelope, HOP_LIMIT, PROTOCOL_AH, TRAFFIC_CLASS, read_ipv4, write_ipv4,
};
use super::reception::Reception;
use super::{Authentication, PROTOCOL, Priority};

/// The largest packet that is of any use: 255 addresses of IPv6.
const LONGEST_PACKET: usize = 8192;

/// Hears the adverts to one group on one link, of all virtual routers.
#[derive(Debug)]
pub struct Listener {
    family: Family,
    /// VRRP itself; over IPv4 also the authentication header.
    sockets: Vec<RawSocket>,
    buffer: Vec<u8>,
}

impl Listener {
    /// Listens to the group and to what is sent to this machine.
    pub fn open(group: IpAddr, interface: &Interface) -> io::Result<Self> {
        let family = Family::of(&group);
        let protocols: &[u8] = match family {
            Family::V4 => &[PROTOCOL, PROTOCOL_AH],
            Family::V6 => &[PROTOCOL],
        };
        let open = |&protocol: &u8| RawSocket::open(family, protocol, interface, Some(group));
        Ok(Listener {
            family,
            sockets: protocols.iter().map(open).collect::<io::Result<_>>()?,
            buffer: vec![0; LONGEST_PACKET],
        })
    }

    /// Its descriptors, to wait for.
    pub fn descriptors(&self) -> impl Iterator<Item = BorrowedFd<'_>> {
        self.sockets.iter().map(AsFd::as_fd)
    }

    /// Hands the packets that are there to `each`, with how long they have been, at most so many of
    /// each socket; never waits.
    pub fn receive(
        &mut self,
        most: usize,
        mut each: impl FnMut(&Datagram<'_>, Duration),
    ) -> io::Result<()> {
        let buffer = &mut self.buffer[..];
        for socket in &self.sockets {
            for _ in 0..most {
                let received = match self.family {
                    Family::V4 => receive_ipv4(socket, buffer, &mut each)?,
                    Family::V6 => receive_ipv6(socket, buffer, &mut each)?,
                };
                if !received {
                    break;
                }
            }
        }
        Ok(())
    }
}

fn receive_ipv4(
    socket: &RawSocket,
    buffer: &mut [u8],
    each: &mut impl FnMut(&Datagram<'_>, Duration),
) -> io::Result<bool> {
    let Some(arrival) = socket.receive_ipv4(buffer)? else {
        return Ok(false);
    };
    // What is no packet of VRRP at all is nobody's whom one could name.
    if let Ok(datagram) = read_ipv4(&buffer[..arrival.length]) {
        each(&datagram, arrival.waited);
    }
    Ok(true)
}

fn receive_ipv6(
    socket: &RawSocket,
    buffer: &mut [u8],
    each: &mut impl FnMut(&Datagram<'_>, Duration),
) -> io::Result<bool> {
    let Some((arrival, header)) = socket.receive_ipv6(buffer)? else {
        return Ok(false);
    };
    let datagram = Datagram {
        source: header.source.into(),
        destination: header.destination.into(),
        hop_limit: header.hop_limit,
        header: None,
        message: &buffer[..arrival.length],
    };
    each(&datagram, arrival.waited);
    Ok(true)
}

/// Sends the adverts of one virtual router.
#[derive(Debug)]
pub struct Sender {
    socket: RawSocket,
    source: IpAddr,
    /// Of the last packet of IPv4.
    identification: u16,
}

impl Sender {
    /// Adverts will come from `source`, which is an address of the interface.
    pub fn open(interface: &Interface, source: IpAddr) -> io::Result<Self> {
        let socket = RawSocket::open(Family::of(&source), PROTOCOL, interface, None)?;
        socket.send_only()?;
        if let IpAddr::V6(source) = source {
            socket.send_from(source, HOP_LIMIT, TRAFFIC_CLASS)?;
        }
        Ok(Sender {
            socket,
            source,
            identification: 0,
        })
    }

    /// Sends an advert to the group, or to each peer.
    ///
    /// # Errors
    /// The last one; the other peers have been sent to.
    pub fn advertise(
        &mut self,
        instance: &Instance,
        reception: &mut Reception,
        priority: Priority,
    ) -> io::Result<()> {
        let advert = instance.advert(priority);
        // The kernel puts a number of its own in the place of 0.
        self.identification = self.identification.checked_add(1).unwrap_or(1);
        let sequence = match instance.authentication {
            Authentication::Header(_) => Some(reception.next_sequence().ok_or_else(|| {
                io::Error::other("the sequence numbers of the authentication header are used up")
            })?),
            _ => None,
        };
        let destinations = match &instance.peers[..] {
            [] => std::slice::from_ref(&instance.group),
            peers => peers,
        };
        let mut outcome = Ok(());
        for &destination in destinations {
            let packet = self.packet(instance, reception, &advert, destination, sequence);
            outcome = self.socket.send(&packet, destination).and(outcome);
        }
        outcome
    }

    fn packet(
        &self,
        instance: &Instance,
        reception: &Reception,
        advert: &Advertisement,
        destination: IpAddr,
        sequence: Option<u32>,
    ) -> Vec<u8> {
        let checksum = reception.expected().checksum;
        let pseudo = checksum.pseudo_header(advert.version(), self.source, destination);
        let message = advert.encode(instance.family, pseudo);
        let (IpAddr::V4(source), IpAddr::V4(destination)) = (self.source, destination) else {
            return message;
        };
        let envelope = Envelope {
            source,
            destination,
            hop_limit: HOP_LIMIT,
            identification: self.identification,
        };
        let sign = match &instance.authentication {
            Authentication::Header(key) => sequence.map(|sequence| (key, sequence)),
            _ => None,
        };
        write_ipv4(&envelope, &message, sign)
    }
}
