//! Sends mails, in a thread of its own: a relay that does not answer holds up nobody.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::host::signals;

use super::mail::{Envelope, Mail, Moment, Queue};
use super::smtp;

pub use super::smtp::Relay;

/// Who sends mails.
#[derive(Debug)]
pub struct Postman {
    mails: Sender<Mail>,
    told: Receiver<String>,
}

impl Postman {
    /// Begins.
    ///
    /// # Errors
    /// The system gives no more threads.
    pub fn start(relay: Relay, envelope: Envelope) -> std::io::Result<Self> {
        let (mails, received) = channel();
        let (tell, told) = channel();
        let round = Round {
            relay,
            envelope,
            start: Instant::now(),
            queue: Queue::default(),
            fails: false,
            tell,
        };
        // A SIGTERM that this thread got would end the process before it has given up its addresses.
        signals::without_signals(|| {
            thread::Builder::new()
                .name("mail".to_owned())
                .spawn(move || round.go(&received))
        })?;
        Ok(Postman { mails, told })
    }

    /// Has a mail sent. Does not wait.
    pub fn send(&self, mail: Mail) {
        // The thread ends after this has been dropped.
        let _ = self.mails.send(mail);
    }

    /// What has become of mails, since this was last asked: which were lost, and why.
    pub fn told(&self) -> Vec<String> {
        self.told.try_iter().collect()
    }

    /// Ends. What waits is tried once more, in `patience` at most; gives back what is to be told.
    pub fn finish(self, patience: Duration) -> Vec<String> {
        drop(self.mails);
        let start = Instant::now();
        let mut all = Vec::new();
        loop {
            let left = patience.saturating_sub(start.elapsed());
            match self.told.recv_timeout(left) {
                Ok(text) => all.push(text),
                Err(RecvTimeoutError::Disconnected) => break,
                Err(RecvTimeoutError::Timeout) => {
                    all.push("mails are lost: the mail server does not answer".to_owned());
                    break;
                }
            }
        }
        all
    }
}

struct Round {
    relay: Relay,
    envelope: Envelope,
    start: Instant,
    queue: Queue,
    /// Whether the last try failed, which has been told.
    fails: bool,
    tell: Sender<String>,
}

impl Round {
    fn go(mut self, received: &Receiver<Mail>) {
        loop {
            let now = self.now();
            let mail = match self.queue.next() {
                None => received.recv().map_err(|_| RecvTimeoutError::Disconnected),
                Some(next) => received.recv_timeout(next.saturating_sub(now)),
            };
            match mail {
                Ok(mail) => {
                    let lost = self.queue.add(mail, self.now());
                    self.lost(lost, "too many wait");
                }
                Err(RecvTimeoutError::Timeout) => self.deliver(),
                Err(RecvTimeoutError::Disconnected) => break,
            }
        }
        self.queue.hurry(self.now());
        while self.queue.next().is_some() {
            self.deliver();
            if self.fails {
                while let Some(mail) = self.queue.done() {
                    self.lost(Some(mail), "it could not be sent in time");
                }
            }
        }
    }

    fn now(&self) -> Moment {
        self.start.elapsed()
    }

    /// Tries the mail that is due.
    fn deliver(&mut self) {
        let Some(mail) = self.queue.due(self.now()) else {
            return;
        };
        match smtp::send(&self.relay, &self.envelope, mail) {
            Ok(refused) => {
                self.fails = false;
                let mail = self.queue.done();
                if let Some(mail) = mail.filter(|_| !refused.is_empty()) {
                    let (subject, to) = (mail.subject, refused.join(", "));
                    let text = format!("a mail is lost: {to} is refused: {subject}");
                    let _ = self.tell.send(text);
                }
            }
            Err(failed) if failed.forever => {
                let lost = self.queue.done();
                self.lost(lost, &failed.why);
            }
            Err(failed) => {
                let lost = self.queue.failed(self.now());
                if !self.fails {
                    let text = format!("a mail has to wait: {}", failed.why);
                    let _ = self.tell.send(text);
                }
                self.fails = true;
                self.lost(lost, &failed.why);
            }
        }
    }

    fn lost(&self, mail: Option<Mail>, why: &str) {
        if let Some(mail) = mail {
            // Whoever is told may have gone.
            let _ = self
                .tell
                .send(format!("a mail is lost: {why}: {}", mail.subject));
        }
    }
}
