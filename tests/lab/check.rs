//! `lvs-check once --apply`: the table follows the servers.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::clients::{Background, call, done, server, servers};
use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::Outcome;
use crate::traffic::{BALANCER, Lan};
use crate::world::World;

pub const SERVICE: &str = "-A -t 10.96.0.1:80 -s rr\n";
pub const FIRST: &str = "-a -t 10.96.0.1:80 -r 10.98.0.2:80 -m -w 1\n";
pub const SECOND: &str = "-a -t 10.96.0.1:80 -r 10.98.0.3:80 -m -w 5 -x 900 -y 800\n";
pub const SORRY: &str = "-a -t 10.96.0.1:80 -r 10.98.0.9:80 -m -w 1\n";

/// What a change is told as.
const DELETED: &str = "ipvsadm -d -t 10.96.0.1:80 -r 10.98.0.3:80\n";

/// The options that all runs have: nobody answers after two seconds.
const ONCE: &str = "once --quiet --apply --timeout 2";

/// A folder of files that the tests make.
pub const FOLDER: &str = "/tmp/lvskit-check";

/// The balancer with both servers in its table.
pub struct Balanced {
    pub check: PathBuf,
    pub ipvsadm: PathBuf,
    pub servers: Vec<Background<()>>,
    _lan: Lan,
}

impl Balanced {
    pub fn new(world: &World) -> Result<Self> {
        let (lan, servers) = (Lan::new()?, servers()?);
        // A namespace of an earlier test may have had the same number.
        let _ = fs::remove_dir_all("/run/lvskit");
        let ipvsadm = world.program.path.clone();
        done(&ipvsadm, "-R", &[SERVICE, FIRST, SECOND].concat())?;
        fs::create_dir_all(FOLDER).context(FOLDER)?;
        Ok(Self {
            check: world.tool("lvs-check")?,
            ipvsadm,
            servers,
            _lan: lan,
        })
    }

    /// The second server dies.
    pub fn kill_server(&mut self) {
        self.servers.pop();
    }

    pub fn start_server(&mut self) -> Result {
        self.servers.push(server(3)?);
        Ok(())
    }

    pub fn ipvsadm(&self, arguments: &str) -> Result {
        done(&self.ipvsadm, arguments, "").map(drop)
    }

    /// A run that must end with this status and tell these changes.
    fn once(&self, arguments: &str, status: i32, changes: &str) -> Result {
        let arguments = format!("{ONCE} {arguments}");
        let Outcome {
            rc, stdout, stderr, ..
        } = call(&self.check, &arguments, "")?;
        match (rc, stdout.as_str(), stderr.as_str()) == (status, "", changes) {
            true => Ok(()),
            false => Err(format!("{arguments}: {rc} {stdout:?} {stderr:?}")),
        }
    }

    /// The table must be this.
    pub fn table_is(&self, expected: &[&str]) -> Result {
        let table = done(&self.ipvsadm, "-Sn", "")?;
        match table == expected.concat() {
            true => Ok(()),
            false => {
                let said = fs::read_to_string(said()).unwrap_or_default();
                Err(format!("the table is\n{table}{said}"))
            }
        }
    }
}

impl Balanced {
    /// The table must be this within ten seconds.
    pub fn table_is_soon(&self, expected: &[&str]) -> Result {
        let mut last = Ok(());
        for _ in 0..100 {
            last = self.table_is(expected);
            if last.is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        last
    }
}

/// It leaves the table, and comes back with all that it had; a run with nothing new changes
/// nothing.
pub fn a_dead_server_leaves_and_comes_back(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    balanced.once("--table", 0, "")?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])?;
    balanced.kill_server();
    balanced.once("--table", 1, DELETED)?;
    balanced.table_is(&[SERVICE, FIRST])?;
    balanced.once("--table", 1, "")?;
    balanced.start_server()?;
    balanced.once("--table", 0, &format!("ipvsadm {SECOND}"))?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])?;
    balanced.once("--table", 0, "")
}

/// Three bad runs in a row take a server out, two good ones bring it back.
pub fn fall_and_rise_are_counted_over_runs(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let options = "--table --fall 3 --rise 2";
    balanced.kill_server();
    balanced.once(options, 1, "")?;
    balanced.once(options, 1, "")?;
    balanced.start_server()?;
    balanced.once(options, 0, "")?;
    balanced.kill_server();
    balanced.once(options, 1, "")?;
    balanced.once(options, 1, "")?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])?;
    balanced.once(options, 1, DELETED)?;
    balanced.start_server()?;
    balanced.once(options, 0, "")?;
    balanced.table_is(&[SERVICE, FIRST])?;
    balanced.once(options, 0, &format!("ipvsadm {SECOND}"))
}

