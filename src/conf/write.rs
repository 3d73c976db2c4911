//! The model as text that is read again to the same, or as JSON.

use std::fmt::Write;

use serde_json::{Map, Number, Value as Json};

use super::field::Shown;
use super::keywords::{self, Acts, Block, Keyword, Opens};
use super::model::{CheckerKind, Config, Kept, Settings};
use super::value::{Kind, decimal};

/// A statement as it is written.
struct Line {
    keyword: &'static str,
    shown: Shown,
    /// Its block, if it opens one.
    inside: Option<Vec<Line>>,
}

/// Keywords that mean the same as another of their block.
const SYNONYMS: &[(Block, &str)] = &[
    (Block::VirtualServer, "lvs_sched"),
    (Block::VirtualServer, "lvs_method"),
    (Block::VirtualServer, "hashed"),
    (Block::Global, "vrrp_rlimit_rtime"),
    (Block::Global, "checker_rlimit_rtime"),
    (Block::Global, "lvs_process_name"),
];

/// The configuration as the text of a keepalived.conf.
pub fn text(config: &Config) -> String {
    let mut out = String::new();
    for line in config_lines(&mut config.clone()) {
        write_line(&mut out, &line, 0);
    }
    out
}

/// The configuration as JSON: an object for each block, with the keywords as names; an array where
/// there may be several.
pub fn json(config: &Config) -> Json {
    object(&config_lines(&mut config.clone()))
}

fn config_lines(config: &mut Config) -> Vec<Line> {
    let mut lines = settings(config);
    lines.push(block("global_defs", &[], settings(&mut config.global)));
    for group in &mut config.track_groups {
        lines.push(named("track_group", &group.name.clone(), settings(group)));
    }
    for file in &mut config.track_files {
        lines.push(named("track_file", &file.name.clone(), settings(file)));
    }
    for process in &mut config.track_processes {
        let name = process.name.clone();
        lines.push(named("vrrp_track_process", &name, settings(process)));
    }
    for script in &mut config.scripts {
        lines.push(named("vrrp_script", &script.name.clone(), settings(script)));
    }
    for group in &mut config.sync_groups {
        lines.push(named(
            "vrrp_sync_group",
            &group.name.clone(),
            settings(group),
        ));
    }
    for group in &mut config.garp_groups {
        lines.push(block("garp_group", &[], settings(group)));
    }
    for instance in &mut config.instances {
        let mut inside = settings(instance);
        if let Some(authentication) = &mut instance.authentication {
            inside.push(block("authentication", &[], settings(authentication)));
        }
        lines.push(named("vrrp_instance", &instance.name, inside));
    }
    for group in &config.groups {
        lines.push(Line {
            keyword: "virtual_server_group",
            shown: Shown::Words(vec![group.name.clone()]),
            inside: Some(vec![Line {
                keyword: "",
                shown: Shown::Lines(group.members.iter().map(|member| member.words()).collect()),
                inside: None,
            }]),
        });
    }
    if let Some(ssl) = &mut config.ssl {
        lines.push(block("SSL", &[], settings(ssl)));
    }
    for server in &mut config.virtual_servers {
        let mut inside = settings(server);
        for real in &mut server.real_servers {
            let mut of_real = settings(real);
            for checker in &mut real.checkers {
                let name = checker.block().name();
                let mut of_checker = settings(checker);
                match &mut checker.kind {
                    CheckerKind::Http(http) | CheckerKind::Ssl(http) => {
                        for url in &mut http.urls {
                            of_checker.push(block("url", &[], settings(url)));
                        }
                    }
                    CheckerKind::Smtp(smtp) => {
                        for host in &mut smtp.hosts {
                            of_checker.push(block("host", &[], settings(host)));
                        }
                    }
                    _ => {}
                }
                of_real.push(block(name, &[], of_checker));
            }
            let endpoint = real
                .endpoint
                .as_ref()
                .map(|endpoint| super::value::VirtualAddress::Address(*endpoint).words());
            inside.push(block("real_server", &endpoint.unwrap_or_default(), of_real));
        }
        let words = server.address.as_ref().map(|address| address.words());
        lines.push(block("virtual_server", &words.unwrap_or_default(), inside));
    }
    lines
}

