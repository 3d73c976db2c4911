//! From words to a typed command. What is wrong is told in the order in which ipvsadm 1.31 finds
//! it: options from left to right with their values, then words left over, then what does not go
//! together.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use crate::addr::{Endpoint, Family, Protocol, Resolve};
use crate::ipvs::refusal::{Operation, Refusal};
use crate::ipvs::{
    Change, Checksum, Daemon, Destination, EngineName, Forwarding, InterfaceName, Netmask, Role,
    SchedulerFlags, SchedulerName, Service, ServiceId, Thresholds, Timeouts, Tunnel, Weight,
};

use super::legality::{self, Name, Names, Row};
use super::number::{integer, leading_integer};
use super::options::{Opt, Spec};
use super::words::Words;
use super::{Command, Form, Listing, Problem, What, flags, host};

/// 31 days in seconds: the longest timeout (`MAX_TIMEOUT` in ipvsadm).
const MAX_TIMEOUT: u32 = 86_400 * 31;

/// The persistence of `-p` without a value, in seconds. (The old manual said 300.)
const DEFAULT_PERSISTENCE: u32 = 360;

/// The scheduler of a service that names none.
const DEFAULT_SCHEDULER: &[u8] = b"wlc";

/// The interface of a synchronisation daemon that names none.
const DEFAULT_INTERFACE: &[u8] = b"eth0";

/// The longest message of a synchronisation daemon: a UDP datagram over IPv4.
const MAX_SYNC_LENGTH: u32 = 65_507;

/// The largest weight and threshold: what fits into a C `int`.
const MAX_INT: u32 = i32::MAX as u32;

/// What a command line is read with.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// Who knows names of hosts and ports.
    pub names: &'a dyn Resolve,
    /// Whether the first word that is no option ends the options (`POSIXLY_CORRECT`).
    pub posixly_correct: bool,
}

/// Reads a command line, given without the program's name. No words at all ask for a listing.
///
/// # Errors
/// The first problem, in the words of ipvsadm 1.31.
pub fn parse(words: &[&[u8]], context: Context<'_>) -> Result<Command, Problem> {
    if words.is_empty() {
        return Ok(Command::List(Listing::default()));
    }
    let mut words = Words::new(words, context.posixly_correct);
    let Some(Ok((command, value))) = words.next_option() else {
        return Err(Problem::NoCommand);
    };
    let verb = match (Verb::of(command.opt), command.opt) {
        (Some(verb), _) => verb,
        (None, Opt::Help) => return Ok(Command::Help),
        (None, Opt::Version) => return Ok(Command::Version),
        (None, _) => return Err(Problem::NoCommand),
    };
    let role = daemon_role(verb, value.unwrap_or(&[]))?;

    let mut line = Line::new(context.names);
    while let Some(option) = words.next_option() {
        let (option, value) = option.map_err(|mistake| Problem::Option {
            word: words.last().to_vec(),
            mistake,
        })?;
        line.take(option, value, words.last())?;
    }

    let mut others = words.others().into_iter();
    let timeouts = match verb {
        Verb::Set => timeouts(&mut others)?,
        _ => Timeouts::KEEP,
    };
    if let Some(word) = others.next() {
        return Err(Problem::usage(&[b"unexpected argument ", word]));
    }
    let scheduler_flags = flags::read(line.flags, line.scheduler)?;
    verb.row().check(line.given)?;

    let change = match verb {
        Verb::AddService => {
            Change::AddService(line.service(Operation::AddService, scheduler_flags)?)
        }
        Verb::EditService => {
            Change::EditService(line.service(Operation::EditService, scheduler_flags)?)
        }
        Verb::DeleteService => Change::DeleteService(line.id()?),
        Verb::AddServer => Change::AddDestination(line.id()?, line.destination()?),
        Verb::EditServer => Change::EditDestination(line.id()?, line.destination()?),
        Verb::DeleteServer => Change::DeleteDestination(line.id()?, line.server()),
        Verb::Flush => Change::Flush,
        Verb::Zero => Change::Zero(line.zeroed()?),
        Verb::Set => Change::SetTimeouts(timeouts),
        Verb::StartDaemon => Change::StartDaemon(line.daemon(role)?),
        Verb::StopDaemon => Change::StopDaemon {
            role,
            sync_id: line.sync_id,
        },
        Verb::List => return line.listing().map(Command::List),
        Verb::Save => {
            return Ok(Command::Save {
                numeric: line.given.has(Name::Numeric),
            });
        }
        Verb::Restore => {
            return Ok(Command::Restore {
                tell_lines: line.given.has(Name::Verbose),
                strict: line.given.has(Name::Strict),
            });
        }
    };
    Ok(Command::Change(change))
}

