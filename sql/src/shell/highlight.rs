//! Colors what is typed: keywords, strings, numbers, comments, functions, verbs, commands.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use nu_ansi_term::{Color, Style};
use reedline::{Highlighter, StyledText};

use super::commands;
use super::keywords::is_keyword;
use super::lexer::{self, Kind, Token};
use super::script::is_dot_command;

/// What a part of the text is to the eye.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    Plain,
    Keyword,
    Text,
    Number,
    Comment,
    Function,
    Verb,
    Command,
    Wrong,
}

impl Paint {
    fn style(self) -> Style {
        match self {
            Self::Plain => Style::new(),
            Self::Keyword => Style::new().bold().fg(Color::Blue),
            Self::Text => Style::new().fg(Color::Green),
            Self::Number => Style::new().fg(Color::Cyan),
            Self::Comment => Style::new().fg(Color::DarkGray),
            Self::Function => Style::new().fg(Color::Yellow),
            Self::Verb => Style::new().bold().fg(Color::Cyan),
            Self::Command => Style::new().bold().fg(Color::Purple),
            Self::Wrong => Style::new().fg(Color::Red),
        }
    }
}

/// Colors text by what the session knows.
pub(crate) struct SqlHighlighter {
    functions: Arc<HashSet<String>>,
    typed: Arc<AtomicBool>,
}

impl SqlHighlighter {
    /// `typed` is set whenever there is text to paint.
    pub(crate) fn new(functions: Arc<HashSet<String>>, typed: Arc<AtomicBool>) -> Self {
        Self { functions, typed }
    }

    /// The parts of a text with their paints: in order, without gaps.
    pub(crate) fn spans(&self, text: &str) -> Vec<(Paint, Range<usize>)> {
        let start = text.len() - text.trim_start().len();
        if is_dot_command(text) {
            let space = std::iter::once((Paint::Plain, 0..start));
            return space.chain(command(text, start)).collect();
        }
        let tokens = lexer::tokens(text);
        let mut spans = Vec::new();
        for (at, token) in tokens.iter().enumerate() {
            if token.kind == Kind::Backslash {
                spans.extend(command(text, token.range.start));
                return spans;
            }
            spans.push((self.paint(text, &tokens, at, token), token.range.clone()));
        }
        spans
    }

    fn paint(&self, text: &str, tokens: &[Token], at: usize, token: &Token) -> Paint {
        match token.kind {
            Kind::Text => Paint::Text,
            Kind::Number => Paint::Number,
            Kind::Comment => Paint::Comment,
            Kind::Word => {
                let word = token.text(text);
                let before = at.checked_sub(1).and_then(|at| tokens.get(at));
                let after = tokens.get(at + 1).map_or("", |next| next.text(text));
                let follows_dot = before.is_some_and(|before| before.text(text) == ".");
                let lower = word.to_ascii_lowercase();
                if follows_dot {
                    let known = crate::verbs().any(|verb| verb.0 == lower);
                    if known && after == "(" { Paint::Verb } else { Paint::Plain }
                } else if after == "(" && self.functions.contains(&lower) {
                    Paint::Function
                } else if is_keyword(word) {
                    Paint::Keyword
                } else {
                    Paint::Plain
                }
            }
            _ => Paint::Plain,
        }
    }
}

/// A command's name, then the rest of the text.
fn command(text: &str, start: usize) -> Vec<(Paint, Range<usize>)> {
    let rest = text.get(start..).unwrap_or_default();
    let length = rest.find(char::is_whitespace).unwrap_or(rest.len());
    let name = rest.get(..length).unwrap_or_default().trim_end_matches(';');
    let finished = length < rest.len();
    let is_prefix = || {
        commands::COMMANDS.iter().any(|command| command.names.iter().any(|n| n.starts_with(name)))
    };
    let paint = if commands::find(name).is_some() || (!finished && is_prefix()) {
        Paint::Command
    } else {
        Paint::Wrong
    };
    let end = start + length;
    [(paint, start..end), (Paint::Text, end..text.len())]
        .into_iter()
        .filter(|(_, range)| !range.is_empty())
        .collect()
}

impl Highlighter for SqlHighlighter {
    fn highlight(&self, line: &str, _cursor: usize) -> StyledText {
        self.typed.fetch_or(!line.is_empty(), Ordering::Relaxed);
        let mut styled = StyledText::new();
        for (paint, range) in self.spans(line) {
            if let Some(part) = line.get(range) {
                styled.push((paint.style(), part.to_string()));
            }
        }
        styled
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn painted(text: &str) -> Vec<(Paint, &str)> {
        let functions = HashSet::from(["count".to_string()]);
        let spans = SqlHighlighter::new(Arc::new(functions), Arc::default()).spans(text);
        let joined: String = spans.iter().map(|(_, range)| &text[range.clone()]).collect();
        assert_eq!(joined, text, "the spans are the text");
        spans
            .into_iter()
            .map(|(paint, range)| (paint, &text[range]))
            .filter(|(paint, _)| *paint != Paint::Plain)
            .collect()
    }

    #[test]
    fn sql_is_painted() {
        assert_eq!(
            painted("select count(x), 'a' from t -- é"),
            [
                (Paint::Keyword, "select"),
                (Paint::Function, "count"),
                (Paint::Text, "'a'"),
                (Paint::Keyword, "from"),
                (Paint::Comment, "-- é"),
            ]
        );
        assert_eq!(painted("count"), []);
    }

    #[test]
    fn chains_show_their_verbs() {
        assert_eq!(
            painted("t.filter(x > 1).nope(2)"),
            [(Paint::Verb, "filter"), (Paint::Number, "1"), (Paint::Number, "2"),]
        );
    }

    #[test]
    fn commands_are_told_from_mistakes() {
        assert_eq!(painted("  \\dt x"), [(Paint::Command, "\\dt"), (Paint::Text, " x")]);
        assert_eq!(painted(".tab"), [(Paint::Command, ".tab")]);
        assert_eq!(painted("\\nope"), [(Paint::Wrong, "\\nope")]);
        assert_eq!(
            painted("SELECT 1 \\watch"),
            [(Paint::Keyword, "SELECT"), (Paint::Number, "1"), (Paint::Command, "\\watch"),]
        );
    }
}
