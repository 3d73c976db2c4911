//! Whether this machine has what a configuration names: interfaces, programs, accounts, names of
//! hosts. Pure: the machine is handed in.

use super::lists::{InterfaceAddress, Names, Route, Rule};
use super::model::{CheckerKind, Config};
use super::problem::{Problem, Problems, Severity};
use super::source::Place;
use super::value::Command;
use super::{Reading, lex};

/// What may be asked of a machine.
pub trait Machine {
    /// Whether there is an interface of that name.
    fn has_interface(&self, name: &str) -> bool;
    /// Whether a program can be run.
    ///
    /// # Errors
    ///
    /// What stands in its way.
    fn can_run(&self, program: &str) -> Result<(), Obstacle>;
    /// Whether there is an account of that name.
    fn has_user(&self, name: &str) -> bool;
    /// Whether there is a group of that name.
    fn has_group(&self, name: &str) -> bool;
    /// Whether routes may name something so; true where nobody knows.
    fn has_route_name(&self, of: Names, name: &str) -> bool;
    /// Whether the name of a host has an address.
    fn resolves(&self, host: &str) -> bool;
}

/// Why a program cannot be run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// There is none, in this directory or in PATH.
    Missing,
    /// It is there and cannot be run, for this reason.
    Unusable(String),
}

/// The account that runs scripts where none is named.
const DEFAULT_USER: &str = "keepalived_script";

/// Where static addresses go that name no interface, and no `default_interface` is set.
pub const DEFAULT_INTERFACE: &str = "eth0";

/// Adds the problems of a configuration on a machine.
pub fn check(reading: &mut Reading, machine: &dyn Machine) {
    let mut checker = Checker {
        config: &reading.config,
        machine,
        problems: Problems::default(),
        runs: None,
    };
    checker.interfaces();
    checker.names();
    checker.mail();
    checker.scripts();
    let mut problems = std::mem::take(&mut reading.problems);
    problems.append(&mut checker.problems.sorted());
    // Stable, so what was found in the text stays before what the machine says of the same place.
    problems.sort_by_key(|problem| problem.place);
    reading.problems = problems;
}

struct Checker<'a> {
    config: &'a Config,
    machine: &'a dyn Machine,
    problems: Problems,
    /// The first place of a script that will be run.
    runs: Option<Place>,
}

