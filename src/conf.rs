//! keepalived.conf: its text to a typed configuration with all its problems, and back. Sources:
//! keepalived.conf(5), and what keepalived 2.2.7 answers.
//!
//! `lex` makes words of a line, `expand` lines of files, `parse` a tree by the table of `keywords`,
//! `build` the `model`, `verify` looks at the whole, `write` writes it again, `flat` as it stood.
//! `frame` does the same for all but the virtual servers, which then come one at a time. All of it is
//! pure: files, variables and names are handed in by [`Outside`].

pub mod expand;
pub mod field;
pub mod flat;
pub mod frame;
pub mod keywords;
pub mod lex;
pub mod lists;
pub mod machine;
pub mod model;
pub mod problem;
pub mod source;
pub mod value;
pub mod write;

mod build;
mod parse;
mod verify;

use expand::{Limits, Outside};
use model::Config;
use problem::{Problem, Problems};
use source::{Sources, Text};

/// A configuration that was read.
#[derive(Clone, Debug)]
pub struct Reading {
    /// What it says; what is wrong is left out or mended as keepalived does.
    pub config: Config,
    /// What is wrong, by place.
    pub problems: Vec<Problem>,
    /// The files.
    pub sources: Sources,
}

/// Reads `text`, the file `path`, and all that it includes.
pub fn read(path: &str, text: impl Into<Text>, outside: &dyn Outside) -> Reading {
    read_within(path, text, outside, Limits::default())
}

/// As [`read`], within other limits.
pub fn read_within(
    path: &str,
    text: impl Into<Text>,
    outside: &dyn Outside,
    limits: Limits,
) -> Reading {
    let pieces = expand::Pieces::new(path, text.into(), outside, limits);
    read_pieces(pieces, |_| {})
}

/// As [`read`], and gives it as one text, too, which includes nothing.
pub fn read_flat(path: &str, text: impl Into<Text>, outside: &dyn Outside) -> (Reading, String) {
    let text = text.into();
    let mut whole = String::with_capacity(text.len());
    let pieces = expand::Pieces::new(path, text, outside, Limits::default());
    let reading = read_pieces(pieces, |piece| flat::write(&mut whole, piece));
    (reading, whole)
}

fn read_pieces(mut pieces: expand::Pieces<'_>, mut see: impl FnMut(&lex::Piece)) -> Reading {
    let (mut read, mut meant) = (Problems::default(), Problems::default());
    let mut builder = build::Builder::new(&mut meant);
    let seen = pieces.by_ref().inspect(|piece| see(piece));
    parse::parse(seen, &mut read, |statement| builder.top(statement));
    let mut config = builder.finish();
    let (sources, mut problems) = pieces.finish();
    problems.append(read);
    problems.append(meant);
    verify::verify(&mut config, &mut problems);
    Reading {
        config,
        problems: problems.sorted(),
        sources,
    }
}
