//! Two directors with one keepalived.conf, two real servers with nginx, and a client that fetches
//! without pause, whatever happens to them. For each mishap is told how many fetches failed, and the
//! longest time without a page.

use std::fs::{self, File};
use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clients::Background;
use crate::cluster::Family::V4;
use crate::cluster::{BACKUP, Cluster, DIRECTOR, Method};
use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::signal_child;
use crate::world::World;

use measure::{Fetches, compare};
use trials::{trials, wait_for_check};

pub mod crash;
mod measure;
mod trials;

const FOLDER: &str = "/tmp/lvskit-director";

/// The interval between two adverts is a second: a master is missed after three of them and the
/// skew. An emulator adds to it.
const TAKEOVER: Duration = Duration::from_millis(5500);

/// A master that resigns is missed after the skew, less than a second.
const HAND_OVER: Duration = Duration::from_millis(2500);

/// As long as nothing is to be missed.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Between two checks of a server.
const DELAY_LOOP: Duration = Duration::from_secs(1);

const DIRECTOR_ADDRESS: Ipv4Addr = Ipv4Addr::new(192, 168, 0, 10);

/// Two of ours.
pub fn ours_beside_ours(world: &mut World) -> Result {
    let mut stage = Stage::new(world, Kind::Ours, Kind::Ours)?;
    stage.begin()?;
    stage.real_server_dies_and_comes_back()?;
    stage.part_is_killed(Part::Checks, AT_ONCE)?;
    stage.part_is_killed(Part::Vrrp, TAKEOVER)?;
    stage.director_is_killed()?;
    stage.table_is_flushed()?;
    stage.address_is_deleted()?;
    stage.reload_with_a_mistake()?;
    stage.reload()?;
    stage.orders_are_carried_out()?;
    stage.link_is_lost()?;
    stage.directors_are_split()?;
    stage.master_is_stopped()?;
    stage.end()
}

/// Ours, with keepalived as its backup, which is told to do what ours does unasked: to let a better
/// master know before it gives way. Else clients stay with it when a split has healed.
pub fn ours_beside_keepalived(world: &mut World) -> Result {
    let mut stage = Stage::new(world, Kind::Ours, Kind::Keepalived)?;
    let told = "advert_int 1\n    higher_prio_send_advert on";
    let vip = stage.cluster.vip().ip().to_string();
    write(&configuration(&vip, "").replace("advert_int 1", told))?;
    stage.begin()?;
    stage.part_is_killed(Part::Vrrp, TAKEOVER)?;
    stage.director_is_killed()?;
    stage.link_is_lost()?;
    stage.directors_are_split()?;
    stage.master_is_stopped()?;
    stage.end()
}

/// The same with keepalived alone, what ours is held to: the comparison is printed at the end. It
/// does not heal a table, so that comes last.
pub fn keepalived_beside_keepalived(world: &mut World) -> Result {
    let mut stage = Stage::new(world, Kind::Keepalived, Kind::Keepalived)?;
    stage.begin()?;
    stage.real_server_dies_and_comes_back()?;
    stage.part_is_killed(Part::Checks, Duration::MAX)?;
    stage.part_is_killed(Part::Vrrp, Duration::MAX)?;
    stage.director_is_killed()?;
    stage.reload()?;
    stage.link_is_lost()?;
    stage.directors_are_split()?;
    stage.master_is_stopped()?;
    stage.director_is_started_again()?;
    stage.address_is_deleted()?;
    stage.table_is_flushed()?;
    stage.second = None;
    stage.end()?;
    compare();
    Ok(())
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Ours,
    Keepalived,
}

/// What a director starts.
#[derive(Clone, Copy, Debug)]
enum Part {
    Checks,
    Vrrp,
}

/// A director, which is killed if nobody ends it.
struct Director {
    machine: &'static str,
    kind: Kind,
    child: Child,
}

