//! A director, its programs, instances and services as JSON, as text, as metrics.

use std::fmt::Write;

use serde_json::{Value, json};

use crate::supervise::status::Status;

/// A director, as it tells itself; one line.
pub fn json(status: &Status) -> String {
    let programs: Vec<Value> = status
        .programs
        .iter()
        .map(|program| {
            json!({
                "name": program.program.name(),
                "state": program.word,
                "process": program.process,
                "seconds": program.seconds,
                "restarts": program.restarts,
                "last_end": program.last_end,
            })
        })
        .collect();
    let reload = status.reload.as_ref().map(|reload| {
        json!({
            "at": reload.at,
            "taken": reload.taken,
            "problems": reload.problems,
        })
    });
    json!({
        "process": status.process,
        "file": status.file,
        "state": status.word,
        "seconds": status.seconds,
        "programs": programs,
        "reload": reload,
    })
    .to_string()
}

/// What became of a reload that was asked for; one line.
pub fn reload_json(taken: bool, problems: &[String]) -> String {
    json!({ "taken": taken, "problems": problems }).to_string()
}

/// Why a question has no answer; one line.
pub fn refusal_json(why: &str) -> String {
    json!({ "error": why }).to_string()
}

/// The whole: a director, its instances, its services.
pub fn whole_json(director: Value, instances: Vec<Value>, services: Value) -> String {
    let services = match services {
        Value::Object(mut map) => map.remove("services").unwrap_or(Value::Null),
        other => other,
    };
    let whole = json!({
        "director": director,
        "instances": instances,
        "services": services,
    });
    format!("{whole:#}\n")
}

fn word<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or("")
}

/// The whole for a reader: a line for each thing. `services` are lines.
pub fn text(director: &Value, instances: &[Value], services: Option<&str>) -> String {
    let mut text = format!(
        "lvs-director {}, process {}, {}\n",
        word(director, "state"),
        director["process"],
        word(director, "file"),
    );
    // Writing to a String does not fail, here and below.
    for program in director["programs"].as_array().into_iter().flatten() {
        let _ = write!(text, "{} {}", word(program, "name"), word(program, "state"));
        if let Some(process) = program["process"].as_u64() {
            let _ = write!(text, ", process {process}");
        }
        if let Some(restarts) = program["restarts"].as_u64().filter(|&count| count > 0) {
            let times = if restarts == 1 {
                "once"
            } else {
                &*format!("{restarts} times")
            };
            let _ = write!(
                text,
                ", started again {times}: it {}",
                word(program, "last_end")
            );
        }
        text.push('\n');
    }
    let reload = &director["reload"];
    if reload["taken"] == false {
        let _ = writeln!(text, "not reloaded at {}:", word(reload, "at"));
        for problem in reload["problems"].as_array().into_iter().flatten() {
            let _ = writeln!(text, "  {}", problem.as_str().unwrap_or(""));
        }
    }
    for instance in instances {
        let _ = write!(
            text,
            "{} {} priority {}, {} VRID {}",
            word(instance, "instance"),
            word(instance, "state"),
            instance["priority"],
            word(instance, "interface"),
            instance["vrid"],
        );
        if let Some(master) = instance["master"].as_str() {
            let _ = write!(text, ", master {master}");
        }
        for fault in instance["faults"].as_array().into_iter().flatten() {
            let _ = write!(text, ", fault: {}", fault.as_str().unwrap_or(""));
        }
        text.push('\n');
    }
    text.push_str(services.unwrap_or_default());
    text
}

