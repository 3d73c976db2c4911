//! The files that make a real server one again after a boot: what to write into them, and what of
//! them is ours. Each VIP has its own, so that one can go without the others.

use std::net::IpAddr;

use super::{Host, Knob, Setting, Tunnel, Wanted, arp};
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
pub fn unit_text(command: &Command<'_>, vip: &IpAddr) -> String {
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
ExecStop={} stop {vip}

[Install]
WantedBy=multi-user.target
",
        command.start(vip),
        command.program
    )
}

/// Where commands at boot are on hosts without systemd.
pub const RC_LOCAL: &str = "/etc/rc.local";

/// What a file of commands says once the line for the VIP is in it: before a last `exit`, and in
/// place of an older one.
pub fn rc_local_with(text: Option<&str>, command: &Command<'_>, vip: &IpAddr) -> String {
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
    let line = format!("{} {MARK}", command.start(vip));
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

/// What a command at boot is made of.
pub struct Command<'a> {
    /// Where the program is.
    pub program: &'a str,
    /// What it shall do.
    pub wanted: &'a Wanted,
    /// The host with its interfaces up, which they will not be when the command runs.
    pub host: &'a Host,
}

impl Command<'_> {
    /// The command line that starts one VIP.
    fn start(&self, vip: &IpAddr) -> String {
        let Wanted {
            mode,
            device,
            label,
            clamp,
            ..
        } = self.wanted;
        let mut line = format!("{} start --mode {}", self.program, mode.name());
        if let Some(device) = device {
            line += &format!(" --dev {device}");
        }
        if let (IpAddr::V4(_), Some(label)) = (vip, label) {
            line += &format!(" --label {label}");
        }
        if let Some(clamp) = clamp {
            line += &format!(" --clamp-mss={}", clamp.of(self.host, vip).size);
        }
        line + &format!(" {vip}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::realserver::{ClampSize, Mode};

    fn with(text: Option<&str>, vip: &str) -> String {
        let wanted = Wanted {
            vips: vec![],
            mode: Mode::Tunnel,
            device: None,
            label: None,
            clamp: Some(ClampSize::Fitting),
        };
        let command = Command {
            program: "/sbin/lvs-realserver",
            wanted: &wanted,
            host: &Host::default(),
        };
        rc_local_with(text, &command, &vip.parse().unwrap())
    }

    fn without(text: &str, vip: &str) -> Option<Option<String>> {
        rc_local_without(text, &vip.parse().unwrap())
    }

    const LINE: &str = "/sbin/lvs-realserver start --mode tun --clamp-mss=1440 192.0.2.1 \
                        # lvs-realserver --persist\n";

    #[test]
    fn a_line_of_rc_local_comes_before_its_exit_and_goes_alone() {
        let theirs = "#!/bin/sh\nmake coffee\nexit 0\n";
        let both = with(Some(theirs), "192.0.2.1");
        assert_eq!(both, format!("#!/bin/sh\nmake coffee\n{LINE}exit 0\n"));
        assert_eq!(with(Some(&both), "192.0.2.1"), both);
        assert_eq!(without(&both, "192.0.2.1"), Some(Some(theirs.to_owned())));
        assert_eq!(without(&both, "192.0.2.11"), None);
        assert_eq!(without(&both, "2.0.2.1"), None);
    }

    #[test]
    fn a_file_of_nothing_but_our_lines_goes_with_the_last() {
        let one = with(None, "192.0.2.1");
        assert_eq!(one, format!("#!/bin/sh\n{LINE}"));
        let two = with(Some(&one), "fd00::1");
        assert!(two.ends_with("--clamp-mss=1400 fd00::1 # lvs-realserver --persist\n"));
        assert_eq!(without(&two, "fd00::1"), Some(Some(one.clone())));
        assert_eq!(without(&one, "192.0.2.1"), Some(None));
    }
}
