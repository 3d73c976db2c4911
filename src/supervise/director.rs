//! All programs of a director: events and the time to actions, in order.
//!
//! The virtual addresses are worth more than the programs: they are held only while this machine
//! does for them what the configuration says. So `lvs-vrrp` is told to end, with which another
//! machine takes over at once, while `lvs-check` cannot be kept alive; and addresses that a dead
//! `lvs-vrrp` has left are taken away when it is not started again at once. The end goes the same
//! way: first the addresses, then the table.

use std::time::Duration;

use super::child::{Child, Phase};
use super::{End, Needs, Patience, Program};

/// What happens to a director.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// A program has ended, or could not be started.
    Ended(Program, End),
    /// A program does not answer.
    Silent(Program),
    /// There is another configuration, which needs these.
    Reload(Needs),
    /// All shall end.
    Stop,
    /// Time has passed.
    Tick,
}

/// What a program is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// To read its configuration again.
    Reload,
    /// To end in order.
    Stop,
    /// Nothing: it is ended.
    Kill,
}

/// How much a line of the log matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The machine does not do what it shall.
    Error,
    /// Something is not as it should be.
    Warning,
    /// What is done.
    Info,
}

/// What a director does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Starts a program.
    Start(Program),
    /// Tells a program something.
    Tell(Program, Order),
    /// Takes away the virtual addresses that a program has left.
    Withdraw,
    /// All that is needed runs, or has been tried often enough.
    Ready,
    /// Logs a line.
    Log(Level, String),
    /// Logs a line as an error, and tells those who get mail.
    Alert(String),
    /// Ends.
    End(Verdict),
}

/// Why it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was told to.
    Stopped,
    /// A program refuses the configuration.
    Refused,
    /// A program has ended, and is not to be started again.
    Died,
}

/// The exit status of a program that cannot do what its configuration says.
const USAGE: i32 = 2;

/// What a director knows.
#[derive(Clone, Debug)]
pub struct Director {
    patience: Patience,
    needs: Needs,
    respawns: bool,
    check: Child,
    vrrp: Child,
    is_ready: bool,
    stopping: Option<Verdict>,
    has_ended: bool,
    /// When it was last told the time.
    now: Duration,
}

impl Director {
    /// One that has started nothing yet. It may let programs that have ended lie, and end, too.
    pub fn new(patience: Patience, needs: Needs, respawns: bool) -> Self {
        Director {
            patience,
            needs,
            respawns,
            check: Child::default(),
            vrrp: Child::default(),
            is_ready: false,
            stopping: None,
            has_ended: false,
            now: Duration::ZERO,
        }
    }

    /// A program.
    pub fn child(&self, program: Program) -> &Child {
        match program {
            Program::Check => &self.check,
            Program::Vrrp => &self.vrrp,
        }
    }

    fn child_mut(&mut self, program: Program) -> &mut Child {
        match program {
            Program::Check => &mut self.check,
            Program::Vrrp => &mut self.vrrp,
        }
    }

    /// Whether the configuration has something for a program.
    pub fn needs(&self, program: Program) -> bool {
        self.needs.has(program)
    }

    /// Whether all that is needed has run for a while since it began, or was tried often enough.
    pub fn is_ready(&self) -> bool {
        self.is_ready
    }

    /// Whether it is ending.
    pub fn is_stopping(&self) -> bool {
        self.stopping.is_some()
    }

    /// Whether the addresses are given up, because the table cannot be kept.
    pub fn has_given_up(&self) -> bool {
        self.check.sick && self.needs.check && self.needs.vrrp
    }

    /// When it wants to be told the time, at the latest.
    pub fn deadline(&self) -> Option<Duration> {
        let children = Program::ALL.map(|program| self.child(program));
        let settled = children.iter().filter_map(|child| match child.phase {
            Phase::Running(since) if !self.is_ready => {
                Some(since + self.patience.settle).filter(|&settled| settled > self.now)
            }
            _ => None,
        });
        let due = children
            .iter()
            .filter_map(|child| child.deadline(&self.patience));
        settled.chain(due).min()
    }

    /// Takes an event into account; gives back what is to be done, in order. `now` is the time since
    /// the director began.
    pub fn handle(&mut self, now: Duration, event: Event) -> Vec<Action> {
        self.now = now;
        let mut actions = Vec::new();
        match event {
            Event::Ended(program, end) => self.ended(now, program, end, &mut actions),
            Event::Silent(program) => self.silent(program, &mut actions),
            Event::Reload(needs) => self.reload(now, needs, &mut actions),
            Event::Stop if self.stopping.is_none() => self.stopping = Some(Verdict::Stopped),
            Event::Stop | Event::Tick => {}
        }
        self.look(now, &mut actions);
        actions
    }

