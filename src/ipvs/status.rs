//! The state of IPVS in the kernel: what its files under /proc say, and what its settings mean.
//!
//! Sources: net/netfilter/ipvs/ip_vs_ctl.c, Documentation/networking/ipvs-sysctl.rst.

use super::{Daemon, Info, Stats, Timeouts};

/// Where the kernel has the settings of IPVS, a file for each.
pub const SETTINGS: &str = "/proc/sys/net/ipv4/vs";

/// Where the kernel has the sum of all counters.
pub const TOTALS: &str = "/proc/net/ip_vs_stats";

/// Where kernels from 7.x on tell of their tables.
pub const TABLES: &str = "/proc/net/ip_vs_status";

/// The state of IPVS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its version and the size of its connection table.
    pub info: Info,
    /// How many services there are.
    pub services: u64,
    /// How many destinations they have.
    pub destinations: u64,
    /// How many active connections these have.
    pub active: u64,
    /// How many other connections these have.
    pub inactive: u64,
    /// The counters and rates of all services together.
    pub totals: Option<Stats>,
    /// The timeouts of connections.
    pub timeouts: Timeouts,
    /// The synchronisation daemons.
    pub daemons: Vec<Daemon>,
    /// What the kernel tells of its tables, as it calls it; older ones tell nothing.
    pub tables: Vec<(String, String)>,
    /// The settings, in the order of their names.
    pub settings: Vec<Setting>,
}

/// A setting, a file below [`SETTINGS`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// Its name.
    pub name: String,
    /// Its value as the file has it: a number, or several with tabs between.
    pub value: String,
}

impl Setting {
    /// The meaning of the settings that users have to know.
    pub fn meaning(&self) -> Option<&'static str> {
        let known = MEANINGS.iter().find(|(name, _)| *name == self.name);
        known.map(|(_, meaning)| *meaning)
    }
}

#[rustfmt::skip] // A line for each.
const MEANINGS: &[(&str, &str)] = &[
    ("backup_only", "1: while a backup daemon runs, packets for this host are not scheduled again"),
    ("conn_lfactor", "how full the connection table gets before it grows"),
    ("conn_max", "no more connections than this"),
    ("conn_reuse_mode", "1: a client's port that is used again is scheduled anew"),
    ("conntrack", "1: connections are known to netfilter too"),
    ("drop_entry", "1 to 3: under memory pressure, connections are dropped"),
    ("drop_packet", "1 to 3: under memory pressure, packets are dropped"),
    ("expire_nodest_conn", "1: connections of a deleted server end with their next packet"),
    ("expire_quiescent_template", "1: persistence does not bring clients back to a server with weight 0"),
    ("ignore_tunneled", "1: tunneled packets are not balanced again"),
    ("nat_icmp_send", "1: ICMP errors are sent for NAT servers that do not know a packet"),
    ("pmtu_disc", "1: packets that are too long for a tunnel are answered with ICMP"),
    ("run_estimation", "0: no rates are computed"),
    ("schedule_icmp", "1: ICMP that belongs to no connection is scheduled"),
    ("secure_tcp", "1 to 3: against SYN floods, shorter timeouts"),
    ("sloppy_sctp", "1: SCTP connections may begin with any packet"),
    ("sloppy_tcp", "1: TCP connections may begin with any packet"),
    ("snat_reroute", "1: answers of NAT servers are routed again"),
    ("svc_lfactor", "how full the table of services gets before it grows"),
    ("sync_persist_mode", "1: of persistent services only the templates are synchronised"),
    ("sync_refresh_period", "seconds after which an unchanged connection is sent again"),
    ("sync_threshold", "after how many packets a connection is sent, and then each how many"),
];

/// Reads [`TOTALS`]: a line of hexadecimal counters, and one of rates.
pub fn read_totals(text: &str) -> Option<Stats> {
    let mut rows = text.lines().filter_map(|line| {
        let numbers = line.split_ascii_whitespace();
        let numbers: Option<Vec<u64>> = numbers
            .map(|word| u64::from_str_radix(word, 16).ok())
            .collect();
        <[u64; 5]>::try_from(numbers?).ok()
    });
    let (counters, rates) = (rows.next()?, rows.next()?);
    Some(Stats {
        connections: counters[0],
        packets_in: counters[1],
        packets_out: counters[2],
        bytes_in: counters[3],
        bytes_out: counters[4],
        connection_rate: rates[0],
        packet_rate_in: rates[1],
        packet_rate_out: rates[2],
        byte_rate_in: rates[3],
        byte_rate_out: rates[4],
    })
}

/// Reads [`TABLES`]: a name, a colon and a value in each line.
pub fn read_tables(text: &str) -> Vec<(String, String)> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_owned(), value.trim().to_owned()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_hexadecimal() {
        let text = "   Total Incoming Outgoing         Incoming         Outgoing\n   \
                    Conns  Packets  Packets            Bytes            Bytes\n       \
                    A       1F        0            FFFFFFFFFF                0\n\n \
                    Conns/s   Pkts/s   Pkts/s          Bytes/s          Bytes/s\n       \
                    1        2        0               3C                0\n";
        let totals = read_totals(text).unwrap();
        assert_eq!((totals.connections, totals.packets_in), (10, 31));
        assert_eq!((totals.bytes_in, totals.byte_rate_in), (0xff_ffff_ffff, 60));
        assert_eq!(read_totals(""), None);
        assert_eq!(read_totals("1 2 3 4 5\n"), None);
    }

    #[test]
    fn tables_are_names_and_values() {
        let text = "Conns:\t0\nConn buckets:\t256 (8 bits, lfactor -4)\nx\n";
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let expected = [
            pair("Conns", "0"),
            pair("Conn buckets", "256 (8 bits, lfactor -4)"),
        ];
        assert_eq!(read_tables(text), expected);
    }
}
