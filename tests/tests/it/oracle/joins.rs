//! Joins in time, and joins on columns of the same name.

use std::collections::BTreeSet;

use arrow::array::{Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use strata_tests::oracle::{COARSE, FINE, Oracle, answer};
use strata_tests::python::python_with;
use strata_tests::random::Random;

use super::tables::{column, real};

const START: i64 = 1_709_251_200_000_000;

/// Rows with a key of two parts, and the same time as an integer, a float and a timestamp. In a
/// `unique` one no two rows have the same keys and time (`n` alone where the keys are left out), so
/// that the match is no matter of chance.
fn events(rows: usize, seed: u64, unique: bool) -> RecordBatch {
    let mut random = Random::new(seed);
    let mut seen = BTreeSet::new();
    let mut events = Vec::new();
    while events.len() < rows {
        let key = random.maybe(12, |r| r.below(4) as i64);
        let sub = random.maybe(12, |r| ["a", "b"][r.below(2) as usize]);
        let n = random.maybe(12, |r| r.below(3 * rows as u64 + 3) as i64);
        if !unique || n.is_none() || seen.insert(n) {
            events.push((key, sub, n));
        }
    }
    let float = |n: Option<i64>| n.map(|n| if n % 11 == 10 { f64::NAN } else { n as f64 / 4.0 });
    RecordBatch::try_from_iter_with_nullable([
        ("id", column::<i64, Int64Array>(rows, |row| Some(row as i64)), true),
        ("k", column::<i64, Int64Array>(rows, |row| events[row].0), true),
        ("s", column::<String, StringArray>(rows, |row| events[row].1.map(str::to_string)), true),
        ("n", column::<i64, Int64Array>(rows, |row| events[row].2), true),
        ("f", column::<f64, Float64Array>(rows, |row| float(events[row].2)), true),
        (
            "moment",
            column::<i64, TimestampMicrosecondArray>(rows, |row| {
                events[row].2.map(|n| START + n * 1_500_000)
            }),
            true,
        ),
        ("v", column::<f64, Float64Array>(rows, |_| random.maybe(20, real)), true),
    ])
    .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn asof_joins() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for (rows, seed) in [(0, 1), (1, 2), (40, 3)] {
        oracle.table(&format!("l{rows}"), &events(rows, seed, false));
        oracle.table(&format!("r{rows}"), &events(rows, seed + 100, true));
    }
    for (left, right) in [(0, 0), (0, 40), (1, 0), (1, 1), (1, 40), (40, 0), (40, 1), (40, 40)] {
        let (l, r) = (format!("l{left}"), format!("r{right}"));
        for operator in [">=", ">", "<=", "<"] {
            let columns = "l.id, l.k, l.n, r.id AS rid, r.k AS rk, r.s AS rs, r.n AS rn, r.moment AS rmoment, r.v AS rv";
            let mut both = |time: &str, on: &str| {
                let keys = if on.is_empty() { String::new() } else { format!(" ON {on}") };
                let and = if on.is_empty() { String::new() } else { format!("{on} AND ") };
                oracle.ask_both(
                    format!(
                        "SELECT {columns} FROM {l} AS l ASOF JOIN {r} AS r \
                         MATCH_CONDITION (l.{time} {operator} r.{time}){keys}"
                    ),
                    format!(
                        "SELECT {columns} FROM {l} AS l ASOF LEFT JOIN {r} AS r \
                         ON {and}l.{time} {operator} r.{time}"
                    ),
                );
            };
            both("n", "l.k = r.k");
            both("moment", "l.k = r.k AND l.s = r.s");
            both("moment", "");
            // Every NaN is a tie, so which one matches is chance: the time itself is not.
            oracle.ask_both(
                format!(
                    "SELECT l.id, r.f FROM {l} AS l ASOF JOIN {r} AS r \
                     MATCH_CONDITION (l.f {operator} r.f) ON l.s = r.s"
                ),
                format!(
                    "SELECT l.id, r.f FROM {l} AS l ASOF LEFT JOIN {r} AS r \
                     ON l.s = r.s AND l.f {operator} r.f"
                ),
            );
            oracle.ask_both(
                format!(
                    "{l}.alias(l).join({r}.alias(r), l.k = r.k AND l.n {operator} r.n, how => asof)\
                     .select(l.id, r.v)"
                ),
                format!(
                    "SELECT l.id, r.v FROM {l} AS l ASOF LEFT JOIN {r} AS r \
                     ON l.k = r.k AND l.n {operator} r.n"
                ),
            );
        }
    }
    oracle.check(COARSE).await;
}

/// The windows that an as-of join is made of must not see how the rows are cut.
#[tokio::test(flavor = "multi_thread")]
async fn asof_joins_however_the_rows_are_cut() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    oracle.table("l", &events(150, 11, false));
    oracle.table("r", &events(150, 12, true));
    for operator in [">=", "<"] {
        oracle.ask_both(
            format!(
                "SELECT l.id, r.id AS rid FROM l ASOF JOIN r \
                 MATCH_CONDITION (l.moment {operator} r.moment) ON l.k = r.k"
            ),
            format!(
                "SELECT l.id, r.id AS rid FROM l ASOF LEFT JOIN r \
                 ON l.k = r.k AND l.moment {operator} r.moment"
            ),
        );
    }
    oracle.check(FINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn joins_using() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for rows in [0, 1, 30] {
        oracle.table(&format!("l{rows}"), &events(rows, rows as u64 + 40, false));
        oracle.table(&format!("r{rows}"), &events(rows, rows as u64 + 50, false));
    }
    for (left, right) in [(0, 0), (0, 30), (30, 0), (1, 30), (30, 1), (30, 30)] {
        // The other columns are named differently: only the keys are shared.
        let l = format!("(SELECT k, s, id AS a, v AS av FROM l{left}) AS l");
        let r = format!("(SELECT id AS b, s, k, v AS bv FROM r{right}) AS r");
        for kind in ["INNER", "LEFT", "RIGHT", "FULL"] {
            oracle.ask(format!("SELECT * FROM {l} {kind} JOIN {r} USING (k, s)"));
            oracle.ask(format!("SELECT k, s, a, b FROM {l} {kind} JOIN {r} USING (k, s)"));
            let r = r.replace("s, k,", "s AS rs, k,");
            oracle.ask(format!("SELECT * FROM {l} {kind} JOIN {r} USING (k)"));
            oracle.ask(format!(
                "SELECT k, count(*), count(a), count(b), sum(bv) FROM {l} {kind} JOIN {r} USING (k) \
                 GROUP BY ALL"
            ));
            oracle.ask_both(
                format!(
                    "l{left}.select(k, id AS a).join(r{right}.select(id AS b, k), k, how => {})",
                    kind.to_lowercase()
                ),
                format!(
                    "SELECT * FROM (SELECT k, id AS a FROM l{left}) {kind} JOIN \
                     (SELECT id AS b, k FROM r{right}) USING (k)"
                ),
            );
        }
        oracle.ask(format!(
            "SELECT * FROM (SELECT k, id AS a FROM l{left}) FULL JOIN (SELECT k, id AS b FROM r{right}) \
             USING (k) FULL JOIN (SELECT k, id AS c FROM l{right}) USING (k)"
        ));
    }
    oracle.check(COARSE).await;
}

/// Joins through exchanges, whatever the sizes: what one side finds filters the scans of the other.
const THROUGH_EXCHANGES: &str = "SET datafusion.optimizer.hash_join_single_partition_threshold = 0; \
     SET datafusion.optimizer.hash_join_single_partition_threshold_rows = 0; ";

#[tokio::test(flavor = "multi_thread")]
async fn joins_that_filter_what_they_scan() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    let tables = [("none", 0, 1), ("one", 1, 2), ("few", 25, 3), ("many", 700, 4)];
    for (name, rows, seed) in tables {
        oracle.table(name, &events(rows, seed, false));
    }
    let mut ask = |sql: String| oracle.ask_both(format!("{THROUGH_EXCHANGES}{sql}"), sql);
    for (l, r) in [("few", "many"), ("many", "few"), ("one", "many"), ("many", "none")] {
        for kind in ["", "LEFT", "RIGHT", "FULL"] {
            for on in ["l.n = r.n", "l.f = r.f", "l.k = r.k AND l.s = r.s AND l.v < r.v"] {
                ask(format!(
                    "SELECT l.id, l.n, r.id AS rid, r.v FROM {l} AS l {kind} JOIN {r} AS r ON {on}"
                ));
            }
        }
        for in_ in ["IN", "NOT IN"] {
            ask(format!("SELECT id, n FROM {l} WHERE n {in_} (SELECT n FROM {r})"));
            ask(format!(
                "SELECT id, n FROM {l} WHERE n {in_} (SELECT n FROM {r} WHERE n IS NOT NULL \
                 GROUP BY n HAVING count(*) > 1)"
            ));
        }
        for exists in ["EXISTS", "NOT EXISTS"] {
            ask(format!(
                "SELECT id FROM {l} AS l WHERE {exists} \
                 (SELECT 1 FROM {r} AS r WHERE r.n = l.n AND r.v > l.v)"
            ));
        }
        // A filter passes through one join into the scans of another.
        ask(format!(
            "SELECT l.id, r.id AS rid, m.id AS mid FROM {l} AS l JOIN {r} AS r ON l.n = r.n \
             JOIN many AS m ON r.n = m.n WHERE l.v > 0 AND m.id < 500"
        ));
        ask(format!(
            "SELECT l.id, count(*) FROM {l} AS l LEFT JOIN {r} AS r ON l.n = r.n \
             JOIN few AS m ON l.n = m.n GROUP BY l.id"
        ));
        // What falls behind the first rows, or is no new extreme.
        ask(format!(
            "SELECT l.id, r.id AS rid FROM {l} AS l JOIN {r} AS r ON l.n = r.n \
             ORDER BY l.n DESC NULLS LAST, l.id, r.id LIMIT 7"
        ));
        ask(format!("SELECT min(l.n), max(r.n) FROM {l} AS l JOIN {r} AS r ON l.n = r.n"));
    }
    // A cast that only the rows of another join survive is no error of the filter's.
    ask(
        "SELECT count(*) FROM (SELECT CAST(CASE WHEN m.s = 'a' THEN 'x' ELSE '7' END AS INT) AS c \
         FROM many AS m JOIN (SELECT id FROM many WHERE s = 'b') AS o ON m.id = o.id) AS i \
         JOIN few AS f ON i.c = f.id"
            .to_string(),
    );
    // Each round filters by other rows.
    ask("WITH RECURSIVE reached AS (SELECT 3 AS n, 0 AS step UNION ALL \
         SELECT m.n + 1, step + 1 FROM reached AS r JOIN many AS m ON m.n = r.n + 1 WHERE step < 9) \
         SELECT n, step, count(*) FROM reached GROUP BY ALL"
        .to_string());
    // Small tables go through exchanges where batches are smaller.
    let session = COARSE[1].session();
    let files = |name: &str| oracle.folder().join(format!("{name}.parquet")).display().to_string();
    let explain = format!(
        "{THROUGH_EXCHANGES}EXPLAIN SELECT l.id FROM '{}' AS l JOIN '{}' AS r ON l.n = r.n",
        files("few"),
        files("many")
    );
    let plan = format!("{:?}", answer(&session, &explain).await.unwrap());
    assert!(plan.contains("SkimExec: DynamicFilter"), "{plan}");
    oracle.check(FINE).await;
}
