//! Rules that hold for every table, every command line and every answer of a kernel, tried with
//! random ones.
//!
//! A failure prints the smallest input that proptest found. `PROPTEST_CASES=100000` looks longer.

use std::env;
use std::fmt;
use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::num::NonZeroU32;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};

use common::{IPVS, Kernel, NoNames, bytes, family, ipvsadm, is_for_control, message, number};
use lvskit::addr::{Endpoint, Family, Numeric, Protocol};
use lvskit::ipvs::client::Client;
use lvskit::ipvs::connections::Connection;
use lvskit::ipvs::rule::options::{OPTIONS, Spec, Value};
use lvskit::ipvs::rule::{self, Command, Context, Problem, write};
use lvskit::ipvs::{
    Change, Checksum, Connections, Destination, DestinationRow, EngineName, Forwarding, Info,
    Netmask, SchedulerFlags, SchedulerName, Service, ServiceId, ServiceRow, Stats, Thresholds,
    Tunnel, Version, Weight,
};
use lvskit::netlink::Attributes;
use lvskit::show::{json, metrics};
use nix::sys::socket::{MsgFlags, Shutdown, recv, send, shutdown};
use proptest::char::range;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{Index, select};

mod common;
#[path = "common/exposition.rs"]
mod exposition;
#[path = "common/schema.rs"]
mod schema;

