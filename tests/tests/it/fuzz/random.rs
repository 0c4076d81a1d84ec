//! Text at random, with fixed seeds: words and signs in any order, and right statements gone wrong.

use std::path::Path;

use strata_tests::random::Random;

use super::{on_a_query_thread, parses, plan_all};
use crate::languages::PAIRS;

const WORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP",
    "BY",
    "ALL",
    "ORDER",
    "HAVING",
    "LIMIT",
    "OFFSET",
    "AS",
    "JOIN",
    "LEFT",
    "ASOF",
    "MATCH_CONDITION",
    "ON",
    "USING",
    "UNION",
    "INTERSECT",
    "EXCEPT",
    "EXCLUDE",
    "REPLACE",
    "WITH",
    "RECURSIVE",
    "VALUES",
    "CASE",
    "WHEN",
    "THEN",
    "ELSE",
    "END",
    "CAST",
    "TRY_CAST",
    "BETWEEN",
    "IN",
    "IS",
    "NOT",
    "NULL",
    "LIKE",
    "AND",
    "OR",
    "OVER",
    "PARTITION",
    "ROWS",
    "RANGE",
    "PRECEDING",
    "FOLLOWING",
    "CURRENT",
    "ROW",
    "FILTER",
    "DISTINCT",
    "PIVOT",
    "UNPIVOT",
    "FOR",
    "INTO",
    "NAME",
    "VALUE",
    "SUMMARIZE",
    "DESCRIBE",
    "EXPLAIN",
    "ANALYZE",
    "VERBOSE",
    "SHOW",
    "TABLES",
    "COLUMNS",
    "SETTINGS",
    "SECRETS",
    "FUNCTIONS",
    "SET",
    "RESET",
    "CREATE",
    "OR",
    "EXTERNAL",
    "TABLE",
    "VIEW",
    "SECRET",
    "TYPE",
    "s3",
    "STORED",
    "CSV",
    "LOCATION",
    "OPTIONS",
    "PARTITIONED",
    "INSERT",
    "OVERWRITE",
    "COPY",
    "TO",
    "DROP",
    "IF",
    "EXISTS",
    "PREPARE",
    "EXECUTE",
    "TABLESAMPLE",
    "PERCENT",
    "QUALIFY",
    "LATERAL",
    "UNNEST",
    "INTERVAL",
    "DATE",
    "TIMESTAMP",
    "INT",
    "DECIMAL",
    "ARRAY",
    "STRUCT",
    "orders",
    "customer",
    "prices",
    "id",
    "custkey",
    "total",
    "day",
    "priority",
    "placed",
    "name",
    "nosuch",
    "x",
    "t",
    "sql",
    "range",
    "sum",
    "count",
    "avg",
    "rank",
    "max",
    "select",
    "with",
    "drop",
    "rename",
    "alias",
    "filter",
    "sort",
    "head",
    "tail",
    "limit",
    "sample",
    "distinct",
    "fill_null",
    "drop_null",
    "group_by",
    "agg",
    "value_counts",
    "describe",
    "pivot",
    "unpivot",
    "explode",
    "join",
    "union",
    "intersect",
    "except",
    "window",
    "rolling",
    "resample",
    "explain",
    "how",
    "order_by",
    "partition_by",
    "rows",
    "every",
    "values",
    "asof",
    "desc",
    "nulls",
    "last",
];

const SIGNS: &[&str] = &[
    "(",
    ")",
    "(",
    ")",
    "[",
    "]",
    "{",
    "}",
    ",",
    ",",
    ".",
    ".",
    ";",
    "=",
    "=>",
    "<",
    ">",
    "<=",
    "<>",
    "!=",
    "+",
    "-",
    "*",
    "*",
    "/",
    "%",
    "||",
    "::",
    ":",
    "->",
    "->>",
    "@>",
    "?",
    "$1",
    "!",
    "~",
    "&",
    "|",
    "^",
    "#",
    "@",
    "\\",
    "`",
    "\"",
    "'",
    "--",
    "/*",
    "*/",
    "\n",
    "\t",
    "1",
    "0",
    "-1",
    "1.5",
    "1e9",
    "9223372036854775807",
    "99999999999999999999999",
    ".5",
    "'a'",
    "''",
    "'2024-01-05'",
    "'1 day'",
    "\"id\"",
    "'x.csv'",
    "x'0f'",
    "e'\\n'",
    "$$",
    "\u{feff}",
    "\0",
    "é",
    "漢字",
    "🦀",
    "\u{202e}",
    "'🦀'",
    "\u{a0}",
    "\u{301}",
];

