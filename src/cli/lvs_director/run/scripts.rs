//! `startup_script` and `shutdown_script`: run once, before and after all else, and waited for.

use std::os::unix::process::CommandExt;
use std::process::{self, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::conf::lex;
use crate::conf::model::Global;
use crate::conf::value::Command;
use crate::host::{error_text, names};

/// The account that runs scripts where none is named, if there is such a one.
const ACCOUNT: &str = "keepalived_script";

/// How often it is looked whether a script has ended.
const GLANCE: Duration = Duration::from_millis(20);

/// Runs a script, for so many seconds at most; then it is killed.
///
/// # Errors
/// It could not be run, did not end in time, or ended badly: a sentence about it.
pub fn run(command: &Command, global: &Global, seconds: u32) -> Result<(), String> {
    let words = lex::arguments(&command.line)
        .map_err(|quote| format!("nothing ends the quote: {quote}"))?;
    let [program, arguments @ ..] = &words[..] else {
        return Err("there is no program".to_owned());
    };
    let mut script = process::Command::new(program);
    script
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null());
    if let Some((user, group)) = account(command, global)? {
        script.uid(user).gid(group);
    }
    let told = |error| format!("{program}: {}", error_text(&error));
    let mut script = script.spawn().map_err(told)?;
    let until = Instant::now() + Duration::from_secs(seconds.into());
    loop {
        match script.try_wait().map_err(told)? {
            Some(status) if status.success() => return Ok(()),
            Some(status) => return Err(format!("{program} ended with {status}")),
            None if Instant::now() >= until => {
                // What it has done is done; nobody is asked once more.
                let _ = script.kill();
                let _ = script.wait();
                return Err(format!(
                    "{program} has not ended within {seconds} s; killed"
                ));
            }
            None => thread::sleep(GLANCE),
        }
    }
}

/// Who runs it: the account that is named with it, that of `script_user`, `keepalived_script` if
/// there is one, or whoever runs the director.
fn account(command: &Command, global: &Global) -> Result<Option<(u32, u32)>, String> {
    let (user, group) = match (&command.user, &global.script_user) {
        (Some(user), _) => (user.as_str(), command.group.as_deref()),
        (None, Some(words)) if !words.is_empty() => {
            (words[0].as_str(), words.get(1).map(String::as_str))
        }
        _ => return Ok(names::user(ACCOUNT, None)),
    };
    match names::user(user, group) {
        Some(found) => Ok(Some(found)),
        None => Err(format!("there is no such account: {user}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(line: &str) -> Result<(), String> {
        let command = Command {
            line: line.to_owned(),
            user: None,
            group: None,
        };
        run(&command, &Global::default(), 1)
    }

    #[test]
    fn what_becomes_of_a_script_is_told() {
        assert_eq!(told("/bin/true"), Ok(()));
        assert_eq!(told("/bin/sh -c 'exit 0'"), Ok(()));
        assert!(told("/bin/false").unwrap_err().contains("status: 1"));
        assert!(
            told("/nonexistent")
                .unwrap_err()
                .contains("/nonexistent: No such")
        );
        assert!(told("/bin/sleep 9").unwrap_err().contains("within 1 s"));
        assert!(told("").is_err());
    }
}
