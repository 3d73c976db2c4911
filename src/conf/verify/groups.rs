//! Instances that change together, or share what they watch.

use std::collections::{HashMap, HashSet};

use crate::conf::lists::Tracker;
use crate::conf::model::{Config, Instance, SyncGroup};
use crate::conf::problem::Problems;
use crate::conf::value::Weight;

pub(super) fn sync_groups(config: &mut Config, problems: &mut Problems) {
    let known: HashSet<String> = config.instances.iter().map(|i| i.name.clone()).collect();
    let mut taken: HashMap<String, String> = HashMap::new();
    config.sync_groups.retain_mut(|group| {
        let name = group.name.clone();
        if group.global_tracking {
            group.global_tracking = false;
        }
        if group.members.is_empty() {
            let text = format!("sync group `{name}` has no instance");
            problems.error(group.common.at.0, text, "it has no effect");
            return false;
        }
        group.members.retain(|member| {
            let text = if !known.contains(&member.name) {
                format!(
                    "sync group `{name}`: there is no instance `{}`",
                    member.name
                )
            } else if let Some(other) = taken.insert(member.name.clone(), name.clone()) {
                format!(
                    "instance `{}` is in sync group `{other}` already",
                    member.name
                )
            } else {
                return true;
            };
            problems.error(member.at.0, text, "it is left out of the group");
            false
        });
        match group.members.len() {
            0 => {
                let text = format!("sync group `{name}` has none of its instances");
                problems.error(group.common.at.0, text, "it has no effect");
                false
            }
            1 => {
                let text = format!("sync group `{name}` has one instance");
                problems.warning(
                    group.common.at.0,
                    text,
                    "a group is for two or more: remove it",
                );
                true
            }
            _ => true,
        }
    });
    tracked_twice(config, problems);
    weighted_members(config, problems);
    // Owners and others can never agree.
    for group in &config.sync_groups {
        let members = |owner: bool| {
            let in_group = |i: &&Instance| group.has(&i.name);
            let mut instances = config.instances.iter().filter(in_group);
            instances.any(|i| (i.priority == Some(255)) == owner)
        };
        if members(true) && members(false) {
            let text = format!(
                "sync group `{}` has owners (priority 255) and others",
                group.name
            );
            let hint = "they cannot change their state together";
            problems.note(group.common.at.0, text, hint);
        }
    }
}

pub(super) fn track_groups(config: &Config, problems: &mut Problems) {
    for group in &config.track_groups {
        if group.members.is_empty() {
            let text = format!("track_group `{}` has no instance", group.name);
            problems.note(group.common.at.0, text, "it has no effect");
        }
        for member in &group.members {
            if !config.instances.iter().any(|i| i.name == member.name) {
                let text = format!(
                    "track_group `{}`: there is no instance `{}`",
                    group.name, member.name
                );
                problems.note(member.at.0, text, "it is left out of the group");
            }
        }
    }
}

/// What a group and its member both watch, has the weight of the group.
fn tracked_twice(config: &mut Config, problems: &mut Problems) {
    for instance in &mut config.instances {
        let is_member = |group: &&SyncGroup| group.has(&instance.name);
        let Some(group) = config.sync_groups.iter().find(is_member) else {
            continue;
        };
        let name = &instance.name;
        instance.track_interfaces.retain(|tracker| {
            let twice = group
                .track_interfaces
                .iter()
                .any(|other| other.name == tracker.name);
            if twice {
                let text = format!(
                    "{name}: its sync group `{}` tracks `{}` too",
                    group.name, tracker.name
                );
                let hint = "the weight of the group counts: remove one of the two";
                problems.warning(tracker.at.0, text, hint);
            }
            !twice
        });
    }
}

/// A member whose priority changes by itself would leave its group.
fn weighted_members(config: &mut Config, problems: &mut Problems) {
    let of_script: HashMap<&str, i32> = config
        .scripts
        .iter()
        .map(|script| (script.name.as_str(), script.weight.weight))
        .collect();
    let of_file: HashMap<&str, i32> = config
        .track_files
        .iter()
        .map(|file| (file.name.as_str(), file.weight.weight))
        .collect();
    for instance in &mut config.instances {
        let is_member = |group: &&SyncGroup| !group.tracking_weight && group.has(&instance.name);
        let Some(group) = config.sync_groups.iter().find(is_member) else {
            continue;
        };
        let name = &instance.name;
        let mut tell = |what: &str, tracker: &Tracker, hint: &str| {
            let text = format!(
                "{name}: {what} `{}` has a weight, and {name} is in sync group `{}`",
                tracker.name, group.name
            );
            problems.warning(tracker.at.0, text, hint);
        };
        for tracker in &mut instance.track_interfaces {
            if tracker.weight.is_some_and(|weight| weight.weight != 0) {
                let hint = "it is tracked without: remove the weight, or write sync_group_tracking_weight in the group";
                tell("interface", tracker, hint);
                tracker.weight = None;
            }
        }
        let hint = "it is not tracked: write weight 0, or sync_group_tracking_weight in the group";
        for (what, trackers, inherited) in [
            ("script", &mut instance.track_scripts, &of_script),
            ("file", &mut instance.track_files, &of_file),
        ] {
            trackers.retain_mut(|tracker| {
                let inherited = inherited.get(tracker.name.as_str()).copied().unwrap_or(0);
                let weight = tracker.weight.map_or(inherited, |weight| weight.weight);
                // 1 is what a file has if nothing is said.
                if what == "file" && weight == 1 {
                    let hint = "it is tracked with weight 0: write that, or sync_group_tracking_weight in the group";
                    tell(what, tracker, hint);
                    tracker.weight = Some(Weight::default());
                    return true;
                }
                if weight != 0 {
                    tell(what, tracker, hint);
                }
                weight == 0
            });
        }
    }
}
