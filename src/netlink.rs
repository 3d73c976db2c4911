//! One netlink connection: ask for one thing, dump many, send a batch.
//!
//! The socket and the constants are neli's. Messages are read by our own code, over borrowed
//! bytes: a table of ten thousand destinations goes through it (neli copies each attribute), and
//! a length that comes from the other side is checked before it is used.
//!
//! Sources: `linux/netlink.h`, `linux/genetlink.h`, netlink(7); for [`route`] rtnetlink(7), for
//! [`nftables`] `linux/netfilter/nfnetlink.h`.

use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, IntoRawFd, OwnedFd};

use neli::consts::genl::{CtrlAttr, CtrlCmd};
use neli::consts::nl::{GenlId, NlmF, Nlmsg};
use neli::consts::socket::{Msg, NlFamily};
use neli::socket::NlSocket;
use neli::utils::Groups;

pub use attributes::{Attribute, Attributes, Malformed};
pub use request::{Kind, Requests};

mod attributes;
pub mod macvlan;
pub mod monitor;
pub mod nftables;
mod request;
pub mod route;

/// How many bytes of requests go out in one datagram. The kernel works through a datagram before
/// it returns, so this bounds what the send buffer must hold (212,992 bytes by default).
const DATAGRAM_BYTES: usize = 32 * 1024;

/// How many requests go out in one datagram. Each may be refused with an echo of itself, and all
/// these answers must fit into the receive buffer at once.
const DATAGRAM_REQUESTS: usize = 64;

/// How long a received datagram may be: the kernel sizes those of a dump by the reader's buffer
/// (`netlink_recvmsg` and `netlink_dump` in net/netlink/af_netlink.c).
///
/// With its overhead such a datagram takes 8 KiB there: enough for a dump of nearly twenty
/// destinations. Each dump takes two, and Debian's kernels clear them before use, so that larger
/// ones cost more than they save; smaller ones the kernel may not keep to (`NLMSG_GOODSIZE`).
pub const RECEIVE_BYTES: usize = 8192 - 320;

/// How often a dump is asked for when the kernel says that the table changed under the reader.
const DUMP_TRIES: usize = 4;

/// Length of `struct nlmsghdr`.
const HEADER_BYTES: usize = 16;

/// Length of `struct genlmsghdr`.
const GENERIC_HEADER_BYTES: usize = 4;

/// Why an exchange with the kernel failed.
#[derive(Debug)]
pub enum Error {
    /// The socket failed.
    Socket(io::Error),
    /// The kernel refused, with this (positive) errno.
    Refused(i32),
    /// The answer is not what the protocol promises.
    Malformed,
}

impl From<Malformed> for Error {
    fn from(_: Malformed) -> Self {
        Error::Malformed
    }
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        Error::Socket(error)
    }
}

