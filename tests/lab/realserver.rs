//! `lvs-realserver` on a real server of its own: what it leaves behind, what others hear, whether
//! packets come.

use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::time::Duration;

use nix::sys::socket::getsockopt;
use nix::sys::socket::sockopt::TcpMaxSeg;

use crate::clients::{Background, ask, serve};
use crate::fail::{Context, Result};
use crate::namespace::{Mount, in_network};
use crate::process::{Call, Outcome};
use crate::segment::{CLIENT, DIRECTOR, SERVER, Segment, VIP, VIP6};
use crate::world::World;

/// What there is before a test: values that are not the kernel's own, as a careful administrator
/// has them.
const SETTINGS: &str = "\
cd /proc/sys/net/ipv4/conf
echo 1 >all/arp_announce
echo 3 >lo/arp_ignore
echo 3 >eth0/arp_ignore
";

/// Shows all that may be changed.
const SNAPSHOT: &str = "\
ip -o link show up | sed 's/ qdisc.*//'
ip -o address
ip route show table all
ip -6 route show table all
cd /proc/sys/net/ipv4/conf
grep . */arp_ignore */arp_announce */rp_filter
";

/// How long a connection may take.
const TIMEOUT: Duration = Duration::from_secs(2);

/// Where the state is where a test writes it itself.
const STATE: &str = "/run/lvskit-lab/realserver.state";

/// Lists what programs remember, here and in other network namespaces.
const STATES: &str = "mkdir -p /run/lvskit; ls /run/lvskit";

/// A real server on a segment, on which our program runs.
struct Server {
    segment: Segment,
    program: PathBuf,
    /// The options of each call.
    options: &'static str,
}

impl Server {
    fn new(world: &World) -> Result<Self> {
        Ok(Self {
            segment: Segment::new()?,
            program: world.tool("lvs-realserver")?,
            options: "",
        })
    }

    /// Runs our program.
    fn run(&self, words: &str) -> Result<Outcome> {
        let words = words
            .split_whitespace()
            .chain(self.options.split_whitespace());
        let arguments: Vec<String> = words.map(str::to_owned).collect();
        Call {
            program: self.program.clone(),
            argv0: "lvs-realserver",
            arguments: &arguments,
            network: Some(SERVER),
            ..Call::default()
        }
        .run()
    }

    /// Runs our program, which must end with this status; gives back what it said.
    fn expect(&self, words: &str, status: i32) -> Result<String> {
        let Outcome {
            rc, stdout, stderr, ..
        } = self.run(words)?;
        match rc == status {
            true => Ok(stdout),
            false => Err(format!(
                "{words}: ended with {rc}, not {status}\n{stdout}{stderr}"
            )),
        }
    }

    fn sh(&self, script: &str) -> Result<String> {
        sh(SERVER, script, vec![])
    }

    fn snapshot(&self) -> Result<String> {
        self.sh(SNAPSHOT)
    }

    /// All must be as it was.
    fn assert_as(&self, before: &str, when: &str) -> Result {
        let now = self.snapshot()?;
        assert_same(before, &now, when)
    }
}

/// Runs a shell script, each command of which must succeed.
fn sh(network: &str, script: &str, mounts: Vec<Mount>) -> Result<String> {
    let call = Call {
        program: "/bin/sh".into(),
        argv0: "sh",
        arguments: &["-ec".to_owned(), script.to_owned()],
        network: Some(network),
        mounts,
        ..Call::default()
    };
    match call.run()? {
        Outcome { rc: 0, stdout, .. } => Ok(stdout),
        Outcome {
            rc, stdout, stderr, ..
        } => Err(format!("{script}\nended with {rc}\n{stdout}{stderr}")),
    }
}

fn assert_same(expected: &str, found: &str, what: &str) -> Result {
    let only_in = |one: &str, other: &str, mark: &str| -> String {
        let lines = one
            .lines()
            .filter(|line| !other.lines().any(|o| o == *line));
        lines.map(|line| format!("  {mark} {line}\n")).collect()
    };
    match expected == found {
        true => Ok(()),
        false => Err(format!(
            "{what}:\n{}{}",
            only_in(expected, found, "-"),
            only_in(found, expected, "+")
        )),
    }
}

