//! Many checks again and again: each is made in its time, and what is no news is not told.

use std::fs;
use std::net::Ipv4Addr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use lvskit::addr::Endpoint;
use lvskit::check::rhythm::Routine;
use lvskit::check::rounds::{Course, Happening, Next, Senses};
use lvskit::check::runner::Runner;
use lvskit::check::timetable::{Beginning, Entry};
use lvskit::check::{Check, Manner, Origin, Probe, Question, Tracked, Tries, Verdict};

/// How many servers are asked to accept a connection.
const MANY: usize = 2000;

/// How often each is.
const EVERY: Duration = Duration::from_millis(500);

/// How often the file is looked at if nobody says that it has changed: longer than all of it takes.
const SELDOM: Duration = Duration::from_secs(3600);

/// How long all of it may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

/// All are up, and tell so once; a file that changes is looked at at once, each time.
pub fn check(folder: &Path) -> Result<(), String> {
    let file = folder.join("rounds");
    let write = |text: &str| fs::write(&file, text).map_err(|error| error.to_string());
    write("0")?;
    let server = Endpoint::new(Ipv4Addr::new(10, 77, 0, 1), 80);
    let network = Probe::Network {
        to: server,
        manner: Arc::new(Manner {
            from: Origin::default(),
            question: Question::Tcp,
        }),
    };
    let tracked = Probe::File(Tracked {
        path: file.clone(),
        factor: None,
    });
    let mut probes = vec![network; MANY];
    probes.push(tracked);
    let entry = |probe| {
        let check = Check {
            probe,
            timeout: Duration::from_secs(5),
            tries: Tries::default(),
        };
        let delay = match check.probe {
            Probe::File(_) => SELDOM,
            _ => EVERY,
        };
        Entry {
            routine: Arc::new(Routine::of(check, delay, delay)),
            before: None,
        }
    };
    let runner = Runner::new().map_err(|error| error.to_string())?;
    let senses = Senses {
        signals: runner.signals().map_err(|error| error.to_string())?,
        control: None,
        monitor: None,
    };
    let first = Next {
        restart: Some(probes.into_iter().map(entry).collect()),
        ..Next::default()
    };
    let course = Course {
        beginning: Beginning::AtOnce,
        looks: Duration::from_millis(100),
    };
    let start = Instant::now();
    let (mut up, mut seen, mut wrong) = (0, 0, None);
    let kept = runner.keep(first, course, senses, |happened| {
        let mut next = Next::default();
        for one in happened {
            let Happening::Checked(place, outcome) = one else {
                continue;
            };
            let is_up = matches!(outcome.verdict, Verdict::Up(_));
            match place {
                MANY => {
                    // It is seen as it was written, and then written otherwise.
                    if is_up != (seen % 2 == 0) {
                        wrong = Some(format!("after {seen} changes it is {outcome:?}"));
                    }
                    seen += 1;
                    wrong = wrong.take().or(write(if is_up { "1" } else { "0" }).err());
                }
                _ if is_up => up += 1,
                _ => wrong = Some(format!("{place}: {outcome:?}")),
            }
        }
        next.end = seen >= 6 || wrong.is_some() || start.elapsed() > PATIENCE;
        next
    });
    kept.map_err(|error| error.to_string())?;
    let _ = fs::remove_file(&file);
    match (wrong, up, seen) {
        (Some(wrong), _, _) => Err(wrong),
        (None, MANY, 6..) => Ok(()),
        (None, up, seen) => Err(format!("{up} were told to be up, {seen} changes were seen")),
    }
}
