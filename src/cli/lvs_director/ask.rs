//! `lvs-director status`, `failover`, `reload`, `drain`, `enable`, `disable`, `weight`: asks the
//! director that runs, and its programs.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};
use serde_json::Value;

use crate::check::orders::{Order, ServiceName};
use crate::check::request::{self, Request, ServerName};
use crate::cli::lvs_check::ask as check;
use crate::host::{error_text, processes};
use crate::ipvs::Weight;
use crate::report::lvs_director as status;
use crate::show::director as show;
use crate::supervise::control as director;
use crate::vrrp::control::{self as vrrp, Question};
use crate::vrrp::report;

use super::run::Failure;

fn failed(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |error| Failure(status::FAILED, format!("{what}: {}", error_text(&error)))
}

fn usage(text: String) -> Failure {
    Failure(status::ERRORS, text)
}

/// The commands.
pub fn commands() -> Vec<Command> {
    let namespace = Arg::new("namespace")
        .short('s')
        .long("namespace")
        .value_name("NAME")
        .help("Ask the one in this network namespace");
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    let word = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .required(true)
            .value_hint(ValueHint::Other)
            .help(help)
    };
    let order = |name: &'static str, about: &'static str| {
        Command::new(name).about(about).args([
            word("SERVICE", "10.0.0.1:80, udp:10.0.0.1:53, fwmark:7"),
            word("SERVER", "10.0.0.11:80, or the address alone"),
            flag("persist", "Also after the machine's next start"),
        ])
    };
    let weight = order("weight", "Give a server another weight while it is up")
        .arg(word("WEIGHT", "0 to 2147483647").value_parser(clap::value_parser!(i32).range(0..)));
    let commands = [
        Command::new("status")
            .about("Tell how the director, its addresses and its servers are")
            .args([
                flag("json", "Answer in JSON"),
                flag("metrics", "Answer in the text format of Prometheus").conflicts_with("json"),
                Arg::new("is-master")
                    .long("is-master")
                    .value_name("INSTANCE")
                    .conflicts_with_all(["json", "metrics"])
                    .help("Only say by the exit status whether it is master: 0 yes, 1 no"),
            ]),
        Command::new("failover")
            .about("Give up being master")
            .arg(word("INSTANCE", "A vrrp_instance")),
        Command::new("reload")
            .about("Read the configuration again, and tell what is wrong with it"),
        order("drain", "Send a server no new clients"),
        order(
            "disable",
            "Take a server out of the table, whatever its checks say",
        ),
        order("enable", "Take back what was ordered of a server"),
        weight,
    ];
    commands
        .map(|command| command.arg(namespace.clone()))
        .into()
}

/// Asks; gives back the exit status. `output` gets the answer, `errors` what is wrong.
///
/// # Errors
/// There is nobody to ask, or he refuses.
pub fn ask(
    name: &str,
    found: &ArgMatches,
    output: &mut String,
    errors: &mut dyn Write,
) -> Result<u8, Failure> {
    if let Some(namespace) = found.get_one::<String>("namespace") {
        processes::enter_network(namespace).map_err(failed("network namespace"))?;
    }
    match name {
        "status" => tell_status(found, output),
        "failover" => failover(found),
        "reload" => reload(errors),
        _ => {
            *output = order(name, found)?;
            Ok(status::FINE)
        }
    }
}

fn ask_director(question: &str) -> Result<Value, Failure> {
    let path = director::path().map_err(failed("control socket"))?;
    let answer = director::ask(&path, question).map_err(|error| match is_nobody(&error) {
        true => Failure(
            status::FAILED,
            "no director runs in this network namespace".to_owned(),
        ),
        false => failed("control socket")(error),
    })?;
    let answer: Value = serde_json::from_str(&answer).map_err(|error| {
        let text = format!("the director's answer is no JSON: {error}");
        Failure(status::FAILED, text)
    })?;
    match answer.get("error").and_then(Value::as_str) {
        Some(why) => Err(Failure(status::FAILED, why.to_owned())),
        None => Ok(answer),
    }
}

/// The name and the socket of each instance that runs.
fn instances() -> Result<Vec<(String, PathBuf)>, Failure> {
    let mut instances = Vec::new();
    for path in vrrp::all().map_err(failed("control socket"))? {
        match vrrp::ask(&path, Question::Name) {
            Ok(name) => instances.push((name.trim_end().to_owned(), path)),
            // One that was killed leaves its socket.
            Err(error) if is_nobody(&error) => {}
            Err(error) => return Err(failed("lvs-vrrp does not answer")(error)),
        }
    }
    Ok(instances)
}

fn is_nobody(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionRefused, NotFound};
    matches!(error.kind(), NotFound | ConnectionRefused)
}

