//! The files that checks look at: which checks have to be made again because one has changed.

use std::io;
use std::task::Context;

use super::Probe;
use super::readable::Readable;
use super::timetable::Entry;
use crate::host::file_watch::FileWatch;

/// The files of checks, watched.
#[derive(Debug)]
pub struct Files {
    watch: FileWatch,
    ready: Readable,
    /// Whose files they are.
    pub places: Vec<usize>,
}

impl Files {
    /// Watches the files of these checks; nothing if there are none.
    ///
    /// # Errors
    /// The system gives no more of what it takes.
    pub fn of(entries: &[Entry]) -> io::Result<Option<Self>> {
        let mut places = Vec::new();
        let mut opened = None;
        for (place, entry) in entries.iter().enumerate() {
            let Probe::File(tracked) = &entry.routine.check.probe else {
                continue;
            };
            let watch = match &mut opened {
                Some(watch) => watch,
                none => none.insert(FileWatch::open()?),
            };
            // Where there is no such directory, the check is still made when it is due.
            if watch.watch(&tracked.path).is_ok() {
                places.push(place);
            }
        }
        let Some(watch) = opened else {
            return Ok(None);
        };
        let ready = Readable::new(&watch)?;
        Ok(Some(Files {
            watch,
            ready,
            places,
        }))
    }

    /// Whether one of them may have changed.
    pub fn poll(&mut self, context: &mut Context<'_>) -> bool {
        // Whoever cannot be told what has changed, looks at all.
        let has_news = || self.watch.has_news().unwrap_or(true);
        self.ready.poll(context, has_news)
    }
}