fn assert_has(text: &str, part: &str) -> Result {
    match text.contains(part) {
        true => Ok(()),
        false => Err(format!("no `{part}` in:\n{text}")),
    }
}

/// Both families, values that were not 0, calls that are made twice, several VIPs.
pub fn stop_puts_back_what_was_there(world: &mut World) -> Result {
    let server = Server::new(world)?;
    server.sh(SETTINGS)?;
    let states = server.sh(STATES)?;
    let before = server.snapshot()?;
    let vips = format!("{VIP} {VIP6}");
    server.expect(&format!("status {vips}"), 3)?;
    let planned = server.expect(&format!("start --dry-run {vips}"), 0)?;
    server.assert_as(&before, "after a dry run")?;

    let done = server.expect(&format!("start {vips}"), 0)?;
    assert_same(&planned, &done, "what was planned and what was done")?;
    assert_same(
        "set net.ipv4.conf.all.arp_ignore from 0 to 1\n\
         set net.ipv4.conf.lo.arp_ignore from 3 to 1\n\
         set net.ipv4.conf.eth0.arp_ignore from 3 to 1\n\
         set net.ipv4.conf.all.arp_announce from 1 to 2\n\
         set net.ipv4.conf.lo.arp_announce from 0 to 2\n\
         add 10.95.0.100/32 to lo as lo:0\n\
         add the route to 10.95.0.100 on lo\n\
         add fd95::100/128 to lo\n",
        &done,
        "the first start",
    )?;
    let addresses = server.sh("ip address show dev lo")?;
    assert_has(&addresses, "inet 10.95.0.100/32 scope host lo:0")?;
    assert_has(
        &addresses,
        "inet6 fd95::100/128 scope global nodad deprecated",
    )?;
    assert_has(
        &server.sh("ip route; ip -6 route")?,
        "10.95.0.100 dev lo scope link",
    )?;
    server.expect(&format!("status {vips}"), 0)?;
    assert_same("", &server.expect(&format!("start {vips}"), 0)?, "again")?;
    server.expect(&format!("verify {vips}"), 0)?;

    let another = server.expect("start 10.95.0.101", 0)?;
    assert_has(&another, "add 10.95.0.101/32 to lo as lo:1")?;
    server.sh("echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore")?;
    let partly = server.expect(&format!("status {vips}"), 4)?;
    assert_has(
        &partly,
        "missing: set net.ipv4.conf.all.arp_ignore from 0 to 1",
    )?;
    server.expect(&format!("verify {vips}"), 4)?;
    server.expect(&format!("start {vips}"), 0)?;

    server.expect(&format!("stop {vips}"), 0)?;
    server.expect("status 10.95.0.101", 0)?;
    server.expect(&format!("status 10.95.0.101 {VIP}"), 4)?;
    server.expect("stop 10.95.0.101", 0)?;
    server.assert_as(&before, "after the stop of the last one")?;
    server.expect(&format!("status {vips}"), 3)?;
    assert_same("", &server.expect(&format!("stop {vips}"), 0)?, "again")?;
    server.assert_as(&before, "after a second stop")?;
    assert_same(&states, &server.sh(STATES)?, "state left behind")
}

