//! The codecs that DataFusion asks about what it does not know itself: ours first, then Ballista's.

use std::sync::Arc;

use ballista_core::serde::{BallistaLogicalExtensionCodec, BallistaPhysicalExtensionCodec};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::TableProvider;
use datafusion::common::{TableReference, not_impl_err};
use datafusion::datasource::file_format::FileFormatFactory;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::physical_plan::ExecutionPlan;
use datafusion_proto::logical_plan::LogicalExtensionCodec;
use datafusion_proto::physical_plan::{PhysicalExtensionCodec, PhysicalProtoConverterExtension};

use super::registry::{Envelope, Wire, WireLink};
use super::scanned::ScannedTable;

/// The name and version of a table's scan.
const SCAN: (&str, u32) = ("strata.scan", 1);

#[derive(Debug)]
pub(super) struct LogicalCodec(pub(super) Arc<Wire>);

impl LogicalExtensionCodec for LogicalCodec {
    fn try_decode(
        &self,
        bytes: &[u8],
        inputs: &[LogicalPlan],
        context: &TaskContext,
    ) -> Result<Extension> {
        BallistaLogicalExtensionCodec::default().try_decode(bytes, inputs, context)
    }

    fn try_encode(&self, node: &Extension, into: &mut Vec<u8>) -> Result<()> {
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
        let scan = self.0.physical_from_bytes(&envelope.bytes, context)?;
        Ok(Arc::new(ScannedTable::new(schema, scan)))
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
        let bytes = self.0.physical_to_bytes(Arc::clone(scanned.scan_plan()))?;
        Envelope::seal(SCAN.0, SCAN.1, bytes.into(), into)
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
}
