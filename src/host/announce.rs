//! Tells the hosts on a link where an address is now.

use std::io;
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::{AddressFamily, LinkAddr, MsgFlags, SockFlag, SockType, sendto, socket};

use super::sysctl;
use frame::Mac;

pub mod frame;

/// Announces addresses on one interface.
#[derive(Debug)]
pub struct Announcer {
    socket: OwnedFd,
    /// The interface, as a packet socket names it.
    interface: LinkAddr,
    mac: Mac,
    is_router: bool,
}

impl Announcer {
    /// None on an interface without an Ethernet address, as the loopback.
    ///
    /// # Errors
    /// There is no such interface, or packet sockets are not allowed (CAP_NET_RAW).
    pub fn open(interface: &str) -> io::Result<Option<Self>> {
        let address = getifaddrs()?
            .filter(|entry| entry.interface_name == interface)
            .find_map(|entry| entry.address?.as_link_addr().copied())
            .ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let mac = match (address.hatype(), address.addr()) {
            (libc::ARPHRD_ETHER, Some(mac)) => mac,
            _ => return Ok(None),
        };
        // Protocol 0: a packet socket that is handed nothing.
        let flags = SockFlag::SOCK_CLOEXEC;
        let socket = socket(AddressFamily::Packet, SockType::Raw, flags, None)?;
        let forwards = ["net", "ipv6", "conf", interface, "forwarding"];
        Ok(Some(Announcer {
            socket,
            interface: address,
            mac,
            is_router: sysctl::read(&forwards).is_ok_and(|value| value != 0),
        }))
    }

    /// Announces an address once.
    pub fn announce(&self, address: IpAddr) -> io::Result<()> {
        let frame = frame::frame(address, self.mac, self.is_router);
        let fd = self.socket.as_raw_fd();
        sendto(fd, &frame, &self.interface, MsgFlags::empty())?;
        Ok(())
    }
}