/// So many cases, or as many as the environment says. Nothing is written down: what a failure
/// prints is enough to make a test of.
fn cases(cases: u32) -> ProptestConfig {
    let default = ProptestConfig::default();
    ProptestConfig {
        cases: match env::var_os("PROPTEST_CASES") {
            Some(_) => default.cases,
            None => cases,
        },
        failure_persistence: None,
        ..default
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn every_command_line_is_a_command_or_has_a_problem_to_tell(
        words in command_line().prop_map(|words| words.into_iter().map(Bytes).collect::<Vec<_>>()),
        posixly_correct: bool,
    ) {
        let words: Vec<&[u8]> = words.iter().map(|word| &word.0[..]).collect();
        let names = &NoNames;
        if let Err(problem) = rule::parse(&words, Context { names, posixly_correct }) {
            let mut text = Vec::new();
            problem.write(b"ipvsadm", &mut text).unwrap();
            prop_assert!(text.ends_with(b"\n"));
            prop_assert!([2, 255].contains(&problem.status()));
        }
    }

    #[test]
    fn an_endpoint_is_read_as_it_is_displayed(endpoint in endpoint()) {
        let text = endpoint.to_string();
        let id = ServiceId::Address { protocol: Protocol::TCP, endpoint };
        let command = parse(&["-D", "-t", &text]);
        prop_assert_eq!(command, Ok(Command::Change(Change::DeleteService(id))), "{}", text);
    }

    #[test]
    fn every_line_is_a_connection_or_passed_over(line in connection_line()) {
        if let Some(connection) = Connection::read(&line) {
            prop_assert!(line.contains(connection.state));
            let (mut text, mut list) = (String::new(), json::List::of_connections());
            list.begin(&mut text).unwrap();
            list.connection(&mut text, &connection).unwrap();
            list.end(&mut text);
            let document = schema::read(&text).map_err(TestCaseError::fail)?;
            prop_assert_eq!(&document["connections"][0]["state"], connection.state);
        }
    }
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn a_table_that_is_written_is_read_as_it_was(table in table()) {
        let text = text(&table);
        let read = read(&text);
        prop_assert_eq!(&read, &changes(&table), "{}", text);
        prop_assert_eq!(self::text(&rows(&read)), text);
    }
}

proptest! {
    #![proptest_config(cases(400))]

    #[test]
    fn a_table_that_is_written_and_read_is_the_same_on_the_wire(table in table()) {
        prop_assert_eq!(sent(&changes(&table)), sent(&read(&text(&table))));
    }

    #[test]
    fn a_table_is_a_document_and_metrics_with_its_figures(
        table in vec((any_service_row(), vec(any_destination_row(), 0..4)), 0..4),
    ) {
        let info = Info { version: Version(0x01_02_01), connection_table_size: u32::MAX };
        let mut text = String::new();
        let mut written = json::Table::default();
        written.begin(&mut text, info).unwrap();
        for (service, destinations) in &table {
            let before = text.clone();
            prop_assert!(serde_json::from_str::<serde_json::Value>(&before).is_err());
            written.service(&mut text, service, destinations).unwrap();
        }
        written.end(&mut text);
        let document = schema::read(&text).map_err(TestCaseError::fail)?;
        let mut of_destinations = 0;
        for ((row, rows), service) in table.iter().zip(document["services"].as_array().unwrap()) {
            prop_assert_eq!(&service["stats"]["bytes_in"], row.stats.bytes_in);
            prop_assert_eq!(&service["rates"]["bytes_out"], row.stats.byte_rate_out);
            let destinations = service["destinations"].as_array().unwrap();
            prop_assert_eq!(destinations.len(), rows.len());
            for (row, destination) in rows.iter().zip(destinations) {
                prop_assert_eq!(&destination["weight"], row.destination.weight.0);
                of_destinations += 1;
            }
        }

        // Services are different from each other, and destinations in each.
        let unique = |(row, rows): &metrics::Row| {
            let id = |row: &ServiceRow| format!("{:?}", row.service.id);
            let same = table.iter().filter(|(other, _)| id(other) == id(row)).count();
            let mut endpoints: Vec<_> =
                rows.iter().map(|row| row.destination.endpoint).collect();
            endpoints.sort();
            endpoints.dedup();
            same == 1 && endpoints.len() == rows.len()
        };
        prop_assume!(table.iter().all(unique));
        let mut text = String::new();
        metrics::write(&mut text, info, &table).unwrap();
        let samples = exposition::read(&text).map_err(TestCaseError::fail)?;
        let total = |name: &str, expected: u128| {
            let of_name = samples.iter().filter(|sample| sample.name == name);
            let values: Vec<u128> = of_name.map(|sample| sample.value.parse().unwrap()).collect();
            (values.len(), values.iter().sum::<u128>() == expected)
        };
        let rows = || table.iter().flat_map(|(_, rows)| rows);
        let sum: u128 = table.iter().map(|(row, _)| u128::from(row.stats.bytes_out)).sum();
        prop_assert_eq!(total("ipvs_service_outgoing_bytes_total", sum), (table.len(), true));
        let sum: u128 = rows().map(|row| u128::from(row.connections.active)).sum();
        let active = total("ipvs_destination_connections_active", sum);
        prop_assert_eq!(active, (of_destinations, true));
    }

    #[test]
    fn a_table_that_is_restored_is_saved_as_it_was(table in table()) {
        let text = text(&table);
        let file = format!("{text}-Sn\n");
        let ended = ipvsadm(&[b"-R"], file.as_bytes(), table_keeper(|_| {}));
        let (output, errors) = (utf8(&ended.output), utf8(&ended.errors));
        prop_assert_eq!((ended.status, errors), (0, ""));
        // The lines are in the order of a listing.
        let sorted = |text: &str| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        prop_assert_eq!(sorted(output), sorted(&text));
    }

    #[test]
    fn every_rule_file_is_restored_to_an_end(file in rule_file().prop_map(Bytes), verbose: bool) {
        let words: &[&[u8]] = if verbose { &[b"-R", b"--verbose"] } else { &[b"-R"] };
        let ended = ipvsadm(words, &file.0, table_keeper(|_| {}));
        prop_assert!([0, 1, 2, 255].contains(&ended.status), "{}", ended.status);
        utf8(&ended.output);
    }
}

proptest! {
    #![proptest_config(cases(1500))]

    #[test]
    fn every_program_ends_whatever_the_kernel_answers(
        case in any::<Index>(),
        exchange in any::<Index>(),
        answers in vec(datagram(), 0..4),
    ) {
        let (words, mut exchanges) = case.get(&RECORDED).clone();
        let exchange = exchange.index(exchanges.len());
        exchanges[exchange] = answers;
        ends(&words, exchanges)?;
    }

    #[test]
    fn every_program_ends_when_recorded_answers_are_garbled(
        case in any::<Index>(),
        garbling in vec((any::<Index>(), any::<Index>(), mutation()), 1..4),
    ) {
        let (words, mut exchanges) = case.get(&RECORDED).clone();
        for (exchange, datagram, mutation) in garbling {
            let exchange = exchange.index(exchanges.len());
            let datagrams = &mut exchanges[exchange];
            if !datagrams.is_empty() {
                let datagram = datagram.index(datagrams.len());
                mutation.apply(&mut datagrams[datagram]);
            }
        }
        ends(&words, exchanges)?;
    }
}

/// Runs the program against a kernel that may say anything.
fn ends(words: &[String], exchanges: Vec<Vec<Vec<u8>>>) -> Result<(), TestCaseError> {
    let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
    let ended = ipvsadm(&words, b"", talker(exchanges));
    prop_assert!([0, 1, 2, 255].contains(&ended.status), "{}", ended.status);
    utf8(&ended.output);
    Ok(())
}

fn utf8(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

// Tables.

/// A service with its destinations.
type Row = (Service, Vec<Destination>);

/// Bytes that a failure prints as text.
struct Bytes(Vec<u8>);

impl fmt::Debug for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "b\"{}\"", self.0.escape_ascii())
    }
}

