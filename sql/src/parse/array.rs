//! The array language: operators, subscripts, functions and verbs on arrays, walked on sqlparser's tokens.
//!
//! ```text
//! term      = term operator term | term '@' term | '-' term | NOT term | postfix
//! postfix   = atom { '.' name [ '(' arguments ')' ] | '[' subscripts ']' }
//! atom      = number | 'text' | name | name '(' arguments ')' | '(' term { ',' term } ')'
//! subscript = term | [term] ':' [term] [ ':' [term] ] | '...' | newaxis | [ term, … ]
//! ```

use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::Token;
use strata_engine::Binary;

use super::term::{Subscript, Term, TermArgument, TermValue, What};
use super::{is_keyword, is_word, place, unexpected};
use crate::arrays::takes_conditions;
use crate::error::{Error, Result};

/// Terms within terms.
const DEEPEST: usize = 100;

/// An array term that goes on to the end of the statement, if that is what is written here.
pub(super) fn parse_array(parser: &mut Parser<'_>) -> Option<Term> {
    let parsed = parser.maybe_parse(|parser| {
        let refused = |error: Error| sqlparser::parser::ParserError::ParserError(error.to_string());
        let term = term(parser, 0, 0).map_err(refused)?;
        match parser.peek_token().token {
            Token::EOF | Token::SemiColon if term.is_of_arrays() => Ok(term),
            _ => parser.expected("the end of the statement", parser.peek_token()),
        }
    });
    parsed.ok().flatten()
}

/// A term that is all there is.
pub(super) fn whole_term(parser: &mut Parser<'_>) -> Result<Term> {
    let term = term(parser, 0, 0)?;
    let next = parser.peek_token();
    match next.token {
        Token::EOF => Ok(term),
        _ => Err(unexpected("the end of an array", &next)),
    }
}

/// As [`parse_array`], for what may be said of tables, too. Nothing is taken from the parser.
pub(super) fn named_array(parser: &mut Parser<'_>) -> Option<Term> {
    // A name in quotes is a table's.
    if matches!(&parser.peek_token().token, Token::Word(word) if word.quote_style.is_some()) {
        return None;
    }
    let mut named = None;
    let _ = parser.maybe_parse(|parser| {
        let read = term(parser, 0, 0).ok().filter(|term| term.name().is_some());
        let ends = matches!(parser.peek_token().token, Token::EOF | Token::SemiColon);
        named = read.filter(|_| ends);
        parser.expected::<()>("nothing: this only looks", parser.peek_token())
    });
    named
}

/// An array term whose cells are to be a table: verbs of tables may follow.
pub(super) fn array_as_table(parser: &mut Parser<'_>) -> Option<Term> {
    let ahead = (0..LOOKAHEAD).take_while(|at| {
        !matches!(parser.peek_nth_token(*at).token, Token::EOF | Token::SemiColon)
    });
    if !ahead.into_iter().any(|at| is_to_table(parser, at)) {
        return None;
    }
    let parsed = parser.maybe_parse(|parser| {
        let refused = |error: Error| sqlparser::parser::ParserError::ParserError(error.to_string());
        let term = term(parser, 0, 0).map_err(refused)?;
        parser.expect_token(&Token::Period)?;
        if !is_to_table(parser, 0) {
            return parser.expected(TO_TABLE, parser.peek_token());
        }
        (0..3).for_each(|_| drop(parser.next_token()));
        Ok(term)
    });
    parsed.ok().flatten()
}

/// What makes a table of an array's cells.
const TO_TABLE: &str = "to_table";
/// How far it is looked for.
const LOOKAHEAD: usize = 1_000;

fn is_to_table(parser: &Parser<'_>, ahead: usize) -> bool {
    is_word(&parser.peek_nth_token(ahead).token, TO_TABLE)
        && parser.peek_nth_token(ahead + 1).token == Token::LParen
        && parser.peek_nth_token(ahead + 2).token == Token::RParen
}

