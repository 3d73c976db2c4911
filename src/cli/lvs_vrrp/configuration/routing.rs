//! Addresses, routes and rules in the words of ip(8), which sets them.

use crate::conf::model;
use crate::conf::source::Place;
use crate::vrrp::routing::Routing;

use super::Converter;

impl Converter<'_> {
    /// What a master has beside its addresses.
    pub(super) fn routing(&mut self, from: &model::Instance) -> Routing {
        let routes = from.routes.iter();
        let rules = from.rules.iter();
        Routing {
            addresses: vec![],
            routes: self.lines(routes.map(|route| (route.words(), route.at.0))),
            rules: self.lines(rules.map(|rule| (rule.words(), rule.at.0))),
        }
    }

    /// What is there whoever is master.
    pub(super) fn fixed(&mut self) -> Routing {
        /// Where an address is that names no interface.
        const DEVICE: &str = "eth0";
        let config = self.config;
        let usual = config.global.default_interface.as_ref();
        let usual = usual.map_or(DEVICE, |name| name.as_str());
        let addresses = config.static_addresses.iter().map(|address| {
            let mut words = address.words();
            if address.device.is_none() {
                words.extend(["dev", usual].map(str::to_owned));
            }
            (words, address.at.0)
        });
        let routes = config.static_routes.iter();
        let rules = config.static_rules.iter();
        Routing {
            addresses: self.lines(addresses),
            routes: self.lines(routes.map(|route| (route.words(), route.at.0))),
            rules: self.lines(rules.map(|rule| (rule.words(), rule.at.0))),
        }
    }

    fn lines(&mut self, all: impl Iterator<Item = (Vec<String>, Place)>) -> Vec<String> {
        all.map(|(words, place)| self.line(words, place)).collect()
    }

    /// As ip(8) is to be told: it has other words for some, and some are of keepalived alone.
    fn line(&mut self, words: Vec<String>, place: Place) -> String {
        let mut line: Vec<String> = Vec::new();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            match word.as_str() {
                "gw" => line.push("via".into()),
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
