//! The limits to the segments of TCP that this network namespace's nftables hold for VIPs.

use std::io;

use crate::netlink::nftables::{self, Clamp};
use crate::netlink::{Connection, Requests};

use super::links::system_error;

/// All of them.
///
/// # Errors
/// EPERM without CAP_NET_ADMIN, EOPNOTSUPP or so where the kernel has no nftables.
pub fn list() -> io::Result<Vec<Clamp>> {
    let mut connection = Connection::netfilter()?;
    let dumped = connection.dump_messages(nftables::get_tables, nftables::read_table);
    dumped.map_err(system_error)
}

/// Adds one.
pub fn add(clamp: &Clamp) -> io::Result<()> {
    carry_out(nftables::add(clamp))
}

/// Removes one; it is no error that there is none.
pub fn remove(clamp: &Clamp) -> io::Result<()> {
    match carry_out(nftables::remove(clamp)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        outcome => outcome,
    }
}

fn carry_out(requests: Requests) -> io::Result<()> {
    let outcome = Connection::netfilter()?.transaction(requests);
    outcome.map_err(system_error)
}