/// Goes on to the end of the statement, which was looked at.
pub(super) fn skip_statement(parser: &mut Parser<'_>) {
    while !matches!(parser.peek_token().token, Token::EOF | Token::SemiColon) {
        parser.next_token();
    }
}

/// What stands between two terms.
#[derive(Clone, Copy, PartialEq)]
enum Operator {
    Of(Binary),
    /// The product of matrices.
    Product,
}

/// How tightly an operator holds its sides, and what it is.
fn operator(parser: &Parser<'_>) -> Option<(u8, Operator, usize)> {
    // To SQL it begins a name.
    let product = match &parser.peek_token().token {
        Token::AtSign => true,
        Token::Word(word) => word.quote_style.is_none() && word.value == "@",
        _ => false,
    };
    if product {
        return Some((9, Operator::Product, 1));
    }
    let (strength, binary, tokens) = binary(parser)?;
    Some((strength, Operator::Of(binary), tokens))
}

fn binary(parser: &Parser<'_>) -> Option<(u8, Binary, usize)> {
    let second = || parser.peek_nth_token(1).token;
    Some(match parser.peek_token().token {
        ref token if is_keyword(token, Keyword::OR) => (1, Binary::Or, 1),
        ref token if is_keyword(token, Keyword::AND) => (2, Binary::And, 1),
        Token::Eq | Token::DoubleEq => (4, Binary::Eq, 1),
        Token::Neq => (4, Binary::Ne, 1),
        Token::Lt => (4, Binary::Lt, 1),
        Token::LtEq => (4, Binary::Le, 1),
        Token::Gt => (4, Binary::Gt, 1),
        Token::GtEq => (4, Binary::Ge, 1),
        Token::Pipe => (5, Binary::BitOr, 1),
        Token::Ampersand => (6, Binary::BitAnd, 1),
        Token::Plus => (8, Binary::Add, 1),
        Token::Minus => (8, Binary::Sub, 1),
        Token::Mul if second() == Token::Mul => (11, Binary::Pow, 2),
        Token::Mul => (9, Binary::Mul, 1),
        Token::Div => (9, Binary::Div, 1),
        Token::Mod => (9, Binary::Rem, 1),
        _ => return None,
    })
}

/// A term whose operators hold more tightly than that.
fn term(parser: &mut Parser<'_>, tighter: u8, depth: usize) -> Result<Term> {
    let first = parser.peek_token();
    let at = place(&first);
    if depth > DEEPEST {
        return Err(Error::text("too many terms within each other")
            .at(at)
            .hint("name the inner ones: part = …"));
    }
    let mut left = match &first.token {
        Token::Minus => {
            parser.next_token();
            let of = term(parser, 10, depth + 1)?;
            Term { what: What::Negative(Box::new(of)), at }
        }
        token if is_keyword(token, Keyword::NOT) => {
            parser.next_token();
            let of = term(parser, 3, depth + 1)?;
            Term { what: What::Not(Box::new(of)), at }
        }
        _ => postfix(parser, depth)?,
    };
    while let Some((strength, operator, tokens)) = operator(parser) {
        if strength <= tighter {
            break;
        }
        let at = place(&parser.peek_token());
        for _ in 0..tokens {
            parser.next_token();
        }
        // Powers are taken from the right.
        let from_right = operator == Operator::Of(Binary::Pow);
        let right = term(parser, if from_right { strength - 1 } else { strength }, depth + 1)?;
        let what = match operator {
            Operator::Of(binary) => What::Binary(binary, Box::new(left), Box::new(right)),
            Operator::Product => {
                let sides = [left, right].map(|side| TermArgument {
                    name: None,
                    at: side.at,
                    value: TermValue::Term(side),
                });
                What::Call("matmul".to_string(), sides.into())
            }
        };
        left = Term { what, at };
    }
    Ok(left)
}

