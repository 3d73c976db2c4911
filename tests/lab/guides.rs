//! The configurations that guides print, run as printed: two machines with the interface and the
//! folder that they name, and `lvs-director` on each.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fail::{Context, Result};
use crate::namespace::{Mount, in_network, own_mounts};
use crate::process::helper;
use crate::world::World;

const FOLDER: &str = "/tmp/lvskit-guides";
const MACHINES: [&str; 2] = ["guide1", "guide2"];
const ETC: &str = "/etc/keepalived";

/// The script that looks after nginx: it asks for a page, and each machine sees its own.
const SCRIPT: &str = "#!/bin/sh\ncurl -s -o /dev/null http://127.0.0.1/\n";

macro_rules! guide {
    ($one:literal, $two:literal) => {
        [
            include_str!(concat!("../conf/guides/", $one, ".conf")),
            include_str!(concat!("../conf/guides/", $two, ".conf")),
        ]
    };
}

/// A single pair, where a script looks after nginx; a mail tells of a change of state.
pub fn single_pair(world: &mut World) -> Result {
    let mut pair = Pair::new(world)?;
    pair.serve_mail(0)?;
    pair.start(guide!("single-master", "single-backup"))?;
    pair.soon(|pair| Ok(pair.has(0, "192.168.72.100/32")? && !pair.has(1, "192.168.72.100/")?))?;
    pair.soon(|_| mailed("Entering MASTER state"))?;
    // The first machine's nginx dies: its priority falls below the other's.
    pair.servers.remove(0);
    pair.soon(|pair| Ok(pair.has(1, "192.168.72.100/32")? && !pair.has(0, "192.168.72.100/")?))?;
    pair.soon(|_| mailed("Entering BACKUP state"))
}

/// Each is the master of one address, and the backup of the other's.
pub fn dual_master(world: &mut World) -> Result {
    let mut pair = Pair::new(world)?;
    pair.start(guide!("dual-one", "dual-two"))?;
    let [one, two] = ["192.168.72.100/24 ", "192.168.72.200/24 "];
    pair.soon(|pair| {
        Ok(pair.has(0, one)? && !pair.has(0, two)? && pair.has(1, two)? && !pair.has(1, one)?)
    })?;
    pair.soon(|pair| Ok(pair.has(0, "ens33:0")? && pair.has(1, "ens33:1")?))?;
    // One is left, and has both.
    pair.directors.remove(1);
    pair.soon(|pair| Ok(pair.has(0, one)? && pair.has(0, two)?))
}

/// Whether there is a mail with this in its subject.
fn mailed(what: &str) -> Result<bool> {
    let files = fs::read_dir(format!("{FOLDER}/mail/new"));
    let mut texts = files
        .into_iter()
        .flatten()
        .flatten()
        .map(|file| file.path());
    Ok(texts.any(|path| {
        let text = fs::read_to_string(path).unwrap_or_default();
        text.lines()
            .any(|line| line.starts_with("Subject:") && line.contains(what))
    }))
}

/// The two machines, on one wire. All that runs on them ends with this value.
struct Pair {
    ipvsadm: PathBuf,
    director: PathBuf,
    directors: Vec<Ended>,
    /// The web server of each, and then others.
    servers: Vec<Ended>,
}

/// A process that is told to end, and waited for.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        if let Ok(id) = i32::try_from(self.0.id()) {
            let _ = kill(Pid::from_raw(id), Signal::SIGTERM);
        }
        let _ = self.0.wait();
    }
}

impl Pair {
    fn new(world: &World) -> Result<Self> {
        for folder in ["/run/lvskit", "/var/lib/lvskit", FOLDER] {
            let _ = fs::remove_dir_all(folder);
        }
        fs::create_dir_all(FOLDER).context(FOLDER)?;
        let mut pair = Pair {
            ipvsadm: world.program.path.clone(),
            director: world.tool("lvs-director")?,
            directors: Vec::new(),
            servers: Vec::new(),
        };
        let [one, two] = MACHINES;
        let setup = format!(
            "netns add {one}\nnetns add {two}\n\
             link add ens33 netns {one} type veth peer name ens33 netns {two}\n"
        );
        helper("ip", &["-batch", "-"], &setup)?;
        for (machine, last) in MACHINES.into_iter().zip([31, 32]) {
            let links = format!(
                "link set lo up\nlink set ens33 up\naddr add 192.168.72.{last}/24 dev ens33\n"
            );
            helper("ip", &["-n", machine, "-batch", "-"], &links)?;
        }
        for machine in MACHINES {
            pair.serve(machine)?;
        }
        Ok(pair)
    }

