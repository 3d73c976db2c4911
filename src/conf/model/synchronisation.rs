//! Who synchronises connections with other directors: `lvs_sync_daemon`.

use std::net::IpAddr;

use super::Config;
use crate::ipvs::{Daemon, InterfaceName, Role};

/// What a configuration asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Synchronisation {
    /// The virtual router that says who sends and who takes; without one this machine does both.
    pub instance: Option<String>,
    interface: InterfaceName,
    sync_id: u32,
    max_length: Option<u16>,
    group: Option<IpAddr>,
    port: Option<u16>,
    ttl: Option<u8>,
}

impl Synchronisation {
    /// What an interface and options ask for, and the `vrrp_instance` that is named.
    fn read(words: &[String]) -> Option<Self> {
        let (interface, mut words) = words.split_first()?;
        let mut found = Synchronisation {
            instance: None,
            interface: InterfaceName::new(interface)?,
            sync_id: 0,
            max_length: None,
            group: None,
            port: None,
            ttl: None,
        };
        while let [word, rest @ ..] = words {
            let value = rest.first().map_or("", String::as_str);
            match word.as_str() {
                "inst" => found.instance = Some(value.to_owned()),
                "id" => found.sync_id = value.parse().ok()?,
                "maxlen" => found.max_length = Some(value.parse().ok()?),
                "port" => found.port = Some(value.parse().ok()?),
                "ttl" => found.ttl = Some(value.parse().ok()?),
                "group" => found.group = Some(value.parse().ok()?),
                // It stands without a word before it only behind the interface.
                name => {
                    found.instance = Some(name.to_owned());
                    words = rest;
                    continue;
                }
            }
            words = rest.get(1..).unwrap_or(&[]);
        }
        Some(found)
    }

    /// The daemon that does one of the two.
    pub fn daemon(&self, role: Role) -> Daemon {
        Daemon {
            role,
            interface: self.interface.clone(),
            sync_id: self.sync_id,
            max_length: self.max_length,
            group: self.group,
            port: self.port,
            ttl: self.ttl,
        }
    }
}

impl Config {
    /// Who synchronises connections, if somebody shall: nobody, where an instance is named that is
    /// not there. The sync id that is not given is that of the instance.
    pub fn synchronisation(&self) -> Option<Synchronisation> {
        let Some(words) = &self.global.sync_daemon else {
            return self.synchronisation_of_old();
        };
        let mut found = Synchronisation::read(words)?;
        if let Some(name) = &found.instance {
            let mut instances = self.instances.iter();
            let instance = instances.find(|instance| instance.name == *name)?;
            if !words.iter().any(|word| word == "id") {
                found.sync_id = instance.router_id.unwrap_or(0).into();
            }
        }
        Some(found)
    }

    /// `lvs_sync_daemon_interface` in an instance; the first one counts.
    fn synchronisation_of_old(&self) -> Option<Synchronisation> {
        let mut instances = self.instances.iter();
        instances.find_map(|instance| {
            let interface = instance.sync_daemon_interface.as_ref()?;
            let found = Synchronisation::read(&[interface.as_str().to_owned()])?;
            Some(Synchronisation {
                instance: Some(instance.name.clone()),
                ..found
            })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conf::model::Instance;

    fn config(words: &[&str]) -> Config {
        let mut config = Config::default();
        let words = words.iter().map(|word| (*word).to_owned());
        config.global.sync_daemon =
            Some(words.collect()).filter(|words: &Vec<_>| !words.is_empty());
        let old = |name: &str, id| Instance {
            name: name.to_owned(),
            router_id: Some(id),
            ..Instance::default()
        };
        config.instances = vec![old("VI_1", 51), old("VI_2", 52)];
        config
    }

    #[test]
    fn the_sync_id_is_that_of_the_instance_unless_it_is_given() {
        let id = |words: &[&str]| {
            let found = config(words).synchronisation()?;
            let daemon = found.daemon(Role::Master);
            Some((found.instance, daemon.sync_id))
        };
        let of = |name: &str, id| Some((Some(name.to_owned()), id));
        assert_eq!(id(&["eth0", "VI_2"]), of("VI_2", 52));
        assert_eq!(id(&["eth0", "inst", "VI_1", "id", "7"]), of("VI_1", 7));
        assert_eq!(id(&["eth0"]), Some((None, 0)));
        assert_eq!(id(&["eth0", "id", "9"]), Some((None, 9)));
        assert_eq!(id(&["eth0", "VI_3"]), None);
        assert_eq!(id(&[]), None);
    }

    #[test]
    fn options_are_those_of_the_daemon() {
        let words = [
            "eth0",
            "maxlen",
            "1000",
            "port",
            "9000",
            "ttl",
            "3",
            "group",
            "224.0.1.1",
        ];
        let daemon = config(&words)
            .synchronisation()
            .unwrap()
            .daemon(Role::Backup);
        assert_eq!(daemon.role, Role::Backup);
        assert_eq!(daemon.interface.as_str(), "eth0");
        assert_eq!((daemon.max_length, daemon.port), (Some(1000), Some(9000)));
        assert_eq!(daemon.ttl, Some(3));
        assert_eq!(daemon.group, Some("224.0.1.1".parse().unwrap()));
    }

    #[test]
    fn the_old_word_is_heeded_in_the_first_instance_that_has_it() {
        let mut config = config(&[]);
        config.instances[1].sync_daemon_interface = InterfaceName::new("eth1");
        let found = config.synchronisation().unwrap();
        assert_eq!(found.instance.as_deref(), Some("VI_2"));
        assert_eq!(found.daemon(Role::Master).sync_id, 0);
        config.global.sync_daemon = Some(vec!["eth0".to_owned()]);
        assert_eq!(config.synchronisation().unwrap().instance, None);
    }
}
