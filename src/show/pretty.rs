//! The table with lines around its columns and bars: for eyes, never for scripts.

use std::fmt;

use comfy_table::{Cell, CellAlignment, ContentArrangement, Row, Table};

use crate::addr::Name;
use crate::ipvs::DestinationRow;
use crate::ipvs::rule::Form;

use super::classic::{self, counters, rates};
use super::count::Counting;
use super::rows::{self, Group, State, destination_name, service_name, settings, share, weight_of};
use super::style::{Glyphs, Ink, Side, Style, paint, short, width};

/// How the table is to look.
#[derive(Clone, Copy)]
pub struct Pretty<'a> {
    /// Which columns.
    pub form: Form,
    /// How numbers are written.
    pub counting: Counting,
    /// Who knows names.
    pub names: &'a dyn Name,
    /// What to write with.
    pub ink: Ink,
    /// What to draw with.
    pub glyphs: Glyphs,
    /// The columns of the terminal, if it is one.
    pub width: Option<u16>,
}

/// The widths of bars: as wide as there is room for, or none.
const BARS: std::ops::RangeInclusive<usize> = 5..=16;

/// What a service is called may be this wide before its settings are wrapped.
const NAME_WIDTH: usize = 24;

/// One line for heads and between services, none between destinations (see `comfy_table::presets`).
const FRAME: &str = "││──├─┼┤│    ┬┴┌┐└┘";
const ASCII_FRAME: &str = "||--+-+||    ++++++";

#[derive(Clone, Copy, PartialEq)]
enum Column {
    Name,
    Forward,
    Tunnel,
    Weight,
    WeightShare,
    Upper,
    Lower,
    Filled,
    Persistent,
    Active,
    Inactive,
    ConnectionShare,
    /// A counter by its place in `counters`.
    Counter(usize),
    CounterShare,
    /// A rate by its place in `rates`.
    Rate(usize),
    RateShare,
}

use Column::*;

impl Column {
    fn of(form: Form) -> &'static [Column] {
        match form {
            Form::Plain => &[
                Name,
                Forward,
                Weight,
                WeightShare,
                Active,
                Inactive,
                ConnectionShare,
            ],
            Form::Tunnels => &[
                Name,
                Forward,
                Tunnel,
                Weight,
                WeightShare,
                Active,
                Inactive,
                ConnectionShare,
            ],
            Form::Thresholds => &[Name, Upper, Lower, Active, Inactive, Filled],
            Form::PersistentConnections => &[
                Name,
                Weight,
                WeightShare,
                Persistent,
                Active,
                Inactive,
                ConnectionShare,
            ],
            Form::Stats => &[
                Name,
                Counter(0),
                CounterShare,
                Counter(1),
                Counter(2),
                Counter(3),
                Counter(4),
            ],
            Form::Rate => &[Name, Rate(0), RateShare, Rate(1), Rate(2), Rate(3), Rate(4)],
        }
    }

    fn is_bar(self) -> bool {
        matches!(
            self,
            WeightShare | Filled | ConnectionShare | CounterShare | RateShare
        )
    }

    fn side(self) -> Side {
        match self {
            Name | Forward | Tunnel => Side::Left,
            _ if self.is_bar() => Side::Left,
            _ => Side::Right,
        }
    }

    fn title(self) -> &'static str {
        const COUNTERS: [&str; 5] = ["Conns", "InPkts", "OutPkts", "InBytes", "OutBytes"];
        const RATES: [&str; 5] = ["CPS", "InPPS", "OutPPS", "InBPS", "OutBPS"];
        match self {
            Name => "Service / server",
            Forward => "Forward",
            Tunnel => "Tunnel",
            Weight => "Weight",
            WeightShare | ConnectionShare | CounterShare | RateShare => "Share",
            Upper => "Upper",
            Lower => "Lower",
            Filled => "Filled",
            Persistent => "Persist",
            Active => "Active",
            Inactive => "Inact",
            Counter(place) => COUNTERS[place],
            Rate(place) => RATES[place],
        }
    }
}

