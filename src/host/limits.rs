//! What the system grants this process.

use nix::sys::resource::{Resource, getrlimit, setrlimit};

/// Takes as many open files as it may have (`RLIMIT_NOFILE`), and tells how many these are.
pub fn raise_open_files() -> u64 {
    const ORDINARY: u64 = 1024;
    let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) else {
        return ORDINARY;
    };
    match setrlimit(Resource::RLIMIT_NOFILE, hard, hard) {
        Ok(()) => hard,
        Err(_) => soft,
    }
}

/// Gives memory that was freed back to the system: to read a large file takes much, and for a short
/// time.
pub fn give_back_memory() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it touches what is free alone, with the locks of the C library held.
    unsafe {
        libc::malloc_trim(0);
    }
}
