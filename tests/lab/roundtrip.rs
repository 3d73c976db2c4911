//! What is saved can be restored, to the last setting.

use crate::fail::Result;
use crate::process::{Call, Outcome};
use crate::world::World;

/// Every kind of service and server.
pub const TABLE: &str = "\
-A -t 10.0.0.1:80 -s rr
-a -t 10.0.0.1:80 -r 10.2.0.1:8080 -m -w 5 -x 100 -y 50
-a -t 10.0.0.1:80 -r 10.2.0.2 -g -w 0
-a -t 10.0.0.1:80 -r 10.2.0.3 -i --tun-type gue --tun-port 6080 --tun-csum -x 7
-a -t 10.0.0.1:80 -r 10.2.0.4 -i --tun-type gre
-A -u 10.0.0.1:53 -s wlc -o
-A -t 10.0.0.2:443 -s sh -p 600 -M 255.255.255.0 -b sh-port,flag-3
-A -t 10.0.0.3:443 -s mh -M 255.255.0.0 -b flag-3
-A -f 7 -s nq -p 60
-a -f 7 -r 10.1.0.1:0 -m
-A -f 8 -6 -s mh -b mh-port
-A -f 4294967295 -s lc
-A -t [2001:db8::10]:80 -s sed -p 90 -M 64
-a -t [2001:db8::10]:80 -r [2001:db8::11]:8080 -m -y 3 -x 9
-A -u 10.0.0.4:5060 -s rr -p 10 --pe sip
";

/// Save, clear, restore: the table and the second save are as before.
pub fn save_and_restore_lose_nothing(world: &mut World) -> Result {
    let lines = TABLE
        .lines()
        .map(|line| line.split(' ').map(str::to_owned).collect::<Vec<_>>());
    world.prepare(None, &lines.collect::<Vec<_>>())?;
    let before = world.inspect(None)?;
    let saved = ours(world, "-Sn", "")?;
    world.reset()?;
    ours(world, "-R", &saved)?;
    let after = world.inspect(None)?;
    same("the table", &before, &after)?;
    same("the second save", &saved, &ours(world, "-Sn", "")?)
}

/// Runs the program under test, which must be content.
pub fn ours(world: &World, arguments: &str, stdin: &str) -> Result<String> {
    let words: Vec<String> = arguments.split(' ').map(str::to_owned).collect();
    let program = world.program.path.clone();
    let call = Call {
        program,
        argv0: "ipvsadm",
        arguments: &words,
        stdin,
        ..Call::default()
    };
    match call.run()? {
        Outcome {
            rc: 0,
            stdout,
            stderr,
            ..
        } if stderr.is_empty() => Ok(stdout),
        Outcome { rc, stderr, .. } => Err(format!("ipvsadm {arguments} ended with {rc}: {stderr}")),
    }
}

fn same(what: &str, expected: &str, got: &str) -> Result {
    if expected == got {
        return Ok(());
    }
    Err(format!("  {what}:\n{}", crate::diff::diff(expected, got)))
}
