//! The full-screen view of the table: what it has seen so far, and how the user wants to look at
//! it. Time, keys and the table are handed in; a screen of lines comes out.

use core::time::Duration;
use std::collections::HashMap;
use std::hash::Hash;

use crate::addr::Name;
use crate::ipvs::rule::{Form, Interval};
use crate::ipvs::{DestinationRow, ServiceRow, Stats};

use super::count::Counting;
use super::rows::{Group, destination_name, prepare, service_name, settings, weight, weight_of};
use super::style::Glyphs;

mod columns;
pub mod draw;
pub mod keys;
mod meter;
mod screen;

use keys::Key;
use meter::{Measure, Meter, Rates};

/// How long what has come, gone or changed is shown as such.
const NOTICED: Duration = Duration::from_secs(10);

/// What the view is asked for on the command line, and what the terminal can do.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which columns.
    pub form: Form,
    /// How numbers are written.
    pub counting: Counting,
    /// What to draw with.
    pub glyphs: Glyphs,
    /// The time between two looks at the table.
    pub interval: Interval,
    /// The name of this machine.
    pub host: String,
}

/// What services and destinations are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sort {
    /// As they came in.
    Name,
    /// The weight.
    Weight,
    /// Active connections.
    Active,
    /// Inactive connections.
    Inactive,
    /// What passes in a second.
    Rate(Measure),
}

/// What a key has led to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// The screen may be another one now.
    Draw,
    /// The whole screen is to be drawn anew: something else has written on it.
    Redraw,
    /// The terminal is wanted back for a while.
    Suspend,
    /// The view is at its end.
    Quit,
}

/// What a user reads about the keys.
const HELP: [(&str, &str); 11] = [
    (
        "n w a i",
        "sort by name, weight, active, inactive connections",
    ),
    ("c p b", "sort by connections, packets, bytes a second"),
    ("r", "reverse the order"),
    ("m", "history of connections, packets or bytes"),
    ("space", "pause, and go on"),
    ("up k, down j", "scroll by a line"),
    ("page up, down", "scroll by a page"),
    ("home g, end G", "to the first, the last line"),
    ("Ctrl-L, Ctrl-Z", "draw the screen anew; back to the shell"),
    ("? h", "this help"),
    ("q Esc Ctrl-C", "quit"),
];

#[derive(Clone, Copy)]
enum Command {
    Sort(Sort),
    Reverse,
    Measure,
    Pause,
    Scroll(Step),
    Redraw,
    Help,
    Suspend,
    Quit,
}

#[derive(Clone, Copy)]
enum Step {
    Lines(isize),
    Pages(isize),
    First,
    Last,
}

/// A service or destination that is watched.
struct Watched<Row> {
    name: String,
    row: Row,
    meter: Meter,
    /// When it came, if the view was there already.
    came: Option<Duration>,
    /// When it was missed first.
    gone: Option<Duration>,
    /// When its weight was changed.
    changed: Option<Duration>,
}

/// A service that is watched, with its destinations.
struct WatchedGroup {
    service: Watched<ServiceRow>,
    settings: String,
    destinations: Vec<Watched<DestinationRow>>,
}

/// The view.
pub struct View {
    options: Options,
    groups: Vec<WatchedGroup>,
    /// The rates of all services together.
    total: Meter,
    /// The time of the last look at the table.
    at: Option<Duration>,
    /// The time of day then, as it is shown.
    time: String,
    sort: Sort,
    reverse: bool,
    measure: Measure,
    paused: bool,
    help: bool,
    /// The first line that is shown, of all that there are.
    top: usize,
    /// How many lines there were room for, and how many there were.
    room: usize,
    lines: usize,
}

impl View {
    /// A view that has seen nothing yet.
    pub fn new(options: Options) -> Self {
        View {
            options,
            groups: Vec::new(),
            total: Meter::default(),
            at: None,
            time: String::new(),
            sort: Sort::Name,
            reverse: false,
            measure: Measure::Connections,
            paused: false,
            help: false,
            top: 0,
            room: 0,
            lines: 0,
        }
    }

