//! Listings for eyes: `--pretty` once, `--watch` again and again.

use std::fs;
use std::io;
use std::thread;
use std::time::{Duration, Instant};

use crate::host::clock::local_time;
use crate::host::error_text;
use crate::host::terminal::Event;
use crate::ipvs::client::Client;
use crate::ipvs::refusal::Refusal;
use crate::ipvs::rule::{Form, Interval, Listing, What};
use crate::ipvs::{ServiceId, ServiceRow, order};
use crate::report::ipvsadm as status;
use crate::show::classic::{self, Classic, Counting};
use crate::show::pretty::Pretty;
use crate::show::rows::Group;
use crate::show::style::tame;
use crate::show::watch::draw::{Drawing, Size};
use crate::show::watch::keys::Decoder;
use crate::show::watch::{Action, Options, View};

use super::{End, Screen, Session};

/// How long the rest of a key's bytes may take on their way; Escape alone is a key too.
const KEY_TIME: Duration = Duration::from_millis(50);

/// What a listing of the table asks for.
#[derive(Clone, Copy)]
struct Wanted {
    form: Form,
    counting: Counting,
    sorted: bool,
    only: Option<ServiceId>,
    numeric: bool,
}

impl Wanted {
    /// The command line's rules keep `--pretty` and `--watch` from all other listings.
    fn of(listing: &Listing) -> Self {
        let (form, exact, sorted, only) = match listing.what {
            What::Table {
                form,
                exact,
                sorted,
                only,
            } => (form, exact, sorted, only),
            _ => (Form::Plain, false, true, None),
        };
        Wanted {
            form,
            counting: match exact {
                true => Counting::Exact,
                false => Counting::Short,
            },
            sorted,
            only,
            numeric: listing.numeric,
        }
    }
}

impl Session<'_> {
    /// Prints the table with lines, bars and colours.
    pub(super) fn pretty(&mut self, listing: &Listing) -> Result<(), End> {
        let wanted = Wanted::of(listing);
        let groups = self.groups(wanted)?;
        let display = (self.environment.display)();
        let pretty = Pretty {
            form: wanted.form,
            counting: wanted.counting,
            names: self.names(wanted.numeric),
            ink: display.ink,
            glyphs: display.glyphs,
            width: display.width,
        };
        if wanted.only.is_none() {
            let info = self.client()?.info();
            self.print_with(|out| classic::version(out, info));
        }
        self.print_with(|out| pretty.table(out, &groups));
        Ok(())
    }

    /// Shows the table again and again: on a terminal as a view with keys, until the user quits;
    /// else as listings one after the other, until nobody reads them any more.
    pub(super) fn watch(&mut self, listing: &Listing, interval: Interval) -> Result<(), End> {
        let wanted = Wanted::of(listing);
        match (self.environment.display)().moves {
            true => self.watch_on_screen(wanted, interval),
            false => self.watch_in_lines(wanted, interval),
        }
    }

    /// Prints the classic listing after the time, with an empty line between two of them.
    fn watch_in_lines(&mut self, wanted: Wanted, interval: Interval) -> Result<(), End> {
        let interval = Duration::from_millis(interval.milliseconds().into());
        let classic = Classic {
            form: wanted.form,
            counting: wanted.counting,
            names: self.names(wanted.numeric),
        };
        let mut next = Instant::now();
        loop {
            self.print(&format!("{}\n", local_time()));
            self.list_table(classic, wanted.sorted, wanted.only)?;
            self.flush();
            if self.output_failed.is_some() {
                // The end of the program tells why.
                return Ok(());
            }
            next = later(next, interval);
            thread::sleep(next.saturating_duration_since(Instant::now()));
            self.print("\n");
        }
    }

    fn watch_on_screen(&mut self, wanted: Wanted, interval: Interval) -> Result<(), End> {
        // What is wrong with the kernel or the service asked for is told before a screen is taken
        // over, and modprobe is not run on it.
        let first = self.groups(wanted)?;
        self.flush();
        let display = (self.environment.display)();
        let view = View::new(Options {
            form: wanted.form,
            counting: wanted.counting,
            glyphs: display.glyphs,
            interval,
            host: host_name(),
        });
        let screen = match (self.environment.screen)() {
            Ok(screen) => screen,
            Err(error) => return Err(self.lost_terminal(&error)),
        };
        let mut watch = Watch {
            screen,
            view,
            drawing: Drawing::new(display.ink),
            keys: Decoder::default(),
        };
        let end = self.watch_until_quit(wanted, interval, first, &mut watch);
        // Now the terminal is as it was, and can be written to.
        drop(watch);
        match end {
            Ok(()) => Ok(()),
            Err(Broken::Terminal(error)) => Err(self.lost_terminal(&error)),
            Err(Broken::Kernel(refusal)) => self.listed(Err(refusal)),
        }
    }

    fn watch_until_quit(
        &mut self,
        wanted: Wanted,
        interval: Interval,
        first: Vec<Group>,
        watch: &mut Watch,
    ) -> Result<(), Broken> {
        let interval = Duration::from_millis(interval.milliseconds().into());
        let start = Instant::now();
        let names = self.names(wanted.numeric);
        let mut next = start + interval;
        watch.view.feed(Duration::ZERO, time_of_day(), first, names);
        loop {
            watch.draw()?;
            let now = Instant::now();
            if now >= next {
                next = later(next, interval);
                if !watch.view.is_paused() {
                    let at = start.elapsed();
                    let groups = self.groups_again(wanted).map_err(Broken::Kernel)?;
                    watch.view.feed(at, time_of_day(), groups, names);
                }
                continue;
            }
            let mut time = next - now;
            if watch.keys.has_begun() {
                time = time.min(KEY_TIME);
            }
            if watch.wait(time)? == Action::Quit {
                return Ok(());
            }
        }
    }

    /// The table, or the part of it that is wanted.
    fn groups(&mut self, wanted: Wanted) -> Result<Vec<Group>, End> {
        let groups = read(self.client()?, wanted);
        self.listed(groups)
    }

    /// The same, later: nothing is told while there is a screen, and a service may have gone.
    fn groups_again(&mut self, wanted: Wanted) -> Result<Vec<Group>, Refusal> {
        let Some(client) = self.client.as_mut() else {
            return Ok(Vec::new());
        };
        match read(client, wanted) {
            Err(refusal) if refusal.is_no_such_service() => Ok(Vec::new()),
            groups => groups,
        }
    }

    fn lost_terminal(&mut self, error: &io::Error) -> End {
        self.complain(&format!("ipvsadm: terminal: {}", error_text(error)));
        End::Stops(status::FAILED)
    }
}

