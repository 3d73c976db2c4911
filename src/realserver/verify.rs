//! Whether anybody would hear of a VIP, and what else is wrong with a real server: the faults that
//! scripts leave behind.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;

use crate::addr::Family;
use crate::netlink::route::Link;

use super::memory::{Changed, Memory};
use super::plan::STRICT;
use super::{ALL, Host, Knob, Mode, Setting, Tunnel, arp, host_prefix};

/// A setting as it counts for an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Effective {
    /// The value for all interfaces.
    pub all: i32,
    /// The interface's own.
    pub own: i32,
}

impl Effective {
    fn of(host: &Host, link: &Link, setting: Setting) -> Self {
        let of = |device| host.setting(device, setting).unwrap_or(0);
        Effective {
            all: of(ALL),
            own: of(&link.name),
        }
    }

    /// The larger one counts.
    pub fn value(self) -> i32 {
        self.all.max(self.own)
    }
}

/// Why others hear of a VIP by way of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Leak {
    /// The interface itself has the VIP.
    OnItself,
    /// The setting lets it.
    Setting,
    /// The interface has no address of its own that could stand there instead.
    NoneBetter,
}

/// What others hear of a VIP by way of one interface.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exposure {
    /// The VIP.
    pub vip: IpAddr,
    /// The interface.
    pub device: String,
    /// Requests for the VIP would be answered.
    pub answers: Option<Leak>,
    /// Requests would be made in its name.
    pub announces: Option<Leak>,
    /// `arp_ignore` there.
    pub arp_ignore: Effective,
    /// `arp_announce` there.
    pub arp_announce: Effective,
}

impl Exposure {
    fn new(host: &Host, link: &Link, vip: &IpAddr) -> Self {
        let on_itself = arp::is_on(host, link, vip);
        let (answers, announces) = match vip {
            IpAddr::V4(_) => (
                arp::answers(host, link, vip),
                arp::announces(host, link, vip),
            ),
            // Neighbour discovery knows of an interface's own addresses alone (`ndisc_recv_ns`,
            // `ndisc_solicit` in net/ipv6/ndisc.c).
            IpAddr::V6(_) => (on_itself, on_itself),
        };
        let why = |setting| match on_itself {
            true => Leak::OnItself,
            false if arp::quiet(setting, host.effective(&link.name, setting)) => Leak::NoneBetter,
            false => Leak::Setting,
        };
        Exposure {
            vip: *vip,
            device: link.name.clone(),
            answers: answers.then(|| why(Setting::ArpIgnore)),
            announces: announces.then(|| why(Setting::ArpAnnounce)),
            arp_ignore: Effective::of(host, link, Setting::ArpIgnore),
            arp_announce: Effective::of(host, link, Setting::ArpAnnounce),
        }
    }

    /// Whether anybody hears of the VIP here.
    pub fn leaks(&self) -> bool {
        self.answers.is_some() || self.announces.is_some()
    }
}

impl fmt::Display for Exposure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Exposure { vip, device, .. } = self;
        let protocol = match vip {
            IpAddr::V4(_) => "ARP",
            IpAddr::V6(_) => "neighbour discovery",
        };
        let because = |f: &mut fmt::Formatter<'_>, leak, name, value: Effective| match leak {
            Leak::OnItself => write!(f, "it has the address itself"),
            Leak::NoneBetter => write!(f, "it has no address of its own to ask with"),
            Leak::Setting => {
                let Effective { all, own } = value;
                write!(f, "{name} is {} (all {all}, {device} {own})", value.value())
            }
        };
        write!(f, "{vip}: {device}: ")?;
        if let Some(leak) = self.answers {
            write!(f, "answers {protocol}: ")?;
            because(f, leak, "arp_ignore", self.arp_ignore)?;
        }
        if let Some(leak) = self.announces {
            let and = if self.answers.is_some() { "; " } else { "" };
            write!(f, "{and}announces it by {protocol}: ")?;
            because(f, leak, "arp_announce", self.arp_announce)?;
        }
        match vip {
            _ if self.leaks() => Ok(()),
            IpAddr::V4(_) => {
                let (ignore, announce) = (self.arp_ignore.value(), self.arp_announce.value());
                write!(f, "quiet: arp_ignore {ignore}, arp_announce {announce}")
            }
            IpAddr::V6(_) => write!(f, "quiet: the address is not on {device}"),
        }
    }
}