    /// Whether it wants to see no more of the table for now.
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    /// Takes the table as it is at the time `at`, which never goes back; `time` is the time of day.
    pub fn feed(&mut self, at: Duration, time: String, table: Vec<Group>, names: &dyn Name) {
        prepare(&table, names);
        let first = self.at.is_none();
        let came = (!first).then_some(at);
        self.groups = merge(
            std::mem::take(&mut self.groups),
            table,
            |old| old.service.row.service.id,
            |new| new.service.service.id,
            |old, new| WatchedGroup::seen(old, new, at, came, names),
            |old| {
                old.destinations
                    .iter_mut()
                    .for_each(|destination| destination.missed(at));
                old.service.missed(at);
                old.service.is_noticed(at)
            },
        );
        if let Some(total) = self.total_rates() {
            self.total.push(total);
        }
        self.at = Some(at);
        self.time = time;
    }

    /// Does what a key stands for.
    pub fn key(&mut self, key: Key) -> Action {
        let Some(command) = Command::of(key) else {
            return Action::Draw;
        };
        match command {
            Command::Sort(sort) => {
                self.sort = sort;
                self.reverse = false;
                if let Sort::Rate(measure) = sort {
                    self.measure = measure;
                }
            }
            Command::Reverse => self.reverse = !self.reverse,
            Command::Measure => {
                let next = (self.measure as usize + 1) % Measure::ALL.len();
                self.measure = Measure::ALL[next];
            }
            Command::Pause => self.paused = !self.paused,
            Command::Scroll(step) => self.scroll(step),
            Command::Help => self.help = !self.help,
            Command::Redraw => return Action::Redraw,
            Command::Suspend => return Action::Suspend,
            // Who reads the help leaves the help.
            Command::Quit if self.help => self.help = false,
            Command::Quit => return Action::Quit,
        }
        Action::Draw
    }

    fn scroll(&mut self, step: Step) {
        let page = self.room.saturating_sub(1).max(1);
        let top = match step {
            Step::Lines(lines) => self.top.saturating_add_signed(lines),
            Step::Pages(pages) => self.top.saturating_add_signed(pages * page as isize),
            Step::First => 0,
            Step::Last => usize::MAX,
        };
        self.top = top.min(self.last_top());
    }

    fn last_top(&self) -> usize {
        self.lines.saturating_sub(self.room)
    }

    /// Which services there are and, in them, which destinations, in the order chosen.
    fn order(&self) -> Vec<(&WatchedGroup, Vec<&Watched<DestinationRow>>)> {
        let mut groups: Vec<(&WatchedGroup, Vec<&Watched<DestinationRow>>)> = self
            .groups
            .iter()
            .map(|group| {
                let mut destinations: Vec<_> = group.destinations.iter().collect();
                self.arrange(&mut destinations, |destination| {
                    destination.value(self.sort)
                });
                (group, destinations)
            })
            .collect();
        self.arrange(&mut groups, |(group, _)| group.value(self.sort));
        groups
    }

    /// The highest first; those that are the same stay in the order of their names.
    fn arrange<T>(&self, rows: &mut [T], value: impl Fn(&T) -> f64) {
        if self.sort != Sort::Name {
            rows.sort_by(|a, b| value(b).total_cmp(&value(a)));
        }
        if self.reverse {
            rows.reverse();
        }
    }

    /// What passes through all services in a second.
    fn total_rates(&self) -> Option<Rates> {
        let mut total = None;
        for group in &self.groups {
            if let Some(rates) = group.service.meter.rates() {
                total.get_or_insert_with(Rates::default).add(rates);
            }
        }
        total
    }
}

