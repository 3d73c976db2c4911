//! The vrrp_instances of a keepalived.conf as the virtual routers that `lvs-vrrp` speaks for. What
//! the file asks for and is not had here is told; what would make another machine master is refused.

use crate::cli::scheduling;
use crate::conf::model::{self, Config, Synchronisation};
use crate::conf::source::{Place, Sources};
use crate::vrrp::command::Account;
use crate::vrrp::configuration::{Configuration, Fifo, SyncGroup};
use crate::vrrp::instance::Notify;
use crate::vrrp::tracking::Weight;

use super::mails::Mails;

mod convert;
mod routing;
mod unspoken;

/// The virtual routers that were chosen.
#[derive(Debug, PartialEq)]
pub struct Chosen {
    /// What they are told.
    pub configuration: Configuration,
    /// Who gets mails of what becomes of them.
    pub mails: Mails,
    /// How connections are synchronised as one of them says, if they are.
    pub synchronised: Option<Synchronised>,
    /// What the file asks for and does not get, with its place, a line each.
    pub warnings: Vec<String>,
}

/// Connections that are synchronised.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synchronised {
    /// How.
    pub setting: Synchronisation,
    /// The network namespace whose connections they are, where that is another one.
    pub table_in: Option<String>,
}

impl Synchronised {
    /// As an effective configuration asks for it in the name of a virtual router.
    fn of(config: &Config) -> Option<Self> {
        let setting = config.synchronisation()?;
        setting.instance.as_ref()?;
        Some(Synchronised {
            setting,
            table_in: config.net_namespace_ipvs.clone(),
        })
    }
}

/// The numbers of a user, and of a group if it is not the user's own.
type Accounts<'a> = &'a dyn Fn(&str, Option<&str>) -> Option<(u32, u32)>;

/// What a machine says of those who run scripts.
pub struct Machine<'a> {
    /// Who that is.
    pub account: Accounts<'a>,
    /// Whether others than root can change a program.
    pub is_exposed: &'a dyn Fn(&str) -> bool,
    /// Whether this process is in the network namespace of that name.
    pub is_in_network: &'a dyn Fn(&str) -> bool,
}

/// The instances of these names, or all of them, in their sync groups.
///
/// # Errors
///
/// Why nothing can be started, a line each: there is no such instance, a group would be torn apart,
/// or what it asks for cannot be left out.
pub fn choose(
    config: Config,
    sources: &Sources,
    names: &[String],
    machine: &Machine<'_>,
) -> Result<Chosen, Vec<String>> {
    let config = config.effective();
    let instances = pick(&config, names).map_err(|text| vec![text])?;
    let mut converter = Converter {
        config: &config,
        sources,
        machine,
        vmacs: vec![],
        warnings: vec![],
        refusals: vec![],
    };
    converter.tell();
    let groups = converter.groups(&instances);
    let fifos = converter.fifos();
    let fixed = converter.fixed();
    let Converter {
        warnings,
        mut refusals,
        ..
    } = converter;
    let configuration = Configuration {
        groups,
        fifos,
        process: scheduling::of_vrrp(&config.global),
        fixed,
    };
    if refusals.is_empty() {
        refusals.extend(configuration.fault());
    }
    if !refusals.is_empty() {
        return Err(refusals);
    }
    Ok(Chosen {
        configuration,
        mails: Mails::of(&config),
        synchronised: Synchronised::of(&config),
        warnings,
    })
}

fn pick<'a>(config: &'a Config, names: &[String]) -> Result<Vec<&'a model::Instance>, String> {
    let instances = &config.instances;
    if instances.is_empty() {
        return Err("no vrrp_instance in the configuration".into());
    }
    let is_named = |name: &String| names.is_empty() || names.contains(name);
    if let Some(name) = names
        .iter()
        .find(|name| !instances.iter().any(|instance| instance.name == **name))
    {
        let there: Vec<&str> = instances.iter().map(|one| one.name.as_str()).collect();
        let there = there.join(", ");
        return Err(format!("no such vrrp_instance: {name}; there are: {there}"));
    }
    for group in &config.sync_groups {
        let mut members = group.members.iter();
        let named = members.clone().any(|member| is_named(&member.name));
        if let Some(other) = members.find(|member| named && !is_named(&member.name)) {
            let (group, other) = (&group.name, &other.name);
            return Err(format!(
                "vrrp_sync_group {group} moves as a whole: name {other} too"
            ));
        }
    }
    let chosen = instances.iter().filter(|instance| is_named(&instance.name));
    Ok(chosen.collect())
}

struct Converter<'a> {
    config: &'a Config,
    sources: &'a Sources,
    machine: &'a Machine<'a>,
    /// The names of interfaces with a MAC of their own, so far.
    vmacs: Vec<String>,
    warnings: Vec<String>,
    refusals: Vec<String>,
}