/// Something that keeps a real server from working, or will.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The VIP has a network around it, all of which is local now.
    WideMask {
        /// The VIP.
        vip: IpAddr,
        /// The length of its prefix.
        prefix: u8,
        /// Where it is.
        device: String,
    },
    /// The host route is there without the VIP.
    RouteAlone {
        /// The VIP.
        vip: IpAddr,
        /// Where the route leads.
        device: String,
    },
    /// The link that has the VIP, or that its packets come out of, is down.
    Down {
        /// The VIP.
        vip: IpAddr,
        /// The link.
        device: String,
    },
    /// The kernel still looks for duplicates of the address, or has found one.
    Tentative {
        /// The VIP.
        vip: IpAddr,
        /// Where it is.
        device: String,
    },
    /// Packets out of the tunnel are dropped, as their source is reached without one.
    StrictFilter {
        /// The end of the tunnel.
        device: String,
        /// `rp_filter` there.
        value: Effective,
    },
    /// A setting that keeps ARP quiet is on the device of the VIP alone, where no ARP comes in.
    NotForAll {
        /// The device.
        device: String,
        /// What is set.
        setting: Setting,
    },
    /// A setting is not what `start` set.
    Changed {
        /// Which.
        knob: Knob,
        /// What was set.
        set: i32,
        /// What it is.
        now: i32,
    },
    /// A file will undo a setting when it is next read: by `sysctl -p`, or at boot.
    Undone(Configured),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Fault::WideMask {
                vip,
                prefix,
                device,
            } => write!(
                f,
                "{vip}/{prefix} on {device} makes that whole network local: its hosts are not \
                 reached; the prefix must be /{}",
                host_prefix(vip)
            ),
            Fault::RouteAlone { vip, device } => write!(
                f,
                "the route to {vip} on {device} is left over: the address is not there"
            ),
            Fault::Down { vip, device } => write!(f, "{device} is down: {vip} gets no packets"),
            Fault::Tentative { vip, device } => write!(
                f,
                "{vip} on {device} is not in use: duplicate address detection goes on or failed"
            ),
            Fault::StrictFilter {
                device,
                value: Effective { all, own },
            } => write!(
                f,
                "rp_filter is 1 (all {all}, {device} {own}): packets out of the tunnel are dropped"
            ),
            Fault::NotForAll { device, setting } => write!(
                f,
                "{} is set on {device}, where no ARP comes in, and not on {ALL}",
                setting.name()
            ),
            Fault::Changed { knob, set, now } => write!(
                f,
                "{knob} is {now}: start set {set}, something else wrote it since"
            ),
            Fault::Undone(Configured { file, knob, value }) => write!(
                f,
                "{file} sets {knob} to {value}: undone by the next boot or sysctl(8)"
            ),
        }
    }
}

/// Something to know, which is no fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Note {
    /// Clients of the VIP may send segments that do not fit into the tunnel.
    NotClamped(IpAddr),
    /// The VIP is not on this host: what is said of it is what would be.
    NotHere(IpAddr),
    /// Connections from this host may come from the VIP.
    Source {
        /// The VIP.
        vip: IpAddr,
        /// Where it is.
        device: String,
    },
}

impl fmt::Display for Note {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Note::NotClamped(vip) => write!(
                f,
                "{vip}: clients may send packets that do not fit into the tunnel; \
                 start --clamp-mss keeps them from it"
            ),
            Note::NotHere(vip) => write!(f, "{vip} is not on this host"),
            Note::Source { vip, device } => write!(
                f,
                "{vip} on {device} is not deprecated: this host may connect to others from it"
            ),
        }
    }
}

