//! The codecs that DataFusion asks about what it does not know itself: ours first, then Ballista's.

use std::sync::Arc;

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{TableReference, not_impl_err, plan_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{
    AggregateUDF, Extension, LogicalPlan, ScalarUDF, UserDefinedLogicalNode, WindowUDF,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};
use prost::Message;

use super::registry::{Envelope, Wire, WireLink};
use super::scanned::ScannedTable;
use crate::functions;
use crate::logical::{ArrayNode, CellTable};
use crate::physical::{array_from, cells_from, cells_to};

/// The name and version of a table's scan.
const SCAN: (&str, u32) = ("strata.scan", 1);
/// The name and version of an array.
const ARRAY: (&str, u32) = ("strata.array", 2);

/// An array, and what its rows look like where they are its cells.
#[derive(Clone, PartialEq, prost::Message)]
struct ArrayBytes {
    #[prost(bytes = "vec", tag = "1")]
    array: Vec<u8>,
    #[prost(bytes = "vec", tag = "2")]
    cells: Vec<u8>,
}

#[derive(Debug)]
pub(super) struct LogicalCodec(pub(super) Arc<Wire>);

impl LogicalExtensionCodec for LogicalCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[LogicalPlan],
        context: &TaskContext,
    ) -> Result<Extension> {
        if let Some(envelope) = Envelope::open(bytes).transpose()? {
            envelope.expect(ARRAY.0, ARRAY.1)?;
            let unread = |error| DataFusionError::External(Box::new(error));
            let ArrayBytes { array, cells } =
                ArrayBytes::decode(&envelope.bytes[..]).map_err(unread)?;
            let array = array_from(&array, context)?;
            let node: Arc<dyn UserDefinedLogicalNode> = match cells.is_empty() {
                true => Arc::new(ArrayNode::new(array)?),
                false => {
                    let cells = CellTable::from_root(&array, cells_from(&cells)?);
                    Arc::new(ArrayNode::of_cells(cells.map_err(crate::EngineError::from)?)?)
                }
            };
            return Ok(Extension { node });
        }
        BallistaLogicalExtensionCodec::default().try_decode(bytes, inputs, context)
    }

    fn try_encode(&self, node: &Extension, into: &mut Vec<u8>) -> Result<()> {
        if let Some(node) = node.node.as_any().downcast_ref::<ArrayNode>() {
            let array = node.array().to_wire().map_err(crate::EngineError::from)?;
            let cells =
                node.cells().map(|cells| cells_to(&cells.cells())).transpose()?.unwrap_or_default();
            let bytes = ArrayBytes { array, cells }.encode_to_vec();
            return Envelope::seal(ARRAY.0, ARRAY.1, bytes, into);
        }
        BallistaLogicalExtensionCodec::default().try_encode(node, into)
    }

    fn try_decode_table_provider(
        &self,
        bytes: &[u8],
        table: &TableReference,
        schema: SchemaRef,
        context: &TaskContext,
    ) -> Result<Arc<dyn TableProvider>> {
        let Some(envelope) = Envelope::open(bytes).transpose()? else {
            return not_impl_err!("table '{table}' comes in bytes that are not ours");
        };
        envelope.expect(SCAN.0, SCAN.1)?;
        let table = ScannedTable::from_bytes(&envelope.bytes, schema, &self.0, context)?;
        Ok(Arc::new(table))
    }

    fn try_encode_table_provider(
        &self,
        table: &TableReference,
        provider: Arc<dyn TableProvider>,
        into: &mut Vec<u8>,
    ) -> Result<()> {
        let Some(scanned) = provider.downcast_ref::<ScannedTable>() else {
            return not_impl_err!("table '{table}' was not scanned before it was sent");
        };
        Envelope::seal(SCAN.0, SCAN.1, scanned.to_bytes(&self.0)?, into)
    }

    fn try_decode_udf(&self, name: &str, _: &[u8]) -> Result<Arc<ScalarUDF>> {
        scalar(name)
    }

    fn try_decode_udwf(&self, name: &str, _: &[u8]) -> Result<Arc<WindowUDF>> {
        window(name)
    }

    fn try_decode_udaf(&self, name: &str, _: &[u8]) -> Result<Arc<AggregateUDF>> {
        unknown("aggregate", name)
    }

    fn try_decode_file_format(
        &self,
        bytes: &[u8],
        context: &TaskContext,
    ) -> Result<Arc<dyn FileFormatFactory>> {
        BallistaLogicalExtensionCodec::default().try_decode_file_format(bytes, context)
    }

    fn try_encode_file_format(
        &self,
        into: &mut Vec<u8>,
        format: Arc<dyn FileFormatFactory>,
    ) -> Result<()> {
        BallistaLogicalExtensionCodec::default().try_encode_file_format(into, format)
    }
}

/// A function that is not among those of the session has no name in SQL, or is unknown here.
fn scalar(name: &str) -> Result<Arc<ScalarUDF>> {
    functions::unnamed_scalar(name).map_or_else(|| unknown("function", name), Ok)
}

fn window(name: &str) -> Result<Arc<WindowUDF>> {
    functions::unnamed_window(name).map_or_else(|| unknown("window function", name), Ok)
}

fn unknown<T>(kind: &str, name: &str) -> Result<T> {
    plan_err!(
        "the {kind} '{}' is not known to the pool: it must be registered by an extension that all \
         processes have",
        name.escape_default()
    )
}

#[derive(Debug)]
pub(super) struct PhysicalCodec(pub(super) Arc<Wire>);

impl PhysicalExtensionCodec for PhysicalCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        context: &TaskContext,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match Envelope::open(bytes).transpose()? {
            Some(envelope) => {
                let link = WireLink { codec: self, converter, context: Some(context) };
                self.0.decode(&envelope, inputs, &link)
            }
            None => BallistaPhysicalExtensionCodec::default()
                .try_decode(bytes, inputs, context, converter),
        }
    }

    fn try_encode(
        &self,
        node: Arc<dyn ExecutionPlan>,
        into: &mut Vec<u8>,
        converter: &dyn PhysicalProtoConverterExtension,
    ) -> Result<()> {
        let link = WireLink { codec: self, converter, context: None };
        if self.0.encode(node.as_ref(), &link, into)? {
            return Ok(());
        }
        BallistaPhysicalExtensionCodec::default().try_encode(node, into, converter)
    }

    fn try_decode_udf(&self, name: &str, _: &[u8]) -> Result<Arc<ScalarUDF>> {
        scalar(name)
    }

    fn try_decode_udwf(&self, name: &str, _: &[u8]) -> Result<Arc<WindowUDF>> {
        window(name)
    }

    fn try_decode_udaf(&self, name: &str, _: &[u8]) -> Result<Arc<AggregateUDF>> {
        unknown("aggregate", name)
    }
}
