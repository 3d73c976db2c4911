//! What one virtual router is told: all that a user can say about it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

use crate::addr::Family;

use super::advert::{Advertisement, Body};
use super::command::CommandLine;
use super::configuration::Id;
use super::files::TrackedFile;
use super::process::Count;
use super::reception::{Checksum, Expected};
use super::router::Settings;
use super::routing::Routing;
use super::tracking::Weight;
use super::vmac::Vmac;
use super::{Authentication, Interval, OutOfRange, Priority, Version, Vrid, group_address};

/// The longest label of an address, and the longest name of an interface.
pub const LONGEST_NAME: usize = 15;

/// Where adverts are heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// On which interface.
    pub interface: String,
    /// Sent to which group, or to this machine in packets of the same family.
    pub group: IpAddr,
}

/// A virtual router as it was configured.
#[derive(Clone, Debug, PartialEq)]
pub struct Instance {
    /// What it is called in logs and notifications.
    pub name: String,
    /// Where its adverts go.
    pub interface: String,
    /// Its number there.
    pub vrid: Vrid,
    /// In packets of which family.
    pub family: Family,
    /// Whether another of the same number was named before it there, which it does not hear: their
    /// adverts go to other groups, or to other peers.
    pub is_twin: bool,
    /// How it proves who it is; only version 2 over IPv4 does.
    pub authentication: Authentication,
    /// The address its adverts come from, if it is not the interface's first one.
    pub source: Option<IpAddr>,
    /// Whether it has a fault while that one is not here (else as keepalived without
    /// `track_src_ip`).
    pub tracks_source: bool,
    /// Why it can never take part, if it is told something that nobody could do.
    pub hindrance: Option<String>,
    /// To whom they go; to the group, when there are none.
    pub peers: Vec<IpAddr>,
    /// Which group that is, [`group_address`] by default; those to the machine itself are heard too.
    pub group: IpAddr,
    /// The checksum of version 3 over IPv4.
    pub checksum: Checksum,
    /// The virtual addresses: those of its family are in its adverts, but the excluded ones.
    pub addresses: Vec<VirtualAddress>,
    /// The interface with a MAC address of its own, if it has one.
    pub vmac: Option<Vmac>,
    /// Whether this machine takes packets to the virtual addresses as master; an owner does always.
    pub accepts: bool,
    /// Whether it puts them up; else it only speaks of them.
    pub moves_addresses: bool,
    /// The routes and rules that come and go with the addresses.
    pub routing: Routing,
    /// Whether its own interface has to run (else keepalived's `dont_track_primary`).
    pub follows_link: bool,
    /// Interfaces that have to run, beside its own.
    pub interfaces: Vec<(String, Weight)>,
    /// Scripts that have to succeed.
    pub scripts: Vec<Script>,
    /// Files whose numbers count.
    pub files: Vec<TrackedFile>,
    /// Whom it tells what it has become.
    pub notify: Notify,
    /// Whether pipes are told when its priority changes.
    pub tells_priority: bool,
    /// All that its state machine is told; the source is filled in when it is known.
    pub settings: Settings,
}

impl Instance {
    /// What makes it the same one, whatever else changes.
    pub fn id(&self) -> Id {
        Id {
            interface: self.interface.clone(),
            vrid: self.vrid,
            family: self.family,
            twin: self.is_twin.then(|| self.name.clone()),
        }
    }

    /// The address that its adverts come from even if it is not here: to the group they may, and
    /// keepalived sends them.
    pub fn assumed_source(&self) -> Option<IpAddr> {
        let source = self.source.filter(IpAddr::is_ipv4);
        source.filter(|_| !self.tracks_source && self.peers.is_empty())
    }

    /// Whether the virtual addresses are this machine's own.
    pub fn is_owner(&self) -> bool {
        self.settings.priority == Priority::OWNER
    }

