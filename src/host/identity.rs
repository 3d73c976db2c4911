//! Which boot of the machine this is, and which network namespace.

use std::fs;
use std::io;
use std::mem;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixDatagram;

/// The kernel's random name for the time since it booted.
pub fn boot() -> io::Result<String> {
    let text = fs::read_to_string("/proc/sys/kernel/random/boot_id")?;
    Ok(text.trim_end().to_owned())
}

/// A number for the network namespace of this thread: its cookie, which the kernel gives to no
/// other before the next boot.
///
/// A kernel before 5.14 tells no cookies. There it is the number of the namespace's file, which may
/// be given again once the namespace is gone.
pub fn network() -> io::Result<u64> {
    match cookie() {
        Some(cookie) => Ok(cookie),
        None => Ok(fs::metadata("/proc/thread-self/ns/net")?.ino()),
    }
}

fn cookie() -> Option<u64> {
    // A socket of any kind will do.
    let socket = UnixDatagram::unbound().ok()?;
    let mut cookie = 0u64;
    let mut length = mem::size_of::<u64>() as libc::socklen_t;
    // SAFETY: the socket is open; the kernel writes at most `length` bytes to `cookie`, which has
    // that many and lives through the call.
    let status = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_NETNS_COOKIE,
            (&raw mut cookie).cast(),
            &mut length,
        )
    };
    (status == 0 && length as usize == mem::size_of::<u64>()).then_some(cookie)
}
