//! The 22 TPC-H queries at scale 0.1: every answer is DuckDB's.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use strata::RunText;
use strata::cli::generate::{CommonArgs, Format, GenerateArgs, TpchArgs, run_until};
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};
use strata_tests::python::python_with;

pub(crate) const TABLES: [&str; 8] =
    ["customer", "lineitem", "nation", "orders", "part", "partsupp", "region", "supplier"];

/// The queries whose ORDER BY leaves no two rows to chance.
const ORDERED: [&str; 16] = [
    "q01", "q02", "q03", "q04", "q05", "q07", "q08", "q09", "q10", "q12", "q13", "q15", "q16",
    "q20", "q21", "q22",
];

/// Writes the tables, a folder of Parquet files each.
pub(crate) fn generate(folder: &Path, scale: f64) {
    let common = CommonArgs {
        scale,
        out: folder.to_path_buf(),
        format: Format::Parquet,
        parts: None,
        tables: Vec::new(),
        force: false,
        threads: None,
    };
    let args = GenerateArgs::Tpch(TpchArgs { common });
    run_until(&args, &|_, _, _| {}, &AtomicBool::new(false)).unwrap();
}

/// The 22 queries by their names.
pub(crate) fn queries() -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/queries/tpch");
    let mut queries: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_string();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    queries.sort();
    assert_eq!(queries.len(), 22);
    queries
}

#[tokio::test(flavor = "multi_thread")]
async fn every_query_has_the_oracles_answer() {
    let Some(python) = python_with("duckdb") else { return };
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    {
        let data = data.clone();
        tokio::task::spawn_blocking(move || generate(&data, 0.1)).await.unwrap();
    }
    let queries = queries();
    let files = |name: &str| format!("{}/*.parquet", data.join(name).display());
    let setup: Vec<String> = TABLES
        .iter()
        .map(|name| format!("CREATE VIEW {name} AS SELECT * FROM read_parquet('{}')", files(name)))
        .collect();
    let texts: Vec<String> = queries.iter().map(|(_, text)| text.clone()).collect();
    let expected = python.ask(&setup, &texts);
    let here = Grain { batch_size: 8192, partitions: 2 }.session();
    let (two, three) = (Shape { workers: 2, cores: 1 }, Shape { workers: 3, cores: 2 });
    let (two, three) = (TestPool::here(two).await, TestPool::here(three).await);
    let mut wrong = Vec::new();
    for (kind, session) in [
        ("here", here),
        ("two workers", two.session(&[])),
        ("three workers", three.session(&[])),
        (
            "three workers, small batches",
            three.session(&[("datafusion.execution.batch_size", "1000")]),
        ),
    ] {
        for name in TABLES {
            let view = format!("CREATE VIEW {name} AS SELECT * FROM '{}'", files(name));
            session.run(&view).await.unwrap();
        }
        for ((name, text), expected) in queries.iter().zip(&expected) {
            let expected = expected.as_ref();
            let expected = expected.unwrap_or_else(|error| panic!("{name}: DuckDB says: {error}"));
            // One query (q11's total, at some scales) may have no rows, but not all of them.
            let in_order = ORDERED.contains(&name.as_str());
            let difference = match answer(&session, text).await {
                Ok(answer) => answer.difference(expected, in_order),
                Err(error) => Some(error),
            };
            if let Some(difference) = difference {
                wrong.push(format!("{kind}: {name}: {difference}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} differ:\n\n{}", wrong.len(), wrong.join("\n\n"));
}
