//! `--json` and `--metrics` of a real kernel: as the schema and the format say, and in little
//! memory.

use std::fmt::Write as _;
use std::fs;
use std::io::Read;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::process::Stdio;

use serde_json::Value;

use crate::clients::{ask, connect, done, servers};
use crate::fail::{Context, Result};
use crate::namespace::{Mount, with_mounts};
use crate::process::{Call, command};
use crate::roundtrip::{TABLE, ours};
use crate::traffic::Lan;
use crate::world::World;
use crate::{exposition, schema};

/// All that Debian's Linux has.
const SCHEDULERS: [&str; 13] = [
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh",
];

/// Beside [`TABLE`]: tunnels over IPv6, and both daemons.
const MORE: &str = "\
-A -t [2001:db8::20]:80 -s wlc
-a -t [2001:db8::20]:80 -r [2001:db8::22] -i --tun-type gue --tun-port 6080 --tun-remcsum
-a -t [2001:db8::20]:80 -r [2001:db8::21] -i
--start-daemon master --mcast-interface d0 --syncid 5 --mcast-group ff02::81
--start-daemon backup --mcast-interface d0 --syncid 5
--set 901 121 301
";

/// So much more memory, in KiB, is none: the kernel counts a process's pages in bundles. The file
/// of a hundred thousand connections alone is four times as large.
const ALLOWANCE: u64 = 2048;

/// Each listing is a document of its kind, and all of the table is in both forms.
pub fn every_listing_is_as_the_schema_says(world: &mut World) -> Result {
    let mut rules = format!("{TABLE}{MORE}");
    for (number, scheduler) in SCHEDULERS.iter().enumerate() {
        let line = format!("-A --sctp-service 10.0.1.{number}:9 -s {scheduler}\n");
        rules.push_str(&line);
    }
    ours(world, "-R", &rules)?;
    for (listing, member) in [
        ("", "services"),
        ("-Ln ", "services"),
        ("-L --stats ", "services"),
        ("-L --rate --exact ", "services"),
        ("-L --thresholds ", "services"),
        ("-L --persistent-conn ", "services"),
        ("-L --tun-info --nosort ", "services"),
        ("-L -t 10.0.0.1:80 ", "services"),
        ("-L -f 8 -6 ", "services"),
        ("-L -c ", "connections"),
        ("-L -c --persistent-conn -n ", "connections"),
        ("--count ", "counts"),
        ("-L --timeout ", "timeouts"),
        ("-L --daemon ", "daemons"),
        ("--status ", "status"),
    ] {
        let text = ours(world, &format!("{listing}--json"), "")?;
        let document = schema::read(&text)?;
        if document.get(member).is_none() {
            return Err(format!("{listing}: no {member}:\n{text}"));
        }
    }
    let text = ours(world, "--json", "")?;
    let document = schema::read(&text)?;
    let at = |place: &str| document.pointer(place).cloned().unwrap_or(Value::Null);
    let services = rules.lines().filter(|line| line.starts_with("-A")).count();
    let servers = rules.lines().filter(|line| line.starts_with("-a")).count();
    // The first in the order of listings is firewall mark 4294967295.
    same(
        "services",
        at("/services").as_array().map(Vec::len),
        Some(services),
    )?;
    same("mark", at("/services/0/fwmark"), u32::MAX.into())?;
    let of = |address: &str| {
        let services = document["services"].as_array();
        let mut services = services.into_iter().flatten();
        services.find(|service| service["address"] == address)
    };
    let nothing = Value::Null;
    let persistent = of("10.0.0.2").unwrap_or(&nothing);
    same(
        "timeout",
        &persistent["persistence"]["timeout"],
        &600.into(),
    )?;
    same("mask", &persistent["netmask"], &"255.255.255.0".into())?;
    same(
        "flags",
        persistent["scheduler_flags"].to_string(),
        r#"["sh-port","flag-3"]"#.into(),
    )?;
    let sip = of("10.0.0.4").unwrap_or(&nothing);
    same("engine", &sip["engine"], &"sip".into())?;
    let six = of("2001:db8::20").unwrap_or(&nothing);
    let tunnel = r#"{"type":"gue","port":6080,"checksum":"remote"}"#;
    let tunnel: Value = serde_json::from_str(tunnel).context("tunnel")?;
    let found = six["destinations"].as_array().into_iter().flatten();
    let found = found.filter(|server| server["tunnel"] == tunnel);
    same("tunnels", found.count(), 1)?;
    let timeouts = ours(world, "-L --timeout --json", "")?;
    same(
        "timeouts",
        timeouts.as_str(),
        "{\"timeouts\":{\"tcp\":901,\"tcp_fin\":121,\"udp\":301}}\n",
    )?;

    for (listing, services, servers) in [
        ("--metrics", services, servers),
        ("-L -t 10.0.0.1:80 -n --metrics", 1, 4),
    ] {
        let samples = exposition::read(&ours(world, listing, "")?)?;
        let count = |name: &str| samples.iter().filter(|sample| sample.name == name).count();
        same(listing, count("ipvs_service_connections_total"), services)?;
        same(listing, count("ipvs_destination_weight"), servers)?;
    }
    Ok(())
}

