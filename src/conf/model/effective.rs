//! What a configuration means: each setting that is not there is taken from where it is inherited.

use std::time::Duration;

use super::{
    Checker, CheckerKind, Config, Global, Instance, RealServer, Script, VirtualServer, seconds,
};
use crate::addr::Family;
use crate::conf::field::{State, Transport};
use crate::conf::value::VirtualAddress;
use crate::ipvs::{Forwarding, SchedulerName};

impl Config {
    /// The configuration with all defaults filled in.
    pub fn effective(mut self) -> Config {
        let global = &mut self.global;
        global
            .garp_lower_prio_delay
            .get_or_insert(global.garp_master_delay);
        global
            .garp_lower_prio_repeat
            .get_or_insert(global.garp_master_repeat);
        for script in &mut self.scripts {
            let Script {
                timeout, interval, ..
            } = script;
            timeout.get_or_insert(*interval);
        }
        for group in &mut self.sync_groups {
            if let Some(tells) = group.notify_priority_changes {
                let members = |instance: &&mut Instance| group.has(&instance.name);
                for instance in self.instances.iter_mut().filter(members) {
                    instance.notify_priority_changes.get_or_insert(tells);
                }
            }
            group.smtp_alert.get_or_insert(vrrp_alert(global));
            group
                .notify_priority_changes
                .get_or_insert(global.notify_priority_changes);
        }
        for instance in &mut self.instances {
            instance.inherit(global);
        }
        for server in &mut self.virtual_servers {
            server.inherit(global);
        }
        self
    }

    /// Fills in what a virtual server does not say that stands beside this configuration.
    pub fn complete(&self, server: &mut VirtualServer) {
        server.inherit(&self.global);
    }
}

fn vrrp_alert(global: &Global) -> bool {
    global
        .smtp_alert_vrrp
        .or(global.smtp_alert)
        .unwrap_or(false)
}

fn checker_alert(global: &Global) -> Option<bool> {
    global.smtp_alert_checker.or(global.smtp_alert)
}

impl Instance {
    fn inherit(&mut self, global: &Global) {
        let family = self.family();
        let priority = match (self.priority, self.state) {
            (Some(priority), _) => priority,
            (None, Some(State::Master)) => 255,
            (None, _) => 100,
        };
        self.priority = Some(priority);
        self.state.get_or_insert(match priority {
            255 => State::Master,
            _ => State::Backup,
        });
        self.version.get_or_insert(match family {
            Family::V4 => global.version,
            Family::V6 => 3,
        });
        let group = match family {
            Family::V4 => global.mcast_group4,
            Family::V6 => global.mcast_group6,
        };
        if self.unicast_peers.is_empty() {
            self.mcast_destination = self.mcast_destination.or(group);
        }
        self.smtp_alert.get_or_insert(vrrp_alert(global));
        self.notify_priority_changes
            .get_or_insert(global.notify_priority_changes);
        self.skip_check_adv_addr
            .get_or_insert(global.skip_check_adv_addr);
        self.strict.get_or_insert(global.strict);
        self.check_unicast_src
            .get_or_insert(global.check_unicast_src);
        self.down_timer_adverts
            .get_or_insert(global.down_timer_adverts);
        // Strict mode repeats nothing, and has its own way with lower priorities.
        if self.strict == Some(false) {
            self.inherit_beyond_rfc(global);
        }
    }

    /// What the RFC does not have.
    fn inherit_beyond_rfc(&mut self, global: &Global) {
        self.garp_master_delay
            .get_or_insert(global.garp_master_delay);
        self.garp_master_repeat
            .get_or_insert(global.garp_master_repeat);
        self.garp_master_refresh
            .get_or_insert(global.garp_master_refresh);
        self.garp_master_refresh_repeat
            .get_or_insert(global.garp_master_refresh_repeat);
        self.garp_lower_prio_delay = self.garp_lower_prio_delay.or(global.garp_lower_prio_delay);
        self.garp_lower_prio_repeat = self
            .garp_lower_prio_repeat
            .or(global.garp_lower_prio_repeat);
        self.lower_prio_no_advert
            .get_or_insert(global.lower_prio_no_advert);
        self.higher_prio_send_advert
            .get_or_insert(global.higher_prio_send_advert);
        if self.garp_extra_if.is_none() {
            self.garp_extra_if.clone_from(&global.garp_extra_if);
        }
    }
}

