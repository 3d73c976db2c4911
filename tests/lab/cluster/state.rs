//! Connections that outlive their director.

use std::fs;

use super::Family::V4;
use super::{BACKUP, CLIENT, Cluster, DIRECTOR, Method, ask, wait};
use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::world::World;

/// The first director tells the second of its connections; when that one has the address and the
/// first has gone, they go on.
pub fn the_sync_daemon_carries_connections_to_the_other_director(world: &mut World) -> Result {
    let cluster = Cluster::new(world, V4, Method::Route)?;
    let vip = cluster.vip();
    let rules = cluster.rules(&format!("-t {vip}"), "rr", [1, 1, 1]);
    for machine in [DIRECTOR, BACKUP] {
        cluster.ipvsadm(machine, "--apply -", &rules)?;
        in_network(machine, || {
            // A connection is told of with its first packet, and with each.
            let file = "/proc/sys/net/ipv4/vs/sync_threshold";
            fs::write(file, "0 1").context(file)
        })?;
    }
    let start = |machine: &str, role: &str| {
        let command = format!("--start-daemon {role} --mcast-interface eth0 --syncid 7");
        cluster.ipvsadm(machine, &command, "")
    };
    start(BACKUP, "backup")?;
    start(DIRECTOR, "master")?;

    let mut streams = (0..3)
        .map(|client| cluster.open(client, 80))
        .collect::<Result<Vec<_>>>()?;
    let servers = streams.iter_mut().map(ask).collect::<Result<Vec<u8>>>()?;
    let known = |machine| cluster.ipvsadm(machine, "-Lnc --filter state=ESTABLISHED", "");
    for _ in 0..50 {
        wait(200);
        if known(BACKUP)?.lines().count() == 2 + streams.len() {
            break;
        }
    }
    let (here, there) = (known(DIRECTOR)?, known(BACKUP)?);
    let connections = |text: &str| {
        let mut lines: Vec<Vec<String>> = text
            .lines()
            .skip(2)
            // All but the time that is left.
            .map(|line| line.split_whitespace().map(str::to_owned).collect())
            .map(|mut words: Vec<String>| {
                words.remove(1);
                words
            })
            .collect();
        lines.sort();
        lines
    };
    if connections(&here) != connections(&there) || connections(&here).len() != streams.len() {
        return Err(format!("on the first:\n{here}on the second:\n{there}"));
    }

    cluster.ip(DIRECTOR, "link set eth0 down")?;
    cluster.ip(BACKUP, &format!("addr add {}/32 dev eth0", vip.ip()))?;
    cluster.ip(CLIENT, "neigh flush all")?;
    for (stream, server) in streams.iter_mut().zip(servers) {
        let now = ask(stream).context("after the change")?;
        if now != server {
            return Err(format!("a connection to {server} is one to {now} now"));
        }
    }
    Ok(())
}
