//! Routes and rules that a master has beside its addresses (keepalived's `virtual_routes` and
//! `virtual_rules`). They stay words, of which ip(8) knows the meaning.

/// What a master has of routing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Routing {
    /// Each as the arguments of `ip route replace`.
    pub routes: Vec<String>,
    /// Each as the arguments of `ip rule add`.
    pub rules: Vec<String>,
}

impl Routing {
    /// The commands by which ip(8) has all of it.
    pub fn puts_up(&self) -> Vec<String> {
        commands("route replace", &self.routes)
            .chain(commands("rule add", &self.rules))
            .collect()
    }

    /// The commands by which it has none of it.
    pub fn takes_off(&self) -> Vec<String> {
        commands("rule del", &self.rules)
            .chain(commands("route del", &self.routes))
            .collect()
    }
}

fn commands(command: &str, lines: &[String]) -> impl Iterator<Item = String> {
    lines.iter().map(move |line| format!("{command} {line}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_taken_off_before_the_routes_that_they_lead_to() {
        let routing = Routing {
            routes: vec!["default via 10.0.0.1 table 7".into()],
            rules: vec!["from 10.0.0.9 table 7".into()],
        };
        let route = "route replace default via 10.0.0.1 table 7";
        assert_eq!(routing.puts_up(), [route, "rule add from 10.0.0.9 table 7"]);
        let route = "route del default via 10.0.0.1 table 7";
        assert_eq!(
            routing.takes_off(),
            ["rule del from 10.0.0.9 table 7", route]
        );
    }
}
