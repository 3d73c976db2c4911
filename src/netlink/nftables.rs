//! The rules of nftables that are made here, to netlink messages; the only files that know their
//! layout. Sources: `linux/netfilter/nfnetlink.h`, `linux/netfilter/nf_tables.h`.
//!
//! A table holds one rule, and its name says all that it does, so that it can be told from others
//! and found again; another holds what [`closed`] makes:
//!
//! ```text
//! table ip lvs-mss-1440-192.0.2.1 {
//!     chain output {
//!         type filter hook output priority mangle;
//!         ip saddr 192.0.2.1 tcp flags syn tcp option maxseg size set 1440
//!     }
//! }
//! ```

use std::fmt;
use std::net::IpAddr;

use neli::consts::nl::NlmF;

use super::{Malformed, Message, Requests};
use crate::addr::Family;

pub mod closed;

/// Length of `struct nfgenmsg`.
const HEADER_BYTES: usize = 4;

/// `NFNL_SUBSYS_NFTABLES`.
const SUBSYSTEM: u8 = 10;

/// `NFNL_MSG_BATCH_*`.
const BATCH_BEGIN: u16 = 16;
const BATCH_END: u16 = 17;

/// `NFT_MSG_*`.
const NEW_TABLE: u8 = 0;
const GET_TABLE: u8 = 1;
const DELETE_TABLE: u8 = 2;
const NEW_CHAIN: u8 = 3;
const NEW_RULE: u8 = 6;

/// `NFTA_TABLE_NAME`, `NFTA_CHAIN_TABLE` and `NFTA_RULE_TABLE`.
const TABLE: u16 = 1;

/// The register that all values go through (`NFT_REG_1`).
const REGISTER: u32 = 1;

/// `NFT_PAYLOAD_NETWORK_HEADER`.
const NETWORK: u32 = 1;

/// `NFT_CMP_EQ`.
const EQUAL: u32 = 0;

/// The name of the chain.
const CHAIN: &str = "output";

/// How every name of a table begins.
const PREFIX: &str = "lvs-mss-";

/// The longest name of a table.
const LONGEST_NAME: usize = 255;

/// A limit to the segments that TCP peers of an address send: the MSS that is told them in a SYN is
/// lowered to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Clamp {
    /// The address on this host.
    pub vip: IpAddr,
    /// The bytes of a segment, without the headers of TCP and IP.
    pub size: u16,
}

impl Clamp {
    /// The clamp of the table of this name, if it is one of ours. An underscore stands for a colon,
    /// which nft(8) would not take.
    fn from_name(name: &str) -> Option<Self> {
        let (size, vip) = name.strip_prefix(PREFIX)?.split_once('-')?;
        Some(Clamp {
            vip: vip.replace('_', ":").parse().ok()?,
            size: size.parse().ok()?,
        })
    }

    fn name(&self) -> String {
        format!("{PREFIX}{}-{}", self.size, self.vip).replace(':', "_")
    }
}

impl fmt::Display for Clamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the MSS of {} to {}", self.vip, self.size)
    }
}

/// Asks for all tables.
pub fn get_tables() -> Requests {
    let mut request = Requests::default();
    let kind = kind(GET_TABLE);
    request.push_message(kind, NlmF::DUMP, &[0; HEADER_BYTES], |_| {});
    request
}

/// Reads a table; only one of ours is of interest.
pub fn read_table(message: &Message<'_>) -> Result<Option<Clamp>, Malformed> {
    let (_, attributes) = message.header::<HEADER_BYTES>()?;
    for attribute in attributes {
        let attribute = attribute?;
        if attribute.kind == TABLE {
            return Ok(Clamp::from_name(&attribute.string(LONGEST_NAME)?));
        }
    }
    Err(Malformed)
}

