//! What went wrong, in a sentence: the runner has one reader, a person at a terminal.

use std::fmt::Display;

pub type Result<T = (), E = String> = std::result::Result<T, E>;

/// Says what was being done when a lower layer failed.
pub trait Context<T> {
    fn context(self, what: impl Display) -> Result<T>;
}

impl<T, E: Display> Context<T> for std::result::Result<T, E> {
    fn context(self, what: impl Display) -> Result<T> {
        self.map_err(|error| format!("{what}: {error}"))
    }
}
