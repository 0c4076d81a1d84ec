//! Writing: what is written is read back, by Strata and by others; a target shows all of a write or
//! nothing of it, whatever happens on the way.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use datafusion::execution::context::SessionContext;
use futures::StreamExt;
use strata::RunText;
use strata_engine::{LocalRunner, Runner};
use strata_tests::answer::{Answer, Cell};
use strata_tests::command::{Killed, strata};
use strata_tests::oracle::{Grain, answer};
use strata_tests::python::python_with;

fn session() -> SessionContext {
    Grain { batch_size: 8192, partitions: 3 }.session()
}

/// Columns that every format keeps, with NULLs; a text has what CSV must quote.
fn rows(count: u64) -> String {
    format!(
        "SELECT value AS id, CASE WHEN value % 7 > 0 THEN value / 4.0 END AS r, \
         CASE WHEN value % 5 > 0 THEN concat('w\"', CAST(value % 11 AS VARCHAR), ', Zürich', chr(10), '日本') END AS t, \
         value % 3 = 0 AS b, DATE '2024-01-01' + CAST(value % 400 AS INTEGER) AS d \
         FROM range(0, {count})"
    )
}

/// Runs a statement to its end.
async fn run(session: &SessionContext, text: &str) {
    answer(session, text).await.unwrap_or_else(|error| panic!("{text}: {error}"));
}

async fn same(session: &SessionContext, got: &str, wanted: &str) {
    let got_rows = answer(session, got).await.unwrap_or_else(|error| panic!("{got}: {error}"));
    let wanted_rows = answer(session, wanted).await.unwrap();
    assert_eq!(got_rows.names, wanted_rows.names, "{got}");
    if let Some(difference) = got_rows.difference(&wanted_rows, false) {
        panic!("{got}: {difference}");
    }
}

/// Names of everything in a folder and beneath it. What goes while we look is not there.
fn listed(folder: &Path) -> BTreeSet<PathBuf> {
    let mut all = BTreeSet::new();
    let entries = match std::fs::read_dir(folder) {
        Err(gone) if gone.kind() == std::io::ErrorKind::NotFound => return all,
        entries => entries.unwrap(),
    };
    for entry in entries {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(listed(&path));
        }
        all.insert(path);
    }
    all
}

/// Names, and what else is to be said.
const FORMATS: [(&str, &str); 14] = [
    ("x.parquet", ""),
    ("snappy.parquet", "OPTIONS (compression 'snappy')"),
    ("zstd.parquet", "OPTIONS (compression 'zstd(3)')"),
    ("gzip.parquet", "OPTIONS (compression 'gzip(6)')"),
    ("lz4.parquet", "OPTIONS (compression 'lz4_raw')"),
    ("brotli.parquet", "OPTIONS (compression 'brotli(4)')"),
    ("plain.parquet", "OPTIONS (compression 'uncompressed')"),
    ("x.arrow", ""),
    ("x.csv", ""),
    ("x.csv.gz", ""),
    ("x.csv.zst", ""),
    ("x.csv.bz2", ""),
    ("x.csv.xz", ""),
    ("x.tsv", ""),
];
const JSON_FORMATS: [&str; 4] = ["x.json", "x.ndjson.gz", "x.json.zst", "x.jsonl.bz2"];

