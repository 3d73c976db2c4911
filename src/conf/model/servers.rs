//! Virtual servers and their real servers.

use std::time::Duration;

use super::{Checker, Common, Config, Settings, seconds};
use crate::addr::{Endpoint, Family, Protocol};
use crate::conf::field::{Field, IpFamily, Transport};
use crate::conf::keywords;
use crate::conf::lists::Member;
use crate::conf::value::{Command, VirtualAddress};
use crate::ipvs::{
    Destination, EngineName, Forwarding, Netmask, SchedulerFlags, SchedulerName, Service,
    ServiceId, Thresholds, Weight,
};

settings! {
    /// A `virtual_server`.
    VirtualServer of VirtualServer {
        /// The scheduler.
        "lb_algo" | "lvs_sched" scheduler: Option<SchedulerName> = None,
        /// How packets reach real servers that do not say.
        "lb_kind" | "lvs_method" forwarding: Option<Forwarding> = None,
        /// The protocol; a mark has none.
        "protocol" protocol: Option<Transport> = None,
        /// A flag of the scheduler.
        "flag-1" flag_1: bool = false,
        /// A flag of the scheduler.
        "flag-2" flag_2: bool = false,
        /// A flag of the scheduler.
        "flag-3" flag_3: bool = false,
        /// Source hashing takes the port too.
        "sh-port" | "hashed" sh_port: bool = false,
        /// Source hashing goes on where a server is away.
        "sh-fallback" sh_fallback: bool = false,
        /// Maglev hashing takes the port too.
        "mh-port" mh_port: bool = false,
        /// Maglev hashing goes on where a server is away.
        "mh-fallback" mh_fallback: bool = false,
        /// Each packet is scheduled by itself.
        "ops" one_packet: bool = false,
        /// How many seconds a client stays with its server.
        "persistence_timeout" persistence: Option<u32> = None,
        /// Which clients count as one.
        "persistence_granularity" granularity: Option<Netmask> = None,
        /// The persistence engine.
        "persistence_engine" engine: Option<EngineName> = None,
        /// The time between two checks.
        "delay_loop" delay_loop: Duration = seconds(60),
        /// How many more checks must fail.
        "retry" retry: Option<u32> = None,
        /// The time between those.
        "delay_before_retry" delay_before_retry: Option<Duration> = None,
        /// How long a connection may take.
        "connect_timeout" connect_timeout: Option<Duration> = None,
        /// The first check comes within this time.
        "warmup" warmup: Option<Duration> = None,
        /// The weight of real servers that have none.
        "weight" weight: u32 = 1,
        /// A real server that fails gets weight 0 and stays.
        "inhibit_on_failure" inhibit_on_failure: bool = false,
        /// Real servers are down until they are checked.
        "alpha" alpha: bool = false,
        /// Run the scripts for down at the end.
        "omega" omega: bool = false,
        /// The sum of weights that must be up.
        "quorum" quorum: u32 = 1,
        /// How far above it the quorum is gained, and how far below lost.
        "hysteresis" hysteresis: u32 = 0,
        /// Run when the quorum is gained.
        "quorum_up" quorum_up: Option<Command> = None,
        /// Run when it is lost.
        "quorum_down" quorum_down: Option<Command> = None,
        /// Check only while the address is here.
        "ha_suspend" ha_suspend: bool = false,
        /// Takes the place of all real servers while the quorum is lost.
        "sorry_server" sorry_server: Option<Endpoint> = None,
        /// It stays in the table with weight 0.
        "sorry_server_inhibit" sorry_server_inhibit: bool = false,
        /// How packets reach it.
        "sorry_server_lvs_method" sorry_forwarding: Option<Forwarding> = None,
        /// The name that HTTP checks ask for.
        "virtualhost" virtualhost: Option<String> = None,
        /// Mail when the quorum changes.
        "smtp_alert" smtp_alert: Option<bool> = None,
        /// The family of a mark.
        "ip_family" ip_family: Option<IpFamily> = None,
    } and {
        /// Who it is.
        address: Option<VirtualAddress>,
        /// Its real servers.
        real_servers: Vec<RealServer>,
    }
}

settings! {
    /// A `real_server`.
    RealServer of RealServer {
        /// Its share of the connections.
        "weight" weight: Option<u32> = None,
        /// How packets reach it.
        "lvs_method" forwarding: Option<Forwarding> = None,
        /// How many connections it takes; 0 for any number.
        "uthreshold" upper_threshold: u32 = 0,
        /// Below how many it takes new ones again.
        "lthreshold" lower_threshold: u32 = 0,
        /// When it fails, it gets weight 0 and stays.
        "inhibit_on_failure" inhibit_on_failure: Option<bool> = None,
        /// It is down until it is checked.
        "alpha" alpha: Option<bool> = None,
        /// How many more checks must fail.
        "retry" retry: Option<u32> = None,
        /// The time between those.
        "delay_before_retry" delay_before_retry: Option<Duration> = None,
        /// The time between two checks.
        "delay_loop" delay_loop: Option<Duration> = None,
        /// How long a connection may take.
        "connect_timeout" connect_timeout: Option<Duration> = None,
        /// The first check comes within this time.
        "warmup" warmup: Option<Duration> = None,
        /// Run when it comes.
        "notify_up" notify_up: Option<Box<Command>> = None,
        /// Run when it goes.
        "notify_down" notify_down: Option<Box<Command>> = None,
        /// Mail when it comes or goes.
        "smtp_alert" smtp_alert: Option<bool> = None,
        /// The name that HTTP checks ask for.
        "virtualhost" virtualhost: Option<String> = None,
    } and {
        /// Its address and port; port 0 for that of the service.
        endpoint: Option<Endpoint>,
        /// What must be well for it to be up.
        checkers: Vec<Checker>,
    }
}

