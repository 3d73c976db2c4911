//! Whole clusters: a client, two directors and three real servers with nginx, each in a network
//! namespace, all on one switch; the client has a second link to the first director, for NAT.
//!
//! ```text
//!   client -------- switch ---- director ---- (second link) ---- client
//!   .201 to .230      |         .10, backup .20
//!                    rs1 .11   rs2 .12   rs3 .13
//! ```

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, bind, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};
use nix::unistd::Pid;

use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::{Call, Outcome, helper};
use crate::world::World;

pub mod examples;
pub mod forwarding;
pub mod scheduling;
pub mod state;

pub const CLIENT: &str = "client";
pub const DIRECTOR: &str = "director";
pub const BACKUP: &str = "backup";
pub const SERVERS: [&str; 3] = ["rs1", "rs2", "rs3"];

/// How long a connection or an answer may take.
const PATIENCE_SECONDS: i64 = 3;

/// How many addresses the client has on each network.
const CLIENTS: u8 = 30;

/// IPv4 or IPv6.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Family {
    V4,
    V6,
}

/// How the director hands packets on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Method {
    Route,
    Nat,
    Ipip,
    Gue,
}

impl Method {
    /// The options of a server's rule.
    pub fn options(self) -> &'static str {
        match self {
            Method::Route => "-g",
            Method::Nat => "-m",
            Method::Ipip => "-i",
            Method::Gue => "-i --tun-type gue --tun-port 5555",
        }
    }
}

/// A cluster. It is taken down with this value.
pub struct Cluster {
    program: PathBuf,
    folder: PathBuf,
    pub family: Family,
    pub method: Method,
}

impl Cluster {
    /// Sets up all machines, with the VIP where the method wants it. The table is empty.
    pub fn new(world: &World, family: Family, method: Method) -> Result<Self> {
        let cluster = Self::without_vip(world, family, method)?;
        cluster.route()?;
        Ok(cluster)
    }

    /// Sets up all machines, of which none has the VIP.
    pub fn without_vip(world: &World, family: Family, method: Method) -> Result<Self> {
        let cluster = Self {
            program: world.program.path.clone(),
            folder: PathBuf::from("/tmp/lvskit-cluster"),
            family,
            method,
        };
        let _ = fs::remove_dir_all(&cluster.folder);
        helper("ip", &["-batch", "-"], &namespaces())?;
        helper("ip", &["-n", "switch", "-batch", "-"], &switch())?;
        for name in [CLIENT, DIRECTOR, BACKUP].into_iter().chain(SERVERS) {
            in_network(name, || {
                for (file, value) in [
                    ("ipv4/conf/all/rp_filter", "0"),
                    ("ipv4/conf/default/rp_filter", "0"),
                    ("ipv4/conf/all/send_redirects", "0"),
                    ("ipv6/conf/all/accept_dad", "0"),
                    ("ipv6/conf/default/accept_dad", "0"),
                ] {
                    fs::write(format!("/proc/sys/net/{file}"), value).context(file)?;
                }
                Ok(())
            })?;
            helper("ip", &["-n", name, "-batch", "-"], &machine(name))?;
        }
        for name in SERVERS {
            cluster.serve(name)?;
        }
        Ok(cluster)
    }

    /// Puts the VIP where it belongs.
    fn route(&self) -> Result {
        let vip = self.vip().ip().to_string();
        let device = match self.method {
            Method::Nat => "eth1",
            _ => "eth0",
        };
        self.tool(DIRECTOR, "lvs-vip", &["add", &vip, "--dev", device])?;
        let mode = match self.method {
            Method::Nat => return self.route_back(),
            Method::Route => "dr",
            Method::Ipip | Method::Gue => "tun",
        };
        for name in SERVERS {
            if self.method == Method::Gue {
                let family = match self.family {
                    Family::V4 => "-4",
                    Family::V6 => "-6",
                };
                self.ip(name, &format!("{family} fou add port 5555 gue"))?;
            }
            self.tool(name, "lvs-realserver", &["start", "--mode", mode, &vip])?;
        }
        Ok(())
    }

