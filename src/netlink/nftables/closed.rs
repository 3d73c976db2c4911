//! Addresses that this host has and takes no packets for, to netlink messages:
//!
//! ```text
//! table ip lvs-closed-192.0.2.1 {
//!     chain input {
//!         type filter hook input priority filter - 1;
//!         ip daddr 192.0.2.1 drop
//!     }
//!     chain output {
//!         type filter hook output priority filter - 1;
//!         ip saddr 192.0.2.1 drop
//!     }
//! }
//! ```
//!
//! One of IPv6 still answers who asks for its MAC address.

use std::net::IpAddr;

use neli::consts::nl::NlmF;

use super::{
    DELETE_TABLE, EQUAL, NETWORK, NEW_CHAIN, NEW_RULE, NEW_TABLE, TABLE, compare, expression, load,
    load_protocol, push, transaction,
};
use crate::addr::Family;
use crate::netlink::Requests;

/// Of each chain its name, its `NF_INET_LOCAL_*`, and where IPv4 and IPv6 have the address.
const CHAINS: [(&str, u32, u32, u32); 2] = [("input", 1, 16, 24), ("output", 3, 12, 8)];

/// Just before the filter tables.
const PRIORITY: i32 = -1;

/// `NF_DROP`, `NF_ACCEPT`.
const DROP: u32 = 0;
const ACCEPT: u32 = 1;

fn name(address: &IpAddr) -> String {
    format!("lvs-closed-{address}").replace(':', "_")
}

/// Makes the table of an address: a transaction.
pub fn add(address: &IpAddr) -> Requests {
    let (name, family) = (name(address), Family::of(address));
    let create = NlmF::CREATE;
    transaction(|requests| {
        push(requests, NEW_TABLE, create, family, |table| {
            table.put_string(TABLE, &name);
        });
        for (chain_name, hook, ipv4, ipv6) in CHAINS {
            push(requests, NEW_CHAIN, create, family, |chain| {
                chain.put_string(TABLE, &name);
                chain.put_string(3, chain_name); // NFTA_CHAIN_NAME
                chain.nest(4, |attributes| {
                    attributes.put(1, &hook.to_be_bytes()); // NFTA_HOOK_HOOKNUM
                    attributes.put(2, &PRIORITY.to_be_bytes()); // NFTA_HOOK_PRIORITY
                });
                chain.put_string(7, "filter"); // NFTA_CHAIN_TYPE
            });
            let mut rule = |fill: &dyn Fn(&mut Requests)| {
                push(requests, NEW_RULE, create | NlmF::APPEND, family, |rule| {
                    rule.put_string(TABLE, &name);
                    rule.put_string(2, chain_name); // NFTA_RULE_CHAIN
                    rule.nest(4, fill); // NFTA_RULE_EXPRESSIONS
                });
            };
            match address {
                IpAddr::V4(own) => rule(&|list| {
                    load(list, NETWORK, ipv4, 4);
                    compare(list, EQUAL, &own.octets());
                    verdict(list, DROP);
                }),
                IpAddr::V6(own) => {
                    let own = own.octets();
                    rule(&|list| {
                        load(list, NETWORK, ipv6, 16);
                        compare(list, EQUAL, &own);
                        neighbours(list);
                        verdict(list, ACCEPT);
                    });
                    rule(&|list| {
                        load(list, NETWORK, ipv6, 16);
                        compare(list, EQUAL, &own);
                        verdict(list, DROP);
                    });
                }
            }
        }
    })
}

/// Removes the table of an address: a transaction.
pub fn remove(address: &IpAddr) -> Requests {
    transaction(|requests| {
        let family = Family::of(address);
        push(requests, DELETE_TABLE, NlmF::empty(), family, |table| {
            table.put_string(TABLE, &name(address));
        });
    })
}

/// Goes on only with a neighbour solicitation or advertisement (RFC 4861).
fn neighbours(list: &mut Requests) {
    /// The number of ICMPv6, and the types.
    const ICMP: u8 = 58;
    const SOLICITATION: u8 = 135;
    const ADVERTISEMENT: u8 = 136;
    /// `NFT_PAYLOAD_TRANSPORT_HEADER`.
    const TRANSPORT: u32 = 2;
    /// `NFT_CMP_LTE`, `NFT_CMP_GTE`.
    const AT_MOST: u32 = 3;
    const AT_LEAST: u32 = 5;
    load_protocol(list);
    compare(list, EQUAL, &[ICMP]);
    load(list, TRANSPORT, 0, 1);
    compare(list, AT_LEAST, &[SOLICITATION]);
    compare(list, AT_MOST, &[ADVERTISEMENT]);
}

fn verdict(list: &mut Requests, code: u32) {
    /// `NFT_REG_VERDICT`.
    const VERDICT: u32 = 0;
    expression(list, "immediate", |immediate| {
        immediate.put(1, &VERDICT.to_be_bytes()); // NFTA_IMMEDIATE_DREG
        immediate.nest(2, |data| {
            // NFTA_IMMEDIATE_DATA, NFTA_DATA_VERDICT, NFTA_VERDICT_CODE
            data.nest(2, |verdict| verdict.put(1, &code.to_be_bytes()));
        });
    });
}
