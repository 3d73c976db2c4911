//! The state machine of a virtual router: an event and the time in, actions out (RFC 9568, section
//! 6, and where keepalived departs from it, as keepalived does).

use std::net::IpAddr;
use std::time::Duration;

use super::{Interval, Moment, Priority, State, Version};

mod reset;

/// What a router is told when it is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The version that it speaks.
    pub version: Version,
    /// Its priority, before the weights of what is tracked.
    pub priority: Priority,
    /// How often it says that it is there, as master.
    pub interval: Interval,
    /// The address that its adverts come from: of two equal masters the higher one stays.
    pub source: IpAddr,
    /// How many adverts a master may miss before it is taken for dead; keepalived's
    /// `down_timer_adverts`.
    pub missed_adverts: u8,
    /// Whether it takes over from a master of lower priority.
    pub preempt: bool,
    /// How long it leaves such a master in peace first.
    pub preempt_delay: Duration,
    /// Whether it answers a master of lower priority (RFC 9568 does, RFC 5798 does not).
    pub answer_lower: bool,
    /// Whether a master that hears a higher one advertises once more before it gives way. The other
    /// may not have heard of it yet, and announces its addresses again then: to clients that this one
    /// was the last to announce them to, nobody else would. Where their intervals differ it says
    /// nothing: others would take over before the better one's next advert.
    pub last_word: bool,
    /// How often it announces its addresses.
    pub announce: Announce,
}

/// When a master announces its addresses by gratuitous ARP and neighbour advertisements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Announce {
    /// How many times on becoming master, and again after `again`; 0 to 255.
    pub rounds: u8,
    /// How long after becoming master it is done again.
    pub again: Option<Duration>,
    /// How often it is done while it stays master.
    pub refresh: Option<Duration>,
    /// How many times then.
    pub refresh_rounds: u8,
}

impl Default for Announce {
    fn default() -> Self {
        Announce {
            rounds: 5,
            again: Some(Duration::from_secs(5)),
            refresh: None,
            refresh_rounds: 1,
        }
    }
}

impl Settings {
    /// Those of keepalived, and a last word, for a router that speaks from `source`.
    pub fn new(version: Version, source: IpAddr) -> Self {
        Settings {
            version,
            priority: Priority::DEFAULT,
            interval: Interval::DEFAULT,
            source,
            missed_adverts: 3,
            preempt: true,
            preempt_delay: Duration::ZERO,
            answer_lower: true,
            last_word: true,
            announce: Announce::default(),
        }
    }
}

/// What happens to a router.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// It begins.
    Start,
    /// It ends in order.
    Stop,
    /// Its deadline is there.
    Tick,
    /// An advert was received that passed all checks.
    Heard(Heard),
    /// Whether it is unable to take part.
    Fault(bool),
    /// The sum of the weights of what is tracked has changed to this.
    Weight(i32),
    /// Somebody took a virtual address off this machine.
    AddressLost,
    /// It is asked to give up, and to leave the next master in peace.
    Resign,
}

/// What matters of an advert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Who sent it.
    pub source: IpAddr,
    /// With which priority.
    pub priority: Priority,
    /// How often it sends.
    pub interval: Interval,
}

/// What a router wants done, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Send an advert with this priority.
    Advertise(Priority),
    /// Put up the virtual addresses.
    AddAddresses,
    /// Take them off; they may not be there.
    RemoveAddresses,
    /// Announce each of them so many times.
    Announce(u8),
    /// Tell whoever wants to know that it is in another state now.
    Became(State),
    /// Tell whoever reads the log.
    Remark(Remark),
}

/// What is worth a line in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remark {
    /// A backup hears a master of lower priority, and will take over from it.
    LowerMaster(Heard),
    /// A master hears another one, and stays.
    Challenged(Heard),
    /// A master hears a better one, and gives up.
    Yielded(Heard),
    /// Somebody else too has priority 255, which is for the owner of the addresses.
    SecondOwner(Heard),
    /// Somebody else sends with the same priority from this machine's address.
    OwnAddress(Heard),
}

/// One virtual router.
#[derive(Clone, Debug)]
pub struct Router {
    settings: Settings,
    /// Whether it becomes master only by [`Router::promote`].
    waits: bool,
    weight: i32,
    faulty: bool,
    /// It gave up on demand, and takes over from nobody until it finds no master.
    resigned: bool,
    role: Role,
}

