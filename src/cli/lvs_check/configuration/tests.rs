//! Small configurations, and the checks that they become.

use std::time::Duration;

use super::*;
use crate::check::memory::Memory;
use crate::check::{Probe, Question};
use crate::conf::expand::{Outside, Unreadable};
use crate::host::scheduling::Process;
use crate::ipvs::Weight;
use crate::ipvs::plan::Table;

/// A machine without files and variables.
struct Nothing;

impl Outside for Nothing {
    fn read(&self, _: &str) -> Result<String, Unreadable> {
        Err(Unreadable {
            missing: true,
            why: String::new(),
        })
    }
    fn matching(&self, _: &str) -> Vec<String> {
        Vec::new()
    }
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
    fn identity(&self) -> &str {
        ""
    }
    fn random(&self, least: u32, _: u32) -> u32 {
        least
    }
}

/// What a configuration asks for, and what is told of it.
fn describe(text: &str) -> (Description, Vec<(Severity, u32, String)>) {
    let reading = conf::read("a.conf", text, &Nothing);
    let errors = reading.problems.iter();
    let errors: Vec<_> = errors
        .filter(|one| one.severity >= Severity::Error)
        .collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut problems = Problems::default();
    let description = Description::new(reading.config.effective(), &accounts, &mut problems);
    let told = lines(problems);
    if let Ok((quick, problems, _)) = gradually(text, None) {
        assert_eq!(lines(problems), told, "{text}");
        assert_eq!(quick.services.len(), description.services.len(), "{text}");
    }
    (description, told)
}

fn accounts(user: &str, _: Option<&str>) -> Option<(u32, u32)> {
    (user == "nobody").then_some((7, 8))
}

fn gradually(
    text: &str,
    before: Option<Before<'_>>,
) -> Result<(Description, Problems, Sources), Obscure> {
    let frame = Frame::read("a.conf", text, &Nothing)?;
    Description::gradually(frame, before, &accounts)
}

fn lines(problems: Problems) -> Vec<(Severity, u32, String)> {
    let told = problems.sorted().into_iter().map(|problem| {
        let line = problem.place.map_or(0, |place| place.line);
        (problem.severity, line, problem.text)
    });
    told.collect()
}

/// A service with one server that has this in its block.
fn server(inside: &str) -> String {
    format!(
        "track_file load {{\n file /load\n weight 2\n}}\nvirtual_server 192.0.2.1 80 {{\n \
         protocol TCP\n delay_loop 9\n real_server 10.0.0.1 80 {{\n{inside}\n }}\n}}\n"
    )
}

/// The checks of the only server of the only service.
fn checks(inside: &str) -> Vec<Arc<Check>> {
    let (description, told) = describe(&server(inside));
    assert_eq!(told, [], "{inside}");
    let watches = description.watches(&Table::default(), &Memory::default(), true);
    let own = watches[0].checks[0].iter();
    own.map(|routine| Arc::new(routine.check.clone())).collect()
}

#[test]
fn the_process_runs_as_the_file_says() {
    let lines = "checker_priority -3\nchecker_rt_priority 7\nchecker_rlimit_rtime 9000\n\
                 checker_no_swap\nchecker_cpu_affinity 0 2\nlvs_process_name checks";
    let (description, told) = describe(&format!("global_defs {{\n{lines}\n}}\n{}", server("")));
    assert_eq!(told, []);
    let process = Process {
        real_time: Some(7),
        real_time_limit: Some(Duration::from_millis(9)),
        niceness: Some(-3),
        locked: true,
        cpus: vec![0, 2],
        name: Some("checks".to_owned()),
    };
    assert_eq!(description.overall.process, process);
}