    /// Has the answers of NAT's servers come through the director.
    fn route_back(&self) -> Result {
        in_network(DIRECTOR, || {
            fs::write("/proc/sys/net/ipv4/ip_forward", "1").context("ip_forward")?;
            fs::write("/proc/sys/net/ipv6/conf/all/forwarding", "1").context("forwarding")
        })?;
        for name in SERVERS {
            self.ip(name, "-4 route add default via 192.168.0.10")?;
            self.ip(name, "-6 route add default via fd00::10")?;
        }
        Ok(())
    }

    /// Runs one of our other programs on a machine; it must succeed.
    pub fn tool(&self, machine: &str, name: &str, arguments: &[&str]) -> Result<String> {
        let tool = self.program.with_file_name(name);
        self.run(machine, &tool.to_string_lossy(), arguments, "")
    }

    /// Starts a web server that answers with the last character of its machine's name.
    pub fn serve(&self, name: &str) -> Result {
        let folder = self.folder.join(name);
        fs::create_dir_all(&folder).context(folder.display())?;
        let path = folder.display();
        let number = &name[2..];
        let mut config = format!(
            "user root; pid {path}/pid; worker_processes 1; events {{ worker_connections 256; }}\n\
             http {{ access_log off; default_type text/plain; keepalive_timeout 300;\n"
        );
        for module in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            config += &format!("{module}_temp_path {path}/{module};\n");
        }
        config += &format!(
            "server {{ listen 80; listen [::]:80; listen 8080; listen [::]:8080;\n\
             return 200 \"{number}\"; }} }}\n"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, config).context(file.display())?;
        let errors = folder.join("error.log");
        self.run(
            name,
            "nginx",
            &[
                "-e",
                &errors.to_string_lossy(),
                "-c",
                &file.to_string_lossy(),
            ],
            "",
        )
        .map(drop)
    }

    /// The address and port of the service.
    pub fn vip(&self) -> SocketAddr {
        let address: IpAddr = match (self.method, self.family) {
            (Method::Nat, Family::V4) => Ipv4Addr::new(10, 9, 0, 100).into(),
            (Method::Nat, Family::V6) => Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, 0x100).into(),
            (_, Family::V4) => Ipv4Addr::new(192, 168, 0, 100).into(),
            (_, Family::V6) => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, 0x100).into(),
        };
        SocketAddr::new(address, 80)
    }

    /// The address of a server, from 1 to 3, as a rule has it.
    pub fn server(&self, number: u8) -> String {
        match self.family {
            Family::V4 => format!("192.168.0.1{number}"),
            Family::V6 => format!("[fd00::1{number}]"),
        }
    }

    /// The address of one of the thirty clients.
    pub fn client(&self, number: u8) -> IpAddr {
        let last = 201 + number % CLIENTS;
        match (self.method, self.family) {
            (Method::Nat, Family::V4) => Ipv4Addr::new(10, 9, 0, last).into(),
            (_, Family::V4) => Ipv4Addr::new(192, 168, 0, last).into(),
            (Method::Nat, Family::V6) => {
                Ipv6Addr::new(0xfd09, 0, 0, 0, 0, 0, 0, last.into()).into()
            }
            (_, Family::V6) => Ipv6Addr::new(0xfd00, 0, 0, 0, 0, 0, 0, last.into()).into(),
        }
    }

    /// Balances the VIP by `scheduler` over all three servers, which have these weights.
    pub fn balance(&self, scheduler: &str, weights: [u32; 3]) -> Result {
        let rules = self.rules(&format!("-t {}", self.vip()), scheduler, weights);
        self.ipvsadm(DIRECTOR, "--apply -", &rules).map(drop)
    }

    /// The rules of a service over all three servers.
    pub fn rules(&self, service: &str, scheduler: &str, weights: [u32; 3]) -> String {
        let mut rules = format!("-A {service} -s {scheduler}\n");
        for (number, weight) in (1..).zip(weights) {
            let (server, options) = (self.server(number), self.method.options());
            let port = if service.starts_with("-f") { ":0" } else { "" };
            rules += &format!("-a {service} -r {server}{port} {options} -w {weight}\n");
        }
        rules
    }

    /// Runs our ipvsadm on a machine; it must succeed.
    pub fn ipvsadm(&self, machine: &str, arguments: &str, stdin: &str) -> Result<String> {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        self.run(machine, &self.program.to_string_lossy(), &arguments, stdin)
    }

    /// Runs `ip` on a machine; it must succeed.
    pub fn ip(&self, machine: &str, arguments: &str) -> Result {
        let arguments: Vec<&str> = arguments.split(' ').collect();
        self.run(machine, "ip", &arguments, "").map(drop)
    }

    /// Runs a program on a machine; it must succeed.
    pub fn run(
        &self,
        machine: &str,
        program: &str,
        arguments: &[&str],
        stdin: &str,
    ) -> Result<String> {
        match self.call(machine, program, arguments, stdin, None)? {
            Outcome { rc: 0, stdout, .. } => Ok(stdout),
            Outcome {
                rc, stdout, stderr, ..
            } => Err(format!(
                "{machine}: {program} {} ended with {rc}\n{stdout}{stderr}",
                arguments.join(" ")
            )),
        }
    }

    /// Runs a program on a machine, with some variables.
    pub fn call(
        &self,
        machine: &str,
        program: &str,
        arguments: &[&str],
        stdin: &str,
        env: Option<&BTreeMap<String, String>>,
    ) -> Result<Outcome> {
        let arguments: Vec<String> = arguments.iter().map(|&word| word.to_owned()).collect();
        let call = Call {
            program: program.into(),
            argv0: Path::new(program)
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or(program),
            arguments: &arguments,
            stdin,
            env,
            network: Some(machine),
            ..Call::default()
        };
        call.run()
    }

    /// A page over a connection of its own; tells which server it came from.
    pub fn fetch(&self, client: u8) -> Result<u8> {
        ask(&mut self.open(client, self.vip().port())?)
    }

    /// The same, in the namespace of this thread, which must be the client's; nobody waits longer
    /// than `patience` for a connection, nor for an answer.
    pub fn fetch_within(&self, client: u8, patience: Duration) -> Result<u8> {
        let from = SocketAddr::new(self.client(client), 0);
        let patience = TimeVal::milliseconds(patience.as_millis().try_into().context("patience")?);
        ask(&mut stream_within(
            from,
            self.vip(),
            libc::IPPROTO_TCP,
            &patience,
        )?)
    }

    /// Ends the web server of a machine.
    pub fn stop_serving(&self, name: &str) -> Result {
        let file = self.folder.join(name).join("pid");
        let pid = fs::read_to_string(&file).context(file.display())?;
        let pid = pid.trim().parse().context("pid")?;
        kill(Pid::from_raw(pid), Signal::SIGTERM).context("nginx")?;
        for _ in 0..50 {
            if !file.exists() {
                return Ok(());
            }
            wait(50);
        }
        Err(format!("nginx of {name} does not end"))
    }

    /// A connection of a client to a port of the VIP.
    pub fn open(&self, client: u8, port: u16) -> Result<TcpStream> {
        let from = SocketAddr::new(self.client(client), 0);
        let to = SocketAddr::new(self.vip().ip(), port);
        in_network(CLIENT, || stream(from, to, libc::IPPROTO_TCP))
    }

    /// How many of so many pages came from each server, each page for the next client.
    pub fn spread(&self, pages: u8) -> Result<[u8; 3]> {
        let mut spread = [0; 3];
        for client in 0..pages {
            let server = self.fetch(client).context(format_args!("page {client}"))?;
            spread[usize::from(server) - 1] += 1;
        }
        Ok(spread)
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        for name in SERVERS {
            let pid = fs::read_to_string(self.folder.join(name).join("pid"));
            if let Some(pid) = pid.ok().and_then(|pid| pid.trim().parse().ok()) {
                let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
                // Its worker sees that at once; else it keeps the namespace.
            }
        }
        for name in ["switch", CLIENT, DIRECTOR, BACKUP]
            .into_iter()
            .chain(SERVERS)
        {
            if let Err(error) = helper("ip", &["netns", "del", name], "") {
                eprintln!("lab: {error}");
            }
        }
    }
}

