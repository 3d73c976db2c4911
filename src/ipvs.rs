//! The IPVS table as plain values: services, destinations, how packets are forwarded, and what a
//! command changes. Sources: `linux/ip_vs.h`, ipvsadm(8).

use std::net::{IpAddr, Ipv4Addr};
use std::num::NonZeroU32;

use crate::addr::{Endpoint, Family, Protocol};

pub mod client;
pub mod connections;
pub mod drain;
pub mod order;
pub mod plan;
pub mod refusal;
pub mod rule;
pub mod status;
mod wire;

/// What tells one virtual service from all others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum ServiceId {
    /// A virtual address and port.
    Address {
        /// TCP, UDP or SCTP.
        protocol: Protocol,
        /// The VIP and its port; port 0 stands for all ports of a persistent service.
        endpoint: Endpoint,
    },
    /// All packets with a firewall mark.
    Mark {
        /// The family of the packets.
        family: Family,
        /// The mark.
        mark: NonZeroU32,
    },
}

impl ServiceId {
    /// The family of the packets that the service takes.
    pub fn family(&self) -> Family {
        match self {
            ServiceId::Address { endpoint, .. } => endpoint.family(),
            ServiceId::Mark { family, .. } => *family,
        }
    }

    /// The virtual address and port, which a firewall mark does not tell.
    pub fn endpoint(&self) -> Option<Endpoint> {
        match self {
            ServiceId::Address { endpoint, .. } => Some(*endpoint),
            ServiceId::Mark { .. } => None,
        }
    }

    /// The protocol, which a firewall mark does not tell.
    pub fn protocol(&self) -> Option<Protocol> {
        match self {
            ServiceId::Address { protocol, .. } => Some(*protocol),
            ServiceId::Mark { .. } => None,
        }
    }
}

/// A virtual service: who it is, and how it chooses among its destinations.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// Which packets it takes.
    pub id: ServiceId,
    /// The scheduler by its name; the kernel's set is open.
    pub scheduler: SchedulerName,
    /// Flags that the scheduler gives a meaning.
    pub scheduler_flags: SchedulerFlags,
    /// How long a client stays with its destination, if it stays at all.
    pub persistence: Option<Timeout>,
    /// Which clients count as one for persistence. The kernel keeps it without persistence too.
    pub granularity: Netmask,
    /// The persistence engine. The kernel keeps it without persistence too.
    pub engine: Option<EngineName>,
    /// Each packet is scheduled by itself (UDP only).
    pub one_packet: bool,
}

/// A time in seconds, as the persistence of a service.
pub type Timeout = u32;

/// A name that the kernel stores in a field of fixed size: at most `LONGEST` bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ShortName<const LONGEST: usize>(String);

impl<const LONGEST: usize> ShortName<LONGEST> {
    /// A name, unless it is longer than the kernel can store.
    pub fn new(name: impl Into<String>) -> Option<Self> {
        let name = name.into();
        (name.len() <= LONGEST).then_some(ShortName(name))
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The name of a scheduler (`IP_VS_SCHEDNAME_MAXLEN` less its NUL).
pub type SchedulerName = ShortName<15>;

/// The name of a persistence engine (`IP_VS_PENAME_MAXLEN`).
pub type EngineName = ShortName<16>;

/// The name of a network interface (`IP_VS_IFNAME_MAXLEN` less its NUL).
pub type InterfaceName = ShortName<15>;

/// The three flags that a service hands to its scheduler (`IP_VS_SVC_F_SCHED1` to `3`).
///
/// `sh` and `mh` call the first two "fallback" and "port".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SchedulerFlags(u32);

impl SchedulerFlags {
    /// The first flag; `sh-fallback`, `mh-fallback`.
    pub const FLAG_1: SchedulerFlags = SchedulerFlags(0x08);
    /// The second flag; `sh-port`, `mh-port`.
    pub const FLAG_2: SchedulerFlags = SchedulerFlags(0x10);
    /// The third flag.
    pub const FLAG_3: SchedulerFlags = SchedulerFlags(0x20);
    const ALL: u32 = 0x38;

    /// Those of the three flags that are set in the kernel's service flags.
    pub fn from_bits(bits: u32) -> Self {
        SchedulerFlags(bits & Self::ALL)
    }

    /// The flags at their places in the kernel's service flags.
    pub fn bits(self) -> u32 {
        self.0
    }

    /// Whether none is set.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` are set.
    pub fn contains(self, other: SchedulerFlags) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets those of `other` too.
    pub fn insert(&mut self, other: SchedulerFlags) {
        self.0 |= other.0;
    }
}

/// Which part of a client's address counts for persistence.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Netmask {
    /// An IPv4 mask; any bits, not only a prefix.
    V4(Ipv4Addr),
    /// The length of an IPv6 prefix, 1 to 128.
    V6(u32),
}

impl Netmask {
    /// The mask under which each client counts for itself.
    pub fn full(family: Family) -> Self {
        match family {
            Family::V4 => Netmask::V4(Ipv4Addr::BROADCAST),
            Family::V6 => Netmask::V6(128),
        }
    }

