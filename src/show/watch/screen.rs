//! The view as lines of a screen.

use core::time::Duration;

use crate::ipvs::DestinationRow;
use crate::show::classic::{self, counters};
use crate::show::count::Counting;
use crate::show::rows::{State, share, weight_of};
use crate::show::style::{self, Glyphs, Side, Style, fit, short, width};

use super::columns::{Column, Layout, Placed};
use super::draw::Size;
use super::meter::{Measure, Meter};
use super::{HELP, Sort, View, Watched, WatchedGroup};

/// From this height on there is room for more than the table.
const ROOMY: usize = 6;

/// A line of the table before it is written.
#[derive(Clone, Copy)]
enum Line<'v> {
    Service(&'v WatchedGroup),
    Destination(&'v WatchedGroup, &'v Watched<DestinationRow>),
}

/// What a line for more than one destination shows.
struct Together<'v> {
    persistent: u64,
    active: u64,
    inactive: u64,
    counters: [u64; 5],
    meter: &'v Meter,
}

/// What the cells of a service's destinations are compared with.
struct Scale {
    weight: u64,
    connections: u64,
    /// The top of the histories.
    rate: f32,
}

impl View {
    /// The lines of the screen, none wider than it and no more than it has. Styles stand in them
    /// as [`style`] tells.
    pub fn render(&mut self, size: Size) -> Vec<String> {
        let (columns, height) = (usize::from(size.width), usize::from(size.height));
        let mut screen = Vec::with_capacity(height);
        if height >= ROOMY {
            screen.push(self.title(columns));
        }
        let foot = usize::from(height >= ROOMY);
        self.room = height.saturating_sub(screen.len() + foot);
        if self.help {
            screen.extend(self.help_lines(columns).into_iter().take(self.room));
        } else {
            self.body(columns, &mut screen);
        }
        if foot > 0 {
            screen.resize(height - foot, String::new());
            screen.push(self.foot(columns));
        }
        screen
    }

    /// Appends the titles of the columns and what there is room for of the table.
    fn body(&mut self, columns: usize, screen: &mut Vec<String>) {
        let destinations = self.groups.iter().flat_map(|group| &group.destinations);
        let names = destinations.map(|row| width(&row.name) + 2);
        let heads = self.groups.iter();
        let heads = heads.map(|group| width(&group.service.name) + 1 + width(&group.settings));
        let layout = Layout::new(
            self.options.form,
            self.options.counting,
            columns,
            names.max().unwrap_or(0),
            heads.max().unwrap_or(0),
        );
        if self.room > 1 {
            screen.push(self.titles(&layout));
            self.room -= 1;
        }
        if self.room >= ROOMY {
            screen.push(self.total_line(&layout));
            self.room -= 1;
        }
        self.lines = self
            .groups
            .iter()
            .map(|group| 1 + group.destinations.len())
            .sum();
        self.top = self.top.min(self.last_top());
        if self.lines == 0 && self.room > 0 {
            let text = match self.at {
                Some(_) => "no services",
                None => "",
            };
            screen.push(fit(text, columns, Side::Left, self.options.glyphs));
        }
        let at = self.at.unwrap_or_default();
        let mut place = 0;
        let shown = self.top..self.top + self.room;
        for (group, destinations) in self.order() {
            let lines = place..place + 1 + destinations.len();
            place = lines.end;
            if lines.end <= shown.start || lines.start >= shown.end {
                continue;
            }
            let scale = Scale::of(group, &layout, self.measure);
            let all = std::iter::once(Line::Service(group)).chain(
                destinations
                    .into_iter()
                    .map(|destination| Line::Destination(group, destination)),
            );
            for (place, line) in lines.zip(all).filter(|(place, _)| shown.contains(place)) {
                // The first line always tells of which service the next ones are.
                let line = match line {
                    Line::Destination(group, _) if place == shown.start => Line::Service(group),
                    line => line,
                };
                screen.push(match line {
                    Line::Service(group) => self.service_line(&layout, group, at),
                    Line::Destination(group, destination) => {
                        self.destination_line(&layout, &scale, group, destination, at)
                    }
                });
            }
        }
    }