// Strategies that many others hold are boxed: all in one would overflow the stack of a thread.

/// Any table that command lines can make.
fn table() -> impl Strategy<Value = Vec<Row>> {
    vec((service(), vec(destination(), 0..4)), 0..4).prop_map(|rows| {
        let mut table: Vec<Row> = Vec::new();
        for (service, destinations) in rows {
            if table.iter().all(|(other, _)| other.id != service.id) {
                let destinations = destinations.into_iter().map(|any| fit(&service.id, any));
                let destinations = destinations.collect();
                table.push((service, destinations));
            }
        }
        table
    })
}

fn service() -> BoxedStrategy<Service> {
    let settings = (
        name(&["rr", "wrr", "wlc", "sh", "mh"], 15),
        (0u32..8).prop_map(|bits| SchedulerFlags::from_bits(bits << 3)),
        option::of(edges(1, 86_400 * 31)),
        option::of(edges(0, u32::MAX)),
        option::of(name(&["sip"], 16)),
        any::<bool>(),
    );
    (service_id(), settings)
        .prop_map(|(id, settings)| {
            let (scheduler, scheduler_flags, persistence, mask, engine, one_packet) = settings;
            let all_ports = matches!(id, ServiceId::Address { endpoint, .. } if endpoint.port == 0);
            Service {
                id,
                scheduler: SchedulerName::new(scheduler).unwrap(),
                scheduler_flags,
                persistence: persistence.or(all_ports.then_some(360)),
                granularity: match (mask, id.family()) {
                    (None, family) => Netmask::full(family),
                    (Some(bits), Family::V4) => Netmask::V4(bits.into()),
                    (Some(bits), Family::V6) => Netmask::V6(1 + bits % 128),
                },
                engine: engine.map(|name| EngineName::new(name).unwrap()),
                one_packet: one_packet && matches!(id.protocol(), None | Some(Protocol::UDP)),
            }
        })
        .boxed()
}

/// Whatever a kernel may list.
fn any_service_row() -> BoxedStrategy<ServiceRow> {
    let protocol = prop_oneof![3 => Just(None), 1 => any::<u16>().prop_map(Some)];
    (service(), protocol, any::<u32>(), stats())
        .prop_map(|(mut service, number, bits, stats)| {
            if let (ServiceId::Address { protocol, .. }, Some(number)) = (&mut service.id, number) {
                *protocol = Protocol(number);
            }
            if let Netmask::V6(length) = &mut service.granularity {
                *length = bits;
            }
            ServiceRow { service, stats }
        })
        .boxed()
}

fn any_destination_row() -> BoxedStrategy<DestinationRow> {
    let tunnel = prop_oneof![
        any::<u8>().prop_map(Tunnel::Unknown),
        any::<u16>().prop_map(|flags| Tunnel::Gre {
            checksum: Checksum::from_flags(flags)
        }),
    ];
    let forwarding = prop_oneof![
        3 => forwarding(),
        1 => Just(Forwarding::Local),
        1 => (4u32..8).prop_map(Forwarding::Unknown),
        1 => tunnel.prop_map(Forwarding::Tunnel),
    ];
    let count = || edges(0, u32::MAX);
    let settings = (any::<i32>(), count(), count());
    let connections = (count(), count(), count());
    (endpoint(), forwarding, settings, connections, stats())
        .prop_map(
            |(endpoint, forwarding, (weight, upper, lower), connections, stats)| {
                let (active, inactive, persistent) = connections;
                DestinationRow {
                    destination: Destination {
                        endpoint,
                        forwarding,
                        weight: Weight(weight),
                        thresholds: Thresholds { upper, lower },
                    },
                    connections: Connections {
                        active,
                        inactive,
                        persistent,
                    },
                    stats,
                }
            },
        )
        .boxed()
}

fn stats() -> impl Strategy<Value = Stats> {
    let count = prop_oneof![Just(0), Just(u64::MAX), Just(1 << 53 | 1), any::<u64>()];
    vec(count, 10).prop_map(|counts| Stats {
        connections: counts[0],
        packets_in: counts[1],
        packets_out: counts[2],
        bytes_in: counts[3],
        bytes_out: counts[4],
        connection_rate: counts[5],
        packet_rate_in: counts[6],
        packet_rate_out: counts[7],
        byte_rate_in: counts[8],
        byte_rate_out: counts[9],
    })
}