/// An open netlink socket with its sequence numbers and its receive buffer.
pub struct Connection {
    socket: NlSocket,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Connection {
    /// Opens a generic netlink socket.
    pub fn generic() -> io::Result<Self> {
        Self::open(NlFamily::Generic)
    }

    /// Opens a socket for links, addresses and routes (rtnetlink(7)).
    pub fn route() -> io::Result<Self> {
        /// A link with many virtual functions fills more than a page, and is not cut in two.
        const RECEIVE_BYTES: usize = 32 * 1024;
        let mut connection = Self::open(NlFamily::Route)?;
        connection.buffer.resize(RECEIVE_BYTES, 0);
        Ok(connection)
    }

    /// Opens a socket that tells of every change of links and addresses, and does nothing else.
    pub fn route_notices() -> io::Result<Self> {
        Self::member_of(&monitor::GROUPS)
    }

    /// Opens a socket that tells of every change of routes and rules, and does nothing else.
    pub fn routing_notices() -> io::Result<Self> {
        Self::member_of(&monitor::ROUTING_GROUPS)
    }

    fn member_of(groups: &[u32]) -> io::Result<Self> {
        let connection = Self::route()?;
        let groups = Groups::new_groups(groups);
        connection.socket.add_mcast_membership(groups)?;
        Ok(connection)
    }

    /// Hands the messages of one datagram to `each`, if one is there; tells whether it was.
    pub fn receive_notices(
        &mut self,
        mut each: impl FnMut(&Message<'_>) -> Result<(), Malformed>,
    ) -> Result<bool, Error> {
        let received = self.receive_with(Msg::TRUNC | Msg::DONTWAIT, |message| Ok(each(&message)?));
        match received {
            Err(Error::Socket(error)) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
            received => received.map(|()| true),
        }
    }

    /// Opens a socket for nftables.
    pub fn netfilter() -> io::Result<Self> {
        Self::open(NlFamily::Netfilter)
    }

    fn open(family: NlFamily) -> io::Result<Self> {
        let socket = NlSocket::new(family)?;
        socket.bind(None, Groups::empty())?;
        Ok(Self::over(socket))
    }

    /// Speaks netlink over any socket that keeps datagrams apart, such as one end of a socket
    /// pair at whose other end a test plays the kernel.
    pub fn from_fd(fd: OwnedFd) -> Self {
        // SAFETY: the descriptor is open, and its ownership moves into the socket.
        Self::over(unsafe { NlSocket::from_raw_fd(fd.into_raw_fd()) })
    }

    fn over(socket: NlSocket) -> Self {
        Connection {
            socket,
            sequence: 0,
            buffer: vec![0; RECEIVE_BYTES],
        }
    }

    /// The message type of the generic netlink family `name` (`CTRL_CMD_GETFAMILY`).
    ///
    /// Asking makes the kernel load the module that has the family, where there is one.
    pub fn family(&mut self, name: &str) -> Result<u16, Error> {
        let mut request = Requests::to(GenlId::Ctrl.into());
        request.push(CtrlCmd::Getfamily.into(), Kind::Do, |request| {
            request.put_string(CtrlAttr::FamilyName.into(), name);
        });
        let mut family = None;
        self.ask(request, |attributes| {
            for attribute in attributes {
                let attribute = attribute?;
                if attribute.kind == u16::from(CtrlAttr::FamilyId) {
                    family = Some(attribute.u16()?);
                }
            }
            Ok(())
        })?;
        family.ok_or(Error::Malformed)
    }

    /// Sends one generic netlink request and hands the attributes of each answer to `each`.
    pub fn ask(
        &mut self,
        request: Requests,
        mut each: impl FnMut(Attributes<'_>) -> Result<(), Malformed>,
    ) -> Result<(), Error> {
        self.ask_messages(request, |message| each(message.generic()?))
    }

    /// Sends one request of any family and hands each answer to `each`.
    pub fn ask_messages(
        &mut self,
        mut request: Requests,
        each: impl FnMut(&Message<'_>) -> Result<(), Malformed>,
    ) -> Result<(), Error> {
        let sequence = self.send(&mut request, 0, 1)?;
        self.answers(sequence, each).map(drop)
    }

    /// Sends the generic netlink dump request that `request` makes and gathers what `each` makes
    /// of the entries' attributes; otherwise as [`dump_messages`](Self::dump_messages).
    pub fn dump<T>(
        &mut self,
        request: impl Fn() -> Requests,
        mut each: impl FnMut(Attributes<'_>) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, Error> {
        self.dump_messages(request, |message| each(message.generic()?))
    }

    /// Sends the dump request that `request` makes and gathers what `each` makes of the entries.
    ///
    /// When the kernel says that the table changed meanwhile (`NLM_F_DUMP_INTR`), the dump is
    /// asked for again, a few times; a table that never rests is given as it was last read.
    pub fn dump_messages<T>(
        &mut self,
        request: impl Fn() -> Requests,
        mut each: impl FnMut(&Message<'_>) -> Result<Option<T>, Malformed>,
    ) -> Result<Vec<T>, Error> {
        let mut tries = 0;
        loop {
            tries += 1;
            let mut entries = Vec::with_capacity(16);
            let sequence = self.send(&mut request(), 0, 1)?;
            let steady = self.answers(sequence, |message| {
                entries.extend(each(message)?);
                Ok(())
            })?;
            if steady || tries == DUMP_TRIES {
                return Ok(entries);
            }
        }
    }

    /// Sends all `requests`, in order and in as few datagrams as is safe, and gives back an
    /// outcome for each. One that is refused does not keep the next from being carried out.
    ///
    /// # Errors
    /// When the socket fails; what was sent before may have been carried out.
    pub fn batch(&mut self, requests: &mut Requests) -> Result<Vec<Result<(), Error>>, Error> {
        let mut outcomes = Vec::with_capacity(requests.len());
        while outcomes.len() < requests.len() {
            let start = outcomes.len();
            let end = requests.fitting(start, DATAGRAM_BYTES, DATAGRAM_REQUESTS);
            let first = self.sequence.wrapping_add(1);
            let last = self.send(requests, start, end)?;
            outcomes.resize_with(end, || Ok(()));
            let mut answered = false;
            while !answered {
                self.receive(|message| {
                    let index = message.sequence.wrapping_sub(first) as usize;
                    if index < end - start && message.kind == u16::from(Nlmsg::Error) {
                        outcomes[start + index] = message.outcome();
                        answered |= message.sequence == last;
                    }
                    Ok(())
                })?;
            }
        }
        Ok(outcomes)
    }

    /// Sends a transaction of nftables, which is carried out as a whole or not at all: requests
    /// between one that begins it and one that ends it. There is at least one between them.
    ///
    /// # Errors
    /// The first refusal. One of the whole is told as one of its beginning.
    pub fn transaction(&mut self, mut requests: Requests) -> Result<(), Error> {
        let first = self.sequence.wrapping_add(1);
        let count = requests.len();
        // Whether its end is acknowledged depends on the kernel: the last one before it is.
        let last = self.send_acknowledged(&mut requests, 0, count, count - 2)?;
        let mut outcome = Ok(());
        let mut ended = false;
        while !ended {
            self.receive(|message| {
                let index = message.sequence.wrapping_sub(first) as usize;
                if index < count && message.kind == u16::from(Nlmsg::Error) {
                    ended |= index == 0 || message.sequence == last;
                    if outcome.is_ok() {
                        outcome = message.outcome();
                    }
                }
                Ok(())
            })?;
        }
        outcome
    }

    /// Numbers and sends the requests `start..end`; returns the last one's sequence number.
    ///
    /// Only the last asks for an acknowledgement: a refusal is answered in any case, and
    /// hundreds of acknowledgements would overflow the receive buffer (ENOBUFS).
    fn send(&mut self, requests: &mut Requests, start: usize, end: usize) -> Result<u32, Error> {
        self.send_acknowledged(requests, start, end, end - 1)
    }

    /// The same, where it is the request `asking` that asks for an acknowledgement; returns the
    /// sequence number of that one.
    fn send_acknowledged(
        &mut self,
        requests: &mut Requests,
        start: usize,
        end: usize,
        asking: usize,
    ) -> Result<u32, Error> {
        let mut acknowledged = 0;
        for index in start..end {
            self.sequence = self.sequence.wrapping_add(1);
            requests.seal(index, self.sequence, index == asking);
            if index == asking {
                acknowledged = self.sequence;
            }
        }
        let bytes = requests.bytes(start, end);
        loop {
            match self.socket.send(bytes, Msg::empty()) {
                Ok(sent) if sent == bytes.len() => return Ok(acknowledged),
                Ok(_) => return Err(Error::Socket(io::ErrorKind::WriteZero.into())),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Reads the answers to request `sequence` until its end; tells whether the table held still.
    fn answers(
        &mut self,
        sequence: u32,
        mut each: impl FnMut(&Message<'_>) -> Result<(), Malformed>,
    ) -> Result<bool, Error> {
        let mut steady = true;
        let mut ended = false;
        while !ended {
            self.receive(|message| {
                if message.sequence != sequence {
                    // The rest of an answer that was given up.
                    return Ok(());
                }
                steady &= message.flags & NlmF::DUMP_INTR.bits() == 0;
                if message.kind == u16::from(Nlmsg::Error) || message.kind == u16::from(Nlmsg::Done)
                {
                    ended = true;
                    message.outcome()
                } else {
                    Ok(each(&message)?)
                }
            })?;
        }
        Ok(steady)
    }

    /// Reads one datagram and hands its messages to `each`.
    fn receive(&mut self, each: impl FnMut(Message<'_>) -> Result<(), Error>) -> Result<(), Error> {
        self.receive_with(Msg::TRUNC, each)
    }

    fn receive_with(
        &mut self,
        flags: Msg,
        mut each: impl FnMut(Message<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let length = loop {
            // With MSG_TRUNC the kernel tells the true length of a datagram that was cut.
            match self.socket.recv(&mut self.buffer[..], flags) {
                Ok((0, _)) => return Err(Error::Socket(io::ErrorKind::UnexpectedEof.into())),
                Ok((length, _)) => break length,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        };
        let mut rest = self.buffer.get(..length).ok_or(Malformed)?;
        while !rest.is_empty() {
            let (message, after) = Message::split(rest)?;
            each(message)?;
            rest = after;
        }
        Ok(())
    }
}

impl AsFd for Connection {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: the socket is open as long as the connection is there.
        unsafe { BorrowedFd::borrow_raw(self.socket.as_raw_fd()) }
    }
}

/// One received message: what `struct nlmsghdr` says, and the bytes behind it.
pub struct Message<'a> {
    /// The message type.
    pub kind: u16,
    flags: u16,
    sequence: u32,
    payload: &'a [u8],
}

impl<'a> Message<'a> {
    /// Takes the first message off `bytes`.
    fn split(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), Malformed> {
        let (header, _) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(Malformed)?;
        let [l0, l1, l2, l3, k0, k1, f0, f1, s0, s1, s2, s3, ..] = *header;
        let length = u32::from_ne_bytes([l0, l1, l2, l3]) as usize;
        let payload = bytes.get(HEADER_BYTES..length).ok_or(Malformed)?;
        let message = Message {
            kind: u16::from_ne_bytes([k0, k1]),
            flags: u16::from_ne_bytes([f0, f1]),
            sequence: u32::from_ne_bytes([s0, s1, s2, s3]),
            payload,
        };
        let next = length.next_multiple_of(4).min(bytes.len());
        Ok((message, &bytes[next..]))
    }

    /// The header of `N` bytes that the message type puts first, and the attributes behind it.
    pub fn header<const N: usize>(&self) -> Result<([u8; N], Attributes<'a>), Malformed> {
        let (header, rest) = self.payload.split_first_chunk().ok_or(Malformed)?;
        Ok((*header, Attributes::new(rest)))
    }

    /// The attributes behind a `struct genlmsghdr`, which itself says nothing new.
    fn generic(&self) -> Result<Attributes<'a>, Malformed> {
        let (_, attributes) = self.header::<GENERIC_HEADER_BYTES>()?;
        Ok(attributes)
    }

    /// What an NLMSG_ERROR or NLMSG_DONE says: its first four bytes are 0 or a negative errno.
    /// A DONE of a kernel before 4.20 may have none.
    fn outcome(&self) -> Result<(), Error> {
        match self.payload.first_chunk() {
            None if self.kind == u16::from(Nlmsg::Done) => Ok(()),
            None => Err(Error::Malformed),
            Some(&code) => match i32::from_ne_bytes(code) {
                code @ i32::MIN..=-1 => Err(Error::Refused(code.saturating_neg())),
                _ => Ok(()),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;

    fn header(length: u32) -> Vec<u8> {
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend([2, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0]);
        bytes
    }

    #[test]
    fn a_message_length_outside_the_datagram_is_malformed() {
        for length in [0, 1, 15, 17, 21, u32::MAX] {
            let mut bytes = header(length);
            if length > 16 {
                bytes.extend([0; 4][..(length.min(20) as usize - 17)].iter());
            }
            assert!(Message::split(&bytes).is_err(), "{length}");
        }
    }

    #[test]
    fn the_last_message_may_lack_its_padding() {
        let mut bytes = header(17);
        bytes.push(1);
        let (message, rest) = Message::split(&bytes).unwrap();
        assert_eq!((message.payload, rest), (&[1][..], &[][..]));
    }

    #[test]
    fn an_error_code_is_read_as_a_negative_errno() {
        let outcome = |kind: Nlmsg, payload: &[u8]| {
            let message = Message {
                kind: kind.into(),
                flags: 0,
                sequence: 0,
                payload,
            };
            message.outcome()
        };
        let refused = (-3i32).to_ne_bytes();
        assert!(matches!(
            outcome(Nlmsg::Error, &refused),
            Err(Error::Refused(3))
        ));
        assert!(matches!(
            outcome(Nlmsg::Done, &refused),
            Err(Error::Refused(3))
        ));
        assert!(outcome(Nlmsg::Error, &[0; 4]).is_ok());
        assert!(outcome(Nlmsg::Done, &[]).is_ok());
        assert!(matches!(outcome(Nlmsg::Error, &[0]), Err(Error::Malformed)));
    }

    /// What a transaction of two requests comes to (they have the numbers 2 and 3, between its
    /// beginning and its end) when the kernel gives these answers: a number and an errno.
    fn transaction(answers: &[(u32, i32)]) -> Result<(), Error> {
        let (ours, kernels) = UnixDatagram::pair().unwrap();
        for (sequence, errno) in answers {
            let mut answer = header(20);
            answer[8..12].copy_from_slice(&sequence.to_ne_bytes());
            answer.extend((-errno).to_ne_bytes());
            kernels.send(&answer).unwrap();
        }
        let mut requests = Requests::default();
        for kind in [16, 0, 0, 17] {
            requests.push_message(kind, NlmF::empty(), &[0; 4], |_| {});
        }
        let outcome = Connection::from_fd(ours.into()).transaction(requests);
        let mut sent = [0; 256];
        assert_eq!(kernels.recv(&mut sent).unwrap(), 4 * 20);
        let asks = |index: usize| sent[index * 20 + 6] & NlmF::ACK.bits() as u8 != 0;
        assert_eq!([0, 1, 2, 3].map(asks), [false, false, true, false]);
        outcome
    }

    #[test]
    fn a_transaction_is_done_when_all_of_it_is() {
        assert!(transaction(&[(3, 0)]).is_ok());
        // Newer kernels acknowledge the end too, which nobody waits for.
        assert!(transaction(&[(3, 0), (4, 0)]).is_ok());
        for answers in [&[(2, 17), (3, 0)][..], &[(3, 17)], &[(1, 17)]] {
            let outcome = transaction(answers);
            assert!(matches!(outcome, Err(Error::Refused(17))), "{answers:?}");
        }
    }
}
