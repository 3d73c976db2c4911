//! Virtual addresses that nobody speaks for any more.

use std::io;

use crate::conf::model::Config;
use crate::host::links::Network;

/// Takes the virtual addresses of all instances away; gives back how many there were.
pub fn withdraw(config: &Config) -> io::Result<usize> {
    let mut network = Network::open()?;
    let links = network.links()?;
    let there = network.addresses()?;
    let mut count = 0;
    for instance in &config.instances {
        let own = instance.interface.as_ref().map(|name| name.as_str());
        let addresses = instance.addresses.iter();
        for address in addresses.chain(&instance.excluded_addresses) {
            let device = address.device.as_deref().or(own);
            let link = links.iter().find(|link| Some(&*link.name) == device);
            let Some(link) = link else {
                continue;
            };
            let left = there
                .iter()
                .filter(|there| there.link == link.index && there.address == address.address);
            for address in left {
                network.remove_address(address)?;
                count += 1;
            }
        }
    }
    Ok(count)
}
