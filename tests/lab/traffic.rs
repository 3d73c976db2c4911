//! A client, a load balancer and real servers in three network namespaces, and packets between them.

use std::fs;
use std::io::ErrorKind;
use std::net::{IpAddr, SocketAddr, TcpListener, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrIn, SockaddrIn6, SockaddrLike, bind, connect, socket,
};

use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::helper;
use crate::transcript::{Mode, Op};

/// The namespace whose table is looked at.
pub const BALANCER: &str = "lb";
pub const CLIENT: &str = "cl";
pub const SERVERS: &str = "rs";

const NAMESPACES: &str = "netns add lb\nnetns add cl\nnetns add rs\n";

const TOPOLOGY: [(&str, &str); 3] = [
    (
        BALANCER,
        "\
link add vcl type veth peer name eth9 netns cl
link add vrs type veth peer name eth9 netns rs
link set vcl mtu 65535 up
link set vrs mtu 65535 up
link set lo up
addr add 10.97.0.1/24 dev vcl
addr add 10.98.0.1/24 dev vrs
addr add 10.96.0.1/32 dev lo
addr add fd97::1/64 dev vcl nodad
addr add fd98::1/64 dev vrs nodad
addr add fd96::1/128 dev lo nodad
",
    ),
    (
        CLIENT,
        "\
link set lo up
link set eth9 mtu 65535 up
addr add 10.97.0.2/24 dev eth9
addr add fd97::2/64 dev eth9 nodad
route add 0.0.0.0/0 via 10.97.0.1
route add ::/0 via fd97::1
",
    ),
    (
        SERVERS,
        "\
link set lo up
link set eth9 mtu 65535 up
addr add 10.98.0.2/24 dev eth9
addr add 10.98.0.3/24 dev eth9
addr add fd98::2/64 dev eth9 nodad
route add 0.0.0.0/0 via 10.98.0.1
route add ::/0 via fd98::1
",
    ),
];

const SETTINGS: [(&str, &str); 4] = [
    ("/proc/sys/net/ipv4/ip_forward", "1"),
    ("/proc/sys/net/ipv6/conf/all/forwarding", "1"),
    ("/proc/sys/net/ipv4/conf/all/rp_filter", "0"),
    ("/proc/sys/net/ipv4/conf/default/rp_filter", "0"),
];

/// How long a datagram may take, and how often a server looks whether it is to stop.
const TIMEOUT: Duration = Duration::from_secs(5);
const GLANCE: Duration = Duration::from_millis(50);

/// The namespaces, with what is open in them. They end with this value.
pub struct Lan {
    /// What was prepared and sent there: cases that agree in it share the namespaces.
    pub history: (Vec<Vec<String>>, Vec<Op>),
    echoes: Vec<Echo>,
    /// Sinks and listeners need nobody who reads: the kernel takes datagrams and handshakes by itself.
    open: Vec<OwnedFd>,
}

impl Lan {
    pub fn new() -> Result<Self> {
        helper("ip", &["-batch", "-"], NAMESPACES)?;
        let lan = Self {
            history: Default::default(),
            echoes: Vec::new(),
            open: Vec::new(),
        };
        in_network(BALANCER, || {
            SETTINGS
                .iter()
                .try_for_each(|(file, value)| fs::write(file, value).context(file))
        })?;
        for (namespace, commands) in TOPOLOGY {
            helper("ip", &["-n", namespace, "-batch", "-"], commands)?;
        }
        Ok(lan)
    }

    /// Does one step after the other, and waits a moment for the last packets.
    pub fn send(&mut self, steps: &[Op]) -> Result {
        steps
            .iter()
            .try_for_each(|step| self.step(step))
            .context("traffic")?;
        std::thread::sleep(Duration::from_millis(200));
        Ok(())
    }

    fn step(&mut self, step: &Op) -> Result {
        match *step {
            Op::UdpServer {
                address,
                port,
                mode,
            } => {
                let socket =
                    in_network(SERVERS, || UdpSocket::bind((address, port)).context("bind"))?;
                match mode {
                    Mode::Echo => self.echoes.push(Echo::start(socket)?),
                    Mode::Sink => self.open.push(socket.into()),
                }
            }
            Op::TcpServer { address, port } => {
                let listener = in_network(SERVERS, || {
                    TcpListener::bind((address, port)).context("bind")
                })?;
                self.open.push(listener.into());
            }
            Op::Udp {
                from,
                to,
                count,
                size,
                wait,
            } => {
                let socket = in_network(CLIENT, || UdpSocket::bind(from).context("bind"))?;
                socket.set_read_timeout(Some(TIMEOUT)).context("timeout")?;
                let mut datagram = vec![b'x'; size];
                for _ in 0..count {
                    socket.send_to(&datagram, to).context("send")?;
                    if wait {
                        socket.recv(&mut datagram).context("reply")?;
                    }
                }
            }
            Op::TcpOpen { from, to } => self
                .open
                .push(in_network(CLIENT, || connect_from(from, to))?),
            Op::Sleep(seconds) => std::thread::sleep(Duration::from_secs(seconds)),
        }
        Ok(())
    }
}

impl Drop for Lan {
    fn drop(&mut self) {
        // Sockets keep their namespace alive.
        self.echoes.clear();
        self.open.clear();
        for namespace in [BALANCER, CLIENT, SERVERS] {
            if let Err(error) = helper("ip", &["netns", "del", namespace], "") {
                eprintln!("lab: {error}");
            }
        }
    }
}

/// A connection with a chosen source port, which the standard library cannot make.
fn connect_from(from: (IpAddr, u16), to: (IpAddr, u16)) -> Result<OwnedFd> {
    let (from, to) = (SocketAddr::from(from), SocketAddr::from(to));
    let family = if from.is_ipv4() {
        AddressFamily::Inet
    } else {
        AddressFamily::Inet6
    };
    let socket =
        socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).context("socket")?;
    bind(socket.as_raw_fd(), sockaddr(from).as_ref()).context("bind")?;
    connect(socket.as_raw_fd(), sockaddr(to).as_ref()).context("connect")?;
    Ok(socket)
}

fn sockaddr(address: SocketAddr) -> Box<dyn SockaddrLike> {
    match address {
        SocketAddr::V4(address) => Box::new(SockaddrIn::from(address)),
        SocketAddr::V6(address) => Box::new(SockaddrIn6::from(address)),
    }
}

/// A thread that sends every datagram back, until it is dropped.
struct Echo {
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Echo {
    fn start(socket: UdpSocket) -> Result<Self> {
        socket.set_read_timeout(Some(GLANCE)).context("timeout")?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            let mut buffer = vec![0; 1 << 16];
            while !stopped.load(Ordering::Relaxed) {
                let echoed = socket
                    .recv_from(&mut buffer)
                    .and_then(|(size, peer)| socket.send_to(&buffer[..size], peer));
                match echoed {
                    Err(error) if error.kind() != ErrorKind::WouldBlock => {
                        eprintln!("lab: echo: {error}")
                    }
                    _ => {}
                }
            }
        });
        Ok(Self {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
