//! What is wrong with a configuration as a whole, each statement being right: what keepalived
//! complains of when it has read all, and what it should have complained of.
//!
//! What has no effect is also taken out of the model.

use super::model::Config;
use super::problem::Problems;

mod servers;
mod vrrp;

/// Checks the whole, and mends it as keepalived does.
pub fn verify(config: &mut Config, problems: &mut Problems) {
    vrrp::verify(config, problems);
    servers::verify(config, problems);
}
