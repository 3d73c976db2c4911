//! How the services and servers of a running loop are.

use std::fmt::Write;
use std::time::Duration;

use comfy_table::Table;
use comfy_table::presets::UTF8_FULL_CONDENSED;
use serde_json::{Value, json};

use crate::check::health::State;
use crate::check::orders::Term;
use crate::check::request::Form;
use crate::check::status::{ServerStatus, ServiceStatus};

/// All services in one of the forms.
pub fn status(services: &[ServiceStatus], form: Form) -> String {
    match form {
        Form::Lines => lines(services),
        Form::Table => table(services),
        Form::Json => json_text(services),
        Form::Metrics => metrics(services),
    }
}

fn word(state: State) -> &'static str {
    match state {
        State::Up => "up",
        State::Down => "down",
        State::Unchecked => "unchecked",
    }
}

/// Whether the weight, why it is down, what was ordered.
fn weight(server: &ServerStatus) -> String {
    let weight = server.weight;
    weight.map_or("-".to_owned(), |weight| weight.0.to_string())
}

fn why(server: &ServerStatus) -> String {
    let why = server.why.as_ref();
    why.map(ToString::to_string).unwrap_or_default()
}

fn order(server: &ServerStatus) -> String {
    let Some((order, term)) = server.order else {
        return String::new();
    };
    match term {
        Term::Reload => format!("{order} until reload"),
        Term::Boot => order.to_string(),
        Term::Always => format!("{order} always"),
    }
}

/// A length of time as people say it: `12 s`, `3 min`, `5 h`, `9 d`.
fn lasts(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..120 => format!("{seconds} s"),
        seconds @ 120..7200 => format!("{} min", seconds / 60),
        seconds @ 7200..172_800 => format!("{} h", seconds / 3600),
        seconds => format!("{} d", seconds / 86_400),
    }
}

fn lines(services: &[ServiceStatus]) -> String {
    let mut text = String::new();
    for service in services {
        for server in &service.servers {
            // Writing to a String does not fail, here and below.
            let _ = write!(
                text,
                "{} {} {} weight {} for {}",
                word(server.state),
                service.name,
                server.endpoint,
                weight(server),
                lasts(server.lasts),
            );
            for (before, more) in [(", ", order(server)), (": ", why(server))] {
                if !more.is_empty() {
                    let _ = write!(text, "{before}{more}");
                }
            }
            text.push('\n');
        }
        if let Some(sorry) = service.sorry {
            let _ = writeln!(text, "sorry {} {sorry}", service.name);
        }
    }
    text
}

fn table(services: &[ServiceStatus]) -> String {
    let mut table = Table::new();
    table.load_preset(UTF8_FULL_CONDENSED);
    table.set_header([
        "service", "server", "state", "for", "weight", "order", "why",
    ]);
    for service in services {
        let name = service.name.to_string();
        for server in &service.servers {
            table.add_row([
                name.clone(),
                server.endpoint.to_string(),
                word(server.state).to_owned(),
                lasts(server.lasts),
                weight(server),
                order(server),
                why(server),
            ]);
        }
        if let Some(sorry) = service.sorry {
            let mut row = vec![name, sorry.to_string(), "sorry".to_owned()];
            row.resize(7, String::new());
            table.add_row(row);
        }
    }
    format!("{table}\n")
}

fn json_text(services: &[ServiceStatus]) -> String {
    let services = services.iter().map(|service| {
        let servers = service.servers.iter().map(|server| {
            let order = server.order.map(|(order, _)| order.to_string());
            let until = server.order.map(|(_, term)| match term {
                Term::Reload => "reload",
                Term::Boot => "boot",
                Term::Always => "always",
            });
            json!({
                "server": server.endpoint.to_string(),
                "state": word(server.state),
                "seconds": server.lasts.as_secs(),
                "weight_in_table": server.weight.map(|weight| weight.0),
                "reason": server.why.as_ref().map(ToString::to_string),
                "order": order,
                "order_until": until,
            })
        });
        json!({
            "service": service.name.to_string(),
            "also": service.also.iter().map(ToString::to_string).collect::<Vec<_>>(),
            "has_quorum": service.has_quorum,
            "sorry_server": service.sorry.map(|sorry| sorry.to_string()),
            "rests": service.rests,
            "servers": servers.collect::<Value>(),
        })
    });
    format!("{}\n", json!({ "services": services.collect::<Value>() }))
}

