//! Which option goes with which command: the table of ipvsadm, and how it is checked.

use super::Problem;

/// Makes the enumeration and its texts of one list.
macro_rules! names {
    ($($name:ident $text:literal)*) => {
        /// What options are called in messages. The order is that in which they are checked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[allow(missing_docs)] // `text` says what each is called.
        pub enum Name {
            $($name,)*
        }

        impl Name {
            const ALL: &'static [Name] = &[$(Name::$name,)*];

            /// The name as it stands in messages.
            pub fn text(self) -> &'static str {
                match self {
                    $(Name::$name => $text,)*
                }
            }
        }
    };
}

names! {
    Numeric "numeric"
    Connection "connection"
    ServiceAddress "service-address"
    Scheduler "scheduler"
    Persistent "persistent"
    Netmask "netmask"
    RealServer "real-server"
    Forwarding "forwarding-method"
    Weight "weight"
    UpperThreshold "u-threshold"
    LowerThreshold "l-threshold"
    McastInterface "mcast-interface"
    Timeout "timeout"
    Daemon "daemon"
    Stats "stats"
    Rate "rate"
    Thresholds "thresholds"
    PersistentConn "persistent-conn"
    NoSort "nosort"
    SyncId "syncid"
    Exact "exact"
    OnePacket "ops"
    Engine "pe"
    SchedulerFlags "sched-flags"
    McastGroup "mcast-group"
    McastPort "mcast-port"
    McastTtl "mcast-ttl"
    SyncMaxLength "sync-maxlen"
    TunnelInfo "tun-info"
    TunnelType "tun-type"
    TunnelPort "tun-port"
    TunnelNoChecksum "tun-nocsum"
    TunnelChecksum "tun-csum"
    TunnelRemoteChecksum "tun-remcsum"
    Verbose "verbose"
    Strict "strict"
    DryRun "dry-run"
    Json "json"
    Metrics "metrics"
    Pretty "pretty"
    Watch "watch"
    Status "status"
    Filter "filter"
    Count "count"
    Keep "keep"
    Drain "drain"
}

/// A set of names.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Names(u64);

impl Names {
    const fn of(names: &[Name]) -> Self {
        let mut bits = 0;
        let mut index = 0;
        while index < names.len() {
            bits |= 1 << names[index] as u64;
            index += 1;
        }
        Names(bits)
    }

    /// Whether `name` is in the set.
    pub fn has(self, name: Name) -> bool {
        self.0 & (1 << name as u64) != 0
    }

    /// Whether any of `names` is in the set.
    pub fn has_any(self, names: &[Name]) -> bool {
        self.0 & Names::of(names).0 != 0
    }

    /// Adds `name`; tells whether it is new.
    pub fn insert(&mut self, name: Name) -> bool {
        let new = !self.has(name);
        self.0 |= 1 << name as u64;
        new
    }
}

/// A row of the table: what goes with a command, or with a type of tunnel.
pub struct Row {
    /// Must be there.
    required: Names,
    /// May be there.
    allowed: Names,
    /// At most one of these may be there.
    exclusive: Names,
    /// What it is, as messages end: `'list' command`.
    noun: &'static str,
    title: &'static str,
}

impl Row {
    const fn command(
        title: &'static str,
        required: &[Name],
        allowed: &[Name],
        exclusive: &[Name],
    ) -> Self {
        Row {
            required: Names::of(required),
            allowed: Names::of(allowed),
            exclusive: Names::of(exclusive),
            noun: "command",
            title,
        }
    }

    /// The same row with more that may be there.
    const fn and(self, names: &[Name]) -> Self {
        Row {
            allowed: Names(self.allowed.0 | Names::of(names).0),
            ..self
        }
    }

    const fn tunnel(title: &'static str, required: &[Name], exclusive: &[Name]) -> Self {
        Row {
            required: Names::of(required),
            allowed: Names::of(&[]),
            exclusive: Names::of(exclusive),
            noun: "tunnel type",
            title,
        }
    }

    /// Checks what a line has, name by name; the first problem is the one to tell.
    pub fn check(&self, given: Names) -> Result<(), Problem> {
        if self.fits(given) {
            return Ok(());
        }
        self.check_some(given, Name::ALL)
    }

    /// Whether there is no problem at all, told without a look at each name.
    fn fits(&self, given: Names) -> bool {
        let Row {
            required,
            allowed,
            exclusive,
            ..
        } = self;
        let known = required.0 | allowed.0 | exclusive.0;
        given.0 & required.0 == required.0
            && given.0 & !known == 0
            && (given.0 & exclusive.0).count_ones() <= 1
    }

    /// Checks only what concerns tunnels.
    pub fn check_tunnel(&self, given: Names) -> Result<(), Problem> {
        use Name::*;
        self.check_some(
            given,
            &[
                TunnelPort,
                TunnelNoChecksum,
                TunnelChecksum,
                TunnelRemoteChecksum,
            ],
        )
    }

    fn conflict(&self, one: Name, other: Name) -> Problem {
        let Row { noun, title, .. } = self;
        let (one, other) = (one.text(), other.text());
        let text = format!(
            "The option '{one}' conflicts with the '{other}' option in the '{title}' {noun}"
        );
        Problem::Usage(text.into_bytes())
    }

    fn check_some(&self, given: Names, names: &[Name]) -> Result<(), Problem> {
        let Row { noun, title, .. } = self;
        let usage = |text: String| Err(Problem::Usage(text.into_bytes()));
        let mut chosen: Option<Name> = None;
        for &name in names {
            let text = name.text();
            if !given.has(name) {
                if self.required.has(name) {
                    return usage(format!(
                        "You need to supply the '{text}' option for the '{title}' {noun}"
                    ));
                }
            } else if self.exclusive.has(name) {
                if let Some(chosen) = chosen {
                    return Err(self.conflict(name, chosen));
                }
                chosen = Some(name);
            } else if !self.required.has(name) && !self.allowed.has(name) {
                return usage(format!("Illegal '{text}' option with the '{title}' {noun}"));
            }
        }
        Ok(())
    }
}