/// The connections of clients, as they are and counted.
pub fn connections_are_listed(world: &mut World) -> Result {
    const RULES: &str = "\
-A -t 10.96.0.1:80 -s rr -p 600
-a -t 10.96.0.1:80 -r 10.98.0.2:80 -m
-a -t 10.96.0.1:80 -r 10.98.0.3:80 -m
";
    let _lan = Lan::new()?;
    let _servers = servers()?;
    let program = world.program.path.clone();
    done(&program, "-R", RULES)?;
    let mut streams = (0..3)
        .map(|_| connect())
        .collect::<Result<Vec<TcpStream>>>()?;
    streams
        .iter_mut()
        .try_for_each(|stream| ask(stream).map(drop))?;
    let listed = |arguments: &str, member: &str| -> Result<Vec<Value>> {
        let document = schema::read(&done(&program, arguments, "")?)?;
        Ok(document[member].as_array().cloned().unwrap_or_default())
    };
    // Three connections, and the entry by which the service remembers the client.
    let all = listed("-Lc --json", "connections")?;
    same("connections", all.len(), 4)?;
    let templates = all.iter().filter(|one| one["client"]["port"] == 0);
    same("templates", templates.count(), 1)?;
    let some = listed("--json --filter state=established", "connections")?;
    same("filtered", some.len(), 3)?;
    same(
        "service",
        some[0]["service"].to_string(),
        r#"{"address":"10.96.0.1","port":80}"#.into(),
    )?;
    let counts = listed("--count --json --filter state=established", "counts")?;
    same("counts", counts.len(), 1)?;
    same("count", &counts[0]["connections"], &3.into())
}

/// A hundred thousand connections are listed in the memory of a thousand, in either form; a file
/// that breaks off is no document.
pub fn connections_are_listed_in_little_memory(world: &mut World) -> Result {
    for arguments in ["-Lcn", "-Lcn --json"] {
        let few = peak(world, arguments, 1_000)?;
        let many = peak(world, arguments, 100_000)?;
        println!("ipvsadm {arguments}: {few} KiB for 1,000 connections, {many} KiB for 100,000");
        if many > few + ALLOWANCE {
            return Err(format!("{arguments}: {few} KiB, then {many} KiB"));
        }
    }
    let mut text = connections(3);
    text.push('\n');
    let call = Call {
        program: world.program.path.clone(),
        argv0: "ipvsadm",
        arguments: &["-Lc".to_owned(), "--json".to_owned()],
        mounts: vec![Mount::Connections(text)],
        ..Call::default()
    };
    let outcome = call.run()?;
    let told = "ipvsadm: an empty line in /proc/net/ip_vs_conn\n";
    same("status", outcome.rc, 1)?;
    same("errors", outcome.stderr.as_str(), told)?;
    same("lines", outcome.stdout.lines().count(), 4)?;
    match serde_json::from_str::<Value>(&outcome.stdout) {
        Ok(_) => Err(format!("half a listing is whole:\n{}", outcome.stdout)),
        Err(_) => Ok(()),
    }
}

/// The most memory that a listing of so many connections took, in KiB.
fn peak(world: &World, arguments: &str, count: u32) -> Result<u64> {
    let mut child = with_mounts(&[Mount::Connections(connections(count))], || {
        let mut command = command(&world.program.path);
        command.arg0("ipvsadm").args(arguments.split(' '));
        command.stdout(Stdio::piped()).spawn().context("spawn")
    })?;
    let status = format!("/proc/{}/status", child.id());
    let mut output = child.stdout.take().ok_or("no output")?;
    // Nobody knows the memory of a process that has ended: it is looked at all along.
    let (mut piece, mut peak) = (vec![0; 1 << 16], 0);
    loop {
        let length = output.read(&mut piece).context("read")?;
        if let Some(now) = fs::read_to_string(&status)
            .ok()
            .as_deref()
            .and_then(high_water)
        {
            peak = now;
        }
        if length == 0 {
            break;
        }
    }
    let status = child.wait().context("wait")?;
    match (status.success(), peak) {
        (true, 1..) => Ok(peak),
        _ => Err(format!("{arguments}: {status}, {peak} KiB")),
    }
}

fn high_water(status: &str) -> Option<u64> {
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
}

/// A file of so many connections of different clients to two servers.
fn connections(count: u32) -> String {
    let mut text = String::from(
        "Pro FromIP   FPrt ToIP     TPrt DestIP   DPrt State       Expires PEName PEData\n",
    );
    for number in 0..count {
        let (client, server) = (0x0a61_0000 + number, 0x0a62_0002 + number % 2);
        let _ = writeln!(
            text,
            "TCP {client:08X} 9C40 0A600001 0050 {server:08X} 0050 ESTABLISHED     899"
        );
    }
    text
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, got: T, expected: T) -> Result {
    if got == expected {
        return Ok(());
    }
    Err(format!("{what}: {got:?}, not {expected:?}"))
}
