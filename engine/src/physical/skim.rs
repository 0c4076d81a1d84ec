//! Leaves out rows that an operator further up has no use for: what a join's other side, known by
//! now, has no partner for, or what falls behind the first rows of a sort.
//!
//! Such filters are found while the query runs, and nobody knows beforehand what they are worth. So
//! each is tried on a few batches, and rests for a while if most rows pass it.

use std::fmt;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use datafusion::arrow::compute::{BatchCoalescer, and, prep_null_mask_filter};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::StreamExt;
use futures::stream::{self, BoxStream};

use super::pass_through::{PassThroughExec, Step};

/// Batches on which a filter is tried before it is judged.
const TRIAL: usize = 4;
/// Batches that pass a filter by after its first failed trial; twice as many after each further one.
const FIRST_REST: usize = 16;
/// The longest rest: filters may become narrower with time.
const LONGEST_REST: usize = 256;

/// Passes on the rows that filters found at run time let through, most of the others not.
pub type SkimExec = PassThroughExec<Skim>;

/// The step of [`SkimExec`].
#[derive(Debug, Clone)]
pub struct Skim {
    filters: Vec<Arc<dyn PhysicalExpr>>,
    batch_size: usize,
}

impl SkimExec {
    /// Skims `input`; every filter is one on its columns.
    pub(crate) fn new(
        input: Arc<dyn ExecutionPlan>,
        filters: Vec<Arc<dyn PhysicalExpr>>,
        batch_size: usize,
    ) -> Self {
        Self::over(input, Skim { filters, batch_size })
    }
}

impl Step for Skim {
    const NAME: &'static str = "SkimExec";
    const KEEPS_ALL: bool = false;

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, filter) in self.filters.iter().enumerate() {
            write!(f, "{} {filter}", if index == 0 { ":" } else { " AND" })?;
        }
        Ok(())
    }

    fn pass(
        &self,
        _: &Arc<dyn ExecutionPlan>,
        rows: SendableRecordBatchStream,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        let tried = |filter| Tried {
            filter,
            seen: 0,
            kept: 0,
            batches: 0,
            rest: FIRST_REST,
            given_up: false,
        };
        let skimmed = BatchCoalescer::new(rows.schema(), self.batch_size)
            .with_biggest_coalesce_batch_size(Some(self.batch_size / 2));
        let filters = self.filters.iter().cloned().map(tried).collect();
        let skimming = Skimming { rows, filters, skimmed, ended: false };
        stream::try_unfold(skimming, |mut skimming| async move {
            Ok(skimming.next().await?.map(|batch| (batch, skimming)))
        })
        .boxed()
    }

    fn renew(&self) -> Self {
        self.clone()
    }
}

/// The rows of one partition, on their way.
struct Skimming {
    rows: SendableRecordBatchStream,
    filters: Vec<Tried>,
    skimmed: BatchCoalescer,
    ended: bool,
}

impl Skimming {
    async fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if let Some(batch) = self.skimmed.next_completed_batch() {
                return Ok(Some(batch));
            }
            if self.ended {
                return Ok(None);
            }
            match self.rows.next().await.transpose()? {
                Some(batch) => self.take(batch)?,
                None => {
                    self.ended = true;
                    self.skimmed.finish_buffered_batch()?;
                }
            }
        }
    }

    fn take(&mut self, batch: RecordBatch) -> Result<()> {
        let mut kept: Option<BooleanArray> = None;
        for filter in &mut self.filters {
            let Some(these) = filter.kept(&batch) else { continue };
            let all = match kept {
                Some(those) => and(&those, &these)?,
                None => these,
            };
            if all.true_count() == 0 {
                return Ok(());
            }
            kept = Some(all);
        }
        match kept {
            Some(kept) => self.skimmed.push_batch_with_filter(batch, &kept)?,
            None => self.skimmed.push_batch(batch)?,
        }
        Ok(())
    }
}

/// A filter and what it has been worth of late.
struct Tried {
    filter: Arc<dyn PhysicalExpr>,
    seen: usize,
    kept: usize,
    /// Batches since its trial, or its rest, began.
    batches: usize,
    rest: usize,
    given_up: bool,
}

