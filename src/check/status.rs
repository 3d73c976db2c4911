//! How services and their servers are, as plain values for whoever shows them.

use std::time::Duration;

use super::Reason;
use super::health::{Group, State};
use super::orders::{Order, Orders, ServiceName, Term};
use super::timetable::Moment;
use crate::addr::Endpoint;
use crate::ipvs::Weight;

/// A service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceStatus {
    /// The service.
    pub name: ServiceName,
    /// Those that stand and fall with it.
    pub also: Vec<ServiceName>,
    /// Whether it has enough servers.
    pub has_quorum: bool,
    /// The sorry server, if it stands in.
    pub sorry: Option<Endpoint>,
    /// Whether its checks rest, because its address is not on this machine.
    pub rests: bool,
    /// Its servers.
    pub servers: Vec<ServerStatus>,
}

/// A server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerStatus {
    /// Which.
    pub endpoint: Endpoint,
    /// What its checks say.
    pub state: State,
    /// For how long.
    pub lasts: Duration,
    /// Why it is down.
    pub why: Option<Reason>,
    /// The weight that it has in the table, if it is there.
    pub weight: Option<Weight>,
    /// What was ordered of it.
    pub order: Option<(Order, Term)>,
}

impl ServiceStatus {
    /// A service as it is at `now`.
    pub fn of(group: &Group, orders: &Orders, now: Moment, rests: bool) -> Self {
        let wanted = group.wanted();
        let sorry = group.policy.sorry.as_ref().map(|sorry| sorry.endpoint);
        let id = group.service.id;
        let servers = group.servers.iter().map(|server| {
            let endpoint = server.destination.endpoint;
            let state = server.state();
            ServerStatus {
                endpoint,
                state,
                lasts: now.saturating_sub(server.since),
                why: server.why.clone().filter(|_| state == State::Down),
                weight: None,
                order: server.order.and(order(group, orders, &endpoint)),
            }
        });
        let mut servers: Vec<ServerStatus> = servers.collect();
        // Both are in the order of the group, but for those that are not wanted.
        let mut left = wanted.iter().peekable();
        for server in &mut servers {
            let found = left.next_if(|wanted| wanted.endpoint == server.endpoint);
            server.weight = found.map(|found| found.weight);
        }
        ServiceStatus {
            name: ServiceName(id),
            also: group.also.iter().map(|one| ServiceName(one.id)).collect(),
            has_quorum: group.has_quorum,
            sorry: sorry.filter(|_| !group.has_quorum),
            rests,
            servers,
        }
    }
}

/// What is ordered of a server of any of the services of a group.
pub fn order(group: &Group, orders: &Orders, server: &Endpoint) -> Option<(Order, Term)> {
    let mut services = group.services();
    services.find_map(|service| orders.of(&service.id, server))
}