#[test]
fn each_checker_becomes_its_check() {
    let short = |check: &Arc<Check>| {
        let to = match &check.probe {
            Probe::Network { to, .. } => format!(" {to}"),
            _ => String::new(),
        };
        let Check { tries, timeout, .. } = &**check;
        let (retry, delay) = (tries.retry, tries.delay.as_secs_f64());
        let name = check.probe.name();
        format!("{name}{to}, {timeout:?}, {retry} after {delay}")
    };
    let url = "url {\n path /\n status_code 200\n }";
    for (inside, expected) in [
        (
            "TCP_CHECK {\n connect_timeout 2\n retry 4\n delay_before_retry 3\n }",
            "tcp 10.0.0.1:80, 2s, 4 after 3",
        ),
        (
            "TCP_CHECK {\n connect_ip 10.0.0.9\n connect_port 81\n }",
            "tcp 10.0.0.9:81, 5s, 1 after 1",
        ),
        (
            &format!("HTTP_GET {{\n {url}\n }}"),
            "http 10.0.0.1:80, 5s, 1 after 3",
        ),
        (
            &format!("SSL_GET {{\n {url}\n connect_port 443\n }}"),
            "https 10.0.0.1:443, 5s, 1 after 3",
        ),
        ("SMTP_CHECK {\n }", "smtp 10.0.0.1:80, 5s, 1 after 1"),
        (
            "DNS_CHECK {\n type A\n name example.org\n }",
            "dns 10.0.0.1:80, 5s, 3 after 9",
        ),
        (
            "UDP_CHECK {\n payload 00 ff\n }",
            "udp 10.0.0.1:80, 5s, 1 after 1",
        ),
        ("PING_CHECK {\n }", "ping 10.0.0.1:0, 5s, 1 after 1"),
        (
            "MISC_CHECK {\n misc_path \"/bin/true\"\n misc_timeout 2\n }",
            "misc, 2s, 0 after 9",
        ),
        ("FILE_CHECK {\n track_file load\n }", "file, 5s, 0 after 0"),
    ] {
        let found = checks(inside);
        let found: Vec<String> = found.iter().map(short).collect();
        assert_eq!(found, [expected], "{inside}");
    }
}

#[test]
fn what_a_program_and_a_file_are_asked_is_kept() {
    let misc = "MISC_CHECK {\n misc_path \"/bin/test -e '/a b'\"\n user nobody\n misc_dynamic\n }";
    let Probe::Misc(misc) = &checks(misc)[0].probe else {
        panic!("no program");
    };
    assert_eq!(misc.command, ["/bin/test", "-e", "/a b"]);
    assert_eq!(misc.user.map(|user| (user.uid, user.gid)), Some((7, 8)));
    assert!(misc.dynamic);
    let Probe::File(file) = &checks("FILE_CHECK {\n track_file load\n }")[0].probe else {
        panic!("no file");
    };
    assert_eq!((file.path.to_str(), file.factor), (Some("/load"), Some(2)));
}

#[test]
fn pages_have_their_names_and_what_must_be_in_them() {
    let text = "HTTP_GET {\n virtualhost example.org\n url {\n path /a\n regex \"^ok\"\n \
                regex_options caseless\n regex_no_match\n }\n url {\n path /b\n }\n }";
    let checks = checks(text);
    let Probe::Network { manner, .. } = &checks[0].probe else {
        panic!("no pages");
    };
    let Question::Http(http) = &manner.question else {
        panic!("no pages");
    };
    let absent = |page: &crate::check::http::Page| {
        page.expected.pattern.as_ref().map(|pattern| pattern.absent)
    };
    let pages: Vec<_> = http.pages.iter().map(absent).collect();
    assert_eq!(pages, [Some(true), None]);
}

#[test]
fn services_have_their_policies_and_servers_their_own_ways() {
    let (description, told) = describe(
        "virtual_server 192.0.2.1 80 {\n protocol TCP\n quorum 3\n hysteresis 1\n \
         alpha\n sorry_server 10.0.0.9 8080\n real_server 10.0.0.1 80 {\n weight 4\n \
         inhibit_on_failure\n TCP_CHECK {\n }\n }\n real_server 10.0.0.2 80 {\n TCP_CHECK {\n }\n }\n}\n",
    );
    assert_eq!(told, []);
    let watches = description.watches(&Table::default(), &Memory::default(), true);
    let group = &watches[0].group;
    let Policy {
        quorum,
        hysteresis,
        sorry,
        alpha,
        ..
    } = &group.policy;
    assert_eq!((*quorum, *hysteresis, *alpha), (3, 1, true));
    let sorry = sorry.as_ref().map(|sorry| sorry.endpoint.to_string());
    assert_eq!(sorry.as_deref(), Some("10.0.0.9:8080"));
    let servers = group.servers.iter();
    let servers: Vec<_> = servers
        .map(|server| (server.destination.weight, server.inhibit))
        .collect();
    assert_eq!(servers, [(Weight(4), true), (Weight(1), false)]);
}

