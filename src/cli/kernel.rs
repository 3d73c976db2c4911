//! The way to the kernel's table.

use crate::host::{error_text, processes};
use crate::ipvs::client::Client;
use crate::ipvs::refusal::Refusal;

/// Opens it, in another network namespace if one is named.
///
/// # Errors
/// Why not, in a sentence.
pub fn open(
    network: Option<&str>,
    kernel: impl FnOnce() -> Result<Client, Refusal>,
) -> Result<Client, String> {
    let opened = match network {
        None => kernel(),
        Some(name) => processes::in_network(name, kernel).map_err(|error| {
            let text = error_text(&error);
            format!("network namespace of the table, {name}: {text}")
        })?,
    };
    opened.map_err(|refusal| format!("cannot ask IPVS: {refusal}"))
}
