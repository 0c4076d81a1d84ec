//! The method-chain language: heads, verbs and their arguments, walked on sqlparser's tokens.
//!
//! ```text
//! chain    = head { '.' verb '(' [ argument { ',' argument } ] ')' }
//! head     = table | 'file or URL' | sql('query') | function(…) | '(' query ')' | array '.' to_table '(' ')'
//! argument = [ name '=>' ] ( expression [AS alias] | expression [ASC|DESC] … | chain )
//! ```
//!
//! What kind of argument a verb takes is the verb's to say; the expression itself is sqlparser's.

use std::sync::Arc;

use sqlparser::ast::{Expr, Ident, ObjectName, ObjectNamePart, OrderByExpr, Query, SelectItem};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};
use strata_engine::nearest;

use super::array::{array_as_table, named_array, skip_statement};
use super::term::Term;
use super::{is_keyword, is_word, parser_of, place, tokenize, unexpected};
use crate::error::{Error, Location, Result};
use crate::verbs::{Takes, Verb, find_verb, verb_names};

/// A chain longer than this is a mistake of whoever generated it; its plan would nest as deeply.
const LONGEST: usize = 500;
/// How far the other end of a parenthesis is looked for before it is taken for SQL.
const LOOKAHEAD: usize = 1_000;
/// Chains within chains (`a.union(b.union(…))`).
const DEEPEST: usize = 50;

/// A head and the verbs applied to it.
#[derive(Debug, Clone)]
pub(crate) struct Chain {
    pub(crate) head: Head,
    pub(crate) calls: Vec<Call>,
    pub(crate) at: Location,
    /// The same text read as an array's, for names that are arrays.
    pub(crate) array: Option<Box<Term>>,
    /// Why it is none for other names.
    pub(crate) refused: Option<Arc<Error>>,
}

/// What a chain starts from.
#[derive(Debug, Clone)]
pub(crate) enum Head {
    /// A table, view or name.
    Table(ObjectName),
    /// A quoted file, folder, glob or URL.
    File(String),
    /// A query in SQL.
    Query(Box<Query>),
    /// The cells of an array.
    Array(Box<Term>),
    /// A table function and its arguments.
    Function(ObjectName, Vec<Expr>),
}

/// One verb and its arguments.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) verb: &'static Verb,
    pub(crate) arguments: Vec<Argument>,
    pub(crate) at: Location,
}

/// One argument.
#[derive(Debug, Clone)]
pub(crate) struct Argument {
    /// Its name, where it was given with `=>`.
    pub(crate) name: Option<Ident>,
    pub(crate) value: Value,
    pub(crate) at: Location,
}

/// What an argument is.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "nearly all arguments are items")]
pub(crate) enum Value {
    Item(SelectItem),
    Sorts(Vec<OrderByExpr>),
    Frame(Box<Chain>),
}

/// Whether a statement that starts `skip` tokens ahead is a chain, or binds a name to one.
pub(crate) fn starts_chain(parser: &Parser<'_>, skip: usize) -> bool {
    let first = parser.peek_nth_token(skip).token;
    let second = parser.peek_nth_token(skip + 1).token;
    match first {
        Token::SingleQuotedString(_) => true,
        Token::Word(_) if matches!(second, Token::Period | Token::Eq) => true,
        Token::Word(word) if word.quote_style.is_some() || !starts_sql(word.keyword) => true,
        Token::LParen => closes_before_a_verb(parser, skip),
        _ => false,
    }
}

/// Keywords with which a statement of SQL starts.
fn starts_sql(keyword: Keyword) -> bool {
    use Keyword::*;
    matches!(
        keyword,
        SELECT
            | WITH
            | FROM
            | VALUES
            | CREATE
            | DROP
            | ALTER
            | INSERT
            | UPDATE
            | DELETE
            | COPY
            | EXPLAIN
            | DESCRIBE
            | DESC
            | SHOW
            | SET
            | RESET
            | PREPARE
            | EXECUTE
            | DEALLOCATE
            | TABLE
            | TRUNCATE
            | MERGE
            | BEGIN
            | START
            | COMMIT
            | ROLLBACK
            | USE
            | ANALYZE
            | CALL
            | GRANT
            | REVOKE
            | DECLARE
            | FETCH
            | CLOSE
            | KILL
            | PRAGMA
            | ATTACH
            | DETACH
            | INSTALL
            | LOAD
            | REFRESH
            | CACHE
            | UNCACHE
            | MSCK
            | VACUUM
            | OPTIMIZE
            | COMMENT
            | ASSERT
            | REPLACE
            | SAVEPOINT
            | RELEASE
            | LOCK
            | UNLOCK
            | FLUSH
            | LISTEN
            | NOTIFY
            | UNLISTEN
    )
}