fn postfix(parser: &mut Parser<'_>, depth: usize) -> Result<Term> {
    let mut on = atom(parser, depth)?;
    for _ in 0..DEEPEST * 5 {
        let next = parser.peek_token();
        let at = place(&next);
        if next.token == Token::LBracket {
            parser.next_token();
            let subscripts = subscripts(parser, depth)?;
            on = Term { what: What::Subscript(Box::new(on), subscripts), at };
        } else if next.token == Token::Period && !is_to_table(parser, 1) {
            parser.next_token();
            let word = parser.next_token();
            let Token::Word(name) = &word.token else {
                return Err(unexpected("a name or a verb after '.'", &word));
            };
            let (name, at) = (name.value.clone(), place(&word));
            let what = match parser.peek_token().token == Token::LParen {
                true => {
                    let arguments = arguments(parser, takes_conditions(&name), depth)?;
                    What::Verb(Box::new(on), name, arguments)
                }
                false => What::Field(Box::new(on), name),
            };
            on = Term { what, at };
        } else {
            return Ok(on);
        }
    }
    Err(Error::text("a chain of too many verbs").hint("name a part of it: part = …"))
}

fn atom(parser: &mut Parser<'_>, depth: usize) -> Result<Term> {
    let first = parser.next_token();
    let at = place(&first);
    let what = match &first.token {
        Token::Number(digits, _) => What::Number(digits.clone()),
        Token::SingleQuotedString(text) => What::Text(text.clone()),
        token if is_keyword(token, Keyword::TRUE) => What::Truth(true),
        token if is_keyword(token, Keyword::FALSE) => What::Truth(false),
        // `where(…)` is a function of arrays.
        Token::Word(word)
            if reserved(word.keyword)
                && word.quote_style.is_none()
                && !(word.keyword == Keyword::WHERE
                    && parser.peek_token().token == Token::LParen) =>
        {
            return Err(unexpected("an array", &first));
        }
        Token::Word(word) => match parser.peek_token().token == Token::LParen {
            true => What::Call(word.value.clone(), arguments(parser, false, depth)?),
            false => What::Name(word.value.clone()),
        },
        Token::LParen => {
            let mut all = listed(parser, &Token::RParen, depth)?;
            match (all.len(), all.pop()) {
                (1, Some(one)) => return Ok(one),
                (_, last) => {
                    all.extend(last);
                    What::List(all)
                }
            }
        }
        Token::LBracket => What::List(listed(parser, &Token::RBracket, depth)?),
        _ => return Err(unexpected("an array", &first)),
    };
    Ok(Term { what, at })
}

/// Words with which SQL begins or goes on, and no array does.
fn reserved(keyword: Keyword) -> bool {
    use Keyword::*;
    matches!(
        keyword,
        SELECT | WITH | FROM | WHERE | VALUES | EXPLAIN | CREATE | INSERT | AS | ON | BY
    )
}

