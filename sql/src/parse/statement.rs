//! What a statement can be, and how Strata's own statements are written. Everything else is SQL as
//! DataFusion's parser reads it.

use std::collections::BTreeMap;
use std::str::FromStr;

use datafusion::sql::parser::{DFParser, Statement as DFStatement};
use sqlparser::ast::{Expr, Ident, Query, SelectItem};
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan};
use strata_engine::{ArrayFormat, LayerFormat, nearest};

use super::array::{named_array, parse_array, skip_statement};
use super::chain::{Chain, parse_chain, starts_chain};
use super::term::Term;
use super::{is_keyword, is_word, place, unexpected};
use crate::error::{Error, Location, Result};

/// One statement of a text, in either language.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its text, without the semicolon.
    pub text: String,
    pub(crate) kind: Kind,
}

impl Statement {
    /// Whether it is a chain, or binds a name to one.
    pub fn is_chain(&self) -> bool {
        matches!(
            self.kind,
            Kind::Chain(_)
                | Kind::Bind { .. }
                | Kind::Array(_)
                | Kind::BindArray { .. }
                | Kind::BindArrays { .. }
        )
    }
}

/// What a statement is.
#[derive(Debug, Clone)]
#[expect(clippy::large_enum_variant, reason = "there are a few of them at a time")]
pub(crate) enum Kind {
    /// SQL.
    Sql(Box<DFStatement>),
    /// A chain, for its rows.
    Chain(Chain),
    /// An array, for its cells.
    Array(Term),
    /// `name = array`.
    BindArray { name: Ident, term: Term },
    /// `name, name, … = array`, for the parts of a decomposition.
    BindArrays { names: Vec<Ident>, term: Term },
    /// `name = chain`.
    Bind { name: Ident, chain: Chain },
    /// `EXPLAIN [ANALYZE] [VERBOSE] [FORMAT f]` of a chain or an array.
    Explain { formatting: ExplainFormatting, source: Source },
    /// `EXPLAIN [ANALYZE] LAYERS [(FORMAT f)] source`.
    ExplainLayers { source: Source, analyze: bool, format: LayerFormat },
    /// `EXPLAIN ARRAY [(FORMAT f)] array`.
    ExplainArray { term: Term, format: ArrayFormat },
    /// `DESCRIBE source`, for what DataFusion's own does not take.
    Describe(Source),
    /// `SUMMARIZE source`.
    Summarize(Source),
    /// `PIVOT source ON column USING aggregates GROUP BY keys`, written as the chain it is.
    Pivot { source: Source, on: Expr, using: Vec<SelectItem>, group_by: Option<Vec<SelectItem>> },
    /// `UNPIVOT source ON columns INTO NAME n VALUE v`.
    Unpivot { source: Source, on: Vec<SelectItem>, name: Ident, value: Ident },
    /// `CREATE [OR REPLACE] SECRET name (TYPE s3, …)`.
    CreateSecret { name: Ident, options: BTreeMap<String, String>, replace: bool, at: Location },
    /// `DROP SECRET [IF EXISTS] name`.
    DropSecret { name: Ident, if_exists: bool },
    /// `SHOW SECRETS`.
    ShowSecrets,
    /// `SHOW SETTINGS`.
    ShowSettings,
    /// `SHOW WORKERS`.
    ShowWorkers,
    /// `SHOW JOBS`.
    ShowJobs,
    /// `CANCEL JOB number`.
    CancelJob(u64),
}

/// What `SUMMARIZE` and its like are about.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Query(Box<Query>),
    Chain(Chain),
    Array(Term),
}

/// What an `EXPLAIN` of a chain was asked for.
#[derive(Debug, Clone, Default)]
pub(crate) struct ExplainFormatting {
    pub(crate) analyze: bool,
    pub(crate) verbose: bool,
    pub(crate) format: Option<String>,
}

pub(super) fn parse_statement(parser: &mut DFParser<'_>) -> Result<Kind> {
    let first = parser.parser.peek_token();
    if let Some(own) = own_statement(&mut parser.parser, &first)? {
        return Ok(own);
    }
    if let Some(array) = array_statement(&mut parser.parser)? {
        return Ok(array);
    }
    if starts_chain(&parser.parser, 0) {
        return chain_statement(&mut parser.parser, &first);
    }
    Ok(Kind::Sql(Box::new(parser.parse_statement().map_err(Error::from)?)))
}

