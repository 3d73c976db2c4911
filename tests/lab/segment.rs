//! A client, a director and a real server on one Ethernet segment, somebody who keeps asking there
//! for the VIP, and tcpdump, which hears all that the real server says.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Seek};
use std::mem;
use std::net::{Ipv4Addr, Ipv6Addr, UdpSocket};
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use nix::net::if_::if_nametoindex;
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::{AddressFamily, SockFlag, SockProtocol, SockType, socket};
use nix::unistd::Pid;

use crate::clients::Background;
use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::{command, helper, memory_file};

/// Where the bridge is that they are all plugged into.
pub const SWITCH: &str = "sw";
pub const CLIENT: &str = "cl";
pub const DIRECTOR: &str = "lb";
pub const SERVER: &str = "rs";

pub const VIP: Ipv4Addr = Ipv4Addr::new(10, 95, 0, 100);
pub const VIP6: Ipv6Addr = Ipv6Addr::new(0xfd95, 0, 0, 0, 0, 0, 0, 0x100);

const CLIENT_ADDRESS: Ipv4Addr = Ipv4Addr::new(10, 95, 0, 1);
const CLIENT_ADDRESS6: Ipv6Addr = Ipv6Addr::new(0xfd95, 0, 0, 0, 0, 0, 0, 1);
const CLIENT_MAC: [u8; 6] = [2, 0, 0, 0, 0, 1];
const SERVER_MAC: &str = "02:00:00:00:00:03";

const NODES: [&str; 3] = [CLIENT, DIRECTOR, SERVER];

/// How often it is asked for the VIP.
const PERIOD: Duration = Duration::from_millis(1);

/// The namespaces. They end with this value.
pub struct Segment;

impl Segment {
    pub fn new() -> Result<Self> {
        helper(
            "ip",
            &["-batch", "-"],
            "netns add sw\nnetns add cl\nnetns add lb\nnetns add rs\n",
        )?;
        let segment = Self;
        helper(
            "ip",
            &["-n", SWITCH, "-batch", "-"],
            "link add lan type bridge\nlink set lan up\n",
        )?;
        for (number, node) in (1..).zip(NODES) {
            // No address waits for its duplicates.
            in_network(node, || {
                ["all", "default"].iter().try_for_each(|device| {
                    let file = format!("/proc/sys/net/ipv6/conf/{device}/accept_dad");
                    fs::write(&file, "0").context(file)
                })
            })?;
            let port = format!(
                "link add {node} type veth peer name eth0 address 02:00:00:00:00:0{number} \
                 netns {node}\nlink set {node} master lan up\n"
            );
            helper("ip", &["-n", SWITCH, "-batch", "-"], &port)?;
            let addresses = format!(
                "link set lo up\nlink set eth0 up\naddr add 10.95.0.{number}/24 dev eth0\n\
                 addr add fd95::{number}/64 dev eth0 nodad\n"
            );
            helper("ip", &["-n", node, "-batch", "-"], &addresses)?;
        }
        // Deprecated, the VIP is not the source of the director's tunnels: a real server drops
        // what comes by a tunnel from an address of its own.
        let vips = format!(
            "addr add {VIP}/32 dev eth0\naddr add {VIP6}/128 dev eth0 nodad preferred_lft 0\n"
        );
        helper("ip", &["-n", DIRECTOR, "-batch", "-"], &vips)?;
        Ok(segment)
    }

    /// What tcpdump hears the real server say of itself by ARP and neighbour discovery during some
    /// work, while a client asks for the VIPs a thousand times a second.
    pub fn overhear(&self, work: impl FnOnce() -> Result) -> Result<Heard> {
        let tcpdump = Tcpdump::start()?;
        let asking = keep_asking()?;
        work()?;
        asking.stop()?;
        // The last answers are on their way.
        std::thread::sleep(Duration::from_millis(100));
        tcpdump.stop().map(|said| Heard::of(&said))
    }
}

impl Drop for Segment {
    fn drop(&mut self) {
        for namespace in [SWITCH, CLIENT, DIRECTOR, SERVER] {
            if let Err(error) = helper("ip", &["netns", "del", namespace], "") {
                eprintln!("lab: {error}");
            }
        }
    }
}

/// A client that asks by ARP and neighbour discovery for the VIPs, until it is stopped.
fn keep_asking() -> Result<Background<()>> {
    let socket = packet_socket(CLIENT, "eth0")?;
    let questions = [arp_request(), neighbour_solicitation()];
    Ok(Background::start(move |stop| {
        while !stop.load(Ordering::Relaxed) {
            for question in &questions {
                // A full queue loses a frame, as a switch would.
                let _ = socket.send(question);
            }
            std::thread::sleep(PERIOD);
        }
    }))
}

/// A tcpdump at the real server's port of the switch.
struct Tcpdump {
    process: Child,
    said: File,
}

