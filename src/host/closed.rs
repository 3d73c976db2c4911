//! The virtual addresses that this host has and takes no packets for, by its nftables.

use std::io;
use std::net::IpAddr;

use crate::netlink::nftables::closed;
use crate::netlink::{Connection, Requests};

use super::links::system_error;

/// Takes no packets to an address, and sends none from it.
///
/// # Errors
/// EPERM without CAP_NET_ADMIN, EOPNOTSUPP or so where the kernel has no nftables.
pub fn close(address: IpAddr) -> io::Result<()> {
    // What one that was killed has left would be there twice.
    open(address)?;
    carry_out(closed::add(&address))
}

/// Takes them again; it is no error that it did.
pub fn open(address: IpAddr) -> io::Result<()> {
    match carry_out(closed::remove(&address)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn carry_out(requests: Requests) -> io::Result<()> {
    let outcome = Connection::netfilter()?.transaction(requests);
    outcome.map_err(system_error)
}