impl Checker<'_> {
    fn interface(&mut self, name: &str, place: Place) {
        if self.machine.has_interface(name) {
            return;
        }
        let text = format!("there is no interface `{name}` on this machine");
        let hint = "write the name that `ip link` shows; dynamic_interfaces in global_defs lets it come later";
        self.problems.error(place, text, hint);
    }

    fn interfaces(&mut self) {
        let config = self.config;
        if config.global.dynamic_interfaces.is_some() {
            return;
        }
        let of_addresses = |checker: &mut Self, addresses: &[InterfaceAddress]| {
            for address in addresses {
                if let Some(device) = &address.device {
                    checker.interface(device, address.at.0);
                }
            }
        };
        of_addresses(self, &config.static_addresses);
        self.polled(&["linkbeat_interfaces", "interface_up_down_delays"]);
        self.default_interface();
        self.routes(&config.static_routes, &config.static_rules);
        for instance in &config.instances {
            if let Some(name) = &instance.interface {
                self.interface(name.as_str(), instance.common.place("interface"));
            }
            of_addresses(self, &instance.addresses);
            of_addresses(self, &instance.excluded_addresses);
            for tracker in &instance.track_interfaces {
                self.interface(&tracker.name, tracker.at.0);
            }
            self.routes(&instance.routes, &instance.rules);
        }
        for group in &config.sync_groups {
            for tracker in &group.track_interfaces {
                self.interface(&tracker.name, tracker.at.0);
            }
        }
        for group in &config.garp_groups {
            if let Some(name) = &group.interface {
                self.interface(name.as_str(), group.common.place("interface"));
            }
            for name in &group.interfaces {
                self.interface(&name.name, name.at.0);
            }
        }
    }

    fn routes(&mut self, routes: &[Route], rules: &[Rule]) {
        let of_routes = routes.iter().map(|route| (&route.devices, route.at.0));
        let of_rules = rules.iter().map(|rule| (&rule.devices, rule.at.0));
        for (devices, place) in of_routes.chain(of_rules) {
            for device in devices {
                self.interface(device, place);
            }
        }
    }

    /// Names of tables and the like, which iproute2 lists in files.
    fn names(&mut self) {
        let config = self.config;
        let instances = &config.instances;
        let all_routes = config.static_routes.iter();
        let all_routes = all_routes.chain(instances.iter().flat_map(|i| &i.routes));
        let all_rules = config.static_rules.iter();
        let all_rules = all_rules.chain(instances.iter().flat_map(|i| &i.rules));
        let of_routes = all_routes.map(|route| (&route.names, route.at.0));
        for (names, place) in of_routes.chain(all_rules.map(|rule| (&rule.names, rule.at.0))) {
            for (of, name) in names {
                if !self.machine.has_route_name(*of, name) {
                    let text = format!("there is no {} `{name}` on this machine", of.one());
                    let hint = format!(
                        "the line has no effect: write its number, or name it in /etc/iproute2/{}",
                        of.file()
                    );
                    self.problems.error(place, text, &hint);
                }
            }
        }
    }

    /// keepalived does not begin without these.
    fn polled(&mut self, keywords: &[&str]) {
        let config = self.config;
        for kept in &config.common.kept {
            if !keywords.contains(&kept.name) {
                continue;
            }
            let place = config.common.place(kept.name);
            for name in kept.lines.iter().filter_map(|line| line.first()) {
                self.interface(name, place);
            }
        }
    }

    /// A static address that names no interface has the default one.
    fn default_interface(&mut self) {
        let config = self.config;
        let has_none = |address: &&InterfaceAddress| address.device.is_none();
        let Some(first) = config.static_addresses.iter().find(has_none) else {
            return;
        };
        let default = config.global.default_interface.as_ref();
        self.interface(
            default.map_or(DEFAULT_INTERFACE, |name| name.as_str()),
            first.at.0,
        );
    }

    fn mail(&mut self) {
        let Some(server) = &self.config.global.smtp_server else {
            return;
        };
        let host = server.first().map_or("", String::as_str);
        if host.parse::<std::net::IpAddr>().is_err() && !self.machine.resolves(host) {
            let place = self.config.global.common.place("smtp_server");
            let text = format!("the mail server `{host}` has no address");
            self.problems.error(
                place,
                text,
                "no mail is sent: write an address, or look at the resolver",
            );
        }
    }

    /// Whether an account can be used.
    fn account(&mut self, words: &[String], place: Place) -> bool {
        let user = words.first().map_or("", String::as_str);
        let text = match words.get(1) {
            _ if !self.machine.has_user(user) => format!("there is no account `{user}`"),
            Some(group) if !self.machine.has_group(group) => format!("there is no group `{group}`"),
            _ => return true,
        };
        let hint = format!("make it, as with: useradd --system --no-create-home {user}");
        self.problems.error(place, text, &hint);
        false
    }

    fn scripts(&mut self) {
        let config = self.config;
        let global = &config.global;
        let default_works = match &global.script_user {
            Some(user) => self.account(user, global.common.place("script_user")),
            None => !global.script_security || self.machine.has_user(DEFAULT_USER),
        };
        for (keyword, command) in [
            ("startup_script", &global.startup_script),
            ("shutdown_script", &global.shutdown_script),
            ("notify_fifo", &global.notify_fifo),
            ("notify_fifo_script", &global.notify_fifo_script),
            ("vrrp_notify_fifo", &global.vrrp_notify_fifo),
            ("vrrp_notify_fifo_script", &global.vrrp_notify_fifo_script),
            ("lvs_notify_fifo", &global.lvs_notify_fifo),
            ("lvs_notify_fifo_script", &global.lvs_notify_fifo_script),
        ] {
            let has_user = command
                .as_ref()
                .is_none_or(|command| command.user.is_some());
            let place = global.common.place(keyword);
            if !has_user && !default_works {
                self.no_account(place);
            } else if keyword.ends_with("_script") && self.is_run(keyword) {
                self.notify(keyword, command.as_ref(), place, default_works);
            }
        }
        for script in &config.scripts {
            let place = script.common.place("script");
            match &script.user {
                Some(user) if !self.account(user, script.common.place("user")) => continue,
                None if !default_works => {
                    self.no_account(place);
                    continue;
                }
                _ => {}
            }
            // Without an instance nothing runs them.
            let command = script
                .script
                .as_ref()
                .filter(|_| !config.instances.is_empty());
            if let Some(command) = command {
                let what = format!("script `{}`", script.name);
                self.command(&what, command, place, Severity::Error);
            }
        }
        for instance in &config.instances {
            for (keyword, command) in [
                ("notify_master", &instance.notify_master),
                ("notify_backup", &instance.notify_backup),
                ("notify_fault", &instance.notify_fault),
                ("notify_stop", &instance.notify_stop),
                ("notify_deleted", &instance.notify_deleted),
                ("notify", &instance.notify),
                (
                    "notify_master_rx_lower_pri",
                    &instance.notify_master_rx_lower_pri,
                ),
            ] {
                let place = instance.common.place(keyword);
                self.notify(keyword, command.as_ref(), place, default_works);
            }
        }
        for group in &config.sync_groups {
            for (keyword, command) in [
                ("notify_master", &group.notify_master),
                ("notify_backup", &group.notify_backup),
                ("notify_fault", &group.notify_fault),
                ("notify_stop", &group.notify_stop),
                ("notify", &group.notify),
            ] {
                let place = group.common.place(keyword);
                self.notify(keyword, command.as_ref(), place, default_works);
            }
        }
        for server in &config.virtual_servers {
            for (keyword, command) in [
                ("quorum_up", &server.quorum_up),
                ("quorum_down", &server.quorum_down),
            ] {
                let place = server.common.place(keyword);
                self.notify(keyword, command.as_ref(), place, default_works);
            }
            for real in &server.real_servers {
                for (keyword, command) in [
                    ("notify_up", &real.notify_up),
                    ("notify_down", &real.notify_down),
                ] {
                    let place = real.common.place(keyword);
                    self.notify(keyword, command.as_deref(), place, default_works);
                }
                for checker in &real.checkers {
                    let CheckerKind::Misc(misc) = &checker.kind else {
                        continue;
                    };
                    if let Some(user) = &misc.user {
                        if !self.account(user, checker.common.place("user")) {
                            continue;
                        }
                    }
                    let place = checker.common.place("misc_path");
                    self.notify("misc_path", misc.command.as_ref(), place, default_works);
                }
            }
        }
        self.security();
    }

    /// Whether a script of all has anything to hear of.
    fn is_run(&self, keyword: &str) -> bool {
        match keyword {
            "vrrp_notify_fifo_script" => !self.config.instances.is_empty(),
            "lvs_notify_fifo_script" => !self.config.virtual_servers.is_empty(),
            _ => true,
        }
    }

    fn no_account(&mut self, place: Place) {
        let text = match &self.config.global.script_user {
            Some(_) => "the account of `script_user` is not there".to_owned(),
            None => format!("there is no account `{DEFAULT_USER}`, and no `script_user`"),
        };
        let hint = "the script is not run: write `script_user NAME` in global_defs";
        self.problems.error(place, text, hint);
    }

    /// keepalived does not look whether these are there; a user will want to know.
    fn notify(&mut self, what: &str, command: Option<&Command>, place: Place, account: bool) {
        let Some(command) = command.filter(|command| !command.line.is_empty()) else {
            return;
        };
        if !account && command.user.is_none() {
            return self.no_account(place);
        }
        if let Some(user) = &command.user {
            if !self.machine.has_user(user) {
                let text = format!("`{what}`: there is no account `{user}`");
                return self
                    .problems
                    .note(place, text, "the script is not run: make the account");
            }
        }
        self.command(&format!("`{what}`"), command, place, Severity::Note);
    }

    fn command(&mut self, what: &str, command: &Command, place: Place, severity: Severity) {
        let arguments = match lex::arguments(&command.line) {
            Ok(arguments) => arguments,
            Err(quote) => {
                let text = format!("{what}: nothing ends the {quote}");
                return self.problems.error(place, text, "the script is not run");
            }
        };
        let Some(program) = arguments.first() else {
            return;
        };
        let shell = arguments
            .iter()
            .find(|word| ["&&", "||", "|", ";", ">", "<", "2>&1"].contains(&word.as_str()));
        if let Some(word) = shell {
            let text = format!("{what}: `{word}` is an argument like others");
            let hint = "no shell reads the line: write /bin/sh -c '...', or a script of its own";
            self.problems.note(place, text, hint);
        }
        let (severity, text, hint) = match self.machine.can_run(program) {
            Ok(()) => {
                self.runs.get_or_insert(place);
                return;
            }
            Err(Obstacle::Missing) => {
                let text = format!("{what}: there is no program `{program}`");
                (
                    severity,
                    text,
                    "what tracks it ignores it: make it, or correct the path",
                )
            }
            Err(Obstacle::Unusable(why)) => {
                self.runs.get_or_insert(place);
                let text = format!("{what}: `{program}` cannot be run: {why}");
                (severity.min(Severity::Warning), text, "each run fails")
            }
        };
        self.problems
            .add(Problem::new(severity, place, text).hint(hint));
    }

    fn security(&mut self) {
        if self.config.global.script_security {
            return;
        }
        if let Some(place) = self.runs {
            let text = "scripts are run, and `enable_script_security` is not set";
            let hint = "write script_user and enable_script_security in global_defs: \
                        else a script that others can change is run as root";
            self.problems.warning(place, text, hint);
        }
    }
}
