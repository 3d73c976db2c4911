//! What is wrong with a configuration as a whole, each statement being right: what keepalived
//! complains of when it has read all, and what it should have complained of.
//!
//! What has no effect is also taken out of the model.

use super::model::{Config, VirtualServer};
use super::problem::Problems;

mod groups;
mod servers;
mod vmac;
mod vrrp;

/// Checks the whole, and mends it as keepalived does.
pub fn verify(config: &mut Config, problems: &mut Problems) {
    vrrp::verify(config, problems);
    servers::verify(config, problems);
}

/// Checks a virtual server that stands beside a configuration, and mends it; whether it has an
/// effect. Whether another one has its services, it does not see.
pub fn virtual_server(
    server: &mut VirtualServer,
    config: &Config,
    problems: &mut Problems,
) -> bool {
    let members = |name: &str| {
        let group = config.groups.iter().find(|group| group.name == name);
        group.map(|group| group.members.as_slice())
    };
    servers::virtual_server(server, members, problems)
}
