//! The rows of virtual and real servers.

use super::{Block, Keyword, row};
use crate::conf::value::Kind::{self, *};

const V: &[Block] = &[Block::VirtualServer];
const R: &[Block] = &[Block::RealServer];
const VR: &[Block] = &[Block::VirtualServer, Block::RealServer];

/// The longest time of a 64 bit number of microseconds.
pub const ANY_TIME: Kind = Seconds(1, u64::MAX - 1);
/// As `ANY_TIME`, or none.
pub const ANY_TIME_OR_NONE: Kind = Seconds(0, u64::MAX - 1);
const SCHEDULERS: Kind = Choice(&[
    "rr", "wrr", "lc", "wlc", "lblc", "sh", "mh", "dh", "fo", "ovf", "lblcr", "sed", "nq", "twos",
]);
const U32_OR_MORE: i64 = 4_294_967_295;

#[rustfmt::skip]
pub(super) const SERVERS: &[Keyword] = &[
    row(V, "lb_algo", SCHEDULERS, "wlc, with a warning", "The scheduler"),
    row(V, "lvs_sched", SCHEDULERS, "", "As lb_algo"),
    row(V, "lb_kind", Forwarding, "NAT, with a warning", "How packets reach real servers"),
    row(V, "lvs_method", Forwarding, "", "As lb_kind"),
    row(R, "lvs_method", Forwarding, "that of the virtual server", "How packets reach it"),
    row(V, "protocol", AnyCase(&["TCP", "UDP", "SCTP"]), "UDP, with a warning", "The protocol; a mark has none"),
    row(V, "flag-1", Flag, "", "A flag of the scheduler"),
    row(V, "flag-2", Flag, "", "A flag of the scheduler"),
    row(V, "flag-3", Flag, "", "A flag of the scheduler"),
    row(V, "sh-port", Flag, "", "Source hashing takes the port too"),
    row(V, "sh-fallback", Flag, "", "Source hashing goes on where a server is away"),
    row(V, "mh-port", Flag, "", "Maglev hashing takes the port too"),
    row(V, "mh-fallback", Flag, "", "Maglev hashing goes on where a server is away"),
    row(V, "hashed", Flag, "", "The old word for sh-port"),
    row(V, "ops", Flag, "", "Each packet is scheduled by itself (UDP)"),
    row(V, "persistence_timeout", Number(1, 2_678_400), "off; 360 without a number", "A client stays with its server for so many seconds").may(),
    row(V, "persistence_granularity", Netmask, "each client by itself", "Which clients count as one"),
    row(V, "persistence_engine", Text, "", "The persistence engine, as sip"),
    row(VR, "delay_loop", ANY_TIME, "60", "The time between two checks"),
    row(VR, "retry", Number(1, U32_OR_MORE), "that of the checker", "How many more checks must fail"),
    row(VR, "delay_before_retry", ANY_TIME_OR_NONE, "that of the checker", "The time between those"),
    row(VR, "connect_timeout", Seconds(1, 4_294_967_295), "5", "How long a connection may take"),
    row(VR, "warmup", ANY_TIME_OR_NONE, "delay_loop", "The first check comes within this time, at random"),
    row(V, "weight", Number(1, 2_147_483_647), "1", "The weight of real servers that have none"),
    row(R, "weight", Number(0, 2_147_483_647), "1", "Its share of the connections"),
    row(V, "inhibit_on_failure", Flag, "", "A real server that fails gets weight 0 and stays"),
    row(R, "inhibit_on_failure", Switch, "that of the virtual server", "The same for this one"),
    row(V, "alpha", Flag, "", "Real servers are down until they are checked"),
    row(R, "alpha", Switch, "that of the virtual server", "The same for this one"),
    row(V, "omega", Flag, "", "Run notify_down and quorum_down at the end"),
    row(V, "quorum", Number(1, U32_OR_MORE), "1", "The sum of weights that must be up"),
    row(V, "hysteresis", Number(0, U32_OR_MORE), "0", "The quorum is gained so much above it, and lost so much below"),
    row(V, "quorum_up", Command, "", "Run when the quorum is gained").once(),
    row(V, "quorum_down", Command, "", "Run when the quorum is lost").once(),
    row(V, "ha_suspend", Flag, "", "Check only while the address is on this machine"),
    row(V, "sorry_server", Server, "", "Takes the place of all real servers while the quorum is lost"),
    row(V, "sorry_server_inhibit", Flag, "", "It stays in the table with weight 0"),
    row(V, "sorry_server_lvs_method", Forwarding, "that of the virtual server", "How packets reach it"),
    row(VR, "virtualhost", Text, "the address of the real server", "The name that HTTP checks ask for").mild(),
    row(V, "smtp_alert", Switch, "off", "Mail when the quorum changes"),
    row(R, "smtp_alert", Switch, "on, unless global_defs says otherwise", "Mail when it comes or goes"),
    row(VR, "snmp_name", Text, "", "Its name in SNMP").mild().not("SNMP"),
    row(V, "ip_family", Choice(&["inet", "inet6"]), "inet", "The family of a mark"),
    row(V, "real_server", Server, "", "A real server").block(Block::RealServer),
    row(R, "uthreshold", Number(0, U32_OR_MORE), "0", "It takes no more connections than these; 0 for any number"),
    row(R, "lthreshold", Number(0, U32_OR_MORE), "0", "And takes new ones below this"),
    row(R, "notify_up", Command, "", "Run when it comes").once(),
    row(R, "notify_down", Command, "", "Run when it goes").once(),
    row(R, "TCP_CHECK", Flag, "", "A connection must come about").block(Block::Tcp),
    row(R, "HTTP_GET", Flag, "", "Pages must come as they should").block(Block::Http),
    row(R, "SSL_GET", Flag, "", "The same over TLS").block(Block::Ssl),
    row(R, "SMTP_CHECK", Flag, "", "A mail server must greet").block(Block::Smtp),
    row(R, "DNS_CHECK", Flag, "", "A name server must answer").block(Block::Dns),
    row(R, "MISC_CHECK", Flag, "", "A program must end with 0").block(Block::Misc),
    row(R, "UDP_CHECK", Flag, "", "A datagram must not be refused, or be answered").block(Block::Udp),
    row(R, "PING_CHECK", Flag, "", "An echo must come back").block(Block::Ping),
    row(R, "FILE_CHECK", Flag, "", "A track_file must say so").block(Block::File),
    row(R, "BFD_CHECK", Flag, "", "A BFD session must be up").block(Block::BfdCheck).not("BFD"),
];
