//! What a client has of each mishap, and all of it side by side.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Kind;
use crate::cluster::{CLIENT, Cluster};
use crate::namespace::in_network;

/// Between two fetches.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_millis(400);

/// All that was measured since this program began.
static MEASURED: Mutex<Vec<Measured>> = Mutex::new(Vec::new());

#[derive(Clone)]
struct Measured {
    kinds: [Kind; 2],
    what: String,
    failed: usize,
    count: usize,
    gap: Duration,
    /// When all was as it should be, if it became so.
    healed: Option<Duration>,
}

impl Measured {
    /// The medians of several, each number for itself.
    fn median(all: &[&Measured]) -> Option<Measured> {
        let first = *all.first()?;
        Some(Measured {
            failed: middle(all.iter().map(|one| one.failed))?,
            count: middle(all.iter().map(|one| one.count))?,
            gap: middle(all.iter().map(|one| one.gap))?,
            healed: match all.iter().all(|one| one.healed.is_some()) {
                true => middle(all.iter().filter_map(|one| one.healed)),
                false => None,
            },
            ..first.clone()
        })
    }
}

fn middle<T: Copy + Ord>(values: impl Iterator<Item = T>) -> Option<T> {
    let mut values: Vec<T> = values.collect();
    values.sort_unstable();
    values.get(values.len() / 2).copied()
}

impl fmt::Display for Measured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (failed, count, gap) = (self.failed, self.count, self.gap.as_millis());
        write!(f, "{failed} of {count} failed, {gap} ms without a page, ")?;
        match self.healed {
            Some(after) => write!(f, "healed after {} ms", after.as_millis()),
            None => f.write_str("not healed"),
        }
    }
}

/// The fetches of a client: when each ended, and whether it had a page.
#[derive(Clone, Default)]
pub struct Fetches(Arc<Mutex<Vec<(Instant, bool)>>>);

impl Fetches {
    pub fn keep_on(&self, cluster: &Arc<Cluster>, stop: &AtomicBool) {
        while !stop.load(Ordering::Relaxed) {
            let got = in_network(CLIENT, || cluster.fetch_within(0, PATIENCE)).is_ok();
            if let Ok(mut all) = self.0.lock() {
                all.push((Instant::now(), got));
            }
            std::thread::sleep(PAUSE);
        }
    }

    /// Tells and keeps what there was since then; gives the longest time without a page.
    pub fn measure(
        &self,
        kinds: [Kind; 2],
        what: &str,
        start: Instant,
        healed: Option<Duration>,
    ) -> Duration {
        let (count, failed, gap) = self.since(start);
        let measured = Measured {
            kinds,
            what: what.to_owned(),
            failed,
            count,
            gap,
            healed,
        };
        println!("  {what}: {measured}");
        let all = MEASURED.lock();
        all.unwrap_or_else(PoisonError::into_inner).push(measured);
        gap
    }

    /// How many fetches there were since then, how many failed, and the longest time without a page.
    fn since(&self, start: Instant) -> (usize, usize, Duration) {
        let all = self.0.lock().map(|all| all.clone()).unwrap_or_default();
        let before = all.iter().rev().find(|(at, got)| *got && *at < start);
        let mut last = before.map_or(start, |(at, _)| *at);
        let (mut count, mut failed, mut longest) = (0, 0, Duration::ZERO);
        for (at, got) in all.iter().filter(|(at, _)| *at >= start) {
            count += 1;
            failed += usize::from(!got);
            if *got {
                longest = longest.max(*at - last);
                last = *at;
            }
        }
        (count, failed, longest.max(last.elapsed()))
    }
}

/// Prints ours beside keepalived's, the medians of what was tried more than once.
pub fn compare() {
    let all = MEASURED.lock().unwrap_or_else(PoisonError::into_inner);
    let tell = |kind: Kind, what: &str| {
        let tried: Vec<&Measured> = all
            .iter()
            .filter(|one| one.kinds == [kind; 2] && one.what == what)
            .collect();
        match Measured::median(&tried) {
            Some(median) if tried.len() > 1 => format!("{median} (median of {})", tried.len()),
            Some(only) => only.to_string(),
            None => "not measured".to_owned(),
        }
    };
    let mut told = BTreeSet::new();
    for one in all.iter() {
        let what = one.what.as_str();
        if one.kinds == [Kind::Keepalived; 2] && told.insert(what) {
            println!(
                "  {what}\n    ours:       {}\n    keepalived: {}",
                tell(Kind::Ours, what),
                tell(Kind::Keepalived, what)
            );
        }
    }
}
