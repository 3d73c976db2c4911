//! Each probe of `lvs-check` against real servers: nginx, dnsmasq, aiosmtpd, and some that nobody
//! would want to have. Runs as root, in a network namespace of its own; needs no IPVS.
//!
//! `probes --bin PROGRAM [--only PART]`

mod growth;
mod mail;
mod rounds;
mod servers;

use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use nix::sched::{CloneFlags, unshare};
use regex::Regex;

use servers::Servers;

/// The one address that has servers, and others that have none.
const ADDRESSES: &str = "\
link set lo up
addr add 10.77.0.1/32 dev lo
addr add 10.77.0.9/32 dev lo
addr add fd77::1/128 dev lo nodad
route add blackhole 10.77.1.0/24
";

/// Nobody answers at 10.77.0.9, and 10.77.0.1:7 refuses by ICMP.
const FIREWALL: &str = "\
add table inet probes
add chain inet probes input { type filter hook input priority 0; }
add rule inet probes input ip daddr 10.77.0.9 drop
add rule inet probes input tcp dport 7 reject with icmpx admin-prohibited
";

/// A check with no other timeout must have ended by then; starting a process takes its time.
const PATIENCE: Duration = Duration::from_millis(1500);

/// What is called, its exit status, and what it prints. `@` stands for the folder of the
/// servers.
type Case = (&'static str, i32, &'static str);

const TCP: &[Case] = &[
    ("tcp 10.77.0.1:80", 0, r"up 10\.77\.0\.1:80 tcp \d+\.\d ms"),
    ("tcp [fd77::1]:80", 0, r"up \[fd77::1\]:80 tcp .*"),
    (
        "tcp localhost:80 --connect-ip 10.77.0.1",
        0,
        "up 10.77.0.1:80 .*",
    ),
    (
        "tcp 10.77.0.9:81 --connect-ip 10.77.0.1 --connect-port 80",
        0,
        "up 10.77.0.1:80 .*",
    ),
    ("tcp 10.77.0.1:81", 1, "down .*: connection refused"),
    ("tcp [fd77::1]:81", 1, "down .*: connection refused"),
    ("tcp 10.77.0.1:7", 1, "down .*: no route to host"),
    (
        "tcp 10.77.0.9:80 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the connection",
    ),
    (
        "tcp 10.77.1.1:80",
        2,
        "unknown .*: cannot send: Invalid argument",
    ),
    ("tcp 10.99.0.1:80", 1, "down .*: network is unreachable"),
    (
        "tcp 10.77.0.1:80 --bind 10.77.0.1 --bind-port 7777 --fwmark 7",
        0,
        "up .*",
    ),
    ("tcp 10.77.0.1:80 --bind-if lo", 0, "up .*"),
    (
        "tcp 10.77.0.1:80 --bind 10.77.9.9",
        2,
        "unknown .*: cannot use the source address: .*",
    ),
    (
        "tcp 10.77.0.1:80 --bind-if eth77",
        2,
        "unknown .*: cannot use the interface: .*",
    ),
    ("tcp 10.77.0.1:81 --retry 2 --retry-delay 0.2", 1, "down .*"),
];

