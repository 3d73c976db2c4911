//! keepalived.conf: the verdicts of the real program, what is told, what is written again, and
//! that no text makes it panic or wait.
//!
//! `tests/conf/verdicts.jsonl` is what keepalived 2.2.7 (Debian 12) answered to small
//! configurations: never edit a line to make a test pass. `deviations.jsonl` says where we differ,
//! and why. `LVSKIT_KEEPALIVED_CORPUS` names a directory with more files and their
//! `verdicts.jsonl`; without it that test has nothing to look at.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use lvskit::cli::lvs_director::{Environment, run};
use lvskit::conf::expand::{Limits, Outside, Unreadable};
use lvskit::conf::lists::Names;
use lvskit::conf::machine::{self, Machine, Obstacle};
use lvskit::conf::model::{
    Authentication, Checker, CheckerKind, Config, GarpGroup, Global, Instance, RealServer, Script,
    Settings, SslGlobal, SyncGroup, TrackFile, TrackGroup, TrackProcess, Url, VirtualServer,
};
use lvskit::conf::problem::{Problem, Severity};
use lvskit::conf::{self, Reading, keywords, lex, write};
use lvskit::ipvs::{Forwarding, SchedulerFlags};
use proptest::prelude::*;
use proptest::sample::select;
use serde::Deserialize;

/// A machine without files, and with the programs and accounts of the one where the verdicts were
/// measured.
#[derive(Default)]
struct Elsewhere {
    files: HashMap<String, String>,
    absent_interfaces: Vec<String>,
}

impl Outside for Elsewhere {
    fn read(&self, path: &str) -> Result<String, Unreadable> {
        self.files.get(path).cloned().ok_or(Unreadable {
            missing: true,
            why: "No such file or directory".into(),
        })
    }
    fn matching(&self, pattern: &str) -> Vec<String> {
        let (before, after) = pattern.split_once('*').unwrap_or((pattern, ""));
        let matches = |path: &&String| {
            let inner = path
                .strip_prefix(before)
                .and_then(|path| path.strip_suffix(after));
            inner.is_some_and(|inner| !inner.contains('/'))
        };
        let mut found: Vec<String> = self.files.keys().filter(matches).cloned().collect();
        found.sort();
        found
    }
    fn variable(&self, name: &str) -> Option<String> {
        (name == "HOME").then(|| "/root".into())
    }
    fn identity(&self) -> &str {
        "director"
    }
    fn random(&self, least: u32, _: u32) -> u32 {
        least
    }
}

impl Machine for Elsewhere {
    fn has_interface(&self, name: &str) -> bool {
        !self.absent_interfaces.iter().any(|absent| absent == name)
    }
    fn can_run(&self, program: &str) -> Result<(), Obstacle> {
        match program {
            "/bin/true" | "/bin/false" | "true" | "false" | "/bin/sh" | "sh" => Ok(()),
            "killall" | "/usr/bin/killall" | "pidof" | "/bin/pidof" | "/usr/bin/pgrep"
            | "pgrep" | "/bin/bash" => Ok(()),
            "/etc" | "/etc/passwd" => Err(Obstacle::Unusable("it is not executable".into())),
            _ => Err(Obstacle::Missing),
        }
    }
    fn has_user(&self, name: &str) -> bool {
        ["root", "nobody"].contains(&name)
    }
    fn has_group(&self, name: &str) -> bool {
        ["root", "nogroup"].contains(&name)
    }
    fn has_route_name(&self, of: Names, name: &str) -> bool {
        of == Names::Protocols && name == "bird"
    }
    fn resolves(&self, host: &str) -> bool {
        host == "localhost"
    }
}

fn read(text: &str) -> Reading {
    conf::read("a.conf", text, &Elsewhere::default())
}

fn worst(reading: &Reading) -> Severity {
    let severities = reading.problems.iter().map(|problem| problem.severity);
    severities.max().unwrap_or(Severity::Note)
}

/// What keepalived answered to a configuration.
#[derive(Deserialize)]
struct Verdict {
    #[serde(alias = "file")]
    case: String,
    #[serde(alias = "exit_status")]
    status: i32,
    messages: Vec<String>,
    #[serde(default)]
    text: String,
}