/// Whether the parenthesis at `skip` closes right before a `.`, as in `(SELECT 1).head()`.
fn closes_before_a_verb(parser: &Parser<'_>, skip: usize) -> bool {
    let mut depth = 0usize;
    for ahead in skip..skip + LOOKAHEAD {
        match parser.peek_nth_token(ahead).token {
            Token::LParen => depth += 1,
            Token::RParen if depth <= 1 => {
                return parser.peek_nth_token(ahead + 1).token == Token::Period;
            }
            Token::RParen => depth -= 1,
            Token::EOF | Token::SemiColon => return false,
            _ => {}
        }
    }
    false
}

/// Parses a chain.
pub(crate) fn parse_chain(parser: &mut Parser<'_>) -> Result<Chain> {
    let first = parser.peek_token();
    let Some(array) = named_array(parser) else { return chain_at_depth(parser, 0) };
    let name = array.name().into_iter().flat_map(|(name, part)| [Some(name), part]);
    let name = name.flatten().map(Ident::new).collect::<Vec<_>>();
    let array = Some(Box::new(array));
    match chain_at_depth(parser, 0) {
        Ok(chain) => Ok(Chain { array, ..chain }),
        Err(error) => {
            skip_statement(parser);
            let (head, refused) = (Head::Table(name.into()), Some(Arc::new(error)));
            Ok(Chain { head, calls: Vec::new(), at: place(&first), array, refused })
        }
    }
}

fn chain_at_depth(parser: &mut Parser<'_>, depth: usize) -> Result<Chain> {
    let first = parser.peek_token();
    if depth > DEEPEST {
        return Err(Error::text(format!("more than {DEEPEST} chains within each other"))
            .at(place(&first))
            .hint("name the inner ones: part = …"));
    }
    let head = parse_head(parser)?;
    let mut calls = Vec::new();
    while parser.consume_token(&Token::Period) {
        if calls.len() == LONGEST {
            return Err(Error::text(format!("a chain of more than {LONGEST} verbs"))
                .at(place(&parser.peek_token()))
                .hint("name a part of it: part = …"));
        }
        calls.push(parse_call(parser, depth)?);
    }
    Ok(Chain { head, calls, at: place(&first), array: None, refused: None })
}

fn parse_head(parser: &mut Parser<'_>) -> Result<Head> {
    if let Some(term) = array_as_table(parser) {
        return Ok(Head::Array(Box::new(term)));
    }
    let first = parser.peek_token();
    match &first.token {
        Token::SingleQuotedString(path) => {
            let path = path.clone();
            parser.next_token();
            Ok(Head::File(path))
        }
        Token::LParen => {
            parser.next_token();
            let query = parser.parse_query()?;
            expect(parser, &Token::RParen, "')' after the query")?;
            Ok(Head::Query(query))
        }
        word if is_word(word, "sql") && parser.peek_nth_token(1).token == Token::LParen => {
            parser.next_token();
            parse_sql_head(parser)
        }
        Token::Word(_) => {
            let name = parse_table_name(parser)?;
            if !parser.consume_token(&Token::LParen) {
                return Ok(Head::Table(name));
            }
            let mut arguments = Vec::new();
            while parser.peek_token().token != Token::RParen {
                arguments.push(parser.parse_expr()?);
                if !parser.consume_token(&Token::Comma) {
                    break;
                }
            }
            expect(parser, &Token::RParen, "')' after the arguments")?;
            Ok(Head::Function(name, arguments))
        }
        _ => Err(unexpected("a table, a 'file' or sql('…')", &first)),
    }
}

