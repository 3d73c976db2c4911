//! Commands of users, as a check or a notification: run without a shell where words will do.

/// A command, and who runs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommandLine {
    /// What is run.
    pub text: Text,
    /// Who runs it; this process's own user when absent.
    pub account: Option<Account>,
}

/// A user and a group of this machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account {
    /// The number of the user.
    pub uid: u32,
    /// The number of the group.
    pub gid: u32,
}

/// How a command is run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Text {
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
        let text = match words(text) {
            Some(words) if !words.is_empty() && !words[0].contains('=') => Text::Words(words),
            _ => Text::Shell(text.to_owned()),
        };
        Some(CommandLine {
            text,
            account: None,
        })
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
        let words = words.iter().map(|&word| word.to_owned()).collect();
        Some(CommandLine {
            text: Text::Words(words),
            account: None,
        })
    }

    fn shell(text: &str) -> Option<CommandLine> {
        Some(CommandLine {
            text: Text::Shell(text.to_owned()),
            account: None,
        })
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
