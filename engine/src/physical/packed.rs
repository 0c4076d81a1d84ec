//! Above a scan of packed files, on its way to another process: DataFusion's own bytes of a scan do not
//! say how its files are packed.

use std::sync::Arc;

use datafusion::arrow::array::RecordBatch;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::datasource::file_format::file_compression_type::FileCompressionType;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream};
use futures::StreamExt;
use futures::stream::BoxStream;

use super::pass_through::{PassThroughExec, Step};
use crate::wire::{WireLink, WireNode};

/// Passes rows of packed files on, and remembers how they are packed.
pub type PackedExec = PassThroughExec<Packed>;

/// The step of [`PackedExec`].
#[derive(Debug, Clone, Copy)]
pub struct Packed(FileCompressionType);

impl PackedExec {
    /// Over a scan of packed files; other plans as they are.
    pub(crate) fn over_packed(scan: Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
        let packing = scan
            .downcast_ref::<DataSourceExec>()
            .and_then(|source| source.data_source().downcast_ref::<FileScanConfig>())
            .map(|files| files.file_compression_type)
            .filter(FileCompressionType::is_compressed);
        match packing {
            Some(packing) => Arc::new(Self::over(scan, Packed(packing))),
            None => scan,
        }
    }
}

impl Step for Packed {
    const NAME: &'static str = "PackedExec";

    fn pass(
        &self,
        _: &Arc<dyn ExecutionPlan>,
        rows: SendableRecordBatchStream,
    ) -> BoxStream<'static, Result<RecordBatch>> {
        rows.boxed()
    }

    fn renew(&self) -> Self {
        *self
    }
}

/// [`PackedExec`] on the wire.
#[derive(Debug)]
pub(super) struct PackedWire;

impl WireNode for PackedWire {
    fn name(&self) -> &'static str {
        "strata.packed"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let packed = node.downcast_ref::<PackedExec>();
        Ok(packed.map(|packed| packed.step().0.get_variant().to_string().into_bytes()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let name = String::from_utf8_lossy(bytes);
        let packing: FileCompressionType =
            name.parse().map_err(|_| DataFusionError::Plan(format!("'{name}' is no packing")))?;
        let scan = super::only(inputs)?.transform_down(|node| {
            let files = node
                .downcast_ref::<DataSourceExec>()
                .and_then(|source| source.data_source().downcast_ref::<FileScanConfig>());
            let Some(files) = files else { return Ok(Transformed::no(node)) };
            let files = FileScanConfigBuilder::from(files.clone())
                .with_file_compression_type(packing)
                .build();
            Ok(Transformed::yes(DataSourceExec::from_data_source(files) as _))
        })?;
        Ok(Arc::new(PackedExec::over(scan.data, Packed(packing))))
    }
}