    /// Whether each client counts for itself.
    pub fn is_full(self) -> bool {
        matches!(self, Netmask::V4(Ipv4Addr::BROADCAST) | Netmask::V6(128))
    }
}

/// A real server of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    /// Its address and port; they tell it from the others of its service.
    pub endpoint: Endpoint,
    /// How packets reach it.
    pub forwarding: Forwarding,
    /// Its share of the connections; 0 gives it no new ones.
    pub weight: Weight,
    /// How many connections it takes.
    pub thresholds: Thresholds,
}

/// How the director hands a packet to a destination (`IP_VS_CONN_F_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Forwarding {
    /// The destination address is rewritten (LVS-NAT).
    Masquerade,
    /// The destination is the director itself. Only the kernel says so, and only old ones.
    Local,
    /// The packet is sent on inside another (LVS-TUN).
    Tunnel(Tunnel),
    /// The packet is sent on as it is, to the destination's link address (LVS-DR).
    Route,
    /// A number without a meaning here, 4 to 7.
    Unknown(u32),
}

/// How a packet is wrapped on its way to a destination (`IP_VS_CONN_F_TUNNEL_TYPE_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Tunnel {
    /// IP in IP (RFC 2003).
    Ipip,
    /// Generic UDP encapsulation.
    Gue {
        /// The UDP port at the destination.
        port: u16,
        /// What protects the outer header.
        checksum: Checksum,
    },
    /// Generic routing encapsulation (RFC 2784).
    Gre {
        /// What protects the outer header.
        checksum: Checksum,
    },
    /// A type that this program does not know.
    Unknown(u8),
}

/// The checksum of a tunnel's outer header (`IP_VS_TUNNEL_ENCAP_FLAG_*`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Checksum {
    /// None.
    Without,
    /// Over the whole packet.
    Whole,
    /// Computed by the receiver (GUE only).
    Remote,
    /// Flags that no option makes.
    Unknown(u16),
}

impl Checksum {
    /// The checksum that the kernel's encapsulation flags ask for.
    pub fn from_flags(flags: u16) -> Self {
        match flags {
            0 => Checksum::Without,
            1 => Checksum::Whole,
            2 => Checksum::Remote,
            other => Checksum::Unknown(other),
        }
    }

    /// The kernel's encapsulation flags.
    pub fn flags(self) -> u16 {
        match self {
            Checksum::Without => 0,
            Checksum::Whole => 1,
            Checksum::Remote => 2,
            Checksum::Unknown(flags) => flags,
        }
    }
}

/// The weight of a destination: 0 to 2,147,483,647.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Weight(pub i32);

/// Between how many connections a destination takes new ones.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Thresholds {
    /// At this many it takes no more; 0 for no limit.
    pub upper: u32,
    /// Below this many it takes some again; 0 for three quarters of the upper one.
    pub lower: u32,
}

/// A service as the kernel lists it: what it is, and what has passed through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRow {
    /// What it is.
    pub service: Service,
    /// What has passed.
    pub stats: Stats,
}

