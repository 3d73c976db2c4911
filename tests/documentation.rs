//! Holds the manual page, the help text and the completions to the program.
//!
//! With `LVSKIT_BLESS=1` in the environment the completions and the help text are written anew
//! instead.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::{env, fs, io};

use clap::{Command, ValueHint};
use clap_complete::{Generator, Shell};

use lvskit::addr::{Family, Protocol, Resolve};
use lvskit::cli::ipvsadm::help;
use lvskit::cli::lvs_vrrp::arguments as lvs_vrrp;
use lvskit::cli::{lvs_check, lvs_realserver, lvs_vip};
use lvskit::host::error_text;
use lvskit::ipvs::refusal::{Operation, Refusal};
use lvskit::ipvs::rule::options::{Group, OPTIONS, Opt, Spec, Value};
use lvskit::ipvs::rule::{self, Context};
use lvskit::report::ipvsadm as status;

/// The schedulers of Linux, and none.
const SCHEDULERS: [&str; 15] = [
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh", "twos",
    "none",
];

const SCHEDULER_FLAGS: [&str; 7] = [
    "flag-1",
    "flag-2",
    "flag-3",
    "sh-fallback",
    "sh-port",
    "mh-fallback",
    "mh-port",
];

const TUNNEL_TYPES: [&str; 3] = ["ipip", "gue", "gre"];

const ROLES: [&str; 2] = ["master", "backup"];

#[test]
fn the_manual_page_has_a_paragraph_for_each_option_of_the_table_in_its_order() {
    let page = page("ipvsadm.8");
    let paragraphs: Vec<&str> = section(&page, "OPTIONS")
        .lines()
        .filter(|line| line.starts_with(".It Fl "))
        .collect();
    let expected: Vec<String> = OPTIONS.iter().map(paragraph).collect();
    assert_eq!(paragraphs, expected);
}

#[test]
fn the_manual_page_has_the_options_under_the_titles_of_the_help_text() {
    let page = page("ipvsadm.8");
    let mut title = "";
    let mut under = Vec::new();
    for line in section(&page, "OPTIONS").lines() {
        if let Some(text) = line.strip_prefix(".Ss ") {
            title = text;
        } else if line.starts_with(".It Fl ") {
            under.push(title);
        }
    }
    // "Commands (one, and first)" is "Commands" there.
    let title_of = |option: &Spec| option.group.title().split(" (").next().unwrap();
    let expected: Vec<&str> = OPTIONS.iter().map(title_of).collect();
    assert_eq!(under, expected);
}

#[test]
fn the_manual_page_names_no_option_that_does_not_exist() {
    let page = page("ipvsadm.8");
    let mut known = BTreeSet::new();
    for option in OPTIONS {
        known.insert(format!("-{}", option.long));
        known.extend(option.short.iter().map(|&letter| letter_text(letter)));
    }
    let named: BTreeSet<String> = page.lines().flat_map(flags_named_in).collect();
    let unknown: Vec<_> = named.difference(&known).collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    // Else this test would look for them in the wrong way.
    assert_eq!(named.len(), known.len());
}

#[test]
fn each_command_in_the_manual_pages_is_one_that_the_program_understands() {
    let pages = [
        page("ipvsadm.8"),
        page("ipvsadm-save.8"),
        page("ipvsadm-restore.8"),
    ];
    let lines: Vec<String> = pages
        .iter()
        .flat_map(|page| displayed_lines(page))
        .collect();
    let commands: Vec<&str> = lines
        .iter()
        .map(|line| line.trim_start_matches("# "))
        .filter_map(|line| match line.strip_prefix("ipvsadm -") {
            Some(_) => line.strip_prefix("ipvsadm "),
            None => line.starts_with('-').then_some(line),
        })
        .collect();
    assert!(commands.len() > 25, "only {} were found", commands.len());
    for command in commands {
        let command = command.split(['<', '>', '|']).next().unwrap();
        let words: Vec<&[u8]> = command.split_whitespace().map(str::as_bytes).collect();
        if let Err(problem) = rule::parse(&words, context()) {
            panic!("{command}: {problem:?}");
        }
    }
}