impl Pretty<'_> {
    /// Appends the table.
    pub fn table(&self, out: &mut String, groups: &[Group]) -> fmt::Result {
        rows::prepare(groups, self.names);
        let heads: Vec<Vec<String>> = groups.iter().map(|group| self.head(group)).collect();
        let (mut columns, mut rows) = self.rows(groups, &heads, 0);
        let bar = match self.width {
            Some(room) => {
                let bars = Column::of(self.form)
                    .iter()
                    .filter(|column| column.is_bar());
                let left = usize::from(room).saturating_sub(natural_width(&columns, &rows));
                (left / bars.count().max(1)).saturating_sub(BETWEEN)
            }
            None => *BARS.end(),
        };
        if bar >= *BARS.start() {
            (columns, rows) = self.rows(groups, &heads, bar.min(*BARS.end()));
        }

        let mut table = Table::new();
        table.load_preset(match self.glyphs {
            Glyphs::Unicode => FRAME,
            Glyphs::Ascii => ASCII_FRAME,
        });
        table.set_truncation_indicator(&self.glyphs.cut().to_string());
        if let Some(width) = self
            .width
            .filter(|&width| natural_width(&columns, &rows) > width.into())
        {
            table.set_content_arrangement(ContentArrangement::Dynamic);
            table.set_width(width);
        }
        let cells = |texts: &[String]| {
            let cells = texts.iter().zip(&columns).map(|(text, column)| {
                Cell::new(text).set_alignment(match column.side() {
                    Side::Left => CellAlignment::Left,
                    Side::Right => CellAlignment::Right,
                })
            });
            Row::from(cells.collect::<Vec<Cell>>())
        };
        let titles: Vec<String> = columns
            .iter()
            .map(|column| Style::Strong.on(column.title()))
            .collect();
        let mut titles = cells(&titles);
        titles.max_height(1);
        table.set_header(titles);
        for row in &rows {
            let mut cells = cells(&row.cells);
            cells.max_height(row.lines);
            table.add_row(cells);
        }
        self.frame(out, &table, &rows);
        Ok(())
    }

    /// Appends the lines of the table, with one between services.
    fn frame(&self, out: &mut String, table: &Table, rows: &[TableRow]) {
        let mut lines = table.lines();
        let line = |out: &mut String, text: &str| {
            paint(out, text, self.ink);
            out.push('\n');
        };
        let [top, titles, between] = [(); 3].map(|()| lines.next().unwrap_or_default());
        for text in [&top, &titles, &between] {
            line(out, text);
        }
        for (place, row) in rows.iter().enumerate() {
            if row.is_service && place > 0 {
                line(out, &between);
            }
            for text in lines.by_ref().take(row.lines) {
                line(out, &text);
            }
        }
        lines.for_each(|text| line(out, &text));
    }

    /// What stands in the first column of a service: its name, and below it its settings.
    fn head(&self, group: &Group) -> Vec<String> {
        let service = &group.service.service;
        let name = service_name(&service.id, self.names);
        let mut lines = wrap(&settings(service), width(&name).max(NAME_WIDTH));
        lines.insert(0, Style::Strong.on(&name));
        lines
    }

    fn rows(
        &self,
        groups: &[Group],
        heads: &[Vec<String>],
        bar: usize,
    ) -> (Vec<Column>, Vec<TableRow>) {
        let columns: Vec<Column> = Column::of(self.form)
            .iter()
            .copied()
            .filter(|column| bar > 0 || !column.is_bar())
            .collect();
        let mut rows = Vec::new();
        for (group, head) in groups.iter().zip(heads) {
            rows.push(TableRow {
                is_service: true,
                lines: head.len(),
                cells: columns
                    .iter()
                    .map(|&column| self.service_cell(column, group, head))
                    .collect(),
            });
            let whole = Whole::of(group);
            rows.extend(group.destinations.iter().map(|row| {
                TableRow {
                    is_service: false,
                    lines: 1,
                    cells: columns
                        .iter()
                        .map(|&column| self.destination_cell(column, group, &whole, row, bar))
                        .collect(),
                }
            }));
        }
        (columns, rows)
    }

    fn service_cell(&self, column: Column, group: &Group, head: &[String]) -> String {
        let stats = &group.service.stats;
        let sum = |of: fn(&DestinationRow) -> u32| -> u64 {
            group
                .destinations
                .iter()
                .map(|row| u64::from(of(row)))
                .sum()
        };
        let number = match column {
            Name => return head.join("\n"),
            Weight => rows::weight(&group.destinations),
            Persistent => sum(|row| row.connections.persistent),
            Active => sum(|row| row.connections.active),
            Inactive => sum(|row| row.connections.inactive),
            Counter(place) => counters(stats)[place],
            Rate(place) => rates(stats)[place],
            _ => return String::new(),
        };
        Style::Strong.on(&self.number(number))
    }

    fn destination_cell(
        &self,
        column: Column,
        group: &Group,
        whole: &Whole,
        row: &DestinationRow,
        bar: usize,
    ) -> String {
        let thresholds = row.destination.thresholds;
        let connections = row.connections;
        let draw =
            |style: Style, first: f64, second: f64| style.on(&self.glyphs.bar(first, second, bar));
        let count = |number: u32| match number {
            0 => Style::Faint.on("0"),
            _ => self.number(number.into()),
        };
        let limit = |number: u32| match number {
            0 => Style::Faint.on("-"),
            _ => self.number(number.into()),
        };
        let state = State::of(row);
        match column {
            Name => {
                let sign = state.style().on(&state.sign(self.glyphs).to_string());
                let id = &group.service.service.id;
                format!("{sign} {}", destination_name(id, row, self.names))
            }
            Forward => classic::forward(row.destination.forwarding).to_owned(),
            Tunnel => {
                let mut text = String::new();
                let _ = classic::write_tunnel(&mut text, row.destination.forwarding);
                text
            }
            Weight if state == State::Drained => state.style().on("0"),
            Weight => self.number(weight_of(row)),
            WeightShare => draw(Style::Weight, share(weight_of(row), whole.weight), 0.0),
            Upper if state == State::Full => {
                state.style().on(&self.number(thresholds.upper.into()))
            }
            Upper => limit(thresholds.upper),
            Lower => limit(thresholds.lower),
            Filled => {
                let [active, inactive] = [connections.active, connections.inactive]
                    .map(|part| share(part.into(), thresholds.upper.into()).min(1.0));
                let style = match state {
                    State::Full => Style::Bad,
                    _ => Style::Traffic,
                };
                draw(style, active, inactive.min(1.0 - active))
            }
            Persistent => count(connections.persistent),
            Active => count(connections.active),
            Inactive => count(connections.inactive),
            ConnectionShare => {
                let [active, inactive] = [connections.active, connections.inactive]
                    .map(|part| share(part.into(), whole.connections));
                draw(Style::Traffic, active, inactive)
            }
            Counter(place) => self.count(counters(&row.stats)[place]),
            CounterShare => {
                let connections = row.stats.connections;
                draw(Style::Traffic, share(connections, whole.counted), 0.0)
            }
            Rate(place) => self.count(rates(&row.stats)[place]),
            RateShare => {
                let rate = row.stats.connection_rate;
                draw(Style::Traffic, share(rate, whole.rate), 0.0)
            }
        }
    }

    fn count(&self, number: u64) -> String {
        match number {
            0 => Style::Faint.on("0"),
            _ => self.number(number),
        }
    }

    fn number(&self, number: u64) -> String {
        match self.counting {
            Counting::Exact => number.to_string(),
            Counting::Short => short(number),
        }
    }
}

