//! Two machines for directors with the interface, the addresses and the folder that guides name, and
//! whatever else is on their wires.

use std::fs;
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::fail::{Context, Result};
use crate::namespace::{Mount, in_network, own_mounts};
use crate::process::helper;
use crate::world::World;

const FOLDER: &str = "/tmp/lvskit-site";

/// The machines that have a director.
pub const DIRECTORS: [&str; 2] = ["guide1", "guide2"];

const WEB: u16 = 80;
const MAIL: u16 = 25;

/// Where the bridges are.
const SWITCH: &str = "wires";

/// Each interface of one of these names is on the wire of that name.
const WIRES: [&str; 2] = ["ens33", "ens34"];

/// Where a director looks for its configuration. Each machine has its own.
const ETC: &str = "/etc/keepalived";

/// The script that looks after nginx: it asks for a page, and each machine sees its own.
const SCRIPT: &str = "#!/bin/sh\ncurl -s -o /dev/null http://127.0.0.1/\n";

/// All that runs on the machines ends with this value, and they go.
pub struct Site {
    /// Our ipvsadm, beside which our other programs lie.
    ipvsadm: PathBuf,
    directors: Vec<(&'static str, Ended)>,
    /// With the port at which each listens.
    servers: Vec<(&'static str, u16, Ended)>,
    machines: Vec<&'static str>,
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

impl Site {
    /// The machines of the directors, 192.168.72.31 and .32 on the first wire.
    pub fn new(world: &World) -> Result<Self> {
        // A namespace of an earlier test may have had the same number.
        for folder in ["/run/lvskit", "/var/lib/lvskit", FOLDER] {
            let _ = fs::remove_dir_all(folder);
        }
        fs::create_dir_all(FOLDER).context(FOLDER)?;
        let mut site = Site {
            ipvsadm: world.program.path.clone(),
            directors: Vec::new(),
            servers: Vec::new(),
            machines: Vec::new(),
        };
        site.add(SWITCH)?;
        for wire in WIRES {
            let bridge = format!("link add {wire} type bridge\nlink set {wire} up\n");
            helper("ip", &["-n", SWITCH, "-batch", "-"], &bridge)?;
        }
        for (machine, last) in DIRECTORS.into_iter().zip([31, 32]) {
            site.add(machine)?;
            site.plug(machine, "ens33", &[&format!("192.168.72.{last}/24")])?;
        }
        Ok(site)
    }

    /// A machine that is on no wire yet.
    pub fn add(&mut self, machine: &'static str) -> Result {
        helper("ip", &["netns", "add", machine], "")?;
        self.machines.push(machine);
        helper("ip", &["-n", machine, "link", "set", "lo", "up"], "")
    }

    /// Gives a machine an interface with these addresses.
    pub fn plug(&self, machine: &str, interface: &str, addresses: &[&str]) -> Result {
        let port = format!("{machine}.{interface}");
        let wire = format!(
            "link add {port} type veth peer name {interface} netns {machine}\n\
             link set {port} master {interface} up\n"
        );
        helper("ip", &["-n", SWITCH, "-batch", "-"], &wire)?;
        let mut setup = format!("link set {interface} up\n");
        for address in addresses {
            setup += &format!("addr add {address} dev {interface}\n");
        }
        helper("ip", &["-n", machine, "-batch", "-"], &setup)
    }

    /// A web server, whose page is the machine's name.
    pub fn serve(&mut self, machine: &'static str) -> Result {
        let folder = format!("{FOLDER}/{machine}");
        fs::create_dir_all(&folder).context(&folder)?;
        let mut config = format!(
            "daemon off; master_process off; pid {folder}/pid; error_log {folder}/log;\n\
             events {{}}\nhttp {{ access_log off; default_type text/plain;\n\
             server {{ listen 80; return 200 {machine}; }}\n"
        );
        for module in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
            config += &format!("{module}_temp_path {folder}/{module};\n");
        }
        let file = format!("{folder}/nginx.conf");
        fs::write(&file, config + "}\n").context(&file)?;
        let mut command = Command::new("nginx");
        command.args(["-e", &format!("{folder}/log"), "-c", &file]);
        let server = in_network(machine, || spawn(&mut command, &format!("{folder}/said")))?;
        self.servers.push((machine, WEB, server));
        listens(machine, WEB)
    }

    /// A mail server, which keeps what comes.
    pub fn serve_mail(&mut self, machine: &'static str) -> Result {
        let handler = [
            "-n",
            "-l",
            "127.0.0.1:25",
            "-c",
            "aiosmtpd.handlers.Mailbox",
        ];
        let mut command = Command::new("aiosmtpd");
        command.args(handler).arg(format!("{FOLDER}/mail"));
        let said = format!("{FOLDER}/mail.said");
        let server = in_network(machine, || spawn(&mut command, &said))?;
        self.servers.push((machine, MAIL, server));
        listens(machine, MAIL)
    }

    /// Ends the web server of a machine.
    pub fn end_serving(&mut self, machine: &str) {
        self.servers
            .retain(|(name, port, _)| (*name, *port) != (machine, WEB));
    }

    /// Starts a director on each machine with a configuration of its own, and beside it
    /// the script that some of them name.
    pub fn start(&mut self, texts: [&str; 2]) -> Result {
        for (machine, text) in DIRECTORS.into_iter().zip(texts) {
            let mut command = Command::new(self.ipvsadm.with_file_name("lvs-director"));
            command.args(["run", "-n", "-l", "-p", &format!("{FOLDER}/{machine}.pid")]);
            let director = in_network(machine, || {
                own_mounts()?;
                Mount::Empty(ETC.into()).apply()?;
                fs::write(format!("{ETC}/keepalived.conf"), text).context(ETC)?;
                let file = Path::new(ETC).join("check_nginx.sh");
                fs::write(&file, SCRIPT).context(ETC)?;
                let mode = fs::Permissions::from_mode(0o755);
                fs::set_permissions(&file, mode).context(ETC)?;
                spawn(&mut command, &said(machine))
            })?;
            self.directors.push((machine, director));
        }
        Ok(())
    }

    /// Ends the director of a machine.
    pub fn end_director(&mut self, machine: &str) {
        self.directors.retain(|(name, _)| *name != machine);
    }

    /// The process of a director.
    pub fn director(&self, machine: &str) -> Result<&Child> {
        let director = self.directors.iter().find(|(name, _)| *name == machine);
        let (_, Ended(child)) = director.ok_or_else(|| format!("no director on {machine}"))?;
        Ok(child)
    }

    /// Waits until something is so.
    pub fn soon(&self, what: &str, done: impl Fn(&Self) -> Result<bool>) -> Result {
        for _ in 0..300 {
            if done(self)? {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        let mut told = format!("it does not come about: {what}\n");
        for machine in DIRECTORS {
            let said = fs::read_to_string(said(machine)).unwrap_or_default();
            let addresses = self.run(machine, "ip", &["-br", "-4", "addr"])?;
            let table = self.run(machine, "ipvsadm", &["-Sn"])?;
            told += &format!("{machine} said:\n{said}{addresses}{table}");
        }
        Err(told)
    }

    /// Whether this stands among the addresses of one of the directors' machines, and not of the
    /// other.
    pub fn only_on(&self, machine: &str, what: &str) -> Result<bool> {
        for director in DIRECTORS {
            if self.has(director, what)? != (director == machine) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether this stands among the addresses of a machine.
    pub fn has(&self, machine: &str, what: &str) -> Result<bool> {
        let addresses = self.run(machine, "ip", &["-o", "-4", "addr", "show"])?;
        Ok(addresses.contains(what))
    }

    /// What a client gets; nothing if there is no page.
    pub fn fetch(&self, machine: &str, from: &str, address: &str) -> Result<String> {
        let arguments = ["-s", "-m", "2", "--interface", from, address];
        let page = self.output(machine, Path::new("curl"), &arguments)?.stdout;
        Ok(String::from_utf8_lossy(&page).into_owned())
    }

    /// Runs a program on a machine, one of ours or of the system; it must succeed.
    pub fn run(&self, machine: &str, program: &str, arguments: &[&str]) -> Result<String> {
        let ours = self.ipvsadm.with_file_name(program);
        let path = if ours.is_file() { ours } else { program.into() };
        let output = self.output(machine, &path, arguments)?;
        let [said, errors] = [&output.stdout, &output.stderr].map(|s| String::from_utf8_lossy(s));
        match output.status.success() {
            true => Ok(said.into_owned()),
            false => Err(format!(
                "{machine}: {program}: {}\n{said}{errors}",
                output.status
            )),
        }
    }

    fn output(&self, machine: &str, program: &Path, arguments: &[&str]) -> Result<Output> {
        let mut command = Command::new(program);
        command.args(arguments);
        in_network(machine, || command.output().context(program.display()))
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.directors.clear();
        self.servers.clear();
        for machine in &self.machines {
            if let Err(error) = helper("ip", &["netns", "del", machine], "") {
                eprintln!("lab: {error}");
            }
        }
    }
}

/// Whether a mail with this in its subject has come.
pub fn mailed(what: &str) -> bool {
    let files = fs::read_dir(format!("{FOLDER}/mail/new"));
    files.into_iter().flatten().flatten().any(|file| {
        let text = fs::read_to_string(file.path()).unwrap_or_default();
        text.lines()
            .any(|line| line.starts_with("Subject:") && line.contains(what))
    })
}

fn said(machine: &str) -> String {
    format!("{FOLDER}/{machine}.said")
}

/// Waits until something listens at a port of a machine.
fn listens(machine: &str, port: u16) -> Result {
    for _ in 0..200 {
        let connect = || TcpStream::connect(("127.0.0.1", port)).context(port);
        if in_network(machine, connect).is_ok() {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    Err(format!("{machine}: nothing listens at port {port}"))
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
