//! A table of any size: TCP services that have ten destinations each.

use std::fmt::Write;
use std::net::Ipv4Addr;

/// How many destinations each service has.
pub const DESTINATIONS: u8 = 10;

/// A TCP service with `-s wrr -p 300`.
pub struct Service {
    pub address: Ipv4Addr,
    pub port: u16,
    pub destinations: Vec<Destination>,
}

/// A destination with `-g`.
#[derive(Clone)]
pub struct Destination {
    pub address: Ipv4Addr,
    pub port: u16,
    pub weight: u32,
}

/// A table of `size` services.
pub fn of(size: usize) -> Vec<Service> {
    let destination = |number| Destination {
        address: Ipv4Addr::new(10, 2, 0, number),
        port: 80,
        weight: 1,
    };
    let service = |number| Service {
        address: Ipv4Addr::new(10, 1, (number / 250) as u8, (number % 250 + 1) as u8),
        port: 80,
        destinations: (1..=DESTINATIONS).map(destination).collect(),
    };
    (0..size).map(service).collect()
}

/// The rules that make it.
pub fn rules(services: &[Service]) -> String {
    let mut rules = String::new();
    for Service {
        address,
        port,
        destinations,
    } in services
    {
        // Writing to a String does not fail.
        let _ = writeln!(rules, "-A -t {address}:{port} -s wrr -p 300");
        for to in destinations {
            let _ = writeln!(
                rules,
                "-a -t {address}:{port} -r {}:{} -g -w {}",
                to.address, to.port, to.weight
            );
        }
    }
    rules
}
