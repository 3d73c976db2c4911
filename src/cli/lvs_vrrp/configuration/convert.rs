//! An instance of a configuration as the virtual router that is spoken for.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::addr::Family;
use crate::conf::field::{AuthType, ParamMatch};
use crate::conf::lex;
use crate::conf::lists::{Broadcast, InterfaceAddress, Tracker};
use crate::conf::model;
use crate::conf::source::Place;
use crate::conf::value::{self, Command};
use crate::vrrp::command::{Account, CommandLine, Text};
use crate::vrrp::files::{First, TrackedFile};
use crate::vrrp::instance::{self, Instance, Notify, Script, Task, VirtualAddress};
use crate::vrrp::process::{Arguments, Count, Pattern};
use crate::vrrp::reception::Checksum;
use crate::vrrp::tracking::Weight;
use crate::vrrp::vmac::Vmac;
use crate::vrrp::{Authentication, Interval, Priority, Secret, Version, Vrid, router};

use super::Converter;

impl Converter<'_> {
    /// All that is had; nothing, when what cannot be left out is missing.
    pub(super) fn convert(&mut self, from: &model::Instance) -> Option<Instance> {
        let family = from.family();
        let place = from.common.at.0;
        let Some(name) = &from.interface else {
            self.refuse(place, "no `interface`");
            return None;
        };
        let version = match from.version {
            Some(3) => Version::V3,
            _ => Version::V2,
        };
        let Some(vrid) = from.router_id.and_then(Vrid::new) else {
            self.refuse(place, "no `virtual_router_id`");
            return None;
        };
        let mut to = instance::new(name.as_str(), vrid, family, Some(version));
        to.name.clone_from(&from.name);
        to.is_twin = self.is_twin(from);
        to.authentication = authentication(from);
        to.source = from.unicast_source.or(from.mcast_source);
        to.tracks_source = from.track_source || to.source.is_none();
        to.peers = self.peers(from);
        to.checksum = match from.old_unicast_checksum.as_deref() {
            None => Checksum::Pseudo,
            Some("never") => Checksum::NeverOld,
            Some(_) if to.peers.is_empty() => Checksum::Pseudo,
            Some(_) => Checksum::OldUnicast,
        };
        if from.unicast_fault_no_peer && to.peers.is_empty() {
            to.hindrance = Some("no peer in `unicast_peer`".into());
        }
        if let Some(group) = from.mcast_destination {
            to.group = group;
        }
        for (addresses, excluded) in [(&from.addresses, false), (&from.excluded_addresses, true)] {
            for address in addresses {
                let address = self.address(address, excluded);
                to.addresses.extend(address);
            }
        }
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
        track_devices(from, &mut to);
        to.routing = self.routing(from);
        to.vmac = self.vmac(from, vrid, family);
        to.notify = self.notify(from);
        to.tells_priority = from.notify_priority_changes == Some(true);
        match centiseconds(from.advert_interval) {
            Some(interval) => to.settings.interval = interval,
            None => self.refuse(from.common.place("advert_int"), "invalid `advert_int`"),
        }
        let settings = &mut to.settings;
        settings.priority = from.priority.map_or(Priority::DEFAULT, Priority);
        settings.preempt = !from.nopreempt;
        settings.preempt_delay = from.preempt_delay;
        to.follows_link = !from.dont_track_primary;
        let strict = from.strict == Some(true);
        to.accepts = !(strict || from.no_accept) || settings.priority == Priority::OWNER;
        settings.answer_lower = !from.lower_prio_no_advert.unwrap_or(strict);
        settings.last_word = from.higher_prio_send_advert.unwrap_or(!strict);
        if let Some(adverts) = from.down_timer_adverts {
            settings.missed_adverts = adverts;
        }
        settings.announce = self.announce(from);
        if let Some(fault) = to.fault() {
            self.refuse(place, &fault);
        }
        Some(to)
    }

    /// Whether one before it has its number there. That they do not hear each other was verified.
    fn is_twin(&self, of: &model::Instance) -> bool {
        let what = |one: &model::Instance| (one.interface.clone(), one.router_id, one.family());
        let before = self.config.instances.iter();
        let mut before = before.take_while(|one| one.name != of.name);
        before.any(|one| what(one) == what(of))
    }

    /// Of `use_vmac [NAME] [MAC]`.
    fn vmac(&mut self, from: &model::Instance, vrid: Vrid, family: Family) -> Option<Vmac> {
        let words = from.use_vmac.as_ref()?;
        let place = from.common.place("use_vmac");
        let mut vmac = Vmac::new(vrid, family);
        vmac.adverts_from_base = from.vmac_xmit_base;
        if let Some(prefix) = &self.config.global.vmac_prefix {
            vmac.name = format!("{prefix}.{vrid}");
        }
        let mut named = false;
        for word in words {
            match value::mac(word, vrid.number()) {
                Ok(mac) => vmac.mac = mac,
                Err(_) if !named && word != "group" => {
                    vmac.name.clone_from(word);
                    named = true;
                }
                Err(_) => {
                    self.refuse(place, &format!("`use_vmac` with `{word}` is not supported"));
                    return None;
                }
            }
        }
        if vmac.name.len() > instance::LONGEST_NAME {
            self.refuse(place, &format!("the name is too long: {}", vmac.name));
        }
        // The same number may be on two interfaces, or in both families.
        let name = vmac.name.clone();
        let mut others = (2..).map(|number| format!("{name}.{number}"));
        while self.vmacs.contains(&vmac.name) {
            vmac.name = others.next()?;
        }
        self.vmacs.push(vmac.name.clone());
        Some(vmac)
    }

    fn peers(&mut self, from: &model::Instance) -> Vec<IpAddr> {
        for peer in &from.unicast_peers {
            for (word, ttl) in [("min_ttl", peer.min_ttl), ("max_ttl", peer.max_ttl)] {
                if ttl.is_some() {
                    self.unsupported(peer.at.0, word);
                }
            }
        }
        from.unicast_peers.iter().map(|peer| peer.address).collect()
    }

    fn address(&mut self, from: &InterfaceAddress, excluded: bool) -> Option<VirtualAddress> {
        let place = from.at.0;
        for (word, there) in [
            ("peer", from.peer.is_some()),
            ("preferred_lft", from.preferred_lifetime.is_some()),
            ("track_group", from.track_group.is_some()),
        ] {
            if there {
                self.unsupported(place, word);
            }
        }
        for flag in &from.flags {
            match *flag {
                "no_track" => {}
                flag => self.unsupported(place, flag),
            }
        }
        let scope = from.scope.as_deref().map(instance::scope_number);
        let scope = match scope.transpose() {
            Ok(scope) => scope.unwrap_or(0),
            Err(wrong) => {
                self.refuse(place, &format!("invalid scope: {wrong}"));
                return None;
            }
        };
        Some(VirtualAddress {
            address: from.address,
            prefix: from.prefix,
            device: from.device.clone(),
            label: from.label.clone(),
            scope,
            broadcast: broadcast(from),
            excluded,
            tracked: from.is_tracked(),
        })
    }

    pub(super) fn weight(
        &mut self,
        at: &Tracker,
        from: crate::conf::value::Weight,
    ) -> Option<Weight> {
        let Ok(amount) = i16::try_from(from.weight) else {
            let text = format!(
                "the weight of {} is not supported: {}",
                at.name, from.weight
            );
            self.refuse(at.at.0, &text);
            return None;
        };
        Some(Weight {
            amount,
            reversed: from.reverse,
        })
    }

    pub(super) fn script(&mut self, tracker: &Tracker) -> Option<Script> {
        let place = tracker.at.0;
        let scripts = &self.config.scripts;
        let Some(from) = scripts.iter().find(|script| script.name == tracker.name) else {
            self.refuse(place, &format!("no such vrrp_script: {}", tracker.name));
            return None;
        };
        let common = &from.common;
        let weight = self.weight(tracker, tracker.weight.unwrap_or(from.weight))?;
        let command = from.script.as_ref().map(|command| Command {
            user: from.user.as_ref().and_then(|words| words.first().cloned()),
            group: from.user.as_ref().and_then(|words| words.get(1).cloned()),
            ..command.clone()
        });
        let command = self.command(command.as_ref(), common.place("script"));
        let (Ok(rise), Ok(fall)) = (u8::try_from(from.rise), u8::try_from(from.fall)) else {
            self.refuse(common.at.0, "`rise` and `fall` above 255 are not supported");
            return None;
        };
        // Why there is none has been told.
        let command = command?;
        Some(Script {
            name: from.name.clone(),
            interval: from.interval,
            timeout: from.timeout.unwrap_or(from.interval),
            rise,
            fall,
            begins_failed: from.init_fail,
            weight,
            task: Task::Command(command),
        })
    }

    /// Processes that shall run. They are counted twice a second; keepalived hears of each at once.
    pub(super) fn process(&mut self, tracker: &Tracker) -> Option<Script> {
        const PERIOD: Duration = Duration::from_millis(500);
        let place = tracker.at.0;
        let mut all = self.config.track_processes.iter();
        let Some(from) = all.find(|process| process.name == tracker.name) else {
            let text = format!("no such vrrp_track_process: {}", tracker.name);
            self.refuse(place, &text);
            return None;
        };
        let Some((program, arguments)) =
            from.process.as_ref().and_then(|words| words.split_first())
        else {
            self.refuse(from.common.at.0, "a vrrp_track_process without a process");
            return None;
        };
        let arguments = match (from.param_match, arguments.to_vec()) {
            (None, arguments) if arguments.is_empty() => Arguments::Any,
            (None, arguments) => Arguments::All(arguments),
            (Some(_), arguments) if arguments.is_empty() => Arguments::All(arguments),
            (Some(ParamMatch::Partial), arguments) => Arguments::First(arguments),
            (Some(ParamMatch::Initial), arguments) => Arguments::Begun(arguments),
        };
        let weight = self.weight(tracker, tracker.weight.unwrap_or(from.weight))?;
        // What is delayed must be seen so often in a row, after the first time.
        let times = |delay: Option<Duration>| {
            let periods = delay.or(from.delay).unwrap_or_default().as_millis() / PERIOD.as_millis();
            u8::try_from(periods + 1).unwrap_or(u8::MAX)
        };
        Some(Script {
            name: from.name.clone(),
            interval: PERIOD,
            timeout: PERIOD,
            rise: times(from.fork_delay),
            fall: times(from.terminate_delay),
            begins_failed: false,
            weight,
            task: Task::Count(Count {
                pattern: Pattern {
                    program: program.clone(),
                    arguments,
                },
                least: from.quorum.into(),
                most: from.quorum_max.map(usize::from),
            }),
        })
    }

    pub(super) fn file(&mut self, tracker: &Tracker) -> Option<TrackedFile> {
        let mut all = self.config.track_files.iter();
        let Some(from) = all.find(|file| file.name == tracker.name) else {
            let text = format!("no such track_file: {}", tracker.name);
            self.refuse(tracker.at.0, &text);
            return None;
        };
        let Some(path) = &from.file else {
            self.refuse(from.common.at.0, "a track_file without a file");
            return None;
        };
        let first = from.init_file.as_ref().map(|words| First {
            number: words.iter().find_map(|word| word.parse().ok()).unwrap_or(0),
            overwrite: words.iter().any(|word| word == "overwrite"),
        });
        Some(TrackedFile {
            name: from.name.clone(),
            path: path.into(),
            weight: self.weight(tracker, tracker.weight.unwrap_or(from.weight))?,
            first,
        })
    }

    /// Words, as keepalived has them; no shell looks at them. Nothing, when it must not be run: that
    /// is told.
    pub(super) fn command(&mut self, from: Option<&Command>, place: Place) -> Option<CommandLine> {
        let from = from?;
        let words = match lex::arguments(&from.line) {
            Ok(words) => words,
            Err(quote) => {
                self.refuse(place, &format!("nothing ends the quote: {quote}"));
                return None;
            }
        };
        let program = words.first()?.clone();
        let account = match self.account(from) {
            Ok(account) => account,
            Err(user) => {
                self.warn(place, &format!("not run, no such user or group: {user}"));
                return None;
            }
        };
        let is_root = account.is_none_or(|account| account.uid == 0);
        let is_guarded = self.config.global.script_security && is_root;
        if is_guarded && (self.machine.is_exposed)(&program) {
            let text = format!("not run, others than root can change it: {program}");
            self.warn(place, &text);
            return None;
        }
        Some(CommandLine {
            text: Text::Words(words),
            account,
        })
    }

    /// Who runs a command: whom it names, else `script_user`, else keepalived's own account where
    /// there is one. That of this process is nothing.
    ///
    /// # Errors
    /// There is no such user or group.
    fn account(&self, command: &Command) -> Result<Option<Account>, String> {
        const DEFAULT: &str = "keepalived_script";
        let of_all = self.config.global.script_user.as_deref();
        let (user, group) = match (&command.user, of_all) {
            (Some(user), _) => (user.as_str(), command.group.as_deref()),
            (None, Some([user, rest @ ..])) => (user.as_str(), rest.first().map(String::as_str)),
            (None, _) => (DEFAULT, None),
        };
        match (self.machine.account)(user, group) {
            Some((uid, gid)) => Ok(Some(Account { uid, gid })),
            None if user == DEFAULT && !self.config.global.script_security => Ok(None),
            None => Err(user.to_owned()),
        }
    }

    fn notify(&mut self, from: &model::Instance) -> Notify {
        let mut command = |from_file: &Option<Command>, keyword| {
            self.command(from_file.as_ref(), from.common.place(keyword))
        };
        Notify {
            any: command(&from.notify, "notify"),
            master: command(&from.notify_master, "notify_master"),
            backup: command(&from.notify_backup, "notify_backup"),
            fault: command(&from.notify_fault, "notify_fault"),
            stop: command(&from.notify_stop, "notify_stop"),
            deleted: command(&from.notify_deleted, "notify_deleted"),
            tells_deletion: from.common.has("notify_deleted"),
        }
    }

    fn announce(&mut self, from: &model::Instance) -> router::Announce {
        let mut announce = router::Announce::default();
        let unless_zero = |duration: Duration| (!duration.is_zero()).then_some(duration);
        // Strict mode inherits no delay: it announces once.
        announce.again = from.garp_master_delay.and_then(unless_zero);
        announce.refresh = from.garp_master_refresh.and_then(unless_zero);
        let mut rounds = |repeat: Option<u32>, keyword, default| {
            let repeat = repeat.unwrap_or(u32::from(default));
            u8::try_from(repeat).unwrap_or_else(|_| {
                let text = format!("`{keyword}` is taken as 255");
                self.warn(from.common.place(keyword), &text);
                u8::MAX
            })
        };
        announce.rounds = rounds(
            from.garp_master_repeat,
            "garp_master_repeat",
            announce.rounds,
        );
        announce.refresh_rounds = rounds(
            from.garp_master_refresh_repeat,
            "garp_master_refresh_repeat",
            announce.refresh_rounds,
        );
        announce
    }
}

