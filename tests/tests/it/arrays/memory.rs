//! Memory as a promise: what arrays much larger than the limit take, in a process of their own, is no more
//! than `EXPLAIN LAYERS` says; and what cannot fit is refused before it starts, with what would fit.

use std::path::Path;

use strata::{RunText, Settings};
use strata_engine::{LayerGraph, Origin};
use strata_tests::command::{run_for_peak, strata};
use strata_tests::pool::{Shape, TestPool};

const MIB: u64 = 1 << 20;

fn session(limit: &str) -> datafusion::prelude::SessionContext {
    let mut settings = Settings::default();
    for (name, value) in [("memory.limit", limit), ("datafusion.execution.target_partitions", "2")]
    {
        settings.set(name, value, Origin::Session).unwrap();
    }
    strata::session(settings).unwrap()
}

async fn layers(limit: &str, text: &str) -> Result<LayerGraph, String> {
    let planned = async {
        let frame = session(limit).run(text).await?;
        Ok::<_, strata::Error>(LayerGraph::of(&frame.create_physical_plan().await?)?)
    };
    planned.await.map_err(|error| error.to_string())
}

/// What all tasks of all layers hold, if they hold it at the same time.
fn projected(graph: &LayerGraph) -> u64 {
    let of = |layer: &strata_engine::Layer| {
        let memory = layer.estimate.memory.expect("every layer of an array knows its memory");
        memory.bytes * layer.tasks as u64
    };
    graph.layers().iter().map(of).sum()
}

/// The peak of a process that runs a text within a limit.
#[cfg(target_os = "linux")]
fn observed(home: &Path, limit: &str, text: &str) -> u64 {
    let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home);
    command.args(["-c", text, "--memory", limit, "--threads", "2", "--quiet"]);
    let ran = run_for_peak(command, home);
    let complaint = String::from_utf8_lossy(&ran.output.stderr).into_owned();
    assert!(ran.output.status.success(), "{text}: {complaint}");
    ran.peak
}

#[cfg(target_os = "linux")]
#[tokio::test(flavor = "multi_thread")]
async fn no_more_is_taken_than_was_projected() {
    const LIMIT: &str = "256MiB";
    let home = tempfile::tempdir().unwrap();
    // 512 MiB, in chunks of 8; and as much in a store, in chunks of 16.
    let large = "x = ones(8192, 8192, chunks => 1024);";
    let store = home.path().join("store.zarr").display().to_string();
    let save = format!("{large} x.rechunk(256, 8192).save('{store}')");
    let base = observed(home.path(), LIMIT, "arange(3)");
    let saved = observed(home.path(), LIMIT, &save);
    // The allocator keeps a little.
    assert!(saved < (256 + 24) * MIB, "saving took {} MiB", saved / MIB);
    let read = format!("x = zarr('{store}');");
    let mut told = Vec::new();
    for text in [
        format!("{large} x.sum(0, 1)"),
        format!("{large} (x + x.transpose()).max(0)"),
        format!("{large} (x - x.mean(0)).std(1)"),
        format!("{read} x.mean(0)"),
        format!("{read} (x - x.mean(0)).std(1)"),
        format!("{read} (x[::2, ::-1] * 2).max(1)"),
        format!("{read} x[:1024, :1024].richardson_lucy(ones(5, 5) / 25, iterations => 2).max(1)"),
    ] {
        let graph = layers(LIMIT, &text).await.unwrap();
        let projected = projected(&graph);
        let peak = observed(home.path(), LIMIT, &text).saturating_sub(base);
        let line = format!(
            "{text}: projected {} MiB, observed {} MiB above {}",
            projected / MIB,
            peak / MIB,
            base / MIB
        );
        println!("{line}");
        told.push((projected, peak, line));
    }
    for (projected, peak, line) in told {
        // The allocator keeps a little; and what promises everything promises nothing.
        assert!(peak <= projected + projected / 4 + 24 * MIB, "{line}");
        assert!(projected <= 4 * peak + 64 * MIB, "{line}");
        assert!(projected < 256 * MIB, "{line}");
    }
}