impl Tried {
    /// The rows to keep; none where all are, or where nobody looked.
    fn kept(&mut self, batch: &RecordBatch) -> Option<BooleanArray> {
        self.batches += 1;
        if self.given_up || self.rests() {
            return None;
        }
        let rows = batch.num_rows();
        let Ok(kept) = self.filter.evaluate(batch) else {
            // It computes with rows that another operator may still leave out, such as a cast of a
            // text that is no number: whether that is an error is not for a filter to say.
            self.given_up = true;
            return None;
        };
        let kept = match kept {
            // Nothing is known yet.
            ColumnarValue::Scalar(ScalarValue::Boolean(Some(true))) => return None,
            ColumnarValue::Scalar(_) => BooleanArray::from(vec![false; rows]),
            ColumnarValue::Array(mask) => match mask.as_boolean() {
                mask if mask.null_count() > 0 => prep_null_mask_filter(mask),
                mask => mask.clone(),
            },
        };
        let count = kept.true_count();
        self.seen += rows;
        self.kept += count;
        (count < rows).then_some(kept)
    }

    /// Whether a failed trial was too short a while ago.
    fn rests(&mut self) -> bool {
        let failed = self.kept * 2 > self.seen;
        if self.batches <= TRIAL {
            return false;
        }
        if failed && self.batches <= TRIAL + self.rest {
            return true;
        }
        if failed {
            self.rest = (self.rest * 2).min(LONGEST_REST);
        }
        (self.seen, self.kept, self.batches) = (0, 0, 1);
        false
    }
}

#[cfg(test)]
mod tests {
    use datafusion::arrow::array::Int64Array;
    use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema};
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::logical_expr::Operator;
    use datafusion::physical_expr::expressions::{
        BinaryExpr, Column, DynamicFilterPhysicalExpr, lit,
    };
    use datafusion::prelude::SessionContext;

    use super::*;

    const BATCHES: usize = 300;

    /// The numbers that come out of those from 0, in batches of 10, for a filter that is found after
    /// the first batch.
    async fn skimmed(found: Arc<dyn PhysicalExpr>) -> Vec<i64> {
        let schema = Arc::new(Schema::new(vec![Field::new("n", DataType::Int64, true)]));
        let batches = (0..BATCHES).map(|batch| {
            let numbers = (0..10).map(|at| Some((batch * 10 + at) as i64).filter(|n| n % 7 != 3));
            let column: Int64Array = numbers.collect();
            RecordBatch::try_new(Arc::clone(&schema), vec![Arc::new(column)]).unwrap()
        });
        let source =
            MemorySourceConfig::try_new_exec(&[batches.collect()], Arc::clone(&schema), None);
        let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new("n", 0));
        let filter = Arc::new(DynamicFilterPhysicalExpr::new(vec![column], lit(true)));
        let skim = SkimExec::new(source.unwrap(), vec![Arc::clone(&filter) as _], 10);
        let mut rows = skim.execute(0, SessionContext::new().task_ctx()).unwrap();
        let mut numbers = Vec::new();
        while let Some(batch) = rows.next().await {
            let batch = batch.unwrap();
            numbers.extend(batch.column(0).as_primitive::<Int64Type>().iter().flatten());
            filter.update(Arc::clone(&found)).unwrap();
        }
        numbers
    }

    fn compared(operator: Operator, number: i64) -> Arc<dyn PhysicalExpr> {
        Arc::new(BinaryExpr::new(Arc::new(Column::new("n", 0)), operator, lit(number)))
    }

    #[tokio::test]
    async fn rows_that_match_are_kept_in_their_order() {
        // What is found keeps few, most, all and none.
        for (found, keeps) in [
            (compared(Operator::GtEq, 2500), (|n| n >= 2500) as fn(i64) -> bool),
            (compared(Operator::GtEq, 100), |n| n >= 100),
            (compared(Operator::GtEq, 0), |_| true),
            (compared(Operator::Lt, 0), |_| false),
            (lit(false), |_| false),
        ] {
            let numbers = skimmed(Arc::clone(&found)).await;
            assert!(numbers.is_sorted(), "{found}");
            let wanted = |n: &i64| n % 7 != 3 && keeps(*n);
            let all: Vec<i64> = (0..BATCHES as i64 * 10).filter(wanted).collect();
            let kept: Vec<i64> = numbers.iter().copied().filter(|n| wanted(n)).collect();
            assert_eq!(kept, all, "{found}");
        }
    }

    #[tokio::test]
    async fn what_keeps_little_is_used_to_the_end() {
        let numbers = skimmed(compared(Operator::GtEq, 2900)).await;
        assert!(numbers.iter().filter(|n| **n < 2900).count() < 20, "{numbers:?}");
    }
}