/// Makes the table of a clamp: a transaction.
pub fn add(clamp: &Clamp) -> Requests {
    /// `NF_INET_LOCAL_OUT`, and the priority of the mangle tables.
    const HOOK: (u32, i32) = (3, -150);
    let (name, family) = (clamp.name(), Family::of(&clamp.vip));
    transaction(|requests| {
        let create = NlmF::CREATE;
        push(requests, NEW_TABLE, create, family, |table| {
            table.put_string(TABLE, &name);
        });
        push(requests, NEW_CHAIN, create, family, |chain| {
            chain.put_string(TABLE, &name);
            chain.put_string(3, CHAIN); // NFTA_CHAIN_NAME
            chain.nest(4, |hook| {
                hook.put(1, &HOOK.0.to_be_bytes()); // NFTA_HOOK_HOOKNUM
                hook.put(2, &HOOK.1.to_be_bytes()); // NFTA_HOOK_PRIORITY
            });
            chain.put_string(7, "filter"); // NFTA_CHAIN_TYPE
        });
        push(requests, NEW_RULE, create | NlmF::APPEND, family, |rule| {
            rule.put_string(TABLE, &name);
            rule.put_string(2, CHAIN); // NFTA_RULE_CHAIN
            rule.nest(4, |list| expressions(list, clamp)); // NFTA_RULE_EXPRESSIONS
        });
    })
}

/// Removes the table of a clamp: a transaction.
pub fn remove(clamp: &Clamp) -> Requests {
    let family = Family::of(&clamp.vip);
    transaction(|requests| {
        push(requests, DELETE_TABLE, NlmF::empty(), family, |table| {
            table.put_string(TABLE, &clamp.name());
        });
    })
}

/// A SYN of TCP from the address gets the size as its MSS, if it has a larger one.
fn expressions(list: &mut Requests, clamp: &Clamp) {
    /// The number of TCP, its header's byte of flags, and the flag in it.
    const TCP: u8 = 6;
    const TCP_FLAGS: u32 = 13;
    const SYN: u8 = 2;
    /// `NFT_PAYLOAD_TRANSPORT_HEADER`.
    const TRANSPORT: u32 = 2;
    /// `NFT_CMP_NEQ`.
    const UNEQUAL: u32 = 1;
    // Where an IP header has its source.
    match clamp.vip {
        IpAddr::V4(vip) => {
            load(list, NETWORK, 12, 4);
            compare(list, EQUAL, &vip.octets());
        }
        IpAddr::V6(vip) => {
            load(list, NETWORK, 8, 16);
            compare(list, EQUAL, &vip.octets());
        }
    }
    load_protocol(list);
    compare(list, EQUAL, &[TCP]);
    load(list, TRANSPORT, TCP_FLAGS, 1);
    expression(list, "bitwise", |bitwise| {
        bitwise.put(1, &REGISTER.to_be_bytes()); // NFTA_BITWISE_SREG
        bitwise.put(2, &REGISTER.to_be_bytes()); // NFTA_BITWISE_DREG
        bitwise.put(3, &1u32.to_be_bytes()); // NFTA_BITWISE_LEN
        value(bitwise, 4, &[SYN]); // NFTA_BITWISE_MASK
        value(bitwise, 5, &[0]); // NFTA_BITWISE_XOR
    });
    compare(list, UNEQUAL, &[0]);
    expression(list, "immediate", |immediate| {
        immediate.put(1, &REGISTER.to_be_bytes()); // NFTA_IMMEDIATE_DREG
        value(immediate, 2, &clamp.size.to_be_bytes()); // NFTA_IMMEDIATE_DATA
    });
    expression(list, "exthdr", |option| {
        /// The kind of the option, where in it the size is, and its length.
        const MAXIMUM_SEGMENT: (u8, u32, u32) = (2, 2, 2);
        /// `NFT_EXTHDR_OP_TCPOPT`. The kernel lets a size only be lowered.
        const TCP_OPTION: u32 = 1;
        option.put(2, &[MAXIMUM_SEGMENT.0]); // NFTA_EXTHDR_TYPE
        option.put(3, &MAXIMUM_SEGMENT.1.to_be_bytes()); // NFTA_EXTHDR_OFFSET
        option.put(4, &MAXIMUM_SEGMENT.2.to_be_bytes()); // NFTA_EXTHDR_LEN
        option.put(6, &TCP_OPTION.to_be_bytes()); // NFTA_EXTHDR_OP
        option.put(7, &REGISTER.to_be_bytes()); // NFTA_EXTHDR_SREG
    });
}

