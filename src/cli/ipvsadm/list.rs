//! Listings: of the table, the connections, the timeouts, the daemons, the state of IPVS.

use std::fs::File;
use std::io::BufReader;

use crate::host::error_text;
use crate::ipvs::ServiceId;
use crate::ipvs::connections::{self, Counts, Cut, Filter, Reader};
use crate::ipvs::rule::{Listing, Output, What};
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
            Output::Json => return self.list_json(listing.what),
            Output::Metrics => return self.list_metrics(listing.what),
            Output::Pretty => return self.pretty(&listing),
            Output::Watch(interval) => return self.watch(&listing, interval),
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

    pub(super) fn list_table(
        &mut self,
        classic: Classic<'_>,
        sorted: bool,
        only: Option<ServiceId>,
    ) -> Result<(), End> {
        let services = match only {
            Some(id) => {
                let service = self.service(&id)?;
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
        self.print_table(
            &services,
            sorted,
            classic.names,
            |out, row, destinations| {
                classic.service(out, row)?;
                destinations
                    .iter()
                    .try_for_each(|to| classic.destination(out, &row.service.id, to))
            },
        )
    }

    fn list_connections(&mut self, filter: &Filter, list: ConnectionList<'_>) -> Result<(), End> {
        let file = self.connections()?;
        self.print_with(|out| {
            list.titles(out);
            Ok(())
        });
        let end = file.for_some(|connections| {
            let passing = || connections.iter().filter(|one| filter.passes(one));
            list.names.prepare(&mut passing().flat_map(|one| {
                [one.client, one.service, one.destination].map(|endpoint| endpoint.address)
            }));
            for connection in passing() {
                self.print_with(|out| list.connection(out, connection));
            }
        });
        match end {
            // As with ipvsadm, only the exit status tells of it.
            Err(Cut::EmptyLine) => Err(End::Stops(status::FAILED)),
            end => end.map_err(|cut| self.cut(&cut)),
        }
    }

    fn count_connections(&mut self, filter: &Filter, list: CountList<'_>) -> Result<(), End> {
        let counts = self.counts(filter)?;
        let mut addresses = counts.iter().map(|count| count.destination.address);
        list.names.prepare(&mut addresses);
        self.print_with(|out| {
            list.titles(out);
            counts.iter().try_for_each(|count| list.count(out, count))
        });
        Ok(())
    }

    /// How many connections of each kind pass the filter.
    pub(super) fn counts(&mut self, filter: &Filter) -> Result<Counts, End> {
        let mut counts = Counts::default();
        let end = self.connections()?.for_each(|connection| {
            if filter.passes(connection) {
                counts.add(connection);
            }
        });
        end.map_err(|cut| self.cut(&cut))?;
        Ok(counts)
    }

    /// The kernel's file of connections, behind its title.
    pub(super) fn connections(&mut self) -> Result<Reader<BufReader<File>>, End> {
        self.client()?;
        let path = connections::PATH;
        let Ok(file) = File::open(path) else {
            self.complain(&format!("cannot open file {path}"));
            return Err(End::Stops(status::FAILED));
        };
        Reader::new(BufReader::new(file)).map_err(|cut| self.cut(&cut))
    }

    /// Tells that the file of connections is not whole.
    pub(super) fn cut(&mut self, cut: &Cut) -> End {
        let path = connections::PATH;
        match cut {
            Cut::NoTitle => self.complain(&format!("unexpected input from {path}")),
            Cut::EmptyLine => self.complain(&format!("ipvsadm: an empty line in {path}")),
            Cut::Failed(error) => {
                let text = error_text(error);
                self.complain(&format!("ipvsadm: {path}: {text}"));
            }
        }
        End::Stops(status::FAILED)
    }
}
