//! Windows over partitions, `QUALIFY`, and windows along an order.

use strata_tests::oracle::{COARSE, FINE, Oracle};
use strata_tests::python::python_with;

use super::tables::add;

/// Functions over a frame, and the frames that hold a whole partition or its end.
const FRAMES: [&str; 7] = [
    "",
    "ORDER BY id",
    "ORDER BY id DESC",
    "ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
    "ORDER BY id ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
    "ORDER BY id ROWS BETWEEN 2 PRECEDING AND 3 FOLLOWING",
    "ORDER BY k NULLS LAST RANGE BETWEEN 1 PRECEDING AND UNBOUNDED FOLLOWING",
];

#[tokio::test(flavor = "multi_thread")]
async fn windows_over_partitions() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 1).into_iter().filter(|name| name != "t9") {
        for partition in ["PARTITION BY k", "PARTITION BY g, b", "PARTITION BY x", ""] {
            for frame in FRAMES {
                let over = format!("OVER ({partition} {frame})");
                oracle.ask(format!(
                    "SELECT id, count(*) {over} AS n, count(y) {over} AS ny, sum(y) {over} AS s, \
                     min(y) {over} AS a, max(y) {over} AS z, sum(k) {over} AS sk, \
                     avg(y) {over} AS m FROM {table}"
                ));
            }
        }
    }
    oracle.check(FINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn ranks_and_neighbours() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 2) {
        for partition in ["PARTITION BY k", "PARTITION BY g", ""] {
            let ranked = format!("OVER ({partition} ORDER BY d NULLS LAST, b NULLS LAST)");
            oracle.ask(format!(
                "SELECT id, rank() {ranked} AS r, dense_rank() {ranked} AS dr, \
                 percent_rank() {ranked} AS pr, cume_dist() {ranked} AS cd FROM {table}"
            ));
            let lined = format!("OVER ({partition} ORDER BY x DESC NULLS FIRST, id)");
            oracle.ask(format!(
                "SELECT id, row_number() {lined} AS n, lag(y) {lined} AS before, \
                 lead(y, 2, -1) {lined} AS after, ntile(3) {lined} AS third, \
                 first_value(y) {lined} AS f, last_value(g) {lined} AS l FROM {table}"
            ));
            let whole = format!(
                "OVER ({partition} ORDER BY id ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
            );
            oracle.ask(format!(
                "SELECT id, last_value(x) {whole} AS l, nth_value(g, 2) {whole} AS second, \
                 max(d) {whole} AS latest, min(g) {whole} AS least FROM {table}"
            ));
        }
    }
    oracle.check(FINE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn qualify() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 3) {
        oracle.ask(format!(
            "SELECT id, k, y FROM {table} \
             QUALIFY row_number() OVER (PARTITION BY k ORDER BY y DESC NULLS LAST, id) <= 2"
        ));
        oracle.ask(format!(
            "SELECT id, g, rank() OVER (PARTITION BY g ORDER BY d NULLS FIRST) AS r FROM {table} \
             WHERE y > -100 QUALIFY r = 1"
        ));
        oracle.ask(format!(
            "SELECT k, count(*) AS n FROM {table} GROUP BY k \
             QUALIFY n >= avg(count(*)) OVER ()"
        ));
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rolling_rows_and_ranges() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 4) {
        for rows in [1, 2, 7] {
            oracle.ask_both(
                format!(
                    "{table}.rolling(sum(y) AS s, count(x) AS n, rows => {rows}, order_by => id, \
                     partition_by => k).select(id, s, n)"
                ),
                format!(
                    "SELECT id, sum(y) OVER w AS s, count(x) OVER w AS n FROM {table} WINDOW w AS \
                     (PARTITION BY k ORDER BY id ROWS BETWEEN {} PRECEDING AND CURRENT ROW)",
                    rows - 1
                ),
            );
        }
        for (column, reach, theirs) in [
            ("moment", "'6 hours'", "INTERVAL '6 hours'"),
            ("moment", "'1 day 30 minutes'", "INTERVAL '1 day 30 minutes'"),
            ("d", "'7 days'", "INTERVAL '7 days'"),
            ("id", "10", "10"),
            ("k", "1", "1"),
            ("y", "12.5", "12.5"),
        ] {
            oracle.ask_both(
                format!(
                    "{table}.rolling(sum(id) AS s, min(y) AS least, range => {reach}, \
                     order_by => {column}, partition_by => g).select(id, s, least)"
                ),
                format!(
                    "SELECT id, sum(id) OVER w AS s, min(y) OVER w AS least FROM {table} WINDOW w AS \
                     (PARTITION BY g ORDER BY {column} RANGE BETWEEN {theirs} PRECEDING AND CURRENT ROW)"
                ),
            );
        }
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn resampling() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 5) {
        for step in ["15 minutes", "1 hour", "6 hours", "1 day", "1 week", "90 seconds"] {
            let bucket =
                format!("time_bucket(INTERVAL '{step}', moment, TIMESTAMP '2001-01-01 00:00:00')");
            oracle.ask_both(
                format!("{table}.resample(moment, '{step}').agg(count(*) AS n, sum(y) AS s)"),
                format!("SELECT {bucket} AS t, count(*), sum(y) FROM {table} GROUP BY t"),
            );
            oracle.ask_both(
                format!("{table}.resample(moment, INTERVAL '{step}', by => k).agg(max(y) AS most)"),
                format!("SELECT {bucket} AS t, k, max(y) FROM {table} GROUP BY t, k"),
            );
        }
        oracle.ask_both(
            format!("{table}.resample(d, '1 week').agg(count(*) AS n)"),
            format!(
                "SELECT time_bucket(INTERVAL '1 week', d::TIMESTAMP, TIMESTAMP '2001-01-01') AS t, \
                 count(*) FROM {table} GROUP BY t"
            ),
        );
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn texts_that_pass_through_and_texts_that_are_looked_at() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 5) {
        for frame in ["ROWS BETWEEN 2 PRECEDING AND CURRENT ROW", "ROWS UNBOUNDED PRECEDING"] {
            let over = format!("OVER (ORDER BY id {frame})");
            oracle.ask(format!(
                "SELECT id, g, sum(k) FILTER (WHERE g = 'north' OR g LIKE '%u%') {over} AS s, \
                 count(*) FILTER (WHERE g IS NULL) {over} AS n FROM {table}"
            ));
            oracle.ask(format!(
                "SELECT id, g, sum(k) {over} AS s, max(g) {over} AS most, \
                 lag(g) OVER (ORDER BY id) AS before FROM {table}"
            ));
            oracle.ask(format!("SELECT id, g, sum(k) {over} AS s FROM {table}"));
        }
    }
    oracle.check(FINE).await;
}
