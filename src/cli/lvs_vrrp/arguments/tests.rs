//! Command lines, and what they mean.

use super::*;
use crate::vrrp::{Authentication, Secret, Version};

fn parse_line(line: &str) -> Result<Request, Refused> {
    let secrets = Secrets {
        variable: &|name| (name == "SECRET").then(|| "hush".to_owned()),
        file: &|path| (path == "/secret").then(|| b"hush\n".to_vec()),
    };
    let words = line.split_whitespace().map(OsString::from);
    parse(
        [OsString::from("lvs-vrrp")].into_iter().chain(words),
        &secrets,
    )
}

fn running(line: &str) -> (Instance, Vec<String>) {
    match parse_line(line) {
        Ok(Request::Run(
            Wanted::Options {
                configuration,
                warnings,
            },
            _,
        )) => (configuration.instances().next().unwrap().clone(), warnings),
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_router_is_what_keepalived_would_make_of_it() {
    let (instance, warnings) = running("run -i eth0 -I 51 --vip 10.9.0.100");
    assert_eq!(
        (instance.name.as_str(), instance.vrid.number()),
        ("VI_51", 51)
    );
    assert_eq!(instance.settings.version, Version::V2);
    assert_eq!(instance.settings.priority, Priority(100));
    assert!(instance.settings.preempt && warnings.is_empty());
    let (instance, _) = running("run -i eth0 -I 51 --vip fe80::1");
    assert_eq!(
        (instance.family, instance.settings.version),
        (Family::V6, Version::V3)
    );
}

#[test]
fn a_secret_is_read_from_a_file_or_the_environment_and_warned_of_in_argv() {
    let hush = Authentication::Simple(Secret::new(b"hush"));
    for (from, warned) in [("/secret", 0), ("env:SECRET", 0), ("hush", 1)] {
        let line = format!("run -i eth0 -I 51 --auth pass:{from}");
        let (instance, warnings) = running(&line);
        assert_eq!(
            (instance.authentication, warnings.len()),
            (hush, warned),
            "{from}"
        );
        assert!(!warnings.concat().contains("hush"));
    }
    assert!(parse_line("run -i eth0 -I 51 --auth pass:env:NONE").is_err());
    assert!(parse_line("run -i eth0 -I 51 --auth nonsense").is_err());
}

#[test]
fn a_file_says_what_options_say_otherwise() {
    let wanted = |names: &[&str]| Wanted::File {
        file: "k.conf".into(),
        names: names.iter().map(|&name| name.to_owned()).collect(),
    };
    let manner = |json, level| Manner { json, level };
    let least = Request::Run(wanted(&[]), manner(false, Level::Info));
    assert_eq!(parse_line("run -f k.conf"), Ok(least));
    let most = Request::Run(wanted(&["VI", "V2"]), manner(true, Level::Error));
    let line = "run --use-file k.conf VI V2 --json --log-level error";
    assert_eq!(parse_line(line), Ok(most));
    let elect = Request::Elect(wanted(&["VI"]), manner(false, Level::Info));
    assert_eq!(parse_line("elect -f k.conf VI"), Ok(elect));
    let advertise = Request::Advertise {
        wanted: wanted(&[]),
        count: 2,
        priority: Some(Priority::RESIGNED),
    };
    let line = "advertise -f k.conf -p 0 --count 2";
    assert_eq!(parse_line(line), Ok(advertise));
    let refused = Refused::Wrong("--use-file <FILE> does not go with --priority <PRIORITY>".into());
    assert_eq!(parse_line("run -f k.conf -p 5"), Err(refused));
}

#[test]
fn what_cannot_be_is_one_line() {
    for line in [
        "run VI",
        "run -i eth0 -I 51 VI",
        "run -f k.conf -i eth0 -I 51",
        "status -i eth0",
        "resign -i eth0 -I 51 VI",
        "resign --json",
        "",
        "sing",
        "run",
        "run -i eth0",
        "run -i eth0 -I 0",
        "run -i eth0 -I 51 -p 0",
        "run -i eth0 -I 51 -p 256",
        "run -i eth0 -I 51 --advert-int 0.5",
        "run -i eth0 -I 51 --vip 10.9.0",
        "run -i eth0 -I 51 --vrrp-version 3 --auth pass:a",
        "run -i eth0 -I 51 --peer fd00::1 --vip 10.9.0.100",
        "run -i eth0 -I 51 --nonsense",
        "watch",
        "watch -i eth0 --for soon",
    ] {
        match parse_line(line) {
            Err(Refused::Wrong(text)) => {
                assert!(!text.is_empty() && !text.contains('\n'), "{line}: {text}")
            }
            other => panic!("{line}: {other:?}"),
        }
    }
}

#[test]
fn an_advert_may_resign() {
    let Ok(Request::Advertise {
        count, priority, ..
    }) = parse_line("advertise -i eth0 -I 51 --count 3 -p 0")
    else {
        panic!("not understood");
    };
    assert_eq!((count, priority), (3, Some(Priority::RESIGNED)));
}

#[test]
fn those_that_run_are_asked_by_number_or_name() {
    let id = Id {
        interface: "eth0".into(),
        vrid: Vrid::new(51).unwrap(),
        family: Family::V6,
        twin: None,
    };
    let line = "status -i eth0 -I 51 -6";
    let expected = Request::Status(Asked::Router(id), Form::Text);
    assert_eq!(parse_line(line), Ok(expected));
    let expected = Request::Status(Asked::Named(vec![]), Form::Json);
    assert_eq!(parse_line("status --json"), Ok(expected));
    let expected = Request::Resign(Asked::Named(vec!["A".into(), "B".into()]));
    assert_eq!(parse_line("resign A B"), Ok(expected));
}