fn listed(parser: &mut Parser<'_>, end: &Token, depth: usize) -> Result<Vec<Term>> {
    let mut all = Vec::new();
    while parser.peek_token().token != *end {
        all.push(term(parser, 0, depth + 1)?);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    let last = parser.next_token();
    match last.token == *end {
        true => Ok(all),
        false => Err(unexpected(&format!("'{end}'"), &last)),
    }
}

fn arguments(parser: &mut Parser<'_>, conditions: bool, depth: usize) -> Result<Vec<TermArgument>> {
    parser.next_token();
    let mut all = Vec::new();
    while parser.peek_token().token != Token::RParen {
        let first = parser.peek_token();
        let at = place(&first);
        let named = matches!(parser.peek_nth_token(1).token, Token::RArrow);
        let name = match &first.token {
            Token::Word(word) if named => {
                parser.next_token();
                parser.next_token();
                Some(word.value.clone())
            }
            _ => None,
        };
        let value = match conditions && name.is_none() {
            true => TermValue::Condition(Box::new(parser.parse_expr()?)),
            false => TermValue::Term(term(parser, 0, depth + 1)?),
        };
        all.push(TermArgument { name, value, at });
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    let last = parser.next_token();
    match last.token {
        Token::RParen => Ok(all),
        _ => Err(unexpected("',' or ')'", &last)),
    }
}

fn subscripts(parser: &mut Parser<'_>, depth: usize) -> Result<Vec<Subscript>> {
    let mut all = Vec::new();
    while parser.peek_token().token != Token::RBracket {
        all.push(subscript(parser, depth)?);
        if !parser.consume_token(&Token::Comma) {
            break;
        }
    }
    let last = parser.next_token();
    match last.token {
        Token::RBracket => Ok(all),
        _ => Err(unexpected("',' or ']'", &last)),
    }
}

fn subscript(parser: &mut Parser<'_>, depth: usize) -> Result<Subscript> {
    if (0..3).all(|ahead| parser.peek_nth_token(ahead).token == Token::Period) {
        (0..3).for_each(|_| drop(parser.next_token()));
        return Ok(Subscript::Rest);
    }
    let ends = matches!(parser.peek_nth_token(1).token, Token::Comma | Token::RBracket);
    if ends
        && ["newaxis", "None", "NULL"].iter().any(|word| is_word(&parser.peek_token().token, word))
    {
        parser.next_token();
        return Ok(Subscript::New);
    }
    let mut parts = [None, None, None];
    let mut at = 0;
    loop {
        match parser.peek_token().token {
            Token::Colon => at += 1,
            // `::` is one token.
            Token::DoubleColon => at += 2,
            Token::Comma | Token::RBracket => break,
            _ => {
                let one = term(parser, 0, depth + 1)?;
                match parts.get_mut(at) {
                    Some(part @ None) => *part = Some(one),
                    _ => return Err(Error::text("a subscript is start:stop:step").at(one.at)),
                }
                continue;
            }
        }
        parser.next_token();
    }
    let [start, stop, step] = parts;
    match (at, start) {
        (0, Some(one)) => Ok(Subscript::One(one)),
        (0, None) => Err(unexpected("a subscript", &parser.peek_token())),
        (1 | 2, start) => Ok(Subscript::Slice(start, stop, step)),
        _ => Err(unexpected("start:stop:step", &parser.peek_token())),
    }
}

#[cfg(test)]
mod tests {
    use super::super::{parser_of, tokenize};
    use super::*;

    fn array(text: &str) -> Option<Term> {
        let mut parser = parser_of(tokenize(text).unwrap()).unwrap();
        parse_array(&mut parser.parser)
    }

    #[test]
    fn what_no_table_has_is_of_arrays() {
        for text in [
            "zarr('cube.zarr').temp",
            "t.mean(time)",
            "(t - t.mean(time)).std(lat, lon)",
            "x[0, 0:10, ::2, ..., -1]",
            "x[:100][5]",
            "-x ** 2 + 1 > 3 AND NOT y",
            "t.sel(time BETWEEN '2020-01-01' AND '2020-02-01', lat > 60).mean(lat, lon)",
            "x.rechunk(time => -1, lat => 37)",
            "zeros((3, 4), dtype => 'f32')",
        ] {
            assert!(array(text).is_some(), "{text}");
        }
        for text in [
            "orders.filter(a > 1).head(2)",
            "orders",
            "'x.csv'.count()",
            "(SELECT 1).head(2)",
            "SELECT 1",
            "x[1",
            "x[1:2:3:4]",
        ] {
            assert!(array(text).is_none(), "{text}");
        }
    }

    #[test]
    fn operators_hold_as_in_python() {
        let shown = |text: &str| format!("{:?}", array(text).map(|term| shape(&term)));
        assert_eq!(shown("-x ** 2 + 1 * 3"), r#"Some("add(neg(pow(x, 2)), mul(1, 3))")"#);
        assert_eq!(shown("x - 1 - 2 > 0 OR y"), r#"Some("or(gt(sub(sub(x, 1), 2), 0), y)")"#);
    }

    fn shape(term: &Term) -> String {
        match &term.what {
            What::Number(text) | What::Name(text) => text.clone(),
            What::Negative(of) => format!("neg({})", shape(of)),
            What::Binary(binary, left, right) => {
                format!("{}({}, {})", binary.name(), shape(left), shape(right))
            }
            other => format!("{other:?}"),
        }
    }
}