impl Command {
    fn of(key: Key) -> Option<Self> {
        Some(match key {
            Key::Char('n') => Command::Sort(Sort::Name),
            Key::Char('w') => Command::Sort(Sort::Weight),
            Key::Char('a') => Command::Sort(Sort::Active),
            Key::Char('i') => Command::Sort(Sort::Inactive),
            Key::Char('c') => Command::Sort(Sort::Rate(Measure::Connections)),
            Key::Char('p') => Command::Sort(Sort::Rate(Measure::Packets)),
            Key::Char('b') => Command::Sort(Sort::Rate(Measure::Bytes)),
            Key::Char('r') => Command::Reverse,
            Key::Char('m') => Command::Measure,
            Key::Char(' ') => Command::Pause,
            Key::Up | Key::Char('k') => Command::Scroll(Step::Lines(-1)),
            Key::Down | Key::Char('j') => Command::Scroll(Step::Lines(1)),
            Key::PageUp | Key::Char(CONTROL_B) => Command::Scroll(Step::Pages(-1)),
            Key::PageDown | Key::Char(CONTROL_F) => Command::Scroll(Step::Pages(1)),
            Key::Home | Key::Char('g') => Command::Scroll(Step::First),
            Key::End | Key::Char('G') => Command::Scroll(Step::Last),
            Key::Char(CONTROL_L) => Command::Redraw,
            Key::Char('?' | 'h') => Command::Help,
            Key::Char(CONTROL_Z) => Command::Suspend,
            Key::Char('q' | CONTROL_C) | Key::Escape => Command::Quit,
            Key::Char(_) => return None,
        })
    }
}

const CONTROL_B: char = '\x02';
const CONTROL_C: char = '\x03';
const CONTROL_F: char = '\x06';
const CONTROL_L: char = '\x0c';
const CONTROL_Z: char = '\x1a';

impl<Row> Watched<Row> {
    fn new(name: String, row: Row, came: Option<Duration>) -> Self {
        Watched {
            name,
            row,
            meter: Meter::default(),
            came,
            gone: None,
            changed: None,
        }
    }

    /// Whether the time is still near that of an event.
    fn is_near(event: Option<Duration>, at: Duration) -> bool {
        event.is_some_and(|event| at.saturating_sub(event) < NOTICED)
    }

    fn is_new(&self, at: Duration) -> bool {
        Self::is_near(self.came, at)
    }

    fn is_changed(&self, at: Duration) -> bool {
        Self::is_near(self.changed, at)
    }

    /// Whether it is there, or has gone so lately that it is still shown.
    fn is_noticed(&self, at: Duration) -> bool {
        self.gone.is_none() || Self::is_near(self.gone, at)
    }

    /// It is there, again or still.
    fn return_at(&mut self, at: Duration) {
        if self.gone.take().is_some() {
            self.came = Some(at);
        }
    }
}

/// What has counters.
trait Counted {
    fn stats(&self) -> &Stats;
}

impl Counted for ServiceRow {
    fn stats(&self) -> &Stats {
        &self.stats
    }
}

impl Counted for DestinationRow {
    fn stats(&self) -> &Stats {
        &self.stats
    }
}

impl<Row: Counted> Watched<Row> {
    /// It is not there; nothing passes through it.
    fn missed(&mut self, at: Duration) {
        self.gone.get_or_insert(at);
        self.meter.feed(at, self.row.stats());
    }

    fn rate(&self, measure: Measure) -> f64 {
        let rates = self.meter.rates();
        rates.map_or(-1.0, |rates| rates.of(measure).into())
    }
}

impl Watched<DestinationRow> {
    fn seen(
        old: Option<Self>,
        row: DestinationRow,
        at: Duration,
        came: Option<Duration>,
        name: impl FnOnce(&DestinationRow) -> String,
    ) -> Self {
        let mut watched = match old {
            Some(mut watched) => {
                watched.return_at(at);
                if watched.row.destination.weight != row.destination.weight {
                    watched.changed = Some(at);
                }
                watched.row = row;
                watched
            }
            None => Watched::new(name(&row), row, came),
        };
        watched.meter.feed(at, &watched.row.stats);
        watched
    }