/// An array, or a name for one.
fn array_statement(parser: &mut Parser<'_>) -> Result<Option<Kind>> {
    let first = parser.peek_token().token;
    let begins = matches!(
        first,
        Token::Word(_) | Token::Number(..) | Token::LParen | Token::Minus | Token::LBracket
    );
    if !begins {
        return Ok(None);
    }
    if parser.peek_nth_token(1).token == Token::Comma {
        let bound = parser.maybe_parse(|parser| {
            let names = parser.parse_comma_separated(Parser::parse_identifier)?;
            parser.expect_token(&Token::Eq)?;
            match parse_array(parser) {
                Some(term) => Ok((names, term)),
                None => parser.expected("an array", parser.peek_token()),
            }
        });
        return Ok(bound?.map(|(names, term)| Kind::BindArrays { names, term }));
    }
    if parser.peek_nth_token(1).token != Token::Eq {
        return Ok(parse_array(parser).map(Kind::Array));
    }
    let bound = parser.maybe_parse(|parser| {
        let name = parser.parse_identifier()?;
        parser.next_token();
        match parse_array(parser) {
            Some(term) => Ok((name, term)),
            None => parser.expected("an array", parser.peek_token()),
        }
    });
    Ok(bound?.map(|(name, term)| Kind::BindArray { name, term }))
}

fn chain_statement(parser: &mut Parser<'_>, first: &TokenWithSpan) -> Result<Kind> {
    if parser.peek_nth_token(1).token == Token::Eq {
        let name = parser.parse_identifier()?;
        parser.next_token();
        return Ok(Kind::Bind { name, chain: parse_chain(parser)? });
    }
    let chain = parse_chain(parser)?;
    let next = parser.peek_token();
    if matches!(next.token, Token::EOF | Token::SemiColon) {
        return Ok(Kind::Chain(chain));
    }
    // `SELEC * FROM t` reads as a table and something after it.
    let error = unexpected("'.' and a verb", &next);
    Err(match &first.token {
        Token::Word(word) if chain.calls.is_empty() => {
            let starts = [
                "SELECT",
                "WITH",
                "FROM",
                "CREATE",
                "INSERT",
                "COPY",
                "EXPLAIN",
                "DESCRIBE",
                "SUMMARIZE",
                "SHOW",
                "SET",
                "DROP",
                "PIVOT",
                "UNPIVOT",
                "VALUES",
            ];
            match nearest(&word.value, starts) {
                Some(close) => Error::text(format!("no statement starts with '{}'", word.value))
                    .at(place(first))
                    .hint(format!("did you mean {close}?")),
                None => error,
            }
        }
        _ => error,
    })
}

