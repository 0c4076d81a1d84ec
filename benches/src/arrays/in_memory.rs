//! S1m: groups of places in SQL, of cells that lie in memory, so that nothing is decoded: those of an array that is
//! kept, and beside it the same cells as rows of a table, in a DataFusion that has nothing of ours.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{AsArray, Float32Array, Int64Array, RecordBatch};
use datafusion::arrow::datatypes::{DataType, Field, Float64Type, Schema};
use datafusion::datasource::MemTable;
use datafusion::execution::context::SessionContext;
use datafusion::prelude::SessionConfig;
use futures::FutureExt;
use futures::future::BoxFuture;
use strata::RunText;
use strata_engine::{Index, Slice};

use super::Result;
use super::case::{AtMost, Case, Timed, Work, timed};
use super::sql::{self, sum_of_second};

pub(super) const CASE: Case = Case {
    name: "S1m",
    what: "the same SQL of a quarter of the cube, in memory (loop: plain DataFusion, the cells as rows)",
    at_most: AtMost { time: Some(0.05), ..AtMost::NOTHING },
    repeats: 5,
    ours: kept,
    by_hand: Some(rows),
    ..sql::ASKED
};

/// So many rows are a batch, as DataFusion has it.
const BATCH: usize = 8192;

/// A quarter of all steps.
fn steps(work: &Work) -> Range<u64> {
    0..(work.scale.shape()[0] / 4).max(1)
}

fn query(work: &Work) -> String {
    let (from, to) = sql::belt(work);
    format!(
        "SELECT time, avg(value) AS mean FROM cells WHERE lat >= {from} AND lat < {to} GROUP BY time"
    )
}

fn kept(work: Work) -> BoxFuture<'static, Result<Timed>> {
    async move {
        let name =
            format!("cells = zarr('{}')[0:{}].persist()", work.store.display(), steps(&work).end);
        work.session.run(&name).await?;
        Ok(timed(work, |work| async move { sum_of_second(&work, &query(&work)).await }))
    }
    .boxed()
}

fn rows(work: Work) -> BoxFuture<'static, Result<Timed>> {
    async move {
        let config = SessionConfig::new().with_target_partitions(work.threads);
        let session = SessionContext::new_with_config(config);
        session.register_table("cells", Arc::new(table(&work).await?))?;
        Ok(timed((work, session), |(work, session)| async move {
            let mut sum = 0.0;
            for batch in session.sql(&query(&work)).await?.collect().await? {
                let means = batch.column(1).as_primitive::<Float64Type>();
                sum += means.iter().flatten().sum::<f64>();
            }
            Ok(sum)
        }))
    }
    .boxed()
}

/// The cells as rows, which are as many partitions as there are threads.
async fn table(work: &Work) -> Result<MemTable> {
    let cube = work.open().await?;
    let field = |name: &str| Field::new(name, DataType::Int64, false);
    let value = Field::new("value", DataType::Float32, true);
    let schema = Arc::new(Schema::new(vec![field("time"), field("lat"), field("lon"), value]));
    let [_, lats, lons] = work.scale.shape();
    let mut parts = vec![Vec::new(); work.threads];
    for time in steps(work) {
        let map = cube.index(&[Index::At(time as i64)])?.compute(&work.session).await?;
        let Slice::F32(values) = map.values() else { return Err("no cube of floats".into()) };
        let places = || (0..lats).flat_map(|lat| (0..lons).map(move |lon| (lat, lon)));
        let times = Int64Array::from(vec![time as i64; values.len()]);
        let columns = RecordBatch::try_new(
            Arc::clone(&schema),
            vec![
                Arc::new(times),
                Arc::new(places().map(|(lat, _)| lat as i64).collect::<Int64Array>()),
                Arc::new(places().map(|(_, lon)| lon as i64).collect::<Int64Array>()),
                Arc::new(Float32Array::from(values.to_vec())),
            ],
        )?;
        let part = time as usize % work.threads;
        for first in (0..columns.num_rows()).step_by(BATCH) {
            let length = BATCH.min(columns.num_rows() - first);
            parts[part].push(columns.slice(first, length));
        }
    }
    Ok(MemTable::try_new(schema, parts)?)
}
