//! From a line that has been read to what it asks for, with the rules that need more than one
//! option to be told.

use crate::addr::{Endpoint, Family, Protocol};
use crate::ipvs::refusal::{Operation, Refusal};
use crate::ipvs::{
    Checksum, Daemon, Destination, EngineName, Forwarding, InterfaceName, Role, SchedulerFlags,
    SchedulerName, Service, ServiceId, Tunnel,
};

use super::Verb;
use super::line::{Line, Target};
use crate::ipvs::rule::edit::{DestinationEdit, Method, ServiceEdit, TunnelEdit, TunnelKind};
use crate::ipvs::rule::legality::{self, Name};
use crate::ipvs::rule::options::Opt;
use crate::ipvs::rule::{Edit, Form, Listing, Output, Problem, What};

impl Line<'_> {
    /// The service whose counters are zeroed. As in ipvsadm, the service 0.0.0.0:0 means all.
    pub(super) fn zeroed(&self) -> Result<Option<ServiceId>, Problem> {
        match self.target {
            Target::None => Ok(None),
            Target::Address(_, Endpoint { address, port: 0 }) if address.is_unspecified() => {
                Ok(None)
            }
            _ => self.id().map(Some),
        }
    }

    pub(super) fn service(
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
    pub(super) fn server(&self) -> Endpoint {
        let unspecified = Endpoint::new(Family::V4.unspecified(), 0);
        self.server.unwrap_or(unspecified)
    }

    pub(super) fn destination(&self) -> Result<Destination, Problem> {
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
        let checksum = self.checksum().unwrap_or(Checksum::Without);
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

    pub(super) fn daemon(&self, role: Role) -> Result<Daemon, Problem> {
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

    /// What `-e` and `-E` with `--keep` name.
    pub(super) fn edit(
        &self,
        verb: Verb,
        scheduler_flags: SchedulerFlags,
    ) -> Result<Edit, Problem> {
        let given = self.given;
        if verb == Verb::EditService {
            // All that can be wrong with what is named; what is not named has its default here.
            let named = Line {
                persistence: self.persistence.or(Some(1)),
                ..self.clone()
            };
            let named = named.service(Operation::EditService, scheduler_flags)?;
            return Ok(Edit::Service(ServiceEdit {
                id: named.id,
                scheduler: given.has(Name::Scheduler).then_some(named.scheduler),
                scheduler_flags: given.has(Name::SchedulerFlags).then_some(scheduler_flags),
                persistence: self.persistence,
                granularity: given.has(Name::Netmask).then_some(named.granularity),
                engine: named.engine,
                one_packet: named.one_packet,
            }));
        }
        let method = given
            .has(Name::Forwarding)
            .then_some(match self.forwarding {
                Opt::Ipip => Method::Tunnel,
                Opt::Masquerading => Method::Masquerade,
                _ => Method::Route,
            });
        let mut endpoint = self.server();
        if let (Target::Address(..), Some(Method::Route | Method::Tunnel)) = (self.target, method) {
            endpoint.port = self.service_port();
        }
        Ok(Edit::Destination(DestinationEdit {
            of: self.id()?,
            endpoint,
            method,
            tunnel: TunnelEdit {
                kind: given
                    .has(Name::TunnelType)
                    .then_some(match self.tunnel_type {
                        b"gue" => TunnelKind::Gue,
                        b"gre" => TunnelKind::Gre,
                        _ => TunnelKind::Ipip,
                    }),
                port: given.has(Name::TunnelPort).then_some(self.tunnel_port),
                checksum: self.checksum(),
            },
            weight: given.has(Name::Weight).then_some(self.weight),
            upper: given
                .has(Name::UpperThreshold)
                .then_some(self.thresholds.upper),
            lower: given
                .has(Name::LowerThreshold)
                .then_some(self.thresholds.lower),
        }))
    }

    /// The checksum that is named, if one is; of several the strongest.
    fn checksum(&self) -> Option<Checksum> {
        [
            (Name::TunnelRemoteChecksum, Checksum::Remote),
            (Name::TunnelChecksum, Checksum::Whole),
            (Name::TunnelNoChecksum, Checksum::Without),
        ]
        .into_iter()
        .find(|(name, _)| self.given.has(*name))
        .map(|(_, checksum)| checksum)
    }

    pub(super) fn listing(&self) -> Result<Listing, Problem> {
        use Name::*;
        let given = self.given;
        let counters = given.has_any(&[Stats, Rate, Thresholds]);
        let settings = given.has_any(&[Timeout, Daemon]);
        if (given.has(Connection) || settings) && counters || settings && given.has(PersistentConn)
        {
            return Err(Problem::usage(&[b"options conflicts in the list command"]));
        }
        legality::check_new_listing(given)?;
        let what = if given.has(Status) {
            What::Status
        } else if given.has_any(&[Connection, Filter, Count]) {
            What::Connections {
                engine: given.has(PersistentConn),
                filter: self.filter.clone(),
                count: given.has(Count),
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
            output: self.output(),
            numeric: given.has(Numeric),
        })
    }

    fn output(&self) -> Output {
        let interval = self.interval;
        [
            (Name::Json, Output::Json),
            (Name::Metrics, Output::Metrics),
            (Name::Pretty, Output::Pretty),
            (Name::Watch, Output::Watch(interval)),
        ]
        .into_iter()
        .find(|(name, _)| self.given.has(*name))
        .map_or(Output::Classic, |(_, output)| output)
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

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