/// After each step that a start or a stop may not have survived, the next start or stop makes it
/// good.
pub fn a_crash_between_two_steps_is_mended(world: &mut World) -> Result {
    let server = Server {
        options: "--state /run/lvskit-lab/realserver.state",
        ..Server::new(world)?
    };
    server.sh(SETTINGS)?;
    let before = server.snapshot()?;
    let steps = server.expect(&format!("start {VIP}"), 0)?;
    let running = server.snapshot()?;
    let state = server.sh(&format!("cat {STATE}"))?;
    let back = server.expect(&format!("stop {VIP}"), 0)?;
    let crash = |steps: &str, count: usize| -> Result {
        let taken = steps.lines().take(count).map(by_hand);
        let script: Vec<String> = taken.collect::<Result<_>>()?;
        let script = format!("cat >{STATE} <<'.'\n{state}.\n{}", script.join("\n"));
        server.sh(&script).map(drop)
    };
    for count in 0..=steps.lines().count() {
        let when = format!("stop after a start that ended before its step {count}");
        crash(&steps, count)?;
        server.expect(&format!("stop {VIP}"), 0)?;
        server.assert_as(&before, &when)?;

        let when = format!("start after a start that ended before its step {count}");
        crash(&steps, count)?;
        server.expect(&format!("start {VIP}"), 0)?;
        server.assert_as(&running, &when)?;
        for count in [0, count.min(back.lines().count())] {
            let when = format!("stop after a stop that ended before its step {count}");
            crash(&back, count)?;
            server.expect(&format!("stop {VIP}"), 0)?;
            server.assert_as(&before, &when)?;
            server.expect(&format!("start {VIP}"), 0)?;
        }
        server.expect(&format!("stop {VIP}"), 0)?;
        server.assert_as(&before, "all in order again")?;
    }
    Ok(())
}

/// A step as a shell does it.
fn by_hand(step: &str) -> Result<String> {
    let words: Vec<&str> = step.split(' ').collect();
    Ok(match *words.as_slice() {
        ["set", knob, "from", _, "to", to] => {
            format!("echo {to} >/proc/sys/{}", knob.replace('.', "/"))
        }
        ["add", vip, "to", device, "as", label] => {
            format!("ip address add {vip} dev {device} label {label} scope host")
        }
        ["remove", vip, "from", device] => format!("ip address del {vip} dev {device}"),
        ["add", "the", "route", "to", vip, "on", device] => {
            format!("ip route add {vip} dev {device} src {vip}")
        }
        ["remove", "the", "route", "to", vip, "on", device] => {
            format!("ip route del {vip} dev {device}")
        }
        _ => return Err(format!("no such step: {step}")),
    })
}

/// A VIP that was there, one that came since, a setting that was changed since, a state of another
/// boot.
pub fn what_is_not_ours_is_left(world: &mut World) -> Result {
    let server = Server {
        options: "--state /run/lvskit-lab/realserver.state",
        ..Server::new(world)?
    };
    server.sh("ip address add 10.95.0.200/32 dev lo")?;
    let said = server.expect(&format!("start 10.95.0.200 {VIP}"), 0)?;
    assert_has(
        &said,
        "left 10.95.0.200 on lo: lvs-realserver did not put it there",
    )?;
    server.sh("echo 2 >/proc/sys/net/ipv4/conf/all/arp_ignore")?;
    server.expect("status 10.95.0.200", 0)?;
    let said = server.expect(&format!("stop 10.95.0.200 {VIP}"), 0)?;
    assert_has(
        &said,
        "left 10.95.0.200 on lo: lvs-realserver did not put it there",
    )?;
    assert_has(
        &said,
        "left net.ipv4.conf.all.arp_ignore at 2: start set 1, it was changed since",
    )?;
    let left = server.snapshot()?;
    assert_has(&left, "inet 10.95.0.200/32 scope global lo")?;
    assert_has(&left, "all/arp_ignore:2")?;
    assert_has(&left, "all/arp_announce:0")?;
    server
        .sh("echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore; ip addr del 10.95.0.200/32 dev lo")?;

    let before = server.snapshot()?;
    server.expect(&format!("start {VIP}"), 0)?;
    server.sh("ip address add 10.95.0.201/32 dev lo")?;
    let said = server.expect(&format!("stop {VIP}"), 0)?;
    assert_has(&said, "left the ARP settings: 10.95.0.201 on lo needs them")?;
    assert_has(&server.snapshot()?, "all/arp_ignore:1")?;
    server.sh("ip address del 10.95.0.201/32 dev lo")?;
    server.expect(&format!("stop {VIP}"), 0)?;
    server.assert_as(&before, "once nobody needs them")?;

    server.expect(&format!("start {VIP}"), 0)?;
    server.sh(&format!("sed -i 's/^boot .*/boot then/' {STATE}"))?;
    let Outcome { stderr, .. } = server.run(&format!("stop {VIP}"))?;
    assert_has(&stderr, "of another boot or network, not used")?;
    assert_has(&server.snapshot()?, "10.95.0.100/32")
}

