//! Listings: of the table, the connections, the timeouts, the daemons, the state of IPVS.

use std::borrow::Cow;
use std::fs::File;
use std::io::{BufRead, BufReader};

use crate::ipvs::connections::{self, Connection, Counts, Filter};
use crate::ipvs::rule::{Listing, Output, What};
use crate::ipvs::{ServiceId, order};
use crate::report::ipvsadm as status;
use crate::show;
use crate::show::classic::{self, Classic, Counting};
use crate::show::connections::{ConnectionList, CountList};

use super::{End, Session};

impl Session<'_> {
    /// Prints what a listing asks for.
    pub(super) fn list(&mut self, listing: Listing) -> Result<(), End> {
        let names = self.names(listing.numeric);
        match listing.output {
            Output::Classic => {}
            Output::Json => return Err(self.not_yet("--json")),
            Output::Metrics => return Err(self.not_yet("--metrics")),
            Output::Pretty => return Err(self.not_yet("--pretty")),
            Output::Watch(_) => return Err(self.not_yet("--watch")),
        }
        match listing.what {
            What::Table {
                form,
                exact,
                sorted,
                only,
            } => {
                let counting = if exact {
                    Counting::Exact
                } else {
                    Counting::Short
                };
                let classic = Classic {
                    form,
                    counting,
                    names,
                };
                self.list_table(classic, sorted, only)
            }
            What::Connections {
                filter,
                count: true,
                ..
            } => self.count_connections(&filter, CountList { names }),
            What::Connections { engine, filter, .. } => {
                self.list_connections(&filter, ConnectionList { engine, names })
            }
            What::Status => {
                let status = self.state()?;
                self.print_with(|out| show::status::write(out, &status));
                Ok(())
            }
            What::Timeouts => {
                let timeouts = self.client()?.timeouts();
                let timeouts = self.listed(timeouts)?;
                self.print_with(|out| classic::timeouts(out, timeouts));
                Ok(())
            }
            What::Daemons => {
                let daemons = self.client()?.daemons();
                for daemon in self.listed(daemons)? {
                    self.print_with(|out| classic::daemon(out, &daemon));
                }
                Ok(())
            }
        }
    }

    fn list_table(
        &mut self,
        classic: Classic<'_>,
        sorted: bool,
        only: Option<ServiceId>,
    ) -> Result<(), End> {
        let services = match only {
            Some(id) => {
                let service = self.client()?.service(&id);
                let service = self.listed(service)?;
                self.print_with(|out| {
                    classic.titles(out);
                    Ok(())
                });
                vec![service]
            }
            None => {
                let info = self.client()?.info();
                self.print_with(|out| classic::version(out, info));
                let services = self.services(sorted)?;
                self.print_with(|out| {
                    classic.titles(out);
                    Ok(())
                });
                services
            }
        };
        for service in &services {
            let id = &service.service.id;
            let destinations = self.client()?.destinations(id);
            let mut destinations = self.listed(destinations)?;
            if sorted {
                destinations = order::sort_destinations(destinations);
            }
            self.print_with(|out| {
                classic.service(out, service)?;
                destinations
                    .iter()
                    .try_for_each(|row| classic.destination(out, id, row))
            });
        }
        Ok(())
    }

    fn list_connections(&mut self, filter: &Filter, list: ConnectionList<'_>) -> Result<(), End> {
        let mut file = self.connections()?;
        self.print_with(|out| {
            list.titles(out);
            Ok(())
        });
        while let Some(line) = file.next() {
            match self.connection(&line)? {
                Some(connection) if filter.passes(&connection) => {
                    self.print_with(|out| list.connection(out, &connection));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn count_connections(&mut self, filter: &Filter, list: CountList<'_>) -> Result<(), End> {
        let mut counts = Counts::default();
        let mut file = self.connections()?;
        while let Some(line) = file.next() {
            match self.connection(&line)? {
                Some(connection) if filter.passes(&connection) => counts.add(&connection),
                _ => {}
            }
        }
        self.print_with(|out| {
            list.titles(out);
            counts.iter().try_for_each(|count| list.count(out, count))
        });
        Ok(())
    }

    /// The kernel's file of connections, behind its titles.
    fn connections(&mut self) -> Result<Lines, End> {
        self.client()?;
        let path = connections::PATH;
        let Ok(file) = File::open(path) else {
            self.complain(&format!("cannot open file {path}"));
            return Err(End::Stops(status::FAILED));
        };
        let mut file = Lines(BufReader::new(file), Vec::new());
        match file.next() {
            Some(_) => Ok(file),
            None => {
                self.complain(&format!("unexpected input from {path}"));
                Err(End::Stops(status::FAILED))
            }
        }
    }

    /// What a line of that file says. ipvsadm takes an empty line for the end of a file that is
    /// not whole.
    fn connection<'l>(&self, line: &'l str) -> Result<Option<Connection<'l>>, End> {
        match line.trim_end_matches('\n') {
            "" => Err(End::Stops(status::FAILED)),
            line => Ok(Connection::read(line)),
        }
    }
}

/// The lines of a file, one at a time.
struct Lines(BufReader<File>, Vec<u8>);

impl Lines {
    fn next(&mut self) -> Option<Cow<'_, str>> {
        self.1.clear();
        match self.0.read_until(b'\n', &mut self.1) {
            Ok(1..) => Some(String::from_utf8_lossy(&self.1)),
            _ => None,
        }
    }
}
