//! The time of day where this machine stands.

use std::ffi::CStr;
use std::mem::MaybeUninit;
use std::ptr;

/// The local time with its distance from UTC, as `2026-11-21T13:24:27+0100` (ISO 8601).
pub fn local_time() -> String {
    written(c"%Y-%m-%dT%H:%M:%S%z")
}

/// The local time as syslog has it, as `Nov  7 13:24:27` (RFC 3164).
pub fn syslog_time() -> String {
    written(c"%b %e %H:%M:%S")
}

fn written(format: &CStr) -> String {
    let mut text = [0u8; 64];
    let mut parts = MaybeUninit::<libc::tm>::uninit();
    // SAFETY: `parts` is filled unless localtime_r answers NULL, `text` is as long as it is told,
    // and all of them live through the calls.
    let length = unsafe {
        let now = libc::time(ptr::null_mut());
        if libc::localtime_r(&now, parts.as_mut_ptr()).is_null() {
            return String::new();
        }
        libc::strftime(
            text.as_mut_ptr().cast(),
            text.len(),
            format.as_ptr(),
            parts.as_ptr(),
        )
    };
    String::from_utf8_lossy(&text[..length]).into_owned()
}
