//! Those who are told beside the commands: readers of pipes and of mails.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::check::health::Event;
use crate::host::error_text;
use crate::host::pipes::NamedPipe;
use crate::notify::mail::Mail;
use crate::notify::postman::Postman;

use crate::cli::lvs_check::notices::{FifoSetting, Overall};

/// How long the last mails may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// What is open, and to whom.
#[derive(Debug, Default)]
pub struct Audience {
    overall: Overall,
    pipes: Vec<NamedPipe>,
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
            self.pipes.clear();
            for setting in &overall.fifos {
                let opened = open(setting, &mut wrong);
                self.pipes.extend(opened);
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
        for pipe in &mut self.pipes {
            if let Err(error) = pipe.tell(&line) {
                let (text, path) = (error_text(&error), pipe.path().display());
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
        self.pipes.iter_mut().for_each(NamedPipe::reap);
        let postman = self.postman.as_ref();
        postman.map_or(Vec::new(), Postman::told)
    }

    /// Closes all; the last mails are waited for, but not for long.
    pub fn close(&mut self) -> Vec<String> {
        self.pipes.clear();
        self.close_mail()
    }

    fn close_mail(&mut self) -> Vec<String> {
        let postman = self.postman.take();
        postman.map_or(Vec::new(), |postman| postman.finish(PATIENCE))
    }
}

/// Opens a pipe, and starts the program that reads it, with its path as the last argument. Adds what
/// went wrong.
fn open(setting: &FifoSetting, wrong: &mut Vec<String>) -> Option<NamedPipe> {
    let FifoSetting {
        path,
        owner,
        reader,
    } = setting;
    let owner = owner.map(|owner| (owner.uid, owner.gid));
    let mut pipe = match NamedPipe::open(path, owner) {
        Ok(pipe) => pipe,
        Err(error) => {
            wrong.push(format!("{}: {}", error_text(&error), path.display()));
            return None;
        }
    };
    if let Some(reader) = reader {
        match reader.command().arg(path).spawn() {
            Ok(child) => pipe.read_by(child),
            Err(error) => wrong.push(format!("{}: {}", error_text(&error), reader.name())),
        }
    }
    Some(pipe)
}
