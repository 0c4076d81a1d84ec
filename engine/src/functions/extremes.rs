//! `min` and `max`, with one order of floats wherever they are computed: NaN is larger than any
//! number, as it is in comparisons and sorts.
//!
//! DataFusion's agree with that for whole tables but not for groups, where a NaN counts or not
//! depending on which row comes last and infinities are lost, nor where they are answered from the
//! statistics of files, which leave NaN out. Everything but floats is left to DataFusion.

use std::sync::Arc;

use datafusion::arrow::datatypes::{DataType, Float16Type, Float32Type, Float64Type};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, Documentation, GroupsAccumulator, ReversedUDAF,
    SetMonotonicity, Signature, StatisticsArgs,
};
use datafusion_functions_aggregate_common::aggregate::groups_accumulator::prim_op::PrimitiveGroupsAccumulator;

/// Both.
pub(super) fn all() -> Vec<Arc<AggregateUDF>> {
    [(min_udaf(), End::Least), (max_udaf(), End::Most)]
        .into_iter()
        .map(|(inner, end)| Arc::new(AggregateUDF::from(Extreme { inner, end })))
        .collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum End {
    Least,
    Most,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Extreme {
    inner: Arc<AggregateUDF>,
    end: End,
}

/// Keeps what lies further towards one end of the total order; it starts at the other.
macro_rules! float_groups {
    ($end:expr, $data_type:expr, $primitive:ty, $start:expr) => {
        match $end {
            End::Least => Box::new(
                PrimitiveGroupsAccumulator::<$primitive, _>::new($data_type, |kept, next| {
                    if next.total_cmp(kept).is_lt() {
                        *kept = next;
                    }
                })
                .with_starting_value($start),
            ) as Box<dyn GroupsAccumulator>,
            End::Most => Box::new(
                PrimitiveGroupsAccumulator::<$primitive, _>::new($data_type, |kept, next| {
                    if next.total_cmp(kept).is_gt() {
                        *kept = next;
                    }
                })
                .with_starting_value(-$start),
            ),
        }
    };
}

impl AggregateUDFImpl for Extreme {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn state_fields(
        &self,
        args: StateFieldsArgs<'_>,
    ) -> Result<Vec<datafusion::arrow::datatypes::FieldRef>> {
        self.inner.state_fields(args)
    }

    fn accumulator(&self, args: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.inner.accumulator(args)
    }

    fn create_sliding_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn Accumulator>> {
        self.inner.create_sliding_accumulator(args)
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs<'_>) -> bool {
        self.inner.groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(
        &self,
        args: AccumulatorArgs<'_>,
    ) -> Result<Box<dyn GroupsAccumulator>> {
        let data_type = args.return_field.data_type();
        Ok(match data_type {
            // The NaN at the end of the total order: all bits of its payload are set.
            DataType::Float16 => {
                let most = <Float16Type as datafusion::arrow::datatypes::ArrowPrimitiveType>::Native::from_bits(0x7fff);
                float_groups!(self.end, data_type, Float16Type, most)
            }
            DataType::Float32 => {
                float_groups!(self.end, data_type, Float32Type, f32::from_bits(u32::MAX >> 1))
            }
            DataType::Float64 => {
                float_groups!(self.end, data_type, Float64Type, f64::from_bits(u64::MAX >> 1))
            }
            _ => self.inner.create_groups_accumulator(args)?,
        })
    }

    fn value_from_stats(&self, args: &StatisticsArgs<'_>) -> Option<ScalarValue> {
        if args.return_type.is_floating() {
            return None;
        }
        self.inner.value_from_stats(args)
    }

    fn is_descending(&self) -> Option<bool> {
        self.inner.is_descending()
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.inner.order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.inner.inner().set_monotonicity(data_type)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
