//! `lvs-check status`, `drain`, `disable`, `enable`, `weight`: asks the loop that runs.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use clap::ArgMatches;

use crate::check::control;
use crate::check::orders::{Order, ServiceName};
use crate::check::request::{Command, Form, Request, ServerName};
use crate::host::{error_text, state};
use crate::ipvs::Weight;
use crate::report::lvs_check as status;

use super::questions::Given;
use super::{DONE, Failure, REFUSED, Session};

/// The commands that a loop is given.
pub const ORDERS: [&str; 4] = ["drain", "disable", "enable", "weight"];

/// Where the loop of this network namespace listens, where nobody says otherwise.
pub fn socket(given: Given<'_>) -> PathBuf {
    const NAME: &str = "check.sock";
    let usual = || state::path(NAME).unwrap_or_else(|_| NAME.into());
    given.get("control").unwrap_or_else(usual)
}

/// Asks the loop that listens at `path`, and gives back its answer.
///
/// # Errors
/// There is none, or it refuses, in a sentence.
pub fn ask(path: &Path, request: Request) -> Result<String, String> {
    let asked = control::ask(path, &request.to_string());
    let answer = asked.map_err(|error| match error.kind() {
        ErrorKind::NotFound | ErrorKind::ConnectionRefused => {
            format!("no lvs-check run listens: {}", path.display())
        }
        _ => format!("{}: {}", error_text(&error), path.display()),
    })?;
    match answer.split_once('\n') {
        Some((DONE, text)) => Ok(text.to_owned()),
        Some((REFUSED, text)) => Err(text.to_owned()),
        _ => Err(format!("no answer: {}", path.display())),
    }
}

impl Session<'_> {
    /// Asks how all is.
    pub(super) fn status(&mut self, found: &ArgMatches) -> Result<u8, Failure> {
        let given = Given(found);
        let form = match (given.has("json"), given.has("metrics")) {
            (true, _) => Form::Json,
            (_, true) => Form::Metrics,
            _ if self.environment.terminal => Form::Table,
            _ => Form::Lines,
        };
        let text = ask(&socket(given), Request::Status(form)).map_err(Failure::usage)?;
        self.print(&text);
        Ok(status::UP)
    }

    /// Gives an order.
    pub(super) fn order(&mut self, name: &str, found: &ArgMatches) -> Result<u8, Failure> {
        let given = Given(found);
        let text = |name| given.get::<String>(name).unwrap_or_default();
        let (service, server) = (text("SERVICE"), text("SERVER"));
        let service: ServiceName = service
            .parse()
            .map_err(|()| Failure::usage(format!("not a service: {service}")))?;
        let server: ServerName = server
            .parse()
            .map_err(|()| Failure::usage(format!("not a server: {server}")))?;
        let order = match name {
            "drain" => Some(Order::Drain),
            "disable" => Some(Order::Disable),
            "weight" => Some(Order::Weight(Weight(given.get("WEIGHT").unwrap_or(0)))),
            _ => None,
        };
        let command = Command {
            order,
            service,
            server,
            persists: given.has("persist"),
        };
        let answer = ask(&socket(given), Request::Order(command));
        self.print(&answer.map_err(Failure::usage)?);
        Ok(status::UP)
    }
}
