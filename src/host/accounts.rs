//! Accounts, groups and interfaces of this machine.

use nix::net::if_::if_nametoindex;
use nix::unistd::{Group, User};

/// Whether there is an account of that name.
pub fn has_user(name: &str) -> bool {
    matches!(User::from_name(name), Ok(Some(_)))
}

/// Whether there is a group of that name.
pub fn has_group(name: &str) -> bool {
    matches!(Group::from_name(name), Ok(Some(_)))
}

/// Whether there is an interface of that name in the network namespace of this process.
pub fn has_interface(name: &str) -> bool {
    if_nametoindex(name).is_ok()
}

/// The name of this machine up to its first dot, as `uname -n` says it.
pub fn short_host_name() -> String {
    let name = nix::sys::utsname::uname().map(|names| names.nodename().to_owned());
    let name = name.unwrap_or_default().to_string_lossy().into_owned();
    name.split('.').next().unwrap_or("").to_owned()
}
