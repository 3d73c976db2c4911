//! `lvs-realserver`: reads a command line and the host, takes the steps between what is and what
//! shall be, tells of them.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::host::files::{self, Lock};
use crate::host::{error_text, identity, state};
use crate::realserver::Mode;
use crate::realserver::memory::{BadLine, Memory, Place};
use crate::realserver::persist::Command;
use crate::realserver::plan::{self, Plan, Step};
use crate::realserver::status::{Standing, State};
use crate::realserver::verify;
use crate::report::{WriteError, lvs_realserver as status};
use crate::show::realserver as show;

use arguments::{Refused, Request, Verb};
use machine::Machine;
use persist::Files;

pub mod arguments;
mod machine;
mod persist;

/// What the program is called in what it says.
const PROGRAM: &str = "lvs-realserver";

/// What the program works with.
pub struct Environment<'a> {
    /// Where the program is, for files that start it at boot.
    pub path: &'a Path,
    /// Standard output.
    pub output: &'a mut dyn Write,
    /// Standard error.
    pub errors: &'a mut dyn Write,
}

/// Why the program ends early: what to say, and the exit status.
struct Failure {
    text: String,
    status: u8,
}

impl Failure {
    fn wrong(text: impl Display) -> Self {
        Failure {
            text: text.to_string(),
            status: status::USAGE,
        }
    }

    /// `what` failed.
    fn of(what: impl Display, error: &io::Error) -> Self {
        Failure {
            text: format!("{what}: {}", error_text(error)),
            status: status::FAILED,
        }
    }
}

/// Runs the program with the words of its command line, its name first; gives back the exit status.
pub fn run(words: impl IntoIterator<Item = OsString>, mut environment: Environment<'_>) -> u8 {
    let mut session = Session {
        environment: &mut environment,
        json: false,
        output_failed: None,
    };
    let outcome = match arguments::parse(words) {
        Err(Refused::Help(text)) => {
            session.print(&text);
            Ok(status::DONE)
        }
        Err(Refused::Wrong(text)) => Err(Failure::wrong(text)),
        Ok(request) => session.answer(&request),
    };
    let status = outcome.unwrap_or_else(|Failure { text, status }| {
        session.complain(&text);
        status
    });
    session.finish(status)
}

/// What a command works with.
struct Scene<'a> {
    request: &'a Request,
    machine: Machine,
    /// Where the memory is.
    state: PathBuf,
    /// For which it holds.
    place: Place,
}

struct Session<'a, 'e> {
    environment: &'a mut Environment<'e>,
    json: bool,
    output_failed: Option<io::Error>,
}

impl Session<'_, '_> {
    fn answer(&mut self, request: &Request) -> Result<u8, Failure> {
        self.json = request.json;
        let place = Place {
            boot: identity::boot().map_err(|error| Failure::of("boot_id", &error))?,
            network: identity::network().map_err(|error| Failure::of("netns", &error))?,
        };
        let mut scene = Scene {
            request,
            machine: Machine::open().map_err(|error| Failure::of("rtnetlink", &error))?,
            state: match &request.state {
                Some(path) => path.clone(),
                None => state::path("realserver").map_err(|error| Failure::of("netns", &error))?,
            },
            place,
        };
        match request.verb {
            Verb::Start => self.start(&mut scene),
            Verb::Stop => self.stop(&mut scene),
            Verb::Status => self.status(&mut scene),
            Verb::Verify => self.verify(&mut scene),
        }
    }

    fn start(&mut self, scene: &mut Scene<'_>) -> Result<u8, Failure> {
        let Scene {
            request,
            machine,
            state,
            place,
        } = scene;
        let wanted = request.wanted(Mode::Direct);
        let _lock = lock(request, state)?;
        let memory = self.recall(state, place)?;
        let mut done = Vec::new();
        let plan = loop {
            look(machine, wanted.clamp.is_some())?;
            let plan = plan::start(machine.host(), &memory, &wanted).map_err(Failure::wrong)?;
            if request.dry_run {
                self.tell_plan(&plan);
                return Ok(status::DONE);
            }
            // A module makes a device, with settings that nobody knew before.
            let is_module = |step: &&Step| matches!(step, Step::LoadModule(_));
            let modules: Vec<_> = plan.steps.iter().take_while(is_module).cloned().collect();
            if modules.is_empty() {
                break plan;
            }
            if !done.is_empty() {
                return Err(Failure {
                    text: format!(
                        "{}: it made no device in this network namespace",
                        modules[0]
                    ),
                    status: status::FAILED,
                });
            }
            self.take(machine, &modules, &mut done)?;
        };
        if plan.memory != memory {
            remember(state, &plan.memory)?;
        }
        let taken = self.take(machine, &plan.steps, &mut done);
        let mut files = Files::default();
        if let (Ok(()), true) = (&taken, request.persist) {
            let command = Command {
                program: &self.environment.path.to_string_lossy(),
                wanted: &wanted,
                host: machine.host(),
            };
            files = persist::write(&command, request.rc_local);
        }
        self.tell_done(&done, &plan, &files.done);
        taken?;
        failed(files)
    }

    fn stop(&mut self, scene: &mut Scene<'_>) -> Result<u8, Failure> {
        let Scene {
            request,
            machine,
            state,
            place,
        } = scene;
        let lock = lock(request, state)?;
        let memory = self.recall(state, place)?;
        look(machine, !memory.clamps.is_empty())?;
        let plan = plan::stop(machine.host(), &memory, &request.vips);
        if request.dry_run {
            self.tell_plan(&plan);
            return Ok(status::DONE);
        }
        let mut done = Vec::new();
        let taken = self.take(machine, &plan.steps, &mut done);
        let mut files = Files::default();
        if let (Ok(()), true) = (&taken, request.persist) {
            files = persist::remove(&request.vips);
        }
        self.tell_done(&done, &plan, &files.done);
        taken?;
        if plan.memory.is_empty() {
            files::remove(state)
                .and_then(|()| lock.map_or(Ok(()), Lock::retire))
                .map_err(|error| Failure::of(state.display(), &error))?;
        } else if plan.memory != memory {
            remember(state, &plan.memory)?;
        }
        failed(files)
    }