fn service_id() -> impl Strategy<Value = ServiceId> {
    let protocol = select(&[Protocol::TCP, Protocol::UDP, Protocol::SCTP][..]);
    let family = select(&[Family::V4, Family::V6][..]);
    prop_oneof![
        3 => (protocol, endpoint())
            .prop_map(|(protocol, endpoint)| ServiceId::Address { protocol, endpoint }),
        1 => (family, edges(1, u32::MAX)).prop_map(|(family, mark)| ServiceId::Mark {
            family,
            mark: NonZeroU32::new(mark).unwrap(),
        }),
    ]
}

/// A destination of whichever service it is put into: one for which any address goes, and
/// addresses of both families for where the service says which one it must have.
fn destination() -> impl Strategy<Value = (Destination, Ipv4Addr, Ipv6Addr)> {
    let number = || edges(0, i32::MAX as u32);
    let settings = (endpoint(), forwarding(), number(), number(), number());
    let destination =
        settings.prop_map(|(endpoint, forwarding, weight, upper, lower)| Destination {
            endpoint,
            forwarding,
            weight: Weight(weight as i32),
            thresholds: Thresholds { upper, lower },
        });
    (destination, ipv4(), ipv6())
}

/// Only a tunnel leads from one family into the other, only NAT to another port.
fn fit(
    id: &ServiceId,
    (mut destination, ipv4, ipv6): (Destination, Ipv4Addr, Ipv6Addr),
) -> Destination {
    let Destination {
        endpoint,
        forwarding,
        ..
    } = &mut destination;
    if !matches!(forwarding, Forwarding::Tunnel(_)) {
        endpoint.address = match id.family() {
            Family::V4 => ipv4.into(),
            Family::V6 => ipv6.into(),
        };
    }
    match id {
        ServiceId::Address { endpoint: of, .. } if *forwarding != Forwarding::Masquerade => {
            endpoint.port = of.port;
        }
        _ => {}
    }
    destination
}

fn forwarding() -> impl Strategy<Value = Forwarding> {
    use Checksum::{Remote, Whole, Without};
    let gue = (1u16.., select(&[Without, Whole, Remote][..]))
        .prop_map(|(port, checksum)| Tunnel::Gue { port, checksum });
    let gre = select(&[Without, Whole][..]).prop_map(|checksum| Tunnel::Gre { checksum });
    prop_oneof![
        Just(Forwarding::Route),
        Just(Forwarding::Masquerade),
        prop_oneof![Just(Tunnel::Ipip), gue, gre].prop_map(Forwarding::Tunnel),
    ]
}

fn endpoint() -> BoxedStrategy<Endpoint> {
    let address = prop_oneof![ipv4().prop_map(IpAddr::from), ipv6().prop_map(IpAddr::from)];
    (address, port())
        .prop_map(|(address, port)| Endpoint::new(address, port))
        .boxed()
}

fn ipv4() -> impl Strategy<Value = Ipv4Addr> {
    edges(0, u32::MAX).prop_map(Ipv4Addr::from)
}

/// Addresses with runs of zeros, and those with an IPv4 address inside.
fn ipv6() -> BoxedStrategy<Ipv6Addr> {
    let segment = || prop_oneof![2 => Just(0), 1 => any::<u16>()];
    prop_oneof![
        vec(segment(), 8).prop_map(|segments| <[u16; 8]>::try_from(segments).unwrap().into()),
        any::<u32>().prop_map(|bits| Ipv6Addr::from(u128::from(bits))),
        ipv4().prop_map(|address| address.to_ipv6_mapped()),
    ]
    .boxed()
}

fn port() -> impl Strategy<Value = u16> {
    edges(0, 65535).prop_map(|port| port as u16)
}

/// Numbers of a range, and often those at its ends.
fn edges(min: u32, max: u32) -> impl Strategy<Value = u32> {
    prop_oneof![1 => min..=min + 1, 1 => max - 1..=max, 4 => min..=max]
}

/// A name that can stand in a rule: without blanks, and not that of the program.
fn name(usual: &'static [&str], longest: usize) -> impl Strategy<Value = String> {
    let letter = prop_oneof![8 => range('!', '~'), 1 => Just('é'), 1 => Just('\u{a0}')];
    let any = vec(letter, 1..=longest).prop_map(move |letters| {
        let mut name: String = letters.into_iter().collect();
        while name.len() > longest {
            name.pop();
        }
        name
    });
    prop_oneof![
        select(usual).prop_map(str::to_owned),
        any.prop_filter("left out of rules", |name| name != "ipvsadm"),
    ]
}

