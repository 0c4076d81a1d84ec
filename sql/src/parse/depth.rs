//! How deep a text nests, told from its tokens before any tree is built.
//!
//! `1 + 1 + 1` is a tree as deep as it is long, and whatever walks, copies or drops it goes down by
//! recursion: a text of ten thousand operators would end the process. Parentheses are the parser's
//! to count; this counts what leans to the left without any.
//!
//! And it counts what sqlparser reads twice: a `CAST(` that cannot be read as a cast is read again as
//! a call of a function of that name, so that each one inside another doubles the time, and thirty
//! unclosed ones would keep it busy for an hour.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::place;
use crate::error::{Error, Result};

/// More than a person writes, and far from where stacks end.
const DEEPEST: usize = 1_000;
/// How often what is innermost may be read again: as a power of two.
const DOUBLINGS: usize = 14;

/// What stands between two parentheses, as deep as it has become.
#[derive(Debug, Default, Clone, Copy)]
struct Level {
    /// Operators that lean on each other, but for AND and OR.
    term: usize,
    /// ANDs and ORs over the deepest of their terms.
    chain: usize,
    /// The deepest of what stands beside: other arguments, other clauses.
    beside: usize,
    /// UNIONs and JOINs, whose left sides lean on each other across clauses.
    tables: usize,
    /// How many doublings the innermost text is under.
    doubled: usize,
    /// What of that the words of this level add, before anything they could apply to.
    pending: usize,
}

impl Level {
    /// What stands in the parentheses after `before`.
    fn inside(&self, before: Option<Keyword>) -> Self {
        let doubled = self.doubled + self.pending + before.map_or(0, doublings);
        Self { doubled, ..Self::default() }
    }

    fn expression(&self) -> usize {
        self.term.max(self.chain)
    }

    fn total(&self) -> usize {
        self.expression().max(self.beside) + self.tables
    }

    fn next_expression(&mut self) {
        self.beside = self.beside.max(self.expression());
        (self.term, self.chain) = (0, 0);
    }
}

/// Refuses what nests too deeply to be walked.
pub(super) fn refuse_deep(tokens: &[TokenWithSpan]) -> Result<()> {
    let mut outer: Vec<Level> = Vec::new();
    let mut level = Level::default();
    let mut before = None;
    for token in tokens {
        if matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        match &token.token {
            Token::Period => {}
            Token::SemiColon => {
                outer.clear();
                level = Level::default();
            }
            Token::LParen | Token::LBracket | Token::LBrace => {
                let inside = level.inside(before);
                outer.push(std::mem::replace(&mut level, inside));
            }
            Token::RParen | Token::RBracket | Token::RBrace => {
                let inner = level.total();
                level = outer.pop().unwrap_or_default();
                // A subscript leans on what it is taken of.
                let own = usize::from(token.token == Token::RBracket);
                level.term = level.term.max(inner) + own;
            }
            Token::Comma => {
                level.pending = 0;
                level.next_expression();
            }
            Token::Word(word) if word.quote_style.is_none() => count(&mut level, word.keyword),
            Token::Word(_)
            | Token::Number(..)
            | Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::Placeholder(_) => level.pending = 0,
            _ => level.term += 1,
        }
        before = match &token.token {
            Token::Word(word) if word.quote_style.is_none() => Some(word.keyword),
            _ => None,
        };
        if level.doubled + level.pending > DOUBLINGS {
            return Err(Error::text(
                "too many CAST, NOT, SUBSTRING and the like inside each other",
            )
            .at(place(token))
            .hint("write x::type for CAST(x AS type), or part it with WITH … AS"));
        }
        if level.tables > DEEPEST {
            return Err(Error::text(format!("more than {DEEPEST} UNIONs or JOINs in a row"))
                .at(place(token))
                .hint(
                    "put the rows into one table first; files of one kind are read together by a \
                     folder or a glob",
                ));
        }
        if level.expression() > DEEPEST {
            return Err(Error::text(format!("an expression of more than {DEEPEST} operators"))
                .at(place(token))
                .hint(
                    "compare with a list, x IN (…), or join a table of the values; a long sum can \
                     be parted with WITH … AS",
                ));
        }
    }
    Ok(())
}

/// How often sqlparser reads again what stands in parentheses after this word.
fn doublings(keyword: Keyword) -> usize {
    use Keyword::*;
    match keyword {
        POSITION => 2,
        ARRAY | CAST | CEIL | CONVERT | EXTRACT | FLOOR | INTERVAL | NOT | OVERLAY | SAFE_CAST
        | SUBSTR | SUBSTRING | TRY_CAST => 1,
        _ => 0,
    }
}

fn count(level: &mut Level, keyword: Keyword) {
    use Keyword::*;
    match keyword {
        NoKeyword => level.pending = 0,
        INTERVAL => level.pending += 1,
        AND | OR | XOR => {
            level.chain = level.expression() + 1;
            level.term = 0;
        }
        NOT | IS | IN | LIKE | ILIKE | RLIKE | SIMILAR | REGEXP | BETWEEN | COLLATE | AT | DIV
        | OVERLAPS | EXPLAIN | PREPARE => level.term += 1,
        UNION | EXCEPT | INTERSECT | MINUS | JOIN | PIVOT | UNPIVOT => {
            level.next_expression();
            level.tables += 1;
        }
        SELECT | FROM | WHERE | HAVING | QUALIFY | BY | ON | WHEN | THEN | ELSE | VALUES => {
            level.next_expression();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::super::tokenize;
    use super::*;

    fn refused(text: &str) -> bool {
        refuse_deep(&tokenize(text).unwrap()).is_err()
    }

    #[test]
    fn what_leans_on_itself_is_refused() {
        for (start, part) in [
            ("SELECT 1", " + 1"),
            ("SELECT 1", "::int"),
            ("SELECT x", "[1]"),
            ("SELECT 1", " IS NULL"),
            ("SELECT true", " AND true"),
            ("SELECT 1", " UNION ALL SELECT 1"),
            ("SELECT * FROM t", " JOIN t USING (a)"),
            ("SELECT (((1)))", " + 1"),
            ("", "EXPLAIN "),
        ] {
            assert!(refused(&format!("{start}{}", part.repeat(1_001))), "{start}{part}…");
            assert!(!refused(&format!("{start}{}", part.repeat(900))), "{start}{part}…");
        }
        for part in ["CAST(", "NOT (", "POSITION(", "ARRAY[", "INTERVAL ", "INTERVAL - ", "f(CEIL("]
        {
            assert!(refused(&format!("SELECT {}", part.repeat(30))), "{part}…");
        }
        let half = " + 1".repeat(600);
        assert!(refused(&format!("SELECT (1{half}){half}")));
    }

    #[test]
    fn what_stands_side_by_side_is_not() {
        for (start, part) in [
            ("SELECT 1", ", 1 + 1"),
            ("SELECT 1 IN (1", ", 2"),
            ("SELECT CASE", " WHEN a = 1 THEN 2 + 3"),
            ("VALUES (1 + 1)", ", (1 + 1)"),
            ("SELECT f(1 + 1", ", a = 2"),
            ("SELECT 1", "; SELECT 1 + 1"),
            ("SELECT 1", ", CAST(NOT(1) AS INT)"),
            ("SELECT 1", ", x - INTERVAL '1 day'"),
            ("SELECT interval", ", interval"),
        ] {
            assert!(!refused(&format!("{start}{}", part.repeat(20_000))), "{start}{part}…");
        }
        // Many comparisons lean only on their ORs.
        assert!(!refused(&format!("SELECT a = 1{}", " OR a = 1".repeat(900))));
    }
}
