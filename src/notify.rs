//! What happened is told to those who are not here: by mail, and through pipes with a name.
//! Nothing here waits for anybody.

pub mod mail;
pub mod postman;
mod smtp;
