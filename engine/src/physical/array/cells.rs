//! What the rows of cells look like, and how they are made of a chunk's values or records.

use std::ops::Range;
use std::sync::Arc;

use datafusion::arrow::array::{
    Array as _, ArrayRef, Int64Array, PrimitiveArray, RecordBatch, RecordBatchOptions, UInt64Array,
    make_array,
};
use datafusion::arrow::buffer::{Buffer, NullBuffer};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Field, Float32Type, Float64Type, Schema, SchemaRef};
use datafusion::common::{Result, internal_err};
use serde::{Deserialize, Serialize};

use super::chunks::{self, error};
use super::columns::{column, data_type};
use crate::array::{DType, Grid, Region, Tensor, shape_of};
use crate::kernels::Slice;

/// What the rows of an array's cells look like: columns of the dimensions first, then those of the values. Where
/// there are several columns of values, NULLs that are told, or cells without a row, a chunk has records.
#[derive(Debug, Clone)]
pub(crate) struct Cells {
    pub(crate) places: Vec<PlaceColumn>,
    pub(crate) values: Vec<ValueColumn>,
    /// How the cells are cut, without the bytes of records.
    pub(crate) grid: Grid,
    /// Whether there are only rows of the cells whose records end in a 1.
    pub(crate) only: bool,
    /// Why a query goes through the rows, where it could have been asked of the arrays.
    pub(crate) as_rows: Option<String>,
}

/// A column of what places along a dimension have.
#[derive(Debug, Clone, PartialEq)]
pub struct PlaceColumn {
    /// What it is called.
    pub name: String,
    /// Along which dimension.
    pub axis: usize,
    /// What each place has; its number, where there is nothing.
    pub values: Option<ArrayRef>,
}

impl PlaceColumn {
    /// What each place of its dimension has.
    pub(crate) fn column(&self, grid: &Grid) -> ArrayRef {
        match &self.values {
            Some(values) => Arc::clone(values),
            None => {
                let length = grid.0.get(self.axis).map_or(0, crate::array::Cuts::length);
                Arc::new(Int64Array::from_iter_values(0..length as i64))
            }
        }
    }
}

/// A column of values.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct ValueColumn {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) nulls: NullsOf,
}

/// Which values of a column are NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum NullsOf {
    /// Times that are none.
    Times,
    /// These, and NaN.
    Nan,
    /// Those whose next byte in the record is 0.
    Told,
}

impl ValueColumn {
    /// The bytes that it has in a record.
    fn width(&self) -> usize {
        self.dtype.width() + usize::from(self.nulls == NullsOf::Told)
    }
}

impl Cells {
    /// Whether chunks have records.
    pub(crate) fn are_records(&self) -> bool {
        self.only || !matches!(&self.values[..], [one] if one.nulls != NullsOf::Told)
    }

    /// The bytes of a record.
    pub(crate) fn width(&self) -> usize {
        self.values.iter().map(ValueColumn::width).sum::<usize>() + usize::from(self.only)
    }

    /// Whether a cell of a chunk has a row.
    pub(super) fn has_row(&self, chunk: &Tensor, cell: usize) -> bool {
        let width = self.width();
        let last = (cell + 1).checked_mul(width).and_then(|end| end.checked_sub(1));
        !self.only || last.and_then(|at| chunk.data().get(at)).is_some_and(|told| *told != 0)
    }

    /// What chunks have: how they are cut, and what their values are.
    fn chunks(&self) -> (Grid, DType) {
        match &self.values[..] {
            [one] if !self.are_records() => (self.grid.clone(), one.dtype),
            [] if !self.only => (self.grid.clone(), DType::Plain(crate::array::Kind::Bool)),
            _ => {
                let width = self.width() as u64;
                let mut grid = self.grid.clone();
                grid.0.push(crate::array::Cuts::even(width, width));
                (grid, DType::Plain(crate::array::Kind::U8))
            }
        }
    }

    /// Whether an array has such chunks.
    pub(crate) fn fit(&self, array: &crate::lazy::Array) -> bool {
        let (grid, dtype) = self.chunks();
        let is_sound = |place: &PlaceColumn| match (grid.shape().get(place.axis), &place.values) {
            (Some(length), Some(values)) => *length == values.len() as u64,
            (Some(_), None) => true,
            (None, _) => false,
        };
        array.shape() == grid.shape()
            && array.dtype() == dtype
            && self.places.iter().all(|place| place.axis < self.grid.0.len() && is_sound(place))
    }
}

/// The columns of cells.
pub(crate) fn cell_schema(cells: &Cells) -> SchemaRef {
    let place = |place: &PlaceColumn| {
        let kind = place.values.as_ref().map_or(DataType::Int64, |of| of.data_type().clone());
        Field::new(&place.name, kind, true)
    };
    let value = |column: &ValueColumn| Field::new(&column.name, data_type(column.dtype), true);
    let fields = cells.places.iter().map(place).chain(cells.values.iter().map(value));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The chunks of a batch: the box of each, and its values or records.
pub(super) fn boxes(cells: &Cells, batch: &RecordBatch) -> Result<Vec<(u64, Region, Tensor)>> {
    let (grid, dtype) = cells.chunks();
    let mut all = Vec::new();
    for (number, parts) in chunks::rows(batch)? {
        let Some(bytes) = parts.into_iter().next() else { continue };
        // A record lies in one chunk: the numbers are those of the cells' own.
        let region = cells.grid.region(&cells.grid.place(number));
        let shape = shape_of(&grid.region(&grid.place(number)));
        all.push((number, region, Tensor::new(dtype, shape, bytes).map_err(error)?));
    }
    Ok(all)
}

/// Some cells of a chunk; none where none of them has a row.
pub(super) fn rows(
    cells: &Cells,
    schema: &SchemaRef,
    region: &Region,
    values: &Tensor,
    range: Range<usize>,
) -> Result<Option<RecordBatch>> {
    let there: Option<Vec<usize>> =
        cells.only.then(|| range.clone().filter(|cell| cells.has_row(values, *cell)).collect());
    let (columns, count) = match there {
        Some(there) if there.is_empty() => return Ok(None),
        Some(there) if there.len() < range.len() => {
            let mut columns = place_columns(cells, region, there.iter().copied())?;
            let values = picked(cells, values, &there)?;
            columns.extend(value_columns(cells, &values, 0..there.len())?);
            (columns, there.len())
        }
        _ => {
            let mut columns = place_columns(cells, region, range.clone())?;
            columns.extend(value_columns(cells, values, range.clone())?);
            (columns, range.len())
        }
    };
    let rows = RecordBatchOptions::new().with_row_count(Some(count));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &rows)
        .map(Some)
        .map_err(Into::into)
}

