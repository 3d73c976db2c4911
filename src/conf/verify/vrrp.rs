//! Instances and their groups.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::{groups, vmac};
use crate::addr::Family;
use crate::conf::field::{AuthType, State};
use crate::conf::lists::Tracker;
use crate::conf::model::{Config, Global, Instance, Script};
use crate::conf::problem::Problems;

pub fn verify(config: &mut Config, problems: &mut Problems) {
    for script in &mut config.scripts {
        run_times(script, problems);
    }
    let global = &config.global;
    config.instances.retain_mut(|instance| {
        Verifier {
            global,
            problems,
            strict: instance.strict.unwrap_or(global.strict),
        }
        .instance(instance)
    });
    same_ids(config, problems);
    vmac::names(&mut config.instances, problems);
    groups::sync_groups(config, problems);
    groups::track_groups(config, problems);
}

/// keepalived takes fractions of a second since 2.3.2; before, they are no time at all.
fn run_times(script: &mut Script, problems: &mut Problems) {
    let common = &script.common;
    for (keyword, time) in [
        ("interval", Some(&mut script.interval)),
        ("timeout", script.timeout.as_mut()),
    ] {
        let Some(time) = time else { continue };
        let place = common.place(keyword);
        if time.is_zero() {
            let text = format!("`{keyword}` of 0 seconds");
            problems.warning(place, text, "taken as 1");
            *time = Duration::from_secs(1);
        } else if time.subsec_nanos() > 0 {
            let text = format!("`{keyword}` with a fraction of a second");
            let hint = "it is heeded here; keepalived before 2.3.2 has only whole seconds, and takes the default";
            problems.warning(place, text, hint);
        }
    }
}

/// The keywords that make an instance one of unicast to keepalived.
pub(super) const UNICAST: [&str; 5] = [
    "unicast_peer",
    "unicast_src_ip",
    "unicast_ttl",
    "check_unicast_src",
    "old_unicast_checksum",
];

struct Verifier<'a> {
    global: &'a Global,
    problems: &'a mut Problems,
    strict: bool,
}

