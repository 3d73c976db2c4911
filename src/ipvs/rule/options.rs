//! The one table of all options: what they are called, whether they take a value, what they do.
//! Reading, the help text, the completion and the test of the manual page come from it.

use super::legality::Name;

/// A command or an option of the language.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // The table says what each is.
pub enum Opt {
    AddService,
    EditService,
    DeleteService,
    Clear,
    Restore,
    Save,
    AddServer,
    EditServer,
    DeleteServer,
    List,
    Zero,
    Set,
    StartDaemon,
    StopDaemon,
    Apply,
    Undrain,
    Help,
    Version,
    TcpService,
    UdpService,
    SctpService,
    FwmarkService,
    Ipv6,
    Scheduler,
    SchedulerFlags,
    Persistent,
    Netmask,
    Engine,
    OnePacket,
    RealServer,
    Gatewaying,
    Ipip,
    Masquerading,
    TunnelType,
    TunnelPort,
    TunnelNoChecksum,
    TunnelChecksum,
    TunnelRemoteChecksum,
    Weight,
    UpperThreshold,
    LowerThreshold,
    Numeric,
    Connection,
    Stats,
    Rate,
    Thresholds,
    PersistentConn,
    TunnelInfo,
    Timeout,
    Daemon,
    Exact,
    NoSort,
    Sort,
    McastInterface,
    SyncId,
    SyncMaxLength,
    McastGroup,
    McastPort,
    McastTtl,
    Json,
    Metrics,
    Pretty,
    Watch,
    Status,
    Filter,
    Count,
    Keep,
    Drain,
    DryRun,
    Verbose,
    Strict,
}

/// Whether an option takes a value, and what the help text calls it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value {
    /// None.
    None,
    /// One.
    Required(&'static str),
    /// One, or none.
    Optional(&'static str),
}

/// Under which title the help text lists an option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// The first option of each line.
    Command,
    /// Which service is meant, and how it behaves.
    Service,
    /// Which destination is meant, and how it is reached.
    Server,
    /// What is listed, and how.
    Listing,
    /// How connections are synchronised.
    Sync,
    /// The first option of each line, where ipvsadm 1.31 has no such command.
    NewCommand,
    /// What is listed, and how, beyond ipvsadm 1.31.
    NewListing,
    /// How the table is changed, beyond ipvsadm 1.31.
    NewChange,
}

impl Group {
    /// The title.
    pub fn title(self) -> &'static str {
        match self {
            Group::Command => "Commands (one, and first)",
            Group::Service => "Services",
            Group::Server => "Real servers",
            Group::Listing => "Listings",
            Group::Sync => "Synchronisation daemons",
            Group::NewCommand => "Beyond ipvsadm 1.31: commands",
            Group::NewListing => "Beyond ipvsadm 1.31: listings",
            Group::NewChange => "Beyond ipvsadm 1.31: changes",
        }
    }
}

/// One line of the table.
#[derive(Debug)]
pub struct Spec {
    /// Which option it is.
    pub opt: Opt,
    /// Its letters; the first is the one to show.
    pub short: &'static [u8],
    /// Its long name.
    pub long: &'static str,
    /// Whether it takes a value.
    pub value: Value,
    /// Where the help text lists it.
    pub group: Group,
    /// The name under which it may be legal with a command; options with one name exclude each
    /// other. Those without one may stand, and be repeated, anywhere.
    pub name: Option<Name>,
    /// What it does.
    pub help: &'static str,
}

