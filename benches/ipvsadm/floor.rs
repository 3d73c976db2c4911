//! The floor: what the kernel alone takes for the same exchanges over generic netlink.
//!
//! All messages are made beforehand and put into a file, the script; playing it sends them, waits
//! for the end of each answer, and looks at nothing in it. No program that speaks this interface
//! with one socket can be quicker.
//!
//! Sources: `linux/netlink.h`, `linux/genetlink.h`, `linux/ip_vs.h`.

use std::fs;
use std::io;
use std::net::Ipv4Addr;
use std::os::fd::AsRawFd;

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockProtocol, SockType, recv, send, socket,
};

use crate::table::{Destination, Service};

/// The kernel sizes the datagrams of a dump by this; see `lvskit::netlink::RECEIVE_BYTES`.
const RECEIVE_BYTES: usize = 8192 - 320;

/// As many bytes as the send buffer takes of one datagram, roughly (`net.core.wmem_default`).
const BATCH_BYTES: usize = 200_000;

/// `NLM_F_REQUEST`, `NLM_F_ACK`, `NLM_F_DUMP`.
const REQUEST: u16 = 1;
const ACK: u16 = 4;
const DUMP: u16 = 0x300;

/// `NLMSG_ERROR`, `NLMSG_DONE`.
const ERROR: u16 = 2;
const DONE: u16 = 3;

/// `IPVS_CMD_*`.
const NEW_SERVICE: u8 = 1;
const GET_SERVICE: u8 = 4;
const NEW_DEST: u8 = 5;
const SET_DEST: u8 = 6;
const GET_DEST: u8 = 8;

const TCP: u16 = 6;

/// Messages, one after the other. Those up to one that asks for an answer go out together.
pub struct Script {
    bytes: Vec<u8>,
    family: u16,
    /// Where the last message begins.
    last: usize,
    /// Where the run of messages begins that is not closed by one that asks for an answer.
    run: usize,
}

impl Script {
    /// A script that begins as a program does: it asks for the family of IPVS.
    pub fn new() -> io::Result<Self> {
        /// `GENL_ID_CTRL`, `CTRL_CMD_GETFAMILY`, `CTRL_ATTR_FAMILY_NAME`.
        const CONTROL: u16 = 0x10;
        const GET_FAMILY: u8 = 3;
        const FAMILY_NAME: u16 = 2;
        let mut script = Script {
            bytes: Vec::new(),
            family: CONTROL,
            last: 0,
            run: 0,
        };
        script.push(GET_FAMILY, ACK, &[attribute(FAMILY_NAME, b"IPVS\0")]);
        script.family = family_of(&exchange(&script.bytes)?).ok_or(io::ErrorKind::InvalidData)?;
        script.run = script.bytes.len();
        Ok(script)
    }

    /// Lists all services, then the destinations of each.
    pub fn list(mut self, services: &[Service]) -> Self {
        self.push(GET_SERVICE, DUMP, &[]);
        for service in services {
            self.push(GET_DEST, DUMP, &[service_id(service)]);
        }
        self
    }

    /// Adds all services and their destinations.
    pub fn restore(mut self, services: &[Service]) -> Self {
        for service in services {
            self.change(NEW_SERVICE, &[new_service(service)]);
            for destination in &service.destinations {
                self.change(
                    NEW_DEST,
                    &[service_id(service), new_destination(destination)],
                );
            }
        }
        self.close();
        self
    }

    /// Edits one destination.
    pub fn edit(mut self, service: &Service, destination: &Destination) -> Self {
        self.change(
            SET_DEST,
            &[service_id(service), new_destination(destination)],
        );
        self.close();
        self
    }

    /// Writes the script to a file for [`play`].
    pub fn write(&self, path: &str) -> io::Result<()> {
        fs::write(path, &self.bytes)
    }

    fn change(&mut self, command: u8, attributes: &[Vec<u8>]) {
        self.push(command, 0, attributes);
        if self.bytes.len() - self.run > BATCH_BYTES {
            self.close();
        }
    }

    /// Lets the last message ask for an acknowledgement, so that a run ends there.
    fn close(&mut self) {
        let flags = &mut self.bytes[self.last + 6..][..2];
        flags.copy_from_slice(&(REQUEST | ACK).to_ne_bytes());
        self.run = self.bytes.len();
    }

    fn push(&mut self, command: u8, flags: u16, attributes: &[Vec<u8>]) {
        let attributes = attributes.concat();
        self.last = self.bytes.len();
        let length = 20 + attributes.len() as u32;
        self.bytes.extend(length.to_ne_bytes());
        self.bytes.extend(self.family.to_ne_bytes());
        self.bytes.extend((REQUEST | flags).to_ne_bytes());
        self.bytes.extend([0; 8]); // sequence number, port
        self.bytes.extend([command, 1, 0, 0]);
        self.bytes.extend(attributes);
    }
}

/// Plays the script in a file.
pub fn play(path: &str) -> io::Result<()> {
    exchange(&fs::read(path)?).map(drop)
}

