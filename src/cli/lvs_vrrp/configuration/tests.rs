//! Configurations, and the routers that they become.

use super::*;
use crate::conf::expand::{Outside, Unreadable};

/// A machine with nothing but the file.
struct Nothing;

impl Outside for Nothing {
    fn read(&self, _: &str) -> Result<String, Unreadable> {
        Err(Unreadable {
            missing: true,
            why: "No such file or directory".into(),
        })
    }
    fn matching(&self, _: &str) -> Vec<String> {
        vec![]
    }
    fn variable(&self, _: &str) -> Option<String> {
        None
    }
    fn identity(&self) -> &str {
        "here"
    }
    fn random(&self, least: u32, _: u32) -> u32 {
        least
    }
}

fn chosen(text: &str, name: Option<&str>) -> Result<Chosen, Vec<String>> {
    let reading = crate::conf::read("k.conf", text, &Nothing);
    choose(reading.config, &reading.sources, name)
}

/// The least that an instance is, and more lines from the second line on.
fn with(lines: &str) -> String {
    format!(
        "vrrp_instance VI {{\n{lines}\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n10.9.0.100\n}}\n}}\n"
    )
}

#[test]
fn the_least_is_what_the_command_line_makes_of_it() {
    let Chosen { instance, warnings } = chosen(&with(""), None).unwrap();
    let vrid = Vrid::new(51).unwrap();
    let mut expected = instance::new("eth0", vrid, Family::V4, None);
    expected.name = "VI".into();
    expected.addresses = vec!["10.9.0.100".parse().unwrap()];
    assert_eq!(instance, expected);
    assert_eq!(warnings, [""; 0]);
}

#[test]
fn all_that_is_said_arrives() {
    let text = "global_defs {
    vrrp_garp_master_refresh 60
    vrrp_notify_fifo /run/told
}
vrrp_script web {
    script \"/bin/check 'a b'\"
    interval 2
    rise 3
    fall 4
    weight -20
}
vrrp_instance VI {
    state BACKUP
    interface eth0
    virtual_router_id 7
    priority 150
    advert_int 2
    nopreempt
    authentication {
        auth_type AH
        auth_pass hush
    }
    unicast_src_ip 10.9.0.1
    unicast_peer {
        10.9.0.2
    }
    track_interface {
        eth1 weight 5
        eth2
    }
    track_script {
        web
    }
    garp_master_delay 0
    garp_master_repeat 2
    garp_master_refresh_repeat 3
    down_timer_adverts 4
    lower_prio_no_advert on
    notify_master \"/bin/told master\"
    virtual_ipaddress {
        10.9.0.100/24 brd + dev eth1 label eth1:v scope link
    }
    virtual_ipaddress_excluded {
        10.9.0.200/32
        fd00::200/64
    }
}";
    let Chosen { instance, warnings } = chosen(text, Some("VI")).unwrap();
    assert_eq!(warnings, [""; 0]);
    let settings = instance.settings;
    assert_eq!(settings.priority, Priority(150));
    assert_eq!(settings.interval.seconds(), Some(2));
    assert_eq!((settings.preempt, settings.answer_lower), (false, false));
    assert_eq!(settings.missed_adverts, 4);
    let announce = router::Announce {
        rounds: 2,
        again: None,
        refresh: Some(Duration::from_secs(60)),
        refresh_rounds: 3,
    };
    assert_eq!(settings.announce, announce);
    let hush = Authentication::Header(Secret::new(b"hush"));
    assert_eq!(instance.authentication, hush);
    assert_eq!(instance.source, Some("10.9.0.1".parse().unwrap()));
    assert_eq!(instance.peers, ["10.9.0.2".parse::<IpAddr>().unwrap()]);
    let interfaces = [
        ("eth1".to_owned(), Weight(5)),
        ("eth2".to_owned(), Weight(0)),
    ];
    assert_eq!(instance.interfaces, interfaces);
    let words =
        |words: &[&str]| CommandLine::Words(words.iter().map(|&word| word.to_owned()).collect());
    let script = Script {
        name: "web".into(),
        interval: Duration::from_secs(2),
        rise: 3,
        fall: 4,
        weight: Weight(-20),
        command: words(&["/bin/check", "a b"]),
    };
    assert_eq!(instance.scripts, [script]);
    assert_eq!(
        instance.notify.master,
        Some(words(&["/bin/told", "master"]))
    );
    assert_eq!(instance.notify.fifo, Some(PathBuf::from("/run/told")));
    let first = "10.9.0.100/24,dev=eth1,label=eth1:v,scope=link,brd=10.9.0.255";
    assert_eq!(instance.addresses[0], first.parse().unwrap());
    assert_eq!(instance.addresses.len(), 3);
    let told: IpAddr = "10.9.0.100".parse().unwrap();
    assert_eq!(instance.advertised(), [told]);
}

#[test]
fn of_several_instances_one_is_named() {
    let text = with("") + &with("").replace("VI", "OTHER").replace("51", "52");
    let several = chosen(&text, None).unwrap_err();
    assert_eq!(several, ["which vrrp_instance? there are: VI, OTHER"]);
    let other = chosen(&text, Some("OTHER")).unwrap().instance;
    assert_eq!(other.vrid.number(), 52);
    let unknown = chosen(&text, Some("X")).unwrap_err();
    assert_eq!(unknown, ["no such vrrp_instance: X; there are: VI, OTHER"]);
    let none = chosen("", None).unwrap_err();
    assert_eq!(none, ["no vrrp_instance in the configuration"]);
}

#[test]
fn what_would_make_another_master_is_refused() {
    for lines in [
        "use_vmac",
        "dont_track_primary",
        "track_src_ip",
        "mcast_dst_ip 224.0.0.19",
        "track_interface {\neth1 weight 5 reverse\n}",
    ] {
        let refusals = chosen(&with(lines), None).unwrap_err();
        assert_eq!(refusals.len(), 1, "{refusals:?}");
        assert!(refusals[0].starts_with("k.conf:"), "{refusals:?}");
    }
    let group = with("") + "vrrp_sync_group G {\ngroup {\nVI\n}\n}\n";
    let refusals = chosen(&group, None).unwrap_err();
    assert_eq!(
        refusals,
        ["k.conf:11:1: `vrrp_sync_group` G is not supported"]
    );
    // Somebody else's.
    let other = with("").replace("VI", "OTHER").replace("51", "52");
    assert!(chosen(&(group + &other), Some("OTHER")).is_ok());
}

#[test]
fn what_else_is_not_had_is_told_with_its_place() {
    let text = with("smtp_alert on\nno_accept\nhigher_prio_send_advert off");
    let warnings = chosen(&text, None).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "k.conf:2:1: `smtp_alert` is not supported, it has no effect",
            "k.conf:3:1: `no_accept` is not supported, it has no effect",
        ]
    );
    let strict = chosen(&with("strict_mode on"), None).unwrap();
    assert!(strict.warnings[0].starts_with("k.conf:2:1: strict mode"));
    assert!(!strict.instance.settings.answer_lower);
    assert_eq!(strict.instance.settings.announce.again, None);
}