#[tokio::test]
async fn what_cannot_fit_is_refused_before_it_starts_with_what_would() {
    // Each takes itself and what it is added to, 128 MiB, of 85 MiB that there are.
    let text = "x = random_normal(40960, 4096, chunks => (4096, 4096)); (x + x[::-1]).sum(0, 1)";
    let error = layers("128MiB", text).await.unwrap_err();
    for wanted in ["[4096, 4096]", "chunks of (", "rechunk(", "memory.limit"] {
        assert!(error.contains(wanted), "'{wanted}' is missing: {error}");
    }
    // What it says would fit does.
    let (_, fits) = error.split_once("chunks of (").unwrap();
    let (fits, _) = fits.split_once(')').unwrap();
    let again = text.replace("(4096, 4096)", &format!("({fits})"));
    assert_ne!(again, text);
    let graph = layers("128MiB", &again).await.unwrap();
    assert!(projected(&graph) < 128 * MIB, "{}", projected(&graph));
    // One fits, and two do not: one at a time.
    let text = "random_normal(40960, 4096, chunks => (2400, 4096)).sum(0, 1)";
    let graph = layers("192MiB", text).await.unwrap();
    assert!(graph.layers().iter().all(|layer| layer.tasks == 1), "{graph:?}");
    assert!(projected(&graph) < 192 * MIB, "{}", projected(&graph));
}

/// What a process says that is refused what it wants.
fn refused(home: &Path, limit: &str, text: &str) -> String {
    let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home);
    command.args(["-c", text, "--memory", limit, "--threads", "2", "--quiet"]);
    let output = command.output().unwrap();
    assert!(!output.status.success(), "{text} was done within {limit}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Asserts that texts run within a limit, in no more memory than that above what a process takes that does
/// nothing; each beside a few MiB that the allocator keeps.
#[cfg(target_os = "linux")]
fn run_within(home: &Path, limit: u64, texts: &[String]) {
    let shown = format!("{limit}MiB");
    let base = observed(home, &shown, "arange(3)");
    for text in texts {
        let peak = observed(home, &shown, text).saturating_sub(base);
        println!("{text}: {} MiB above {}", peak / MIB, base / MIB);
        assert!(peak < (limit + 24) * MIB, "{text} took {} MiB of {limit}", peak / MIB);
    }
}

#[cfg(target_os = "linux")]
#[test]
fn writers_and_tasks_share_the_memory() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).display().to_string();
    // Chunks of 6 MiB, written in 22 each, with 43 for all.
    let large = "x = ones(6400, 2048, chunks => (384, 2048));";
    let texts = [
        format!("{large} x.save('{}')", at("plain.zarr")),
        format!("{large} x.save('{}')", at("plain.npy")),
        format!("{large} x.transpose().save('{}')", at("turned.zarr")),
    ];
    run_within(home.path(), 64, &texts);
    let sum = |store: &str| format!("zarr('{}').sum(0, 1)", at(store));
    let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home.path());
    let output = command.args(["-c", &sum("turned.zarr")]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("13107200"), "{output:?}");
}

#[test]
fn what_cannot_be_written_is_refused_before_the_store_is_touched() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("there.zarr").display().to_string();
    let small = format!("arange(10).save('{store}')");
    let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home.path());
    assert!(command.args(["-c", &small]).status().unwrap().success());
    // Chunks of 16 MiB: one is written in 52, and 43 are there.
    let large = "ones(8192, 1024, chunks => (2048, 1024))";
    for (ending, more) in [("there.zarr", ", overwrite => true"), ("new.zarr", "")] {
        let to = home.path().join(ending).display().to_string();
        let error = refused(home.path(), "64MiB", &format!("{large}.save('{to}'{more})"));
        for wanted in ["writing a chunk", "room for", "smaller chunks", "memory.limit"] {
            assert!(error.contains(wanted), "'{wanted}' is missing: {error}");
        }
    }
    assert!(!home.path().join("new.zarr").exists());
    let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home.path());
    let output = command.args(["-c", &format!("zarr('{store}').sum()")]).output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("45"), "{output:?}");
}