fn soup(random: &mut Random) -> String {
    let mut text = String::new();
    let start: &[&str] =
        &["SELECT ", "orders.", "FROM ", "t = ", "EXPLAIN ", "", "WITH t AS (", "("];
    text.push_str(random.of(start));
    for _ in 0..random.index(25) {
        text.push_str(if random.index(5) < 3 { random.of(WORDS) } else { random.of(SIGNS) });
        if random.index(4) > 0 {
            text.push(' ');
        }
    }
    text
}

/// Statements that are right: the pairs of both languages, and the scripts.
fn corpus() -> Vec<String> {
    let mut all: Vec<String> =
        PAIRS.iter().flat_map(|(sql, chain)| [sql.to_string(), chain.to_string()]).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut scripts: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    for script in scripts {
        let text = std::fs::read_to_string(script).unwrap();
        for block in text.split("\n\n") {
            let lines = block.lines().skip_while(|line| line.starts_with('#'));
            let mut lines = lines.peekable();
            let head = lines.next().unwrap_or_default();
            if head.starts_with("query") || head.starts_with("statement") {
                let statement: Vec<&str> = lines.take_while(|line| *line != "----").collect();
                all.push(statement.join("\n"));
            }
        }
    }
    // What is written would stay; the tests of writing write.
    all.retain(|text| !text.to_lowercase().contains("copy") && !text.contains("write("));
    assert!(all.len() > 100, "{}", all.len());
    all
}

/// Parts a text where a tokenizer roughly would.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces: Vec<String> = Vec::new();
    let mut inside = false;
    for letter in text.chars() {
        let word = letter.is_alphanumeric() || letter == '_';
        match pieces.last_mut() {
            Some(last) if inside && word => last.push(letter),
            _ => pieces.push(letter.to_string()),
        }
        inside = word;
    }
    pieces
}

fn mutated(random: &mut Random, corpus: &[String]) -> String {
    let mut parts = pieces(&corpus[random.index(corpus.len())]);
    for _ in 0..=random.index(3) {
        if parts.is_empty() {
            break;
        }
        let (one, other) = (random.index(parts.len()), random.index(parts.len()));
        match random.index(7) {
            0 => drop(parts.remove(one)),
            1 => parts.insert(other, parts[one].clone()),
            2 => parts.swap(one, other),
            3 => parts.truncate(one),
            4 => parts[one] = random.of(WORDS).to_string(),
            5 => parts[one] = random.of(SIGNS).to_string(),
            _ => {
                // The tail of another statement.
                let rest = pieces(&corpus[random.index(corpus.len())]);
                parts.truncate(one);
                parts.extend(rest.into_iter().skip(other));
            }
        }
    }
    parts.concat()
}

#[test]
fn soup_never_breaks_the_parsers() {
    let good = on_a_query_thread("soup", || {
        let mut random = Random::new(1);
        let texts: Vec<String> = (0..4_000).map(|_| soup(&mut random)).collect();
        let good: Vec<String> = texts.into_iter().filter(|text| parses(text)).collect();
        plan_all(good.clone());
        good.len()
    });
    // Mere garbage would test no more than the tokenizer.
    assert!(good > 20, "{good}");
}

#[test]
fn mutations_never_break_the_parsers_or_the_planner() {
    let (good, planned) = on_a_query_thread("mutations", || {
        let (mut random, corpus) = (Random::new(2), corpus());
        let texts: Vec<String> = (0..1_500).map(|_| mutated(&mut random, &corpus)).collect();
        let good: Vec<String> = texts.into_iter().filter(|text| parses(text)).collect();
        (good.len(), plan_all(good))
    });
    assert!(good > 300 && planned > 50, "{good} parse, {planned} are planned");
}
