//! `lvs-director run`: starts the programs that a configuration needs, and carries out what
//! `supervise` decides about them.

use std::collections::VecDeque;
use std::ffi::OsStr;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::conf::Reading;
use crate::conf::expand::Outside;
use crate::conf::frame::{Known, Survey};
use crate::conf::problem::Severity;
use crate::host::pid_file::{PidFile, Refused};
use crate::host::processes::{self, Debt, Ended, Orphaned, Sign, Split};
use crate::host::service_manager::{self, ServiceManager};
use crate::host::signals::Signals;
use crate::host::syslog::Syslog;
use crate::host::{clock, error_text, files, state};
use crate::report::lvs_director as status;
use crate::show::director as show;
use crate::supervise::control::{self, Control};
use crate::supervise::director::{Action, Director, Event, Level, Order, Verdict};
use crate::supervise::status::{self as told, Reload, Status};
use crate::supervise::{End, Patience, Program};

use alerts::Alerts;
use ears::Ears;
use loaded::Loaded;
use log::Log;
use settings::Settings;

mod addresses;
mod alerts;
mod ears;
mod loaded;
mod log;
mod scripts;
pub mod settings;

/// Why it does not run: the exit status, and a line about it.
pub struct Failure(pub u8, pub String);

fn failed(what: impl std::fmt::Display) -> impl FnOnce(io::Error) -> Failure {
    move |error| Failure(status::FAILED, format!("{what}: {}", error_text(&error)))
}

/// Runs until it is told to end; gives back the exit status.
///
/// # Errors
/// It has not begun. What is wrong with the configuration has been written to `errors`.
pub fn run(
    settings: &Settings,
    outside: &dyn Outside,
    errors: &mut dyn Write,
) -> Result<u8, Failure> {
    let mut known = Known::default();
    let read = loaded::read(&settings.file, outside, &mut known);
    let survey = read.map_err(|text| Failure(status::ERRORS, text))?;
    let (wrong, reading) = (survey.errors(), &survey.reading);
    if wrong > 0 {
        for problem in &reading.problems {
            if problem.severity.prevents_start() {
                let _ = errors.write_all(problem.render(&reading.sources).as_bytes());
            }
        }
        let text = format!("errors in {}: {wrong}", settings.file);
        return Err(Failure(status::ERRORS, text));
    }
    let namespace = settings.namespace(&reading.config);
    if let Some(name) = namespace {
        let what = format!("network namespace {name}");
        processes::enter_network(name).map_err(failed(what))?;
    }
    if settings.core_files {
        processes::allow_core_files().map_err(failed("core files"))?;
    }
    if let Some(bits) = settings.umask {
        processes::set_umask(bits);
    }
    let mut pid_file = take_pid_file(&settings.pid_file(namespace))?;
    let log_file = settings.log_file.clone().map(log::open).transpose();
    let log_file = log_file.map_err(failed("log file"))?;
    let control = control::path().and_then(|path| Control::open(&path));
    let control = control.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => Failure(
            status::FAILED,
            "another director runs in this network namespace".to_owned(),
        ),
        _ => failed("control socket")(error),
    })?;
    let mut debt = None;
    if settings.daemon {
        match processes::go_to_background().map_err(failed("cannot fork"))? {
            Split::Background(owed) => debt = Some(owed),
            Split::Front(is_well) => {
                // What is open belongs to the other one.
                std::mem::forget(control);
                pid_file.leave();
                return match is_well {
                    true => Ok(status::FINE),
                    false => Err(Failure(
                        status::FAILED,
                        "it did not start; its log says why".to_owned(),
                    )),
                };
            }
        }
    }
    pid_file.write().map_err(failed("PID file"))?;
    let signals = Signals::open().map_err(failed("signals"))?;
    let log = Log {
        console: settings
            .console
            .then_some((errors, service_manager::errors_go_to_journal())),
        syslog: settings.syslog.map(Syslog::open),
        file: log_file,
    };
    let needs = settings.needs(&survey);
    let check_socket = control::check_path().map_err(failed("state"))?;
    let mut running = Running {
        settings,
        outside,
        log,
        director: Director::new(Patience::default(), needs, settings.respawns),
        programs: [None, None],
        loaded: Loaded::new(
            state::path("director.conf").map_err(failed("state"))?,
            known,
        ),
        alerts: Alerts::default(),
        ears: Ears::open(check_socket.clone()).map_err(failed("state"))?,
        check_socket,
        was_loaded: Vec::new(),
        manager: ServiceManager::find(),
        began: Instant::now(),
        reload: None,
        debt,
        verdict: None,
    };
    running.warn(reading);
    running.take(survey);
    running.script("startup_script");
    let ended = running.until_the_end(&signals, control);
    running.script("shutdown_script");
    running.close_alerts();
    ended.map_err(failed("poll"))
}

