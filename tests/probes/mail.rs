//! Mails to a real mail server, which is not always there.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use lvskit::notify::mail::{Envelope, Mail};
use lvskit::notify::postman::{Postman, Relay};

use crate::servers::Servers;

const PORT: u16 = 2527;

/// How long a mail that had to wait may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// A mail that cannot be sent is sent later, and what has become of it is told.
pub fn check(servers: &mut Servers) -> Result<(), String> {
    let postman = start(PORT)?;
    let begin = Instant::now();
    for subject in ["one", "two"] {
        postman.send(mail(subject));
    }
    if begin.elapsed() > Duration::from_millis(100) {
        return Err(format!("to send took {:?}", begin.elapsed()));
    }
    thread::sleep(Duration::from_millis(500));
    told(&postman.told(), &["a mail has to wait: Connection refused"])?;
    servers.mail_server(PORT)?;
    let folder = servers.folder.join("mail/new");
    let texts = || -> Vec<String> {
        let files = fs::read_dir(&folder).into_iter().flatten().flatten();
        files
            .filter_map(|file| fs::read_to_string(file.path()).ok())
            .collect()
    };
    while texts().len() < 2 {
        if begin.elapsed() > PATIENCE {
            return Err(format!(
                "after {PATIENCE:?} there are {} mails",
                texts().len()
            ));
        }
        thread::sleep(Duration::from_millis(100));
    }
    let mut texts = texts();
    texts.sort_by_key(|text| !text.contains("Subject: one"));
    for (text, subject) in texts.iter().zip(["one", "two"]) {
        for part in [
            format!("Subject: {subject}\n"),
            "From: Director <director@example.org>\n".to_owned(),
            "To: a@example.org, b@example.org\n".to_owned(),
            "Date: Wed, 25 Nov 2026 07:59:59 +0000\n".to_owned(),
            "X-RcptTo: a@example.org, b@example.org\n".to_owned(),
            "\nFirst.\n.\n..last\n".to_owned(),
        ] {
            if !text.contains(&part) {
                return Err(format!("{part:?} is not in\n{text}"));
            }
        }
    }
    postman.send(mail("last"));
    told(&postman.finish(Duration::from_secs(5)), &[])?;
    // One that says nothing holds nobody up.
    let postman = start(9001)?;
    postman.send(mail("x"));
    let begin = Instant::now();
    let last = "a mail is lost: it could not be sent in time: x";
    told(
        &postman.finish(Duration::from_secs(5)),
        &["a mail has to wait: time is up", last],
    )?;
    match begin.elapsed() < Duration::from_secs(2) {
        true => Ok(()),
        false => Err(format!("the end took {:?}", begin.elapsed())),
    }
}

fn start(port: u16) -> Result<Postman, String> {
    let relay = Relay {
        host: "10.77.0.1".to_owned(),
        port,
        helo: "director.example.org".to_owned(),
        timeout: Duration::from_millis(500),
    };
    let envelope = Envelope {
        from: "Director <director@example.org>".to_owned(),
        to: vec!["a@example.org".to_owned(), "b@example.org".to_owned()],
    };
    Postman::start(relay, envelope).map_err(|error| error.to_string())
}

fn mail(subject: &str) -> Mail {
    Mail {
        subject: subject.to_owned(),
        body: "First.\n.\n..last\n".to_owned(),
        time: 1_795_593_599,
    }
}

fn told(found: &[String], expected: &[&str]) -> Result<(), String> {
    match found == expected {
        true => Ok(()),
        false => Err(format!("it told {found:?}, not {expected:?}")),
    }
}
