//! Commands of users, as a check or a notification: run without a shell where words will do.

/// How a command is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CommandLine {
    /// This program with these arguments; at least the program is there.
    Words(Vec<String>),
    /// By `/bin/sh -c`.
    Shell(String),
}

/// What only a shell understands.
const SHELL: &[char] = &[
    '|', '&', ';', '<', '>', '(', ')', '$', '`', '\\', '*', '?', '[', ']', '#', '~', '{', '}', '!',
    '\n',
];

impl CommandLine {
    /// Of a text; nothing, when it is blank.
    ///
    /// Words are parted by blanks, and kept together by single or double quotes. A text in which
    /// something else has a meaning to a shell is left to one.
    pub fn new(text: &str) -> Option<Self> {
        if text.trim().is_empty() {
            return None;
        }
        match words(text) {
            Some(words) if !words.is_empty() && !words[0].contains('=') => {
                Some(CommandLine::Words(words))
            }
            _ => Some(CommandLine::Shell(text.to_owned())),
        }
    }
}

fn words(text: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quote = None;
    for letter in text.chars() {
        match (quote, letter) {
            (Some('\''), letter) if letter != '\'' => word.get_or_insert_default().push(letter),
            (Some(open), letter) if letter == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(letter);
                word.get_or_insert_default();
            }
            // Double quotes keep these alive; a `!` in them means nothing to sh.
            (_, letter) if SHELL.contains(&letter) => return None,
            (None, letter) if letter.is_whitespace() => words.extend(word.take()),
            (_, letter) => word.get_or_insert_default().push(letter),
        }
    }
    words.extend(word);
    quote.is_none().then_some(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argv(words: &[&str]) -> Option<CommandLine> {
        Some(CommandLine::Words(
            words.iter().map(|&word| word.to_owned()).collect(),
        ))
    }

    fn shell(text: &str) -> Option<CommandLine> {
        Some(CommandLine::Shell(text.to_owned()))
    }

    #[test]
    fn words_need_no_shell() {
        assert_eq!(
            CommandLine::new("  /bin/check  -a 1 "),
            argv(&["/bin/check", "-a", "1"])
        );
        assert_eq!(
            CommandLine::new("mail -s 'we are $1' 'a b'\"c\""),
            argv(&["mail", "-s", "we are $1", "a bc"])
        );
        assert_eq!(CommandLine::new("x ''"), argv(&["x", ""]));
        assert_eq!(CommandLine::new(" \t"), None);
    }

    #[test]
    fn what_words_cannot_say_is_left_to_a_shell() {
        for text in [
            "a | b", "a && b", "a \"$b\"", "a 'b", "A=1 b", "a > /b", "a *.c",
        ] {
            assert_eq!(CommandLine::new(text), shell(text), "{text}");
        }
    }
}
