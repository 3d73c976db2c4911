//! The words of which random command lines are made: commands, options, and values good and bad.
//!
//! Nothing is here that we answer otherwise than the real program on purpose: IPv4 addresses and
//! names in brackets, IPv6 ones in brackets without a port, names that have IPv6 addresses only,
//! words behind a blank in an address, firewall marks above 2147483647, flags that are nothing but
//! commas, names and lists that are too long for it, `-h`, and the options that it lacks. Nor are
//! addresses more than 2^31 apart, whose order is left to chance.

use self::Takes::{Nothing, Optional, Value};

/// What stands behind an option.
pub enum Takes {
    Nothing,
    Optional(&'static Values),
    Value(&'static Values),
}

/// Good ones; and others, good, odd or bad.
pub struct Values(pub &'static [&'static str], pub &'static [&'static str]);

/// A command or an option: its letter, if it has one, and its long name.
pub struct Word(pub &'static str, pub &'static str, pub Takes);

/// A command; what it needs; and what may go with it.
///
/// The latter two are long names of options, those that belong together in one text. `|` stands
/// between alternatives.
pub struct Command(
    pub Word,
    pub &'static [&'static str],
    pub &'static [&'static str],
);

/// The table from which every case starts: a service of each kind, names to find, masks and
/// thresholds.
pub const TABLE: &str = "\
-A -t 10.0.0.1:80 -s rr -M 255.255.255.0
-a -t 10.0.0.1:80 -r 10.2.0.1:80 -m -w 5 -x 100 -y 50
-a -t 10.0.0.1:80 -r 10.2.0.4 -i
-A -u 10.0.0.1:53 -s wlc -o
-a -u 10.0.0.1:53 -r 10.1.0.1 -m
-A -t 10.1.0.10:80 -s sh -p 600 -M 255.255.0.0 -b sh-port
-a -t 10.1.0.10:80 -r 10.2.0.3 -i --tun-type gue --tun-port 6080 --tun-csum
-A --sctp-service 10.0.0.1:2905 -s lc
-A -f 7 -s nq -p 60
-a -f 7 -r 10.1.0.2:80 -m
-A -f 8 -6 -s mh -b mh-port
-A -t [2001:db8::10]:80 -s sed -p 90 -M 64
-a -t [2001:db8::10]:80 -r [2001:db8::11]:8080 -m
";

/// Commands that change services and servers.
#[rustfmt::skip]
pub const CHANGES: &[Command] = &[
    Command(Word("A", "add-service", Nothing), &[SERVICE], SERVICE_SETTINGS),
    Command(Word("E", "edit-service", Nothing), &[SERVICE], SERVICE_SETTINGS),
    Command(Word("D", "delete-service", Nothing), &[SERVICE], &[]),
    Command(Word("a", "add-server", Nothing), SERVER, SERVER_SETTINGS),
    Command(Word("e", "edit-server", Nothing), SERVER, SERVER_SETTINGS),
    Command(Word("d", "delete-server", Nothing), SERVER, &[]),
];

#[rustfmt::skip]
pub const OTHER_COMMANDS: &[Command] = &[
    Command(Word("L", "list", Nothing), &[], LISTING),
    Command(Word("l", "list", Nothing), &[], LISTING),
    Command(Word("S", "save", Nothing), &[], &["numeric"]),
    Command(Word("Z", "zero", Nothing), &[], &[SERVICE]),
    Command(Word("C", "clear", Nothing), &[], &[]),
    Command(Word("R", "restore", Nothing), &[], &[]),
    Command(Word("", "set", Nothing), &[], &[]),
    Command(Word("", "start-daemon", Value(ROLES)), &["mcast-interface"], DAEMON_SETTINGS),
    Command(Word("", "stop-daemon", Value(ROLES)), &[], &["syncid"]),
];

const SERVICE: &str = "tcp-service|tcp-service|tcp-service|udp-service|sctp-service\
    |fwmark-service|fwmark-service|fwmark-service ipv6";

const SERVER: &[&str] = &[SERVICE, "real-server"];

const SERVICE_SETTINGS: &[&str] = &[
    "scheduler|scheduler|scheduler sched-flags",
    "persistent|persistent netmask|persistent pe|netmask|pe",
    "ops",
];

const SERVER_SETTINGS: &[&str] = &[
    "gatewaying|masquerading|ipip|ipip tun-type|ipip tun-type tun-port\
     |ipip tun-type tun-port tun-csum|ipip tun-type tun-remcsum|ipip tun-type tun-nocsum",
    "weight",
    "u-threshold|u-threshold l-threshold|l-threshold",
];

const LISTING: &[&str] = &[
    SERVICE,
    "numeric",
    "stats|rate|thresholds|persistent-conn|tun-info|connection|timeout|daemon",
    "nosort|sort",
    "exact",
];

const DAEMON_SETTINGS: &[&str] = &[
    "syncid",
    "sync-maxlen",
    "mcast-group",
    "mcast-port",
    "mcast-ttl",
];