#[cfg(target_os = "linux")]
#[test]
fn stores_are_cut_otherwise_within_little_memory() {
    let home = tempfile::tempdir().unwrap();
    let at = |name: &str| home.path().join(name).display().to_string();
    let (store, other) = (at("store.zarr"), at("other.zarr"));
    let save = format!("random_normal(4000, 4000, chunks => 500).save('{store}')");
    let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home.path());
    assert!(command.args(["-c", &save]).status().unwrap().success());
    // 122 MiB, of which 43 may be reserved.
    let texts = [
        format!("zarr('{store}').rechunk(4000, 50).save('{other}')"),
        format!("zarr('{store}').reshape(-1)[::1000].sum()"),
        format!("x = zarr('{store}'); x[x > 4.5].count()"),
    ];
    run_within(home.path(), 64, &texts);
    let answer = |text: String| {
        let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home.path());
        let output = command.args(["-c", &text, "--quiet"]).output().unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    let same = answer(format!("(zarr('{store}') == zarr('{other}')).sum()"));
    assert!(same.contains("16000000"), "{same}");
}

#[cfg(target_os = "linux")]
#[test]
fn places_of_masks_are_counted() {
    let home = tempfile::tempdir().unwrap();
    let mask = "random_uniform(12000000, chunks => 1000000) > 0.5";
    let text = format!("x = ones(12000000, chunks => 1000000); x[{mask}].count()");
    // Half of them are places of 8 bytes.
    run_within(home.path(), 128, std::slice::from_ref(&text));
    let error = refused(home.path(), "64MiB", &text);
    for wanted in ["a mask is true at 6", "where(", "memory.limit"] {
        assert!(error.contains(wanted), "'{wanted}' is missing: {error}");
    }
}

#[test]
fn what_is_different_is_found_by_one_task_where_two_have_no_room() {
    let home = tempfile::tempdir().unwrap();
    // Most of the values are found by each of two tasks.
    let values = "random_integers(8, 500000, low => 0, high => 600000, chunks => (1, 500000))";
    let text = format!("{values}.unique().count()");
    let mut command = strata(env!("CARGO_BIN_EXE_strata-under-test"), home.path());
    command.args(["-c", &text, "--memory", "100MiB", "--threads", "2", "--quiet"]);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = "random_uniform(8000000, chunks => 500000).unique()";
    let error = refused(home.path(), "128MiB", text);
    for wanted in ["different values are too many", "round", "memory.limit"] {
        assert!(error.contains(wanted), "'{wanted}' is missing: {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_writes_what_a_pool_makes_has_the_memory_before_it_is_made() {
    let home = tempfile::tempdir().unwrap();
    let store = home.path().join("large.zarr");
    let pool = TestPool::here(Shape { workers: 1, cores: 1 }).await;
    let save = |length: u64| {
        let (all, store) = (2 * length, store.display());
        format!("random_uniform({all}, 1000, chunks => ({length}, 1000)).save('{store}')")
    };
    // Here are 43 MiB, and each chunk takes 23, as it comes, as it is stored, and packed.
    let session = pool.session(&[("memory.limit", "64MiB")]);
    let error = session.run(&save(3000)).await.unwrap_err().to_string();
    for wanted in ["writing a chunk", "smaller chunks", "memory.limit"] {
        assert!(error.contains(wanted), "'{wanted}' is missing: {error}");
    }
    assert!(!store.exists());
    session.run(&save(500)).await.unwrap();
    assert!(store.exists());
}
