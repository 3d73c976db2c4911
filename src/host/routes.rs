//! Routes and rules of policy routing, in the words of ip-route(8) and ip-rule(8), which know them
//! all: ip(8) sets them.

use std::io::{self, Write};
use std::process::{Command, Stdio};

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

fn run(commands: &[String], complaints: Stdio) -> io::Result<()> {
    if commands.is_empty() {
        return Ok(());
    }
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
    let status = ip.wait()?;
    written?;
    match status.success() {
        true => Ok(()),
        false => Err(io::Error::other(format!("ip: {status}"))),
    }
}
