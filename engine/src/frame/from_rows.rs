//! Rows as an array: columns that say where, and one that says what.

use std::sync::Arc;

use datafusion::arrow::array::{Array as _, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit};
use datafusion::dataframe::DataFrame;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::logical_expr::ident;
use datafusion::prelude::SessionContext;
use futures::TryStreamExt;

use crate::array::{ArrayError, DType, Kind, Tensor, Unit, cells};
use crate::config::{ByteSize, options_of};
use crate::error::Result;
use crate::kernels::Block;
use crate::lazy::{Array, Labelled, Scalar};

/// What the rows are to become.
#[derive(Debug, Clone)]
pub struct Placed {
    /// The columns of places: each becomes a dimension, its distinct values in order the coordinate.
    pub dims: Vec<String>,
    /// The column of the values.
    pub value: String,
    /// What is where no row is. Without it that is NaN, which makes floats of whole numbers, or no time.
    pub fill: Option<Scalar>,
}

/// Brings rows to their places. The array is in memory.
pub async fn from_rows(
    session: &SessionContext,
    frame: DataFrame,
    placed: &Placed,
) -> Result<Labelled> {
    let mut types = Vec::new();
    for name in placed.dims.iter().chain([&placed.value]) {
        let field = frame.schema().field_with_unqualified_name(name)?;
        types.push(dtype_of(name, field.data_type())?);
    }
    let Some((value_type, dim_types)) = types.split_last() else {
        return Err(ArrayError::asked("name the columns that become dimensions").into());
    };
    let mut places: Vec<Vec<i64>> = Vec::new();
    for (name, dtype) in placed.dims.iter().zip(dim_types) {
        let distinct = frame.clone().select(vec![ident(name)])?.distinct()?;
        let mut all = Vec::new();
        for batch in distinct.collect().await? {
            all.extend(keys(name, batch.column(0), *dtype)?);
        }
        all.sort_unstable();
        all.dedup();
        places.push(all);
    }
    let shape: Vec<u64> = places.iter().map(|all| all.len() as u64).collect();
    let limit = options_of(session.state_ref().read().config_options()).memory.limit.bytes();
    // Values, whether they are there, and both again where whole numbers become floats.
    let count = cells(&shape).filter(|count| count.saturating_mul(20) <= limit).ok_or_else(|| {
        ArrayError::asked(format!(
            "an array of shape {shape:?} for the places of {} is more than fits into memory.limit at {}: choose \
             fewer rows or dimensions",
            placed.dims.join(", "),
            ByteSize(limit)
        ))
    })? as usize;
    let held = MemoryConsumer::new("to_array").register(&session.runtime_env().memory_pool);
    held.try_grow(count.saturating_mul(20))?;
    let mut placing = Cells {
        values: vec![0; count],
        there: vec![false; count],
        floats: value_type.kind().is_float(),
    };
    let columns: Vec<_> = placed.dims.iter().chain([&placed.value]).map(ident).collect();
    let mut rows = frame.select(columns)?.execute_stream().await?;
    while let Some(batch) = rows.try_next().await? {
        placing.take(&batch, placed, dim_types, &places)?;
    }
    let (dtype, block) = placing.finish(*value_type, placed.fill);
    held.try_resize(count.saturating_mul(dtype.width()))?;
    let mut labelled = Labelled::from(
        Array::of_counted(Tensor::from_block(dtype, shape, block)?, held)?
            .named(placed.dims.iter().cloned().map(Some).collect())?,
    );
    labelled.name = Some(placed.value.clone());
    for ((name, dtype), all) in placed.dims.iter().zip(dim_types).zip(places) {
        let length = all.len() as u64;
        let coord = Tensor::from_block(*dtype, vec![length], of_keys(all, dtype.kind()))?;
        labelled.coords.insert(name.clone(), Array::of(coord)?.named(vec![Some(name.clone())])?);
    }
    Ok(labelled)
}

/// The cells that rows have been brought to.
struct Cells {
    /// The bits of floats, and whole numbers.
    values: Vec<i64>,
    there: Vec<bool>,
    floats: bool,
}

impl Cells {
    fn take(
        &mut self,
        batch: &RecordBatch,
        placed: &Placed,
        types: &[DType],
        places: &[Vec<i64>],
    ) -> Result<()> {
        let mut at = vec![0_usize; batch.num_rows()];
        for (((name, dtype), all), column) in
            placed.dims.iter().zip(types).zip(places).zip(batch.columns())
        {
            for (at, key) in at.iter_mut().zip(keys(name, column, *dtype)?) {
                let place = all.binary_search(&key).map_err(|_| {
                    ArrayError::asked(format!(
                        "'{name}' has other values than before: its table changed"
                    ))
                })?;
                *at = *at * all.len() + place;
            }
        }
        let Some(column) = batch.columns().last() else { return Ok(()) };
        let values: Vec<i64> = match self.floats {
            true => {
                let floats = cast(&placed.value, column, &DataType::Float64)?;
                let floats = floats.as_primitive::<Float64Type>().values().iter();
                floats.map(|value| value.to_bits() as i64).collect()
            }
            false => numbers(&placed.value, column)?,
        };
        for (row, (at, value)) in at.into_iter().zip(values).enumerate() {
            let (Some(there), Some(cell)) = (self.there.get_mut(at), self.values.get_mut(at))
            else {
                continue;
            };
            if column.is_null(row) {
                continue;
            }
            if std::mem::replace(there, true) {
                return Err(ArrayError::asked(format!(
                    "two rows have the same {}: bring them to one first, as in \
                     .group_by({}).agg(avg({}) AS {})",
                    placed.dims.join(", "),
                    placed.dims.join(", "),
                    placed.value,
                    placed.value
                ))
                .into());
            }
            *cell = value;
        }
        Ok(())
    }