impl Verdict {
    /// The interfaces that keepalived did not find.
    fn absent_interfaces(&self) -> Vec<String> {
        let name = |message: &String| {
            let (_, after) = message
                .split_once("interface ")
                .or(message.split_once("VRF "))?;
            let (name, rest) = after.split_once(' ')?;
            let is_absent = rest.contains("doesn't exist")
                || message.contains("unknown interface ")
                || rest.starts_with("not found");
            is_absent.then(|| name.to_owned())
        };
        self.messages.iter().filter_map(name).collect()
    }

    /// Whether ours is another, and what ours is.
    fn differs(&self, text: &str) -> Option<String> {
        let there = Elsewhere {
            absent_interfaces: self.absent_interfaces(),
            ..Elsewhere::default()
        };
        let mut reading = conf::read(&self.case, text, &there);
        machine::check(&mut reading, &there);
        let ours_is_fine = worst(&reading) == Severity::Note;
        ((self.status == 0) != ours_is_fine).then(|| {
            let told: Vec<String> = reading
                .problems
                .iter()
                .map(|problem| problem.render(&reading.sources))
                .collect();
            format!(
                "{}: keepalived {} {:?}, ours:\n{}",
                self.case,
                self.status,
                self.messages,
                told.concat()
            )
        })
    }
}

/// A case that is judged otherwise on purpose.
#[derive(Deserialize)]
struct Deviation {
    case: String,
    because: String,
}