/// `sql('SELECT …')`: the text inside is parsed on its own, and its places are within it.
fn parse_sql_head(parser: &mut Parser<'_>) -> Result<Head> {
    expect(parser, &Token::LParen, "'(' after sql")?;
    let token = parser.next_token();
    let Token::SingleQuotedString(text) = &token.token else {
        return Err(unexpected("a query in quotes", &token));
    };
    expect(parser, &Token::RParen, "')' after the query")?;
    let inside = |error: Error| Error::text(format!("within sql('…'): {error}")).at(place(&token));
    let mut inner = parser_of(tokenize(text).map_err(inside)?)?;
    let query = inner.parser.parse_query().map_err(|error| inside(error.into()))?;
    let rest = inner.parser.peek_token();
    if rest.token != Token::EOF {
        return Err(inside(unexpected("the end of the query", &rest)));
    }
    Ok(Head::Query(query))
}

/// Words joined by dots, up to the one that is a verb: it has a parenthesis after it.
fn parse_table_name(parser: &mut Parser<'_>) -> Result<ObjectName> {
    let mut parts = vec![ObjectNamePart::Identifier(parser.parse_identifier()?)];
    while parser.peek_token().token == Token::Period
        && matches!(parser.peek_nth_token(1).token, Token::Word(_))
        && parser.peek_nth_token(2).token != Token::LParen
    {
        parser.next_token();
        parts.push(ObjectNamePart::Identifier(parser.parse_identifier()?));
    }
    Ok(ObjectName(parts))
}

fn parse_call(parser: &mut Parser<'_>, depth: usize) -> Result<Call> {
    let word = parser.next_token();
    let Token::Word(name) = &word.token else {
        return Err(unexpected("a verb after '.'", &word));
    };
    let Some(verb) = find_verb(&name.value) else {
        let error = Error::text(format!("there is no verb '{}'", name.value)).at(place(&word));
        let known = verb_names().chain(crate::arrays::verb_names());
        return Err(match nearest(&name.value, known) {
            Some(close) => error.hint(format!("did you mean '{close}'?")),
            None => {
                error.hint(format!("the verbs are {}", verb_names().collect::<Vec<_>>().join(", ")))
            }
        });
    };
    let about = |error: Error| error.about(verb.name).hint(format!("write {}", verb.signature));
    expect(parser, &Token::LParen, "'(' after the verb").map_err(about)?;
    let mut arguments = Vec::new();
    if parser.peek_token().token != Token::RParen {
        loop {
            let positional = arguments.iter().filter(|a: &&Argument| a.name.is_none()).count();
            let argument = parse_argument(parser, verb, positional, depth);
            arguments.push(argument.map_err(about)?);
            if !parser.consume_token(&Token::Comma) {
                break;
            }
        }
    }
    expect(parser, &Token::RParen, "',' or ')'").map_err(about)?;
    Ok(Call { verb, arguments, at: place(&word) })
}

fn parse_argument(
    parser: &mut Parser<'_>,
    verb: &'static Verb,
    positional: usize,
    depth: usize,
) -> Result<Argument> {
    let first = parser.peek_token();
    let at = place(&first);
    if let (Token::Word(word), Token::RArrow) = (&first.token, parser.peek_nth_token(1).token) {
        let known = verb.named.iter().find(|(name, _)| name.eq_ignore_ascii_case(&word.value));
        let free = verb.takes == Takes::Items && verb.named.iter().any(|(name, _)| *name == "*");
        let takes = match known {
            Some((_, takes)) => *takes,
            None if free => Takes::Items,
            None => return Err(unknown_argument(verb, &word.value).at(at)),
        };
        let name = parser.parse_identifier()?;
        parser.next_token();
        let value = parse_value(parser, takes, depth)?;
        return Ok(Argument { name: Some(name), value, at });
    }
    let takes = match (verb.takes, positional) {
        (Takes::FrameThenItems, 0) => Takes::Frames,
        (Takes::FrameThenItems, _) => Takes::Items,
        (takes, _) => takes,
    };
    Ok(Argument { name: None, value: parse_value(parser, takes, depth)?, at })
}

fn unknown_argument(verb: &Verb, name: &str) -> Error {
    let names: Vec<&str> = verb.named.iter().map(|(name, _)| *name).collect();
    let error = Error::text(format!("there is no argument '{name}'"));
    match nearest(name, names.iter().copied()) {
        Some(close) => error.hint(format!("did you mean '{close}'?")),
        None if names.is_empty() => error.hint("it takes no named arguments"),
        None => error.hint(format!("it takes {}", names.join(", "))),
    }
}

