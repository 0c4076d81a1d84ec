//! A path or URL in table position.

use crate::{Bench, gzip};

#[tokio::test]
async fn csv_files_are_looked_into() {
    let bench = Bench::new();
    bench.put("a.csv", "id;name;when\n1;ann;2020-01-01\n2;\"b;ob\";2020-01-02\n");
    assert_eq!(
        bench.columns("SELECT * FROM '$/a.csv'").await,
        ["id:Int64", "name:Utf8", "when:Date32"]
    );
    assert_eq!(bench.rows("SELECT name FROM '$/a.csv' ORDER BY id").await, ["ann", "b;ob"]);
    bench.put("b.txt", "1\t2.5\ttrue\n2\t3\tfalse\n");
    assert_eq!(
        bench.columns("SELECT * FROM '$/b.txt'").await,
        ["column_1:Int64", "column_2:Float64", "column_3:Boolean"]
    );
    bench.put("c.csv", "\u{feff}a,b\n\"x\ny\",1\nz,2\n");
    assert_eq!(bench.columns("SELECT * FROM '$/c.csv'").await, ["a:Utf8", "b:Int64"]);
    assert_eq!(bench.rows("SELECT count(*), sum(b) FROM '$/c.csv'").await, ["2,3"]);
}

#[tokio::test]
async fn packed_files_are_unpacked() {
    let bench = Bench::new();
    bench.put("a.csv.gz", gzip("a,b\n1,x\n2,y\n"));
    bench.put("b.json.gz", gzip("{\"a\": 1}\n{\"a\": 2}\n"));
    bench.put("noname", "{\"a\": 5}\n");
    assert_eq!(bench.rows("SELECT sum(a) FROM '$/a.csv.gz'").await, ["3"]);
    assert_eq!(bench.rows("SELECT sum(a) FROM '$/b.json.gz'").await, ["3"]);
    assert_eq!(bench.rows("SELECT a FROM '$/noname'").await, ["5"]);
}

#[tokio::test]
async fn every_format_is_read_back() {
    let bench = Bench::new();
    for name in [
        "a.parquet",
        "a.csv",
        "a.tsv",
        "a.json",
        "a.ndjson",
        "a.arrow",
        "a.pq",
        "a.csv.zst",
        "a.csv.bz2",
        "a.csv.xz",
        "a.json.gz",
        "a.tsv.gz",
        "a.feather",
    ] {
        bench.sql(&format!("COPY (VALUES (1, 'x'), (2, 'y')) TO '$/{name}'")).await;
        let rows = bench.rows(&format!("SELECT sum(column1), max(column2) FROM '$/{name}'")).await;
        assert_eq!(rows, ["3,y"], "{name}");
    }
    let text = std::fs::read_to_string(bench.path("a.tsv")).unwrap();
    assert_eq!(text, "column1\tcolumn2\n1\tx\n2\ty\n");
    std::fs::copy(bench.path("a.parquet"), bench.path("bare")).unwrap();
    assert_eq!(bench.rows("SELECT count(*) FROM '$/bare'").await, ["2"]);
    std::fs::copy(bench.path("a.arrow"), bench.path("bare2")).unwrap();
    assert_eq!(bench.rows("SELECT count(*) FROM '$/bare2'").await, ["2"]);
    bench.put("array.json", "[\n {\"a\": 1},\n {\"a\": 2}\n]\n");
    assert_eq!(bench.rows("SELECT sum(a) FROM '$/array.json'").await, ["3"]);
}

#[tokio::test]
async fn globs_and_folders() {
    let bench = Bench::new();
    bench.put("d/a.csv", "x\n1\n");
    bench.put("d/b.csv", "x\n10\n");
    bench.put("d/sub/c.csv", "x\n100\n");
    bench.put("d/sub/deep/d.csv", "x\n1000\n");
    bench.put("d/_skip/e.csv", "x\n10000\n");
    bench.put("d/.hidden.csv", "x\n100000\n");
    bench.put("d/_SUCCESS", "");
    bench.put("d/empty.csv", "");
    for (path, sum) in [
        ("d", "1111"),
        ("d/", "1111"),
        ("d/*.csv", "11"),
        ("d/**/*.csv", "1111"),
        ("d/sub/**", "1100"),
        ("d/{a,b}.csv", "11"),
        ("d/{a.csv,sub/c.csv}", "101"),
        ("d/[a-b].csv", "11"),
        ("d/?.csv", "11"),
        ("d/s*/c.csv", "100"),
        ("d/_skip/*.csv", "10000"),
        ("d/.hidden.csv", "100000"),
    ] {
        let rows = bench.rows(&format!("SELECT sum(x) FROM '$/{path}'")).await;
        assert_eq!(rows, [sum], "{path}");
    }
    bench.put("odd/a[1].csv", "x\n7\n");
    assert_eq!(bench.rows("SELECT x FROM '$/odd/a[1].csv'").await, ["7"]);
}

#[tokio::test]
async fn a_column_that_a_file_lacks_is_null() {
    let bench = Bench::new();
    // What is written of constants is NOT NULL.
    for format in ["parquet", "arrow"] {
        bench.sql(&format!("COPY (SELECT 1 AS a, 'x' AS b) TO '$/{format}/1.{format}'")).await;
        bench.sql(&format!("COPY (SELECT 2 AS a) TO '$/{format}/2.{format}'")).await;
    }
    let rows = bench.rows("SELECT a, b IS NULL FROM '$/parquet' ORDER BY a").await;
    assert_eq!(rows, ["1,false", "2,true"]);
    let error = bench.error("SELECT a, b FROM '$/arrow' ORDER BY a").await;
    for part in ["1.arrow", "(a, b)", "2.arrow", "(a)", "UNION ALL BY NAME"] {
        assert!(error.contains(part), "{error}");
    }
}

