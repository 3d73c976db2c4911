//! When each of many checks is due. Pure: what time it is, the caller says.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::rhythm::Routine;

/// A time, since whenever the caller counts from.
pub type Moment = Duration;

/// Which check that was begun; never the same twice.
pub type Ticket = u64;

/// How many first checks begin in a second: a server that has all of them behind one socket shall
/// not lose any.
const FIRST_CHECKS: u32 = 10_000;

/// The golden section, times 2^32: multiples of it part any number of checks evenly.
const GOLDEN: u32 = 2_654_435_769;

/// How checks that nobody has made yet begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// At once, to know; from then on each at a time of its own.
    AtOnce,
    /// After so long, each at a time of its own.
    After(Duration),
}

/// A check in the table, and which of those that were there before it goes on with.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The check.
    pub routine: Arc<Routine>,
    /// Its place in the table before, if it was there.
    pub before: Option<usize>,
}

/// What goes on in one place.
#[derive(Clone, Debug)]
struct Slot {
    routine: Arc<Routine>,
    doing: Doing,
    /// How many bad verdicts there were in a row.
    bad: u32,
    /// How long the second check waits more than the others.
    pause: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Doing {
    /// It is due at that time.
    Waits(Moment),
    /// It was due at that time, and is being made.
    Runs(Moment, Ticket),
    /// It is not made, until somebody says so.
    Rests,
}

/// All checks with their times.
#[derive(Debug, Default)]
pub struct Timetable {
    slots: Vec<Slot>,
    /// Times and places; those that are no longer so are passed over.
    due: BinaryHeap<Reverse<(Moment, usize)>>,
    running: HashMap<Ticket, usize>,
    tickets: Ticket,
}

impl Timetable {
    /// Puts other checks in place of all. Those that were there before go on as if nothing had
    /// happened; what is being made for others, has no place any more.
    pub fn replace(&mut self, now: Moment, entries: Vec<Entry>, beginning: Beginning) {
        let before = std::mem::replace(&mut self.slots, Vec::with_capacity(entries.len()));
        self.running.clear();
        self.due = BinaryHeap::with_capacity(entries.len());
        let (start, mut new) = match beginning {
            Beginning::AtOnce => (now, 0),
            Beginning::After(wait) => (now + wait, 0),
        };
        for (
            place,
            Entry {
                routine,
                before: old,
            },
        ) in entries.into_iter().enumerate()
        {
            let slot = match old.and_then(|old| before.get(old)) {
                Some(slot) => Slot {
                    routine,
                    ..slot.clone()
                },
                None => {
                    let part = routine.rhythm.warmup.mul_f64(share(place));
                    let (first, pause) = match beginning {
                        Beginning::AtOnce => (Duration::from_secs(1) * new / FIRST_CHECKS, part),
                        Beginning::After(_) => (part, Duration::ZERO),
                    };
                    new += 1;
                    Slot {
                        routine,
                        doing: Doing::Waits(start + first),
                        bad: 0,
                        pause,
                    }
                }
            };
            match slot.doing {
                Doing::Waits(at) => self.due.push(Reverse((at, place))),
                Doing::Runs(_, ticket) => drop(self.running.insert(ticket, place)),
                Doing::Rests => {}
            }
            self.slots.push(slot);
        }
    }

    /// When the next check is due.
    pub fn next_due(&mut self) -> Option<Moment> {
        while let Some(&Reverse((at, place))) = self.due.peek() {
            if self.slots[place].doing == Doing::Waits(at) {
                return Some(at);
            }
            self.due.pop();
        }
        None
    }

    /// The next check that is due at `now`; it counts as begun. None while `most` are being made.
    pub fn begin(&mut self, now: Moment, most: usize) -> Option<(Ticket, Arc<Routine>)> {
        let due = self.next_due().filter(|at| *at <= now)?;
        if self.running.len() >= most {
            return None;
        }
        let Reverse((_, place)) = self.due.pop()?;
        self.tickets += 1;
        let ticket = self.tickets;
        self.running.insert(ticket, place);
        let slot = &mut self.slots[place];
        slot.doing = Doing::Runs(due, ticket);
        Some((ticket, Arc::clone(&slot.routine)))
    }

