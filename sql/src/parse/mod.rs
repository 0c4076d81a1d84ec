//! Text into statements. One tokenizer and one set of tokens serve both languages: SQL goes to
//! DataFusion's parser, chains to ours, which hands every argument back to sqlparser.
//!
//! ```text
//! text ── tokens ── statement ──┬─ Strata's own (SUMMARIZE, CREATE SECRET …)   statement.rs
//!                               ├─ chain (orders.filter(…).head(10))           chain.rs
//!                               ├─ array (t.mean(time)[5])                     array.rs, into term.rs
//!                               └─ SQL                                          DataFusion
//! ```

mod array;
mod chain;
mod depth;
mod statement;
mod term;

use datafusion::sql::parser::{DFParser, DFParserBuilder};
use sqlparser::dialect::GenericDialect;
use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Location as TokenLocation, Token, TokenWithSpan, Tokenizer};

pub(crate) use chain::{Argument, Call, Chain, Head, Value};
pub use statement::Statement;
pub(crate) use statement::{ExplainFormatting, Kind, Source};
pub(crate) use term::{Subscript, Term, TermArgument, TermValue, What};

use crate::error::{Error, Location, Result};

/// Nesting beyond this is refused rather than risked.
const DEPTH: usize = 100;

/// What every text is read as.
pub(crate) static DIALECT: GenericDialect = GenericDialect;

/// Parts a text into its statements, in either language, separated by semicolons.
///
/// ```
/// let statements = strata::parse("SELECT 1; orders.head(5)").unwrap();
/// assert_eq!(statements[1].text, "orders.head(5)");
/// ```
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    let tokens = tokenize(text)?;
    let mut parser = parser_of(tokens)?;
    let mut statements = Vec::new();
    loop {
        while parser.parser.consume_token(&Token::SemiColon) {}
        let first = parser.parser.peek_token();
        if first.token == Token::EOF {
            return Ok(statements);
        }
        let kind = statement::parse_statement(&mut parser)?;
        let next = parser.parser.peek_token();
        if !matches!(next.token, Token::SemiColon | Token::EOF) {
            return Err(unexpected("the end of the statement", &next));
        }
        let end = match next.token {
            Token::EOF => text.len(),
            _ => offset(text, next.span.start),
        };
        let whole = text.get(offset(text, first.span.start)..end).unwrap_or_default();
        statements.push(Statement { text: whole.trim().to_string(), kind });
    }
}

/// A text whose parameters have numbers: `$1`, `$2` in place of each `?`, as they stand.
pub(crate) fn number_parameters(text: &str) -> Result<String> {
    let mut numbered = String::with_capacity(text.len());
    let (mut rest, mut count) = (0, 0);
    for TokenWithSpan { token, span } in tokenize(text)? {
        if !matches!(&token, Token::Placeholder(sign) if sign == "?") {
            continue;
        }
        count += 1;
        let at = offset(text, span.start);
        numbered.push_str(text.get(rest..at).unwrap_or_default());
        numbered.push_str(&format!("${count}"));
        rest = at + 1;
    }
    numbered.push_str(text.get(rest..).unwrap_or_default());
    Ok(numbered)
}

/// A term of the array language, which is all that a text is.
pub(crate) fn parse_term(text: &str) -> Result<Term> {
    let mut parser = parser_of(tokenize(text)?)?;
    array::whole_term(&mut parser.parser)
}

/// Whether a text is whole: it ends its last statement, or is a chain that needs nothing more.
/// What cannot be tokenized for another reason than an open quote is whole too: waiting for more
/// would not mend it.
pub fn is_complete(text: &str) -> bool {
    let tokens = match tokenize(text) {
        Ok(tokens) => tokens,
        Err(error) => return !error.to_string().contains("Unterminated"),
    };
    let mut depth = 0i64;
    let mut last = None;
    let mut first = None;
    for token in tokens.iter().map(|t| &t.token) {
        match token {
            Token::Whitespace(_) => continue,
            Token::LParen | Token::LBracket | Token::LBrace => depth += 1,
            Token::RParen | Token::RBracket | Token::RBrace => depth -= 1,
            _ => {}
        }
        first = first.or(Some(token));
        last = Some(token);
    }
    match last {
        None => true,
        Some(Token::SemiColon) => depth <= 0,
        Some(Token::Period | Token::Comma | Token::Eq) => false,
        _ if depth > 0 => false,
        // A chain may end with its line; an SQL statement goes on to its semicolon.
        _ => parse(text).is_ok_and(|all| all.last().is_some_and(Statement::is_chain)),
    }
}

