//! One transcript in the world: prepare as it was, call, look at the table.

use crate::fail::Result;
use crate::namespace::Mount;
use crate::process::{Call, Outcome};
use crate::traffic::{BALANCER, Lan};
use crate::transcript::{Case, Place};
use crate::world::{Modules, Program, World};

/// Runs the case with the program under test and takes what came out.
pub fn replay(world: &mut World, case: &Case) -> Result<Outcome> {
    arrange(world, case)?;
    run(world, case, |world| &world.program)
}

/// Runs the case that was just replayed again, with the real program.
pub fn replay_reference(world: &mut World, case: &Case) -> Result<Outcome> {
    // Services come in an order that is random for every table: a listing must be of the same one.
    if !(only_shows(case) && case.world.has_table()) {
        arrange(world, case)?;
    }
    run(world, case, |world| &world.reference)
}

fn run(world: &mut World, case: &Case, who: fn(&World) -> &Program) -> Result<Outcome> {
    let network = (case.world == Place::Lan).then_some(BALANCER);
    let mut outcome = call(who(world), case, network).run()?;
    if case.world.has_table() {
        outcome.after = world.inspect(network)?;
    }
    if !only_shows(case) {
        world.lan = None; // the next case wants it as it was
    }
    Ok(outcome)
}

/// Whether the call leaves the table as it is.
fn only_shows(case: &Case) -> bool {
    matches!(
        case.argv.first().map(String::as_str),
        Some("-L" | "-l" | "-S")
    )
}

/// Brings the machine and the table to where the recording began.
fn arrange(world: &mut World, case: &Case) -> Result {
    if case.world != Place::Lan {
        world.lan = None;
    }
    match case.world {
        Place::Plain | Place::NoProc => {
            world.modules(Modules::Loaded)?;
            world.reset()?;
            world.prepare(None, &case.setup)
        }
        Place::Lan => {
            world.modules(Modules::Loaded)?;
            let history = (case.setup.clone(), case.traffic.clone());
            if world.lan.as_ref().is_some_and(|lan| lan.history == history) {
                return Ok(());
            }
            world.lan = None; // before the new one: the namespaces have the same names
            let mut lan = Lan::new()?;
            world.prepare(Some(BALANCER), &case.setup)?;
            lan.send(&case.traffic)?;
            lan.history = history;
            world.lan = Some(lan);
            Ok(())
        }
        Place::Unloaded => world.modules(Modules::Unloaded),
        Place::NoModule => world.modules(Modules::Unloadable),
    }
}

fn call<'a>(program: &Program, case: &'a Case, network: Option<&'a str>) -> Call<'a> {
    let mut mounts = Vec::new();
    if let Some(text) = &case.conn {
        mounts.push(Mount::Connections(text.clone()));
    }
    match case.world {
        Place::NoProc => mounts.push(Mount::Empty("/proc".into())),
        Place::NoModule => mounts.push(Mount::Empty("/lib/modules".into())),
        _ => {}
    }
    mounts.extend(case.hide.iter().map(|file| Mount::file("/dev/null", file)));
    let (path, name) = match &case.prog {
        Some(script) => {
            mounts.push(Mount::file(&program.path, "/usr/sbin/ipvsadm"));
            (program.scripts.join(script), script.as_str())
        }
        None => (program.path.clone(), "ipvsadm"),
    };
    Call {
        program: path,
        argv0: case.argv0.as_deref().unwrap_or(name),
        arguments: &case.argv,
        stdin: &case.stdin,
        env: Some(&case.env),
        uid: case.uid,
        stdout: case.out,
        network,
        mounts,
    }
}
