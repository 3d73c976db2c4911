//! Requests as they are written: a run of messages in one buffer.

use neli::consts::nl::NlmF;

use super::{GENERIC_HEADER_BYTES, HEADER_BYTES};

/// Length of `struct nlattr`.
const ATTRIBUTE_HEADER_BYTES: usize = 4;

/// `NLA_F_NESTED`.
const NESTED: u16 = 0x8000;

/// Whether a request asks for (or does) one thing, or lists all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// One thing.
    Do,
    /// A dump.
    Dump,
}

/// Requests, ready to be sent one by one or as a batch.
#[derive(Debug, Default)]
pub struct Requests {
    /// The message type of [`push`](Requests::push).
    family: u16,
    bytes: Vec<u8>,
    /// Where each request begins.
    starts: Vec<usize>,
}

impl Requests {
    /// No requests yet, to the generic netlink family whose message type is `family`. (For other
    /// requests, which bring their message type along, begin with the default.)
    pub fn to(family: u16) -> Self {
        Requests {
            family,
            ..Self::default()
        }
    }

    /// How many requests there are.
    pub fn len(&self) -> usize {
        self.starts.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.starts.is_empty()
    }

    /// Forgets all requests and keeps the memory.
    pub fn clear(&mut self) {
        self.bytes.clear();
        self.starts.clear();
    }

    /// Adds the generic netlink request `command`, with the attributes that `fill` puts into it.
    pub fn push(&mut self, command: u8, kind: Kind, fill: impl FnOnce(&mut Self)) {
        /// Every generic netlink family that we speak to is at version 1.
        const VERSION: u8 = 1;
        let flags = match kind {
            Kind::Do => NlmF::empty(),
            Kind::Dump => NlmF::DUMP,
        };
        let header: [u8; GENERIC_HEADER_BYTES] = [command, VERSION, 0, 0];
        self.push_message(self.family, flags, &header, fill);
    }

    /// Adds a request of the type `kind` whose own header is `header`, with the attributes that
    /// `fill` puts into it. Of the `flags`, NLM_F_REQUEST and NLM_F_ACK are seen to here.
    pub fn push_message(
        &mut self,
        kind: u16,
        flags: NlmF,
        header: &[u8],
        fill: impl FnOnce(&mut Self),
    ) {
        let start = self.bytes.len();
        self.starts.push(start);
        let mut common = [0; HEADER_BYTES];
        common[4..6].copy_from_slice(&kind.to_ne_bytes());
        common[6..8].copy_from_slice(&(NlmF::REQUEST | flags).bits().to_ne_bytes());
        self.bytes.extend_from_slice(&common);
        self.bytes.extend_from_slice(header);
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
        fill(self);
        let length = (self.bytes.len() - start) as u32;
        self.bytes[start..start + 4].copy_from_slice(&length.to_ne_bytes());
    }

    /// Adds an attribute to the request that is being filled. Its length is part of its type, so
    /// that nothing is computed for it: a large restore puts more than a million of them.
    #[inline]
    pub fn put<const LENGTH: usize>(&mut self, kind: u16, value: &[u8; LENGTH]) {
        let length = ATTRIBUTE_HEADER_BYTES + LENGTH;
        let padding = length.next_multiple_of(4) - length;
        self.bytes.reserve(length + padding);
        self.bytes
            .extend_from_slice(&attribute_header(length, kind));
        self.bytes.extend_from_slice(value);
        self.bytes.extend_from_slice(&[0; 3][..padding]);
    }

    /// Adds a string attribute, with its NUL.
    pub fn put_string(&mut self, kind: u16, value: &str) {
        let length = ATTRIBUTE_HEADER_BYTES + value.len() + 1;
        self.bytes
            .extend_from_slice(&attribute_header(length, kind));
        self.bytes.extend_from_slice(value.as_bytes());
        self.bytes.push(0);
        // Each attribute begins at a multiple of four bytes.
        let padded = self.bytes.len().next_multiple_of(4);
        self.bytes.resize(padded, 0);
    }