    /// What is looked at, and when it was.
    fn title(&self, columns: usize) -> String {
        let seconds = f64::from(self.options.interval.milliseconds()) / 1000.0;
        let state = match self.paused {
            true => ", paused".into(),
            false => format!(", every {seconds} s"),
        };
        let left = format!("IPVS on {}{state}", self.options.host);
        let style = match self.paused {
            true => Style::Warning,
            false => Style::Strong,
        };
        style.on(&self.spread(&left, &self.time, columns))
    }

    /// Two texts at the two ends of a line. The first is cut for the second, which is left out where
    /// little would be left of the first.
    fn spread(&self, left: &str, right: &str, columns: usize) -> String {
        let glyphs = self.options.glyphs;
        match columns.checked_sub(width(right) + 1) {
            Some(room) if room > width(right) => fit(left, room, Side::Left, glyphs) + " " + right,
            _ => fit(left, columns, Side::Left, glyphs),
        }
    }

    fn titles(&self, layout: &Layout) -> String {
        let glyphs = self.options.glyphs;
        let name = fit("Service / server", layout.name, Side::Left, glyphs);
        let mut line = match self.sort {
            Sort::Name => Style::Chosen.on(&name),
            _ => Style::Strong.on(&name),
        };
        for &Placed { column, width } in &layout.columns {
            let title = fit(column.title(), width, column.side(), glyphs);
            let style = match column.sort() == Some(self.sort) {
                true => Style::Chosen,
                false => Style::Strong,
            };
            line.push(' ');
            line.push_str(&style.on(&title));
        }
        line
    }

    /// All services together.
    fn total_line(&self, layout: &Layout) -> String {
        let there: Vec<&WatchedGroup> = self
            .groups
            .iter()
            .filter(|group| group.service.gone.is_none())
            .collect();
        let mut servers = 0;
        let (mut drained, mut full) = (0, 0);
        for row in there.iter().flat_map(|group| group.present()) {
            servers += 1;
            match State::of(row) {
                State::Open => {}
                State::Drained => drained += 1,
                State::Full => full += 1,
            }
        }
        let plural = |count: usize, what: &str| match count {
            1 => format!("1 {what}"),
            _ => format!("{count} {what}s"),
        };
        let mut head = plural(there.len(), "service") + ", " + &plural(servers, "server");
        for (count, state) in [(full, State::Full), (drained, State::Drained)] {
            if count > 0 {
                let sign = state.sign(self.options.glyphs);
                head.push_str(&format!("  {count} {sign}"));
            }
        }
        let sum = |of: fn(&WatchedGroup) -> u64| there.iter().map(|group| of(group)).sum();
        let counted = |place: usize| {
            let counts = there
                .iter()
                .map(|group| counters(&group.service.row.stats)[place]);
            counts.fold(0, u64::saturating_add)
        };
        let numbers = Together {
            persistent: sum(WatchedGroup::persistent),
            active: sum(WatchedGroup::active),
            inactive: sum(WatchedGroup::inactive),
            counters: std::array::from_fn(counted),
            meter: &self.total,
        };
        self.line_of_many(layout, &head, &numbers, None)
    }

    fn service_line(&self, layout: &Layout, group: &WatchedGroup, at: Duration) -> String {
        let service = &group.service;
        let gone = service.gone.is_some();
        let event = match () {
            () if gone => " gone",
            () if service.is_new(at) => " new",
            () => "",
        };
        let head = format!("{} {}{event}", service.name, group.settings);
        let style = match gone {
            true => Style::Faint,
            false => Style::Strong,
        };
        let numbers = Together {
            persistent: group.persistent(),
            active: group.active(),
            inactive: group.inactive(),
            counters: counters(&service.row.stats),
            meter: &service.meter,
        };
        self.line_of_many(layout, &head, &numbers, Some(style))
    }