    fn value(&self, sort: Sort) -> f64 {
        match sort {
            Sort::Name => 0.0,
            Sort::Weight => weight_of(&self.row) as f64,
            Sort::Active => self.row.connections.active.into(),
            Sort::Inactive => self.row.connections.inactive.into(),
            Sort::Rate(measure) => self.rate(measure),
        }
    }
}

impl WatchedGroup {
    fn seen(
        old: Option<Self>,
        new: Group,
        at: Duration,
        came: Option<Duration>,
        names: &dyn Name,
    ) -> Self {
        let id = new.service.service.id;
        let settings = settings(&new.service.service);
        let (mut service, destinations) = match old {
            Some(mut group) => {
                group.service.return_at(at);
                group.service.row = new.service;
                (group.service, group.destinations)
            }
            None => {
                let name = service_name(&id, names);
                (Watched::new(name, new.service, came), Vec::new())
            }
        };
        service.meter.feed(at, &service.row.stats);
        let destinations = merge(
            destinations,
            new.destinations,
            |old| old.row.destination.endpoint,
            |new| new.destination.endpoint,
            |old, row| {
                Watched::<DestinationRow>::seen(old, row, at, came, |row| {
                    destination_name(&id, row, names)
                })
            },
            |old| {
                old.missed(at);
                old.is_noticed(at)
            },
        );
        WatchedGroup {
            service,
            settings,
            destinations,
        }
    }

    /// The destinations that are there.
    fn present(&self) -> impl Iterator<Item = &DestinationRow> {
        let there = |destination: &&Watched<DestinationRow>| destination.gone.is_none();
        self.destinations
            .iter()
            .filter(there)
            .map(|there| &there.row)
    }

    fn weight(&self) -> u64 {
        weight(self.present())
    }

    fn active(&self) -> u64 {
        self.present()
            .map(|row| u64::from(row.connections.active))
            .sum()
    }

    fn inactive(&self) -> u64 {
        self.present()
            .map(|row| u64::from(row.connections.inactive))
            .sum()
    }

    fn persistent(&self) -> u64 {
        self.present()
            .map(|row| u64::from(row.connections.persistent))
            .sum()
    }

    fn value(&self, sort: Sort) -> f64 {
        match sort {
            Sort::Name => 0.0,
            Sort::Weight => self.weight() as f64,
            Sort::Active => self.active() as f64,
            Sort::Inactive => self.inactive() as f64,
            Sort::Rate(measure) => self.service.rate(measure),
        }
    }
}

/// Brings what was there and what is there now together, in the order of what is there now.
/// Behind it stands what is not there any more, as long as it `stays`.
fn merge<Old, New, Id: Eq + Hash>(
    old: Vec<Old>,
    new: Vec<New>,
    id_of_old: impl Fn(&Old) -> Id,
    id_of_new: impl Fn(&New) -> Id,
    mut seen: impl FnMut(Option<Old>, New) -> Old,
    mut stays: impl FnMut(&mut Old) -> bool,
) -> Vec<Old> {
    let mut places: HashMap<Id, usize> = HashMap::with_capacity(old.len());
    for (place, old) in old.iter().enumerate() {
        places.insert(id_of_old(old), place);
    }
    let mut old: Vec<Option<Old>> = old.into_iter().map(Some).collect();
    let mut all: Vec<Old> = Vec::with_capacity(new.len());
    for new in new {
        let known = places.get(&id_of_new(&new));
        let known = known.and_then(|&place| old[place].take());
        all.push(seen(known, new));
    }
    for mut left in old.into_iter().flatten() {
        if stays(&mut left) {
            all.push(left);
        }
    }
    all
}

#[cfg(test)]
mod tests;