#[test]
fn the_exit_statuses_in_the_manual_page_are_those_of_the_program() {
    let page = page("ipvsadm.8");
    let statuses: Vec<u8> = section(&page, "EXIT STATUS")
        .lines()
        .filter_map(|line| line.strip_prefix(".It "))
        .map(|status| status.parse().unwrap())
        .collect();
    let expected = [status::DONE, status::FAILED, status::USAGE, status::REFUSED];
    assert_eq!(statuses, expected);
}

#[test]
fn each_refusal_that_has_words_of_its_own_is_in_the_manual_page() {
    let page = page("ipvsadm.8");
    let diagnostics = section(&page, "DIAGNOSTICS");
    for operation in [
        Operation::AddService,
        Operation::EditService,
        Operation::FindService,
        Operation::AddDestination,
        Operation::FindDestination,
        Operation::StartDaemon,
        Operation::StopDaemon,
        Operation::Other,
    ] {
        for errno in 1..134 {
            let text = Refusal { operation, errno }.to_string();
            if text != error_text(&io::Error::from_raw_os_error(errno)) {
                assert!(diagnostics.contains(&text), "{text}");
            }
        }
    }
}

#[test]
fn the_help_text_has_a_line_for_each_option() {
    let text = help::text("ipvsadm");
    let lines: Vec<&str> = text.lines().map(str::trim_start).collect();
    for option in OPTIONS {
        let long = option.long;
        let name = match option.short.first() {
            Some(&letter) => format!("{}, --{long}", letter_option(letter)),
            None => format!("--{long}"),
        };
        let has = |line: &&str| {
            line.strip_prefix(name.as_str())
                .is_some_and(|rest| rest.starts_with(' '))
        };
        assert!(lines.iter().any(has), "{name}");
    }
}

#[test]
fn the_completions_are_those_of_the_options() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut made = Vec::new();
        clap_complete::generate(shell, &mut completable(), "ipvsadm", &mut made);
        let made = String::from_utf8(made).unwrap();
        let file = project()
            .join("completions")
            .join(shell.file_name("ipvsadm"));
        assert_stored(&file, &made);
    }
}

#[test]
fn the_help_text_is_that_of_the_options() {
    assert_stored(&project().join("src/cli/ipvsadm/help.txt"), &help::render());
}

/// A program whose command line is clap's, with its manual page.
struct Program {
    name: &'static str,
    command: Command,
    understands: fn(Vec<OsString>) -> bool,
    /// How many commands its manual page shows.
    examples: usize,
    statuses: &'static [u8],
}

fn programs() -> [Program; 2] {
    [
        {
            use lvskit::report::lvs_realserver as status;
            Program {
                name: "lvs-realserver",
                command: lvs_realserver::arguments::command(),
                understands: |words| lvs_realserver::arguments::parse(words).is_ok(),
                examples: 4,
                statuses: &[
                    status::DONE,
                    status::FAILED,
                    status::USAGE,
                    status::STOPPED,
                    status::PARTLY,
                ],
            }
        },
        {
            use lvskit::report::lvs_vip as status;
            Program {
                name: "lvs-vip",
                command: lvs_vip::arguments::command(),
                understands: |words| lvs_vip::arguments::parse(words).is_ok(),
                examples: 3,
                statuses: &[
                    status::DONE,
                    status::FAILED,
                    status::USAGE,
                    status::ABSENT,
                    status::PARTLY,
                ],
            }
        },
    ]
}

impl Program {
    fn page(&self) -> String {
        page(&format!("{}.8", self.name))
    }
}

#[test]
fn the_manual_page_of_each_program_has_a_paragraph_for_each_option() {
    for program in programs() {
        let page = program.page();
        let paragraphs: BTreeSet<&str> = section(&page, "OPTIONS")
            .lines()
            .filter(|line| line.starts_with(".It Fl "))
            .collect();
        let mut expected = BTreeSet::new();
        let mut synopsis = section(&page, "SYNOPSIS").split(".Nm\n").skip(1);
        for command in program.command.get_subcommands() {
            let form = synopsis.next().unwrap();
            assert!(form.starts_with(&format!(".Cm {}\n", command.get_name())));
            for option in command.get_opts().chain(command.get_arguments()) {
                let Some(long) = option.get_long() else {
                    continue;
                };
                assert!(form.contains(&format!("Fl -{long}")), "{long}: {form}");
                let takes_value = option.get_action().takes_values();
                let value = option.get_value_names().filter(|_| takes_value);
                let value = value.map(|names| names[0].as_str());
                expected.insert(match value {
                    Some(value) if option.is_require_equals_set() => {
                        format!(".It Fl -{long} Ns Op = Ns Ar {value}")
                    }
                    Some(value) => format!(".It Fl -{long} Ar {value}"),
                    None => format!(".It Fl -{long}"),
                });
            }
        }
        let expected: BTreeSet<&str> = expected.iter().map(String::as_str).collect();
        assert_eq!(paragraphs, expected, "{}", program.name);
    }
}

