//! Whether VIPs are in place: what `start` would still do.

use std::net::IpAddr;

use crate::addr::Family;

use super::memory::Memory;
use super::plan::{self, Problem, Step};
use super::{ClampSize, Host, Mode, Tunnel, Wanted};

/// How a VIP stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The VIP.
    pub vip: IpAddr,
    /// Whether the address itself is there.
    pub is_here: bool,
    /// What `start` would do, if it could.
    pub missing: Result<Vec<Step>, Problem>,
}

/// Whether something is in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// All of it.
    Running,
    /// The address, but not all that it needs; or one VIP and not another.
    Partly,
    /// Not the address, whatever else is.
    Stopped,
}

impl State {
    /// As it is told.
    pub fn name(self) -> &'static str {
        match self {
            State::Running => "running",
            State::Partly => "partly",
            State::Stopped => "stopped",
        }
    }

    /// How all of them are together.
    pub fn of(standings: &[Standing]) -> Self {
        let mut states = standings.iter().map(Standing::state);
        let first = states.next().unwrap_or(State::Stopped);
        match states.all(|state| state == first) {
            true => first,
            false => State::Partly,
        }
    }
}

impl Standing {
    /// How a VIP stands on a host. Where neither its mode nor its device is said, they are as
    /// remembered, or as the VIP is found.
    pub fn of(
        host: &Host,
        memory: &Memory,
        vip: IpAddr,
        mode: Option<Mode>,
        device: Option<&str>,
    ) -> Self {
        let mut wanted = Wanted {
            vips: vec![vip],
            mode: mode.unwrap_or(Mode::Direct),
            device: device.map(str::to_owned),
            label: None,
            clamp: None,
        };
        let clamp = memory.clamps.iter().find(|clamp| clamp.vip == vip);
        wanted.clamp = clamp.map(|clamp| ClampSize::Bytes(clamp.size));
        if mode.is_none() && device.is_none() {
            let held = memory.vips.iter().find(|((_, held), _)| *held == vip);
            if let Some(((device, _), mode)) = held {
                wanted.mode = *mode;
                wanted.device = Some(device.clone());
            } else if host.has(&vip, Tunnel::of(Family::of(&vip)).device) {
                wanted.mode = Mode::Tunnel;
            }
        }
        let is_here = host.has(&vip, wanted.device_of(&vip));
        Standing {
            vip,
            is_here,
            missing: plan::start(host, memory, &wanted).map(|plan| plan.steps),
        }
    }

    /// In one word.
    pub fn state(&self) -> State {
        match &self.missing {
            _ if !self.is_here => State::Stopped,
            Ok(missing) if missing.is_empty() => State::Running,
            _ => State::Partly,
        }
    }
}
