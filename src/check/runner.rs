//! Makes checks: one, or thousands at a time on one thread.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use socket2::{Protocol, Type};
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use super::connect::{datagrams, tcp};
use super::exchange::{Deadline, Failure};
use super::http::{Digest, Http};
use super::rhythm::Routine;
use super::{
    Check, Manner, Origin, Probe, Question, Share, Verdict, dns, file, http, misc, ping, smtp, udp,
};
use crate::addr::Endpoint;
use crate::host::limits;

/// Files that are open beside those of checks.
const OTHER_FILES: usize = 32;

/// A program has a pid descriptor and, while it is started, a pipe.
const FILES_OF_A_CHECK: usize = 2;

/// What a check found out, and how long it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What it found out.
    pub verdict: Verdict,
    /// How long the last try took.
    pub took: Duration,
}

/// The thread that makes checks.
#[derive(Debug)]
pub struct Runner(Runtime);

impl Runner {
    /// # Errors
    /// The system gives no epoll instance.
    pub fn new() -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        Ok(Runner(runtime))
    }

    pub(super) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.0.block_on(work)
    }

    /// Does something that needs the thread's runtime.
    pub(super) fn within<T>(&self, work: impl FnOnce() -> T) -> T {
        let _runtime = self.0.enter();
        work()
    }

    /// Starts a program that nobody waits for.
    ///
    /// # Errors
    /// It cannot be started.
    pub fn start(&self, command: std::process::Command) -> io::Result<()> {
        let _runtime = self.0.enter();
        // The runtime looks for its end.
        tokio::process::Command::from(command).spawn().map(drop)
    }

    /// Makes one check.
    pub fn one(&self, check: &Check) -> Outcome {
        self.0.block_on(attempts(check))
    }

    /// Makes all checks, as many at a time as this process may have open files for. Each outcome is
    /// handed to `each` when it is there, with the place of its check.
    pub fn all(&self, checks: &[Arc<Routine>], mut each: impl FnMut(usize, Outcome)) {
        let most = most_at_once();
        self.0.block_on(async {
            let mut running = JoinSet::new();
            let mut waiting = checks.iter().cloned().enumerate();
            loop {
                let room = most.saturating_sub(running.len());
                for (place, check) in waiting.by_ref().take(room) {
                    running.spawn(async move { (place, attempts(&check.check).await) });
                }
                match running.join_next().await {
                    None => break,
                    Some(Ok((place, outcome))) => each(place, outcome),
                    // A check that panicked says nothing about its server.
                    Some(Err(_)) => {}
                }
            }
        });
    }

    /// The digest of the first page.
    ///
    /// # Errors
    /// Why there is none.
    pub fn digest(
        &self,
        to: Endpoint,
        from: &Origin,
        http: &Http,
        timeout: Duration,
    ) -> Result<Digest, Verdict> {
        let Some(page) = http.pages.first() else {
            return Err(Verdict::Up(Share::Same));
        };
        self.0.block_on(async {
            let deadline = Deadline(Instant::now() + timeout);
            http::digest(to, from, http, page, deadline)
                .await
                .map_err(Verdict::from)
        })
    }
}

async fn attempts(check: &Check) -> Outcome {
    let mut left = check.tries.retry;
    loop {
        let start = Instant::now();
        let verdict = attempt(check).await;
        let took = start.elapsed();
        match verdict {
            Verdict::Down(_) if left > 0 => {
                left -= 1;
                sleep(check.tries.delay).await;
            }
            verdict => return Outcome { verdict, took },
        }
    }
}

/// How many checks this process may have open files for, once it has asked for as many as it can.
pub(super) fn most_at_once() -> usize {
    let most = usize::try_from(limits::raise_open_files()).unwrap_or(usize::MAX);
    (most.saturating_sub(OTHER_FILES) / FILES_OF_A_CHECK).max(1)
}

/// Makes a check, once.
pub(super) async fn attempt(check: &Check) -> Verdict {
    let deadline = Deadline(Instant::now() + check.timeout);
    match probe(&check.probe, deadline).await {
        Ok(share) => Verdict::Up(share),
        Err(failure) => failure.into(),
    }
}

async fn probe(probe: &Probe, deadline: Deadline) -> Result<Share, Failure> {
    match probe {
        Probe::Network { to, manner } => ask(*to, manner, deadline).await.map(|()| Share::Same),
        Probe::Misc(misc) => Box::pin(misc::probe(misc, deadline)).await,
        Probe::File(tracked) => file::probe(tracked),
    }
}

async fn ask(to: Endpoint, manner: &Manner, deadline: Deadline) -> Result<(), Failure> {
    let Manner { from, question } = manner;
    let datagrams = || datagrams(to, from, Type::DGRAM, Protocol::UDP);
    match question {
        Question::Tcp => tcp(to, from, deadline).await.map(drop),
        // What is large is boxed, so that thousands of small ones stay small.
        Question::Http(http) => Box::pin(http::probe(to, from, http, deadline)).await,
        Question::Smtp { helo } => {
            let stream = tcp(to, from, deadline).await?;
            Box::pin(smtp::probe(stream, helo, deadline)).await
        }
        Question::Dns(query) => Box::pin(dns::probe(datagrams()?, query, deadline)).await,
        Question::Udp(datagram) => Box::pin(udp::probe(datagrams()?, datagram, deadline)).await,
        Question::Ping { size } => Box::pin(ping::probe(to, from, *size, deadline)).await,
    }
}