#[derive(Clone, Debug)]
enum Role {
    Initialize,
    Backup(Backup),
    Master(Master),
    Fault,
}

#[derive(Clone, Debug)]
struct Backup {
    /// When the master is dead ("Master_Down_Timer"); over when it waits for its group.
    down_at: Option<Moment>,
    /// How often the master says that it is there; version 3 learns it.
    master_interval: Interval,
    /// The last one that was accepted.
    master: Option<IpAddr>,
    /// Until when a master of lower priority is left in peace.
    preempt_at: Option<Moment>,
    /// Whether one was remarked upon.
    remarked: bool,
}

#[derive(Clone, Debug)]
struct Master {
    advert_at: Moment,
    announced_at: Moment,
    announce_at: Option<Moment>,
    refresh_at: Option<Moment>,
}

impl Router {
    /// One that has not started.
    pub fn new(settings: Settings) -> Self {
        Router {
            settings,
            waits: false,
            weight: 0,
            faulty: false,
            resigned: false,
            role: Role::Initialize,
        }
    }

    /// One that, when it should become master, waits until [`Router::promote`] is called.
    pub(super) fn waiting(settings: Settings) -> Self {
        Router {
            waits: true,
            ..Router::new(settings)
        }
    }

    /// What it is.
    pub fn state(&self) -> State {
        match self.role {
            Role::Initialize => State::Initialize,
            Role::Backup(_) => State::Backup,
            Role::Master(_) => State::Master,
            Role::Fault => State::Fault,
        }
    }

    /// Its priority, with the weights of what is tracked.
    pub fn priority(&self) -> Priority {
        self.settings.priority.with_weight(self.weight)
    }

    /// The master that it listens to, if it is a backup that has heard one.
    pub fn master(&self) -> Option<IpAddr> {
        match &self.role {
            Role::Backup(backup) => backup.master,
            _ => None,
        }
    }

    /// When it wants an [`Event::Tick`].
    pub fn deadline(&self) -> Option<Moment> {
        match &self.role {
            Role::Initialize | Role::Fault => None,
            Role::Backup(backup) => backup.down_at,
            Role::Master(master) => [master.announce_at, master.refresh_at]
                .into_iter()
                .flatten()
                .chain([master.advert_at])
                .min(),
        }
    }

    /// How long it waits before it takes over from a master that sends every `interval`
    /// ("Master_Down_Interval", RFC 9568, section 6.1).
    pub fn master_down_interval(&self, interval: Interval) -> Duration {
        interval.duration() * u32::from(self.settings.missed_adverts)
            + self.skew(interval, self.priority())
    }

