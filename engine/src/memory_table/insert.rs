//! Rows that are inserted into a table.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::Result;
use datafusion::datasource::sink::DataSink;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType};
use futures::StreamExt;

use super::stored::Stored;

/// Where rows go that are inserted.
#[derive(Debug)]
pub(super) struct InsertSink {
    pub(super) stored: Arc<Stored>,
    pub(super) schema: SchemaRef,
}

impl DisplayAs for InsertSink {
    fn fmt_as(&self, kind: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match kind {
            DisplayFormatType::TreeRender => Ok(()),
            _ => write!(f, "MemoryTable (partitions={})", self.stored.part_count()),
        }
    }
}

#[async_trait]
impl DataSink for InsertSink {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    async fn write_all(
        &self,
        mut data: SendableRecordBatchStream,
        _: &Arc<TaskContext>,
    ) -> Result<u64> {
        let mut rows = self.stored.more().await;
        while let Some(batch) = data.next().await.transpose()? {
            rows.push(batch)?;
        }
        Ok(self.stored.add(rows).await)
    }
}
