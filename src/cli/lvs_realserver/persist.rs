//! `--persist` and `--unpersist`: writes and removes the files for the next boot.

use std::io;
use std::net::IpAddr;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::host::files;
use crate::realserver::Wanted;
use crate::realserver::persist::{self as text, Command};

/// What became of files.
#[derive(Default)]
pub struct Files {
    /// What was done, a line each.
    pub done: Vec<String>,
    /// The one that could not be written or removed, which ended it.
    pub failed: Option<(String, io::Error)>,
}

/// Writes the files for all VIPs.
pub fn write(command: &Command<'_>, rc_local: bool) -> Files {
    let mut made = Files::default();
    let wanted = command.wanted;
    for vip in &wanted.vips {
        let written = match rc_local {
            true => write_settings(wanted, vip, &mut made)
                .and_then(|()| write_rc_local(command, vip, &mut made)),
            false => write_settings(wanted, vip, &mut made)
                .and_then(|()| write_unit(command, vip, &mut made)),
        };
        if let Err(failed) = written {
            made.failed = Some(failed);
            break;
        }
    }
    made
}

/// Removes the files for `vips`, and nothing else.
pub fn remove(vips: &[IpAddr]) -> Files {
    let mut made = Files::default();
    for vip in vips {
        if let Err(failed) = remove_one(vip, &mut made) {
            made.failed = Some(failed);
            break;
        }
    }
    made
}

type Written = Result<(), (String, io::Error)>;

fn write_settings(wanted: &Wanted, vip: &IpAddr, made: &mut Files) -> Written {
    match text::sysctl_text(wanted, vip) {
        Some(text) => put(&text::sysctl_file(vip), Some(&text), made),
        None => Ok(()),
    }
}

fn write_unit(command: &Command<'_>, vip: &IpAddr, made: &mut Files) -> Written {
    let (unit, link) = (text::unit_file(vip), text::unit_link(vip));
    put(&unit, Some(&text::unit_text(command, vip)), made)?;
    let enabled = match symlink(&unit, &link) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Path::new(&link)
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| symlink(&unit, &link)),
        enabled => enabled,
    };
    enabled.map_err(|error| (link.clone(), error))?;
    made.done.push(format!("link {link}"));
    Ok(())
}

fn write_rc_local(command: &Command<'_>, vip: &IpAddr, made: &mut Files) -> Written {
    let file = text::RC_LOCAL;
    let old = files::read(Path::new(file)).map_err(|error| (file.to_owned(), error))?;
    let new = text::rc_local_with(old.as_deref(), command, vip);
    change(file, old.as_deref(), Some(&new), made)
}

fn remove_one(vip: &IpAddr, made: &mut Files) -> Written {
    let link = text::unit_link(vip);
    if Path::new(&link).is_symlink() {
        files::remove(Path::new(&link)).map_err(|error| (link.clone(), error))?;
        made.done.push(format!("remove {link}"));
    }
    put(&text::unit_file(vip), None, made)?;
    put(&text::sysctl_file(vip), None, made)?;
    let file = text::RC_LOCAL;
    let old = files::read(Path::new(file)).map_err(|error| (file.to_owned(), error))?;
    match old
        .as_deref()
        .and_then(|old| text::rc_local_without(old, vip))
    {
        Some(rest) => change(file, old.as_deref(), rest.as_deref(), made),
        None => Ok(()),
    }
}

/// Makes a file of ours be this text, or be gone. A file of that name which is not ours stays.
fn put(file: &str, text: Option<&str>, made: &mut Files) -> Written {
    let old = files::read(Path::new(file)).map_err(|error| (file.to_owned(), error))?;
    if old.as_deref().is_some_and(|old| !text::is_ours(old)) {
        made.done
            .push(format!("left {file}: lvs-realserver did not write it"));
        return Ok(());
    }
    change(file, old.as_deref(), text, made)
}

fn change(file: &str, old: Option<&str>, new: Option<&str>, made: &mut Files) -> Written {
    /// Of a file that was not there. That of rc.local says that it is to be run.
    const MODE: u32 = 0o644;
    const EXECUTABLE: u32 = 0o755;
    let path = Path::new(file);
    let (word, changed) = match new {
        _ if old == new => return Ok(()),
        Some(new) if file == text::RC_LOCAL => {
            ("write", files::replace(path, new.as_bytes(), EXECUTABLE))
        }
        Some(new) => ("write", files::replace(path, new.as_bytes(), MODE)),
        None => ("remove", files::remove(path)),
    };
    changed.map_err(|error| (file.to_owned(), error))?;
    made.done.push(format!("{word} {file}"));
    Ok(())
}