/// The commands that make a table.
fn text(table: &[Row]) -> String {
    let mut text = String::new();
    for (service, destinations) in table {
        write::service(&mut text, service, &Numeric).unwrap();
        for destination in destinations {
            write::destination(&mut text, &service.id, destination, &Numeric).unwrap();
        }
    }
    text
}

/// The changes that make a table.
fn changes(table: &[Row]) -> Vec<Change> {
    let mut changes = Vec::new();
    for (service, destinations) in table {
        changes.push(Change::AddService(service.clone()));
        let destinations = destinations.iter().cloned();
        changes.extend(destinations.map(|added| Change::AddDestination(service.id, added)));
    }
    changes
}

/// The table that changes make.
fn rows(changes: &[Change]) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for change in changes {
        match change {
            Change::AddService(service) => rows.push((service.clone(), vec![])),
            Change::AddDestination(_, added) => rows.last_mut().unwrap().1.push(added.clone()),
            other => panic!("{other:?}"),
        }
    }
    rows
}

/// The changes that commands ask for.
fn read(text: &str) -> Vec<Change> {
    let change = |line: &str| {
        let words: Vec<&str> = line.split(' ').collect();
        match parse(&words) {
            Ok(Command::Change(change)) => change,
            other => panic!("{line}: {other:?}"),
        }
    };
    text.lines().map(change).collect()
}

fn parse(words: &[&str]) -> Result<Command, Problem> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let context = Context {
        names: &NoNames,
        posixly_correct: false,
    };
    rule::parse(&words, context)
}

// Command lines.

/// Values of all kinds, good and bad.
#[rustfmt::skip]
const VALUES: &[&str] = &[
    "", "-", "--", "0", "1", "-1", "+7", " 7", "255", "256", "65507", "65535", "65536",
    "2147483647", "2147483648", "4294967295", "4294967296", "99999999999999999999", "0x10",
    "1.5", "10.0.0.1", "10.0.0.1:80", "10.0.0.2:0", "10.0.0.3:", "10.1", "0x0a000001:80",
    "012.0.0.1", "1.2.3.4.5:80", "[2001:db8::1]:80", "2001:db8::1", "[::]:0", "[fe80::1%lo]:80",
    "[]:80", "[10.0.0.1", "]:[", ":", "::", ":80", "name:http", "255.255.255.0", "64", "128",
    "129", "rr", "wlc", "sh", "sip", "sh-port", "flag-1,flag-2", ",,", "mh-fallback,", "ipip",
    "gue", "gre", "eth0", "master", "backup", "224.0.0.81", "ff02::81", "sixteen-letters-",
    "seventeen-letters", "=", "a=b", "ü",
];

/// Values that fit, by what the help text calls them.
const FITTING: &[(&str, &[&str])] = &[
    ("ADDRESS", &["224.0.0.81", "ff02::81"]),
    ("FLAGS", &["flag-1,flag-3", "sh-port"]),
    (
        "HOST[:PORT]",
        &["10.0.0.1:80", "[2001:db8::1]:80", "10.0.0.2"],
    ),
    ("INTERFACE", &["eth0"]),
    ("MASK", &["255.255.255.0", "64"]),
    ("NAME", &["rr", "sh", "sip"]),
    ("ROLE", &["master", "backup"]),
    ("TYPE", &["ipip", "gue", "gre"]),
];

/// Command lines to begin with, beside rules.
const EXAMPLES: &[&str] = &[
    "-C",
    "-D -f 1 -6",
    "-E -t 10.0.0.1:80 -s sh -b sh-port",
    "-L --timeout",
    "-L -c -n",
    "-L -t 10.0.0.1:80 -n --stats --exact",
    "-R --verbose",
    "-S -n",
    "-Z -u [2001:db8::1]:53",
    "-d -t 10.0.0.1:80 -r 10.0.0.2",
    "-e -t 10.0.0.1:80 -r 10.0.0.2 -i --tun-type gue --tun-port 6080 --tun-csum",
    "--set 900 0 300",
    "--start-daemon master --mcast-interface eth0 --syncid 1 --mcast-group 224.0.0.81",
    "--start-daemon=backup --sync-maxlen 1400 --mcast-port 8848 --mcast-ttl 2",
    "--stop-daemon backup --syncid 255",
];

