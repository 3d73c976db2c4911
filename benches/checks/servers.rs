//! The real servers: one listener for all of them, and one of its own for the first, which dies.

use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use lvskit::addr::{Endpoint, Protocol};
use lvskit::ipvs::ServiceId;
use socket2::{Domain, Socket, Type};

use crate::Result;

/// The port of all servers, and of the first.
const PORT: u16 = 80;
const FIRST: u16 = 81;

/// What is asked of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Tcp,
    Http,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Kind::Tcp => "TCP",
            Kind::Http => "HTTP",
        }
    }

    pub fn checker(self) -> &'static str {
        match self {
            Kind::Tcp => "TCP_CHECK {\n connect_timeout 5\n retry 0\n }",
            Kind::Http => {
                "HTTP_GET {\n connect_timeout 5\n retry 0\n url {\n path /\n status_code 200\n }\n }"
            }
        }
    }
}

/// The address and port of a service or server with a number.
pub fn address(number: usize, network: [u8; 2]) -> (IpAddr, u16) {
    let [high, low] = u16::try_from(number + 256)
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    let address = Ipv4Addr::new(network[0], network[1], high, low);
    (IpAddr::V4(address), PORT)
}

pub fn service(number: usize) -> ServiceId {
    let (address, port) = address(number, [10, 100]);
    ServiceId::Address {
        protocol: Protocol::TCP,
        endpoint: Endpoint { address, port },
    }
}

pub fn endpoint(number: usize) -> Endpoint {
    let (address, port) = address(number, [10, 200]);
    let port = if number == 0 { FIRST } else { port };
    Endpoint { address, port }
}

/// When each server was last asked.
#[derive(Default)]
struct Watch {
    every: Option<Duration>,
    last: HashMap<IpAddr, Instant>,
    made: usize,
    latest: Duration,
}

pub struct Servers {
    watch: Arc<Mutex<Watch>>,
    first: Mutex<Option<Socket>>,
}

impl Servers {
    pub fn start() -> Result<Self> {
        let servers = Servers {
            watch: Arc::default(),
            first: Mutex::default(),
        };
        let listener: TcpListener = listen(SocketAddr::from(([0, 0, 0, 0], PORT)))?.into();
        let watch = Arc::clone(&servers.watch);
        thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                if let Ok(own) = stream.local_addr() {
                    note(&watch, own.ip());
                }
                answer(stream);
            }
        });
        Ok(servers)
    }

    /// Has the first server live or die.
    pub fn live(&self, lives: bool) -> Result {
        let mut first = self.first.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(listens) = first.take() {
            // Else whoever accepts there would hold it open.
            listens.shutdown(Shutdown::Both)?;
        }
        if lives {
            let socket = listen(SocketAddr::from(([0, 0, 0, 0], FIRST)))?;
            let listener: TcpListener = socket.try_clone()?.into();
            thread::spawn(move || {
                while let Ok((stream, _)) = listener.accept() {
                    answer(stream);
                }
            });
            *first = Some(socket);
        }
        Ok(())
    }

    /// Begins to look when servers are asked.
    pub fn watch(&self, every: Duration) {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        *watch = Watch {
            every: Some(every),
            ..Watch::default()
        };
    }

    /// How often they have been asked since then.
    pub fn made(&self) -> usize {
        let watch = self.watch.lock();
        watch.unwrap_or_else(PoisonError::into_inner).made
    }

    /// Ends to look: how much later than they should they were asked, at most.
    pub fn latest(&self) -> Duration {
        let mut watch = self.watch.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *watch).latest
    }
}

fn note(watch: &Mutex<Watch>, server: IpAddr) {
    let mut watch = watch.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(every) = watch.every {
        let now = Instant::now();
        watch.made += 1;
        if let Some(before) = watch.last.insert(server, now) {
            watch.latest = watch.latest.max((now - before).saturating_sub(every));
        }
    }
}

fn answer(mut stream: TcpStream) {
    let mut question = [0; 1024];
    // Who has already gone asks nothing; who asks at once gets a page.
    if let Ok(1..) = stream.read(&mut question) {
        let _ = stream.write_all(b"HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nok\n");
    }
}

fn listen(address: SocketAddr) -> Result<Socket> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.set_reuse_address(true)?;
    socket.bind(&address.into())?;
    socket.listen(16_384)?;
    Ok(socket)
}