const HTTP: &[Case] = &[
    ("http 10.77.0.1", 0, r"up 10\.77\.0\.1:80 http .*"),
    ("http fd77::1", 0, r"up \[fd77::1\]:80 http .*"),
    ("http 10.77.0.1/moved", 1, "down .*: status 301 of /moved"),
    ("http 10.77.0.1/moved --status 200,300-302", 0, "up .*"),
    (
        "http 10.77.0.1/nothing",
        1,
        "down .*: status 404 of /nothing",
    ),
    ("http 10.77.0.1/broken", 1, "down .*: status 500 of /broken"),
    (
        "http 10.77.0.1 --path / --path /broken --status 500 --path /nothing",
        1,
        "down .*: status 404 of /nothing",
    ),
    (
        "http 10.77.0.1 --path / --path /broken --status 500",
        0,
        "up .*",
    ),
    (
        "http 10.77.0.1 --status 404 --path /nothing --path /",
        1,
        "down .*: status 200 of /",
    ),
    (
        "http 10.77.0.1/host --virtualhost a.example --regex ^a\\.example$",
        0,
        "up .*",
    ),
    (
        "http http://localhost/host --connect-ip 10.77.0.1 --regex ^localhost$",
        0,
        "up .*",
    ),
    (
        "http 10.77.0.1:8080/host --regex ^10\\.77\\.0\\.1:8080$",
        0,
        "up .*",
    ),
    (
        "http 10.77.0.1 --digest 68eb99d5e5c1b9ac8bd8bb4afe2e6dbd",
        1,
        "down .*: digest [0-9a-f]{32} of /",
    ),
    ("http 10.77.0.1 --digest @digest", 0, "up .*"),
    (
        "http 10.77.0.1 --http-version 1.1 --digest @digest",
        0,
        "up .*",
    ),
    (
        "http 10.77.0.1 --http-version 1.0C --digest @digest",
        0,
        "up .*",
    ),
    ("http 10.77.0.1 --regex probes", 0, "up .*"),
    (
        "http 10.77.0.1 --regex nowhere",
        1,
        "down .*: no match in /",
    ),
    (
        "http 10.77.0.1 --regex-no-match probes",
        1,
        "down .*: a match in /",
    ),
    ("http 10.77.0.1 --regex-no-match nowhere", 0, "up .*"),
    (
        "http 10.77.0.1 --regex probes --regex-min-offset 4 --regex-max-offset 4",
        0,
        "up .*",
    ),
    (
        "http 10.77.0.1 --regex probes --regex-min-offset 5",
        1,
        "down .*: no match in /",
    ),
    (
        "http 10.77.0.1 --regex probes --regex-max-offset 3",
        1,
        "down .*: no match in /",
    ),
    ("http 10.77.0.1:81", 1, "down .*: connection refused"),
    ("http 10.77.0.1/huge", 0, "up .*"),
    (
        "http 10.77.0.1/huge --regex nowhere",
        1,
        "down .*: no match in /huge",
    ),
    (
        "http 10.77.0.1/huge --digest 68eb99d5e5c1b9ac8bd8bb4afe2e6dbd",
        1,
        "down .*: too long: the page",
    ),
    ("http 10.77.0.1:443", 1, "down .*: status 400 of /"),
];

const HOSTILE: &[Case] = &[
    (
        "http 10.77.0.1:9001 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the answer",
    ),
    (
        "http 10.77.0.1:9002",
        1,
        "down .*: connection reset by peer",
    ),
    ("http 10.77.0.1:9003", 1, "down .*: too long: the answer"),
    (
        "http 10.77.0.1:9004",
        1,
        "down .*: connection closed before the answer",
    ),
    (
        "http 10.77.0.1:9005",
        1,
        "down .*: (not HTTP|connection closed before the answer)",
    ),
    (
        "http 10.77.0.1:9006 --regex x --timeout 0.3",
        1,
        "down .*: time is up, waiting for the page",
    ),
    (
        "http 10.77.0.1:9007 --regex x --http-version 1.1",
        1,
        "down .*: connection closed before the page",
    ),
    ("http 10.77.0.1:9008 --regex ^short$", 0, "up .*"),
    (
        "http 10.77.0.1:9009 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the answer",
    ),
    (
        "https 10.77.0.1:9001 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the TLS handshake",
    ),
    (
        "https 10.77.0.1:9003",
        1,
        "down .*: TLS: received corrupt message.*",
    ),
    (
        "http 10.77.0.1:9011",
        1,
        "down .*: (not HTTP|connection closed before the answer)",
    ),
    (
        "smtp 10.77.0.1:9001 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the answer",
    ),
    ("smtp 10.77.0.1:9010", 1, "down .*: too long: the answer"),
    (
        "smtp 10.77.0.1:9002",
        1,
        "down .*: connection closed before the answer",
    ),
];

