//! The operators on chunks, as bytes and back.

use std::sync::Arc;

use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use prost::Message;

use super::chunks::error;
use super::combine_chunks::CombineChunksExec;
use super::fold::Fold;
use super::map_chunks::MapChunksExec;
use super::only;
use crate::array::{DType, Kind};
use crate::lazy::Array;
use crate::program::Program;
use crate::wire::{Wire, WireLink, WireNode};

/// An array from bytes, with the sources that a session's extensions know.
pub(crate) fn array_from(bytes: &[u8], context: &TaskContext) -> Result<Array> {
    let wire = context.session_config().get_extension::<Wire>().unwrap_or_default();
    Array::from_wire(bytes, &|name, bytes| wire.source(name, bytes, context)).map_err(error)
}

/// [`MapChunksExec`] on the wire.
#[derive(Debug)]
pub(super) struct MapChunksWire;

#[derive(Clone, PartialEq, prost::Message)]
struct MapBytes {
    #[prost(bytes = "vec", tag = "1")]
    root: Vec<u8>,
    /// What is folded, as JSON; nothing where nothing is.
    #[prost(string, tag = "2")]
    fold: String,
    #[prost(bytes = "vec", repeated, tag = "3")]
    given: Vec<Vec<u8>>,
}

impl WireNode for MapChunksWire {
    fn name(&self) -> &'static str {
        "strata.map_chunks"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(node) = node.downcast_ref::<MapChunksExec>() else { return Ok(None) };
        let root = node.program().root().to_wire().map_err(error)?;
        let fold = node.fold().map(serde_json::to_string).transpose().map_err(unread)?;
        let given = node.given().map(|array| array.handed(0).and_then(|given| given.to_wire()));
        let given = given.collect::<Result<_, _>>().map_err(error)?;
        Ok(Some(MapBytes { root, fold: fold.unwrap_or_default(), given }.encode_to_vec()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let MapBytes { root, fold, given } = MapBytes::decode(bytes).map_err(unread)?;
        let root = array_from(&root, link.context()?)?;
        let fold: Option<Fold> = match fold.is_empty() {
            true => None,
            false => Some(serde_json::from_str(&fold).map_err(unread)?),
        };
        if fold.as_ref().is_some_and(|fold| fold.axes.len() != root.ndim()) {
            return internal_err!("chunks are folded along dimensions that they do not have");
        }
        let given = given.iter().map(|bytes| array_from(bytes, link.context()?));
        let given = given.collect::<Result<Vec<_>>>()?;
        let Some((keys, plans)) = inputs.split_first().filter(|(_, p)| p.len() == given.len())
        else {
            return internal_err!("MapChunksExec came with {} inputs", inputs.len());
        };
        root.takes(&given).map_err(error)?;
        let program = Arc::new(Program::new(root).map_err(error)?);
        let given = plans.iter().cloned().zip(given).collect();
        Ok(Arc::new(MapChunksExec::new(program, fold, Arc::clone(keys), given)))
    }
}

/// [`CombineChunksExec`] on the wire.
#[derive(Debug)]
pub(super) struct CombineChunksWire;

impl WireNode for CombineChunksWire {
    fn name(&self) -> &'static str {
        "strata.combine_chunks"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(node) = node.downcast_ref::<CombineChunksExec>() else { return Ok(None) };
        serde_json::to_vec(&node.described()).map(Some).map_err(unread)
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (fold, kind, dtype): (Fold, Kind, DType) =
            serde_json::from_slice(bytes).map_err(unread)?;
        Ok(Arc::new(CombineChunksExec::new(fold, kind, dtype, only(inputs)?)))
    }
}

fn unread(error: impl std::fmt::Display) -> datafusion::error::DataFusionError {
    exec_datafusion_err!("an operator on chunks: {error}")
}
