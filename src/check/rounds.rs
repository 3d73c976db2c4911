//! The loop: makes checks when they are due, until a signal ends it.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{JoinSet, yield_now};
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep, sleep_until};

use super::Verdict;
use super::control::{Asked, Control, Questions};
use super::files::Files;
use super::readable::Readable;
use super::runner::{Outcome, Runner, attempt, most_at_once};
use super::timetable::{Beginning, Entry, Ticket, Timetable};
use crate::host::interfaces::Monitor;

/// How many checks are looked at in a row, at most: others shall have their turn.
const AT_ONCE: usize = 1024;

/// How many checks begin before others go on: few are under way at once, and take little memory.
const BEGUN_AT_ONCE: usize = 64;

/// What happened.
#[derive(Debug)]
pub enum Happening {
    /// A check has been made: its place, and what came of it.
    Checked(usize, Outcome),
    /// It is time to look whether all is as it should be.
    Look,
    /// It is the time that was asked for.
    Woken,
    /// Somebody asks something.
    Asked(Asked),
    /// Links or addresses of this machine have changed.
    Addresses,
    /// SIGHUP.
    Reload,
    /// SIGTERM or SIGINT.
    Stop,
}

/// What shall happen next.
#[derive(Debug, Default)]
pub struct Next {
    /// Other checks.
    pub restart: Option<Vec<Entry>>,
    /// Which checks shall rest, and which shall not; places in the new table, if there is one.
    pub rests: Vec<(usize, bool)>,
    /// When it wants to be woken, after which time; what was asked for before does not count.
    pub wake: Option<Duration>,
    /// That it ends.
    pub end: bool,
}

/// How the loop goes.
#[derive(Clone, Copy, Debug)]
pub struct Course {
    /// How the first checks begin.
    pub beginning: Beginning,
    /// From one look at the table to the next.
    pub looks: Duration,
}

/// What else is heeded.
pub struct Senses {
    /// The signals.
    pub signals: Signals,
    /// Where the loop is asked.
    pub control: Option<Control>,
    /// Who tells of links and addresses.
    pub monitor: Option<Monitor>,
}

/// The signals that end or reload the loop; from when this was made, none is lost.
#[derive(Debug)]
pub struct Signals {
    reload: Signal,
    stop: [Signal; 2],
}

impl Runner {
    /// Heeds signals from now on.
    ///
    /// # Errors
    /// They cannot be waited for.
    pub fn signals(&self) -> io::Result<Signals> {
        self.within(|| {
            Ok(Signals {
                reload: signal(SignalKind::hangup())?,
                stop: [
                    signal(SignalKind::terminate())?,
                    signal(SignalKind::interrupt())?,
                ],
            })
        })
    }

    /// Makes checks until it is told to end. All that has happened meanwhile is handed over at once;
    /// what a check finds out again and again, once it counts, is not.
    ///
    /// # Errors
    /// The system gives no more descriptors.
    pub fn keep(
        &self,
        first: Next,
        course: Course,
        senses: Senses,
        mut tell: impl FnMut(Vec<Happening>) -> Next,
    ) -> io::Result<()> {
        let most = most_at_once();
        self.block_on(async {
            // The checks have a task of their own: to wake this future costs system calls, and
            // nearly all checks find nothing new.
            let (wishes, wished) = unbounded_channel();
            let (found, outcomes) = unbounded_channel();
            tokio::spawn(Driver::new(course.beginning, most, wished, found).go());
            let mut sources = Sources::new(course.looks, senses, outcomes)?;
            let mut next = first;
            loop {
                if let Some(wake) = next.wake.take() {
                    sources.woken = Some(Box::pin(sleep(wake)));
                }
                if next.end {
                    return Ok(());
                }
                if next.restart.is_some() || !next.rests.is_empty() {
                    let (restart, rests) = (next.restart.take(), next.rests);
                    // The driver ends after this.
                    let _ = wishes.send(Wish { restart, rests });
                }
                next = tell(sources.wait().await);
            }
        })
    }
}

