//! From a line that has been read to what it asks for, with the rules that need more than one
//! option to be told.

use crate::addr::{Endpoint, Family, Protocol};
use crate::ipvs::refusal::{Operation, Refusal};
use crate::ipvs::{
    Checksum, Daemon, Destination, EngineName, Forwarding, InterfaceName, Role, SchedulerFlags,
    SchedulerName, Service, ServiceId, Tunnel,
};

use super::line::{Line, Target};
use crate::ipvs::rule::legality::{self, Name};
use crate::ipvs::rule::options::Opt;
use crate::ipvs::rule::{Form, Listing, Problem, What};

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

    pub(super) fn listing(&self) -> Result<Listing, Problem> {
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

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}
