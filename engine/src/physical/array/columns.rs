//! What tables have in place of the types and values of arrays.

use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BooleanArray, DurationMicrosecondArray, DurationMillisecondArray,
    DurationNanosecondArray, DurationSecondArray, PrimitiveArray, TimestampMicrosecondArray,
    TimestampMillisecondArray, TimestampNanosecondArray, TimestampSecondArray,
};
use datafusion::arrow::buffer::{NullBuffer, ScalarBuffer};
use datafusion::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};

use crate::array::{DType, Kind, Tensor, Unit};
use crate::kernels::Block;

/// What a table has in place of values of a type.
pub(crate) fn data_type(dtype: DType) -> DataType {
    let unit = |unit| match unit {
        Unit::Seconds => TimeUnit::Second,
        Unit::Milliseconds => TimeUnit::Millisecond,
        Unit::Microseconds => TimeUnit::Microsecond,
        Unit::Nanoseconds => TimeUnit::Nanosecond,
    };
    match dtype {
        DType::Time(of) => DataType::Timestamp(unit(of), None),
        DType::Span(of) => DataType::Duration(unit(of)),
        DType::Plain(kind) => match kind {
            Kind::Bool => DataType::Boolean,
            Kind::I8 => DataType::Int8,
            Kind::I16 => DataType::Int16,
            Kind::I32 => DataType::Int32,
            Kind::I64 => DataType::Int64,
            Kind::U8 => DataType::UInt8,
            Kind::U16 => DataType::UInt16,
            Kind::U32 => DataType::UInt32,
            Kind::U64 => DataType::UInt64,
            Kind::F32 => DataType::Float32,
            Kind::F64 => DataType::Float64,
        },
    }
}

/// Values as a column. Times and spans that are none are NULL.
pub(super) fn column(dtype: DType, block: Block) -> ArrayRef {
    macro_rules! plain {
        ($type:ty, $values:expr) => {
            Arc::new(PrimitiveArray::<$type>::new(ScalarBuffer::from($values), None))
        };
    }
    match (dtype, block) {
        (DType::Time(unit), Block::I64(values)) => {
            let (values, nulls) = counted(values);
            match unit {
                Unit::Seconds => Arc::new(TimestampSecondArray::new(values, nulls)),
                Unit::Milliseconds => Arc::new(TimestampMillisecondArray::new(values, nulls)),
                Unit::Microseconds => Arc::new(TimestampMicrosecondArray::new(values, nulls)),
                Unit::Nanoseconds => Arc::new(TimestampNanosecondArray::new(values, nulls)),
            }
        }
        (DType::Span(unit), Block::I64(values)) => {
            let (values, nulls) = counted(values);
            match unit {
                Unit::Seconds => Arc::new(DurationSecondArray::new(values, nulls)),
                Unit::Milliseconds => Arc::new(DurationMillisecondArray::new(values, nulls)),
                Unit::Microseconds => Arc::new(DurationMicrosecondArray::new(values, nulls)),
                Unit::Nanoseconds => Arc::new(DurationNanosecondArray::new(values, nulls)),
            }
        }
        (_, Block::Bool(values)) => {
            Arc::new(values.iter().map(|value| Some(*value != 0)).collect::<BooleanArray>())
        }
        (_, Block::I8(values)) => plain!(Int8Type, values),
        (_, Block::I16(values)) => plain!(Int16Type, values),
        (_, Block::I32(values)) => plain!(Int32Type, values),
        (_, Block::I64(values)) => plain!(Int64Type, values),
        (_, Block::U8(values)) => plain!(UInt8Type, values),
        (_, Block::U16(values)) => plain!(UInt16Type, values),
        (_, Block::U32(values)) => plain!(UInt32Type, values),
        (_, Block::U64(values)) => plain!(UInt64Type, values),
        (_, Block::F32(values)) => plain!(Float32Type, values),
        (_, Block::F64(values)) => plain!(Float64Type, values),
    }
}

/// A coordinate's values as a column of a table.
pub fn coordinate_column(values: &Tensor) -> ArrayRef {
    column(values.dtype(), values.values().to_block())
}

fn counted(values: Vec<i64>) -> (ScalarBuffer<i64>, Option<NullBuffer>) {
    let none = values.contains(&i64::MIN);
    let nulls = none.then(|| values.iter().map(|value| *value != i64::MIN).collect());
    (ScalarBuffer::from(values), nulls)
}