#[test]
fn what_is_not_acted_on_is_told_with_its_line() {
    let told = |inside: &str| describe(&server(inside)).1;
    assert_eq!(
        told("smtp_alert\n TCP_CHECK {\n }"),
        [(
            Severity::Warning,
            9,
            "no mail without smtp_server and notification_email: smtp_alert".to_owned()
        )]
    );
    for (inside, line, text) in [
        (
            "HTTP_GET {\n url {\n path /\n regex \"a(?=b)\"\n }\n }",
            12,
            "look-around, including look-ahead and look-behind, is not supported: a(?=b)",
        ),
        (
            "HTTP_GET {\n url {\n path /\n regex a\n regex_options dupnames\n }\n }",
            13,
            "not one of caseless, multiline, dotall, extended, ungreedy: dupnames",
        ),
        (
            "MISC_CHECK {\n misc_path /bin/true\n user somebody\n }",
            11,
            "no such user or group: somebody",
        ),
    ] {
        let expected = (Severity::Error, line, text.to_owned());
        assert_eq!(told(inside), [expected], "{inside}");
    }
}

#[test]
fn a_program_has_the_interval_where_it_has_no_time_of_its_own() {
    let check = &checks("MISC_CHECK {\n misc_path /bin/true\n }")[0];
    assert_eq!(check.timeout, Duration::from_secs(9));
}

#[test]
fn a_certificate_that_cannot_be_read_is_an_error() {
    let mut text = server("");
    text += "SSL {\n ca /nothing/ca.pem\n certificate /nothing/own.pem\n}\n";
    let (_, told) = describe(&text);
    let told: Vec<_> = told
        .iter()
        .map(|(severity, _, text)| (*severity, &text[..]))
        .collect();
    assert!(
        matches!(told[..], [(Severity::Error, wrong), (Severity::Warning, "not acted on: ca")]
            if wrong.starts_with("/nothing/own.pem: ")),
        "{told:?}"
    );
}

#[test]
fn each_failure_is_told_where_that_is_asked_for() {
    for (word, expected) in [("", false), ("log_all_failures\n", true)] {
        let (description, _) = describe(&server(&format!("TCP_CHECK {{\n{word}}}")));
        let watches = description.watches(&Table::default(), &Memory::default(), true);
        assert_eq!(watches[0].checks[0][0].log_all, expected, "{word}");
    }
}

#[test]
fn the_servers_of_a_service_that_is_there_already_join_the_first() {
    let block = |name: &str, kind: &str, servers: &[&str]| {
        let server = |one: &&str| format!("real_server {one} 80 {{\nweight 2\n}}\n");
        let servers: String = servers.iter().map(server).collect();
        format!(
            "virtual_server {name} {{\nprotocol TCP\nlb_algo {kind}\nlb_kind NAT\n{servers}}}\n"
        )
    };
    let group = "virtual_server_group all {\n192.0.2.1 80\n192.0.2.1 80\n192.0.2.2 80\n}\n";
    let (one, other) = (["10.0.0.1", "10.0.0.2"], ["10.0.0.2", "10.0.0.3"]);
    let joins = |line| {
        format!(
            "the service is there already, in line {line}: the real servers are added to it, all \
             else has no effect"
        )
    };
    let is_there = "the real server is there already: 10.0.0.2:80".to_owned();
    for (text, expected_servers, expected) in [
        (
            block("192.0.2.1 80", "rr", &one) + &block("192.0.2.1 80", "wrr", &other),
            vec![("rr", 3)],
            vec![(12, joins(1)), (16, is_there.clone())],
        ),
        (
            block("fwmark 7", "rr", &one) + &block("fwmark 8", "wrr", &other),
            vec![("rr", 2), ("wrr", 2)],
            vec![],
        ),
        (
            block("192.0.2.2 80", "rr", &one) + group + &block("group all", "wrr", &other),
            vec![("rr", 3), ("wrr", 2)],
            vec![(17, joins(1)), (21, is_there)],
        ),
        (
            group.to_owned()
                + &block("group all", "rr", &one)
                + &block("192.0.2.2 80", "wrr", &other),
            vec![("rr", 2)],
            vec![(
                17,
                "the service is there already, in a group in line 6: this has no effect for it"
                    .to_owned(),
            )],
        ),
    ] {
        let (description, told) = describe(&text);
        let servers = description.services.iter().filter_map(|listed| {
            let Listed::New(one) = listed else {
                return None;
            };
            let scheduler = one.entry.service.scheduler.as_str();
            Some((scheduler, one.entry.destinations.len()))
        });
        assert_eq!(servers.collect::<Vec<_>>(), expected_servers, "{text}");
        let told: Vec<_> = told
            .into_iter()
            .filter(|(_, _, text)| text.contains("there already"))
            .map(|(severity, line, text)| {
                assert_eq!(severity, Severity::Warning);
                (line, text)
            })
            .collect();
        assert_eq!(told, expected, "{text}");
    }
}

