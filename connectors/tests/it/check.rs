//! Examining files, and finding the one behind a failed query.

use datafusion::physical_plan::{collect, execute_stream};
use futures::TryStreamExt;
use strata_connectors::{ConnectorError, check};
use strata_engine::SessionSettings;

use crate::{Bench, gzip};

impl Bench {
    async fn check(&self, path: &str) -> String {
        let path = path.replace('$', &self.folder.path().display().to_string());
        check(&self.session.state(), &path).await.unwrap().to_string()
    }

    /// What is said of a query that fails while it runs.
    async fn diagnosis(&self, sql: &str) -> Option<String> {
        let sql = sql.replace('$', &self.folder.path().display().to_string());
        let state = self.session.state();
        let plan = self.session.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
        let stream = execute_stream(plan, state.task_ctx()).unwrap();
        let error = stream.try_collect::<Vec<_>>().await.unwrap_err();
        // The plan's root has asked already: its error is the diagnosis, if there is one.
        ConnectorError::find(&error).map(ToString::to_string)
    }
}

#[tokio::test]
async fn sound_files_are_said_to_be() {
    let bench = Bench::new();
    for name in ["a.csv", "a.parquet", "a.json", "a.arrow", "a.csv.gz", "a.tsv"] {
        bench.sql(&format!("COPY (VALUES (1, 'x'), (2, 'y')) TO '$/{name}'")).await;
        let said = bench.check(&format!("$/{name}")).await;
        assert!(said.contains("ok, 2 rows"), "{name}: {said}");
    }
}

#[tokio::test]
async fn faults_have_a_place() {
    let bench = Bench::new();
    bench.put("d/ragged.csv", "a,b,c\n1,2,3\n4,5\n");
    bench.put("d/bad.json", "{\"a\": 1}\n{\"a\": \n{\"a\": 3}\n");
    let packed = gzip(&"a,b\n1,2\n".repeat(20_000));
    bench.put("d/cut.csv.gz", &packed[..packed.len() / 2]);
    bench.put("d/plain.csv.gz", "a,b\n1,2\n");
    bench.put("d/empty.parquet", "");
    bench.put("d/text.parquet", "this is not parquet at all");
    bench.sql("COPY (SELECT value AS v FROM generate_series(1, 1000)) TO '$/good.parquet'").await;
    let good = std::fs::read(bench.path("good.parquet")).unwrap();
    bench.put("d/cut.parquet", &good[..good.len() - 100]);
    let mut damaged = good.clone();
    damaged[4..200].fill(0xff);
    bench.put("d/damaged.parquet", &damaged);
    bench.sql("COPY (SELECT value AS v FROM generate_series(1, 1000)) TO '$/good.arrow'").await;
    let arrow = std::fs::read(bench.path("good.arrow")).unwrap();
    bench.put("d/cut.arrow", &arrow[..arrow.len() / 2]);
    bench.put("d/bad.avro", "Obj\u{1}garbage");
    let said = bench.check("$/d").await;
    for part in [
        "ragged.csv', line 3: 2 fields where the header has 3",
        "bad.json', line 2: not JSON",
        "the gzip stream is cut short",
        "plain.csv.gz': this is no gzip stream",
        "empty.parquet': the Parquet file is empty",
        "text.parquet', byte 0: this is no Parquet file",
        "cut.parquet', byte",
        "damaged.parquet', row group 0, column 'v'",
        "cut.arrow', byte",
        "bad.avro', header",
    ] {
        assert!(said.contains(part), "{part} is not in:\n{said}");
    }
}

#[tokio::test]
async fn a_failed_query_names_its_file() {
    let bench = Bench::new();
    bench.session.change_setting("files.sniff", "4KiB").unwrap();
    let good = "a,b\n1,2\n".to_string() + &"3,4\n".repeat(10_000);
    bench.put("late/good.csv", &good);
    bench.put("late/late.csv", good.clone() + "5\n");
    let said = bench.diagnosis("SELECT sum(a), sum(b) FROM '$/late/*.csv'").await.unwrap();
    assert!(said.contains("late.csv', line 10003: 1 field where the header has 2"), "{said}");
    bench.put("typed.csv", good + "x,6\n");
    let said = bench.diagnosis("SELECT sum(a) FROM '$/typed.csv'").await.unwrap();
    assert!(said.contains("line 10003, column 'a': 'x' is no Int64"), "{said}");
    bench.put("j.json", "{\"a\": 1}\n".repeat(20_000) + "{\"a\": }\n");
    let said = bench.diagnosis("SELECT sum(a) FROM '$/j.json'").await.unwrap();
    assert!(said.contains("j.json', line 20001: not JSON"), "{said}");
}

#[tokio::test]
async fn damaged_parquet_is_named() {
    let bench = Bench::new();
    bench.sql("COPY (SELECT value AS v FROM generate_series(1, 1000)) TO '$/p/a.parquet'").await;
    let mut damaged = std::fs::read(bench.path("p/a.parquet")).unwrap();
    damaged[4..200].fill(0xff);
    bench.put("p/b.parquet", &damaged);
    let said = bench.diagnosis("SELECT sum(v) FROM '$/p'").await.unwrap();
    assert!(said.contains("b.parquet', row group 0, column 'v'"), "{said}");
    bench.put("t.parquet", &damaged[..damaged.len() - 20]);
    let error = bench.error("SELECT * FROM '$/t.parquet'").await;
    assert!(error.contains("t.parquet', byte") && error.contains("cut short"), "{error}");
}

#[tokio::test]
async fn errors_of_the_query_are_left_alone() {
    let bench = Bench::new();
    bench.put("r.csv", "a\n0\n1\n");
    assert_eq!(bench.diagnosis("SELECT 1 / a FROM '$/r.csv'").await, None);
}

#[tokio::test]
async fn a_file_that_went_is_named() {
    let bench = Bench::new();
    bench.put("d/a.csv", "a\n1\n");
    let sql = format!("SELECT a FROM '{}/d'", bench.folder.path().display());
    let plan = bench.session.sql(&sql).await.unwrap().create_physical_plan().await.unwrap();
    std::fs::remove_file(bench.path("d/a.csv")).unwrap();
    let state = bench.session.state();
    let error = collect(plan, state.task_ctx()).await.unwrap_err();
    let said = error.to_string();
    assert!(said.contains("a.csv") && said.contains("does not exist"), "{said}");
}

#[tokio::test]
async fn disagreeing_files_are_both_named() {
    let bench = Bench::new();
    bench.sql("COPY (SELECT 1 AS a) TO '$/q/a.parquet'").await;
    bench.sql("COPY (SELECT 'x' AS a) TO '$/q/b.parquet'").await;
    let said = bench.check("$/q").await;
    assert!(said.contains("column 'a' is Int64 in") && said.contains("b.parquet"), "{said}");
}
