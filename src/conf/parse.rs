//! Pieces to a tree of statements, by the table of keywords.

use std::iter::Peekable;

use super::keywords::{self, Acts, Block, Entry, Keyword, Needs, Opens};
use super::lex::{self, End, Piece, Word};
use super::problem::{Problem, Problems, Severity};
use super::source::Place;
use super::value::{Kind, TAILS, Value};

/// A keyword with what stands behind it and in its block.
#[derive(Clone, Debug)]
pub struct Statement {
    /// The row of the table.
    pub keyword: &'static Keyword,
    /// Where it stands, without its block.
    pub place: Place,
    /// The words behind it.
    pub words: Vec<Word>,
    /// What they mean.
    pub value: Value,
    /// What is in its block.
    pub children: Vec<Statement>,
    /// The lines of its list.
    pub entries: Vec<Vec<Word>>,
}

/// Reads all pieces. Each statement at the top is given away as soon as it has ended, so that the
/// whole tree is never there.
pub fn parse(
    pieces: impl Iterator<Item = Piece>,
    problems: &mut Problems,
    mut each: impl FnMut(Statement),
) {
    let mut parser = Parser {
        pieces: pieces.peekable(),
        problems,
        last: Place::default(),
    };
    parser.block(Block::Top, Place::default(), &mut each);
}

struct Parser<'a, P: Iterator<Item = Piece>> {
    pieces: Peekable<P>,
    problems: &'a mut Problems,
    last: Place,
}

