//! The options of `lvs-director run`, which are keepalived's where it has them.

use std::path::PathBuf;

use clap::{Arg, ArgAction, ArgMatches, Command, ValueHint};

use crate::conf::frame::Survey;
use crate::conf::model::Config;
use crate::host::syslog::Facility;
use crate::supervise::{Needs, Program};

/// How a director is to run.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The configuration.
    pub file: String,
    /// What `@ID` is compared with; the name of the host otherwise.
    pub id: Option<String>,
    /// In the background.
    pub daemon: bool,
    /// The log goes to standard error.
    pub console: bool,
    /// It goes to syslog, too.
    pub syslog: Option<Facility>,
    /// It goes to this file, too.
    pub log_file: Option<PathBuf>,
    /// Where the number of this process is written, if somebody says so.
    pub pid_file: Option<PathBuf>,
    /// The same of the programs, in the order of [`Program::ALL`].
    pub pid_files: [Option<PathBuf>; 2],
    /// Only the addresses.
    pub vrrp_only: bool,
    /// Only the table.
    pub check_only: bool,
    /// A program that has ended is started again.
    pub respawns: bool,
    /// The table stays at the end.
    pub keeps_table: bool,
    /// How many seconds the weight of a server that comes back grows.
    pub slow_start: Option<String>,
    /// Core files may be left.
    pub core_files: bool,
    /// What the mode of new files lacks.
    pub umask: Option<u32>,
    /// The network namespace in which all is done.
    pub namespace: Option<String>,
    /// Where the programs are.
    pub programs: Option<PathBuf>,
}

fn flag(id: &'static str, short: char, long: &'static str, help: &'static str) -> Arg {
    Arg::new(id)
        .short(short)
        .long(long)
        .action(ArgAction::SetTrue)
        .help(help)
}

fn file(id: &'static str, help: &'static str) -> Arg {
    Arg::new(id)
        .long(id)
        .value_name("FILE")
        .value_hint(ValueHint::FilePath)
        .help(help)
}

/// What keepalived can do and a director has no use for: it is taken, so that command lines of
/// keepalived work, and said to have no effect. The last ones have a value.
fn without_effect() -> impl Iterator<Item = Arg> {
    let flags = [
        (Some('D'), "log-detail", "No effect: all is logged"),
        (
            Some('d'),
            "dump-conf",
            "No effect: `lvs-director show` prints it",
        ),
        (None, "flush-log-file", "No effect: it is always flushed"),
        (
            Some('a'),
            "address-monitoring",
            "No effect: what others do to addresses is not logged",
        ),
        (Some('B'), "no_bfd", "No effect: there is no BFD"),
        (
            None,
            "all",
            "No effect: programs start when there is something for them",
        ),
        (
            Some('X'),
            "release-vips",
            "No effect: who is not master has none",
        ),
        (
            Some('V'),
            "dont-release-vrrp",
            "No effect: addresses go at the end",
        ),
        (Some('x'), "snmp", "No effect: there is no SNMP"),
    ];
    let flags = flags.map(|(short, long, help)| {
        let flag = Arg::new(long).long(long).action(ArgAction::SetTrue);
        match short {
            Some(short) => flag.short(short).help(help),
            None => flag.help(help),
        }
    });
    let values = [
        file("snmp-agent-socket", "No effect: there is no SNMP").short('A'),
        file("bfd_pid", "No effect: there is no BFD").short('b'),
        Arg::new("core-dump-pattern")
            .short('M')
            .long("core-dump-pattern")
            .value_name("PATTERN")
            .help("No effect: it is the machine's, kernel.core_pattern"),
    ];
    flags.into_iter().chain(values)
}

