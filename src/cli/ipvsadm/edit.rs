//! `-e --keep` and `-E --keep`: edits that keep what they do not name.

use crate::ipvs::Change;
use crate::ipvs::refusal::Refusal;
use crate::ipvs::rule::{Edit, Problem};

use super::{End, Session};

impl Session<'_> {
    /// Looks at what there is, and makes of it what it shall be.
    pub(super) fn edit(&mut self, edit: Edit) -> End {
        let client = match self.client() {
            Err(end) => return end,
            Ok(client) => client,
        };
        let change = match edit {
            Edit::Service(edit) => client
                .service(&edit.id)
                .map_err(Problem::Refused)
                .map(|row| Change::EditService(edit.of(row.service))),
            Edit::Destination(edit) => client
                .destinations(&edit.of)
                .and_then(|rows| {
                    let mut destinations = rows.into_iter().map(|row| row.destination);
                    let found = destinations.find(|found| found.endpoint == edit.endpoint);
                    found.ok_or(Refusal::no_such_destination())
                })
                .map_err(Problem::Refused)
                .and_then(|destination| {
                    let wanted = edit.of(&destination)?;
                    Ok(Change::EditDestination(edit.of, wanted))
                }),
        };
        match change {
            Ok(change) => match self.client() {
                Err(end) => end,
                Ok(client) => {
                    let outcome = client.apply(&change);
                    self.changed(outcome)
                }
            },
            Err(problem) => self.tell(&problem),
        }
    }
}