/// A command line: a good one with a few words changed, or one of any options.
fn command_line() -> impl Strategy<Value = Vec<Vec<u8>>> {
    let change = (any::<Index>(), 0..3usize, option_or_stray());
    let changed = (good_line(), vec(change, 0..3)).prop_map(|(line, changes)| {
        let mut words: Vec<Vec<u8>> = line.split_ascii_whitespace().map(Vec::from).collect();
        for (place, removed, new) in changes {
            let place = place.index(words.len() + 1);
            let end = words.len().min(place + removed);
            words.splice(place..end, new);
        }
        words
    });
    let any = vec(option_or_stray(), 0..8).prop_map(|words| words.concat());
    prop_oneof![3 => changed, 1 => any]
}

fn good_line() -> BoxedStrategy<String> {
    let rule = || {
        (service(), destination()).prop_map(|(service, destination)| {
            let destination = fit(&service.id, destination);
            text(&[(service, vec![destination])])
        })
    };
    prop_oneof![
        select(EXAMPLES).prop_map(str::to_owned),
        rule().prop_map(|text| text.lines().next().unwrap().to_owned()),
        rule().prop_map(|text| text.lines().last().unwrap().to_owned()),
    ]
    .boxed()
}

fn option_or_stray() -> impl Strategy<Value = Vec<Vec<u8>>> {
    prop_oneof![8 => option(), 2 => stray()]
}

/// An option in one of the forms in which it can be written, mostly with a value that fits.
fn option() -> BoxedStrategy<Vec<Vec<u8>>> {
    let parts = (any_option(), any::<Index>(), option::weighted(0.3, value()));
    (parts, 0..4)
        .prop_map(|((spec, choice, value), form)| {
            let long = format!("--{}", spec.long).into_bytes();
            let name = match spec.short {
                [] => long.clone(),
                letters => vec![b'-', *choice.get(letters)],
            };
            let (Value::Required(what) | Value::Optional(what)) = spec.value else {
                return match (form, value) {
                    (0, Some(value)) => vec![[name, value].concat()],
                    (1, Some(value)) => vec![[long, b"=".to_vec(), value].concat()],
                    (2, _) => vec![long],
                    _ => vec![name],
                };
            };
            let fitting = FITTING.iter().find(|(name, _)| *name == what);
            let fitting = fitting.map_or(&["1", "300"][..], |(_, values)| values);
            let value = value.unwrap_or_else(|| choice.get(fitting).as_bytes().to_vec());
            match form {
                0 => vec![[name, value].concat()],
                1 => vec![[long, b"=".to_vec(), value].concat()],
                2 => vec![long, value],
                _ => vec![name, value],
            }
        })
        .boxed()
}

fn any_option() -> impl Strategy<Value = &'static Spec> {
    (0..OPTIONS.len()).prop_map(|index| &OPTIONS[index])
}

/// Words that need not be options or their values.
fn stray() -> impl Strategy<Value = Vec<Vec<u8>>> {
    vec(
        prop_oneof![value(), any_option().prop_map(|spec| spec.long.into())],
        0..4,
    )
}

fn value() -> BoxedStrategy<Vec<u8>> {
    prop_oneof![
        12 => select(VALUES).prop_map(Vec::from),
        3 => endpoint().prop_map(|endpoint| endpoint.to_string().into()),
        2 => any::<u64>().prop_map(|number| number.to_string().into()),
        3 => vec(any::<u8>(), 0..12),
        1 => (vec(any::<u8>(), 1..4), 1..20_000usize).prop_map(|(part, times)| part.repeat(times)),
    ]
    .boxed()
}

/// Commands, rules and rubbish.
fn rule_file() -> impl Strategy<Value = Vec<u8>> {
    let line = prop_oneof![
        3 => command_line().prop_map(|words| words.join(&b' ')),
        5 => table().prop_map(|table| text(&table).into_bytes()),
        1 => vec(any::<u8>(), 0..80),
    ];
    (vec(line, 0..6), vec(mutation(), 0..3)).prop_map(|(lines, mutations)| {
        let mut file = lines.join(&b'\n');
        for mutation in mutations {
            mutation.apply(&mut file);
        }
        file
    })
}

/// Lines as those of the kernel's list of connections, or not.
fn connection_line() -> impl Strategy<Value = String> {
    #[rustfmt::skip]
    const WORDS: &[&str] = &[
        "TCP", "UDP", "SCTP", "IP", "0A610002", "FFFFFFFFF", "9C40", "0050", "10000", "+80",
        "-1", "fd97:0000:0000:0000:0000:0000:0000:0002", "::", "10.0.0.1", ".", "ESTABLISHED",
        "FIN_WAIT", "178", "4294967296", "sip", "16;1@x",
    ];
    const GOOD: &str = "TCP 0A610002 9C40 0A600001 0050 0A620002 1F90 FIN_WAIT 9 sip 16;1@x";
    let rubbish = vec(any::<char>(), 0..12).prop_map(|letters| letters.into_iter().collect());
    let word = prop_oneof![9 => select(WORDS).prop_map(str::to_owned), 1 => rubbish];
    (vec((any::<Index>(), word), 0..4), 0..12usize).prop_map(|(changes, length)| {
        let mut words: Vec<String> = GOOD.split(' ').map(str::to_owned).collect();
        for (place, word) in changes {
            *place.get_mut(&mut words) = word;
        }
        words.truncate(length);
        words.join(" ")
    })
}

