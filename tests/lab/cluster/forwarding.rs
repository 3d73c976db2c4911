//! Each way to hand a packet on, each protocol, and services of firewall marks.

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::AsRawFd;
use std::time::Duration;

use nix::sys::socket::{AddressFamily, Backlog, SockaddrStorage, accept, bind, listen, send};
use nix::sys::socket::{MsgFlags, recv};

use super::Family::{V4, V6};
use super::{CLIENT, Cluster, DIRECTOR, Family, Method, SERVERS, stream, stream_socket};
use crate::clients::Background;
use crate::fail::{Context, Result};
use crate::namespace::in_network;
use crate::process::helper;
use crate::world::World;

/// The servers answer the client directly.
pub fn direct_routing(world: &mut World) -> Result {
    [V4, V6]
        .into_iter()
        .try_for_each(|family| taken_in_turn(world, family, Method::Route))
}

/// Packets go through the director both ways.
pub fn nat(world: &mut World) -> Result {
    [V4, V6]
        .into_iter()
        .try_for_each(|family| taken_in_turn(world, family, Method::Nat))
}

/// Packets go to the servers inside others: IP in IP, and GUE.
pub fn tunneling(world: &mut World) -> Result {
    for module in ["ipip", "ip6_tunnel", "fou", "fou6"] {
        helper("/sbin/modprobe", &[module], "")?;
    }
    taken_in_turn(world, V4, Method::Ipip)?;
    taken_in_turn(world, V6, Method::Ipip)?;
    taken_in_turn(world, V4, Method::Gue)?;
    taken_in_turn(world, V6, Method::Gue)
}

/// All pages are answered, by all servers in turn.
fn taken_in_turn(world: &World, family: Family, method: Method) -> Result {
    let check = || {
        let cluster = Cluster::new(world, family, method)?;
        cluster.balance("rr", [1, 1, 1])?;
        match cluster.spread(12)? {
            [4, 4, 4] => Ok(()),
            other => Err(format!("the spread is {other:?}")),
        }
    };
    check().context(format_args!("{family:?} {method:?}"))
}

/// UDP through NAT and by direct routing, and SCTP through NAT.
pub fn udp_and_sctp(world: &mut World) -> Result {
    helper("/sbin/modprobe", &["sctp"], "")?;
    for method in [Method::Nat, Method::Route] {
        let cluster = Cluster::new(world, V4, method)?;
        let vip = cluster.vip();
        let rules = cluster.rules(&format!("-u {vip}"), "rr", [1, 1, 1]);
        cluster.ipvsadm(DIRECTOR, "--apply -", &rules)?;
        let _servers = udp_servers(&cluster)?;
        let mut spread = [0; 3];
        for client in 0..6 {
            let answer = ask_by_udp(&cluster, client).context(format_args!("{method:?}"))?;
            spread[usize::from(answer) - 1] += 1;
        }
        if spread != [2, 2, 2] {
            return Err(format!("UDP, {method:?}: the spread is {spread:?}"));
        }
    }
    let cluster = Cluster::new(world, V4, Method::Nat)?;
    let vip = cluster.vip();
    let rules = cluster.rules(&format!("--sctp-service {vip}"), "rr", [1, 1, 1]);
    cluster.ipvsadm(DIRECTOR, "--apply -", &rules)?;
    let _servers = sctp_servers(&cluster)?;
    let mut spread = [0; 3];
    for client in 0..6 {
        let from = SocketAddr::new(cluster.client(client), 0);
        let answer = in_network(CLIENT, || {
            let socket = stream(from, vip, libc::IPPROTO_SCTP)?;
            send(socket.as_raw_fd(), b"?", MsgFlags::empty()).context("question")?;
            let mut answer = [0];
            recv(socket.as_raw_fd(), &mut answer, MsgFlags::empty()).context("answer")?;
            Ok(answer[0])
        })
        .context("SCTP")?;
        spread[usize::from(answer) - 1] += 1;
    }
    match spread {
        [2, 2, 2] => Ok(()),
        other => Err(format!("SCTP: the spread is {other:?}")),
    }
}

