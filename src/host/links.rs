//! The links, addresses and routes of this network namespace, over rtnetlink.

use std::io;
use std::net::Ipv4Addr;

use crate::netlink::macvlan;
use crate::netlink::route::{self, Address, Link, Route};
use crate::netlink::{Connection, Error, Requests};

/// A connection to the kernel's links, addresses and routes.
pub struct Network {
    connection: Connection,
}

impl Network {
    /// Opens a netlink socket in the network namespace of this thread.
    pub fn open() -> io::Result<Self> {
        let connection = Connection::route()?;
        Ok(Network { connection })
    }

    /// All links, in the order of their numbers.
    pub fn links(&mut self) -> io::Result<Vec<Link>> {
        let dumped = self
            .connection
            .dump_messages(route::get_links, route::read_link);
        dumped.map_err(system_error)
    }

    /// All addresses of both families.
    pub fn addresses(&mut self) -> io::Result<Vec<Address>> {
        let dumped = self
            .connection
            .dump_messages(route::get_addresses, route::read_address);
        dumped.map_err(system_error)
    }

    /// The unicast routes of IPv4 in the main table.
    pub fn routes(&mut self) -> io::Result<Vec<Route>> {
        let dumped = self
            .connection
            .dump_messages(route::get_routes, route::read_route);
        dumped.map_err(system_error)
    }

    /// Takes a link up or down.
    pub fn set_link_up(&mut self, link: u32, up: bool) -> io::Result<()> {
        self.change(route::set_link_up(link, up), None)
    }

    /// Adds an address; it is no error that the link has it already.
    pub fn add_address(&mut self, address: &Address) -> io::Result<()> {
        self.change(route::add_address(address), Some(libc::EEXIST))
    }

    /// The same, with a broadcast address.
    pub fn add_address_with(
        &mut self,
        address: &Address,
        broadcast: Option<Ipv4Addr>,
    ) -> io::Result<()> {
        let request = route::add_address_with(address, broadcast);
        self.change(request, Some(libc::EEXIST))
    }

    /// Removes an address; it is no error that the link does not have it.
    pub fn remove_address(&mut self, address: &Address) -> io::Result<()> {
        self.change(route::remove_address(address), Some(libc::EADDRNOTAVAIL))
    }

    /// Makes an interface with a MAC address of its own on another one.
    pub fn add_macvlan(&mut self, name: &str, base: u32, mac: [u8; 6]) -> io::Result<()> {
        self.change(macvlan::add(name, base, mac), None)
    }

    /// Removes an interface that was made; it is no error that there is none.
    pub fn remove_link(&mut self, link: u32) -> io::Result<()> {
        self.change(macvlan::remove(link), Some(libc::ENODEV))
    }

    /// Adds a route to a host on a link; it is no error that there is one.
    pub fn add_host_route(&mut self, destination: Ipv4Addr, link: u32) -> io::Result<()> {
        let request = route::add_host_route(destination, link);
        self.change(request, Some(libc::EEXIST))
    }

    /// Removes a route to a host on a link; it is no error that there is none.
    pub fn remove_host_route(&mut self, destination: Ipv4Addr, link: u32) -> io::Result<()> {
        let request = route::remove_host_route(destination, link);
        self.change(request, Some(libc::ESRCH))
    }

    /// Sends a change. With the error number `done` the kernel says that somebody else was
    /// quicker, and all is as it should be.
    fn change(&mut self, request: Requests, done: Option<i32>) -> io::Result<()> {
        match self.connection.ask_messages(request, |_| Ok(())) {
            Err(Error::Refused(errno)) if Some(errno) == done => Ok(()),
            outcome => outcome.map_err(system_error),
        }
    }
}

/// An error of netlink as one of the system.
pub(super) fn system_error(error: Error) -> io::Error {
    match error {
        Error::Socket(error) => error,
        Error::Refused(errno) => io::Error::from_raw_os_error(errno),
        Error::Malformed => io::ErrorKind::InvalidData.into(),
    }
}