/// The statements that are neither DataFusion's nor chains; none where another parser is to try.
fn own_statement(parser: &mut Parser<'_>, first: &TokenWithSpan) -> Result<Option<Kind>> {
    let second = parser.peek_nth_token(1).token;
    // `summarize.head()` and `pivot = …` are about things of that name.
    if matches!(second, Token::Period | Token::Eq) {
        return Ok(None);
    }
    let token = &first.token;
    if is_word(token, "SUMMARIZE") {
        parser.next_token();
        return Ok(Some(Kind::Summarize(parse_source(parser)?)));
    }
    if is_keyword(token, Keyword::PIVOT) {
        parser.next_token();
        return parse_pivot(parser).map(Some);
    }
    if is_keyword(token, Keyword::UNPIVOT) {
        parser.next_token();
        return parse_unpivot(parser).map(Some);
    }
    if is_keyword(token, Keyword::DESCRIBE) || is_keyword(token, Keyword::DESC) {
        parser.next_token();
        return Ok(Some(Kind::Describe(parse_source(parser)?)));
    }
    if is_keyword(token, Keyword::EXPLAIN) {
        for parse in [parse_layers, parse_looks] {
            if let Some(kind) = parse(parser)? {
                return Ok(Some(kind));
            }
        }
        return parse_explain(parser);
    }
    if is_keyword(token, Keyword::SHOW) && is_keyword(&second, Keyword::SETTINGS)
        || is_keyword(token, Keyword::SHOW) && is_word(&second, "SETTINGS")
    {
        parser.next_token();
        parser.next_token();
        return Ok(Some(Kind::ShowSettings));
    }
    for (word, kind) in
        [("SECRETS", Kind::ShowSecrets), ("WORKERS", Kind::ShowWorkers), ("JOBS", Kind::ShowJobs)]
    {
        if is_keyword(token, Keyword::SHOW) && is_word(&second, word) {
            parser.next_token();
            parser.next_token();
            return Ok(Some(kind));
        }
    }
    if is_word(token, "CANCEL") && is_word(&second, "JOB") {
        parser.next_token();
        parser.next_token();
        let number = parser.next_token();
        return match &number.token {
            Token::Number(digits, _) => match digits.parse() {
                Ok(job) => Ok(Some(Kind::CancelJob(job))),
                Err(_) => Err(unexpected("the number of a job", &number)),
            },
            _ => Err(unexpected("the number of a job", &number)),
        };
    }
    if is_keyword(token, Keyword::DROP) && is_word(&second, "SECRET") {
        parser.next_token();
        parser.next_token();
        let if_exists = parser.parse_keywords(&[Keyword::IF, Keyword::EXISTS]);
        return Ok(Some(Kind::DropSecret { name: parser.parse_identifier()?, if_exists }));
    }
    if is_keyword(token, Keyword::CREATE) {
        let or_replace = is_keyword(&second, Keyword::OR);
        let kind = parser.peek_nth_token(if or_replace { 3 } else { 1 }).token;
        if is_word(&kind, "SECRET") {
            for _ in 0..if or_replace { 4 } else { 2 } {
                parser.next_token();
            }
            return parse_secret(parser, or_replace).map(Some);
        }
    }
    Ok(None)
}

/// A query, a chain, or a table by its name.
fn parse_source(parser: &mut Parser<'_>) -> Result<Source> {
    // DESCRIBE TABLE t, DESCRIBE 'file'.
    if is_keyword(&parser.peek_token().token, Keyword::TABLE)
        && !matches!(parser.peek_nth_token(1).token, Token::Period)
    {
        parser.next_token();
    }
    if let Some(term) = parse_array(parser) {
        return Ok(Source::Array(term));
    }
    if starts_chain(parser, 0) {
        return Ok(Source::Chain(parse_chain(parser)?));
    }
    Ok(Source::Query(parser.parse_query()?))
}

/// `EXPLAIN [ANALYZE] LAYERS`, unless that is about a table called `layers`.
fn parse_layers(parser: &mut Parser<'_>) -> Result<Option<Kind>> {
    let analyze = is_keyword(&parser.peek_nth_token(1).token, Keyword::ANALYZE);
    let at = if analyze { 2 } else { 1 };
    let next = parser.peek_nth_token(at + 1).token;
    let is_table = matches!(next, Token::Period | Token::EOF | Token::SemiColon);
    if is_table || !is_word(&parser.peek_nth_token(at).token, "LAYERS") {
        return Ok(None);
    }
    for _ in 0..=at {
        parser.next_token();
    }
    let format = parse_format(parser)?;
    Ok(Some(Kind::ExplainLayers { source: parse_source(parser)?, analyze, format }))
}

/// `EXPLAIN ARRAY`.
fn parse_looks(parser: &mut Parser<'_>) -> Result<Option<Kind>> {
    let followed = parser.peek_nth_token(2).token;
    let is_name = matches!(followed, Token::Period | Token::EOF | Token::SemiColon);
    if is_name || !is_word(&parser.peek_nth_token(1).token, "ARRAY") {
        return Ok(None);
    }
    parser.next_token();
    parser.next_token();
    let format = parse_format(parser)?;
    let array = parse_array(parser).or_else(|| {
        let named = named_array(parser)?;
        skip_statement(parser);
        Some(named)
    });
    match array {
        Some(term) => Ok(Some(Kind::ExplainArray { term, format })),
        None => Err(unexpected("an array", &parser.peek_token())),
    }
}

