//! The IPVS table by command: a drop-in for ipvsadm 1.31.

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use lvskit::cli::ipvsadm::{Environment, display, drain, open_kernel, run, screen};
use lvskit::host::{names::SystemNames, signals, state};

fn main() -> ExitCode {
    signals::die_of_closed_pipes();
    let words: Vec<OsString> = env::args_os().collect();
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let (program, words) = match words.split_first() {
        Some((program, words)) => (*program, words),
        None => (&b"ipvsadm"[..], &[][..]),
    };
    let names = SystemNames::default();
    let set = |name| env::var_os(name).is_some();
    ExitCode::from(run(
        words,
        Environment {
            program,
            kernel: &mut open_kernel,
            numbers: &names,
            names: &names,
            posixly_correct: set("POSIXLY_CORRECT") || set("POSIX_ME_HARDER"),
            terminal: io::stderr().is_terminal(),
            memory: &|| state::path(drain::MEMORY),
            input: &mut io::stdin().lock(),
            output: &mut io::stdout().lock(),
            errors: &mut io::stderr().lock(),
            display: &display,
            screen: &mut screen,
        },
    ))
}
