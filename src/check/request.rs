//! What a running loop can be asked, as it goes over its socket: a line of words.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use super::orders::{Order, ServiceName, endpoint};
use crate::ipvs::Weight;

/// What is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// How services and servers are.
    Status(Form),
    /// To do something with a server.
    Order(Command),
}

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A line for each server.
    Lines,
    /// A table with a frame.
    Table,
    /// JSON.
    Json,
    /// Prometheus text.
    Metrics,
}

/// What shall be done with a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Command {
    /// What; nothing takes back what was ordered before.
    pub order: Option<Order>,
    /// The service.
    pub service: ServiceName,
    /// The server.
    pub server: ServerName,
    /// Whether it outlives the machine's next start.
    pub persists: bool,
}

/// A server of a service: its address, and its port unless there is only one with that address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerName {
    /// The address.
    pub address: IpAddr,
    /// The port.
    pub port: Option<u16>,
}

impl fmt::Display for ServerName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.address, self.port) {
            (address, None) => write!(f, "{address}"),
            (IpAddr::V4(address), Some(port)) => write!(f, "{address}:{port}"),
            (IpAddr::V6(address), Some(port)) => write!(f, "[{address}]:{port}"),
        }
    }
}

impl FromStr for ServerName {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        if let Some(found) = endpoint(text) {
            let (address, port) = (found.address, Some(found.port));
            return Ok(ServerName { address, port });
        }
        let bare = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        let address = bare.unwrap_or(text).parse().map_err(|_| ())?;
        let port = None;
        Ok(ServerName { address, port })
    }
}

const FORMS: [(Form, &str); 4] = [
    (Form::Lines, "lines"),
    (Form::Table, "table"),
    (Form::Json, "json"),
    (Form::Metrics, "metrics"),
];

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let command = match self {
            Request::Status(form) => {
                let named = FORMS.iter().find(|(own, _)| own == form);
                return write!(f, "status {}", named.map_or("", |(_, name)| name));
            }
            Request::Order(command) => command,
        };
        let (word, weight) = match command.order {
            None => ("enable", None),
            Some(Order::Drain) => ("drain", None),
            Some(Order::Disable) => ("disable", None),
            Some(Order::Weight(Weight(weight))) => ("weight", Some(weight)),
        };
        write!(f, "{word} {} {}", command.service, command.server)?;
        if let Some(weight) = weight {
            write!(f, " {weight}")?;
        }
        f.write_str(if command.persists { " persist" } else { "" })
    }
}

impl FromStr for Request {
    type Err = ();

    fn from_str(line: &str) -> Result<Self, ()> {
        let words: Vec<&str> = line.split(' ').collect();
        let (words, persists) = match words.split_last() {
            Some((&"persist", words)) => (words, true),
            _ => (&words[..], false),
        };
        let (order, service, server) = match *words {
            ["status", name] => {
                let form = FORMS.iter().find(|(_, own)| *own == name).ok_or(())?;
                return Ok(Request::Status(form.0));
            }
            ["enable", service, server] => (None, service, server),
            ["drain", service, server] => (Some(Order::Drain), service, server),
            ["disable", service, server] => (Some(Order::Disable), service, server),
            ["weight", service, server, weight] => {
                let weight = weight.parse().ok().filter(|weight| *weight >= 0);
                let order = Order::Weight(Weight(weight.ok_or(())?));
                (Some(order), service, server)
            }
            _ => return Err(()),
        };
        Ok(Request::Order(Command {
            order,
            service: service.parse()?,
            server: server.parse()?,
            persists,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        for text in [
            "status lines",
            "status json",
            "drain tcp:10.0.0.1:80 10.0.0.2:80",
            "disable fwmark:7 2001:db8::2 persist",
            "enable udp:[2001:db8::1]:53 [2001:db8::2]:53",
            "weight tcp:10.0.0.1:80 10.0.0.2 9",
        ] {
            let request: Request = text.parse().unwrap();
            assert_eq!(request.to_string(), text);
        }
        for bad in [
            "",
            "status",
            "status x",
            "stop",
            "drain tcp:10.0.0.1:80",
            "drain tcp:10.0.0.1:80 x",
            "weight tcp:10.0.0.1:80 10.0.0.2",
            "weight tcp:10.0.0.1:80 10.0.0.2 -1",
        ] {
            assert_eq!(bad.parse::<Request>(), Err(()), "{bad}");
        }
    }
}
