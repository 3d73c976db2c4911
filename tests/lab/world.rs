//! The machine as the tests see it: mounts and a network of its own, name files that never change,
//! the programs in memory, and a table that is empty at the start of every test.

use std::collections::BTreeSet;
use std::ffi::CString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use nix::kmod::{DeleteModuleFlags, delete_module};

use crate::fail::{Context, Result};
use crate::genl::Table;
use crate::namespace::{self, Mount};
use crate::process::{Call, Outcome, command, helper};
use crate::reference::Session;
use crate::traffic::Lan;
use crate::transcript;

/// A tmpfs that only the runner and its children see.
const SCRATCH: &str = "/run/lvskit-lab";

/// What is known to the names of the recordings.
const FIXTURE: [&str; 3] = ["hosts", "services", "nsswitch.conf"];

/// Our programs that lie beside ipvsadm.
const TOOLS: [&str; 5] = [
    "lvs-check",
    "lvs-director",
    "lvs-realserver",
    "lvs-vip",
    "lvs-vrrp",
];

/// The two interfaces of the recordings.
const INTERFACES: &str = "\
link set lo up
link add d0 type dummy
link set d0 up multicast on
addr add 10.99.0.1/24 dev d0
addr add fd99::1/64 dev d0 nodad
link add eth0 type dummy
link set eth0 up multicast on
addr add 10.99.1.1/24 dev eth0
";

/// What shows the table whole. The last one prints a line even for an empty table.
const INSPECTION: [&str; 5] = [
    "-Sn",
    "-Ln",
    "-Ln --thresholds",
    "-L --daemon",
    "-L --timeout",
];

const MODPROBE: &str = "/proc/sys/kernel/modprobe";

/// An ipvsadm and the scripts that belong to it.
pub struct Program {
    /// A copy in memory.
    pub path: PathBuf,
    /// The folder of ipvsadm-save and ipvsadm-restore.
    pub scripts: PathBuf,
}

/// What of ip_vs the kernel has.
#[derive(Clone, Copy, PartialEq)]
pub enum Modules {
    Loaded,
    /// Not loaded; asking for it loads it.
    Unloaded,
    /// Not loaded, and the kernel finds nobody to load it.
    Unloadable,
}

pub struct World {
    /// What is tested.
    pub program: Program,
    /// The real one: prepares the table and inspects it.
    pub reference: Program,
    /// The kernel's release.
    pub kernel: String,
    pub lan: Option<Lan>,
    table: Option<Table>,
    session: Option<Session>,
    /// The inspection of a table as after a reset.
    empty: Option<String>,
    /// The kernel's module loader, while it is replaced.
    modprobe: Option<String>,
}

impl World {
    /// Prepares the machine. The calling thread must be the only one.
    pub fn new(program: &Path, reference: &Path) -> Result<Self> {
        if !nix::unistd::geteuid().is_root() {
            return Err("must be root: the tests make namespaces and mounts".into());
        }
        namespace::own_mounts()?;
        namespace::own_network()?;
        let table =
            Table::open().context("this kernel has no IPVS (scripts/lab boots one that has)")?;
        fs::create_dir_all(SCRATCH).context(SCRATCH)?;
        Mount::Empty(SCRATCH.into()).apply()?;
        for name in FIXTURE {
            let source = Path::new(transcript::FOLDER).join("fixture").join(name);
            over(
                &in_memory(&source, Path::new(SCRATCH))?,
                &Path::new("/etc").join(name),
            )?;
        }
        libraries_in_memory(&[program, reference])?;
        let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("osrelease")?;
        let repository = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts");
        let beside = reference.parent().unwrap_or(Path::new("/")).to_owned();
        let scripts = if program == reference {
            beside.clone()
        } else {
            repository
        };
        let programs = Path::new(SCRATCH).join("program");
        for tool in TOOLS.map(|name| program.with_file_name(name)) {
            if tool.exists() {
                in_memory(&tool, &programs)?;
            }
        }
        let world = Self {
            program: Program {
                path: in_memory(program, &programs)?,
                scripts,
            },
            reference: Program {
                path: in_memory(reference, &Path::new(SCRATCH).join("reference"))?,
                scripts: beside,
            },
            kernel: kernel.trim_end().to_owned(),
            lan: None,
            table: Some(table),
            session: None,
            empty: None,
            modprobe: None,
        };
        helper("ip", &["-batch", "-"], INTERFACES)?;
        Ok(world)
    }

    /// A copy in memory of one of our other programs.
    pub fn tool(&self, name: &str) -> Result<PathBuf> {
        let tool = self.program.path.with_file_name(name);
        match tool.exists() {
            true => Ok(tool),
            false => Err(format!("no {name} beside ipvsadm")),
        }
    }

    /// No services, no daemons, the default timeouts.
    pub fn reset(&mut self) -> Result {
        self.table()?.reset()
    }

