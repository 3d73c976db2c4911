//! What a router tracks, as the carrier of a link or the verdict of a script, and what follows: a
//! weight that is added to its priority, or a fault.

use std::fmt;
use std::str::FromStr;

use super::OutOfRange;

/// What something that is well or not, or a number, does to the priority (keepalived's
/// `weight N [reverse]`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight {
    /// -254 to 254: a positive one counts while all is well, a negative one while it is not. 0
    /// stands for a fault.
    pub amount: i16,
    /// Whether it counts the other way round.
    pub reversed: bool,
}

/// What comes of a number that is tracked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Influence {
    /// So much on the priority, -253 to 253.
    Adds(i32),
    /// The router cannot take part.
    Fault,
}

impl Weight {
    /// One that is not reversed.
    pub const fn new(amount: i16) -> Self {
        Weight {
            amount,
            reversed: false,
        }
    }

    /// What it adds to the priority: a positive weight while all is well, a negative one while it
    /// is not. One that is reversed takes away what it would add.
    pub fn of(self, well: bool) -> i32 {
        let counts = if self.amount > 0 { well } else { !well };
        if counts { self.signed() } else { 0 }
    }

    /// Whether this is a fault: without a weight a failure is, and reversed a success.
    pub fn is_fault(self, well: bool) -> bool {
        self.amount == 0 && well == self.reversed
    }

    /// What a number does: the weight times as much, where -254 is a fault; without a weight any
    /// but 0 is a fault, and reversed 0 is.
    pub fn times(self, number: i32) -> Influence {
        let is_fault = self.is_fault(number == 0);
        let sum = i64::from(self.signed()) * i64::from(number);
        match i32::try_from(sum.clamp(-254, 253)) {
            Ok(sum) if !is_fault && sum > -254 => Influence::Adds(sum),
            _ => Influence::Fault,
        }
    }

    fn signed(self) -> i32 {
        let amount = i32::from(self.amount);
        if self.reversed { -amount } else { amount }
    }
}

impl fmt::Display for Weight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reverse = if self.reversed { " reverse" } else { "" };
        write!(f, "{}{reverse}", self.amount)
    }
}

impl FromStr for Weight {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let expected = "a weight of -253 to 253";
        let weight = text
            .parse()
            .ok()
            .filter(|weight| (-253..=253).contains(weight));
        weight.map(Weight::new).ok_or(OutOfRange { expected })
    }
}

/// The verdict over something that is tried again and again: several successes make it well,
/// several failures in a row make it not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Verdict {
    rise: u8,
    fall: u8,
    /// Successes or failures in a row against the verdict that stands.
    against: u8,
    well: Option<bool>,
}

impl Verdict {
    /// Nothing is known yet: the first try decides. `rise` and `fall` are 1 at least.
    pub fn new(rise: u8, fall: u8) -> Self {
        Verdict {
            rise: rise.max(1),
            fall: fall.max(1),
            against: 0,
            well: None,
        }
    }

    /// It is not well until `rise` tries in a row have succeeded.
    pub fn failed(rise: u8, fall: u8) -> Self {
        Verdict {
            well: Some(false),
            ..Self::new(rise, fall)
        }
    }

    /// Whether it is well; nothing is known before the first try.
    pub fn is_well(&self) -> Option<bool> {
        self.well
    }

    /// Counts a try. Gives back the new verdict, if it is a new one.
    pub fn count(&mut self, success: bool) -> Option<bool> {
        if self.well == Some(success) {
            self.against = 0;
            return None;
        }
        self.against = self.against.saturating_add(1);
        let enough = if success { self.rise } else { self.fall };
        if self.well.is_some() && self.against < enough {
            return None;
        }
        self.against = 0;
        self.well = Some(success);
        self.well
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_positive_weight_counts_while_well_and_a_negative_one_while_not() {
        let (plus, minus, none) = (Weight::new(20), Weight::new(-20), Weight::new(0));
        assert_eq!((plus.of(true), plus.of(false)), (20, 0));
        assert_eq!((minus.of(true), minus.of(false)), (0, -20));
        assert!(none.is_fault(false) && !none.is_fault(true));
        assert!(!Weight::new(-1).is_fault(false));
    }

    fn reversed(amount: i16) -> Weight {
        Weight {
            amount,
            reversed: true,
        }
    }

    #[test]
    fn a_reversed_weight_counts_at_the_same_time_the_other_way() {
        assert_eq!((reversed(20).of(true), reversed(20).of(false)), (-20, 0));
        assert_eq!((reversed(-20).of(true), reversed(-20).of(false)), (0, 20));
        assert!(reversed(0).is_fault(true) && !reversed(0).is_fault(false));
        assert_eq!(reversed(-20).to_string(), "-20 reverse");
    }

    #[test]
    fn a_number_is_taken_as_often_as_the_weight_says() {
        use Influence::{Adds, Fault};
        for (weight, number, influence) in [
            (Weight::new(1), 0, Adds(0)),
            (Weight::new(1), -10, Adds(-10)),
            (Weight::new(-3), 10, Adds(-30)),
            (reversed(3), 10, Adds(-30)),
            (Weight::new(1), -253, Adds(-253)),
            (Weight::new(1), -254, Fault),
            (Weight::new(-254), 1, Fault),
            (Weight::new(254), i32::MAX, Adds(253)),
            (Weight::new(254), i32::MIN, Fault),
            (Weight::new(0), 0, Adds(0)),
            (Weight::new(0), 1, Fault),
            (reversed(0), 1, Adds(0)),
            (reversed(0), 0, Fault),
        ] {
            assert_eq!(weight.times(number), influence, "{weight} times {number}");
        }
    }

    #[test]
    fn what_begins_failed_has_to_rise() {
        let mut verdict = Verdict::failed(2, 3);
        assert_eq!(verdict.is_well(), Some(false));
        assert_eq!(verdict.count(true), None);
        assert_eq!(verdict.count(true), Some(true));
    }

    #[test]
    fn the_first_try_decides_and_then_it_takes_several_in_a_row() {
        let mut verdict = Verdict::new(2, 3);
        assert_eq!(verdict.count(true), Some(true));
        for (success, change) in [
            (false, None),
            (false, None),
            (true, None),
            (false, None),
            (false, None),
            (false, Some(false)),
            (true, None),
            (false, None),
            (true, None),
            (true, Some(true)),
        ] {
            assert_eq!(verdict.count(success), change);
        }
    }
}
