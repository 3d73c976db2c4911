//! The kernel's table: list it, change it. One socket and one family look-up a process.

use crate::addr::Family;
use crate::netlink::{self, Connection, Requests};

use super::plan::Table;
use super::refusal::{Operation, Refusal};
use super::{Change, Daemon, DestinationRow, Info, ServiceId, ServiceRow, Timeouts, wire};

/// A connection to the kernel's IPVS.
pub struct Client {
    connection: Connection,
    family: u16,
    info: Info,
}

impl Client {
    /// Opens a netlink socket, finds the IPVS family (the kernel loads its module for that, if
    /// it may), and asks for its version.
    ///
    /// # Errors
    /// ENOENT where the kernel has no IPVS; EPERM without CAP_NET_ADMIN.
    pub fn open() -> Result<Self, Refusal> {
        let connection = Connection::generic().map_err(|error| other(error.into()))?;
        Self::over(connection)
    }

    /// The same, over a connection that is there already.
    pub fn over(mut connection: Connection) -> Result<Self, Refusal> {
        let family = connection.family(wire::FAMILY).map_err(other)?;
        let mut request = Requests::to(family);
        wire::get_info(&mut request);
        let mut info = None;
        connection
            .ask(request, |attributes| {
                info = Some(wire::read_info(attributes)?);
                Ok(())
            })
            .map_err(other)?;
        Ok(Client {
            connection,
            family,
            info: info.ok_or(other(netlink::Error::Malformed))?,
        })
    }

    /// The version of the kernel's IPVS and the size of its connection table.
    pub fn info(&self) -> Info {
        self.info
    }

    /// All services, in the kernel's order.
    pub fn services(&mut self) -> Result<Vec<ServiceRow>, Refusal> {
        self.dump(wire::get_services, |attributes| {
            wire::read_service(attributes).map(Some)
        })
        .map_err(other)
    }

    /// One service.
    pub fn service(&mut self, id: &ServiceId) -> Result<ServiceRow, Refusal> {
        let request = self.request(|request| wire::get_service(request, id));
        let mut service = None;
        self.connection
            .ask(request, |attributes| {
                service = Some(wire::read_service(attributes)?);
                Ok(())
            })
            .and_then(|()| service.ok_or(netlink::Error::Malformed))
            .map_err(|error| Refusal::new(Operation::FindService, error))
    }

    /// The destinations of a service, in the kernel's order. A service that went away meanwhile
    /// has none.
    pub fn destinations(&mut self, id: &ServiceId) -> Result<Vec<DestinationRow>, Refusal> {
        let family: Family = id.family();
        self.dump(
            |request| wire::get_destinations(request, id),
            |attributes| wire::read_destination(attributes, family).map(Some),
        )
        .map_err(|error| Refusal::new(Operation::FindService, error))
    }

    /// All services with their destinations.
    pub fn table(&mut self) -> Result<Table, Refusal> {
        let mut table = Table::default();
        for row in self.services()? {
            let id = row.service.id;
            let destinations = self.destinations(&id)?;
            // A kernel's table has each thing once; if the dump was disturbed, the first counts.
            let _ = table.add_service(row.service);
            for row in destinations {
                let _ = table.add_destination(id, row.destination);
            }
        }
        Ok(table)
    }

    /// Those of these services that are there, with their destinations.
    pub fn table_of(&mut self, services: &[ServiceId]) -> Result<Table, Refusal> {
        let mut table = Table::default();
        for id in services {
            match self.service(id) {
                Ok(row) => drop(table.add_service(row.service)),
                Err(refusal) if refusal.is_no_such_service() => continue,
                Err(refusal) => return Err(refusal),
            }
            for row in self.destinations(id)? {
                // As with a whole table.
                let _ = table.add_destination(*id, row.destination);
            }
        }
        Ok(table)
    }

    /// The timeouts of connections.
    pub fn timeouts(&mut self) -> Result<Timeouts, Refusal> {
        let request = self.request(wire::get_timeouts);
        let mut timeouts = None;
        self.connection
            .ask(request, |attributes| {
                timeouts = Some(wire::read_timeouts(attributes)?);
                Ok(())
            })
            .and_then(|()| timeouts.ok_or(netlink::Error::Malformed))
            .map_err(other)
    }

    /// The synchronisation daemons that run, the master first.
    pub fn daemons(&mut self) -> Result<Vec<Daemon>, Refusal> {
        self.dump(wire::get_daemons, wire::read_daemon)
            .map_err(other)
    }

    /// Carries out one change.
    pub fn apply(&mut self, change: &Change) -> Result<(), Refusal> {
        let request = self.request(|request| wire::put_change(request, change));
        self.connection
            .ask(request, |_| Ok(()))
            .map_err(|error| Refusal::new(Operation::of(change), error))
    }

    /// Carries out many changes, in their order, with few system calls; each has its outcome.
    ///
    /// When the socket fails, all that have no outcome yet have failed with its error.
    pub fn apply_all(&mut self, changes: &[Change]) -> Vec<Result<(), Refusal>> {
        let mut requests = Requests::to(self.family);
        for change in changes {
            wire::put_change(&mut requests, change);
        }
        let refused = |change, error| Refusal::new(Operation::of(change), error);
        match self.connection.batch(&mut requests) {
            Ok(outcomes) => changes
                .iter()
                .zip(outcomes)
                .map(|(change, outcome)| outcome.map_err(|error| refused(change, error)))
                .collect(),
            Err(error) => {
                let failure = other(error);
                changes.iter().map(|_| Err(failure)).collect()
            }
        }
    }

    fn request(&self, fill: impl FnOnce(&mut Requests)) -> Requests {
        let mut request = Requests::to(self.family);
        fill(&mut request);
        request
    }

    fn dump<T>(
        &mut self,
        fill: impl Fn(&mut Requests),
        read: impl FnMut(netlink::Attributes<'_>) -> Result<Option<T>, netlink::Malformed>,
    ) -> Result<Vec<T>, netlink::Error> {
        let family = self.family;
        let request = || {
            let mut request = Requests::to(family);
            fill(&mut request);
            request
        };
        self.connection.dump(request, read)
    }
}

fn other(error: netlink::Error) -> Refusal {
    Refusal::new(Operation::Other, error)
}
