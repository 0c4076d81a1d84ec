//! The same question in both languages gives the same plan, and the same rows.

use strata::{RunText, Settings};

pub(crate) const TABLES: &str = "
    CREATE TABLE orders AS SELECT * FROM (VALUES
        (1, 10, 100.0, DATE '2024-01-05', 'high', arrow_cast('2024-01-05T10:00:00', 'Timestamp(Nanosecond, None)')),
        (2, 10, 250.5, DATE '2024-01-06', 'low', arrow_cast('2024-01-05T10:30:00', 'Timestamp(Nanosecond, None)')),
        (3, 20, NULL, DATE '2024-02-01', 'high', arrow_cast('2024-01-05T11:15:00', 'Timestamp(Nanosecond, None)')),
        (4, 30, 75.25, DATE '2024-02-03', NULL, arrow_cast('2024-01-06T09:00:00', 'Timestamp(Nanosecond, None)')),
        (5, 20, 310.0, DATE '2024-03-09', 'low', arrow_cast('2024-01-06T09:45:00', 'Timestamp(Nanosecond, None)'))
    ) AS t(id, custkey, total, day, priority, placed);
    CREATE TABLE customer AS SELECT * FROM (VALUES
        (10, 'Ada', 'books'), (20, 'Grace', 'tools'), (40, 'Edsger', 'books')
    ) AS t(custkey, name, segment);
    CREATE TABLE old_orders AS SELECT * FROM orders WHERE id < 3;
    CREATE TABLE prices AS SELECT * FROM (VALUES
        (10, DATE '2024-01-01', 1.0), (10, DATE '2024-01-06', 2.0), (20, DATE '2024-02-20', 3.0)
    ) AS t(custkey, since, price);
";

/// The question in SQL, and in a chain.
pub(crate) const PAIRS: &[(&str, &str)] = &[
    ("SELECT * FROM orders", "orders"),
    ("SELECT id, total FROM orders", "orders.select(id, total)"),
    ("SELECT id, total * 2 AS double FROM orders", "orders.select(id, total * 2 AS double)"),
    ("SELECT * EXCLUDE (day, placed) FROM orders", "orders.drop(day, placed)"),
    ("SELECT * EXCLUDE (day, placed) FROM orders", "orders.select(* EXCLUDE (day, placed))"),
    ("SELECT *, total / 2 AS half FROM orders", "orders.with(total / 2 AS half)"),
    ("SELECT * REPLACE (total + 1 AS total) FROM orders", "orders.with(total + 1 AS total)"),
    (
        "SELECT custkey AS customer, name, segment FROM customer",
        "customer.rename(custkey AS customer)",
    ),
    (
        "SELECT * FROM orders WHERE total > 90 AND priority = 'high'",
        "orders.filter(total > 90, priority = 'high')",
    ),
    (
        "SELECT * FROM orders ORDER BY total DESC NULLS LAST, id",
        "orders.sort(total DESC NULLS LAST, id)",
    ),
    ("SELECT * FROM orders ORDER BY total DESC", "orders.sort(total DESC)"),
    ("SELECT * FROM orders ORDER BY id LIMIT 3", "orders.sort(id).head(3)"),
    ("SELECT * FROM orders ORDER BY id LIMIT 2 OFFSET 1", "orders.sort(id).limit(2, 1)"),
    ("SELECT DISTINCT priority FROM orders", "orders.select(priority).distinct()"),
    (
        "SELECT custkey, sum(total) AS revenue, count(*) AS n FROM orders GROUP BY custkey",
        "orders.group_by(custkey).agg(sum(total) AS revenue, count(*) AS n)",
    ),
    (
        "SELECT custkey, sum(total) AS revenue, count(*) AS n FROM orders GROUP BY ALL",
        "orders.group_by(custkey).agg(sum(total) AS revenue, count(*) AS n)",
    ),
    (
        "SELECT date_part('month', day) AS month, avg(total) / count(*) AS x FROM orders GROUP BY month",
        "orders.group_by(date_part('month', day) AS month).agg(avg(total) / count(*) AS x)",
    ),
    ("SELECT max(total) AS most FROM orders", "orders.agg(max(total) AS most)"),
    (
        "SELECT * FROM (SELECT custkey, sum(total) AS s FROM orders GROUP BY custkey) WHERE s > 100",
        "orders.group_by(custkey).agg(sum(total) AS s).filter(s > 100)",
    ),
    (
        "SELECT * FROM orders JOIN customer ON orders.custkey = customer.custkey",
        "orders.join(customer, orders.custkey = customer.custkey)",
    ),
    ("SELECT * FROM orders JOIN customer USING (custkey)", "orders.join(customer, custkey)"),
    (
        "SELECT * FROM orders LEFT JOIN customer ON orders.custkey = customer.custkey AND total > 5",
        "orders.join(customer, orders.custkey = customer.custkey AND total > 5, how => left)",
    ),
    (
        "SELECT * FROM orders LEFT SEMI JOIN customer ON orders.custkey = customer.custkey",
        "orders.join(customer, orders.custkey = customer.custkey, how => semi)",
    ),
    (
        "SELECT * FROM orders LEFT ANTI JOIN customer ON orders.custkey = customer.custkey",
        "orders.join(customer, orders.custkey = customer.custkey, how => 'anti')",
    ),
    (
        "SELECT * FROM orders FULL JOIN customer ON orders.custkey = customer.custkey",
        "orders.join(customer, orders.custkey = customer.custkey, how => full)",
    ),
    ("SELECT * FROM orders CROSS JOIN customer", "orders.join(customer, how => cross)"),
    (
        "SELECT * FROM orders ASOF JOIN prices MATCH_CONDITION (orders.day >= prices.since) \
         ON orders.custkey = prices.custkey",
        "orders.join(prices, orders.custkey = prices.custkey AND day >= since, how => asof)",
    ),
    ("SELECT * FROM orders UNION ALL SELECT * FROM old_orders", "orders.union(old_orders)"),
    ("SELECT * FROM orders INTERSECT SELECT * FROM old_orders", "orders.intersect(old_orders)"),
    ("SELECT * FROM orders EXCEPT SELECT * FROM old_orders", "orders.except(old_orders)"),
    (
        "SELECT *, rank() OVER (PARTITION BY custkey ORDER BY total DESC) AS r FROM orders",
        "orders.window(rank() AS r, partition_by => custkey, order_by => total DESC)",
    ),
    (
        "SELECT *, sum(total) OVER (ORDER BY id ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM orders",
        "orders.rolling(sum(total) AS s, rows => 2, order_by => id)",
    ),
    (
        "SELECT * FROM (SELECT custkey, priority, total FROM orders) \
         PIVOT (sum(total) FOR priority IN ('high', 'low'))",
        "orders.select(custkey, priority, total).pivot(priority, sum(total), values => ('high', 'low'))",
    ),
    (
        "SELECT * FROM (SELECT id, custkey, total FROM orders) UNPIVOT (value FOR name IN (custkey, id))",
        "orders.select(id, custkey, total).unpivot(custkey, id)",
    ),
    ("SELECT * FROM orders WHERE total IS NOT NULL", "orders.drop_null(total)"),
    ("SELECT count(*) AS count FROM orders", "orders.count()"),
    (
        "SELECT name, sum(total) AS revenue FROM orders JOIN customer USING (custkey) \
         WHERE segment = 'books' GROUP BY name ORDER BY revenue DESC LIMIT 10",
        "orders.join(customer, custkey).filter(segment = 'books').group_by(name)\
         .agg(sum(total) AS revenue).sort(revenue DESC).head(10)",
    ),
];

