//! Routes and rules that a master has beside its addresses (keepalived's `virtual_routes` and
//! `virtual_rules`), and what is there as long as the speaker (`static_ipaddress`, `static_routes`,
//! `static_rules`). They stay words, of which ip(8) knows the meaning.

use std::net::IpAddr;

/// An address, a route or a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The arguments of ip(8) behind `route replace` and the like.
    pub words: String,
    /// Whether it matters that somebody takes it off.
    pub tracked: bool,
}

/// What a master, or a speaker, has of routing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// For `ip address`; those that move are not among them.
    pub addresses: Vec<Line>,
    /// For `ip route`.
    pub routes: Vec<Line>,
    /// For `ip rule`.
    pub rules: Vec<Line>,
}

impl Routing {
    /// The commands by which ip(8) has all of it.
    pub fn puts_up(&self) -> Vec<String> {
        commands("address replace", &self.addresses)
            .chain(commands("route replace", &self.routes))
            .chain(commands("rule add", &self.rules))
            .collect()
    }

    /// The commands by which ip(8) has none of what would be there twice if it were put up again.
    pub fn makes_room(&self) -> Vec<String> {
        commands("rule del", &self.rules).collect()
    }

    /// The commands by which ip(8) has what is tracked and was taken off. What is there makes them
    /// fail: the kernel has nothing twice (rules since Linux 4.17).
    pub fn puts_back(&self) -> Vec<String> {
        let tracked = |lines: &[Line]| -> Vec<Line> {
            let tracked = lines.iter().filter(|line| line.tracked);
            tracked.cloned().collect()
        };
        commands("address add", &tracked(&self.addresses))
            .chain(commands("route add", &tracked(&self.routes)))
            .chain(commands("rule add", &tracked(&self.rules)))
            .collect()
    }

    /// Whether nobody is to be told of anything.
    pub fn is_empty(&self) -> bool {
        self == &Routing::default()
    }

    /// Whether this is one of its addresses.
    pub fn has_address(&self, address: IpAddr) -> bool {
        let mut first = self.addresses.iter().filter_map(|line| {
            let end = line.words.find(['/', ' ']).unwrap_or(line.words.len());
            line.words[..end].parse::<IpAddr>().ok()
        });
        first.any(|own| own == address)
    }

    /// The commands by which it has none of it.
    pub fn takes_off(&self) -> Vec<String> {
        commands("rule del", &self.rules)
            .chain(commands("route del", &self.routes))
            .chain(commands("address del", &self.addresses))
            .collect()
    }

    /// What is in this one and not in another.
    pub fn without(&self, other: &Routing) -> Routing {
        let left = |own: &[Line], other: &[Line]| {
            let own = own.iter().filter(|line| !other.contains(line));
            own.cloned().collect()
        };
        Routing {
            addresses: left(&self.addresses, &other.addresses),
            routes: left(&self.routes, &other.routes),
            rules: left(&self.rules, &other.rules),
        }
    }
}

fn commands(command: &str, lines: &[Line]) -> impl Iterator<Item = String> {
    let words = lines.iter().map(|line| &line.words);
    words.map(move |words| format!("{command} {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(words: &str) -> Line {
        Line {
            words: words.into(),
            tracked: true,
        }
    }

    fn routing() -> Routing {
        Routing {
            addresses: vec![],
            routes: vec![line("default via 10.0.0.1 table 7")],
            rules: vec![line("from 10.0.0.9 table 7")],
        }
    }

    #[test]
    fn only_what_is_tracked_is_put_back() {
        let mut routing = routing();
        routing.addresses = vec![line("10.0.0.9/24 dev eth0"), line("fd00::9 dev eth0")];
        routing.routes[0].tracked = false;
        let [one, other] = ["10.0.0.9", "10.0.0.8"].map(|text| text.parse().unwrap());
        assert!(routing.has_address(one) && !routing.has_address(other));
        assert_eq!(
            routing.puts_back(),
            [
                "address add 10.0.0.9/24 dev eth0",
                "address add fd00::9 dev eth0",
                "rule add from 10.0.0.9 table 7"
            ]
        );
    }

    #[test]
    fn only_what_the_other_has_not_is_left() {
        let mut other = routing();
        other.addresses.push(line("10.0.0.9/24 dev eth0"));
        other.routes.clear();
        let gone = other.without(&routing()).takes_off();
        assert_eq!(gone, ["address del 10.0.0.9/24 dev eth0"]);
        let new = routing().without(&other).puts_up();
        assert_eq!(new, ["route replace default via 10.0.0.1 table 7"]);
    }

    #[test]
    fn rules_are_taken_off_before_the_routes_that_they_lead_to() {
        let routing = routing();
        let route = "route replace default via 10.0.0.1 table 7";
        assert_eq!(routing.puts_up(), [route, "rule add from 10.0.0.9 table 7"]);
        let route = "route del default via 10.0.0.1 table 7";
        assert_eq!(
            routing.takes_off(),
            ["rule del from 10.0.0.9 table 7", route]
        );
    }
}
