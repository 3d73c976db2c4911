//! How a check is made again and again.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Check;
use super::health::Patience;

/// When a check is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// From the beginning of one to that of the next (`delay_loop`).
    pub delay: Duration,
    /// From the end of a bad one to the next, while one more may be the last
    /// (`delay_before_retry`).
    pub retry_delay: Duration,
    /// Within which time checks that begin together part (`warmup`).
    pub warmup: Duration,
    /// How many verdicts count.
    pub patience: Patience,
}

impl Default for Rhythm {
    fn default() -> Self {
        /// From one check to the next where nobody says otherwise.
        const DELAY: Duration = Duration::from_secs(6);
        Rhythm {
            delay: DELAY,
            retry_delay: Duration::from_secs(1),
            warmup: DELAY,
            patience: Patience::default(),
        }
    }
}

/// A check, and when it is made.
#[derive(Clone, Debug, PartialEq)]
pub struct Routine {
    /// What is done. How often one is tried again, the rhythm says.
    pub check: Check,
    /// When.
    pub rhythm: Rhythm,
    /// Whether each failure of one that is well is told, not only the one that counts.
    pub log_all: bool,
}

impl Routine {
    /// A check with its own tries (`retry`, `delay_before_retry`) as a rhythm; one more bad verdict
    /// than there are retries counts.
    pub fn of(check: Check, delay: Duration, warmup: Duration) -> Self {
        let tries = check.tries;
        let fall = NonZeroU32::MIN.saturating_add(tries.retry);
        Routine {
            check,
            rhythm: Rhythm {
                delay,
                retry_delay: tries.delay,
                warmup,
                patience: Patience {
                    fall,
                    ..Patience::default()
                },
            },
            log_all: false,
        }
    }
}
