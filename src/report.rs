//! How a program ends: its exit status, and what it says when its output is lost.

use std::fmt;
use std::io;

use crate::host::error_text;

/// Exit statuses of `ipvsadm`, as of ipvsadm 1.31; they are in the manual page.
pub mod ipvsadm {
    /// All was done.
    pub const DONE: u8 = 0;
    /// A listing failed, or input or output was lost.
    pub const FAILED: u8 = 1;
    /// A dry run has something to do.
    pub const CHANGES: u8 = 2;
    /// The command line asks for something that does not go, or there is no IPVS.
    pub const USAGE: u8 = 2;
    /// The command line cannot be understood, or the kernel refused a change.
    pub const REFUSED: u8 = 255;
}

/// Exit statuses of `lvs-check`; they are in the manual page.
pub mod lvs_check {
    /// The server is well; all was done.
    pub const UP: u8 = 0;
    /// A server is not well.
    pub const DOWN: u8 = 1;
    /// The command line cannot be understood, a check could not be made, or output was lost.
    pub const USAGE: u8 = 2;
}

/// Exit statuses of `lvs-realserver`, those of LSB's init scripts among them; they are in the manual
/// page.
pub mod lvs_realserver {
    /// All was done; what was asked for is in place; nobody hears of the VIPs.
    pub const DONE: u8 = 0;
    /// Something failed, or output was lost.
    pub const FAILED: u8 = 1;
    /// The command line cannot be understood, or asks for something that does not go.
    pub const USAGE: u8 = 2;
    /// `status`: no VIP is in place.
    pub const STOPPED: u8 = 3;
    /// `status`: something is missing. `verify`: somebody would hear of a VIP, or something is
    /// wrong.
    pub const PARTLY: u8 = 4;
}

/// Exit statuses of `lvs-vip`; they are in the manual page.
pub mod lvs_vip {
    /// All was done; all VIPs are there.
    pub const DONE: u8 = 0;
    /// Something failed, or output was lost.
    pub const FAILED: u8 = 1;
    /// The command line cannot be understood, or names an interface that is not there.
    pub const USAGE: u8 = 2;
    /// `show`: no VIP is there.
    pub const ABSENT: u8 = 3;
    /// `show`: some VIPs are there, and some are not.
    pub const PARTLY: u8 = 4;
}

/// Exit statuses of `lvs-director`; they are in the manual page.
pub mod lvs_director {
    /// The configuration is fine; `run`: it was told to end; all was done.
    pub const FINE: u8 = 0;
    /// The configuration has warnings, which keepalived has too.
    pub const WARNINGS: u8 = 1;
    /// Something failed; there is another director, or none that could be asked.
    pub const FAILED: u8 = 1;
    /// `status --is-master`: it is not.
    pub const NO: u8 = 1;
    /// The configuration has errors, or cannot be read, or the command line is wrong.
    pub const ERRORS: u8 = 2;
}

/// Exit statuses of `lvs-vrrp`; they are in the manual page.
pub mod lvs_vrrp {
    /// All was done; `elect`: it is master; `watch --for`: one master of each virtual router.
    pub const DONE: u8 = 0;
    /// Something failed.
    pub const FAILED: u8 = 1;
    /// `elect`: somebody else is master.
    pub const BACKUP: u8 = 1;
    /// The command line cannot be understood; `elect`: something failed.
    pub const USAGE: u8 = 2;
    /// `watch --for`: no master.
    pub const NONE: u8 = 3;
    /// `watch --for`: two or more masters of one virtual router.
    pub const SEVERAL: u8 = 4;
}

/// Output that could not be written, as `ipvsadm: write error: No space left on device`.
pub struct WriteError<'a> {
    /// What the program is called.
    pub program: &'a str,
    /// What happened.
    pub error: &'a io::Error,
}

impl fmt::Display for WriteError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = error_text(self.error);
        write!(f, "{}: write error: {text}", self.program)
    }
}
