//! Interfaces with MAC addresses of their own, on top of others, as virtual routers have them
//! (RFC 9568, section 7.3).

use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::rc::Rc;

use crate::addr::Family;
use crate::netlink::monitor::Interface;
use crate::netlink::route::{Address, Scope};

use super::interfaces;
use super::links::Network;
use super::sysctl;

pub use base::Base;

mod base;

/// An interface on another one, which is removed with this.
#[derive(Debug)]
pub struct Macvlan {
    link: u32,
    base: Option<Rc<Base>>,
    stays: bool,
}

impl Macvlan {
    /// Makes one of this name on `below`, for addresses of one family, and takes it up; `base` goes
    /// with it. What one that was killed has left is made anew.
    ///
    /// # Errors
    /// There is an interface of this name that has another MAC, or the kernel refuses it.
    pub fn open(
        name: &str,
        mac: [u8; 6],
        below: &Interface,
        base: Option<Rc<Base>>,
        family: Family,
    ) -> io::Result<Self> {
        let mut network = Network::open()?;
        if let Some(left) = interfaces::named(name)? {
            if left.mac != Some(mac) {
                return Err(io::Error::from_raw_os_error(libc::EEXIST));
            }
            network.remove_link(left.index)?;
        }
        network.add_macvlan(name, below.index, mac)?;
        let made = interfaces::named(name)?;
        let made = made.ok_or_else(|| io::Error::from_raw_os_error(libc::ENODEV))?;
        let made = Macvlan {
            link: made.index,
            base,
            stays: false,
        };
        set(name, family)?;
        // Only now: it would begin with an address of its own.
        network.set_link_up(made.link, true)?;
        Ok(made)
    }

    /// It stays when this is dropped.
    pub fn leave(&mut self) {
        self.stays = true;
        if let Some(base) = &self.base {
            base.leave();
        }
    }

    /// Gives it the link-local address of the interface below, from which IPv6 is to be sent.
    pub fn lend(&self, network: &mut Network, address: Ipv6Addr) -> io::Result<()> {
        network.add_address(&Address {
            link: self.link,
            address: IpAddr::V6(address),
            prefix: 64,
            scope: Scope::LINK,
            label: None,
            deprecated: true,
            tentative: false,
        })
    }
}

impl Drop for Macvlan {
    fn drop(&mut self) {
        if !self.stays {
            let _ = Network::open().and_then(|mut network| network.remove_link(self.link));
        }
    }
}

/// Settings as keepalived has them.
fn set(name: &str, family: Family) -> io::Result<()> {
    let write = |of: &str, setting: &str, value| {
        let outcome = sysctl::write(&["net", of, "conf", name, setting], value);
        match outcome {
            // A machine may have no IPv6.
            Err(error) if of == "ipv6" && error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    };
    match family {
        Family::V4 => {
            write("ipv6", "disable_ipv6", 1)?;
            // It answers for the virtual addresses alone.
            write("ipv4", "arp_ignore", 1)?;
            // Others send from the network of the interface below.
            write("ipv4", "rp_filter", 0)?;
            // When roles change, packets from what is an address here now are still on their way.
            write("ipv4", "accept_local", 1)?;
            write("ipv4", "promote_secondaries", 1)
        }
        // `IN6_ADDR_GEN_MODE_NONE`: no address but those that it is given.
        Family::V6 => write("ipv6", "addr_gen_mode", 1),
    }
}
