//! A tree of statements to the model.

mod checkers;

use std::collections::HashSet;

use super::keywords::{Block, Opens};
use super::lists;
use super::model::{
    Authentication, Checker, CheckerKind, Config, GarpGroup, Instance, Kept, RealServer, Script,
    Settings, SslGlobal, SyncGroup, TrackFile, TrackGroup, TrackProcess, VirtualServer,
    VirtualServerGroup,
};
use super::parse::Statement;
use super::problem::Problems;
use super::source::At;
use super::value::Value;
use crate::addr::Endpoint;

/// The longest password of VRRP, in bytes.
const LONGEST_PASSWORD: usize = 8;

/// The names that trackers may use from here on.
#[derive(Default)]
struct Known {
    scripts: HashSet<String>,
    files: HashSet<String>,
    processes: HashSet<String>,
    sessions: HashSet<String>,
}

/// Fills a configuration.
pub struct Builder<'a> {
    problems: &'a mut Problems,
    config: Config,
    instances: HashSet<String>,
    sync_groups: HashSet<String>,
    virtual_groups: HashSet<String>,
    known: Known,
}

impl<'a> Builder<'a> {
    /// Begins an empty one; tells its problems to these.
    pub fn new(problems: &'a mut Problems) -> Self {
        Builder {
            problems,
            config: Config::default(),
            instances: HashSet::new(),
            sync_groups: HashSet::new(),
            virtual_groups: HashSet::new(),
            known: Known::default(),
        }
    }

    /// What the statements up to here have said.
    pub fn finish(self) -> Config {
        self.config
    }

    /// Takes a statement that stands in no block.
    pub fn top(&mut self, statement: Statement) {
        let name = match &statement.value {
            Value::Text(name) => name.clone(),
            _ => String::new(),
        };
        let opens = match statement.keyword.opens {
            Opens::Block(block) => Some(block),
            _ => None,
        };
        match opens {
            Some(Block::Global) => {
                let mut global = std::mem::take(&mut self.config.global);
                self.settings(&mut global, statement, |_, _| {});
                if global.common.has("notification_email") && global.mail_to.is_empty() {
                    let place = global.common.place("notification_email");
                    let text = "`notification_email` without an address";
                    self.problems
                        .warning(place, text, "nobody gets mail: remove it");
                }
                self.config.global = global;
            }
            Some(Block::TrackGroup) => {
                let mut group = TrackGroup {
                    name,
                    ..TrackGroup::default()
                };
                self.settings(&mut group, statement, |_, _| {});
                self.config.track_groups.push(group);
            }
            Some(Block::TrackFile) => {
                let mut file = TrackFile {
                    name,
                    ..TrackFile::default()
                };
                self.settings(&mut file, statement, |_, _| {});
                if file.file.is_none() {
                    let text = format!("track_file `{}` has no `file`", file.name);
                    self.problems
                        .error(file.common.at.0, text, "it has no effect");
                    return;
                }
                self.known.files.insert(file.name.clone());
                self.config.track_files.push(file);
            }
            Some(Block::TrackProcess) => {
                let mut process = TrackProcess {
                    name,
                    ..TrackProcess::default()
                };
                self.settings(&mut process, statement, |_, _| {});
                self.track_process(process);
            }
            Some(Block::Script) => {
                let mut script = Script {
                    name,
                    ..Script::default()
                };
                self.settings(&mut script, statement, |_, _| {});
                if script.script.is_none() {
                    let text = format!("vrrp_script `{}` has no `script`", script.name);
                    self.problems
                        .error(script.common.at.0, text, "it has no effect");
                    return;
                }
                self.known.scripts.insert(script.name.clone());
                self.config.scripts.push(script);
            }
            Some(Block::SyncGroup) => self.sync_group(name, statement),
            Some(Block::GarpGroup) => {
                let mut group = GarpGroup::default();
                self.settings(&mut group, statement, |_, _| {});
                self.garp_interfaces(&mut group);
                if group.garp_interval.is_none() && group.gna_interval.is_none() {
                    let text = "`garp_group` sets no delay";
                    self.problems
                        .error(group.common.at.0, text, "it has no effect");
                    return;
                }
                self.config.garp_groups.push(group);
            }
            Some(Block::Bfd) => {
                let mut inside = statement.children.iter();
                if !inside.any(|child| child.keyword.name == "neighbor_ip") {
                    let text = format!("bfd_instance `{name}` has no `neighbor_ip`");
                    let place = statement.place;
                    return self.problems.error(place, text, "it has no effect");
                }
                self.known.sessions.insert(name);
                let kept = keep(statement);
                self.config.common.kept.push(kept);
            }
            Some(Block::Instance) => self.instance(name, statement),
            Some(Block::VirtualServer) => self.virtual_server(statement),
            Some(Block::SslGlobal) => {
                let mut ssl = SslGlobal::default();
                let place = statement.place;
                let mut seen = HashSet::new();
                for child in &statement.children {
                    if !seen.insert(child.keyword.name) {
                        let text = format!("`{}` stands twice in `SSL`", child.keyword.name);
                        self.problems
                            .error(child.place, text, "the last one counts: remove one");
                    }
                }
                self.settings(&mut ssl, statement, |_, _| {});
                if self.config.ssl.replace(ssl).is_some() {
                    let text = "`SSL` stands twice";
                    self.problems
                        .error(place, text, "the last one counts: remove one");
                }
            }
            _ if statement.keyword.name == "virtual_server_group" => {
                self.virtual_server_group(name, statement);
            }
            _ => {
                let mut config = std::mem::take(&mut self.config);
                self.set(&mut config, statement);
                self.config = config;
            }
        }
    }

