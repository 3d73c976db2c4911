//! What is seen of the table, and when.

use std::thread;
use std::time::{Duration, Instant};

use lvskit::ipvs::client::Client;
use lvskit::ipvs::{Change, Weight};

use crate::Result;
use crate::servers;

/// What takes longer, takes too long.
pub const PATIENCE: Duration = Duration::from_secs(90);

/// The kernel's table, which may be thrown away.
pub struct Kernel(Client);

impl Kernel {
    pub fn open() -> Result<Self> {
        Ok(Kernel(
            Client::open().map_err(|refusal| refusal.to_string())?,
        ))
    }

    /// How many servers are in the table.
    pub fn count(&mut self) -> Result<usize> {
        let table = self.0.table().map_err(|refusal| refusal.to_string())?;
        let counts = table.entries().iter().map(|entry| entry.destinations.len());
        Ok(counts.sum())
    }

    /// How many servers the first service has.
    pub fn of_first(&mut self) -> Result<usize> {
        let found = self.0.destinations(&servers::service(0));
        Ok(found.map_err(|refusal| refusal.to_string())?.len())
    }

    /// Whether the second server of the first service has this weight.
    pub fn has_weight(&mut self, weight: i32) -> Result<bool> {
        let found = self.0.destinations(&servers::service(0));
        let rows = found.map_err(|refusal| refusal.to_string())?;
        let mut rows = rows.iter().map(|row| &row.destination);
        Ok(rows.any(|one| one.endpoint == servers::endpoint(1) && one.weight == Weight(weight)))
    }

    pub fn flush(&mut self) -> Result {
        let flushed = self.0.apply(&Change::Flush);
        Ok(flushed.map(drop).map_err(|refusal| refusal.to_string())?)
    }
}

/// A time, or that it took too long.
pub fn seconds(time: Option<Duration>) -> String {
    match time {
        Some(time) => format!("{:.2}", time.as_secs_f64()),
        None => format!("> {}", PATIENCE.as_secs()),
    }
}

/// How long it took until this was so, looking at it so often.
pub fn until(
    begin: Instant,
    pause: Duration,
    mut is_so: impl FnMut() -> Result<bool>,
) -> Result<Option<Duration>> {
    while begin.elapsed() < PATIENCE {
        if is_so()? {
            return Ok(Some(begin.elapsed()));
        }
        thread::sleep(pause);
    }
    Ok(None)
}
