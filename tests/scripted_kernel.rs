//! Our `ipvsadm` against a kernel that follows a script, over a socket pair.
//!
//! `tests/wire/scripted.jsonl` holds what the real ipvsadm 1.31 printed when a kernel answered
//! what real kernels hardly ever do: every refusal of every operation, counters at their limits,
//! attributes missing or too long, datagrams cut at every place. Each line: the command line, the
//! answers (hexadecimal, one string a datagram, sequence numbers 0), and what was printed.

use std::collections::HashMap;
use std::fs;
use std::io::{self, Write};
use std::net::IpAddr;
use std::os::fd::{AsRawFd, OwnedFd};
use std::path::Path;
use std::thread;

use lvskit::addr::{Family, Numeric, Protocol, Resolve};
use lvskit::cli::ipvsadm::{Environment, run};
use lvskit::ipvs::client::Client;
use lvskit::netlink::Connection;
use nix::sys::socket::{AddressFamily, MsgFlags, SockFlag, SockType, recv, send, socketpair};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// The family's number in the recorded answers.
const IPVS: u16 = 0x20;
const CONTROL: u16 = 0x10;

#[derive(Deserialize)]
struct Case {
    id: String,
    argv: Vec<String>,
    exchanges: Vec<(String, Vec<String>)>,
    stdout: String,
    stderr: String,
    rc: u8,
}

/// What is printed otherwise than by ipvsadm 1.31: a line of `tests/wire/deviations.jsonl`, with
/// the number of the quirk in the list of `tests/transcripts/README.md` and the reason.
#[derive(Deserialize)]
struct Deviation {
    id: String,
    #[allow(dead_code)] // For whoever reads the file.
    quirk: Option<u32>,
    reason: String,
    stdout: Option<String>,
    stderr: Option<String>,
    rc: Option<u8>,
}

fn lines<T: DeserializeOwned>(name: &str) -> Vec<T> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/wire")
        .join(name);
    let text = fs::read_to_string(path).unwrap();
    text.lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect()
}

fn cases() -> Vec<Case> {
    lines("scripted.jsonl")
}

fn find(id: &str) -> Case {
    cases().into_iter().find(|case| case.id == id).unwrap()
}

#[test]
fn answers_of_a_scripted_kernel_are_printed_as_by_the_real_ipvsadm() {
    let mut deviations: HashMap<String, Deviation> = lines::<Deviation>("deviations.jsonl")
        .into_iter()
        .map(|deviation| (deviation.id.clone(), deviation))
        .collect();
    let mut failed = Vec::new();
    for case in cases() {
        let recorded = (case.stdout.clone(), case.stderr.clone(), case.rc);
        let expected = match deviations.remove(&case.id) {
            None => recorded,
            Some(deviation) => {
                let changed = (
                    deviation.stdout.unwrap_or(case.stdout.clone()),
                    deviation.stderr.unwrap_or(case.stderr.clone()),
                    deviation.rc.unwrap_or(case.rc),
                );
                assert!(
                    changed != recorded,
                    "{}: no deviation: {}",
                    case.id,
                    deviation.reason
                );
                changed
            }
        };
        let got = play(&case);
        if got != expected {
            let Case { id, argv, .. } = case;
            println!("{id}: {argv:?}\nexpected {expected:?}\n     got {got:?}");
            failed.push(id);
        }
    }
    assert!(
        failed.is_empty(),
        "{} cases differ: {failed:?}",
        failed.len()
    );
    assert!(
        deviations.is_empty(),
        "no such cases: {:?}",
        deviations.keys()
    );
}

#[test]
fn a_listing_asks_for_no_more_dumps_than_there_are_services_plus_one() {
    let case = find("datagrams-1");
    let services = case.stdout.matches("TCP ").count();
    let dumps = case
        .exchanges
        .iter()
        .filter(|(name, _)| name.ends_with("dump"));
    assert_eq!(dumps.count(), services + 1);
    // The script has no more answers than that: another request would not be answered.
    assert_eq!(play(&case).2, 0);
}

/// No host has a name; `play` uses numbers only.
struct NoNames;

impl Resolve for NoNames {
    fn address(&self, _: &str, _: Family) -> Option<IpAddr> {
        None
    }
    fn port(&self, _: &str, _: Protocol) -> Option<u16> {
        None
    }
}

/// Runs a case; gives back standard output, standard error and the exit status.
fn play(case: &Case) -> (String, String, u8) {
    let (ours, kernels) = socketpair(
        AddressFamily::Unix,
        SockType::SeqPacket,
        None,
        SockFlag::empty(),
    )
    .unwrap();
    let script: Vec<Vec<Vec<u8>>> = case
        .exchanges
        .iter()
        .map(|(_, answers)| answers.iter().map(|answer| bytes(answer)).collect())
        .collect();
    let kernel = thread::spawn(move || follow(kernels, script));

    let mut ours = Some(ours);
    let (mut output, mut errors) = (Vec::new(), Vec::new());
    let words: Vec<&[u8]> = case.argv.iter().map(|word| word.as_bytes()).collect();
    let status = run(
        &words,
        Environment {
            program: b"ipvsadm",
            kernel: &mut || Client::over(Connection::from_fd(ours.take().unwrap())),
            numbers: &NoNames,
            names: &Numeric,
            posixly_correct: false,
            tell_lines: false,
            input: &mut io::empty(),
            output: &mut output,
            errors: &mut errors,
        },
    );
    drop(ours);
    kernel.join().unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(output), text(errors), status)
}

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len() / 2)
        .map(|place| u8::from_str_radix(&hex[2 * place..][..2], 16).unwrap())
        .collect()
}

/// Answers the requests in the order of the script, and the question for the family at any time.
fn follow(socket: OwnedFd, script: Vec<Vec<Vec<u8>>>) {
    let mut script = script.into_iter();
    let mut request = vec![0; 1 << 16];
    while let Ok(length @ 16..) = recv(socket.as_raw_fd(), &mut request, MsgFlags::empty()) {
        let request = &request[..length];
        let sequence: [u8; 4] = request[8..12].try_into().unwrap();
        let answers = if request[4..6] == CONTROL.to_ne_bytes() {
            vec![family(), vec_of(2, &[0; 4])]
        } else {
            let Some(answers) = script.next() else { return };
            answers
        };
        for mut answer in answers {
            let mut place = 0;
            while place + 16 <= answer.len() {
                answer[place + 8..place + 12].copy_from_slice(&sequence);
                let length = u32::from_ne_bytes(answer[place..place + 4].try_into().unwrap());
                place += (length as usize).next_multiple_of(4).max(16);
            }
            // The program need not read all.
            let _ = send(socket.as_raw_fd(), &answer, MsgFlags::MSG_NOSIGNAL);
        }
    }
}

/// The answer to CTRL_CMD_GETFAMILY, as far as anybody looks at it.
fn family() -> Vec<u8> {
    let mut payload = vec![1, 2, 0, 0, 6, 0, 1, 0];
    payload.write_all(&IPVS.to_ne_bytes()).unwrap();
    payload.extend([0, 0]);
    vec_of(CONTROL, &payload)
}

fn vec_of(kind: u16, payload: &[u8]) -> Vec<u8> {
    let mut message = (16 + payload.len() as u32).to_ne_bytes().to_vec();
    message.extend(kind.to_ne_bytes());
    message.extend([0; 10]);
    message.extend(payload);
    message
}
