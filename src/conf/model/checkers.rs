//! What must be well for a real server to be up.

use std::net::IpAddr;
use std::time::Duration;

use super::{Common, Settings};
use crate::conf::field::{DnsType, Field, HttpVersion};
use crate::conf::keywords;
use crate::conf::value::{Command, Weight};
use crate::ipvs::InterfaceName;

/// A checker.
#[derive(Clone, Debug, PartialEq)]
pub struct Checker {
    /// How it looks.
    pub kind: CheckerKind,
    /// How it connects, if it does.
    pub connection: Connection,
    /// How many more checks must fail.
    pub retry: Option<u32>,
    /// The time between those.
    pub delay_before_retry: Option<Duration>,
    /// The time between two checks.
    pub delay_loop: Option<Duration>,
    /// The first check comes within this time.
    pub warmup: Option<Duration>,
    /// The server is down until it is checked.
    pub alpha: Option<bool>,
    /// Log each check that fails.
    pub log_all_failures: Option<bool>,
    /// Where it stands, and what is only kept.
    pub common: Common,
}

/// How a checker looks. What is large is boxed, since most of thousands of checkers are small.
#[derive(Clone, Debug, PartialEq)]
pub enum CheckerKind {
    /// A connection must come about.
    Tcp,
    /// Pages must come as they should.
    Http(Box<Http>),
    /// The same over TLS.
    Ssl(Box<Http>),
    /// A mail server must greet.
    Smtp(Box<Smtp>),
    /// A name server must answer.
    Dns(Box<Dns>),
    /// A program must end with 0.
    Misc(Box<Misc>),
    /// A datagram must not be refused, or be answered.
    Udp(Box<Udp>),
    /// An echo must come back.
    Ping,
    /// A track_file must say so.
    File(Box<FileCheck>),
}

impl CheckerKind {
    /// The kind that a block is.
    pub fn of(block: keywords::Block) -> Option<Self> {
        use keywords::Block;
        Some(match block {
            Block::Tcp => CheckerKind::Tcp,
            Block::Http => CheckerKind::Http(Box::default()),
            Block::Ssl => CheckerKind::Ssl(Box::default()),
            Block::Smtp => CheckerKind::Smtp(Box::default()),
            Block::Dns => CheckerKind::Dns(Box::default()),
            Block::Misc => CheckerKind::Misc(Box::default()),
            Block::Udp => CheckerKind::Udp(Box::default()),
            Block::Ping => CheckerKind::Ping,
            Block::File => CheckerKind::File(Box::default()),
            _ => return None,
        })
    }

    fn settings(&mut self) -> Option<&mut dyn Settings> {
        match self {
            CheckerKind::Tcp | CheckerKind::Ping => None,
            CheckerKind::Http(http) | CheckerKind::Ssl(http) => Some(&mut **http),
            CheckerKind::Smtp(smtp) => Some(&mut **smtp),
            CheckerKind::Dns(dns) => Some(&mut **dns),
            CheckerKind::Misc(misc) => Some(&mut **misc),
            CheckerKind::Udp(udp) => Some(&mut **udp),
            CheckerKind::File(file) => Some(&mut **file),
        }
    }
}

impl Checker {
    /// A checker of that kind that says nothing more.
    pub fn new(kind: CheckerKind) -> Self {
        Checker {
            kind,
            connection: Connection::default(),
            retry: None,
            delay_before_retry: None,
            delay_loop: None,
            warmup: None,
            alpha: None,
            log_all_failures: None,
            common: Common::default(),
        }
    }
}

impl Settings for Checker {
    fn block(&self) -> keywords::Block {
        use keywords::Block;
        match self.kind {
            CheckerKind::Tcp => Block::Tcp,
            CheckerKind::Http(_) => Block::Http,
            CheckerKind::Ssl(_) => Block::Ssl,
            CheckerKind::Smtp(_) => Block::Smtp,
            CheckerKind::Dns(_) => Block::Dns,
            CheckerKind::Misc(_) => Block::Misc,
            CheckerKind::Udp(_) => Block::Udp,
            CheckerKind::Ping => Block::Ping,
            CheckerKind::File(_) => Block::File,
        }
    }
    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        match name {
            "retry" | "nb_get_retry" => Some(&mut self.retry),
            "delay_before_retry" => Some(&mut self.delay_before_retry),
            "delay_loop" => Some(&mut self.delay_loop),
            "warmup" => Some(&mut self.warmup),
            "alpha" => Some(&mut self.alpha),
            "log_all_failures" => Some(&mut self.log_all_failures),
            _ => {
                let own = self.kind.settings().and_then(|own| own.field(name));
                own.or_else(|| self.connection.field(name))
            }
        }
    }
    fn common(&mut self) -> &mut Common {
        &mut self.common
    }
}

