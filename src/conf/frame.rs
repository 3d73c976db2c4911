//! A configuration without its virtual servers, which then are read one at a time, or not at all
//! where they are as they were: there may be thousands, and a reload changes few.
//!
//! What is simple is read so. Where a virtual server has definitions or includes in it, or anything
//! has an error, a configuration must be read as a whole, which tells all that is wrong with it.

use std::collections::HashSet;

use md5::{Digest as _, Md5};

use super::build::Builder;
use super::expand::block::Block;
use super::expand::{Outside, Pieces};
use super::lex::Piece;
use super::model::{Config, VirtualServer};
use super::problem::Problems;
use super::source::{Sources, Text};
use super::{Reading, flat, parse, read_flat, verify};

/// All of a configuration but its virtual servers.
pub struct Frame<'a> {
    /// What it says.
    pub config: Config,
    outside: &'a dyn Outside,
    problems: Problems,
    sources: Sources,
    blocks: Vec<Block>,
}

/// A configuration must be read as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Obscure;

/// Tells the text of a virtual server from others.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest([u8; 16]);

impl<'a> Frame<'a> {
    /// Reads `text`, the file `path`, and all that it includes.
    ///
    /// # Errors
    /// It must be read as a whole.
    pub fn read(
        path: &str,
        text: impl Into<Text>,
        outside: &'a dyn Outside,
    ) -> Result<Self, Obscure> {
        Frame::of_pieces(path, text.into(), outside, |_| {})
    }

    fn of_pieces(
        path: &str,
        text: Text,
        outside: &'a dyn Outside,
        mut see: impl FnMut(&Piece),
    ) -> Result<Self, Obscure> {
        let mut pieces = Pieces::of_frame(path, text, outside);
        let mut problems = Problems::default();
        let seen = pieces.by_ref().inspect(|piece| see(piece));
        let mut config = build(seen, &mut problems);
        let (sources, found, blocks) = pieces.finish_frame().ok_or(Obscure)?;
        problems.append(found);
        verify::verify(&mut config, &mut problems);
        if problems.prevent_start() || !config.virtual_servers.is_empty() {
            return Err(Obscure);
        }
        Ok(Frame {
            config,
            outside,
            problems,
            sources,
            blocks,
        })
    }

    /// Where the virtual servers stand, in their order.
    pub fn blocks(&self) -> Vec<Block> {
        self.blocks.clone()
    }

    /// Tells a virtual server from others by its text.
    pub fn digest(&self, block: &Block) -> Digest {
        Digest(Md5::digest(self.text(block)).into())
    }

    fn text(&self, block: &Block) -> &str {
        let text = self.sources.file(block.file).map(|source| &**source.text());
        let own = text.and_then(|text| text.get(block.begin..block.end));
        own.unwrap_or("")
    }

    /// Reads a virtual server. Nothing if it has no effect. Whether another one has its services, is
    /// not looked at.
    ///
    /// # Errors
    /// The configuration must be read as a whole.
    pub fn virtual_server(&mut self, block: &Block) -> Result<Option<VirtualServer>, Obscure> {
        let source = self.sources.file(block.file).ok_or(Obscure)?;
        let text = source.text().clone();
        let mut pieces = Pieces::of_block(block, text, self.outside);
        let inner = build(pieces.by_ref(), &mut self.problems);
        self.problems.append(pieces.finish().1);
        let mut servers = inner.virtual_servers.into_iter();
        let (Some(mut server), None) = (servers.next(), servers.next()) else {
            return Err(Obscure);
        };
        let counts = verify::virtual_server(&mut server, &self.config, &mut self.problems);
        match self.problems.prevent_start() {
            true => Err(Obscure),
            false => Ok(counts.then_some(server)),
        }
    }

    /// All but the virtual servers, with what is wrong with all that was read.
    pub fn finish(self) -> Reading {
        Reading {
            config: self.config,
            problems: self.problems.sorted(),
            sources: self.sources,
        }
    }
}

/// Reads `text`, the file `path`, for somebody whom virtual servers do not concern: they are passed
/// over, unless only a reading of the whole can tell where they end.
pub fn read(path: &str, text: impl Into<Text>, outside: &dyn Outside) -> Reading {
    let text = text.into();
    match Frame::read(path, text.clone(), outside) {
        Ok(frame) => frame.finish(),
        Err(Obscure) => super::read(path, text, outside),
    }
}

fn build(pieces: impl Iterator<Item = Piece>, problems: &mut Problems) -> Config {
    let mut meant = Problems::default();
    let mut builder = Builder::new(&mut meant);
    parse::parse(pieces, problems, |statement| builder.top(statement));
    let config = builder.finish();
    problems.append(meant);
    config
}

/// A configuration whose virtual servers were read, and forgotten.
pub struct Survey {
    /// All but these.
    pub reading: Reading,
    /// How many virtual servers there are.
    pub virtual_servers: usize,
    /// All of it as one text, which includes nothing.
    pub text: String,
}

impl Survey {
    /// How many of its problems keep us from starting.
    pub fn errors(&self) -> usize {
        let problems = self.reading.problems.iter();
        problems
            .filter(|problem| problem.severity.prevents_start())
            .count()
    }
}

/// Virtual servers that were read and had nothing wrong with them.
#[derive(Clone, Debug, Default)]
pub struct Known(HashSet<Digest>);

/// Reads `text`, the file `path`, and all that it includes, but not again what is known; then knows
/// what is in it.
pub fn survey(
    path: &str,
    text: impl Into<Text>,
    outside: &dyn Outside,
    known: &mut Known,
) -> Survey {
    let text = text.into();
    quick_survey(path, text.clone(), outside, known).unwrap_or_else(|Obscure| {
        let (mut reading, text) = read_flat(path, text, outside);
        let virtual_servers = std::mem::take(&mut reading.config.virtual_servers);
        Survey {
            reading,
            virtual_servers: virtual_servers.len(),
            text,
        }
    })
}

fn quick_survey(
    path: &str,
    text: Text,
    outside: &dyn Outside,
    known: &mut Known,
) -> Result<Survey, Obscure> {
    let mut whole = String::with_capacity(text.len());
    let see = |piece: &Piece| flat::write(&mut whole, piece);
    let mut frame = Frame::of_pieces(path, text, outside, see)?;
    let mut met = HashSet::new();
    let mut virtual_servers = 0;
    for block in frame.blocks() {
        whole.push_str(frame.text(&block));
        let digest = frame.digest(&block);
        if !known.0.contains(&digest) {
            let before = frame.problems.count();
            if frame.virtual_server(&block)?.is_none() {
                continue;
            }
            if frame.problems.count() > before {
                // What is odd about it is told each time.
                virtual_servers += 1;
                continue;
            }
        }
        met.insert(digest);
        virtual_servers += 1;
    }
    known.0 = met;
    Ok(Survey {
        reading: frame.finish(),
        virtual_servers,
        text: whole,
    })
}