impl Converter<'_> {
    /// Warns once, however many instances it concerns.
    fn warn(&mut self, place: Place, text: &str) {
        let warning = format!("{}: {text}", self.sources.locate(place));
        if !self.warnings.contains(&warning) {
            self.warnings.push(warning);
        }
    }

    fn refuse(&mut self, place: Place, text: &str) {
        let refusal = format!("{}: {text}", self.sources.locate(place));
        if !self.refusals.contains(&refusal) {
            self.refusals.push(refusal);
        }
    }

    /// The pipes, each with who reads it.
    fn fifos(&mut self) -> Vec<Fifo> {
        let global = &self.config.global;
        let mut fifos = Vec::new();
        for (fifo, reader, keyword) in [
            (
                &global.notify_fifo,
                &global.notify_fifo_script,
                "notify_fifo_script",
            ),
            (
                &global.vrrp_notify_fifo,
                &global.vrrp_notify_fifo_script,
                "vrrp_notify_fifo_script",
            ),
        ] {
            let Some(fifo) = fifo else { continue };
            let owner = fifo.user.as_ref().and_then(|user| {
                let (uid, gid) = (self.machine.account)(user, fifo.group.as_deref())?;
                Some(Account { uid, gid })
            });
            fifos.push(Fifo {
                path: fifo.line.clone().into(),
                owner,
                reader: self.command(reader.as_ref(), global.common.place(keyword)),
            });
        }
        fifos.dedup();
        fifos
    }

    /// The instances in their groups, each group where its first member stands.
    fn groups(&mut self, instances: &[&model::Instance]) -> Vec<SyncGroup> {
        let config = self.config;
        let mut groups: Vec<SyncGroup> = Vec::new();
        for from in instances {
            self.tell_of(from);
            let Some(mut instance) = self.convert(from) else {
                continue;
            };
            let has = |group: &&model::SyncGroup| group.has(&from.name);
            let Some(group) = config.sync_groups.iter().find(has) else {
                groups.push(SyncGroup::alone(instance));
                continue;
            };
            if !group.tracking_weight {
                self.drop_weights(from, &mut instance);
            }
            let is_it = |known: &&mut SyncGroup| known.name.as_ref() == Some(&group.name);
            match groups.iter_mut().find(is_it) {
                Some(known) => known.members.push(instance),
                None => {
                    let mut known = self.group(group);
                    known.members.push(instance);
                    groups.push(known);
                }
            }
        }
        groups
    }

    /// A group without its members.
    fn group(&mut self, from: &model::SyncGroup) -> SyncGroup {
        self.tell_of_group(from);
        let mut to = SyncGroup {
            name: Some(from.name.clone()),
            ..SyncGroup::default()
        };
        for tracker in &from.track_interfaces {
            if let Some(weight) = self.weight(tracker, tracker.weight.unwrap_or_default()) {
                to.interfaces.push((tracker.name.clone(), weight));
            }
        }
        for tracker in &from.track_scripts {
            let script = self.script(tracker);
            to.scripts.extend(script);
        }
        for tracker in &from.track_processes {
            let process = self.process(tracker);
            to.scripts.extend(process);
        }
        for tracker in &from.track_files {
            let file = self.file(tracker);
            to.files.extend(file);
        }
        let mut command = |from_file: &Option<_>, keyword| {
            self.command(from_file.as_ref(), from.common.place(keyword))
        };
        to.notify = Notify {
            any: command(&from.notify, "notify"),
            master: command(&from.notify_master, "notify_master"),
            backup: command(&from.notify_backup, "notify_backup"),
            fault: command(&from.notify_fault, "notify_fault"),
            ..Notify::default()
        };
        to
    }

    /// In a group a weight of one would make another machine master of this one alone.
    fn drop_weights(&mut self, from: &model::Instance, to: &mut crate::vrrp::instance::Instance) {
        let group = "weights have no effect in a group without `sync_group_tracking_weight`";
        let is_plain = |weight: Weight| weight.amount == 0;
        let processes = from.track_processes.iter();
        let files = from.track_files.iter();
        let others = from.track_scripts.iter().chain(processes).chain(files);
        for tracker in from.track_interfaces.iter().chain(others) {
            let mut interfaces = to.interfaces.iter();
            let mut scripts = to.scripts.iter();
            let mut files = to.files.iter();
            let weighs = interfaces
                .any(|(name, weight)| *name == tracker.name && !is_plain(*weight))
                || scripts.any(|script| script.name == tracker.name && !is_plain(script.weight))
                || files.any(|file| file.name == tracker.name && !is_plain(file.weight));
            if weighs {
                let text = format!("{} is not tracked: {group}", tracker.name);
                self.warn(tracker.at.0, &text);
            }
        }
        to.interfaces.retain(|(_, weight)| is_plain(*weight));
        to.scripts.retain(|script| is_plain(script.weight));
        to.files.retain(|file| is_plain(file.weight));
    }
}

#[cfg(test)]
mod tests;