    /// The virtual addresses in its adverts.
    pub fn advertised(&self) -> Vec<IpAddr> {
        let told = self.addresses.iter().filter(|address| !address.excluded);
        let addresses = told.map(|address| address.address);
        addresses
            .filter(|address| Family::of(address) == self.family)
            .collect()
    }

    /// What adverts of its peers have to be.
    pub fn expected(&self) -> Expected {
        Expected {
            vrid: self.vrid,
            version: self.settings.version,
            family: self.family,
            authentication: self.authentication,
            interval: self.settings.interval,
            addresses: self.advertised(),
            peers: self.peers.clone(),
            checksum: self.checksum,
        }
    }

    /// Its advert.
    pub fn advert(&self, priority: Priority) -> Advertisement {
        let body = match self.settings.version {
            Version::V2 => Body::V2 {
                kind: self.authentication.kind(),
                data: self.authentication.data(),
            },
            Version::V3 => Body::V3,
        };
        Advertisement {
            vrid: self.vrid,
            priority,
            interval: self.settings.interval,
            addresses: self.advertised(),
            body,
        }
    }

    /// What cannot be so, as a sentence.
    pub fn fault(&self) -> Option<String> {
        let version = self.settings.version;
        let interval = self.settings.interval;
        if !interval.fits(version) {
            let wanted = match version {
                Version::V2 => "whole seconds",
                Version::V3 => "40.95 at most",
            };
            return Some(format!(
                "version {version} cannot tell an interval of {interval} s, only {wanted}"
            ));
        }
        if self.authentication != Authentication::None
            && (version, self.family) != (Version::V2, Family::V4)
        {
            return Some("only version 2 over IPv4 has authentication".into());
        }
        let other = |address: &&IpAddr| Family::of(address) != self.family;
        if let Some(address) = self.peers.iter().chain(&self.source).find(other) {
            return Some(format!(
                "{address} is of another family than the first virtual address"
            ));
        }
        if self.advertised().len() > 255 {
            return Some("an advert has room for 255 virtual addresses".into());
        }
        None
    }
}

/// Who is told what a router has become; the state is in keepalived's words.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// Run on each change, with `INSTANCE NAME STATE PRIORITY` behind it.
    pub any: Option<CommandLine>,
    /// Run when it is master.
    pub master: Option<CommandLine>,
    /// Run when it is backup.
    pub backup: Option<CommandLine>,
    /// Run when it has a fault.
    pub fault: Option<CommandLine>,
    /// Run when it stops.
    pub stop: Option<CommandLine>,
    /// Run when another configuration has it no more.
    pub deleted: Option<CommandLine>,
    /// Whether it is `DELETED` then; else it has a `FAULT`, as in keepalived.
    pub tells_deletion: bool,
}

/// Something that is looked at again and again, to see whether it is well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// A command that shall succeed.
    Command(CommandLine),
    /// Processes that shall run.
    Count(Count),
}

impl Task {
    /// What a script with this task is called: `script`, `process`.
    pub fn kind(&self) -> &'static str {
        match self {
            Task::Command(_) => "script",
            Task::Count(_) => "process",
        }
    }
}

/// A task that is done again and again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Script {
    /// What it is called in logs.
    pub name: String,
    /// How often it is run.
    pub interval: Duration,
    /// How long it may take; one that takes longer has failed.
    pub timeout: Duration,
    /// How many successes make it well.
    pub rise: u8,
    /// How many failures make it not.
    pub fall: u8,
    /// Whether it counts as failed until it has succeeded often enough (`init_fail`); else the first
    /// run decides.
    pub begins_failed: bool,
    /// What that does to the priority.
    pub weight: Weight,
    /// What is done.
    pub task: Task,
}

impl Script {
    /// Whether it is the same task, done in the same way; the weight is each router's own.
    pub fn is_run_as(&self, other: &Script) -> bool {
        let of = |script: &Script| (script.interval, script.timeout, script.rise, script.fall);
        self.name == other.name && self.task == other.task && of(self) == of(other)
    }
}

