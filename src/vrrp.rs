//! VRRP, the protocol by which machines agree on who has an address (RFC 3768, 5798 and 9568): the
//! values. What is on the wire is in [`advert`] and [`packet`], what is believed of
//! it in [`reception`], who becomes master in [`router`] and [`group`], all that one process speaks
//! for in [`configuration`].

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::Add;
use std::str::FromStr;
use std::time::Duration;

use crate::addr::Family;

pub mod advert;
pub mod command;
pub mod complaints;
pub mod configuration;
pub mod control;
pub mod files;
pub mod group;
pub mod instance;
pub mod observer;
pub mod packet;
pub mod port;
pub mod process;
pub mod reception;
pub mod report;
pub mod router;
pub mod routing;
pub mod scripts;
pub mod speaker;
pub mod tracking;
pub mod vmac;

/// The number of VRRP in the IP header (IANA "Protocol Numbers").
pub const PROTOCOL: u8 = 112;

/// The group that adverts of `family` go to, unless peers are named (RFC 9568, section 5.1).
pub fn group_address(family: Family) -> IpAddr {
    match family {
        Family::V4 => Ipv4Addr::new(224, 0, 0, 18).into(),
        Family::V6 => Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 0x12).into(),
    }
}

/// A text or number that is not in the range of its type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfRange {
    /// What was wanted, as `1 to 255`.
    pub expected: &'static str,
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "expected {}", self.expected)
    }
}

impl std::error::Error for OutOfRange {}

/// The number of a virtual router on its link, 1 to 255. IPv4 and IPv6 count apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Vrid(u8);

impl Vrid {
    /// Every number but 0 is one.
    pub fn new(number: u8) -> Option<Self> {
        (number != 0).then_some(Vrid(number))
    }

    /// Its number.
    pub fn number(self) -> u8 {
        self.0
    }
}

impl FromStr for Vrid {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let expected = "1 to 255";
        let number = text.parse().ok().and_then(Vrid::new);
        number.ok_or(OutOfRange { expected })
    }
}

impl fmt::Display for Vrid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How much a router wants to be master; the highest is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Priority(pub u8);

impl Priority {
    /// In an advert: its master stops. No router has it as its own.
    pub const RESIGNED: Priority = Priority(0);
    /// What a router has that is told nothing else (RFC 9568, section 5.2.4).
    pub const DEFAULT: Priority = Priority(100);
    /// The router has the virtual addresses as its own, and is master whenever it is there.
    pub const OWNER: Priority = Priority(255);

    /// With the weights of what is tracked: 1 to 254. An owner stays one.
    pub fn with_weight(self, weight: i32) -> Self {
        if self == Priority::OWNER {
            return self;
        }
        let sum = i32::from(self.0).saturating_add(weight).clamp(1, 254);
        Priority(u8::try_from(sum).unwrap_or(1))
    }
}

impl FromStr for Priority {
    type Err = OutOfRange;

    /// That of a router: not 0.
    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let expected = "1 to 255";
        match text.parse() {
            Ok(0) | Err(_) => Err(OutOfRange { expected }),
            Ok(number) => Ok(Priority(number)),
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The version of the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Version {
    /// RFC 3768: IPv4, whole seconds, a password if need be. keepalived speaks it over IPv6 too.
    V2 = 2,
    /// RFC 5798 and 9568: both families, centiseconds.
    V3 = 3,
}

impl FromStr for Version {
    type Err = OutOfRange;

    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        match text {
            "2" => Ok(Version::V2),
            "3" => Ok(Version::V3),
            _ => Err(OutOfRange { expected: "2 or 3" }),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (*self as u8).fmt(f)
    }
}

/// The time from one advert to the next, in centiseconds; never 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Interval(u16);

impl Interval {
    /// 1 s, what a router has that is told nothing else.
    pub const DEFAULT: Interval = Interval(100);

    /// The longest that version 3 can tell: 40.95 s, twelve bits.
    pub const LONGEST_V3: Interval = Interval(0xfff);

    /// Of centiseconds: 1 to 25500.
    pub fn from_centiseconds(centiseconds: u16) -> Option<Self> {
        (1..=25_500)
            .contains(&centiseconds)
            .then_some(Interval(centiseconds))
    }

    /// Of whole seconds: 1 to 255.
    pub fn from_seconds(seconds: u8) -> Option<Self> {
        Self::from_centiseconds(u16::from(seconds) * 100)
    }

    /// In centiseconds.
    pub fn centiseconds(self) -> u16 {
        self.0
    }

    /// In whole seconds, when it is that.
    pub fn seconds(self) -> Option<u8> {
        (self.0 % 100 == 0)
            .then(|| u8::try_from(self.0 / 100).ok())
            .flatten()
    }

    /// As a duration.
    pub fn duration(self) -> Duration {
        Duration::from_millis(u64::from(self.0) * 10)
    }

    /// Whether a version can tell it.
    pub fn fits(self, version: Version) -> bool {
        match version {
            Version::V2 => self.seconds().is_some(),
            Version::V3 => self <= Self::LONGEST_V3,
        }
    }
}

impl FromStr for Interval {
    type Err = OutOfRange;

    /// Of seconds with up to two decimals, as `1` or `0.25`.
    fn from_str(text: &str) -> Result<Self, OutOfRange> {
        let expected = "0.01 to 255 seconds, in steps of 0.01";
        let read = || {
            let (whole, part) = text.split_once('.').unwrap_or((text, "0"));
            let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
            if !digits(whole) || !digits(part) || part.is_empty() || part.len() > 2 {
                return None;
            }
            let step = if part.len() == 1 { 10 } else { 1 };
            let whole: u16 = whole.parse().ok()?;
            let part: u16 = part.parse().ok()?;
            Self::from_centiseconds(whole.checked_mul(100)?.checked_add(part * step)?)
        };
        read().ok_or(OutOfRange { expected })
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0 / 100, self.0 % 100) {
            (seconds, 0) => write!(f, "{seconds}"),
            (seconds, rest) if rest % 10 == 0 => write!(f, "{seconds}.{}", rest / 10),
            (seconds, rest) => write!(f, "{seconds}.{rest:02}"),
        }
    }
}

/// A password or key of VRRPv2: eight bytes, zeros behind a shorter one. Never printed.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Secret([u8; 8]);

impl Secret {
    /// Of the first eight bytes of a text, as keepalived reads `auth_pass`; the rest counts for
    /// nothing.
    pub fn new(text: &[u8]) -> Self {
        let mut bytes = [0; 8];
        for (byte, given) in bytes.iter_mut().zip(text) {
            *byte = *given;
        }
        Secret(bytes)
    }

