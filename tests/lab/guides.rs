//! The configurations that guides print, run as printed: two machines with the interfaces and the
//! folder that they name, and `lvs-director` on each.

use std::fs;

use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::site::{DIRECTORS, Site, mailed};
use crate::world::World;

const VIP: &str = "192.168.72.100";

const CLIENT: &str = "client";

/// Its addresses: a persistent service knows them apart.
const CLIENTS: [&str; 2] = ["192.168.72.1", "192.168.72.2"];

/// The real servers.
const SERVERS: [&str; 2] = ["real1", "real2"];

macro_rules! guide {
    ($one:literal, $two:literal) => {
        [
            include_str!(concat!("../conf/guides/", $one, ".conf")),
            include_str!(concat!("../conf/guides/", $two, ".conf")),
        ]
    };
}

/// LVS by direct routing, for the master and for the backup.
pub const DIRECT_ROUTING: [&str; 2] = guide!("dr-master", "dr-backup");

/// A single pair, where a script looks after nginx; a mail tells of a change of state.
pub fn single_pair(world: &mut World) -> Result {
    let mut site = Site::new(world)?;
    let [one, two] = DIRECTORS;
    for machine in DIRECTORS {
        site.serve(machine)?;
    }
    site.serve_mail(one)?;
    site.start(guide!("single-master", "single-backup"))?;
    site.soon("a master", |site| site.only_on(one, "192.168.72.100/32"))?;
    site.soon("its mail", |_| Ok(mailed("Entering MASTER state")))?;
    // The first machine's nginx dies: its priority falls below the other's.
    site.end_serving(one);
    site.soon("a new master", |site| {
        site.only_on(two, "192.168.72.100/32")
    })?;
    site.soon("the old one's mail", |_| {
        Ok(mailed("Entering BACKUP state"))
    })
}

/// Each is the master of one address, and the backup of the other's.
pub fn dual_master(world: &mut World) -> Result {
    let mut site = Site::new(world)?;
    let [one, two] = DIRECTORS;
    let [first, second] = ["192.168.72.100/24 ", "192.168.72.200/24 "];
    site.start(guide!("dual-one", "dual-two"))?;
    site.soon("one address for each", |site| {
        Ok(site.only_on(one, first)? && site.only_on(two, second)?)
    })?;
    site.soon("labels", |site| {
        Ok(site.has(one, "ens33:0")? && site.has(two, "ens33:1")?)
    })?;
    site.end_director(two);
    site.soon("both addresses on the one that is left", |site| {
        Ok(site.only_on(one, first)? && site.only_on(one, second)?)
    })
}

/// LVS by direct routing: the real servers are set up by what the guide has a `realserver.sh` for.
pub fn direct_routing(world: &mut World) -> Result {
    let mut site = Site::new(world)?;
    site.serve_mail(DIRECTORS[0])?;
    add_client(&mut site)?;
    for (machine, last) in SERVERS.into_iter().zip([131, 132]) {
        site.add(machine)?;
        site.plug(machine, "ens33", &[&format!("192.168.72.{last}/24")])?;
        site.run(machine, "lvs-realserver", &["start", "--mode", "dr", VIP])?;
        site.serve(machine)?;
    }
    site.start(DIRECT_ROUTING)?;
    balances(
        site,
        "TCP  192.168.72.100:80 wrr persistent 50\n  \
           -> 192.168.72.131:80            Route   1      0          0\n  \
           -> 192.168.72.132:80            Route   1      0          0\n",
    )?;
    match mailed("DOWN") {
        true => Ok(()),
        false => Err("no mail tells of the real server".into()),
    }
}

/// LVS by NAT: the default gateway of the real servers goes where the service goes.
pub fn nat(world: &mut World) -> Result {
    let mut site = Site::new(world)?;
    add_client(&mut site)?;
    for (machine, last) in DIRECTORS.into_iter().zip([31, 32]) {
        site.plug(machine, "ens34", &[&format!("10.10.10.{last}/24")])?;
        let file = "/proc/sys/net/ipv4/ip_forward";
        in_network(machine, || fs::write(file, "1").context(file))?;
    }
    for (machine, last) in SERVERS.into_iter().zip([11, 12]) {
        site.add(machine)?;
        site.plug(machine, "ens34", &[&format!("10.10.10.{last}/24")])?;
        let words = ["route", "add", "default", "via", "10.10.10.1"];
        site.run(machine, "ip", &words)?;
        site.serve(machine)?;
    }
    site.start(guide!("nat-master", "nat-backup"))?;
    balances(
        site,
        "TCP  192.168.72.100:80 rr\n  \
           -> 10.10.10.11:80               Masq    1      0          0\n  \
           -> 10.10.10.12:80               Masq    1      0          0\n",
    )
}

fn add_client(site: &mut Site) -> Result {
    site.add(CLIENT)?;
    let addresses = CLIENTS.map(|address| format!("{address}/24"));
    site.plug(CLIENT, "ens33", &[&addresses[0], &addresses[1]])
}

/// Both have the table that the guide shows, and clients get pages from all servers. One server dies,
/// and then the master goes: clients get the other's.
fn balances(mut site: Site, table: &str) -> Result {
    let [one, two] = DIRECTORS;
    site.soon("the table and the address", |site| {
        let tables = [listing(site, one)?, listing(site, two)?];
        Ok(tables == [table, table] && site.only_on(one, "192.168.72.100/32")?)
    })?;
    let pages = |site: &Site| -> Result<[String; 2]> {
        let [first, second] = CLIENTS.map(|from| site.fetch(CLIENT, from, VIP));
        Ok([first?, second?])
    };
    site.soon("pages of both", |site| {
        let mut pages = pages(site)?;
        pages.sort();
        Ok(pages == SERVERS)
    })?;
    let [dead, left] = SERVERS;
    site.end_serving(dead);
    site.soon("pages of the one that is left", |site| {
        Ok(pages(site)? == [left, left] && listing(site, two)?.lines().count() == 2)
    })?;
    site.end_director(one);
    site.soon("pages by the other director", |site| {
        Ok(site.only_on(two, "192.168.72.100/32")? && pages(site)? == [left, left])
    })?;
    match listing(&site, one)?.is_empty() {
        true => Ok(()),
        false => Err("the master has left its table".into()),
    }
}

/// The table of a machine as `ipvsadm -Ln` shows it, without the heading.
fn listing(site: &Site, machine: &str) -> Result<String> {
    let listing = site.run(machine, "ipvsadm", &["-Ln"])?;
    let lines = listing.lines().skip(3);
    Ok(lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect())
}
