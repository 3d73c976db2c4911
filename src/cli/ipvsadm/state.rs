//! `--status`: gathers the state of IPVS from the kernel and its files.

use std::fs;
use std::io;

use crate::host::error_text;
use crate::ipvs::status::{self, Setting, Status};
use crate::report::ipvsadm as exit;

use super::{End, Session};

impl Session<'_> {
    /// All that can be known. What this kernel does not tell is absent.
    pub(super) fn state(&mut self) -> Result<Status, End> {
        let info = self.client()?.info();
        let services = self.services(false)?;
        let (mut destinations, mut active, mut inactive) = (0, 0, 0);
        for service in &services {
            for row in self.destinations(&service.service.id, false)? {
                destinations += 1;
                active += u64::from(row.connections.active);
                inactive += u64::from(row.connections.inactive);
            }
        }
        let timeouts = self.client()?.timeouts();
        let timeouts = self.listed(timeouts)?;
        let daemons = self.client()?.daemons();
        let daemons = self.listed(daemons)?;
        let read = |path| fs::read_to_string(path).unwrap_or_default();
        let settings = settings().map_err(|error| {
            let text = error_text(&error);
            self.complain(&format!("ipvsadm: {}: {text}", status::SETTINGS));
            End::Stops(exit::FAILED)
        })?;
        Ok(Status {
            info,
            services: services.len() as u64,
            destinations,
            active,
            inactive,
            totals: status::read_totals(&read(status::TOTALS)),
            timeouts,
            daemons,
            tables: status::read_tables(&read(status::TABLES)),
            settings,
        })
    }
}

/// The settings that there are, in the order of their names.
fn settings() -> io::Result<Vec<Setting>> {
    let mut settings = fs::read_dir(status::SETTINGS)?
        .map(|entry| {
            let entry = entry?;
            Ok(Setting {
                name: entry.file_name().to_string_lossy().into_owned(),
                value: fs::read_to_string(entry.path())?.trim_end().to_owned(),
            })
        })
        .collect::<io::Result<Vec<Setting>>>()?;
    settings.sort();
    Ok(settings)
}
