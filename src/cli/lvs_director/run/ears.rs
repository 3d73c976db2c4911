//! Asks the programs that run whether they are well; never waits.

use std::fs;
use std::io::{self, Read, Write};
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::PathBuf;
use std::time::Duration;

use crate::host::state;
use crate::supervise::Program;
use crate::supervise::pulse::Pulse;
use crate::vrrp::control;

/// How often a program is asked.
const EVERY: Duration = Duration::from_secs(2);

/// What each has of time: `lvs-vrrp` never waits for anything, and its adverts are missed after a few
/// seconds; `lvs-check` may be busy with a large table.
const PATIENCE: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(5)];

/// The word that `lvs-vrrp` answers with its name. `lvs-check` answers that it does not know it,
/// which is an answer.
const QUESTION: &[u8] = b"name\n";

/// The pulses of the programs, in the order of [`Program::ALL`].
pub struct Ears {
    pulses: [Pulse; 2],
    datagrams: Option<UnixDatagram>,
    path: PathBuf,
    check_path: PathBuf,
    check: Option<UnixStream>,
}

impl Ears {
    /// Opens what can be opened; who cannot be asked is not.
    pub fn open(check_path: PathBuf) -> io::Result<Self> {
        let path = state::path("director-ask")?;
        let _ = fs::remove_file(&path);
        let datagrams = UnixDatagram::bind(&path).and_then(|socket| {
            socket.set_nonblocking(true)?;
            Ok(socket)
        });
        Ok(Ears {
            pulses: PATIENCE.map(|patience| Pulse::new(EVERY, patience)),
            datagrams: datagrams.ok(),
            path,
            check_path,
            check: None,
        })
    }

    /// A program was started.
    pub fn start(&mut self, program: Program, now: Duration) {
        self.pulses[program as usize].start(now);
        if program == Program::Check {
            self.check = None;
        }
    }

    /// When somebody is to be asked.
    pub fn deadline(&self) -> Duration {
        let [check, vrrp] = &self.pulses;
        check.deadline().min(vrrp.deadline())
    }

    /// Takes in answers, and asks whom it is time to ask. Whether this one is silent.
    pub fn listen(&mut self, program: Program, now: Duration) -> bool {
        self.hear(program);
        let pulse = &mut self.pulses[program as usize];
        if pulse.asks(now) {
            match program {
                Program::Check => self.ask_check(),
                Program::Vrrp => self.ask_vrrp(),
            }
        }
        self.pulses[program as usize].is_silent(now)
    }

    fn hear(&mut self, program: Program) {
        let mut some = [0; 256];
        let heard = match program {
            Program::Check => match self.check.as_mut().map(|stream| stream.read(&mut some)) {
                // Also one that ends it without a word lives.
                Some(Ok(_)) => true,
                Some(Err(error)) if error.kind() != io::ErrorKind::WouldBlock => {
                    self.check = None;
                    false
                }
                _ => false,
            },
            Program::Vrrp => {
                let mut heard = false;
                while let Some(Ok(_)) = self.datagrams.as_ref().map(|one| one.recv(&mut some)) {
                    heard = true;
                }
                heard
            }
        };
        if heard {
            self.pulses[program as usize].answered();
            if program == Program::Check {
                self.check = None;
            }
        }
    }

    fn ask_vrrp(&mut self) {
        let question = QUESTION.trim_ascii_end();
        let Some(socket) = &self.datagrams else {
            return;
        };
        // Any of its routers will do; the socket of one that was killed is left, and refuses.
        let routers = control::all().unwrap_or_default();
        let _ = routers
            .iter()
            .any(|path| socket.send_to(question, path).is_ok());
    }

    fn ask_check(&mut self) {
        if self.check.is_some() {
            return;
        }
        let asked = UnixStream::connect(&self.check_path).and_then(|mut stream| {
            stream.set_nonblocking(true)?;
            stream.write_all(QUESTION)?;
            Ok(stream)
        });
        self.check = asked.ok();
    }
}

impl Drop for Ears {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}