/// It has weight 0 while it is down, then the weight that it had; but whoever gives it another one
/// meanwhile, or deletes it, knows better.
pub fn an_inhibited_server_keeps_what_it_was_given(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let options = "--table --inhibit";
    let weight =
        |weight: u32| format!("-a -t 10.96.0.1:80 -r 10.98.0.3:80 -m -w {weight} -x 900 -y 800\n");
    let edited = |rule: &str| rule.replacen("-a", "ipvsadm -e", 1);
    balanced.kill_server();
    balanced.once(options, 1, &edited(&weight(0)))?;
    balanced.table_is(&[SERVICE, FIRST, &weight(0)])?;
    balanced.once(options, 1, "")?;
    balanced.start_server()?;
    balanced.once(options, 0, &edited(&weight(5)))?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])?;

    balanced.kill_server();
    balanced.once(options, 1, &edited(&weight(0)))?;
    balanced.ipvsadm("-e -t 10.96.0.1:80 -r 10.98.0.3:80 --keep -w 7")?;
    balanced.once(options, 1, &edited(&weight(0)))?;
    balanced.start_server()?;
    balanced.once(options, 0, &edited(&weight(7)))?;

    balanced.ipvsadm("-e -t 10.96.0.1:80 -r 10.98.0.3:80 --keep -w 0")?;
    balanced.once(options, 0, "")?;
    balanced.table_is(&[SERVICE, FIRST, &weight(0)])?;
    balanced.ipvsadm("-d -t 10.96.0.1:80 -r 10.98.0.3:80")?;
    balanced.once(options, 0, "")?;
    balanced.table_is(&[SERVICE, FIRST])
}

/// It comes with the last server's death, and goes when one is back.
pub fn a_sorry_server_stands_in(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let options = "--table --sorry 10.98.0.9";
    balanced.servers.clear();
    balanced.once(
        options,
        1,
        &format!("ipvsadm {SORRY}ipvsadm -d -t 10.96.0.1:80 -r 10.98.0.2:80\n{DELETED}"),
    )?;
    balanced.table_is(&[SERVICE, SORRY])?;
    balanced.once(options, 1, "")?;
    balanced.start_server()?;
    balanced.once(
        options,
        1,
        &format!("ipvsadm {SECOND}ipvsadm -d -t 10.96.0.1:80 -r 10.98.0.9:80\n"),
    )?;
    balanced.table_is(&[SERVICE, SECOND])?;
    // A quorum that one server does not reach.
    let options = "--table --sorry 10.98.0.9 --quorum 6";
    balanced.once(options, 1, &format!("ipvsadm {SORRY}{DELETED}"))?;
    balanced.table_is(&[SERVICE, SORRY])?;
    balanced.servers.push(server(2)?);
    balanced.once(
        options,
        0,
        &format!("ipvsadm {FIRST}ipvsadm {SECOND}ipvsadm -d -t 10.96.0.1:80 -r 10.98.0.9:80\n"),
    )?;
    balanced.table_is(&[SERVICE, FIRST, SECOND])
}

/// A program's exit status is the weight of a server.
pub fn weights_follow_a_program(world: &mut World) -> Result {
    let balanced = Balanced::new(world)?;
    let program = Path::new(FOLDER).join("weight");
    let options = format!("--table --dynamic --with misc:{}", program.display());
    let weigh = |status: u32| {
        let text = format!("#!/bin/sh\n[ $LVS_CHECK_ADDRESS = 10.98.0.2 ] || exit {status}\n");
        fs::write(&program, text).context(program.display())?;
        let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        fs::set_permissions(&program, mode).context(program.display())
    };
    for (status, weight) in [(12, 10), (12, 10), (255, 253), (2, 0), (0, 5)] {
        weigh(status)?;
        let arguments = format!("{ONCE} {options}");
        done(&balanced.check, &arguments, "")?;
        let second = SECOND.replace("-w 5", &format!("-w {weight}"));
        balanced.table_is(&[SERVICE, FIRST, &second])?;
    }
    Ok(())
}

