//! Ends the run when one test takes too long, and says which: a lab that is killed from outside
//! says nothing.

use std::fs;
use std::process;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::fail::{Context, Result};

/// How long one test may take. The longest takes half a minute in emulation.
const PATIENCE: Duration = Duration::from_secs(300);

/// Runs beside the tests.
pub struct Watchdog(Sender<String>);

impl Watchdog {
    pub fn start() -> Result<Self> {
        let (tests, begun) = channel::<String>();
        thread::Builder::new()
            .name("watchdog".to_owned())
            .spawn(move || {
                let Ok(mut test) = begun.recv() else { return };
                loop {
                    test = match begun.recv_timeout(PATIENCE) {
                        Ok(next) => next,
                        Err(RecvTimeoutError::Disconnected) => return,
                        Err(RecvTimeoutError::Timeout) => give_up(&test),
                    }
                }
            })
            .context("watchdog")?;
        Ok(Self(tests))
    }

    /// Notes that a test begins; the one before it is over.
    pub fn begin(&self, test: &str) {
        // Where nobody listens any more, the run is at its end.
        let _ = self.0.send(test.to_owned());
    }
}

/// Says what is running, and where each process waits in the kernel.
fn give_up(test: &str) -> ! {
    println!(
        "FAIL {test}\n  no end after {} s; what runs:",
        PATIENCE.as_secs()
    );
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    for process in processes.map(|entry| entry.path()) {
        let Ok(arguments) = fs::read_to_string(process.join("cmdline")) else {
            continue;
        };
        if !arguments.is_empty() {
            let place = fs::read_to_string(process.join("wchan")).unwrap_or_default();
            println!(
                "  {} {} ({place})",
                process.display(),
                arguments.replace('\0', " ").trim_end()
            );
        }
    }
    process::exit(1);
}
