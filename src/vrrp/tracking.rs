//! What a router tracks, as the carrier of a link or the verdict of a script, and what follows: a
//! weight that is added to its priority, or a fault.

use std::str::FromStr;

use super::OutOfRange;

/// Something that is well or not, and what that means for the priority.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Weight(pub i16);

impl Weight {
    /// What it adds to the priority: a positive weight while all is well, a negative one while it
    /// is not.
    pub fn of(self, well: bool) -> i32 {
        let counts = if self.0 > 0 { well } else { !well };
        if counts { self.0.into() } else { 0 }
    }

    /// Whether a failure is a fault: without a weight it is.
    pub fn is_fault(self, well: bool) -> bool {
        self.0 == 0 && !well
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
        weight.map(Weight).ok_or(OutOfRange { expected })
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
        assert_eq!((Weight(20).of(true), Weight(20).of(false)), (20, 0));
        assert_eq!((Weight(-20).of(true), Weight(-20).of(false)), (0, -20));
        assert!(Weight(0).is_fault(false) && !Weight(0).is_fault(true));
        assert!(!Weight(-1).is_fault(false));
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