/// A command that other options may follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    AddService,
    EditService,
    DeleteService,
    Flush,
    List,
    AddServer,
    EditServer,
    DeleteServer,
    Set,
    StartDaemon,
    StopDaemon,
    Restore,
    Save,
    Zero,
}

impl Verb {
    fn of(option: Opt) -> Option<Self> {
        Some(match option {
            Opt::AddService => Verb::AddService,
            Opt::EditService => Verb::EditService,
            Opt::DeleteService => Verb::DeleteService,
            Opt::Clear => Verb::Flush,
            Opt::List => Verb::List,
            Opt::AddServer => Verb::AddServer,
            Opt::EditServer => Verb::EditServer,
            Opt::DeleteServer => Verb::DeleteServer,
            Opt::Set => Verb::Set,
            Opt::StartDaemon => Verb::StartDaemon,
            Opt::StopDaemon => Verb::StopDaemon,
            Opt::Restore => Verb::Restore,
            Opt::Save => Verb::Save,
            Opt::Zero => Verb::Zero,
            _ => return None,
        })
    }

    fn row(self) -> &'static Row {
        match self {
            Verb::AddService => &legality::ADD_SERVICE,
            Verb::EditService => &legality::EDIT_SERVICE,
            Verb::DeleteService => &legality::DELETE_SERVICE,
            Verb::Flush => &legality::FLUSH,
            Verb::List => &legality::LIST,
            Verb::AddServer => &legality::ADD_SERVER,
            Verb::EditServer => &legality::EDIT_SERVER,
            Verb::DeleteServer => &legality::DELETE_SERVER,
            Verb::Set => &legality::SET,
            Verb::StartDaemon => &legality::START_DAEMON,
            Verb::StopDaemon => &legality::STOP_DAEMON,
            Verb::Restore => &legality::RESTORE,
            Verb::Save => &legality::SAVE,
            Verb::Zero => &legality::ZERO,
        }
    }
}

/// The role that a daemon's command names; any, for the other commands.
fn daemon_role(verb: Verb, value: &[u8]) -> Result<Role, Problem> {
    match (verb, value) {
        (Verb::StartDaemon | Verb::StopDaemon, b"backup") => Ok(Role::Backup),
        (Verb::StartDaemon | Verb::StopDaemon, b"master") => Ok(Role::Master),
        (Verb::StartDaemon, _) => Err(illegal("start-daemon parameter")),
        (Verb::StopDaemon, _) => Err(illegal("start_daemon")),
        _ => Ok(Role::Master),
    }
}

/// The three words of `--set`. All must be there before one is looked at.
fn timeouts<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Result<Timeouts, Problem> {
    let (Some(tcp), Some(tcp_fin), Some(udp)) = (words.next(), words.next(), words.next()) else {
        let text = b"--set option requires 3 timeout values";
        return Err(Problem::usage(&[text]));
    };
    let timeout = |word| integer(word, 0, MAX_TIMEOUT).ok_or_else(|| bad_timeout(word));
    Ok(Timeouts {
        tcp: timeout(tcp)?,
        tcp_fin: timeout(tcp_fin)?,
        udp: timeout(udp)?,
    })
}

fn bad_timeout(word: &[u8]) -> Problem {
    Problem::usage(&[b"invalid timeout value `", word, b"' specified"])
}

/// Which service a line is about, as far as it has been read.
#[derive(Clone, Copy)]
enum Target {
    None,
    Address(Protocol, Endpoint),
    Mark(Family, NonZeroU32),
}

/// What has been read of a line. Some options mean what they mean by what stands before them:
/// `-M` by the family, `-r` by the service's protocol and port.
struct Line<'a> {
    names: &'a dyn Resolve,
    given: Names,
    target: Target,
    netmask: Netmask,
    scheduler: &'a [u8],
    flags: &'a [u8],
    persistence: Option<u32>,
    engine: &'a [u8],
    server: Option<Endpoint>,
    forwarding: Opt,
    weight: Weight,
    thresholds: Thresholds,
    tunnel_type: &'a [u8],
    tunnel_port: u16,
    interface: &'a [u8],
    sync_id: u32,
    max_length: Option<u16>,
    group: Option<IpAddr>,
    mcast_port: Option<u16>,
    ttl: Option<u8>,
}