fn parse_value(parser: &mut Parser<'_>, takes: Takes, depth: usize) -> Result<Value> {
    match takes {
        Takes::Frames | Takes::FrameThenItems => {
            Ok(Value::Frame(Box::new(chain_at_depth(parser, depth + 1)?)))
        }
        Takes::Sorts => Ok(Value::Sorts(vec![parser.parse_order_by_expr()?])),
        // One, or several in parentheses: order_by => (day, hour DESC)
        Takes::SortList => {
            let listed = parser.maybe_parse(|parser| {
                parser.expect_token(&Token::LParen)?;
                let sorts = parser.parse_comma_separated(Parser::parse_order_by_expr)?;
                parser.expect_token(&Token::RParen)?;
                match parser.peek_token().token {
                    Token::Comma | Token::RParen => Ok(sorts),
                    _ => parser.expected("',' or ')'", parser.peek_token()),
                }
            })?;
            match listed {
                Some(sorts) => Ok(Value::Sorts(sorts)),
                None => Ok(Value::Sorts(vec![parser.parse_order_by_expr()?])),
            }
        }
        Takes::Items => Ok(Value::Item(parser.parse_select_item()?)),
        Takes::Nothing => Err(unexpected("no argument", &parser.peek_token())),
    }
}

fn expect(parser: &mut Parser<'_>, token: &Token, what: &str) -> Result<TokenWithSpan> {
    let found = parser.next_token();
    if found.token == *token { Ok(found) } else { Err(misspelt(unexpected(what, &found), &found)) }
}

/// `SELECT` left out, or a keyword misspelt, shows up as a word that nothing can follow.
fn misspelt(error: Error, found: &TokenWithSpan) -> Error {
    if is_keyword(&found.token, Keyword::FROM) {
        return error.hint("a chain has no FROM: it starts from the table, as in orders.select(…)");
    }
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chain(text: &str) -> Result<Chain> {
        let mut parser = parser_of(tokenize(text)?)?;
        parse_chain(&mut parser.parser)
    }

    #[test]
    fn heads_are_tables_files_queries_and_functions() {
        assert!(matches!(chain("orders").unwrap().head, Head::Table(_)));
        let qualified = chain("a.b.orders.head(1)").unwrap();
        assert!(matches!(&qualified.head, Head::Table(name) if name.to_string() == "a.b.orders"));
        assert_eq!(qualified.calls.len(), 1);
        assert!(matches!(chain("'x.csv'.count()").unwrap().head, Head::File(_)));
        assert!(matches!(chain("sql('SELECT 1').count()").unwrap().head, Head::Query(_)));
        assert!(matches!(chain("(SELECT 1).count()").unwrap().head, Head::Query(_)));
        assert!(
            matches!(chain("range(1, 5).count()").unwrap().head, Head::Function(_, args) if args.len() == 2)
        );
    }

    #[test]
    fn arguments_are_sql_with_aliases_orders_names_and_chains() {
        let chain = chain(
            "t.join(u.filter(x > 1), a = b, how => 'left').select(a + 1 AS b, * EXCLUDE (c))\
             .sort(a DESC NULLS LAST, b).window(rank() AS r, order_by => (a DESC, b))",
        )
        .unwrap();
        assert_eq!(chain.calls.len(), 4);
        let join = &chain.calls[0];
        assert!(matches!(&join.arguments[0].value, Value::Frame(inner) if inner.calls.len() == 1));
        assert_eq!(join.arguments[2].name.as_ref().unwrap().value, "how");
        let window = &chain.calls[3];
        assert!(matches!(&window.arguments[1].value, Value::Sorts(sorts) if sorts.len() == 2));
    }

    #[test]
    fn errors_point_at_the_character_and_name_the_nearest() {
        let error = chain("orders.group_bye(a)").unwrap_err();
        assert_eq!(error.location(), Some(Location { line: 1, column: 8 }));
        assert!(
            matches!(&error, Error::Text { hint: Some(hint), .. } if hint == "did you mean 'group_by'?")
        );
        let error = chain("t.join(u, a = b,\n  hwo => 'left')").unwrap_err();
        assert_eq!(error.location(), Some(Location { line: 2, column: 3 }));
        assert!(error.to_string().starts_with("join: there is no argument 'hwo'"), "{error}");
        let error = chain("t.head(1").unwrap_err();
        assert_eq!(error.to_string(), "head: expected ',' or ')', found the end of the text");
    }
}
