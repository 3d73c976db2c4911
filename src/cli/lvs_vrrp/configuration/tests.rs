//! Configurations, and the routers that they become.

use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::addr::Family;
use crate::conf::expand::{Outside, Unreadable};
use crate::vrrp::command::{Account, CommandLine, Text};
use crate::vrrp::instance::{self, Instance, Script, Task};
use crate::vrrp::process::{Arguments, Count, Pattern};
use crate::vrrp::reception::Checksum;
use crate::vrrp::routing::Line;
use crate::vrrp::{Authentication, Priority, Secret, Vrid, router};

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

fn chosen(text: &str, names: &[&str]) -> Result<Chosen, Vec<String>> {
    let reading = crate::conf::read("k.conf", text, &Nothing);
    let names: Vec<String> = names.iter().map(|&name| name.to_owned()).collect();
    let machine = Machine {
        account: &|user, group| {
            let gid = if group == Some("adm") { 4 } else { 65 };
            (user == "checker").then_some((65, gid))
        },
        is_exposed: &|program| program.starts_with("/tmp/"),
        is_in_network: &|name| name == "here",
    };
    choose(reading.config, &reading.sources, &names, &machine)
}

/// The only instance, and what was said about it.
fn only(text: &str) -> (Instance, Vec<String>) {
    let Chosen {
        configuration,
        warnings,
        ..
    } = chosen(text, &[]).unwrap();
    let instances: Vec<&Instance> = configuration.instances().collect();
    assert_eq!(instances.len(), 1);
    (instances[0].clone(), warnings)
}

/// The least that an instance is, and more lines from the second line on.
fn with(lines: &str) -> String {
    format!(
        "vrrp_instance VI {{\n{lines}\ninterface eth0\nvirtual_router_id 51\nvirtual_ipaddress {{\n10.9.0.100\n}}\n}}\n"
    )
}

#[test]
fn the_least_is_what_the_command_line_makes_of_it() {
    let (instance, warnings) = only(&with(""));
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
    vrrp_notify_fifo_script \"/bin/read all\"
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
    let (instance, warnings) = only(text);
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
    // An address is on eth1: it has to run, whatever its weight is.
    let interfaces = [
        ("eth1".to_owned(), Weight::new(0)),
        ("eth2".to_owned(), Weight::new(0)),
    ];
    assert_eq!(instance.interfaces, interfaces);
    let words = |words: &[&str]| CommandLine {
        text: Text::Words(words.iter().map(|&word| word.to_owned()).collect()),
        account: None,
    };
    let script = Script {
        name: "web".into(),
        interval: Duration::from_secs(2),
        timeout: Duration::from_secs(2),
        rise: 3,
        fall: 4,
        begins_failed: false,
        weight: Weight::new(-20),
        task: Task::Command(words(&["/bin/check", "a b"])),
    };
    assert_eq!(instance.scripts, [script]);
    assert_eq!(
        instance.notify.master,
        Some(words(&["/bin/told", "master"]))
    );
    let fifos = chosen(text, &["VI"]).unwrap().configuration.fifos;
    let fifo = Fifo {
        path: "/run/told".into(),
        owner: None,
        reader: Some(words(&["/bin/read", "all"])),
    };
    assert_eq!(fifos, [fifo]);
    let first = "10.9.0.100/24,dev=eth1,label=eth1:v,scope=link,brd=10.9.0.255";
    assert_eq!(instance.addresses[0], first.parse().unwrap());
    assert_eq!(instance.addresses.len(), 3);
    let told: IpAddr = "10.9.0.100".parse().unwrap();
    assert_eq!(instance.advertised(), [told]);
}

#[test]
fn a_script_may_run_several_times_a_second() {
    let times = |lines: &str| {
        let script = format!("vrrp_script S {{\nscript /bin/check\n{lines}\n}}\n");
        let (instance, _) = only(&(script + &with("track_script {\nS\n}")));
        (instance.scripts[0].interval, instance.scripts[0].timeout)
    };
    let milliseconds = Duration::from_millis;
    let fifth = milliseconds(200);
    assert_eq!(times("interval .2"), (fifth, fifth));
    let both = (milliseconds(1000), milliseconds(2500));
    assert_eq!(times("interval 0\ntimeout 2.5"), both);
}