fn lines<T: for<'de> Deserialize<'de>>(path: &Path) -> Vec<T> {
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn data(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/conf")
        .join(name)
}

/// Fails with the verdicts that differ without a reason, and with reasons that are needed no more.
fn compare(verdicts: &[Verdict], deviations: &str, text: impl Fn(&Verdict) -> String) {
    let deviations: Vec<Deviation> = lines(&data(deviations));
    let mut faults = Vec::new();
    for verdict in verdicts {
        let known = deviations.iter().find(|d| d.case == verdict.case);
        match (verdict.differs(&text(verdict)), known) {
            (Some(difference), None) => faults.push(difference),
            (None, Some(known)) => faults.push(format!(
                "{}: agrees, though it is said to differ because {}",
                known.case, known.because
            )),
            _ => {}
        }
    }
    assert!(faults.is_empty(), "\n{}", faults.join("\n"));
}

#[test]
fn a_configuration_as_one_text_is_read_again_to_the_same() {
    let verdicts: Vec<Verdict> = lines(&data("verdicts.jsonl"));
    let there = Elsewhere::default();
    let mut compared = 0;
    for verdict in verdicts {
        let (reading, text) = conf::read_flat("a.conf", &*verdict.text, &there);
        // What does not come to an end, does not begin.
        if worst(&reading) < Severity::Error {
            let (again, same) = conf::read_flat("b.conf", &*text, &Elsewhere::default());
            assert_eq!(again.config, reading.config, "{}: {text}", verdict.case);
            assert_eq!(same, text, "{}", verdict.case);
            compared += 1;
        }
    }
    assert!(compared > 200, "{compared}");
}

#[test]
fn small_configurations_are_judged_as_keepalived_judges_them() {
    let verdicts: Vec<Verdict> = lines(&data("verdicts.jsonl"));
    assert!(verdicts.len() > 350);
    compare(&verdicts, "deviations.jsonl", |verdict| {
        verdict.text.clone()
    });
}

#[test]
fn real_files_are_judged_as_keepalived_judges_them() {
    let Some(corpus) = env::var_os("LVSKIT_KEEPALIVED_CORPUS") else {
        return;
    };
    let corpus = Path::new(&corpus);
    let verdicts: Vec<Verdict> = lines(&corpus.join("verdicts.jsonl"));
    compare(&verdicts, "corpus-deviations.jsonl", |verdict| {
        let bytes = fs::read(corpus.join(&verdict.case)).unwrap();
        String::from_utf8_lossy(&bytes).into_owned()
    });
    for verdict in &verdicts {
        let bytes = fs::read(corpus.join(&verdict.case)).unwrap();
        shows_the_same_again(&String::from_utf8_lossy(&bytes));
    }
}

/// What is shown is read again to the same, and shows the same.
fn shows_the_same_again(text: &str) {
    let original = read(text);
    let first = original.config.clone().effective();
    let shown = write::text(&first);
    // A definition may leave a line that begins with `include`, and is none; nothing can say so.
    if shown
        .lines()
        .any(|line| line.trim_start().starts_with("include"))
    {
        return;
    }
    // Behind a `\` a `"` ends a word, and not what is no comment; nothing can say so either.
    if shown.contains("\\\"") {
        return;
    }
    let again = read(&shown);
    let second = again.config.clone().effective();
    assert_eq!(write::text(&second), shown, "from:\n{text}");
    assert_eq!(write::json(&second), write::json(&first), "from:\n{text}");
    assert_eq!(second, first, "{shown}");
    // No mistake is new; most are gone with what they were in.
    let errors = |reading: &Reading| -> Vec<String> {
        let is_error = |problem: &&Problem| problem.severity >= Severity::Error;
        let errors = reading.problems.iter().filter(is_error);
        errors.map(|problem| problem.text.clone()).collect()
    };
    let before = errors(&original);
    for error in errors(&again) {
        assert!(before.contains(&error), "{error} in\n{shown}");
    }
}

#[test]
fn what_is_shown_is_read_again_to_the_same() {
    for verdict in lines::<Verdict>(&data("verdicts.jsonl")) {
        shows_the_same_again(&verdict.text);
    }
}

#[test]
fn scripts_are_split_twice() {
    for (written, line, arguments) in [
        ("/bin/a b", "/bin/a", vec!["/bin/a"]),
        ("\"/bin/a b\"", "/bin/a b", vec!["/bin/a", "b"]),
        ("'/bin/a b'", "/bin/a b", vec!["/bin/a", "b"]),
        (
            "'/bin/sh -c \"! test -e /x\"'",
            "/bin/sh -c \"! test -e /x\"",
            vec!["/bin/sh", "-c", "! test -e /x"],
        ),
        (
            "\"/bin/sh -c \\\"exit 1\\\"\"",
            "/bin/sh -c \"exit 1\"",
            vec!["/bin/sh", "-c", "exit 1"],
        ),
        (
            "\"/bin/awk '{ print }' \\\"\\173\\175\\\"\"",
            "/bin/awk '{ print }' \"{}\"",
            vec!["/bin/awk", "{ print }", "{}"],
        ),
    ] {
        let reading = read(&format!("vrrp_script S {{\n script {written}\n}}\n"));
        let script = reading.config.scripts[0].script.as_ref().unwrap();
        assert_eq!(script.line, line, "{written}");
        assert_eq!(lex::arguments(&script.line).unwrap(), arguments);
        shows_the_same_again(&format!("vrrp_script S {{\n script {written}\n}}\n"));
    }
}

/// What keepalived 2.2.7 makes of them is in its dump of the configuration.
#[test]
fn definitions_of_several_lines_stand_where_they_are_used() {
    for (definitions, used, priority, interval) in [
        (
            "$B= \\\n priority 90 \\\n # not now \\\n advert_int 2\n",
            "$B",
            Some(90),
            2,
        ),
        (
            "$B=${_HASH}\n$C= \\\n nonsense \\\n priority 90\n",
            "$B $C",
            Some(90),
            1,
        ),
        (
            "$B=${_HASH}\n$C= \\\n ~SEQ(N, 1, 2) priority 9$N\n",
            "$B $C",
            None,
            1,
        ),
        (
            "$A= \\\n $B \\\n priority 90\n$B= \\\n advert_int 2 \\\n garp_master_delay 3\n",
            "$A",
            Some(90),
            2,
        ),
        (
            "$B= \\\n @nobody priority 80 \\\n @^nobody priority 90\n",
            "$B",
            Some(90),
            1,
        ),
    ] {
        let text = format!(
            "{definitions}vrrp_instance V {{\n interface eth0\n virtual_router_id 1\n {used}\n virtual_ipaddress {{\n 192.0.2.1\n }}\n}}\n"
        );
        let reading = read(&text);
        let instance = &reading.config.instances[0];
        assert_eq!(instance.priority, priority, "{text}");
        assert_eq!(instance.advert_interval.as_secs(), interval, "{text}");
        assert_eq!(worst(&reading), Severity::Note, "{text}");
    }
}

/// The traps that users fall into, each told in one line.
#[test]
fn the_known_traps_are_told() {
    let instance = |inside: &str| {
        format!(
            "vrrp_instance V {{\n interface eth0\n virtual_router_id 1\n{inside}\n virtual_ipaddress {{\n  192.0.2.1\n }}\n}}\n"
        )
    };
    let server = |of_service: &str, of_server: &str| {
        format!(
            "virtual_server 192.0.2.1 80 {{\n lb_algo rr\n lb_kind NAT\n protocol TCP\n{of_service}\n real_server 192.0.2.2 80 {{\n{of_server}\n }}\n}}\n"
        )
    };
    for (text, severity, told, hint) in [
        (
            instance(" authentication {\n auth_pass k@l!ve\n }"),
            Severity::Note,
            "`!` begins a comment: the word ends as `k@l`",
            "put the word in double quotes, or write \\!",
        ),
        (
            instance(" track_scrpt {\n x\n }"),
            Severity::Error,
            "unknown keyword `track_scrpt` in `vrrp_instance`",
            "nearest: track_script; its block is skipped; keepalived takes its `}` for the end of `vrrp_instance`",
        ),
        (
            server("", " TCP_CHECK {\n nb_get_retry 3\n }"),
            Severity::Ignored,
            "unknown keyword `nb_get_retry` in `TCP_CHECK`",
            "write `retry` (without either, one retry): nb_get_retry was only ever for HTTP_GET and SSL_GET",
        ),
        (
            instance(" # priority 90 \\"),
            Severity::Error,
            "unknown keyword `\\` in `vrrp_instance`",
            "a `\\` at the end of a line stays there, even behind a comment: remove it",
        ),
        (
            server(" nat_mask 255.255.255.0", ""),
            Severity::Ignored,
            "unknown keyword `nat_mask` in `virtual_server`",
            "remove it: it is gone since keepalived 2.0, and had no effect for long before",
        ),
        (
            server(" presistence_timeout 50", ""),
            Severity::Error,
            "unknown keyword `presistence_timeout` in `virtual_server`",
            "nearest: persistence_timeout",
        ),
        (
            instance(" authentication {\n auth_pass 123456789\n }"),
            Severity::Warning,
            "`auth_pass` is longer than 8 bytes",
            "VRRP sends the first 8 bytes and ignores the rest: shorten it on all routers",
        ),
        (
            instance(" state MASTER\n nopreempt"),
            Severity::Warning,
            "V: `nopreempt` has no effect with `state MASTER`",
            "write `state BACKUP` on all routers of the group",
        ),
        (
            server(" quorum 2\n hysteresis 1", " weight 2"),
            Severity::Note,
            "virtual server 192.0.2.1:80: the quorum is gained at 3 (quorum + hysteresis), and all weights together are 2",
            "once lost it never comes back: lower one of the two",
        ),
        (
            server("", "") + &server("", "").replace("10.0.0.", "10.0.9."),
            Severity::Note,
            "virtual server 192.0.2.1:80 is there already, in line 1",
            "its real servers join those of the first, whose settings hold",
        ),
        (
            "virtual_server_group all {\n 192.0.2.1 80\n 192.0.2.2 80\n}\n".to_owned()
                + &server("", "")
                    .replace("virtual_server 192.0.2.1 80", "virtual_server group all")
                + &server("", ""),
            Severity::Note,
            "virtual server 192.0.2.1:80 is there already, in line 5",
            "it has no effect where the first has it, in a group with others",
        ),
        (
            instance(" priority 100 advert_int 3"),
            Severity::Note,
            "`advert_int` is read as a word behind `priority`",
            "it has no effect: put it on a line of its own",
        ),
    ] {
        let problems = read(&text).problems;
        let [problem] = &problems[..] else {
            panic!("{text}{problems:?}");
        };
        assert_eq!(problem.severity, severity, "{text}");
        assert_eq!(problem.text, told);
        assert_eq!(problem.hint.as_deref(), Some(hint));
    }
}

#[test]
fn scripts_that_cannot_run_are_told_with_the_reason() {
    let text = "vrrp_script a {\n script \"/bin/nothing x\"\n}\nvrrp_script b {\n script /etc/passwd\n}\n\
                vrrp_script c {\n script \"/bin/true && /bin/false\"\n user nosuch\n}\n\
                vrrp_script d {\n script \"/bin/true && /bin/false\"\n}\n\
                vrrp_instance V {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n 192.0.2.1\n }\n}\n";
    let mut reading = read(text);
    machine::check(&mut reading, &Elsewhere::default());
    let told: Vec<&str> = reading.problems.iter().map(|p| p.text.as_str()).collect();
    assert_eq!(
        told,
        [
            "script `a`: there is no program `/bin/nothing`",
            "script `b`: `/etc/passwd` cannot be run: it is not executable",
            "scripts are run, and `enable_script_security` is not set",
            "there is no account `nosuch`",
            "script `d`: `&&` is an argument like others",
        ]
    );
}

#[test]
fn included_files_are_read_where_they_are_named_and_tell_their_own_places() {
    let mut there = Elsewhere::default();
    for (path, text) in [
        (
            "/etc/k/conf.d/1.conf",
            "$VIP=192.0.2.7\ninclude ../v.conf\n",
        ),
        ("/etc/k/conf.d/2.conf", "}\n"),
        (
            "/etc/k/conf.d/../v.conf",
            "vrrp_instance V {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n $VIP\n }\n}\n",
        ),
    ] {
        there.files.insert(path.into(), text.into());
    }
    let reading = conf::read("/etc/k/k.conf", "include conf.d/*.conf\n", &there);
    assert_eq!(
        reading.config.instances[0].addresses[0].address.to_string(),
        "192.0.2.7"
    );
    let [problem] = &reading.problems[..] else {
        panic!("{:?}", reading.problems);
    };
    assert_eq!(
        problem.render(&reading.sources).lines().next(),
        Some("/etc/k/conf.d/2.conf:1:1: error: `}` that closes nothing")
    );
}

#[test]
fn a_file_that_includes_itself_is_told() {
    let mut there = Elsewhere::default();
    there.files.insert("/a".into(), "include /a\n".into());
    let reading = conf::read("/a", "include /a\n", &there);
    assert_eq!(reading.problems[0].text, "/a includes itself");
}

#[test]
fn nothing_grows_without_an_end() {
    for text in [
        "$A=$A\n$A\n",
        "$A=${A}${A}\n$A\n",
        "$A=${B}${B}\n$B=${C}${C}\n$C=${A}${A}\n$A\n",
        "~SEQ(N,1,99999999999) priority\n",
        "~SEQ(A,1,99999) ~SEQ(B,1,99999) ~SEQ(C,1,99999) x\n",
        "$A= \\\n$A \\\n$A \\\n\n$A\n",
    ] {
        let limits = Limits {
            size: 1 << 18,
            ..Limits::default()
        };
        let reading = conf::read_within("a", text, &Elsewhere::default(), limits);
        assert!(worst(&reading) >= Severity::Error, "{text}");
    }
}

/// A file with so many real servers.
fn big(servers: usize) -> String {
    let mut text = String::new();
    for service in 0..servers / 1000 {
        text.push_str(&format!(
            "virtual_server 10.0.{service}.1 80 {{\n lb_algo rr\n lb_kind DR\n protocol TCP\n"
        ));
        for server in 0..1000 {
            text.push_str(&format!(
                " real_server 10.{}.{}.{} 80 {{\n  weight 1\n  TCP_CHECK {{\n   connect_timeout 3\n  }}\n }}\n",
                service + 1,
                server / 250,
                server % 250 + 1
            ));
        }
        text.push_str("}\n");
    }
    text
}

#[test]
fn a_backslash_at_the_end_of_a_word_is_shown_so_that_it_stays_there() {
    for words in ["a\\ b!c", "a\\ \"b ! c\"", "\\ b", "b \\ #"] {
        shows_the_same_again(&format!("linkbeat_interfaces {{\n{words}\n}}\n"));
    }
}

#[test]
fn many_real_servers_are_all_read() {
    let reading = read(&big(5000));
    assert!(
        reading.problems.is_empty(),
        "{:?}",
        reading.problems.first()
    );
    let count: usize = reading
        .config
        .virtual_servers
        .iter()
        .map(|v| v.real_servers.len())
        .sum();
    assert_eq!(count, 5000);
}

/// Words that mean something, and some that do not.
fn word() -> impl Strategy<Value = String> {
    let names: Vec<&str> = keywords::all().map(|keyword| keyword.name).collect();
    prop_oneof![
        4 => select(names).prop_map(str::to_owned),
        3 => select(vec![
            "{", "}", "\n", "\n", "\n", "192.0.2.1", "80", "1", "-1", "on", "eth0", "fwmark", "group",
            "\"", "!", "#", "\\", "$A", "$A=", "${A}", "${_ENV HOME}", "~SEQ(A,1,3)", "~LST({A,B},{1,2})",
            "@director", "@^x", "2001:db8::1/64", "weight", "dev", "include", "a.conf", "MASTER", "NAT",
        ]).prop_map(str::to_owned),
        1 => "\\PC{0,6}",
    ]
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if env::var_os("PROPTEST_CASES").is_some() { ProptestConfig::default().cases } else { 1000 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn no_text_makes_it_panic_or_wait(words in proptest::collection::vec(word(), 0..60)) {
        let text = words.join(" ");
        let limits = Limits { size: 1 << 18, ..Limits::default() };
        let mut reading = conf::read_within("a.conf", &*text, &Elsewhere::default(), limits);
        machine::check(&mut reading, &Elsewhere::default());
        for problem in &reading.problems {
            problem.render(&reading.sources);
        }
    }

    #[test]
    fn any_text_shows_the_same_again(words in proptest::collection::vec(word(), 0..60)) {
        shows_the_same_again(&words.join(" "));
    }

    #[test]
    fn any_bytes_are_some_configuration(text in "\\PC{0,200}") {
        shows_the_same_again(&text);
    }
}

/// A configuration of statements that the table allows, with arguments that are good or nearly so.
fn statements() -> impl Strategy<Value = String> {
    use keywords::{Acts, Block, Opens};
    let blocks = vec![
        (Block::Global, "global_defs {", "}"),
        (
            Block::Instance,
            "vrrp_instance V {\ninterface eth0\nvirtual_router_id 1\nvirtual_ipaddress {\n192.0.2.1\n}",
            "}",
        ),
        (Block::Script, "vrrp_script s {\nscript /bin/true", "}"),
        (
            Block::VirtualServer,
            "virtual_server 192.0.2.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP",
            "real_server 192.0.2.2 80 {\n}\n}",
        ),
        (
            Block::RealServer,
            "virtual_server 192.0.2.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 192.0.2.2 80 {",
            "}\n}",
        ),
        (
            Block::Tcp,
            "virtual_server 192.0.2.1 80 {\nlb_algo rr\nlb_kind NAT\nprotocol TCP\nreal_server 192.0.2.2 80 {\nTCP_CHECK {",
            "}\n}\n}",
        ),
    ];
    let arguments = vec![
        "",
        "0",
        "1",
        "2",
        "3",
        "5",
        "100",
        "254",
        "255",
        "256",
        "-1",
        "1.5",
        "0.01",
        "on",
        "off",
        "maybe",
        "192.0.2.9",
        "224.0.0.20",
        "2001:db8::1",
        "/bin/true",
        "eth0",
        "name",
        "MASTER",
        "BACKUP",
    ];
    let one = |block: Block, arguments: Vec<&'static str>| {
        let names: Vec<&str> = keywords::of(block)
            .filter(|k| k.opens == Opens::Nothing && k.acts == Acts::Yes)
            // These ask the machine, or end keepalived's test by a signal.
            .filter(|k| {
                ![
                    "script_user",
                    // Without a value keepalived says nothing of these, and takes none.
                    "smtp_helo_name",
                    "script",
                    "user",
                    "smtp_server",
                    "interface",
                    "umask",
                    "use_vmac",
                ]
                .contains(&k.name)
            })
            .filter(|k| {
                !["startup_script", "shutdown_script", "vrf", "track_src_ip"].contains(&k.name)
            })
            .map(|k| k.name)
            .collect();
        (select(names), select(arguments))
            .prop_map(|(name, argument)| format!("{name} {argument}\n"))
    };
    select(blocks).prop_flat_map(move |(block, before, after)| {
        proptest::collection::vec(one(block, arguments.clone()), 1..4)
            .prop_map(move |lines| format!("{before}\n{}{after}\n", lines.concat()))
    })
}

/// A block of each kind, with nothing in it.
fn blank(block: keywords::Block) -> Option<Box<dyn Settings>> {
    use keywords::Block;
    Some(match block {
        Block::Top => Box::new(Config::default()),
        Block::Global => Box::new(Global::default()),
        Block::TrackGroup => Box::new(TrackGroup::default()),
        Block::TrackFile => Box::new(TrackFile::default()),
        Block::TrackProcess => Box::new(TrackProcess::default()),
        Block::Script => Box::new(Script::default()),
        Block::SyncGroup => Box::new(SyncGroup::default()),
        Block::GarpGroup => Box::new(GarpGroup::default()),
        Block::Instance => Box::new(Instance::default()),
        Block::Authentication => Box::new(Authentication::default()),
        Block::VirtualServer => Box::new(VirtualServer::default()),
        Block::RealServer => Box::new(RealServer::default()),
        Block::Url => Box::new(Url::default()),
        // What is no matter of the connection counts for its checker.
        Block::SmtpHost => Box::new(Checker::new(CheckerKind::of(Block::Smtp)?)),
        Block::SslGlobal => Box::new(SslGlobal::default()),
        Block::Bfd | Block::BfdCheck => return None,
        checker => Box::new(Checker::new(CheckerKind::of(checker)?)),
    })
}

#[test]
fn each_keyword_that_is_acted_on_has_a_setting() {
    use keywords::{Acts, Block, Opens};
    // The opposite of another, and a list that is a block of its own.
    let elsewhere = ["preempt", "accept", "virtual_server_group"];
    let mut missing = Vec::new();
    for &block in Block::ALL {
        let Some(mut settings) = blank(block) else {
            continue;
        };
        for keyword in keywords::of(block) {
            let is_setting = keyword.acts == Acts::Yes && !matches!(keyword.opens, Opens::Block(_));
            let known = settings.field(keyword.name).is_some() || elsewhere.contains(&keyword.name);
            if is_setting && !known {
                missing.push((block, keyword.name));
            }
        }
    }
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn a_virtual_server_stands_for_services_and_destinations_of_the_table() {
    let text = "virtual_server_group g {\n 192.0.2.1-3 80\n fwmark 7\n}\n\
                virtual_server group g {\n lb_algo sh\n lb_kind DR\n protocol TCP\n sh-port\n \
                persistence_timeout\n weight 3\n real_server 192.0.2.9 80 {\n uthreshold 9\n }\n}\n";
    let config = read(text).config.effective();
    let server = &config.virtual_servers[0];
    let services = server.services(&config);
    assert_eq!(services.len(), 4);
    assert_eq!(services[0].scheduler.as_str(), "sh");
    assert_eq!(services[0].persistence, Some(360));
    assert!(services[0].scheduler_flags.contains(SchedulerFlags::FLAG_2));
    let destination = server.real_servers[0].destination(server).unwrap();
    assert_eq!(destination.endpoint.to_string(), "192.0.2.9:80");
    assert_eq!(destination.forwarding, Forwarding::Route);
    assert_eq!((destination.weight.0, destination.thresholds.upper), (3, 9));
}

/// How `lvs-director` ends, and what it writes to standard output and standard error.
fn director(words: &[&str], text: &str) -> (u8, String, String) {
    let words: Vec<std::ffi::OsString> = std::iter::once("lvs-director")
        .chain(words.iter().copied())
        .map(Into::into)
        .collect();
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let status = run(
        &words,
        Environment {
            outside: &|_| {
                let mut there = Elsewhere::default();
                there.files.insert("a.conf".into(), text.into());
                Box::new(there)
            },
            machine: &Elsewhere::default(),
            output: &mut output,
            errors: &mut errors,
        },
    );
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (status, text(output), text(errors))
}

#[test]
fn the_program_answers_by_its_exit_status() {
    let fine = "global_defs {\n router_id a\n}\n";
    let warnings = "global_defs {\n notification_email {\n }\n}\n";
    let errors = "global_defs {\n ruoter_id a\n}\n";
    for (text, status, verdict) in [
        (fine, 0, "fine"),
        (warnings, 1, "warnings"),
        (errors, 2, "errors"),
    ] {
        assert_eq!(director(&["check", "-f", "a.conf"], text).0, status);
        assert_eq!(director(&["show", "-f", "a.conf"], text).0, status);
        let (_, json, _) = director(&["check", "-f", "a.conf", "--json"], text);
        let json: serde_json::Value = serde_json::from_str(&json).unwrap();
        assert_eq!(json["verdict"], verdict);
    }
    let (_, output, _) = director(&["check", "-f", "a.conf"], errors);
    assert_eq!(
        output,
        "a.conf:2:2: error: unknown keyword `ruoter_id` in `global_defs`\n 2 |  ruoter_id a\n   |  ^^^^^^^^^\n   \
         = nearest: router_id\na.conf: 1 error\n"
    );
    let (_, json, _) = director(&["show", "-f", "a.conf", "--json"], fine);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["global_defs"]["router_id"], "a");
    assert_eq!(json["global_defs"]["vrrp_garp_master_delay"], 5);
}

#[test]
fn a_wrong_command_line_is_told_in_one_line() {
    for (words, told) in [
        (
            &["check", "-f", "b.conf"][..],
            "lvs-director: cannot read b.conf: No such file or directory\n",
        ),
        (
            &["check", "--nothing"],
            "lvs-director: unexpected argument '--nothing' found\n",
        ),
        (
            &["cheek"],
            "lvs-director: unrecognized subcommand 'cheek'\n",
        ),
    ] {
        let (status, output, errors) = director(words, "");
        assert_eq!((status, output.as_str(), errors.as_str()), (2, "", told));
    }
}

/// Beside the real program, where `LVSKIT_KEEPALIVED` says how to run it on a file: in a network
/// namespace with an eth0, as `ip netns exec NAME keepalived`.
#[test]
fn random_configurations_are_judged_as_the_real_program_judges_them() {
    let Ok(program) = env::var("LVSKIT_KEEPALIVED") else {
        return;
    };
    let cases = env::var("LVSKIT_CASES")
        .ok()
        .and_then(|n| n.parse().ok())
        .unwrap_or(200);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let file = env::temp_dir().join(format!("lvskit-conf-{}.conf", std::process::id()));
    let outcome = runner.run(&statements(), |text| {
        fs::write(&file, &text).unwrap();
        let mut words = program.split_whitespace();
        let real = Command::new(words.next().unwrap())
            .args(words)
            .args(["-t", "-l", "-n", "-f"])
            .arg(&file)
            .output()
            .unwrap();
        let verdict = Verdict {
            case: "random".into(),
            // By a signal: the program broke off, and has no verdict.
            status: match real.status.code() {
                Some(status) => status,
                None => return Ok(()),
            },
            messages: String::from_utf8_lossy(&real.stderr)
                .lines()
                .map(str::to_owned)
                .collect(),
            text: String::new(),
        };
        match verdict.differs(&text) {
            Some(difference) => Err(TestCaseError::fail(format!("{text}{difference}"))),
            None => Ok(()),
        }
    });
    let _ = fs::remove_file(&file);
    outcome.unwrap();
}
