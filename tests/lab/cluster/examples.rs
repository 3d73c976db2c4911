//! The example scripts, run as rc.local and cron would.

use std::collections::BTreeMap;
use std::path::Path;

use super::Family::V4;
use super::{Cluster, DIRECTOR, Method, SERVERS};
use crate::fail::{Context, Result};
use crate::process::{Outcome, helper};
use crate::world::World;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/scripts/examples");

pub fn the_example_scripts_make_clusters(world: &mut World) -> Result {
    helper("/sbin/modprobe", &["ipip"], "")?;
    for (script, method) in [
        ("lvs-dr.sh", Method::Route),
        ("lvs-nat.sh", Method::Nat),
        ("lvs-tun.sh", Method::Ipip),
    ] {
        let cluster = Cluster::without_vip(world, V4, method)?;
        Examples::new(&cluster).run(script).context(script)?;
    }
    Ok(())
}

struct Examples<'c> {
    cluster: &'c Cluster,
    env: BTreeMap<String, String>,
}

impl<'c> Examples<'c> {
    fn new(cluster: &'c Cluster) -> Self {
        let folder = cluster.program.parent().unwrap_or(Path::new("/"));
        let servers: Vec<String> = (1..=3).map(|number| cluster.server(number)).collect();
        let (device, mode) = match cluster.method {
            Method::Nat => ("eth1", ""),
            Method::Route => ("eth0", "dr"),
            Method::Ipip | Method::Gue => ("eth0", "tun"),
        };
        let path = format!("{}:/usr/sbin:/usr/bin:/sbin:/bin", folder.display());
        let env = [
            ("PATH", path),
            ("VIP", cluster.vip().ip().to_string()),
            ("DEV", device.to_owned()),
            ("MODE", mode.to_owned()),
            ("RS", servers.join(" ")),
        ];
        Self {
            cluster,
            env: env
                .map(|(name, value)| (name.to_owned(), value))
                .into_iter()
                .collect(),
        }
    }

    fn run(&self, script: &str) -> Result {
        let cluster = self.cluster;
        // Somebody else's service, which is to be left alone.
        let other = "-A -t 192.0.2.1:25 -s rr\n-a -t 192.0.2.1:25 -r 192.0.2.2:25 -g -w 1\n";
        cluster.ipvsadm(DIRECTOR, "-R", other)?;
        let with_servers = cluster.method != Method::Nat;
        if !with_servers {
            cluster.route_back()?;
        }
        self.is(DIRECTOR, script, "status", 3)?;
        // The second start changes nothing.
        for _ in 0..2 {
            for server in SERVERS.iter().filter(|_| with_servers) {
                self.is(server, "realserver.sh", "start", 0)?;
            }
            self.is(DIRECTOR, script, "start", 0)?;
            self.is(DIRECTOR, script, "status", 0)?;
            // Persistence: each client has its server.
            if cluster.spread(6)? != [2, 2, 2] {
                return Err("six clients are not spread over three servers".into());
            }
        }
        self.is(DIRECTOR, script, "stop", 0)?;
        self.is(DIRECTOR, script, "status", 3)?;
        for server in SERVERS.iter().filter(|_| with_servers) {
            self.is(server, "realserver.sh", "status", 0)?;
            self.is(server, "realserver.sh", "stop", 0)?;
            self.is(server, "realserver.sh", "status", 3)?;
        }
        let table = cluster.ipvsadm(DIRECTOR, "-Sn", "")?;
        match table == other {
            true => Ok(()),
            false => Err(format!("after the stop:\n{table}")),
        }
    }

    /// A script must end with this status.
    fn is(&self, machine: &str, script: &str, action: &str, status: i32) -> Result {
        let path = format!("{FOLDER}/{script}");
        let cluster = self.cluster;
        let env = Some(&self.env);
        match cluster.call(machine, &path, &[action], "", env)? {
            Outcome { rc, .. } if rc == status => Ok(()),
            Outcome {
                rc, stdout, stderr, ..
            } => Err(format!(
                "{machine}: {script} {action}: {rc}\n{stdout}{stderr}"
            )),
        }
    }
}