/// While a client asks a thousand times a second: at the start, in use, at the stop, ten times.
pub fn nobody_hears_of_the_vip(world: &mut World) -> Result {
    let server = Server::new(world)?;
    direct(world, "-g")?;
    let _service = service()?;
    let heard = server.segment.overhear(|| {
        for _ in 0..10 {
            server.expect(&format!("start {VIP} {VIP6}"), 0)?;
            for vip in [IpAddr::V4(VIP), IpAddr::V6(VIP6)] {
                // Else it need not ask for its client.
                server.sh("ip neigh flush dev eth0; ip -6 neigh flush dev eth0")?;
                connect(vip).context(vip)?;
            }
            server.expect(&format!("stop {VIP} {VIP6}"), 0)?;
        }
        Ok(())
    })?;
    match (heard.own, heard.leaks.as_slice()) {
        (10.., []) => Ok(()),
        (own, leaks) => Err(format!("{own} frames of its own, {leaks:#?}")),
    }
}

/// The same with the commands of the scripts that people use, in their order. Else the test above
/// would prove nothing.
pub fn in_the_old_order_everybody_hears_of_it(world: &mut World) -> Result {
    let server = Server::new(world)?;
    let heard = server.segment.overhear(|| {
        for _ in 0..10 {
            server.sh(&format!(
                "ip address add {VIP}/32 broadcast {VIP} dev lo label lo:0
                ip route add {VIP} dev lo
                cd /proc/sys/net/ipv4/conf
                echo 1 >lo/arp_ignore; echo 2 >lo/arp_announce
                echo 1 >all/arp_ignore; echo 2 >all/arp_announce
                ip address del {VIP}/32 dev lo; ip route del {VIP} dev lo
                echo 0 >lo/arp_ignore; echo 0 >lo/arp_announce
                echo 0 >all/arp_ignore; echo 0 >all/arp_announce"
            ))?;
        }
        Ok(())
    })?;
    println!(
        "the old order: {} frames tell of the VIP",
        heard.leaks.len()
    );
    match heard.leaks.len() {
        0 => Err("nothing was heard".into()),
        _ => Ok(()),
    }
}