impl<P: Iterator<Item = Piece>> Parser<'_, P> {
    fn next(&mut self) -> Option<Piece> {
        let piece = self.pieces.next()?;
        self.last = piece.place;
        Some(piece)
    }

    /// The statements up to the `}` of a block that was opened at `opened`.
    fn block(&mut self, block: Block, opened: Place, each: &mut dyn FnMut(Statement)) {
        let mut seen: Vec<&'static str> = Vec::new();
        while let Some(piece) = self.next() {
            match piece.end {
                End::Closes if block == Block::Top => self.problems.error(
                    piece.place,
                    "`}` that closes nothing",
                    "remove it, or look for a `{` that is missing before",
                ),
                End::Closes => return,
                End::Opens if piece.words.is_empty() => {
                    self.problems.error(
                        piece.place,
                        "`{` without a keyword before it",
                        "its block is skipped",
                    );
                    self.skip();
                }
                _ => {
                    let Some(statement) = self.statement(block, piece) else {
                        continue;
                    };
                    if self.counts(&statement, &mut seen) {
                        each(statement);
                    }
                }
            }
        }
        if block != Block::Top {
            self.unclosed(block.name(), opened);
        }
    }

    fn unclosed(&mut self, name: &str, opened: Place) {
        self.problems.error(
            opened,
            format!("`{name}` has no `}}` at its end"),
            "add it; keepalived takes what follows for a part of the block",
        );
    }

    /// Whether a statement has an effect where others of its name stand before it.
    fn counts(&mut self, statement: &Statement, seen: &mut Vec<&'static str>) -> bool {
        let Keyword { name, opens, .. } = *statement.keyword;
        if opens != Opens::Nothing {
            return true;
        }
        if !seen.contains(&name) {
            seen.push(name);
            return true;
        }
        if statement.keyword.once {
            let text = format!("`{name}` is set already");
            self.problems
                .error(statement.place, text, "the first one counts: remove one");
        } else {
            let text = format!("`{name}` is set twice");
            self.problems
                .note(statement.place, text, "the last one counts: remove one");
        }
        !statement.keyword.once
    }

    /// One statement with its block, or nothing if it has no effect.
    fn statement(&mut self, block: Block, piece: Piece) -> Option<Statement> {
        let Piece {
            words,
            end,
            place,
            source,
        } = piece;
        let mut words = words.into_iter();
        let name = words.next()?;
        let mut words: Vec<Word> = words.collect();
        let Some(keyword) = keywords::find(block, &name.text) else {
            let opens = end == End::Opens || self.brace_is_next();
            self.unknown(block, &name, &words, opens);
            if opens {
                if end != End::Opens {
                    self.next();
                }
                self.skip();
            }
            return None;
        };
        self.act(keyword, name.place);
        if let Some(source) = source.filter(|_| keyword.kind.has_escapes()) {
            match lex::escaped(&source, place) {
                Ok(escaped) => words = escaped.into_iter().skip(1).collect(),
                Err(quote) => {
                    let text = format!("`{}`: nothing ends the {quote}", name.text);
                    self.problems.error(place, text, "it has no effect");
                    return None;
                }
            }
        }
        let mut statement = Statement {
            keyword,
            place,
            words,
            value: Value::None,
            children: Vec::new(),
            entries: Vec::new(),
        };
        match keyword.opens {
            Opens::Nothing => {
                self.run_on(block, &statement);
                if end == End::Opens {
                    let text = format!("`{}` opens no block", name.text);
                    let hint = "the block is skipped: each statement needs a line of its own";
                    self.problems.error(place, text, hint);
                    self.skip();
                }
            }
            Opens::Block(inner) => {
                if self.opened(end, inner, &name) {
                    let children = &mut statement.children;
                    self.block(inner, name.place, &mut |child| children.push(child));
                }
            }
            Opens::List(entry) => {
                let takes = keyword.kind.most_words();
                if let Some(first) = statement.words.get(takes) {
                    let text = format!("words before the `{{` of `{}`", name.text);
                    let hint = "they have no effect: put each entry on a line of its own";
                    self.problems.error(first.place, text, hint);
                }
                if end == End::Opens || self.brace_is_next() {
                    if end != End::Opens {
                        self.next();
                    }
                    statement.entries = self.entries(block, entry, &name);
                } else {
                    let text = format!("`{}` without a `{{`", name.text);
                    self.problems
                        .error(name.place, text, "its entries stand in braces");
                    // What follows is meant to be its entries, unless it is something else.
                    let next = self.pieces.peek().and_then(|piece| piece.words.first());
                    if next.is_some_and(|word| keywords::find(block, &word.text).is_none()) {
                        statement.entries = self.entries(block, entry, &name);
                    }
                }
            }
        }
        self.read(&mut statement, &name).then_some(statement)
    }

    fn brace_is_next(&mut self) -> bool {
        let next = self.pieces.peek();
        next.is_some_and(|piece| piece.words.is_empty() && piece.end == End::Opens)
    }

    /// Whether the block `inner` begins here; a `{` that is missing is told, and thought to be
    /// there where what follows belongs to the block.
    fn opened(&mut self, end: End, inner: Block, name: &Word) -> bool {
        if end == End::Opens {
            return true;
        }
        if self.brace_is_next() {
            self.next();
            return true;
        }
        let text = format!("`{}` without a `{{`", name.text);
        self.problems
            .error(name.place, text, "put a `{` at the end of the line");
        let next = self.pieces.peek().and_then(|piece| piece.words.first());
        next.is_some_and(|word| {
            let here = keywords::find(inner, &word.text).is_some();
            here && keywords::find(Block::Top, &word.text).is_none()
        })
    }

    /// The lines of a list up to its `}`.
    fn entries(&mut self, block: Block, entry: Entry, name: &Word) -> Vec<Vec<Word>> {
        let mut entries = Vec::new();
        while let Some(piece) = self.pieces.peek() {
            match piece.end {
                End::Closes => {
                    self.next();
                    return entries;
                }
                End::Opens => {
                    // `virtual_ipaddress {` or the like: the list was never closed.
                    let place = piece.place;
                    let text = format!("`{{` inside of `{}`", name.text);
                    let known = piece
                        .words
                        .first()
                        .is_some_and(|word| keywords::find(block, &word.text).is_some());
                    let hint = match known {
                        true => "a `}` is missing before this line",
                        false => "its block is skipped",
                    };
                    self.problems.error(place, text, hint);
                    if known {
                        return entries;
                    }
                    self.next();
                    self.skip();
                }
                End::Line => {
                    let Some(piece) = self.next() else { break };
                    match entry {
                        Entry::Names => {
                            entries.extend(piece.words.into_iter().map(|word| vec![word]))
                        }
                        _ => entries.push(piece.words),
                    }
                }
            }
        }
        self.unclosed(&name.text, name.place);
        entries
    }

    /// Skips to the `}` of a block whose `{` is behind us.
    fn skip(&mut self) {
        let mut depth = 1;
        while depth > 0 {
            match self.next().map(|piece| piece.end) {
                Some(End::Opens) => depth += 1,
                Some(End::Closes) => depth -= 1,
                Some(End::Line) => {}
                None => {
                    let text = "a `}` is missing at the end";
                    let place = self.last;
                    return self.problems.error(
                        place,
                        text,
                        "count the braces of the blocks above",
                    );
                }
            }
        }
    }

    /// The words behind a keyword, understood; whether the statement has an effect.
    fn read(&mut self, statement: &mut Statement, name: &Word) -> bool {
        let Keyword { kind, needs, .. } = *statement.keyword;
        if statement.words.is_empty() && needs != Needs::Nothing {
            let severity = match needs {
                Needs::ArgumentOrDie => Severity::Fatal,
                _ => Severity::Error,
            };
            let text = format!("`{}` needs a value", name.text);
            self.problems.add(
                Problem::new(severity, name.place, text)
                    .hint(format!("as: {}", statement.keyword.synopsis())),
            );
            return false;
        }
        match kind.read(&statement.words) {
            Ok(value) => {
                statement.value = value;
                let first = statement.words.first().filter(|_| kind.is_address());
                if let Some(first) = first.filter(|word| word.text.contains(TAILS)) {
                    let text = format!("`{}`: an address alone stands here", first.text);
                    self.problems
                        .note(first.place, text, "what follows the address has no effect");
                }
                true
            }
            Err((at, problem)) => {
                let word = statement.words.get(at).unwrap_or(name);
                let text = format!("`{}`: {problem}", name.text);
                // What is wrong with a tunnel leaves the method.
                if let (Kind::Forwarding, Ok(bare)) = (kind, kind.read(&statement.words[..1])) {
                    let hint = format!("taken as `{} {}`", name.text, statement.words[0].text);
                    self.problems.error(word.place, text, &hint);
                    statement.value = bare;
                    return true;
                }
                let hint = match statement.keyword.opens {
                    Opens::Nothing if statement.keyword.default.is_empty() => {
                        "it has no effect".into()
                    }
                    Opens::Nothing => {
                        format!("it has no effect: default {}", statement.keyword.default)
                    }
                    _ => "the whole block has no effect".to_owned(),
                };
                self.problems.error(word.place, text, &hint);
                false
            }
        }
    }

    /// Tells of words that no one reads, if they look like a statement.
    fn run_on(&mut self, block: Block, statement: &Statement) {
        let kind = statement.keyword.kind;
        let extra = statement.words.iter().skip(kind.most_words());
        for word in extra.take(8) {
            if keywords::find(block, &word.text).is_some() {
                let name = statement.keyword.name;
                self.problems.note(
                    word.place,
                    format!("`{}` is read as a word behind `{name}`", word.text),
                    "it has no effect: put it on a line of its own",
                );
            }
        }
    }

    fn act(&mut self, keyword: &'static Keyword, place: Place) {
        match keyword.acts {
            Acts::Yes => {}
            Acts::Not(subject) => self.problems.not_acted_on(subject, place, keyword.name),
            Acts::Old(word) => {
                let text = format!("`{}` is an old word", keyword.name);
                self.problems
                    .warning(place, text, &format!("instead: {word}"));
            }
        }
    }

    fn unknown(&mut self, block: Block, name: &Word, words: &[Word], opens: bool) {
        let text = &name.text;
        let inside = match block {
            Block::Top => String::new(),
            _ => format!(" in `{}`", block.name()),
        };
        let told = format!("unknown keyword `{text}`{inside}");
        let mut hints = Vec::new();
        let mut severity = Severity::Error;
        if let Some(c) = text.chars().find(|&c| is_odd(c)) {
            let code = u32::from(c);
            hints.push(format!(
                "it has a character that looks like none, U+{code:04X}: remove it"
            ));
        } else if text.ends_with('\\') {
            let hint = "a `\\` at the end of a line stays there, even behind a comment: remove it";
            hints.push(hint.to_owned());
        } else if let Some(trap) = trap(block, text) {
            hints.push(trap.to_owned());
            if !opens {
                severity = Severity::Ignored;
            }
        } else if let Some(nearest) = keywords::nearest(block, text) {
            hints.push(format!("nearest: {nearest}"));
        } else if let Some(at_home) = keywords::all().find(|k| k.name == text) {
            let at_home = at_home.inside[0].name();
            hints.push(format!(
                "it stands in `{at_home}`: is a `}}` missing or too many before?"
            ));
        } else if words.first().is_some_and(|word| word.text == "=") {
            hints.push("keywords take their values without `=`".to_owned());
        }
        if opens {
            hints.push(match block {
                Block::Top => "its whole block is skipped".to_owned(),
                _ => format!(
                    "its block is skipped; keepalived takes its `}}` for the end of `{}`",
                    block.name()
                ),
            });
        }
        if hints.is_empty() {
            hints.push("the line has no effect".to_owned());
        }
        let problem = Problem::new(severity, name.place, told).hint(hints.join("; "));
        self.problems.add(problem);
    }
}

