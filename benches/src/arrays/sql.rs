//! S1: groups of places in SQL. Beside it, the same written as an array, and the same by rows.

use strata::RunText;
use strata_engine::{Index, LocalRunner, Reduce, Runner};

use super::Result;
use super::case::{AtMost, Case, Work, all_timed, total};

pub(super) const ASKED: Case = Case {
    name: "S1",
    what: "SQL: means of a belt, grouped by time (loop: the array)",
    file: "sql",
    peers: &["loop"],
    at_most: AtMost { time: Some(1.3), memory: None, seconds: None },
    stored: true,
    repeats: 1,
    units: None,
    ours: |work| all_timed(work, asked),
    by_hand: Some(|work| all_timed(work, array)),
};

pub(super) const ROWS: Case = Case {
    name: "S1r",
    what: "the same SQL (loop: by the rows of the cells)",
    at_most: AtMost { time: Some(0.05), memory: None, seconds: None },
    by_hand: Some(|work| all_timed(work, rows)),
    ..ASKED
};

/// A third of the places along the second dimension.
fn belt(work: &Work) -> (u64, u64) {
    let length = work.scale.chunk()[1];
    (length / 3, 2 * length / 3)
}

async fn asked(work: Work) -> Result<f64> {
    let (from, to) = belt(&work);
    let query = format!(
        "SELECT dim_0, avg(value) AS mean FROM zarr('{}') WHERE dim_1 >= {from} AND dim_1 < {to} GROUP BY dim_0",
        work.cube.display()
    );
    let plan = work.session.run(&query).await?.into_unoptimized_plan();
    let mut sum = 0.0;
    let mut rows = LocalRunner.run(&work.session, plan).await?.stream;
    while let Some(batch) = futures::TryStreamExt::try_next(&mut rows).await? {
        let means =
            batch.column(1).as_any().downcast_ref::<datafusion::arrow::array::Float64Array>();
        sum += means.map_or(f64::NAN, |means| means.iter().flatten().sum());
    }
    Ok(sum)
}

async fn array(work: Work) -> Result<f64> {
    let (from, to) = belt(&work);
    let (start, stop) = (Some(from as i64), Some(to as i64));
    let belt = Index::Slice { start, stop, step: None };
    let means = work.open().await?.index(&[Index::ALL, belt])?;
    let means = means.reduce(Reduce::Mean, false, &[1, 2])?;
    Ok(total(&means.compute(&work.session).await?))
}

async fn rows(work: Work) -> Result<f64> {
    work.session.run("SET array.without = 'ask_arrays'").await?;
    asked(work).await
}