    /// The values, with what is missing.
    fn finish(self, dtype: DType, fill: Option<Scalar>) -> (DType, Block) {
        let Self { mut values, there, floats } = self;
        let complete = there.iter().all(|there| *there);
        let plain = matches!(dtype, DType::Plain(_));
        let widened = plain && !floats && !complete && fill.is_none();
        if widened {
            let cells = values.into_iter().zip(there);
            let cells = cells.map(|(value, there)| if there { value as f64 } else { f64::NAN });
            return (Kind::F64.into(), Block::F64(cells.collect()));
        }
        let missing = match (fill, floats) {
            (Some(fill), true) => fill.as_f64().to_bits() as i64,
            (None, true) => f64::NAN.to_bits() as i64,
            (Some(Scalar::Signed(fill)), false) => fill,
            (Some(fill), false) => fill.as_f64() as i64,
            (None, false) => i64::MIN,
        };
        if !complete {
            let empty = values.iter_mut().zip(&there).filter(|(_, there)| !**there);
            empty.for_each(|(value, _)| *value = missing);
        }
        let block = match floats {
            true if dtype.kind() == Kind::F32 => Block::F32(
                values.into_iter().map(|bits| f64::from_bits(bits as u64) as f32).collect(),
            ),
            true => {
                Block::F64(values.into_iter().map(|bits| f64::from_bits(bits as u64)).collect())
            }
            false => whole(values, dtype.kind()),
        };
        (dtype, block)
    }
}

/// What an array has in place of a column's values.
fn dtype_of(name: &str, column: &DataType) -> Result<DType> {
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => Unit::Seconds,
        TimeUnit::Millisecond => Unit::Milliseconds,
        TimeUnit::Microsecond => Unit::Microseconds,
        TimeUnit::Nanosecond => Unit::Nanoseconds,
    };
    Ok(match column {
        DataType::Boolean => Kind::Bool.into(),
        DataType::Int8 => Kind::I8.into(),
        DataType::Int16 => Kind::I16.into(),
        DataType::Int32 => Kind::I32.into(),
        DataType::Int64 => Kind::I64.into(),
        DataType::UInt8 => Kind::U8.into(),
        DataType::UInt16 => Kind::U16.into(),
        DataType::UInt32 => Kind::U32.into(),
        DataType::Float32 => Kind::F32.into(),
        DataType::Float64 => Kind::F64.into(),
        DataType::Date32 | DataType::Date64 => DType::Time(Unit::Seconds),
        DataType::Timestamp(of, _) => DType::Time(unit(of)),
        DataType::Duration(of) => DType::Span(unit(of)),
        other => {
            return Err(ArrayError::asked(format!(
                "'{name}' is of type {other}, which no array has: cast it to a number or a time"
            ))
            .into());
        }
    })
}

/// Places as numbers in the same order.
fn keys(name: &str, column: &ArrayRef, dtype: DType) -> Result<Vec<i64>> {
    if column.null_count() > 0 {
        return Err(ArrayError::asked(format!(
            "'{name}' has rows without a value, which have no place: filter({name} IS NOT NULL)"
        ))
        .into());
    }
    if !dtype.kind().is_float() {
        return numbers(name, column);
    }
    let floats = cast(name, column, &DataType::Float64)?;
    let floats = floats.as_primitive::<Float64Type>().values().iter();
    // Without -0, the order of bits is that of numbers, but for the sign.
    Ok(floats.map(|value| ordered((value + 0.0).to_bits() as i64)).collect())
}

/// Whole numbers and times as counts; days as the seconds of their beginning.
fn numbers(name: &str, column: &ArrayRef) -> Result<Vec<i64>> {
    let seconds = DataType::Timestamp(TimeUnit::Second, None);
    let counts = match column.data_type() {
        DataType::Date32 | DataType::Date64 => cast(name, column, &seconds)?,
        _ => Arc::clone(column),
    };
    let counts = cast(name, &counts, &DataType::Int64)?;
    Ok(counts.as_primitive::<Int64Type>().values().to_vec())
}

/// The bits of a float as a number in the same order, and back.
fn ordered(bits: i64) -> i64 {
    bits ^ ((bits >> 63) & i64::MAX)
}

fn of_keys(keys: Vec<i64>, kind: Kind) -> Block {
    let float = |key: i64| f64::from_bits(ordered(key) as u64);
    match kind {
        Kind::F32 => Block::F32(keys.into_iter().map(|key| float(key) as f32).collect()),
        Kind::F64 => Block::F64(keys.into_iter().map(float).collect()),
        kind => whole(keys, kind),
    }
}

/// Whole numbers of a kind, which they were before.
fn whole(values: Vec<i64>, kind: Kind) -> Block {
    macro_rules! narrow {
        ($kind:ident) => {
            Block::$kind(values.into_iter().map(|value| value as _).collect())
        };
    }
    match kind {
        Kind::Bool => Block::Bool(values.into_iter().map(|value| u8::from(value != 0)).collect()),
        Kind::I8 => narrow!(I8),
        Kind::I16 => narrow!(I16),
        Kind::I32 => narrow!(I32),
        Kind::U8 => narrow!(U8),
        Kind::U16 => narrow!(U16),
        Kind::U32 => narrow!(U32),
        Kind::U64 => narrow!(U64),
        _ => Block::I64(values),
    }
}

/// A column as another type, or an error: no value is lost.
fn cast(name: &str, column: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let made = cast_with_options(column, to, &options);
    Ok(made.map_err(|error| ArrayError::asked(format!("'{name}': {error}")))?)
}