impl<'a> Line<'a> {
    fn new(names: &'a dyn Resolve) -> Self {
        Line {
            names,
            given: Names::default(),
            target: Target::None,
            netmask: Netmask::full(Family::V4),
            scheduler: DEFAULT_SCHEDULER,
            flags: b"",
            persistence: None,
            engine: b"",
            server: None,
            forwarding: Opt::Gatewaying,
            weight: Weight(1),
            thresholds: Thresholds::default(),
            tunnel_type: b"ipip",
            tunnel_port: 0,
            interface: DEFAULT_INTERFACE,
            sync_id: 0,
            max_length: None,
            group: None,
            mcast_port: None,
            ttl: None,
        }
    }

    /// Takes one option. `word` is the last word that was read for it.
    fn take(&mut self, option: &Spec, value: Option<&'a [u8]>, word: &[u8]) -> Result<(), Problem> {
        if let Some(name) = option.name {
            if !self.given.insert(name) {
                let name = name.text().as_bytes();
                return Err(Problem::usage(&[
                    b"multiple '",
                    name,
                    b"' options specified",
                ]));
            }
        }
        if option.opt == Opt::Persistent && value.is_none() {
            self.persistence = Some(DEFAULT_PERSISTENCE);
            return Ok(());
        }
        let value = value.unwrap_or(&[]);
        let number = |min, max, what| number(value, min, max, what);
        match option.opt {
            Opt::TcpService => self.service_address(Protocol::TCP, value)?,
            Opt::UdpService => self.service_address(Protocol::UDP, value)?,
            Opt::SctpService => self.service_address(Protocol::SCTP, value)?,
            Opt::FwmarkService => {
                let mark = integer(value, 1, u32::MAX).and_then(NonZeroU32::new);
                let mark = mark.ok_or_else(|| {
                    Problem::usage(&[b"invalid fwmark value `", value, b"' specified"])
                })?;
                self.target = Target::Mark(Family::V4, mark);
            }
            Opt::Ipv6 => match &mut self.target {
                Target::Mark(family, _) => {
                    *family = Family::V6;
                    self.netmask = Netmask::full(Family::V6);
                }
                _ => return Err(Problem::usage(&[b"-6 used before -f\n"])),
            },
            Opt::Scheduler if value.is_empty() => self.scheduler = DEFAULT_SCHEDULER,
            Opt::Scheduler => self.scheduler = value,
            Opt::SchedulerFlags => self.flags = value,
            Opt::Persistent => {
                let timeout = integer(value, 1, MAX_TIMEOUT).ok_or_else(|| bad_timeout(value))?;
                self.persistence = Some(timeout);
            }
            Opt::Netmask => self.netmask = self.mask(value)?,
            Opt::Engine => self.engine = value,
            Opt::RealServer => self.server = Some(self.real_server(value)?),
            Opt::Gatewaying | Opt::Ipip | Opt::Masquerading => self.forwarding = option.opt,
            Opt::Weight => self.weight = Weight(number(0, MAX_INT, "weight")? as i32),
            Opt::UpperThreshold => self.thresholds.upper = number(0, MAX_INT, "u_threshold")?,
            Opt::LowerThreshold => self.thresholds.lower = number(0, MAX_INT, "l_threshold")?,
            Opt::TunnelType => match value {
                b"ipip" | b"gue" | b"gre" => self.tunnel_type = value,
                _ => return Err(illegal("tunnel type")),
            },
            Opt::TunnelPort => self.tunnel_port = port(value, "tunnel port")?,
            Opt::McastInterface if value.is_empty() => self.interface = DEFAULT_INTERFACE,
            Opt::McastInterface => self.interface = value,
            Opt::SyncId => self.sync_id = number(0, 255, "syncid")?,
            Opt::SyncMaxLength => {
                self.max_length = Some(number(1, MAX_SYNC_LENGTH, "sync-maxlen")? as u16);
            }
            Opt::McastGroup => self.group = Some(multicast_group(value)?),
            Opt::McastPort => self.mcast_port = Some(port(value, "mcast-port")?),
            Opt::McastTtl => self.ttl = Some(number(1, 255, "mcast-ttl")? as u8),
            Opt::OnePacket
            | Opt::TunnelNoChecksum
            | Opt::TunnelChecksum
            | Opt::TunnelRemoteChecksum
            | Opt::Numeric
            | Opt::Connection
            | Opt::Stats
            | Opt::Rate
            | Opt::Thresholds
            | Opt::PersistentConn
            | Opt::TunnelInfo
            | Opt::Timeout
            | Opt::Daemon
            | Opt::Exact
            | Opt::NoSort
            | Opt::Sort
            | Opt::Strict
            | Opt::Verbose => {}
            Opt::AddService
            | Opt::EditService
            | Opt::DeleteService
            | Opt::Clear
            | Opt::Restore
            | Opt::Save
            | Opt::AddServer
            | Opt::EditServer
            | Opt::DeleteServer
            | Opt::List
            | Opt::Zero
            | Opt::Set
            | Opt::StartDaemon
            | Opt::StopDaemon
            | Opt::Help
            | Opt::Version => return Err(Problem::usage(&[b"invalid option `", word, b"'"])),
        }
        Ok(())
    }

