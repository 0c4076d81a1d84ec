//! The operators on chunks, as bytes and back.

use std::sync::Arc;

use datafusion::arrow::array::Array as _;
use datafusion::common::{Result, exec_datafusion_err, internal_err};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::ExecutionPlan;
use prost::Message;

use super::cell_rows::CellsExec;
use super::cells::{Cells, PlaceColumn, ValueColumn};
use super::chunks::error;
use super::combine::{CombineChunksExec, Meet};
use super::exchange::Exchange;
use super::fold::Fold;
use super::gather::GatherChunksExec;
use super::given::Given;
use super::look_up::{LookUp, LookUpExec};
use super::map::MapChunksExec;
use super::scatter::ScatterChunksExec;
use super::shared::SharedExec;
use super::sought::PlaceKey;
use super::work::Work;
use crate::array::{ArrayError, ArraySource, DType, Grid, Kind};
use crate::lazy::{Array, ChunkKernel, Finds};
use crate::physical::only;
use crate::program::Program;
use crate::wire::{Wire, WireLink, WireNode, column_from_bytes, column_to_bytes};

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

/// A program with what it is brought to, and what its results are given to.
#[derive(Clone, PartialEq, prost::Message)]
struct WorkBytes {
    #[prost(bytes = "vec", tag = "1")]
    root: Vec<u8>,
    /// What is folded, as JSON; nothing where nothing is.
    #[prost(string, tag = "2")]
    fold: String,
    #[prost(bytes = "vec", repeated, tag = "3")]
    given: Vec<Vec<u8>>,
    /// What is exchanged, and which of it, as JSON; nothing where nothing is.
    #[prost(string, tag = "4")]
    exchange: String,
    /// The rules that it is prepared without, as JSON.
    #[prost(string, tag = "5")]
    without: String,
    /// How many of the given results each plan makes.
    #[prost(uint64, repeated, tag = "6")]
    made: Vec<u64>,
}

impl WorkBytes {
    fn of(work: &Work, given_by: &Given, exchange: Option<(&Exchange, usize)>) -> Result<Self> {
        let root = work.program().root().to_wire().map_err(error)?;
        let fold = work.fold().map(serde_json::to_string).transpose().map_err(unread)?;
        let given =
            given_by.arrays().map(|array| array.handed(0).and_then(|given| given.to_wire()));
        let given = given.collect::<Result<_, _>>().map_err(error)?;
        let exchange = exchange.map(|exchange| serde_json::to_string(&exchange));
        let exchange = exchange.transpose().map_err(unread)?.unwrap_or_default();
        let without = serde_json::to_string(work.program().without()).map_err(unread)?;
        let made = given_by.plans().map(|(_, arrays)| arrays.len() as u64).collect();
        Ok(Self { root, fold: fold.unwrap_or_default(), given, exchange, without, made })
    }

    /// The work, and what its given results look like.
    fn work(&self, link: &WireLink<'_>) -> Result<(Work, Vec<Vec<Array>>)> {
        let root = array_from(&self.root, link.context()?)?;
        let fold: Option<Fold> = match self.fold.is_empty() {
            true => None,
            false => Some(serde_json::from_str(&self.fold).map_err(unread)?),
        };
        if fold.as_ref().is_some_and(|fold| fold.axes.len() != root.ndim()) {
            return internal_err!("chunks are folded along dimensions that they do not have");
        }
        if let Some(fold) = &fold {
            fold.becomes.check(root.kind()).map_err(unread)?;
        }
        let given = self.given.iter().map(|bytes| array_from(bytes, link.context()?));
        let mut given = given.collect::<Result<Vec<_>>>()?.into_iter();
        let made = self.made.iter().map(|many| {
            let many = usize::try_from(*many).unwrap_or(usize::MAX);
            given.by_ref().take(many).collect::<Vec<_>>()
        });
        let made = made.collect::<Vec<_>>();
        if made.iter().any(Vec::is_empty) || given.next().is_some() {
            return internal_err!("results are given that no plan makes");
        }
        let without = serde_json::from_str(&self.without).map_err(unread)?;
        let program = Arc::new(Program::new(root, without).map_err(error)?);
        Ok((Work::new(program, fold), made))
    }

    /// What is exchanged, and which of it.
    fn exchange(&self, work: &Work) -> Result<(Exchange, usize)> {
        let (exchange, which): (Exchange, usize) =
            serde_json::from_str(&self.exchange).map_err(unread)?;
        match exchange.fits(work) && which < exchange.len() {
            true => Ok((exchange, which)),
            false => internal_err!("what is exchanged does not fit what is read"),
        }
    }
}

/// The first input, and the results that are given to all, which the others make.
fn with_given(
    work: &Work,
    given: Vec<Vec<Array>>,
    inputs: &[Arc<dyn ExecutionPlan>],
) -> Result<(Arc<dyn ExecutionPlan>, Given)> {
    work.program().root().takes(&given.concat()).map_err(error)?;
    match inputs.split_first() {
        Some((first, plans)) if plans.len() == given.len() => {
            Ok((Arc::clone(first), Given::new(plans.iter().cloned().zip(given).collect())))
        }
        _ => internal_err!("an operator on chunks came with {} inputs", inputs.len()),
    }
}