/// The parser both languages share, over tokens that keep their places.
fn parser_of(tokens: Vec<TokenWithSpan>) -> Result<DFParser<'static>> {
    depth::refuse_deep(&tokens)?;
    Ok(DFParserBuilder::new(tokens).with_dialect(&DIALECT).with_recursion_limit(DEPTH).build()?)
}

fn tokenize(text: &str) -> Result<Vec<TokenWithSpan>> {
    Ok(Tokenizer::new(&DIALECT, text).tokenize_with_location()?)
}

/// The words of SQL, for highlighting and completion.
pub fn keywords() -> &'static [&'static str] {
    sqlparser::keywords::ALL_KEYWORDS
}

/// The byte at a place of the tokenizer's, which counts lines and characters from 1.
fn offset(text: &str, place: TokenLocation) -> usize {
    let line = usize::try_from(place.line.saturating_sub(1)).unwrap_or(0);
    let column = usize::try_from(place.column.saturating_sub(1)).unwrap_or(0);
    let start = match line {
        0 => 0,
        _ => text.match_indices('\n').nth(line - 1).map_or(text.len(), |(at, _)| at + 1),
    };
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column).map_or(rest.len(), |(at, _)| at)
}

fn place(token: &TokenWithSpan) -> Location {
    Location { line: token.span.start.line, column: token.span.start.column }
}

fn unexpected(expected: &str, found: &TokenWithSpan) -> Error {
    let what = match &found.token {
        Token::EOF => "the end of the text".to_string(),
        other => format!("'{other}'"),
    };
    let error = Error::text(format!("expected {expected}, found {what}"));
    match found.token {
        Token::EOF => error,
        _ => error.at(place(found)),
    }
}

/// Whether a token is this keyword, unquoted.
fn is_keyword(token: &Token, keyword: Keyword) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.keyword == keyword)
}

/// Whether a token is this word, unquoted, in any case; for words that sqlparser does not reserve.
fn is_word(token: &Token, text: &str) -> bool {
    matches!(token, Token::Word(word) if word.quote_style.is_none() && word.value.eq_ignore_ascii_case(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_keep_their_own_text() {
        let text = "SELECT 'ä;ö' AS x ;\n\n t = orders.filter(a > 1)\n  .head(2); FROM t;";
        let texts: Vec<_> = parse(text).unwrap().into_iter().map(|s| s.text).collect();
        assert_eq!(texts, ["SELECT 'ä;ö' AS x", "t = orders.filter(a > 1)\n  .head(2)", "FROM t"]);
    }

    #[test]
    fn a_text_is_complete_when_nothing_is_open() {
        for whole in ["", "SELECT 1;", "orders.head(2)", "t = orders.head()", "SELECT 1; t.count()"]
        {
            assert!(is_complete(whole), "{whole}");
        }
        for open in
            ["SELECT 1", "orders.filter(", "orders.", "SELECT 'a", "t =", "orders.select(a,"]
        {
            assert!(!is_complete(open), "{open}");
        }
    }

    #[test]
    fn question_marks_are_numbered_where_they_are_parameters() {
        let text = "SELECT '?', \"a?\", ? -- ?\n + ?, ä = ?";
        let expected = "SELECT '?', \"a?\", $1 -- ?\n + $2, ä = $3";
        assert_eq!(number_parameters(text).unwrap(), expected);
    }

    #[test]
    fn deep_nesting_is_refused_and_not_risked() {
        for text in [
            format!("SELECT {}1{}", "(".repeat(5000), ")".repeat(5000)),
            format!("t.filter({}1{})", "(".repeat(5000), ")".repeat(5000)),
            format!("{}t{}", "t.union(".repeat(5000), ")".repeat(5000)),
            format!("t{}", ".head(1)".repeat(50_000)),
            format!("SELECT {}", "[".repeat(5000)),
        ] {
            assert!(parse(&text).is_err());
        }
    }
}