impl Verifier<'_> {
    /// Whether the instance can run.
    fn instance(&mut self, instance: &mut Instance) -> bool {
        self.families(instance);
        let version = self.version(instance);
        self.addresses(instance);
        let place = instance.common.at.0;
        let name = instance.name.clone();
        if instance.router_id.is_none() {
            let text = format!("{name} has no `virtual_router_id`");
            let hint = "the instance has no effect: set it, to the same number on all routers of the group";
            self.problems.error(place, text, hint);
            return false;
        }
        if instance.interface.is_none() {
            let text = format!("{name} has no `interface`");
            self.problems.error(
                place,
                text,
                "the instance has no effect: say where adverts go",
            );
            return false;
        }
        if instance
            .interface
            .as_ref()
            .is_some_and(|name| name.as_str() == "lo")
        {
            let text = format!("{name}: no adverts go through the loopback interface");
            let place = instance.common.place("interface");
            let hint = "the instance has no effect: say where adverts go";
            self.problems.error(place, text, hint);
            return false;
        }
        self.preemption(instance);
        self.advert_interval(instance, version);
        self.authentication(instance, version);
        self.unicast(instance);
        if self.strict {
            self.strictly(instance, version);
        }
        vmac::devices(instance, self.problems);
        self.own_interface(instance);
        self.weights(instance);
        true
    }

    /// All addresses are of the family of the first.
    fn families(&mut self, instance: &mut Instance) {
        let place = instance.common.place("native_ipv6");
        let first = instance.addresses.first();
        if instance.native_ipv6
            && first.is_some_and(|first| first.family() == Family::V4 && first.at.0 < place)
        {
            let text = format!("{}: `native_ipv6` with IPv4 addresses", instance.name);
            self.problems
                .error(place, text, "it has no effect: remove it");
            instance.native_ipv6 = false;
        }
        let family = instance.family();
        let name = instance.name.clone();
        let problems = &mut *self.problems;
        instance.addresses.retain(|address| {
            let fits = address.family() == family;
            if !fits {
                let text = format!("{name}: {} is not of the family of the first address", address.address);
                let hint = "it has no effect: put it in virtual_ipaddress_excluded, or in an instance of its own";
                problems.error(address.at.0, text, hint);
            }
            fits
        });
    }

    fn version(&mut self, instance: &mut Instance) -> u8 {
        let family = instance.family();
        match (family, instance.version) {
            (Family::V4, version) => version.unwrap_or(self.global.version),
            (Family::V6, Some(2)) => {
                let text = format!("{}: IPv6 needs version 3", instance.name);
                let place = instance.common.place("version");
                self.problems.note(place, text, "taken as version 3");
                instance.version = Some(3);
                3
            }
            (Family::V6, _) => 3,
        }
    }

    fn addresses(&mut self, instance: &Instance) {
        if instance.addresses.is_empty() {
            let text = format!("{} has no virtual address", instance.name);
            let place = instance.common.place("virtual_ipaddress");
            let hint = match instance.common.has("virtual_ipaddress") {
                true => "none of the lines is good",
                false => "add virtual_ipaddress { ... }",
            };
            self.problems.warning(place, text, hint);
        }
        let mut seen = HashSet::new();
        for address in &instance.addresses {
            if !seen.insert((address.address, address.prefix, &address.device)) {
                let text = format!("{} stands twice", address.address);
                self.problems.note(address.at.0, text, "remove one");
            }
        }
    }

    fn preemption(&mut self, instance: &mut Instance) {
        let is_master = instance.state == Some(State::Master);
        let name = instance.name.clone();
        let place = instance.common.place("nopreempt");
        let delay_place = instance.common.place("preempt_delay");
        if instance.nopreempt && instance.priority == Some(255) {
            let text = format!("{name}: `nopreempt` has no effect with priority 255");
            self.problems
                .warning(place, text, "an owner of addresses always takes over");
            instance.nopreempt = false;
        } else if instance.nopreempt && is_master {
            let text = format!("{name}: `nopreempt` has no effect with `state MASTER`");
            self.problems.warning(
                place,
                text,
                "write `state BACKUP` on all routers of the group",
            );
            instance.nopreempt = false;
        }
        let delay = instance.preempt_delay != Duration::ZERO;
        let against = match () {
            () if !delay => return,
            () if self.strict => "strict mode",
            () if is_master => "`state MASTER`",
            () if instance.nopreempt => "`nopreempt`",
            () if instance.priority == Some(255) => "priority 255",
            () => return,
        };
        let text = format!("{name}: `preempt_delay` has no effect with {against}");
        self.problems
            .warning(delay_place, text, "remove one of the two");
        instance.preempt_delay = Duration::ZERO;
    }

    fn advert_interval(&mut self, instance: &mut Instance, version: u8) {
        let interval = instance.advert_interval;
        let (unit, most) = match version {
            3 => (10_000, 40_950_000),
            _ => (1_000_000, 255_000_000),
        };
        let micros = u64::try_from(interval.as_micros()).unwrap_or(u64::MAX);
        let name = &instance.name;
        let place = instance.common.place("advert_int");
        let rounded = ((micros + unit / 2) / unit * unit).clamp(unit, most);
        if rounded == micros {
            return;
        }
        let taken = Duration::from_micros(rounded);
        let text = match version {
            3 if micros > most => format!("{name}: version 3 has no `advert_int` above 40.95"),
            3 => format!("{name}: version 3 has an `advert_int` in hundredths of a second"),
            _ => format!("{name}: version 2 has an `advert_int` of whole seconds"),
        };
        let taken_text = crate::conf::value::decimal(rounded);
        let hint = match version {
            3 => format!("taken as {taken_text}"),
            _ => format!("taken as {taken_text}; `version 3` has shorter ones"),
        };
        self.problems.warning(place, text, &hint);
        instance.advert_interval = taken;
    }

    fn authentication(&mut self, instance: &mut Instance, version: u8) {
        let Some(authentication) = &instance.authentication else {
            return;
        };
        if authentication.password.is_none() && authentication.kind.is_none() {
            instance.authentication = None;
            return;
        }
        if authentication.kind == Some(AuthType::Ah) && instance.state == Some(State::Master) {
            let text = format!(
                "{}: `state MASTER` does not go with auth_type AH",
                instance.name
            );
            let place = instance.common.place("state");
            self.problems
                .warning(place, text, "taken as BACKUP: write auth_type PASS");
            instance.state = Some(State::Backup);
        }
        let against = match () {
            () if version == 3 => "version 3 has no authentication",
            () if self.strict => "strict mode has no authentication",
            () => {
                if authentication.password.is_none() {
                    instance.authentication = None;
                }
                return;
            }
        };
        let text = format!("{}: {against}", instance.name);
        let place = authentication.common.at.0;
        self.problems
            .warning(place, text, "it has no effect: remove it");
        instance.authentication = None;
    }

    fn unicast(&mut self, instance: &mut Instance) {
        self.ends(instance);
        let word = UNICAST.into_iter().find(|word| instance.common.has(word));
        match word {
            Some(word) if instance.unicast_peers.is_empty() && !instance.unicast_fault_no_peer => {
                let text = format!("{}: `{word}` without a peer", instance.name);
                let place = instance.common.place(word);
                let hint =
                    "adverts are multicast: add unicast_peer { ADDRESS }, or write mcast_src_ip";
                self.problems.warning(place, text, hint);
            }
            _ => {}
        }
        if !instance.unicast_peers.is_empty() && instance.mcast_destination.is_some() {
            let text = format!("{}: `mcast_dst_ip` with unicast peers", instance.name);
            let place = instance.common.place("mcast_dst_ip");
            self.problems.warning(place, text, "it has no effect");
            instance.mcast_destination = None;
        }
    }

    /// The ends of unicast adverts are of the family of the addresses.
    fn ends(&mut self, instance: &mut Instance) {
        if instance.addresses.is_empty() {
            return;
        }
        let is_v4 = instance.family() == Family::V4;
        let name = instance.name.clone();
        let problems = &mut *self.problems;
        let mut fits = |address: std::net::IpAddr, place| {
            if address.is_ipv4() == is_v4 {
                return true;
            }
            let text = format!("{name}: {address} is not of the family of the virtual addresses");
            problems.error(place, text, "it has no effect");
            false
        };
        let place = instance.common.place("mcast_src_ip");
        instance.mcast_source = instance.mcast_source.filter(|ip| fits(*ip, place));
        let place = instance.common.place("unicast_src_ip");
        instance.unicast_source = instance.unicast_source.filter(|ip| fits(*ip, place));
        instance
            .unicast_peers
            .retain(|peer| fits(peer.address, peer.at.0));
    }

    fn strictly(&mut self, instance: &mut Instance, version: u8) {
        let name = instance.name.clone();
        let mut warn = |keyword: &str, text: &str, hint: &str| {
            let place = instance.common.place(keyword);
            self.problems
                .warning(place, format!("{name}: {text}"), hint);
        };
        if version == 2 && instance.common.has("accept") {
            let text = "`accept` does not comply with RFC 3768";
            warn("accept", text, "it has no effect in strict mode");
        }
        if instance.common.has("garp_master_delay") || instance.garp_lower_prio_repeat.is_some() {
            let keyword = match instance.common.has("garp_master_delay") {
                true => "garp_master_delay",
                false => "garp_lower_prio_repeat",
            };
            let text = "strict mode has no repeated gratuitous ARP";
            warn(keyword, text, "it has no effect");
        }
        if instance.state == Some(State::Master) && instance.priority.is_some_and(|p| p != 255) {
            let text = "`state MASTER` in strict mode needs priority 255";
            warn("state", text, "taken as BACKUP");
            instance.state = Some(State::Backup);
        }
    }

    fn own_interface(&mut self, instance: &mut Instance) {
        let own = instance
            .interface
            .as_ref()
            .map(|name| name.as_str().to_owned());
        let name = &instance.name;
        let problems = &mut *self.problems;
        let mut seen = HashSet::new();
        instance.track_interfaces.retain(|tracker: &Tracker| {
            if !seen.insert(tracker.name.clone()) {
                let text = format!("{name}: interface `{}` is tracked twice", tracker.name);
                problems.error(tracker.at.0, text, "remove one");
                return false;
            }
            let is_own = Some(&tracker.name) == own.as_ref() && tracker.weight.is_none();
            if is_own {
                let text = format!("{name}: `{}` is its own interface", tracker.name);
                problems.warning(tracker.at.0, text, "it is tracked anyhow: remove the line");
            }
            !is_own
        });
    }

    /// keepalived has no weight of 254; and an owner's priority never changes.
    fn weights(&mut self, instance: &mut Instance) {
        let lists = [
            &mut instance.track_interfaces,
            &mut instance.track_scripts,
            &mut instance.track_files,
            &mut instance.track_processes,
        ];
        for tracker in lists.into_iter().flatten() {
            let weight = tracker.weight.map_or(0, |weight| weight.weight);
            if weight != 0 && instance.priority == Some(255) {
                let text = format!(
                    "{}: `{}` has a weight, and priority 255 never changes",
                    instance.name, tracker.name
                );
                let hint = "write weight 0, or another priority";
                self.problems.warning(tracker.at.0, text, hint);
            }
        }
    }
}

