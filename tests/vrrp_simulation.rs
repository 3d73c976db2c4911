//! Virtual routers on simulated networks that lose, delay, reorder and double adverts, that fall
//! apart and come together, with machines that crash and clocks that drift: whenever a network is
//! calm for long enough, each connected part has one master, and the right one.
//!
//! A world is made from a seed, which a failure prints: `LVSKIT_SEED=7 cargo test --test
//! vrrp_simulation` plays that world alone. `LVSKIT_SIMULATED_HOURS=1000000` plays worlds until so
//! many router-hours are over, on `LVSKIT_THREADS` processors (all); that wants `--release`, and
//! `LVSKIT_FIRST_SEED` begins with another world.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::env;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use lvskit::vrrp::group::{Group, Step};
use lvskit::vrrp::router::{Action, Event, Heard, Router, Settings};
use lvskit::vrrp::{Interval, Moment, Priority, State, Version};

/// Worlds of the quick form.
const WORLDS: u64 = 60;

/// The most that a clock is wrong: a thousandth. Real ones are ten times better.
const DRIFT: f64 = 1e-3;

/// How often a world goes from storm to calm.
const ROUNDS: usize = 8;

#[test]
fn a_calm_network_has_one_master_and_the_right_one() {
    if let Some(seed) = variable("LVSKIT_SEED") {
        World::new(seed as u64).live();
        return;
    }
    let hours = variable("LVSKIT_SIMULATED_HOURS");
    let first = variable("LVSKIT_FIRST_SEED").unwrap_or(0.0) as u64;
    let threads = match (hours, variable("LVSKIT_THREADS")) {
        (None, _) => 1,
        (_, Some(threads)) => threads as usize,
        (_, None) => thread::available_parallelism().map_or(1, usize::from),
    };
    let seeds = AtomicU64::new(first);
    // In whole seconds.
    let lived = AtomicU64::new(0);
    let settled = AtomicU64::new(0);
    let play = || {
        loop {
            let seed = seeds.fetch_add(1, Ordering::Relaxed);
            let lived_hours = lived.load(Ordering::Relaxed) as f64 / 3600.0;
            if hours.map_or(seed - first >= WORLDS, |hours| lived_hours >= hours) {
                seeds.fetch_sub(1, Ordering::Relaxed);
                break;
            }
            let told = Told(seed);
            let mut world = World::new(seed);
            world.live();
            let seconds = world.now.as_secs() * world.routers() as u64;
            lived.fetch_add(seconds, Ordering::Relaxed);
            settled.fetch_add(world.settled as u64, Ordering::Relaxed);
            drop(told);
        }
    };
    thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(play);
        }
        play();
    });
    let (worlds, settled) = (seeds.into_inner() - first, settled.into_inner());
    let lived = lived.into_inner() / 3600;
    println!("{worlds} worlds, {lived} router-hours, {settled} times settled");
    // Else the worlds were too wild to show anything.
    assert!(settled > worlds);
}

fn variable(name: &str) -> Option<f64> {
    env::var(name).ok().map(|text| text.parse().unwrap())
}

/// Tells the seed when a world fails.
struct Told(u64);

impl Drop for Told {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let seed = self.0;
            eprintln!("play it again: LVSKIT_SEED={seed} cargo test --test vrrp_simulation");
        }
    }
}

/// The machines of a link, each with the same virtual routers, which are a sync group.
struct World {
    dice: Dice,
    now: Duration,
    nodes: Vec<Node>,
    queue: BinaryHeap<Reverse<Entry>>,
    /// Entries so far: those of one moment happen in the order they were made.
    made: u64,
    version: Version,
    vrids: usize,
    weather: Weather,
    /// The longest interval of all.
    interval: Duration,
    /// The shortest.
    shortest: Duration,
    /// The longest that a machine leaves a lower master in peace.
    preempt_delay: Duration,
    /// When the last advert of the storm is gone, while it is calm.
    calm_since: Option<Duration>,
    /// Since when a part has several masters of a virtual router.
    overlap_since: Vec<Option<Duration>>,
    /// Whether a router is in another state than when masters were last counted.
    changed: bool,
    settled: usize,
}

struct Node {
    group: Group,
    settings: Vec<Settings>,
    /// Its clock goes this many times as fast as the true one.
    pace: f64,
    up: bool,
    failed: bool,
    /// It was asked to give up, and takes over from nobody for now.
    resigned: bool,
    /// The part of the network that it is in.
    part: usize,
    /// Which of its wakes counts.
    wake: u64,
    /// When that one is.
    wakes_at: Option<Duration>,
}

