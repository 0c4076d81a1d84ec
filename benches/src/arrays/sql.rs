//! S1: groups of places in SQL. Beside it, the same written as an array, the same by rows, and in xarray-sql.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type};
use futures::TryStreamExt;
use strata::RunText;
use strata_engine::{Index, LocalRunner, Reduce, Runner};

use super::Result;
use super::case::{AtMost, Case, Work, all_timed, total};
use super::cube::CUBE;

pub(super) const ASKED: Case = Case {
    name: "S1",
    what: "SQL: means of a belt, grouped by time (loop: the array)",
    file: "sql",
    peers: &["loop"],
    at_most: AtMost { time: Some(1.3), ..AtMost::NOTHING },
    store: Some(CUBE),
    ours: |work| all_timed(work, asked),
    by_hand: Some(|work| all_timed(work, array)),
    ..Case::PLAIN
};

pub(super) const ROWS: Case = Case {
    name: "S1r",
    what: "the same SQL (loop: by the rows of the cells)",
    at_most: AtMost { time: Some(0.05), ..AtMost::NOTHING },
    by_hand: Some(|work| all_timed(work, rows)),
    ..ASKED
};

pub(super) const XARRAY: Case = Case {
    name: "S1x",
    what: "the same SQL (xarray_sql: of an Xarray dataset)",
    peers: &["xarray_sql"],
    at_most: AtMost { time: Some(0.2), ..AtMost::NOTHING },
    by_hand: None,
    ..ASKED
};

/// A third of the places along the second dimension.
pub(super) fn belt(work: &Work) -> (u64, u64) {
    let length = work.scale.chunk()[1];
    (length / 3, 2 * length / 3)
}

async fn asked(work: Work) -> Result<f64> {
    let (from, to) = belt(&work);
    let query = format!(
        "SELECT time, avg(value) AS mean FROM zarr('{}') WHERE lat >= {from} AND lat < {to} GROUP BY time",
        work.store.display()
    );
    sum_of_second(&work, &query).await
}

/// The sum of the second column of what a query answers.
pub(super) async fn sum_of_second(work: &Work, query: &str) -> Result<f64> {
    let plan = work.session.run(query).await?.into_unoptimized_plan();
    let mut sum = 0.0;
    let mut rows = LocalRunner.run(&work.session, plan).await?.stream;
    while let Some(batch) = rows.try_next().await? {
        let values = cast(batch.column(1), &DataType::Float64)?;
        sum += values.as_primitive::<Float64Type>().iter().flatten().sum::<f64>();
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