fn namespaces() -> String {
    let mut commands = String::from("netns add switch\n");
    for name in [CLIENT, DIRECTOR, BACKUP].into_iter().chain(SERVERS) {
        commands += &format!("netns add {name}\n");
    }
    commands += "link add lan netns switch type bridge\n";
    for name in [CLIENT, DIRECTOR, BACKUP].into_iter().chain(SERVERS) {
        commands +=
            &format!("link add {name} netns switch type veth peer name eth0 netns {name}\n");
    }
    commands += "link add eth1 netns client type veth peer name eth1 netns director\n";
    commands
}

/// The links of the switch.
fn switch() -> String {
    let mut commands = String::from("link set lan up\n");
    for name in [CLIENT, DIRECTOR, BACKUP].into_iter().chain(SERVERS) {
        commands += &format!("link set {name} master lan\nlink set {name} up\n");
    }
    commands
}

/// The links and addresses of a machine.
fn machine(name: &str) -> String {
    let mut commands = String::from("link set lo up\nlink set eth0 up\n");
    let last = match name {
        DIRECTOR => 10,
        BACKUP => 20,
        "rs1" => 11,
        "rs2" => 12,
        "rs3" => 13,
        _ => 0,
    };
    if last > 0 {
        commands += &format!("addr add 192.168.0.{last}/24 dev eth0\n");
        commands += &format!("addr add fd00::{last}/64 dev eth0 nodad\n");
    }
    if name == DIRECTOR {
        commands += "link set eth1 up\n\
                     addr add 10.9.0.1/24 dev eth1\n\
                     addr add fd09::1/64 dev eth1 nodad\n";
    }
    if name == CLIENT {
        commands += "link set eth1 up\n";
        for number in 201..201 + u16::from(CLIENTS) {
            commands += &format!(
                "addr add 192.168.0.{number}/24 dev eth0\n\
                 addr add fd00::{number:x}/64 dev eth0 nodad\n\
                 addr add 10.9.0.{number}/24 dev eth1\n\
                 addr add fd09::{number:x}/64 dev eth1 nodad\n"
            );
        }
    }
    commands
}