    /// A web server.
    fn serve(&mut self, machine: &str) -> Result {
        let folder = format!("{FOLDER}/{machine}");
        fs::create_dir_all(&folder).context(&folder)?;
        let mut config = format!(
            "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n\
             events {{}}\nhttp {{ access_log off; server {{ listen 80; return 200; }}\n"
        );
        for module in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            config += &format!("{module}_temp_path {folder}/{module};\n");
        }
        let file = format!("{folder}/nginx.conf");
        fs::write(&file, config + "}\n").context(&file)?;
        let mut command = Command::new("nginx");
        command.args(["-e", &format!("{folder}/log"), "-c", &file]);
        let server = in_network(machine, || spawn(&mut command, &format!("{folder}/said")))?;
        self.servers.push(server);
        listens(machine, 80)
    }

    /// A mail server, which keeps what comes.
    fn serve_mail(&mut self, place: usize) -> Result {
        let folder = format!("{FOLDER}/mail");
        let mut command = Command::new("aiosmtpd");
        command.args([
            "-n",
            "-l",
            "127.0.0.1:25",
            "-c",
            "aiosmtpd.handlers.Mailbox",
        ]);
        command.arg(&folder);
        let said = format!("{FOLDER}/mail.said");
        let server = in_network(MACHINES[place], || spawn(&mut command, &said))?;
        self.servers.push(server);
        listens(MACHINES[place], 25)
    }

    /// Starts a director on each machine, with a folder of configuration of its own, which is where
    /// it looks for it.
    fn start(&mut self, texts: [&str; 2]) -> Result {
        for (machine, text) in MACHINES.into_iter().zip(texts) {
            let mut command = Command::new(&self.director);
            command.args(["run", "-n", "-l", "-p", &format!("{FOLDER}/{machine}.pid")]);
            let director = in_network(machine, || {
                own_mounts()?;
                Mount::Empty(ETC.into()).apply()?;
                fs::write(format!("{ETC}/keepalived.conf"), text).context(ETC)?;
                let script = Path::new(ETC).join("check_nginx.sh");
                fs::write(&script, SCRIPT).context(ETC)?;
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(&script, mode).context(ETC)?;
                spawn(&mut command, &said(machine))
            })?;
            self.directors.push(director);
        }
        Ok(())
    }

    fn soon(&self, done: impl Fn(&Self) -> Result<bool>) -> Result {
        for _ in 0..200 {
            if done(self)? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let mut told = String::from("it does not come about\n");
        for machine in MACHINES {
            let said = fs::read_to_string(said(machine)).unwrap_or_default();
            told += &format!("{machine} said:\n{said}{}", self.table(machine)?);
        }
        Err(told)
    }

    /// Whether this stands among the addresses of a machine's interface.
    fn has(&self, place: usize, what: &str) -> Result<bool> {
        let show = ["-o", "-4", "addr", "show", "dev", "ens33"];
        let shown = output(MACHINES[place], Path::new("ip"), &show)?;
        Ok(shown.contains(what))
    }

    fn table(&self, machine: &str) -> Result<String> {
        output(machine, &self.ipvsadm, &["-Sn"])
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        self.directors.clear();
        self.servers.clear();
        for machine in MACHINES {
            if let Err(error) = helper("ip", &["netns", "del", machine], "") {
                eprintln!("lab: {error}");
            }
        }
    }
}

fn said(machine: &str) -> String {
    format!("{FOLDER}/{machine}.said")
}

/// Waits until something listens at a port of a machine.
fn listens(machine: &str, port: u16) -> Result {
    for _ in 0..200 {
        if in_network(machine, || {
            TcpStream::connect(("127.0.0.1", port)).context(port)
        })
        .is_ok()
        {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("{machine}: nothing listens at port {port}"))
}

/// What a program says on a machine.
fn output(machine: &str, program: &Path, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(program);
    let output = in_network(machine, || {
        command.args(arguments).output().context(program.display())
    })?;
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Starts a program in the namespaces of this thread; what it says goes to a file.
fn spawn(command: &mut Command, said: &str) -> Result<Ended> {
    let said = fs::File::create(said).context(said)?;
    command
        .stdin(Stdio::null())
        .stdout(said.try_clone().context("said")?)
        .stderr(said);
    command.spawn().map(Ended).context("start")
}
