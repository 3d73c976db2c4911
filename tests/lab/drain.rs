//! `--drain`, `--undrain` and `--keep` on a balancer with connections.

use std::net::TcpStream;
use std::path::PathBuf;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::clients::{Background, NUMBERS, VIP, ask, call, connect, done, servers};
use crate::fail::Result;
use crate::process::Outcome;
use crate::traffic::Lan;
use crate::world::World;

/// Longer than any of this takes.
const LONG: &str = "40";

/// Two servers of which the second one has something of each kind to keep.
const FIRST: &str = "-a -t 10.96.0.1:80 -r 10.98.0.2:80 -m -w 1\n";
const SECOND: &str = "-a -t 10.96.0.1:80 -r 10.98.0.3:80 -m -w 5 -x 900 -y 800\n";
const DRAINED: &str = "-a -t 10.96.0.1:80 -r 10.98.0.3:80 -m -w 0 -x 900 -y 800\n";
const SERVICE: &str = "-A -t 10.96.0.1:80 -s rr\n";

/// The balancer with its servers, and a connection to each.
struct Balanced {
    program: PathBuf,
    streams: Vec<(u8, TcpStream)>,
    _servers: Vec<Background<()>>,
    _lan: Lan,
}

impl Balanced {
    fn new(world: &World) -> Result<Self> {
        let (lan, servers) = (Lan::new()?, servers()?);
        let program = world.program.path.clone();
        done(&program, "-R", &[SERVICE, FIRST, SECOND].concat())?;
        let mut streams = Vec::new();
        for _ in NUMBERS {
            let mut stream = connect()?;
            streams.push((ask(&mut stream)?, stream));
        }
        streams.sort_by_key(|(number, _)| *number);
        if streams.iter().map(|(number, _)| *number).ne(NUMBERS) {
            return Err(format!("not all servers of {VIP} answer"));
        }
        Ok(Self {
            program,
            streams,
            _servers: servers,
            _lan: lan,
        })
    }

    fn done(&self, arguments: &str) -> Result<String> {
        done(&self.program, arguments, "")
    }

    /// A call that must end with this status and this on standard error.
    fn ends(&self, arguments: &str, expected: (i32, &str)) -> Result {
        check(arguments, call(&self.program, arguments, "")?, expected)
    }

    /// The table must be this.
    fn table_is(&self, expected: &[&str]) -> Result {
        let table = self.done("-Sn")?;
        match table == expected.concat() {
            true => Ok(()),
            false => Err(format!("the table is\n{table}")),
        }
    }

    /// Starts a call, and waits until it has taken the second server's weight.
    fn start(&self, arguments: &str) -> Result<Background<Result<(Outcome, Duration)>>> {
        let (program, arguments) = (self.program.clone(), arguments.to_owned());
        let call = Background::start(move |_| {
            let start = Instant::now();
            Ok((call(&program, &arguments, "")?, start.elapsed()))
        });
        for _ in 0..100 {
            if self.done("-Sn")?.contains(DRAINED) {
                return Ok(call);
            }
            sleep(Duration::from_millis(50));
        }
        Err(format!("the weight stays\n{}", self.done("-Sn")?))
    }

    /// Ends the connection to the second server.
    fn end_connection(&mut self) {
        self.streams.pop();
    }
}

fn check(arguments: &str, outcome: Outcome, expected: (i32, &str)) -> Result {
    match (outcome.rc, outcome.stderr.as_str()) == expected {
        true => Ok(()),
        false => Err(format!("{arguments}: {} {}", outcome.rc, outcome.stderr)),
    }
}

/// While a server is drained it keeps its connection and gets no new one; with the end of its
/// connection it goes, long before the time is up.
pub fn a_drained_server_goes_with_its_last_connection(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let command = format!("-d -t {VIP} -r 10.98.0.3:80 --drain {LONG}");
    let call = balanced.start(&command)?;
    for _ in 0..4 {
        if ask(&mut connect()?)? != 2 {
            return Err("a new connection to a server that is drained".into());
        }
    }
    if ask(&mut balanced.streams[1].1)? != 3 {
        return Err("the connection is not what it was".into());
    }
    balanced.table_is(&[SERVICE, FIRST, DRAINED])?;
    balanced.end_connection();
    let (outcome, took) = call.stop()??;
    check(&command, outcome, (0, ""))?;
    if took > Duration::from_secs(30) {
        return Err(format!("it took {took:?}"));
    }
    balanced.table_is(&[SERVICE, FIRST])?;
    balanced.ends(
        &format!("--undrain -t {VIP}"),
        (255, "ipvsadm: not drained: -t 10.96.0.1:80\n"),
    )
}

