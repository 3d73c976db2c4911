//! What `lvs-vip` did, and where VIPs are.

use std::fmt::Display;
use std::net::IpAddr;

use serde::Serialize;

/// Where a VIP is.
#[derive(Debug, Serialize)]
pub struct Place<'a> {
    /// The address.
    pub vip: IpAddr,
    /// The interfaces that have it.
    pub devices: Vec<&'a str>,
}

/// A VIP has been put on an interface.
pub fn added(vip: &dyn Display, device: &str) -> String {
    format!("add {vip} to {device}\n")
}

/// A VIP has been taken away.
pub fn removed(vip: &dyn Display, device: &str) -> String {
    format!("remove {vip} from {device}\n")
}

/// The network has been told of a VIP.
pub fn announced(vip: IpAddr, device: &str, times: u8) -> String {
    format!("announce {vip} on {device}, {times} times\n")
}

/// A line for each VIP.
pub fn text(places: &[Place<'_>]) -> String {
    let line = |place: &Place<'_>| match place.devices.as_slice() {
        [] => format!("{}: not here\n", place.vip),
        devices => format!("{}: on {}\n", place.vip, devices.join(", ")),
    };
    places.iter().map(line).collect()
}

/// The same as a JSON document.
pub fn json(places: &[Place<'_>]) -> String {
    let document = serde_json::json!({ "vips": places });
    format!("{document}\n")
}