/// A row of the table before it is laid out.
struct TableRow {
    is_service: bool,
    /// How many lines it takes.
    lines: usize,
    cells: Vec<String>,
}

/// What the shares of a service's destinations are shares of.
struct Whole {
    weight: u64,
    connections: u64,
    counted: u64,
    rate: u64,
}

impl Whole {
    fn of(group: &Group) -> Self {
        let sum = |of: fn(&DestinationRow) -> u64| group.destinations.iter().map(of).sum();
        Whole {
            weight: rows::weight(&group.destinations),
            connections: sum(|row| {
                u64::from(row.connections.active) + u64::from(row.connections.inactive)
            }),
            counted: sum(|row| row.stats.connections),
            rate: sum(|row| row.stats.connection_rate),
        }
    }
}

/// What a column takes beside its text: a blank on either side, and the line behind it.
const BETWEEN: usize = 3;

/// How wide the table is when nothing is cut, with the line before all columns.
fn natural_width(columns: &[Column], rows: &[TableRow]) -> usize {
    let widths = columns.iter().enumerate().map(|(place, column)| {
        let cells = rows.iter().flat_map(|row| row.cells[place].split('\n'));
        cells
            .map(width)
            .max()
            .unwrap_or(0)
            .max(width(column.title()))
            + BETWEEN
    });
    widths.sum::<usize>() + 1
}

