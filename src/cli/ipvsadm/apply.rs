//! `--apply`: makes the table be what a file says, with the fewest changes.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::addr::Numeric;
use crate::cli::rules::{self, BadLine};
use crate::host::error_text;
use crate::ipvs::Change;
use crate::ipvs::plan::{Comparison, Counts, Plan, Table};
use crate::ipvs::rule::write;
use crate::report::ipvsadm as status;

use super::{End, Session};

impl Session<'_> {
    /// Reads all of the file before it asks for the table, and does nothing when the file is
    /// wrong. When something new is refused, nothing old is deleted.
    pub(super) fn apply(&mut self, file: &[u8], dry_run: bool, drain: Option<u32>) -> End {
        let end = self
            .wanted(file)
            .and_then(|wanted| self.plan(&wanted))
            .and_then(|plan| match dry_run {
                true => self.tell_plan(&plan),
                false => self.carry_out(&plan, drain),
            });
        match end {
            Ok(()) => End::GoesOn(status::DONE),
            Err(end) => end,
        }
    }

    /// The table that the file describes.
    fn wanted(&mut self, file: &[u8]) -> Result<Table, End> {
        let name = String::from_utf8_lossy(file).into_owned();
        let content = match file {
            b"-" => {
                let mut content = Vec::new();
                let read = self.environment.input.read_to_end(&mut content);
                read.map(|_| content)
            }
            path => fs::read(OsStr::from_bytes(path)),
        };
        let content = content.map_err(|error: io::Error| {
            self.complain(&format!("ipvsadm: {name}: {}", error_text(&error)));
            End::Stops(status::FAILED)
        })?;
        rules::table(&content, self.context()).map_err(|bad| {
            for BadLine { number, text } in bad {
                self.complain(&format!("ipvsadm: {name}:{number}: {text}"));
            }
            self.complain("hint: nothing has been changed");
            End::Stops(status::USAGE)
        })
    }

    /// What makes the wanted table of the kernel's.
    fn plan(&mut self, wanted: &Table) -> Result<Plan, End> {
        let mut comparison = Comparison::with(wanted);
        for row in self.services(false)? {
            let rows = self.client()?.destinations(&row.service.id);
            let rows = self.listed(rows)?.into_iter();
            comparison.take(&row.service, rows.map(|row| row.destination).collect());
        }
        Ok(comparison.plan())
    }

    /// Prints the commands of a plan. Its exit status tells whether there are any.
    fn tell_plan(&mut self, plan: &Plan) -> Result<(), End> {
        for change in plan.changes() {
            self.print_with(|out| {
                out.push_str("ipvsadm ");
                write::change(out, change, &Numeric)
            });
        }
        match plan.is_empty() {
            true => Ok(()),
            false => Err(End::GoesOn(status::CHANGES)),
        }
    }

    fn carry_out(&mut self, plan: &Plan, drain: Option<u32>) -> Result<(), End> {
        self.all(&plan.first).inspect_err(|_| {
            self.complain("hint: what is not refused has been added and edited, nothing deleted");
        })?;
        match drain {
            Some(seconds) if !plan.then.is_empty() => self.delete_drained(&plan.then, seconds)?,
            _ => self.all(&plan.then)?,
        }
        let Counts {
            added,
            edited,
            deleted,
            unchanged,
        } = plan.counts;
        self.complain(&format!(
            "{added} added, {edited} edited, {deleted} deleted, {unchanged} unchanged"
        ));
        Ok(())
    }

    /// Carries out changes, and tells each that the kernel refuses.
    pub(super) fn all(&mut self, changes: &[Change]) -> Result<(), End> {
        let mut refused = false;
        let outcomes = self.client()?.apply_all(changes);
        for (change, outcome) in changes.iter().zip(outcomes) {
            if let Err(refusal) = outcome {
                refused = true;
                let mut command = String::new();
                // Writing to a String does not fail.
                let _ = write::change(&mut command, change, &Numeric);
                self.complain(&format!("ipvsadm: {refusal}: {}", command.trim_end()));
            }
        }
        match refused {
            true => Err(End::GoesOn(status::REFUSED)),
            false => Ok(()),
        }
    }
}
