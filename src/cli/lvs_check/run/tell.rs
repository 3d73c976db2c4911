//! What happened is told: in a line, and to the commands that are to know of it.

use std::sync::Arc;

use crate::addr::Endpoint;
use crate::check::Verdict;
use crate::check::health::Event;
use crate::host::error_text;
use crate::show::check as show;

use super::Running;
use super::audience::News;
use crate::cli::lvs_check::notices::{self, Teller};

impl Running<'_, '_, '_> {
    /// Says what happened, and starts the command that is to know of it.
    pub(super) fn tell(
        &mut self,
        watch: usize,
        server: Option<usize>,
        event: Event,
        verdict: Option<&Verdict>,
    ) {
        let group = &self.desired.watches[watch].group;
        let notices = &self.desired.notices[watch];
        let own = server.and_then(|server| notices.servers.get(server));
        let (word, teller) = match event {
            Event::ServerUp(_) => ("up", own.and_then(|own| own.up.clone())),
            Event::ServerDown(_) => ("down", own.and_then(|own| own.down.clone())),
            Event::QuorumUp => ("quorum up", notices.quorum_up.clone()),
            Event::QuorumDown => ("quorum down", notices.quorum_down.clone()),
        };
        let own_mail = match server {
            Some(_) => own.is_some_and(|own| own.mail),
            None => notices.mail,
        };
        let server = server.map(|server| group.servers[server].destination.endpoint);
        let service = group.service.id;
        let target = show::target(&service, server.as_ref());
        let text = match (event, verdict) {
            (Event::ServerDown(_), Some(verdict)) => {
                format!("{word} {target}: {}", show::why(verdict))
            }
            _ => format!("{word} {target}"),
        };
        let notices = &self.desired.notices[watch];
        let name = |server: &Endpoint| notices::server_name(server, notices.protocol);
        let news = News {
            event,
            service: notices.name.clone(),
            server: server.as_ref().map(name),
            why: verdict.map_or(String::new(), show::why),
            mail: own_mail,
        };
        self.session.tell(&text);
        for wrong in self.audience.tell(&news) {
            self.session.complain(&wrong);
        }
        if let Some(teller) = teller {
            let mut more = vec![
                ("LVS_CHECK_EVENT", word.to_owned()),
                ("LVS_CHECK_SERVICE", show::target(&service, None)),
            ];
            if let Some(server) = server {
                more.push(("LVS_CHECK_ADDRESS", server.address.to_string()));
                more.push(("LVS_CHECK_PORT", server.port.to_string()));
            }
            self.start(&teller, more);
        }
    }

    /// Says that a check has failed, whatever comes of it.
    pub(super) fn tell_failure(&mut self, watch: usize, server: usize, verdict: &Verdict) {
        if let Verdict::Down(_) = verdict {
            let group = &self.desired.watches[watch].group;
            let server = group.servers[server].destination.endpoint;
            let target = show::target(&group.service.id, Some(&server));
            let why = show::why(verdict);
            self.session.tell(&format!("failed {target}: {why}"));
        }
    }

    /// That a check cannot be made says nothing about its server, so nothing comes of it; somebody
    /// has to know.
    pub(super) fn heed_fault(&mut self, place: usize, verdict: &Verdict) {
        let Verdict::Unknown(fault) = verdict else {
            self.faulty.remove(&place);
            return;
        };
        if self.faulty.insert(place) {
            let at = self.places[place];
            let group = &self.desired.watches[at.watch].group;
            let server = group.servers[at.server].destination.endpoint;
            let target = show::target(&group.service.id, Some(&server));
            self.session.complain(&format!("{fault}: {target}"));
        }
    }

    fn start(&mut self, teller: &Arc<Teller>, environment: Vec<(&str, String)>) {
        let mut command = teller.command();
        command.envs(environment);
        if let Err(error) = self.runner.start(command) {
            let text = error_text(&error);
            let name = teller.name();
            self.session.complain(&format!("{text}: {name}"));
        }
    }
}
