//! Asks a program.

use std::os::unix::process::ExitStatusExt;
use std::process::{ExitStatus, Stdio};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::process::Command;

use super::exchange::{Deadline, Failure};
use super::{Fault, Misc, Reason, Share, Stage};

/// Runs the program, in a process group of its own and without input or output. When the time is
/// up, it and all that it started in its group are killed.
pub async fn probe(misc: &Misc, deadline: Deadline) -> Result<Share, Failure> {
    let Some((program, arguments)) = misc.command.split_first() else {
        return Err(Reason::Exit(0).into());
    };
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    if let Some(about) = misc.about {
        command
            .env("LVS_CHECK_ADDRESS", about.address.to_string())
            .env("LVS_CHECK_PORT", about.port.to_string());
    }
    if let Some(user) = misc.user {
        command.uid(user.uid).gid(user.gid);
    }
    let unable = |error| Failure::Unknown(Fault::of("run the program", &error));
    let mut child = command.spawn().map_err(unable)?;
    let group = Group(child.id());
    let ended = deadline.within(Stage::Program, child.wait()).await;
    drop(group);
    judge(ended?.map_err(unable)?, misc.dynamic).map_err(Failure::Down)
}

fn judge(status: ExitStatus, dynamic: bool) -> Result<Share, Reason> {
    match (status.code(), status.signal()) {
        (Some(0), _) => Ok(Share::Same),
        (Some(code @ 2..=255), _) if dynamic => Ok(Share::Exactly((code - 2) as u8)),
        (Some(code), _) => Err(Reason::Exit(code)),
        (None, signal) => Err(Reason::Signal(signal.unwrap_or(0))),
    }
}

/// A process group that is killed when this goes, however the check ends.
struct Group(Option<u32>);

impl Drop for Group {
    fn drop(&mut self) {
        let group = self.0.and_then(|id| i32::try_from(id).ok());
        if let Some(group) = group {
            // There may be nobody left in it.
            let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_may_be_a_weight() {
        let exit = |code: i32| ExitStatus::from_raw(code << 8);
        for (status, dynamic, expected) in [
            (exit(0), true, Ok(Share::Same)),
            (exit(1), true, Err(Reason::Exit(1))),
            (exit(2), true, Ok(Share::Exactly(0))),
            (exit(255), true, Ok(Share::Exactly(253))),
            (exit(2), false, Err(Reason::Exit(2))),
            (ExitStatus::from_raw(9), true, Err(Reason::Signal(9))),
        ] {
            assert_eq!(judge(status, dynamic), expected);
        }
    }
}
