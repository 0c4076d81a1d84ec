//! Text at random, with fixed seeds: neither the parsers nor the planner may panic, whatever they
//! are given, and what is too deep or too long is refused rather than risked.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use datafusion::execution::context::SessionContext;
use strata::{RunText, Settings, execute, parse};
use strata_tests::random::Random;
use strata_tests::within;

use crate::run_in;

use crate::languages::{PAIRS, TABLES};

/// The stack of the binary's threads is larger; what a library's caller has may be this.
const STACK: usize = 8 << 20;

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

/// Runs something on a thread like those that queries run on.
fn on_a_query_thread<T: Send + 'static>(
    name: &'static str,
    what: impl FnOnce() -> T + Send + 'static,
) -> T {
    within(name, move || {
        let thread = std::thread::Builder::new().stack_size(STACK).spawn(what).unwrap();
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// Whether a text parses; a panic names it.
fn parses(text: &str) -> bool {
    match catch_unwind(|| (parse(text).is_ok(), strata::is_complete(text))) {
        Ok((parsed, _)) => parsed,
        Err(_) => panic!("parsing panics: {text:?}"),
    }
}

async fn session() -> SessionContext {
    let session = strata::session(Settings::default()).unwrap();
    session.run(TABLES).await.unwrap();
    session
}

/// Plans texts that parse, as far as a runner would take over.
fn plan_all(texts: Vec<String>) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut planned = 0;
    // What a statement changes is gone with the session.
    for few in texts.chunks(40) {
        let session = runtime.block_on(session());
        for text in few {
            let done = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    for statement in parse(text)? {
                        if let strata::Outcome::Rows(plan) = execute(&session, &statement).await? {
                            session.state().create_physical_plan(&plan).await?;
                        }
                    }
                    Ok::<(), strata::Error>(())
                })
            }));
            match done {
                Ok(outcome) => planned += usize::from(outcome.is_ok()),
                Err(_) => panic!("planning panics: {text:?}"),
            }
        }
    }
    planned
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

#[test]
fn the_depth_of_a_text_never_breaks_the_parsers() {
    on_a_query_thread("nesting", || {
        for part in [
            "(",
            "[",
            "{",
            "((",
            "SELECT (",
            "SELECT [",
            "NOT ",
            "- ",
            "-",
            "+",
            "~ ",
            "CASE WHEN ",
            "EXPLAIN ",
            "EXPLAIN ANALYZE ",
            "PREPARE x AS ",
            "WITH a AS (",
            "WITH a AS (SELECT ",
            "SELECT * FROM (",
            "EXISTS (SELECT ",
            "f(",
            "t.union(",
            "t.filter(",
            "t.join(t.join(",
            "a.",
            "a::",
            "x IN (",
            "CAST(",
            "TRY_CAST(",
            "CAST(TRIM(",
            "SUBSTRING(",
            "POSITION(",
            "CEIL(",
            "OVERLAY(",
            "CONVERT(",
            "EXTRACT(",
            "NOT (",
            "ARRAY[",
            "INTERVAL - ",
            "INTERVAL CASE WHEN ",
            "f(x -> ",
            "ARRAY<",
            "CREATE TABLE t (a ARRAY<",
            "INTERVAL ",
            "sql('",
            "(SELECT 1).union(",
            "SUMMARIZE ",
            "DESCRIBE ",
            "PIVOT ",
            "/*",
            "--\n",
            "$$",
            "'",
            "\"",
            "`",
            "\\",
            "e'",
            "x'",
            "U&'",
            "\0",
            "🦀",
            "=",
            "=>",
            ".",
            ",",
            ";",
            "a ",
            "1 ",
            "a=1 AND ",
            "1+",
            "a||",
            "UNION ",
            "SELECT 1 UNION ",
            "FROM t JOIN ",
            "a[1:",
            "{a: ",
        ] {
            for times in [6, 30, 300, 30_000] {
                parses(&part.repeat(times));
                parses(&format!("SELECT {}", part.repeat(times)));
            }
        }
    });
}

#[test]
fn the_length_of_a_literal_never_breaks_anything() {
    on_a_query_thread("literals", || {
        let long = 200_000;
        let texts = [
            format!("SELECT '{}'", "x".repeat(long)),
            format!("SELECT '{}'", "🦀".repeat(long / 4)),
            format!("SELECT {}", "9".repeat(long)),
            format!("SELECT 0.{}", "9".repeat(long)),
            format!("SELECT 1e{}", "9".repeat(long)),
            format!("SELECT x'{}'", "f".repeat(long)),
            format!("SELECT 1 AS {}", "a".repeat(long)),
            format!("SELECT 1 AS \"{}\"", "a\"\"".repeat(long / 3)),
            format!("SELECT INTERVAL '{} days'", "9".repeat(1_000)),
            format!("SELECT DATE '{}-01-01'", "9".repeat(1_000)),
            format!("orders.head({})", "9".repeat(1_000)),
            format!("SELECT * FROM orders LIMIT {}", "9".repeat(1_000)),
            format!("SELECT CAST(1 AS DECIMAL({}))", "9".repeat(100)),
            format!("/*{}*/ SELECT 1", "x".repeat(long)),
            format!("SELECT 1 -- {}", "x".repeat(long)),
        ];
        for text in &texts {
            parses(text);
        }
        plan_all(texts.to_vec());
    });
}

