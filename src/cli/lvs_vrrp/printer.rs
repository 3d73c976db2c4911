//! Whoever runs the program, as a speaker knows him.

use crate::cli::kernel;
use crate::cli::synchronisation::{Daemons, Follower};
use crate::show::vrrp as show;
use crate::vrrp::report::{Form, News, Report};
use crate::vrrp::speaker::{Audience, Level, Reload};

use super::arguments::{Manner, Wanted};
use super::configuration::Synchronised;
use super::mails::{Mailer, Mails};
use super::{Environment, Failure, PROGRAM, configuration};

/// Prints what becomes of routers, logs the rest, and reads the configuration again.
pub(super) struct Printer<'a, 'b> {
    environment: &'a mut Environment<'b>,
    wanted: &'a Wanted,
    manner: Manner,
    mailer: Mailer,
    synchronised: Option<Synchronised>,
    follower: Follower,
    daemons: Daemons,
    quiet: bool,
}

impl<'a, 'b> Printer<'a, 'b> {
    /// For what was wanted, and as it was.
    pub fn new(environment: &'a mut Environment<'b>, wanted: &'a Wanted, manner: Manner) -> Self {
        Printer {
            environment,
            wanted,
            manner,
            mailer: Mailer::default(),
            synchronised: None,
            follower: Follower::default(),
            daemons: Daemons::default(),
            quiet: false,
        }
    }

    /// Sends these mails from now on, and has connections synchronised so.
    pub fn become_as(&mut self, mails: Mails, synchronised: Option<Synchronised>) {
        let wrong = self.mailer.become_as(mails);
        self.warn(wrong);
        self.synchronised = synchronised;
        self.synchronise();
    }

    /// Has the daemon run that shall.
    fn synchronise(&mut self) {
        let (wanted, table_in) = match &self.synchronised {
            Some(Synchronised { setting, table_in }) => {
                (self.follower.wanted(setting), table_in.as_deref())
            }
            None => (vec![], None),
        };
        let way = &mut self.environment.kernel;
        let wrong = self
            .daemons
            .become_as(wanted, || kernel::open(table_in, way));
        self.warn(wrong);
    }

    /// Waits for the last mails, and ends what follows the routers.
    pub fn finish(&mut self) {
        self.synchronised = None;
        self.synchronise();
        let told = self.mailer.finish();
        self.warn(told);
    }

    fn warn(&mut self, lines: Vec<String>) {
        for line in lines {
            self.log(Level::Warning, None, &line);
        }
    }

    /// Prints nothing.
    pub fn quiet(self) -> Self {
        Printer {
            quiet: true,
            ..self
        }
    }
}

/// A change in a line.
pub(super) fn line(news: &News<'_>, json: bool) -> String {
    match json {
        true => show::news_json(news).to_string(),
        false => news.to_string(),
    }
}

impl Audience for Printer<'_, '_> {
    fn became(&mut self, news: &News<'_>) {
        self.follower.heed(news);
        self.synchronise();
        let told = self.mailer.tell(news);
        self.warn(told);
        if self.quiet {
            return;
        }
        // A speaker goes on when nobody listens to it any more.
        let _ = writeln!(self.environment.output, "{}", line(news, self.manner.json));
        let _ = self.environment.output.flush();
    }

    fn log(&mut self, level: Level, of: Option<&str>, text: &str) {
        if level > self.manner.level {
            return;
        }
        let word = match level {
            Level::Error => "error: ",
            Level::Warning => "warning: ",
            Level::Info => "",
        };
        let of = of.map(|name| format!("{name}: ")).unwrap_or_default();
        let _ = writeln!(self.environment.errors, "{PROGRAM}: {of}{word}{text}");
    }

    fn answer(&mut self, report: &Report, form: Form) -> String {
        match form {
            Form::Text => show::report_text(report),
            Form::Json => format!("{}\n", show::report_json(report)),
        }
    }

    fn reload(&mut self) -> Reload {
        if matches!(self.wanted, Wanted::Options { .. }) {
            return Reload::End;
        }
        match configuration(self.wanted, self.environment) {
            Ok(chosen) => {
                self.become_as(chosen.mails, chosen.synchronised);
                Reload::To(chosen.configuration)
            }
            Err(Failure(_, text)) => {
                self.log(Level::Error, None, &format!("nothing is changed: {text}"));
                Reload::Nothing
            }
        }
    }
}