fn named(keyword: &'static str, name: &str, inside: Vec<Line>) -> Line {
    block(keyword, &[name.to_owned()], inside)
}

fn block(keyword: &'static str, words: &[String], inside: Vec<Line>) -> Line {
    Line {
        keyword,
        shown: Shown::Words(words.to_vec()),
        inside: Some(inside),
    }
}

/// The settings of a block in the order of the table, then what is only kept.
fn settings(of: &mut dyn Settings) -> Vec<Line> {
    let mut lines = Vec::new();
    for keyword in keywords::of(of.block()) {
        let again = SYNONYMS.contains(&(of.block(), keyword.name))
            || matches!(keyword.opens, Opens::Block(_));
        // An old word is written as the new one, if there is one.
        let old =
            matches!(keyword.acts, Acts::Old(word) if keywords::find(of.block(), word).is_some());
        if again || old {
            continue;
        }
        let Some(field) = of.field(keyword.name) else {
            continue;
        };
        let shown = field.shown();
        if is_written(keyword, &shown) {
            lines.push(Line {
                keyword: keyword.name,
                shown,
                inside: None,
            });
        }
    }
    lines.extend(of.common().kept.iter().map(kept));
    lines
}

/// Whether a setting has anything to write: a flag that is off has not.
fn is_written(keyword: &Keyword, shown: &Shown) -> bool {
    match shown {
        Shown::Absent => false,
        Shown::Bool(on) => *on || keyword.kind == Kind::Switch,
        _ => true,
    }
}

fn kept(of: &Kept) -> Line {
    let mut inside: Vec<Line> = of.inside.iter().map(kept).collect();
    if !of.lines.is_empty() {
        inside.push(Line {
            keyword: "",
            shown: Shown::Lines(of.lines.clone()),
            inside: None,
        });
    }
    Line {
        keyword: of.name,
        shown: Shown::Words(of.words.clone()),
        inside: of.braces.then_some(inside),
    }
}

fn write_line(out: &mut String, line: &Line, depth: usize) {
    let indent = "    ".repeat(depth);
    if let (Shown::Lines(entries), "") = (&line.shown, line.keyword) {
        for entry in entries {
            let entry: Vec<String> = entry.iter().map(|word| quoted(word)).collect();
            let _ = write!(out, "{indent}{}", entry.join(" "));
            end_line(out);
        }
        return;
    }
    let _ = write!(out, "{indent}{}", line.keyword);
    let word_of = match has_escapes(line.keyword) {
        true => escaped,
        false => quoted,
    };
    let is_flag = keywords::all().any(|k| k.name == line.keyword && k.kind == Kind::Flag);
    match &line.shown {
        Shown::Absent | Shown::Lines(_) => {}
        Shown::Bool(true) if is_flag && !is_switch(line.keyword) => {}
        Shown::Bool(on) => out.push_str(if *on { " on" } else { " off" }),
        Shown::Number(number) => {
            let _ = write!(out, " {number}");
        }
        Shown::Seconds(time) => {
            let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
            let _ = write!(out, " {}", decimal(micros));
        }
        // A word that may be absent is empty when only the keyword stood there.
        Shown::Word(word) if word.is_empty() && may_be_alone(line.keyword) => {}
        Shown::Word(word) => {
            let _ = write!(out, " {}", word_of(word));
        }
        Shown::Words(words) => {
            for word in words {
                if word.is_empty() && may_be_alone(line.keyword) {
                    continue;
                }
                let _ = write!(out, " {}", word_of(word));
            }
        }
    }
    let inside = match (&line.shown, &line.inside) {
        (Shown::Lines(entries), _) => Some(vec![Line {
            keyword: "",
            shown: Shown::Lines(entries.clone()),
            inside: None,
        }]),
        _ => None,
    };
    match (&inside, &line.inside) {
        (Some(lines), _) | (None, Some(lines)) => {
            out.push_str(" {\n");
            for line in lines {
                write_line(out, line, depth + 1);
            }
            let _ = writeln!(out, "{indent}}}");
        }
        (None, None) => end_line(out),
    }
}

