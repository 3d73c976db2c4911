//! Rows to text.

pub mod classic;
pub mod connections;
mod count;
pub mod json;
pub mod metrics;
pub mod status;
mod words;
