//! Rows to text.

pub mod classic;
pub mod connections;
mod count;
pub mod status;
