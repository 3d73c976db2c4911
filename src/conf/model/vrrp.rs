//! Scripts, tracked things, sync groups and instances.

use std::net::IpAddr;
use std::time::Duration;

use super::{Common, Settings, seconds};
use crate::addr::Family;
use crate::conf::field::{AuthType, Field, ParamMatch, State};
use crate::conf::keywords;
use crate::conf::lists::{InterfaceAddress, Name, Peer, Route, Rule, Tracker};
use crate::conf::value::{Command, Weight};
use crate::ipvs::InterfaceName;

settings! {
    /// A `track_group`: instances that fail with a static address, route or rule.
    TrackGroup of TrackGroup {
        /// The instances.
        "group" members: Vec<Name> = Vec::new(),
    } and {
        /// Its name.
        name: String,
    }
}

settings! {
    /// A `track_file`.
    TrackFile of TrackFile {
        /// The file.
        "file" file: Option<String> = None,
        /// Times the number in the file; 0 for a number that says good or bad.
        "weight" weight: Weight = Weight { weight: 1, reverse: false },
        /// Make the file: `[VALUE] [overwrite]`.
        "init_file" init_file: Option<Vec<String>> = None,
    } and {
        /// Its name.
        name: String,
    }
}

settings! {
    /// A `vrrp_track_process`.
    TrackProcess of TrackProcess {
        /// Its name, or its command line.
        "process" process: Option<Vec<String>> = None,
        /// How much of the command line must be the same; all of it when absent.
        "param_match" param_match: Option<ParamMatch> = None,
        /// What it does to priorities.
        "weight" weight: Weight = Weight::default(),
        /// How many of them must run.
        "quorum" quorum: u16 = 1,
        /// How many of them may run.
        "quorum_max" quorum_max: Option<u16> = None,
        /// How long a change waits before it counts.
        "delay" delay: Option<Duration> = None,
        /// The same when a process starts.
        "fork_delay" fork_delay: Option<Duration> = None,
        /// The same when a process ends.
        "terminate_delay" terminate_delay: Option<Duration> = None,
        /// Look at the whole command line.
        "full_command" full_command: bool = false,
    } and {
        /// Its name.
        name: String,
    }
}

settings! {
    /// A `vrrp_script`.
    Script of Script {
        /// The program and its arguments.
        "script" script: Option<Command> = None,
        /// The time from run to run.
        "interval" interval: Duration = seconds(1),
        /// How long a run may take; the interval when absent.
        "timeout" timeout: Option<Duration> = None,
        /// What it does to priorities.
        "weight" weight: Weight = Weight::default(),
        /// How many successes make it good.
        "rise" rise: u32 = 1,
        /// How many failures make it bad.
        "fall" fall: u32 = 1,
        /// The account, and the group if not its own, that runs it.
        "user" user: Option<Vec<String>> = None,
        /// It is bad until it has succeeded.
        "init_fail" init_fail: bool = false,
    } and {
        /// Its name.
        name: String,
    }
}

settings! {
    /// A `vrrp_sync_group`: instances that change their state together.
    SyncGroup of SyncGroup {
        /// The instances.
        "group" members: Vec<Name> = Vec::new(),
        /// Interfaces that must be up.
        "track_interface" track_interfaces: Vec<Tracker> = Vec::new(),
        /// Scripts that must succeed.
        "track_script" track_scripts: Vec<Tracker> = Vec::new(),
        /// Files that are watched.
        "track_file" track_files: Vec<Tracker> = Vec::new(),
        /// Processes that must run.
        "track_process" track_processes: Vec<Tracker> = Vec::new(),
        /// Run on becoming master.
        "notify_master" notify_master: Option<Command> = None,
        /// Run on becoming backup.
        "notify_backup" notify_backup: Option<Command> = None,
        /// Run on a fault.
        "notify_fault" notify_fault: Option<Command> = None,
        /// Run at the end.
        "notify_stop" notify_stop: Option<Command> = None,
        /// Run on each change.
        "notify" notify: Option<Command> = None,
        /// Tell changes of priority to the FIFOs.
        "notify_priority_changes" notify_priority_changes: Option<bool> = None,
        /// Mail on changes.
        "smtp_alert" smtp_alert: Option<bool> = None,
        /// What a member tracks counts for all.
        "global_tracking" global_tracking: bool = false,
        /// Trackers of members may have weights.
        "sync_group_tracking_weight" tracking_weight: bool = false,
    } and {
        /// Its name.
        name: String,
    }
}

