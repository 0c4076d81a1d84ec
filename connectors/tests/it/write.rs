//! `COPY` and `INSERT`: whole or not at all.

use datafusion::physical_plan::execute_stream;
use futures::StreamExt;

use crate::Bench;

/// Fails in its last row, after many good ones.
const FAILS: &str = "(SELECT value, 1 / (value - 199999) AS x FROM generate_series(0, 199999))";

#[tokio::test]
async fn a_failed_copy_leaves_nothing() {
    let bench = Bench::new();
    bench.put("kept.csv", "a\n1\n");
    for target in [
        "new.csv",
        "new.parquet",
        "deep/er/new.json",
        "folder/",
        "plain",
        "kept.csv",
        "x.csv.gz",
        "a.arrow",
    ] {
        let stored = if target.contains('.') { "" } else { "STORED AS PARQUET" };
        let error = bench.error(&format!("COPY {FAILS} TO '$/{target}' {stored}")).await;
        assert!(error.to_lowercase().contains("zero"), "{error}");
        assert_eq!(bench.tree(), ["kept.csv"], "{target}");
    }
    assert_eq!(std::fs::read_to_string(bench.path("kept.csv")).unwrap(), "a\n1\n");
    let parted = format!("(SELECT value % 5 AS k, x FROM {FAILS})");
    bench.error(&format!("COPY {parted} TO '$/p/' STORED AS CSV PARTITIONED BY (k)")).await;
    assert_eq!(bench.tree(), ["kept.csv"]);
}