/// `(FORMAT f)`, where it is written.
fn parse_format<F>(parser: &mut Parser<'_>) -> Result<F>
where
    F: Default + FromStr<Err = strata_engine::EngineError>,
{
    let told = is_keyword(&parser.peek_nth_token(1).token, Keyword::FORMAT);
    if !(told && parser.consume_token(&Token::LParen)) {
        return Ok(F::default());
    }
    parser.next_token();
    let name = parser.peek_token();
    let known = parser.parse_identifier()?.value.parse();
    parser.expect_token(&Token::RParen)?;
    known.map_err(|error| Error::from(error).at(place(&name)))
}

/// `EXPLAIN` of a chain; of anything else it is DataFusion's.
fn parse_explain(parser: &mut Parser<'_>) -> Result<Option<Kind>> {
    let mut formatting = ExplainFormatting::default();
    let mut skip = 1;
    loop {
        let token = parser.peek_nth_token(skip).token;
        if is_keyword(&token, Keyword::ANALYZE) {
            formatting.analyze = true;
        } else if is_keyword(&token, Keyword::VERBOSE) {
            formatting.verbose = true;
        } else if is_keyword(&token, Keyword::FORMAT) {
            skip += 1;
            formatting.format = Some(parser.peek_nth_token(skip).token.to_string());
        } else {
            break;
        }
        skip += 1;
    }
    let array = parser.maybe_parse(|parser| {
        (0..skip).for_each(|_| drop(parser.next_token()));
        match parse_array(parser) {
            Some(term) => Ok(term),
            None => parser.expected("an array", parser.peek_token()),
        }
    });
    if let Some(term) = array? {
        return Ok(Some(Kind::Explain { formatting, source: Source::Array(term) }));
    }
    if !starts_chain(parser, skip) {
        return Ok(None);
    }
    for _ in 0..skip {
        parser.next_token();
    }
    let source = Source::Chain(parse_chain(parser)?);
    Ok(Some(Kind::Explain { formatting, source }))
}

fn parse_pivot(parser: &mut Parser<'_>) -> Result<Kind> {
    let source = parse_source(parser)?;
    parser.expect_keyword(Keyword::ON)?;
    let on = parser.parse_expr()?;
    parser.expect_keyword(Keyword::USING)?;
    let using = parser.parse_comma_separated(Parser::parse_select_item)?;
    let group_by = if parser.parse_keywords(&[Keyword::GROUP, Keyword::BY]) {
        Some(parser.parse_comma_separated(Parser::parse_select_item)?)
    } else {
        None
    };
    Ok(Kind::Pivot { source, on, using, group_by })
}

fn parse_unpivot(parser: &mut Parser<'_>) -> Result<Kind> {
    let source = parse_source(parser)?;
    parser.expect_keyword(Keyword::ON)?;
    let on = parser.parse_comma_separated(Parser::parse_select_item)?;
    let (mut name, mut value) = (Ident::new("name"), Ident::new("value"));
    if parser.parse_keyword(Keyword::INTO) {
        parser.expect_keyword(Keyword::NAME)?;
        name = parser.parse_identifier()?;
        parser.expect_keyword(Keyword::VALUE)?;
        value = parser.parse_identifier()?;
    }
    Ok(Kind::Unpivot { source, on, name, value })
}

/// `name (TYPE s3, KEY_ID '…', SECRET '…')`. An `=` or `=>` between a word and its value is fine.
fn parse_secret(parser: &mut Parser<'_>, replace: bool) -> Result<Kind> {
    let token = parser.peek_token();
    let name = parser.parse_identifier()?;
    parser.expect_token(&Token::LParen)?;
    let mut options = BTreeMap::new();
    loop {
        let key = parser.next_token();
        let Token::Word(word) = &key.token else {
            return Err(unexpected("an option's name", &key));
        };
        let _ = parser.consume_token(&Token::Eq) || parser.consume_token(&Token::RArrow);
        let value = parser.next_token();
        let value = match value.token {
            Token::SingleQuotedString(text) => text,
            Token::Number(number, _) => number,
            Token::Word(word) => word.value,
            _ => return Err(unexpected("the option's value", &value)),
        };
        if options.insert(word.value.to_ascii_lowercase(), value).is_some() {
            return Err(
                Error::text(format!("option {} is given twice", word.value)).at(place(&key))
            );
        }
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    parser.expect_token(&Token::RParen)?;
    Ok(Kind::CreateSecret { name, options, replace, at: place(&token) })
}
