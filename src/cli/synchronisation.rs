//! Starts and stops the kernel's daemons that synchronise connections, as `lvs_sync_daemon` asks for
//! it: `lvs-vrrp` where an instance is named, else `lvs-check`.

use std::collections::BTreeMap;

use crate::conf::model::Synchronisation;
use crate::ipvs::client::Client;
use crate::ipvs::{Change, Daemon, Role};
use crate::vrrp::report::{News, Subject};

/// Keeps the daemons as they are wanted.
#[derive(Default)]
pub struct Daemons {
    running: Vec<Daemon>,
    client: Option<Client>,
}

impl Daemons {
    /// Starts and stops what differs; opens the way to the kernel when it is first needed. Gives back
    /// what went wrong.
    pub fn become_as(
        &mut self,
        wanted: Vec<Daemon>,
        open: impl FnOnce() -> Result<Client, String>,
    ) -> Vec<String> {
        if self.running == wanted {
            return Vec::new();
        }
        let client = match &mut self.client {
            Some(client) => client,
            none => match open() {
                Ok(mut client) => {
                    // What one that was killed left; mostly there is nothing.
                    for role in [Role::Master, Role::Backup] {
                        let _ = client.apply(&stop(role, 0));
                    }
                    none.insert(client)
                }
                Err(text) => return vec![text],
            },
        };
        let mut wrong = Vec::new();
        self.running.retain(|daemon| {
            let stays = wanted.contains(daemon);
            if !stays {
                // One that somebody else has stopped is not there.
                let _ = client.apply(&stop(daemon.role, daemon.sync_id));
            }
            stays
        });
        for daemon in wanted {
            if self.running.contains(&daemon) {
                continue;
            }
            match client.apply(&Change::StartDaemon(daemon.clone())) {
                Ok(()) => self.running.push(daemon),
                Err(refusal) => {
                    let (role, interface) = (daemon.role, daemon.interface.as_str());
                    wrong.push(format!(
                        "cannot synchronise connections: {refusal}: {} on {interface}",
                        role.name()
                    ));
                }
            }
        }
        wrong
    }
}

fn stop(role: Role, sync_id: u32) -> Change {
    Change::StopDaemon { role, sync_id }
}

/// Which daemon runs while virtual routers change: the one that sends, where its instance is master.
#[derive(Debug, Default)]
pub struct Follower {
    roles: BTreeMap<String, Role>,
}

impl Follower {
    /// Heeds what has become of a router.
    pub fn heed(&mut self, news: &News<'_>) {
        let Subject::Instance(name) = news.subject else {
            return;
        };
        let role = match news.state {
            "MASTER" => Role::Master,
            "BACKUP" | "FAULT" => Role::Backup,
            _ => {
                self.roles.remove(name);
                return;
            }
        };
        self.roles.insert(name.to_owned(), role);
    }

    /// The daemon that shall run; none before its instance has a state.
    pub fn wanted(&self, setting: &Synchronisation) -> Vec<Daemon> {
        let instance = setting.instance.as_ref();
        let role = instance.and_then(|name| self.roles.get(name));
        role.map(|role| setting.daemon(*role)).into_iter().collect()
    }
}

/// The daemons of a machine where no virtual router says which: both.
pub fn both(setting: Option<&Synchronisation>) -> Vec<Daemon> {
    let setting = setting.filter(|setting| setting.instance.is_none());
    let daemons =
        setting.map(|setting| [Role::Master, Role::Backup].map(|role| setting.daemon(role)));
    daemons.into_iter().flatten().collect()
}
