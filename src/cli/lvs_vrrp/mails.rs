//! Mails about what becomes of routers (`smtp_alert`).

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cli::post;
use crate::conf::model::Config;
use crate::host::accounts::short_host_name;
use crate::notify::mail::{Envelope, Mail};
use crate::notify::postman::{Postman, Relay};
use crate::vrrp::report::{News, Subject};

/// How long the last mails may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whom mails are sent to, and about what.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Mails {
    /// Who carries them, and whom to; without them there are none.
    pub post: Option<(Relay, Envelope)>,
    /// What this machine is called in them (`router_id`).
    pub router: String,
    /// The instances that they tell of.
    pub instances: BTreeSet<String>,
    /// The groups that they tell of.
    pub groups: BTreeSet<String>,
}

impl Mails {
    /// Those that an effective configuration asks for.
    pub fn of(config: &Config) -> Self {
        let host = short_host_name();
        let instances = config.instances.iter();
        let instances = instances.filter(|instance| instance.smtp_alert == Some(true));
        let groups = config.sync_groups.iter();
        let groups = groups.filter(|group| group.smtp_alert == Some(true));
        Mails {
            post: post::of(&config.global, super::PROGRAM, &host),
            instances: instances.map(|instance| instance.name.clone()).collect(),
            groups: groups.map(|group| group.name.clone()).collect(),
            router: config.global.router_id.clone().unwrap_or(host),
        }
    }

    /// The mail about a change, if there is to be one; `time` is when it was, in seconds since 1970.
    fn about(&self, news: &News<'_>, time: u64) -> Option<Mail> {
        let (told, what) = match news.subject {
            Subject::Instance(_) => (&self.instances, "Instance"),
            Subject::Group(_) => (&self.groups, "Group"),
        };
        let name = news.subject.name();
        let body = match news.state {
            "MASTER" => "This machine has the virtual addresses now.\n",
            "BACKUP" => "This machine waits for the master to fail.\n",
            "FAULT" => "This machine cannot have the virtual addresses.\n",
            _ => return None,
        };
        told.contains(name).then(|| Mail {
            subject: format!(
                "[{}] VRRP {what} {name} - Entering {} state",
                self.router, news.state
            ),
            body: body.to_owned(),
            time,
        })
    }
}

/// Sends them.
#[derive(Debug, Default)]
pub struct Mailer {
    mails: Mails,
    postman: Option<Postman>,
}

impl Mailer {
    /// From now on sends these. Gives back what went wrong.
    pub fn become_as(&mut self, mails: Mails) -> Vec<String> {
        let mut wrong = Vec::new();
        if self.mails.post != mails.post {
            wrong.extend(self.finish());
            if let Some((relay, envelope)) = mails.post.clone() {
                match Postman::start(relay, envelope) {
                    Ok(postman) => self.postman = Some(postman),
                    Err(error) => wrong.push(format!("cannot send mails: {error}")),
                }
            }
        }
        self.mails = mails;
        wrong
    }

    /// Tells of a change. Does not wait; gives back what has become of earlier ones.
    pub fn tell(&self, news: &News<'_>) -> Vec<String> {
        let Some(postman) = &self.postman else {
            return Vec::new();
        };
        let time = SystemTime::now().duration_since(UNIX_EPOCH);
        let time = time.map_or(0, |time| time.as_secs());
        if let Some(mail) = self.mails.about(news, time) {
            postman.send(mail);
        }
        postman.told()
    }

    /// Ends; the last mails are waited for, but not for long. Gives back what became of them.
    pub fn finish(&mut self) -> Vec<String> {
        let postman = self.postman.take();
        postman.map_or(Vec::new(), |postman| postman.finish(PATIENCE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vrrp::Priority;

    #[test]
    fn only_what_is_asked_for_is_mailed() {
        let mails = Mails {
            router: "LVS_1".to_owned(),
            instances: BTreeSet::from(["VI_1".to_owned()]),
            ..Mails::default()
        };
        let about = |subject, state| {
            let news = News {
                subject,
                state,
                priority: Priority::DEFAULT,
            };
            mails.about(&news, 0).map(|mail| mail.subject)
        };
        let subject = "[LVS_1] VRRP Instance VI_1 - Entering MASTER state";
        let master = about(Subject::Instance("VI_1"), "MASTER");
        assert_eq!(master.as_deref(), Some(subject));
        assert_eq!(about(Subject::Instance("VI_1"), "STOP"), None);
        assert_eq!(about(Subject::Instance("VI_2"), "MASTER"), None);
        assert_eq!(about(Subject::Group("VI_1"), "MASTER"), None);
    }
}