/// What the places of some cells of a box have.
pub(super) fn place_columns(
    cells: &Cells,
    region: &Region,
    which: impl Iterator<Item = usize> + Clone,
) -> Result<Vec<ArrayRef>> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(cells.places.len() + cells.values.len());
    let mut known: Vec<Option<UInt64Array>> = vec![None; region.len()];
    for place in &cells.places {
        let Some(at) = known.get_mut(place.axis) else {
            return internal_err!("a column is of a dimension that there is not");
        };
        let at = at.get_or_insert_with(|| places(region, place.axis, which.clone()));
        columns.push(match &place.values {
            Some(values) => take(values, at, None)?,
            None => Arc::new(at.values().iter().map(|at| *at as i64).collect::<Int64Array>()),
        });
    }
    Ok(columns)
}

/// The values of some cells of a box that lie in a row.
pub(super) fn value_columns(
    cells: &Cells,
    values: &Tensor,
    range: Range<usize>,
) -> Result<Vec<ArrayRef>> {
    let mut columns: Vec<ArrayRef> = Vec::with_capacity(cells.values.len());
    match &cells.values[..] {
        [one] if !cells.are_records() => {
            let part: Slice<'_> = values.values().range(range.start, range.end);
            columns.push(told(one, column(one.dtype, part.to_block()), None));
        }
        all => {
            let width = cells.width();
            let records = values.data().as_slice();
            let records = records.get(range.start * width..range.end * width).unwrap_or_default();
            let mut from = 0;
            for one in all {
                let bytes = part_of(records, width, from..from + one.dtype.width());
                let values = Tensor::new(one.dtype, vec![range.len() as u64], Buffer::from(bytes));
                let values = column(one.dtype, values.map_err(error)?.values().to_block());
                let there = (one.nulls == NullsOf::Told).then(|| {
                    let at = from + one.dtype.width();
                    part_of(records, width, at..at + 1)
                });
                columns.push(told(one, values, there));
                from += one.width();
            }
        }
    }
    Ok(columns)
}

/// Some of the values or records of a box, one after the other.
pub(super) fn picked(cells: &Cells, values: &Tensor, which: &[usize]) -> Result<Tensor> {
    let (dtype, mut shape) = (values.dtype(), vec![which.len() as u64]);
    let width = match cells.only || (cells.are_records() && !cells.values.is_empty()) {
        true => {
            shape.push(cells.width() as u64);
            cells.width()
        }
        false => dtype.width(),
    };
    let all = values.data().as_slice();
    let mut bytes = Vec::with_capacity(which.len() * width);
    for at in which {
        bytes.extend_from_slice(all.get(at * width..(at + 1) * width).unwrap_or_default());
    }
    Tensor::new(dtype, shape, Buffer::from(bytes)).map_err(error)
}

/// Along a dimension, the place of each of some cells of a box.
fn places(region: &Region, axis: usize, which: impl Iterator<Item = usize>) -> UInt64Array {
    let lengths: Vec<usize> = shape_of(region).iter().map(|length| *length as usize).collect();
    let each = lengths.iter().skip(axis + 1).product::<usize>().max(1);
    let length = lengths.get(axis).copied().unwrap_or(1).max(1);
    let first = region.get(axis).map_or(0, |range| range.start);
    which.map(|cell| first + (cell / each % length) as u64).collect()
}

/// The same bytes of each record.
fn part_of(records: &[u8], width: usize, part: Range<usize>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(records.len() / width.max(1) * part.len());
    for record in records.chunks_exact(width.max(1)) {
        bytes.extend_from_slice(record.get(part.clone()).unwrap_or_default());
    }
    bytes
}

/// A column with its NULLs.
fn told(of: &ValueColumn, values: ArrayRef, there: Option<Vec<u8>>) -> ArrayRef {
    let nulls = match (of.nulls, there) {
        (NullsOf::Told, Some(there)) => there.iter().map(|there| *there != 0).collect(),
        (NullsOf::Nan, _) => match (values.as_any().downcast_ref(), values.as_any().downcast_ref())
        {
            (Some(values), _) => not_nan::<Float32Type>(values, |value| value.is_nan()),
            (_, Some(values)) => not_nan::<Float64Type>(values, |value| value.is_nan()),
            _ => return values,
        },
        _ => return values,
    };
    let nulls = NullBuffer::union(Some(&nulls), values.nulls());
    let known = values.to_data().into_builder().nulls(nulls);
    known.build().map(make_array).unwrap_or(values)
}

fn not_nan<T: datafusion::arrow::datatypes::ArrowPrimitiveType>(
    values: &PrimitiveArray<T>,
    is_nan: fn(&T::Native) -> bool,
) -> NullBuffer {
    values.values().iter().map(|value| !is_nan(value)).collect()
}
