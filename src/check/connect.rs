//! Sockets with a chosen origin, and connections over them.

use std::io;
use std::net::{IpAddr, SocketAddr};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpSocket, TcpStream, UdpSocket};

use super::exchange::{Deadline, Failure, failure};
use super::{Fault, Origin, Stage};
use crate::addr::{Endpoint, Family};

/// The address as the socket calls want it.
pub fn address(endpoint: Endpoint) -> SocketAddr {
    SocketAddr::new(endpoint.address, endpoint.port)
}

/// Opens a connection.
pub async fn tcp(to: Endpoint, from: &Origin, deadline: Deadline) -> Result<TcpStream, Failure> {
    let socket = socket(to, from, Type::STREAM, Protocol::TCP)?;
    let socket = TcpSocket::from_std_stream(socket.into());
    let connected = deadline.within(Stage::Connect, socket.connect(address(to)));
    connected
        .await?
        .map_err(|error| failure(Stage::Connect, &error))
}

/// A socket that takes and sends datagrams of this one server only.
pub fn datagrams(
    to: Endpoint,
    from: &Origin,
    kind: Type,
    protocol: Protocol,
) -> Result<UdpSocket, Failure> {
    let socket = socket(to, from, kind, protocol)?;
    socket
        .connect(&address(to).into())
        .map_err(|error| failure(Stage::Connect, &error))?;
    UdpSocket::from_std(socket.into()).map_err(|error| unable("open a socket", error))
}

fn socket(to: Endpoint, from: &Origin, kind: Type, protocol: Protocol) -> Result<Socket, Failure> {
    let domain = match to.family() {
        Family::V4 => Domain::IPV4,
        Family::V6 => Domain::IPV6,
    };
    let socket = Socket::new(domain, kind.nonblocking(), Some(protocol))
        .map_err(|error| unable("open a socket", error))?;
    if let Some(mark) = from.mark {
        let marked = socket.set_mark(mark);
        marked.map_err(|error| unable("set the firewall mark", error))?;
    }
    if let Some(interface) = &from.interface {
        let bound = socket.bind_device(Some(interface.as_bytes()));
        bound.map_err(|error| unable("use the interface", error))?;
    }
    if from.address.is_some() || from.port.is_some() {
        let any: IpAddr = to.family().unspecified();
        let source = SocketAddr::new(from.address.unwrap_or(any), from.port.unwrap_or(0));
        // The port may still be waiting for the end of the last check's connection.
        let bound = socket
            .set_reuse_address(true)
            .and_then(|()| socket.bind(&source.into()));
        bound.map_err(|error| unable("use the source address", error))?;
    }
    Ok(socket)
}

fn unable(doing: &'static str, error: io::Error) -> Failure {
    Failure::Unknown(Fault::of(doing, &error))
}