    fn ended(&mut self, now: Duration, program: Program, end: End, actions: &mut Vec<Action>) {
        let asked = matches!(
            self.child(program).phase,
            Phase::Stopping(_) | Phase::Killed
        );
        let in_order = end == End::Status(0);
        if asked || self.is_stopping() {
            self.child_mut(program).phase = Phase::Absent;
            if !in_order {
                let text = format!("{program} {end}");
                actions.push(Action::Log(Level::Warning, text));
            }
            if program == Program::Vrrp && !in_order {
                actions.push(Action::Withdraw);
            }
            return;
        }
        let verdict = match end {
            End::Status(USAGE) if !self.is_ready => Some(Verdict::Refused),
            End::NotStarted(_) if !self.is_ready => Some(Verdict::Died),
            _ if !self.respawns => Some(Verdict::Died),
            _ => None,
        };
        if let Some(verdict) = verdict {
            let text = match verdict {
                Verdict::Refused => format!("{program} refuses the configuration"),
                _ => format!("{program} {end}; all ends"),
            };
            actions.push(Action::Log(Level::Error, text));
            self.child_mut(program).phase = Phase::Absent;
            self.stopping = Some(verdict);
            // One that has never run has left nothing.
            if program == Program::Vrrp && self.is_ready {
                actions.push(Action::Withdraw);
            }
            return;
        }
        let was_sick = self.child(program).sick;
        let patience = self.patience;
        let text = format!("{program} {end}");
        let wait = self.child_mut(program).ended(now, end, &patience);
        let when = match wait.as_secs() {
            0 => "starting it again".to_owned(),
            seconds => format!("starting it again in {seconds} s"),
        };
        actions.push(Action::Log(Level::Warning, format!("{text}; {when}")));
        let child = self.child(program);
        if child.sick && !was_sick {
            let ends = child.ends;
            let consequence = match program {
                Program::Check if self.needs.vrrp => {
                    ": this machine cannot keep its table, the virtual addresses are given up"
                }
                Program::Check => ": the table stays as it is",
                Program::Vrrp => ": the virtual addresses are given up",
            };
            let text = format!("{program} has ended {ends} times in a row{consequence}");
            actions.push(Action::Alert(text));
        }
        // One that is started at once finds what it has left, and takes it up.
        if program == Program::Vrrp && !wait.is_zero() {
            actions.push(Action::Withdraw);
        }
    }

    /// One that hangs holds addresses that another machine takes over: it must go.
    fn silent(&mut self, program: Program, actions: &mut Vec<Action>) {
        if !matches!(self.child(program).phase, Phase::Running(_)) {
            return;
        }
        let text = format!("{program} does not answer; killing it");
        actions.push(Action::Log(Level::Error, text));
        // It stays one that runs, so that its end is one that nobody asked for.
        actions.push(Action::Tell(program, Order::Kill));
    }

    fn reload(&mut self, now: Duration, needs: Needs, actions: &mut Vec<Action>) {
        if self.is_stopping() {
            return;
        }
        self.needs = needs;
        for program in Program::ALL {
            let child = self.child_mut(program);
            if !needs.has(program) {
                (child.ends, child.sick) = (0, false);
            }
            match child.phase {
                Phase::Running(_) if needs.has(program) => {
                    actions.push(Action::Tell(program, Order::Reload));
                }
                // What kept it from running may have been the configuration.
                Phase::Waiting(_) => child.phase = Phase::Waiting(now),
                _ => {}
            }
        }
    }

    /// Whether a program shall run as things are.
    fn shall_run(&self, program: Program) -> bool {
        match (program, self.is_stopping()) {
            // Clients are sent away before what they are served by is.
            (Program::Check, true) => self.vrrp.lives(),
            (Program::Vrrp, true) => false,
            (Program::Check, false) => self.needs.check,
            (Program::Vrrp, false) => self.needs.vrrp && !self.has_given_up(),
        }
    }

    /// Does what is due, and what follows from what has happened.
    fn look(&mut self, now: Duration, actions: &mut Vec<Action>) {
        let patience = self.patience;
        for program in Program::ALL {
            if self.child_mut(program).recovered(now, &patience) {
                actions.push(Action::Alert(format!("{program} is well again")));
            }
        }
        for program in Program::ALL {
            let shall_run = self.shall_run(program);
            let may_start = !self.is_stopping();
            let child = self.child_mut(program);
            match child.phase {
                Phase::Absent if shall_run && may_start => {
                    child.phase = Phase::Running(now);
                    actions.push(Action::Start(program));
                }
                Phase::Waiting(_) if !(shall_run && may_start) => child.phase = Phase::Absent,
                Phase::Waiting(until) if until <= now => {
                    child.phase = Phase::Running(now);
                    child.restarts = child.restarts.saturating_add(1);
                    actions.push(Action::Start(program));
                }
                Phase::Running(_) if !shall_run => {
                    child.phase = Phase::Stopping(now + patience.stop);
                    actions.push(Action::Tell(program, Order::Stop));
                }
                Phase::Stopping(until) if until <= now => {
                    child.phase = Phase::Killed;
                    let text = format!(
                        "{program} has not ended within {} s; killing it",
                        patience.stop.as_secs()
                    );
                    actions.push(Action::Log(Level::Error, text));
                    actions.push(Action::Tell(program, Order::Kill));
                }
                _ => {}
            }
        }
        if !self.is_ready && !self.is_stopping() {
            // What waits for it learns of one that is sick from the log: the rest may be well.
            self.is_ready = Program::ALL.iter().all(|&program| {
                let child = self.child(program);
                !self.shall_run(program) || child.sick || child.has_run(now, patience.settle)
            });
            if self.is_ready {
                actions.push(Action::Ready);
            }
        }
        if let (Some(verdict), false) = (self.stopping, self.has_ended) {
            self.has_ended = Program::ALL.iter().all(|&p| !self.child(p).lives());
            if self.has_ended {
                actions.push(Action::End(verdict));
            }
        }
    }
}

#[cfg(test)]
mod tests;
