//! Routes and rules of policy routing, in the words of ip-route(8) and ip-rule(8), which know them
//! all: ip(8) sets them.

use std::io::{self, Write};
use std::process::{Child, Command, Stdio};

/// Has ip(8) carry out these commands, each without its own name: `route replace ...`. What one
/// fails to do does not keep the others from being done.
///
/// # Errors
/// One failed, and ip has said why; or there is no ip.
pub fn carry_out(commands: &[String]) -> io::Result<()> {
    run(commands, Stdio::inherit())
}

/// The same for what may already be so: nothing is said of what fails.
pub fn try_out(commands: &[String]) {
    let _ = run(commands, Stdio::null());
}

/// The same, and tells which of them it has carried out.
pub fn try_each(commands: &[String]) -> Vec<&String> {
    if commands.is_empty() {
        return Vec::new();
    }
    let Ok(output) = feed(commands, Stdio::piped()).and_then(|ip| ip.wait_with_output()) else {
        return Vec::new();
    };
    // Of what fails ip says the line: `Command failed -:3`.
    let complaints = String::from_utf8_lossy(&output.stderr);
    let numbers = complaints.lines().filter_map(|line| {
        let number = line.strip_prefix("Command failed -:")?;
        number.parse().ok()
    });
    let failed: Vec<usize> = numbers.collect();
    let lines = (1..).zip(commands);
    let done = lines.filter(|(number, _)| !failed.contains(number));
    done.map(|(_, command)| command).collect()
}

fn run(commands: &[String], complaints: Stdio) -> io::Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
    let status = feed(commands, complaints)?.wait()?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("ip: {status}"))),
    }
}

/// Starts ip(8) with these commands on its standard input.
fn feed(commands: &[String], complaints: Stdio) -> io::Result<Child> {
    let mut ip = Command::new("ip")
        .args(["-force", "-batch", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(complaints)
        .spawn()?;
    let written = match ip.stdin.take() {
        Some(mut input) => input.write_all((commands.join("\n") + "\n").as_bytes()),
        None => Ok(()),
    };
    if let Err(error) = written {
        ip.wait()?;
        return Err(error);
    }
    Ok(ip)
}
