//! Signals.

use nix::sys::signal::{SigHandler, Signal, signal};

/// Lets a closed pipe end this process, as it does any Unix filter: `ipvsadm -L | head -1`.
///
/// The Rust runtime ignores SIGPIPE, so that writing would fail instead.
pub fn die_of_closed_pipes() {
    // SAFETY: the default action runs no code of ours. It cannot fail for this signal.
    let _ = unsafe { signal(Signal::SIGPIPE, SigHandler::SigDfl) };
}