const HTTPS: &[Case] = &[
    ("https 10.77.0.1", 0, r"up 10\.77\.0\.1:443 https .*"),
    ("https fd77::1", 0, "up .*"),
    (
        "https 10.77.0.1/host --virtualhost good.example --verify --ca @good.pem --regex ^good",
        0,
        "up .*",
    ),
    (
        "https 10.77.0.1 --sni good.example --ca @good.pem",
        0,
        "up .*",
    ),
    (
        "https 10.77.0.1 --sni wrong.example --ca @good.pem",
        1,
        "down .*: TLS: invalid peer certificate: .*",
    ),
    (
        "https 10.77.0.1 --sni good.example --verify",
        1,
        "down .*: TLS: invalid peer certificate: UnknownIssuer",
    ),
    (
        "https 10.77.0.1/sni --virtualhost good.example --regex ^good.example$",
        0,
        "up .*",
    ),
    (
        "https 10.77.0.1/sni --virtualhost good.example --no-sni --regex ^$",
        0,
        "up .*",
    ),
    (
        "https 10.77.0.1/sni --virtualhost good.example --sni other.example --regex ^other.example$",
        0,
        "up .*",
    ),
    ("https 10.77.0.1 --digest @digest", 0, "up .*"),
    ("https 10.77.0.1:80", 1, "down .*: TLS: .*"),
    ("https 10.77.0.1:8443", 1, "down .*: status 400 of /"),
    (
        "https 10.77.0.1:8443 --certificate @good.pem --key @good.key",
        0,
        "up .*",
    ),
    ("https 10.77.0.1 --certificate @good.pem", 2, ""),
    (
        "https 10.77.0.1 --certificate @good.pem --key @locked.key",
        2,
        "",
    ),
    ("https 10.77.0.1 --key @good.key", 2, ""),
    ("https 10.77.0.1 --ca @nothing.pem", 2, ""),
    ("https 10.77.0.1 --ca @digest", 2, ""),
];

const OTHERS: &[Case] = &[
    ("smtp 10.77.0.1:2525", 0, r"up 10\.77\.0\.1:2525 smtp .*"),
    ("smtp 10.77.0.1:2525 --helo director.example", 0, "up .*"),
    ("smtp 10.77.0.1:2526", 1, "down .*: connection refused"),
    (
        "smtp 10.77.0.1:80 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the answer",
    ),
    ("dns 10.77.0.1", 1, "down .*: answer REFUSED"),
    (
        "dns 10.77.0.1 --type a --name www.probes.example",
        0,
        "up 10.77.0.1:53 dns .*",
    ),
    (
        "dns fd77::1 --type AAAA --name www.probes.example.",
        0,
        "up .*",
    ),
    (
        "dns 10.77.0.1 --type A --name nobody.probes.example",
        1,
        "down .*: answer NXDOMAIN",
    ),
    ("dns 10.77.0.1:54", 1, "down .*: connection refused"),
    (
        "dns 10.77.0.9 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the answer",
    ),
    (
        "udp 10.77.0.1:9000 --payload ABCD --require-reply=abxx",
        0,
        r"up 10\.77\.0\.1:9000 udp .*",
    ),
    ("udp [fd77::1]:9000 --require-reply", 0, "up .*"),
    (
        "udp 10.77.0.1:9000 --payload ABCD --require-reply=acxx",
        1,
        "down .*: another reply",
    ),
    (
        "udp 10.77.0.1:9000 --payload ABCD --require-reply --max-reply-length 1",
        1,
        "down .*: another reply",
    ),
    (
        "udp 10.77.0.1:9000 --payload ABCD --require-reply --min-reply-length 3",
        1,
        "down .*: another reply",
    ),
    ("udp 10.77.0.1:8999", 1, "down .*: connection refused"),
    ("udp [fd77::1]:8999", 1, "down .*: connection refused"),
    ("udp 10.77.0.9:9000 --timeout 0.3", 0, "up .*"),
    (
        "udp 10.77.0.9:9000 --timeout 0.3 --require-reply",
        1,
        "down .*: time is up, waiting for the answer",
    ),
    ("ping 10.77.0.1", 0, r"up 10\.77\.0\.1 ping .*"),
    ("ping fd77::1", 0, "up fd77::1 ping .*"),
    ("ping 10.77.0.1 --size 0", 0, "up .*"),
    ("ping fd77::1 --size 60000", 0, "up .*"),
    (
        "ping 10.77.0.9 --timeout 0.3",
        1,
        "down .*: time is up, waiting for the answer",
    ),
    ("misc true", 0, "up true misc .*"),
    ("misc -- false", 1, "down false misc .*: exit status 1"),
    ("misc --dynamic @exit 12", 0, "up .*, weight 10"),
    ("misc @exit 12", 1, "down .*: exit status 12"),
    (
        "misc --timeout 0.3 sleep 60",
        1,
        "down .*: time is up, waiting for the program",
    ),
    ("misc --user nobody @whoami nobody", 0, "up .*"),
    ("misc --user nobody:nobody1 true", 2, ""),
    (
        "misc @nothing",
        2,
        "unknown .*: cannot run the program: No such file or directory",
    ),
    ("file @zero", 0, "up .* file .*"),
    ("file @three", 1, "down .*: value 3"),
    ("file @three --factor -2", 0, "up .*, weight -6"),
    ("file @nothing", 1, "down .*: no such file or directory"),
    ("file @exit", 1, "down .*: not a number"),
    ("digest http://10.77.0.1/", 0, "@digest"),
    ("digest https://10.77.0.1/", 0, "@digest"),
    ("digest http://10.77.0.1:81/", 1, ""),
    ("digest 10.77.0.1", 2, ""),
    (
        "tcp 10.77.0.1:80 --json",
        0,
        r#"\{"check":"tcp","milliseconds":[0-9.]+,"target":"10.77.0.1:80","verdict":"up"\}"#,
    ),
    ("tcp 10.77.0.1", 2, ""),
    ("tcp 10.77.0.1:0", 2, ""),
    ("tcp nobody.invalid:80", 2, ""),
    ("tcp 10.77.0.1:80 --timeout 0", 2, ""),
    ("tcp 10.77.0.1:80 --bind fd77::1", 2, ""),
    ("http 10.77.0.1 --regex (", 2, ""),
];