    /// Adds an attribute that holds the attributes which `fill` puts into it.
    pub fn nest(&mut self, kind: u16, fill: impl FnOnce(&mut Self)) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(&[0; ATTRIBUTE_HEADER_BYTES]);
        fill(self);
        let header = attribute_header(self.bytes.len() - start, kind | NESTED);
        self.bytes[start..start + ATTRIBUTE_HEADER_BYTES].copy_from_slice(&header);
    }

    /// The end of the longest run of requests from `start` on that keeps within both limits; it
    /// holds at least one request.
    pub(super) fn fitting(&self, start: usize, bytes: usize, requests: usize) -> usize {
        let limit = self.starts[start] + bytes;
        let mut end = start + 1;
        while end < self.len() && end - start < requests && self.end(end) <= limit {
            end += 1;
        }
        end
    }

    /// Writes the sequence number into a request, and whether it asks for an acknowledgement.
    pub(super) fn seal(&mut self, index: usize, sequence: u32, acknowledge: bool) {
        let header = &mut self.bytes[self.starts[index]..][..HEADER_BYTES];
        let mut flags = u16::from_ne_bytes([header[6], header[7]]) & !NlmF::ACK.bits();
        if acknowledge {
            flags |= NlmF::ACK.bits();
        }
        header[6..8].copy_from_slice(&flags.to_ne_bytes());
        header[8..12].copy_from_slice(&sequence.to_ne_bytes());
    }

    /// The bytes of the requests `start..end`.
    pub(super) fn bytes(&self, start: usize, end: usize) -> &[u8] {
        &self.bytes[self.starts[start]..self.end(end - 1)]
    }

    fn end(&self, index: usize) -> usize {
        self.starts
            .get(index + 1)
            .copied()
            .unwrap_or(self.bytes.len())
    }
}

fn attribute_header(length: usize, kind: u16) -> [u8; ATTRIBUTE_HEADER_BYTES] {
    let [l0, l1] = (length as u16).to_ne_bytes();
    let [k0, k1] = kind.to_ne_bytes();
    [l0, l1, k0, k1]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_written_as_the_kernel_reads_it() {
        let mut requests = Requests::to(0x20);
        requests.push(4, Kind::Dump, |request| {
            request.nest(1, |service| service.put(1, &2u16.to_ne_bytes()));
        });
        requests.seal(0, 7, true);
        let expected = [
            32, 0, 0, 0, 0x20, 0, 5, 3, 7, 0, 0, 0, 0, 0, 0, 0, // nlmsghdr
            4, 1, 0, 0, // genlmsghdr
            12, 0, 1, 0x80, // nest
            6, 0, 1, 0, 2, 0, 0, 0, // attribute and padding
        ];
        assert_eq!(requests.bytes(0, 1), expected);
    }

    #[test]
    fn a_request_may_bring_its_own_type_flags_and_header() {
        let mut requests = Requests::default();
        let flags = NlmF::CREATE | NlmF::EXCL;
        requests.push_message(24, flags, &[2, 32, 0, 0, 0], |_| {});
        requests.seal(0, 7, false);
        let expected = [
            24, 0, 0, 0, 24, 0, 1, 6, 7, 0, 0, 0, 0, 0, 0, 0, // nlmsghdr
            2, 32, 0, 0, 0, 0, 0, 0, // its own, padded
        ];
        assert_eq!(requests.bytes(0, 1), expected);
    }

    #[test]
    fn a_run_keeps_within_both_limits_and_always_advances() {
        let mut requests = Requests::to(1);
        for _ in 0..5 {
            requests.push(1, Kind::Do, |_| {});
        }
        assert_eq!(requests.fitting(0, 40, 64), 2);
        assert_eq!(requests.fitting(0, 39, 64), 1);
        assert_eq!(requests.fitting(0, 1, 64), 1);
        assert_eq!(requests.fitting(3, 1000, 64), 5);
        assert_eq!(requests.fitting(0, 1000, 3), 3);
    }
}