/// The table, in the order of the help text.
#[rustfmt::skip] // A line for each.
pub static OPTIONS: &[Spec] = &{
    use Group::*;
    use Opt::*;
    use Value::{None as NoValue, Optional, Required};

    /// What most have in common: a command without a value.
    const PLAIN: Spec =
        Spec { opt: Help, short: b"", long: "", value: NoValue, group: Command, name: None, help: "" };

    type Text = &'static str;
    type Letters = &'static [u8];

    const fn command(opt: Opt, short: Letters, long: Text, help: Text) -> Spec {
        Spec { opt, short, long, help, ..PLAIN }
    }
    const fn new_command(opt: Opt, long: Text, help: Text) -> Spec {
        Spec { opt, long, group: NewCommand, help, ..PLAIN }
    }
    const fn daemon(opt: Opt, long: Text, help: Text) -> Spec {
        Spec { opt, long, value: Required("ROLE"), help, ..PLAIN }
    }
    const fn free(group: Group, opt: Opt, short: Letters, long: Text, help: Text) -> Spec {
        Spec { opt, short, long, group, help, ..PLAIN }
    }
    const fn option(
        group: Group, opt: Opt, short: Letters, long: Text, value: Value, name: Name, help: Text,
    ) -> Spec {
        Spec { opt, short, long, value, group, name: Some(name), help }
    }

    [
        command(AddService, b"A", "add-service", "Add a service"),
        command(EditService, b"E", "edit-service", "Replace all settings of a service"),
        command(DeleteService, b"D", "delete-service", "Delete a service and its real servers"),
        command(Clear, b"C", "clear", "Delete all services"),
        command(Restore, b"R", "restore", "Run the commands on standard input"),
        command(Save, b"S", "save", "Print the commands that rebuild the table"),
        command(AddServer, b"a", "add-server", "Add a real server to a service"),
        command(EditServer, b"e", "edit-server", "Replace all settings of a real server"),
        command(DeleteServer, b"d", "delete-server", "Delete a real server"),
        command(List, b"Ll", "list", "List the table, or what an option asks for; also -l"),
        command(Zero, b"Z", "zero", "Set the counters of a service, or of all, to zero"),
        command(Set, b"", "set", "Set the timeouts TCP TCPFIN UDP in seconds; 0 keeps one"),
        daemon(StartDaemon, "start-daemon", "Start a synchronisation daemon: master or backup"),
        daemon(StopDaemon, "stop-daemon", "Stop a synchronisation daemon: master or backup"),
        command(Help, b"h", "help", "Print this text"),
        command(Version, b"v", "version", "Print the version"),
        option(Service, TcpService, b"t", "tcp-service", Required("HOST[:PORT]"), Name::ServiceAddress, "A TCP service"),
        option(Service, UdpService, b"u", "udp-service", Required("HOST[:PORT]"), Name::ServiceAddress, "A UDP service"),
        option(Service, SctpService, b"", "sctp-service", Required("HOST[:PORT]"), Name::ServiceAddress, "An SCTP service"),
        option(Service, FwmarkService, b"f", "fwmark-service", Required("MARK"), Name::ServiceAddress, "A service for packets with a firewall mark, 1 to 4294967295"),
        free(Service, Ipv6, b"6", "ipv6", "The marked packets are IPv6; after -f"),
        option(Service, Scheduler, b"s", "scheduler", Required("NAME"), Name::Scheduler, "rr, wrr, lc, wlc, lblc, lblcr, dh, sh, sed, nq, fo, ovf, mh, twos; default wlc"),
        option(Service, SchedulerFlags, b"b", "sched-flags", Required("FLAGS"), Name::SchedulerFlags, "Scheduler flags, with commas: flag-1 to flag-3, sh-fallback, sh-port, mh-fallback, mh-port"),
        option(Service, Persistent, b"p", "persistent", Optional("SECONDS"), Name::Persistent, "A client stays with its real server, 1 to 2678400 s; default 360"),
        option(Service, Netmask, b"M", "netmask", Required("MASK"), Name::Netmask, "Clients under one mask (IPv4) or prefix length (IPv6) count as one"),
        option(Service, Engine, b"", "pe", Required("NAME"), Name::Engine, "The persistence engine: sip"),
        option(Service, OnePacket, b"o", "ops", NoValue, Name::OnePacket, "Schedule each UDP packet by itself"),
        option(Server, RealServer, b"r", "real-server", Required("HOST[:PORT]"), Name::RealServer, "The real server; its port is that of the service, if not given"),
        option(Server, Gatewaying, b"g", "gatewaying", NoValue, Name::Forwarding, "Direct routing (LVS-DR); the default"),
        option(Server, Ipip, b"i", "ipip", NoValue, Name::Forwarding, "Tunneling (LVS-TUN)"),
        option(Server, Masquerading, b"m", "masquerading", NoValue, Name::Forwarding, "Network address translation (LVS-NAT)"),
        option(Server, TunnelType, b"", "tun-type", Required("TYPE"), Name::TunnelType, "ipip, gue or gre; default ipip"),
        option(Server, TunnelPort, b"", "tun-port", Required("PORT"), Name::TunnelPort, "The UDP port of a gue tunnel"),
        option(Server, TunnelNoChecksum, b"", "tun-nocsum", NoValue, Name::TunnelNoChecksum, "No checksum in a gue or gre tunnel; the default"),
        option(Server, TunnelChecksum, b"", "tun-csum", NoValue, Name::TunnelChecksum, "A checksum in a gue or gre tunnel"),
        option(Server, TunnelRemoteChecksum, b"", "tun-remcsum", NoValue, Name::TunnelRemoteChecksum, "Remote checksum offload in a gue tunnel"),
        option(Server, Weight, b"w", "weight", Required("WEIGHT"), Name::Weight, "Its share, 0 to 2147483647; 0: no new connections; default 1"),
        option(Server, UpperThreshold, b"x", "u-threshold", Required("COUNT"), Name::UpperThreshold, "No new connections from this many on; default 0: no limit"),
        option(Server, LowerThreshold, b"y", "l-threshold", Required("COUNT"), Name::LowerThreshold, "New connections again below this many; default 0: 3/4 of -x"),
        option(Listing, Numeric, b"n", "numeric", NoValue, Name::Numeric, "No names (also with -S)"),
        option(Listing, Connection, b"c", "connection", NoValue, Name::Connection, "The connections"),
        option(Listing, Stats, b"", "stats", NoValue, Name::Stats, "Counters"),
        option(Listing, Rate, b"", "rate", NoValue, Name::Rate, "Rates per second"),
        option(Listing, Thresholds, b"", "thresholds", NoValue, Name::Thresholds, "Thresholds"),
        option(Listing, PersistentConn, b"", "persistent-conn", NoValue, Name::PersistentConn, "Persistent connections; with -c, what the engine knows"),
        option(Listing, TunnelInfo, b"", "tun-info", NoValue, Name::TunnelInfo, "Kinds of tunnel"),
        option(Listing, Timeout, b"", "timeout", NoValue, Name::Timeout, "The timeouts"),
        option(Listing, Daemon, b"", "daemon", NoValue, Name::Daemon, "The synchronisation daemons"),
        option(Listing, Exact, b"X", "exact", NoValue, Name::Exact, "Counters in full, without K, M, G, T"),
        option(Listing, NoSort, b"", "nosort", NoValue, Name::NoSort, "In the kernel's order"),
        free(Listing, Sort, b"", "sort", "Sorted; the default"),
        option(Sync, McastInterface, b"", "mcast-interface", Required("INTERFACE"), Name::McastInterface, "The interface to multicast on; default eth0"),
        option(Sync, SyncId, b"", "syncid", Required("ID"), Name::SyncId, "The group of directors, 0 to 255; default 0"),
        option(Sync, SyncMaxLength, b"", "sync-maxlen", Required("BYTES"), Name::SyncMaxLength, "The longest message, 1 to 65507; default: what fits into one packet"),
        option(Sync, McastGroup, b"", "mcast-group", Required("ADDRESS"), Name::McastGroup, "The multicast group, IPv4 or IPv6; default 224.0.0.81"),
        option(Sync, McastPort, b"", "mcast-port", Required("PORT"), Name::McastPort, "The UDP port; default 8848"),
        option(Sync, McastTtl, b"", "mcast-ttl", Required("TTL"), Name::McastTtl, "The time to live, 1 to 255; default 1"),
        Spec { value: Required("FILE"), ..new_command(Apply, "apply", "Make the table be what a saved one says, with the fewest changes; -: standard input") },
        new_command(Undrain, "undrain", "Give a service's drained real servers, or the one of -r, their weight back"),
        option(NewListing, Json, b"", "json", NoValue, Name::Json, "As a JSON document; alone or with any listing"),
        option(NewListing, Metrics, b"", "metrics", NoValue, Name::Metrics, "The table and its counters as Prometheus text; alone or with -L"),
        option(NewListing, Pretty, b"", "pretty", NoValue, Name::Pretty, "The table with lines, bars and, on a terminal, colours; alone or with -L"),
        option(NewListing, Watch, b"", "watch", Optional("SECONDS"), Name::Watch, "The table again and again, full-screen on a terminal; default 2 s; alone or with -L"),
        option(NewListing, Status, b"", "status", NoValue, Name::Status, "The state of IPVS in the kernel; alone or with -L"),
        option(NewListing, Filter, b"", "filter", Required("WHICH"), Name::Filter, "Only connections of service=HOST[:PORT], server=HOST[:PORT], client=HOST[/LENGTH], state=NAME; with commas"),
        option(NewListing, Count, b"", "count", NoValue, Name::Count, "How many connections, by real server and state"),
        option(NewChange, Keep, b"", "keep", NoValue, Name::Keep, "With -e, -E: edit only what is named, keep the rest"),
        option(NewChange, Drain, b"", "drain", Required("SECONDS"), Name::Drain, "With -d, -D, -e, --apply: weight 0, wait for active connections to end, but not longer"),
        option(NewChange, DryRun, b"", "dry-run", NoValue, Name::DryRun, "With --apply: only print the commands that it would run"),
        option(NewChange, Verbose, b"", "verbose", NoValue, Name::Verbose, "With -R: tell the line of each problem, as is done on a terminal"),
        option(NewChange, Strict, b"", "strict", NoValue, Name::Strict, "With -R: check all lines before the first is run, and fail if any fails"),
    ]
};