use Name::*;

const SERVICE: &[Name] = &[
    Scheduler,
    Persistent,
    Netmask,
    OnePacket,
    Engine,
    SchedulerFlags,
];
const SERVER: &[Name] = &[
    Forwarding,
    Weight,
    UpperThreshold,
    LowerThreshold,
    TunnelType,
    TunnelPort,
    TunnelNoChecksum,
    TunnelChecksum,
    TunnelRemoteChecksum,
];
/// What says how a tunnel is made.
pub const TUNNEL: &[Name] = &[
    TunnelType,
    TunnelPort,
    TunnelNoChecksum,
    TunnelChecksum,
    TunnelRemoteChecksum,
];

const CHECKSUMS: &[Name] = &[TunnelNoChecksum, TunnelChecksum, TunnelRemoteChecksum];

/// `-A`.
pub static ADD_SERVICE: Row = Row::command("add-service", &[ServiceAddress], SERVICE, &[]);
/// `-E`.
pub static EDIT_SERVICE: Row =
    Row::command("edit-service", &[ServiceAddress], SERVICE, &[]).and(&[Keep]);
/// `-D`.
pub static DELETE_SERVICE: Row = Row::command("delete-service", &[ServiceAddress], &[Drain], &[]);
/// `-C`.
pub static FLUSH: Row = Row::command("flush", &[], &[], &[]);
/// `-L`. The sync id is legal with it, and has no effect.
pub static LIST: Row = Row::command(
    "list",
    &[],
    &[
        Numeric,
        Stats,
        Rate,
        Thresholds,
        PersistentConn,
        NoSort,
        SyncId,
        Exact,
        TunnelInfo,
        Json,
        Metrics,
        Pretty,
        Watch,
        Filter,
        Count,
    ],
    &[Connection, ServiceAddress, Timeout, Daemon, Status],
);
/// What does not go together in a listing, beside the exclusive ones of [`LIST`]: none of the
/// first with any of the second.
const LISTING_CONFLICTS: &[(&[Name], &[Name])] = &[
    (OUTPUTS, OUTPUTS),
    (
        &[Metrics, Pretty, Watch],
        &[Connection, Filter, Count, Timeout, Daemon, Status],
    ),
    (
        &[Filter, Count],
        &[
            ServiceAddress,
            Timeout,
            Daemon,
            Status,
            Stats,
            Rate,
            Thresholds,
        ],
    ),
    (
        &[Status],
        &[Stats, Rate, Thresholds, PersistentConn, TunnelInfo, Exact],
    ),
];

const OUTPUTS: &[Name] = &[Json, Metrics, Pretty, Watch];

/// Checks what is new in a listing, and so has no message of ipvsadm's.
pub fn check_new_listing(given: Names) -> Result<(), Problem> {
    for (some, others) in LISTING_CONFLICTS {
        for &one in some.iter().filter(|&&one| given.has(one)) {
            let other = others
                .iter()
                .find(|&&other| other != one && given.has(other));
            if let Some(other) = other {
                return Err(LIST.conflict(one, *other));
            }
        }
    }
    Ok(())
}

/// `-a`.
pub static ADD_SERVER: Row = Row::command("add-server", &[ServiceAddress, RealServer], SERVER, &[]);
/// `-e`.
pub static EDIT_SERVER: Row =
    Row::command("edit-server", &[ServiceAddress, RealServer], SERVER, &[]).and(&[Keep]);
/// `-e` with `--drain`, which sets the weight and keeps the rest.
pub static DRAIN_SERVER: Row = Row::command(
    "edit-server --drain",
    &[ServiceAddress, RealServer, Drain],
    &[Keep],
    &[],
);
/// `-d`.
pub static DELETE_SERVER: Row = Row::command(
    "delete-server",
    &[ServiceAddress, RealServer],
    &[Drain],
    &[],
);
/// `--set`.
pub static SET: Row = Row::command("set", &[], &[], &[]);
/// `--start-daemon`.
pub static START_DAEMON: Row = Row::command(
    "start-daemon",
    &[],
    &[
        McastInterface,
        SyncId,
        McastGroup,
        McastPort,
        McastTtl,
        SyncMaxLength,
    ],
    &[],
);
/// `--stop-daemon`.
pub static STOP_DAEMON: Row = Row::command("stop-daemon", &[], &[SyncId], &[]);
/// `-R`.
pub static RESTORE: Row = Row::command("restore", &[], &[Verbose, Strict], &[]);
/// `--apply`.
pub static APPLY: Row = Row::command("apply", &[], &[DryRun, Drain], &[]);
/// `--undrain`.
pub static UNDRAIN: Row = Row::command("undrain", &[ServiceAddress], &[RealServer], &[]);
/// `-S`.
pub static SAVE: Row = Row::command("save", &[], &[Numeric], &[]);
/// `-Z`.
pub static ZERO: Row = Row::command("zero", &[], &[ServiceAddress], &[]);

/// `--tun-type ipip`.
pub static IPIP: Row = Row::tunnel("ipip", &[], &[]);
/// `--tun-type gue`.
pub static GUE: Row = Row::tunnel("gue", &[TunnelPort], CHECKSUMS);
/// `--tun-type gre`.
pub static GRE: Row = Row::tunnel("gre", &[], &[TunnelNoChecksum, TunnelChecksum]);
