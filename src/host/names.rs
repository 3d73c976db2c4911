//! Names of hosts and services, from wherever this machine has them (nsswitch.conf(5)).
//!
//! The standard library asks for both families at once and cannot ask for a name by an address,
//! so the C library's functions are called here; all that is unsafe about names is in this file.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::{CStr, CString, c_char, c_int};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;

use crate::addr::{Family, Name, Protocol, Resolve};

/// The names that this machine knows. Each answer is remembered: a listing of a thousand
/// services with the same ten servers asks for ten names.
#[derive(Debug, Default)]
pub struct SystemNames {
    hosts: RefCell<HashMap<IpAddr, Option<String>>>,
    services: RefCell<HashMap<(u16, Protocol), Option<String>>>,
    addresses: RefCell<HashMap<(String, Family), Option<IpAddr>>>,
}

impl Resolve for SystemNames {
    fn address(&self, name: &str, family: Family) -> Option<IpAddr> {
        let mut known = self.addresses.borrow_mut();
        let answer = known.entry((name.to_owned(), family));
        *answer.or_insert_with(|| first_address(name, family))
    }

    fn port(&self, name: &str, protocol: Protocol) -> Option<u16> {
        let name = CString::new(name).ok()?;
        let protocol = CString::new(protocol.name()?).ok()?;
        // SAFETY: both are strings that end with NUL. This process has one thread, so the answer
        // in the C library's own memory stays as it is until it has been read.
        let entry = unsafe { libc::getservbyname(name.as_ptr(), protocol.as_ptr()).as_ref() }?;
        Some(u16::from_be(entry.s_port as u16))
    }
}

impl Name for SystemNames {
    fn host(&self, address: IpAddr) -> Option<String> {
        let mut known = self.hosts.borrow_mut();
        known
            .entry(address)
            .or_insert_with(|| host_name(address))
            .clone()
    }

    fn service(&self, port: u16, protocol: Protocol) -> Option<String> {
        let mut known = self.services.borrow_mut();
        let answer = known.entry((port, protocol));
        answer
            .or_insert_with(|| service_name(port, protocol))
            .clone()
    }
}

fn first_address(name: &str, family: Family) -> Option<IpAddr> {
    let name = CString::new(name).ok()?;
    // SAFETY: all fields of a `struct addrinfo` may be zero.
    let mut hints: libc::addrinfo = unsafe { mem::zeroed() };
    hints.ai_family = family as c_int;
    hints.ai_socktype = libc::SOCK_STREAM;
    let mut list = ptr::null_mut();
    // SAFETY: `name` ends with NUL, `hints` and `list` live through the call.
    let status = unsafe { libc::getaddrinfo(name.as_ptr(), ptr::null(), &hints, &mut list) };
    if status != 0 {
        return None;
    }
    // SAFETY: on success there is a list, whose entries hold an address of the family that was
    // asked for; the cast is to the type of that family's address.
    let address = unsafe {
        list.as_ref()
            .and_then(|entry| match (family, entry.ai_addr) {
                (_, address) if address.is_null() => None,
                (Family::V4, address) => {
                    let address = address.cast::<libc::sockaddr_in>().read_unaligned();
                    Some(Ipv4Addr::from(u32::from_be(address.sin_addr.s_addr)).into())
                }
                (Family::V6, address) => {
                    let address = address.cast::<libc::sockaddr_in6>().read_unaligned();
                    Some(Ipv6Addr::from(address.sin6_addr.s6_addr).into())
                }
            })
    };
    // SAFETY: the list came from getaddrinfo and is not used any more.
    unsafe { libc::freeaddrinfo(list) };
    address
}

fn host_name(address: IpAddr) -> Option<String> {
    match address {
        IpAddr::V4(address) => {
            // SAFETY: all fields of a `struct sockaddr_in` may be zero.
            let mut socket: libc::sockaddr_in = unsafe { mem::zeroed() };
            socket.sin_family = libc::AF_INET as libc::sa_family_t;
            socket.sin_addr.s_addr = u32::from(address).to_be();
            name_of(&socket)
        }
        IpAddr::V6(address) => {
            // SAFETY: all fields of a `struct sockaddr_in6` may be zero.
            let mut socket: libc::sockaddr_in6 = unsafe { mem::zeroed() };
            socket.sin6_family = libc::AF_INET6 as libc::sa_family_t;
            socket.sin6_addr.s6_addr = address.octets();
            name_of(&socket)
        }
    }
}

/// The name of the host at `address`, which is a `sockaddr_in` or `sockaddr_in6`.
fn name_of<T>(address: &T) -> Option<String> {
    let mut host = [0 as c_char; libc::NI_MAXHOST as usize];
    // SAFETY: the address lives through the call and its length is that of its type; the buffer
    // has the length that is told.
    let status = unsafe {
        libc::getnameinfo(
            ptr::from_ref(address).cast(),
            mem::size_of::<T>() as libc::socklen_t,
            host.as_mut_ptr(),
            host.len() as libc::socklen_t,
            ptr::null_mut(),
            0,
            libc::NI_NAMEREQD,
        )
    };
    if status != 0 {
        return None;
    }
    // SAFETY: on success the buffer holds a string that ends with NUL.
    let name = unsafe { CStr::from_ptr(host.as_ptr()) };
    Some(name.to_string_lossy().into_owned())
}

fn service_name(port: u16, protocol: Protocol) -> Option<String> {
    let protocol = CString::new(protocol.name()?).ok()?;
    // SAFETY: the protocol ends with NUL. This process has one thread, so the answer in the C
    // library's own memory stays as it is until it has been copied.
    unsafe {
        let entry = libc::getservbyport(c_int::from(port.to_be()), protocol.as_ptr()).as_ref()?;
        Some(CStr::from_ptr(entry.s_name).to_string_lossy().into_owned())
    }
}