#[test]
fn each_command_in_the_manual_page_of_each_program_is_understood() {
    for program in programs() {
        let lines = displayed_lines(&program.page());
        let commands: Vec<&str> = lines
            .iter()
            .filter_map(|line| line.strip_prefix("# "))
            .collect();
        assert_eq!(commands.len(), program.examples, "{}", program.name);
        for command in commands {
            let words = command.split(' ').map(OsString::from).collect();
            assert!((program.understands)(words), "{command}");
        }
    }
}

#[test]
fn the_exit_statuses_in_the_manual_page_of_each_program_are_those_of_the_program() {
    for program in programs() {
        let page = program.page();
        let statuses: Vec<u8> = section(&page, "EXIT STATUS")
            .lines()
            .filter_map(|line| line.strip_prefix(".It "))
            .map(|status| status.parse().unwrap())
            .collect();
        assert_eq!(statuses, program.statuses, "{}", program.name);
    }
}

#[test]
fn the_completions_of_each_program_are_those_of_its_command_line() {
    for mut program in programs() {
        for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
            let mut made = Vec::new();
            clap_complete::generate(shell, &mut program.command, program.name, &mut made);
            let made = String::from_utf8(made).unwrap();
            let file = shell.file_name(program.name);
            assert_stored(&project().join("completions").join(file), &made);
        }
    }
}

#[test]
fn the_manual_page_of_lvs_vrrp_has_a_paragraph_for_each_option() {
    let page = page("lvs-vrrp.8");
    let paragraphs: BTreeSet<String> = section(&page, "OPTIONS")
        .lines()
        .filter(|line| line.starts_with(".It Fl "))
        .flat_map(|line| line.split(" Fl -").skip(1))
        .map(|rest| rest.split_whitespace().next().unwrap().to_owned())
        .collect();
    let command = lvs_vrrp::command();
    let options = command
        .get_subcommands()
        .flat_map(|command| command.get_opts().chain(command.get_arguments()));
    let expected: BTreeSet<String> = options
        .filter_map(|option| option.get_long())
        .map(str::to_owned)
        .collect();
    assert_eq!(paragraphs, expected);
}

#[test]
fn each_command_in_the_manual_page_of_lvs_vrrp_is_understood() {
    let lines = displayed_lines(&page("lvs-vrrp.8"));
    let commands: Vec<&str> = lines
        .iter()
        .filter_map(|line| line.strip_prefix("# "))
        .collect();
    assert_eq!(commands.len(), 6);
    let secrets = lvs_vrrp::Secrets {
        variable: &|_| None,
        file: &|_| Some(b"secret".to_vec()),
    };
    for command in commands {
        let words = command.split(' ').map(OsString::from);
        let parsed = lvs_vrrp::parse(words, &secrets);
        assert!(parsed.is_ok(), "{command}: {parsed:?}");
    }
}

#[test]
fn the_exit_statuses_in_the_manual_page_of_lvs_vrrp_are_those_of_the_program() {
    let page = page("lvs-vrrp.8");
    let statuses: Vec<u8> = section(&page, "EXIT STATUS")
        .lines()
        .filter_map(|line| line.strip_prefix(".It "))
        .map(|status| status.parse().unwrap())
        .collect();
    use lvskit::report::lvs_vrrp as status;
    let expected = [
        status::DONE,
        status::BACKUP,
        status::USAGE,
        status::NONE,
        status::SEVERAL,
    ];
    assert_eq!(statuses, expected);
}

#[test]
fn the_completions_of_lvs_vrrp_are_those_of_its_command_line() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut made = Vec::new();
        clap_complete::generate(shell, &mut lvs_vrrp::command(), "lvs-vrrp", &mut made);
        let made = String::from_utf8(made).unwrap();
        let file = shell.file_name("lvs-vrrp");
        assert_stored(&project().join("completions").join(file), &made);
    }
}

