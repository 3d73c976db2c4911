//! Two texts, line by line, for people.

/// Unchanged lines shown around a change.
const CONTEXT: usize = 2;

enum Line<'a> {
    Same(&'a str),
    Expected(&'a str),
    Got(&'a str),
}

/// Lines of `expected` alone begin with `-`, lines of `got` alone with `+`. Blanks at the end of a
/// line are shown as `·`, a missing newline and control characters as escapes.
pub fn diff(expected: &str, got: &str) -> String {
    let lines = align(
        &expected.split_inclusive('\n').collect::<Vec<_>>(),
        &got.split_inclusive('\n').collect::<Vec<_>>(),
    );
    let changes: Vec<usize> = (0..lines.len())
        .filter(|&i| !matches!(lines[i], Line::Same(_)))
        .collect();
    let mut text = String::new();
    let mut skipped = false;
    for (i, line) in lines.iter().enumerate() {
        if !changes.iter().any(|&change| change.abs_diff(i) <= CONTEXT) {
            skipped = true;
            continue;
        }
        if std::mem::take(&mut skipped) {
            text.push_str("    ...\n");
        }
        let (mark, line) = match line {
            Line::Same(line) => (' ', line),
            Line::Expected(line) => ('-', line),
            Line::Got(line) => ('+', line),
        };
        text.push_str(&format!("    {mark}{}\n", visible(line)));
    }
    text
}

/// The longest common subsequence of lines, and what stands between.
fn align<'a>(expected: &[&'a str], got: &[&'a str]) -> Vec<Line<'a>> {
    let (rows, columns) = (expected.len(), got.len());
    let mut common = vec![vec![0; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            common[row][column] = if expected[row] == got[column] {
                common[row + 1][column + 1] + 1
            } else {
                common[row + 1][column].max(common[row][column + 1])
            };
        }
    }
    let (mut row, mut column) = (0, 0);
    let mut lines = Vec::new();
    while row < rows || column < columns {
        if row < rows && column < columns && expected[row] == got[column] {
            lines.push(Line::Same(expected[row]));
            row += 1;
            column += 1;
        } else if column == columns
            || row < rows && common[row + 1][column] >= common[row][column + 1]
        {
            lines.push(Line::Expected(expected[row]));
            row += 1;
        } else {
            lines.push(Line::Got(got[column]));
            column += 1;
        }
    }
    lines
}

fn visible(line: &str) -> String {
    let (line, end) = line
        .strip_suffix('\n')
        .map_or((line, "\\ no newline"), |line| (line, ""));
    let text = line.trim_end_matches(' ');
    let blanks = "·".repeat(line.len() - text.len());
    let text: String = text
        .chars()
        .map(|c| {
            if c.is_control() {
                c.escape_default().to_string()
            } else {
                c.to_string()
            }
        })
        .collect();
    text + &blanks + end
}
