//! Virtual servers and their real servers.

use std::collections::{HashMap, HashSet};
use std::net::Ipv4Addr;

use crate::addr::{Endpoint, Family};
use crate::conf::field::Transport;
use crate::conf::lists::Member;
use crate::conf::model::{Config, DEFAULT_PERSISTENCE, VirtualServer};
use crate::conf::problem::Problems;
use crate::conf::value::VirtualAddress;
use crate::ipvs::{Forwarding, Netmask, ServiceId};

pub fn verify(config: &mut Config, problems: &mut Problems) {
    let groups: HashMap<&str, &[Member]> = config
        .groups
        .iter()
        .map(|group| (group.name.as_str(), group.members.as_slice()))
        .collect();
    let members = |name: &str| groups.get(name).copied();
    config
        .virtual_servers
        .retain_mut(|server| virtual_server(server, members, problems));
    note_repeated(config, problems);
}

/// Checks one, where groups have some members; whether it has an effect.
pub fn virtual_server<'m>(
    server: &mut VirtualServer,
    members: impl Fn(&str) -> Option<&'m [Member]>,
    problems: &mut Problems,
) -> bool {
    let services = match &server.address {
        Some(VirtualAddress::Group(group)) => match members(group) {
            Some(members) => Services::of_group(members),
            None => {
                let text = format!("there is no virtual_server_group `{group}`");
                problems.note(server.common.at.0, text, "the virtual server has no effect");
                return false;
            }
        },
        Some(VirtualAddress::Address(endpoint)) => Services {
            ports: vec![endpoint.port],
            marks: false,
        },
        Some(VirtualAddress::Mark(_)) | None => Services {
            ports: vec![],
            marks: true,
        },
    };
    Verifier {
        name: describe(server),
        services,
        problems,
    }
    .virtual_server(server)
}

/// What a virtual server is known by in the table.
struct Services {
    /// The ports of its addresses; none where it has only marks.
    ports: Vec<u16>,
    /// Whether it has marks.
    marks: bool,
}

impl Services {
    fn of_group(members: &[Member]) -> Self {
        let ports = members.iter().filter_map(|member| match member {
            Member::Addresses { port, .. } => Some(*port),
            Member::Mark { .. } => None,
        });
        let mut ports: Vec<u16> = ports.collect();
        let marks = ports.len() < members.len();
        ports.sort_unstable();
        ports.dedup();
        Services { ports, marks }
    }

    fn has_addresses(&self) -> bool {
        !self.ports.is_empty()
    }
}

/// Notes each virtual server of a service that another one before it has.
fn note_repeated(config: &Config, problems: &mut Problems) {
    let servers = &config.virtual_servers;
    let mut known: HashMap<ServiceId, usize> = HashMap::new();
    for (number, server) in servers.iter().enumerate() {
        let ids: HashSet<ServiceId> = server.ids(config).into_iter().collect();
        let firsts = ids.iter().map(|&id| *known.entry(id).or_insert(number));
        // All of them become known, whichever is told.
        let Some(first) = firsts.min().filter(|&first| first < number) else {
            continue;
        };
        let (first, place) = (&servers[first], server.common.at.0);
        let at = first.common.at.0;
        let name = describe(server);
        let text = match at.file == place.file {
            true => format!("{name} is there already, in line {}", at.line),
            false => format!("{name} is there already, in another file"),
        };
        let has_all = first.ids(config).iter().all(|id| ids.contains(id));
        let hint = match has_all {
            true => "its real servers join those of the first, whose settings hold",
            false => "it has no effect where the first has it, in a group with others",
        };
        problems.note(place, text, hint);
    }
}

fn describe(server: &VirtualServer) -> String {
    match &server.address {
        Some(VirtualAddress::Address(endpoint)) => format!("virtual server {endpoint}"),
        Some(VirtualAddress::Mark(mark)) => format!("virtual server of mark {mark}"),
        Some(VirtualAddress::Group(name)) => format!("virtual server of group {name}"),
        None => String::new(),
    }
}

