//! Scripts of the shapes that people have: each runs with the real ipvsadm first on its path and
//! then with ours, and must leave the same table, addresses, routes and settings, and say the same.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::diff::diff;
use crate::fail::{Context, Result};
use crate::namespace::own_network;
use crate::process::{Call, helper};
use crate::world::{Program, World};

/// The scripts; the file names say what each is about.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scripts");

/// Names for the programs, in a folder of the runner's own.
const PATHS: &str = "/run/lvskit-lab/path";

/// The host that the scripts run on. Its link addresses are always the same.
const HOST: &str = "\
link set lo up
link add eth0 address 02:00:00:00:00:01 type dummy
link add eth1 address 02:00:00:00:00:02 type dummy
link set eth0 up multicast on
link set eth1 up multicast on
addr add 192.168.1.10/24 brd 192.168.1.255 dev eth0
addr add fd01::10/64 dev eth0 nodad
addr add 10.0.0.1/24 dev eth1
route add default via 192.168.1.1
";

/// What shows the table whole.
const TABLE: &str = "-Sn\n-Ln\n-Ln --thresholds\n-L --daemon\n-L --timeout\n";

const SETTINGS: [&str; 4] = ["arp_ignore", "arp_announce", "rp_filter", "send_redirects"];

pub fn scripts_of_the_wild_do_the_same_with_ours(world: &mut World) -> Result {
    for module in ["ipip", "dummy"] {
        helper("/sbin/modprobe", &[module], "")?;
    }
    let real = folder("real", &world.reference)?;
    let ours = folder("ours", &world.program)?;
    let mut scripts = fs::read_dir(FOLDER)
        .context(FOLDER)?
        .map(|entry| Ok(entry.context(FOLDER)?.path()))
        .collect::<Result<Vec<PathBuf>>>()?;
    scripts.sort();
    let mut wrong = String::new();
    for script in &scripts {
        let name = script.file_name().unwrap_or_default().to_string_lossy();
        let expected = effect(world, script, &real).context(&name)?;
        let effect = effect(world, script, &ours).context(&name)?;
        if effect != expected {
            wrong += &format!("{name}\n{}", diff(&expected, &effect));
        }
    }
    match wrong.as_str() {
        "" if scripts.len() >= 20 => Ok(()),
        "" => Err(format!("only {} scripts", scripts.len())),
        _ => Err(wrong),
    }
}

/// A folder in which a program and its scripts have the names that others call them by.
fn folder(name: &str, program: &Program) -> Result<PathBuf> {
    let folder = Path::new(PATHS).join(name);
    fs::create_dir_all(&folder).context(folder.display())?;
    for (name, file) in [
        ("ipvsadm", program.path.clone()),
        ("ipvsadm-save", program.scripts.join("ipvsadm-save")),
        ("ipvsadm-restore", program.scripts.join("ipvsadm-restore")),
    ] {
        let link = folder.join(name);
        let _ = fs::remove_file(&link);
        symlink(&file, &link).context(link.display())?;
    }
    Ok(folder)
}

/// What a script says and leaves when it is called with `start`, and then with `stop`, on a host
/// of its own.
fn effect(world: &World, script: &Path, path: &Path) -> Result<String> {
    let work = || {
        own_network()?;
        helper("ip", &["-batch", "-"], HOST)?;
        ["start", "stop"]
            .into_iter()
            .map(|action| step(world, script, path, action))
            .collect()
    };
    std::thread::scope(|scope| scope.spawn(work).join()).map_err(|_| "panicked".to_owned())?
}

fn step(world: &World, script: &Path, path: &Path, action: &str) -> Result<String> {
    let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", path.display());
    let env = BTreeMap::from([("PATH".to_owned(), path)]);
    let arguments = [action.to_owned()];
    let call = Call {
        program: script.to_owned(),
        argv0: "script",
        arguments: &arguments,
        env: Some(&env),
        ..Call::default()
    };
    let outcome = call.run()?;
    let mut effect = format!(
        "{action}: {}\n{}{}",
        outcome.rc, outcome.stdout, outcome.stderr
    );
    for (program, words, stdin) in [
        (world.reference.path.as_path(), "-R", TABLE),
        (Path::new("ip"), "-o addr", ""),
        (Path::new("ip"), "-4 route show table all", ""),
        (Path::new("ip"), "-6 route show table all", ""),
    ] {
        let arguments: Vec<String> = words.split(' ').map(str::to_owned).collect();
        let call = Call {
            program: program.to_owned(),
            argv0: "look",
            arguments: &arguments,
            stdin,
            ..Call::default()
        };
        effect += &call.run()?.stdout;
    }
    effect += &settings()?;
    Ok(effect)
}

/// The settings that such scripts write.
fn settings() -> Result<String> {
    let mut files = vec![PathBuf::from("/proc/sys/net/ipv4/ip_forward")];
    let folder = "/proc/sys/net/ipv4/conf";
    for entry in fs::read_dir(folder).context(folder)? {
        let interface = entry.context(folder)?.path();
        files.extend(SETTINGS.iter().map(|setting| interface.join(setting)));
    }
    files.sort();
    files
        .iter()
        .map(|file| {
            let value = fs::read_to_string(file).context(file.display())?;
            Ok(format!("{} {value}", file.display()))
        })
        .collect()
}