/// Ends a line; one that ends in `\` would go on in the next.
fn end_line(out: &mut String) {
    out.push_str(if out.ends_with('\\') { " #\n" } else { "\n" });
}

fn is_switch(name: &str) -> bool {
    keywords::all().any(|keyword| keyword.name == name && keyword.kind == Kind::Switch)
}

fn may_be_alone(name: &str) -> bool {
    keywords::all().any(|k| k.name == name && k.needs == keywords::Needs::Nothing)
}

fn has_escapes(name: &str) -> bool {
    keywords::all().any(|keyword| keyword.name == name && keyword.kind.has_escapes())
}

/// A word in quotes where it needs them. Behind a `\` a `"` does not end them for what looks for the
/// comment of a line, so a word that ends in one goes without if it can.
fn quoted(word: &str) -> String {
    let stem = word.trim_end_matches('\\');
    match is_plain(word) || stem != word && (stem.is_empty() || is_plain(stem)) {
        true => word.to_owned(),
        false => format!("\"{word}\""),
    }
}

/// The same where quotes and escapes are read twice: as every line, and as a script.
fn escaped(word: &str) -> String {
    if is_plain(word) && !word.contains('\'') {
        return word.to_owned();
    }
    // A line ends its quotes at the first `"`, escaped or not, and may find a brace behind.
    let braces_are_seen = word.contains('"');
    let mut text = String::from("\"");
    for c in word.chars() {
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '{' | '}' if braces_are_seen => {
                let _ = write!(text, "\\{:03o}", u32::from(c));
            }
            c if c.is_ascii_control() => {
                let _ = write!(text, "\\{:03o}", u32::from(c));
            }
            c => text.push(c),
        }
    }
    text.push('"');
    text
}

/// Whether nothing in a word needs quotes.
fn is_plain(word: &str) -> bool {
    let plain = |c: char| !c.is_whitespace() && !"#!{}\"~@$\\".contains(c);
    !word.is_empty() && word.chars().all(plain)
}

fn object(lines: &[Line]) -> Json {
    let mut map = Map::new();
    for line in lines {
        let value = value(line);
        let repeats = line.inside.is_some() && line.keyword != "global_defs";
        match map.get_mut(line.keyword) {
            Some(Json::Array(all)) if repeats => all.push(value),
            _ if repeats => {
                map.insert(line.keyword.to_owned(), Json::Array(vec![value]));
            }
            _ => {
                map.insert(line.keyword.to_owned(), value);
            }
        }
    }
    Json::Object(map)
}

fn value(line: &Line) -> Json {
    let Some(inside) = &line.inside else {
        return plain(&line.shown);
    };
    // The lines of a list have no names.
    let mut map = match &inside[..] {
        [
            Line {
                keyword: "", shown, ..
            },
        ] => Map::from_iter([("entries".to_owned(), plain(shown))]),
        _ => match object(inside) {
            Json::Object(map) => map,
            _ => Map::new(),
        },
    };
    if let Shown::Words(words) = &line.shown {
        if !words.is_empty() {
            map.insert("name".to_owned(), Json::String(words.join(" ")));
        }
    }
    Json::Object(map)
}

fn plain(shown: &Shown) -> Json {
    match shown {
        Shown::Absent => Json::Null,
        Shown::Bool(on) => Json::Bool(*on),
        Shown::Number(number) => Json::Number((*number).into()),
        Shown::Seconds(time) => match time.subsec_micros() {
            0 => Json::Number(time.as_secs().into()),
            _ => Number::from_f64(time.as_secs_f64()).map_or(Json::Null, Json::Number),
        },
        Shown::Word(word) => Json::String(word.clone()),
        Shown::Words(words) => Json::String(words.join(" ")),
        Shown::Lines(lines) => {
            let lines = lines.iter().map(|line| Json::String(line.join(" ")));
            Json::Array(lines.collect())
        }
    }
}
