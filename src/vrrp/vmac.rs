//! The MAC address of a virtual router, and what of it goes where (RFC 9568, section 7.3).

use crate::addr::Family;

use super::Vrid;
use super::instance::{Channel, Instance};

/// An interface of its own for a virtual router, on top of that of its adverts, with a MAC address
/// that moves with the virtual ones: other hosts need not learn another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vmac {
    /// What it is called.
    pub name: String,
    /// Its MAC address.
    pub mac: [u8; 6],
    /// Adverts leave by the interface below all the same.
    pub adverts_from_base: bool,
}

impl Vmac {
    /// As keepalived makes it, on an interface with no other of this number.
    pub fn new(vrid: Vrid, family: Family) -> Self {
        Vmac {
            name: format!("vrrp.{vrid}"),
            mac: address(vrid, family),
            adverts_from_base: false,
        }
    }
}

/// The MAC address of the virtual router of this number.
pub fn address(vrid: Vrid, family: Family) -> [u8; 6] {
    let family = match family {
        Family::V4 => 1,
        Family::V6 => 2,
    };
    [0x00, 0x00, 0x5e, 0x00, family, vrid.number()]
}

impl Instance {
    fn vmac_unless_unicast(&self) -> Option<&Vmac> {
        // Peers answer to an address of the interface below, which its own MAC has.
        self.vmac.as_ref().filter(|_| self.peers.is_empty())
    }

    /// The interface on which its adverts are heard. With the MAC of this router adverts of the
    /// others arrive on the interface that has it too, and nowhere else.
    pub fn ear(&self) -> &str {
        let vmac = self.vmac_unless_unicast();
        vmac.map_or(&self.interface, |vmac| &vmac.name)
    }

    /// Where it hears those of others.
    pub fn channel(&self) -> Channel {
        Channel {
            interface: self.ear().to_owned(),
            group: self.group,
        }
    }

    /// The interface by which its adverts leave.
    pub fn mouth(&self) -> &str {
        let vmac = self.vmac_unless_unicast();
        let vmac = vmac.filter(|vmac| !vmac.adverts_from_base);
        vmac.map_or(&self.interface, |vmac| &vmac.name)
    }

    /// The interface that has its virtual addresses, unless they say another.
    pub fn home(&self) -> &str {
        let vmac = self.vmac.as_ref();
        vmac.map_or(&self.interface, |vmac| &vmac.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::instance;

    #[test]
    fn a_virtual_mac_is_that_of_the_rfc() {
        let vrid = Vrid::new(51).unwrap();
        assert_eq!(address(vrid, Family::V4), [0, 0, 0x5e, 0, 1, 51]);
        assert_eq!(address(vrid, Family::V6), [0, 0, 0x5e, 0, 2, 51]);
    }

    #[test]
    fn adverts_go_by_the_interface_below_to_peers_or_when_told_so() {
        let vrid = Vrid::new(51).unwrap();
        let mut router = instance::new("eth0", vrid, Family::V4, None);
        let places = |router: &Instance| {
            let all = [router.ear(), router.mouth(), router.home()];
            all.map(str::to_owned)
        };
        assert_eq!(places(&router), ["eth0", "eth0", "eth0"]);
        router.vmac = Some(Vmac::new(vrid, Family::V4));
        assert_eq!(places(&router), ["vrrp.51", "vrrp.51", "vrrp.51"]);
        router.vmac.as_mut().unwrap().adverts_from_base = true;
        assert_eq!(places(&router), ["vrrp.51", "eth0", "vrrp.51"]);
        router.vmac = Some(Vmac::new(vrid, Family::V4));
        router.peers = vec!["10.9.0.2".parse().unwrap()];
        assert_eq!(places(&router), ["eth0", "eth0", "vrrp.51"]);
    }
}