/// Whether a character is a blank to the eye and not to keepalived: those of Unicode, a byte order
/// mark.
fn is_odd(c: char) -> bool {
    c.is_whitespace() || ['\u{feff}', '\u{200b}'].contains(&c)
}

/// What to write instead of words that many files have and keepalived does not know.
fn trap(block: Block, name: &str) -> Option<&'static str> {
    Some(match name {
        "nb_get_retry" => {
            "write `retry` (without either, one retry): nb_get_retry was only ever for HTTP_GET and SSL_GET"
        }
        "nat_mask" => {
            "remove it: it is gone since keepalived 2.0, and had no effect for long before"
        }
        "lvs_sync_daemon_inteface" | "lvs_sync_daemon_interface" => {
            "write `lvs_sync_daemon INTERFACE INSTANCE` in global_defs"
        }
        "vrrp_ipsets" => "write `nftables`: keepalived is built without ipsets since long",
        "lb_kind" if block == Block::RealServer => "in a real_server write `lvs_method`",
        "weight" if block == Block::Instance => {
            "weights stand in vrrp_script, or behind a name in track_script"
        }
        "synproxy" | "laddr_group_name" | "local_address_group" | "establish_timeout" => {
            "a word of FullNAT kernels, which Linux does not have"
        }
        _ => return None,
    })
}
