//! The operators on chunks, as bytes and back.

use std::sync::Arc;

use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use prost::Message;

use super::cells::{Cells, CellsExec};
use super::chunks::error;
use super::combine_chunks::CombineChunksExec;
use super::fold::Fold;
use super::map_chunks::MapChunksExec;
use super::only;
use crate::array::{ArrayError, ArraySource, DType, Grid, Kind, Memory};
use crate::lazy::{Array, ChunkKernel, Finds};
use crate::program::Program;
use crate::wire::{Wire, WireLink, WireNode};

/// An array from bytes, with the sources that a session's extensions know.
pub(crate) fn array_from(bytes: &[u8], context: &TaskContext) -> Result<Array> {
    let wire = context.session_config().get_extension::<Wire>().unwrap_or_default();
    Array::from_wire(bytes, &Known { wire: &wire, context }).map_err(error)
}

/// What a session's extensions know.
struct Known<'a> {
    wire: &'a Wire,
    context: &'a TaskContext,
}

impl Finds for Known<'_> {
    fn source(&self, name: &str, bytes: &[u8]) -> Result<Arc<dyn ArraySource>, ArrayError> {
        self.wire.source(name, bytes, self.context)
    }

    fn kernel(&self, name: &str) -> Result<Arc<dyn ChunkKernel>, ArrayError> {
        self.wire.kernel(name)
    }
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
        2
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
        if let Some(fold) = &fold {
            fold.becomes.check(root.kind()).map_err(unread)?;
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
        2
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
        let (fold, kind, dtype, single): (Fold, Kind, DType, bool) =
            serde_json::from_slice(bytes).map_err(unread)?;
        fold.becomes.check(kind).map_err(unread)?;
        Ok(Arc::new(CombineChunksExec::new(fold, kind, dtype, single, only(inputs)?)))
    }
}

/// [`CellsExec`] on the wire.
#[derive(Debug)]
pub(super) struct CellsWire;

#[derive(Clone, PartialEq, prost::Message)]
struct CellsBytes {
    /// The column of the values, what they are and how they are cut, and the columns of the dimensions, as
    /// JSON.
    #[prost(string, tag = "1")]
    told: String,
    /// What the dimensions have at their places; nothing for those that have numbers.
    #[prost(bytes = "vec", repeated, tag = "2")]
    coords: Vec<Vec<u8>>,
}

/// What the rows of cells look like, as bytes.
pub(crate) fn cells_to(cells: &Cells) -> Result<Vec<u8>> {
    let names: Vec<&str> = cells.coords.iter().map(|(name, _)| name.as_str()).collect();
    let told = serde_json::to_string(&(&cells.name, cells.dtype, &cells.grid, names));
    let coords = cells.coords.iter().map(|(_, coord)| match coord {
        Some(coord) => {
            let grid = Grid::whole(coord.shape());
            Memory::new(coord.clone(), grid).to_wire().map_err(error)
        }
        None => Ok(Vec::new()),
    });
    let coords = coords.collect::<Result<_>>()?;
    Ok(CellsBytes { told: told.map_err(unread)?, coords }.encode_to_vec())
}

/// The same from bytes.
pub(crate) fn cells_from(bytes: &[u8]) -> Result<Cells> {
    let CellsBytes { told, coords } = CellsBytes::decode(bytes).map_err(unread)?;
    let (name, dtype, grid, names): (String, DType, Grid, Vec<String>) =
        serde_json::from_str(&told).map_err(unread)?;
    let lengths = grid.shape();
    let fits = grid.is_sound() && names.len() == lengths.len() && coords.len() == lengths.len();
    let coords = coords.iter().zip(&lengths).map(|(bytes, length)| {
        if bytes.is_empty() {
            return Ok(None);
        }
        let values = Memory::from_wire(bytes).map_err(error)?.values().clone();
        match values.shape() == [*length] {
            true => Ok(Some(values)),
            false => internal_err!("a coordinate is not as long as its dimension"),
        }
    });
    let coords = coords.collect::<Result<Vec<_>>>()?;
    if !fits {
        return internal_err!("the cells of an array came with other dimensions");
    }
    Ok(Cells { name, coords: names.into_iter().zip(coords).collect(), dtype, grid })
}

impl WireNode for CellsWire {
    fn name(&self) -> &'static str {
        "strata.cells"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let cells = node.downcast_ref::<CellsExec>();
        cells.map(|node| cells_to(node.cells())).transpose()
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(CellsExec::new(Arc::new(cells_from(bytes)?), only(inputs)?)))
    }
}

fn unread(error: impl std::fmt::Display) -> datafusion::error::DataFusionError {
    exec_datafusion_err!("an operator on chunks: {error}")
}