    /// The eight bytes.
    pub fn bytes(&self) -> &[u8; 8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// How the routers of VRRPv2 prove to each other who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authentication {
    /// Not at all.
    None,
    /// A password that everybody on the link can read (RFC 2338, "simple text password").
    Simple(Secret),
    /// The IP authentication header with HMAC-MD5-96 (RFC 2402, 2403), as keepalived speaks it.
    Header(Secret),
}

/// A point in time: how long after some start that all moments have in common.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(pub Duration);

impl Moment {
    /// How long after `earlier` it is; nothing, when it is before.
    pub fn since(self, earlier: Moment) -> Duration {
        self.0.saturating_sub(earlier.0)
    }

    /// So long before it; the beginning, when there was no such moment.
    pub fn before(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_sub(duration))
    }
}

impl Add<Duration> for Moment {
    type Output = Moment;

    fn add(self, duration: Duration) -> Moment {
        Moment(self.0.saturating_add(duration))
    }
}

/// What a router is (RFC 9568, section 6.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// Not started, or stopped.
    Initialize,
    /// It listens for the master.
    Backup,
    /// It has the virtual addresses.
    Master,
    /// It cannot take part: its interface is down, or something that it tracks has failed.
    Fault,
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            State::Initialize => "STOP",
            State::Backup => "BACKUP",
            State::Master => "MASTER",
            State::Fault => "FAULT",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interval_is_written_as_it_is_read() {
        for (text, centiseconds) in [
            ("1", 100),
            ("0.01", 1),
            ("0.1", 10),
            ("0.25", 25),
            ("40.95", 4095),
            ("255", 25_500),
        ] {
            let interval: Interval = text.parse().unwrap();
            assert_eq!(interval.centiseconds(), centiseconds);
            assert_eq!(interval.to_string(), text);
        }
        for text in [
            "", "0", "0.00", "0.001", "256", "-1", "1.", "+1", "1e2", "655.37",
        ] {
            assert!(text.parse::<Interval>().is_err(), "{text}");
        }
    }

    #[test]
    fn version_2_tells_whole_seconds_and_version_3_no_more_than_twelve_bits() {
        let fits = |text: &str, version| text.parse::<Interval>().unwrap().fits(version);
        assert!(fits("255", Version::V2) && !fits("0.5", Version::V2));
        assert!(fits("40.95", Version::V3) && !fits("40.96", Version::V3));
    }

    #[test]
    fn weights_keep_a_priority_between_1_and_254_and_leave_an_owner_alone() {
        assert_eq!(Priority(100).with_weight(-30), Priority(70));
        assert_eq!(Priority(100).with_weight(-253), Priority(1));
        assert_eq!(Priority(100).with_weight(i32::MAX), Priority(254));
        assert_eq!(Priority::OWNER.with_weight(-100), Priority::OWNER);
    }

    #[test]
    fn a_secret_has_eight_bytes_and_is_not_shown() {
        let secret = Secret::new(b"s3cr3tkey");
        assert_eq!(secret.bytes(), b"s3cr3tke");
        assert_eq!(Secret::new(b"a").bytes(), b"a\0\0\0\0\0\0\0");
        assert_eq!(format!("{secret:?}"), "Secret(..)");
    }
}