#[tokio::test(flavor = "multi_thread")]
async fn every_format_and_compression_is_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let formats = FORMATS.iter().copied().chain(JSON_FORMATS.map(|name| (name, "")));
    for (name, options) in formats {
        for count in [1000, 1] {
            let path = folder.path().join(name);
            let path = path.display();
            run(&session, &format!("COPY ({}) TO '{path}' {options}", rows(count))).await;
            let columns = if JSON_FORMATS.contains(&name) {
                "id, r, t, b, CAST(d AS DATE) AS d"
            } else {
                "*"
            };
            // A single row's NULLs tell no type, and its `r` is 0: only where types are kept.
            let columns = match (count, name.ends_with(".parquet") || name.ends_with(".arrow")) {
                (1, false) => "id, b",
                _ => columns,
            };
            let wanted = rows(count).replacen("SELECT", "SELECT * FROM (SELECT", 1) + ")";
            let wanted = match columns {
                "id, b" => wanted.replacen("*", "id, b", 1),
                _ => wanted,
            };
            same(&session, &format!("SELECT {columns} FROM '{path}'"), &wanted).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_rows_are_a_file_of_columns() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    for name in ["x.parquet", "x.arrow", "x.csv", "x.csv.gz", "x.tsv", "x.csv.zst"] {
        let path = folder.path().join(name);
        let path = path.display();
        run(&session, &format!("COPY ({}) TO '{path}'", rows(0))).await;
        let read = answer(&session, &format!("SELECT * FROM '{path}'")).await.unwrap();
        assert_eq!(read.names, ["id", "r", "t", "b", "d"], "{name}");
        assert!(read.rows.is_empty(), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn partitions_of_any_value_are_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    run(
        &session,
        "CREATE TABLE odd AS SELECT * FROM (VALUES (1, 'plain', 1), (2, NULL, 1), (3, 'a b', NULL), \
         (4, 'x/y', 2), (5, 'k=v', 2), (6, '100%', 3), (7, 'Zürich', 3), (8, 'a%2Fb', 4), \
         (9, '..', 4), (10, 'it''s', 5), (11, 'semi;#?&', 5), (12, 'plain', 6)) AS t(id, p, q)",
    )
    .await;
    for (format, keys) in
        [("parquet", "p"), ("csv", "p"), ("json", "p"), ("arrow", "p"), ("parquet", "p, q")]
    {
        let target = folder.path().join(format!("{format}_{}", keys.len()));
        let target = target.display();
        run(
            &session,
            &format!("COPY odd TO '{target}/' STORED AS {format} PARTITIONED BY ({keys})"),
        )
        .await;
        same(&session, &format!("SELECT id, p, q FROM '{target}/'"), "SELECT id, p, q FROM odd")
            .await;
        let chosen = answer(&session, &format!("SELECT id FROM '{target}/' WHERE p = 'x/y'")).await;
        assert_eq!(chosen.unwrap().rows, [[Cell::Int(4)]], "{format} by {keys}");
        let nulls = answer(&session, &format!("SELECT id FROM '{target}/' WHERE p IS NULL")).await;
        assert_eq!(nulls.unwrap().rows, [[Cell::Int(2)]], "{format} by {keys}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn folders_are_refused_added_to_or_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let target = folder.path().join("t");
    let target = target.display().to_string();
    let count = |n: i128| vec![vec![Cell::Int(n)]];
    let read = format!("SELECT count(*) AS n FROM '{target}/'");
    run(&session, &format!("COPY ({}) TO '{target}/'", rows(10))).await;
    let refused = answer(&session, &format!("COPY ({}) TO '{target}/'", rows(5))).await;
    let refused = refused.unwrap_err();
    assert!(refused.contains("append") && refused.contains("overwrite"), "{refused}");
    assert_eq!(answer(&session, &read).await.unwrap().rows, count(10));
    run(&session, &format!("COPY ({}) TO '{target}/' OPTIONS (append true)", rows(5))).await;
    assert_eq!(answer(&session, &read).await.unwrap().rows, count(15));
    run(&session, &format!("COPY ({}) TO '{target}/' OPTIONS (overwrite true)", rows(3))).await;
    assert_eq!(answer(&session, &read).await.unwrap().rows, count(3));
    run(&session, &format!("range(0, 4).write('{target}/', overwrite => true)")).await;
    assert_eq!(answer(&session, &read).await.unwrap().rows, count(4));
    run(&session, &format!("range(0, 4).write('{target}/', append => true)")).await;
    assert_eq!(answer(&session, &read).await.unwrap().rows, count(8));
    // A failed overwrite leaves what was there.
    let failing = format!(
        "COPY (SELECT 10 / (value - 50000) AS value FROM range(0, 100000)) TO '{target}/' \
         OPTIONS (overwrite true)"
    );
    let before = listed(folder.path());
    assert!(answer(&session, &failing).await.is_err());
    assert_eq!(listed(folder.path()), before);
    assert_eq!(answer(&session, &read).await.unwrap().rows, count(8));
}

#[tokio::test(flavor = "multi_thread")]
async fn tables_of_files_and_tables_in_memory_take_rows() {
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    for format in ["parquet", "csv", "json", "arrow"] {
        let target = folder.path().join(format);
        std::fs::create_dir(&target).unwrap();
        let create = format!(
            "CREATE EXTERNAL TABLE f_{format} (id BIGINT, t VARCHAR) STORED AS {format} LOCATION '{}/'",
            target.display()
        );
        run(&session, &create).await;
        run(&session, &format!("INSERT INTO f_{format} VALUES (1, 'a'), (2, NULL)")).await;
        run(&session, &format!("INSERT INTO f_{format} SELECT value, 'b' FROM range(3, 6)")).await;
        same(
            &session,
            &format!("SELECT id, CASE WHEN id <> 2 THEN t END AS t FROM f_{format}"),
            "SELECT * FROM (VALUES (1, 'a'), (2, NULL), (3, 'b'), (4, 'b'), (5, 'b')) AS v(id, t)",
        )
        .await;
    }
    run(&session, &format!("CREATE TABLE kept AS {}", rows(500))).await;
    same(&session, "SELECT * FROM kept", &rows(500)).await;
    run(&session, "INSERT INTO kept SELECT * FROM kept WHERE id < 100").await;
    let n = answer(&session, "SELECT count(*) AS n FROM kept").await.unwrap();
    assert_eq!(n.rows, [[Cell::Int(600)]]);
    run(&session, "CREATE TABLE none AS SELECT * FROM kept WHERE false").await;
    let none = answer(&session, "SELECT * FROM none").await.unwrap();
    assert_eq!((none.names.len(), none.rows.len()), (5, 0));
}

/// A file that is replaced again and again: a reader sees one writing of it, whole. It reads with
/// one task: several open the file for themselves, perhaps on both sides of a replacement.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn readers_see_one_whole_write() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["x.parquet", "x.csv"] {
        let path = folder.path().join(name).display().to_string();
        let writer = session();
        // Each writing has rows of its own number, and as many as that tells.
        let write = |turn: u64| {
            format!(
                "COPY (SELECT {turn} AS turn, value AS id FROM range(0, {})) TO '{path}'",
                2000 + turn * 100
            )
        };
        run(&writer, &write(0)).await;
        let done = Arc::new(AtomicBool::new(false));
        let reader = {
            let (path, done) = (path.clone(), Arc::clone(&done));
            tokio::spawn(async move {
                let session = Grain { batch_size: 8192, partitions: 1 }.session();
                let sql = format!(
                    "SELECT min(turn) AS a, max(turn) AS z, count(*) AS n, \
                     count(DISTINCT id) AS ids FROM '{path}'"
                );
                let (mut seen, mut failed) = (BTreeSet::new(), Vec::new());
                while !done.load(Ordering::Relaxed) || seen.is_empty() {
                    match answer(&session, &sql).await {
                        Ok(Answer { rows, .. }) => seen.insert(format!("{:?}", rows[0])),
                        Err(error) => {
                            failed.push(error);
                            continue;
                        }
                    };
                }
                (seen, failed)
            })
        };
        for turn in 1..=40 {
            run(&writer, &write(turn)).await;
        }
        done.store(true, Ordering::Relaxed);
        let (seen, failed) = reader.await.unwrap();
        let whole = |turn: u64| {
            let n = i128::from(2000 + turn * 100);
            let turn = Cell::Int(turn.into());
            format!("{:?}", [turn.clone(), turn, Cell::Int(n), Cell::Int(n)])
        };
        let possible: BTreeSet<String> = (0..=40).map(whole).collect();
        let torn: Vec<_> = seen.difference(&possible).collect();
        assert!(torn.is_empty(), "{name}: {torn:?}");
        // A file that is replaced between two steps of a read fails the read, and is named.
        let unnamed = failed.iter().find(|error| !error.contains(&path));
        assert!(unnamed.is_none(), "{name}: {}", unnamed.unwrap());
    }
}

/// More rows than any test waits for, hard to compress.
const ENDLESS: &str = "SELECT value, random() AS a, random() AS b, random() AS c, random() AS d, \
                       random() AS e, random() AS f, random() AS g FROM range(0, 1000000000)";
/// Parquet is written a row group at a time.
const SMALL_GROUPS: &str =
    "OPTIONS (max_row_group_size '20000', dictionary_enabled 'false', compression 'uncompressed')";

/// Half of a large COPY, and no more.
#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_is_dropped_half_way_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for target in ["x.csv", "x.parquet", "parts/", "deep/er/x.csv.gz"] {
        let session = session();
        let path = folder.path().join(target);
        let copy = format!(
            "COPY ({ENDLESS}) TO '{}{}' {}",
            path.display(),
            if target.ends_with('/') { "/" } else { "" },
            match target {
                "parts/" => "STORED AS csv",
                "x.parquet" => SMALL_GROUPS,
                _ => "",
            }
        );
        let plan = session.run(&copy).await.unwrap().into_unoptimized_plan();
        let mut execution = LocalRunner.run(&session, plan).await.unwrap();
        let started = Instant::now();
        // Until the write is under way: something is on disk that no listing shows.
        while listed(folder.path()).iter().all(|path| !path.is_file()) {
            let polled =
                tokio::time::timeout(Duration::from_millis(1), execution.stream.next()).await;
            assert!(polled.is_err(), "{target}: the write is over");
            assert!(started.elapsed() < Duration::from_secs(60), "{target}: nothing is written");
        }
        assert!(!path.is_file(), "{target} shows");
        drop(execution);
        // Writers that were busy notice at their next step.
        while !listed(folder.path()).is_empty() {
            tokio::task::yield_now().await;
            let left = listed(folder.path());
            assert!(started.elapsed() < Duration::from_secs(60), "{target}: {left:?} stay");
        }
    }
}

/// A process that is killed leaves nothing under the name it was writing to.
#[test]
fn a_killed_process_leaves_nothing_under_its_targets_name() {
    let home = tempfile::tempdir().unwrap();
    let old = home.path().join("old.csv");
    std::fs::write(&old, "value\n1\n").unwrap();
    for target in ["old.csv", "new.csv", "new.parquet", "parts/"] {
        let copy = format!(
            "COPY ({ENDLESS}) TO '{target}' {}",
            match target {
                "parts/" => "STORED AS csv",
                "new.parquet" => SMALL_GROUPS,
                _ => "",
            }
        );
        let before = listed(home.path());
        let mut child = Killed(
            strata(env!("CARGO_BIN_EXE_strata-under-test"), home.path())
                .args(["-c", &copy])
                .spawn()
                .unwrap(),
        );
        let started = Instant::now();
        let grown = || {
            let new: Vec<PathBuf> = listed(home.path()).difference(&before).cloned().collect();
            new.iter().any(|path| path.metadata().is_ok_and(|m| m.is_file() && m.len() > 0))
        };
        while !grown() {
            assert!(started.elapsed() < Duration::from_secs(60), "{target}: nothing is written");
            assert!(child.0.try_wait().unwrap().is_none(), "{target}: the process has ended");
            std::thread::yield_now();
        }
        drop(child);
        let shown: Vec<PathBuf> = listed(home.path())
            .difference(&before)
            .filter(|path| path.is_file())
            .filter(|path| !path.file_name().unwrap().to_str().unwrap().starts_with('.'))
            .cloned()
            .collect();
        assert!(shown.is_empty(), "{target}: {shown:?}");
        assert_eq!(std::fs::read_to_string(&old).unwrap(), "value\n1\n");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn others_read_what_is_written() {
    let (Some(duckdb), Some(pyarrow)) = (python_with("duckdb"), python_with("pyarrow")) else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let session = session();
    let formats = FORMATS.iter().filter(|(name, _)| !name.ends_with("2") && !name.ends_with("xz"));
    let mut for_duckdb = Vec::new();
    let mut for_pyarrow = Vec::new();
    for (name, options) in formats.copied().chain([("x.json", ""), ("x.ndjson.gz", "")]) {
        let path = folder.path().join(name).display().to_string();
        run(&session, &format!("COPY ({}) TO '{path}' {options}", rows(1000))).await;
        let by_duckdb = if name.contains("json") {
            Some(format!("read_json('{path}')"))
        } else if name.contains("csv") || name.contains("tsv") {
            let delimiter = if name.contains("tsv") { "\\t" } else { "," };
            Some(format!("read_csv('{path}', header=true, delim='{delimiter}', quote='\"')"))
        } else if name.ends_with("parquet") {
            Some(format!("read_parquet('{path}')"))
        } else {
            None
        };
        for_duckdb.extend(by_duckdb.map(|source| format!("SELECT id, r, t, b, d FROM {source}")));
        if name.ends_with("parquet") || name.ends_with("arrow") {
            for_pyarrow.push(path);
        }
    }
    let parts = folder.path().join("parts").display().to_string();
    run(
        &session,
        &format!(
            "COPY (SELECT id, r, t, d, b FROM ({})) TO '{parts}/' PARTITIONED BY (b)",
            rows(1000)
        ),
    )
    .await;
    for_duckdb.push(format!(
        "SELECT id, r, t, b::BOOLEAN AS b, d FROM read_parquet('{parts}/**/*.parquet', hive_partitioning=true)"
    ));
    let wanted = answer(&session, &rows(1000)).await.unwrap();
    let asked = for_duckdb.iter().zip(duckdb.ask(&[], &for_duckdb));
    for (question, read) in asked.chain(for_pyarrow.iter().zip(pyarrow.ask(&[], &for_pyarrow))) {
        let read = read.unwrap_or_else(|error| panic!("{question}: {error}"));
        assert_eq!(read.names, wanted.names, "{question}");
        if let Some(difference) = read.difference(&wanted, false) {
            panic!("{question}: {difference}");
        }
    }
}
