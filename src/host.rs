//! What this machine knows and has: names, the time, kernel modules, signals, processes, a service
//! manager, a terminal, files, links and addresses, raw sockets, settings of the kernel.

pub mod accounts;
pub mod announce;
pub mod clamps;
pub mod clock;
pub mod closed;
pub mod file_watch;
pub mod files;
pub mod identity;
pub mod interfaces;
pub mod limits;
pub mod links;
pub mod local_socket;
pub mod macvlan;
pub mod modules;
pub mod names;
pub mod pid_file;
pub mod pipes;
pub mod processes;
pub mod programs;
pub mod raw_socket;
pub mod routes;
pub mod running;
pub mod scheduling;
pub mod service_manager;
pub mod signals;
pub mod state;
pub mod sysctl;
pub mod syslog;
pub mod terminal;

/// Whether this process has root's user id.
pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}

/// The text of an error of the system (`strerror`), without the number that the standard library
/// puts behind it.
pub fn error_text(error: &std::io::Error) -> String {
    let mut text = error.to_string();
    if let Some(number) = text.rfind(" (os error ") {
        text.truncate(number);
    }
    text
}
