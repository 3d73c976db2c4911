//! A table from a file of rules, as `ipvsadm -S` writes it.

use std::ffi::OsStr;
use std::fs;
use std::io::{self, Read};

use crate::addr::Resolve;
use crate::cli::ipvsadm::input::{is_nothing, lines, words};
use crate::host::error_text;
use crate::ipvs::Change;
use crate::ipvs::plan::{Misfit, Table};
use crate::ipvs::rule::{self, Command, Context};

/// Reads all of the file, `-` for standard input.
///
/// # Errors
/// The first thing that is wrong, with its line.
pub fn read(file: &OsStr, names: &dyn Resolve) -> Result<Table, String> {
    let name = file.to_string_lossy();
    let content = match &*name {
        "-" => {
            let mut content = Vec::new();
            io::stdin()
                .lock()
                .read_to_end(&mut content)
                .map(|_| content)
        }
        _ => fs::read(file),
    };
    let content = content.map_err(|error| format!("{name}: {}", error_text(&error)))?;
    table(&content, names).map_err(|(line, what)| format!("{name}:{line}: {what}"))
}

fn table(content: &[u8], names: &dyn Resolve) -> Result<Table, (usize, String)> {
    let mut table = Table::default();
    for (index, line) in lines(content).enumerate() {
        let words = words(line);
        if is_nothing(&words) {
            continue;
        }
        let line = String::from_utf8_lossy(&words.join(&b' ')).into_owned();
        add(&mut table, &words, names).map_err(|what| (index + 1, format!("{what}: {line}")))?;
    }
    Ok(table)
}

fn add(table: &mut Table, words: &[&[u8]], names: &dyn Resolve) -> Result<(), String> {
    let context = Context {
        names,
        posixly_correct: false,
    };
    let added = match rule::parse(words, context) {
        Ok(Command::Change(Change::AddService(service))) => table.add_service(service),
        Ok(Command::Change(Change::AddDestination(of, new))) => table.add_destination(of, new),
        Ok(_) | Err(rule::Problem::NoCommand) => {
            return Err("not a rule of a saved table, -A or -a".to_owned());
        }
        Err(problem) => {
            let mut text = Vec::new();
            // Writing to a Vec does not fail.
            let _ = problem.write(b"ipvsadm", &mut text);
            let text = String::from_utf8_lossy(&text);
            return Err(text.lines().next().unwrap_or_default().to_owned());
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