#[test]
fn the_manual_page_of_lvs_check_has_a_paragraph_for_each_option() {
    let page = page("lvs-check.8");
    let options: BTreeSet<String> = lvs_check::arguments::command()
        .get_subcommands()
        .flat_map(|command| command.get_arguments())
        .filter_map(|option| option.get_long().map(str::to_owned))
        .collect();
    let paragraphs: Vec<&str> = section(&page, "OPTIONS")
        .lines()
        .filter_map(|line| line.strip_prefix(".It Fl -"))
        .filter_map(|line| line.split(' ').next())
        .collect();
    let described: BTreeSet<String> = paragraphs.iter().map(|&name| name.to_owned()).collect();
    assert_eq!(described, options);
    assert_eq!(described.len(), paragraphs.len(), "one is there twice");
}

#[test]
fn each_command_in_the_manual_page_of_lvs_check_is_one_that_it_understands() {
    let lines = displayed_lines(&page("lvs-check.8"));
    let commands: Vec<&String> = lines
        .iter()
        .filter(|line| line.starts_with("# lvs-check "))
        .collect();
    assert!(commands.len() > 5, "only {} were found", commands.len());
    for command in commands {
        let words = command.split_whitespace().skip(1).map(Into::into);
        let result = lvs_check::arguments::parse(words);
        assert!(result.is_ok(), "{command}: {result:?}");
    }
}

#[test]
fn the_exit_statuses_of_lvs_check_are_in_its_manual_page() {
    use lvskit::report::lvs_check::{DOWN, UP, USAGE};
    let page = page("lvs-check.8");
    let statuses: Vec<u8> = section(&page, "EXIT STATUS")
        .lines()
        .filter_map(|line| line.strip_prefix(".It "))
        .map(|status| status.parse().unwrap())
        .collect();
    assert_eq!(statuses, [UP, DOWN, USAGE]);
}

#[test]
fn the_completions_of_lvs_check_are_those_of_its_options() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let (mut command, mut made) = (lvs_check::arguments::command(), Vec::new());
        clap_complete::generate(shell, &mut command, "lvs-check", &mut made);
        let made = String::from_utf8(made).unwrap();
        let name = shell.file_name("lvs-check");
        assert_stored(&project().join("completions").join(name), &made);
    }
}

/// A file that is made from the table holds what is made of it now.
fn assert_stored(file: &Path, made: &str) {
    if env::var_os("LVSKIT_BLESS").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, made).unwrap();
    }
    let stored = fs::read_to_string(file).unwrap_or_default();
    assert!(
        stored == made,
        "{} is out of date; LVSKIT_BLESS=1 writes it anew",
        file.display()
    );
}

#[test]
fn each_value_that_is_completed_is_one_that_the_program_takes() {
    let understood = |line: &str| {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let result = rule::parse(&words, context());
        assert!(result.is_ok(), "{line}: {result:?}");
    };
    for role in ROLES {
        understood(&format!("--start-daemon {role}"));
        understood(&format!("--stop-daemon {role}"));
    }
    for scheduler in SCHEDULERS {
        understood(&format!("-A -f 1 -s {scheduler}"));
    }
    for flag in SCHEDULER_FLAGS {
        let scheduler = flag.split('-').next().filter(|name| *name != "flag");
        let scheduler = scheduler.unwrap_or("rr");
        understood(&format!("-A -f 1 -s {scheduler} -b {flag}"));
    }
    for kind in TUNNEL_TYPES {
        let port = if kind == "gue" { " --tun-port 1" } else { "" };
        understood(&format!("-a -f 1 -r 10.0.0.1 -i --tun-type {kind}{port}"));
    }
}