    /// Fills a block; what no setting takes goes to `other`.
    fn settings(
        &mut self,
        block: &mut dyn Settings,
        statement: Statement,
        mut other: impl FnMut(&mut Self, Statement),
    ) {
        block.common().at = At(statement.place);
        let settings = statement.children.len() - blocks(&statement);
        block.common().places.expect(settings);
        for child in statement.children {
            if matches!(child.keyword.opens, Opens::Block(_)) {
                other(self, child);
            } else {
                self.set(block, child);
            }
        }
    }

    /// Fills one setting.
    fn set(&mut self, block: &mut dyn Settings, statement: Statement) {
        let keyword = statement.keyword;
        block.common().places.add(keyword.name, statement.place);
        let Some(field) = block.field(keyword.name) else {
            let opposite = match keyword.name {
                "preempt" => Some("nopreempt"),
                "accept" => Some("no_accept"),
                _ => None,
            };
            match opposite.and_then(|name| block.field(name)) {
                Some(field) => field.set(Value::Switch(false)),
                None => {
                    let kept = keep(statement);
                    block.common().kept.push(kept);
                }
            }
            return;
        };
        let value = match (keyword.opens, keyword.name, statement.value) {
            (Opens::List(entry), _, _) => lists::read(entry, &statement.entries, self.problems),
            (_, "persistence_timeout", Value::None) => {
                Value::Number(i64::from(super::model::DEFAULT_PERSISTENCE))
            }
            (_, _, value) => value,
        };
        field.set(value);
    }

    /// An interface is in one group.
    fn garp_interfaces(&mut self, group: &mut GarpGroup) {
        if group.common.has("interfaces") && group.interfaces.is_empty() {
            let place = group.common.place("interfaces");
            let text = "`interfaces` names none";
            self.problems.warning(place, text, "remove it");
        }
        let mut taken: HashSet<String> = HashSet::new();
        for other in &self.config.garp_groups {
            taken.extend(
                other
                    .interface
                    .as_ref()
                    .map(|name| name.as_str().to_owned()),
            );
            taken.extend(other.interfaces.iter().map(|name| name.name.clone()));
        }
        let problems = &mut *self.problems;
        let mut is_new = |name: &str, place| {
            let is_new = taken.insert(name.to_owned());
            if !is_new {
                let text = format!("interface `{name}` is in a garp_group already");
                problems.error(place, text, "it stays in the first: remove it here");
            }
            is_new
        };
        let place = group.common.place("interface");
        group.interface = group
            .interface
            .take()
            .filter(|name| is_new(name.as_str(), place));
        group
            .interfaces
            .retain(|name| is_new(&name.name, name.at.0));
    }

    fn track_process(&mut self, mut process: TrackProcess) {
        let place = process.common.at.0;
        if process.process.is_none() {
            let text = format!("vrrp_track_process `{}` has no `process`", process.name);
            return self.problems.error(place, text, "it has no effect");
        }
        if process
            .quorum_max
            .is_some_and(|most| most != 0 && most < process.quorum)
        {
            let text = "`quorum_max` is below the quorum";
            let place = process.common.place("quorum_max");
            self.problems.error(place, text, "it has no effect");
            process.quorum_max = None;
        }
        self.known.processes.insert(process.name.clone());
        self.config.track_processes.push(process);
    }