struct Verifier<'a> {
    name: String,
    services: Services,
    problems: &'a mut Problems,
}

impl Verifier<'_> {
    fn warn(&mut self, server: &VirtualServer, keyword: &str, text: &str, hint: &str) {
        let place = server.common.place(keyword);
        let text = format!("{}: {text}", self.name);
        self.problems.warning(place, text, hint);
    }

    /// Whether the virtual server has an effect.
    fn virtual_server(&mut self, server: &mut VirtualServer) -> bool {
        self.scheduling(server);
        self.granularity(server);
        self.sorry_server(server);
        self.real_servers(server);
        if server.real_servers.is_empty() {
            let text = format!("{} has no real server", self.name);
            self.problems
                .error(server.common.at.0, text, "it has no effect");
            return false;
        }
        self.inhibition(server);
        self.ports(server);
        self.quorum(server);
        true
    }

    fn scheduling(&mut self, server: &mut VirtualServer) {
        if server.scheduler.is_none() {
            self.warn(
                server,
                "lb_algo",
                "no scheduler",
                "taken as wlc: write `lb_algo NAME`",
            );
        }
        if server.forwarding.is_none() {
            let hint = "taken as NAT: write `lb_kind NAT`, `DR` or `TUN`";
            self.warn(server, "lb_kind", "no forwarding method", hint);
        }
        match server.protocol {
            None if self.services.has_addresses() => {
                let hint = "taken as UDP: write `protocol TCP`, `UDP` or `SCTP`";
                self.warn(server, "protocol", "no protocol", hint);
            }
            Some(_) if !self.services.has_addresses() => {
                self.warn(server, "protocol", "a mark has no protocol", "remove it");
                server.protocol = None;
            }
            _ => {}
        }
        if server.one_packet && server.protocol.is_some_and(|p| p != Transport::Udp) {
            self.warn(server, "ops", "`ops` is for UDP alone", "it has no effect");
            server.one_packet = false;
        }
        let scheduler = server.scheduler.as_ref().map_or("", |name| name.as_str());
        for (keyword, of) in [
            ("sh-port", "sh"),
            ("sh-fallback", "sh"),
            ("hashed", "sh"),
            ("mh-port", "mh"),
            ("mh-fallback", "mh"),
        ] {
            if server.common.has(keyword) && scheduler != of {
                let place = server.common.place(keyword);
                let text = format!("{}: `{keyword}` is for the scheduler {of}", self.name);
                self.problems.error(place, text, "it has no effect");
                match keyword {
                    "sh-port" | "hashed" => server.sh_port = false,
                    "sh-fallback" => server.sh_fallback = false,
                    "mh-port" => server.mh_port = false,
                    _ => server.mh_fallback = false,
                }
            }
        }
        if self.services.marks && server.ha_suspend {
            let text = "`ha_suspend` does not go with a mark";
            self.warn(server, "ha_suspend", text, "it has no effect");
            server.ha_suspend = false;
        }
        if let (Some(VirtualAddress::Address(endpoint)), Some(family)) =
            (&server.address, server.ip_family)
        {
            let is_v6 = family == crate::conf::field::IpFamily::Inet6;
            if endpoint.address.is_ipv6() != is_v6 {
                let text = "`ip_family` is not that of the address";
                self.warn(
                    server,
                    "ip_family",
                    text,
                    "it has no effect: it is for marks",
                );
                server.ip_family = None;
            }
        }
        if server.sorry_forwarding.is_some() && server.sorry_server.is_none() {
            let text = "`sorry_server_lvs_method` without `sorry_server`";
            self.warn(server, "sorry_server_lvs_method", text, "it has no effect");
            server.sorry_forwarding = None;
        }
    }

    /// A number is the length of a prefix in IPv6, and to keepalived an address in IPv4.
    fn granularity(&mut self, server: &mut VirtualServer) {
        let (Family::V4, Some(Netmask::V6(length))) = (server.family(), server.granularity) else {
            return;
        };
        let mask = Ipv4Addr::from(match length {
            1..=32 => u32::MAX << (32 - length),
            _ => u32::MAX,
        });
        let place = server.common.place("persistence_granularity");
        let text = format!(
            "{}: IPv4 has masks, and {length} is read as {}",
            self.name,
            Ipv4Addr::from(length)
        );
        let hint = format!("taken as {mask} here: write that");
        self.problems.note(place, text, &hint);
        server.granularity = Some(Netmask::V4(mask));
    }

    fn sorry_server(&mut self, server: &mut VirtualServer) {
        let tunnel = |of: &VirtualServer| {
            let forwarding = of.sorry_forwarding.or(of.forwarding);
            matches!(forwarding, Some(Forwarding::Tunnel(_)))
        };
        let family = server.family();
        if server
            .sorry_server
            .is_some_and(|sorry| sorry.family() != family)
            && !tunnel(server)
        {
            let text = format!("{}: the sorry server is of another family", self.name);
            let place = server.common.place("sorry_server");
            self.problems.error(place, text, "it has no effect");
            server.sorry_server = None;
        }
        let place = server.common.place("sorry_server_inhibit");
        let late =
            server.common.has("sorry_server") && server.common.place("sorry_server") <= place;
        if server.sorry_server_inhibit && !late {
            let text = format!(
                "{}: `sorry_server_inhibit` without `sorry_server` before it",
                self.name
            );
            self.problems
                .error(place, text, "it has no effect: put it behind sorry_server");
            server.sorry_server_inhibit = false;
        }
    }

    /// A real server that is the sorry server too is in the table once, and stays there or goes.
    fn inhibition(&mut self, server: &mut VirtualServer) {
        let Some(sorry) = server.sorry_server else {
            return;
        };
        for real in &server.real_servers {
            let inhibit = real.inhibit_on_failure.unwrap_or(server.inhibit_on_failure);
            if real.endpoint == Some(sorry) && inhibit != server.sorry_server_inhibit {
                let text = format!(
                    "{}: real server {sorry} is the sorry server too, and only one of them is inhibited",
                    self.name
                );
                let hint = match inhibit {
                    true => "sorry_server_inhibit is set: write it",
                    false => {
                        "sorry_server_inhibit has no effect: remove it, or write inhibit_on_failure"
                    }
                };
                self.problems.warning(real.common.at.0, text, hint);
                server.sorry_server_inhibit = inhibit;
            }
        }
    }

    /// Leaves out real servers of another family, and those that stand twice.
    fn real_servers(&mut self, server: &mut VirtualServer) {
        let family = server.family();
        let common = server.forwarding.unwrap_or(Forwarding::Masquerade);
        let name = &self.name;
        let problems = &mut *self.problems;
        let mut seen: HashSet<Endpoint> = HashSet::new();
        server.real_servers.retain(|real| {
            let Some(endpoint) = real.endpoint else {
                return false;
            };
            let tunnel = matches!(real.forwarding.unwrap_or(common), Forwarding::Tunnel(_));
            let place = real.common.at.0;
            if endpoint.family() != family && !tunnel {
                let text = format!("{name}: real server {endpoint} is of another family");
                let hint = "it has no effect: only tunnels (TUN) lead from one family to the other";
                problems.error(place, text, hint);
                return false;
            }
            if !seen.insert(endpoint) {
                let text = format!("{name}: real server {endpoint} stands twice");
                problems.error(place, text, "the second has no effect");
                return false;
            }
            true
        });
    }

    fn ports(&mut self, server: &mut VirtualServer) {
        let port = server.port();
        if self.services.ports.contains(&0) && server.persistence.is_none() {
            let text = "all ports (0) go with persistence alone";
            let hint = "persistence_timeout is set: write it, or a port";
            self.warn(server, "virtual_server", text, hint);
            server.persistence = Some(DEFAULT_PERSISTENCE);
        }
        if matches!(server.address, Some(VirtualAddress::Group(_))) {
            return self.ports_of_group(server);
        }
        let common = server.forwarding.unwrap_or(Forwarding::Masquerade);
        for real in &mut server.real_servers {
            let Some(endpoint) = &mut real.endpoint else {
                continue;
            };
            let nat = real.forwarding.unwrap_or(common) == Forwarding::Masquerade;
            if endpoint.port != 0 && endpoint.port != port && !nat {
                let text = format!("{}: real server {endpoint} has another port", self.name);
                let hint = "taken as that of the virtual server: only NAT changes ports";
                self.problems.warning(real.common.at.0, text, hint);
                endpoint.port = port;
            }
        }
        let place = server.common.place("sorry_server");
        let sorry_nat = server.sorry_forwarding.unwrap_or(common) == Forwarding::Masquerade;
        if let Some(sorry) = &mut server.sorry_server {
            if sorry.port != 0 && sorry.port != port && !sorry_nat {
                let text = format!("{}: sorry server {sorry} has another port", self.name);
                let hint = "taken as that of the virtual server: only NAT changes ports";
                self.problems.warning(place, text, hint);
                sorry.port = port;
            }
        }
    }

    /// In a group there is not one port that the others could be taken as.
    fn ports_of_group(&mut self, server: &VirtualServer) {
        let common = server.forwarding.unwrap_or(Forwarding::Masquerade);
        let services = &self.services;
        let fits = |endpoint: &Endpoint| {
            endpoint.port == 0
                || !services.marks && services.ports.iter().all(|port| *port == endpoint.port)
        };
        let reals = server.real_servers.iter().map(|real| {
            let method = real.forwarding.unwrap_or(common);
            ("real server", real.endpoint, method, real.common.at.0)
        });
        let sorry = (
            "sorry server",
            server.sorry_server,
            server.sorry_forwarding.unwrap_or(common),
            server.common.place("sorry_server"),
        );
        for (what, endpoint, method, place) in reals.chain([sorry]) {
            let Some(endpoint) = endpoint.filter(|endpoint| !fits(endpoint)) else {
                continue;
            };
            if method != Forwarding::Masquerade {
                let text = format!(
                    "{}: {what} {endpoint} has another port than its group",
                    self.name
                );
                let hint = "it has no effect: only NAT changes ports";
                self.problems.warning(place, text, hint);
            }
        }
    }

    fn quorum(&mut self, server: &mut VirtualServer) {
        let weight = server.weight;
        let weights = server
            .real_servers
            .iter()
            .map(|real| real.weight.unwrap_or(weight));
        let total: u64 = weights.map(u64::from).sum();
        if u64::from(server.quorum) > total {
            let text = format!(
                "{}: quorum {} is more than all weights together, {total}",
                self.name, server.quorum
            );
            let place = server.common.place("quorum");
            self.problems
                .warning(place, text, &format!("taken as {total}"));
            server.quorum = u32::try_from(total).unwrap_or(u32::MAX);
        }
        if server.hysteresis > 0 && server.hysteresis >= server.quorum {
            let text = format!(
                "hysteresis {} is not less than quorum {}",
                server.hysteresis, server.quorum
            );
            self.warn(server, "hysteresis", &text, "taken as 0");
            server.hysteresis = 0;
        }
        let gained_at = u64::from(server.quorum) + u64::from(server.hysteresis);
        if gained_at > total && server.hysteresis > 0 {
            let place = server.common.place("hysteresis");
            let text = format!(
                "{}: the quorum is gained at {gained_at} (quorum + hysteresis), and all weights together are {total}",
                self.name
            );
            let hint = "once lost it never comes back: lower one of the two";
            self.problems.note(place, text, hint);
        }
    }
}
