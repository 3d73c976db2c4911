//! Routes and rules that a master has beside its addresses (keepalived's `virtual_routes` and
//! `virtual_rules`), and what is there as long as the speaker (`static_ipaddress`, `static_routes`,
//! `static_rules`). They stay words, of which ip(8) knows the meaning.

/// What a master, or a speaker, has of routing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Each as the arguments of `ip address replace`; those that move are not among them.
    pub addresses: Vec<String>,
    /// Each as the arguments of `ip route replace`.
    pub routes: Vec<String>,
    /// Each as the arguments of `ip rule add`.
    pub rules: Vec<String>,
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

    /// The commands by which it has none of it.
    pub fn takes_off(&self) -> Vec<String> {
        commands("rule del", &self.rules)
            .chain(commands("route del", &self.routes))
            .chain(commands("address del", &self.addresses))
            .collect()
    }

    /// What is in this one and not in another.
    pub fn without(&self, other: &Routing) -> Routing {
        let left = |own: &[String], other: &[String]| {
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

fn commands(command: &str, lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().map(move |line| format!("{command} {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn routing() -> Routing {
        Routing {
            addresses: vec![],
            routes: vec!["default via 10.0.0.1 table 7".into()],
            rules: vec!["from 10.0.0.9 table 7".into()],
        }
    }

    #[test]
    fn only_what_the_other_has_not_is_left() {
        let mut other = routing();
        other.addresses.push("10.0.0.9/24 dev eth0".into());
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
