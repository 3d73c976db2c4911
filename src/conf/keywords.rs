//! The one table of keywords: what there is, where it may stand, what it takes, what it does, and
//! whether we act on it. The parser, its messages and the manual page come from it.

use std::sync::LazyLock;

use super::value::Kind;

mod checkers;
mod global;
mod servers;
mod vrrp;

/// A keyword where it may stand.
#[derive(Clone, Copy, Debug)]
pub struct Keyword {
    /// As it is written.
    pub name: &'static str,
    /// The blocks that it may stand in.
    pub inside: &'static [Block],
    /// Its arguments.
    pub kind: Kind,
    /// Whether there must be any.
    pub needs: Needs,
    /// What it begins.
    pub opens: Opens,
    /// What holds without it, for the manual page; empty if nothing does.
    pub default: &'static str,
    /// What it does.
    pub says: &'static str,
    /// Whether we act on it.
    pub acts: Acts,
    /// Whether only the first of several counts.
    pub once: bool,
}

/// Whether a keyword must have arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Needs {
    /// None are needed.
    Nothing,
    /// Without them it has no effect.
    Argument,
    /// Without them keepalived does not start.
    ArgumentOrDie,
}

/// What a keyword begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opens {
    /// Nothing.
    Nothing,
    /// A block with keywords.
    Block(Block),
    /// A block with a line for each entry.
    List(Entry),
}

/// What each line of a list is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// A name or an address of mail; several may stand on a line.
    Names,
    /// An address of an interface, as `ip address` has it.
    Addresses,
    /// A route, as `ip route` has it.
    Routes,
    /// A rule, as `ip rule` has it.
    Rules,
    /// A VRRP router.
    Peers,
    /// Something watched: a name, then `weight N [reverse]` with N up to that.
    Trackers(i64),
    /// An interface with options.
    Interfaces,
    /// Addresses, ranges and marks of virtual servers.
    Members,
}

/// Whether we act on a keyword.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Acts {
    /// We do.
    Yes,
    /// We do not: it belongs to this subject.
    Not(&'static str),
    /// It is the old word for this.
    Old(&'static str),
}

macro_rules! blocks {
    ($($name:ident $keyword:literal $title:literal,)*) => {
        /// A block: where keywords may stand.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Block { $(#[doc = concat!("`", $keyword, "`")] $name,)* }

        impl Block {
            /// All blocks, in the order of the manual page.
            pub const ALL: &[Block] = &[$(Block::$name,)*];

            /// The keyword that begins it.
            pub fn name(self) -> &'static str {
                match self { $(Block::$name => $keyword,)* }
            }

            /// What it is, for the manual page.
            pub fn title(self) -> &'static str {
                match self { $(Block::$name => $title,)* }
            }
        }
    };
}

blocks! {
    Top "the top of the file" "Top level",
    Global "global_defs" "global_defs",
    TrackGroup "track_group" "track_group",
    TrackFile "track_file" "track_file",
    TrackProcess "vrrp_track_process" "vrrp_track_process",
    Script "vrrp_script" "vrrp_script",
    SyncGroup "vrrp_sync_group" "vrrp_sync_group",
    GarpGroup "garp_group" "garp_group",
    Bfd "bfd_instance" "bfd_instance",
    Instance "vrrp_instance" "vrrp_instance",
    Authentication "authentication" "authentication",
    VirtualServer "virtual_server" "virtual_server",
    RealServer "real_server" "real_server",
    Tcp "TCP_CHECK" "TCP_CHECK",
    Http "HTTP_GET" "HTTP_GET",
    Ssl "SSL_GET" "SSL_GET",
    Url "url" "url",
    Smtp "SMTP_CHECK" "SMTP_CHECK",
    SmtpHost "host" "host",
    Dns "DNS_CHECK" "DNS_CHECK",
    Misc "MISC_CHECK" "MISC_CHECK",
    Udp "UDP_CHECK" "UDP_CHECK",
    Ping "PING_CHECK" "PING_CHECK",
    File "FILE_CHECK" "FILE_CHECK",
    BfdCheck "BFD_CHECK" "BFD_CHECK",
    SslGlobal "SSL" "SSL",
}

/// The parts of the table.
const TABLE: &[&[Keyword]] = &[
    global::TOP,
    global::GLOBAL,
    vrrp::INSTANCE,
    vrrp::TRACKERS,
    servers::SERVERS,
    checkers::CHECKERS,
];

/// All rows.
pub fn all() -> impl Iterator<Item = &'static Keyword> {
    TABLE.iter().flat_map(|part| part.iter())
}

/// The rows of a block, in the order of the table.
pub fn of(block: Block) -> impl Iterator<Item = &'static Keyword> {
    all().filter(move |keyword| keyword.inside.contains(&block))
}