/// Two ports that nftables gives one mark are one service: a client has one server for both.
pub fn firewall_marks(world: &mut World) -> Result {
    for family in [V4, V6] {
        let cluster = Cluster::new(world, family, Method::Route)?;
        let (protocol, option) = match family {
            V4 => ("ip", ""),
            V6 => ("ip6", " -6"),
        };
        let vip = cluster.vip().ip();
        let ruleset = format!(
            "table inet lab {{ chain marks {{ type filter hook prerouting priority mangle;\n\
             {protocol} daddr {vip} tcp dport {{ 80, 8080 }} meta mark set 7; }}; }}\n"
        );
        cluster.run(DIRECTOR, "nft", &["-f", "-"], &ruleset)?;
        let service = format!("-f 7{option} -p 100");
        let rules = format!("-A {service} -s rr\n")
            + &cluster
                .rules(&format!("-f 7{option}"), "rr", [1, 1, 1])
                .lines()
                .skip(1)
                .map(|line| format!("{line}\n"))
                .collect::<String>();
        cluster.ipvsadm(DIRECTOR, "--apply -", &rules)?;
        let mut seen = [false; 3];
        for client in 0..6 {
            let first = super::ask(&mut cluster.open(client, 80)?)?;
            let second = super::ask(&mut cluster.open(client, 8080)?)?;
            if first != second {
                return Err(format!(
                    "{family:?}: client {client}: {first}, then {second}"
                ));
            }
            seen[usize::from(first) - 1] = true;
        }
        if seen != [true; 3] {
            return Err(format!("{family:?}: not all servers: {seen:?}"));
        }
    }
    Ok(())
}

/// Answers of the service over UDP.
pub fn ask_by_udp(cluster: &Cluster, client: u8) -> Result<u8> {
    let from = SocketAddr::new(cluster.client(client), 0);
    let socket = in_network(CLIENT, || UdpSocket::bind(from).context("bind"))?;
    let patience = Duration::from_secs(3);
    socket.set_read_timeout(Some(patience)).context("timeout")?;
    socket.connect(cluster.vip()).context("connect")?;
    socket.send(b"?").context("question")?;
    let mut answer = [0];
    socket.recv(&mut answer).context("answer")?;
    Ok(answer[0])
}

/// Servers that answer each datagram with their number.
pub fn udp_servers(cluster: &Cluster) -> Result<Vec<Background<()>>> {
    (1..)
        .zip(SERVERS)
        .map(|(number, name)| {
            let address: SocketAddr = match cluster.method {
                // The answer must come from the VIP.
                Method::Nat => format!("{}:80", cluster.server(number)),
                _ => cluster.vip().to_string(),
            }
            .parse()
            .context("address")?;
            let socket = in_network(name, || UdpSocket::bind(address).context("bind"))?;
            let glance = Duration::from_millis(50);
            socket.set_read_timeout(Some(glance)).context("timeout")?;
            Ok(Background::start(move |stop| {
                let mut question = [0; 16];
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    if let Ok((_, client)) = socket.recv_from(&mut question) {
                        let _ = socket.send_to(&[number], client);
                    }
                }
            }))
        })
        .collect()
}

/// Servers that answer the first message of each association with their number.
fn sctp_servers(cluster: &Cluster) -> Result<Vec<Background<()>>> {
    (1..)
        .zip(SERVERS)
        .map(|(number, name)| {
            let address: SocketAddr = format!("{}:80", cluster.server(number))
                .parse()
                .context("address")?;
            let listener = in_network(name, || {
                let socket = stream_socket(AddressFamily::Inet, libc::IPPROTO_SCTP)?;
                bind(socket.as_raw_fd(), &SockaddrStorage::from(address)).context("bind")?;
                listen(&socket, Backlog::new(8).context("backlog")?).context("listen")?;
                Ok(socket)
            })?;
            let glance = nix::sys::time::TimeVal::new(0, 50_000);
            nix::sys::socket::setsockopt(
                &listener,
                nix::sys::socket::sockopt::ReceiveTimeout,
                &glance,
            )
            .context("timeout")?;
            Ok(Background::start(move |stop| {
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    if let Ok(socket) = accept(listener.as_raw_fd()) {
                        let mut question = [0];
                        let _ = recv(socket, &mut question, MsgFlags::empty());
                        let _ = send(socket, &[number], MsgFlags::empty());
                        let _ = nix::unistd::close(socket);
                    }
                }
            }))
        })
        .collect()
}
