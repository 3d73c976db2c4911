//! Who is master on a link, as somebody hears it who does not take part.

use std::collections::BTreeMap;
use std::net::IpAddr;

use crate::addr::Family;

use super::advert::{self, Advertisement};
use super::packet::Datagram;
use super::{Moment, Priority, Vrid};

/// A virtual router on a link: IPv4 and IPv6 count apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// Its number.
    pub vrid: Vrid,
    /// The family of its packets.
    pub family: Family,
}

/// What has been heard of all virtual routers.
#[derive(Clone, Debug, Default)]
pub struct Observer {
    heard: BTreeMap<(Id, IpAddr), Last>,
}

/// The last advert of a sender.
#[derive(Clone, Copy, Debug)]
struct Last {
    /// When its first one came.
    since: Moment,
    at: Moment,
    /// When it is taken for dead, if nothing more is heard.
    until: Moment,
}

/// How many masters there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// One of each virtual router.
    One,
    /// None of any, or of one that was asked for.
    None,
    /// Two or more of one: split brain.
    Several,
}

impl Observer {
    /// Hears a packet. Gives back what it says; it may have been sent by anybody.
    pub fn hear(
        &mut self,
        now: Moment,
        datagram: &Datagram<'_>,
    ) -> Result<Advertisement, advert::Malformed> {
        let family = Family::of(&datagram.source);
        let advert = Advertisement::decode(datagram.message, family)?;
        let vrid = advert.vrid;
        let id = Id { vrid, family };
        if advert.priority == Priority::RESIGNED {
            self.heard.remove(&(id, datagram.source));
        } else {
            // Three intervals and the longest skew; and one more, because keepalived 2.2.7, as a
            // master that hears adverts which it does not believe, sends only every fourth.
            let until = now + advert.interval.duration() * 5;
            let last = Last {
                since: now,
                at: now,
                until,
            };
            let known = self.heard.entry((id, datagram.source)).or_insert(last);
            if known.until < now {
                known.since = now;
            }
            (known.at, known.until) = (now, until);
        }
        Ok(advert)
    }

    /// Who is master at `now`, by virtual router; the last heard comes last. One that has not been
    /// heard since another began has handed over.
    pub fn masters(&self, now: Moment) -> BTreeMap<Id, Vec<IpAddr>> {
        let is_alive = |last: &Last| last.until >= now;
        let mut alive: Vec<_> = self
            .heard
            .iter()
            .filter(|(_, last)| is_alive(last))
            .collect();
        alive.sort_by_key(|(_, last)| last.at);
        let mut masters: BTreeMap<Id, Vec<IpAddr>> = BTreeMap::new();
        for ((id, source), last) in &alive {
            let succeeds =
                |((other, _), next): &(&(Id, IpAddr), &Last)| other == id && next.since > last.at;
            if !alive.iter().any(succeeds) {
                masters.entry(*id).or_default().push(*source);
            }
        }
        masters
    }

    /// The verdict at `now`: over all that was heard, or over one VRID.
    pub fn verdict(&self, now: Moment, only: Option<Vrid>) -> Verdict {
        let mut masters = self.masters(now);
        masters.retain(|id, _| only.is_none_or(|vrid| vrid == id.vrid));
        if masters.is_empty() {
            return Verdict::None;
        }
        match masters.values().all(|masters| masters.len() == 1) {
            true => Verdict::One,
            false => Verdict::Several,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use super::*;
    use crate::vrrp::advert::{Body, PseudoHeader};
    use crate::vrrp::{Interval, group_address};

    fn hear(observer: &mut Observer, second: u64, vrid: u8, sender: u8, priority: u8) {
        let advert = Advertisement {
            vrid: Vrid::new(vrid).unwrap(),
            priority: Priority(priority),
            interval: Interval::DEFAULT,
            addresses: vec![],
            body: Body::V3,
        };
        let datagram = Datagram {
            source: Ipv4Addr::new(10, 0, 0, sender).into(),
            destination: group_address(Family::V4),
            hop_limit: 255,
            header: None,
            message: &advert.encode(Family::V4, PseudoHeader::None),
        };
        observer.hear(at(second), &datagram).unwrap();
    }

    fn at(second: u64) -> Moment {
        Moment(Duration::from_secs(second))
    }

    #[test]
    fn two_senders_of_one_vrid_are_a_split_brain() {
        let mut observer = Observer::default();
        assert_eq!(observer.verdict(at(1), None), Verdict::None);
        hear(&mut observer, 1, 51, 1, 100);
        hear(&mut observer, 1, 52, 2, 100);
        assert_eq!(observer.verdict(at(2), None), Verdict::One);
        hear(&mut observer, 1, 52, 1, 100);
        assert_eq!(observer.verdict(at(2), None), Verdict::Several);
        assert_eq!(observer.verdict(at(2), Vrid::new(51)), Verdict::One);
        assert_eq!(observer.verdict(at(2), Vrid::new(53)), Verdict::None);
    }

    #[test]
    fn one_that_resigned_or_fell_silent_is_no_master() {
        let mut observer = Observer::default();
        hear(&mut observer, 1, 51, 1, 100);
        hear(&mut observer, 2, 51, 1, 0);
        hear(&mut observer, 2, 51, 2, 90);
        assert_eq!(observer.verdict(at(3), None), Verdict::One);
        assert_eq!(observer.verdict(at(8), None), Verdict::None);
    }

    #[test]
    fn one_that_was_not_heard_since_another_began_has_handed_over() {
        let mut observer = Observer::default();
        hear(&mut observer, 1, 51, 1, 100);
        hear(&mut observer, 4, 51, 2, 90);
        assert_eq!(observer.verdict(at(4), None), Verdict::One);
        hear(&mut observer, 5, 51, 1, 100);
        assert_eq!(observer.verdict(at(5), None), Verdict::Several);
    }
}
