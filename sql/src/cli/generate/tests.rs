use std::collections::BTreeMap;
use std::error::Error;
use std::fs::{self, File};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use clap::Parser;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::*;

type TestResult = Result<(), Box<dyn Error>>;

#[derive(Parser)]
struct Command {
    #[command(subcommand)]
    generate: GenerateArgs,
}

/// Runs `strata generate` with the words of `line`, and `--out`.
fn generate(line: &str, out: &Path) -> Result<Summary, Box<dyn Error>> {
    let words = ["generate"].into_iter().chain(line.split_whitespace()).map(Into::into);
    let out = ["--out".into(), out.as_os_str().to_owned()];
    let args = Command::try_parse_from(words.chain(out))?.generate;
    Ok(run_until(&args, &|_, _, _| {}, &AtomicBool::new(false))?)
}

/// A table's rows in the order of its files, and the number of row groups.
fn read(table: &Path) -> Result<(RecordBatch, usize), Box<dyn Error>> {
    let mut paths: Vec<_> =
        fs::read_dir(table)?.map(|e| Ok(e?.path())).collect::<Result<_, std::io::Error>>()?;
    paths.sort();
    let (mut batches, mut groups, mut schema) = (Vec::new(), 0, None);
    for path in paths {
        let reader = ParquetRecordBatchReaderBuilder::try_new(File::open(path)?)?;
        groups += reader.metadata().num_row_groups();
        schema = Some(reader.schema().clone());
        for batch in reader.build()? {
            batches.push(batch?);
        }
    }
    Ok((concat_batches(&schema.ok_or("no file")?, &batches)?, groups))
}

#[test]
fn tpch_has_the_rows_of_the_benchmark_however_it_is_cut() -> TestResult {
    let root = tempfile::tempdir()?;
    let (one, many) = (root.path().join("one"), root.path().join("many"));
    let summary = generate("tpch --scale 0.001 --threads 1", &one)?;
    let rows: BTreeMap<_, _> = summary.tables.iter().map(|t| (t.name.as_str(), t.rows)).collect();
    let expected = [
        ("customer", 150),
        ("lineitem", 6005),
        ("nation", 25),
        ("orders", 1500),
        ("part", 200),
        ("partsupp", 800),
        ("region", 5),
        ("supplier", 10),
    ];
    assert_eq!(rows, BTreeMap::from(expected));
    let summary = generate("tpch --scale 0.001 --threads 3 --parts 7", &many)?;
    for table in &summary.tables {
        let (whole, cut) = (read(&one.join(&table.name))?, read(&many.join(&table.name))?);
        assert_eq!(whole.0, cut.0, "{}", table.name);
        let files = if ["nation", "region"].contains(&table.name.as_str()) { 1 } else { 7 };
        assert_eq!((table.files, cut.1), (files, files as usize), "{}", table.name);
    }
    Ok(())
}

#[test]
fn the_first_line_item_is_the_benchmarks() -> TestResult {
    let root = tempfile::tempdir()?;
    generate("tpch --scale 0.01 --tables lineitem --format csv", root.path())?;
    let text = fs::read_to_string(root.path().join("lineitem/part-000.csv"))?;
    let mut lines = text.lines();
    assert!(
        lines.next().is_some_and(|l| l.starts_with("l_orderkey,l_partkey,l_suppkey,l_linenumber"))
    );
    let first = "1,1552,93,1,17.00,24710.35,0.04,0.02,N,O,1996-03-13,1996-02-12,1996-03-22,\
                 DELIVER IN PERSON,TRUCK,egular courts above the";
    assert_eq!(lines.next(), Some(first));
    assert_eq!(lines.count(), 60175 - 1);
    Ok(())
}

#[test]
fn a_seed_makes_the_same_h2o_data_for_any_number_of_threads() -> TestResult {
    let root = tempfile::tempdir()?;
    let path = |name: &str| root.path().join(name);
    generate("h2o --scale 0.02 --seed 7 --nulls 5 --threads 1", &path("one"))?;
    let summary = generate("h2o --scale 0.02 --seed 7 --nulls 5 --threads 5", &path("five"))?;
    generate("h2o --scale 0.02 --seed 8 --nulls 5", &path("other"))?;
    for table in &summary.tables {
        let file = |run: &str| fs::read(path(run).join(&table.name).join("part-000.parquet"));
        assert!(file("one")? == file("five")?, "{}", table.name);
        assert!(file("one")? != file("other")?, "{}", table.name);
    }
    let sizes: Vec<_> = summary.tables.iter().map(|t| (t.name.as_str(), t.rows)).collect();
    let expected = [
        ("h2o_x", 200_000),
        ("j_x", 200_000),
        ("j_big", 200_000),
        ("j_medium", 200),
        ("j_small", 10),
    ];
    assert_eq!(sizes, expected);
    Ok(())
}

#[test]
fn nulls_are_the_share_asked_for() -> TestResult {
    let root = tempfile::tempdir()?;
    generate("h2o --scale 0.01 --nulls 20 --tables h2o_x", root.path())?;
    let (rows, _) = read(&root.path().join("h2o_x"))?;
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        // Of ids, a fifth of the values: of a hundred, some more or fewer.
        let share = column.null_count() as f64 / rows.num_rows() as f64;
        assert!((0.08..0.32).contains(&share), "{}: {share}", field.name());
    }
    Ok(())
}

#[test]
fn stopped_nothing_stays() -> TestResult {
    let root = tempfile::tempdir()?;
    let out = root.path().join("data");
    let words = ["generate", "h2o", "--scale", "0.1", "--out"].map(std::ffi::OsString::from);
    let args = Command::try_parse_from(words.into_iter().chain([out.into()]))?.generate;
    let (stop, seen) = (AtomicBool::new(false), AtomicU64::new(0));
    let progress = |_: &str, done: u64, total: u64| {
        assert!(done <= total);
        seen.fetch_add(1, Ordering::Relaxed);
        stop.store(done > 100_000, Ordering::Relaxed);
    };
    let ended = run_until(&args, &progress, &stop);
    assert!(matches!(ended, Err(GenerateError::Interrupted)));
    assert!(seen.into_inner() > 10);
    assert_eq!(fs::read_dir(root.path())?.count(), 0);
    Ok(())
}

#[test]
fn what_cannot_be_made_is_told() -> TestResult {
    let root = tempfile::tempdir()?;
    let error = |line: &str, out: &Path| match generate(line, out) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    for scale in ["0", "-1", "NaN", "inf", "1e9"] {
        let told = error(&format!("tpch --scale={scale}"), root.path());
        assert!(told.contains("out of range"), "{told}");
    }
    let told = error("tpch --scale 1 --tables orders,cats", root.path());
    assert!(told.contains("'cats'") && told.contains("lineitem, orders"), "{told}");
    let file = root.path().join("file");
    fs::write(&file, "")?;
    let told = error("h2o --scale 0.001", &file);
    assert!(told.ends_with("an --out that is a folder"), "{told}");
    generate("tpch --scale 0.001 --tables region", root.path())?;
    let told = error("tpch --scale 0.001 --tables region", root.path());
    assert!(told.contains("region' is not empty") && told.contains("--force"), "{told}");
    generate("tpch --scale 0.001 --tables region --force", root.path())?;
    Ok(())
}