/// The whole in the text format of Prometheus. `services` are metrics already.
pub fn metrics(director: &Value, instances: &[Value], services: Option<&str>) -> String {
    let mut text = String::new();
    let mut family = |name: &str, kind: &str, help: &str, samples: Vec<(String, u64)>| {
        let _ = writeln!(text, "# HELP lvs_director_{name} {help}");
        let _ = writeln!(text, "# TYPE lvs_director_{name} {kind}");
        for (labels, value) in samples {
            let _ = writeln!(text, "lvs_director_{name}{labels} {value}");
        }
    };
    let is_well = u64::from(word(director, "state") == "running");
    let help = "Whether all runs and the addresses are not given up.";
    family("well", "gauge", help, vec![(String::new(), is_well)]);
    let reload = u64::from(director["reload"]["taken"] != false);
    let help = "Whether the last reload was taken, if there was one.";
    family("reload_taken", "gauge", help, vec![(String::new(), reload)]);
    let programs = director["programs"].as_array().into_iter().flatten();
    let programs: Vec<&Value> = programs.collect();
    let of_programs = |value: &dyn Fn(&Value) -> u64| {
        let sample = |program: &&Value| {
            let labels = format!("{{program=\"{}\"}}", escaped(word(program, "name")));
            (labels, value(program))
        };
        programs.iter().map(sample).collect()
    };
    let up = of_programs(&|program| u64::from(word(program, "state") == "running"));
    family("program_up", "gauge", "Whether the program runs.", up);
    let restarts = of_programs(&|program| program["restarts"].as_u64().unwrap_or(0));
    let help = "How often the program was started again.";
    family("program_restarts_total", "counter", help, restarts);
    let of_instances = |value: &dyn Fn(&Value) -> u64| {
        let sample = |instance: &Value| {
            let labels = format!(
                "{{instance=\"{}\",interface=\"{}\",vrid=\"{}\"}}",
                escaped(word(instance, "instance")),
                escaped(word(instance, "interface")),
                instance["vrid"],
            );
            (labels, value(instance))
        };
        instances.iter().map(sample).collect()
    };
    let master = of_instances(&|instance| u64::from(word(instance, "state") == "MASTER"));
    family("instance_master", "gauge", "Whether it is master.", master);
    let fault = of_instances(&|instance| u64::from(word(instance, "state") == "FAULT"));
    family(
        "instance_fault",
        "gauge",
        "Whether it cannot take part.",
        fault,
    );
    let priority = of_instances(&|instance| instance["priority"].as_u64().unwrap_or(0));
    family(
        "instance_priority",
        "gauge",
        "With the weights of what is tracked.",
        priority,
    );
    text.push_str(services.unwrap_or_default());
    text
}

/// The value of a label.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"");
    text.replace('\n', "\\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn director() -> Value {
        json!({
            "process": 7, "file": "/f", "state": "running", "seconds": 9,
            "programs": [
                { "name": "lvs-check", "state": "running", "process": 8, "seconds": 9,
                  "restarts": 0, "last_end": null },
                { "name": "lvs-vrrp", "state": "waiting", "process": null, "seconds": null,
                  "restarts": 2, "last_end": "was killed by signal 9" },
            ],
            "reload": { "at": "noon", "taken": false, "problems": ["/f:1:1: error: x"] },
        })
    }

    #[test]
    fn each_thing_has_a_line() {
        let instance = json!({
            "instance": "VI", "state": "BACKUP", "priority": 100, "interface": "eth0", "vrid": 51,
            "master": "10.0.0.2", "faults": [],
        });
        assert_eq!(
            text(&director(), &[instance], Some("up x\n")),
            "lvs-director running, process 7, /f\n\
             lvs-check running, process 8\n\
             lvs-vrrp waiting, started again 2 times: it was killed by signal 9\n\
             not reloaded at noon:\n  /f:1:1: error: x\n\
             VI BACKUP priority 100, eth0 VRID 51, master 10.0.0.2\n\
             up x\n"
        );
    }

    #[test]
    fn names_in_metrics_are_escaped() {
        let instance = json!({
            "instance": "a\"b\\", "state": "MASTER", "priority": 1, "interface": "e", "vrid": 1,
        });
        let text = metrics(&director(), &[instance], None);
        let line = r#"lvs_director_instance_master{instance="a\"b\\",interface="e",vrid="1"} 1"#;
        assert!(text.contains(line), "{text}");
        assert!(text.contains("lvs_director_program_restarts_total{program=\"lvs-vrrp\"} 2\n"));
    }
}
