//! What systemd is told of a service: sd_notify(3), without its library.

use std::env;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::Duration;

use nix::sys::stat::fstat;
use nix::time::{ClockId, clock_gettime};

/// The service manager that has started this process, if one has that wants to hear of it.
#[derive(Debug)]
pub struct ServiceManager {
    to: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Duration>,
}

impl ServiceManager {
    /// As the environment says: `NOTIFY_SOCKET`, `WATCHDOG_USEC`, `WATCHDOG_PID`.
    pub fn find() -> Self {
        let to = env::var("NOTIFY_SOCKET")
            .ok()
            .and_then(|name| open(&name).ok());
        let number = |name| env::var(name).ok().and_then(|text| text.parse().ok());
        let own = u64::from(std::process::id());
        let is_mine = number("WATCHDOG_PID").is_none_or(|id: u64| id == own);
        let watchdog = number("WATCHDOG_USEC").filter(|&length| is_mine && length > 0);
        ServiceManager {
            watchdog: watchdog.filter(|_| to.is_some()).map(Duration::from_micros),
            to,
        }
    }

    /// How often it wants to hear that this process is well, if it does.
    pub fn watchdog(&self) -> Option<Duration> {
        // sd_watchdog_enabled(3): at half that time.
        self.watchdog.map(|length| length / 2)
    }

    /// Started, or reloaded.
    pub fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={status}"));
    }

    /// A reload begins.
    pub fn reloading(&self) {
        // systemd compares it with when it sent the signal.
        let now = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from);
        let now = now.unwrap_or_default().as_micros();
        self.send(&format!("RELOADING=1\nMONOTONIC_USEC={now}"));
    }

    /// The end begins.
    pub fn stopping(&self) {
        self.send("STOPPING=1\nSTATUS=stopping");
    }

    /// What there is to say, in a line.
    pub fn status(&self, status: &str) {
        self.send(&format!("STATUS={status}"));
    }

    /// This process is well.
    pub fn alive(&self) {
        self.send("WATCHDOG=1");
    }

    fn send(&self, text: &str) {
        if let Some((socket, address)) = &self.to {
            let _ = socket.send_to_addr(text.as_bytes(), address);
        }
    }
}

/// Whether standard error is read by systemd's journal, which takes a level at the front of a line:
/// sd-daemon(3).
pub fn errors_go_to_journal() -> bool {
    let Ok(told) = env::var("JOURNAL_STREAM") else {
        return false;
    };
    let here = fstat(io::stderr()).map(|about| format!("{}:{}", about.st_dev, about.st_ino));
    here.is_ok_and(|here| here == told)
}

fn open(name: &str) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name)?,
        None => SocketAddr::from_pathname(name)?,
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    Ok((socket, address))
}