/// The keyword with that name in that block.
pub fn find(block: Block, name: &str) -> Option<&'static Keyword> {
    static ROWS: LazyLock<Vec<Vec<&Keyword>>> = LazyLock::new(|| {
        let sorted = |&block: &Block| {
            let mut rows: Vec<_> = of(block).collect();
            rows.sort_by_key(|row| row.name);
            rows
        };
        Block::ALL.iter().map(sorted).collect()
    });
    let rows = ROWS.get(block as usize)?;
    let found = rows.binary_search_by_key(&name, |row| row.name);
    Some(rows[found.ok()?])
}

/// The keyword of a block that a misspelt word is nearest to, if it is near enough.
pub fn nearest(block: Block, name: &str) -> Option<&'static str> {
    let length = name.chars().count();
    // Nobody mistypes more, and the distance is not cheap.
    if !(2..=64).contains(&length) {
        return None;
    }
    let allowed = match length {
        0..=4 => 1,
        5..=7 => 2,
        _ => 3,
    };
    of(block)
        .map(|keyword| (distance(name, keyword.name), keyword.name))
        .filter(|(distance, _)| *distance <= allowed)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be changed, added, removed, or exchanged with their neighbour; capitals
/// do not count.
fn distance(one: &str, other: &str) -> usize {
    let one: Vec<char> = one.to_lowercase().chars().collect();
    let other: Vec<char> = other.to_lowercase().chars().collect();
    let mut before: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.iter().enumerate() {
        let mut next = vec![i + 1];
        for (j, b) in other.iter().enumerate() {
            let changed = row[j] + usize::from(a != b);
            let mut least = changed.min(row[j + 1] + 1).min(next[j] + 1);
            if i > 0 && j > 0 && *a == other[j - 1] && one[i - 1] == *b {
                least = least.min(before[j - 1] + 1);
            }
            next.push(least);
        }
        before = std::mem::replace(&mut row, next);
    }
    row[other.len()]
}

/// A row with an argument, without which keepalived does not start, unless its kind needs none.
const fn row(
    inside: &'static [Block],
    name: &'static str,
    kind: Kind,
    default: &'static str,
    says: &'static str,
) -> Keyword {
    Keyword {
        name,
        inside,
        kind,
        needs: match kind {
            Kind::Flag | Kind::Switch => Needs::Nothing,
            _ => Needs::ArgumentOrDie,
        },
        opens: Opens::Nothing,
        default,
        says,
        acts: Acts::Yes,
        once: false,
    }
}

impl Keyword {
    const fn may(self) -> Self {
        Keyword {
            needs: Needs::Nothing,
            ..self
        }
    }

    const fn mild(self) -> Self {
        Keyword {
            needs: Needs::Argument,
            ..self
        }
    }

    const fn block(self, block: Block) -> Self {
        Keyword {
            opens: Opens::Block(block),
            ..self
        }
    }

    const fn list(self, entry: Entry) -> Self {
        Keyword {
            opens: Opens::List(entry),
            ..self
        }
    }

    const fn not(self, subject: &'static str) -> Self {
        Keyword {
            acts: Acts::Not(subject),
            ..self
        }
    }

    const fn old(self, word: &'static str) -> Self {
        Keyword {
            acts: Acts::Old(word),
            ..self
        }
    }

    const fn once(self) -> Self {
        Keyword { once: true, ..self }
    }

    /// The keyword with its arguments, as the manual page has it.
    pub fn synopsis(&self) -> String {
        let arguments = self.kind.shown();
        let arguments = match (arguments.is_empty(), self.needs) {
            (true, _) => String::new(),
            (false, Needs::Nothing) => format!(" [{arguments}]"),
            (false, _) => format!(" {arguments}"),
        };
        let braces = match self.opens {
            Opens::Nothing => "",
            _ => " { ... }",
        };
        format!("{}{arguments}{braces}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_block_has_a_keyword_twice() {
        for &block in Block::ALL {
            let mut names: Vec<_> = of(block).map(|keyword| keyword.name).collect();
            let count = names.len();
            names.sort_unstable();
            names.dedup();
            assert_eq!(names.len(), count, "{block:?}");
        }
    }

    #[test]
    fn each_keyword_is_found_where_it_may_stand() {
        for keyword in all() {
            for &block in keyword.inside {
                assert!(find(block, keyword.name).is_some(), "{}", keyword.name);
            }
        }
    }

    #[test]
    fn a_misspelt_keyword_has_its_nearest() {
        for (block, name, expected) in [
            (
                Block::VirtualServer,
                "presistence_timeout",
                Some("persistence_timeout"),
            ),
            (
                Block::Instance,
                "lvs_sync_daemon_inteface",
                Some("lvs_sync_daemon_interface"),
            ),
            (Block::Instance, "PRIORITY", Some("priority")),
            (Block::Top, "vrrp_instnace", Some("vrrp_instance")),
            (Block::Top, "192.0.2.1", None),
            (Block::Tcp, "", None),
        ] {
            assert_eq!(nearest(block, name), expected, "{name}");
        }
    }
}