/// A line of a file for sysctl(8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configured {
    /// The file.
    pub file: String,
    /// What it sets.
    pub knob: Knob,
    /// To which value.
    pub value: i32,
}

/// The lines that set something of interest (sysctl.d(5)).
pub fn configured(file: &str, text: &str) -> Vec<Configured> {
    let lines = text.lines().filter_map(|line| {
        let line = line.trim();
        let (name, value) = line.strip_prefix('-').unwrap_or(line).split_once('=')?;
        Some(Configured {
            file: file.to_owned(),
            knob: Knob::parse(name.trim_end())?,
            value: value.trim_start().parse().ok()?,
        })
    });
    lines.collect()
}

/// All that was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// What is heard of each VIP by way of each interface that is up and speaks ARP.
    pub exposures: Vec<Exposure>,
    /// What is wrong.
    pub faults: Vec<Fault>,
    /// What is not wrong.
    pub notes: Vec<Note>,
}

impl Report {
    /// Whether nobody hears of the VIPs and nothing is wrong.
    pub fn is_well(&self) -> bool {
        self.faults.is_empty() && !self.exposures.iter().any(Exposure::leaks)
    }
}

/// Looks at a host for `vips`. `configured` is what files for sysctl(8) say, in the order in which
/// they are read at boot. Packets come out of tunnels if `mode` says so, or where the VIP is.
pub fn verify(
    host: &Host,
    memory: &Memory,
    configured: &[Configured],
    vips: &[IpAddr],
    mode: Option<Mode>,
) -> Report {
    let mut look = Look {
        host,
        report: Report::default(),
    };
    for vip in vips {
        look.exposures(vip);
        look.places(vip);
        look.route(vip);
    }
    let by_tunnel: Vec<&IpAddr> = vips
        .iter()
        .filter(|vip| {
            let tunnel = Tunnel::of(Family::of(vip)).device;
            let remembered = memory.vips.iter().find(|((_, held), _)| held == *vip);
            let mode = mode.or(remembered.map(|(_, mode)| *mode));
            mode == Some(Mode::Tunnel) || host.places(vip).any(|(device, _)| device == tunnel)
        })
        .collect();
    look.tunnels(&by_tunnel);
    if vips.iter().any(IpAddr::is_ipv4) {
        look.settings(memory, vips);
        let from_tunnel = by_tunnel.iter().any(|vip| vip.is_ipv4());
        look.files(configured, from_tunnel);
    }
    look.report
}

struct Look<'a> {
    host: &'a Host,
    report: Report,
}