#[tokio::test]
async fn partitions_are_columns() {
    let bench = Bench::new();
    for (year, day) in [(2020, "2020-05-01"), (2021, "2021-06-01")] {
        bench.put(&format!("t/year={year}/day={day}/kind=a%20b/x.csv"), format!("v\n{year}\n"));
    }
    assert_eq!(
        bench.columns("SELECT * FROM '$/t'").await,
        ["v:Int64", "year:Int64", "day:Date32", "kind:Utf8"]
    );
    let query = "SELECT v, day FROM '$/t' WHERE year > 2020 AND kind = 'a b'";
    assert_eq!(bench.rows(query).await, ["2021,2021-06-01"]);
    for path in ["t/*/*/*/x.csv", "t/year=*/**", "t/**/*.csv", "t/year=202{0,1}/**/x.csv"] {
        let rows = bench.rows(&format!("SELECT sum(year), count(day) FROM '$/{path}'")).await;
        assert_eq!(rows, ["4041,2"], "{path}");
    }
    let one = "SELECT year, v FROM '$/t/year=2020/**/x.csv' WHERE year = 2020";
    assert_eq!(bench.rows(one).await, ["2020,2020"]);
    bench.put("n/k=1/x.csv", "v\n1\n");
    bench.put("n/k=__HIVE_DEFAULT_PARTITION__/x.csv", "v\n2\n");
    assert_eq!(bench.rows("SELECT v FROM '$/n' WHERE k IS NULL").await, ["2"]);
    assert_eq!(bench.rows("SELECT v FROM '$/n' WHERE k = 1").await, ["1"]);
}

#[tokio::test]
async fn what_is_missing_is_said() {
    let bench = Bench::new();
    bench.put("orders.csv", "a\n1\n");
    bench.put("empty.csv", "");
    bench.put("void.parquet", "");
    std::fs::create_dir(bench.path("bare")).unwrap();
    let folder = bench.folder.path().display().to_string();
    let error = bench.error("SELECT * FROM '$/order.csv'").await;
    assert!(error.contains(&format!("file 'order.csv' does not exist in '{folder}'")), "{error}");
    assert!(error.contains("did you mean 'orders.csv'?"), "{error}");
    let error = bench.error("SELECT * FROM '$/nothere/a/*.csv'").await;
    assert!(error.contains("folder 'nothere' does not exist"), "{error}");
    let error = bench.error("SELECT * FROM '$/*.tsv'").await;
    assert!(error.contains("no file matches") && error.contains("*.tsv"), "{error}");
    let error = bench.error("SELECT * FROM '$/empty.csv'").await;
    assert!(error.contains("CSV file") && error.contains("is empty"), "{error}");
    let error = bench.error("SELECT * FROM '$/void.parquet'").await;
    assert!(error.contains("Parquet file") && error.contains("is empty"), "{error}");
    let error = bench.error("SELECT * FROM '$/bare'").await;
    assert!(error.contains("holds no file"), "{error}");
    let error = bench.error("SELECT * FROM nosuchtable").await;
    assert!(error.contains("nosuchtable") && error.contains("not found"), "{error}");
    let error = bench.error("SELECT * FROM 's4://x/y.csv'").await;
    assert!(error.contains("did you mean 's3://'?"), "{error}");
}

#[tokio::test]
async fn mixed_formats_are_refused() {
    let bench = Bench::new();
    bench.put("m/a.csv", "x\n1\n");
    bench.put("m/b.json", "{\"x\": 1}\n");
    bench.put("p/a.csv", "x\n1\n");
    bench.put("p/b.csv.gz", gzip("x\n1\n"));
    let error = bench.error("SELECT * FROM '$/m'").await;
    assert!(error.contains("a.csv' is CSV") && error.contains("b.json' is JSON"), "{error}");
    let error = bench.error("SELECT * FROM '$/p'").await;
    assert!(error.contains("packed with gzip"), "{error}");
    bench.put("h/a.csv", "x,y\n1,2\n");
    bench.put("h/b.csv", "y,x\n1,2\n");
    let error = bench.error("SELECT * FROM '$/h'").await;
    assert!(error.contains("(x, y)") && error.contains("(y, x)"), "{error}");
    bench.sql("COPY (SELECT 1 AS a) TO '$/q/a.parquet'").await;
    bench.sql("COPY (SELECT 'x' AS a) TO '$/q/b.parquet'").await;
    let error = bench.error("SELECT * FROM '$/q'").await;
    assert!(error.contains("column 'a' is Int64 in") && error.contains("b.parquet"), "{error}");
}

#[tokio::test]
async fn ragged_rows_are_placed_when_opening() {
    let bench = Bench::new();
    bench.put("r.csv", "a,b,c\n1,2,3\n4,5\n");
    let error = bench.error("SELECT * FROM '$/r.csv'").await;
    assert!(error.contains("r.csv', line 3: 2 fields where the header has 3"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn links_and_spaces_in_names() {
    let bench = Bench::new();
    bench.put("real/my file.csv", "x\n1\n");
    std::os::unix::fs::symlink(bench.path("real"), bench.path("link")).unwrap();
    assert_eq!(bench.rows("SELECT x FROM '$/link/my file.csv'").await, ["1"]);
    assert_eq!(bench.rows("SELECT x FROM '$/link'").await, ["1"]);
    assert_eq!(bench.rows("SELECT x FROM 'file://$/real/my%20file.csv'").await, ["1"]);
}
