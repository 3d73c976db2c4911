//! Rows to text.

pub mod check;
pub mod classic;
pub mod connections;
mod count;
pub mod director;
pub mod json;
pub mod metrics;
pub mod pretty;
pub mod realserver;
pub mod rows;
pub mod status;
pub mod style;
pub mod vip;
pub mod vrrp;
pub mod watch;
mod words;
