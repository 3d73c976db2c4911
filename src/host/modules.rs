//! Kernel modules.

use std::process::{Command, Stdio};

/// Asks `/sbin/modprobe` to load a module; tells whether it did. What modprobe has to say goes
/// to standard error.
pub fn load(module: &str) -> bool {
    Command::new("/sbin/modprobe")
        .args(["--", module])
        .stdin(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
