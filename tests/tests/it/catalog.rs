//! What a session tells about itself: `SHOW`, `DESCRIBE`, `SUMMARIZE` and the information schema.

use datafusion::execution::context::SessionContext;
use strata::{RunText, Settings};

struct Bench(SessionContext);

impl Bench {
    async fn new() -> Self {
        let session = strata::session(Settings::default()).unwrap();
        session
            .run(
                "CREATE TABLE people AS SELECT * FROM (VALUES (1, 'Ada', 1.5), (2, NULL, 2.5)) \
                 AS t(id, name, score); \
                 CREATE VIEW old AS SELECT id FROM people WHERE id < 2; \
                 top = people.sort(score DESC).head(1);",
            )
            .await
            .unwrap();
        Self(session)
    }

    /// The rows of a text, a line each, cells parted by `|`.
    async fn rows(&self, text: &str) -> Vec<String> {
        let frame = self.0.run(text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
        let table = frame.to_string().await.unwrap_or_else(|error| panic!("{text}: {error}"));
        let lines = table.lines().filter(|line| line.starts_with('|')).skip(1);
        lines
            .map(|line| {
                let cells = line.trim_matches('|').split('|').map(str::trim);
                cells.collect::<Vec<_>>().join("|")
            })
            .collect()
    }

    async fn has(&self, text: &str, parts: &[&str]) {
        let rows = self.rows(text).await;
        for part in parts {
            let found = rows.iter().any(|row| row.contains(part));
            let start: Vec<_> = rows.iter().take(20).collect();
            assert!(found, "{text}: {part} is not in {start:#?}");
        }
    }
}

#[tokio::test]
async fn describe_takes_whatever_has_columns() {
    let bench = Bench::new().await;
    let columns = ["id|Int64|", "name|Utf8", "score|Float64|"];
    for text in [
        "DESCRIBE people",
        "DESC people",
        "DESCRIBE TABLE people",
        "DESCRIBE SELECT * FROM people",
        "DESCRIBE people.filter(id > 1)",
        "DESCRIBE top",
    ] {
        bench.has(text, &columns).await;
        assert_eq!(bench.rows(text).await.len(), 3, "{text}");
    }
    assert_eq!(bench.rows("DESCRIBE old").await.len(), 1);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("x.csv");
    std::fs::write(&path, "a,b\n1,2024-01-01\n").unwrap();
    let path = path.display();
    for text in [
        format!("DESCRIBE '{path}'"),
        format!("DESCRIBE FROM '{path}'"),
        format!("DESCRIBE '{path}'.head(1)"),
    ] {
        bench.has(&text, &["a|Int64|", "b|Date32|"]).await;
    }
}

#[tokio::test]
async fn summarize_takes_whatever_has_rows() {
    let bench = Bench::new().await;
    for text in [
        "SUMMARIZE people",
        "SUMMARIZE TABLE people",
        "SUMMARIZE SELECT * FROM people",
        "SUMMARIZE FROM people",
        "SUMMARIZE people.filter(id > 0)",
        "people.describe()",
    ] {
        let rows = bench.rows(text).await;
        assert_eq!(rows.len(), 3, "{text}: {rows:#?}");
        for column in ["id|", "name|", "score|"] {
            assert!(rows.iter().any(|row| row.starts_with(column)), "{text}: {rows:#?}");
        }
    }
}

#[tokio::test]
async fn show_lists_what_there_is() {
    let bench = Bench::new().await;
    bench.has("SHOW TABLES", &["strata|public|people|BASE TABLE", "|old|VIEW", "|top|VIEW"]).await;
    assert_eq!(bench.rows("SHOW TABLES LIKE 'p%'").await, ["strata|public|people|BASE TABLE"]);
    assert_eq!(bench.rows("SHOW TABLES LIKE '%''%'").await, [""; 0]);
    bench.has("SHOW COLUMNS FROM people", &["people|id|Int64", "people|name|Utf8"]).await;
    bench.has("SHOW COLUMNS IN people", &["people|score|Float64"]).await;
    bench.has("SHOW FUNCTIONS", &["date_trunc", "sqrt"]).await;
    bench.has("SHOW FUNCTIONS LIKE 'date_tr%'", &["date_trunc"]).await;
    bench.has("SHOW SETTINGS", &["memory.limit|70%|default", "shell.null|NULL"]).await;
    bench.has("SHOW ALL", &["datafusion.execution.batch_size"]).await;
    bench.has("SHOW datafusion.execution.batch_size", &["8192"]).await;
    bench.has("SHOW CREATE TABLE old", &["CREATE VIEW old AS SELECT id FROM people"]).await;
    assert!(bench.rows("SHOW SECRETS").await.is_empty());
}

#[tokio::test]
async fn settings_tell_who_set_them() {
    let bench = Bench::new().await;
    bench.rows("SET shell.null = '-'; SELECT 1").await;
    bench.has("SHOW SETTINGS", &["shell.null|-|SET|NULL|"]).await;
    bench.rows("RESET shell.null; SELECT 1").await;
    bench.has("SHOW SETTINGS", &["shell.null|NULL|default|NULL|"]).await;
}

#[tokio::test]
async fn secrets_are_listed_and_kept() {
    let bench = Bench::new().await;
    bench.rows("CREATE SECRET mine (TYPE s3, KEY_ID 'AKIA1', SECRET 'hush-hush'); SELECT 1").await;
    let rows = bench.rows("SHOW SECRETS").await;
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert!(rows[0].contains("mine") && rows[0].contains("s3"), "{rows:#?}");
    assert!(!rows[0].contains("hush-hush"), "{rows:#?}");
    bench.rows("DROP SECRET mine; SELECT 1").await;
    assert!(bench.rows("SHOW SECRETS").await.is_empty());
}

#[tokio::test]
async fn the_information_schema_agrees() {
    let bench = Bench::new().await;
    let tables = bench
        .rows(
            "SELECT table_name, table_type FROM information_schema.tables \
             WHERE table_schema = 'public' ORDER BY table_name",
        )
        .await;
    assert_eq!(tables, ["old|VIEW", "people|BASE TABLE", "top|VIEW"]);
    let columns = bench
        .rows(
            "SELECT column_name, data_type FROM information_schema.columns \
             WHERE table_name = 'people' ORDER BY ordinal_position",
        )
        .await;
    assert_eq!(columns, ["id|Int64", "name|Utf8", "score|Float64"]);
    bench.has("SELECT schema_name FROM information_schema.schemata", &["public"]).await;
    bench
        .has("SELECT name, value FROM information_schema.df_settings", &["memory.limit|70%"])
        .await;
    bench
        .has(
            "SELECT table_name, definition FROM information_schema.views",
            &["old|CREATE VIEW old"],
        )
        .await;
    bench.has("SELECT routine_name FROM information_schema.routines", &["date_trunc"]).await;
    bench.rows("DROP TABLE people; SELECT 1").await;
    let left = bench
        .rows("SELECT count(*) FROM information_schema.tables WHERE table_name = 'people'")
        .await;
    assert_eq!(left, ["0"]);
}
