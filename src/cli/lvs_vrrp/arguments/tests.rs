//! Command lines, and what they mean.

use super::*;

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

fn running(line: &str) -> Speaking {
    match parse_line(line) {
        Ok(Request::Run(speaking)) => *speaking,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn a_router_is_what_keepalived_would_make_of_it() {
    let Speaking {
        instance, warnings, ..
    } = running("run -i eth0 -I 51 --vip 10.9.0.100");
    assert_eq!(
        (instance.name.as_str(), instance.vrid.number()),
        ("VI_51", 51)
    );
    assert_eq!(instance.settings.version, Version::V2);
    assert_eq!(instance.settings.priority, Priority(100));
    assert!(instance.settings.preempt && warnings.is_empty());
    let instance = running("run -i eth0 -I 51 --vip fe80::1").instance;
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
        let Speaking {
            instance, warnings, ..
        } = running(&line);
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
    let configured = |name: Option<&str>, json, level| {
        Ok(Request::RunConfigured(Configured {
            file: "k.conf".into(),
            name: name.map(str::to_owned),
            json,
            level,
        }))
    };
    let least = configured(None, false, Level::Info);
    assert_eq!(parse_line("run -f k.conf"), least);
    let most = configured(Some("VI"), true, Level::Error);
    let line = "run --use-file k.conf VI --json --log-level error";
    assert_eq!(parse_line(line), most);
    let refused = Refused::Wrong("--use-file <FILE> does not go with --priority <PRIORITY>".into());
    assert_eq!(parse_line("run -f k.conf -p 5"), Err(refused));
}

#[test]
fn what_cannot_be_is_one_line() {
    for line in [
        "run VI",
        "run -i eth0 -I 51 VI",
        "run -f k.conf -i eth0 -I 51",
        "elect -f k.conf",
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
    assert_eq!((count, priority), (3, Priority::RESIGNED));
}
