//! lvskit: load balancing on Linux with IPVS (LVS), from the shell.
//!
//! The rooms, from the ground up; each may use those before it, never those after:
//!
//! - [`addr`]: families, protocols, endpoints, names
//! - [`netlink`]: one connection to the kernel
//! - [`host`]: what this machine knows and has
//! - [`ipvs`]: the table: values, the rule language, the wire, the client
//! - [`realserver`]: a host that has a VIP of which nobody hears, and the steps to be one
//! - [`conf`]: the file keepalived.conf
//! - [`vrrp`]: who has a virtual address: adverts, what is believed of them, the state machine,
//!   the speaker
//! - [`check`]: health checks
//! - [`supervise`]: the programs of a director, kept alive
//! - [`notify`]: who is not here is told: mails, pipes
//! - [`show`]: rows to text
//! - [`report`]: how a program ends
//! - [`cli`]: from `argv` to what is done

pub mod addr;
pub mod check;
pub mod cli;
pub mod conf;
pub mod host;
pub mod ipvs;
pub mod netlink;
pub mod notify;
pub mod realserver;
pub mod report;
pub mod show;
pub mod supervise;
pub mod vrrp;
