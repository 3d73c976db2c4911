//! `~SEQ(NAME, START, STEP, END)`, `~SEQx(...)`, `~LST(NAME, VALUE, ...)` and
//! `~LST({NAME, NAME}, {VALUE, VALUE}, ...)`.

/// The rest of a line, and what stands for the names each time.
pub struct Repeat<'a> {
    /// The names.
    pub names: Vec<String>,
    /// Their values, time by time.
    pub values: Values,
    /// What is repeated.
    pub rest: &'a str,
}

/// Reads a head such as `~SEQ(N, 1, 4)`; `rest` is what stands behind it.
///
/// # Errors
///
/// What is wrong with it.
pub fn parse<'a>(head: &str, rest: &'a str) -> Result<Repeat<'a>, String> {
    let wrong = || format!("cannot read {head}");
    let (kind, arguments) = head.split_once('(').ok_or_else(wrong)?;
    let arguments = arguments.strip_suffix(')').ok_or_else(wrong)?;
    let mut parts = split(arguments);
    if parts.len() < 2 {
        return Err(wrong());
    }
    let name = parts.remove(0);
    match kind.trim_end() {
        "~SEQ" => sequence(&parts, false),
        "~SEQx" => sequence(&parts, true),
        "~LST" => {
            let names = tuple(&name);
            let values: Vec<Vec<String>> = parts.iter().map(|part| tuple(part)).collect();
            if values.iter().any(|value| value.len() != names.len()) {
                return Err(wrong());
            }
            return Ok(Repeat {
                names,
                values: Box::new(values.into_iter()),
                rest,
            });
        }
        _ => None,
    }
    .map(|values| Repeat {
        names: vec![name],
        values,
        rest,
    })
    .ok_or_else(wrong)
}

/// The values of all names, time by time.
pub type Values = Box<dyn Iterator<Item = Vec<String>>>;

fn sequence(parts: &[String], hexadecimal: bool) -> Option<Values> {
    let numbers: Option<Vec<i64>> = parts.iter().map(|part| number(part)).collect();
    let (start, step, end) = match numbers?[..] {
        [end] => (if end < 0 { -1 } else { 1 }, None, end),
        [start, end] => (start, None, end),
        [start, step, end] => (start, Some(step), end),
        _ => return None,
    };
    let step = step.unwrap_or(if end < start { -1 } else { 1 });
    if step == 0 {
        return None;
    }
    let next = move |&at: &i64| at.checked_add(step);
    let goes_on = move |at: &i64| match step > 0 {
        true => *at <= end,
        false => *at >= end,
    };
    let text = move |at: i64| match hexadecimal {
        true => format!("{at:x}"),
        false => at.to_string(),
    };
    Some(Box::new(
        std::iter::successors(Some(start), next)
            .take_while(goes_on)
            .map(move |at| vec![text(at)]),
    ))
}

fn number(text: &str) -> Option<i64> {
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// Splits at the commas outside of braces.
fn split(text: &str) -> Vec<String> {
    let mut depth = 0;
    let mut parts = vec![String::new()];
    for c in text.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        if let Some(part) = parts.last_mut() {
            part.push(c);
        }
    }
    parts.iter().map(|part| part.trim().to_owned()).collect()
}

fn tuple(text: &str) -> Vec<String> {
    match text.strip_prefix('{').and_then(|t| t.strip_suffix('}')) {
        Some(inside) => inside.split(',').map(|p| p.trim().to_owned()).collect(),
        None => vec![text.to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(head: &str) -> Option<Vec<Vec<String>>> {
        Some(parse(head, "").ok()?.values.take(5).collect())
    }

    #[test]
    fn sequences_and_lists_count_as_their_heads_say() {
        for (head, expected) in [
            ("~SEQ(N,3)", Some("1 2 3")),
            ("~SEQ(N,0,2)", Some("0 1 2")),
            ("~SEQ(N,3,1)", Some("3 2 1")),
            ("~SEQ(N,168,2,172)", Some("168 170 172")),
            ("~SEQx(N, 0x90, 0x10, 0xc0)", Some("90 a0 b0 c0")),
            ("~LST({A, B}, {10,1},{20,4})", Some("10/1 20/4")),
            ("~LST(A,x)", Some("x")),
            ("~SEQ(N)", None),
            ("~SEQ(N,1,0,2)", None),
            ("~SEQ(N,a)", None),
            ("~LST({A,B},1)", None),
            ("~SEQ(N,1", None),
        ] {
            let found = values(head).map(|values| {
                let texts: Vec<String> = values.iter().map(|value| value.join("/")).collect();
                texts.join(" ")
            });
            assert_eq!(found.as_deref(), expected, "{head}");
        }
    }

    #[test]
    fn the_longest_sequence_ends() {
        let head = "~SEQ(N,9223372036854775806,9223372036854775807)";
        assert_eq!(values(head).unwrap().len(), 2);
    }
}
