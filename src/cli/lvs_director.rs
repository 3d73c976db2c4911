//! `lvs-director`: a command line and an `Environment` to an exit status.

use std::io::Write;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use crate::conf::expand::Outside;
use crate::conf::machine::{self, Machine};
use crate::conf::problem::Severity;
use crate::conf::{self, Reading, write};
use crate::host::error_text;
use crate::report::{WriteError, lvs_director as status};

mod ask;
pub mod machines;
mod run;
mod told;

/// What the program is called in what it says.
const PROGRAM: &str = "lvs-director";

/// The file that is read when none is named.
pub const DEFAULT_FILE: &str = "/etc/keepalived/keepalived.conf";

/// What a run may touch.
pub struct Environment<'a> {
    /// Where files and variables are.
    pub outside: &'a dyn Fn(Option<&str>) -> Box<dyn Outside>,
    /// What the machine has.
    pub machine: &'a dyn Machine,
    /// Where answers go.
    pub output: &'a mut dyn Write,
    /// Where complaints about the command line go.
    pub errors: &'a mut dyn Write,
}

/// The command line, as clap knows it.
pub fn command() -> Command {
    let file = Arg::new("file")
        .short('f')
        .long("use-file")
        .value_name("FILE")
        .value_hint(ValueHint::FilePath)
        .default_value(DEFAULT_FILE)
        .help("The configuration");
    let id = Arg::new("id")
        .short('i')
        .long("config-id")
        .value_name("ID")
        .help("What @ID in the file is compared with; the name of the host otherwise");
    let json = Arg::new("json")
        .long("json")
        .action(ArgAction::SetTrue)
        .help("Answer in JSON");
    let file_only = Arg::new("file-only")
        .long("file-only")
        .action(ArgAction::SetTrue)
        .help("Look at the file alone: not whether this machine has the interfaces, scripts and accounts");
    Command::new("lvs-director")
        .about("A load balancer with IPVS and VRRP, from a keepalived.conf")
        .version(env!("CARGO_PKG_VERSION"))
        .subcommand_required(true)
        .arg_required_else_help(true)
        .disable_help_subcommand(true)
        .subcommand(
            Command::new("check")
                .about("Tell all that is wrong with a configuration")
                .args([file.clone(), id.clone(), json.clone(), file_only]),
        )
        .subcommand(run::settings::command().args([file.clone(), id.clone()]))
        .subcommands(ask::commands())
        .subcommand(
            Command::new("show")
                .about("Print what a configuration means, with all defaults filled in")
                .args([file, id, json]),
        )
}

/// Runs a command line, whose first word is the name of the program.
pub fn run(words: &[std::ffi::OsString], environment: Environment<'_>) -> u8 {
    let Environment {
        outside,
        machine,
        output,
        errors,
    } = environment;
    let matches = match command().try_get_matches_from(words) {
        Ok(matches) => matches,
        Err(told) if !told.use_stderr() => {
            return finish(output, errors, &told.to_string(), status::FINE);
        }
        Err(told) => {
            // clap says more than one line needs: what is wrong stands in the first.
            let text = told.to_string();
            let first = text.lines().next().unwrap_or("");
            let what = first.strip_prefix("error: ").unwrap_or(first);
            let text = match what.is_empty()
                || told.kind() == clap::error::ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            {
                true => text,
                false => format!("{PROGRAM}: {what}\n"),
            };
            let _ = errors.write_all(text.as_bytes());
            return status::ERRORS;
        }
    };
    let Some((name, matches)) = matches.subcommand() else {
        return status::ERRORS;
    };
    if !["check", "show", "run"].contains(&name) {
        let mut text = String::new();
        let asked = ask::ask(name, matches, &mut text, errors);
        let status = asked.unwrap_or_else(|run::Failure(status, text)| {
            // Nobody is left to tell.
            let _ = writeln!(errors, "{PROGRAM}: {text}");
            status
        });
        return finish(output, errors, &text, status);
    }
    let id = matches.get_one::<String>("id").map(String::as_str);
    let outside = outside(id);
    let file = matches.get_one::<String>("file").map_or("", String::as_str);
    // `run -t` is a check; what it says may go to a file.
    let test = match name {
        "run" => matches.get_one::<String>("config-test"),
        _ => None,
    };
    if name == "run" && test.is_none() {
        let settings = run::settings::Settings::of(matches, file, id);
        return match run::run(&settings, &*outside, errors) {
            Ok(status) => status,
            Err(run::Failure(status, text)) => {
                // Nobody is left to tell.
                let _ = writeln!(errors, "{PROGRAM}: {text}");
                status
            }
        };
    }
    let text = match outside.read(file) {
        Ok(text) => text,
        Err(why) => {
            let _ = writeln!(errors, "{PROGRAM}: cannot read {file}: {}", why.why);
            return status::ERRORS;
        }
    };
    let reading = conf::read(file, text, &*outside);
    let (text, status) = match name {
        "check" | "run" => check(matches, file, reading, machine),
        _ => show(matches, reading, errors),
    };
    match test.filter(|file| !file.is_empty()) {
        None => finish(output, errors, &text, status),
        Some(file) => match std::fs::write(file, &text) {
            Ok(()) => status,
            Err(error) => {
                let _ = writeln!(errors, "{PROGRAM}: {file}: {}", error_text(&error));
                status::ERRORS
            }
        },
    }
}

fn check(
    matches: &ArgMatches,
    file: &str,
    mut reading: Reading,
    machine: &dyn Machine,
) -> (String, u8) {
    // `run -t` has neither of these options.
    let has = |name| matches.try_get_one(name).ok().flatten() == Some(&true);
    if !has("file-only") {
        machine::check(&mut reading, machine);
    }
    let text = match has("json") {
        true => told::json(file, &reading),
        false => told::text(file, &reading),
    };
    (text, verdict(&reading))
}

/// The exit status that a configuration deserves.
pub fn verdict(reading: &Reading) -> u8 {
    let worst = reading
        .problems
        .iter()
        .map(|problem| problem.severity)
        .max();
    match worst {
        None | Some(Severity::Note) => status::FINE,
        Some(Severity::Warning) => status::WARNINGS,
        Some(Severity::Ignored | Severity::Error | Severity::Fatal) => status::ERRORS,
    }
}

fn show(matches: &ArgMatches, reading: Reading, errors: &mut dyn Write) -> (String, u8) {
    // Who pipes the answer on should not miss that it is not all of the file.
    for problem in &reading.problems {
        if problem.severity >= Severity::Ignored {
            let _ = errors.write_all(problem.render(&reading.sources).as_bytes());
        }
    }
    let status = verdict(&reading);
    let config = reading.config.effective();
    let text = match matches.get_flag("json") {
        true => format!("{:#}\n", write::json(&config)),
        false => write::text(&config),
    };
    (text, status)
}

fn finish(output: &mut dyn Write, errors: &mut dyn Write, text: &str, status: u8) -> u8 {
    let sent = output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush());
    match sent {
        Ok(()) => status,
        Err(error) => {
            let program = PROGRAM;
            let error = &error;
            let _ = writeln!(errors, "{}", WriteError { program, error });
            status.max(status::ERRORS)
        }
    }
}