/// The command, to which the options of the others come.
pub fn command() -> Command {
    Command::new("run")
        .about("Keep the addresses and the table as a configuration says")
        .display_name("lvs-director")
        .version(env!("CARGO_PKG_VERSION"))
        .disable_version_flag(true)
        // As for getopt: the last one counts.
        .args_override_self(true)
        .args([
            flag(
                "dont-fork",
                'n',
                "dont-fork",
                "Stay in the foreground, which is the default",
            ),
            Arg::new("daemon")
                .long("daemon")
                .action(ArgAction::SetTrue)
                .conflicts_with("dont-fork")
                .help("Go to the background when all runs"),
            file("config-test", "As `lvs-director check`; answer in a file")
                .short('t')
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value(""),
            flag(
                "log-console",
                'l',
                "log-console",
                "Log to standard error, wherever else",
            ),
            Arg::new("log-facility")
                .short('S')
                .long("log-facility")
                .value_name("FACILITY")
                .value_parser(facility)
                .help("Log to syslog: daemon, user, local0 to local7, or 0 to 7 for those"),
            file("log-file", "Log to a file").short('g'),
            flag("no-syslog", 'G', "no-syslog", "Do not log to syslog")
                .conflicts_with("log-facility"),
            file("pid", "Where the number of the process is written").short('p'),
            file("vrrp_pid", "The same of lvs-vrrp").short('r'),
            file("checkers_pid", "The same of lvs-check").short('c'),
            flag("vrrp", 'P', "vrrp", "Only the addresses, not the table").conflicts_with("check"),
            flag("check", 'C', "check", "Only the table, not the addresses"),
            flag(
                "dont-respawn",
                'R',
                "dont-respawn",
                "Start nothing again that has ended; end",
            ),
            flag(
                "dont-release-ipvs",
                'I',
                "dont-release-ipvs",
                "Leave the table at the end",
            ),
            Arg::new("slow-start")
                .long("slow-start")
                .value_name("SECONDS")
                .value_parser(seconds)
                .help("Let the weight of a server that comes back grow so long"),
            flag(
                "core-dump",
                'm',
                "core-dump",
                "Let processes leave core files",
            ),
            Arg::new("umask")
                .short('u')
                .long("umask")
                .value_name("NUMBER")
                .value_parser(octal)
                .help("What the mode of new files lacks, in octal"),
            Arg::new("namespace")
                .short('s')
                .long("namespace")
                .value_name("NAME")
                .help("Do all in this network namespace"),
            Arg::new("programs")
                .long("programs")
                .value_name("DIRECTORY")
                .value_hint(ValueHint::DirPath)
                .help("Where lvs-check and lvs-vrrp are; otherwise beside this program"),
            Arg::new("version")
                .short('v')
                .long("version")
                .action(ArgAction::Version)
                .help("Print the version"),
        ])
        .args(without_effect())
}

fn facility(text: &str) -> Result<Facility, String> {
    Facility::named(text).ok_or_else(|| "not a facility".to_owned())
}

fn seconds(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok();
    let seconds = seconds.filter(|seconds| (0.0..=86_400.0).contains(seconds));
    seconds.ok_or_else(|| "not a number of seconds up to 86400".to_owned())
}

fn octal(text: &str) -> Result<u32, String> {
    let number = u32::from_str_radix(text.strip_prefix("0o").unwrap_or(text), 8);
    let number = number.ok().filter(|bits| *bits <= 0o777);
    number.ok_or_else(|| "not an octal number up to 777".to_owned())
}

impl Settings {
    /// From a command line; `file` and `id` are those of all commands.
    pub fn of(found: &ArgMatches, file: &str, id: Option<&str>) -> Self {
        let path = |name: &str| found.get_one::<String>(name).map(absolute);
        let has = |name: &str| found.get_flag(name);
        let daemon = has("daemon");
        let facility: Option<Facility> = found.get_one("log-facility").copied();
        let log_file = path("log-file");
        let syslog = facility.or(daemon.then_some(Facility::DAEMON));
        let namespace: Option<String> = found.get_one("namespace").cloned();
        Settings {
            file: absolute(&file.to_owned()).to_string_lossy().into_owned(),
            id: id.map(str::to_owned),
            daemon,
            console: has("log-console") || !daemon && facility.is_none() && log_file.is_none(),
            syslog: syslog.filter(|_| !has("no-syslog")),
            log_file,
            pid_file: path("pid"),
            pid_files: Program::ALL.map(|program| match program {
                Program::Check => path("checkers_pid"),
                Program::Vrrp => path("vrrp_pid"),
            }),
            vrrp_only: has("vrrp"),
            check_only: has("check"),
            respawns: !has("dont-respawn"),
            keeps_table: has("dont-release-ipvs"),
            slow_start: found
                .get_one("slow-start")
                .map(|seconds: &f64| seconds.to_string()),
            core_files: has("core-dump"),
            umask: found.get_one("umask").copied(),
            namespace,
            programs: path("programs"),
        }
    }
}