#[tokio::test]
async fn both_languages_give_the_same_plan_and_rows() {
    let session = strata::session(Settings::default()).unwrap();
    session.run(TABLES).await.unwrap();
    let mut different = Vec::new();
    for (sql, chain) in PAIRS {
        let mut plans = Vec::new();
        let mut answers = Vec::new();
        for text in [sql, chain] {
            let frame = session.run(text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
            let plan = frame.clone().into_optimized_plan().unwrap();
            plans.push(plan.display_indent().to_string());
            let mut rows: Vec<String> =
                frame.to_string().await.unwrap().lines().map(str::to_string).collect();
            rows.sort();
            answers.push(rows);
        }
        if plans[0] != plans[1] || answers[0] != answers[1] {
            different.push(format!(
                "{sql}\n{}\n{chain}\n{}\n{:?}\n{:?}",
                plans[0], plans[1], answers[0], answers[1]
            ));
        }
    }
    assert!(different.is_empty(), "{} differ:\n\n{}", different.len(), different.join("\n\n"));
}

#[tokio::test]
async fn names_are_shared_between_the_languages() {
    let session = strata::session(Settings::default()).unwrap();
    session.run(TABLES).await.unwrap();
    let rows = session
        .run("big = orders.filter(total > 90); SELECT count(*) AS n FROM big")
        .await
        .unwrap();
    assert!(rows.to_string().await.unwrap().contains("| 3 |"));
    // A name may be made from its own earlier meaning.
    let rows =
        session.run("big = big.filter(id > 1); sql('SELECT id FROM big').sort(id)").await.unwrap();
    assert!(rows.to_string().await.unwrap().contains("| 2  |\n| 5  |"));
    let error = session.run("orders = big").await.unwrap_err();
    assert_eq!(error.to_string(), "'orders' is a table");
}

#[tokio::test]
async fn mistakes_are_reported_at_their_place_with_the_nearest_name() {
    let session = strata::session(Settings::default()).unwrap();
    session.run(TABLES).await.unwrap();
    let cases = [
        ("orders.group_bye(id)", "there is no verb 'group_bye'", 8, "did you mean 'group_by'?"),
        (
            "orders.filter(totl > 1)",
            "filter: there is no column 'totl'",
            15,
            "did you mean 'total'?",
        ),
        (
            "orders.head('x')",
            "head: 'Utf8(\"x\")' is not a count of rows",
            13,
            "write head([rows])",
        ),
        ("order.head(1)", "there is no table 'order'", 1, "did you mean 'orders'?"),
        (
            "orders.join(customer)",
            "join: on what? A condition or a column of both is wanted",
            8,
            "write join(",
        ),
        (
            "orders.join(customer, custkey, how => 'lft')",
            "join: there is no kind of join 'lft'",
            8,
            "did you mean",
        ),
        ("orders.group_by(id)", "group_by(…) waits for what to compute", 8, "go on with .agg(…)"),
        ("SELECT idd FROM orders", "there is no column 'idd'", 8, "did you mean 'id'?"),
        ("SELECT id FROM ordrs", "there is no table 'ordrs'", 16, "did you mean 'orders'?"),
        ("SELEC 1", "no statement starts with 'SELEC'", 1, "did you mean SELECT?"),
        ("orders.tail(2)", "tail: rows have no order of their own", 8, ""),
    ];
    for (text, message, column, hint) in cases {
        let error = session.run(text).await.map(|_| ()).unwrap_err();
        let (found, suggestion) = (error.to_string(), error.advice());
        assert!(found.starts_with(message), "{text}: {found}");
        assert_eq!(error.location().map(|at| at.column), Some(column), "{text}: {found}");
        assert!(suggestion.unwrap_or_default().contains(hint), "{text}: {suggestion:?}");
    }
}