/// The command with what completion can use beyond the help text: which values there are, which
/// are hosts, and that there is one command to a line.
fn completable() -> Command {
    let commands: Vec<&str> = OPTIONS
        .iter()
        .filter(|option| is_command(option.group))
        .map(|option| option.long)
        .collect();
    OPTIONS.iter().fold(help::command(), |command, option| {
        command.mut_arg(option.long, |argument| {
            let argument = match option.opt {
                Opt::StartDaemon | Opt::StopDaemon => argument.value_parser(ROLES),
                Opt::Scheduler => argument.value_parser(SCHEDULERS),
                Opt::SchedulerFlags => argument.value_parser(SCHEDULER_FLAGS),
                Opt::Engine => argument.value_parser(["sip"]),
                Opt::TunnelType => argument.value_parser(TUNNEL_TYPES),
                Opt::TcpService | Opt::UdpService | Opt::SctpService | Opt::RealServer => {
                    // zsh would take the colon of HOST[:PORT] for its own.
                    argument.value_name("HOST").value_hint(ValueHint::Hostname)
                }
                Opt::Apply => argument.value_hint(ValueHint::FilePath),
                _ if option.value != Value::None => argument.value_hint(ValueHint::Other),
                _ => argument,
            };
            match option.group {
                group if is_command(group) => argument
                    .conflicts_with_all(commands.iter().filter(|&&command| command != option.long)),
                _ => argument,
            }
        })
    })
}

fn is_command(group: Group) -> bool {
    matches!(group, Group::Command | Group::NewCommand)
}

/// How the manual page begins the paragraph of an option.
fn paragraph(option: &Spec) -> String {
    let mut names: Vec<String> = option
        .short
        .iter()
        .map(|&letter| format!("Fl {}", char::from(letter)))
        .collect();
    names.push(format!("Fl -{}", option.long));
    let value = match (option.opt, option.value) {
        // Its values are words of the line, not the option's.
        (Opt::Set, _) => " Ar TCP TCPFIN UDP".to_owned(),
        (_, Value::None) => String::new(),
        (_, Value::Required(name)) => format!(" Ar {name}"),
        (_, Value::Optional(name)) => format!(" Op Ar {name}"),
    };
    format!(".It {}{value}", names.join(" , "))
}

/// The options that a line of mdoc(7) names, without the first dash: the arguments of `Fl`, and
/// words that begin with two dashes.
fn flags_named_in(line: &str) -> Vec<String> {
    let mut flags = Vec::new();
    let mut words = line.split_whitespace();
    if line.starts_with('.') {
        let mut in_flag = false;
        for word in words.by_ref() {
            let word = word.trim_start_matches('.');
            match word {
                "Fl" => in_flag = true,
                "Op" | "Ar" | "Li" | "Cm" | "Pq" | "Ns" | "It" => in_flag = false,
                "" | "," | "|" | ";" | ":" => {}
                _ if in_flag => flags.push(word.to_owned()),
                _ => {}
            }
        }
    }
    let text = unescaped(line);
    for word in text.split_whitespace() {
        if let Some(name) = word.strip_prefix("--") {
            let name = name.split('=').next().unwrap();
            if !name.is_empty()
                && name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte == b'-')
            {
                flags.push(format!("-{name}"));
            }
        }
    }
    flags
}

/// The lines that are shown as they are, without what mdoc(7) needs in them.
fn displayed_lines(page: &str) -> Vec<String> {
    let mut displayed = Vec::new();
    let mut in_display = false;
    for line in page.lines() {
        if line.starts_with(".Bd -literal") {
            in_display = true;
        } else if line == ".Ed" {
            in_display = false;
        } else if in_display {
            displayed.push(unescaped(line));
        } else if let Some(line) = line.strip_prefix(".Dl ") {
            displayed.push(unescaped(line));
        }
    }
    displayed
}

fn unescaped(line: &str) -> String {
    line.replace(r"\-", "-")
        .replace(r"\&", "")
        .replace(r"\e", r"\")
}

/// The text of one section.
fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let heading = format!("\n.Sh {title}\n");
    let (_, rest) = page.split_once(&heading).unwrap();
    rest.split("\n.Sh ").next().unwrap()
}

fn letter_text(letter: u8) -> String {
    char::from(letter).to_string()
}

fn letter_option(letter: u8) -> String {
    format!("-{}", char::from(letter))
}

fn page(name: &str) -> String {
    fs::read_to_string(project().join("man").join(name)).unwrap()
}

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// How command lines are read here: nobody has a name.
fn context() -> Context<'static> {
    struct Nobody;

    impl Resolve for Nobody {
        fn address(&self, _: &str, _: Family) -> Option<IpAddr> {
            None
        }
        fn port(&self, _: &str, _: Protocol) -> Option<u16> {
            None
        }
    }

    Context {
        names: &Nobody,
        posixly_correct: false,
    }
}