/// Loads the number of the protocol above IP.
fn load_protocol(list: &mut Requests) {
    /// `NFT_META_L4PROTO`.
    const L4_PROTOCOL: u32 = 16;
    expression(list, "meta", |meta| {
        meta.put(1, &REGISTER.to_be_bytes()); // NFTA_META_DREG
        meta.put(2, &L4_PROTOCOL.to_be_bytes()); // NFTA_META_KEY
    });
}

/// Loads bytes of a header.
fn load(list: &mut Requests, base: u32, offset: u32, length: u32) {
    expression(list, "payload", |payload| {
        payload.put(1, &REGISTER.to_be_bytes()); // NFTA_PAYLOAD_DREG
        payload.put(2, &base.to_be_bytes()); // NFTA_PAYLOAD_BASE
        payload.put(3, &offset.to_be_bytes()); // NFTA_PAYLOAD_OFFSET
        payload.put(4, &length.to_be_bytes()); // NFTA_PAYLOAD_LEN
    });
}

/// Goes on only when what was loaded is so.
fn compare<const LENGTH: usize>(list: &mut Requests, how: u32, with: &[u8; LENGTH]) {
    expression(list, "cmp", |cmp| {
        cmp.put(1, &REGISTER.to_be_bytes()); // NFTA_CMP_SREG
        cmp.put(2, &how.to_be_bytes()); // NFTA_CMP_OP
        value(cmp, 3, with); // NFTA_CMP_DATA
    });
}

fn expression(list: &mut Requests, name: &str, fill: impl FnOnce(&mut Requests)) {
    // NFTA_LIST_ELEM, NFTA_EXPR_NAME, NFTA_EXPR_DATA
    list.nest(1, |element| {
        element.put_string(1, name);
        element.nest(2, fill);
    });
}

fn value<const LENGTH: usize>(request: &mut Requests, attribute: u16, bytes: &[u8; LENGTH]) {
    request.nest(attribute, |data| data.put(1, bytes)); // NFTA_DATA_VALUE
}

fn transaction(fill: impl FnOnce(&mut Requests)) -> Requests {
    let header = [0, 0, 0, SUBSYSTEM];
    let mut requests = Requests::default();
    requests.push_message(BATCH_BEGIN, NlmF::empty(), &header, |_| {});
    fill(&mut requests);
    requests.push_message(BATCH_END, NlmF::empty(), &header, |_| {});
    requests
}

fn push(
    requests: &mut Requests,
    message: u8,
    flags: NlmF,
    family: Family,
    fill: impl FnOnce(&mut Requests),
) {
    // Its protocol families have the numbers of the address families.
    let header = [family as u8, 0, 0, 0];
    requests.push_message(kind(message), flags, &header, fill);
}

fn kind(message: u8) -> u16 {
    u16::from_be_bytes([SUBSYSTEM, message])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_a_table_says_what_it_does() {
        for (vip, name) in [
            ("192.0.2.1", "lvs-mss-1440-192.0.2.1"),
            ("2001:db8::1", "lvs-mss-1440-2001_db8__1"),
        ] {
            let clamp = Clamp {
                vip: vip.parse().unwrap(),
                size: 1440,
            };
            assert_eq!(clamp.name(), name);
            assert_eq!(Clamp::from_name(name), Some(clamp));
        }
        for name in ["filter", "lvs-mss-", "lvs-mss-1440", "lvs-mss-1440-x"] {
            assert_eq!(Clamp::from_name(name), None, "{name}");
        }
    }
}