/// A day of persistence is enough for most; this is what keepalived takes when it is told none.
pub const DEFAULT_PERSISTENCE: u32 = 360;

impl VirtualServer {
    /// The services of the IPVS table that it stands for; those of its group if it has one. Empty
    /// until [`Config::effective`] has filled in what it does not say.
    pub fn services(&self, config: &Config) -> Vec<Service> {
        self.ids(config)
            .into_iter()
            .filter_map(|id| self.service(id))
            .collect()
    }

    fn service(&self, id: ServiceId) -> Option<Service> {
        let full = Netmask::full(id.family());
        Some(Service {
            id,
            scheduler: self.scheduler.clone()?,
            scheduler_flags: self.flags(),
            persistence: self.persistence,
            granularity: self.granularity.unwrap_or(full),
            engine: self.engine.clone(),
            one_packet: self.one_packet,
        })
    }

    fn flags(&self) -> SchedulerFlags {
        let mut flags = SchedulerFlags::default();
        for (is_set, flag) in [
            (
                self.flag_1 || self.sh_fallback || self.mh_fallback,
                SchedulerFlags::FLAG_1,
            ),
            (
                self.flag_2 || self.sh_port || self.mh_port,
                SchedulerFlags::FLAG_2,
            ),
            (self.flag_3, SchedulerFlags::FLAG_3),
        ] {
            if is_set {
                flags.insert(flag);
            }
        }
        flags
    }

    /// The family of its packets, where that is known from itself or its real servers.
    pub fn family(&self) -> Family {
        let of_servers = || {
            let first = self.real_servers.iter().find_map(|server| server.endpoint);
            first.map_or(Family::V4, |endpoint| endpoint.family())
        };
        match (&self.address, self.ip_family) {
            (Some(VirtualAddress::Address(endpoint)), _) => endpoint.family(),
            (_, Some(IpFamily::Inet)) => Family::V4,
            (_, Some(IpFamily::Inet6)) => Family::V6,
            _ => of_servers(),
        }
    }

    /// Who those services are.
    pub fn ids(&self, config: &Config) -> Vec<ServiceId> {
        let protocol = match self.protocol {
            Some(Transport::Tcp) => Protocol::TCP,
            Some(Transport::Sctp) => Protocol::SCTP,
            _ => Protocol::UDP,
        };
        let address = |endpoint| ServiceId::Address { protocol, endpoint };
        match &self.address {
            None => Vec::new(),
            Some(VirtualAddress::Address(endpoint)) => vec![address(*endpoint)],
            Some(VirtualAddress::Mark(mark)) => vec![ServiceId::Mark {
                family: self.family(),
                mark: *mark,
            }],
            Some(VirtualAddress::Group(name)) => {
                let group = config.groups.iter().find(|group| group.name == *name);
                let members = group.map_or(&[][..], |group| &group.members);
                members
                    .iter()
                    .flat_map(|member| match member {
                        Member::Mark { mark, family } => vec![ServiceId::Mark {
                            family: family.unwrap_or(self.family()),
                            mark: *mark,
                        }],
                        Member::Addresses { .. } => member
                            .addresses()
                            .into_iter()
                            .map(|(ip, port)| address(Endpoint::new(ip, port)))
                            .collect(),
                    })
                    .collect()
            }
        }
    }

    /// The port that real servers without one have.
    pub fn port(&self) -> u16 {
        match &self.address {
            Some(VirtualAddress::Address(endpoint)) => endpoint.port,
            _ => 0,
        }
    }
}

impl RealServer {
    /// The destination of the IPVS table that it is, while it is up.
    pub fn destination(&self, of: &VirtualServer) -> Option<Destination> {
        let mut endpoint = self.endpoint?;
        if endpoint.port == 0 {
            endpoint.port = of.port();
        }
        let weight = self.weight.unwrap_or(of.weight);
        Some(Destination {
            endpoint,
            forwarding: self.forwarding.or(of.forwarding)?,
            weight: Weight(i32::try_from(weight).unwrap_or(i32::MAX)),
            thresholds: Thresholds {
                upper: self.upper_threshold,
                lower: self.lower_threshold,
            },
        })
    }
}
