//! What `--apply` does to the connections that are there, and what a restore does to them.

use std::net::TcpStream;
use std::time::Duration;

use crate::clients::{NUMBERS, VIP, Visitors, ask, connect, done, servers};
use crate::fail::{Context, Result};
use crate::traffic::Lan;
use crate::world::World;

/// How often the table is changed while clients come and go.
const CHANGES: u32 = 10;

/// Under new connections all the time, and with some that stay, the weight of one server is
/// changed again and again, and at last that server is taken out. Nobody else notices.
pub fn an_applied_change_breaks_no_other_connection(world: &mut World) -> Result {
    let _lan = Lan::new()?;
    let _servers = servers()?;
    apply(world, &table(Some(1)))?;
    let mut streams = (0..6)
        .map(|_| connect())
        .collect::<Result<Vec<TcpStream>>>()?;
    let numbers = streams.iter_mut().map(ask).collect::<Result<Vec<u8>>>()?;
    if NUMBERS.iter().any(|number| !numbers.contains(number)) {
        return Err(format!("not all servers answer: {numbers:?}"));
    }

    let visitors = Visitors::start();
    for change in 1..=CHANGES {
        apply(world, &table(Some(change + 1)))?;
    }
    // A visitor of the server that goes would go with it: that is another promise (`--drain`).
    apply(world, &table(Some(0)))?;
    std::thread::sleep(Duration::from_millis(500));
    apply(world, &table(None))?;
    let (came, failed) = visitors.stop()?;

    for (stream, number) in streams.iter_mut().zip(numbers) {
        if number == NUMBERS[0] {
            ask(stream).context("a connection to the server that stays")?;
        }
    }
    match (came, failed) {
        (1.., 0) => Ok(()),
        (came, failed) => Err(format!("{failed} of {came} new connections failed")),
    }
}

/// The same changes by the real ipvsadm, in the way of ipvsadm-restore: clear, then add. Else the
/// test above would prove nothing.
pub fn a_restore_breaks_connections(world: &mut World) -> Result {
    let _lan = Lan::new()?;
    let _servers = servers()?;
    let reference = world.reference.path.clone();
    apply(world, &table(Some(1)))?;
    let visitors = Visitors::start();
    for change in 1..=CHANGES {
        for (argument, stdin) in [("-C", String::new()), ("-R", table(Some(change + 1)))] {
            done(&reference, argument, &stdin)?;
        }
    }
    match visitors.stop()? {
        (_, 1..) => Ok(()),
        (came, _) => Err(format!("none of {came} new connections failed")),
    }
}

/// A table whose second server has this weight, or is not there.
fn table(weight: Option<u32>) -> String {
    let mut table = format!("-A -t {VIP} -s rr\n-a -t {VIP} -r 10.98.0.2:80 -m -w 1\n");
    if let Some(weight) = weight {
        table += &format!("-a -t {VIP} -r 10.98.0.3:80 -m -w {weight}\n");
    }
    table
}

fn apply(world: &World, table: &str) -> Result {
    done(&world.program.path, "--apply -", table).map(drop)
}
