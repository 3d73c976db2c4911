//! Routers that move together, or one alone, as they run.

use crate::vrrp::configuration::SyncGroup;
use crate::vrrp::group::{Group, Step};
use crate::vrrp::report::{News, Report, Subject};
use crate::vrrp::router::{Action, Event, Heard, Router, Settings};
use crate::vrrp::{Moment, Priority, State};

use super::voice::Voice;
use super::world::World;
use super::{ADDRESS_PATIENCE, Level};

/// The state machines of a group, and the sockets of each.
pub(super) struct Set {
    told: SyncGroup,
    group: Group,
    /// Of each router of the group, in its order.
    voices: Vec<Voice>,
    /// Until when they wait for addresses before they begin without; over when it is.
    patience: Option<Moment>,
    /// The state that the group as a whole was said to be in.
    said: State,
    /// Another configuration has them no more.
    deleted: bool,
}

impl Set {
    /// Of routers with whether they have a fault of their own, and their voices.
    pub fn new(told: SyncGroup, members: Vec<((Router, bool), Voice)>, now: Moment) -> Self {
        let (routers, voices) = members.into_iter().unzip::<_, _, Vec<_>, _>();
        Set {
            told,
            group: Group::gather(routers),
            voices,
            patience: Some(now + ADDRESS_PATIENCE),
            said: State::Initialize,
            deleted: false,
        }
    }

    /// The members by themselves.
    pub fn part(self) -> impl Iterator<Item = ((Router, bool), Voice)> {
        self.group.part().zip(self.voices)
    }

    /// Has it go on as a group of which all were told the same.
    pub fn said(mut self, said: State) -> Self {
        self.said = said;
        self
    }

    /// The state that the group was last said to be in.
    pub fn last_said(&self) -> State {
        self.said
    }

    /// What it was told.
    pub fn told(&self) -> &SyncGroup {
        &self.told
    }

    /// From now on it tells that it is deleted.
    pub fn delete(&mut self, world: &mut World<'_>) {
        self.deleted = true;
        self.happen(world, Event::Stop);
    }

    pub fn voices(&self) -> impl Iterator<Item = &Voice> {
        self.voices.iter()
    }

    pub fn voices_mut(&mut self) -> impl Iterator<Item = &mut Voice> {
        self.voices.iter_mut()
    }

    pub fn voice(&self, member: usize) -> &Voice {
        &self.voices[member]
    }

    pub fn voice_mut(&mut self, member: usize) -> &mut Voice {
        &mut self.voices[member]
    }

    pub fn states(&self) -> impl Iterator<Item = State> {
        self.group.routers().iter().map(Router::state)
    }

    pub fn state(&self, member: usize) -> State {
        self.group.routers()[member].state()
    }

    pub fn is_master(&self) -> bool {
        self.states().all(|state| state == State::Master)
    }

    fn priority(&self, member: usize) -> Priority {
        self.group.routers()[member].priority()
    }

    fn has_started(&self) -> bool {
        self.states().all(|state| state != State::Initialize)
    }

    pub fn deadline(&self) -> Option<Moment> {
        let patience = self.patience.filter(|_| !self.has_started());
        patience.into_iter().chain(self.group.deadline()).min()
    }

    /// Whether each is master, or has heard one that it accepts, or cannot become anything.
    pub fn is_known(&self) -> bool {
        self.group
            .routers()
            .iter()
            .all(|router| match router.state() {
                State::Backup => router.master().is_some(),
                State::Master | State::Fault => true,
                State::Initialize => false,
            })
    }

    /// Begins, unless it has, as soon as each script has told: until then nobody knows whether one
    /// of them can be master. It also waits a while for addresses.
    pub fn begin_if_ready(&mut self, world: &mut World<'_>) {
        if self.has_started() {
            return;
        }
        let mut scripts = self.told.scripts.iter();
        let mut known = scripts.all(|script| world.is_well(script).is_some());
        known &= self.voices.iter().all(|voice| voice.is_known(world));
        let mouths = self.voices.iter().all(Voice::has_source);
        self.patience = self.patience.filter(|at| *at > world.now());
        if known && (mouths || self.patience.is_none()) {
            self.weigh(world);
            self.happen(world, Event::Start);
        }
    }

    /// Lets an event happen to all of them.
    pub fn happen(&mut self, world: &mut World<'_>, event: Event) {
        let mut steps = Vec::new();
        self.group.handle_all(world.now(), event, &mut steps);
        self.carry_out(world, &steps);
    }

    /// Lets an event happen to one of them, and what follows from it to the others.
    pub fn happen_to(&mut self, world: &mut World<'_>, member: usize, event: Event) {
        let mut steps = Vec::new();
        self.group.handle(world.now(), member, event, &mut steps);
        self.carry_out(world, &steps);
    }

    /// Has one of them hear an advert, which may have come a moment ago: its timers run from then.
    pub fn hear(&mut self, world: &mut World<'_>, member: usize, came: Moment, heard: Heard) {
        let mut steps = Vec::new();
        self.group
            .handle(came, member, Event::Heard(heard), &mut steps);
        self.carry_out(world, &steps);
    }

    /// Has one of them go on with other settings.
    pub fn reset(&mut self, world: &mut World<'_>, member: usize, settings: Settings) {
        let mut steps = Vec::new();
        self.group.reset(world.now(), member, settings, &mut steps);
        self.carry_out(world, &steps);
    }

    /// Has all of them move together, after they came together.
    pub fn settle(&mut self, world: &mut World<'_>) {
        let mut steps = Vec::new();
        self.group.settle(world.now(), &mut steps);
        self.carry_out(world, &steps);
    }

