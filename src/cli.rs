//! From `argv` to what is done, a file for each program.

pub mod ipvsadm;
mod kernel;
pub mod lvs_check;
pub mod lvs_director;
pub mod lvs_realserver;
pub mod lvs_vip;
pub mod lvs_vrrp;
mod post;
mod rules;
mod scheduling;
mod synchronisation;