    fn sync_group(&mut self, name: String, statement: Statement) {
        if let Some(extra) = statement.words.get(1) {
            let text = "vrrp_sync_group has one name";
            return self
                .problems
                .error(extra.place, text, "the group has no effect");
        }
        let mut group = SyncGroup {
            name,
            ..SyncGroup::default()
        };
        self.settings(&mut group, statement, |_, _| {});
        if !self.sync_groups.insert(group.name.clone()) {
            let text = format!("sync group `{}` is there already", group.name);
            return self
                .problems
                .error(group.common.at.0, text, "this one has no effect");
        }
        let whose = group.name.clone();
        self.trackers(&mut group.track_scripts, "script", &whose);
        self.trackers(&mut group.track_files, "file", &whose);
        self.trackers(&mut group.track_processes, "process", &whose);
        self.config.sync_groups.push(group);
    }

    /// Leaves out the trackers of things that are not defined before.
    fn trackers(&mut self, trackers: &mut Vec<lists::Tracker>, what: &str, whose: &str) {
        let known = match what {
            "script" => &self.known.scripts,
            "file" => &self.known.files,
            _ => &self.known.processes,
        };
        let mut seen = HashSet::new();
        let problems = &mut *self.problems;
        trackers.retain(|tracker| {
            let name = &tracker.name;
            let text = match known.contains(name) {
                true if seen.insert(name.clone()) => return true,
                true => format!("{whose}: {what} `{name}` is tracked twice"),
                false => format!("{whose}: there is no {what} `{name}`"),
            };
            let hint = "it is not tracked: define it before its first use, and name it once";
            problems.error(tracker.at.0, text, hint);
            false
        });
    }

    fn instance(&mut self, name: String, statement: Statement) {
        if let Some(extra) = statement.words.get(1) {
            let text = "vrrp_instance has one name";
            return self
                .problems
                .error(extra.place, text, "the instance has no effect");
        }
        let mut instance = Instance {
            name,
            ..Instance::default()
        };
        let mut authentication = None;
        self.states(&statement);
        let statement = self.with_one_vmac(statement);
        self.settings(&mut instance, statement, |builder, child| {
            authentication = Some(builder.authentication(child));
        });
        instance.authentication = authentication;
        if !self.instances.insert(instance.name.clone()) {
            let text = format!("instance `{}` is there already", instance.name);
            return self
                .problems
                .error(instance.common.at.0, text, "this one has no effect");
        }
        let whose = instance.name.clone();
        self.trackers(&mut instance.track_scripts, "script", &whose);
        self.trackers(&mut instance.track_files, "file", &whose);
        self.trackers(&mut instance.track_processes, "process", &whose);
        self.sessions(&mut instance);
        self.config.instances.push(instance);
    }

    /// Leaves out the BFD sessions that are not defined before.
    fn sessions(&mut self, instance: &mut Instance) {
        let place = instance.common.place("track_bfd");
        let mut seen = HashSet::new();
        for kept in &mut instance.common.kept {
            if kept.name != "track_bfd" {
                continue;
            }
            kept.lines.retain(|line| {
                let name = line.first().map_or("", String::as_str);
                let known = self.known.sessions.contains(name);
                if !known {
                    let text = format!("{}: there is no BFD session `{name}`", instance.name);
                    self.problems.error(place, text, "it is not tracked");
                } else if !seen.insert(name.to_owned()) {
                    let text = format!("{}: BFD session `{name}` is tracked twice", instance.name);
                    self.problems.error(place, text, "remove one");
                }
                known
            });
        }
    }

    /// keepalived takes the first MASTER of several states for good.
    fn states(&mut self, statement: &Statement) {
        let mut master = false;
        for child in &statement.children {
            if let ("state", Value::Text(state)) = (child.keyword.name, &child.value) {
                if master && state == "BACKUP" {
                    let text = "`state BACKUP` after `state MASTER`";
                    self.problems
                        .error(child.place, text, "keep one of the two");
                }
                master |= state == "MASTER";
            }
        }
    }

    fn authentication(&mut self, statement: Statement) -> Authentication {
        let mut authentication = Authentication::default();
        self.settings(&mut authentication, statement, |_, _| {});
        let place = authentication.common.place("auth_pass");
        match &mut authentication.password {
            Some(password) if password.len() > LONGEST_PASSWORD => {
                let mut end = LONGEST_PASSWORD;
                while !password.is_char_boundary(end) {
                    end -= 1;
                }
                password.truncate(end);
                let text = format!("`auth_pass` is longer than {LONGEST_PASSWORD} bytes");
                let hint =
                    "VRRP sends the first 8 bytes and ignores the rest: shorten it on all routers";
                self.problems.warning(place, text, hint);
            }
            None if authentication.kind.is_some() => {
                let text = "`authentication` without `auth_pass`";
                self.problems.error(place, text, "it has no effect");
            }
            _ => {}
        }
        authentication
    }

