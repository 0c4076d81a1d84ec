//! `CREATE EXTERNAL TABLE`.

use crate::{Bench, gzip};

#[tokio::test]
async fn formats_by_name() {
    let bench = Bench::new();
    bench.sql("COPY (VALUES (1, 'x'), (2, 'y')) TO '$/a.parquet'").await;
    bench.sql("COPY (VALUES (1, 'x'), (2, 'y')) TO '$/a.arrow'").await;
    bench.put("a.csv", "column1;column2\n1;x\n2;y\n");
    bench.put("a.tsv", "column1\tcolumn2\n1\tx\n2\ty\n");
    bench.put("a.json", "{\"column1\": 1, \"column2\": \"x\"}\n{\"column1\": 2}\n");
    for (format, name) in [
        ("PARQUET", "a.parquet"),
        ("CSV", "a.csv"),
        ("TSV", "a.tsv"),
        ("JSON", "a.json"),
        ("NDJSON", "a.json"),
        ("ARROW", "a.arrow"),
    ] {
        let sql =
            format!("CREATE OR REPLACE EXTERNAL TABLE t STORED AS {format} LOCATION '$/{name}'");
        bench.sql(&sql).await;
        assert_eq!(bench.rows("SELECT sum(column1) FROM t").await, ["3"], "{format}");
    }
    let error = bench.error("CREATE EXTERNAL TABLE u STORED AS CSV LOCATION '$/nothere.csv'").await;
    assert!(error.contains("file 'nothere.csv' does not exist"), "{error}");
}

#[tokio::test]
async fn options_win_over_what_is_detected() {
    let bench = Bench::new();
    bench.put("a.csv", "a,b;c\n1,2;3\n");
    bench
        .sql(
            "CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '$/a.csv' \
             OPTIONS ('delimiter' ';', 'has_header' 'false')",
        )
        .await;
    assert_eq!(bench.rows("SELECT * FROM t").await, ["a,b,c", "1,2,3"]);
    assert_eq!(bench.columns("SELECT * FROM t").await.len(), 2);
    bench.put("b.csv", "1,2,3\n1,2\n");
    bench
        .sql(
            "CREATE EXTERNAL TABLE u STORED AS CSV LOCATION '$/b.csv' \
             OPTIONS ('truncated_rows' 'true', 'has_header' 'false')",
        )
        .await;
    assert_eq!(bench.rows("SELECT count(*) FROM u").await, ["2"]);
    bench.put("d/a.csv.gz", gzip("x|y\n1|2\n"));
    bench.put("d/b.csv.gz", gzip("x|y\n3|4\n"));
    bench.sql("CREATE EXTERNAL TABLE v STORED AS CSV LOCATION '$/d'").await;
    assert_eq!(bench.rows("SELECT sum(x), sum(y) FROM v").await, ["4,6"]);
}

#[tokio::test]
async fn an_empty_folder_is_filled_by_insert() {
    let bench = Bench::new();
    std::fs::create_dir(bench.path("there")).unwrap();
    for (folder, format) in
        [("there", "PARQUET"), ("new/", "CSV"), ("new2", "TSV"), ("js/", "JSON"), ("ar/", "ARROW")]
    {
        bench
            .sql(&format!(
                "CREATE OR REPLACE EXTERNAL TABLE t (a INT, b VARCHAR) STORED AS {format} \
                 LOCATION '$/{folder}'"
            ))
            .await;
        assert_eq!(bench.rows("SELECT count(*) FROM t").await, ["0"], "{format}");
        bench.sql("INSERT INTO t VALUES (1, 'x'), (2, 'y')").await;
        bench.sql("INSERT INTO t VALUES (3, 'z')").await;
        assert_eq!(bench.rows("SELECT sum(a), max(b) FROM t").await, ["6,z"], "{format}");
        bench.sql("INSERT OVERWRITE t VALUES (9, 'o')").await;
        assert_eq!(bench.rows("SELECT a, b FROM t").await, ["9,o"], "{format}");
    }
    assert!(bench.tree().iter().any(|name| name.starts_with("new2/") && name.ends_with(".tsv")));
    assert!(!bench.tree().iter().any(|name| name.contains('#')), "{:?}", bench.tree());
}

#[tokio::test]
async fn packed_tables_stay_packed() {
    let bench = Bench::new();
    bench
        .sql(
            "CREATE EXTERNAL TABLE t (a INT) STORED AS CSV LOCATION '$/t/' \
             OPTIONS ('compression' 'gzip')",
        )
        .await;
    bench.sql("INSERT INTO t VALUES (1), (2)").await;
    bench.sql("INSERT INTO t VALUES (3)").await;
    assert_eq!(bench.rows("SELECT sum(a) FROM t").await, ["6"]);
    assert!(bench.tree()[1].ends_with(".csv.gz"), "{:?}", bench.tree());
    assert_eq!(bench.rows("SELECT sum(a) FROM '$/t'").await, ["6"]);
}

#[tokio::test]
async fn partitioned_by() {
    let bench = Bench::new();
    bench
        .sql(
            "CREATE EXTERNAL TABLE t (v INT, k VARCHAR) STORED AS PARQUET \
             PARTITIONED BY (k) LOCATION '$/t/'",
        )
        .await;
    bench.sql("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'a')").await;
    assert_eq!(bench.rows("SELECT sum(v) FROM t WHERE k = 'a'").await, ["4"]);
    assert!(bench.tree().contains(&"t/k=a".to_string()));
    bench.sql("CREATE EXTERNAL TABLE u STORED AS PARQUET PARTITIONED BY (k) LOCATION '$/t/'").await;
    assert_eq!(bench.rows("SELECT sum(v) FROM u WHERE k = 'b'").await, ["2"]);
    let error = bench
        .error("CREATE EXTERNAL TABLE w STORED AS PARQUET PARTITIONED BY (z) LOCATION '$/t/'")
        .await;
    assert!(error.contains("no folder is named 'z=…'; there is k"), "{error}");
}

#[tokio::test]
async fn one_file_takes_no_insert() {
    let bench = Bench::new();
    bench.put("a.csv", "a\n1\n");
    bench.sql("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '$/a.csv'").await;
    let error = bench.error("INSERT INTO t VALUES (2)").await;
    assert!(error.contains("not one folder"), "{error}");
    assert_eq!(bench.rows("SELECT a FROM t").await, ["1"]);
}

#[tokio::test]
async fn a_table_sees_files_that_come_later() {
    let bench = Bench::new();
    bench.put("d/a.csv", "x\n1\n");
    bench.put("d/sub/skip.csv", "x\n100\n");
    bench.sql("CREATE EXTERNAL TABLE t STORED AS CSV LOCATION '$/d/*.csv'").await;
    assert_eq!(bench.rows("SELECT sum(x) FROM t").await, ["1"]);
    bench.put("d/b.csv", "x\n10\n");
    assert_eq!(bench.rows("SELECT sum(x) FROM t").await, ["11"]);
}
