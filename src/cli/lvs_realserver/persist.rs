//! `--persist` and `--unpersist`: writes and removes the files for the next boot.

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::host::files;
use crate::realserver::Wanted;
use crate::realserver::persist as text;

/// What was done, a line each, and the file that ended it.
#[derive(Default)]
pub struct Outcome {
    /// What was done.
    pub done: Vec<String>,
    /// What could not be written, or removed.
    pub failed: Option<(String, io::Error)>,
}

/// Writes the files for all VIPs; `program` is where this program is.
pub fn write(wanted: &Wanted, program: &str, rc_local: bool) -> Outcome {
    let mut outcome = Outcome::default();
    for vip in &wanted.vips {
        let written = match rc_local {
            true => write_settings(wanted, vip, &mut outcome)
                .and_then(|()| write_rc_local(wanted, vip, program, &mut outcome)),
            false => write_settings(wanted, vip, &mut outcome)
                .and_then(|()| write_unit(wanted, vip, program, &mut outcome)),
        };
        if let Err(failed) = written {
            outcome.failed = Some(failed);
            break;
        }
    }
    outcome
}

/// Removes the files for `vips`, and nothing else.
pub fn remove(vips: &[IpAddr]) -> Outcome {
    let mut outcome = Outcome::default();
    for vip in vips {
        if let Err(failed) = remove_one(vip, &mut outcome) {
            outcome.failed = Some(failed);
            break;
        }
    }
    outcome
}

type Written = Result<(), (String, io::Error)>;

fn write_settings(wanted: &Wanted, vip: &IpAddr, outcome: &mut Outcome) -> Written {
    match text::sysctl_text(wanted, vip) {
        Some(text) => put(&text::sysctl_file(vip), Some(&text), outcome),
        None => Ok(()),
    }
}

fn write_unit(wanted: &Wanted, vip: &IpAddr, program: &str, outcome: &mut Outcome) -> Written {
    let (unit, link) = (text::unit_file(vip), text::unit_link(vip));
    put(&unit, Some(&text::unit_text(program, wanted, vip)), outcome)?;
    let enabled = match symlink(&unit, &link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Path::new(&link)
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| symlink(&unit, &link)),
        enabled => enabled,
    };
    enabled.map_err(|error| (link.clone(), error))?;
    outcome.done.push(format!("link {link}"));
    Ok(())
}

fn write_rc_local(wanted: &Wanted, vip: &IpAddr, program: &str, outcome: &mut Outcome) -> Written {
    let file = text::RC_LOCAL;
    let old = files::read(Path::new(file)).map_err(|error| (file.to_owned(), error))?;
    let new = text::rc_local_with(old.as_deref(), program, wanted, vip);
    change(file, old.as_deref(), Some(&new), outcome)
}

fn remove_one(vip: &IpAddr, outcome: &mut Outcome) -> Written {
    let link = text::unit_link(vip);
    if Path::new(&link).is_symlink() {
        files::remove(Path::new(&link)).map_err(|error| (link.clone(), error))?;
        outcome.done.push(format!("remove {link}"));
    }
    put(&text::unit_file(vip), None, outcome)?;
    put(&text::sysctl_file(vip), None, outcome)?;
    let file = text::RC_LOCAL;
    let old = files::read(Path::new(file)).map_err(|error| (file.to_owned(), error))?;
    match old
        .as_deref()
        .and_then(|old| text::rc_local_without(old, vip))
    {
        Some(rest) => change(file, old.as_deref(), rest.as_deref(), outcome),
        None => Ok(()),
    }
}

/// Makes a file of ours be this text, or be gone. A file of that name which is not ours stays.
fn put(file: &str, text: Option<&str>, outcome: &mut Outcome) -> Written {
    let old = files::read(Path::new(file)).map_err(|error| (file.to_owned(), error))?;
    if old.as_deref().is_some_and(|old| !text::is_ours(old)) {
        outcome
            .done
            .push(format!("left {file}: lvs-realserver did not write it"));
        return Ok(());
    }
    change(file, old.as_deref(), text, outcome)
}

fn change(file: &str, old: Option<&str>, new: Option<&str>, outcome: &mut Outcome) -> Written {
    /// Of a file that was not there. That of rc.local says that it is to be run.
    const MODE: u32 = 0o644;
    const EXECUTABLE: u32 = 0o755;
    let path = Path::new(file);
    let (word, changed) = match new {
        _ if old == new => return Ok(()),
        Some(new) if file == text::RC_LOCAL => ("write", files::replace(path, new, EXECUTABLE)),
        Some(new) => ("write", files::replace(path, new, MODE)),
        None => ("remove", files::remove(path)),
    };
    changed.map_err(|error| (file.to_owned(), error))?;
    outcome.done.push(format!("{word} {file}"));
    Ok(())
}
