//! When a server counts as up, and what the table shall be then: verdicts over time become
//! destinations. The rules are those of keepalived.conf(5), where nothing else is said.

use std::num::NonZeroU32;
use std::time::Duration;

use super::orders::Order;
use super::timetable::Moment;
use super::{Reason, Share, Verdict};
use crate::addr::Endpoint;
use crate::ipvs::{Destination, Service, Weight};

/// How many verdicts alike, in a row, change what counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// So many good ones: up. keepalived: 1.
    pub rise: NonZeroU32,
    /// So many bad ones: down. keepalived: 1 and `retry`.
    pub fall: NonZeroU32,
}

impl Default for Patience {
    fn default() -> Self {
        Patience {
            rise: NonZeroU32::MIN,
            fall: NonZeroU32::MIN,
        }
    }
}

/// What counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// No verdict yet.
    Unchecked,
    /// The last verdicts were good.
    Up,
    /// The last verdicts were bad.
    Down,
}

/// How a server stands with one of its checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// What counts.
    pub state: State,
    /// How many verdicts in a row have been against it; always fewer than would change it.
    pub against: u32,
    share: Share,
}

impl Standing {
    /// A standing as it was left.
    pub fn new(state: State, against: u32) -> Self {
        Standing {
            state,
            against,
            share: Share::Same,
        }
    }

    /// Takes a verdict into account. The first one counts at once; one that says nothing about the
    /// server changes nothing.
    pub fn observe(&mut self, patience: Patience, verdict: &Verdict) {
        let (new, needed) = match verdict {
            Verdict::Unknown(_) => return,
            Verdict::Up(share) => {
                self.share = *share;
                (State::Up, patience.rise)
            }
            Verdict::Down(_) => (State::Down, patience.fall),
        };
        self.against = match self.state == new {
            true => 0,
            false => self.against.saturating_add(1),
        };
        if self.state == State::Unchecked || self.against >= needed.get() {
            (self.state, self.against) = (new, 0);
        }
    }
}

/// A server of a service, as it is configured, and how it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Server {
    /// What it is in the table while it is up.
    pub destination: Destination,
    /// Whether it stays in the table with weight 0 while it is down (`inhibit_on_failure`).
    pub inhibit: bool,
    /// Its checks; it is up while all of them are.
    pub checks: Vec<Standing>,
    /// Whether it was last told to be up; nothing, when its first state is news.
    pub told: Option<bool>,
    /// What somebody has ordered.
    pub order: Option<Order>,
    /// The weight that it has at most, while it starts slowly.
    pub limit: Option<Weight>,
    /// Since when its checks say what they say together.
    pub since: Moment,
    /// Why it is down, or was.
    pub why: Option<Reason>,
}

impl Server {
    /// A server as its checks say; whether it was told to be up, is as they say too. What has not
    /// been checked counts as told to be up unless it must be found well first (`alpha`).
    pub fn new(
        destination: Destination,
        inhibit: bool,
        checks: Vec<Standing>,
        alpha: bool,
    ) -> Self {
        let mut server = Server {
            destination,
            inhibit,
            checks,
            told: None,
            order: None,
            limit: None,
            since: Moment::ZERO,
            why: None,
        };
        server.told = Some(server.is_up(alpha));
        server
    }

    /// Whether its checks let it have connections. Without `alpha`, what has not been checked does.
    pub fn is_up(&self, alpha: bool) -> bool {
        self.checks.iter().all(|check| match check.state {
            State::Up => true,
            State::Unchecked => !alpha,
            State::Down => false,
        })
    }

    /// What all its checks say together, once they have said enough.
    pub fn state(&self) -> State {
        let is = |state| self.checks.iter().any(|check| check.state == state);
        match (is(State::Down), is(State::Unchecked)) {
            (true, _) => State::Down,
            (false, true) => State::Unchecked,
            (false, false) => State::Up,
        }
    }