/// Has a router want the interfaces of its addresses, routes and rules to run. As in keepalived,
/// one that is there with a weight has none then; its own is a matter of its own.
fn track_devices(from: &model::Instance, to: &mut Instance) {
    let all = from.addresses.iter().chain(&from.excluded_addresses);
    let addresses = all.filter(|address| address.is_tracked());
    let routes = from.routes.iter().filter(|route| route.tracked);
    let rules = from.rules.iter().filter(|rule| rule.tracked);
    let devices = addresses
        .filter_map(|address| address.device.as_ref())
        .chain(routes.flat_map(|route| &route.devices))
        .chain(rules.flat_map(|rule| &rule.devices));
    for device in devices.filter(|device| **device != to.interface) {
        match to.interfaces.iter_mut().find(|(name, _)| name == device) {
            Some((_, weight)) => *weight = Weight::default(),
            None => to.interfaces.push((device.clone(), Weight::default())),
        }
    }
}

fn authentication(from: &model::Instance) -> Authentication {
    let given = from.authentication.as_ref();
    let Some((kind, password)) =
        given.and_then(|given| Some((given.kind, given.password.as_ref()?)))
    else {
        return Authentication::None;
    };
    let secret = Secret::new(password.as_bytes());
    match kind {
        Some(AuthType::Ah) => Authentication::Header(secret),
        _ => Authentication::Simple(secret),
    }
}

/// Six bytes in hexadecimal, with colons between them.
fn centiseconds(interval: Duration) -> Option<Interval> {
    let centiseconds = u16::try_from(interval.as_millis() / 10).ok()?;
    Interval::from_centiseconds(centiseconds)
}

fn broadcast(from: &InterfaceAddress) -> Option<Ipv4Addr> {
    let IpAddr::V4(address) = from.address else {
        return None;
    };
    let host = u32::MAX.checked_shr(from.prefix.into()).unwrap_or(0);
    from.broadcast.map(|broadcast| match broadcast {
        Broadcast::Address(address) => address,
        Broadcast::Ones => Ipv4Addr::from(u32::from(address) | host),
        Broadcast::Zeros => Ipv4Addr::from(u32::from(address) & !host),
    })
}
