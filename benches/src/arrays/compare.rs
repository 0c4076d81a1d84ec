//! Which cases are run, and in which order: each engine in turn, so that what disturbs the machine disturbs
//! all of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use clap::Args;

use super::case::{Case, Scale};
use super::run::{Place, Took};
use super::store::Store;
use super::{CASES, Result, run, table};

/// Who may be measured.
const ENGINES: &str = "strata,loop,dask,numcodecs,xarray,xarray_sql,numpy";

/// Measures arrays beside Dask, Xarray and NumPy.
#[derive(Debug, Args)]
#[command(
    after_help = "Each case runs in a process of its own, engine after engine, again and again; each \
    process first does the work at a tiny scale. The table has medians. Peers are Python packages: \
    `python -m pip install -r benches/requirements-arrays.txt`. A peer that is not there is skipped."
)]
pub struct Arguments {
    /// Only these cases, as in A1,A11; those that take many minutes are run only if they are named
    #[arg(long, value_delimiter = ',', value_name = "LIST")]
    only: Vec<String>,
    /// Only these engines; ratios refer to Strata
    #[arg(long, value_delimiter = ',', value_name = "LIST", default_value = ENGINES)]
    engines: Vec<String>,
    /// How much there is to do
    #[arg(long, value_enum, default_value = "full")]
    scale: Scale,
    /// Where the stores lie; those that are missing are made, as far as the cases read them (see benches/README.md)
    #[arg(long, value_name = "FOLDER", default_value = "target/bench-data")]
    data: PathBuf,
    /// Runs of each
    #[arg(long, value_name = "N", default_value_t = 3)]
    runs: usize,
    /// Threads of every engine [default: the machine's]
    #[arg(long, value_name = "N")]
    threads: Option<usize>,
    /// The Python that has the peers
    #[arg(long, env = "STRATA_PYTHON", value_name = "PATH", default_value = "python3")]
    python: PathBuf,
    /// Give up on a run after so many seconds, ten times as many where it takes many minutes
    #[arg(long, value_name = "S", default_value_t = 300)]
    timeout: u64,
    /// All figures, for machines
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// What an engine took for a case, in all runs, or why it did not.
#[derive(Debug)]
pub(super) struct Row {
    pub(super) case: &'static str,
    pub(super) engine: String,
    pub(super) took: std::result::Result<Vec<Took>, String>,
}

/// Compares, and prints the table.
pub fn compare(arguments: &Arguments) -> Result<ExitCode> {
    let cases = chosen(&arguments.only)?;
    for engine in &arguments.engines {
        if !ENGINES.split(',').any(|name| name == engine) {
            let engines = ENGINES.replace(',', ", ");
            return Err(format!("there is no engine '{engine}': choose from {engines}").into());
        }
    }
    let threads = arguments
        .threads
        .unwrap_or_else(|| std::thread::available_parallelism().map_or(2, usize::from))
        .max(1);
    let place = Place {
        python: arguments.python.clone(),
        data: arguments.data.clone(),
        out: arguments.data.join(format!("written-{}", std::process::id())),
        scale: arguments.scale,
        threads,
        timeout: Duration::from_secs(arguments.timeout),
    };
    prepare(&place, &cases)?;
    let missing = missing(&place.python, &arguments.engines);
    let mut rows = Vec::new();
    for case in cases {
        let engines = std::iter::once("strata").chain(case.peers.iter().copied());
        let asked = engines.filter(|engine| arguments.engines.iter().any(|name| name == engine));
        let asked: Vec<&str> = asked.collect();
        let (skipped, asked): (Vec<&str>, Vec<&str>) =
            asked.into_iter().partition(|engine| missing.iter().any(|name| name == engine));
        let mut measured = measure(&place, case, &asked, arguments.runs.max(1));
        let why = |engine: &str| format!("skipped: {} has no {engine}", place.python.display());
        measured.extend(skipped.into_iter().map(|engine| Row {
            case: case.name,
            engine: engine.to_string(),
            took: Err(why(engine)),
        }));
        table::print(case, &measured, arguments.scale, rows.is_empty());
        rows.extend(measured);
    }
    if arguments.only.is_empty() {
        let long: Vec<&str> = CASES.iter().filter(|case| case.long).map(|case| case.name).collect();
        let long = long.join(",");
        println!("\nNot run, for they take many minutes: {long}. `--only {long}` runs them.");
    }
    if let Some(path) = &arguments.json {
        std::fs::write(path, table::json(&rows).to_string())?;
    }
    Ok(ExitCode::SUCCESS)
}

fn chosen(only: &[String]) -> Result<Vec<&'static Case>> {
    if only.is_empty() {
        return Ok(CASES.iter().filter(|case| !case.long).copied().collect());
    }
    let find = |name: &String| {
        let found = CASES.iter().find(|case| case.name.eq_ignore_ascii_case(name)).copied();
        found.ok_or_else(|| {
            let names: Vec<&str> = CASES.iter().map(|case| case.name).collect();
            format!("there is no case '{name}': the cases are {}", names.join(", ")).into()
        })
    };
    only.iter().map(find).collect()
}

/// Makes the stores that are missing, and reads them once, so that the first engine does not pay for the disk.
fn prepare(place: &Place, cases: &[&Case]) -> Result<()> {
    std::fs::create_dir_all(&place.data)?;
    let stores: BTreeMap<&str, Store> =
        cases.iter().filter_map(|case| case.store).map(|store| (store.name, store)).collect();
    if stores.is_empty() {
        return Ok(());
    }
    let runtime = tokio::runtime::Runtime::new()?;
    let session = run::session(place.threads, &[])?;
    for store in stores.values() {
        for scale in [Scale::Tiny, place.scale] {
            runtime.block_on(store.ensure(&session, &place.data, scale))?;
        }
        warm(&store.path(&place.data, place.scale))?;
    }
    Ok(())
}

fn warm(folder: &Path) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => warm(&path)?,
            false => {
                std::io::copy(&mut std::fs::File::open(path)?, &mut std::io::sink())?;
            }
        }
    }
    Ok(())
}

/// The packages that this Python lacks.
fn missing(python: &Path, engines: &[String]) -> Vec<String> {
    let has = |engine: &str| {
        // Dask's arrays, and the stores that both read.
        let needed = format!("import numpy, zarr, {engine}");
        let tried = Command::new(python).args(["-c", &needed]).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let peers = engines.iter().filter(|engine| !["strata", "loop"].contains(&engine.as_str()));
    peers.filter(|engine| !has(engine)).cloned().collect()
}

fn measure(place: &Place, case: &Case, engines: &[&str], runs: usize) -> Vec<Row> {
    let mut rows: Vec<Row> = engines
        .iter()
        .map(|engine| Row { case: case.name, engine: (*engine).to_string(), took: Ok(Vec::new()) })
        .collect();
    for _ in 0..runs {
        for row in &mut rows {
            // What failed once is not tried again.
            let Ok(took) = &mut row.took else { continue };
            match place.run(case, &row.engine) {
                Ok(one) => took.push(one),
                Err(error) => row.took = Err(format!("failed: {error}")),
            }
        }
    }
    rows
}
