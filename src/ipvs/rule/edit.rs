//! Edits that keep what they do not name: `-e --keep`, `-E --keep`.

use crate::addr::Endpoint;
use crate::ipvs::{
    Checksum, Destination, EngineName, Forwarding, Netmask, SchedulerFlags, SchedulerName, Service,
    ServiceId, Thresholds, Timeout, Tunnel, Weight,
};

use super::Problem;
use super::legality::{self, Name, Names};

/// An edit of one thing. What is absent stays as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Edit {
    /// Of a service.
    Service(ServiceEdit),
    /// Of a destination.
    Destination(DestinationEdit),
}

/// What becomes of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceEdit {
    /// Which service.
    pub id: ServiceId,
    /// Its new scheduler.
    pub scheduler: Option<SchedulerName>,
    /// Its new scheduler flags, all of them.
    pub scheduler_flags: Option<SchedulerFlags>,
    /// Its new persistence.
    pub persistence: Option<Timeout>,
    /// Its new mask.
    pub granularity: Option<Netmask>,
    /// Its new persistence engine.
    pub engine: Option<EngineName>,
    /// From now on each packet is scheduled by itself.
    pub one_packet: bool,
}

impl ServiceEdit {
    /// The service as it shall be.
    pub fn of(self, service: Service) -> Service {
        Service {
            id: self.id,
            scheduler: self.scheduler.unwrap_or(service.scheduler),
            scheduler_flags: self.scheduler_flags.unwrap_or(service.scheduler_flags),
            persistence: self.persistence.or(service.persistence),
            granularity: self.granularity.unwrap_or(service.granularity),
            engine: self.engine.or(service.engine),
            one_packet: self.one_packet || service.one_packet,
        }
    }
}

/// What becomes of a destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DestinationEdit {
    /// Its service.
    pub of: ServiceId,
    /// Which destination.
    pub endpoint: Endpoint,
    /// How packets shall reach it.
    pub method: Option<Method>,
    /// How its tunnel shall be made.
    pub tunnel: TunnelEdit,
    /// Its new weight.
    pub weight: Option<Weight>,
    /// Its new upper threshold.
    pub upper: Option<u32>,
    /// Its new lower threshold.
    pub lower: Option<u32>,
}

/// A forwarding method that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// `-g`.
    Route,
    /// `-m`.
    Masquerade,
    /// `-i`.
    Tunnel,
}

/// What becomes of a tunnel.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TunnelEdit {
    /// Its new kind.
    pub kind: Option<TunnelKind>,
    /// Its new UDP port.
    pub port: Option<u16>,
    /// Its new checksum.
    pub checksum: Option<Checksum>,
}

/// A kind of tunnel that can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TunnelKind {
    /// `ipip`.
    Ipip,
    /// `gue`.
    Gue,
    /// `gre`.
    Gre,
}

impl DestinationEdit {
    /// The destination as it shall be.
    ///
    /// # Errors
    /// What is named does not go together with what is kept.
    pub fn of(&self, destination: &Destination) -> Result<Destination, Problem> {
        let forwarding = self.forwarding(destination.forwarding)?;
        let tunneled = matches!(forwarding, Forwarding::Tunnel(_));
        if self.endpoint.family() != self.of.family() && !tunneled {
            let text = b"Different address family is allowed only for tunneling servers";
            return Err(Problem::usage(&[text]));
        }
        let Thresholds { upper, lower } = destination.thresholds;
        Ok(Destination {
            endpoint: self.endpoint,
            forwarding,
            weight: self.weight.unwrap_or(destination.weight),
            thresholds: Thresholds {
                upper: self.upper.unwrap_or(upper),
                lower: self.lower.unwrap_or(lower),
            },
        })
    }

    fn forwarding(&self, actual: Forwarding) -> Result<Forwarding, Problem> {
        let named = self.tunnel != TunnelEdit::default();
        match (self.method, actual) {
            (Some(Method::Tunnel), Forwarding::Tunnel(tunnel))
            | (None, Forwarding::Tunnel(tunnel)) => self.tunnel.of(tunnel).map(Forwarding::Tunnel),
            (Some(Method::Tunnel), _) => self.tunnel.of(Tunnel::Ipip).map(Forwarding::Tunnel),
            _ if named => Err(Problem::usage(&[
                b"Tunnel options conflict with forward method",
            ])),
            (Some(Method::Route), _) => Ok(Forwarding::Route),
            (Some(Method::Masquerade), _) => Ok(Forwarding::Masquerade),
            (None, actual) => Ok(actual),
        }
    }
}

impl TunnelEdit {
    /// The tunnel as it shall be. What the new kind has no place for is not kept.
    fn of(self, actual: Tunnel) -> Result<Tunnel, Problem> {
        if self == TunnelEdit::default() {
            return Ok(actual);
        }
        let (kind, port, checksum) = match actual {
            Tunnel::Ipip | Tunnel::Unknown(_) => (TunnelKind::Ipip, None, None),
            Tunnel::Gue { port, checksum } => (TunnelKind::Gue, Some(port), Some(checksum)),
            Tunnel::Gre { checksum } => (TunnelKind::Gre, None, Some(checksum)),
        };
        let kind = self.kind.unwrap_or(kind);
        let mut named = Names::default();
        if self.port.is_some() || kind == TunnelKind::Gue && port.is_some() {
            named.insert(Name::TunnelPort);
        }
        if let Some(checksum) = self.checksum {
            named.insert(match checksum {
                Checksum::Remote => Name::TunnelRemoteChecksum,
                Checksum::Whole => Name::TunnelChecksum,
                Checksum::Without | Checksum::Unknown(_) => Name::TunnelNoChecksum,
            });
        }
        let checksum = self.checksum.or(checksum).unwrap_or(Checksum::Without);
        match kind {
            TunnelKind::Ipip => {
                legality::IPIP.check_tunnel(named)?;
                Ok(Tunnel::Ipip)
            }
            TunnelKind::Gue => {
                legality::GUE.check_tunnel(named)?;
                let port = self.port.or(port).unwrap_or(0);
                Ok(Tunnel::Gue { port, checksum })
            }
            TunnelKind::Gre => {
                legality::GRE.check_tunnel(named)?;
                let checksum = match checksum {
                    // GRE has none, and what is kept is not asked for.
                    Checksum::Remote => Checksum::Without,
                    checksum => checksum,
                };
                Ok(Tunnel::Gre { checksum })
            }
        }
    }
}