/// The socket of one instance.
fn instance(name: &str) -> Result<PathBuf, Failure> {
    let mut all = instances()?;
    if let Some(found) = all.iter().position(|(own, _)| own == name) {
        return Ok(all.swap_remove(found).1);
    }
    let names: Vec<String> = all.into_iter().map(|(name, _)| name).collect();
    let there = match names.is_empty() {
        true => "none runs".to_owned(),
        false => format!("there are: {}", names.join(", ")),
    };
    Err(usage(format!("no such vrrp_instance: {name}; {there}")))
}

fn report(path: &Path) -> Result<Value, Failure> {
    let answer = vrrp::ask(path, Question::Status(report::Form::Json));
    let answer = answer.map_err(failed("lvs-vrrp does not answer"))?;
    serde_json::from_str(&answer).map_err(|error| {
        let text = format!("the answer of lvs-vrrp is no JSON: {error}");
        Failure(status::FAILED, text)
    })
}

fn ask_check(request: Request) -> Result<String, Failure> {
    let path = director::check_path().map_err(failed("control socket"))?;
    check::ask(&path, request).map_err(|text| Failure(status::FAILED, text))
}

fn tell_status(found: &ArgMatches, output: &mut String) -> Result<u8, Failure> {
    if let Some(name) = found.get_one::<String>("is-master") {
        // Status 1 says "no", so that whatever goes wrong has another.
        let report = instance(name).and_then(|path| report(&path));
        let report = report.map_err(|Failure(_, text)| usage(text))?;
        return Ok(match report["state"].as_str() {
            Some("MASTER") => status::FINE,
            _ => status::NO,
        });
    }
    let director = ask_director("status")?;
    // One that does not answer is no reason not to tell of the others.
    let mut missing = Vec::new();
    let mut kept = |answer: Result<Value, Failure>| match answer {
        Ok(value) => Some(value),
        Err(Failure(_, text)) => {
            missing.push(text);
            None
        }
    };
    let instances = match instances() {
        Ok(all) => all,
        Err(failure) => {
            let _ = kept(Err(failure));
            Vec::new()
        }
    };
    let reports: Vec<Value> = instances
        .iter()
        .filter_map(|(_, path)| kept(report(path)))
        .collect();
    let form = match (found.get_flag("json"), found.get_flag("metrics")) {
        (true, _) => request::Form::Json,
        (_, true) => request::Form::Metrics,
        _ => request::Form::Lines,
    };
    let checks = director["programs"].as_array().is_some_and(|programs| {
        let is_check =
            |program: &Value| program["name"] == "lvs-check" && program["state"] == "running";
        programs.iter().any(is_check)
    });
    let services = match checks {
        true => kept(ask_check(Request::Status(form)).map(Value::String)),
        false => None,
    };
    let services = services.as_ref().and_then(Value::as_str);
    *output = match form {
        request::Form::Json => {
            let services = services.and_then(|text| serde_json::from_str(text).ok());
            show::whole_json(director, reports, services.unwrap_or(Value::Null))
        }
        request::Form::Metrics => show::metrics(&director, &reports, services),
        _ => show::text(&director, &reports, services),
    };
    match missing.is_empty() {
        true => Ok(status::FINE),
        false => Err(Failure(status::FAILED, missing.join("; "))),
    }
}

fn failover(found: &ArgMatches) -> Result<u8, Failure> {
    let name = found.get_one::<String>("INSTANCE");
    let path = instance(name.map_or("", String::as_str))?;
    vrrp::ask(&path, Question::Resign).map_err(failed("lvs-vrrp does not answer"))?;
    Ok(status::FINE)
}

/// Tells all that is wrong, and whether it was taken nevertheless.
fn reload(errors: &mut dyn Write) -> Result<u8, Failure> {
    let answer = ask_director("reload")?;
    let problems = answer["problems"].as_array();
    for problem in problems.into_iter().flatten().filter_map(Value::as_str) {
        // Nobody is left to tell.
        let _ = writeln!(errors, "{problem}");
    }
    match answer["taken"].as_bool() {
        Some(true) => Ok(status::FINE),
        _ => Err(usage("not reloaded: what runs goes on".to_owned())),
    }
}

fn order(name: &str, found: &ArgMatches) -> Result<String, Failure> {
    let text = |name: &str| found.get_one::<String>(name).cloned().unwrap_or_default();
    let (service, server) = (text("SERVICE"), text("SERVER"));
    let service: ServiceName = service
        .parse()
        .map_err(|()| usage(format!("not a service: {service}")))?;
    let server: ServerName = server
        .parse()
        .map_err(|()| usage(format!("not a server: {server}")))?;
    let order = match name {
        "drain" => Some(Order::Drain),
        "disable" => Some(Order::Disable),
        "weight" => found
            .get_one("WEIGHT")
            .map(|&weight| Order::Weight(Weight(weight))),
        _ => None,
    };
    ask_check(Request::Order(request::Command {
        order,
        service,
        server,
        persists: found.get_flag("persist"),
    }))
}