    fn virtual_server_group(&mut self, name: String, statement: Statement) {
        let at = At(statement.place);
        let Value::Members(members) =
            lists::read(lists_of_group(), &statement.entries, self.problems)
        else {
            return;
        };
        if members.is_empty() {
            let text = format!("virtual_server_group `{name}` has no member");
            return self.problems.error(at.0, text, "it has no effect");
        }
        self.virtual_groups.insert(name.clone());
        self.config
            .groups
            .push(VirtualServerGroup { name, members, at });
    }

    /// What several `use_vmac` say together.
    fn with_one_vmac(&mut self, mut statement: Statement) -> Statement {
        let is_vmac = |child: &Statement| child.keyword.name == "use_vmac";
        if statement
            .children
            .iter()
            .filter(|child| is_vmac(child))
            .count()
            < 2
        {
            return statement;
        }
        let children = std::mem::take(&mut statement.children);
        let (vmacs, mut children): (Vec<_>, Vec<_>) = children.into_iter().partition(is_vmac);
        let whole = vmacs.into_iter().reduce(|mut whole, next| {
            let words = whole
                .words
                .iter()
                .chain(&next.words)
                .cloned()
                .collect::<Vec<_>>();
            match whole.keyword.kind.read(&words) {
                Ok(value) => (whole.words, whole.value) = (words, value),
                Err((_, problem)) => {
                    let text = format!("`use_vmac`: {problem}");
                    self.problems
                        .error(next.place, text, "the first one counts: remove one");
                }
            }
            whole
        });
        children.extend(whole);
        statement.children = children;
        statement
    }

    fn virtual_server(&mut self, statement: Statement) {
        let Value::VirtualServer(address) = statement.value.clone() else {
            return;
        };
        let mut server = VirtualServer {
            address: Some(address),
            ..VirtualServer::default()
        };
        let mut real_servers = Vec::with_capacity(blocks(&statement));
        self.settings(&mut server, statement, |builder, child| {
            real_servers.extend(builder.real_server(child));
        });
        server.real_servers = real_servers;
        self.config.virtual_servers.push(server);
    }

    fn real_server(&mut self, statement: Statement) -> Option<RealServer> {
        let Value::Server(address, port) = statement.value else {
            return None;
        };
        let mut server = RealServer {
            endpoint: Some(Endpoint::new(address, port.unwrap_or(0))),
            ..RealServer::default()
        };
        let mut checkers = Vec::with_capacity(blocks(&statement));
        let mut kept = Vec::new();
        self.settings(&mut server, statement, |builder, child| {
            let Opens::Block(block) = child.keyword.opens else {
                return;
            };
            match CheckerKind::of(block) {
                Some(kind) => checkers.extend(builder.checker(Checker::new(kind), child)),
                None if builder.bfd_check(&child) => kept.push(keep(child)),
                None => {}
            }
        });
        for checker in &mut checkers {
            self.source(checker, address.is_ipv4());
        }
        server.checkers = checkers;
        server.common.kept.append(&mut kept);
        Some(server)
    }
}

fn lists_of_group() -> super::keywords::Entry {
    super::keywords::Entry::Members
}

/// How many blocks stand in that of a statement: a list for them that grew as they come would have
/// room for four at least, of which most real servers would leave three empty.
fn blocks(statement: &Statement) -> usize {
    let inside = statement.children.iter();
    let opens = |child: &&Statement| matches!(child.keyword.opens, Opens::Block(_));
    inside.filter(opens).count()
}

/// A statement as it stands.
fn keep(statement: Statement) -> Kept {
    let texts = |words: Vec<super::lex::Word>| words.into_iter().map(|word| word.text).collect();
    // Those beyond have no effect.
    let mut words = statement.words;
    words.truncate(statement.keyword.kind.most_words());
    Kept {
        name: statement.keyword.name,
        words: texts(words),
        lines: statement.entries.into_iter().map(texts).collect(),
        inside: statement.children.into_iter().map(keep).collect(),
        braces: statement.keyword.opens != Opens::Nothing,
    }
}