impl Look<'_> {
    fn exposures(&mut self, vip: &IpAddr) {
        let links = self.host.links.iter();
        for link in links.filter(|link| link.up && arp::speaks(link)) {
            let exposure = Exposure::new(self.host, link, vip);
            self.report.exposures.push(exposure);
        }
    }

    fn places(&mut self, vip: &IpAddr) {
        let host = self.host;
        let mut is_here = false;
        for (device, entry) in host.places(vip) {
            is_here = true;
            let (vip, prefix) = (*vip, entry.prefix);
            let device = device.to_owned();
            let Some(link) = host.link(&device) else {
                continue;
            };
            let hides = link.loopback || !link.arp;
            if hides && prefix != host_prefix(&vip) {
                let device = device.clone();
                self.report.faults.push(Fault::WideMask {
                    vip,
                    prefix,
                    device,
                });
            }
            if !link.up {
                let device = device.clone();
                self.report.faults.push(Fault::Down { vip, device });
            }
            if entry.tentative {
                let device = device.clone();
                self.report.faults.push(Fault::Tentative { vip, device });
            }
            if vip.is_ipv6() && hides && !entry.deprecated {
                self.report.notes.push(Note::Source { vip, device });
            }
        }
        if !is_here {
            self.report.notes.push(Note::NotHere(*vip));
        }
    }

    fn route(&mut self, vip: &IpAddr) {
        let host = self.host;
        for link in &host.links {
            let is_alone =
                host.has_host_route(vip, &link.name) && host.places(vip).next().is_none();
            if is_alone && (link.loopback || !link.arp) {
                let (vip, device) = (*vip, link.name.clone());
                self.report.faults.push(Fault::RouteAlone { vip, device });
            }
        }
    }

    fn tunnels(&mut self, vips: &[&IpAddr]) {
        for vip in vips {
            let clamps = self.host.clamps.as_ref();
            if clamps.is_some_and(|clamps| clamps.iter().all(|clamp| clamp.vip != **vip)) {
                self.report.notes.push(Note::NotClamped(**vip));
            }
            let tunnel = Tunnel::of(Family::of(vip)).device;
            let is_up = self.host.link(tunnel).is_some_and(|link| link.up);
            let fault = Fault::Down {
                vip: **vip,
                device: tunnel.to_owned(),
            };
            if !is_up && !self.report.faults.contains(&fault) {
                self.report.faults.push(fault);
            }
        }
        let device = Tunnel::of(Family::V4).device;
        let link = self.host.link(device);
        if let Some(link) = link.filter(|_| vips.iter().any(|vip| vip.is_ipv4())) {
            let value = Effective::of(self.host, link, Setting::RpFilter);
            if value.value() == STRICT {
                self.report.faults.push(Fault::StrictFilter {
                    device: device.to_owned(),
                    value,
                });
            }
        }
    }

    fn settings(&mut self, memory: &Memory, vips: &[IpAddr]) {
        let host = self.host;
        for setting in [Setting::ArpIgnore, Setting::ArpAnnounce] {
            let is_quiet = |device| arp::quiet(setting, host.setting(device, setting).unwrap_or(0));
            for link in host.links.iter().filter(|link| link.loopback || !link.arp) {
                let has_vip = vips.iter().any(|vip| arp::is_on(host, link, vip));
                if has_vip && is_quiet(&link.name) && !is_quiet(ALL) {
                    let device = link.name.clone();
                    let fault = Fault::NotForAll { device, setting };
                    self.report.faults.push(fault);
                }
            }
        }
        if memory.vips.is_empty() {
            return;
        }
        for (knob, &Changed { set, .. }) in &memory.settings {
            if let Some(&now) = host.settings.get(knob).filter(|&&now| now != set) {
                let knob = knob.clone();
                self.report.faults.push(Fault::Changed { knob, set, now });
            }
        }
    }

    fn files(&mut self, configured: &[Configured], from_tunnel: bool) {
        let mut last: BTreeMap<&Knob, &Configured> = BTreeMap::new();
        last.extend(configured.iter().map(|line| (&line.knob, line)));
        let tunnel = Tunnel::of(Family::V4).device;
        for line in last.into_values() {
            let Knob { device, setting } = &line.knob;
            let host = self.host;
            let own = |device: &str| host.setting(device, *setting).unwrap_or(0);
            let speaks = host.link(device).is_some_and(arp::speaks);
            let undoes = match setting {
                Setting::ArpIgnore | Setting::ArpAnnounce if device == ALL => {
                    !arp::quiet(*setting, line.value)
                }
                Setting::ArpIgnore | Setting::ArpAnnounce if speaks => {
                    !arp::quiet(*setting, line.value.max(own(ALL)))
                }
                Setting::RpFilter if from_tunnel && device == ALL => {
                    line.value.max(own(tunnel)) == STRICT
                }
                Setting::RpFilter if from_tunnel && device == tunnel => {
                    line.value.max(own(ALL)) == STRICT
                }
                _ => false,
            };
            if undoes {
                self.report.faults.push(Fault::Undone(line.clone()));
            }
        }
    }
}
