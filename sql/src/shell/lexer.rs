//! Parts a text into tokens, for highlighting, completion and finding where commands begin. It
//! never fails: whatever is half typed is a token too, and the tokens together are the text.

use std::ops::Range;

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// White space.
    Space,
    /// A keyword or a name without quotes.
    Word,
    /// A name in double quotes or backticks.
    Quoted,
    /// A string: in single quotes, or between dollar signs.
    Text,
    /// A number.
    Number,
    /// A comment, to the end of its line or in `/* */`.
    Comment,
    /// A backslash outside all quotes: here a shell command begins.
    Backslash,
    /// Any other character.
    Symbol,
}

/// A piece of the text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) kind: Kind,
    pub(crate) range: Range<usize>,
    /// False for a string, a name or a comment whose end is still to come.
    pub(crate) closed: bool,
}

impl Token {
    /// The token's characters.
    pub(crate) fn text<'a>(&self, text: &'a str) -> &'a str {
        text.get(self.range.clone()).unwrap_or_default()
    }

    /// Whether it is neither space nor comment.
    pub(crate) fn says_something(&self) -> bool {
        !matches!(self.kind, Kind::Space | Kind::Comment)
    }
}

/// The tokens of a text, in order and without gaps.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut all = Vec::new();
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        let (kind, length, closed) = first(rest);
        all.push(Token { kind, range: at..at + length, closed });
        at += length;
    }
    all
}

/// The first token of a text that is not empty: its kind, its length in bytes, whether it ends.
fn first(text: &str) -> (Kind, usize, bool) {
    let mut chars = text.chars();
    let (Some(head), next) = (chars.next(), chars.next()) else { return (Kind::Symbol, 0, true) };
    let done = |kind, length| (kind, length, true);
    match (head, next) {
        _ if head.is_whitespace() => done(Kind::Space, run(text, char::is_whitespace)),
        ('-', Some('-')) => done(Kind::Comment, text.find('\n').unwrap_or(text.len())),
        ('/', Some('*')) => block_comment(text),
        ('\'', _) => quoted(text, 0, '\'', false, Kind::Text),
        // Escape strings are the only ones in which a backslash hides a quote.
        ('e' | 'E', Some('\'')) => quoted(text, 1, '\'', true, Kind::Text),
        ('b' | 'B' | 'x' | 'X' | 'n' | 'N', Some('\'')) => quoted(text, 1, '\'', false, Kind::Text),
        ('"', _) => quoted(text, 0, '"', false, Kind::Quoted),
        ('`', _) => quoted(text, 0, '`', false, Kind::Quoted),
        ('$', _) => dollar_quoted(text).unwrap_or((Kind::Symbol, 1, true)),
        ('\\', _) => done(Kind::Backslash, 1),
        _ if head.is_ascii_digit() => done(Kind::Number, number(text)),
        ('.', Some(digit)) if digit.is_ascii_digit() => done(Kind::Number, number(text)),
        _ if is_word_start(head) => done(Kind::Word, run(text, is_word)),
        _ => done(Kind::Symbol, head.len_utf8()),
    }
}

/// Whether a name without quotes may begin with this.
pub(crate) fn is_word_start(c: char) -> bool {
    c.is_alphabetic() || c == '_'
}

/// Whether a name without quotes may go on with this.
pub(crate) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '$'
}

fn run(text: &str, accept: impl Fn(char) -> bool) -> usize {
    text.find(|c| !accept(c)).unwrap_or(text.len())
}

fn number(text: &str) -> usize {
    let mut before = ' ';
    for (at, c) in text.char_indices() {
        let sign = matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        if !(c.is_ascii_alphanumeric() || c == '_' || c == '.' || sign) {
            return at;
        }
        // `1.head` is a number no more than `x.head` is one name: leave the verb alone.
        if c == '.'
            && text.get(at + 1..).and_then(|rest| rest.chars().next()).is_some_and(is_word_start)
        {
            return at;
        }
        before = c;
    }
    text.len()
}

fn quoted(text: &str, open: usize, quote: char, escapes: bool, kind: Kind) -> (Kind, usize, bool) {
    let mut chars = text.char_indices().skip(open + 1).peekable();
    while let Some((at, c)) = chars.next() {
        if escapes && c == '\\' {
            chars.next();
        } else if c == quote && chars.next_if(|(_, after)| *after == quote).is_none() {
            return (kind, at + quote.len_utf8(), true);
        }
    }
    (kind, text.len(), false)
}

fn block_comment(text: &str) -> (Kind, usize, bool) {
    let mut depth = 0usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return (Kind::Comment, at, true);
            }
        } else {
            at += rest.chars().next().map_or(1, char::len_utf8);
        }
    }
    (Kind::Comment, text.len(), false)
}

/// `$$…$$` or `$tag$…$tag$`.
fn dollar_quoted(text: &str) -> Option<(Kind, usize, bool)> {
    let rest = text.get(1..)?;
    let tag = rest.get(..run(rest, |c| c.is_alphanumeric() || c == '_'))?;
    if tag.starts_with(|c: char| c.is_ascii_digit()) || !rest.get(tag.len()..)?.starts_with('$') {
        return None;
    }
    let mark = text.get(..tag.len() + 2)?;
    Some(match text.get(mark.len()..)?.find(mark) {
        Some(end) => (Kind::Text, mark.len() + end + mark.len(), true),
        None => (Kind::Text, text.len(), false),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<(Kind, &str)> {
        let all = tokens(text);
        let joined: String = all.iter().map(|token| token.text(text)).collect();
        assert_eq!(joined, text, "the tokens are the text");
        all.iter()
            .filter(|token| token.kind != Kind::Space)
            .map(|token| (token.kind, token.text(text)))
            .collect()
    }

    #[test]
    fn sql_is_parted() {
        assert_eq!(
            kinds("SELECT \"a b\", 'it''s' FROM t1 -- done"),
            [
                (Kind::Word, "SELECT"),
                (Kind::Quoted, "\"a b\""),
                (Kind::Symbol, ","),
                (Kind::Text, "'it''s'"),
                (Kind::Word, "FROM"),
                (Kind::Word, "t1"),
                (Kind::Comment, "-- done"),
            ]
        );
        assert_eq!(
            kinds("1.5e-3 x.y"),
            [(Kind::Number, "1.5e-3"), (Kind::Word, "x"), (Kind::Symbol, "."), (Kind::Word, "y"),]
        );
    }

    #[test]
    fn quotes_hide_semicolons_and_backslashes() {
        assert_eq!(kinds(r"'\' \dt").last(), Some(&(Kind::Word, "dt")));
        assert_eq!(kinds(r"E'\'\\x;'"), [(Kind::Text, r"E'\'\\x;'")]);
        assert_eq!(kinds("$a$ ; ' $a$;").first(), Some(&(Kind::Text, "$a$ ; ' $a$")));
        assert_eq!(kinds("/* /* ; */ */;").last(), Some(&(Kind::Symbol, ";")));
    }

    #[test]
    fn half_typed_text_is_open() {
        for text in ["'ab", "\"ab", "/* ab", "$$ab", "é'ü"] {
            assert!(tokens(text).last().is_some_and(|token| !token.closed), "{text}");
        }
    }
}
