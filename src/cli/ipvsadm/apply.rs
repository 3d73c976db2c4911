//! `--apply`: makes the table be what a file says, with the fewest changes.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;

use crate::addr::Numeric;
use crate::host::error_text;
use crate::ipvs::Change;
use crate::ipvs::plan::{Comparison, Counts, Misfit, Plan, Table};
use crate::ipvs::rule::{self, Command, Problem, write};
use crate::report::ipvsadm as status;

use super::input::{is_nothing, lines, words};
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
        let mut table = Table::default();
        let mut wrong = false;
        for (index, line) in lines(&content).enumerate() {
            let words = words(line);
            if is_nothing(&words) {
                continue;
            }
            if let Err(what) = self.add(&mut table, &words) {
                let line = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
                self.complain(&format!("ipvsadm: {name}:{}: {what}: {line}", index + 1));
                wrong = true;
            }
        }
        if wrong {
            self.complain("hint: nothing has been changed");
            return Err(End::Stops(status::USAGE));
        }
        Ok(table)
    }

    /// Adds what a line says to the table, or tells what is wrong with it.
    fn add(&self, table: &mut Table, words: &[&[u8]]) -> Result<(), String> {
        let added = match rule::parse(words, self.context()) {
            Ok(Command::Change(Change::AddService(service))) => table.add_service(service),
            Ok(Command::Change(Change::AddDestination(of, new))) => table.add_destination(of, new),
            Ok(_) => return Err("not a rule of a saved table, -A or -a".to_owned()),
            Err(Problem::NoCommand) => return Err("not a rule".to_owned()),
            Err(problem) => {
                let mut text = Vec::new();
                // Writing to a Vec does not fail.
                let _ = problem.write(self.environment.program, &mut text);
                return Err(String::from_utf8_lossy(text.trim_ascii_end()).into_owned());
            }
        };
        added.map_err(|misfit| {
            let text = match misfit {
                Misfit::ServiceTwice => "the service is there already",
                Misfit::DestinationTwice => "the service has this server already",
                Misfit::NoService => "the service is not defined before its server",
            };
            text.to_owned()
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
