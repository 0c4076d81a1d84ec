//! Rows that are changed where they lie, alone and by a pool.

use super::{POOL, Served, number, run};

/// `DELETE` and `UPDATE` are about the rows that their conditions let through, whatever becomes of the condition.
#[tokio::test(flavor = "multi_thread")]
async fn changes_are_about_the_rows_that_they_name() {
    for args in [&[][..], &POOL] {
        let server = Served::new(args);
        let mut client = server.client().await;
        run(&mut client, "CREATE TABLE orders AS SELECT 1 AS id").await.unwrap();
        for (condition, meant) in [
            ("id < 2", 2),
            ("1 = 0", 0),
            ("NULL", 0),
            ("id IS NULL", 0),
            ("id > 3 AND id < 2", 0),
            ("id = 1 OR true", 5),
            ("id BETWEEN 1 AND 2 AND name = 'x'", 2),
            ("c.id = 4", 1),
        ] {
            for change in ["DELETE FROM c", "UPDATE c SET name = 'y'"] {
                let text =
                    "CREATE OR REPLACE TABLE c AS SELECT value AS id, 'x' AS name FROM range(0, 5)";
                run(&mut client, text).await.unwrap();
                let text = format!("{change} WHERE {condition}");
                let changed = client.execute_update(text.clone(), None).await.expect(&text);
                let left = "SELECT count(*) - count(*) FILTER (WHERE name = 'y') FROM c";
                assert_eq!(
                    (changed, number(&mut client, left).await),
                    (meant, 5 - meant),
                    "{text}"
                );
            }
        }
        run(&mut client, "CREATE OR REPLACE TABLE c AS SELECT value AS id FROM range(0, 5)")
            .await
            .unwrap();
        for text in [
            "DELETE FROM c WHERE id IN (SELECT 1)",
            "DELETE FROM c WHERE id NOT IN (SELECT 1)",
            "DELETE FROM c WHERE EXISTS (SELECT 1 FROM orders WHERE orders.id = c.id)",
            "UPDATE c SET id = 9 WHERE id IN (SELECT 1)",
            "DELETE FROM c LIMIT 1",
        ] {
            assert!(run(&mut client, text).await.is_err(), "{text}");
        }
        run(&mut client, "EXPLAIN DELETE FROM c").await.unwrap();
        assert_eq!(number(&mut client, "SELECT count(*) FROM c WHERE id < 9").await, 5);
    }
}