/// When the time is up it goes with its connections; so does a whole service.
pub fn when_the_time_is_up_it_goes_all_the_same(world: &mut World) -> Result {
    let balanced = Balanced::new(world)?;
    balanced.ends(
        &format!("-d -t {VIP} -r 10.98.0.3:80 --drain 1"),
        (
            0,
            "ipvsadm: connections left: 1: -t 10.96.0.1:80 -r 10.98.0.3:80\n",
        ),
    )?;
    balanced.table_is(&[SERVICE, FIRST])?;
    balanced.ends(
        &format!("-D -t {VIP} --drain 0"),
        (0, "ipvsadm: connections left: 1: -t 10.96.0.1:80\n"),
    )?;
    balanced.table_is(&[])?;
    balanced.ends(
        &format!("-D -t {VIP} --drain 1"),
        (255, "No such service\n"),
    )
}

/// A server that is drained to stay has weight 0, all its other settings, and gets its weight
/// back.
pub fn a_server_that_stays_gets_its_weight_back(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let drain = format!("-e -t {VIP} -r 10.98.0.3:80 --drain");
    balanced.ends(
        &format!("{drain} 1"),
        (
            1,
            "ipvsadm: connections left: 1: -t 10.96.0.1:80 -r 10.98.0.3:80\n",
        ),
    )?;
    balanced.table_is(&[SERVICE, FIRST, DRAINED])?;
    balanced.end_connection();
    // What was remembered first still counts.
    balanced.ends(&format!("{drain} {LONG}"), (0, ""))?;
    balanced.ends(
        &format!("--undrain -t {VIP} -r 10.98.0.2:80"),
        (
            255,
            "ipvsadm: not drained: -t 10.96.0.1:80 -r 10.98.0.2:80\n",
        ),
    )?;
    balanced.done(&format!("--undrain -t {VIP}"))?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])?;
    balanced.ends(
        &format!("-e -t {VIP} -r 10.98.0.9:80 --drain 1"),
        (255, "No such destination\n"),
    )
}

/// Whoever gives a server its weight back while another waits to delete it keeps it.
pub fn what_is_undrained_meanwhile_is_not_deleted(world: &mut World) -> Result {
    let balanced = Balanced::new(world)?;
    let command = format!("-d -t {VIP} -r 10.98.0.3:80 --drain {LONG}");
    let call = balanced.start(&command)?;
    balanced.done(&format!("--undrain -t {VIP} -r 10.98.0.3:80"))?;
    let (outcome, _) = call.stop()??;
    let text = "ipvsadm: given a weight meanwhile, so kept: -t 10.96.0.1:80 -r 10.98.0.3:80\n";
    check(&command, outcome, (255, text))?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])
}

/// `--apply` drains what it deletes.
pub fn apply_drains_what_goes(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let rules = PathBuf::from("/tmp/lvskit-drain.rules");
    std::fs::write(&rules, [SERVICE, FIRST].concat()).map_err(|error| error.to_string())?;
    let command = format!("--apply {} --drain {LONG}", rules.display());
    let call = balanced.start(&command)?;
    balanced.end_connection();
    let (outcome, _) = call.stop()??;
    let text = "0 added, 0 edited, 1 deleted, 2 unchanged\n";
    check(&command, outcome, (0, text))?;
    balanced.table_is(&[SERVICE, FIRST])
}

/// `--keep` changes what is named, where the plain edit sets all else to its default.
pub fn an_edit_with_keep_changes_only_what_is_named(world: &mut World) -> Result {
    let balanced = Balanced::new(world)?;
    balanced.done(&format!("-e -t {VIP} -r 10.98.0.3:80 --keep -w 7 -y 5"))?;
    let kept = "-a -t 10.96.0.1:80 -r 10.98.0.3:80 -m -w 7 -x 900 -y 5\n";
    balanced.table_is(&[SERVICE, FIRST, kept])?;
    balanced.done(&format!(
        "-e -t {VIP} -r 10.98.0.3:80 --keep -i --tun-type gue --tun-port 6080"
    ))?;
    balanced.done(&format!(
        "-e -t {VIP} -r 10.98.0.3:80 --keep --tun-csum -x 100"
    ))?;
    let tunneled = "-a -t 10.96.0.1:80 -r 10.98.0.3:80 -i -w 7 --tun-type gue --tun-port 6080 \
                    --tun-csum -x 100 -y 5\n";
    balanced.table_is(&[SERVICE, FIRST, tunneled])?;
    balanced.ends(
        &format!("-e -t {VIP} -r 10.98.0.3:80 --keep -m --tun-port 7"),
        (2, "Tunnel options conflict with forward method\n"),
    )?;
    balanced.ends(
        &format!("-e -t {VIP} -r 10.98.0.9:80 --keep -w 1"),
        (255, "No such destination\n"),
    )?;
    balanced.done(&format!("-E -t {VIP} --keep -p 50"))?;
    balanced.done(&format!("-E -t {VIP} --keep -s wlc -M 255.255.255.0"))?;
    balanced.done(&format!("-E -t {VIP} --keep"))?;
    let service = "-A -t 10.96.0.1:80 -s wlc -p 50 -M 255.255.255.0\n";
    balanced.table_is(&[service, FIRST, tunneled])?;
    balanced.done(&format!("-E -t {VIP} -s rr"))?;
    balanced.table_is(&[SERVICE, FIRST, tunneled])
}
