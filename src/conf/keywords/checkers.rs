//! The rows of checkers.

use super::servers::{ANY_TIME, ANY_TIME_OR_NONE};
use super::{Block, Keyword, row};
use crate::conf::value::Kind::*;

/// Those that connect.
const C: &[Block] = &[
    Block::Tcp,
    Block::Http,
    Block::Ssl,
    Block::Smtp,
    Block::SmtpHost,
    Block::Dns,
    Block::Udp,
    Block::Ping,
];
/// Those that check again and again. In a `host` it counts for its SMTP_CHECK.
const A: &[Block] = &[
    Block::Tcp,
    Block::Http,
    Block::Ssl,
    Block::Smtp,
    Block::SmtpHost,
    Block::Dns,
    Block::Udp,
    Block::Ping,
    Block::Misc,
];
const ALPHA: &[Block] = &[
    Block::Tcp,
    Block::Http,
    Block::Ssl,
    Block::Smtp,
    Block::SmtpHost,
    Block::Dns,
    Block::Udp,
    Block::Ping,
    Block::Misc,
    Block::BfdCheck,
];
const H: &[Block] = &[Block::Http, Block::Ssl];
const U: &[Block] = &[Block::Url];
const S: &[Block] = &[Block::Smtp];
const D: &[Block] = &[Block::Dns];
const M: &[Block] = &[Block::Misc];
const UDP: &[Block] = &[Block::Udp];
const F: &[Block] = &[Block::File];
const G: &[Block] = &[Block::SslGlobal];

#[rustfmt::skip]
pub(super) const CHECKERS: &[Keyword] = &[
    row(C, "connect_ip", Address, "that of the real server", "Where to"),
    row(C, "connect_port", Number(1, 65535), "that of the real server", "Which port"),
    row(C, "bindto", Address, "the kernel chooses", "Where from"),
    row(C, "bind_if", Interface, "", "Through which interface; needed with a link-local address"),
    row(C, "bind_port", Number(1, 65535), "the kernel chooses", "From which port"),
    row(C, "connect_timeout", Seconds(1, 4_294_967_295), "5", "How long a connection may take"),
    row(C, "fwmark", Number(0, 4_294_967_295), "0", "The mark of its packets"),
    row(A, "retry", Number(0, 4_294_967_295), "1; DNS_CHECK 3, MISC_CHECK 0", "How many more checks must fail"),
    row(A, "delay_before_retry", ANY_TIME_OR_NONE, "1; HTTP_GET and SSL_GET 3, DNS_CHECK and MISC_CHECK delay_loop", "The time between those"),
    row(A, "delay_loop", ANY_TIME, "that of the real server", "The time between two checks"),
    row(A, "warmup", ANY_TIME_OR_NONE, "that of the real server", "The first check comes within this time, at random"),
    row(ALPHA, "alpha", Switch, "that of the real server", "The server is down until it is checked"),
    row(ALPHA, "log_all_failures", Switch, "checker_log_all_failures", "Log each check that fails while it is well"),
    row(H, "nb_get_retry", Number(0, 4_294_967_295), "", "As retry").old("retry"),
    row(H, "http_protocol", Choice(&["1.0", "1.0C", "1.0c", "1.1"]), "1.0", "The version of HTTP; C closes the connection"),
    row(H, "virtualhost", Text, "that of the real server", "The name that is asked for").mild(),
    row(H, "fast_recovery", Switch, "off", "No wait from page to page while coming up"),
    row(H, "enable_sni", Switch, "", "Tell the name in TLS"),
    row(H, "url", Flag, "", "A page").block(Block::Url),
    row(U, "path", Text, "", "Its path"),
    row(U, "digest", Digest, "", "The MD5 of its body; genhash tells it").once(),
    row(U, "status_code", Codes, "200-299", "The status that must come").may(),
    row(U, "virtualhost", Text, "that of the checker", "The name that is asked for").mild(),
    row(U, "regex", Pattern, "", "What the body must match"),
    row(U, "regex_no_match", Flag, "", "What it must not match"),
    row(U, "regex_options", Words, "", "Options of PCRE"),
    row(U, "regex_stack", Words, "", "The stack of PCRE: START MAX"),
    row(U, "regex_min_offset", Number(0, 4_294_967_295), "0", "Where a match may begin at the earliest"),
    row(U, "regex_max_offset", Number(0, 4_294_967_295), "", "And at the latest"),
    row(S, "helo_name", Text, "smtpchecker.keepalived.org", "How we greet").mild(),
    row(S, "host", Flag, "", "Where to").block(Block::SmtpHost),
    row(D, "type", AnyCase(&["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA", "RRSIG", "DNSKEY"]), "SOA", "What is asked for"),
    row(D, "name", Text, ".", "Of which name").once(),
    row(M, "misc_path", Command, "", "The program and its arguments"),
    row(M, "misc_timeout", Number(0, 4294), "delay_loop", "How many seconds it may take"),
    row(M, "misc_dynamic", Flag, "", "An end with 2 to 255 is good, and the weight is 2 less"),
    row(M, "user", Words, "script_user", "Who runs it: an account, and a group if not its own"),
    row(UDP, "payload", Hex, "random", "What is sent"),
    row(UDP, "require_reply", Hex, "", "An answer must come, and if something stands here, this one; x for any digit").may(),
    row(UDP, "min_reply_length", Number(0, 65535), "0", "The length of the answer at least"),
    row(UDP, "max_reply_length", Number(0, 65535), "255", "The length of the answer at most"),
    row(F, "track_file", Text, "", "The file"),
    row(F, "weight", Weight(2_147_483_647), "that of the file", "Times the number in the file"),
    row(&[Block::BfdCheck], "name", Text, "", "The session").not("BFD"),
    row(G, "password", Text, "", "The password of the key, which lvs-check wants without one").mild(),
    row(G, "ca", Text, "", "The file of authorities; servers are not asked who they are").mild(),
    row(G, "certificate", Text, "", "The file of the certificate, with those that lead to its authority").mild(),
    row(G, "key", Text, "", "The file of the key").mild(),
];