    fn service_address(&mut self, protocol: Protocol, value: &[u8]) -> Result<(), Problem> {
        let endpoint = host::service_endpoint(value, protocol, self.names)
            .ok_or_else(|| illegal("virtual server address[:port]"))?;
        if endpoint.family() == Family::V6 {
            self.netmask = Netmask::full(Family::V6);
        }
        self.target = Target::Address(protocol, endpoint);
        Ok(())
    }

    fn real_server(&self, value: &[u8]) -> Result<Endpoint, Problem> {
        let protocol = match self.target {
            Target::None => None,
            Target::Address(protocol, _) => Some(protocol),
            Target::Mark(..) => Some(Protocol::TCP),
        };
        let (address, port) = host::endpoint(value, protocol, self.names)
            .ok_or_else(|| illegal("real server address[:port]"))?;
        Ok(Endpoint::new(address, port.unwrap_or(self.service_port())))
    }

    fn mask(&self, value: &[u8]) -> Result<Netmask, Problem> {
        match self.family() {
            Family::V4 => host::mask(value, self.names)
                .map(Netmask::V4)
                .ok_or_else(|| illegal("virtual server persistent mask")),
            Family::V6 => match leading_integer(value) {
                length @ 1..=128 => Ok(Netmask::V6(length as u32)),
                _ => Err(illegal("ipv6 netmask")),
            },
        }
    }

    fn family(&self) -> Family {
        match self.target {
            Target::None => Family::V4,
            Target::Address(_, endpoint) => endpoint.family(),
            Target::Mark(family, _) => family,
        }
    }

    fn service_port(&self) -> u16 {
        match self.target {
            Target::Address(_, endpoint) => endpoint.port,
            Target::None | Target::Mark(..) => 0,
        }
    }

    fn id(&self) -> Result<ServiceId, Problem> {
        match self.target {
            Target::Address(protocol, endpoint) => Ok(ServiceId::Address { protocol, endpoint }),
            Target::Mark(family, mark) => Ok(ServiceId::Mark { family, mark }),
            // The table of what goes together asks for a service first.
            Target::None => Err(Problem::NoCommand),
        }
    }

    /// The service whose counters are zeroed. As in ipvsadm, the service 0.0.0.0:0 means all.
    fn zeroed(&self) -> Result<Option<ServiceId>, Problem> {
        match self.target {
            Target::None => Ok(None),
            Target::Address(_, Endpoint { address, port: 0 }) if address.is_unspecified() => {
                Ok(None)
            }
            _ => self.id().map(Some),
        }
    }

    fn service(
        &self,
        operation: Operation,
        scheduler_flags: SchedulerFlags,
    ) -> Result<Service, Problem> {
        let id = self.id()?;
        let one_packet = self.given.has(Name::OnePacket);
        if let ServiceId::Address { protocol, endpoint } = id {
            if endpoint.port == 0 && self.persistence.is_none() {
                let text = b"Zero port specified for non-persistent service";
                return Err(Problem::usage(&[text]));
            }
            if one_packet && protocol != Protocol::UDP {
                let text = b"One-Packet Scheduling is only for UDP virtual services";
                return Err(Problem::usage(&[text]));
            }
        }
        // A name that is too long, or no text, is no name of the kernel's: ipvsadm cuts it.
        let unknown = || Problem::Refused(Refusal::no_such_scheduler(operation));
        let scheduler = text(self.scheduler).and_then(SchedulerName::new);
        let engine = text(self.engine)
            .and_then(EngineName::new)
            .ok_or_else(unknown)?;
        Ok(Service {
            id,
            scheduler: scheduler.ok_or_else(unknown)?,
            scheduler_flags,
            persistence: self.persistence,
            granularity: self.netmask,
            engine: (!engine.as_str().is_empty()).then_some(engine),
            one_packet,
        })
    }

    /// The real server as it was written.
    fn server(&self) -> Endpoint {
        let unspecified = Endpoint::new(Family::V4.unspecified(), 0);
        self.server.unwrap_or(unspecified)
    }

