//! What passes in a second, from counters that are looked at now and then.

use core::time::Duration;
use std::collections::VecDeque;

use crate::ipvs::Stats;

/// How many rates are remembered for the sparkline.
const HISTORY: usize = 120;

/// A rate is a mean over no less than this. The kernel adds its counters up every two seconds: over
/// less time one would see nothing, then double. (A timer may be early by a little.)
const WINDOW: Duration = Duration::from_millis(1900);

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Measure {
    /// Connections scheduled.
    Connections,
    /// Packets, both ways.
    Packets,
    /// Bytes, both ways.
    Bytes,
}

impl Measure {
    /// All, in their order.
    pub const ALL: [Measure; 3] = [Measure::Connections, Measure::Packets, Measure::Bytes];
}

/// Rates a second.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Rates([f32; 3]);

impl Rates {
    /// One of them.
    pub fn of(&self, measure: Measure) -> f32 {
        self.0[measure as usize]
    }

    /// Adds others to them.
    pub fn add(&mut self, other: Rates) {
        for (sum, rate) in self.0.iter_mut().zip(other.0) {
            *sum += rate;
        }
    }
}

/// The counters of one service or destination through the time.
#[derive(Clone, Debug, Default)]
pub struct Meter {
    /// The kernel's counters when they were last looked at.
    last: Option<[u64; 3]>,
    /// When, and how much had passed by then since the first look.
    samples: VecDeque<(Duration, [u64; 3])>,
    history: VecDeque<Rates>,
}

impl Meter {
    /// Takes what the kernel has counted by the time `at`, which never goes back.
    ///
    /// Counters that are lower than before were set to zero in between (`-Z`, or the destination
    /// was deleted and added): what they have counted since has passed.
    pub fn feed(&mut self, at: Duration, stats: &Stats) {
        let now = [
            stats.connections,
            stats.packets_in.saturating_add(stats.packets_out),
            stats.bytes_in.saturating_add(stats.bytes_out),
        ];
        let last = self.last.replace(now).unwrap_or(now);
        let mut passed = self.samples.back().map_or([0; 3], |sample| sample.1);
        for (place, passed) in passed.iter_mut().enumerate() {
            let more = now[place].checked_sub(last[place]).unwrap_or(now[place]);
            *passed = passed.saturating_add(more);
        }
        self.samples.push_back((at, passed));
        // The first sample is the newest that is old enough.
        while self.samples.len() > 2 && at.saturating_sub(self.samples[1].0) >= WINDOW {
            self.samples.pop_front();
        }
        if let Some(rates) = self.mean() {
            self.push(rates);
        }
    }

    /// Takes rates that were measured elsewhere.
    pub fn push(&mut self, rates: Rates) {
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back(rates);
    }

    fn mean(&self) -> Option<Rates> {
        let ((from, before), (to, after)) = (self.samples.front()?, self.samples.back()?);
        let seconds = to.checked_sub(*from)?.as_secs_f64();
        if seconds <= 0.0 {
            return None;
        }
        Some(Rates(std::array::from_fn(|place| {
            (after[place].saturating_sub(before[place]) as f64 / seconds) as f32
        })))
    }

    /// The rates of the last moments; none before the second look.
    pub fn rates(&self) -> Option<Rates> {
        self.history.back().copied()
    }

    /// The rates so far, the oldest first.
    pub fn history(
        &self,
        measure: Measure,
    ) -> impl ExactSizeIterator<Item = f32> + DoubleEndedIterator + '_ {
        self.history.iter().map(move |rates| rates.of(measure))
    }

    /// The highest of the last `count` rates.
    pub fn highest(&self, measure: Measure, count: usize) -> f32 {
        self.history(measure).rev().take(count).fold(0.0, f32::max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A meter that has seen these numbers of connections at these times, in milliseconds.
    fn meter(samples: &[(u64, u64)]) -> Meter {
        let mut meter = Meter::default();
        for &(milliseconds, connections) in samples {
            let stats = Stats {
                connections,
                ..Stats::default()
            };
            meter.feed(Duration::from_millis(milliseconds), &stats);
        }
        meter
    }

    fn rate(samples: &[(u64, u64)]) -> Option<f32> {
        Some(meter(samples).rates()?.of(Measure::Connections))
    }

    #[test]
    fn a_rate_needs_two_looks_at_different_times() {
        assert_eq!(rate(&[(0, 5)]), None);
        assert_eq!(rate(&[(0, 5), (0, 6)]), None);
        assert_eq!(rate(&[(0, 5), (2000, 25)]), Some(10.0));
        assert_eq!(rate(&[(0, 5), (2000, 25), (4000, 25)]), Some(0.0));
    }

    #[test]
    fn looks_more_often_than_the_kernel_counts_do_not_make_rates_jump() {
        // 20 connections a second, added up every two seconds.
        let samples: Vec<(u64, u64)> = (0..40).map(|n| (n * 500, n / 4 * 40)).collect();
        for end in 5..samples.len() {
            assert_eq!(rate(&samples[..end]), Some(20.0), "{end}");
        }
    }

    #[test]
    fn counters_that_were_set_to_zero_begin_again() {
        assert_eq!(rate(&[(0, 1000), (2000, 30)]), Some(15.0));
        assert_eq!(rate(&[(0, 1000), (1000, 0), (2000, 30)]), Some(15.0));
    }

    #[test]
    fn both_directions_count() {
        let mut meter = Meter::default();
        meter.feed(Duration::ZERO, &Stats::default());
        let stats = Stats {
            packets_in: 2,
            packets_out: 4,
            bytes_in: u64::MAX,
            bytes_out: u64::MAX,
            ..Stats::default()
        };
        meter.feed(Duration::from_secs(2), &stats);
        assert_eq!(meter.rates().unwrap().of(Measure::Packets), 3.0);
    }

    #[test]
    fn the_history_has_an_end() {
        let samples: Vec<(u64, u64)> = (0..1000).map(|n| (n * 2000, n)).collect();
        let meter = meter(&samples);
        assert_eq!(meter.history(Measure::Connections).len(), HISTORY);
        assert_eq!(meter.highest(Measure::Connections, 9), 0.5);
        assert!(meter.samples.len() <= 3);
    }
}
