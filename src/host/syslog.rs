//! The log of the machine: datagrams to `/dev/log` as syslog(3) sends them (RFC 3164).

use std::io;
use std::os::unix::net::UnixDatagram;

use super::clock;

/// Where syslogd listens.
const SOCKET: &str = "/dev/log";

/// Who a line is from, for the one who sorts them: the numbers of syslog(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facility(u8);

impl Facility {
    /// `LOG_DAEMON`.
    pub const DAEMON: Facility = Facility(3);

    /// From what keepalived takes: `daemon`, `user`, `local0` to `local7`, or 0 to 7 for those.
    pub fn named(name: &str) -> Option<Self> {
        let local = |digit: &str| {
            let number: u8 = digit.parse().ok()?;
            (number <= 7 && digit.len() == 1).then_some(Facility(16 + number))
        };
        match name {
            "daemon" => Some(Facility::DAEMON),
            "user" => Some(Facility(1)),
            name => local(name.strip_prefix("local").unwrap_or(name)),
        }
    }
}

/// How much a line matters: the numbers of syslog(3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// `LOG_ERR`.
    Error = 3,
    /// `LOG_WARNING`.
    Warning = 4,
    /// `LOG_INFO`.
    Info = 6,
}

/// The way there. Nobody waits for it: what it cannot take is lost.
#[derive(Debug)]
pub struct Syslog {
    facility: Facility,
    socket: Option<UnixDatagram>,
}

impl Syslog {
    /// Opens it; where nobody listens yet, it is tried again with each line.
    pub fn open(facility: Facility) -> Self {
        let socket = connect().ok();
        Syslog { facility, socket }
    }

    /// Sends a line, of the process `id` of the program `name`.
    pub fn send(&mut self, severity: Severity, name: &str, id: u32, line: &str) {
        let priority = self.facility.0 * 8 + severity as u8;
        let time = clock::syslog_time();
        let text = format!("<{priority}>{time} {name}[{id}]: {line}");
        let sent = self
            .socket
            .as_ref()
            .map(|socket| socket.send(text.as_bytes()));
        match sent {
            Some(Ok(_)) => {}
            Some(Err(error)) if error.kind() == io::ErrorKind::WouldBlock => {}
            // syslogd was started again.
            _ => {
                self.socket = connect().ok();
                if let Some(socket) = &self.socket {
                    let _ = socket.send(text.as_bytes());
                }
            }
        }
    }
}

fn connect() -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    socket.connect(SOCKET)?;
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facilities_have_the_names_of_keepalived() {
        assert_eq!(Facility::named("daemon"), Some(Facility(3)));
        assert_eq!(Facility::named("user"), Some(Facility(1)));
        assert_eq!(Facility::named("local7"), Some(Facility(23)));
        assert_eq!(Facility::named("0"), Some(Facility(16)));
        for wrong in ["8", "local8", "local", "", "+1", "01", "kern"] {
            assert_eq!(Facility::named(wrong), None, "{wrong}");
        }
    }
}
