//! How `-R` goes through its input, told from what a kernel is asked.

use std::sync::{Arc, Mutex};

use common::{Ended, IPVS, Kernel, family, ipvsadm, is_for_control, message};

#[allow(dead_code)] // The other tests need the rest of it.
mod common;

/// `IPVS_CMD_GET_INFO`, `IPVS_CMD_NEW_SERVICE`, `IPVS_CMD_DEL_SERVICE`.
const GET_INFO: u8 = 15;
const NEW_SERVICE: u8 = 1;
const DEL_SERVICE: u8 = 3;

/// `NLM_F_ACK`.
const ACK: u8 = 4;

/// Restores `input` with a kernel that knows no service to delete, and refuses nothing else.
/// Gives back what was asked for: the commands, and how many of them wanted an acknowledgement.
fn restore(words: &[&str], input: &str) -> (Ended, Vec<u8>, usize) {
    let asked = Arc::new(Mutex::new((Vec::new(), 0)));
    let log = Arc::clone(&asked);
    let kernel = Kernel::that_answers(move |request| {
        if is_for_control(request) {
            return Some(family());
        }
        let done = message(2, &[0; 4]);
        let command = request[16];
        if command == GET_INFO {
            let info = [14, 1, 0, 0, 8, 0, 1, 0, 1, 2, 1, 0, 8, 0, 2, 0, 0, 16, 0, 0];
            return Some(vec![message(IPVS, &info), done]);
        }
        let acknowledge = request[6] & ACK != 0;
        let mut log = log.lock().unwrap();
        log.0.push(command);
        log.1 += usize::from(acknowledge);
        let esrch = (-3i32).to_ne_bytes();
        Some(match command {
            DEL_SERVICE => vec![message(2, &esrch)],
            _ if acknowledge => vec![done],
            _ => vec![],
        })
    });
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let ended = ipvsadm(&words, input.as_bytes(), kernel);
    let (commands, acknowledged) = asked.lock().unwrap().clone();
    (ended, commands, acknowledged)
}

fn errors(ended: &Ended) -> &str {
    std::str::from_utf8(&ended.errors).unwrap()
}

#[test]
fn a_restore_waits_for_one_acknowledgement_in_sixty_four_changes() {
    let lines: Vec<String> = (1..=640)
        .map(|port| format!("-A -t 10.0.0.1:{port}\n"))
        .collect();
    let (ended, commands, acknowledged) = restore(&["-R"], &lines.concat());
    assert_eq!(ended.status, 0);
    assert_eq!(commands, vec![NEW_SERVICE; 640]);
    assert_eq!(acknowledged, 10);
}

#[test]
fn a_restore_does_what_stands_before_a_wrong_line_and_nothing_behind_it() {
    let (ended, commands, _) = restore(&["-R"], "-A -t 10.0.0.1:80\nfoo\n-A -t 10.0.0.2:80\n");
    assert_eq!(ended.status, 255);
    assert_eq!(commands, [NEW_SERVICE]);
}

#[test]
fn a_strict_restore_does_nothing_when_a_line_is_wrong() {
    let input = "-A -t 10.0.0.1:80\n-A -t 10.0.0.2:80 -w 1\n-A -t 10.0.0.3:80 -k\n";
    let (ended, commands, _) = restore(&["-R", "--strict", "--verbose"], input);
    assert_eq!(ended.status, 2);
    assert!(commands.is_empty());
    assert_eq!(
        errors(&ended),
        "Illegal 'weight' option with the 'add-service' command\n\
         ipvsadm: line 2: -A -t 10.0.0.2:80 -w 1\n\
         -k: unknown option\n\
         ipvsadm: line 3: -A -t 10.0.0.3:80 -k\n"
    );
}

#[test]
fn a_restore_ends_as_its_last_line_and_a_strict_one_as_the_first_that_failed() {
    let input = "-D -t 10.0.0.1:80\n-A -t 10.0.0.2:80\n";
    for (words, status) in [(&["-R"][..], 0), (&["-R", "--strict"][..], 255)] {
        let (ended, commands, _) = restore(words, input);
        assert_eq!(ended.status, status);
        assert_eq!(commands, [DEL_SERVICE, NEW_SERVICE]);
        assert_eq!(errors(&ended), "No such service\n");
    }
}

#[test]
fn a_refused_line_of_a_batch_is_told_with_its_number() {
    let input = "# a comment\n\n-A -t 10.0.0.1:80\n-D  -t 10.0.0.9:80\r\n-A -t 10.0.0.2:80";
    let (ended, commands, acknowledged) = restore(&["-R", "--verbose"], input);
    assert_eq!(ended.status, 0);
    assert_eq!(commands, [NEW_SERVICE, DEL_SERVICE, NEW_SERVICE]);
    // The last line has no end, so it comes when the input has ended.
    assert_eq!(acknowledged, 2);
    assert_eq!(
        errors(&ended),
        "No such service\nipvsadm: line 4: -D -t 10.0.0.9:80\n"
    );
}