/// What ends a view before its user does.
enum Broken {
    Terminal(io::Error),
    Kernel(Refusal),
}

impl From<io::Error> for Broken {
    fn from(error: io::Error) -> Self {
        Broken::Terminal(error)
    }
}

/// A view with all that it lives on.
struct Watch {
    screen: Box<dyn Screen>,
    view: View,
    drawing: Drawing,
    keys: Decoder,
}

impl Watch {
    fn draw(&mut self) -> io::Result<()> {
        let (width, height) = self.screen.size();
        let size = Size { width, height };
        let change = self.drawing.change(size, self.view.render(size));
        match change.is_empty() {
            true => Ok(()),
            false => self.screen.write(change.as_bytes()),
        }
    }

    /// Waits for a key or a signal, and does what it asks for.
    fn wait(&mut self, time: Duration) -> io::Result<Action> {
        let keys = match self.screen.wait(time)? {
            Event::Keys(bytes) => self.keys.feed(&bytes),
            Event::Nothing => self.keys.end().into_iter().collect(),
            Event::Resized => Vec::new(),
            Event::Continued => {
                self.drawing.forget();
                Vec::new()
            }
            Event::Stop => {
                self.stop(false)?;
                Vec::new()
            }
            Event::Closed => return Ok(Action::Quit),
        };
        for key in keys {
            match self.view.key(key) {
                Action::Draw => {}
                Action::Redraw => self.drawing.forget(),
                Action::Suspend => self.stop(true)?,
                Action::Quit => return Ok(Action::Quit),
            }
        }
        Ok(Action::Draw)
    }

    fn stop(&mut self, whole_job: bool) -> io::Result<()> {
        self.screen.stop(whole_job)?;
        self.drawing.forget();
        Ok(())
    }
}

fn read(client: &mut Client, wanted: Wanted) -> Result<Vec<Group>, Refusal> {
    let services = match wanted.only {
        Some(id) => vec![client.service(&id)?],
        None => {
            let services = client.services()?;
            match wanted.sorted {
                true => order::sort_services(services),
                false => services,
            }
        }
    };
    let group = |service: ServiceRow| {
        let destinations = client.destinations(&service.service.id)?;
        let destinations = match wanted.sorted {
            true => order::sort_destinations(destinations),
            false => destinations,
        };
        Ok(Group {
            service,
            destinations,
        })
    };
    services.into_iter().map(group).collect()
}

/// The next time after `last` that is still to come: after a stop, or a slow look, the times that
/// have been missed are not made up for.
fn later(last: Instant, interval: Duration) -> Instant {
    (last + interval).max(Instant::now())
}

fn time_of_day() -> String {
    let time = local_time();
    time.get(..19).unwrap_or(&time).replace('T', " ")
}

fn host_name() -> String {
    let name = fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    tame(name.trim())
}