/// Runs a script through the binary. A stack that ends, ends the process by a signal.
fn survives(name: &str, script: &str) -> strata_tests::Ran {
    let home = tempfile::tempdir().unwrap();
    let ran = run_in(home.path(), &["-q"], script);
    let start: String = ran.err.chars().take(500).collect();
    assert!(matches!(ran.code, Some(0 | 1)), "{name} exits with {:?}: {start}", ran.code);
    assert!(!ran.err.contains("panicked") && !ran.err.contains("broke down"), "{name}: {start}");
    ran
}

#[test]
fn what_leans_too_far_is_refused() {
    let repeat = |start: &str, part: &str, times: usize| format!("{start}{};", part.repeat(times));
    for (name, script, says) in [
        ("a sum", repeat("SELECT 1", "+1", 50_000), "more than 1000 operators"),
        ("ANDs", repeat("SELECT true", " AND true", 20_000), "more than 1000 operators"),
        ("ORs", repeat("SELECT 1 = 2", " OR 1 = 2", 20_000), "more than 1000 operators"),
        ("casts", repeat("SELECT 1", "::int", 20_000), "more than 1000 operators"),
        ("tests", repeat("SELECT 1", " IS NULL", 20_000), "more than 1000 operators"),
        ("EXPLAINs", repeat("", "EXPLAIN ", 20_000) + "SELECT 1;", "more than 1000 operators"),
        ("UNIONs", repeat("SELECT 1", " UNION ALL SELECT 1", 2_000), "UNIONs or JOINs in a row"),
        ("JOINs", repeat("FROM t", " JOIN t USING (a)", 2_000), "UNIONs or JOINs in a row"),
        ("verbs", repeat("t", ".head(1)", 2_000), "more than 500 verbs"),
        ("a condition", repeat("t.filter(true", " AND true", 2_000) + ")", "more than 1000"),
        ("parentheses", repeat("SELECT ", "(", 20_000), "nested too deeply"),
    ] {
        let ran = survives(name, &script);
        assert_eq!((ran.code, ran.errors().len()), (Some(1), 1), "{name}: {}", ran.err);
        assert!(ran.err.contains(says) && ran.err.contains("hint: "), "{name}: {}", ran.err);
        // The line is shown around the place, not in all its length.
        assert!(ran.err.len() < 1_000, "{name}: {}", ran.err);
    }
}

#[test]
fn names_upon_names_are_refused_in_time() {
    let mut deep = "t = range(0, 2);\n".to_string();
    for _ in 0..4_000 {
        deep += "t = t.head(1);\n";
    }
    let ran = survives("names in a row", &deep);
    assert!(ran.err.contains("more than 3000 steps deep"), "{}", ran.err);
    let wide = "t = range(0, 2);\n".to_string() + &"t = t.union(t);\n".repeat(40);
    let ran = survives("names doubled", &wide);
    assert!(ran.err.contains("more than 50000 steps"), "{}", ran.err);
    assert!(ran.err.contains("CREATE TABLE part AS"), "{}", ran.err);
}

#[test]
fn what_is_only_long_works() {
    let list = |count: usize| (0..count).map(|i| i.to_string()).collect::<Vec<_>>().join(", ");
    let cases = (0..2_000).map(|i| format!(" WHEN value = {i} THEN {i}")).collect::<String>();
    let columns = (0..1_000).map(|i| format!("{i} AS c{i}")).collect::<Vec<_>>().join(", ");
    let rows = (0..5_000).map(|i| format!("({i})")).collect::<Vec<_>>().join(", ");
    for (name, script, answer) in [
        (
            "a list",
            format!("SELECT count(*) AS n FROM range(0, 9000) WHERE value IN ({})", list(5_000)),
            "n\n5000\n",
        ),
        ("rows", format!("SELECT count(*) AS n FROM (VALUES {rows})"), "n\n5000\n"),
        ("columns", format!("SELECT c999 FROM (SELECT {columns})"), "c999\n999\n"),
        ("cases", format!("SELECT sum(CASE{cases} END) AS n FROM range(0, 2)"), "n\n1\n"),
        (
            "a few hundred ORs",
            format!(
                "SELECT count(*) AS n FROM range(0, 9) WHERE value = 1{}",
                " OR value = 2".repeat(300)
            ),
            "n\n2\n",
        ),
        ("a long chain", format!("range(0, 9){}", ".filter(value > 7)".repeat(100)), "value\n8\n"),
    ] {
        let ran = survives(name, &format!("{script};"));
        assert_eq!((ran.code, ran.out.as_str()), (Some(0), answer), "{name}: {}", ran.err);
    }
}