#[tokio::test]
async fn a_cancelled_copy_leaves_nothing() {
    let bench = Bench::new();
    let folder = bench.folder.path().display();
    let sql = format!(
        "COPY (SELECT value FROM generate_series(0, 2000000000)) TO '{folder}/a/b/out.csv'"
    );
    let state = bench.session.state();
    let plan = state.create_logical_plan(&sql).await.unwrap();
    let physical = state.create_physical_plan(&plan).await.unwrap();
    let mut stream = execute_stream(physical, state.task_ctx()).unwrap();
    // The count comes at the end; meanwhile the file grows where nobody looks.
    let begun = async {
        while bench.tree().len() < 3 {
            tokio::task::yield_now().await;
        }
    };
    tokio::select! {
        biased;
        () = begun => {}
        _ = stream.next() => panic!("it cannot be over"),
    }
    assert!(!bench.path("a/b/out.csv").exists());
    drop(stream);
    // Writers notice on their next turn.
    for _ in 0..10_000 {
        if bench.tree().is_empty() {
            return;
        }
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    panic!("left behind: {:?}", bench.tree());
}

#[tokio::test]
async fn planning_alone_leaves_nothing() {
    let bench = Bench::new();
    bench.sql("EXPLAIN COPY (SELECT 1) TO '$/x/y.csv'").await;
    let sql = format!("COPY (SELECT 1) TO '{}/x/y.csv'", bench.folder.path().display());
    bench.session.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
    assert!(bench.tree().is_empty());
}

#[tokio::test]
async fn one_file_is_replaced() {
    let bench = Bench::new();
    bench.sql("COPY (SELECT 1 AS a) TO '$/x.csv'").await;
    bench.sql("COPY (SELECT a + 1 AS a FROM '$/x.csv') TO '$/x.csv'").await;
    assert_eq!(bench.rows("SELECT a FROM '$/x.csv'").await, ["2"]);
    assert_eq!(bench.tree(), ["x.csv"]);
    bench.sql("COPY (SELECT 1 AS a WHERE false) TO '$/none.csv'").await;
    assert_eq!(std::fs::read_to_string(bench.path("none.csv")).unwrap(), "a\n");
    std::fs::create_dir(bench.path("dir.csv")).unwrap();
    bench.sql("COPY (SELECT 1 AS a) TO '$/dir.csv'").await;
    assert_eq!(bench.rows("SELECT a FROM '$/dir.csv'").await, ["1"]);
}

#[cfg(unix)]
#[tokio::test]
async fn links_stay_and_devices_are_refused() {
    let bench = Bench::new();
    bench.put("real.csv", "a\n1\n");
    std::os::unix::fs::symlink(bench.path("real.csv"), bench.path("link.csv")).unwrap();
    bench.sql("COPY (SELECT 2 AS a) TO '$/link.csv'").await;
    assert!(bench.path("link.csv").is_symlink());
    assert_eq!(std::fs::read_to_string(bench.path("real.csv")).unwrap(), "a\n2\n");
    let error = bench
        .error("COPY (SELECT 1) TO '/dev/null' STORED AS CSV OPTIONS ('format.has_header' 'true')")
        .await;
    assert!(error.contains("cannot write '/dev/null'"), "{error}");
}

#[tokio::test]
async fn a_filled_folder_needs_a_word() {
    let bench = Bench::new();
    let copy = "COPY (SELECT 1 AS a) TO '$/out/' STORED AS PARQUET";
    bench.sql(copy).await;
    let error = bench.error(copy).await;
    assert!(error.contains("already holds Parquet files"), "{error}");
    assert!(error.contains("('overwrite' 'true')") && error.contains("('append' 'true')"));
    bench.sql(&format!("{copy} OPTIONS ('append' 'true')")).await;
    assert_eq!(bench.rows("SELECT count(*) FROM '$/out'").await, ["2"]);
    bench
        .error(&format!("COPY {FAILS} TO '$/out/' STORED AS PARQUET OPTIONS ('overwrite' 'true')"))
        .await;
    assert_eq!(bench.rows("SELECT count(*) FROM '$/out'").await, ["2"]);
    bench.sql(&format!("{copy} OPTIONS ('overwrite' 'true')")).await;
    assert_eq!(bench.rows("SELECT count(*) FROM '$/out'").await, ["1"]);
    assert_eq!(bench.tree().len(), 2);
    let error = bench.error("COPY (SELECT 1 AS a) TO '$/x.csv' OPTIONS ('append' 'true')").await;
    assert!(error.contains("names one file"), "{error}");
}

#[tokio::test]
async fn partitioned_folders() {
    let bench = Bench::new();
    bench
        .sql(
            "COPY (VALUES (1, 'a'), (2, 'b'), (3, 'a')) TO '$/p' \
             STORED AS PARQUET PARTITIONED BY (column2)",
        )
        .await;
    assert_eq!(bench.rows("SELECT sum(column1) FROM '$/p' WHERE column2 = 'a'").await, ["4"]);
    bench.sql("COPY (VALUES (1, 'a')) TO '$/q/' STORED AS TSV").await;
    assert!(bench.tree().iter().any(|name| name.starts_with("q/") && name.ends_with(".tsv")));
}

#[tokio::test]
async fn names_say_how_to_pack() {
    let bench = Bench::new();
    bench.sql("COPY (SELECT 1 AS a) TO '$/x.csv.gz'").await;
    assert!(std::fs::read(bench.path("x.csv.gz")).unwrap().starts_with(&[0x1f, 0x8b]));
    bench.sql("COPY (SELECT 1 AS a) TO '$/x.json.zst' STORED AS JSON").await;
    assert!(std::fs::read(bench.path("x.json.zst")).unwrap().starts_with(&[0x28, 0xb5]));
    for codec in ["zstd", "ZSTD(9)", "gzip", "brotli", "snappy", "uncompressed"] {
        let target = format!("'$/{codec}.parquet'");
        bench
            .sql(&format!("COPY (SELECT 1 AS a) TO {target} OPTIONS (compression '{codec}')"))
            .await;
        assert_eq!(bench.rows(&format!("SELECT a FROM {target}")).await, ["1"], "{codec}");
    }
    for (target, part) in [
        ("x.gz", "only says how the file is packed"),
        ("x.parquet.gz", "not packed"),
        ("x.avro", "only be read"),
        ("a*/x.csv", "glob"),
    ] {
        let error = bench.error(&format!("COPY (SELECT 1 AS a) TO '$/{target}'")).await;
        assert!(error.contains(part), "{target}: {error}");
    }
    let error = bench.error("COPY (SELECT 1 AS a) TO 'http://localhost:1/x.csv'").await;
    assert!(error.contains("can only be read"), "{error}");
}

#[tokio::test]
async fn a_failed_insert_leaves_nothing() {
    let bench = Bench::new();
    bench.sql("CREATE EXTERNAL TABLE t (a BIGINT, b BIGINT) STORED AS CSV LOCATION '$/t/'").await;
    bench.error(&format!("INSERT INTO t SELECT * FROM {FAILS}")).await;
    assert!(bench.tree().is_empty());
    bench.sql("INSERT INTO t VALUES (1, 2)").await;
    bench.error(&format!("INSERT OVERWRITE t SELECT * FROM {FAILS}")).await;
    assert_eq!(bench.rows("SELECT a, b FROM t").await, ["1,2"]);
}
