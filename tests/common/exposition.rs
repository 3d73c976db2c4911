//! The text format of Prometheus, read more strictly than Prometheus does.

use std::collections::{BTreeMap, BTreeSet};

/// A sample, with those of its labels that are not empty.
#[derive(Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub labels: BTreeMap<String, String>,
    /// Exactly as it is written.
    pub value: String,
}

/// Reads all samples. Each name must have help, a type and samples in one piece, and no two
/// samples may have the same labels.
pub fn read(text: &str) -> Result<Vec<Sample>, String> {
    let (mut samples, mut names, mut series) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    let mut lines = text.split_inclusive('\n').peekable();
    while let Some(line) = lines.next() {
        let wrong = |what: &str| format!("{what}: {line:?}");
        let line = line.strip_suffix('\n').ok_or_else(|| wrong("cut"))?;
        let help = line.strip_prefix("# HELP ");
        let (name, help) = help
            .and_then(|rest| rest.split_once(' '))
            .ok_or_else(|| wrong("no help"))?;
        if help.is_empty() || help.contains('\\') || !is_name(name) {
            return Err(wrong("bad help"));
        }
        if !names.insert(name.to_owned()) {
            return Err(wrong("twice"));
        }
        let kind = lines.next().unwrap_or_default();
        match kind.strip_prefix(&format!("# TYPE {name} ")) {
            Some("counter\n") if name.ends_with("_total") => {}
            Some("gauge\n") if !name.ends_with("_total") => {}
            _ => return Err(format!("bad type: {kind:?}")),
        }
        let before = samples.len();
        while let Some(line) = lines.next_if(|line| !line.starts_with('#')) {
            let sample = sample(line).ok_or_else(|| format!("bad sample: {line:?}"))?;
            if sample.name != name {
                return Err(format!("not below {name}: {line:?}"));
            }
            if !series.insert((sample.name.clone(), sample.labels.clone())) {
                return Err(format!("twice: {line:?}"));
            }
            samples.push(sample);
        }
        if samples.len() == before {
            return Err(wrong("no samples"));
        }
    }
    Ok(samples)
}

/// `NAME VALUE` or `NAME{LABEL="TEXT",...} VALUE`, with an integer.
fn sample(line: &str) -> Option<Sample> {
    let (series, value) = line.strip_suffix('\n')?.rsplit_once(' ')?;
    let digits = value.strip_prefix('-').unwrap_or(value);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, labels(rest.strip_suffix('}')?)?),
        None => (series, BTreeMap::new()),
    };
    is_name(name).then(|| Sample {
        name: name.into(),
        labels,
        value: value.into(),
    })
}

fn labels(text: &str) -> Option<BTreeMap<String, String>> {
    let (mut labels, mut seen) = (BTreeMap::new(), BTreeSet::new());
    let mut rest = text;
    loop {
        let (name, behind) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut letters = behind.chars();
        loop {
            match letters.next()? {
                '"' => break,
                '\n' => return None,
                '\\' => value.push(match letters.next()? {
                    'n' => '\n',
                    plain @ ('"' | '\\') => plain,
                    _ => return None,
                }),
                plain => value.push(plain),
            }
        }
        if !is_name(name) || name.contains(':') || !seen.insert(name) {
            return None;
        }
        if !value.is_empty() {
            labels.insert(name.to_owned(), value);
        }
        rest = letters.as_str();
        if rest.is_empty() {
            return Some(labels);
        }
        rest = rest.strip_prefix(',')?;
    }
}

fn is_name(name: &str) -> bool {
    let mut letters = name.bytes();
    let first = letters.next();
    first.is_some_and(|byte| byte.is_ascii_alphabetic() || byte == b'_')
        && letters.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