/// [`MapChunksExec`] on the wire.
#[derive(Debug)]
pub(in crate::physical) struct MapChunksWire;

impl WireNode for MapChunksWire {
    fn name(&self) -> &'static str {
        "strata.map_chunks"
    }

    fn version(&self) -> u32 {
        3
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(node) = node.downcast_ref::<MapChunksExec>() else { return Ok(None) };
        WorkBytes::of(node.work(), node.given(), None).map(|bytes| Some(bytes.encode_to_vec()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (work, given) = WorkBytes::decode(bytes).map_err(unread)?.work(link)?;
        let (keys, given) = with_given(&work, given, inputs)?;
        Ok(Arc::new(MapChunksExec::new(work, keys, given)))
    }
}

/// [`ScatterChunksExec`] on the wire.
#[derive(Debug)]
pub(in crate::physical) struct ScatterChunksWire;

impl WireNode for ScatterChunksWire {
    fn name(&self) -> &'static str {
        "strata.scatter_chunks"
    }

    fn version(&self) -> u32 {
        2
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(node) = node.downcast_ref::<ScatterChunksExec>() else { return Ok(None) };
        let bytes = WorkBytes::of(node.work(), &Given::default(), Some(node.exchange()))?;
        Ok(Some(bytes.encode_to_vec()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let bytes = WorkBytes::decode(bytes).map_err(unread)?;
        let (work, _) = bytes.work(link)?;
        let (exchange, which) = bytes.exchange(&work)?;
        Ok(Arc::new(ScatterChunksExec::new(work, exchange, which, only(inputs)?)))
    }
}

/// [`GatherChunksExec`] on the wire.
#[derive(Debug)]
pub(in crate::physical) struct GatherChunksWire;

impl WireNode for GatherChunksWire {
    fn name(&self) -> &'static str {
        "strata.gather_chunks"
    }

    fn version(&self) -> u32 {
        2
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(node) = node.downcast_ref::<GatherChunksExec>() else { return Ok(None) };
        let bytes = WorkBytes::of(node.work(), node.given(), Some((node.exchange(), 0)))?;
        Ok(Some(bytes.encode_to_vec()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        link: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let bytes = WorkBytes::decode(bytes).map_err(unread)?;
        let (work, given) = bytes.work(link)?;
        let (exchange, _) = bytes.exchange(&work)?;
        let (pieces, given) = with_given(&work, given, inputs)?;
        Ok(Arc::new(GatherChunksExec::new(work, exchange, pieces, given)))
    }
}

/// [`CombineChunksExec`] on the wire.
#[derive(Debug)]
pub(in crate::physical) struct CombineChunksWire;

impl WireNode for CombineChunksWire {
    fn name(&self) -> &'static str {
        "strata.combine_chunks"
    }

    fn version(&self) -> u32 {
        3
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
        let (fold, kind, dtypes, meet): (Fold, Kind, Vec<DType>, Meet) =
            serde_json::from_slice(bytes).map_err(unread)?;
        fold.becomes.check(kind).map_err(unread)?;
        if dtypes.len() != fold.becomes.results() {
            return internal_err!("chunks come to {} results", fold.becomes.results());
        }
        Ok(Arc::new(CombineChunksExec::new(fold, kind, dtypes, meet, only(inputs)?)))
    }
}

/// [`SharedExec`] on the wire. What is shared stays within a process: the other side runs the input.
#[derive(Debug)]
pub(in crate::physical) struct SharedWire;

impl WireNode for SharedWire {
    fn name(&self) -> &'static str {
        "strata.shared"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        Ok(node.downcast_ref::<SharedExec>().map(|_| Vec::new()))
    }

    fn decode(
        &self,
        _: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        only(inputs)
    }
}

/// [`CellsExec`] on the wire.
#[derive(Debug)]
pub(in crate::physical) struct CellsWire;

#[derive(Clone, PartialEq, prost::Message)]
struct CellsBytes {
    /// The columns of values, how the cells are cut, the columns of dimensions, whether all cells have rows, and why these are gone through, as
    /// JSON.
    #[prost(string, tag = "1")]
    told: String,
    /// What dimensions have at their places; nothing for those that have numbers.
    #[prost(bytes = "vec", repeated, tag = "2")]
    places: Vec<Vec<u8>>,
}

/// What is told of cells in words.
type Told = (Vec<ValueColumn>, Grid, Vec<(String, usize)>, bool, Option<String>);

/// What the rows of cells look like, as bytes.
pub(crate) fn cells_to(cells: &Cells) -> Result<Vec<u8>> {
    let names = cells.places.iter().map(|place| (place.name.clone(), place.axis)).collect();
    let Cells { values, grid, only, as_rows, .. } = cells.clone();
    let told: Told = (values, grid, names, only, as_rows);
    let places = cells.places.iter().map(|place| match &place.values {
        Some(values) => column_to_bytes(values),
        None => Ok(Vec::new()),
    });
    let (told, places) = (serde_json::to_string(&told), places.collect::<Result<_>>()?);
    Ok(CellsBytes { told: told.map_err(unread)?, places }.encode_to_vec())
}

/// The same from bytes, for an array that has such cells.
pub(crate) fn cells_from(bytes: &[u8]) -> Result<Cells> {
    let CellsBytes { told, places } = CellsBytes::decode(bytes).map_err(unread)?;
    let (values, grid, names, only, as_rows): Told = serde_json::from_str(&told).map_err(unread)?;
    let lengths = grid.shape();
    if !grid.is_sound() || names.len() != places.len() {
        return internal_err!("the cells of an array came with other dimensions");
    }
    let places = names.into_iter().zip(&places).map(|((name, axis), bytes)| {
        let values = match bytes.is_empty() {
            true => None,
            false => Some(column_from_bytes(bytes)?),
        };
        match (lengths.get(axis), &values) {
            (Some(length), Some(values)) if values.len() as u64 != *length => {
                internal_err!("a coordinate is not as long as its dimension")
            }
            (None, _) => internal_err!("a coordinate is of a dimension that there is not"),
            _ => Ok(PlaceColumn { name, axis, values }),
        }
    });
    Ok(Cells { places: places.collect::<Result<_>>()?, values, grid, only, as_rows })
}

impl WireNode for CellsWire {
    fn name(&self) -> &'static str {
        "strata.cells"
    }

    fn version(&self) -> u32 {
        2
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

/// [`LookUpExec`] on the wire.
#[derive(Debug)]
pub(in crate::physical) struct LookUpWire;

#[derive(Clone, PartialEq, prost::Message)]
struct LookUpBytes {
    /// Which rows come out, and how many of their columns, as JSON; then each key's dimension and column.
    #[prost(string, tag = "1")]
    told: String,
    #[prost(bytes = "vec", tag = "2")]
    cells: Vec<u8>,
    /// What the places of each key have.
    #[prost(bytes = "vec", repeated, tag = "3")]
    keys: Vec<Vec<u8>>,
}

/// What is told of a look-up in words.
type Asks = (LookUp, usize, Vec<(usize, usize)>);

impl WireNode for LookUpWire {
    fn name(&self) -> &'static str {
        "strata.look_up"
    }

    fn version(&self) -> u32 {
        1
    }

    fn encode(&self, node: &dyn ExecutionPlan, _: &WireLink<'_>) -> Result<Option<Vec<u8>>> {
        let Some(node) = node.downcast_ref::<LookUpExec>() else { return Ok(None) };
        let (how, keys, width, cells) = node.told();
        let asks: Asks = (how, width, keys.iter().map(|key| (key.axis, key.column)).collect());
        let values = keys.iter().map(|key| column_to_bytes(&key.values));
        let bytes = LookUpBytes {
            told: serde_json::to_string(&asks).map_err(unread)?,
            cells: cells_to(cells)?,
            keys: values.collect::<Result<_>>()?,
        };
        Ok(Some(bytes.encode_to_vec()))
    }

    fn decode(
        &self,
        bytes: &[u8],
        inputs: &[Arc<dyn ExecutionPlan>],
        _: &WireLink<'_>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let LookUpBytes { told, cells, keys } = LookUpBytes::decode(bytes).map_err(unread)?;
        let (how, width, asked): Asks = serde_json::from_str(&told).map_err(unread)?;
        let cells = Arc::new(cells_from(&cells)?);
        let [rows, chunks] = inputs else {
            return internal_err!("a look-up came with {} inputs", inputs.len());
        };
        let (schema, lengths) = (rows.schema(), cells.grid.shape());
        let keys = asked.into_iter().zip(&keys).map(|((axis, column), bytes)| {
            let values = column_from_bytes(bytes)?;
            let same = schema.fields().get(column).map(|field| field.data_type());
            match lengths.get(axis) {
                Some(length)
                    if *length == values.len() as u64 && same == Some(values.data_type()) =>
                {
                    Ok(PlaceKey { axis, column, values })
                }
                _ => internal_err!("a look-up came with places that the cells do not have"),
            }
        });
        let keys: Arc<[PlaceKey]> = keys.collect::<Result<Vec<_>>>()?.into();
        if keys.is_empty() || width > schema.fields().len() {
            return internal_err!("a look-up came with columns that the rows do not have");
        }
        let (rows, chunks) = (Arc::clone(rows), Arc::clone(chunks));
        Ok(Arc::new(LookUpExec::new(how, keys, width, cells, rows, chunks)))
    }
}

fn unread(error: impl std::fmt::Display) -> datafusion::error::DataFusionError {
    exec_datafusion_err!("an operator on chunks: {error}")
}
