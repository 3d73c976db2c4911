//! What a configuration says, as typed values. A setting that may be inherited is absent until
//! [`Config::effective`] fills it in.

use std::time::Duration;

use super::field::Field;
use super::keywords;
use super::lists::{InterfaceAddress, Member, Route, Rule};
use super::source::{At, Place};

pub use checkers::{Checker, CheckerKind, Connection, Dns, FileCheck, Http, Misc, Smtp, Udp, Url};
pub use global::{Global, SslGlobal};
pub use servers::{DEFAULT_PERSISTENCE, RealServer, VirtualServer};
pub use synchronisation::Synchronisation;
pub use vrrp::{
    Authentication, GarpGroup, Instance, Script, SyncGroup, TrackFile, TrackGroup, TrackProcess,
};

/// Makes a block of settings: the structure, its defaults, and which keyword fills which field.
macro_rules! settings {
    (
        $(#[$doc:meta])* $name:ident of $block:ident {
            $($(#[$about:meta])* $($word:literal)|+ $field:ident: $kind:ty = $default:expr,)*
        } and {
            $($(#[$other_about:meta])* $other:ident: $other_kind:ty,)*
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name {
            $($(#[$about])* pub $field: $kind,)*
            $($(#[$other_about])* pub $other: $other_kind,)*
            /// Where it stands, and what is only kept.
            pub common: Common,
        }

        impl Default for $name {
            fn default() -> Self {
                $name {
                    $($field: $default,)*
                    $($other: Default::default(),)*
                    common: Common::default(),
                }
            }
        }

        impl Settings for $name {
            fn block(&self) -> keywords::Block {
                keywords::Block::$block
            }
            fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
                match name {
                    $($($word)|+ => Some(&mut self.$field),)*
                    _ => None,
                }
            }
            fn common(&mut self) -> &mut Common {
                &mut self.common
            }
        }
    };
}

mod checkers;
mod effective;
mod global;
mod servers;
mod synchronisation;
mod vrrp;

/// A block of settings.
pub trait Settings {
    /// Which block it is.
    fn block(&self) -> keywords::Block;
    /// The setting that a keyword fills.
    fn field(&mut self, name: &str) -> Option<&mut dyn Field>;
    /// What all blocks have.
    fn common(&mut self) -> &mut Common;
}

/// What all blocks have.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// Where the block begins.
    pub at: At,
    /// Where its keywords stand.
    pub places: Places,
    /// What is not acted on, as it stands.
    pub kept: Vec<Kept>,
}

impl Common {
    /// Where a keyword stands, or the block if it does not.
    pub fn place(&self, keyword: &str) -> Place {
        self.places.find(keyword).unwrap_or(self.at.0)
    }

    /// Whether a keyword stands in the file.
    pub fn has(&self, keyword: &str) -> bool {
        self.places.find(keyword).is_some()
    }

    /// The keywords that stand in the file, each with its place.
    pub fn keywords(&self) -> &[(&'static str, Place)] {
        &self.places.0
    }
}

/// Where the keywords of a block stand; equal to any other.
#[derive(Clone, Debug, Default)]
pub struct Places(Vec<(&'static str, Place)>);

impl Places {
    /// Has room for so many more, and no more than that.
    pub fn expect(&mut self, keywords: usize) {
        self.0.reserve_exact(keywords);
    }

    /// Remembers a place; of several the last.
    pub fn add(&mut self, keyword: &'static str, place: Place) {
        match self.0.iter_mut().find(|(name, _)| *name == keyword) {
            Some(found) => found.1 = place,
            None => self.0.push((keyword, place)),
        }
    }

    fn find(&self, keyword: &str) -> Option<Place> {
        let found = self.0.iter().find(|(name, _)| *name == keyword);
        found.map(|(_, place)| *place)
    }
}

impl PartialEq for Places {
    fn eq(&self, _: &Places) -> bool {
        true
    }
}

/// A statement that is understood and only kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its keyword.
    pub name: &'static str,
    /// The words behind it.
    pub words: Vec<String>,
    /// The lines of its list.
    pub lines: Vec<Vec<String>>,
    /// What is in its block.
    pub inside: Vec<Kept>,
    /// Whether it has a block or a list.
    pub braces: bool,
}

/// A whole configuration.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Config {
    /// `net_namespace`: where all is done.
    pub net_namespace: Option<String>,
    /// `net_namespace_ipvs`: where the IPVS table is; an empty name is that of the machine.
    pub net_namespace_ipvs: Option<String>,
    /// `instance`: which of several daemons.
    pub instance: Option<String>,
    /// `global_defs`.
    pub global: Global,
    /// `static_ipaddress`.
    pub static_addresses: Vec<InterfaceAddress>,
    /// `static_routes`.
    pub static_routes: Vec<Route>,
    /// `static_rules`.
    pub static_rules: Vec<Rule>,
    /// `track_group`.
    pub track_groups: Vec<TrackGroup>,
    /// `track_file`.
    pub track_files: Vec<TrackFile>,
    /// `vrrp_track_process`.
    pub track_processes: Vec<TrackProcess>,
    /// `vrrp_script`.
    pub scripts: Vec<Script>,
    /// `vrrp_sync_group`.
    pub sync_groups: Vec<SyncGroup>,
    /// `garp_group`.
    pub garp_groups: Vec<GarpGroup>,
    /// `vrrp_instance`.
    pub instances: Vec<Instance>,
    /// `virtual_server_group`.
    pub groups: Vec<VirtualServerGroup>,
    /// `virtual_server`.
    pub virtual_servers: Vec<VirtualServer>,
    /// `SSL`.
    pub ssl: Option<SslGlobal>,
    /// Where the keywords of the top level stand, and what is only kept.
    pub common: Common,
}

impl Config {
    /// What concerns checks: without static addresses and all that is VRRP's own.
    pub fn for_checks(self) -> Self {
        Config {
            static_addresses: Vec::new(),
            static_routes: Vec::new(),
            static_rules: Vec::new(),
            track_groups: Vec::new(),
            track_processes: Vec::new(),
            scripts: Vec::new(),
            sync_groups: Vec::new(),
            garp_groups: Vec::new(),
            instances: Vec::new(),
            ..self
        }
    }
}

impl Settings for Config {
    fn block(&self) -> keywords::Block {
        keywords::Block::Top
    }
    fn field(&mut self, name: &str) -> Option<&mut dyn Field> {
        match name {
            "net_namespace" => Some(&mut self.net_namespace),
            "net_namespace_ipvs" => Some(&mut self.net_namespace_ipvs),
            "instance" => Some(&mut self.instance),
            "static_ipaddress" => Some(&mut self.static_addresses),
            "static_routes" => Some(&mut self.static_routes),
            "static_rules" => Some(&mut self.static_rules),
            _ => None,
        }
    }
    fn common(&mut self) -> &mut Common {
        &mut self.common
    }
}

/// A `virtual_server_group`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VirtualServerGroup {
    /// Its name.
    pub name: String,
    /// Its addresses, ranges and marks.
    pub members: Vec<Member>,
    /// Where it stands.
    pub at: At,
}

/// So many seconds.
const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
