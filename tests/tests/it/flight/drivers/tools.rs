//! What tools ask in SQL.

use arrow::array::cast::AsArray;
use arrow::datatypes::Int64Type;

use super::super::{run, texts};
use super::servers;

/// What tools ask in SQL before anything else, and around it.
#[tokio::test(flavor = "multi_thread")]
async fn tools_are_answered_what_they_ask_first() {
    for server in servers().await {
        let mut client = server.client().await;
        for (query, expected) in [
            ("SELECT current_schema()", "public"),
            ("SELECT current_schema", "public"),
            ("SELECT current_catalog", "strata"),
            ("SELECT CURRENT_CATALOG AS c", "strata"),
            ("SELECT current_database()", "strata"),
            (
                "SELECT \"note\" FROM \"strata\".\"public\".\"orders\" WHERE \"id\" = 1 LIMIT 1 OFFSET 0",
                "x",
            ),
            (
                "SELECT * FROM (SELECT note AS \"My note\" FROM orders) AS virtual_table LIMIT 1",
                "x",
            ),
        ] {
            let rows = run(&mut client, query).await.expect(query);
            assert_eq!(rows[0].column(0).as_string::<i32>().value(0), expected, "{query}");
        }
        let version = run(&mut client, "SELECT version()").await.unwrap();
        assert!(version[0].column(0).as_string::<i32>().value(0).starts_with("Strata "));
        let rows = run(&mut client, "SHOW SCHEMAS").await.unwrap();
        assert_eq!(texts(&rows, "schema_name"), ["public"]);
        let rows = run(&mut client, "SHOW DATABASES").await.unwrap();
        assert_eq!(texts(&rows, "catalog_name"), ["strata"]);
        for text in ["BEGIN", "START TRANSACTION", "COMMIT", "ROLLBACK"] {
            let why = run(&mut client, text).await.unwrap_err();
            assert!(why.contains("no transactions over several statements"), "{text}: {why}");
        }
        run(&mut client, "CREATE TABLE IF NOT EXISTS kinds (at DATETIME, raw BLOB, many CLOB)")
            .await
            .unwrap();
        run(&mut client, "TRUNCATE TABLE orders").await.unwrap();
        let rows = run(&mut client, "SELECT count(*) FROM orders").await.unwrap();
        assert_eq!(rows[0].column(0).as_primitive::<Int64Type>().value(0), 0);
    }
}