impl Director {
    fn start(stage: &Paths, machine: &'static str, kind: Kind) -> Result<Self> {
        let file = |ending: &str| format!("{FOLDER}/{machine}.{ending}");
        let said = File::options()
            .create(true)
            .append(true)
            .open(file("said"))
            .context("said")?;
        let mut command = match kind {
            Kind::Ours => Command::new(&stage.director),
            Kind::Keepalived => Command::new("/usr/sbin/keepalived"),
        };
        match kind {
            Kind::Ours => command.args(["run", "-n"]),
            Kind::Keepalived => {
                command.args(["-n", "-l", "-r", &file("vrrp"), "-c", &file("check")])
            }
        };
        command
            .args(["-f", &format!("{FOLDER}/keepalived.conf"), "-i", machine])
            .args(["-p", &file("pid")])
            .stdin(Stdio::null())
            .stdout(said.try_clone().context("said")?)
            .stderr(said);
        let child = in_network(machine, || command.spawn().context("start"))?;
        Ok(Director {
            machine,
            kind,
            child,
        })
    }

    fn signal(&self, signal: Signal) -> Result {
        let id = i32::try_from(self.child.id()).context("process")?;
        kill(Pid::from_raw(id), signal).context("kill")
    }

    /// Kills a process that it has started.
    fn kill_part(&self, part: Part) -> Result {
        let (program, ending) = match part {
            Part::Checks => ("lvs-check", "check"),
            Part::Vrrp => ("lvs-vrrp", "vrrp"),
        };
        if self.kind == Kind::Ours {
            return signal_child(self.child.id(), program, Signal::SIGKILL);
        }
        let file = format!("{FOLDER}/{}.{ending}", self.machine);
        let pid = fs::read_to_string(&file).context(&file)?;
        let pid = Pid::from_raw(pid.trim().parse().context(file)?);
        kill(pid, Signal::SIGKILL).context("kill")
    }
}