    /// A line for more than one destination.
    fn line_of_many(
        &self,
        layout: &Layout,
        head: &str,
        numbers: &Together<'_>,
        style: Option<Style>,
    ) -> String {
        let glyphs = self.options.glyphs;
        let room = layout.name + layout.width_beside_name();
        let mut line = fit(head, room, Side::Left, glyphs);
        for &Placed { column, width } in &layout.columns[layout.beside_name()..] {
            let text = match column {
                Column::Persistent => self.number(numbers.persistent),
                Column::Active => self.number(numbers.active),
                Column::Inactive => self.number(numbers.inactive),
                Column::Counter(place) => self.number(numbers.counters[place]),
                Column::Rate(measure) => self.rate_of(numbers.meter, measure),
                Column::History => {
                    let top = numbers.meter.highest(self.measure, width);
                    self.history(numbers.meter, top, width)
                }
                _ => String::new(),
            };
            line.push(' ');
            line.push_str(&fit(&text, width, column.side(), glyphs));
        }
        match style {
            Some(style) => style.on(&line),
            None => line,
        }
    }

    fn destination_line(
        &self,
        layout: &Layout,
        scale: &Scale,
        group: &WatchedGroup,
        destination: &Watched<DestinationRow>,
        at: Duration,
    ) -> String {
        let glyphs = self.options.glyphs;
        let gone = destination.gone.is_some() || group.service.gone.is_some();
        let state = State::of(&destination.row);
        let (sign, style) = match gone {
            true => (gone_sign(glyphs), Style::Bad),
            _ if destination.is_new(at) && state == State::Open => ('+', Style::Chosen),
            _ => (state.sign(glyphs), state.style()),
        };
        let sign = fit(&sign.to_string(), layout.name.min(1), Side::Left, glyphs);
        let rest = layout.name.saturating_sub(1);
        let mut line = style.on(&sign);
        if gone {
            // Its last numbers would look like those of the others.
            let room = layout.name + layout.width_beside_name();
            let text = fit(
                &format!(" {} gone", destination.name),
                room.saturating_sub(1),
                Side::Left,
                glyphs,
            );
            line.push_str(&Style::Faint.on(&text));
            return line;
        }
        line.push_str(&fit(
            &format!(" {}", destination.name),
            rest,
            Side::Left,
            glyphs,
        ));
        for &Placed { column, width } in &layout.columns {
            let (text, style) = self.cell(column, width, scale, destination, at);
            let text = fit(&text, width, column.side(), glyphs);
            line.push(' ');
            match style {
                Some(style) => line.push_str(&style.on(&text)),
                None => line.push_str(&text),
            }
        }
        line
    }

    fn cell(
        &self,
        column: Column,
        width: usize,
        scale: &Scale,
        destination: &Watched<DestinationRow>,
        at: Duration,
    ) -> (String, Option<Style>) {
        let row = &destination.row;
        let state = State::of(row);
        let connections = row.connections;
        let thresholds = row.destination.thresholds;
        let glyphs = self.options.glyphs;
        let number = |count: u64| match count {
            0 => ("0".to_owned(), Some(Style::Faint)),
            _ => (self.number(count), None),
        };
        let limit = |count: u32| match count {
            0 => ("-".to_owned(), Some(Style::Faint)),
            _ => (self.number(count.into()), None),
        };
        let when = |style: Style, is: bool| is.then_some(style);
        match column {
            Column::Forward => (classic::forward(row.destination.forwarding).into(), None),
            Column::Tunnel => {
                let mut text = String::new();
                // Writing to a String does not fail.
                let _ = classic::write_tunnel(&mut text, row.destination.forwarding);
                (text, None)
            }
            Column::Weight => {
                let text = self.number(weight_of(row));
                let style = match state {
                    _ if destination.is_changed(at) => Some(Style::Chosen),
                    state => when(Style::Warning, state == State::Drained),
                };
                (text, style)
            }
            Column::WeightShare => {
                let share = share(weight_of(row), scale.weight);
                (glyphs.bar(share, 0.0, width), Some(Style::Weight))
            }
            Column::Upper => {
                let (text, style) = limit(thresholds.upper);
                (text, style.or(when(Style::Bad, state == State::Full)))
            }
            Column::Lower => limit(thresholds.lower),
            Column::Persistent => number(connections.persistent.into()),
            Column::Active => number(connections.active.into()),
            Column::Inactive => number(connections.inactive.into()),
            Column::ConnectionShare => {
                let [active, inactive] = [connections.active, connections.inactive]
                    .map(|part| share(part.into(), scale.connections));
                (glyphs.bar(active, inactive, width), Some(Style::Traffic))
            }
            Column::Counter(place) => number(counters(&row.stats)[place]),
            Column::Rate(measure) => {
                let text = self.rate_of(&destination.meter, measure);
                let style = when(Style::Faint, text == "0");
                (text, style)
            }
            Column::History => {
                let history = self.history(&destination.meter, scale.rate, width);
                (history, Some(Style::Traffic))
            }
        }
    }