#[derive(Clone, Copy)]
struct Weather {
    loss: f64,
    double: f64,
    /// The longest that an advert is on its way.
    delay: Duration,
    /// How many parts the network falls into.
    parts: usize,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    at: Duration,
    order: u64,
    what: What,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum What {
    Wake {
        node: usize,
        number: u64,
    },
    Arrive {
        node: usize,
        vrid: usize,
        advert: Advert,
    },
    Mischief,
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Advert {
    source: IpAddr,
    priority: Priority,
    interval: Interval,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut dice = Dice(seed);
        let version = if dice.chance(0.3) {
            Version::V2
        } else {
            Version::V3
        };
        let vrids = 1 + dice.below(2);
        let interval = dice.interval(version);
        let differ = version == Version::V3 && dice.chance(0.2);
        let nodes: Vec<Node> = (0..2 + dice.below(4))
            .map(|number| {
                let last = u8::try_from(number).unwrap() + 1;
                let mut settings = Settings::new(version, Ipv4Addr::new(10, 0, 0, last).into());
                settings.interval = if differ {
                    dice.interval_near(interval)
                } else {
                    interval
                };
                settings.priority = Priority(match dice.below(20) {
                    0 if number == 0 => 255,
                    1..5 => 100, // so that some are equal
                    _ => 1 + dice.below(254) as u8,
                });
                settings.preempt = dice.chance(0.8);
                settings.answer_lower = dice.chance(0.8);
                settings.last_word = dice.chance(0.8);
                if dice.chance(0.2) {
                    settings.preempt_delay = settings.interval.duration() * dice.below(20) as u32;
                }
                let settings = vec![settings; vrids];
                Node {
                    group: Group::new(settings.clone()),
                    settings,
                    pace: 1.0 + (dice.unit() * 2.0 - 1.0) * DRIFT,
                    up: false,
                    failed: false,
                    resigned: false,
                    part: 0,
                    wake: 0,
                    wakes_at: None,
                }
            })
            .collect();
        let all = || nodes.iter().map(|node| node.settings[0]);
        let intervals = || all().map(|settings| settings.interval.duration());
        let (interval, shortest) = (intervals().max().unwrap(), intervals().min().unwrap());
        let preempt_delay = all().map(|settings| settings.preempt_delay).max().unwrap();
        let fine = Weather {
            loss: 0.0,
            double: 0.0,
            delay: shortest / 50,
            parts: 1,
        };
        World {
            dice,
            now: Duration::ZERO,
            queue: BinaryHeap::new(),
            made: 0,
            version,
            vrids,
            weather: fine,
            interval,
            shortest,
            preempt_delay,
            calm_since: None,
            overlap_since: vec![None; vrids * nodes.len()],
            changed: true,
            settled: 0,
            nodes,
        }
    }

    fn routers(&self) -> usize {
        self.nodes.len() * self.vrids
    }

    fn live(&mut self) {
        for node in 0..self.nodes.len() {
            self.start(node);
        }
        for _ in 0..ROUNDS {
            self.storm();
            self.calm();
        }
    }

    fn storm(&mut self) {
        let interval = self.interval.as_secs_f64();
        self.weather = Weather {
            loss: self.dice.unit() * self.dice.unit(),
            double: self.dice.unit() * 0.3,
            delay: Duration::from_secs_f64(interval * 2.0 * self.dice.unit() * self.dice.unit()),
            parts: 1 + self.dice.below(3),
        };
        self.partition();
        for _ in 0..self.dice.below(12) {
            let after = self.dice.unit() * 30.0 * interval;
            self.push(self.now + Duration::from_secs_f64(after), What::Mischief);
        }
        let length = Duration::from_secs_f64(30.0 * interval);
        self.run(self.now + length);
    }

    /// The network heals, or not wholly, and rests: nothing is lost or doubled, and no machine comes
    /// or goes.
    fn calm(&mut self) {
        let gone = self.now + self.weather.delay;
        let parts = 1 + self.dice.below(2) * self.dice.below(2);
        // Where it may be as long as two intervals, a backup takes a late advert for a lost master.
        let delay = self
            .shortest
            .mul_f64(0.2 * self.dice.unit() * self.dice.unit());
        self.weather = Weather {
            loss: 0.0,
            double: 0.0,
            delay,
            parts,
        };
        self.partition();
        self.overlap_since.fill(None);
        self.changed = true;
        self.calm_since = Some(gone);
        self.run(gone);
        self.check_overlap();
        self.run(gone + self.settling_time());
        self.check_masters();
        self.settled += 1;
        // It stays as it is: a change would be found by `carry_out`.
        let before = self.states();
        self.run(self.now + self.interval * 12);
        assert_eq!(
            self.states(),
            before,
            "a settled network did not stay as it was"
        );
        self.calm_since = None;
    }

    /// How long a calm network may take to settle: one master down interval and what adverts take.
    ///
    /// Let H be the best router of a part. If it is master, all others hear it within one interval
    /// and the delay of an advert, and give way. If it is backup and preempts, no advert restarts
    /// its timer but those of its equals, so that it is master within a master down interval (three
    /// intervals, and the skew of one more or, in version 2, of a second), says so at once, and is
    /// heard after the delay. A lower master restarts its timer only while H waits to preempt: that
    /// begins with the first advert of one, which may itself have to wait for a master down interval
    /// before it is one, and lasts for the preempt delay. Where the best does not preempt, the same is true of the best of
    /// those that do, or whoever is master stays; if nobody is, the first timer ends within a master
    /// down interval, and those that began together have heard each other after two delays. Clocks
    /// stretch all this by their drift.
    fn settling_time(&self) -> Duration {
        let skew = match self.version {
            Version::V2 => Duration::from_secs(1),
            Version::V3 => self.interval,
        };
        let master_down = self.interval * 3 + skew;
        let waiting = match self.preempt_delay {
            Duration::ZERO => Duration::ZERO,
            delay => master_down + self.weather.delay + delay,
        };
        (waiting + master_down + self.weather.delay * 2).mul_f64(1.0 + 3.0 * DRIFT)
    }

    /// How long a calm part may have two masters: until the better one's next advert has arrived,
    /// or, when it came late, the answer to the other's first.
    fn longest_overlap(&self) -> Duration {
        (self.interval + self.weather.delay * 2).mul_f64(1.0 + 3.0 * DRIFT)
    }

    fn run(&mut self, until: Duration) {
        while let Some(Reverse(entry)) = self.queue.pop() {
            if entry.at > until {
                self.queue.push(Reverse(entry));
                break;
            }
            self.now = entry.at;
            match entry.what {
                What::Wake { node, number } if self.nodes[node].wake == number => {
                    self.nodes[node].wakes_at = None;
                    self.happen_to_all(node, Event::Tick);
                }
                What::Arrive { node, vrid, advert } if self.nodes[node].up => {
                    let Advert {
                        source,
                        priority,
                        interval,
                    } = advert;
                    let heard = Heard {
                        source,
                        priority,
                        interval,
                    };
                    self.happen(node, vrid, Event::Heard(heard));
                }
                What::Mischief => self.mischief(),
                _ => {}
            }
            self.check_overlap();
        }
        self.now = until;
    }

    fn mischief(&mut self) {
        let node = self.dice.below(self.nodes.len());
        match (self.dice.below(8), self.nodes[node].up) {
            (0 | 1, true) => self.crash(node),
            (2, true) => {
                self.happen_to_all(node, Event::Stop);
                self.crash(node);
            }
            (_, false) => self.start(node),
            (3, true) => {
                let failed = !self.nodes[node].failed;
                self.nodes[node].failed = failed;
                self.happen(node, 0, Event::Fault(failed));
            }
            (4, true) => {
                let weight = self.dice.below(100) as i32 - 50;
                self.happen_to_all(node, Event::Weight(weight));
            }
            (5, true) => {
                self.nodes[node].resigned = true;
                self.happen(node, 0, Event::Resign);
            }
            (6, true) => {
                let vrid = self.dice.below(self.vrids);
                self.happen(node, vrid, Event::AddressLost);
            }
            _ => {
                self.weather.parts = 1 + self.dice.below(3);
                self.partition();
            }
        }
    }

    fn start(&mut self, node: usize) {
        let subject = &mut self.nodes[node];
        subject.up = true;
        subject.group = Group::new(subject.settings.clone());
        self.happen_to_all(node, Event::Start);
    }

    fn crash(&mut self, node: usize) {
        let subject = &mut self.nodes[node];
        subject.up = false;
        subject.failed = false;
        subject.resigned = false;
        subject.wake += 1;
        subject.wakes_at = None;
    }

    fn partition(&mut self) {
        for node in &mut self.nodes {
            node.part = self.dice.below(self.weather.parts);
        }
    }

    fn happen(&mut self, node: usize, vrid: usize, event: Event) {
        let mut steps = Vec::new();
        let subject = &mut self.nodes[node];
        let now = Moment(self.now.mul_f64(subject.pace));
        subject.group.handle(now, vrid, event, &mut steps);
        self.carry_out(node, &steps);
    }

    fn happen_to_all(&mut self, node: usize, event: Event) {
        let mut steps = Vec::new();
        let subject = &mut self.nodes[node];
        let now = Moment(self.now.mul_f64(subject.pace));
        subject.group.handle_all(now, event, &mut steps);
        self.carry_out(node, &steps);
    }

    fn carry_out(&mut self, node: usize, steps: &[Step]) {
        for step in steps {
            match step.action {
                Action::Advertise(priority) => self.send(node, step.router, priority),
                Action::Became(state) => {
                    self.changed = true;
                    if state == State::Master {
                        self.nodes[node].resigned = false;
                    }
                }
                _ => {}
            }
        }
        let subject = &mut self.nodes[node];
        let mut states = subject.group.routers().iter().map(Router::state);
        let first = states.next();
        assert!(
            states.all(|state| Some(state) == first),
            "a group fell apart"
        );
        if let Some(deadline) = subject.group.deadline() {
            // Rounded up, so that the deadline is there by the node's own clock.
            let at = deadline.0.div_f64(subject.pace) + Duration::from_nanos(100);
            let at = at.max(self.now);
            // One that wakes too early looks again: most deadlines are put off many times.
            if subject.wakes_at.is_none_or(|planned| planned > at) {
                subject.wake += 1;
                subject.wakes_at = Some(at);
                let number = subject.wake;
                self.push(at, What::Wake { node, number });
            }
        }
    }

    fn send(&mut self, from: usize, vrid: usize, priority: Priority) {
        let Settings {
            source, interval, ..
        } = self.nodes[from].settings[vrid];
        let advert = Advert {
            source,
            priority,
            interval,
        };
        for node in 0..self.nodes.len() {
            let (one, other) = (&self.nodes[from], &self.nodes[node]);
            if node == from || one.part != other.part || self.dice.chance(self.weather.loss) {
                continue;
            }
            let copies = if self.dice.chance(self.weather.double) {
                2
            } else {
                1
            };
            for _ in 0..copies {
                let delay = self.weather.delay.mul_f64(self.dice.unit());
                self.push(self.now + delay, What::Arrive { node, vrid, advert });
            }
        }
    }

    fn push(&mut self, at: Duration, what: What) {
        self.made += 1;
        let order = self.made;
        self.queue.push(Reverse(Entry { at, order, what }));
    }

    fn states(&self) -> Vec<State> {
        let routers = self.nodes.iter().flat_map(|node| node.group.routers());
        routers.map(|router| router.state()).collect()
    }

    /// Those of a part that take part.
    fn able(&self, part: usize) -> impl Iterator<Item = &Node> {
        let able = move |node: &&Node| node.part == part && node.up && !node.failed;
        self.nodes.iter().filter(able)
    }

    fn masters(&self, part: usize, vrid: usize) -> impl Iterator<Item = &Node> {
        self.able(part)
            .filter(move |node| node.group.routers()[vrid].state() == State::Master)
    }

    fn check_masters(&self) {
        for part in 0..self.weather.parts {
            let priority = |node: &Node| node.group.routers()[0].priority();
            let Some(best) = self.able(part).map(priority).max() else {
                continue;
            };
            for vrid in 0..self.vrids {
                let masters: Vec<&Node> = self.masters(part, vrid).collect();
                assert_eq!(masters.len(), 1, "masters in a calm part at {:?}", self.now);
                let preempts = |node: &Node| node.settings[0].preempt && !node.resigned;
                if self.able(part).all(preempts) {
                    assert_eq!(priority(masters[0]), best, "the best is not master");
                }
            }
        }
    }

    fn check_overlap(&mut self) {
        if self.calm_since.is_none_or(|since| since > self.now) {
            return;
        }
        // Else there is what there was, and it may only have lasted too long.
        if !self.changed && self.overlap_since.iter().all(Option::is_none) {
            return;
        }
        self.changed = false;
        for part in 0..self.weather.parts {
            for vrid in 0..self.vrids {
                let several = self.masters(part, vrid).nth(1).is_some();
                let since = &mut self.overlap_since[part * self.vrids + vrid];
                match (several, *since) {
                    (false, _) => *since = None,
                    (true, None) => *since = Some(self.now),
                    (true, Some(began)) => {
                        let lasted = self.now - began;
                        assert!(
                            lasted <= self.longest_overlap(),
                            "two masters for {lasted:?}"
                        );
                    }
                }
            }
        }
    }
}

/// Numbers that are the same for the same seed (splitmix64).
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to just under 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.unit() * limit as f64) as usize
    }

    fn chance(&mut self, chance: f64) -> bool {
        self.unit() < chance
    }

    /// Up to sixteen times as long or as short. More would only be more adverts of one master for
    /// each of another's.
    fn interval_near(&mut self, other: Interval) -> Interval {
        let factor = 16f64.powf(self.unit() * 2.0 - 1.0);
        let centiseconds = f64::from(other.centiseconds()) * factor;
        Interval::from_centiseconds(centiseconds.clamp(1.0, 4095.0) as u16).unwrap()
    }

    /// From 10 ms to 40 s, as many short as long; whole seconds in version 2.
    fn interval(&mut self, version: Version) -> Interval {
        let centiseconds = 4000f64.powf(self.unit()) as u16;
        match version {
            Version::V2 => Interval::from_seconds((centiseconds / 100).max(1) as u8).unwrap(),
            Version::V3 => Interval::from_centiseconds(centiseconds.max(1)).unwrap(),
        }
    }
}