/// The option with this long name, which must be whole.
pub fn by_long(name: &[u8]) -> Option<&'static Spec> {
    OPTIONS.iter().find(|option| option.long.as_bytes() == name)
}

/// The option with this letter.
pub fn by_short(letter: u8) -> Option<&'static Spec> {
    let index = *BY_SHORT.get(usize::from(letter))?;
    OPTIONS.get(usize::from(index?))
}

/// For each letter its place in the table: a restore looks up six letters a line.
static BY_SHORT: [Option<u8>; 128] = {
    let mut places = [None; 128];
    let mut index = 0;
    while index < OPTIONS.len() {
        let mut letter = 0;
        while letter < OPTIONS[index].short.len() {
            places[OPTIONS[index].short[letter] as usize] = Some(index as u8);
            letter += 1;
        }
        index += 1;
    }
    places
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_options_share_a_name_or_a_letter() {
        for (index, option) in OPTIONS.iter().enumerate() {
            assert!(std::ptr::eq(
                by_long(option.long.as_bytes()).unwrap(),
                option
            ));
            for &letter in option.short {
                assert!(std::ptr::eq(by_short(letter).unwrap(), &OPTIONS[index]));
            }
        }
        assert!(by_short(b'k').is_none() && by_short(200).is_none());
    }
}
