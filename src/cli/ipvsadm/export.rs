//! Listings for other programs: `--json` and `--metrics`.

use crate::ipvs::connections::Filter;
use crate::ipvs::rule::What;
use crate::ipvs::{ServiceId, ServiceRow};
use crate::show::{json, metrics};

use super::{End, Session};

impl Session<'_> {
    /// Prints a listing as one document, which is not ended when the listing fails midway.
    pub(super) fn list_json(&mut self, what: What) -> Result<(), End> {
        match what {
            What::Table { sorted, only, .. } => self.table_as_json(only, sorted),
            What::Connections {
                filter,
                count: true,
                ..
            } => {
                let counts = self.counts(&filter)?;
                self.print_with(|out| json::counts(out, counts.iter()));
                Ok(())
            }
            What::Connections { filter, .. } => self.connections_as_json(&filter),
            What::Timeouts => {
                let timeouts = self.client()?.timeouts();
                let timeouts = self.listed(timeouts)?;
                self.print_with(|out| json::timeouts(out, timeouts));
                Ok(())
            }
            What::Daemons => {
                let daemons = self.client()?.daemons();
                let daemons = self.listed(daemons)?;
                self.print_with(|out| json::daemons(out, &daemons));
                Ok(())
            }
            What::Status => {
                let status = self.state()?;
                self.print_with(|out| json::status(out, &status));
                Ok(())
            }
        }
    }

    fn table_as_json(&mut self, only: Option<ServiceId>, sorted: bool) -> Result<(), End> {
        let info = self.client()?.info();
        let services = self.chosen(only, sorted)?;
        let mut table = json::Table::default();
        self.print_with(|out| table.begin(out, info));
        for service in &services {
            let destinations = self.destinations(&service.service.id, sorted)?;
            self.print_with(|out| table.service(out, service, &destinations));
        }
        self.print_with(|out| {
            table.end(out);
            Ok(())
        });
        Ok(())
    }

    fn connections_as_json(&mut self, filter: &Filter) -> Result<(), End> {
        let file = self.connections()?;
        let mut list = json::List::of_connections();
        self.print_with(|out| list.begin(out));
        file.for_each(|connection| {
            if filter.passes(connection) {
                self.print_with(|out| list.connection(out, connection));
            }
        })
        .map_err(|cut| self.cut(&cut))?;
        self.print_with(|out| {
            list.end(out);
            Ok(())
        });
        Ok(())
    }

    /// Prints the table as metrics: nothing else has any. All of it is read before the first line
    /// is printed.
    pub(super) fn list_metrics(&mut self, what: What) -> Result<(), End> {
        let (only, sorted) = match what {
            What::Table { only, sorted, .. } => (only, sorted),
            _ => (None, true),
        };
        let info = self.client()?.info();
        let mut table = Vec::new();
        for service in self.chosen(only, sorted)? {
            let destinations = self.destinations(&service.service.id, sorted)?;
            table.push((service, destinations));
        }
        self.print_with(|out| metrics::write(out, info, &table));
        Ok(())
    }

    /// The service that is asked for, or all.
    fn chosen(&mut self, only: Option<ServiceId>, sorted: bool) -> Result<Vec<ServiceRow>, End> {
        match only {
            Some(id) => Ok(vec![self.service(&id)?]),
            None => self.services(sorted),
        }
    }
}
