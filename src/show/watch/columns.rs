//! Which columns a screen has room for.

use crate::ipvs::rule::Form;
use crate::show::count::Counting;
use crate::show::style::Side;

use super::Sort;
use super::meter::Measure;

/// A column behind that of the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Column {
    Forward,
    Tunnel,
    Weight,
    WeightShare,
    Upper,
    Lower,
    Persistent,
    Active,
    Inactive,
    ConnectionShare,
    /// A counter by its place in the classic listing.
    Counter(usize),
    Rate(Measure),
    History,
}

use Column::*;

/// A column with its width.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Placed {
    pub column: Column,
    pub width: usize,
}

/// The columns of a screen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// The width of the names.
    pub name: usize,
    /// The others, each behind a blank.
    pub columns: Vec<Placed>,
}

/// Names have this much, if there is so much.
const LEAST_NAME: usize = 16;

/// More than this a history need not be: a service of one destination should not fill the screen.
const WIDEST_HISTORY: usize = 60;

/// The columns of a form, in the order in which they stand, each with its rank: where there is
/// not room for all, those with the highest are left out.
fn ranked(form: Form) -> Vec<(Column, u8)> {
    let connections = Rate(Measure::Connections);
    let (packets, bytes) = (Rate(Measure::Packets), Rate(Measure::Bytes));
    let traffic = [(connections, 1), (packets, 6), (bytes, 3), (History, 5)];
    let (before, between): (&[_], &[_]) = match form {
        Form::Plain | Form::Rate => (
            &[(Forward, 7), (Weight, 2), (WeightShare, 8)],
            &[(Active, 0), (Inactive, 4), (ConnectionShare, 9)],
        ),
        Form::Tunnels => (
            &[(Tunnel, 2), (Weight, 2), (WeightShare, 8)],
            &[(Active, 0), (Inactive, 4), (ConnectionShare, 9)],
        ),
        Form::Thresholds => (
            &[(Weight, 7), (Upper, 2), (Lower, 2)],
            &[(Active, 0), (Inactive, 1), (ConnectionShare, 9)],
        ),
        Form::PersistentConnections => (
            &[(Forward, 7), (Weight, 2), (WeightShare, 8)],
            &[
                (Persistent, 0),
                (Active, 0),
                (Inactive, 4),
                (ConnectionShare, 9),
            ],
        ),
        Form::Stats => (
            &[(Weight, 4)],
            &[
                (Active, 4),
                (Counter(0), 0),
                (Counter(1), 0),
                (Counter(2), 1),
                (Counter(3), 0),
                (Counter(4), 1),
            ],
        ),
    };
    [before, between, &traffic].concat()
}

impl Layout {
    /// What there is room for in `width` columns, with names of destinations of which the widest has
    /// `longest`, and services with all their settings of which the widest has `longest_head`.
    pub fn new(
        form: Form,
        counting: Counting,
        width: usize,
        longest: usize,
        longest_head: usize,
    ) -> Self {
        let least_name = longest.min(width.div_ceil(3)).max(width.min(LEAST_NAME));
        let ranked = ranked(form);
        let mut room = width.saturating_sub(least_name);
        let mut chosen = vec![false; ranked.len()];
        let mut by_rank: Vec<usize> = (0..ranked.len()).collect();
        by_rank.sort_by_key(|&place| ranked[place].1);
        for place in by_rank {
            match room.checked_sub(ranked[place].0.width(counting) + 1) {
                Some(left) => {
                    room = left;
                    chosen[place] = true;
                }
                None => break,
            }
        }
        let columns: Vec<Placed> = ranked
            .iter()
            .zip(chosen)
            .filter(|(_, chosen)| *chosen)
            .map(|(&(column, _), _)| Placed {
                column,
                width: column.width(counting),
            })
            .collect();
        let mut layout = Layout {
            name: least_name,
            columns,
        };
        // What is left is for the names first.
        let longest = longest.max(longest_head.saturating_sub(layout.width_beside_name()));
        let more_name = room.min(longest.saturating_sub(least_name));
        layout.name += more_name;
        room -= more_name;
        for placed in &mut layout.columns {
            if placed.column == History {
                placed.width += room.min(WIDEST_HISTORY - placed.width);
            }
        }
        layout
    }

