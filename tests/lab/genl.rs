//! Just enough generic netlink to empty the table and to see whether it is empty, in the time in
//! which no process starts. On purpose apart from the library under test.

use std::os::fd::{AsRawFd, OwnedFd};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use crate::fail::{Context, Result};

const REQUEST_ACK: u16 = 0x5;
const DUMP: u16 = 0x300;
const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;

const CTRL: u16 = 0x10;
const CTRL_GETFAMILY: u8 = 3;
const CTRL_FAMILY_ID: u16 = 1;
const CTRL_FAMILY_NAME: u16 = 2;

// linux/ip_vs.h
const GET_SERVICE: u8 = 4;
const DEL_DAEMON: u8 = 10;
const GET_DAEMON: u8 = 11;
const SET_CONFIG: u8 = 12;
const GET_CONFIG: u8 = 13;
const FLUSH: u8 = 17;
const ATTR_DAEMON: u16 = 3;
const ATTR_TIMEOUT_TCP: u16 = 4;

/// Seconds for TCP, TCP after FIN, and UDP, as the kernel starts with.
const TIMEOUTS: [u32; 3] = [900, 120, 300];

type Attributes = Vec<(u16, Vec<u8>)>;

/// The IPVS table of the network namespace in which it was opened.
pub struct Table {
    socket: OwnedFd,
    family: u16,
    sequence: u32,
}

impl Table {
    /// Opens a connection; this makes the kernel load ip_vs if it can.
    pub fn open() -> Result<Self> {
        let protocol = SockProtocol::NetlinkGeneric;
        let socket = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            protocol,
        )
        .context("netlink")?;
        let mut table = Self {
            socket,
            family: CTRL,
            sequence: 0,
        };
        let replies = table.ask(
            CTRL_GETFAMILY,
            REQUEST_ACK,
            &attribute(CTRL_FAMILY_NAME, b"IPVS\0"),
        )?;
        let id = replies
            .iter()
            .flatten()
            .find(|(kind, _)| *kind == CTRL_FAMILY_ID);
        let id = id.and_then(|(_, value)| value.as_slice().try_into().ok());
        table.family = u16::from_ne_bytes(id.ok_or("the IPVS family has no number")?);
        Ok(table)
    }

    /// No services, no daemons, the default timeouts.
    pub fn reset(&mut self) -> Result {
        self.ask(FLUSH, REQUEST_ACK, &[])?;
        for daemon in self.daemons()? {
            // The first three attributes (state, interface, id) name it.
            let named: Vec<u8> = daemon
                .iter()
                .filter(|(kind, _)| *kind <= 3)
                .flat_map(|(kind, value)| attribute(*kind, value))
                .collect();
            self.ask(DEL_DAEMON, REQUEST_ACK, &attribute(ATTR_DAEMON, &named))?;
        }
        if self.timeouts()? != TIMEOUTS {
            let wanted: Vec<u8> = (ATTR_TIMEOUT_TCP..)
                .zip(TIMEOUTS)
                .flat_map(|(kind, seconds)| attribute(kind, &seconds.to_ne_bytes()))
                .collect();
            self.ask(SET_CONFIG, REQUEST_ACK, &wanted)?;
        }
        Ok(())
    }

    /// Whether it is as after a reset.
    pub fn is_reset(&mut self) -> Result<bool> {
        Ok(self.ask(GET_SERVICE, REQUEST_ACK | DUMP, &[])?.is_empty()
            && self.daemons()?.is_empty()
            && self.timeouts()? == TIMEOUTS)
    }

    fn daemons(&mut self) -> Result<Vec<Attributes>> {
        let replies = self.ask(GET_DAEMON, REQUEST_ACK | DUMP, &[])?;
        let nests = replies
            .into_iter()
            .flatten()
            .filter(|(kind, _)| *kind == ATTR_DAEMON);
        Ok(nests.map(|(_, nest)| attributes(&nest)).collect())
    }

    fn timeouts(&mut self) -> Result<Vec<u32>> {
        let replies = self.ask(GET_CONFIG, REQUEST_ACK, &[])?;
        replies
            .iter()
            .flatten()
            .map(|(_, value)| {
                value
                    .as_slice()
                    .try_into()
                    .map(u32::from_ne_bytes)
                    .context("timeout")
            })
            .collect()
    }

    /// Sends one request and takes the attributes of every reply to it.
    fn ask(&mut self, command: u8, flags: u16, payload: &[u8]) -> Result<Vec<Attributes>> {
        self.sequence += 1;
        let mut request = Vec::new();
        request.extend(
            u32::try_from(20 + payload.len())
                .context("length")?
                .to_ne_bytes(),
        );
        request.extend(self.family.to_ne_bytes());
        request.extend(flags.to_ne_bytes());
        request.extend(self.sequence.to_ne_bytes());
        request.extend([0; 4]); // to the kernel
        request.extend([command, 1, 0, 0]);
        request.extend(payload);
        send(self.socket.as_raw_fd(), &request, MsgFlags::empty()).context("netlink send")?;

        let mut replies = Vec::new();
        let mut buffer = vec![0; 1 << 16];
        loop {
            let length = recv(self.socket.as_raw_fd(), &mut buffer, MsgFlags::empty())
                .context("netlink receive")?;
            let mut rest = &buffer[..length];
            while let Some((kind, body, tail)) = message(rest) {
                rest = tail;
                match (kind, body) {
                    (NLMSG_DONE, _) => return Ok(replies),
                    (NLMSG_ERROR, &[a, b, c, d, ..]) => {
                        return match i32::from_ne_bytes([a, b, c, d]) {
                            0 => Ok(replies),
                            errno => Err(format!(
                                "netlink command {command}: {}",
                                Errno::from_raw(-errno)
                            )),
                        };
                    }
                    _ => replies.push(attributes(body.get(4..).unwrap_or_default())),
                }
            }
        }
    }
}

/// The first message: its type, its body, and what follows.
fn message(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let length = u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?) as usize;
    let kind = u16::from_ne_bytes(bytes.get(4..6)?.try_into().ok()?);
    let tail = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    Some((kind, bytes.get(16..length)?, tail))
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let length = 4 + value.len();
    let mut bytes = Vec::with_capacity(length.next_multiple_of(4));
    bytes.extend((length as u16).to_ne_bytes());
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(length.next_multiple_of(4), 0);
    bytes
}

fn attributes(mut bytes: &[u8]) -> Attributes {
    let mut found = Vec::new();
    while let &[a, b, c, d, ..] = bytes {
        let length = usize::from(u16::from_ne_bytes([a, b]));
        let Some(value) = bytes.get(4..length) else {
            break;
        };
        found.push((u16::from_ne_bytes([c, d]) & 0x3fff, value.to_vec()));
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    found
}