fn metrics(services: &[ServiceStatus]) -> String {
    let mut text = String::new();
    let number = |is: bool| if is { 1.0 } else { 0.0 };
    let _ = write!(
        text,
        "# HELP lvs_check_service_quorum Whether the service has enough servers.\n\
         # TYPE lvs_check_service_quorum gauge\n"
    );
    for service in services {
        let quorum = number(service.has_quorum);
        let name = service.name;
        let _ = writeln!(
            text,
            "lvs_check_service_quorum{{service=\"{name}\"}} {quorum}"
        );
    }
    let mut family = |name: &str, help: &str, value: &dyn Fn(&ServerStatus) -> f64| {
        let _ = writeln!(
            text,
            "# HELP lvs_check_server_{name} {help}\n# TYPE lvs_check_server_{name} gauge"
        );
        for service in services {
            for server in &service.servers {
                let (service, endpoint) = (service.name, server.endpoint);
                let labels = format!("service=\"{service}\",server=\"{endpoint}\"");
                let value = value(server);
                let _ = writeln!(text, "lvs_check_server_{name}{{{labels}}} {value}");
            }
        }
    };
    family("up", "Whether the server counts as up.", &|server| {
        number(server.state == State::Up)
    });
    family("seconds", "For how long it has been so.", &|server| {
        server.lasts.as_secs() as f64
    });
    family(
        "weight",
        "The weight that it has in the table.",
        &|server| server.weight.map_or(0.0, |weight| weight.0.into()),
    );
    family(
        "ordered",
        "Whether something was ordered of it.",
        &|server| number(server.order.is_some()),
    );
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::addr::Endpoint;
    use crate::check::Reason;
    use crate::check::orders::Order;
    use crate::ipvs::Weight;
    use std::net::Ipv4Addr;

    fn services() -> Vec<ServiceStatus> {
        let server = |last, state, weight, why, order| ServerStatus {
            endpoint: Endpoint::new(Ipv4Addr::new(10, 0, 0, last), 80),
            state,
            lasts: Duration::from_secs(61 * u64::from(last)),
            why,
            weight,
            order,
        };
        let drained = Some((Order::Drain, Term::Boot));
        let heavy = Some((Order::Weight(Weight(9)), Term::Reload));
        let refused = Some(Reason::Refused);
        vec![ServiceStatus {
            name: "192.0.2.1:80".parse().unwrap(),
            also: vec!["fwmark:7".parse().unwrap()],
            has_quorum: false,
            sorry: Some(Endpoint::new(Ipv4Addr::new(10, 0, 0, 9), 80)),
            rests: false,
            servers: vec![
                server(1, State::Up, Some(Weight(0)), None, drained),
                server(2, State::Down, None, refused, heavy),
            ],
        }]
    }

    #[test]
    fn each_server_is_a_line() {
        assert_eq!(
            status(&services(), Form::Lines),
            "up tcp:192.0.2.1:80 10.0.0.1:80 weight 0 for 61 s, drain\n\
             down tcp:192.0.2.1:80 10.0.0.2:80 weight - for 2 min, weight 9 until reload: \
             connection refused\n\
             sorry tcp:192.0.2.1:80 10.0.0.9:80\n"
        );
    }

    #[test]
    fn all_forms_have_all_servers() {
        for form in [Form::Table, Form::Json, Form::Metrics] {
            let text = status(&services(), form);
            for word in ["tcp:192.0.2.1:80", "10.0.0.1:80", "10.0.0.2:80"] {
                assert!(text.contains(word), "{text}");
            }
        }
        let json = status(&services(), Form::Json);
        let value: Value = serde_json::from_str(&json).unwrap();
        let server = &value["services"][0]["servers"][1];
        assert_eq!(server["order_until"], "reload");
        assert_eq!(server["reason"], "connection refused");
        let metrics = status(&services(), Form::Metrics);
        let line = "lvs_check_server_up{service=\"tcp:192.0.2.1:80\",server=\"10.0.0.1:80\"} 1\n";
        assert!(metrics.contains(line), "{metrics}");
    }
}