// Kernels.

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLM_F_ACK: u16 = 4;
const NLM_F_DUMP_INTR: u16 = 0x10;
const NLM_F_DUMP: u16 = 0x300;

/// A command line and the answers that it got: for each request, datagrams; at first for the
/// question for the family.
type Recorded = (Vec<String>, Vec<Vec<Vec<u8>>>);

/// Those of `tests/wire/scripted.jsonl`.
static RECORDED: LazyLock<Vec<Recorded>> = LazyLock::new(|| {
    #[derive(serde::Deserialize)]
    struct Case {
        argv: Vec<String>,
        exchanges: Vec<(String, Vec<String>)>,
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/scripted.jsonl");
    let datagrams =
        |(_, datagrams): (String, Vec<String>)| datagrams.iter().map(|hex| bytes(hex)).collect();
    let cases = fs::read_to_string(path).unwrap();
    let case = |line| {
        let Case { argv, exchanges } = serde_json::from_str(line).unwrap();
        let exchanges = exchanges.into_iter().map(datagrams);
        (argv, [family()].into_iter().chain(exchanges).collect())
    };
    cases.lines().map(case).collect()
});

/// A kernel that does not listen: it says what it has to say to the first request, the second
/// and so on, and closes its end when it has said it all.
fn talker(exchanges: Vec<Vec<Vec<u8>>>) -> Kernel {
    Kernel::new(move |socket| {
        for (sequence, datagrams) in (1u32..).zip(exchanges) {
            for mut datagram in datagrams {
                number(&mut datagram, sequence.to_ne_bytes());
                let _ = send(socket.as_raw_fd(), &datagram, MsgFlags::MSG_NOSIGNAL);
            }
        }
        let _ = shutdown(socket.as_raw_fd(), Shutdown::Write);
        while let Ok(1..) = recv(socket.as_raw_fd(), &mut [0; 16], MsgFlags::empty()) {}
    })
}

/// A kernel that keeps the services and destinations that are added, lists them, and says yes to
/// all else. It hands each request to `seen`.
fn table_keeper(mut seen: impl FnMut(&[u8]) + Send + 'static) -> Kernel {
    let mut table: Vec<(Vec<u8>, Vec<Vec<u8>>)> = Vec::new();
    Kernel::that_answers(move |request| {
        if is_for_control(request) {
            return Some(family());
        }
        seen(request);
        let flags = u16::from_ne_bytes([request[6], request[7]]);
        let dump = flags & NLM_F_DUMP == NLM_F_DUMP;
        let [mut service, mut destination] = [&[][..]; 2];
        for attribute in Attributes::new(&request[20..]).map(Result::unwrap) {
            match attribute.kind {
                1 => service = attribute.value,
                2 => destination = attribute.value,
                _ => {}
            }
        }
        // What names a service stands first in it.
        let at = table
            .iter()
            .position(|(known, _)| known.starts_with(service));
        let mut answers = Vec::new();
        match (request[16], at) {
            (command::NEW_SERVICE, _) => table.push((service.to_vec(), vec![])),
            (command::NEW_DEST, Some(at)) => table[at].1.push(destination.to_vec()),
            (command::GET_SERVICE, _) if dump => {
                answers.extend(table.iter().map(|(service, _)| entry(1, service)));
            }
            (command::GET_SERVICE, Some(at)) => answers.push(entry(1, &table[at].0)),
            (command::GET_DEST, Some(at)) => {
                // IPVS_DEST_ATTR_ACTIVE_CONNS and the two after it.
                let counts = [7, 8, 9].map(|kind| attribute(kind, &[0; 4])).concat();
                let full = |destination: &Vec<u8>| entry(2, &[destination, &counts[..]].concat());
                answers.extend(table[at].1.iter().map(full));
            }
            (command::GET_INFO, _) => answers.push(info()),
            _ => {}
        }
        if dump {
            answers.push(done());
        } else if flags & NLM_F_ACK != 0 {
            answers.push(message(NLMSG_ERROR, &[0; 4]));
        }
        Some(answers)
    })
}

/// `IPVS_CMD_*`.
mod command {
    pub const NEW_SERVICE: u8 = 1;
    pub const GET_SERVICE: u8 = 4;
    pub const NEW_DEST: u8 = 5;
    pub const GET_DEST: u8 = 8;
    pub const GET_INFO: u8 = 15;
}

/// What a client sends to make changes.
fn sent(changes: &[Change]) -> Vec<u8> {
    let sent = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&sent);
    let Kernel { connection, thread } =
        table_keeper(move |request| log.lock().unwrap().extend_from_slice(request));
    let outcomes = Client::over(connection).unwrap().apply_all(changes);
    assert!(outcomes.iter().all(Result::is_ok));
    thread.join().unwrap();
    Arc::try_unwrap(sent).unwrap().into_inner().unwrap()
}

