//! What has been read of a line so far.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;

use crate::addr::{Endpoint, Family, Protocol, Resolve};
use crate::ipvs::{Netmask, ServiceId, Thresholds, Weight};

use super::{MAX_TIMEOUT, bad_timeout};
use crate::ipvs::connections::Filter;
use crate::ipvs::rule::legality::Names;
use crate::ipvs::rule::number::{integer, leading_integer, thousandths};
use crate::ipvs::rule::options::{Opt, Spec};
use crate::ipvs::rule::{Interval, Problem, filter, host};

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

/// Which service a line is about, as far as it has been read.
#[derive(Clone, Copy)]
pub(super) enum Target {
    None,
    Address(Protocol, Endpoint),
    Mark(Family, NonZeroU32),
}

#[derive(Clone)]
/// What has been read of a line. Some options mean what they mean by what stands before them:
/// `-M` by the family, `-r` by the service's protocol and port.
pub(super) struct Line<'a> {
    pub(super) names: &'a dyn Resolve,
    pub(super) given: Names,
    pub(super) target: Target,
    pub(super) netmask: Netmask,
    pub(super) scheduler: &'a [u8],
    pub(super) flags: &'a [u8],
    pub(super) persistence: Option<u32>,
    pub(super) engine: &'a [u8],
    pub(super) server: Option<Endpoint>,
    pub(super) forwarding: Opt,
    pub(super) weight: Weight,
    pub(super) thresholds: Thresholds,
    pub(super) tunnel_type: &'a [u8],
    pub(super) tunnel_port: u16,
    pub(super) interface: &'a [u8],
    pub(super) sync_id: u32,
    pub(super) max_length: Option<u16>,
    pub(super) group: Option<IpAddr>,
    pub(super) mcast_port: Option<u16>,
    pub(super) ttl: Option<u8>,
    pub(super) interval: Interval,
    pub(super) filter: Filter,
    pub(super) drain: u32,
}

impl<'a> Line<'a> {
    pub(super) fn new(names: &'a dyn Resolve) -> Self {
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
            interval: Interval::DEFAULT,
            filter: Filter::default(),
            drain: 0,
        }
    }

    /// Takes one option. `word` is the last word that was read for it.
    pub(super) fn take(
        &mut self,
        option: &Spec,
        value: Option<&'a [u8]>,
        word: &[u8],
    ) -> Result<(), Problem> {
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
            Opt::Watch if !value.is_empty() => {
                self.interval = interval(value).ok_or_else(|| illegal("watch interval"))?;
            }
            Opt::Filter => self.filter = filter::read(value, self.names)?,
            Opt::Drain => self.drain = number(0, MAX_TIMEOUT, "drain timeout")?,
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
            | Opt::Json
            | Opt::Metrics
            | Opt::Pretty
            | Opt::Watch
            | Opt::Status
            | Opt::Count
            | Opt::Keep
            | Opt::Strict
            | Opt::DryRun
            | Opt::Verbose => {}
            Opt::AddService
            | Opt::EditService
            | Opt::DeleteService
            | Opt::Clear
            | Opt::Restore
            | Opt::Apply
            | Opt::Undrain
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

    pub(super) fn family(&self) -> Family {
        match self.target {
            Target::None => Family::V4,
            Target::Address(_, endpoint) => endpoint.family(),
            Target::Mark(family, _) => family,
        }
    }

    pub(super) fn service_port(&self) -> u16 {
        match self.target {
            Target::Address(_, endpoint) => endpoint.port,
            Target::None | Target::Mark(..) => 0,
        }
    }

    pub(super) fn id(&self) -> Result<ServiceId, Problem> {
        match self.target {
            Target::Address(protocol, endpoint) => Ok(ServiceId::Address { protocol, endpoint }),
            Target::Mark(family, mark) => Ok(ServiceId::Mark { family, mark }),
            // The table of what goes together asks for a service first.
            Target::None => Err(Problem::NoCommand),
        }
    }
}

pub(super) fn illegal(what: &str) -> Problem {
    Problem::usage(&[b"illegal ", what.as_bytes(), b" specified"])
}

fn number(value: &[u8], min: u32, max: u32, what: &str) -> Result<u32, Problem> {
    integer(value, min, max).ok_or_else(|| illegal(what))
}

/// Seconds, with a fraction or without.
fn interval(value: &[u8]) -> Option<Interval> {
    Interval::from_milliseconds(thousandths(value)?)
}

fn port(value: &[u8], what: &str) -> Result<u16, Problem> {
    number(value, 1, 65_535, what).map(|port| port as u16)
}

fn multicast_group(value: &[u8]) -> Result<IpAddr, Problem> {
    let text = std::str::from_utf8(value).unwrap_or("");
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