    /// The width of those columns, with the blanks before them.
    pub fn width_beside_name(&self) -> usize {
        let beside = self.columns[..self.beside_name()].iter();
        beside.map(|placed| placed.width + 1).sum()
    }

    /// The columns of destinations that a service has no use for: it is called what it is there.
    pub fn beside_name(&self) -> usize {
        let only = |placed: &&Placed| placed.column.is_of_destinations_only();
        self.columns.iter().take_while(only).count()
    }
}

impl Column {
    fn width(self, counting: Counting) -> usize {
        match (self, counting) {
            (Forward, _) => 7,
            (Tunnel, _) => 12,
            (WeightShare | ConnectionShare, _) => 8,
            (History, _) => 7,
            (Counter(_), Counting::Exact) => 14,
            (Rate(_), Counting::Exact) => 12,
            (_, Counting::Exact) => 10,
            (Counter(_), Counting::Short) => 8,
            (Persistent, Counting::Short) => 7,
            (Weight | Active | Rate(_), Counting::Short) => 6,
            (Inactive | Upper | Lower, Counting::Short) => 5,
        }
    }

    /// On which side the text stands.
    pub fn side(self) -> Side {
        match self {
            Forward | Tunnel | WeightShare | ConnectionShare | History => Side::Left,
            _ => Side::Right,
        }
    }

    fn is_of_destinations_only(self) -> bool {
        matches!(
            self,
            Forward | Tunnel | Weight | WeightShare | Upper | Lower
        )
    }

    /// The title.
    pub fn title(self) -> &'static str {
        match self {
            Forward => "Forward",
            Tunnel => "Tunnel",
            Weight => "Weight",
            WeightShare | ConnectionShare => "Share",
            Upper => "Upper",
            Lower => "Lower",
            Persistent => "Persist",
            Active => "Active",
            Inactive => "Inact",
            Counter(place) => ["Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"][place],
            Rate(Measure::Connections) => "Conn/s",
            Rate(Measure::Packets) => "Pkt/s",
            Rate(Measure::Bytes) => "Byte/s",
            History => "History",
        }
    }

    /// What it can be sorted by.
    pub fn sort(self) -> Option<Sort> {
        match self {
            Weight => Some(Sort::Weight),
            Active => Some(Sort::Active),
            Inactive => Some(Sort::Inactive),
            Rate(measure) => Some(Sort::Rate(measure)),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn columns(form: Form, width: usize, longest: usize) -> (usize, Vec<Column>) {
        let layout = Layout::new(form, Counting::Short, width, longest, 0);
        let columns = layout.columns.iter().map(|placed| placed.column).collect();
        (layout.name, columns)
    }

    #[test]
    fn eighty_columns_have_all_but_the_bars() {
        let (name, columns) = columns(Form::Plain, 80, 23);
        assert_eq!(
            columns,
            [
                Forward,
                Weight,
                Active,
                Inactive,
                Rate(Measure::Connections),
                Rate(Measure::Packets),
                Rate(Measure::Bytes),
                History,
            ]
        );
        assert!(name >= 23, "{name}");
    }

    #[test]
    fn what_matters_most_stays_longest() {
        assert_eq!(columns(Form::Plain, 29, 23), (22, vec![Active]));
        assert_eq!(columns(Form::Plain, 20, 23), (20, vec![]));
        assert_eq!(columns(Form::Plain, 8, 23), (8, vec![]));
        assert_eq!(columns(Form::Plain, 0, 23), (0, vec![]));
    }

    proptest! {
        #[test]
        fn no_layout_is_wider_than_the_screen(
            width in 0..300usize, longest in 0..60usize, head in 0..99usize,
        ) {
            for form in [
                Form::Plain, Form::Stats, Form::Rate, Form::Thresholds, Form::Tunnels,
                Form::PersistentConnections,
            ] {
                for counting in [Counting::Short, Counting::Exact] {
                    let layout = Layout::new(form, counting, width, longest, head);
                    let others = layout.columns.iter().map(|placed| placed.width + 1);
                    prop_assert!(layout.name + others.sum::<usize>() <= width);
                }
            }
        }
    }
}