/// A file of rules is what shall be, whoever has flushed or edited the table; other services are
/// not touched.
pub fn a_flushed_table_heals(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let rules = Path::new(FOLDER).join("rules");
    fs::write(&rules, [SERVICE, FIRST, SECOND].concat()).context(rules.display())?;
    let options = format!("--rules {}", rules.display());
    balanced.once(&options, 0, "")?;
    balanced.kill_server();
    balanced.once(&options, 1, DELETED)?;
    balanced.ipvsadm("-C")?;
    balanced.ipvsadm("-A -f 7 -s rr")?;
    balanced.once(&options, 1, &format!("ipvsadm {SERVICE}ipvsadm {FIRST}"))?;
    balanced.ipvsadm("-e -t 10.96.0.1:80 -r 10.98.0.2:80 -m -w 9")?;
    balanced.ipvsadm("-a -t 10.96.0.1:80 -r 10.98.0.77:80 -m")?;
    balanced.once(
        &options,
        1,
        &format!(
            "ipvsadm {}ipvsadm -d -t 10.96.0.1:80 -r 10.98.0.77:80\n",
            FIRST.replacen("-a", "-e", 1)
        ),
    )?;
    balanced.start_server()?;
    balanced.once(&options, 0, &format!("ipvsadm {SECOND}"))?;
    balanced.table_is(&[SERVICE, FIRST, SECOND, "-A -f 7 -s rr\n"])
}

pub fn a_hundred_flaps_leave_the_right_table(world: &mut World) -> Result {
    let balanced = Balanced::new(world)?;
    let file = Path::new(FOLDER).join("down");
    let options = format!("--table --with tcp --with file:{}", file.display());
    for _ in 0..100 {
        fs::write(&file, "1").context(file.display())?;
        let deleted = format!("ipvsadm -d -t 10.96.0.1:80 -r 10.98.0.2:80\n{DELETED}");
        balanced.once(&options, 1, &deleted)?;
        fs::write(&file, "0").context(file.display())?;
        balanced.once(&options, 0, &format!("ipvsadm {FIRST}ipvsadm {SECOND}"))?;
    }
    balanced.table_is(&[SERVICE, FIRST, SECOND])
}

/// Killed at any moment, even between the table and the memory: the next run leaves what it should.
pub fn a_killed_run_is_taken_up_by_the_next(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    let rules = Path::new(FOLDER).join("rules");
    fs::write(&rules, [SERVICE, FIRST, SECOND].concat()).context(rules.display())?;
    let options = format!("{ONCE} --rules {}", rules.display());
    for moment in 0..30 {
        balanced.kill_server();
        killed(&balanced.check, &options, moment * 2)?;
        call(&balanced.check, &options, "")?;
        balanced
            .table_is(&[SERVICE, FIRST])
            .context(format_args!("dead, killed after {} ms", moment * 2))?;
        balanced.start_server()?;
        killed(&balanced.check, &options, moment * 2)?;
        call(&balanced.check, &options, "")?;
        balanced
            .table_is(&[SERVICE, FIRST, SECOND])
            .context(format_args!("alive, killed after {} ms", moment * 2))?;
    }
    Ok(())
}

/// Starts a run, and kills it soon after.
fn killed(check: &Path, arguments: &str, milliseconds: u64) -> Result {
    in_network(BALANCER, || {
        let mut child = Command::new(check)
            .args(arguments.split(' '))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start")?;
        std::thread::sleep(Duration::from_millis(milliseconds));
        child.kill().context("kill")?;
        child.wait().context("wait").map(drop)
    })
}

/// Many runs at the same time leave what one would, and each change is made once.
pub fn runs_do_not_fight(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    for _ in 0..5 {
        for (dies, change) in [
            (true, DELETED.to_owned()),
            (false, format!("ipvsadm {SECOND}")),
        ] {
            match dies {
                true => balanced.kill_server(),
                false => balanced.start_server()?,
            }
            let runs = (0..6).map(|_| {
                let check = balanced.check.clone();
                Background::start(move |_| call(&check, &format!("{ONCE} --table"), ""))
            });
            let runs: Vec<_> = runs.collect();
            let mut told = String::new();
            for run in runs {
                told += &run.stop()??.stderr;
            }
            if told != change {
                return Err(format!("all runs told {told:?}, not {change:?}"));
            }
        }
    }
    balanced.table_is(&[SERVICE, FIRST, SECOND])
}