impl FromStr for Script {
    type Err = OutOfRange;

    /// Of `NAME:INTERVAL:RISE:FALL:WEIGHT:CMD`.
    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let expected = "NAME:INTERVAL:RISE:FALL:WEIGHT:CMD";
        let read = || {
            let mut parts = text.splitn(6, ':');
            let mut part = || parts.next().map(str::trim);
            let name = part().filter(|name| !name.is_empty())?;
            let interval: f64 = part()?.parse().ok()?;
            let interval = Duration::try_from_secs_f64(interval).ok();
            let interval = interval.filter(|interval| *interval >= Duration::from_millis(1))?;
            Some(Script {
                name: name.to_owned(),
                interval,
                timeout: interval,
                begins_failed: false,
                rise: part()?.parse().ok().filter(|rise| *rise > 0)?,
                fall: part()?.parse().ok().filter(|fall| *fall > 0)?,
                weight: part()?.parse().ok()?,
                task: Task::Command(CommandLine::new(part()?)?),
            })
        };
        read().ok_or(OutOfRange { expected })
    }
}

/// A virtual address, and how it is put up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VirtualAddress {
    /// The address.
    pub address: IpAddr,
    /// Length of its network, 0 to 32 or 128.
    pub prefix: u8,
    /// Where it is put up, if not where the adverts go.
    pub device: Option<String>,
    /// The name under which ifconfig(8) shows it (IPv4).
    pub label: Option<String>,
    /// How far it is valid: the number of `RT_SCOPE_*` (IPv4).
    pub scope: u8,
    /// The broadcast address of its network (IPv4).
    pub broadcast: Option<Ipv4Addr>,
    /// It moves with the others, and is not in the adverts.
    pub excluded: bool,
    /// Whether a master without it is none.
    pub tracked: bool,
}

impl FromStr for VirtualAddress {
    type Err = OutOfRange;

    /// Of `ADDR[/LEN][,dev=IF][,label=TEXT][,scope=SCOPE][,brd=ADDR]`; the length is that of the
    /// whole address when it is not said, as in keepalived.
    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let mut words = text.split(',');
        let address = words.next().unwrap_or_default();
        let (address, prefix) = match address.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (address, None),
        };
        let address: IpAddr = address.parse().map_err(|_| OutOfRange {
            expected: "an address of IPv4 or IPv6",
        })?;
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let prefix = match prefix {
            None => longest,
            Some(prefix) => prefix
                .parse()
                .ok()
                .filter(|length| *length <= longest)
                .ok_or(OutOfRange {
                    expected: "a length of 0 to 32, or to 128 for IPv6",
                })?,
        };
        let mut vip = VirtualAddress {
            address,
            prefix,
            device: None,
            label: None,
            scope: 0,
            broadcast: None,
            excluded: false,
            tracked: true,
        };
        for word in words {
            vip.set(word)?;
        }
        Ok(vip)
    }
}

impl VirtualAddress {
    fn set(&mut self, word: &str) -> Result<(), OutOfRange> {
        let name = |text: &str| match text.len() {
            1..=LONGEST_NAME => Ok(Some(text.to_owned())),
            _ => Err(OutOfRange {
                expected: "a name of 1 to 15 bytes",
            }),
        };
        match word.split_once('=') {
            Some(("dev", device)) => self.device = name(device)?,
            Some(("label", label)) => self.label = name(label)?,
            Some(("scope", scope)) => self.scope = scope_number(scope)?,
            Some(("brd", broadcast)) => {
                let expected = "an address of IPv4 behind brd=";
                self.broadcast = Some(broadcast.parse().map_err(|_| OutOfRange { expected })?);
            }
            _ => {
                let expected = "dev=, label=, scope= or brd= behind a comma";
                return Err(OutOfRange { expected });
            }
        }
        Ok(())
    }
}