/// Packets come through tunnels of both families to a host that checks where packets come from;
/// with the old value at the tunnel's end they would not.
pub fn a_tunnel_ends_in_spite_of_rp_filter(world: &mut World) -> Result {
    let server = Server::new(world)?;
    direct(world, "-i")?;
    let _service = service()?;
    server.sh("cd /proc/sys/net/ipv4/conf; for d in *; do echo 1 >$d/rp_filter; done")?;
    let vips = format!("{VIP} {VIP6}");
    let said = server.expect(&format!("start --mode tun --clamp-mss {vips}"), 0)?;
    assert_has(&said, "set net.ipv4.conf.tunl0.rp_filter from 1 to 2")?;
    assert_has(&said, "take tunl0 up")?;
    assert_has(&said, "take ip6tnl0 up")?;
    assert_has(&said, "add 10.95.0.100/32 to tunl0 as tunl0:0")?;
    server.expect(&format!("status {vips}"), 0)?;
    server.expect(&format!("verify {vips}"), 0)?;
    // A packet of these and of two headers of IP fits into 1500 bytes.
    for (vip, most) in [(IpAddr::V4(VIP), 1440), (IpAddr::V6(VIP6), 1400)] {
        match connect(vip).context(vip)? {
            size if size <= most => {}
            size => return Err(format!("{vip}: segments of {size} bytes")),
        }
    }

    server.sh("echo 1 >/proc/sys/net/ipv4/conf/tunl0/rp_filter")?;
    let said = server.expect(&format!("verify {VIP}"), 4)?;
    assert_has(&said, "rp_filter is 1 (all 1, tunl0 1)")?;
    if connect(VIP.into()).is_ok() {
        return Err("packets come although rp_filter is strict".into());
    }
    server.expect(&format!("start --mode tun {VIP}"), 0)?;
    connect(VIP.into())?;
    server.expect(&format!("status {vips}"), 0)?;

    server.expect(&format!("stop {vips}"), 0)?;
    let after = server.snapshot()?;
    for gone in [
        "10.95.0.100",
        "fd95::100",
        "tunl0: <",
        "rp_filter:2",
        "arp_ignore:1",
    ] {
        if after.contains(gone) {
            return Err(format!("`{gone}` is left in:\n{after}"));
        }
    }
    // Now the devices are there, and a start need not load modules.
    let before = after;
    server.expect(&format!("start --mode tun {vips}"), 0)?;
    let size = connect(VIP.into())?;
    if size <= 1440 {
        return Err(format!(
            "segments of {size} bytes though nobody asked for that"
        ));
    }
    let said = server.expect(&format!("verify {VIP}"), 0)?;
    assert_has(
        &said,
        "note  10.95.0.100: clients may send packets that do not fit",
    )?;
    server.expect(&format!("stop {vips}"), 0)?;
    server.assert_as(&before, "after a second round")
}

/// What each fault looks like.
pub fn verify_names_the_faults_of_scripts(world: &mut World) -> Result {
    let server = Server::new(world)?;
    let faults: [(&str, &str); 8] = [
        (
            "ip address add 10.95.0.100/32 dev lo",
            "LEAK  10.95.0.100: eth0: answers ARP: arp_ignore is 0 (all 0, eth0 0); \
             announces it by ARP: arp_announce is 0 (all 0, eth0 0)",
        ),
        (
            "cd /proc/sys/net/ipv4/conf; echo 1 >lo/arp_ignore; echo 2 >lo/arp_announce",
            "FAULT arp_ignore is set on lo, where no ARP comes in, and not on all",
        ),
        (
            "cd /proc/sys/net/ipv4/conf; echo 1 >all/arp_ignore; echo 1 >all/arp_announce",
            "LEAK  10.95.0.100: eth0: announces it by ARP: arp_announce is 1 (all 1, eth0 0)",
        ),
        (
            "cd /proc/sys/net/ipv4/conf; echo 2 >all/arp_announce; echo 3 >eth0/arp_ignore",
            "LEAK  10.95.0.100: eth0: answers ARP: arp_ignore is 3 (all 1, eth0 3)",
        ),
        (
            "echo 0 >/proc/sys/net/ipv4/conf/eth0/arp_ignore
            ip link add d9 type veth peer name p9; ip link set d9 up
            ip route add 10.1.0.0/16 dev d9",
            "LEAK  10.95.0.100: d9: announces it by ARP: it has no address of its own to ask with",
        ),
        (
            "ip link del d9; ip address add 10.95.0.100/32 dev eth0",
            "LEAK  10.95.0.100: eth0: answers ARP: it has the address itself",
        ),
        (
            "ip address del 10.95.0.100/32 dev eth0; ip address del 10.95.0.100/32 dev lo
            ip address add 10.95.0.100/24 dev lo",
            "FAULT 10.95.0.100/24 on lo makes that whole network local",
        ),
        (
            "ip address del 10.95.0.100/24 dev lo; ip route add 10.95.0.100 dev lo",
            "FAULT the route to 10.95.0.100 on lo is left over: the address is not there",
        ),
    ];
    for (script, fault) in faults {
        server.sh(script)?;
        assert_has(&server.expect(&format!("verify {VIP}"), 4)?, fault).context(script)?;
    }
    server.sh("ip route del 10.95.0.100 dev lo")?;
    let said = server.expect(&format!("verify {VIP}"), 0)?;
    assert_has(
        &said,
        "ok    10.95.0.100: eth0: quiet: arp_ignore 1, arp_announce 2",
    )?;
    assert_has(&said, "note  10.95.0.100 is not on this host")
}

