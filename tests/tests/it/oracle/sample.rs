//! Samples: as large as asked for, and the same for the same seed.

use strata::RunText;
use strata_tests::answer::{Answer, Cell};
use strata_tests::oracle::{Grain, answer};

const ROWS: i64 = 20_000;

async fn ids(grain: Grain, chain: &str) -> Vec<i128> {
    let session = grain.session();
    session
        .run(&format!("CREATE VIEW t AS SELECT value AS id, value % 97 AS k FROM range(0, {ROWS})"))
        .await
        .unwrap();
    let Answer { rows, .. } = answer(&session, chain).await.unwrap();
    let mut ids: Vec<i128> = rows
        .iter()
        .map(|row| match row[0] {
            Cell::Int(id) => id,
            ref other => panic!("{other:?} is no id"),
        })
        .collect();
    ids.sort_unstable();
    ids
}

const USUAL: Grain = Grain { batch_size: 8192, partitions: 2 };

#[tokio::test(flavor = "multi_thread")]
async fn a_share_is_kept_to() {
    for (share, seed) in [(0.01, 1), (0.1, 2), (0.5, 3), (0.9, 4)] {
        for chain in [
            format!("t.sample({share}, seed => {seed})"),
            format!("t.sample({share})"),
            format!("SELECT * FROM t TABLESAMPLE BERNOULLI ({})", share * 100.0),
        ] {
            let taken = ids(USUAL, &chain).await;
            let mut unique = taken.clone();
            unique.dedup();
            assert_eq!(taken.len(), unique.len(), "{chain} takes rows twice");
            // Six standard deviations: one in five hundred million samples is further off.
            let (expected, n) = (ROWS as f64 * share, ROWS as f64);
            let bound = 6.0 * (n * share * (1.0 - share)).sqrt();
            let off = (taken.len() as f64 - expected).abs();
            assert!(off <= bound, "{chain}: {} rows, {expected} ± {bound} expected", taken.len());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_seed_takes_the_same_rows_however_they_are_cut() {
    for chain in ["t.sample(0.1, seed => 5)", "t.sample(rows => 50, seed => 5)"] {
        let expected = ids(USUAL, chain).await;
        assert!(!expected.is_empty());
        for (batch_size, partitions) in [(1000, 1), (777, 5), (8192, 1), (100, 3)] {
            let grain = Grain { batch_size, partitions };
            assert_eq!(ids(grain, chain).await, expected, "{chain} with {grain:?}");
        }
        let other = ids(USUAL, &chain.replace("=> 5", "=> 6")).await;
        assert_ne!(other, expected, "another seed takes other rows");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn so_many_rows_are_taken_from_anywhere() {
    assert_eq!(ids(USUAL, "t.sample(rows => 30000)").await.len(), ROWS as usize);
    assert_eq!(ids(USUAL, "t.sample(rows => 0)").await.len(), 0);
    let taken = ids(USUAL, "t.sample(rows => 2000, seed => 1)").await;
    assert_eq!(taken.len(), 2000);
    // The mean of 2000 of 20000 evenly spread numbers, within six standard deviations.
    let mean = taken.iter().sum::<i128>() as f64 / 2000.0;
    assert!((mean - 10_000.0).abs() < 6.0 * 5774.0 / 2000f64.sqrt(), "a mean of {mean}");
}