/// A connection between two addresses, in the namespace of this thread.
pub fn stream(from: SocketAddr, to: SocketAddr, protocol: i32) -> Result<TcpStream> {
    stream_within(from, to, protocol, &TimeVal::seconds(PATIENCE_SECONDS))
}

fn stream_within(
    from: SocketAddr,
    to: SocketAddr,
    protocol: i32,
    patience: &TimeVal,
) -> Result<TcpStream> {
    let family = match from {
        SocketAddr::V4(_) => AddressFamily::Inet,
        SocketAddr::V6(_) => AddressFamily::Inet6,
    };
    let socket = stream_socket(family, protocol)?;
    setsockopt(&socket, sockopt::SendTimeout, patience).context("timeout")?;
    setsockopt(&socket, sockopt::ReceiveTimeout, patience).context("timeout")?;
    bind(socket.as_raw_fd(), &SockaddrStorage::from(from)).context("bind")?;
    connect(socket.as_raw_fd(), &SockaddrStorage::from(to)).context("connect")?;
    Ok(TcpStream::from(socket))
}

/// A socket of TCP or of another protocol that has streams.
pub fn stream_socket(family: AddressFamily, protocol: i32) -> Result<OwnedFd> {
    if protocol == libc::IPPROTO_TCP {
        return socket(family, SockType::Stream, SockFlag::SOCK_CLOEXEC, None).context("socket");
    }
    // SAFETY: the call takes numbers, and what it gives is a new file descriptor or an error.
    let fd = unsafe { libc::socket(family as i32, libc::SOCK_STREAM, protocol) };
    if fd < 0 {
        return Err(std::io::Error::last_os_error()).context("socket");
    }
    // SAFETY: nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Asks for a page over a connection that stays; tells which server answers.
pub fn ask(stream: &mut TcpStream) -> Result<u8> {
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: vip\r\n\r\n")
        .context("request")?;
    let mut answer = Vec::new();
    let mut some = [0; 1024];
    loop {
        let read = stream.read(&mut some).context("answer")?;
        answer.extend(&some[..read]);
        let text = String::from_utf8_lossy(&answer);
        match text.split_once("\r\n\r\n") {
            Some((head, body)) if !body.is_empty() => {
                let number = body.parse::<u8>().ok().filter(|_| head.contains(" 200 "));
                return number.ok_or_else(|| format!("not an answer: {text}"));
            }
            _ if read == 0 => return Err(format!("cut off: {text}")),
            _ => {}
        }
    }
}

/// A short while, in which the kernel does what it does later.
pub fn wait(milliseconds: u64) {
    std::thread::sleep(Duration::from_millis(milliseconds));
}
