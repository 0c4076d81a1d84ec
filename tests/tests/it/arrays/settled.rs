//! Chunks whose values are known not to matter: they are not read again, unless they were written since.

use std::fs::{File, read, write};
use std::path::{Path, PathBuf};

use datafusion::execution::context::SessionContext;
use strata::RunText;
use strata_tests::oracle::{Grain, answer};
use strata_tests::pool::{Shape, TestPool};

/// Of 4 × 2 chunks, whose values lie between 100 · time and 100 · time + 23; half of the last ones are none.
const MADE: &str = "t = from_function(floor(time / 10) * 100 + time % 10 * 2 + lat, time => 40, lat => 6, chunks => (10, 3));
    t = where((t > 300) & (t % 2 == 0), 0.0 / (t - t), t)";

/// What is asked, of an array and of its cells, and whether more than the chunks of the third row are read for it.
const ASKED: &[(&str, bool)] = &[
    ("SELECT count(*), sum(t) FROM {} WHERE t >= 200 AND t < 300", false),
    (
        "SELECT time, avg(t), min(t), count(*) FROM {} WHERE t BETWEEN 200 AND 250 GROUP BY time ORDER BY time",
        false,
    ),
    ("SELECT time, lat, t FROM {} WHERE t > 199.5 AND t < 290 ORDER BY time, lat", false),
    (
        "SELECT time, t FROM {} WHERE (t > 205 OR t < -3) AND t * 2 - 1 < 450 ORDER BY time, t",
        false,
    ),
    (
        "SELECT lat, sum(CASE WHEN t > 150 AND t < 299 THEN t END) FROM {} GROUP BY lat ORDER BY lat",
        false,
    ),
    ("SELECT count(*) FROM {} WHERE t IN (201, 210, -7)", false),
    ("SELECT count(*) FROM {} WHERE t < 1000", true),
    ("SELECT count(*) FROM {} WHERE t IS NULL", true),
    ("SELECT time, lat FROM {} WHERE t IS NULL ORDER BY time, lat", true),
    ("SELECT count(*), avg(t) FROM {} WHERE t <> 203", true),
    (
        "SELECT p.at, c.t FROM (VALUES (21), (5)) AS p (at) JOIN {} c ON c.time = p.at WHERE c.t > 200 ORDER BY 1, 2",
        false,
    ),
    ("x = {}.t; where((x > 200) & (x < 300), x, 0.0).sum()", false),
    ("x = {}.t; ((x > 200) & (x < 300)).sum(lat)", false),
];

/// The chunks of a store that lie outside of its third row.
fn others(store: &Path) -> Vec<PathBuf> {
    let rows = [0, 1, 3].into_iter();
    rows.flat_map(|time| [0, 1].map(|lat| store.join(format!("t/c/{time}/{lat}")))).collect()
}

/// Writes over files with what is no chunk, as long and as old as what was there.
fn spoil(files: &[PathBuf]) -> Vec<Vec<u8>> {
    let spoilt = files.iter().map(|file| {
        let (were, since) = (read(file).unwrap(), file.metadata().unwrap().modified().unwrap());
        write(file, vec![0xff; were.len()]).unwrap();
        File::options().write(true).open(file).unwrap().set_modified(since).unwrap();
        were
    });
    spoilt.collect()
}

async fn shown(session: &SessionContext, text: &str, store: &Path) -> Result<String, String> {
    let text = text.replace("{}", &format!("zarr('{}')", store.display()));
    let (setup, last) = text.rsplit_once("; ").unwrap_or(("", &text));
    if !setup.is_empty() {
        session.run(setup).await.map_err(|error| error.to_string())?;
    }
    answer(session, last).await.map(|got| format!("{:?}", got.rows))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_seen_is_not_read_again() {
    let home = tempfile::tempdir().unwrap();
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    let here = || Grain { batch_size: 8192, partitions: 2 }.session();
    let shards = "dataset(t => t).save('{}', chunks => (5, 3), shards => (10, 3))";
    for (kind, session, save) in [
        ("here", here(), "dataset(t => t).save('{}')"),
        ("in shards", here(), shards),
        ("on a pool", pool.session(&[]), "dataset(t => t).save('{}')"),
    ] {
        let store = home.path().join(kind.replace(' ', "-"));
        let made = format!("{MADE}; {}", save.replace("{}", &store.display().to_string()));
        session.run(&made).await.unwrap();
        let without = here();
        without.run("SET array.without = 'settle_chunks,choose_cells'").await.unwrap();
        // Chunks as tiny as these would be taken together.
        session.run("SET array.without = 'take_neighbours'").await.unwrap();
        let mut expected = Vec::new();
        for (text, _) in ASKED {
            let plain =
                shown(&without, text, &store).await.unwrap_or_else(|e| panic!("{text}: {e}"));
            // Twice: the second time it is known what chunks lie between.
            for time in ["first", "second"] {
                let got = shown(&session, text, &store).await;
                assert_eq!(got.as_deref(), Ok(plain.as_str()), "{kind}, {time}: {text}");
            }
            expected.push(plain);
        }
        let others = others(&store);
        let were = spoil(&others);
        for ((text, more), expected) in ASKED.iter().zip(&expected) {
            let got = shown(&session, text, &store).await;
            match more {
                false => assert_eq!(got.as_ref(), Ok(expected), "{kind}: {text}"),
                // What all chunks are needed for is damaged now, unless it is settled for all of them.
                true => {
                    assert!(got.is_err() || got.as_ref() == Ok(expected), "{kind}: {text}: {got:?}")
                }
            }
            let got = shown(&without, text, &store).await;
            assert!(
                got.is_err(),
                "{kind}: {text}: without the rule, what is spoilt is read: {got:?}"
            );
        }
        // What is written anew is looked at again.
        for (file, were) in others.iter().zip(were) {
            write(file, were).unwrap();
        }
        let low = others.first().unwrap();
        write(low, read(store.join("t/c/2/0")).unwrap()).unwrap();
        let got =
            shown(&session, "SELECT count(*) FROM {} WHERE t >= 200 AND t < 300", &store).await;
        assert_eq!(
            got.as_deref(),
            Ok("[[Int(90)]]"),
            "{kind}: 60 cells, and 30 of the chunk that is there twice"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_that_are_not_there_are_known_too() {
    let home = tempfile::tempdir().unwrap();
    let session = Grain { batch_size: 8192, partitions: 2 }.session();
    let store = home.path().join("sparse");
    let made = format!("{MADE}; dataset(t => t).save('{}')", store.display());
    session.run(&made).await.unwrap();
    std::fs::remove_file(store.join("t/c/0/0")).unwrap();
    let text = "SELECT count(*) FROM {} WHERE t < 50";
    let first = shown(&session, text, &store).await.unwrap();
    assert_eq!(shown(&session, text, &store).await.unwrap(), first);
    // It appears.
    write(store.join("t/c/0/0"), read(store.join("t/c/0/1")).unwrap()).unwrap();
    assert_eq!(shown(&session, text, &store).await.unwrap(), "[[Int(60)]]");
}
