//! Who gets a connection: schedulers, persistence, weights, thresholds.

use super::Family::{V4, V6};
use super::forwarding::{ask_by_udp, udp_servers};
use super::{Cluster, DIRECTOR, Method, ask, wait};
use crate::fail::{Context, Result};
use crate::world::World;

/// All schedulers that ipvsadm's manual page names and Linux 6.1 has.
const SCHEDULERS: [&str; 13] = [
    "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh",
];

/// Pages for each of twelve clients.
const PAGES: u8 = 12;

/// The table takes each scheduler, all pages are answered, and the spread is what the scheduler
/// promises.
pub fn each_scheduler_spreads_as_it_promises(world: &mut World) -> Result {
    for family in [V4, V6] {
        let cluster = Cluster::new(world, family, Method::Route)?;
        for scheduler in SCHEDULERS {
            promised(&cluster, scheduler).context(format_args!("{family:?} {scheduler}"))?;
        }
    }
    Ok(())
}

fn promised(cluster: &Cluster, scheduler: &str) -> Result {
    cluster.ipvsadm(DIRECTOR, "-C", "")?;
    cluster.balance(scheduler, [1, 2, 3])?;
    let table = cluster.ipvsadm(DIRECTOR, "-Sn", "")?;
    if !table.contains(&format!(" -s {scheduler}\n")) {
        return Err(table);
    }
    let spread = cluster.spread(PAGES)?;
    let servers = spread.iter().filter(|&&pages| pages > 0).count();
    let promised = match scheduler {
        "rr" => spread == [4, 4, 4],
        "wrr" => spread == [2, 4, 6],
        // The one address of the service has one server.
        "dh" | "lblc" => servers == 1,
        // The highest weight; with few connections at a time, it is never too busy.
        "fo" | "ovf" => spread == [0, 0, PAGES],
        // By the client: the same again.
        "sh" | "mh" => servers > 1 && cluster.spread(PAGES)? == spread,
        // By the connections that there are.
        "lc" => held(cluster)? == [2, 2, 2],
        "wlc" | "sed" | "nq" => held(cluster)? == [1, 2, 3],
        _ => true,
    };
    match promised {
        true => Ok(()),
        false => Err(format!(
            "the spread is {spread:?}, or that of connections that stay"
        )),
    }
}

/// How six connections that stay are spread.
fn held(cluster: &Cluster) -> Result<[u8; 3]> {
    let mut streams = Vec::new();
    let mut spread = [0; 3];
    for client in 0..6 {
        let mut stream = cluster.open(client, 80)?;
        spread[usize::from(ask(&mut stream)?) - 1] += 1;
        streams.push(stream);
    }
    Ok(spread)
}

/// A client stays with its server as long as persistence says, and is let go after that.
pub fn persistence_keeps_a_client_and_lets_it_go(world: &mut World) -> Result {
    let cluster = Cluster::new(world, V4, Method::Route)?;
    let vip = cluster.vip();
    let mut rules = cluster.rules(&format!("-t {vip}"), "rr", [1, 1, 1]);
    rules = rules.replace("-s rr\n", "-s rr -p 100\n");
    cluster.ipvsadm(DIRECTOR, "--apply -", &rules)?;
    for client in 0..6 {
        let first = cluster.fetch(client)?;
        for _ in 0..4 {
            let again = cluster.fetch(client)?;
            if again != first {
                return Err(format!("client {client}: {first}, then {again}"));
            }
        }
    }
    if cluster.spread(6)? != [2, 2, 2] {
        return Err("six clients are not spread over three servers".into());
    }

    // The entry that persistence keeps goes when its time is up and its connections are gone:
    // that takes long with TCP, so here it is UDP, forgotten after a second.
    cluster.ipvsadm(DIRECTOR, "--set 0 0 1", "")?;
    let mut rules = cluster.rules(&format!("-u {vip}"), "rr", [1, 1, 1]);
    rules = rules.replace("-s rr\n", "-s rr -p 2\n");
    cluster.ipvsadm(DIRECTOR, "--apply -", &rules)?;
    let _servers = udp_servers(&cluster)?;
    let first = ask_by_udp(&cluster, 0)?;
    for _ in 0..3 {
        wait(700);
        let again = ask_by_udp(&cluster, 0)?;
        if again != first {
            return Err(format!("UDP: {first}, then {again}"));
        }
    }
    for _ in 0..60 {
        wait(500);
        let entries = cluster.ipvsadm(DIRECTOR, "-Lnc", "")?;
        if !entries.lines().any(|line| line.starts_with("UDP")) {
            let after = ask_by_udp(&cluster, 0)?;
            return match after == first {
                true => Err(format!("after its time still {after}")),
                false => Ok(()),
            };
        }
    }
    Err("the entry of the client does not go".into())
}

/// A server with weight 0 gets no new connection and keeps those that it has.
pub fn weight_0_takes_no_new_connection(world: &mut World) -> Result {
    let cluster = Cluster::new(world, V4, Method::Route)?;
    cluster.balance("wrr", [1, 1, 1])?;
    let mut streams = (0..3)
        .map(|client| cluster.open(client, 80))
        .collect::<Result<Vec<_>>>()?;
    let servers = streams.iter_mut().map(ask).collect::<Result<Vec<u8>>>()?;
    cluster.balance("wrr", [0, 1, 1])?;
    match cluster.spread(8)? {
        [0, 4, 4] => {}
        other => return Err(format!("the spread is {other:?}")),
    }
    for (stream, server) in streams.iter_mut().zip(servers) {
        match ask(stream)? == server {
            true => {}
            false => return Err("a connection has changed its server".into()),
        }
    }
    Ok(())
}

/// A server with as many connections as its upper threshold gets no more.
pub fn thresholds_hold(world: &mut World) -> Result {
    let cluster = Cluster::new(world, V4, Method::Route)?;
    cluster.balance("rr", [1, 1, 1])?;
    let (vip, first) = (cluster.vip(), cluster.server(1));
    cluster.ipvsadm(DIRECTOR, &format!("-e -t {vip} -r {first} --keep -x 2"), "")?;
    let mut streams = (0..10)
        .map(|client| cluster.open(client, 80))
        .collect::<Result<Vec<_>>>()?;
    let mut spread = [0; 3];
    for stream in &mut streams {
        spread[usize::from(ask(stream)?) - 1] += 1;
    }
    match spread {
        [2, 4, 4] => Ok(()),
        other => Err(format!("the spread is {other:?}")),
    }
}
