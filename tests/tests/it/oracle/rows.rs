//! Rows into groups, columns and back; NULLs; rows that repeat.

use strata_tests::oracle::{COARSE, Oracle};
use strata_tests::python::python_with;

use super::tables::add;

#[tokio::test(flavor = "multi_thread")]
async fn pivots() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 10) {
        for (aggregate, argument) in
            [("sum", "y"), ("count", "x"), ("max", "y"), ("min", "id"), ("avg", "y")]
        {
            oracle.ask_both(
                format!(
                    "SELECT * FROM (SELECT g, k, {argument} FROM {table}) \
                     PIVOT ({aggregate}({argument}) FOR k IN (-2, 0, 3, 99)) AS p"
                ),
                format!(
                    "PIVOT {table} ON k IN (-2, 0, 3, 99) USING {aggregate}({argument}) GROUP BY g"
                ),
            );
            oracle.ask(format!(
                "PIVOT {table} ON b IN (true, false) USING {aggregate}({argument}) GROUP BY k, d"
            ));
        }
        oracle.ask_both(
            format!(
                "{table}.group_by(k).pivot(b, sum(y) AS s, count(*) AS n, values => (true, false))"
            ),
            format!(
                "PIVOT {table} ON b IN (true, false) USING sum(y) AS s, count(*) AS n GROUP BY k"
            ),
        );
    }
    for table in ["t9", "t300"] {
        // The columns are the data's: a NULL is a column to Strata, and none to DuckDB, which
        // orders them as texts.
        oracle.ask(format!(
            "PIVOT (SELECT * FROM {table} WHERE k >= 0) ON k USING sum(y) GROUP BY g"
        ));
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn unpivots() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 11) {
        for nulls in ["", "INCLUDE NULLS"] {
            oracle.ask(format!(
                "SELECT id, name, value FROM (SELECT id, x, y FROM {table}) \
                 UNPIVOT {nulls} (value FOR name IN (x, y))"
            ));
        }
        // Integers and floats have a type in common.
        oracle.ask_both(
            format!("{table}.select(id, k, y).unpivot(k, y AS why)"),
            format!(
                "SELECT id, 'k' AS name, k::DOUBLE AS value FROM {table} WHERE k IS NOT NULL \
                 UNION ALL SELECT id, 'why', y FROM {table} WHERE y IS NOT NULL"
            ),
        );
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn group_by_all_and_order_by_all() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 12) {
        oracle.ask(format!(
            "SELECT k, b, count(*), sum(y), min(x), max(x) FROM {table} GROUP BY ALL"
        ));
        oracle.ask(format!("SELECT x, count(*), count(DISTINCT g) FROM {table} GROUP BY ALL"));
        oracle.ask(format!("SELECT min(x), max(x) FROM {table} GROUP BY ALL"));
        oracle.ask(format!("SELECT k % 2 AS odd, g, max(d) - min(d) FROM {table} GROUP BY ALL"));
        oracle.ask(format!("SELECT count(*), avg(y), sum(k) FROM {table} GROUP BY ALL"));
        oracle.ask(format!(
            "SELECT k, (SELECT count(*) FROM {table} AS o WHERE o.id < 5) AS few, sum(y) AS s \
             FROM {table} GROUP BY ALL HAVING count(*) > 1"
        ));
        oracle.ask_in_order(format!("SELECT k, x, b, g FROM {table} ORDER BY ALL"));
        oracle.ask_in_order(format!("SELECT d, x, k, g FROM {table} ORDER BY ALL DESC NULLS LAST"));
        oracle.ask_in_order(format!(
            "SELECT k, g, count(*) AS n FROM {table} GROUP BY ALL ORDER BY ALL LIMIT 7"
        ));
        oracle.ask_in_order(format!("SELECT x + 1, id FROM {table} ORDER BY ALL NULLS FIRST"));
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_exact_columns_of_a_summary() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 13) {
        let shares =
            |column: &str| format!("100.0 * (count(*) - count({column})) / nullif(count(*), 0)");
        // Numbers, compared as numbers.
        for column in ["id", "k", "y"] {
            oracle.ask_both(
                format!(
                    "{table}.select({column}).describe().select(column_name, \
                     CAST(min AS DOUBLE) AS min, CAST(max AS DOUBLE) AS max, avg, std, count, \
                     null_percentage)"
                ),
                format!(
                    "SELECT '{column}', min({column})::DOUBLE, max({column})::DOUBLE, \
                     avg({column}), stddev({column}), count(*), {} FROM {table}",
                    shares(column)
                ),
            );
        }
        for (column, text) in [("g", "g"), ("b", "b::VARCHAR"), ("d", "d::VARCHAR")] {
            oracle.ask_both(
                format!(
                    "{table}.select({column}).describe()\
                     .select(column_name, min, max, avg, count, null_percentage)"
                ),
                format!(
                    "SELECT '{column}', min({text}), max({text}), NULL, count(*), {} FROM {table}",
                    shares(column)
                ),
            );
        }
        oracle.ask_both(
            format!("{table}.select(x).describe().select(count, null_percentage)"),
            format!("SELECT count(*), {} FROM {table}", shares("x")),
        );
        oracle.ask_both(
            format!("{table}.nunique(k, g, x, b, d)"),
            format!(
                "SELECT count(DISTINCT k), count(DISTINCT g), count(DISTINCT x), \
                 count(DISTINCT b), count(DISTINCT d) FROM {table}"
            ),
        );
        oracle.ask_both(
            format!("{table}.value_counts(k, b)"),
            format!("SELECT k, b, count(*) FROM {table} GROUP BY k, b"),
        );
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nulls_filled_and_left_out() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 14) {
        oracle.ask_both(
            format!("{table}.select(id, k, g, x, y).fill_null(0)"),
            format!("SELECT id, coalesce(k, 0), g, coalesce(x, 0), coalesce(y, 0) FROM {table}"),
        );
        oracle.ask_both(
            format!("{table}.select(id, k, g, x).fill_null('none')"),
            format!("SELECT id, k, coalesce(g, 'none'), x FROM {table}"),
        );
        oracle.ask_both(
            format!("{table}.select(id, k, x, y).fill_null(-1.5, y)"),
            format!("SELECT id, k, x, coalesce(y, -1.5) FROM {table}"),
        );
        oracle.ask_both(
            format!(
                "{table}.select(id, g, d, b).fill_null(g => '?', d => DATE '2000-01-01', b => true)"
            ),
            format!(
                "SELECT id, coalesce(g, '?'), coalesce(d, DATE '2000-01-01'), coalesce(b, true) \
                 FROM {table}"
            ),
        );
        oracle.ask_both(
            format!("{table}.drop_null()"),
            format!(
                "SELECT * FROM {table} WHERE k IS NOT NULL AND g IS NOT NULL AND x IS NOT NULL \
                 AND y IS NOT NULL AND b IS NOT NULL AND d IS NOT NULL AND moment IS NOT NULL"
            ),
        );
        oracle.ask_both(
            format!("{table}.drop_null(k, x)"),
            format!("SELECT * FROM {table} WHERE k IS NOT NULL AND x IS NOT NULL"),
        );
    }
    oracle.check(COARSE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_repeat() {
    let Some(python) = python_with("duckdb") else { return };
    let mut oracle = Oracle::new(python);
    for table in add(&mut oracle, 15) {
        oracle.ask_both(
            format!("{table}.select(k, b, x).distinct()"),
            format!("SELECT DISTINCT k, b, x FROM {table}"),
        );
        oracle.ask_both(
            format!(
                "{table}.distinct(k, b, order_by => (y DESC NULLS LAST, id)).select(id, k, b, y)"
            ),
            format!(
                "SELECT DISTINCT ON (k, b) id, k, b, y FROM {table} \
                 ORDER BY k, b, y DESC NULLS LAST, id"
            ),
        );
        oracle.ask(format!(
            "SELECT DISTINCT ON (x) x, g, id FROM {table} ORDER BY x, g NULLS FIRST, id"
        ));
        oracle.ask_both(
            format!("{table}.select(k, x).except({table}.filter(id > 5).select(k, x)).distinct()"),
            format!("SELECT k, x FROM {table} EXCEPT SELECT k, x FROM {table} WHERE id > 5"),
        );
        oracle.ask_both(
            format!("{table}.sort(y NULLS LAST, id).tail(5).select(id, y)"),
            format!(
                "SELECT id, y FROM (SELECT *, row_number() OVER (ORDER BY y NULLS LAST, id) AS n, \
                 count(*) OVER () AS total FROM {table}) WHERE n > total - 5"
            ),
        );
    }
    oracle.check(COARSE).await;
}
