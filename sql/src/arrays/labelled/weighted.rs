//! `weighted(cos(lat))`: values that do not all count the same.

use strata_engine::{Array, Binary, Grid, Kind, Labelled, Reduce, Scalar, Unary};

use crate::arrays::arguments::{Bound, axes};
use crate::arrays::{Value, asked};
use crate::error::{Error, Result};

/// Values, and what each counts.
#[derive(Debug, Clone)]
pub(crate) struct Weighted {
    pub(super) on: Labelled,
    pub(super) weights: Labelled,
}

impl Weighted {
    /// The sum or mean of what there is, by what it counts.
    pub(in crate::arrays) fn reduce(&self, verb: &str, mut with: Bound) -> Result<Value> {
        let skip = with.flag("skip_nan")?;
        with.done(&["skip_nan"])?;
        let axes = axes(&self.on, &with.plain)?;
        let sum = |of: &Labelled| of.reduce(Reduce::Sum, skip, &axes, false).map_err(asked);
        let counted = self.on.binary(Binary::Mul, &self.weights).map_err(asked)?;
        if counted.array.shape() != self.on.array.shape() {
            return Err(Error::text("weights are along dimensions that the values have"));
        }
        let made = match verb.to_ascii_lowercase().as_str() {
            "sum" => sum(&counted)?,
            "mean" => {
                let weights = self.of_each(&counted, skip).map_err(asked)?;
                sum(&counted)?.binary(Binary::Div, &sum(&weights)?).map_err(asked)?
            }
            other => {
                return Err(Error::text(format!("weighted values have no verb '{other}'"))
                    .hint("there are sum and mean"));
            }
        };
        let said = self.on.array.attributes().clone();
        let made = made.with_attributes(said);
        Ok(Value::Array(Labelled { name: self.on.name.clone(), ..made }))
    }

    /// What each value counts: nothing, where it is left out.
    fn of_each(
        &self,
        counted: &Labelled,
        skip: bool,
    ) -> std::result::Result<Labelled, strata_engine::ArrayError> {
        let number = |number, grid| {
            Array::filled_with(Scalar::Float(number), Kind::F64.into(), grid).map(Labelled::from)
        };
        let on = &self.on.array;
        let ones = number(1.0, on.grid().clone())?.array.named(on.dims().to_vec())?;
        let weights = Labelled::from(ones).binary(Binary::Mul, &self.weights)?;
        match skip {
            true => {
                let missing = counted.unary(Unary::IsNan)?;
                missing.select(&number(0.0, Grid::whole(&[]))?, &weights)
            }
            false => Ok(weights),
        }
    }
}