/// What the driver shall do from now on.
struct Wish {
    restart: Option<Vec<Entry>>,
    rests: Vec<(usize, bool)>,
}

type Found = Vec<(usize, Outcome)>;

/// Makes the checks that are due.
struct Driver {
    start: Instant,
    beginning: Beginning,
    most: usize,
    timetable: Timetable,
    running: JoinSet<(Ticket, Outcome)>,
    due: Option<Pin<Box<Sleep>>>,
    /// What was found out last in each place, and how often in a row.
    last: Vec<Option<(Verdict, u32)>>,
    /// How many verdicts alike count, in each place.
    enough: Vec<u32>,
    /// The files that checks look at, where there are some and they can be watched.
    files: Option<Files>,
    wished: UnboundedReceiver<Wish>,
    found: UnboundedSender<Found>,
}

impl Driver {
    fn new(
        beginning: Beginning,
        most: usize,
        wished: UnboundedReceiver<Wish>,
        found: UnboundedSender<Found>,
    ) -> Self {
        Driver {
            start: Instant::now(),
            beginning,
            most,
            timetable: Timetable::default(),
            running: JoinSet::new(),
            due: None,
            last: Vec::new(),
            enough: Vec::new(),
            files: None,
            wished,
            found,
        }
    }

    async fn go(mut self) {
        loop {
            let now = self.start.elapsed();
            for _ in 0..BEGUN_AT_ONCE {
                let Some((ticket, routine)) = self.timetable.begin(now, self.most) else {
                    break;
                };
                self.running.spawn(async move {
                    let begin = Instant::now();
                    let verdict = attempt(&routine.check).await;
                    let took = begin.elapsed();
                    (ticket, Outcome { verdict, took })
                });
            }
            let due = self.timetable.next_due();
            let due = due.filter(|_| self.running.len() < self.most);
            self.wait_until(due.map(|due| self.start + due));
            if due.is_some_and(|due| due <= now) {
                // Those that have begun go on first.
                yield_now().await;
            }
            let news = poll_fn(|context| self.poll(context)).await;
            if !news.is_empty() && self.found.send(news).is_err() {
                return;
            }
        }
    }

    /// When a check is due.
    fn wait_until(&mut self, at: Option<Instant>) {
        match (at, &mut self.due) {
            (None, due) => *due = None,
            (Some(at), Some(due)) if due.deadline() == at => {}
            (Some(at), Some(due)) => due.as_mut().reset(at),
            (Some(at), due) => *due = Some(Box::pin(sleep_until(at))),
        }
    }

    /// Gathers what was found out, as soon as there is something to do.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Found> {
        let mut is_ready = false;
        while let Poll::Ready(Some(wish)) = self.wished.poll_recv(context) {
            self.heed(wish);
            is_ready = true;
        }
        if self.files.as_mut().is_some_and(|files| files.poll(context)) {
            let now = self.start.elapsed();
            for place in self.files.iter().flat_map(|files| &files.places) {
                self.timetable.hurry(now, *place);
            }
            is_ready = true;
        }
        let mut news = Vec::new();
        for _ in 0..AT_ONCE {
            match self.running.poll_join_next(context) {
                Poll::Ready(Some(Ok((ticket, outcome)))) => {
                    is_ready = true;
                    news.extend(self.end(ticket, outcome));
                }
                // One that panicked says nothing about its server.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        match ready(&mut self.due, context) || is_ready {
            true => Poll::Ready(news),
            false => Poll::Pending,
        }
    }

    fn heed(&mut self, wish: Wish) {
        let now = self.start.elapsed();
        if let Some(entries) = wish.restart {
            let patience = entries.iter().map(|entry| entry.routine.rhythm.patience);
            let enough = patience.map(|patience| patience.rise.max(patience.fall).get());
            self.enough = enough.collect();
            self.last = vec![None; entries.len()];
            let files = Files::of(&entries).ok().flatten();
            let places = files.iter().flat_map(|files| &files.places);
            let old = places.filter(|place| entries[**place].before.is_some());
            let old: Vec<usize> = old.copied().collect();
            self.timetable.replace(now, entries, self.beginning);
            // What the last watch had still to say is lost.
            for place in old {
                self.timetable.hurry(now, place);
            }
            self.files = files;
        }
        for (place, rests) in wish.rests {
            self.timetable.rest(now, place, rests);
        }
    }

