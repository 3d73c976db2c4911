//! The interfaces of this network namespace, and what becomes of them.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};

use crate::netlink::monitor::{self, Interface, Notice};
use crate::netlink::{Connection, route};

use super::links::system_error;

/// All interfaces.
pub fn all() -> io::Result<Vec<Interface>> {
    let mut connection = Connection::route()?;
    let dumped = connection.dump_messages(route::get_links, monitor::read_interface);
    dumped.map_err(system_error)
}

/// The interface of this name, if there is one.
pub fn named(name: &str) -> io::Result<Option<Interface>> {
    let mut interfaces = all()?.into_iter();
    Ok(interfaces.find(|interface| interface.name == name))
}

/// Tells what changes, from when it was opened.
pub struct Monitor {
    connection: Connection,
}

impl Monitor {
    /// Opens a netlink socket in the network namespace of this thread.
    pub fn open() -> io::Result<Self> {
        let connection = Connection::route_notices()?;
        Ok(Monitor { connection })
    }

    /// The same for routes and rules.
    pub fn of_routing() -> io::Result<Self> {
        let connection = Connection::routing_notices()?;
        Ok(Monitor { connection })
    }

    /// What has changed since the last call; never waits.
    ///
    /// # Errors
    /// `ENOBUFS`: there was more than the kernel keeps; whoever wants to know must look himself.
    pub fn notices(&mut self) -> io::Result<Vec<Notice>> {
        let mut notices = Vec::new();
        let mut read = true;
        while read {
            let received = self.connection.receive_notices(|message| {
                notices.extend(monitor::read_notice(message)?);
                Ok(())
            });
            read = received.map_err(system_error)?;
        }
        Ok(notices)
    }
}

impl AsFd for Monitor {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.connection.as_fd()
    }
}