/// The answer to IPVS_CMD_GET_INFO.
fn info() -> Vec<u8> {
    let (version, size) = (attribute(1, &[1, 2, 1, 0]), attribute(2, &[0, 16, 0, 0]));
    message(IPVS, &[&[14, 1, 0, 0], &version[..], &size].concat())
}

fn done() -> Vec<u8> {
    message(NLMSG_DONE, &[0; 4])
}

/// One service or destination of a listing.
fn entry(kind: u16, attributes: &[u8]) -> Vec<u8> {
    message(
        IPVS,
        &[&[1, 1, 0, 0], &attribute(kind, attributes)[..]].concat(),
    )
}

fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
    let mut attribute = (4 + value.len() as u16).to_ne_bytes().to_vec();
    attribute.extend(kind.to_ne_bytes());
    attribute.extend(value);
    attribute.resize(attribute.len().next_multiple_of(4), 0);
    attribute
}

/// A datagram of messages with attributes, or of anything.
fn datagram() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        vec(any::<u8>(), 0..24),
        vec(any::<u8>(), 4),
        vec(any::<u8>(), 16),
        Just(b"rr\0".to_vec()),
    ];
    let value = leaf.prop_recursive(3, 64, 16, |value| {
        // The padding of the last one may be missing.
        (vec((0..18u16, value), 0..16), 0..4usize).prop_map(|(attributes, missing)| {
            let attributes = attributes.iter();
            let attributes = attributes.map(|(kind, value)| attribute(*kind, value));
            let mut bytes = attributes.collect::<Vec<_>>().concat();
            bytes.truncate(bytes.len().saturating_sub(missing));
            bytes
        })
    });
    let kind = prop_oneof![
        6 => Just(IPVS),
        1 => Just(NLMSG_DONE),
        1 => Just(NLMSG_ERROR),
        1 => any::<u16>(),
    ];
    let flags = prop_oneof![3 => Just(0), 1 => Just(NLM_F_DUMP_INTR), 1 => any::<u16>()];
    let message = (kind, flags, 0..4u16, value).prop_map(|(kind, flags, top, value)| {
        let mut message = message(kind, &[&[0; 4], &attribute(top, &value)[..]].concat());
        message[6..8].copy_from_slice(&flags.to_ne_bytes());
        message
    });
    prop_oneof![
        8 => vec(message, 0..4).prop_map(|messages| messages.concat()),
        1 => vec(any::<u8>(), 0..64),
    ]
}

/// A small damage to bytes.
#[derive(Clone, Debug)]
enum Mutation {
    Replace(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Cut(Index),
}

fn mutation() -> impl Strategy<Value = Mutation> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), any::<u8>()).prop_map(|(at, byte)| Mutation::Replace(at, byte)),
        1 => (place(), vec(any::<u8>(), 1..9)).prop_map(|(at, new)| Mutation::Insert(at, new)),
        1 => (place(), 1..40usize).prop_map(|(at, count)| Mutation::Remove(at, count)),
        1 => place().prop_map(Mutation::Cut),
    ]
}

impl Mutation {
    fn apply(&self, bytes: &mut Vec<u8>) {
        let place = |at: &Index| at.index(bytes.len() + 1);
        match self {
            Mutation::Replace(at, byte) => {
                let place = place(at);
                bytes
                    .get_mut(place)
                    .into_iter()
                    .for_each(|old| *old = *byte);
            }
            Mutation::Insert(at, new) => {
                let place = place(at);
                bytes.splice(place..place, new.iter().copied());
            }
            Mutation::Remove(at, count) => {
                let place = place(at);
                bytes.drain(place..bytes.len().min(place + count));
            }
            Mutation::Cut(at) => bytes.truncate(place(at)),
        }
    }
}
