//! The options that say what is asked of a server.

use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ValueHint, value_parser};

/// The longest time that can be asked for: a day.
const LONGEST: f64 = 86_400.0;

/// The kinds of checks, as they are called on a command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// TCP_CHECK.
    Tcp,
    /// HTTP_GET.
    Http,
    /// SSL_GET.
    Https,
    /// SMTP_CHECK.
    Smtp,
    /// DNS_CHECK.
    Dns,
    /// UDP_CHECK.
    Udp,
    /// PING_CHECK.
    Ping,
    /// MISC_CHECK.
    Misc,
    /// FILE_CHECK.
    File,
}

impl Kind {
    /// All of them.
    pub const ALL: [Kind; 9] = [
        Kind::Tcp,
        Kind::Http,
        Kind::Https,
        Kind::Smtp,
        Kind::Dns,
        Kind::Udp,
        Kind::Ping,
        Kind::Misc,
        Kind::File,
    ];

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Tcp => "tcp",
            Kind::Http => "http",
            Kind::Https => "https",
            Kind::Smtp => "smtp",
            Kind::Dns => "dns",
            Kind::Udp => "udp",
            Kind::Ping => "ping",
            Kind::Misc => "misc",
            Kind::File => "file",
        }
    }

    /// The kind with this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// What help says of it.
    pub fn about(self) -> &'static str {
        match self {
            Kind::Tcp => "Whether a connection is accepted",
            Kind::Http => "Whether pages are as they should",
            Kind::Https => "The same over TLS",
            Kind::Smtp => "Whether a mail server greets",
            Kind::Dns => "Whether a name server answers",
            Kind::Udp => "Whether a datagram is taken",
            Kind::Ping => "Whether an echo comes",
            Kind::Misc => "Whether a program ends well",
            Kind::File => "Whether a file says so",
        }
    }

    /// The port where nobody says otherwise.
    pub fn port(self) -> Option<u16> {
        match self {
            Kind::Http => Some(80),
            Kind::Https => Some(443),
            Kind::Smtp => Some(25),
            Kind::Dns => Some(53),
            Kind::Ping => Some(0),
            _ => None,
        }
    }

    /// The options that this kind has.
    pub fn options(self) -> Vec<Arg> {
        let mut options = timing();
        if !matches!(self, Kind::Misc | Kind::File) {
            options.extend(origin());
        }
        options.extend(own(self));
        options
    }
}

/// The options of all kinds, each once.
pub fn all_options() -> Vec<Arg> {
    let mut options = timing();
    options.extend(origin());
    for kind in Kind::ALL {
        for option in own(kind) {
            if options
                .iter()
                .all(|known| known.get_id() != option.get_id())
            {
                options.push(option);
            }
        }
    }
    options
}

fn timing() -> Vec<Arg> {
    vec![
        seconds("timeout", "How long one try may take in all (5)"),
        number("retry", "How often to try again before it is down (0)"),
        seconds("retry-delay", "How long to wait before that (1)"),
    ]
}

fn origin() -> Vec<Arg> {
    vec![
        value(
            "connect-ip",
            "ADDRESS",
            "Ask there, not at the target's address",
        )
        .value_parser(value_parser!(IpAddr)),
        value(
            "connect-port",
            "PORT",
            "Ask there, not at the target's port",
        )
        .value_parser(value_parser!(u16).range(1..)),
        value("bind", "ADDRESS", "Ask from this address").value_parser(value_parser!(IpAddr)),
        value("bind-port", "PORT", "Ask from this port")
            .value_parser(value_parser!(u16).range(1..)),
        value("bind-if", "INTERFACE", "Ask through this interface"),
        value("fwmark", "MARK", "Mark the packets").value_parser(value_parser!(u32)),
    ]
}