    /// Looks for what has become of links and addresses.
    pub fn look_around(&mut self, world: &mut World<'_>) {
        for member in 0..self.voices.len() {
            if let Some(settings) = self.voices[member].look_around(world) {
                self.reset(world, member, settings);
            }
        }
        // Before it begins nothing is a fault yet.
        if self.states().any(|state| state != State::Initialize) {
            self.weigh(world);
        }
    }

    /// Looks whether the addresses of masters are still there, and where some were taken off, the
    /// routes and rules. What is known of addresses must be newer than what was put up.
    pub fn look_for_losses(&mut self, world: &mut World<'_>, routing_disturbed: bool) {
        let masters = (0..self.voices.len()).filter(|member| self.state(*member) == State::Master);
        let lost = masters
            .filter_map(|member| {
                let voice = &self.voices[member];
                let routing = || routing_disturbed.then(|| voice.lost_routing()).flatten();
                let lost = voice.lost(world).map(ToString::to_string);
                Some((member, lost.or_else(routing)?))
            })
            .next();
        if let Some((member, what)) = lost {
            let text = format!("somebody took off {what}");
            world.log(Level::Warning, &self.voices[member], &text);
            self.happen_to(world, member, Event::AddressLost);
        }
    }

    /// Has each router know what is tracked.
    pub fn weigh(&mut self, world: &mut World<'_>) {
        for member in 0..self.voices.len() {
            let (sum, fault) = self.voices[member].weigh(world, &self.told);
            let before = self.priority(member);
            self.happen_to(world, member, Event::Weight(sum));
            if self.priority(member) != before {
                self.tell_priority(world, member);
            }
            self.happen_to(world, member, Event::Fault(fault));
        }
    }

    fn carry_out(&mut self, world: &mut World<'_>, steps: &[Step]) {
        for step in steps {
            let voice = &mut self.voices[step.router];
            match step.action {
                Action::Advertise(priority) => voice.advertise(world, priority),
                Action::AddAddresses => voice.put_up(world),
                Action::RemoveAddresses => voice.take_off(world),
                Action::Announce(rounds) => voice.announce(world, rounds),
                Action::Became(state) => self.became(world, step.router, state),
                Action::Remark(remark) => voice.remark(world, remark),
            }
        }
        self.say(world);
    }

    fn became(&mut self, world: &mut World<'_>, member: usize, state: State) {
        if state == State::Master {
            // The address is announced: nobody waits for these.
            self.voices[member].put_up_routing(world);
        }
        let priority = self.priority(member);
        let instance = self.voices[member].instance();
        let notify = &instance.notify;
        let (word, own) = match (state, self.deleted) {
            // As keepalived: what is gone has a fault, unless it is asked to say what is so.
            (State::Initialize, true) if notify.tells_deletion => {
                ("DELETED".to_owned(), &notify.deleted)
            }
            (State::Initialize, true) => (State::Fault.to_string(), &notify.fault),
            (State::Master, _) => (state.to_string(), &notify.master),
            (State::Backup, _) => (state.to_string(), &notify.backup),
            (State::Fault, _) => (state.to_string(), &notify.fault),
            (State::Initialize, false) => (state.to_string(), &notify.stop),
        };
        let news = News {
            subject: Subject::Instance(&instance.name),
            state: &word,
            priority,
        };
        world.tell(&news, [own, &notify.any]);
    }

    /// Tells pipes of another priority, where they want to know; nobody else, as keepalived.
    fn tell_priority(&self, world: &mut World<'_>, member: usize) {
        let instance = self.voices[member].instance();
        let state = match self.state(member) {
            State::Initialize => return,
            State::Master => "MASTER_PRIORITY",
            State::Backup | State::Fault => "BACKUP_PRIORITY",
        };
        if instance.tells_priority {
            world.write(&News {
                subject: Subject::Instance(&instance.name),
                state,
                priority: self.priority(member),
            });
        }
    }

    /// Tells when the group as a whole is in another state. That it stops nobody is told, as in
    /// keepalived.
    fn say(&mut self, world: &mut World<'_>) {
        let Some(name) = &self.told.name else {
            return;
        };
        let state = self.state(0);
        if state == self.said || self.states().any(|other| other != state) {
            return;
        }
        self.said = state;
        let notify = &self.told.notify;
        let own = match state {
            State::Master => &notify.master,
            State::Backup => &notify.backup,
            State::Fault => &notify.fault,
            State::Initialize => return,
        };
        let word = state.to_string();
        let news = News {
            subject: Subject::Group(name),
            state: &word,
            priority: Priority::RESIGNED,
        };
        world.tell(&news, [own, &notify.any]);
    }

    /// What one of them is.
    pub fn report(&self, world: &World<'_>, member: usize) -> Report {
        let (router, voice) = (&self.group.routers()[member], &self.voices[member]);
        let instance = voice.instance();
        let interfaces = instance.interfaces.iter().chain(&self.told.interfaces);
        let files = instance.files.iter().chain(&self.told.files);
        let of_kind = |kind| {
            let scripts = instance.scripts.iter().chain(&self.told.scripts);
            let scripts = scripts.filter(|script| script.task.kind() == kind);
            scripts
                .map(|script| (script.name.clone(), world.is_well(script), script.weight))
                .collect()
        };
        Report {
            name: instance.name.clone(),
            group: self.told.name.clone(),
            id: instance.id(),
            state: router.state(),
            priority: router.priority(),
            source: voice.source(),
            master: router.master(),
            addresses: voice.addresses_up(),
            faults: voice.faults().to_vec(),
            interfaces: interfaces
                .map(|(name, weight)| (name.clone(), world.runs(name), *weight))
                .collect(),
            scripts: of_kind("script"),
            processes: of_kind("process"),
            files: files
                .map(|file| (file.name.clone(), world.number_in(file), file.weight))
                .collect(),
            rejected: voice.rejected(),
        }
    }
}
