//! Checks again and again: when each is made, until a signal ends it.

use std::future::poll_fn;
use std::io;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, interval, sleep_until};

use super::runner::{Outcome, Runner, attempts};
use super::{Check, Verdict};
use crate::host::limits;

/// How many outcomes may wait to be looked at; a check whose outcome does not fit waits too.
const WAITING: usize = 1024;

/// When checks are made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rhythm {
    /// From the beginning of one to that of the next (`delay_loop`).
    pub delay: Duration,
    /// The same after a bad one, while one more may be the last (`delay_before_retry`).
    pub retry_delay: Duration,
    /// After so many bad ones in a row the server is down.
    pub fall: u32,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Happening {
    /// A check has been made: its place, and what came of it.
    Checked(usize, Outcome),
    /// It is time to look whether all is as it should be.
    Look,
    /// SIGHUP.
    Reload,
    /// SIGTERM or SIGINT.
    Stop,
}

/// What shall happen next.
#[derive(Debug)]
pub enum Next {
    /// It goes on.
    GoOn,
    /// It goes on with other checks.
    Restart(Vec<Arc<Check>>),
    /// It ends.
    End,
}

impl Runner {
    /// Makes checks until it is told to end. All that has happened meanwhile is handed over at once.
    ///
    /// # Errors
    /// Signals cannot be waited for.
    pub fn keep(
        &self,
        checks: Vec<Arc<Check>>,
        rhythm: Rhythm,
        mut tell: impl FnMut(Vec<Happening>) -> Next,
    ) -> io::Result<()> {
        limits::raise_open_files();
        self.block_on(async {
            let mut signals = Signals::new()?;
            let mut looks = interval(rhythm.delay);
            looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let (mut tasks, mut outcomes) = start(checks, rhythm);
            loop {
                let first = next(&mut signals, &mut looks, &mut outcomes).await;
                let mut happened = vec![first];
                while let Ok((place, outcome)) = outcomes.try_recv() {
                    happened.push(Happening::Checked(place, outcome));
                }
                match tell(happened) {
                    Next::GoOn => {}
                    Next::Restart(checks) => (tasks, outcomes) = start(checks, rhythm),
                    Next::End => break,
                }
            }
            drop(tasks);
            Ok(())
        })
    }
}

/// The signals that are waited for.
struct Signals {
    reload: Signal,
    stop: [Signal; 2],
}

impl Signals {
    fn new() -> io::Result<Self> {
        Ok(Signals {
            reload: signal(SignalKind::hangup())?,
            stop: [
                signal(SignalKind::terminate())?,
                signal(SignalKind::interrupt())?,
            ],
        })
    }
}

/// A task for each check.
fn start(checks: Vec<Arc<Check>>, rhythm: Rhythm) -> (JoinSet<()>, Receiver<(usize, Outcome)>) {
    let (sender, receiver) = channel(WAITING);
    let mut tasks = JoinSet::new();
    let count = u32::try_from(checks.len()).unwrap_or(u32::MAX).max(1);
    for (place, check) in checks.into_iter().enumerate() {
        // All are made at once, to know; from then on each at a time of its own.
        let share = u32::try_from(place).unwrap_or(u32::MAX);
        let second = rhythm.delay.mul_f64(f64::from(share) / f64::from(count));
        tasks.spawn(repeat(place, check, rhythm, second, sender.clone()));
    }
    (tasks, receiver)
}

async fn repeat(
    place: usize,
    check: Arc<Check>,
    rhythm: Rhythm,
    second: Duration,
    outcomes: Sender<(usize, Outcome)>,
) {
    let mut pause = Some(second);
    let mut bad: u32 = 0;
    loop {
        let began = Instant::now();
        let outcome = attempts(&check).await;
        bad = match outcome.verdict {
            Verdict::Down(_) => bad.saturating_add(1),
            _ => 0,
        };
        if outcomes.send((place, outcome)).await.is_err() {
            return;
        }
        let usual = match (1..rhythm.fall).contains(&bad) {
            true => rhythm.retry_delay,
            false => rhythm.delay,
        };
        sleep_until(began + pause.take().map_or(usual, |pause| pause + usual)).await;
    }
}

async fn next(
    signals: &mut Signals,
    looks: &mut Interval,
    outcomes: &mut Receiver<(usize, Outcome)>,
) -> Happening {
    poll_fn(|context| {
        for stop in &mut signals.stop {
            if stop.poll_recv(context).is_ready() {
                return Poll::Ready(Happening::Stop);
            }
        }
        if signals.reload.poll_recv(context).is_ready() {
            return Poll::Ready(Happening::Reload);
        }
        if let Poll::Ready(Some((place, outcome))) = outcomes.poll_recv(context) {
            return Poll::Ready(Happening::Checked(place, outcome));
        }
        looks.poll_tick(context).map(|_| Happening::Look)
    })
    .await
}