impl Settings {
    /// Where the number of this process is written: each network namespace may have a director.
    pub fn pid_file(&self, namespace: Option<&str>) -> PathBuf {
        let usual = || match namespace {
            Some(name) => PathBuf::from(format!("/run/lvs-director.{name}.pid")),
            None => PathBuf::from("/run/lvs-director.pid"),
        };
        self.pid_file.clone().unwrap_or_else(usual)
    }

    /// Where a program is: beside this one, or wherever PATH says.
    pub fn path_of(&self, program: Program) -> PathBuf {
        let name = program.name();
        if let Some(directory) = &self.programs {
            return directory.join(name);
        }
        let own = std::env::current_exe().ok();
        let beside = own.and_then(|own| Some(own.parent()?.join(name)));
        let there = beside.filter(|path| path.is_file());
        there.unwrap_or_else(|| PathBuf::from(name))
    }

    /// What a configuration has something for.
    pub fn needs(&self, survey: &Survey) -> Needs {
        Needs {
            check: survey.virtual_servers > 0 && !self.vrrp_only,
            vrrp: !survey.reading.config.instances.is_empty() && !self.check_only,
        }
    }

    /// The network namespace in which all is done: this one's, or that of the configuration.
    pub fn namespace<'a>(&'a self, config: &'a Config) -> Option<&'a str> {
        let namespace = self.namespace.as_ref().or(config.net_namespace.as_ref());
        namespace.map(String::as_str)
    }
}

/// One in the background is in another directory.
fn absolute(path: &String) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| PathBuf::from(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(line: &str) -> Settings {
        let words = line.split_whitespace();
        let found = command().try_get_matches_from(["run"].into_iter().chain(words));
        Settings::of(&found.unwrap(), "/f", None)
    }

    #[test]
    fn the_log_goes_where_keepalived_lets_it_go() {
        let told = |line: &str| {
            let settings = settings(line);
            (
                settings.console,
                settings.syslog.is_some(),
                settings.log_file.is_some(),
            )
        };
        for (line, expected) in [
            ("", (true, false, false)),
            ("-n", (true, false, false)),
            ("-D -S 3", (false, true, false)),
            ("-l -S local3", (true, true, false)),
            ("-g /x", (false, false, true)),
            ("--daemon", (false, true, false)),
            ("--daemon -G -g /x", (false, false, true)),
            ("--daemon -l", (true, true, false)),
        ] {
            assert_eq!(told(line), expected, "{line}");
        }
    }

    #[test]
    fn what_contradicts_itself_or_is_no_number_is_refused() {
        for line in ["-P -C", "-n --daemon", "-S 9", "-u 8", "-u 1000", "-G -S 1"] {
            let words = line.split_whitespace();
            let found = command().try_get_matches_from(["run"].into_iter().chain(words));
            assert!(found.is_err(), "{line}");
        }
        assert_eq!(settings("-u 027").umask, Some(0o27));
    }

    #[test]
    fn command_lines_of_keepalived_are_taken() {
        for line in [
            // Of units, default files and images.
            "-D",
            "-D -d -S 0",
            "-x -D -S 6",
            "--dont-fork --log-console --log-detail --dump-conf --release-vips --pid /a.pid",
            "-n -l -D -G -P -p /a -r /b",
            "--vrrp --vrrp_pid=/b --checkers_pid=/c --bfd_pid=/d -b /d",
            "-nlDdVIRXaBmx --all -A /s -M core --flush-log-file",
            "-tn",
            "--dont-fork -n -D -D -p /a -p /b",
        ] {
            let words = line.split_whitespace();
            let found = command().try_get_matches_from(["run"].into_iter().chain(words));
            assert!(found.is_ok(), "{line}: {found:?}");
        }
        let pid_files = settings("-c /c -r /r").pid_files;
        assert_eq!(pid_files, ["/c", "/r"].map(|path| Some(path.into())));
    }

    #[test]
    fn each_network_namespace_has_its_own_pid_file() {
        let of_file = Config {
            net_namespace: Some("f".to_owned()),
            ..Config::default()
        };
        for (line, config, expected) in [
            ("", &Config::default(), "/run/lvs-director.pid"),
            ("", &of_file, "/run/lvs-director.f.pid"),
            ("-s a", &of_file, "/run/lvs-director.a.pid"),
            ("-s a -p /x", &of_file, "/x"),
        ] {
            let settings = settings(line);
            let file = settings.pid_file(settings.namespace(config));
            assert_eq!(file, PathBuf::from(expected), "{line}");
        }
    }
}
