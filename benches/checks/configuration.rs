//! The file that both get.

use crate::servers::{self, Kind};

/// How many real servers a service has.
pub const OF_A_SERVICE: usize = 10;

/// All services, with their real servers; the second of the first service has this weight.
pub fn services(size: usize, kind: Kind, every: u64, weight: u32) -> String {
    let mut text = String::from("global_defs {\n}\n");
    for number in 0..size {
        if number % OF_A_SERVICE == 0 {
            let (address, port) = servers::address(number / OF_A_SERVICE, [10, 100]);
            text += &format!(
                "virtual_server {address} {port} {{\n protocol TCP\n lb_algo rr\n lb_kind NAT\n \
                 delay_loop {every}\n"
            );
        }
        let server = servers::endpoint(number);
        let weight = if number == 1 { weight } else { 1 };
        text += &format!(
            " real_server {} {} {{\n weight {weight}\n {}\n }}\n",
            server.address,
            server.port,
            kind.checker()
        );
        if number % OF_A_SERVICE == OF_A_SERVICE - 1 || number == size - 1 {
            text += "}\n";
        }
    }
    text
}