    /// "Skew_Time": the better a router, the earlier it takes over. Version 2 always has it of a
    /// second.
    fn skew(&self, interval: Interval, priority: Priority) -> Duration {
        let whole = match self.settings.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => interval.duration(),
        };
        whole * (256 - u32::from(priority.0)) / 256
    }

    /// Lets `event` happen at `now`; what is to be done is appended to `actions`.
    pub fn handle(&mut self, now: Moment, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Start => self.start(now, actions),
            Event::Stop => self.leave(State::Initialize, actions),
            Event::Tick => self.tick(now, actions),
            Event::Heard(heard) => match self.role {
                Role::Initialize | Role::Fault => {}
                Role::Backup(_) => self.hear_as_backup(now, heard, actions),
                Role::Master(_) => self.hear_as_master(now, heard, actions),
            },
            Event::Fault(faulty) => self.set_faulty(now, faulty, actions),
            Event::Weight(weight) => self.set_weight(weight),
            Event::AddressLost => self.give_up(now, false, actions),
            Event::Resign => self.give_up(now, true, actions),
        }
    }

    /// Whether it is master, or would be but for its group.
    pub(super) fn is_ready(&self) -> bool {
        match &self.role {
            Role::Master(_) => true,
            Role::Backup(backup) => backup.down_at.is_none(),
            Role::Initialize | Role::Fault => false,
        }
    }

    /// A backup becomes master: it says so, puts the addresses up, announces them.
    pub(super) fn promote(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if !matches!(self.role, Role::Backup(_)) {
            return;
        }
        let announce = self.settings.announce;
        self.resigned = false;
        self.role = Role::Master(Master {
            advert_at: now + self.settings.interval.duration(),
            announced_at: now,
            announce_at: announce.again.map(|again| now + again),
            refresh_at: announce.refresh.map(|refresh| now + refresh),
        });
        actions.extend([
            Action::Advertise(self.priority()),
            Action::AddAddresses,
            Action::Announce(announce.rounds),
            Action::Became(State::Master),
        ]);
    }

    /// A master becomes backup without a word, as one that hears a better one.
    pub(super) fn demote(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.state() == State::Master {
            let wait = self.master_down_interval(self.settings.interval);
            actions.push(Action::RemoveAddresses);
            self.listen(now + wait, self.settings.interval, None, actions);
        }
    }

    fn start(&mut self, now: Moment, actions: &mut Vec<Action>) {
        if self.state() != State::Initialize {
            return;
        }
        // Another process may have died with them up.
        actions.push(Action::RemoveAddresses);
        if self.faulty {
            self.enter(Role::Fault, actions);
        } else {
            self.begin(now, actions);
        }
    }

    fn begin(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let interval = self.settings.interval;
        if self.priority() == Priority::OWNER {
            self.listen(now, interval, None, actions);
            self.tick(now, actions);
        } else {
            let wait = self.master_down_interval(interval);
            self.listen(now + wait, interval, None, actions);
        }
    }

    fn tick(&mut self, now: Moment, actions: &mut Vec<Action>) {
        let priority = self.priority();
        match &mut self.role {
            Role::Initialize | Role::Fault => {}
            Role::Backup(backup) => {
                if backup.down_at.is_some_and(|at| at <= now) {
                    backup.down_at = None;
                    if !self.waits {
                        self.promote(now, actions);
                    }
                }
            }
            Role::Master(master) => {
                let announce = self.settings.announce;
                if master.advert_at <= now {
                    let interval = self.settings.interval.duration();
                    // In step with the last one, unless this one is very late.
                    let next = master.advert_at + interval;
                    master.advert_at = if next > now { next } else { now + interval };
                    actions.push(Action::Advertise(priority));
                }
                if master.announce_at.is_some_and(|at| at <= now) {
                    master.announce_at = None;
                    master.announced_at = now;
                    actions.push(Action::Announce(announce.rounds));
                }
                if master.refresh_at.is_some_and(|at| at <= now) {
                    master.refresh_at = announce.refresh.map(|refresh| now + refresh);
                    actions.push(Action::Announce(announce.refresh_rounds));
                }
            }
        }
    }

    fn hear_as_backup(&mut self, now: Moment, heard: Heard, actions: &mut Vec<Action>) {
        let priority = self.priority();
        let preempts = self.settings.preempt && !self.resigned;
        let delay = self.settings.preempt_delay;
        let Role::Backup(backup) = &mut self.role else {
            return;
        };
        if heard.priority == Priority::RESIGNED {
            let (interval, down_at) = (backup.master_interval, backup.down_at);
            let soon = now + self.skew(interval, priority);
            if let Role::Backup(backup) = &mut self.role {
                backup.down_at = down_at.map(|at| at.min(soon));
                backup.preempt_at = None;
                backup.master = None;
            }
            return;
        }
        let mut accept = heard.priority >= priority || !preempts;
        if accept {
            backup.preempt_at = None;
        } else if !delay.is_zero() {
            accept = now < *backup.preempt_at.get_or_insert(now + delay);
        }
        if !accept {
            // The timer runs on: it takes over within the time that it began to wait.
            if !backup.remarked {
                backup.remarked = true;
                actions.push(Action::Remark(Remark::LowerMaster(heard)));
            }
            return;
        }
        backup.master = Some(heard.source);
        backup.remarked = false;
        if self.settings.version == Version::V3 {
            backup.master_interval = heard.interval;
        }
        let wait = self.master_down_interval(self.master_interval());
        if let Role::Backup(backup) = &mut self.role {
            backup.down_at = Some(now + wait);
        }
    }

    fn hear_as_master(&mut self, now: Moment, heard: Heard, actions: &mut Vec<Action>) {
        let priority = self.priority();
        if heard.priority == priority && heard.source == self.settings.source {
            actions.push(Action::Remark(Remark::OwnAddress(heard)));
            return;
        }
        let better = (heard.priority, heard.source) > (priority, self.settings.source);
        if !better {
            actions.push(Action::Remark(Remark::Challenged(heard)));
            self.stay(now, heard, actions);
            return;
        }
        // Who hears it counts on the interval in it: that must be the better one's, too.
        if self.settings.last_word && heard.interval == self.settings.interval {
            actions.push(Action::Advertise(priority));
        }
        if heard.priority == Priority::OWNER && priority == Priority::OWNER {
            actions.push(Action::Remark(Remark::SecondOwner(heard)));
            self.settings.priority = Priority(254);
        } else {
            actions.push(Action::Remark(Remark::Yielded(heard)));
        }
        let interval = match self.settings.version {
            Version::V2 => self.settings.interval,
            Version::V3 => heard.interval,
        };
        actions.push(Action::RemoveAddresses);
        let wait = self.master_down_interval(interval);
        self.listen(now + wait, interval, Some(heard.source), actions);
    }

    /// A master that hears a lower one, or one that stops, says that it is there.
    fn stay(&mut self, now: Moment, heard: Heard, actions: &mut Vec<Action>) {
        let stops = heard.priority == Priority::RESIGNED;
        let priority = self.priority();
        let (interval, announce) = (self.settings.interval.duration(), self.settings.announce);
        let Role::Master(master) = &mut self.role else {
            return;
        };
        if stops || self.settings.answer_lower {
            master.advert_at = now + interval;
            actions.push(Action::Advertise(priority));
        }
        // It may have announced the addresses as its own. Once an interval is enough, however many
        // adverts it sends.
        if !stops && now.since(master.announced_at) >= interval {
            master.announced_at = now;
            master.announce_at = announce.again.map(|again| now + again);
            actions.push(Action::Announce(announce.rounds));
        }
    }

    fn set_faulty(&mut self, now: Moment, faulty: bool, actions: &mut Vec<Action>) {
        self.faulty = faulty;
        match self.role {
            Role::Backup(_) | Role::Master(_) if faulty => self.leave(State::Fault, actions),
            Role::Fault if !faulty => self.begin(now, actions),
            _ => {}
        }
    }

    /// Moves a running timer by as much as the skew changes.
    fn set_weight(&mut self, weight: i32) {
        let before = self.priority();
        self.weight = weight;
        let interval = self.master_interval();
        let (old, new) = (
            self.skew(interval, before),
            self.skew(interval, self.priority()),
        );
        if let Role::Backup(Backup {
            down_at: Some(at), ..
        }) = &mut self.role
        {
            *at = Moment((at.0 + new).saturating_sub(old));
        }
    }

    fn give_up(&mut self, now: Moment, resigned: bool, actions: &mut Vec<Action>) {
        self.resigned |= resigned && matches!(self.role, Role::Backup(_) | Role::Master(_));
        if self.state() != State::Master {
            return;
        }
        let interval = self.settings.interval;
        actions.extend([
            Action::Advertise(Priority::RESIGNED),
            Action::RemoveAddresses,
        ]);
        // Whoever lost an address wants it back soon; whoever resigned leaves the others time.
        let wait = match resigned {
            true => self.master_down_interval(interval),
            false => self.skew(interval, self.priority()),
        };
        self.listen(now + wait, interval, None, actions);
    }

    fn leave(&mut self, state: State, actions: &mut Vec<Action>) {
        match self.state() {
            State::Initialize => return,
            State::Master => {
                actions.extend([
                    Action::Advertise(Priority::RESIGNED),
                    Action::RemoveAddresses,
                ]);
            }
            State::Backup | State::Fault => {}
        }
        self.resigned = false;
        let role = match state {
            State::Fault => Role::Fault,
            _ => Role::Initialize,
        };
        self.enter(role, actions);
    }

    /// Becomes a backup that takes over at `down_at`.
    fn listen(
        &mut self,
        down_at: Moment,
        master_interval: Interval,
        master: Option<IpAddr>,
        actions: &mut Vec<Action>,
    ) {
        let backup = Backup {
            down_at: Some(down_at),
            master_interval,
            master,
            preempt_at: None,
            remarked: false,
        };
        self.enter(Role::Backup(backup), actions);
    }

    fn enter(&mut self, role: Role, actions: &mut Vec<Action>) {
        self.role = role;
        actions.push(Action::Became(self.state()));
    }

    fn master_interval(&self) -> Interval {
        match &self.role {
            Role::Backup(backup) => backup.master_interval,
            _ => self.settings.interval,
        }
    }
}

#[cfg(test)]
mod tests;
