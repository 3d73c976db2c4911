//! What the kernel says no to, in the words that users know from ipvsadm.

use std::fmt;
use std::io;

use crate::host::error_text;
use crate::netlink;

use super::Change;

/// What was asked of the kernel, as far as its answer's meaning depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Adding a service.
    AddService,
    /// Editing a service.
    EditService,
    /// Deleting, zeroing or listing a service, or listing its destinations.
    FindService,
    /// Adding a destination.
    AddDestination,
    /// Editing or deleting a destination.
    FindDestination,
    /// Starting a synchronisation daemon.
    StartDaemon,
    /// Stopping a synchronisation daemon.
    StopDaemon,
    /// All else.
    Other,
}

impl Operation {
    /// The operation that `change` is.
    pub fn of(change: &Change) -> Self {
        match change {
            Change::AddService(_) => Operation::AddService,
            Change::EditService(_) => Operation::EditService,
            Change::DeleteService(_) | Change::Zero(_) => Operation::FindService,
            Change::AddDestination(..) => Operation::AddDestination,
            Change::EditDestination(..) | Change::DeleteDestination(..) => {
                Operation::FindDestination
            }
            Change::StartDaemon(_) => Operation::StartDaemon,
            Change::StopDaemon { .. } => Operation::StopDaemon,
            Change::Flush | Change::SetTimeouts(_) => Operation::Other,
        }
    }
}

const EPERM: i32 = 1;
const ENOENT: i32 = 2;
const ESRCH: i32 = 3;
const ENOMEM: i32 = 12;
const EEXIST: i32 = 17;
const ENODEV: i32 = 19;
const EINVAL: i32 = 22;
const EMSGSIZE: i32 = 90;
const ENOPROTOOPT: i32 = 92;
const EOPNOTSUPP: i32 = 95;
const EAFNOSUPPORT: i32 = 97;

/// Which refusals mean something of their own for an operation.
const SPECIAL: &[(Operation, i32, &str)] = &[
    (Operation::AddService, EEXIST, "Service already exists"),
    (
        Operation::AddService,
        ENOENT,
        "Scheduler or persistence engine not found",
    ),
    (Operation::EditService, ESRCH, "No such service"),
    (
        Operation::EditService,
        ENOENT,
        "Scheduler or persistence engine not found",
    ),
    (Operation::FindService, ESRCH, "No such service"),
    (Operation::AddDestination, ESRCH, "Service not defined"),
    (
        Operation::AddDestination,
        EEXIST,
        "Destination already exists",
    ),
    (Operation::FindDestination, ESRCH, "Service not defined"),
    (Operation::FindDestination, ENOENT, "No such destination"),
    (Operation::StartDaemon, EEXIST, "Daemon has already run"),
    (Operation::StopDaemon, ESRCH, "No daemon is running"),
];

/// Which refusals mean the same for all operations.
const GENERAL: &[(i32, &str)] = &[
    (EPERM, "Permission denied (you must be root)"),
    (
        EINVAL,
        "Invalid operation.  Possibly wrong module version, address not unicast, ...",
    ),
    (ENOPROTOOPT, "Protocol not available"),
    (ENOMEM, "Memory allocation problem"),
    (EOPNOTSUPP, "Operation not supported with IPv6"),
    (
        EAFNOSUPPORT,
        "Operation not supported with specified address family",
    ),
    (EMSGSIZE, "Module is wrong version"),
];

/// A request that the kernel did not carry out. Its text is that of ipvsadm 1.31.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// What was asked.
    pub operation: Operation,
    /// The (positive) errno.
    pub errno: i32,
}

impl Refusal {
    /// What it means that an exchange for `operation` failed. An answer that cannot be
    /// understood counts as "invalid".
    pub fn new(operation: Operation, error: netlink::Error) -> Self {
        let errno = match error {
            netlink::Error::Refused(errno) => errno,
            netlink::Error::Socket(error) => error.raw_os_error().unwrap_or(EINVAL),
            netlink::Error::Malformed => EINVAL,
        };
        Refusal { operation, errno }
    }

    /// The kernel has no scheduler or persistence engine of that name.
    pub fn no_such_scheduler(operation: Operation) -> Self {
        Refusal {
            operation,
            errno: ENOENT,
        }
    }

    /// The service has no destination with that address and port.
    pub fn no_such_destination() -> Self {
        Refusal {
            operation: Operation::FindDestination,
            errno: ENOENT,
        }
    }

    /// The kernel has no interface of that name.
    pub fn no_such_interface() -> Self {
        Refusal {
            operation: Operation::StartDaemon,
            errno: ENODEV,
        }
    }

    /// The kernel has no IPVS.
    pub fn no_ipvs() -> Self {
        Refusal {
            operation: Operation::Other,
            errno: ENOPROTOOPT,
        }
    }

    /// Only root may ask.
    pub fn not_root() -> Self {
        Refusal {
            operation: Operation::Other,
            errno: EPERM,
        }
    }

    /// Whether there is no service that could be listed.
    pub fn is_no_such_service(&self) -> bool {
        (self.operation, self.errno) == (Operation::FindService, ESRCH)
    }

    /// Whether the kernel does not know the thing asked for by name (ENOENT).
    pub fn is_unknown_name(&self) -> bool {
        self.errno == ENOENT
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let special = SPECIAL
            .iter()
            .find(|(operation, errno, _)| *operation == self.operation && *errno == self.errno)
            .map(|(_, _, text)| text);
        let general = || {
            GENERAL
                .iter()
                .find(|(errno, _)| *errno == self.errno)
                .map(|(_, text)| text)
        };
        match special.or_else(general) {
            Some(text) => f.write_str(text),
            None => f.write_str(&error_text(&io::Error::from_raw_os_error(self.errno))),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_a_meaning_of_its_own_has_the_systems_text() {
        let refusal = |errno| {
            Refusal {
                operation: Operation::AddDestination,
                errno,
            }
            .to_string()
        };
        assert_eq!(refusal(34), "Numerical result out of range");
        assert_eq!(refusal(999), "Unknown error 999");
        assert_eq!(refusal(17), "Destination already exists");
    }
}