/// A destination as the kernel lists it: what it is, and what has passed through it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationRow {
    /// What it is.
    pub destination: Destination,
    /// The connections it has now.
    pub connections: Connections,
    /// What has passed.
    pub stats: Stats,
}

/// How many connections a destination has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Connections {
    /// Established ones.
    pub active: u32,
    /// All others.
    pub inactive: u32,
    /// Persistence templates.
    pub persistent: u32,
}

/// Counters since the last zeroing, and rates as the kernel estimates them every two seconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections scheduled.
    pub connections: u64,
    /// Packets from clients.
    pub packets_in: u64,
    /// Packets to clients that passed the director.
    pub packets_out: u64,
    /// Bytes from clients.
    pub bytes_in: u64,
    /// Bytes to clients that passed the director.
    pub bytes_out: u64,
    /// Connections a second.
    pub connection_rate: u64,
    /// Packets in a second.
    pub packet_rate_in: u64,
    /// Packets out a second.
    pub packet_rate_out: u64,
    /// Bytes in a second.
    pub byte_rate_in: u64,
    /// Bytes out a second.
    pub byte_rate_out: u64,
}

/// How long idle connections are kept, in seconds.
///
/// As a change, 0 leaves a value as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timeouts {
    /// An established TCP connection.
    pub tcp: u32,
    /// A TCP connection after a FIN.
    pub tcp_fin: u32,
    /// A UDP "connection".
    pub udp: u32,
}

impl Timeouts {
    /// As a change: all stay as they are.
    pub const KEEP: Timeouts = Timeouts {
        tcp: 0,
        tcp_fin: 0,
        udp: 0,
    };
}

/// What a connection synchronisation daemon does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// It sends the connections of this director.
    Master = 1,
    /// It takes those of another.
    Backup = 2,
}

impl Role {
    /// `master` or `backup`.
    pub fn name(self) -> &'static str {
        match self {
            Role::Master => "master",
            Role::Backup => "backup",
        }
    }
}

/// A connection synchronisation daemon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Daemon {
    /// Which of the two it is.
    pub role: Role,
    /// The interface that it multicasts on.
    pub interface: InterfaceName,
    /// The group of directors it belongs to, 0 to 255.
    pub sync_id: u32,
    /// The longest message it sends, in bytes; the kernel chooses when absent.
    pub max_length: Option<u16>,
    /// The multicast group; 224.0.0.81 when absent.
    pub group: Option<IpAddr>,
    /// The UDP port; 8848 when absent.
    pub port: Option<u16>,
    /// The time to live of its packets; 1 when absent.
    pub ttl: Option<u8>,
}

/// One change to the kernel's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Adds a service.
    AddService(Service),
    /// Replaces the settings of a service; its destinations stay.
    EditService(Service),
    /// Deletes a service and its destinations.
    DeleteService(ServiceId),
    /// Adds a destination.
    AddDestination(ServiceId, Destination),
    /// Replaces the settings of a destination.
    EditDestination(ServiceId, Destination),
    /// Deletes a destination.
    DeleteDestination(ServiceId, Endpoint),
    /// Deletes all services.
    Flush,
    /// Sets the counters of one service, or of all, to zero.
    Zero(Option<ServiceId>),
    /// Sets the timeouts of connections.
    SetTimeouts(Timeouts),
    /// Starts a synchronisation daemon.
    StartDaemon(Daemon),
    /// Stops a synchronisation daemon. The kernel does not compare the sync id.
    StopDaemon {
        /// Which of the two.
        role: Role,
        /// Its group of directors.
        sync_id: u32,
    },
}

/// What the kernel says of its IPVS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// The version, a byte each: major, minor, patch.
    pub version: Version,
    /// The number of buckets in the connection table.
    pub connection_table_size: u32,
}

/// A version of IPVS, as 1.2.1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version(pub u32);

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let [_, major, minor, patch] = self.0.to_be_bytes();
        write!(f, "{major}.{minor}.{patch}")
    }
}