#[test]
fn all_instances_are_spoken_for_or_those_that_are_named() {
    let text = with("") + &with("").replace("VI", "OTHER").replace("51", "52");
    let names = |names: &[&str]| {
        let configuration = chosen(&text, names).unwrap().configuration;
        let instances = configuration.instances();
        instances
            .map(|instance| instance.name.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(names(&[]), ["VI", "OTHER"]);
    assert_eq!(names(&["OTHER"]), ["OTHER"]);
    let unknown = chosen(&text, &["X"]).unwrap_err();
    assert_eq!(unknown, ["no such vrrp_instance: X; there are: VI, OTHER"]);
    let none = chosen("", &[]).unwrap_err();
    assert_eq!(none, ["no vrrp_instance in the configuration"]);
}

#[test]
fn a_group_moves_as_a_whole() {
    let group = "vrrp_sync_group G {
group {
VI
OTHER
}
notify_master \"/bin/told us\"
track_interface {
eth2
}
smtp_alert on
}
";
    let weight = "track_interface {\neth1 weight 5\n}";
    let other = |lines| with(lines).replace("VI", "OTHER").replace("51", "52");
    let text = with(weight) + &other("") + group;
    let Chosen {
        configuration,
        warnings,
        ..
    } = chosen(&text, &[]).unwrap();
    let [group] = &configuration.groups[..] else {
        panic!("{configuration:?}");
    };
    assert_eq!(group.name.as_deref(), Some("G"));
    assert_eq!(group.members.len(), 2);
    let watched = [("eth1".to_owned(), Weight::new(0))];
    assert_eq!(group.members[0].interfaces, watched);
    assert_eq!(group.interfaces, [("eth2".to_owned(), Weight::new(0))]);
    assert!(group.notify.master.is_some());
    let no_mail = "no mail without smtp_server and notification_email: smtp_alert";
    assert!(warnings[0].ends_with(no_mail), "{warnings:?}");
    assert_eq!(warnings.len(), 1);
    let torn = chosen(&text, &["VI"]).unwrap_err();
    assert_eq!(torn, ["vrrp_sync_group G moves as a whole: name OTHER too"]);
}

#[test]
fn a_weight_may_be_reversed_and_a_link_ignored() {
    let (instance, _) = only(&with(
        "dont_track_primary\ntrack_interface {\neth1 weight 5 reverse\n}",
    ));
    let weight = Weight {
        amount: 5,
        reversed: true,
    };
    assert_eq!(instance.interfaces, [("eth1".to_owned(), weight)]);
    assert!(!instance.follows_link);
}

#[test]
fn adverts_go_to_the_group_that_the_file_names() {
    let group = |text: &str| only(text).0.group.to_string();
    assert_eq!(group(&with("")), "224.0.0.18");
    assert_eq!(group(&with("mcast_dst_ip 224.0.0.19")), "224.0.0.19");
    let global = "global_defs {\nvrrp_mcast_group4 224.0.0.20\n}\n";
    assert_eq!(group(&(global.to_owned() + &with(""))), "224.0.0.20");
}

#[test]
fn what_would_make_another_master_is_refused() {
    let refusals = chosen(&with("vrf eth9"), &[]).unwrap_err();
    assert_eq!(refusals.len(), 1, "{refusals:?}");
    assert!(refusals[0].starts_with("k.conf:"), "{refusals:?}");
}

#[test]
fn the_checksum_of_old_unicast_adverts_is_as_the_file_says() {
    let checksum = |line: &str, peers: &str| {
        let (instance, warnings) = only(&with(&format!("{line}\n{peers}")));
        (instance.checksum, warnings)
    };
    let peers = "unicast_peer {\n10.9.0.2\n}";
    for (line, expected) in [
        ("", Checksum::Pseudo),
        ("old_unicast_checksum", Checksum::OldUnicast),
        ("old_unicast_checksum never", Checksum::NeverOld),
    ] {
        assert_eq!(checksum(line, peers), (expected, vec![]), "{line}");
    }
    assert_eq!(checksum("old_unicast_checksum", "").0, Checksum::Pseudo);
}

#[test]
fn what_else_is_not_had_is_told_with_its_place() {
    let text = with("smtp_alert on\npromote_secondaries\nhigher_prio_send_advert off");
    let (plain, warnings) = only(&text);
    assert!(!plain.settings.last_word);
    assert_eq!(
        warnings,
        [
            "k.conf:2:1: no mail without smtp_server and notification_email: smtp_alert",
            "k.conf:3:1: `promote_secondaries` is not supported, it has no effect",
        ]
    );
    let (strict, warnings) = only(&with("strict_mode on"));
    assert!(warnings[0].starts_with("k.conf:2:1: strict mode"));
    assert!(!strict.settings.answer_lower && !strict.settings.last_word);
    assert_eq!(strict.settings.announce.again, None);
}

#[test]
fn a_source_is_tracked_when_the_file_says_so_or_names_none() {
    let source = |lines: &str| {
        let (instance, warnings) = only(&with(lines));
        assert_eq!(warnings, Vec::<String>::new());
        (instance.tracks_source, instance.assumed_source())
    };
    let given: IpAddr = "10.9.0.7".parse().unwrap();
    assert_eq!(source(""), (true, None));
    assert_eq!(source("mcast_src_ip 10.9.0.7"), (false, Some(given)));
    assert_eq!(source("mcast_src_ip 10.9.0.7\ntrack_src_ip"), (true, None));
    let unicast = "unicast_src_ip 10.9.0.7\nunicast_peer {\n10.9.0.2\n}";
    assert_eq!(source(unicast), (false, None));
}

#[test]
fn one_that_wants_peers_and_has_none_has_a_fault() {
    let hindrance = |lines: &str| only(&with(lines)).0.hindrance;
    assert!(hindrance("unicast_fault_no_peer").is_some());
    let peer = "unicast_fault_no_peer\nunicast_peer {\n10.9.0.2\n}";
    assert_eq!(hindrance(peer), None);
}

#[test]
fn what_the_others_can_do_without_is_told_with_what_is_done_instead() {
    let (plain, _) = only(&with(""));
    for (line, instead) in [
        (
            "use_vmac_addr",
            "addresses on other interfaces have the MAC of these",
        ),
        (
            "use_ipvlan",
            "adverts and addresses are on the interface itself",
        ),
    ] {
        let (instance, warnings) = only(&with(line));
        assert_eq!(instance, plain);
        assert_eq!(
            warnings,
            [format!("k.conf:2:1: `{line}` has no effect, {instead}")]
        );
    }
}

#[test]
fn a_session_of_bfd_is_taken_for_well_and_told_once() {
    let session = "bfd_instance B {\nneighbor_ip 10.9.0.2\n}\n";
    let (instance, warnings) = only(&(session.to_owned() + &with("track_bfd {\nB\n}")));
    assert_eq!((instance.hindrance, instance.interfaces), (None, vec![]));
    let text = "`track_bfd` has no effect, nothing here speaks BFD: taken for well";
    assert_eq!(warnings, [format!("k.conf:5:1: {text}")]);
}

#[test]
fn interfaces_of_addresses_routes_and_rules_are_tracked_unless_told_otherwise() {
    let (instance, warnings) = only(&with(
        "track_interface {\neth2 weight 5\neth3 weight 6\n}
virtual_ipaddress_excluded {\n10.9.0.101 dev eth1\n10.9.0.102 dev eth4 no_track\n}
virtual_routes {\n10.1.0.0/16 dev eth2\n10.2.0.0/16 dev eth5 no_track\n10.3.0.0/16 dev eth0\n}
virtual_rules {\nfrom 10.1.0.0/16 iif eth6 table 7 preference 1\n}",
    ));
    assert_eq!(warnings, Vec::<String>::new());
    let tracked = [("eth2", 0), ("eth3", 6), ("eth1", 0), ("eth6", 0)];
    let tracked = tracked.map(|(name, weight)| (name.to_owned(), Weight::new(weight)));
    assert_eq!(instance.interfaces, tracked);
    let lost = |address: &instance::VirtualAddress| address.tracked;
    let tracked: Vec<bool> = instance.addresses.iter().map(lost).collect();
    assert_eq!(tracked, [true, true, false]);
}

#[test]
fn pipes_are_told_of_priorities_as_the_instance_the_group_or_all_say() {
    let tells = |global: &str, group: &str, own: &str| {
        let text = format!(
            "global_defs {{\nvrrp_notify_priority_changes {global}\n}}\n\
             vrrp_sync_group G {{\ngroup {{\nVI\n}}\n{group}\n}}\n"
        );
        only(&(text + &with(own))).0.tells_priority
    };
    assert!(!tells("off", "", ""));
    assert!(tells("on", "", ""));
    assert!(!tells("on", "notify_priority_changes off", ""));
    let (group, own) = ("notify_priority_changes on", "notify_priority_changes off");
    assert!(tells("off", group, "") && !tells("off", group, own));
}

#[test]
fn a_limit_goes_with_a_real_time_priority() {
    let limit = |lines: &str| {
        let text = format!("global_defs {{\n{lines}\n}}\n") + &with("");
        let chosen = chosen(&text, &[]).unwrap();
        assert_eq!(chosen.warnings, Vec::<String>::new());
        chosen.configuration.process.real_time_limit
    };
    let both = "vrrp_rt_priority 10\nvrrp_rlimit_rttime 70000";
    assert_eq!(limit(both), Some(Duration::from_millis(70)));
    assert_eq!(limit("vrrp_rlimit_rttime 70000"), None);
}

#[test]
fn scripts_run_as_whom_the_file_says() {
    let account = |global: &str, script: &str| {
        let text = format!(
            "global_defs {{\n{global}\n}}\nvrrp_script S {{\nscript /bin/check\n{script}\n}}\n"
        ) + &with("track_script {\nS\n}");
        let Chosen {
            configuration,
            warnings,
            ..
        } = chosen(&text, &[]).unwrap();
        let instances: Vec<&Instance> = configuration.instances().collect();
        let script = instances[0].scripts.first();
        let account = script.map(|script| match &script.task {
            Task::Command(command) => command.account,
            Task::Count(_) => panic!("{script:?}"),
        });
        (account, warnings)
    };
    let checker = |gid| Some(Some(Account { uid: 65, gid }));
    assert_eq!(account("", ""), (Some(None), vec![]));
    assert_eq!(account("script_user checker", ""), (checker(65), vec![]));
    assert_eq!(account("", "user checker adm"), (checker(4), vec![]));
    let (none, warnings) = account("", "user nobody-here");
    assert_eq!(none, None);
    assert_eq!(
        warnings,
        ["k.conf:5:1: not run, no such user or group: nobody-here"]
    );
}

#[test]
fn what_others_can_change_is_not_run_by_root() {
    let text = "global_defs {\nscript_user root\nenable_script_security\n}\n".to_owned()
        + &with("notify /tmp/told\nnotify_master \"/tmp/told\" checker\nnotify_backup /bin/told");
    let reading = crate::conf::read("k.conf", text, &Nothing);
    let machine = Machine {
        account: &|user, _| Some((u32::from(user != "root"), 0)),
        is_exposed: &|program| program.starts_with("/tmp/"),
        is_in_network: &|name| name == "here",
    };
    let chosen = choose(reading.config, &reading.sources, &[], &machine).unwrap();
    let instance = chosen.configuration.instances().next().unwrap();
    assert_eq!(instance.notify.any, None);
    assert!(instance.notify.master.is_some());
    assert!(instance.notify.backup.is_some());
    assert_eq!(
        chosen.warnings,
        ["k.conf:6:1: not run, others than root can change it: /tmp/told"]
    );
}

#[test]
fn processes_are_counted() {
    let text = "vrrp_track_process P {\nprocess /bin/d -c\nparam_match partial\nquorum 2\n\
                quorum_max 4\nterminate_delay 1\nweight 9\n}\n"
        .to_owned()
        + &with("track_process {\nP\n}");
    let (instance, warnings) = only(&text);
    assert_eq!(warnings, Vec::<String>::new());
    let [process] = &instance.scripts[..] else {
        panic!("{instance:?}");
    };
    assert_eq!(
        (process.rise, process.fall, process.weight),
        (1, 3, Weight::new(9))
    );
    let count = Count {
        pattern: Pattern {
            program: "/bin/d".to_owned(),
            arguments: Arguments::First(vec!["-c".to_owned()]),
        },
        least: 2,
        most: Some(4),
    };
    assert_eq!(process.task, Task::Count(count));
}

#[test]
fn what_is_static_is_told_in_the_words_of_ip() {
    let text = "global_defs {\n default_interface eth7\n}\nnet_namespace here\n\
        static_ipaddress {\n 192.0.2.1/24 dev eth0 brd +\n fd00::1/64 -nodad\n}\n\
        static_routes {\n default gw 192.0.2.9 table 7\n 192.0.4.0/24 dev eth0 protocol 9\n 192.0.3.0/24 dev eth0 protocol 7 no_track\n}\n\
        static_rules {\n from 192.0.2.0/24 table 7\n}\n\
        vrrp_instance VI {\n interface eth0\n virtual_router_id 1\n virtual_ipaddress {\n \
        192.0.2.2\n }\n}\n";
    let chosen = chosen(text, &[]).unwrap();
    assert_eq!(chosen.warnings, Vec::<String>::new());
    let fixed = chosen.configuration.fixed;
    let words = |lines: &[Line]| {
        lines
            .iter()
            .map(|line| line.words.clone())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        words(&fixed.addresses),
        ["192.0.2.1/24 brd + dev eth0", "fd00::1/64 nodad dev eth7"]
    );
    assert_eq!(
        words(&fixed.routes),
        [
            "default via 192.0.2.9 table 7",
            "protocol 18 192.0.4.0/24 dev eth0",
            "192.0.3.0/24 dev eth0 protocol 7"
        ]
    );
    assert_eq!(
        words(&fixed.rules),
        ["protocol 18 from 192.0.2.0/24 table 7"]
    );
}
