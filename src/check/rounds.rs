//! The loop: makes checks when they are due, until a signal ends it.

use std::future::poll_fn;
use std::io;
use std::os::fd::AsFd;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::Interest;
use tokio::net::UnixDatagram;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::task::JoinSet;
use tokio::time::{Instant, Interval, MissedTickBehavior, Sleep, interval, sleep, sleep_until};

use super::Verdict;
use super::control::{Asked, Control, Questions};
use super::runner::{Outcome, Runner, attempt, most_at_once};
use super::timetable::{Beginning, Entry, Ticket, Timetable};
use crate::host::interfaces::Monitor;

/// How many outcomes are handed over at once, at most: others shall have their turn.
const AT_ONCE: usize = 1024;

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

    /// Makes checks until it is told to end. All that has happened meanwhile is handed over at once,
    /// with how late a check began at most.
    ///
    /// # Errors
    /// The system gives no more descriptors.
    pub fn keep(
        &self,
        first: Next,
        course: Course,
        senses: Senses,
        mut tell: impl FnMut(Vec<Happening>, Duration) -> Next,
    ) -> io::Result<()> {
        let most = most_at_once();
        self.block_on(async {
            let start = Instant::now();
            let mut sources = Sources::new(course.looks, senses)?;
            let mut timetable = Timetable::default();
            let mut next = first;
            loop {
                let now = start.elapsed();
                if let Some(entries) = next.restart.take() {
                    timetable.replace(now, entries, course.beginning);
                }
                for (place, rests) in next.rests.drain(..) {
                    timetable.rest(now, place, rests);
                }
                if let Some(wake) = next.wake.take() {
                    sources.woken = Some(Box::pin(sleep(wake)));
                }
                if next.end {
                    return Ok(());
                }
                while let Some((ticket, routine)) = timetable.begin(now, most) {
                    sources.running.spawn(async move {
                        let begin = Instant::now();
                        let verdict = attempt(&routine.check).await;
                        let took = begin.elapsed();
                        (ticket, Outcome { verdict, took })
                    });
                }
                let due = timetable
                    .next_due()
                    .filter(|_| sources.running.len() < most);
                sources.due(due.map(|due| start + due));
                let mut happened = Vec::new();
                for event in sources.wait().await {
                    match event {
                        Event::Made(ticket, outcome) => {
                            let is_bad = matches!(outcome.verdict, Verdict::Down(_));
                            let place = timetable.end(start.elapsed(), ticket, is_bad);
                            happened.extend(place.map(|place| Happening::Checked(place, outcome)));
                        }
                        Event::Other(other) => happened.push(other),
                    }
                }
                if happened.is_empty() {
                    continue;
                }
                next = tell(happened, timetable.latest());
            }
        })
    }
}

/// What is waited for.
struct Sources {
    signals: Signals,
    looks: Interval,
    due: Option<Pin<Box<Sleep>>>,
    woken: Option<Pin<Box<Sleep>>>,
    running: JoinSet<(Ticket, Outcome)>,
    questions: Option<Questions>,
    monitor: Option<Watched>,
}

/// A monitor, and its descriptor as the runtime knows one: as a socket of datagrams, which it is.
struct Watched {
    monitor: Monitor,
    socket: UnixDatagram,
}

impl Watched {
    fn new(monitor: Monitor) -> io::Result<Self> {
        let descriptor = monitor.as_fd().try_clone_to_owned()?;
        let socket = std::os::unix::net::UnixDatagram::from(descriptor);
        socket.set_nonblocking(true)?;
        let socket = UnixDatagram::from_std(socket)?;
        Ok(Watched { monitor, socket })
    }

    /// Whether links or addresses have changed.
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        let mut changed = false;
        while self.socket.poll_recv_ready(context).is_ready() {
            // Whether some were lost does not matter: whoever is told, looks at all.
            let notices = self.monitor.notices();
            changed |= !matches!(notices, Ok(notices) if notices.is_empty());
            let all_read = || io::Result::<()>::Err(io::ErrorKind::WouldBlock.into());
            let _ = self.socket.try_io(Interest::READABLE, all_read);
        }
        changed
    }
}

enum Event {
    Made(Ticket, Outcome),
    Other(Happening),
}

impl Sources {
    fn new(every: Duration, senses: Senses) -> io::Result<Self> {
        let mut looks = interval(every);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Ok(Sources {
            signals: senses.signals,
            looks,
            due: None,
            woken: None,
            running: JoinSet::new(),
            questions: senses.control.map(Control::serve).transpose()?,
            monitor: match senses.monitor {
                Some(monitor) => Some(Watched::new(monitor)?),
                None => None,
            },
        })
    }

    /// When a check is due.
    fn due(&mut self, at: Option<Instant>) {
        match (at, &mut self.due) {
            (None, due) => *due = None,
            (Some(at), Some(due)) if due.deadline() == at => {}
            (Some(at), Some(due)) => due.as_mut().reset(at),
            (Some(at), due) => *due = Some(Box::pin(sleep_until(at))),
        }
    }

    /// What has happened, as soon as something has; nothing when a check is due.
    async fn wait(&mut self) -> Vec<Event> {
        poll_fn(|context| {
            let mut events = Vec::new();
            let is_due = self.poll(context, &mut events);
            match events.is_empty() && !is_due {
                true => Poll::Pending,
                false => Poll::Ready(events),
            }
        })
        .await
    }

    /// Gathers what has happened; tells whether a check is due.
    fn poll(&mut self, context: &mut Context<'_>, events: &mut Vec<Event>) -> bool {
        for stop in &mut self.signals.stop {
            if stop.poll_recv(context).is_ready() {
                events.push(Event::Other(Happening::Stop));
            }
        }
        if self.signals.reload.poll_recv(context).is_ready() {
            events.push(Event::Other(Happening::Reload));
        }
        while events.len() < AT_ONCE {
            match self.running.poll_join_next(context) {
                Poll::Ready(Some(Ok((ticket, outcome)))) => {
                    events.push(Event::Made(ticket, outcome));
                }
                // One that panicked says nothing about its server.
                Poll::Ready(Some(Err(_))) => {}
                Poll::Ready(None) | Poll::Pending => break,
            }
        }
        if let Some(questions) = &mut self.questions {
            if let Poll::Ready(asked) = questions.poll(context) {
                events.push(Event::Other(Happening::Asked(asked)));
            }
        }
        let monitor = self.monitor.as_mut();
        if monitor.is_some_and(|monitor| monitor.poll(context)) {
            events.push(Event::Other(Happening::Addresses));
        }
        if self.looks.poll_tick(context).is_ready() {
            events.push(Event::Other(Happening::Look));
        }
        if ready(&mut self.woken, context) {
            events.push(Event::Other(Happening::Woken));
        }
        ready(&mut self.due, context)
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