/// The files for the next boot, beside others' files and lines; in mounts of their own, so that this
/// machine's are not touched.
pub fn persist_and_unpersist_leave_files_as_they_were(world: &mut World) -> Result {
    let server = Server::new(world)?;
    let program = server.program.display();
    let script = format!(
        "mkdir -p /etc/sysctl.d /etc/systemd/system
        cd /etc
        printf '#!/bin/sh\\nmake coffee\\nexit 0\\n' >rc.local
        echo 'net.ipv4.conf.all.arp_ignore = 0' >sysctl.d/10-theirs.conf
        look() {{ find . -type f | sort | xargs grep . ; find . -type l; }}
        look >/run/lvskit-lab/before
        {program} start --persist {VIP} {VIP6}
        {program} start --persist --rc-local --mode dr 10.95.0.101
        {program} verify {VIP}
        look
        {program} stop {VIP}
        {program} stop --unpersist {VIP6} 10.95.0.101
        ls systemd/system
        {program} stop --unpersist {VIP}
        look | diff /run/lvskit-lab/before -"
    );
    let said = sh(SERVER, &script, vec![Mount::Empty("/etc".into())])?;
    for line in [
        "write /etc/sysctl.d/zz-lvs-realserver-10.95.0.100.conf",
        "sysctl.d/zz-lvs-realserver-10.95.0.100.conf:net.ipv4.conf.all.arp_ignore = 1",
        "link /etc/systemd/system/multi-user.target.wants/lvs-realserver-fd95::100.service",
        "lvs-realserver-fd95::100.service:ExecStop=",
        "start --mode dr 10.95.0.101 # lvs-realserver --persist\n./rc.local:exit 0",
        "lvs-realserver-10.95.0.100.service\nmulti-user.target.wants",
        "remove /etc/sysctl.d/zz-lvs-realserver-10.95.0.100.conf",
    ] {
        assert_has(&said, line)?;
    }
    Ok(())
}

/// A service of both families on the director, whose one server is ours.
fn direct(world: &World, method: &str) -> Result {
    let rules = format!(
        "-A -t {VIP}:80 -s rr\n-a -t {VIP}:80 -r 10.95.0.3:80 {method}\n\
         -A -t [{VIP6}]:80 -s rr\n-a -t [{VIP6}]:80 -r [fd95::3]:80 {method}\n"
    );
    let call = Call {
        program: world.program.path.clone(),
        argv0: "ipvsadm",
        arguments: &["-R".to_owned()],
        stdin: &rules,
        network: Some(DIRECTOR),
        ..Call::default()
    };
    match call.run()? {
        Outcome { rc: 0, .. } => Ok(()),
        Outcome { rc, stderr, .. } => Err(format!("ipvsadm -R ended with {rc}: {stderr}")),
    }
}

/// What runs on the real server, at all of its addresses.
fn service() -> Result<Background<()>> {
    let listener = in_network(SERVER, || TcpListener::bind("[::]:80").context("bind"))?;
    listener.set_nonblocking(true).context("listener")?;
    Ok(Background::start(move |stop| serve(&listener, 3, stop)))
}

/// A client comes, asks, and goes; gives back the bytes that its segments may have.
fn connect(vip: IpAddr) -> Result<u32> {
    let vip = SocketAddr::new(vip, 80);
    let mut stream = in_network(CLIENT, || {
        TcpStream::connect_timeout(&vip, TIMEOUT).context("connect")
    })?;
    stream.set_read_timeout(Some(TIMEOUT)).context("timeout")?;
    ask(&mut stream)?;
    getsockopt(&stream, TcpMaxSeg).context("segments")
}
