//! Texts that nest, lean or go on for longer than anybody writes.

use super::{on_a_query_thread, parses, plan_all};
use crate::run_in;

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
