//! Whether a program that runs still answers: when it is asked, when its silence is too long.

use std::time::Duration;

/// The pulse of a program. Times are those since anything.
#[derive(Clone, Debug)]
pub struct Pulse {
    /// How often it is asked.
    every: Duration,
    /// How long an answer may take.
    patience: Duration,
    /// Since when an answer is missing.
    asked: Option<Duration>,
    /// When it is asked next.
    next: Duration,
    /// Whether it has ever answered: one that never has may have no ears.
    has_answered: bool,
}

impl Pulse {
    /// One that was never felt.
    pub fn new(every: Duration, patience: Duration) -> Self {
        Pulse {
            every,
            patience,
            asked: None,
            next: Duration::ZERO,
            has_answered: false,
        }
    }

    /// It was started at `now`.
    pub fn start(&mut self, now: Duration) {
        *self = Pulse {
            next: now + self.every,
            ..Pulse::new(self.every, self.patience)
        };
    }

    /// Whether it is to be asked now; then it counts as asked.
    pub fn asks(&mut self, now: Duration) -> bool {
        let asks = self.next <= now;
        if asks {
            self.next = now + self.every;
            self.asked.get_or_insert(now);
        }
        asks
    }

    /// It has answered.
    pub fn answered(&mut self) {
        self.asked = None;
        self.has_answered = true;
    }

    /// Whether it was well once, and has not answered for too long.
    pub fn is_silent(&self, now: Duration) -> bool {
        let waits = |asked: Duration| asked + self.patience <= now;
        self.has_answered && self.asked.is_some_and(waits)
    }

    /// When it is to be asked.
    pub fn deadline(&self) -> Duration {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn one_that_does_not_answer_any_more_is_silent() {
        let mut pulse = Pulse::new(at(1), at(5));
        pulse.start(at(10));
        assert!(!pulse.asks(at(10)));
        assert!(pulse.asks(at(11)));
        pulse.answered();
        assert!(pulse.asks(at(12)));
        assert!(!pulse.asks(at(12)));
        assert!(pulse.asks(at(13)));
        assert!(!pulse.is_silent(at(16)));
        assert!(pulse.is_silent(at(17)));
        pulse.answered();
        assert!(!pulse.is_silent(at(17)));
    }

    #[test]
    fn one_that_has_never_answered_is_left_in_peace() {
        let mut pulse = Pulse::new(at(1), at(5));
        pulse.start(at(0));
        assert!(pulse.asks(at(1)));
        assert!(!pulse.is_silent(at(100)));
        pulse.answered();
        assert!(pulse.asks(at(100)) && pulse.is_silent(at(105)));
        pulse.start(at(105));
        assert!(!pulse.is_silent(at(200)));
    }
}