    /// A check has been made: gives back its place, if it still has one.
    pub fn end(&mut self, now: Moment, ticket: Ticket, is_bad: bool) -> Option<usize> {
        let place = self.running.remove(&ticket)?;
        let slot = self.slots.get_mut(place)?;
        let Doing::Runs(began, _) = slot.doing else {
            return None;
        };
        let rhythm = &slot.routine.rhythm;
        slot.bad = match is_bad {
            true => slot.bad.saturating_add(1),
            false => 0,
        };
        let may_be_last = (1..rhythm.patience.fall.get()).contains(&slot.bad);
        let next = match may_be_last {
            true => now + rhythm.retry_delay,
            false => began + rhythm.delay + std::mem::take(&mut slot.pause),
        };
        let next = next.max(now);
        slot.doing = Doing::Waits(next);
        self.due.push(Reverse((next, place)));
        Some(place)
    }

    /// Has a check be made at once, unless it rests: what is being made knows too little already.
    pub fn hurry(&mut self, now: Moment, place: usize) {
        let Some(slot) = self.slots.get_mut(place) else {
            return;
        };
        match slot.doing {
            Doing::Rests => return,
            Doing::Runs(_, ticket) => drop(self.running.remove(&ticket)),
            Doing::Waits(_) => {}
        }
        slot.doing = Doing::Waits(now);
        self.due.push(Reverse((now, place)));
    }

