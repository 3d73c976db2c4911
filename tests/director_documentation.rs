//! Holds the manual pages and the completions of `lvs-director` to the program and to the table of
//! keywords.
//!
//! With `LVSKIT_BLESS=1` in the environment, what is made from them is written anew instead.

use std::path::{Path, PathBuf};
use std::{env, fs};

use clap_complete::{Generator, Shell};

use lvskit::cli::lvs_director;
use lvskit::conf::keywords::{self, Acts, Block, Keyword};
use lvskit::report::lvs_director as status;

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn page(name: &str) -> (PathBuf, String) {
    let path = project().join("man").join(name);
    let text = fs::read_to_string(&path).unwrap();
    (path, text)
}

/// A file that is made holds what is made now.
fn assert_stored(file: &Path, made: &str) {
    if env::var_os("LVSKIT_BLESS").is_some() {
        fs::write(file, made).unwrap();
    }
    let stored = fs::read_to_string(file).unwrap_or_default();
    assert!(
        stored == made,
        "{} is out of date; LVSKIT_BLESS=1 writes it anew",
        file.display()
    );
}

/// Text as mdoc(7) takes it.
fn escaped(text: &str) -> String {
    let text = text.replace('\\', "\\e").replace('-', "\\-");
    match text.starts_with(['.', '\'']) {
        true => format!("\\&{text}"),
        false => text,
    }
}

fn paragraph(keyword: &Keyword) -> String {
    let synopsis = keyword.synopsis();
    let (name, arguments) = synopsis.split_once(' ').unwrap_or((&synopsis, ""));
    let mut text = format!(".It Cm \\&{} Li \\&{}\n", escaped(name), escaped(arguments));
    text.push_str(&escaped(keyword.says));
    text.push_str(".\n");
    if !keyword.default.is_empty() {
        text.push_str(&format!("Default: {}.\n", escaped(keyword.default)));
    }
    match keyword.acts {
        Acts::Yes => {}
        Acts::Not(subject) => text.push_str(&format!("Not acted on: {}.\n", escaped(subject))),
        Acts::Old(word) => text.push_str(&format!("An old word; instead: {}.\n", escaped(word))),
    }
    text
}

/// A section for each block.
fn keyword_sections() -> String {
    let mut text = String::new();
    for &block in Block::ALL {
        text.push_str(&format!(".Ss {}\n.Bl -tag -width Ds\n", block.title()));
        for keyword in keywords::of(block) {
            text.push_str(&paragraph(keyword));
        }
        text.push_str(".El\n");
    }
    text
}

#[test]
fn the_manual_page_has_the_table_of_keywords() {
    let (path, text) = page("lvskit-keepalived.conf.5");
    let (before, rest) = text.split_once(".\\\" begin\n").unwrap();
    let (_, after) = rest.split_once(".\\\" end\n").unwrap();
    let made = format!(
        "{before}.\\\" begin\n{}.\\\" end\n{after}",
        keyword_sections()
    );
    assert_stored(&path, &made);
}

#[test]
fn the_manual_page_has_each_command_and_option() {
    let (_, text) = page("lvs-director.8");
    for command in lvs_director::command().get_subcommands() {
        assert!(text.contains(&format!("\n.It Cm {}\n", command.get_name())));
        for option in command.get_arguments() {
            let Some(long) = option.get_long() else {
                continue;
            };
            let paragraph = match option.get_short() {
                Some(short) => format!(".It Fl {short} , Fl -{long}"),
                None => format!(".It Fl -{long}"),
            };
            assert!(text.contains(&paragraph), "{paragraph}");
        }
    }
}

#[test]
fn the_exit_statuses_in_the_manual_page_are_those_of_the_program() {
    let (_, text) = page("lvs-director.8");
    let (_, section) = text.split_once("\n.Sh EXIT STATUS\n").unwrap();
    let section = section.split("\n.Sh ").next().unwrap();
    let statuses: Vec<u8> = section
        .lines()
        .filter_map(|line| line.strip_prefix(".It "))
        .map(|status| status.parse().unwrap())
        .collect();
    assert_eq!(statuses, [status::FINE, status::WARNINGS, status::ERRORS]);
}

#[test]
fn the_example_of_the_manual_page_is_fine() {
    let (_, text) = page("lvskit-keepalived.conf.5");
    let (_, example) = text.split_once(".Bd -literal -offset indent\n").unwrap();
    let (example, _) = example.split_once(".Ed\n").unwrap();
    struct Nothing;
    impl lvskit::conf::expand::Outside for Nothing {
        fn read(&self, _: &str) -> Result<String, lvskit::conf::expand::Unreadable> {
            Err(lvskit::conf::expand::Unreadable {
                missing: true,
                why: String::new(),
            })
        }
        fn matching(&self, _: &str) -> Vec<String> {
            Vec::new()
        }
        fn variable(&self, _: &str) -> Option<String> {
            None
        }
        fn identity(&self) -> &str {
            ""
        }
        fn random(&self, least: u32, _: u32) -> u32 {
            least
        }
    }
    let reading = lvskit::conf::read("example", example, &Nothing);
    assert_eq!(reading.problems, []);
}

#[test]
fn the_completions_are_those_of_the_options() {
    for shell in [Shell::Bash, Shell::Zsh, Shell::Fish] {
        let mut made = Vec::new();
        clap_complete::generate(
            shell,
            &mut lvs_director::command(),
            "lvs-director",
            &mut made,
        );
        let file = project()
            .join("completions")
            .join(shell.file_name("lvs-director"));
        assert_stored(&file, &String::from_utf8(made).unwrap());
    }
}