/// Words in lines of so many columns; a word that is wider has a line of its own.
fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if width(line) + 1 + width(word) <= columns => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use crate::addr::Numeric;
    use crate::show::rows::example;

    use super::*;

    fn table(form: Form, glyphs: Glyphs, width: Option<u16>) -> String {
        let pretty = Pretty {
            form,
            counting: Counting::Short,
            names: &Numeric,
            ink: Ink::Plain,
            glyphs,
            width,
        };
        let mut out = String::new();
        pretty.table(&mut out, &example::groups()).unwrap();
        out
    }

    #[test]
    fn the_plain_table_fits_eighty_columns() {
        assert_eq!(
            table(Form::Plain, Glyphs::Unicode, Some(80)),
            "\
┌───────────────────────┬─────────┬────────┬────────┬────────┬───────┬────────┐
│ Service / server      │ Forward │ Weight │ Share  │ Active │ Inact │ Share  │
├───────────────────────┼─────────┼────────┼────────┼────────┼───────┼────────┤
│ TCP 192.0.2.10:80     │         │      4 │        │     53 │   121 │        │
│ wrr persistent 360    │         │        │        │        │       │        │
│ ● 10.0.0.11:80        │ Route   │      3 │ ████▌  │     31 │   117 │ █▏░░░░ │
│ ○ 10.0.0.12:80        │ Route   │      0 │        │      2 │     0 │ ▏      │
│ ▲ 10.0.0.13:80        │ Route   │      1 │ █▌     │     20 │     4 │ ▊      │
├───────────────────────┼─────────┼────────┼────────┼────────┼───────┼────────┤
│ FWM 7 IPv6            │         │      1 │        │      0 │     0 │        │
│ wrr                   │         │        │        │        │       │        │
│ ● [2001:db8:1::21]:80 │ Tunnel  │      1 │ ██████ │      0 │     0 │        │
└───────────────────────┴─────────┴────────┴────────┴────────┴───────┴────────┘
"
        );
    }

    #[test]
    fn ascii_tables_have_nothing_else() {
        for form in FORMS {
            assert!(table(form, Glyphs::Ascii, None).is_ascii());
        }
    }

    const FORMS: [Form; 6] = [
        Form::Plain,
        Form::Stats,
        Form::Rate,
        Form::Thresholds,
        Form::PersistentConnections,
        Form::Tunnels,
    ];

    proptest! {
        #[test]
        fn no_line_is_wider_than_the_terminal(columns in 40..200u16) {
            for form in FORMS {
                for line in table(form, Glyphs::Unicode, Some(columns)).lines() {
                    prop_assert!(width(line) <= columns.into(), "{}", line);
                }
            }
        }
    }
}