#[rustfmt::skip]
pub const OPTIONS: &[Word] = &[
    Word("t", "tcp-service", Value(SERVICES)),
    Word("u", "udp-service", Value(SERVICES)),
    Word("", "sctp-service", Value(SERVICES)),
    Word("f", "fwmark-service", Value(MARKS)),
    Word("6", "ipv6", Nothing),
    Word("s", "scheduler", Value(SCHEDULERS)),
    Word("b", "sched-flags", Value(FLAGS)),
    Word("p", "persistent", Optional(NUMBERS)),
    Word("M", "netmask", Value(MASKS)),
    Word("", "pe", Value(&Values(&["sip"], &["nosuch", ""]))),
    Word("o", "ops", Nothing),
    Word("r", "real-server", Value(SERVERS)),
    Word("g", "gatewaying", Nothing),
    Word("i", "ipip", Nothing),
    Word("m", "masquerading", Nothing),
    Word("w", "weight", Value(NUMBERS)),
    Word("x", "u-threshold", Value(NUMBERS)),
    Word("y", "l-threshold", Value(NUMBERS)),
    Word("", "tun-type", Value(&Values(&["ipip", "gue", "gre"], &["IPIP", "", "x"]))),
    Word("", "tun-port", Value(NUMBERS)),
    Word("", "tun-nocsum", Nothing),
    Word("", "tun-csum", Nothing),
    Word("", "tun-remcsum", Nothing),
    Word("n", "numeric", Nothing),
    Word("c", "connection", Nothing),
    Word("", "timeout", Nothing),
    Word("", "daemon", Nothing),
    Word("", "stats", Nothing),
    Word("", "rate", Nothing),
    Word("", "thresholds", Nothing),
    Word("", "persistent-conn", Nothing),
    Word("", "tun-info", Nothing),
    Word("", "nosort", Nothing),
    Word("", "sort", Nothing),
    Word("X", "exact", Nothing),
    Word("", "mcast-interface", Value(&Values(&["d0", "eth0"], &["lo", "nosuch0", ""]))),
    Word("", "syncid", Value(NUMBERS)),
    Word("", "sync-maxlen", Value(NUMBERS)),
    Word("", "mcast-group", Value(GROUPS)),
    Word("", "mcast-port", Value(NUMBERS)),
    Word("", "mcast-ttl", Value(NUMBERS)),
];

/// Words that do not belong anywhere.
#[rustfmt::skip]
pub const STRAY: &[&str] = &[
    "-k", "foo", "--", "-", "--foo", "--tcp", "--num", "-n=1", "--numeric=1", "-A", "-L", "-v",
    "--version", "-nn", "-nk", "-Ln", "-mw", "ipvsadm",
];

/// Most of the good ones are in the table.
#[rustfmt::skip]
const SERVICES: &Values = &Values(
    &["10.0.0.1:80", "10.0.0.1:53", "10.0.0.1:2905", "vip:http", "[2001:db8::10]:80", "10.0.0.2:80"],
    &[
        "web1", "web1:https", "10.1.0.10:http", "dual:80", "multi:http", "maskname:1", "nosuch:80",
        "2001:db8::10", "[2001:db8::10]:http", "[::1]:80", "[::ffff:10.0.0.1]:80", "::", "a:b:80",
        "10.1:80", "0x0a000001:80", "012.0.0.1:80", "300.1.1.1:80", "1.2.3.4.5:80", "0.0.0.0:0",
        "10.0.0.1", "10.0.0.1:", "10.0.0.1:0", "10.0.0.1:080", "10.0.0.1:+80", "10.0.0.1: 80",
        "10.0.0.1:-1", "10.0.0.1:99999", "10.0.0.1:domain", "10.0.0.1:tftp", "10.0.0.1:m3ua",
        "80", "",
    ],
);

#[rustfmt::skip]
const SERVERS: &Values = &Values(
    &["10.2.0.1:80", "10.2.0.4", "10.1.0.1", "10.1.0.2:80", "10.2.0.9:8080", "[2001:db8::11]:8080"],
    &[
        "10.2.0.1", "10.1.0.1:53", "web2", "web2:http", "2001:db8::12", "[::1]:80", "127.0.0.1:80",
        "10.99.0.1:80", "10.99.0.255:80", "224.0.0.1:80", "255.255.255.255", "0.0.0.0:80", "fe80::1",
        "nosuch", "1234", "",
    ],
);

#[rustfmt::skip]
const MARKS: &Values = &Values(
    &["7", "8", "9"],
    &["1", "0", "2147483647", "4294967296", "x", "", " 7", "+7", "07"],
);

#[rustfmt::skip]
pub const NUMBERS: &Values = &Values(
    &["1", "5", "64", "100"],
    &[
        "0", "128", "129", "255", "256", "65507", "65508", "65535", "65536", "2678400", "2678401",
        "2147483647", "2147483648", "4294967295", "4294967296", "99999999999999999999", "-1", "+3",
        " 4", "4 ", "010", "0x10", "1.5", "abc", "",
    ],
);

#[rustfmt::skip]
const SCHEDULERS: &Values = &Values(
    &["rr", "wrr", "lc", "wlc", "lblc", "dh", "sh", "sed", "nq", "fo", "ovf", "mh"],
    &["none", "nosuch", "RR", ""],
);

#[rustfmt::skip]
const FLAGS: &Values = &Values(
    &["flag-1", "flag-2", "flag-1,flag-2", "flag-3,flag-1"],
    &[
        "sh-port", "sh-fallback", "sh-port,sh-fallback", "mh-port", "mh-fallback", "FLAG-1",
        "flag-1,,flag-2", "flag-1,", "nosuch", "",
    ],
);

#[rustfmt::skip]
const MASKS: &Values = &Values(
    &["255.255.255.0", "64"],
    &[
        "255.255.255.255", "255.255.0.0", "0xffffff00", "maskname", "nosuch", "0", "24", "128", "129",
        "64abc", "",
    ],
);

const ROLES: &Values = &Values(&["master", "backup"], &["x", ""]);

#[rustfmt::skip]
const GROUPS: &Values = &Values(
    &["224.0.0.81", "239.255.255.255", "ff02::81", "ff05::1"],
    &["10.0.0.1", "224.0.0.1:5", "x", ""],
);
