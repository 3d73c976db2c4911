//! A setting of the model: filled from the value of a keyword, and shown again.

use std::net::IpAddr;
use std::time::Duration;

use super::lists::{InterfaceAddress, Member, Name, Peer, Route, Rule, Tracker};
use super::value::{Command, Value, VirtualAddress, Weight};
use crate::addr::Endpoint;
use crate::ipvs::{Checksum, EngineName, Forwarding, Netmask, SchedulerName, Tunnel};

/// A setting as it is shown.
#[derive(Clone, Debug, PartialEq)]
pub enum Shown {
    /// It is not there.
    Absent,
    /// On or off.
    Bool(bool),
    /// A number.
    Number(i64),
    /// A time.
    Seconds(Duration),
    /// A word.
    Word(String),
    /// Several words.
    Words(Vec<String>),
    /// The lines of a list.
    Lines(Vec<Vec<String>>),
}

/// A setting.
pub trait Field {
    /// Takes a value, if it is of the right kind; the table of keywords sees to that.
    fn set(&mut self, value: Value);
    /// How it is shown.
    fn shown(&self) -> Shown;
}

/// Values that are there or not; `Option` of one is a setting.
trait Plain: Sized {
    fn of(value: Value) -> Option<Self>;
    fn plain(&self) -> Shown;
}

impl<T: Plain> Field for Option<T> {
    fn set(&mut self, value: Value) {
        if let Some(value) = T::of(value) {
            *self = Some(value);
        }
    }
    fn shown(&self) -> Shown {
        self.as_ref().map_or(Shown::Absent, Plain::plain)
    }
}

/// Values that are always there are settings too.
macro_rules! always {
    ($($kind:ty),*) => { $(impl Field for $kind {
        fn set(&mut self, value: Value) {
            if let Some(value) = <$kind as Plain>::of(value) {
                *self = value;
            }
        }
        fn shown(&self) -> Shown {
            self.plain()
        }
    })* };
}

always!(bool, u8, u16, u32, Duration, Weight, String, Vec<String>);

impl Plain for bool {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Switch(on) => Some(on),
            Value::None => Some(true),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        Shown::Bool(*self)
    }
}

macro_rules! numbers {
    ($($kind:ty),*) => { $(impl Plain for $kind {
        fn of(value: Value) -> Option<Self> {
            match value {
                Value::Number(number) => Self::try_from(number).ok(),
                _ => None,
            }
        }
        fn plain(&self) -> Shown {
            Shown::Number(i64::from(*self))
        }
    })* };
}

numbers!(u8, u16, u32, i32);

impl Plain for Duration {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Seconds(time) => Some(time),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        Shown::Seconds(*self)
    }
}

impl Plain for String {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text),
            Value::None => Some(String::new()),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        Shown::Word(self.clone())
    }
}

impl Plain for Vec<String> {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Words(words) => Some(words),
            Value::None => Some(Vec::new()),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        Shown::Words(self.clone())
    }
}

impl Plain for IpAddr {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Address(address) => Some(address),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        Shown::Word(self.to_string())
    }
}

impl Plain for Weight {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Weight(weight) => Some(weight),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        match self.reverse {
            true => Shown::Words(vec![self.weight.to_string(), "reverse".into()]),
            false => Shown::Number(i64::from(self.weight)),
        }
    }
}

/// What few blocks have takes little room in the others.
impl<T: Plain> Plain for Box<T> {
    fn of(value: Value) -> Option<Self> {
        T::of(value).map(Box::new)
    }
    fn plain(&self) -> Shown {
        T::plain(self)
    }
}

impl Plain for Command {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Command(command) => Some(command),
            Value::None => Some(Command {
                line: String::new(),
                user: None,
                group: None,
            }),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        let words = [Some(&self.line), self.user.as_ref(), self.group.as_ref()];
        Shown::Words(words.into_iter().flatten().cloned().collect())
    }
}

impl Plain for Forwarding {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Forwarding(forwarding) => Some(forwarding),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        let tunnel = match self {
            Forwarding::Masquerade => return Shown::Word("NAT".into()),
            Forwarding::Tunnel(tunnel) => tunnel,
            // No keyword makes the others.
            _ => return Shown::Word("DR".into()),
        };
        let (mut text, checksum) = match tunnel {
            Tunnel::Gue { port, checksum } => (format!("TUN type gue port {port}"), *checksum),
            Tunnel::Gre { checksum } => ("TUN type gre".to_owned(), *checksum),
            _ => ("TUN".to_owned(), Checksum::Without),
        };
        text.push_str(match checksum {
            Checksum::Whole => " csum",
            Checksum::Remote => " remcsum",
            _ => "",
        });
        Shown::Words(text.split(' ').map(str::to_owned).collect())
    }
}

