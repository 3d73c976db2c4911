//! What of a configuration is had, what not, and what must not be missing.

use crate::conf::field::{Field, Shown};
use crate::conf::model::{self, Settings};
use crate::conf::source::Place;

use super::Converter;

/// The keywords of an instance that are acted on.
const SPOKEN: &[&str] = &[
    "state",
    "interface",
    "virtual_router_id",
    "priority",
    "advert_int",
    "version",
    "virtual_ipaddress",
    "virtual_ipaddress_excluded",
    "authentication",
    "unicast_src_ip",
    "unicast_peer",
    // Adverts of others are never believed.
    "check_unicast_src",
    "old_unicast_checksum",
    "mcast_src_ip",
    "mcast_dst_ip",
    "strict_mode",
    "nopreempt",
    "preempt",
    "preempt_delay",
    "accept",
    "native_ipv6",
    "track_interface",
    "track_script",
    "track_process",
    "virtual_routes",
    "virtual_rules",
    "track_file",
    "garp_master_delay",
    "garp_master_repeat",
    "garp_master_refresh",
    "garp_master_refresh_repeat",
    "down_timer_adverts",
    "lower_prio_no_advert",
    "higher_prio_send_advert",
    "notify",
    "notify_master",
    "notify_backup",
    "notify_fault",
    "notify_stop",
    "notify_deleted",
    "use_vmac",
    "vmac_xmit_base",
    "no_accept",
    "dont_track_primary",
    "track_src_ip",
    "unicast_fault_no_peer",
    "notify_priority_changes",
    "lvs_sync_daemon_interface",
];

/// The keywords of an instance without which another machine would be master, or two.
const DECISIVE: &[&str] = &["vrf"];

/// Keywords that the others can do without: what is done instead.
const INSTEAD: &[(&str, &str)] = &[
    // To take it for down would be a fault for ever, and no address anywhere.
    ("track_bfd", "nothing here speaks BFD: taken for well"),
    (
        "use_vmac_addr",
        "addresses on other interfaces have the MAC of these",
    ),
    (
        "use_ipvlan",
        "adverts and addresses are on the interface itself",
    ),
];

/// The keywords of `global_defs` about VRRP that are acted on; others that begin with `vrrp_` are
/// not.
const GLOBAL_SPOKEN: &[&str] = &[
    "vrrp_version",
    "vrrp_mcast_group4",
    "vrrp_mcast_group6",
    "vrrp_garp_master_delay",
    "vrrp_garp_master_repeat",
    "vrrp_garp_master_refresh",
    "vrrp_garp_master_refresh_repeat",
    "vrrp_down_timer_adverts",
    "vrrp_lower_prio_no_advert",
    "vrrp_higher_prio_send_advert",
    "vrrp_check_unicast_src",
    "vrrp_strict",
    "vrrp_notify_fifo",
    "vrrp_notify_fifo_script",
    "vrrp_rt_priority",
    // Without a real-time priority neither program does anything.
    "vrrp_rlimit_rttime",
    "vrrp_rlimit_rtime",
    "vrrp_priority",
    "vrrp_no_swap",
    "vrrp_cpu_affinity",
    "vrrp_process_name",
    "vrrp_notify_priority_changes",
];

/// What else of `global_defs` is about instances, and not had.
const GLOBAL_UNSPOKEN: &[&str] = &["dynamic_interfaces"];

/// The keywords of a sync group that are acted on; its switches that are off are no matter.
const GROUP_SPOKEN: &[&str] = &[
    "group",
    "track_interface",
    "track_script",
    "track_process",
    "track_file",
    "notify_master",
    "notify_backup",
    "notify_fault",
    // A group is never said to stop, as in keepalived.
    "notify_stop",
    "notify",
    "notify_priority_changes",
    "global_tracking",
    "sync_group_tracking_weight",
];

impl Converter<'_> {
    /// Tells of all that holds for each instance and is not had.
    pub(super) fn tell(&mut self) {
        let config = self.config;
        let mut global = config.global.clone();
        for &(keyword, place) in config.global.common.keywords() {
            let ours = keyword.starts_with("vrrp_") && !GLOBAL_SPOKEN.contains(&keyword);
            if (ours || GLOBAL_UNSPOKEN.contains(&keyword)) && !is_off(&mut global, keyword) {
                self.unsupported(place, keyword);
            }
        }
        if config.global.sync_daemon.is_some() && config.synchronisation().is_none() {
            let place = config.global.common.place("lvs_sync_daemon");
            let text = "`lvs_sync_daemon` has no effect: no such vrrp_instance";
            self.warn(place, text);
        }
        for &(keyword, place) in config.common.keywords() {
            let name = config.net_namespace.as_deref();
            if keyword == "net_namespace" && !name.is_some_and(self.machine.is_in_network) {
                let text = "`net_namespace` has no effect: start this in it, by ip netns exec";
                self.warn(place, text);
            }
        }
    }

    /// Tells of all of a group that is not had.
    pub(super) fn tell_of_group(&mut self, group: &model::SyncGroup) {
        let mut asked = group.clone();
        for &(keyword, place) in group.common.keywords() {
            if GROUP_SPOKEN.contains(&keyword) || is_off(&mut asked, keyword) {
                continue;
            }
            self.miss(place, keyword);
        }
    }

    fn miss(&mut self, place: Place, keyword: &str) {
        if keyword == "smtp_alert" {
            let global = &self.config.global;
            if global.smtp_server.is_none() || global.mail_to.is_empty() {
                let text = "no mail without smtp_server and notification_email: smtp_alert";
                self.warn(place, text);
            }
            return;
        }
        if let Some((_, instead)) = INSTEAD.iter().find(|(word, _)| *word == keyword) {
            self.warn(place, &format!("`{keyword}` has no effect, {instead}"));
            return;
        }
        match DECISIVE.contains(&keyword) {
            true => self.refuse(place, &format!("`{keyword}` is not supported")),
            false => self.unsupported(place, keyword),
        }
    }

    /// Tells of all of an instance that is not had.
    pub(super) fn tell_of(&mut self, instance: &model::Instance) {
        let config = self.config;
        let mut asked = instance.clone();
        for &(keyword, place) in instance.common.keywords() {
            if SPOKEN.contains(&keyword) || is_off(&mut asked, keyword) {
                continue;
            }
            self.miss(place, keyword);
        }
        if instance.strict == Some(true) {
            let common = &instance.common;
            let place = match common.has("strict_mode") {
                true => common.place("strict_mode"),
                false => config.global.common.place("vrrp_strict"),
            };
            if instance.priority != Some(255) {
                let text = "strict mode: packets to the virtual addresses are dropped here";
                self.warn(place, text);
            }
        }
    }

    pub(super) fn unsupported(&mut self, place: Place, what: &str) {
        self.warn(
            place,
            &format!("`{what}` is not supported, it has no effect"),
        );
    }
}

/// Whether a switch stands in the file to say no.
fn is_off(settings: &mut dyn Settings, keyword: &str) -> bool {
    let shown = settings
        .field(keyword)
        .map(|field: &mut dyn Field| field.shown());
    shown == Some(Shown::Bool(false))
}