    fn status(&mut self, scene: &mut Scene<'_>) -> Result<u8, Failure> {
        let Scene {
            request,
            machine,
            state,
            place,
        } = scene;
        let memory = self.recall(state, place)?;
        look(machine, !memory.clamps.is_empty())?;
        let device = request.device.as_deref();
        let standing = |&vip| Standing::of(machine.host(), &memory, vip, request.mode, device);
        let standings: Vec<Standing> = request.vips.iter().map(standing).collect();
        self.print(&match self.json {
            true => show::status_json(&standings),
            false => show::status_text(&standings),
        });
        Ok(match State::of(&standings) {
            State::Running => status::DONE,
            State::Stopped => status::STOPPED,
            State::Partly => status::PARTLY,
        })
    }

    fn verify(&mut self, scene: &mut Scene<'_>) -> Result<u8, Failure> {
        let Scene {
            request,
            machine,
            state,
            place,
        } = scene;
        let memory = self.recall(state, place)?;
        let is_tunnel = |mode: &Mode| *mode == Mode::Tunnel;
        let by_tunnel = request
            .mode
            .iter()
            .chain(memory.vips.values())
            .any(is_tunnel);
        look(machine, by_tunnel)?;
        let configured = machine::configured();
        let (host, vips) = (machine.host(), &request.vips);
        let report = verify::verify(host, &memory, &configured, vips, request.mode);
        self.print(&match self.json {
            true => show::report_json(&report),
            false => show::report_text(&report),
        });
        Ok(match report.is_well() {
            true => status::DONE,
            false => status::PARTLY,
        })
    }

    /// What was remembered here, if anything was. What holds for another boot or another network
    /// namespace is nothing.
    fn recall(&mut self, state: &Path, place: &Place) -> Result<Memory, Failure> {
        let text = files::read(state).map_err(|error| Failure::of(state.display(), &error))?;
        let Some(text) = text else {
            return Ok(Memory::new(place.clone()));
        };
        let memory: Memory = text.parse().map_err(|BadLine(line)| Failure {
            text: format!("{}:{line}: not a line of a state file", state.display()),
            status: status::FAILED,
        })?;
        if memory.place == *place {
            return Ok(memory);
        }
        let state = state.display();
        self.complain(&format!("of another boot or network, not used: {state}"));
        Ok(Memory::new(place.clone()))
    }

    /// Takes steps until one fails, and tells of each that was taken.
    fn take(
        &mut self,
        machine: &mut Machine,
        steps: &[Step],
        done: &mut Vec<Step>,
    ) -> Result<(), Failure> {
        for step in steps {
            machine
                .take(step)
                .map_err(|error| Failure::of(step, &error))?;
            if !self.json {
                self.print(&format!("{step}\n"));
            }
            done.push(step.clone());
        }
        Ok(())
    }

    fn tell_plan(&mut self, plan: &Plan) {
        if !self.json {
            for step in &plan.steps {
                self.print(&format!("{step}\n"));
            }
        }
        self.tell_done(&plan.steps, plan, &[]);
    }

    /// Tells what was left and what became of files, and in JSON also which steps were taken.
    fn tell_done(&mut self, done: &[Step], plan: &Plan, files: &[String]) {
        if self.json {
            return self.print(&show::steps_json(done, &plan.left, files));
        }
        for left in &plan.left {
            self.print(&format!("{left}\n"));
        }
        for file in files {
            self.print(&format!("{file}\n"));
        }
    }

    fn print(&mut self, text: &str) {
        if let Err(error) = self.environment.output.write_all(text.as_bytes()) {
            self.output_failed.get_or_insert(error);
        }
    }

    fn complain(&mut self, text: &str) {
        // Nobody is left to tell if that fails.
        let _ = writeln!(self.environment.errors, "{PROGRAM}: {text}");
    }

    fn finish(mut self, status: u8) -> u8 {
        if let Err(error) = self.environment.output.flush() {
            self.output_failed.get_or_insert(error);
        }
        let Some(error) = self.output_failed.take() else {
            return status;
        };
        let error = WriteError {
            program: PROGRAM,
            error: &error,
        };
        let _ = writeln!(self.environment.errors, "{error}");
        status.max(status::FAILED)
    }
}

/// How a command ends whose steps were all taken.
fn failed(files: Files) -> Result<u8, Failure> {
    match files.failed {
        Some((file, error)) => Err(Failure::of(file, &error)),
        None => Ok(status::DONE),
    }
}

/// One start or stop at a time; a dry run changes nothing.
fn lock(request: &Request, state: &Path) -> Result<Option<Lock>, Failure> {
    if request.dry_run {
        return Ok(None);
    }
    let lock = Lock::take(state).map_err(|error| Failure::of(state.display(), &error))?;
    Ok(Some(lock))
}

fn look(machine: &mut Machine, at_clamps: bool) -> Result<(), Failure> {
    let looked = machine.look(at_clamps);
    looked.map_err(|error| Failure::of("this host", &error))
}

fn remember(state: &Path, memory: &Memory) -> Result<(), Failure> {
    /// For anybody to read: `status` asks for no rights.
    const MODE: u32 = 0o644;
    files::replace(state, memory.to_string().as_bytes(), MODE)
        .map_err(|error| Failure::of(state.display(), &error))
}