impl Plain for Netmask {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Netmask(mask) => Some(mask),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        match self {
            Netmask::V4(mask) => Shown::Word(mask.to_string()),
            Netmask::V6(length) => Shown::Number(i64::from(*length)),
        }
    }
}

/// A server that may have no port, as a sorry server.
impl Plain for Endpoint {
    fn of(value: Value) -> Option<Self> {
        match value {
            Value::Server(address, port) => Some(Endpoint::new(address, port.unwrap_or(0))),
            _ => None,
        }
    }
    fn plain(&self) -> Shown {
        let mut words = vec![self.address.to_string()];
        if self.port != 0 {
            words.push(self.port.to_string());
        }
        Shown::Words(words)
    }
}

impl VirtualAddress {
    /// The words behind `virtual_server`.
    pub fn words(&self) -> Vec<String> {
        match self {
            VirtualAddress::Address(endpoint) => match endpoint.plain() {
                Shown::Words(words) => words,
                _ => Vec::new(),
            },
            VirtualAddress::Mark(mark) => vec!["fwmark".into(), mark.to_string()],
            VirtualAddress::Group(name) => vec!["group".into(), name.clone()],
        }
    }
}

macro_rules! names {
    ($($kind:ty),*) => { $(impl Plain for $kind {
        fn of(value: Value) -> Option<Self> {
            match value {
                Value::Text(text) => Self::new(text),
                _ => None,
            }
        }
        fn plain(&self) -> Shown {
            Shown::Word(self.as_str().to_owned())
        }
    })* };
}

// An interface and a scheduler are both names of at most 15 bytes, and one type.
names!(SchedulerName, EngineName);

/// Lists, which several blocks of the same name make longer.
macro_rules! lists {
    ($($kind:ident $variant:ident),*) => { $(impl Field for Vec<$kind> {
        fn set(&mut self, value: Value) {
            if let Value::$variant(mut entries) = value {
                self.append(&mut entries);
            }
        }
        fn shown(&self) -> Shown {
            match self.is_empty() {
                true => Shown::Absent,
                false => Shown::Lines(self.iter().map($kind::words).collect()),
            }
        }
    })* };
}

lists!(
    Name Names, InterfaceAddress Addresses, Route Routes, Rule Rules, Peer Peers, Tracker Trackers,
    Member Members
);

/// An enumeration whose members have names in the file.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$about:meta])* $member:ident $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$about])* $member,)* }

        impl $name {
            /// As it is written.
            pub fn name(self) -> &'static str {
                match self { $($name::$member => $word,)* }
            }
        }

        impl Plain for $name {
            fn of(value: Value) -> Option<Self> {
                match value {
                    Value::Text(text) => match text.as_str() {
                        $($word => Some($name::$member),)*
                        _ => None,
                    },
                    _ => None,
                }
            }
            fn plain(&self) -> Shown {
                Shown::Word(self.name().to_owned())
            }
        }
    };
}

words! {
    /// What an instance would like to be.
    State {
        /// The master.
        Master "MASTER",
        /// A backup.
        Backup "BACKUP",
    }
}

words! {
    /// How version 2 proves who it is.
    AuthType {
        /// By a password in each advert.
        Pass "PASS",
        /// By IPsec AH.
        Ah "AH",
    }
}

words! {
    /// The protocol of a virtual server.
    Transport {
        /// TCP.
        Tcp "TCP",
        /// UDP.
        Udp "UDP",
        /// SCTP.
        Sctp "SCTP",
    }
}

words! {
    /// The family of a virtual server that has a mark.
    IpFamily {
        /// IPv4.
        Inet "inet",
        /// IPv6.
        Inet6 "inet6",
    }
}

words! {
    /// How much of a command line must be the same.
    ParamMatch {
        /// Its beginning.
        Initial "initial",
        /// Any part.
        Partial "partial",
    }
}

words! {
    /// What a DNS_CHECK asks for.
    DnsType {
        /// An IPv4 address.
        A "A",
        /// A name server.
        Ns "NS",
        /// Another name.
        Cname "CNAME",
        /// The zone.
        Soa "SOA",
        /// A mail server.
        Mx "MX",
        /// A text.
        Txt "TXT",
        /// An IPv6 address.
        Aaaa "AAAA",
        /// A signature.
        Rrsig "RRSIG",
        /// A key of signatures.
        Dnskey "DNSKEY",
    }
}

words! {
    /// The version of HTTP that a check speaks.
    HttpVersion {
        /// HTTP/1.0.
        V1_0 "1.0",
        /// HTTP/1.0 with `Connection: close`.
        V1_0Close "1.0C",
        /// HTTP/1.1 with `Connection: close`.
        V1_1 "1.1",
    }
}

always!(HttpVersion, DnsType);