#[test]
fn the_table_is_where_the_configuration_says() {
    for (text, expected) in [
        ("", None),
        ("net_namespace_ipvs there\n", Some("there")),
        ("net_namespace_ipvs\n", Some("")),
    ] {
        let (description, told) = describe(text);
        assert_eq!((description.table_in.as_deref(), told.len()), (expected, 0));
    }
}

/// What becomes of the virtual servers of a text where another one was read before: `new` or the
/// place that it had.
fn again(before: &str, text: &str) -> Option<Vec<String>> {
    let (description, ..) = gradually(before, None).unwrap();
    let frame = description.frame.clone();
    let wanted = description.wanted(&Table::default(), &Memory::default(), true);
    let (mut watches, mut digests) = (Vec::new(), Vec::new());
    for one in wanted {
        let Wanted::New(new) = one else {
            panic!("nothing was before");
        };
        watches.push(new.0);
        digests.push(new.2);
    }
    let before = Before {
        frame: &frame,
        watches: &watches,
        digests: &digests,
    };
    let (description, ..) = gradually(text, Some(before)).ok()?;
    let listed = description.services.iter().map(|listed| match listed {
        Listed::New(_) => "new".to_owned(),
        Listed::AsBefore(place) => place.to_string(),
    });
    Some(listed.collect())
}

#[test]
fn what_is_as_before_is_not_read_again() {
    let with = |address: &str, inside: &str, check: &str| {
        format!(
            "virtual_server {address} 80 {{\n protocol TCP\n lb_algo rr\n lb_kind NAT\n{inside} \
             real_server 10.0.0.1 80 {{\n{check} }}\n}}\n"
        )
    };
    let plain = |address| with(address, "", "TCP_CHECK {\n }\n");
    let (one, two) = (plain("192.0.2.1"), plain("192.0.2.2"));
    let both = one.clone() + &two;
    let global = "global_defs {\n smtp_alert\n}\n";
    let instance = "vrrp_instance V {\n interface eth0\n virtual_router_id 7\n}\n";
    let script = with("192.0.2.1", "", "MISC_CHECK {\n misc_path /bin/true\n }\n");
    let told = with("192.0.2.1", " quorum_up /bin/true\n", "TCP_CHECK {\n }\n");
    for (before, text, expected) in [
        (&both, &both, Some(vec!["0", "1"])),
        // It stands elsewhere now.
        (&both, &(two.clone() + "\n" + &one), Some(vec!["1", "0"])),
        (&both, &two, Some(vec!["1"])),
        (
            &both,
            &(one.clone() + &with("192.0.2.2", " delay_loop 7\n", "")),
            Some(vec!["0", "new"]),
        ),
        // It is VRRP's.
        (&both, &(both.clone() + instance), Some(vec!["0", "1"])),
        // What holds for all has changed.
        (
            &both,
            &(global.to_owned() + &both),
            Some(vec!["new", "new"]),
        ),
        // What the text does not say may have changed.
        (&script, &script, Some(vec!["new"])),
        (&told, &told, Some(vec!["new"])),
        // One joins it.
        (&one, &(one.clone() + &one), None),
        (
            &one,
            &(one.clone() + &with("192.0.2.1", " delay_loop 7\n", "")),
            None,
        ),
        (
            &one,
            &(with("192.0.2.1", " delay_loop 7\n", "") + &one),
            None,
        ),
        (
            &(one.clone() + &with("192.0.2.1", " delay_loop 7\n", "")),
            &one,
            Some(vec!["new"]),
        ),
    ] {
        let found = again(before, text);
        let found = found
            .as_ref()
            .map(|all| all.iter().map(String::as_str).collect());
        assert_eq!(found, expected, "{before}\n{text}");
    }
}
