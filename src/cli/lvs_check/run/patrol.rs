//! The kernel tells nobody when its table is changed, so some of it is looked at again and again.
//! Pure: how long a look took, the caller says.

use std::ops::Range;
use std::time::Duration;

/// From one look to the next.
pub const EVERY: Duration = Duration::from_secs(1);

/// How long a look may take: beside the checks it must cost next to nothing, and none shall wait
/// for it.
const LOOK: Duration = Duration::from_millis(3);

/// How many services are looked at first, when nobody knows how long that takes.
const FIRST: usize = 16;

/// Which services are looked at: a few at a time, all of them in turn.
#[derive(Debug)]
pub struct Patrol {
    /// Where the next look begins.
    next: usize,
    /// How many services it has.
    most: usize,
}

impl Default for Patrol {
    fn default() -> Self {
        Patrol {
            next: 0,
            most: FIRST,
        }
    }
}

impl Patrol {
    /// The places of those that are looked at now, of so many services.
    pub fn beat(&mut self, services: usize) -> Range<usize> {
        let first = if self.next < services { self.next } else { 0 };
        self.next = services.min(first.saturating_add(self.most));
        first..self.next
    }

    /// So many services took so long; the next look takes its time, as far as one can know.
    pub fn took(&mut self, services: usize, time: Duration) {
        let services = services as u128;
        let fit = services * LOOK.as_nanos() / time.as_nanos().max(1);
        let fit = usize::try_from(fit).unwrap_or(usize::MAX);
        // The next ones may be larger.
        self.most = fit.clamp(1, self.most.saturating_mul(2));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_have_their_turn() {
        let mut patrol = Patrol::default();
        assert_eq!(patrol.beat(40), 0..16);
        assert_eq!(patrol.beat(40), 16..32);
        assert_eq!(patrol.beat(40), 32..40);
        assert_eq!(patrol.beat(40), 0..16);
        // There are others now.
        assert_eq!(patrol.beat(10), 0..10);
        assert_eq!(patrol.beat(0), 0..0);
    }

    #[test]
    fn a_look_has_as_many_as_there_is_time_for() {
        let mut patrol = Patrol::default();
        let mut look = |services, micros| {
            patrol.took(services, Duration::from_micros(micros));
            patrol.most
        };
        assert_eq!(look(16, 3000), 16);
        assert_eq!(look(16, 6000), 8);
        assert_eq!(look(8, 1), 16);
        assert_eq!(look(16, 0), 32);
        assert_eq!(look(32, 60_000), 1);
        // Of one, a part cannot be looked at.
        assert_eq!(look(1, 60_000), 1);
        assert_eq!(look(0, 1), 1);
    }
}