settings! {
    /// How a checker connects.
    Connection of SmtpHost {
        /// Where to; to the real server when absent.
        "connect_ip" address: Option<IpAddr> = None,
        /// Which port; that of the real server when absent.
        "connect_port" port: Option<u16> = None,
        /// Where from.
        "bindto" bind_address: Option<IpAddr> = None,
        /// Through which interface.
        "bind_if" bind_interface: Option<InterfaceName> = None,
        /// From which port.
        "bind_port" bind_port: Option<u16> = None,
        /// How long it may take.
        "connect_timeout" timeout: Option<Duration> = None,
        /// The mark of its packets; 0 for none.
        "fwmark" mark: u32 = 0,
    } and {}
}

settings! {
    /// An `HTTP_GET` or `SSL_GET`.
    Http of Http {
        /// The version of HTTP.
        "http_protocol" version: HttpVersion = HttpVersion::V1_0,
        /// The name that is asked for.
        "virtualhost" virtualhost: Option<String> = None,
        /// No wait from page to page while coming up.
        "fast_recovery" fast_recovery: bool = false,
        /// Tell the name in TLS.
        "enable_sni" sni: bool = false,
    } and {
        /// The pages.
        urls: Vec<Url>,
    }
}

settings! {
    /// A page.
    Url of Url {
        /// Its path.
        "path" path: Option<String> = None,
        /// The MD5 of its body, 32 hexadecimal digits.
        "digest" digest: Option<String> = None,
        /// The status that must come: codes and ranges; 200 to 299 when absent.
        "status_code" status: Option<Vec<String>> = None,
        /// The name that is asked for.
        "virtualhost" virtualhost: Option<String> = None,
        /// What the body must match.
        "regex" regex: Option<String> = None,
        /// What it must not match.
        "regex_no_match" regex_no_match: bool = false,
        /// Options of PCRE.
        "regex_options" regex_options: Option<Vec<String>> = None,
        /// The stack of PCRE.
        "regex_stack" regex_stack: Option<Vec<String>> = None,
        /// Where a match may begin at the earliest.
        "regex_min_offset" regex_min_offset: u32 = 0,
        /// And at the latest.
        "regex_max_offset" regex_max_offset: Option<u32> = None,
    } and {}
}

settings! {
    /// An `SMTP_CHECK`.
    Smtp of Smtp {
        /// How it greets.
        "helo_name" helo_name: String = "smtpchecker.keepalived.org".to_owned(),
    } and {
        /// Where to; the connection of the checker when there is none.
        hosts: Vec<Connection>,
    }
}

settings! {
    /// A `DNS_CHECK`.
    Dns of Dns {
        /// What is asked for.
        "type" record: DnsType = DnsType::Soa,
        /// Of which name.
        "name" name: String = ".".to_owned(),
    } and {}
}

settings! {
    /// A `MISC_CHECK`.
    Misc of Misc {
        /// The program and its arguments.
        "misc_path" command: Option<Command> = None,
        /// How many seconds it may take; `delay_loop` when absent.
        "misc_timeout" timeout: Option<u32> = None,
        /// Its end says a weight.
        "misc_dynamic" dynamic: bool = false,
        /// The account, and the group if not its own, that runs it.
        "user" user: Option<Vec<String>> = None,
    } and {}
}

settings! {
    /// A `UDP_CHECK`.
    Udp of Udp {
        /// What is sent, in hexadecimal; random when absent.
        "payload" payload: Option<Vec<String>> = None,
        /// An answer must come; if there are words, this one, with x for any digit.
        "require_reply" require_reply: Option<Vec<String>> = None,
        /// The length of the answer at least.
        "min_reply_length" min_reply_length: u16 = 0,
        /// The length of the answer at most.
        "max_reply_length" max_reply_length: u16 = 255,
    } and {}
}

settings! {
    /// A `FILE_CHECK`.
    FileCheck of File {
        /// The name of the track_file.
        "track_file" track_file: Option<String> = None,
        /// Times the number in the file; that of the file when absent.
        "weight" weight: Option<Weight> = None,
    } and {}
}
