//! The files that make a real server one again after a boot: what to write into them, and what of
//! them is ours. Each VIP has its own, so that one can go without the others.

use std::net::IpAddr;

use super::{ClampSize, Knob, Setting, Tunnel, Wanted, arp};
use crate::addr::Family;

/// The first line of a file that is ours as a whole, and the end of a line that is ours in one
/// that is not.
const MARK: &str = "# lvs-realserver --persist";

/// Where the settings are. They are in order after all names that begin with a digit, and so read
/// after them; a later `sysctl --system` does not take them back.
pub fn sysctl_file(vip: &IpAddr) -> String {
    format!("/etc/sysctl.d/zz-lvs-realserver-{vip}.conf")
}

/// What keeps ARP quiet for a VIP of IPv4; one of IPv6 needs nothing. The device at a tunnel's end
/// may not be there yet: hence the dash.
pub fn sysctl_text(wanted: &Wanted, vip: &IpAddr) -> Option<String> {
    if vip.is_ipv6() {
        return None;
    }
    let mut text = format!("{MARK}\n");
    let device = wanted.device_of(vip);
    let tunnel = Tunnel::of(Family::of(vip)).device;
    for device in [super::ALL, device] {
        for setting in [Setting::ArpIgnore, Setting::ArpAnnounce] {
            let dash = if device == tunnel { "-" } else { "" };
            let (knob, value) = (Knob::new(device, setting), arp::quiet_value(setting));
            text += &format!("{dash}{knob} = {value}\n");
        }
    }
    Some(text)
}

/// The name of the unit.
pub fn unit_name(vip: &IpAddr) -> String {
    format!("lvs-realserver-{vip}.service")
}

/// Where the unit is.
pub fn unit_file(vip: &IpAddr) -> String {
    format!("/etc/systemd/system/{}", unit_name(vip))
}

/// The link by which the unit is started at boot.
pub fn unit_link(vip: &IpAddr) -> String {
    format!(
        "/etc/systemd/system/multi-user.target.wants/{}",
        unit_name(vip)
    )
}

/// The unit: after the settings of others, and before whatever listens at the VIP.
pub fn unit_text(program: &str, wanted: &Wanted, vip: &IpAddr) -> String {
    format!(
        "{MARK}
[Unit]
Description=LVS real server for {vip}
Documentation=man:lvs-realserver(8)
After=systemd-sysctl.service network-pre.target
Before=network.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart={}
ExecStop={program} stop {vip}

[Install]
WantedBy=multi-user.target
",
        command(program, wanted, vip)
    )
}

/// Where commands at boot are on hosts without systemd.
pub const RC_LOCAL: &str = "/etc/rc.local";

/// What a file of commands says once the line for the VIP is in it: before a last `exit`, and in
/// place of an older one.
pub fn rc_local_with(text: Option<&str>, program: &str, wanted: &Wanted, vip: &IpAddr) -> String {
    let text = text.and_then(|text| match rc_local_without(text, vip) {
        Some(rest) => rest,
        None => Some(text.to_owned()),
    });
    let text = text.unwrap_or_else(|| EMPTY_RC_LOCAL.to_owned());
    let mut lines: Vec<&str> = text.lines().collect();
    let is_end = |line: &&str| line.trim() == "exit" || line.trim().starts_with("exit ");
    let last = lines.iter().rposition(|line| !line.trim().is_empty());
    let at = match last {
        Some(last) if is_end(&lines[last]) => last,
        Some(last) => last + 1,
        None => 0,
    };
    let line = format!("{} {MARK}", command(program, wanted, vip));
    lines.insert(at, &line);
    lines.join("\n") + "\n"
}

/// A file of commands in which nothing is left.
const EMPTY_RC_LOCAL: &str = "#!/bin/sh\n";

/// What is left of a file of commands without the line for the VIP: None when it has no such line,
/// `Some(None)` when nothing is left to keep the file for.
pub fn rc_local_without(text: &str, vip: &IpAddr) -> Option<Option<String>> {
    let ending = format!(" {vip} {MARK}");
    let rest: String = text
        .split_inclusive('\n')
        .filter(|line| !line.trim_end().ends_with(&ending))
        .collect();
    (rest != text).then(|| (rest != EMPTY_RC_LOCAL).then_some(rest))
}

/// Whether a file is ours as a whole.
pub fn is_ours(text: &str) -> bool {
    text.lines().next() == Some(MARK)
}

/// The command line that starts one VIP.
fn command(program: &str, wanted: &Wanted, vip: &IpAddr) -> String {
    let mut words = vec![program, "start", "--mode", wanted.mode.name()];
    if let Some(device) = &wanted.device {
        words.extend(["--dev", device]);
    }
    if let (IpAddr::V4(_), Some(label)) = (vip, &wanted.label) {
        words.extend(["--label", label]);
    }
    let clamp = match wanted.clamp {
        Some(ClampSize::Fitting) => Some("--clamp-mss".to_owned()),
        Some(ClampSize::Bytes(size)) => Some(format!("--clamp-mss={size}")),
        None => None,
    };
    words.extend(clamp.as_deref());
    let vip = vip.to_string();
    words.push(&vip);
    words.join(" ")
}