fn main() -> ExitCode {
    match run() {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("probes: {failed} failed");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("probes: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<usize, String> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let option = |name: &str| {
        let mut pairs = words.windows(2);
        pairs
            .find(|pair| pair[0] == name)
            .map(|pair| pair[1].clone())
    };
    let program =
        PathBuf::from(option("--bin").ok_or("usage: probes --bin PROGRAM [--only PART]")?);
    let only = option("--only").unwrap_or_default();
    unshare(CloneFlags::CLONE_NEWNET)
        .map_err(|error| format!("this needs root, for a network namespace: {error}"))?;
    servers::feed("ip", &["-batch", "-"], ADDRESSES)?;
    servers::feed("nft", &["-f", "-"], FIREWALL)?;
    let mut servers = Servers::start()?;

    let (mut passed, mut failed) = (0, 0);
    for (line, status, pattern) in [TCP, HTTP, HOSTILE, HTTPS, OTHERS].concat() {
        if !line.contains(&only) {
            continue;
        }
        match call(&program, &servers, line, status, pattern) {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                eprintln!("FAILED lvs-check {line}\n  {why}");
            }
        }
    }
    if only.is_empty() || only == "growth" {
        match growth::check() {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                eprintln!("FAILED growth: {why}");
            }
        }
    }
    if only.is_empty() || only == "mail" {
        match mail::check(&mut servers) {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                eprintln!("FAILED mail: {why}");
            }
        }
    }
    if only.is_empty() || only == "rounds" {
        match rounds::check(&servers.folder) {
            Ok(()) => passed += 1,
            Err(why) => {
                failed += 1;
                eprintln!("FAILED rounds: {why}");
            }
        }
    }
    println!("probes: {passed} passed");
    Ok(failed)
}

/// Makes one call, and compares what comes out of it.
fn call(
    program: &PathBuf,
    servers: &Servers,
    line: &str,
    status: i32,
    pattern: &str,
) -> Result<(), String> {
    let words = line.split(' ').map(|word| match word.strip_prefix('@') {
        Some("digest") if !line.contains("--ca") => servers.digest.clone(),
        Some(name) => servers.folder.join(name).display().to_string(),
        None => word.to_owned(),
    });
    let start = Instant::now();
    let output = Command::new(program)
        .args(words)
        .output()
        .map_err(|error| format!("{}: {error}", program.display()))?;
    let took = start.elapsed();
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let complaint = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = format!(
        "{:?} {text:?} {complaint:?} after {took:?}",
        output.status.code()
    );
    if output.status.code() != Some(status) {
        return Err(said);
    }
    let pattern = pattern.replace("@digest", &servers.digest);
    let newline = if pattern.is_empty() { "" } else { "\n" };
    let pattern = format!("^{pattern}{newline}$");
    let pattern = Regex::new(&pattern).map_err(|error| error.to_string())?;
    // Either it answers, or it complains in one line.
    let one_line = complaint.starts_with("lvs-check: ") && complaint.lines().count() == 1;
    let is_as_it_should = pattern.is_match(&text) && (text.is_empty() == one_line);
    match is_as_it_should && took < PATIENCE {
        true => Ok(()),
        false => Err(said),
    }
}