    fn history(&self, meter: &Meter, top: f32, columns: usize) -> String {
        let history = meter.history(self.measure);
        self.options.glyphs.sparkline(history, top, columns)
    }

    fn rate_of(&self, meter: &Meter, measure: Measure) -> String {
        match meter.rates() {
            Some(rates) => self.rate(rates.of(measure)),
            None => "-".into(),
        }
    }

    fn rate(&self, rate: f32) -> String {
        match self.options.counting {
            Counting::Exact => format!("{rate:.1}"),
            Counting::Short => style::rate(rate.into()),
        }
    }

    fn number(&self, number: u64) -> String {
        match self.options.counting {
            Counting::Exact => number.to_string(),
            Counting::Short => short(number),
        }
    }

    /// The most useful keys, and which part of the table is shown.
    fn foot(&self, columns: usize) -> String {
        const LEAVE: &str = "q, Esc: back to the table";
        const KEYS: &str =
            "q quit  ? help  sort: n w a i c p b  r reverse  space pause  m history: ";
        const HISTORIES: [&str; 3] = ["conn/s", "pkt/s", "byte/s"];
        let last = (self.top + self.room).min(self.lines);
        let part = match self.last_top() {
            0 => String::new(),
            _ => format!("{}-{last}/{}", self.top + 1, self.lines),
        };
        let text = match self.help {
            true => LEAVE.to_owned(),
            false => KEYS.to_owned() + HISTORIES[self.measure as usize],
        };
        Style::Faint.on(&self.spread(&text, &part, columns))
    }

    fn help_lines(&self, columns: usize) -> Vec<String> {
        let glyphs = self.options.glyphs;
        let mut texts = vec![String::new()];
        for (keys, what) in HELP {
            texts.push(format!("  {keys:<15} {what}"));
        }
        texts.push(String::new());
        for (sign, what) in [
            (State::Open.sign(glyphs), "takes connections"),
            (State::Drained.sign(glyphs), "drained: its weight is 0"),
            (
                State::Full.sign(glyphs),
                "full: its upper threshold is reached",
            ),
            ('+', "new"),
            (gone_sign(glyphs), "gone"),
        ] {
            texts.push(format!("  {sign:<15} {what}"));
        }
        let fitted = texts
            .iter()
            .map(|text| fit(text, columns, Side::Left, glyphs));
        fitted.collect()
    }
}

/// The sign of a destination that is not there any more.
fn gone_sign(glyphs: Glyphs) -> char {
    match glyphs {
        Glyphs::Unicode => '✗',
        Glyphs::Ascii => '-',
    }
}

impl Scale {
    fn of(group: &WatchedGroup, layout: &Layout, measure: Measure) -> Self {
        let history = layout
            .columns
            .iter()
            .find(|placed| placed.column == Column::History);
        let looks = history.map_or(0, |placed| placed.width);
        let highest = |row: &Watched<DestinationRow>| row.meter.highest(measure, looks);
        Scale {
            weight: group.weight(),
            connections: group.active() + group.inactive(),
            rate: group.destinations.iter().map(highest).fold(0.0, f32::max),
        }
    }
}