    /// The weight with which it takes part; none while it is down or disabled.
    pub fn part(&self, alpha: bool) -> Option<Weight> {
        let takes_part = self.is_up(alpha) && self.order != Some(Order::Disable);
        takes_part.then(|| self.weight())
    }

    /// Its weight while it is up: what was ordered, or the configured one and what the checks say
    /// of it.
    pub fn weight(&self) -> Weight {
        match self.order {
            Some(Order::Drain | Order::Disable) => return Weight(0),
            Some(Order::Weight(weight)) => return weight,
            None => {}
        }
        let Weight(configured) = self.destination.weight;
        let configured = i64::from(configured);
        let sum = self.checks.iter().fold(configured, |sum, check| {
            let change = match check.share {
                Share::Same => 0,
                Share::Exactly(weight) => i64::from(weight) - configured,
                Share::Plus(more) => more,
            };
            sum.saturating_add(change)
        });
        // The clamp makes it fit.
        Weight(sum.clamp(0, i64::from(i32::MAX)) as i32)
    }

    /// What it has in the table while it starts slowly, `passed` after it came back, of a time of
    /// `all`: its part of the weight, and at least 1 of it.
    pub fn limit_after(&self, passed: Duration, all: Duration) -> Option<Weight> {
        let Weight(weight) = self.weight();
        let part = passed.as_secs_f64() / all.as_secs_f64();
        // A part of a number that fits, fits.
        (part < 1.0).then(|| Weight(((f64::from(weight) * part) as i32).max(1)))
    }

    /// What it has in the table while others (`replaced`) do not stand in for it.
    fn wanted(&self, alpha: bool, replaced: bool) -> Option<Weight> {
        let limited = |weight: Weight| self.limit.map_or(weight, |limit| weight.min(limit));
        match self.part(alpha) {
            Some(weight) if !replaced => Some(limited(weight)),
            // Its connections go on.
            Some(_) if self.order == Some(Order::Drain) => Some(Weight(0)),
            None if self.order == Some(Order::Disable) => None,
            _ => self.inhibit.then_some(Weight(0)),
        }
    }
}

/// When a service has enough servers, and what it has when it has not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    /// Which sum of weights is enough, 1 and up.
    pub quorum: u64,
    /// How much more it takes to have enough again, and how much less is still enough.
    pub hysteresis: u64,
    /// What stands in for all servers while they are not enough.
    pub sorry: Option<Destination>,
    /// Whether that stays in the table with weight 0 while they are (`sorry_server_inhibit`).
    pub sorry_inhibit: bool,
    /// Whether a server must be found well before it gets its first connection.
    pub alpha: bool,
}

impl Default for Policy {
    fn default() -> Self {
        Policy {
            quorum: 1,
            hysteresis: 0,
            sorry: None,
            sorry_inhibit: false,
            alpha: false,
        }
    }
}

/// A service with its servers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The service.
    pub service: Service,
    /// Other services with the same servers, which stand and fall together
    /// (`virtual_server_group`).
    pub also: Vec<Service>,
    /// Its policy.
    pub policy: Policy,
    /// Its servers.
    pub servers: Vec<Server>,
    /// Whether it has enough servers. At the start it counts as if it had.
    pub has_quorum: bool,
    /// Whether it was last told to have enough; nothing, when its first state is news.
    pub told: Option<bool>,
}

/// What happened, for those who want to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// A server gets connections.
    ServerUp(Endpoint),
    /// A server gets no more connections.
    ServerDown(Endpoint),
    /// There are enough servers.
    QuorumUp,
    /// There are not enough servers.
    QuorumDown,
}

impl Group {
    /// Takes the verdict of a server's check into account; both are counted from 0.
    pub fn observe(
        &mut self,
        server: usize,
        check: usize,
        patience: Patience,
        verdict: &Verdict,
    ) -> Vec<Event> {
        let Observed { event, counts } = self.take(server, check, patience, verdict);
        let quorum = counts.then(|| self.count()).flatten();
        event.into_iter().chain(quorum).collect()
    }

