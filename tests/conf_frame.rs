//! A configuration that is read one virtual server after the other says the same as one that is read
//! as a whole, and has the same problems.

use std::fs;
use std::path::Path;

use lvskit::conf;
use lvskit::conf::expand::{Outside, Unreadable};
use lvskit::conf::frame::{self, Frame, Known};
use lvskit::conf::problem::{Problem, Severity};
use proptest::prelude::*;
use serde_json::Value;

/// A machine with one file.
struct OneFile;

impl Outside for OneFile {
    fn read(&self, path: &str) -> Result<String, Unreadable> {
        match path.ends_with("servers.conf") {
            true => Ok("\n".to_owned() + SIMPLE),
            false => Err(Unreadable {
                missing: true,
                why: "there is no such file".to_owned(),
            }),
        }
    }
    fn matching(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
    fn identity(&self) -> &str {
        "director"
    }
    fn random(&self, least: u32, _: u32) -> u32 {
        least
    }
}

const SIMPLE: &str = "virtual_server 192.0.2.1 80 {\n delay_loop 3\n lb_algo rr\n lb_kind NAT\n \
                      protocol TCP\n real_server 10.0.0.1 80 {\n  TCP_CHECK {\n  }\n }\n}\n";

/// Whether the text was read one virtual server after the other; then it must say the same.
fn reads_the_same(text: &str) -> bool {
    let whole = conf::read("a.conf", text, &OneFile);
    let errors = |problems: &[Problem]| {
        let mut severities = problems.iter().map(|problem| problem.severity);
        severities.any(Severity::prevents_start)
    };
    let without_servers = frame::read("a.conf", text, &OneFile);
    let Ok(mut frame) = Frame::read("a.conf", text, &OneFile) else {
        assert_eq!(without_servers.problems, whole.problems, "{text}");
        return false;
    };
    assert!(!errors(&without_servers.problems), "{text}");
    let mut servers = Vec::new();
    for block in frame.blocks() {
        // A FILE_CHECK needs what stands beside it, all else that is given up has an error.
        let Ok(server) = frame.virtual_server(&block) else {
            assert!(
                errors(&whole.problems)
                    || text.contains("FILE_CHECK")
                    || text.contains("BFD_CHECK"),
                "{text}"
            );
            return false;
        };
        servers.extend(server);
    }
    let mut gradual = frame.finish();
    gradual.config.virtual_servers = servers;
    assert_eq!(gradual.config, whole.config, "{text}");
    let mut expected = whole.problems;
    expected.retain(|problem| !problem.text.contains(" is there already, in "));
    assert_eq!(gradual.problems, expected, "{text}");
    true
}

/// The texts of the configurations whose verdicts are known, and of real ones where there are any.
fn texts() -> Vec<String> {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conf/verdicts.jsonl");
    let verdicts = fs::read_to_string(tests).unwrap();
    let of_line = |line: &str| -> String {
        let verdict: Value = serde_json::from_str(line).unwrap();
        verdict["text"].as_str().unwrap().to_owned()
    };
    let mut texts: Vec<String> = verdicts.lines().map(of_line).collect();
    if let Some(corpus) = std::env::var_os("LVSKIT_KEEPALIVED_CORPUS") {
        for file in fs::read_dir(corpus).unwrap() {
            let bytes = fs::read(file.unwrap().path()).unwrap();
            texts.push(String::from_utf8_lossy(&bytes).into_owned());
        }
    }
    texts
}

#[test]
fn known_configurations_say_the_same() {
    let texts = texts();
    let quick = texts.iter().filter(|text| reads_the_same(text)).count();
    println!("{quick} of {} one virtual server at a time", texts.len());
    assert!(quick > 100, "{quick}");
}

#[test]
fn simple_virtual_servers_are_passed_over() {
    let include = "include servers.conf\n";
    let define = "$VIP=192.0.2.9\n";
    let used = SIMPLE.replace("192.0.2.1", "$VIP");
    let group = "virtual_server_group G {\n 192.0.2.3 80\n}\n";
    let of_group = SIMPLE.replace("192.0.2.1 80", "group G");
    for (text, is_quick) in [
        (SIMPLE.to_owned(), true),
        (include.to_owned() + group, true),
        (of_group + group, true),
        (define.to_owned() + SIMPLE, true),
        (define.to_owned() + &used, false),
        (SIMPLE.replace("{\n delay", "{\n include x\n delay"), false),
        (SIMPLE.replace("delay_loop", "delay_lop"), false),
        (
            SIMPLE.replace("real_server 10.0.0.1 80 {", "real_server 10.0.0.1 80"),
            false,
        ),
        (SIMPLE.to_owned() + "}\n", false),
        ("vrrp_instance V {\n".to_owned() + SIMPLE, false),
        (
            SIMPLE.trim_end().trim_end_matches('}').to_owned() + SIMPLE,
            false,
        ),
        ("@director ".to_owned() + SIMPLE, false),
    ] {
        assert_eq!(reads_the_same(&text), is_quick, "{text}");
    }
}

#[test]
fn a_survey_knows_what_it_has_read() {
    let mut known = Known::default();
    let odd = SIMPLE
        .replace("192.0.2.1", "192.0.2.2")
        .replace(" lb_algo rr\n", "");
    let text = SIMPLE.to_owned() + &odd;
    for _ in 0..2 {
        let survey = frame::survey("a.conf", &*text, &OneFile, &mut known);
        assert_eq!((survey.virtual_servers, survey.errors()), (2, 0));
        // What is odd is told each time.
        let told = survey.reading.problems.iter();
        let told = told.filter(|problem| problem.text.contains("no scheduler"));
        assert_eq!(told.count(), 1);
        let again = frame::survey("b.conf", &*survey.text, &OneFile, &mut Known::default());
        assert_eq!(again.text, survey.text);
    }
    let wrong = text.replace("TCP_CHECK", "TPC_CHECK");
    let survey = frame::survey("a.conf", &*wrong, &OneFile, &mut known);
    assert!(survey.errors() > 0 && survey.virtual_servers == 2);
}

fn line() -> impl Strategy<Value = String> {
    prop_oneof![
        6 => Just(SIMPLE.to_owned()),
        6 => prop::sample::select(SIMPLE.lines().collect::<Vec<_>>()).prop_map(|line| format!("{line}\n")),
        3 => prop::sample::select(vec![
            "}", "{", "# }", "! {", "\"", "\"}\"", "$A=1", "$A", "@director weight 2", "@other weight 2",
            "~SEQ(A, 1, 2) weight $A", "include servers.conf", "includea none.conf", "weight 2",
            "quorum_up \"/bin/true }\"", "global_defs {\n router_id a\n}", "nb_get_retry 3",
            "vrrp_instance V {", "virtual_server", "virtual_server_group G {", "BFD_CHECK {\n}",
            "FILE_CHECK {\n track_file t\n}", "track_file t {\n file /t\n}", "sh-port", "snmp_name a",
            "virtual_server 192.0.2.1 443 {", "} # end", "\\# {", "a#b {",
        ]).prop_map(|line| format!("{line}\n")),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 3000, ..ProptestConfig::default() })]

    #[test]
    fn any_configuration_says_the_same(lines in prop::collection::vec(line(), 0..12)) {
        reads_the_same(&lines.concat());
    }
}
