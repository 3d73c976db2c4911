//! Adverts that are not believed: counted each, told seldom.

use std::collections::BTreeMap;
use std::mem::discriminant;
use std::net::IpAddr;
use std::time::Duration;

use super::Moment;
use super::reception::Rejection;

/// How often a cause of trouble may be told.
pub const BETWEEN_COMPLAINTS: Duration = Duration::from_secs(1);

/// Why an advert was not believed, and whose it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rejected {
    /// Who sent it, or says so.
    pub source: IpAddr,
    /// Why.
    pub reason: Rejection,
}

/// All that was rejected, by its cause: there are only so many, whoever sends.
#[derive(Clone, Debug, Default)]
pub struct Complaints(Vec<Complaint>);

#[derive(Clone, Copy, Debug)]
struct Complaint {
    count: u64,
    last: Rejected,
    /// When it was told of, and of whom.
    told_at: Moment,
    told: IpAddr,
}

impl Complaints {
    /// Counts one. Tells whether the reason is to be told now: once for each sender, and never more
    /// than once a second.
    pub fn count(&mut self, now: Moment, rejected: Rejected) -> bool {
        let kind = discriminant(&rejected.reason);
        let is_same = |known: &&mut Complaint| discriminant(&known.last.reason) == kind;
        let Some(known) = self.0.iter_mut().find(is_same) else {
            self.0.push(Complaint {
                count: 1,
                last: rejected,
                told_at: now,
                told: rejected.source,
            });
            return true;
        };
        known.count += 1;
        known.last = rejected;
        let soon = now.since(known.told_at) < BETWEEN_COMPLAINTS;
        if soon || known.told == rejected.source {
            return false;
        }
        (known.told_at, known.told) = (now, rejected.source);
        true
    }

    /// How many there were of each cause, and the last one.
    pub fn all(&self) -> impl Iterator<Item = (u64, Rejected)> {
        self.0
            .iter()
            .map(|complaint| (complaint.count, complaint.last))
    }
}

/// What was told lately of troubles that come in crowds.
#[derive(Clone, Debug, Default)]
pub struct Troubles(BTreeMap<&'static str, Moment>);

impl Troubles {
    /// Whether one of this kind is to be told: not more than once a second.
    pub fn may_tell(&mut self, now: Moment, kind: &'static str) -> bool {
        let last = self.0.get(kind);
        if last.is_some_and(|last| now.since(*last) < BETWEEN_COMPLAINTS) {
            return false;
        }
        self.0.insert(kind, now);
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_cause_is_told_once_for_each_sender_and_never_more_than_once_a_second() {
        let mut complaints = Complaints::default();
        let mut count = |milliseconds, sender, reason| {
            let source = Ipv4Addr::new(10, 0, 0, sender).into();
            let now = Moment(Duration::from_millis(milliseconds));
            complaints.count(now, Rejected { source, reason })
        };
        assert!(count(0, 1, Rejection::Password));
        assert!(!count(1, 2, Rejection::Password));
        assert!(count(1, 1, Rejection::Replay));
        assert!(!count(5000, 1, Rejection::Password));
        assert!(count(5000, 3, Rejection::Password));
        let counts: Vec<u64> = complaints.all().map(|(count, _)| count).collect();
        assert_eq!(counts, [4, 1]);
    }
}