/// Sends all messages, and gives back the first datagram of the last answers.
fn exchange(script: &[u8]) -> io::Result<Vec<u8>> {
    let flags = SockFlag::SOCK_CLOEXEC;
    let protocol = SockProtocol::NetlinkGeneric;
    let socket = socket(AddressFamily::Netlink, SockType::Raw, flags, protocol)?;
    let socket = socket.as_raw_fd();
    let mut buffer = vec![0; RECEIVE_BYTES];
    let mut first = Vec::new();
    let mut rest = script;
    while !rest.is_empty() {
        let (datagram, after) = rest.split_at(run_length(rest));
        send(socket, datagram, MsgFlags::empty())?;
        let is_last = after.is_empty();
        let mut is_first = true;
        loop {
            let length = recv(socket, &mut buffer, MsgFlags::empty())?;
            if is_last && is_first {
                first = buffer[..length].to_vec();
                is_first = false;
            }
            if is_end(&buffer[..length])? {
                break;
            }
        }
        rest = after;
    }
    Ok(first)
}

/// How many bytes there are up to the end of the first message that asks for an answer.
fn run_length(script: &[u8]) -> usize {
    let mut end = 0;
    while end < script.len() {
        let flags = u16_at(script, end + 6);
        end += u32_at(script, end) as usize;
        if flags & (ACK | DUMP) != 0 {
            break;
        }
    }
    end
}

/// Whether a datagram is the last one of an answer: an acknowledgement, or a dump's end, which may
/// stand behind its last entry. Nothing in a script is to be refused.
fn is_end(datagram: &[u8]) -> io::Result<bool> {
    /// A header and an error number.
    const DONE_BYTES: usize = 20;
    let last = datagram.len() - DONE_BYTES;
    let is_done =
        u32_at(datagram, last) as usize == DONE_BYTES && u16_at(datagram, last + 4) == DONE;
    let is_error = u16_at(datagram, 4) == ERROR;
    let code = match (is_done, is_error) {
        (false, false) => return Ok(false),
        (true, _) => u32_at(datagram, last + 16),
        (_, true) => u32_at(datagram, 16),
    };
    match code as i32 {
        0 => Ok(true),
        code => Err(io::Error::from_raw_os_error(-code)),
    }
}

/// The message type in an answer to CTRL_CMD_GETFAMILY.
fn family_of(datagram: &[u8]) -> Option<u16> {
    /// `CTRL_ATTR_FAMILY_ID`.
    const FAMILY_ID: u16 = 1;
    let mut place = 20;
    while place + 4 < datagram.len() {
        if u16_at(datagram, place + 2) == FAMILY_ID {
            return Some(u16_at(datagram, place + 4));
        }
        place += usize::from(u16_at(datagram, place)).next_multiple_of(4);
    }
    None
}

fn u16_at(bytes: &[u8], place: usize) -> u16 {
    u16::from_ne_bytes([bytes[place], bytes[place + 1]])
}

fn u32_at(bytes: &[u8], place: usize) -> u32 {
    u32::from(u16_at(bytes, place)) | u32::from(u16_at(bytes, place + 2)) << 16
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut bytes = (4 + value.len() as u16).to_ne_bytes().to_vec();
    bytes.extend(kind.to_ne_bytes());
    bytes.extend(value);
    bytes.resize(bytes.len().next_multiple_of(4), 0);
    bytes
}

fn address(address: Ipv4Addr) -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&address.octets());
    bytes
}

/// `IPVS_CMD_ATTR_SERVICE` with `IPVS_SVC_ATTR_AF`, `PROTOCOL`, `ADDR`, `PORT`.
fn id_attributes(service: &Service) -> Vec<u8> {
    [
        attribute(1, &2u16.to_ne_bytes()),
        attribute(2, &TCP.to_ne_bytes()),
        attribute(3, &address(service.address)),
        attribute(4, &service.port.to_be_bytes()),
    ]
    .concat()
}

fn service_id(service: &Service) -> Vec<u8> {
    attribute(1, &id_attributes(service))
}

/// The same with `SCHED_NAME`, `FLAGS` (`IP_VS_SVC_F_PERSISTENT`), `TIMEOUT`, `NETMASK`.
fn new_service(service: &Service) -> Vec<u8> {
    let settings = [
        id_attributes(service),
        attribute(6, b"wrr\0"),
        attribute(7, &[1u32.to_ne_bytes(), [0xff; 4]].concat()),
        attribute(8, &300u32.to_ne_bytes()),
        attribute(9, &[0xff; 4]),
    ];
    attribute(1, &settings.concat())
}

/// `IPVS_CMD_ATTR_DEST` with `IPVS_DEST_ATTR_ADDR`, `PORT`, `FWD_METHOD` (route), `WEIGHT`,
/// `U_THRESH`, `L_THRESH`, `ADDR_FAMILY`.
fn new_destination(destination: &Destination) -> Vec<u8> {
    let settings = [
        attribute(1, &address(destination.address)),
        attribute(2, &destination.port.to_be_bytes()),
        attribute(3, &3u32.to_ne_bytes()),
        attribute(4, &destination.weight.to_ne_bytes()),
        attribute(5, &0u32.to_ne_bytes()),
        attribute(6, &0u32.to_ne_bytes()),
        attribute(11, &2u16.to_ne_bytes()),
    ];
    attribute(2, &settings.concat())
}