/// A loop, which is killed if nobody ends it.
pub struct Loop(pub Child);

impl Loop {
    /// Starts it; what it says goes to a file.
    pub fn start(check: &Path, arguments: &str) -> Result<Self> {
        let said = fs::File::create(said()).context("said")?;
        in_network(BALANCER, || {
            let child = Command::new(check)
                .args(arguments.split(' '))
                .stdout(Stdio::null())
                .stderr(said)
                .spawn();
            Ok(Loop(child.context("start")?))
        })
    }

    pub fn signal(&self, signal: Signal) -> Result {
        let id = i32::try_from(self.0.id()).context("process")?;
        kill(Pid::from_raw(id), signal).context("kill")
    }

    /// Ends it, as it wants to be ended.
    pub fn stop(&mut self) -> Result {
        self.signal(Signal::SIGTERM)?;
        let status = self.0.wait().context("wait")?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("the loop ended with {status}")),
        }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn said() -> PathBuf {
    Path::new(FOLDER).join("said")
}

/// What is dead never gets in; what lives comes and goes; a flushed table heals; a reload changes
/// what has changed; a file with a mistake changes nothing; the end leaves the table.
pub fn a_loop_follows_heals_and_reloads(world: &mut World) -> Result {
    let mut balanced = Balanced::new(world)?;
    balanced.ipvsadm("-C")?;
    balanced.kill_server();
    let rules = Path::new(FOLDER).join("rules");
    let write = |lines: &[&str]| fs::write(&rules, lines.concat()).context(rules.display());
    write(&[SERVICE, FIRST, SECOND])?;
    let downs = Path::new(FOLDER).join("downs");
    let _ = fs::remove_file(&downs);
    let tool = Path::new(FOLDER).join("tell");
    let text = format!(
        "#!/bin/sh\necho $LVS_CHECK_EVENT $LVS_CHECK_ADDRESS >> {}\n",
        downs.display()
    );
    fs::write(&tool, text).context("tool")?;
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    fs::set_permissions(&tool, mode).context("tool")?;
    let options = format!(
        "run --rules {} --delay 0.3 --timeout 2 --notify-down {}",
        rules.display(),
        tool.display()
    );
    let mut running = Loop::start(&balanced.check, &options)?;
    let soon = Balanced::table_is_soon;
    soon(&balanced, &[SERVICE, FIRST])?;
    balanced.start_server()?;
    soon(&balanced, &[SERVICE, FIRST, SECOND])?;
    balanced.kill_server();
    soon(&balanced, &[SERVICE, FIRST])?;
    balanced.start_server()?;
    soon(&balanced, &[SERVICE, FIRST, SECOND])?;
    balanced.ipvsadm("-C")?;
    soon(&balanced, &[SERVICE, FIRST, SECOND])?;
    let third = FIRST.replace("-w 1", "-w 3");
    write(&[SERVICE, &third, SECOND])?;
    running.signal(Signal::SIGHUP)?;
    soon(&balanced, &[SERVICE, &third, SECOND])?;
    write(&["-A -t nonsense\n"])?;
    running.signal(Signal::SIGHUP)?;
    std::thread::sleep(Duration::from_secs(1));
    balanced.table_is(&[SERVICE, &third, SECOND])?;
    running.stop()?;
    balanced.table_is(&[SERVICE, &third, SECOND])?;
    let told = fs::read_to_string(said()).context("said")?;
    for line in [
        "lvs-check: the table was changed by somebody else\n",
        "down -t 10.96.0.1:80 -r 10.98.0.3:80: connection re",
        "lvs-check: reloaded\n",
        "lvs-check: not reloaded: /tmp/lvskit-check/rules:1: ",
    ] {
        if !told.contains(line) {
            return Err(format!("{line:?} is not in\n{told}"));
        }
    }
    let downs = fs::read_to_string(&downs).context("downs")?;
    if downs != "down 10.98.0.3\n" {
        return Err(format!("the command was told {downs:?}"));
    }
    write(&[SERVICE, FIRST, SECOND])?;
    let mut running = Loop::start(&balanced.check, &format!("{options} --remove"))?;
    soon(&balanced, &[SERVICE, FIRST, SECOND])?;
    running.stop()?;
    balanced.table_is(&[])
}
