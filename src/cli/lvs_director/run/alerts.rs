//! Mails to those that the configuration names, when a machine cannot do what it shall.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cli::lvs_director::PROGRAM;
use crate::cli::post;
use crate::conf::model::Config;
use crate::host::{accounts, error_text};
use crate::notify::mail::Mail;
use crate::notify::postman::Postman;

/// How long the last mails may take at the end.
const PATIENCE: Duration = Duration::from_secs(2);

/// Who sends them, from the first one on.
#[derive(Default)]
pub struct Alerts {
    postman: Option<Postman>,
}

impl Alerts {
    /// Has a mail sent, when the configuration says whom to. Does not wait.
    ///
    /// # Errors
    /// It cannot be sent, in a sentence.
    pub fn send(&mut self, config: &Config, text: &str) -> Result<(), String> {
        let host = accounts::short_host_name();
        if self.postman.is_none() {
            let Some((relay, envelope)) = post::of(&config.global, PROGRAM, &host) else {
                return Ok(());
            };
            let started = Postman::start(relay, envelope);
            let started =
                started.map_err(|error| format!("a mail is lost: {}", error_text(&error)))?;
            self.postman = Some(started);
        }
        let router = config.global.router_id.as_ref().unwrap_or(&host);
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let mail = Mail {
            subject: format!("[{router}] {text}"),
            body: format!("{text}.\n"),
            time: now.map_or(0, |now| now.as_secs()),
        };
        if let Some(postman) = &self.postman {
            postman.send(mail);
        }
        Ok(())
    }

    /// What has become of mails meanwhile.
    pub fn told(&self) -> Vec<String> {
        let postman = self.postman.as_ref();
        postman.map_or(Vec::new(), Postman::told)
    }

    /// Forgets the mail server: there is another configuration, or the end. What waits is tried once
    /// more; gives back what is to be told.
    pub fn close(&mut self) -> Vec<String> {
        let postman = self.postman.take();
        postman.map_or(Vec::new(), |postman| postman.finish(PATIENCE))
    }
}