fn own(kind: Kind) -> Vec<Arg> {
    let flag = |name: &'static str, help: &'static str| {
        Arg::new(name)
            .long(name)
            .action(ArgAction::SetTrue)
            .help(help)
    };
    match kind {
        Kind::Tcp => vec![],
        Kind::Http | Kind::Https => {
            let many = |arg: Arg| arg.action(ArgAction::Append);
            let mut options = vec![
                many(value(
                    "path",
                    "PATH",
                    "A page (/); what is said behind it is of this page",
                )),
                many(value(
                    "virtualhost",
                    "NAME",
                    "The Host header, and the name in TLS",
                )),
                many(value(
                    "status",
                    "LIST",
                    "Statuses that are right, as 200-299,404 (200-299)",
                )),
                many(value("digest", "HEX", "The MD5 digest of the page")),
                many(value("regex", "REGEX", "What must be in the page")),
                many(value(
                    "regex-no-match",
                    "REGEX",
                    "What must not be in the page",
                )),
                many(number(
                    "regex-min-offset",
                    "At which byte a match may begin, from",
                )),
                many(number(
                    "regex-max-offset",
                    "At which byte a match may begin, to",
                )),
                value(
                    "http-version",
                    "VERSION",
                    "1.0, 1.0C (with Connection: close) or 1.1 (1.0)",
                ),
            ];
            if kind == Kind::Https {
                options.extend([
                    value("sni", "NAME", "The name in TLS, where it is another"),
                    flag("no-sni", "Tell no name in TLS").conflicts_with("sni"),
                    flag("verify", "Have the certificate checked"),
                    value(
                        "ca",
                        "FILE",
                        "Have it checked against the certificates in this file",
                    )
                    .value_hint(ValueHint::FilePath)
                    .value_parser(value_parser!(PathBuf)),
                    value("certificate", "FILE", "What the server is shown")
                        .value_hint(ValueHint::FilePath)
                        .value_parser(value_parser!(PathBuf)),
                    value("key", "FILE", "Its key, where that is in another file")
                        .requires("certificate")
                        .value_hint(ValueHint::FilePath)
                        .value_parser(value_parser!(PathBuf)),
                ]);
            }
            options
        }
        Kind::Smtp => vec![value(
            "helo",
            "NAME",
            "Who is said to ask (this host's name)",
        )],
        Kind::Dns => vec![
            value(
                "type",
                "TYPE",
                "A, NS, CNAME, SOA, MX, TXT, AAAA, RRSIG or DNSKEY (SOA)",
            ),
            value("name", "NAME", "The name that is asked for (.)"),
        ],
        Kind::Udp => vec![
            value("payload", "HEX", "What is sent (8 random bytes)"),
            value(
                "require-reply",
                "HEX",
                "A reply must come, and begin so; x is any digit",
            )
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value(""),
            number("min-reply-length", "How long a reply must be (0)").requires("require-reply"),
            number("max-reply-length", "How long a reply may be (255)").requires("require-reply"),
        ],
        Kind::Ping => vec![
            value("size", "BYTES", "The payload of the echo (56)")
                .value_parser(value_parser!(u16).range(..=65_507)),
        ],
        Kind::Misc => vec![
            flag(
                "dynamic",
                "Exit status 2 to 255: up, with a weight of 0 to 253",
            ),
            value("user", "USER[:GROUP]", "Run the program as this user")
                .value_hint(ValueHint::Username),
        ],
        Kind::File => vec![
            value(
                "factor",
                "N",
                "Up; N times the number is added to the weight",
            )
            .allow_negative_numbers(true)
            .value_parser(value_parser!(i32)),
        ],
    }
}

/// An option with a text.
pub fn value(name: &'static str, what: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .value_name(what)
        .value_hint(ValueHint::Other)
        .help(help)
}

/// An option with a number.
pub fn number(name: &'static str, help: &'static str) -> Arg {
    value(name, "N", help).value_parser(value_parser!(u32))
}

/// An option with a time.
pub fn seconds(name: &'static str, help: &'static str) -> Arg {
    value(name, "SECONDS", help).value_parser(|text: &str| {
        let number = text.parse::<f64>().ok();
        let number = number.filter(|number| (0.001..=LONGEST).contains(number));
        number
            .map(Duration::from_secs_f64)
            .ok_or("not 0.001 to 86400 seconds")
    })
}
