//! Sockets below TCP and UDP: whole IP packets of one protocol.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::time::{Duration, SystemTime};

use nix::sys::socket::sockopt::{Ipv6RecvPacketInfo, ReceiveTimestampns};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg, setsockopt};
use nix::sys::time::TimeSpec;
use socket2::{Domain, InterfaceIndexOrAddress, Protocol, SockFilter, Socket, Type};

use crate::addr::Family;
use crate::netlink::monitor::Interface;

/// The longest that a packet is said to have waited: what a busy machine takes to wake a process. One
/// that waited longer did so because the process stood still, and newer ones may have been dropped.
const LONGEST_WAIT: Duration = Duration::from_millis(5);

/// Packets of one IP protocol over one interface. Neither end ever waits.
#[derive(Debug)]
pub struct RawSocket {
    socket: Socket,
    interface: u32,
}

/// A packet that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// How many bytes were received.
    pub length: usize,
    /// How long it has been here before it was read, by the kernel's clock: at most some
    /// milliseconds.
    pub waited: Duration,
}

/// What is told of a packet of IPv6 beside its payload; one of IPv4 has its header in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// Who sent it.
    pub source: Ipv6Addr,
    /// To whom.
    pub destination: Ipv6Addr,
    /// Its hop limit when it arrived.
    pub hop_limit: u8,
}

impl RawSocket {
    /// Opens one that receives what goes to this machine, or to `group`, over `interface`. To IPv4
    /// its user writes the header. What it sends to a group does not come back.
    pub fn open(
        family: Family,
        protocol: u8,
        interface: &Interface,
        group: Option<IpAddr>,
    ) -> io::Result<Self> {
        let domain = match family {
            Family::V4 => Domain::IPV4,
            Family::V6 => Domain::IPV6,
        };
        let protocol = Protocol::from(i32::from(protocol));
        let socket = Socket::new(domain, Type::RAW, Some(protocol))?;
        socket.set_nonblocking(true)?;
        socket.bind_device(Some(interface.name.as_bytes()))?;
        match family {
            Family::V4 => {
                socket.set_header_included_v4(true)?;
                socket.set_multicast_all_v4(false)?;
                socket.set_multicast_loop_v4(false)?;
            }
            Family::V6 => {
                socket.set_multicast_all_v6(false)?;
                socket.set_multicast_loop_v6(false)?;
                socket.set_multicast_if_v6(interface.index)?;
                socket.set_recv_hoplimit_v6(true)?;
                setsockopt(&socket, Ipv6RecvPacketInfo, &true)?;
            }
        }
        setsockopt(&socket, ReceiveTimestampns, &true)?;
        match group {
            Some(IpAddr::V4(group)) => {
                let index = InterfaceIndexOrAddress::Index(interface.index);
                socket.join_multicast_v4_n(&group, &index)?;
            }
            Some(IpAddr::V6(group)) => socket.join_multicast_v6(&group, interface.index)?,
            None => {}
        }
        Ok(RawSocket {
            socket,
            interface: interface.index,
        })
    }

    /// Receives nothing from now on.
    pub fn send_only(&self) -> io::Result<()> {
        // BPF: take 0 bytes of every packet.
        let code = (libc::BPF_RET | libc::BPF_K) as u16;
        self.socket.attach_filter(&[SockFilter::new(code, 0, 0, 0)])
    }

    /// Sends IPv6 from this address, with this hop limit and traffic class.
    pub fn send_from(&self, source: Ipv6Addr, hop_limit: u8, class: u8) -> io::Result<()> {
        let scope = if source.is_unicast_link_local() {
            self.interface
        } else {
            0
        };
        self.socket.set_multicast_hops_v6(hop_limit.into())?;
        self.socket.set_unicast_hops_v6(hop_limit.into())?;
        self.socket.set_tclass_v6(class.into())?;
        self.socket
            .bind(&SocketAddr::from(SocketAddrV6::new(source, 0, 0, scope)).into())
    }

    /// Sends a packet of IPv4 with its header, or the payload of one of IPv6.
    pub fn send(&self, packet: &[u8], destination: IpAddr) -> io::Result<()> {
        let address = match destination {
            IpAddr::V4(_) => SocketAddr::new(destination, 0),
            IpAddr::V6(address) => {
                let local = address.is_multicast() || address.is_unicast_link_local();
                let scope = if local { self.interface } else { 0 };
                SocketAddrV6::new(address, 0, 0, scope).into()
            }
        };
        self.socket.send_to(packet, &address.into()).map(drop)
    }

    /// Receives a packet of IPv4, with its header, if one is there.
    pub fn receive_ipv4(&self, buffer: &mut [u8]) -> io::Result<Option<Arrival>> {
        let received = self.receive(buffer)?;
        Ok(received.map(|(arrival, _)| arrival))
    }

    /// Receives the payload of a packet of IPv6, if one is there. What the kernel does not tell of
    /// its header is empty.
    pub fn receive_ipv6(&self, buffer: &mut [u8]) -> io::Result<Option<(Arrival, Header)>> {
        self.receive(buffer)
    }

    fn receive(&self, buffer: &mut [u8]) -> io::Result<Option<(Arrival, Header)>> {
        let mut parts = [IoSliceMut::new(buffer)];
        let mut space = nix::cmsg_space!(libc::timespec, libc::in6_pktinfo, libc::c_int);
        let received = recvmsg::<SockaddrIn6>(
            self.socket.as_raw_fd(),
            &mut parts,
            Some(&mut space),
            MsgFlags::empty(),
        );
        let message = match received.map_err(io::Error::from) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            received => received?,
        };
        let mut arrival = Arrival {
            length: message.bytes,
            waited: Duration::ZERO,
        };
        let source = message.address.map(|address| address.ip());
        let mut header = Header {
            source: source.unwrap_or(Ipv6Addr::UNSPECIFIED),
            destination: Ipv6Addr::UNSPECIFIED,
            hop_limit: 0,
        };
        for control in message.cmsgs()? {
            match control {
                ControlMessageOwned::ScmTimestampns(stamp) => arrival.waited = waited(stamp),
                ControlMessageOwned::Ipv6PacketInfo(info) => {
                    header.destination = info.ipi6_addr.s6_addr.into();
                }
                ControlMessageOwned::Ipv6HopLimit(limit) => {
                    header.hop_limit = u8::try_from(limit).unwrap_or(0);
                }
                _ => {}
            }
        }
        Ok(Some((arrival, header)))
    }
}

impl AsFd for RawSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

/// How long ago that was on the clock of the day, which may have been set since.
fn waited(stamp: TimeSpec) -> Duration {
    let since = SystemTime::UNIX_EPOCH.checked_add(stamp.into());
    let waited = since.and_then(|since| since.elapsed().ok());
    waited.unwrap_or_default().min(LONGEST_WAIT)
}
