//! Parts what is typed, or a script, into SQL to run and shell commands, line by line, so that a
//! statement runs as soon as it is complete.
//!
//! A backslash outside all quotes begins a command, which goes to the end of its line. So does a
//! dot at the start of a line, where no statement is under way: `.tables` is a command, and a
//! `.filter(…)` below `orders` goes on with the chain.

use super::lexer::{self, Kind, Token};

/// A part of a script.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// Statements of either language.
    Statements(Chunk),
    /// A command of the shell.
    Command(Chunk),
}

/// Some text, and the line it begins on, counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Chunk {
    pub(crate) text: String,
    pub(crate) line: u64,
}

/// Collects lines until they make a piece.
#[derive(Debug, Default)]
pub(crate) struct Pieces {
    pending: String,
    /// The line that `pending` begins on.
    begins: u64,
    /// How many lines were pushed.
    lines: u64,
    /// Up to here `pending` was looked at, except for a token that is still open.
    seen: usize,
    /// The last character of `pending` that says something, as far as it was looked at.
    last: Option<char>,
}

impl Pieces {
    /// The pieces of a whole text.
    pub(crate) fn of(text: &str) -> Vec<Piece> {
        let mut pieces = Self::default();
        let mut all: Vec<Piece> = text.lines().flat_map(|line| pieces.push(line)).collect();
        all.extend(pieces.finish());
        all
    }

    /// Whether no statement is under way.
    pub(crate) fn is_between(&self) -> bool {
        self.last.is_none() && self.seen == self.pending.len()
    }

    /// What was pushed and makes no piece yet.
    pub(crate) fn pending(&self) -> &str {
        &self.pending
    }

    /// Takes one line; gives what is complete by it.
    pub(crate) fn push(&mut self, line: &str) -> Vec<Piece> {
        self.lines += 1;
        if self.is_between() && is_dot_command(line) {
            self.clear();
            return vec![Piece::Command(Chunk { text: line.trim().to_string(), line: self.lines })];
        }
        if self.pending.is_empty() {
            self.begins = self.lines;
        }
        self.pending.push_str(line);
        self.pending.push('\n');
        let (from, fresh) = self.look();
        let mut found = Vec::new();
        if let Some(token) = fresh.iter().find(|token| token.kind == Kind::Backslash) {
            let command = self.pending.split_off(from + token.range.start);
            found.extend(self.take());
            let command = Chunk { text: command.trim().to_string(), line: self.lines };
            found.push(Piece::Command(command));
        } else if self.last == Some(';') {
            found.extend(self.take());
        }
        found
    }

    /// What is left at the end.
    pub(crate) fn finish(&mut self) -> Option<Piece> {
        self.take()
    }

    /// Reads the new part; a token that was open is read again from its start.
    fn look(&mut self) -> (usize, Vec<Token>) {
        let from = self.seen;
        let text = self.pending.get(from..).unwrap_or_default();
        let fresh = lexer::tokens(text);
        let telling = fresh.iter().rev().find(|token| token.says_something());
        let last = telling.and_then(|token| token.text(text).chars().next_back());
        self.last = last.or(self.last);
        self.seen = match fresh.last().filter(|token| !token.closed) {
            Some(open) => from + open.range.start,
            None => self.pending.len(),
        };
        (from, fresh)
    }

    fn take(&mut self) -> Option<Piece> {
        let text = std::mem::take(&mut self.pending);
        let line = self.begins;
        let says = lexer::tokens(&text).iter().any(|token| token.says_something() || !token.closed);
        self.clear();
        says.then(|| Piece::Statements(Chunk { text: text.trim_end().to_string(), line }))
    }

    fn clear(&mut self) {
        self.pending.clear();
        self.seen = 0;
        self.last = None;
    }
}

/// Whether a line that begins a text is a dot command: a word right after the dot, and no call.
pub(crate) fn is_dot_command(line: &str) -> bool {
    let Some(rest) = line.trim_start().strip_prefix('.') else { return false };
    let word = rest.find(|c| !lexer::is_word(c)).unwrap_or(rest.len());
    word > 0
        && rest.starts_with(lexer::is_word_start)
        && rest.get(word..).is_some_and(|after| {
            after.is_empty() || after.starts_with(|c: char| c.is_whitespace() || c == ';')
        })
}

/// Whether a text is one command, or a statement with a command behind it, and so complete.
pub(crate) fn ends_in_command(text: &str) -> bool {
    Pieces::of(text).last().is_some_and(|piece| matches!(piece, Piece::Command(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> Vec<String> {
        Pieces::of(text)
            .into_iter()
            .map(|piece| match piece {
                Piece::Statements(chunk) => format!("{}: {}", chunk.line, chunk.text),
                Piece::Command(chunk) => format!("{}! {}", chunk.line, chunk.text),
            })
            .collect()
    }

    #[test]
    fn statements_and_commands_take_turns() {
        let text = "-- first\nSELECT 1;\n\\dt\n.timer on\nSELECT\n  2;  -- two\n.quit";
        assert_eq!(
            parts(text),
            [
                "1: -- first\nSELECT 1;",
                "3! \\dt",
                "4! .timer on",
                "5: SELECT\n  2;  -- two",
                "7! .quit",
            ]
        );
    }

    #[test]
    fn a_dot_under_a_chain_goes_on_with_it() {
        assert_eq!(
            parts("orders\n  .filter(x > 1)\n.head"),
            ["1: orders\n  .filter(x > 1)\n.head"]
        );
        assert_eq!(parts("orders.head(1);\n.tables"), ["1: orders.head(1);", "2! .tables"]);
        assert_eq!(parts(".5 + 1"), ["1: .5 + 1"]);
    }

    #[test]
    fn a_command_may_end_a_statement() {
        assert_eq!(parts("SELECT 1 \\watch 2"), ["1: SELECT 1", "1! \\watch 2"]);
        assert_eq!(parts("SELECT '\\x\n\\y'; "), ["1: SELECT '\\x\n\\y';"]);
        assert!(ends_in_command("\\d") && !ends_in_command("SELECT '\\d"));
    }

    #[test]
    fn nothing_but_comments_is_no_statement() {
        assert_eq!(parts("-- a\n\n/* b */\n"), Vec::<String>::new());
        assert_eq!(parts("/* never closed\n;"), ["1: /* never closed\n;"]);
    }
}