impl Tcpdump {
    fn start() -> Result<Self> {
        let filter = format!(
            "ether src {SERVER_MAC} and (arp or (icmp6 and (ip6[40] == 135 or ip6[40] == 136)))"
        );
        let said = memory_file()?;
        let output = said.try_clone().context("output")?;
        let mut process = in_network(SWITCH, || {
            command(Path::new("/usr/bin/tcpdump"))
                .args(["-Z", "root", "-n", "-l", "--immediate-mode", "-i", SERVER])
                .arg(filter)
                .stdout(output)
                .stderr(Stdio::piped())
                .spawn()
                .context("tcpdump")
        })?;
        let errors = process.stderr.take().ok_or("no stderr")?;
        let mut lines = BufReader::new(errors).lines();
        let is_ready = |line: &io::Result<String>| {
            line.as_ref()
                .is_ok_and(|line| line.contains("listening on"))
        };
        if !lines.any(|line| is_ready(&line)) {
            return Err("tcpdump does not listen".into());
        }
        // What it says at its end must find a reader.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Self { process, said })
    }

    /// Ends it; gives what it said, a line for a frame.
    fn stop(mut self) -> Result<String> {
        let id = i32::try_from(self.process.id()).context("process")?;
        kill(Pid::from_raw(id), Signal::SIGINT).context("kill")?;
        self.process.wait().context("tcpdump")?;
        let mut text = String::new();
        self.said.rewind().context("output")?;
        self.said.read_to_string(&mut text).context("output")?;
        Ok(text)
    }
}

impl Drop for Tcpdump {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// What the real server said.
pub struct Heard {
    /// Frames of ARP and neighbour discovery in its own name: it does speak.
    pub own: usize,
    /// Such frames that tell of a VIP.
    pub leaks: Vec<String>,
}

impl Heard {
    /// ARP tells of its sender in a request as in an answer. Neighbour discovery tells of the source
    /// of a solicitation and of the target of an advertisement.
    fn of(said: &str) -> Self {
        let tells = [
            format!(" Reply {VIP} "),
            format!(" tell {VIP}, "),
            format!(" IP6 {VIP6} > "),
            format!(" tgt is {VIP6}, "),
        ];
        let (leaks, own): (Vec<&str>, Vec<&str>) = said
            .lines()
            .partition(|line| tells.iter().any(|tell| line.contains(tell)));
        Self {
            own: own.len(),
            leaks: leaks.into_iter().map(str::to_owned).collect(),
        }
    }
}

/// Who has the VIP? Tell the client.
fn arp_request() -> Vec<u8> {
    let mut frame = [&[0xff; 6][..], &CLIENT_MAC, &[8, 6]].concat();
    frame.extend([0, 1, 8, 0, 6, 4, 0, 1]); // Ethernet, IPv4, a request
    frame.extend(CLIENT_MAC);
    frame.extend(CLIENT_ADDRESS.octets());
    frame.extend([0; 6]);
    frame.extend(VIP.octets());
    frame
}

/// The same for IPv6 (RFC 4861, 4.3).
fn neighbour_solicitation() -> Vec<u8> {
    const LENGTH: u8 = 32;
    let [.., a, b, c] = VIP6.octets();
    let group = [0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a, b, c];
    let mut message = vec![135, 0, 0, 0, 0, 0, 0, 0];
    message.extend(VIP6.octets());
    message.extend([1, 1]); // the asker's own link-layer address
    message.extend(CLIENT_MAC);
    let pseudo_header = [
        &CLIENT_ADDRESS6.octets()[..],
        &group,
        &[0, 0, 0, LENGTH, 0, 0, 0, 58],
    ];
    let sum: u32 = [pseudo_header.concat(), message.clone()]
        .concat()
        .chunks_exact(2)
        .map(|pair| u32::from(u16::from_be_bytes([pair[0], pair[1]])))
        .sum();
    let sum = (sum & 0xffff) + (sum >> 16);
    let checksum = !((sum & 0xffff) + (sum >> 16)) as u16;
    message[2..4].copy_from_slice(&checksum.to_be_bytes());
    let mut frame = [&[0x33, 0x33, 0xff, a, b, c][..], &CLIENT_MAC, &[0x86, 0xdd]].concat();
    frame.extend([0x60, 0, 0, 0, 0, LENGTH, 58, 255]);
    frame.extend(CLIENT_ADDRESS6.octets());
    frame.extend(group);
    frame.extend(message);
    frame
}

/// A socket that hears all frames of an interface, and sends frames as they are. It is made a
/// `UdpSocket` for its safe ways to read and write.
pub fn packet_socket(network: &str, device: &str) -> Result<UdpSocket> {
    in_network(network, || {
        let socket: OwnedFd = socket(
            AddressFamily::Packet,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::EthAll,
        )
        .context("packet socket")?;
        // SAFETY: all fields of a `struct sockaddr_ll` may be zero.
        let mut address: libc::sockaddr_ll = unsafe { mem::zeroed() };
        address.sll_family = libc::AF_PACKET as u16;
        address.sll_protocol = (libc::ETH_P_ALL as u16).to_be();
        address.sll_ifindex = if_nametoindex(device).context(device)? as i32;
        // SAFETY: the address lives through the call, and its length is that of its type.
        let status = unsafe {
            libc::bind(
                socket.as_raw_fd(),
                (&raw const address).cast(),
                mem::size_of_val(&address) as u32,
            )
        };
        match status {
            0 => Ok(socket.into()),
            _ => Err(std::io::Error::last_os_error()).context("bind"),
        }
    })
}