fn take_pid_file(path: &Path) -> Result<PidFile, Failure> {
    let shown = path.display();
    PidFile::take(path).map_err(|refused| match refused {
        Refused::Taken(Some(id)) => Failure(
            status::FAILED,
            format!("already running: process {id} has {shown}"),
        ),
        Refused::Taken(None) => Failure(
            status::FAILED,
            format!("already running: a process has {shown}"),
        ),
        Refused::Failed(error) => failed(shown)(error),
    })
}

/// A director that runs.
struct Running<'a> {
    settings: &'a Settings,
    outside: &'a dyn Outside,
    log: Log<'a>,
    director: Director,
    /// In the order of [`Program::ALL`].
    programs: [Option<processes::Program>; 2],
    /// What holds.
    loaded: Loaded,
    /// Where `lvs-check` is asked.
    check_socket: PathBuf,
    /// Who is told when it is bad.
    alerts: Alerts,
    /// What is heard of programs that run.
    ears: Ears,
    /// Those that have been started with what holds.
    was_loaded: Vec<Program>,
    manager: ServiceManager,
    began: Instant,
    reload: Option<Reload>,
    debt: Option<Debt>,
    verdict: Option<Verdict>,
}

impl Running<'_> {
    fn until_the_end(&mut self, signals: &Signals, mut control: Control) -> io::Result<u8> {
        if self.director.needs(Program::Check) || self.director.needs(Program::Vrrp) {
            let text = format!("starting, {}", self.settings.file);
            self.log.say(Level::Info, &text);
        } else {
            let text = format!("{} has nothing to do for this director", self.settings.file);
            self.log.say(Level::Warning, &text);
        }
        self.happen(Event::Tick);
        let mut alive_at = Duration::ZERO;
        loop {
            if let Some(verdict) = self.verdict {
                self.log.say(Level::Info, "ended");
                return Ok(match verdict {
                    Verdict::Stopped => status::FINE,
                    Verdict::Died => status::FAILED,
                    Verdict::Refused => status::ERRORS,
                });
            }
            let now = self.began.elapsed();
            if let Some(length) = self.manager.watchdog() {
                if now >= alive_at {
                    self.manager.alive();
                    alive_at = now + length;
                }
            }
            let due = [
                self.director.deadline(),
                control.deadline(),
                self.manager.watchdog().map(|_| alive_at),
                self.lives().then(|| self.ears.deadline()),
            ];
            let due = due.into_iter().flatten().min();
            let pipes = self.programs.iter().flatten();
            let descriptors: Vec<BorrowedFd<'_>> = pipes
                .filter_map(processes::Program::descriptor)
                .chain(control.descriptors())
                .collect();
            signals.wait(&descriptors, due.map(|due| due.saturating_sub(now)))?;
            drop(descriptors);

            let received = signals.receive();
            self.pass_on();
            self.reap();
            if received.end {
                self.stop();
            } else if received.hang_up {
                self.reload();
            }
            let now = self.began.elapsed();
            control.turn(now, |question| self.answer(question));
            self.listen();
            for text in self.alerts.told() {
                self.log.say(Level::Warning, &text);
            }
            self.happen(Event::Tick);
        }
    }

    fn lives(&self) -> bool {
        self.programs.iter().any(Option::is_some)
    }

    /// Asks the programs how they are.
    fn listen(&mut self) {
        let now = self.began.elapsed();
        for program in Program::ALL {
            let lives = self.programs[program as usize].is_some();
            if self.ears.listen(program, now) && lives {
                self.ears.start(program, now);
                self.happen(Event::Silent(program));
            }
        }
    }

    /// Lets an event happen, and all that follows from it.
    fn happen(&mut self, event: Event) {
        let mut events = VecDeque::from([event]);
        while let Some(event) = events.pop_front() {
            for action in self.director.handle(self.began.elapsed(), event) {
                events.extend(self.carry_out(action));
            }
        }
    }

    /// Gives back what happens by it.
    fn carry_out(&mut self, action: Action) -> Option<Event> {
        match action {
            Action::Start(program) => return self.start(program),
            Action::Tell(program, order) => {
                let sign = match order {
                    Order::Reload => Sign::Hangup,
                    Order::Stop => Sign::Terminate,
                    Order::Kill => Sign::Kill,
                };
                if let Some(program) = &self.programs[program as usize] {
                    program.tell(sign);
                }
            }
            Action::Withdraw => self.withdraw(),
            Action::Log(level, text) => {
                self.log.say(level, &text);
                self.manager.status(&text);
            }
            Action::Alert(text) => {
                self.log.say(Level::Error, &text);
                self.manager.status(&text);
                if let Err(why) = self.alerts.send(&self.loaded.config, &text) {
                    self.log.say(Level::Error, &why);
                }
            }
            Action::Ready => {
                self.log.say(Level::Info, "ready");
                self.manager.ready(&self.settings.file);
                if let Some(debt) = self.debt.take() {
                    debt.settle();
                }
            }
            Action::End(verdict) => self.verdict = Some(verdict),
        }
        None
    }

    fn start(&mut self, program: Program) -> Option<Event> {
        let file = self.file_for(program);
        let path = self.settings.path_of(program);
        let mut arguments = vec!["run", "-f", &file];
        let socket = self.check_socket.to_string_lossy();
        if program == Program::Check {
            arguments.extend(["--control", &socket]);
            if self.settings.keeps_table {
                arguments.push("--keep");
            }
            if let Some(seconds) = &self.settings.slow_start {
                arguments.extend(["--slow-start", seconds]);
            }
        }
        let arguments: Vec<&OsStr> = arguments.into_iter().map(OsStr::new).collect();
        // Without its director nobody would take the addresses from a machine that is sick; to end
        // hands them to another one. A table without checks still forwards what it did, and whoever
        // starts the director again finds it: better than none.
        let orphaned = match program {
            Program::Vrrp => Orphaned::Ends,
            Program::Check => Orphaned::IsKilled,
        };
        match processes::Program::start(&path, &arguments, orphaned) {
            Ok(started) => {
                let text = format!("{program} runs, process {}", started.id());
                self.programs[program as usize] = Some(started);
                self.ears.start(program, self.began.elapsed());
                self.log.say(Level::Info, &text);
                self.note_pid(program);
                None
            }
            Err(error) => {
                let why = format!("{}: {}", path.display(), error_text(&error));
                Some(Event::Ended(program, End::NotStarted(why)))
            }
        }
    }

    /// The configuration for a program that is to be started: the file, unless a program that has
    /// ended would read there what has not been loaded.
    fn file_for(&mut self, program: Program) -> String {
        let snapshot = self.loaded.snapshot().to_string_lossy().into_owned();
        if self.settings.id.is_some() {
            // It would not know what `@ID` is compared with.
            return snapshot;
        }
        let settings = self.settings;
        let file = &settings.file;
        if !self.was_loaded.contains(&program) {
            self.was_loaded.push(program);
            return file.clone();
        }
        let survey = loaded::read(file, self.outside, &mut self.loaded.known);
        if survey.is_ok_and(|survey| survey.errors() == 0 && self.loaded.is(&survey.text)) {
            return file.clone();
        }
        let text =
            format!("{file} has changed since it was loaded; {program} gets what was loaded");
        self.log.say(Level::Warning, &text);
        snapshot
    }

    /// Has the number of a program that runs in its file, and no file of one that does not.
    fn note_pid(&mut self, program: Program) {
        let Some(path) = &self.settings.pid_files[program as usize] else {
            return;
        };
        let noted = match &self.programs[program as usize] {
            Some(process) => files::replace(path, format!("{}\n", process.id()).as_bytes(), 0o644),
            None => files::remove(path),
        };
        if let Err(error) = noted {
            let text = format!("{}: {}", path.display(), error_text(&error));
            self.log.say(Level::Warning, &text);
        }
    }

    /// Hands on what programs have written.
    fn pass_on(&mut self) {
        for (program, process) in Program::ALL.into_iter().zip(&mut self.programs) {
            if let Some(process) = process {
                let id = process.id();
                process.read(|line| self.log.pass_on(program.name(), id, line));
            }
        }
    }

    /// Looks which programs have ended.
    fn reap(&mut self) {
        for program in Program::ALL {
            let Some(process) = &mut self.programs[program as usize] else {
                continue;
            };
            let Some(ended) = process.ended() else {
                continue;
            };
            let id = process.id();
            process.read_last(|line| self.log.pass_on(program.name(), id, line));
            self.programs[program as usize] = None;
            self.note_pid(program);
            let end = match ended {
                Ended::Status(status) => End::Status(status),
                Ended::Signal(signal) => End::Signal(signal),
            };
            self.happen(Event::Ended(program, end));
        }
    }

    fn close_alerts(&mut self) {
        for text in self.alerts.close() {
            self.log.say(Level::Warning, &text);
        }
    }

    /// Runs one of the scripts of `global_defs`, if it is there.
    fn script(&mut self, keyword: &str) {
        let global = &self.loaded.config.global;
        let (command, seconds) = match keyword {
            "startup_script" => (&global.startup_script, global.startup_script_timeout),
            _ => (&global.shutdown_script, global.shutdown_script_timeout),
        };
        let Some(command) = command else {
            return;
        };
        if let Err(why) = scripts::run(command, global, seconds) {
            self.log.say(Level::Error, &format!("{keyword}: {why}"));
        }
    }

    fn stop(&mut self) {
        if !self.director.is_stopping() {
            self.log.say(Level::Info, "stopping");
            self.manager.stopping();
        }
        self.happen(Event::Stop);
    }

    /// Reads the file, and hands it on when nothing is wrong with it.
    fn reload(&mut self) -> bool {
        if let Err(error) = self.log.reopen() {
            let text = format!("log file: {}", error_text(&error));
            self.log.say(Level::Error, &text);
        }
        self.manager.reloading();
        let settings = self.settings;
        let file = &settings.file;
        let read = loaded::read(file, self.outside, &mut self.loaded.known);
        let (taken, problems) = match read {
            Err(text) => (None, vec![text]),
            Ok(survey) => {
                let problems = self.warn(&survey.reading);
                (Some(survey).filter(|survey| survey.errors() == 0), problems)
            }
        };
        let is_taken = taken.is_some();
        match taken {
            None => {
                if let [only] = &problems[..] {
                    self.log.say(Level::Error, only);
                }
                let text = format!("not reloaded: what runs goes on, {file} is wrong");
                self.log.say(Level::Error, &text);
                self.manager.ready(&text);
            }
            Some(survey) => {
                let config = &survey.reading.config;
                if settings.namespace(&self.loaded.config) != settings.namespace(config) {
                    let text = "net_namespace has changed: it holds when this is started again";
                    self.log.say(Level::Warning, text);
                }
                if self.loaded.config.global != config.global {
                    self.close_alerts();
                }
                let needs = settings.needs(&survey);
                self.take(survey);
                self.was_loaded.clear();
                // Those that run read the file, too.
                let live = Program::ALL
                    .into_iter()
                    .filter(|&program| self.director.child(program).lives());
                self.was_loaded.extend(live);
                self.log.say(Level::Info, "reloaded");
                self.happen(Event::Reload(needs));
                self.manager.ready(&self.settings.file);
            }
        }
        self.reload = Some(Reload {
            at: clock::local_time(),
            taken: is_taken,
            problems,
        });
        is_taken
    }

    /// Tells all that is wrong, a line each; gives them back.
    fn warn(&mut self, reading: &Reading) -> Vec<String> {
        let mut told = Vec::new();
        for problem in &reading.problems {
            let (level, name) = match problem.severity {
                Severity::Note => continue,
                Severity::Warning | Severity::Ignored => (Level::Warning, "warning"),
                Severity::Error | Severity::Fatal => (Level::Error, "error"),
            };
            let mut text = match problem.place {
                Some(place) => {
                    let place = reading.sources.locate(place);
                    format!("{place}: {name}: {}", problem.text)
                }
                None => format!("{name}: {}", problem.text),
            };
            if let Some(hint) = &problem.hint {
                text += &format!(" ({hint})");
            }
            self.log.say(level, &text);
            told.push(text);
        }
        told
    }

    /// Goes on with what was read.
    fn take(&mut self, survey: Survey) {
        if let Err(error) = self.loaded.take(survey) {
            let snapshot = self.loaded.snapshot().display();
            let text = format!("{snapshot}: {}", error_text(&error));
            self.log.say(Level::Error, &text);
        }
    }

    /// Takes the virtual addresses away that a program has left on the interfaces.
    fn withdraw(&mut self) {
        match addresses::withdraw(&self.loaded.config) {
            Ok(0) => {}
            Ok(count) => {
                let text = format!("virtual addresses taken away: {count}");
                self.log.say(Level::Warning, &text);
            }
            Err(error) => {
                let text = format!(
                    "virtual addresses cannot be taken away: {}",
                    error_text(&error)
                );
                self.log.say(Level::Error, &text);
            }
        }
    }

    fn answer(&mut self, question: &str) -> String {
        match question {
            "status" => show::json(&self.status()),
            "reload" => {
                let taken = self.reload();
                let problems = self.reload.as_ref().map(|reload| &reload.problems[..]);
                show::reload_json(taken, problems.unwrap_or_default())
            }
            _ => show::refusal_json(&format!("not a question: {question}")),
        }
    }

    fn status(&self) -> Status {
        let now = self.began.elapsed();
        Status {
            process: std::process::id(),
            file: self.settings.file.clone(),
            seconds: now.as_secs(),
            word: told::word(&self.director),
            programs: told::programs(&self.director, now, |program| {
                let process = self.programs[program as usize].as_ref();
                process.map(processes::Program::id)
            }),
            reload: self.reload.clone(),
        }
    }
}