    fn destination(&self) -> Result<Destination, Problem> {
        let mut endpoint = self.server();
        // Only NAT can change the port: the kernel would not, and so never does ipvsadm.
        if let (Target::Address(..), Opt::Gatewaying | Opt::Ipip) = (self.target, self.forwarding) {
            endpoint.port = self.service_port();
        }
        let tunneled = self.forwarding == Opt::Ipip;
        if endpoint.family() != self.family() && !tunneled {
            let text = b"Different address family is allowed only for tunneling servers";
            return Err(Problem::usage(&[text]));
        }
        if self.given.has_any(legality::TUNNEL) && !tunneled {
            return Err(Problem::usage(&[
                b"Tunnel options conflict with forward method",
            ]));
        }
        let forwarding = match self.forwarding {
            Opt::Ipip => Forwarding::Tunnel(self.tunnel()?),
            Opt::Masquerading => Forwarding::Masquerade,
            _ => Forwarding::Route,
        };
        Ok(Destination {
            endpoint,
            forwarding,
            weight: self.weight,
            thresholds: self.thresholds,
        })
    }

    fn tunnel(&self) -> Result<Tunnel, Problem> {
        let checksum = if self.given.has(Name::TunnelRemoteChecksum) {
            Checksum::Remote
        } else if self.given.has(Name::TunnelChecksum) {
            Checksum::Whole
        } else {
            Checksum::Without
        };
        match self.tunnel_type {
            b"gue" => {
                legality::GUE.check_tunnel(self.given)?;
                let port = self.tunnel_port;
                Ok(Tunnel::Gue { port, checksum })
            }
            b"gre" => {
                legality::GRE.check_tunnel(self.given)?;
                Ok(Tunnel::Gre { checksum })
            }
            _ => {
                legality::IPIP.check_tunnel(self.given)?;
                Ok(Tunnel::Ipip)
            }
        }
    }

    fn daemon(&self, role: Role) -> Result<Daemon, Problem> {
        let interface = text(self.interface)
            .and_then(InterfaceName::new)
            .ok_or_else(|| Problem::Refused(Refusal::no_such_interface()))?;
        Ok(Daemon {
            role,
            interface,
            sync_id: self.sync_id,
            max_length: self.max_length,
            group: self.group,
            port: self.mcast_port,
            ttl: self.ttl,
        })
    }

    fn listing(&self) -> Result<Listing, Problem> {
        use Name::*;
        let given = self.given;
        let counters = given.has_any(&[Stats, Rate, Thresholds]);
        let settings = given.has_any(&[Timeout, Daemon]);
        if (given.has(Connection) || settings) && counters || settings && given.has(PersistentConn)
        {
            return Err(Problem::usage(&[b"options conflicts in the list command"]));
        }
        let what = if given.has(Connection) {
            What::Connections {
                engine: given.has(PersistentConn),
            }
        } else if given.has(Timeout) {
            What::Timeouts
        } else if given.has(Daemon) {
            What::Daemons
        } else {
            What::Table {
                form: self.form(),
                exact: given.has(Exact),
                sorted: !given.has(NoSort),
                only: match self.target {
                    Target::None => None,
                    _ => Some(self.id()?),
                },
            }
        };
        Ok(Listing {
            what,
            numeric: given.has(Numeric),
        })
    }

    /// Of several forms the first of this order is meant.
    fn form(&self) -> Form {
        [
            (Name::Stats, Form::Stats),
            (Name::Rate, Form::Rate),
            (Name::Thresholds, Form::Thresholds),
            (Name::PersistentConn, Form::PersistentConnections),
            (Name::TunnelInfo, Form::Tunnels),
        ]
        .into_iter()
        .find(|(name, _)| self.given.has(*name))
        .map_or(Form::Plain, |(_, form)| form)
    }
}

fn illegal(what: &str) -> Problem {
    Problem::usage(&[b"illegal ", what.as_bytes(), b" specified"])
}

fn number(value: &[u8], min: u32, max: u32, what: &str) -> Result<u32, Problem> {
    integer(value, min, max).ok_or_else(|| illegal(what))
}

fn port(value: &[u8], what: &str) -> Result<u16, Problem> {
    number(value, 1, 65_535, what).map(|port| port as u16)
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

fn multicast_group(value: &[u8]) -> Result<IpAddr, Problem> {
    let text = text(value).unwrap_or("");
    let (family, address) = if value.contains(&b':') {
        ("IPv6", text.parse::<Ipv6Addr>().ok().map(IpAddr::from))
    } else {
        ("IPv4", text.parse::<Ipv4Addr>().ok().map(IpAddr::from))
    };
    address.filter(IpAddr::is_multicast).ok_or_else(|| {
        Problem::usage(&[
            b"invalid ",
            family.as_bytes(),
            b" mcast-group `",
            value,
            b"'",
        ])
    })
}