    /// Has a check rest, or be made again at once.
    pub fn rest(&mut self, now: Moment, place: usize, rests: bool) {
        let Some(slot) = self.slots.get_mut(place) else {
            return;
        };
        match (rests, slot.doing) {
            (true, Doing::Runs(_, ticket)) => drop(self.running.remove(&ticket)),
            (true, _) => {}
            (false, Doing::Rests) => {
                slot.doing = Doing::Waits(now);
                self.due.push(Reverse((now, place)));
                return;
            }
            (false, _) => return,
        }
        slot.doing = Doing::Rests;
    }
}

/// A number from 0 to 1 for a place, far from those of its neighbours.
fn share(place: usize) -> f64 {
    // Of a place, the lower half is enough.
    let place = place as u32;
    f64::from(place.wrapping_mul(GOLDEN)) / f64::from(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::rhythm::Rhythm;
    use crate::check::{Check, Probe, Tracked, Tries};

    const SECOND: Duration = Duration::from_secs(1);

    fn routine(fall: u32) -> Arc<Routine> {
        let check = Check {
            probe: Probe::File(Tracked {
                path: "/".into(),
                factor: None,
            }),
            timeout: SECOND,
            tries: Tries {
                retry: fall - 1,
                delay: SECOND,
            },
        };
        Arc::new(Routine::of(check, 6 * SECOND, Duration::ZERO))
    }

    fn entries(routines: &[&Arc<Routine>]) -> Vec<Entry> {
        let entry = |routine: &&Arc<Routine>| Entry {
            routine: Arc::clone(routine),
            before: None,
        };
        routines.iter().map(entry).collect()
    }

    /// A table with these checks at time 0.
    fn table(routines: &[&Arc<Routine>]) -> Timetable {
        let mut table = Timetable::default();
        table.replace(Duration::ZERO, entries(routines), Beginning::AtOnce);
        table
    }

    /// Begins what must be due at `at`, and ends it `took` later.
    fn made(table: &mut Timetable, at: Moment, took: Duration, is_bad: bool) {
        assert_eq!(table.next_due(), Some(at));
        let (ticket, _) = table.begin(at, 9).unwrap();
        assert_eq!(table.begin(at, 9), None);
        assert_eq!(table.next_due(), None);
        assert_eq!(table.end(at + took, ticket, is_bad), Some(0));
    }

    #[test]
    fn a_good_check_begins_again_one_delay_after_it_began() {
        let mut table = table(&[&routine(1)]);
        made(&mut table, Duration::ZERO, SECOND, false);
        made(&mut table, 6 * SECOND, SECOND, true);
        made(&mut table, 12 * SECOND, 7 * SECOND, false);
        assert_eq!(table.next_due(), Some(19 * SECOND));
    }

    #[test]
    fn a_bad_check_is_tried_again_until_it_counts() {
        let mut table = table(&[&routine(3)]);
        made(&mut table, Duration::ZERO, SECOND, true);
        made(&mut table, 2 * SECOND, SECOND, true);
        // This one counts; no more is tried.
        made(&mut table, 4 * SECOND, SECOND, true);
        made(&mut table, 10 * SECOND, SECOND, true);
        made(&mut table, 16 * SECOND, SECOND, false);
        made(&mut table, 22 * SECOND, SECOND, true);
        assert_eq!(table.next_due(), Some(24 * SECOND));
    }

    #[test]
    fn all_begin_at_once_and_then_part() {
        let warm = Arc::new(Routine {
            rhythm: Rhythm::default(),
            ..Routine::clone(&routine(1))
        });
        let count = 1000;
        let mut table = table(&vec![&warm; count]);
        let mut begun = Vec::new();
        while let Some((ticket, _)) = table.begin(SECOND, usize::MAX) {
            begun.push(ticket);
        }
        assert_eq!(begun.len(), count);
        for ticket in begun {
            table.end(SECOND, ticket, false);
        }
        let mut most = 0;
        for tenth in 60..=130 {
            let mut now = 0;
            while table.begin(SECOND * tenth / 10, usize::MAX).is_some() {
                now += 1;
            }
            most = most.max(now);
        }
        // A tenth of a second of six has a sixtieth of them.
        assert!(most <= count / 60 + 2, "{most} of {count} at once");
        assert_eq!(table.next_due(), None);
    }

    #[test]
    fn what_was_there_before_goes_on() {
        let (one, other) = (routine(1), routine(2));
        let mut table = table(&[&one, &other]);
        let (first, _) = table.begin(Duration::ZERO, 9).unwrap();
        let (second, _) = table.begin(SECOND, 9).unwrap();
        let mut new = entries(&[&other, &one]);
        new[1].before = Some(0);
        table.replace(SECOND, new, Beginning::AtOnce);
        assert_eq!(table.end(SECOND, second, false), None);
        assert_eq!(table.end(SECOND, first, false), Some(1));
        assert_eq!(table.next_due(), Some(SECOND));
        let (third, _) = table.begin(SECOND, 9).unwrap();
        assert_eq!(table.end(SECOND, third, false), Some(0));
        assert_eq!(table.next_due(), Some(6 * SECOND));
    }

    #[test]
    fn no_more_begin_than_there_is_room_for() {
        let mut table = table(&[&routine(1), &routine(1)]);
        let (first, _) = table.begin(SECOND, 1).unwrap();
        assert_eq!(table.begin(SECOND, 1), None);
        table.end(SECOND, first, false);
        assert!(table.begin(2 * SECOND, 1).is_some());
    }

    #[test]
    fn what_is_hurried_is_due_at_once_and_what_it_is_doing_does_not_count() {
        let mut table = table(&[&routine(1)]);
        made(&mut table, Duration::ZERO, Duration::ZERO, false);
        table.hurry(SECOND, 0);
        made(&mut table, SECOND, Duration::ZERO, false);
        assert_eq!(table.next_due(), Some(7 * SECOND));
        let (ticket, _) = table.begin(7 * SECOND, 9).unwrap();
        table.hurry(7 * SECOND, 0);
        assert_eq!(table.end(7 * SECOND, ticket, true), None);
        made(&mut table, 7 * SECOND, Duration::ZERO, false);
        table.rest(8 * SECOND, 0, true);
        table.hurry(8 * SECOND, 0);
        assert_eq!(table.next_due(), None);
    }

    #[test]
    fn what_rests_is_not_due_and_then_at_once() {
        let mut table = table(&[&routine(1)]);
        let (ticket, _) = table.begin(Duration::ZERO, 9).unwrap();
        table.rest(Duration::ZERO, 0, true);
        assert_eq!(table.end(SECOND, ticket, true), None);
        assert_eq!(table.next_due(), None);
        table.rest(9 * SECOND, 0, false);
        table.rest(10 * SECOND, 0, false);
        assert_eq!(table.next_due(), Some(9 * SECOND));
        table.rest(10 * SECOND, 0, true);
        assert_eq!(table.next_due(), None);
    }
}