impl Drop for Director {
    fn drop(&mut self) {
        let _ = self.signal(Signal::SIGTERM);
        for _ in 0..100 {
            if let Ok(Some(_)) = self.child.try_wait() {
                return;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Paths {
    director: PathBuf,
}

struct Stage {
    paths: Paths,
    kinds: [Kind; 2],
    first: Option<Director>,
    second: Option<Director>,
    fetches: Fetches,
    client: Option<Background<()>>,
    cluster: Arc<Cluster>,
}

impl Stage {
    /// The machines, and the real servers with the VIP of which nobody hears.
    fn new(world: &World, first: Kind, second: Kind) -> Result<Self> {
        let cluster = Cluster::without_vip(world, V4, Method::Route)?;
        // A namespace of an earlier test may have had the same number.
        for folder in ["/run/lvskit", "/var/lib/lvskit", FOLDER] {
            let _ = fs::remove_dir_all(folder);
        }
        fs::create_dir_all(FOLDER).context(FOLDER)?;
        let vip = cluster.vip().ip().to_string();
        for server in ["rs1", "rs2"] {
            cluster.tool(server, "lvs-realserver", &["start", "--mode", "dr", &vip])?;
        }
        write(&configuration(&vip, ""))?;
        Ok(Stage {
            paths: Paths {
                director: world.tool("lvs-director")?,
            },
            kinds: [first, second],
            first: None,
            second: None,
            fetches: Fetches::default(),
            client: None,
            cluster: Arc::new(cluster),
        })
    }

    /// Does something, waits until all is as it should be, and for a while; tells what the client
    /// had of it. What keepalived makes of it is told, and not judged.
    fn mishap(
        &mut self,
        what: &str,
        longest: Duration,
        act: impl FnOnce(&mut Self) -> Result,
        done: impl Fn(&Self) -> Result<bool>,
    ) -> Result {
        let start = Instant::now();
        act(self).context(what)?;
        let outcome = self.soon(done).context(what);
        let healed = outcome.is_ok().then(|| start.elapsed());
        std::thread::sleep(Duration::from_millis(400));
        let gap = self.fetches.measure(self.kinds, what, start, healed);
        if self.kinds[0] == Kind::Keepalived {
            return Ok(());
        }
        outcome.map_err(|why| format!("{why}\n{}", self.said()))?;
        match gap > longest {
            true => Err(format!(
                "{what}: {} ms without a page\n{}",
                gap.as_millis(),
                self.said()
            )),
            false => Ok(()),
        }
    }

    fn soon(&self, done: impl Fn(&Self) -> Result<bool>) -> Result {
        for _ in 0..150 {
            if done(self)? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err("it does not come about".into())
    }

    /// Whether these machines have the VIP, and no other.
    fn vip_is_on(&self, machines: &[&str]) -> Result<bool> {
        let vip = self.cluster.vip().ip().to_string();
        for machine in [DIRECTOR, BACKUP] {
            let shown = self.cluster.run(
                machine,
                "ip",
                &["-o", "addr", "show", "dev", "eth0", "to", &vip],
                "",
            )?;
            if shown.is_empty() == machines.contains(&machine) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn table(&self, machine: &str) -> Result<String> {
        self.cluster.ipvsadm(machine, "-Sn", "")
    }

    /// Whether the table of a machine has these servers.
    fn balances(&self, machine: &str, servers: &[u8]) -> Result<bool> {
        let table = self.table(machine)?;
        Ok((1..=2).all(|number| {
            let server = format!("-r {}:80", self.cluster.server(number));
            table.contains(&server) == servers.contains(&number)
        }))
    }

    fn said(&self) -> String {
        let said = [DIRECTOR, BACKUP].map(|machine| {
            let said = fs::read_to_string(format!("{FOLDER}/{machine}.said"));
            let addresses = self.cluster.run(machine, "ip", &["-br", "addr"], "");
            format!(
                "{machine} said:\n{}{}{}",
                said.unwrap_or_default(),
                addresses.unwrap_or_default(),
                self.table(machine).unwrap_or_default()
            )
        });
        said.concat()
    }

    fn first(&self) -> Result<&Director> {
        self.first.as_ref().ok_or_else(|| "no director".into())
    }

    fn start(&mut self, machine: &'static str) -> Result {
        let place = usize::from(machine == BACKUP);
        let director = Director::start(&self.paths, machine, self.kinds[place])?;
        match machine {
            BACKUP => self.second = Some(director),
            _ => self.first = Some(director),
        }
        Ok(())
    }

    fn begin(&mut self) -> Result {
        self.start(DIRECTOR)?;
        self.start(BACKUP)?;
        let running = |stage: &Self| {
            let both = [DIRECTOR, BACKUP].map(|machine| stage.balances(machine, &[1, 2]));
            let [first, second] = both;
            Ok(stage.vip_is_on(&[DIRECTOR])? && first? && second?)
        };
        self.soon(running)
            .map_err(|why| format!("{why}\n{}", self.said()))?;
        let (fetches, cluster) = (self.fetches.clone(), Arc::clone(&self.cluster));
        self.client = Some(Background::start(move |stop| {
            fetches.keep_on(&cluster, stop);
        }));
        std::thread::sleep(Duration::from_millis(500));
        Ok(())
    }

    /// The tables are gone, and so is the VIP; nothing of ours runs any more.
    fn end(&mut self) -> Result {
        if let Some(client) = self.client.take() {
            client.stop()?;
        }
        self.first = None;
        self.second = None;
        for machine in [DIRECTOR, BACKUP] {
            let table = self.table(machine)?;
            if !table.is_empty() {
                return Err(format!("{machine} still has\n{table}{}", self.said()));
            }
        }
        match self.vip_is_on(&[])? {
            true => Ok(()),
            false => Err(format!("a VIP is left\n{}", self.said())),
        }
    }

    /// How long it takes to be found depends on when it dies between two checks: each trial has
    /// its own time there, the same for all directors.
    fn real_server_dies_and_comes_back(&mut self) -> Result {
        let trials = trials()?;
        for trial in 0..trials {
            let phase = DELAY_LOOP * (2 * trial + 1) / (2 * trials);
            wait_for_check(DIRECTOR_ADDRESS, "rs1")?;
            std::thread::sleep(phase);
            self.mishap(
                "a real server dies",
                Duration::from_secs(3),
                |stage| stage.cluster.stop_serving("rs1"),
                |stage| stage.balances(DIRECTOR, &[2]),
            )?;
            self.mishap(
                "it comes back",
                Duration::from_secs(1),
                |stage| stage.cluster.serve("rs1"),
                |stage| stage.balances(DIRECTOR, &[1, 2]),
            )?;
        }
        Ok(())
    }

    /// It is started again, and all goes on.
    fn part_is_killed(&mut self, part: Part, longest: Duration) -> Result {
        let what = match part {
            Part::Checks => "kill -9 of the process that checks",
            Part::Vrrp => "kill -9 of the process that speaks VRRP",
        };
        self.mishap(
            what,
            longest,
            |stage| {
                stage.first()?.kill_part(part)?;
                std::thread::sleep(Duration::from_secs(1));
                Ok(())
            },
            |stage| Ok(stage.vip_is_on(&[DIRECTOR])? && stage.balances(DIRECTOR, &[1, 2])?),
        )
    }

    /// Its programs do not outlive it; the other machine takes over at once; another director takes
    /// over what it has left.
    fn director_is_killed(&mut self) -> Result {
        self.mishap(
            "kill -9 of the director",
            HAND_OVER,
            |stage| stage.first()?.signal(Signal::SIGKILL),
            |stage| stage.vip_is_on(&[BACKUP]),
        )?;
        self.first = None;
        if self.kinds[0] == Kind::Ours && !self.balances(DIRECTOR, &[1, 2])? {
            return Err(format!("the table did not stay\n{}", self.said()));
        }
        self.director_is_started_again()
    }

    fn director_is_started_again(&mut self) -> Result {
        self.mishap(
            "it is started again",
            HAND_OVER,
            |stage| stage.start(DIRECTOR),
            |stage| Ok(stage.vip_is_on(&[DIRECTOR])? && stage.balances(DIRECTOR, &[1, 2])?),
        )
    }

    /// lvs-check looks at such a small table each second.
    fn table_is_flushed(&mut self) -> Result {
        self.mishap(
            "a flush of the table",
            Duration::from_secs(3),
            |stage| stage.cluster.ipvsadm(DIRECTOR, "-C", "").map(drop),
            |stage| stage.balances(DIRECTOR, &[1, 2]),
        )
    }

    fn address_is_deleted(&mut self) -> Result {
        let vip = self.cluster.vip().ip();
        self.mishap(
            "a delete of the VIP",
            TAKEOVER,
            |stage| {
                let delete = format!("addr del {vip}/32 dev eth0");
                stage.cluster.ip(DIRECTOR, &delete)
            },
            |stage| stage.vip_is_on(&[DIRECTOR]),
        )
    }

    /// It changes nothing.
    fn reload_with_a_mistake(&mut self) -> Result {
        let vip = self.cluster.vip().ip().to_string();
        self.mishap(
            "a reload with a mistake",
            AT_ONCE,
            |stage| {
                write(&configuration(&vip, "").replace("virtual_server", "virtual_sever"))?;
                stage.first()?.signal(Signal::SIGHUP)
            },
            |stage| Ok(stage.said().contains("not reloaded")),
        )
    }

    /// What has not changed is not touched.
    fn reload(&mut self) -> Result {
        let vip = self.cluster.vip().ip().to_string();
        self.mishap(
            "a reload",
            AT_ONCE,
            |stage| {
                write(&configuration(&vip, "weight 7"))?;
                stage.first()?.signal(Signal::SIGHUP)
            },
            |stage| Ok(stage.table(DIRECTOR)?.contains("-w 7")),
        )?;
        match self.vip_is_on(&[DIRECTOR])? && self.balances(DIRECTOR, &[1, 2])? {
            true => Ok(()),
            false => Err(self.said()),
        }
    }

    /// What `lvs-director` is asked for while it runs.
    fn orders_are_carried_out(&mut self) -> Result {
        let ask = |stage: &Self, words: &str| {
            let words: Vec<&str> = words.split(' ').collect();
            stage.cluster.tool(DIRECTOR, "lvs-director", &words)
        };
        let server = format!("{} {}", self.cluster.vip(), self.cluster.server(1));
        let drained = format!("-r {}:80 -g -w 0", self.cluster.server(1));
        self.mishap(
            "a drain",
            Duration::from_secs(1),
            |stage| ask(stage, &format!("drain {server}")).map(drop),
            |stage| Ok(stage.table(DIRECTOR)?.contains(&drained)),
        )?;
        ask(self, &format!("enable {server}"))?;
        ask(self, "status --is-master VI_1")?;
        let told = ask(self, "status --json")?;
        for part in ["\"lvs-vrrp\"", "\"MASTER\"", "192.168.0.12:80"] {
            if !told.contains(part) {
                return Err(format!("no {part} in {told}"));
            }
        }
        self.mishap(
            "a failover",
            HAND_OVER,
            |stage| ask(stage, "failover VI_1").map(drop),
            |stage| stage.vip_is_on(&[BACKUP]),
        )?;
        if ask(self, "status --is-master VI_1").is_ok() {
            return Err("it says that it is master".into());
        }
        self.mishap(
            "and back",
            HAND_OVER,
            |stage| {
                let words = ["failover", "VI_1"];
                stage.cluster.tool(BACKUP, "lvs-director", &words).map(drop)
            },
            |stage| stage.vip_is_on(&[DIRECTOR]),
        )
    }

    fn link_is_lost(&mut self) -> Result {
        self.mishap(
            "loss of the link",
            TAKEOVER,
            |stage| stage.cluster.ip("switch", "link set director down"),
            |stage| stage.vip_is_on(&[BACKUP]),
        )?;
        self.mishap(
            "it is back",
            HAND_OVER,
            |stage| stage.cluster.ip("switch", "link set director up"),
            |stage| stage.vip_is_on(&[DIRECTOR]),
        )
    }

    /// Each believes the other dead, and both reach clients and servers; then they hear each other
    /// again.
    fn directors_are_split(&mut self) -> Result {
        let isolate = |stage: &Self, how: &str| {
            [DIRECTOR, BACKUP].iter().try_for_each(|machine| {
                let set = format!("link set {machine} type bridge_slave isolated {how}");
                stage.cluster.ip("switch", &set)
            })
        };
        for _ in 0..trials()? {
            self.mishap(
                "a split",
                HAND_OVER,
                |stage| isolate(stage, "on"),
                |stage| stage.vip_is_on(&[DIRECTOR, BACKUP]),
            )?;
            self.mishap(
                "it heals",
                HAND_OVER,
                |stage| isolate(stage, "off"),
                |stage| stage.vip_is_on(&[DIRECTOR]),
            )?;
        }
        Ok(())
    }

    fn master_is_stopped(&mut self) -> Result {
        self.mishap(
            "stop of the master",
            HAND_OVER,
            |stage| {
                stage.first()?.signal(Signal::SIGTERM)?;
                if let Some(mut first) = stage.first.take() {
                    let status = first.child.wait().context("wait")?;
                    if !status.success() {
                        return Err(format!("{} ended with {status}", first.machine));
                    }
                }
                Ok(())
            },
            |stage| stage.vip_is_on(&[BACKUP]),
        )?;
        let table = self.table(DIRECTOR)?;
        match table.is_empty() || self.kinds[0] == Kind::Keepalived {
            true => Ok(()),
            false => Err(format!("the table is left:\n{table}")),
        }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        // Before the machines go.
        self.client = None;
        self.first = None;
        self.second = None;
    }
}

fn write(text: &str) -> Result {
    let path = Path::new(FOLDER).join("keepalived.conf");
    fs::write(&path, text).context(path.display())
}

/// One file for both machines. `of_server` stands in the second server's block.
fn configuration(vip: &str, of_server: &str) -> String {
    let server = |number: u8, more: &str| {
        format!(
            "    real_server 192.168.0.1{number} 80 {{\n        {more}\n        TCP_CHECK {{\n            \
             connect_timeout 1\n        }}\n    }}\n"
        )
    };
    format!(
        "vrrp_instance VI_1 {{\n    state BACKUP\n    interface eth0\n    virtual_router_id 51\n\
         @director priority 150\n@backup priority 100\n    advert_int 1\n    \
         virtual_ipaddress {{\n        {vip}\n    }}\n}}\n\
         virtual_server {vip} 80 {{\n    delay_loop {}\n    lb_algo rr\n    lb_kind DR\n    \
         protocol TCP\n{}{}}}\n",
        DELAY_LOOP.as_secs(),
        server(1, ""),
        server(2, of_server)
    )
}
