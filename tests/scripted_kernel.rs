//! Our `ipvsadm` against a kernel that follows a script, over a socket pair.
//!
//! `tests/wire/scripted.jsonl` holds what the real ipvsadm 1.31 printed when a kernel answered
//! what real kernels hardly ever do: every refusal of every operation, counters at their limits,
//! attributes missing or too long, datagrams cut at every place. Each line: the command line, the
//! answers (hexadecimal, one string a datagram, sequence numbers 0), and what was printed.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use common::{Kernel, bytes, family, ipvsadm, is_for_control};
use lvskit::netlink::RECEIVE_BYTES;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

mod common;
#[path = "common/exposition.rs"]
mod exposition;
#[path = "common/schema.rs"]
mod schema;

#[derive(Clone, Deserialize)]
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

/// Listings of all kinds, of kernels that say what real ones hardly ever do. What succeeds there
/// is a whole document here, with the same figures as metrics; what fails is none.
#[test]
fn recorded_listings_as_json_are_as_the_schema_says_or_not_whole() {
    let mut counts = [0, 0];
    for case in cases() {
        let lists = case
            .argv
            .iter()
            .any(|word| word.starts_with("-L") || word == "-l");
        if !lists {
            continue;
        }
        let with = |option: &str| {
            let mut case = case.clone();
            case.argv.push(option.into());
            play(&case)
        };
        let plain = play(&case);
        let (document, errors, status) = with("--json");
        assert_eq!((&errors, status), (&plain.1, plain.2), "{}", case.id);
        match status {
            0 => {
                drop(schema::read(&document).unwrap_or_else(|error| panic!("{}: {error}", case.id)))
            }
            _ => assert!(
                serde_json::from_str::<Value>(&document).is_err(),
                "{}: {document}",
                case.id
            ),
        }
        counts[usize::from(status.min(1))] += 1;
        let is_of_table = document.starts_with("{\"ipvs\":");
        if is_of_table && status == 0 {
            let (text, errors, status) = with("--metrics");
            assert_eq!((&errors, status), (&plain.1, 0), "{}", case.id);
            exposition::read(&text).unwrap_or_else(|error| panic!("{}: {error}", case.id));
        }
    }
    println!("{} whole, {} not", counts[0], counts[1]);
    assert!(counts[0] > 50 && counts[1] > 10, "{counts:?}");
}

/// Splits an answer between its messages as a kernel does, which never sends a longer datagram
/// than the reader has room for: ipvsadm 1.31 has more.
fn fit(datagram: Vec<u8>) -> Vec<Vec<u8>> {
    if datagram.len() <= RECEIVE_BYTES {
        return vec![datagram];
    }
    let mut datagrams = vec![Vec::new()];
    let mut rest = &datagram[..];
    while !rest.is_empty() {
        let length = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
        let (message, after) = rest.split_at(length.next_multiple_of(4).min(rest.len()));
        match datagrams.last_mut() {
            Some(last) if last.len() + message.len() <= RECEIVE_BYTES => last.extend(message),
            _ => datagrams.push(message.to_vec()),
        }
        rest = after;
    }
    datagrams
}

/// Runs a case; gives back standard output, standard error and the exit status.
fn play(case: &Case) -> (String, String, u8) {
    let answers = |(_, answers): &(String, Vec<String>)| {
        answers.iter().flat_map(|hex| fit(bytes(hex))).collect()
    };
    let script: Vec<Vec<Vec<u8>>> = case.exchanges.iter().map(answers).collect();
    let mut script = script.into_iter();
    // The question for the family is answered at any time.
    let kernel = Kernel::that_answers(move |request| match is_for_control(request) {
        true => Some(family()),
        false => script.next(),
    });
    let words: Vec<&[u8]> = case.argv.iter().map(|word| word.as_bytes()).collect();
    let ended = ipvsadm(&words, b"", kernel);
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (text(ended.output), text(ended.errors), ended.status)
}