/// No two instances that hear each other have the same number.
fn same_ids(config: &Config, problems: &mut Problems) {
    let mut seen: HashMap<(u8, Family), Vec<&Instance>> = HashMap::new();
    for instance in &config.instances {
        let Some(id) = instance.router_id else {
            continue;
        };
        let others = seen.entry((id, instance.family())).or_default();
        let other = others
            .iter()
            .find(|other| hear_each_other(config, other, instance));
        if let Some(other) = other {
            let text = format!(
                "{} and {} share virtual_router_id {id}",
                other.name, instance.name
            );
            let place = instance.common.place("virtual_router_id");
            problems.error(
                place,
                text,
                "each instance of an interface needs a number of its own",
            );
        }
        others.push(instance);
    }
}

/// Whether the adverts of two instances of one family come to the same machines, by the same way.
fn hear_each_other(config: &Config, one: &Instance, other: &Instance) -> bool {
    let global = &config.global;
    let group = |of: &Instance| match of.family() {
        Family::V4 => of.mcast_destination.or(global.mcast_group4),
        Family::V6 => of.mcast_destination.or(global.mcast_group6),
    };
    let is_unicast = |of: &Instance| !of.unicast_peers.is_empty();
    if one.interface != other.interface || is_unicast(one) != is_unicast(other) {
        return false;
    }
    if !is_unicast(one) {
        return group(one) == group(other);
    }
    let mut peers = one.unicast_peers.iter();
    one.unicast_source == other.unicast_source
        && peers.any(|peer| {
            other
                .unicast_peers
                .iter()
                .any(|o| o.address == peer.address)
        })
}