    /// Runs command lines with the reference program, in a namespace made by `ip netns add` or here.
    pub fn prepare(&mut self, network: Option<&str>, lines: &[Vec<String>]) -> Result {
        if lines.is_empty() {
            return Ok(());
        }
        let joined: Vec<String> = lines.iter().map(|words| words.join(" ")).collect();
        if network.is_none() && lines.iter().all(|words| Session::can_say(words)) {
            return self
                .ask(joined.iter().map(String::as_str))
                .map(drop)
                .context("setup");
        }
        for words in lines {
            let call = Call {
                program: self.reference.path.clone(),
                argv0: "ipvsadm",
                arguments: words,
                network,
                ..Call::default()
            };
            let Outcome { rc, stderr, .. } = call.run().context("setup")?;
            if rc != 0 {
                return Err(format!(
                    "setup: ipvsadm {}: {stderr}(exit status {rc})",
                    words.join(" ")
                ));
            }
        }
        Ok(())
    }

    /// The whole table as the reference program shows it.
    pub fn inspect(&mut self, network: Option<&str>) -> Result<String> {
        if network.is_some() {
            let call = Call {
                program: self.reference.path.clone(),
                argv0: "ipvsadm",
                arguments: &["-R".to_owned()],
                stdin: &(INSPECTION.join("\n") + "\n"),
                network,
                ..Call::default()
            };
            return call.run().map(|outcome| outcome.stdout).context("after");
        }
        if !self.table()?.is_reset()? {
            return self.ask(INSPECTION).context("after");
        }
        if self.empty.is_none() {
            self.empty = Some(self.ask(INSPECTION).context("after")?);
        }
        Ok(self.empty.clone().unwrap_or_default())
    }

    /// Loads or unloads ip_vs; the state to leave it in is `Loaded`.
    pub fn modules(&mut self, wanted: Modules) -> Result {
        if wanted != Modules::Unloadable {
            if let Some(loader) = self.modprobe.take() {
                fs::write(MODPROBE, loader).context(MODPROBE)?;
            }
        }
        if wanted == Modules::Loaded {
            return if is_loaded() {
                Ok(())
            } else {
                helper("modprobe", &["ip_vs"], "")
            };
        }
        if is_loaded() {
            self.unload()?;
        }
        if wanted == Modules::Unloadable && self.modprobe.is_none() {
            self.modprobe = Some(fs::read_to_string(MODPROBE).context(MODPROBE)?);
            fs::write(MODPROBE, "/bin/false\n").context(MODPROBE)?;
        }
        Ok(())
    }

    fn unload(&mut self) -> Result {
        self.reset()?;
        (self.table, self.session, self.lan) = (None, None, None);
        // Schedulers stay in use until RCU has freed the flushed services.
        let mut left = Vec::new();
        for _ in 0..50 {
            let loaded = fs::read_to_string("/proc/modules").context("/proc/modules")?;
            left = loaded
                .lines()
                .filter_map(|line| line.split(' ').next())
                .map(str::to_owned)
                .collect();
            left.retain(|name| name.starts_with("ip_vs"));
            if left.is_empty() {
                return Ok(());
            }
            for name in &left {
                let name = CString::new(name.as_str()).context(name)?;
                // What is still in use is tried again.
                let _ = delete_module(&name, DeleteModuleFlags::O_NONBLOCK);
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(format!("could not unload {}", left.join(" ")))
    }

    fn table(&mut self) -> Result<&mut Table> {
        if self.table.is_none() {
            self.table = Some(Table::open()?);
        }
        self.table
            .as_mut()
            .ok_or_else(|| unreachable!("opened just now"))
    }

    fn ask<'a>(&mut self, lines: impl IntoIterator<Item = &'a str>) -> Result<String> {
        let mut session = match self.session.take() {
            Some(session) => session,
            None => Session::start(&self.reference.path)?,
        };
        let answer = session.ask(lines)?;
        self.session = Some(session);
        Ok(answer)
    }
}

impl Drop for World {
    fn drop(&mut self) {
        if let Err(error) = self.modules(Modules::Loaded) {
            eprintln!("lab: ip_vs stays unloaded: {error}");
        }
    }
}

fn is_loaded() -> bool {
    Path::new("/sys/module/ip_vs").exists()
}

/// Mounts a file over another, which is made if it is missing.
fn over(from: &Path, onto: &Path) -> Result {
    if !onto.exists() {
        fs::write(onto, "").context(onto.display())?;
    }
    Mount::file(from, onto).apply()
}

/// Copies a file, with its permissions, into a folder under [`SCRATCH`].
fn in_memory(file: &Path, folder: &Path) -> Result<PathBuf> {
    let copy = folder.join(file.file_name().unwrap_or_default());
    fs::create_dir_all(folder).context(folder.display())?;
    fs::copy(file, &copy).context(file.display())?;
    Ok(copy)
}

/// The lab's root is a slow network file system: every start of a program would read it.
fn libraries_in_memory(programs: &[&Path]) -> Result {
    let output = command(Path::new("/usr/bin/ldd"))
        .args(programs)
        .stderr(Stdio::null())
        .output()
        .context("ldd")?;
    let text = String::from_utf8_lossy(&output.stdout);
    // Lines like `libc.so.6 => /lib/x86_64-linux-gnu/libc.so.6 (0x00007f0000000000)`
    let paths = text
        .lines()
        .filter_map(|line| line.split_whitespace().rev().nth(1))
        .filter(|path| path.starts_with('/'));
    let libraries: BTreeSet<PathBuf> = paths
        .filter_map(|path| fs::canonicalize(path).ok())
        .collect();
    for library in libraries {
        over(
            &in_memory(&library, &Path::new(SCRATCH).join("lib"))?,
            &library,
        )?;
    }
    Ok(())
}
