//! Names of hosts and services, from wherever this machine has them (nsswitch.conf(5)).
//!
//! The standard library asks for both families at once and cannot ask for a name by an address,
//! so the C library's functions are called here; all that is unsafe about names is in this file.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, HashSet};
use std::ffi::{CStr, CString, c_char, c_int};
use std::mem;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ptr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::addr::{Family, Name, Protocol, Resolve};

mod inquiry;

/// How long a program waits for the names of hosts, in all. What has no answer by then has no
/// name. A resolver asks again after 5 s (resolv.conf(5)), so one lost datagram loses no name.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// How many names of hosts are asked for at once.
const MOST_AT_ONCE: usize = 32;

/// The names that this machine knows. Each answer is remembered: a listing of a thousand
/// services with the same ten servers asks for ten names.
#[derive(Debug, Default)]
pub struct SystemNames {
    hosts: RefCell<HashMap<IpAddr, Option<String>>>,
    /// How long names of hosts have been waited for.
    waited: Cell<Duration>,
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
        let _alone = SERVICES.lock().unwrap_or_else(PoisonError::into_inner);
        // SAFETY: both are strings that end with NUL. The lock is held, so the answer in the C
        // library's own memory stays as it is until it has been read.
        let entry = unsafe { libc::getservbyname(name.as_ptr(), protocol.as_ptr()).as_ref() }?;
        Some(u16::from_be(entry.s_port as u16))
    }
}

impl Name for SystemNames {
    fn prepare(&self, addresses: &mut dyn Iterator<Item = IpAddr>) {
        let mut known = self.hosts.borrow_mut();
        let new: HashSet<IpAddr> = addresses.filter(|one| !known.contains_key(one)).collect();
        let start = Instant::now();
        let patience = PATIENCE.saturating_sub(self.waited.get());
        let questions = new.iter().copied().collect();
        let answers = inquiry::ask_all(questions, host_name, MOST_AT_ONCE, patience);
        self.waited.set(self.waited.get() + start.elapsed());
        known.extend(new.into_iter().map(|address| (address, None)));
        known.extend(answers);
    }

    fn host(&self, address: IpAddr) -> Option<String> {
        let known = self.hosts.borrow().get(&address).cloned();
        known.unwrap_or_else(|| {
            self.prepare(&mut std::iter::once(address));
            self.hosts.borrow().get(&address).cloned().flatten()
        })
    }

    fn service(&self, port: u16, protocol: Protocol) -> Option<String> {
        let mut known = self.services.borrow_mut();
        let answer = known.entry((port, protocol));
        answer
            .or_insert_with(|| service_name(port, protocol))
            .clone()
    }
}

/// Held by who asks for a service: the C library has one place for the answers to getservbyname(3)
/// and one for those to getservbyport(3), whichever thread asks.
static SERVICES: Mutex<()> = Mutex::new(());

/// The name of this host (gethostname(2)).
pub fn this_host() -> Option<String> {
    nix::unistd::gethostname().ok()?.into_string().ok()
}

/// The numbers of a user and of a group, or of the user's own group. Each may be a number already.
pub fn user(user: &str, group: Option<&str>) -> Option<(u32, u32)> {
    let known = nix::unistd::User::from_name(user).ok().flatten();
    let uid = match &known {
        Some(known) => known.uid.as_raw(),
        None => user.parse().ok()?,
    };
    let gid = match (group, known) {
        (None, Some(known)) => known.gid.as_raw(),
        (None, None) => uid,
        (Some(group), _) => match nix::unistd::Group::from_name(group).ok().flatten() {
            Some(known) => known.gid.as_raw(),
            None => group.parse().ok()?,
        },
    };
    Some((uid, gid))
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
    // has the length that is told. Any number of threads may call it at once.
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
    let _alone = SERVICES.lock().unwrap_or_else(PoisonError::into_inner);
    // SAFETY: the protocol ends with NUL. The lock is held, so the answer in the C library's own
    // memory stays as it is until it has been copied.
    unsafe {
        let entry = libc::getservbyport(c_int::from(port.to_be()), protocol.as_ptr()).as_ref()?;
        Some(CStr::from_ptr(entry.s_name).to_string_lossy().into_owned())
    }
}