    /// The same, but whether there are enough servers is not looked at: thousands of verdicts that
    /// come together are counted once.
    pub fn take(
        &mut self,
        server: usize,
        check: usize,
        patience: Patience,
        verdict: &Verdict,
    ) -> Observed {
        let alpha = self.policy.alpha;
        let Some(server) = self.servers.get_mut(server) else {
            return Observed::default();
        };
        let before = server.part(alpha);
        let Some(standing) = server.checks.get_mut(check) else {
            return Observed::default();
        };
        let was_unchecked = standing.state == State::Unchecked;
        standing.observe(patience, verdict);
        if let Verdict::Down(reason) = verdict {
            server.why = Some(reason.clone());
        }
        Observed {
            counts: was_unchecked || before != server.part(alpha),
            event: server.news(),
        }
    }

    /// Sees whether there are enough servers. While some that must be found well first have not been
    /// checked, they are not said to be too few.
    ///
    /// A quorum with its hysteresis that all servers together cannot reach is reached when all are
    /// up. (keepalived would wait for ever.)
    pub fn count(&mut self) -> Option<Event> {
        let Policy {
            quorum,
            hysteresis,
            alpha,
            ..
        } = self.policy;
        let weight = |server: &Server| u64::from(server.weight().0.unsigned_abs());
        let up = self.servers.iter().filter(|server| server.is_up(alpha));
        let sum: u64 = up.map(weight).sum();
        let all: u64 = self.servers.iter().map(weight).sum();
        let enough = match self.has_quorum {
            true => sum > 0 && sum >= quorum.saturating_sub(hysteresis).min(all),
            false => sum > 0 && sum >= quorum.saturating_add(hysteresis).min(all),
        };
        let is_unchecked = |check: &Standing| check.state == State::Unchecked;
        let mut checks = self.servers.iter().flat_map(|server| &server.checks);
        if !enough && alpha && checks.any(is_unchecked) {
            return None;
        }
        self.has_quorum = enough;
        let is_news = self.told.replace(enough) != Some(enough);
        is_news.then_some(match enough {
            true => Event::QuorumUp,
            false => Event::QuorumDown,
        })
    }

    /// The destinations that the service shall have now.
    pub fn wanted(&self) -> Vec<Destination> {
        let Policy { sorry, alpha, .. } = &self.policy;
        let stands_in = sorry.is_some() && !self.has_quorum;
        let with = |destination: &Destination, weight| Destination {
            weight,
            ..destination.clone()
        };
        let sorry = sorry.as_ref().and_then(|sorry| match stands_in {
            true => Some(sorry.clone()),
            false => self.policy.sorry_inhibit.then(|| with(sorry, Weight(0))),
        });
        let servers = self.servers.iter().filter_map(|server| {
            let weight = server.wanted(*alpha, stands_in)?;
            Some(with(&server.destination, weight))
        });
        servers.chain(sorry).collect()
    }

    /// The service, and those that stand and fall with it.
    pub fn services(&self) -> impl Iterator<Item = &Service> {
        std::iter::once(&self.service).chain(&self.also)
    }
}

/// What came of a verdict.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Observed {
    /// What it means to the server.
    pub event: Option<Event>,
    /// Whether it may mean something to the service: [`Group::count`] says so.
    pub counts: bool,
}

impl Server {
    /// What has become of it, if that has not been told yet.
    fn news(&mut self) -> Option<Event> {
        let is_up = match self.state() {
            State::Unchecked => return None,
            State::Up => true,
            State::Down => false,
        };
        let is_news = self.told.replace(is_up) != Some(is_up);
        let endpoint = self.destination.endpoint;
        is_news.then_some(match is_up {
            true => Event::ServerUp(endpoint),
            false => Event::ServerDown(endpoint),
        })
    }
}

#[cfg(test)]
mod tests;
