//! Those who are told beside the commands: readers of pipes and of mails.

use std::process::Child;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::check::health::Event;
use crate::host::{error_text, signals};
use crate::notify::fifo::Fifo;
use crate::notify::mail::Mail;
use crate::notify::postman::Postman;

use crate::cli::lvs_check::notices::{FifoSetting, Overall};

/// How long the last mails may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is open, and to whom.
#[derive(Debug, Default)]
pub struct Audience {
    overall: Overall,
    fifos: Vec<(Fifo, Option<Child>)>,
    postman: Option<Postman>,
}

/// What is told.
#[derive(Clone, Debug)]
pub struct News {
    /// What happened.
    pub event: Event,
    /// What pipes and mails call the service.
    pub service: String,
    /// What they call the server.
    pub server: Option<String>,
    /// Why.
    pub why: String,
    /// Whether there is a mail of it.
    pub mail: bool,
}

impl Audience {
    /// Opens what shall be open, and closes what shall not; what stays is not touched. Gives back
    /// what went wrong.
    pub fn become_as(&mut self, overall: &Overall) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.overall.fifos != overall.fifos {
            self.close_fifos();
            for setting in &overall.fifos {
                match open(setting) {
                    Ok((fifo, reader)) => {
                        let reader = reader.map_err(|text| wrong.push(text)).ok().flatten();
                        self.fifos.push((fifo, reader));
                    }
                    Err(text) => wrong.push(text),
                }
            }
        }
        if self.overall.post != overall.post {
            wrong.extend(self.close_mail());
            if let Some((relay, envelope)) = overall.post.clone() {
                match Postman::start(relay, envelope) {
                    Ok(postman) => self.postman = Some(postman),
                    Err(error) => {
                        wrong.push(format!("cannot send mails: {}", error_text(&error)));
                    }
                }
            }
        }
        self.overall = overall.clone();
        wrong
    }

    /// Tells of something. Gives back what went wrong.
    pub fn tell(&mut self, news: &News) -> Vec<String> {
        let service = &news.service;
        let word = match news.event {
            Event::ServerUp(_) | Event::QuorumUp => "UP",
            Event::ServerDown(_) | Event::QuorumDown => "DOWN",
        };
        let line = match &news.server {
            Some(server) => format!("RS {server} {service} {word}\n"),
            None => format!("VS {service} {word}\n"),
        };
        let mut wrong = Vec::new();
        for (fifo, _) in &mut self.fifos {
            if let Err(error) = fifo.write(&line) {
                let (text, path) = (error_text(&error), fifo.path().display());
                wrong.push(format!("a line is lost: {text}: {path}"));
            }
        }
        if let Some(postman) = self.postman.as_ref().filter(|_| news.mail) {
            postman.send(self.mail(news, word));
        }
        wrong
    }

    fn mail(&self, news: &News, word: &str) -> Mail {
        let (router, service) = (&self.overall.router, &news.service);
        let (subject, body) = match &news.server {
            Some(server) => (
                format!("[{router}] Realserver {server} of virtual server {service} - {word}"),
                match news.event {
                    Event::ServerUp(_) => "The server is up.".to_owned(),
                    _ => format!("The server is down: {}.", news.why),
                },
            ),
            None => (
                format!("[{router}] Virtualserver {service} - {word}"),
                match news.event {
                    Event::QuorumUp => "There are enough servers.".to_owned(),
                    _ => "There are not enough servers.".to_owned(),
                },
            ),
        };
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        Mail {
            subject,
            body: format!("{body}\n"),
            time: time.map_or(0, |time| time.as_secs()),
        }
    }

    /// What has become of mails meanwhile.
    pub fn told(&mut self) -> Vec<String> {
        for (_, reader) in &mut self.fifos {
            // One that has ended is not waited for any more.
            let ended = reader.as_mut().is_some_and(|reader| {
                let status = reader.try_wait();
                !matches!(status, Ok(None))
            });
            if ended {
                *reader = None;
            }
        }
        let postman = self.postman.as_ref();
        postman.map_or(Vec::new(), Postman::told)
    }

    /// Closes all; the last mails are waited for, but not for long.
    pub fn close(&mut self) -> Vec<String> {
        let told = self.close_mail();
        self.close_fifos();
        told
    }

    fn close_mail(&mut self) -> Vec<String> {
        let postman = self.postman.take();
        postman.map_or(Vec::new(), |postman| postman.finish(PATIENCE))
    }

    fn close_fifos(&mut self) {
        for (fifo, reader) in self.fifos.drain(..) {
            if let Some(reader) = reader {
                signals::terminate(reader.id());
            }
            drop(fifo);
        }
    }
}

type Opened = (Fifo, Result<Option<Child>, String>);

/// Opens a pipe, and starts the program that reads it, with its path as the last argument.
fn open(setting: &FifoSetting) -> Result<Opened, String> {
    let FifoSetting {
        path,
        owner,
        reader,
    } = setting;
    let owner = owner.map(|owner| (owner.uid, owner.gid));
    let fifo = Fifo::open(path, owner);
    let fifo = fifo.map_err(|error| format!("{}: {}", error_text(&error), path.display()))?;
    let reader = reader.as_ref().map(|reader| {
        let mut command = reader.command();
        let child = command.arg(path).spawn();
        child.map_err(|error| format!("{}: {}", error_text(&error), reader.name()))
    });
    Ok((fifo, reader.transpose()))
}