impl VirtualServer {
    fn inherit(&mut self, global: &Global) {
        if self.scheduler.is_none() {
            self.scheduler = SchedulerName::new("wlc");
        }
        let forwarding = *self.forwarding.get_or_insert(Forwarding::Masquerade);
        if !matches!(self.address, Some(VirtualAddress::Mark(_))) {
            self.protocol.get_or_insert(Transport::Udp);
        }
        self.smtp_alert
            .get_or_insert(checker_alert(global).unwrap_or(false));
        if self.sorry_server.is_some() {
            self.sorry_forwarding.get_or_insert(forwarding);
        }
        self.warmup.get_or_insert(self.delay_loop);
        self.connect_timeout.get_or_insert(seconds(5));
        let mut servers = std::mem::take(&mut self.real_servers);
        for server in &mut servers {
            server.inherit(self, global);
        }
        self.real_servers = servers;
    }
}

impl RealServer {
    fn inherit(&mut self, of: &VirtualServer, global: &Global) {
        self.weight.get_or_insert(of.weight);
        self.forwarding = self.forwarding.or(of.forwarding);
        self.inhibit_on_failure.get_or_insert(of.inhibit_on_failure);
        self.alpha.get_or_insert(of.alpha);
        self.retry = self.retry.or(of.retry);
        self.delay_before_retry = self.delay_before_retry.or(of.delay_before_retry);
        self.delay_loop.get_or_insert(of.delay_loop);
        self.connect_timeout = self.connect_timeout.or(of.connect_timeout);
        self.warmup = self.warmup.or(of.warmup);
        self.smtp_alert
            .get_or_insert(checker_alert(global).unwrap_or(true));
        if self.virtualhost.is_none() {
            self.virtualhost.clone_from(&of.virtualhost);
        }
        let mut checkers = std::mem::take(&mut self.checkers);
        for checker in &mut checkers {
            checker.inherit(self, global);
        }
        self.checkers = checkers;
    }
}

impl Checker {
    fn inherit(&mut self, of: &RealServer, global: &Global) {
        let is_file = matches!(self.kind, CheckerKind::File(_));
        let delay_loop = of.delay_loop.unwrap_or(seconds(60));
        self.alpha = self.alpha.or(of.alpha);
        self.log_all_failures
            .get_or_insert(global.checker_log_all_failures);
        if is_file {
            return;
        }
        let delay_loop = *self.delay_loop.get_or_insert(delay_loop);
        let (retry, delay): (u32, Duration) = match self.kind {
            CheckerKind::Http(_) | CheckerKind::Ssl(_) => (1, seconds(3)),
            CheckerKind::Dns(_) => (3, delay_loop),
            CheckerKind::Misc(_) => (0, delay_loop),
            _ => (1, seconds(1)),
        };
        self.retry = self.retry.or(of.retry).or(Some(retry));
        let delay = of.delay_before_retry.unwrap_or(delay);
        self.delay_before_retry.get_or_insert(delay);
        self.warmup = self.warmup.or(of.warmup);
        if let CheckerKind::Http(http) | CheckerKind::Ssl(http) = &mut self.kind {
            if http.virtualhost.is_none() {
                http.virtualhost.clone_from(&of.virtualhost);
            }
            for url in &mut http.urls {
                if url.virtualhost.is_none() {
                    url.virtualhost.clone_from(&http.virtualhost);
                }
                let all_good = || vec!["200-299".to_owned()];
                url.status.get_or_insert_with(all_good);
            }
        }
        if !matches!(self.kind, CheckerKind::Misc(_)) {
            self.connection.timeout = self.connection.timeout.or(of.connect_timeout);
        }
    }
}