/// The number of a scope: by the names of `/etc/iproute2/rt_scopes`, or itself.
///
/// # Errors
///
/// It is neither.
pub fn scope_number(text: &str) -> Result<u8, OutOfRange> {
    match text {
        "global" => Ok(0),
        "site" => Ok(200),
        "link" => Ok(253),
        "host" => Ok(254),
        "nowhere" => Ok(255),
        _ => text.parse().map_err(|_| OutOfRange {
            expected: "global, site, link, host, nowhere or a number behind scope=",
        }),
    }
}

impl fmt::Display for VirtualAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.prefix)
    }
}

/// An instance that nobody told anything but what cannot be left out, as keepalived would have it:
/// version 2, or 3 over IPv6.
pub fn new(interface: &str, vrid: Vrid, family: Family, version: Option<Version>) -> Instance {
    let version = version.unwrap_or(match family {
        Family::V4 => Version::V2,
        Family::V6 => Version::V3,
    });
    Instance {
        name: format!("VI_{vrid}"),
        interface: interface.to_owned(),
        vrid,
        family,
        is_twin: false,
        authentication: Authentication::None,
        source: None,
        tracks_source: true,
        hindrance: None,
        peers: vec![],
        group: group_address(family),
        checksum: Checksum::default(),
        addresses: vec![],
        vmac: None,
        accepts: true,
        moves_addresses: true,
        routing: Routing::default(),
        follows_link: true,
        interfaces: vec![],
        scripts: vec![],
        files: vec![],
        notify: Notify::default(),
        tells_priority: false,
        settings: Settings {
            interval: Interval::DEFAULT,
            ..Settings::new(version, family.unspecified())
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_virtual_address_is_whole_unless_told_otherwise() {
        let vip: VirtualAddress = "10.9.0.100".parse().unwrap();
        assert_eq!(vip.to_string(), "10.9.0.100/32");
        let vip: VirtualAddress = "fd00::1".parse().unwrap();
        assert_eq!(vip.to_string(), "fd00::1/128");
        let vip: VirtualAddress = "10.9.0.100/24,dev=eth1,label=eth1:v,scope=link,brd=10.9.0.255"
            .parse()
            .unwrap();
        assert_eq!((vip.prefix, vip.scope), (24, 253));
        assert_eq!(vip.device.as_deref(), Some("eth1"));
        assert_eq!(vip.label.as_deref(), Some("eth1:v"));
        assert_eq!(vip.broadcast, Some(Ipv4Addr::new(10, 9, 0, 255)));
        for text in [
            "",
            "10.9.0",
            "10.9.0.1/33",
            "fd00::1/129",
            "10.9.0.1,mtu=3",
            "10.9.0.1,dev=",
        ] {
            assert!(text.parse::<VirtualAddress>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_script_may_have_colons() {
        let script: Script = "web:0.5:2:3:-20:curl -f http://127.0.0.1:80/"
            .parse()
            .unwrap();
        assert_eq!(script.interval, Duration::from_millis(500));
        assert_eq!(
            (script.rise, script.fall, script.weight),
            (2, 3, Weight::new(-20))
        );
        for text in [
            "web:1:1:1:0",
            "web:0:1:1:0:x",
            "web:1:0:1:0:x",
            ":1:1:1:0:x",
            "web:1:1:1:254:x",
            "web:1:1:1:0: ",
        ] {
            assert!(text.parse::<Script>().is_err(), "{text}");
        }
    }

    #[test]
    fn what_a_version_cannot_do_is_a_fault() {
        let vrid = Vrid::new(1).unwrap();
        let mut instance = new("eth0", vrid, Family::V4, None);
        assert_eq!(instance.fault(), None);
        instance.settings.interval = Interval::from_centiseconds(50).unwrap();
        assert!(instance.fault().unwrap().contains("whole seconds"));
        instance.settings.version = Version::V3;
        assert_eq!(instance.fault(), None);
        instance.authentication = Authentication::Simple(crate::vrrp::Secret::new(b"a"));
        assert!(instance.fault().unwrap().contains("version 2"));
    }
}
