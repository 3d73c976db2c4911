//! Addresses, routes and rules in the words of ip(8), which sets them.

use crate::conf::lists::{Route, Rule};
use crate::conf::machine::DEFAULT_INTERFACE;
use crate::conf::model;
use crate::conf::source::Place;
use crate::netlink::monitor::PROTOCOL;
use crate::vrrp::routing::{Line, Routing};

use super::Converter;

impl Converter<'_> {
    /// What a master has beside its addresses.
    pub(super) fn routing(&mut self, from: &model::Instance) -> Routing {
        Routing {
            addresses: vec![],
            routes: self.routes(&from.routes),
            rules: self.rules(&from.rules),
        }
    }

    fn routes(&mut self, from: &[Route]) -> Vec<Line> {
        let line = |route: &Route| self.kept(route.words(), route.tracked, route.at.0);
        from.iter().map(line).collect()
    }

    fn rules(&mut self, from: &[Rule]) -> Vec<Line> {
        let line = |rule: &Rule| self.kept(rule.words(), rule.tracked, rule.at.0);
        from.iter().map(line).collect()
    }

    /// What is there whoever is master.
    pub(super) fn fixed(&mut self) -> Routing {
        let config = self.config;
        let usual = config.global.default_interface.as_ref();
        let usual = usual.map_or(DEFAULT_INTERFACE, |name| name.as_str());
        let addresses = config.static_addresses.iter().map(|address| {
            let mut words = address.words();
            if address.device.is_none() {
                words.extend(["dev", usual].map(str::to_owned));
            }
            Line {
                words: self.line(words, address.at.0),
                tracked: address.is_tracked(),
            }
        });
        Routing {
            addresses: addresses.collect(),
            routes: self.routes(&config.static_routes),
            rules: self.rules(&config.static_rules),
        }
    }

    /// A route or a rule. One that is tracked is of a protocol that is ours: by that it is known
    /// when it goes.
    fn kept(&mut self, words: Vec<String>, tracked: bool, place: Place) -> Line {
        let mut words = words;
        if tracked {
            if let Some(at) = words.iter().position(|word| word == "protocol") {
                words.drain(at..words.len().min(at + 2));
            }
            // In front: behind `nexthop` and `encap` it would mean another thing.
            words.splice(0..0, ["protocol".to_owned(), PROTOCOL.to_string()]);
        }
        Line {
            words: self.line(words, place),
            tracked,
        }
    }

    /// As ip(8) is to be told: it has other words for some, and some are of keepalived alone.
    fn line(&mut self, words: Vec<String>, place: Place) -> String {
        let mut line: Vec<String> = Vec::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "gw" => line.push("via".into()),
                "default6" => line.push("::/0".into()),
                "tunnel-id" => line.push("tun_id".into()),
                "sup_pl" => line.push("suppress_prefixlength".into()),
                "sup_group" => line.push("suppress_ifgroup".into()),
                "-nodad" => line.push("nodad".into()),
                "no_track" | "use_vmac" | "add" | "append" | "prepend" => {}
                "track_group" => {
                    self.unsupported(place, "track_group");
                    words.next();
                }
                "or" => {
                    self.unsupported(place, "or");
                    words.next();
                }
                _ => line.push(word),
            }
        }
        line.join(" ")
    }
}