    /// A check has been made: gives back what is news.
    fn end(&mut self, ticket: Ticket, outcome: Outcome) -> Option<(usize, Outcome)> {
        let is_bad = matches!(outcome.verdict, Verdict::Down(_));
        let now = self.start.elapsed();
        let place = self.timetable.end(now, ticket, is_bad)?;
        let count = match &mut self.last[place] {
            Some((last, count)) if *last == outcome.verdict => {
                *count = count.saturating_add(1);
                *count
            }
            last => {
                *last = Some((outcome.verdict.clone(), 1));
                1
            }
        };
        (count <= self.enough[place]).then_some((place, outcome))
    }
}

/// What is waited for.
struct Sources {
    signals: Signals,
    looks: Interval,
    woken: Option<Pin<Box<Sleep>>>,
    outcomes: UnboundedReceiver<Found>,
    questions: Option<Questions>,
    /// Who tells of links and addresses, and when there is something to tell.
    monitor: Option<(Monitor, Readable)>,
}

impl Sources {
    fn new(
        every: Duration,
        senses: Senses,
        outcomes: UnboundedReceiver<Found>,
    ) -> io::Result<Self> {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Sources {
            signals: senses.signals,
            looks,
            woken: None,
            outcomes,
            questions: senses.control.map(Control::serve).transpose()?,
            monitor: match senses.monitor {
                Some(monitor) => {
                    let ready = Readable::new(&monitor)?;
                    Some((monitor, ready))
                }
                None => None,
            },
        })
    }

    /// What has happened, as soon as something has.
    async fn wait(&mut self) -> Vec<Happening> {
        poll_fn(|context| {
            let happened = self.poll(context);
            match happened.is_empty() {
                true => Poll::Pending,
                false => Poll::Ready(happened),
            }
        })
        .await
    }

    /// Gathers what has happened. What checks have found out comes first: it must be known before a
    /// reload gives them other places.
    fn poll(&mut self, context: &mut Context<'_>) -> Vec<Happening> {
        let mut events = Vec::new();
        while let Poll::Ready(Some(found)) = self.outcomes.poll_recv(context) {
            let checked = |(place, outcome)| Happening::Checked(place, outcome);
            events.extend(found.into_iter().map(checked));
        }
        if let Some(questions) = &mut self.questions {
            if let Poll::Ready(asked) = questions.poll(context) {
                events.push(Happening::Asked(asked));
            }
        }
        if let Some((monitor, ready)) = &mut self.monitor {
            // Whether some were lost does not matter: whoever is told, looks at all.
            let has_news = || !matches!(monitor.notices(), Ok(notices) if notices.is_empty());
            if ready.poll(context, has_news) {
                events.push(Happening::Addresses);
            }
        }
        if self.looks.poll_tick(context).is_ready() {
            events.push(Happening::Look);
        }
        if ready(&mut self.woken, context) {
            events.push(Happening::Woken);
        }
        if self.signals.reload.poll_recv(context).is_ready() {
            events.push(Happening::Reload);
        }
        for stop in &mut self.signals.stop {
            if stop.poll_recv(context).is_ready() {
                events.push(Happening::Stop);
            }
        }
        events
    }
}

/// Whether it is time; it is so once.
fn ready(sleep: &mut Option<Pin<Box<Sleep>>>, context: &mut Context<'_>) -> bool {
    let is_ready = sleep
        .as_mut()
        .is_some_and(|sleep| sleep.as_mut().poll(context).is_ready());
    if is_ready {
        *sleep = None;
    }
    is_ready
}