settings! {
    /// A `garp_group`: how fast gratuitous ARP may be sent on some interfaces.
    GarpGroup of GarpGroup {
        /// The least time between two messages.
        "garp_interval" garp_interval: Option<Duration> = None,
        /// The same for IPv6.
        "gna_interval" gna_interval: Option<Duration> = None,
        /// The interface.
        "interface" interface: Option<InterfaceName> = None,
        /// The interfaces.
        "interfaces" interfaces: Vec<Name> = Vec::new(),
    } and {}
}

settings! {
    /// How version 2 proves who it is.
    Authentication of Authentication {
        /// How; by a password when absent.
        "auth_type" kind: Option<AuthType> = None,
        /// The password: up to 8 bytes.
        "auth_pass" password: Option<String> = None,
    } and {}
}

settings! {
    /// A `vrrp_instance`: a virtual router.
    Instance of Instance {
        /// What it would like to be.
        "state" state: Option<State> = None,
        /// Where adverts go.
        "interface" interface: Option<InterfaceName> = None,
        /// The number of the virtual router, from 1.
        "virtual_router_id" router_id: Option<u8> = None,
        /// From 1 to 255; 255 owns the addresses.
        "priority" priority: Option<u8> = None,
        /// The time between adverts.
        "advert_int" advert_interval: Duration = seconds(1),
        /// The version of VRRP.
        "version" version: Option<u8> = None,
        /// Its addresses.
        "virtual_ipaddress" addresses: Vec<InterfaceAddress> = Vec::new(),
        /// Addresses that move with them and are not in the adverts.
        "virtual_ipaddress_excluded" excluded_addresses: Vec<InterfaceAddress> = Vec::new(),
        /// Routes of the master.
        "virtual_routes" routes: Vec<Route> = Vec::new(),
        /// Rules of the master.
        "virtual_rules" rules: Vec<Rule> = Vec::new(),
        /// Other addresses of the network stay when the first goes.
        "promote_secondaries" promote_secondaries: bool = false,
        /// Where unicast adverts come from.
        "unicast_src_ip" unicast_source: Option<IpAddr> = None,
        /// Who gets adverts, instead of the group.
        "unicast_peer" unicast_peers: Vec<Peer> = Vec::new(),
        /// The time to live of unicast adverts.
        "unicast_ttl" unicast_ttl: Option<u8> = None,
        /// A fault, not multicast, while there is no peer.
        "unicast_fault_no_peer" unicast_fault_no_peer: bool = false,
        /// Take unicast adverts from peers only.
        "check_unicast_src" check_unicast_src: Option<bool> = None,
        /// Where multicast adverts come from.
        "mcast_src_ip" mcast_source: Option<IpAddr> = None,
        /// The group of adverts.
        "mcast_dst_ip" mcast_destination: Option<IpAddr> = None,
        /// A fault while the source address is not there.
        "track_src_ip" track_source: bool = false,
        /// The checksum of old unicast adverts; the word may be `never`.
        "old_unicast_checksum" old_unicast_checksum: Option<String> = None,
        /// The VRF of unicast adverts without an interface.
        "vrf" vrf: Option<InterfaceName> = None,
        /// Do not take over from a master that runs.
        "nopreempt" nopreempt: bool = false,
        /// Wait so long before taking over.
        "preempt_delay" preempt_delay: Duration = Duration::ZERO,
        /// Do not take packets to the virtual addresses.
        "no_accept" no_accept: bool = false,
        /// Compare the addresses of an advert only when its sender changes.
        "skip_check_adv_addr" skip_check_adv_addr: Option<bool> = None,
        /// Do what the RFC says, and nothing else.
        "strict_mode" strict: Option<bool> = None,
        /// Do not care whether the interface is up.
        "dont_track_primary" dont_track_primary: bool = false,
        /// Interfaces that must be up.
        "track_interface" track_interfaces: Vec<Tracker> = Vec::new(),
        /// Scripts that must succeed.
        "track_script" track_scripts: Vec<Tracker> = Vec::new(),
        /// Files that are watched.
        "track_file" track_files: Vec<Tracker> = Vec::new(),
        /// Processes that must run.
        "track_process" track_processes: Vec<Tracker> = Vec::new(),
        /// IPv6, whatever addresses there are.
        "native_ipv6" native_ipv6: bool = false,
        /// A virtual MAC address: `[INTERFACE] [MAC]`.
        "use_vmac" use_vmac: Option<Vec<String>> = None,
        /// Adverts leave through the interface below.
        "vmac_xmit_base" vmac_xmit_base: bool = false,
        /// A virtual MAC address for addresses of other interfaces too.
        "use_vmac_addr" use_vmac_addr: bool = false,
        /// As in `global_defs`.
        "garp_master_delay" garp_master_delay: Option<Duration> = None,
        /// As in `global_defs`.
        "garp_master_repeat" garp_master_repeat: Option<u32> = None,
        /// As in `global_defs`.
        "garp_master_refresh" garp_master_refresh: Option<Duration> = None,
        /// As in `global_defs`.
        "garp_master_refresh_repeat" garp_master_refresh_repeat: Option<u32> = None,
        /// As in `global_defs`.
        "garp_lower_prio_delay" garp_lower_prio_delay: Option<Duration> = None,
        /// As in `global_defs`.
        "garp_lower_prio_repeat" garp_lower_prio_repeat: Option<u32> = None,
        /// As in `global_defs`.
        "garp_extra_if" | "vmac_garp_intvl" garp_extra_if: Option<Vec<String>> = None,
        /// As in `global_defs`.
        "down_timer_adverts" down_timer_adverts: Option<u8> = None,
        /// As in `global_defs`.
        "lower_prio_no_advert" lower_prio_no_advert: Option<bool> = None,
        /// As in `global_defs`.
        "higher_prio_send_advert" higher_prio_send_advert: Option<bool> = None,
        /// Run on becoming master.
        "notify_master" notify_master: Option<Command> = None,
        /// Run on becoming backup.
        "notify_backup" notify_backup: Option<Command> = None,
        /// Run on a fault.
        "notify_fault" notify_fault: Option<Command> = None,
        /// Run at the end.
        "notify_stop" notify_stop: Option<Command> = None,
        /// Run when a reload removes it.
        "notify_deleted" notify_deleted: Option<Command> = None,
        /// Run on each change.
        "notify" notify: Option<Command> = None,
        /// Run when a master hears one of lower priority.
        "notify_master_rx_lower_pri" notify_master_rx_lower_pri: Option<Command> = None,
        /// Tell changes of priority to the FIFOs.
        "notify_priority_changes" notify_priority_changes: Option<bool> = None,
        /// Mail on changes.
        "smtp_alert" smtp_alert: Option<bool> = None,
        /// Synchronise connections through this interface (an old word).
        "lvs_sync_daemon_interface" sync_daemon_interface: Option<InterfaceName> = None,
    } and {
        /// Its name.
        name: String,
        /// How it proves who it is.
        authentication: Option<Authentication>,
    }
}

impl SyncGroup {
    /// Whether the instance of this name is in it.
    pub fn has(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }
}

impl Instance {
    /// The family of its addresses; IPv4 if it has none.
    pub fn family(&self) -> Family {
        if self.native_ipv6 {
            return Family::V6;
        }
        let first = self.addresses.first().or(self.excluded_addresses.first());
        first.map_or(Family::V4, InterfaceAddress::family)
    }
}
