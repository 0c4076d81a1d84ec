//! Aggregates of rows as reductions of arrays.

use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::AggregateFunction;

use super::groups::Groups;
use super::terms::{Term, Terms};
use super::{Asked, refused};
use crate::array::{DType, Kind};
use crate::kernels::{Binary, Reduce, Unary};
use crate::lazy::{Array, Scalar};
use crate::logical::Nulls;

/// Aggregates of the groups of a table of cells.
pub(super) struct Summaries<'a> {
    pub(super) groups: &'a Groups,
    pub(super) terms: &'a Terms<'a>,
    /// Which cells count; all, if nothing says.
    pub(super) selected: Option<Array>,
}

/// Values that count, and how many of them each group has.
struct Counted {
    term: Term,
    /// Which cells count, of values that are no floats; all, if nothing says.
    which: Option<Array>,
    /// Whether a group may have none that count.
    may_lack: bool,
    /// How many do.
    count: Array,
    /// The values, NaN where they do not count, if they are floats.
    floats: Option<Array>,
    /// How many of these are numbers, where values that count may be none.
    numbers: Option<Array>,
}

impl Summaries<'_> {
    /// How many cells of each group count.
    pub(super) fn rows(&self) -> Asked<Array> {
        match &self.selected {
            None => self.groups.cells(),
            Some(selected) => self.groups.reduce(Reduce::Sum, false, selected),
        }
    }

    /// What an aggregate comes to in each group, and where that is NULL.
    pub(super) fn of(&self, expr: &Expr) -> Asked<(Array, Nulls)> {
        let function = match expr {
            Expr::Alias(alias) => return self.of(&alias.expr),
            Expr::AggregateFunction(function) => function,
            other => return Err(format!("{other} is not asked of arrays")),
        };
        let AggregateFunction { func, params } = function;
        let name = func.name();
        if params.distinct || !params.order_by.is_empty() || params.null_treatment.is_some() {
            return Err(format!("{expr} is not asked of arrays"));
        }
        let mut which = self.selected.clone();
        if let Some(filter) = &params.filter {
            let filter = self.terms.in_all_cells(&self.terms.truth(filter)?.yes)?;
            which = both(which, Some(filter))?;
        }
        let [of] = &params.args[..] else {
            return Err(format!("{name}() of {} values", params.args.len()));
        };
        if let (Expr::Literal(value, _), "count") = (of, name) {
            return match value.is_null() {
                true => Err("a count of NULL".to_string()),
                false => Ok((self.count(which.as_ref())?, Nulls::None)),
            };
        }
        let counted = self.counted(of, which)?;
        let values = match name {
            "count" => return Ok((counted.count, Nulls::None)),
            "sum" => self.sum(&counted)?,
            "avg" => {
                let sum = self.sum(&counted)?;
                if !sum.kind().is_float() {
                    return Err(format!("{name}() of {}", sum.kind()));
                }
                sum.binary(Binary::Div, &counted.count).map_err(refused)?
            }
            "min" => self.extreme(&counted, Reduce::Min)?,
            "max" => self.extreme(&counted, Reduce::Max)?,
            "var" | "var_samp" => return self.spread(&counted, 1, false),
            "var_pop" => return self.spread(&counted, 0, false),
            "stddev" | "stddev_samp" => return self.spread(&counted, 1, true),
            "stddev_pop" => return self.spread(&counted, 0, true),
            _ => return Err(format!("{name}() is not asked of arrays")),
        };
        let nulls = match counted.may_lack {
            false => Nulls::None,
            true => more_than(&counted.count, 0)?,
        };
        Ok((values, nulls))
    }

    fn count(&self, which: Option<&Array>) -> Asked<Array> {
        match which {
            None => self.groups.cells(),
            Some(which) => self.groups.reduce(Reduce::Sum, false, which),
        }
    }

    /// The values of an expression that count.
    fn counted(&self, of: &Expr, which: Option<Array>) -> Asked<Counted> {
        let term = self.terms.term(of)?;
        let values = self.terms.in_all_cells(&term.values)?;
        let term = term.over(values);
        if !term.values.kind().is_float() {
            let there = term.there()?.map(|there| self.terms.in_all_cells(&there)).transpose()?;
            let which = both(which, there)?;
            let (count, may_lack) = (self.count(which.as_ref())?, which.is_some());
            return Ok(Counted { term, which, may_lack, count, floats: None, numbers: None });
        }
        // Where all that does not count is NaN already, nothing has to be said.
        let masks = both(
            which.clone(),
            match term.is_null_by_nan() {
                true => None,
                false => term.there()?.map(|there| self.terms.in_all_cells(&there)).transpose()?,
            },
        )?;
        let floats = match &masks {
            None => term.values.clone(),
            Some(masks) => {
                let none = Scalar::Float(f64::NAN);
                let none = Array::full(&[], none, term.values.dtype()).map_err(refused)?;
                masks.select(&term.values, &none).map_err(refused)?
            }
        };
        let all = masks.is_none() && term.is_everywhere();
        if term.makes_nan {
            let there = term.there()?.map(|there| self.terms.in_all_cells(&there)).transpose()?;
            let which = both(which, there)?;
            let (count, may_lack) = (self.count(which.as_ref())?, which.is_some());
            let numbers = Some(self.groups.reduce(Reduce::Count, true, &floats)?);
            let floats = Some(floats);
            return Ok(Counted { term, which: None, may_lack, count, floats, numbers });
        }
        let count = match all {
            true => self.groups.cells()?,
            false => self.groups.reduce(Reduce::Count, true, &floats)?,
        };
        let floats = Some(floats);
        Ok(Counted { term, which: None, may_lack: !all, count, floats, numbers: None })
    }

    fn sum(&self, of: &Counted) -> Asked<Array> {
        match (&of.floats, &of.which) {
            (Some(floats), _) => {
                let sum = self.groups.reduce(Reduce::Sum, true, floats)?;
                of.or_nan(sum)
            }
            (None, None) => self.groups.reduce(Reduce::Sum, false, &of.term.values),
            (None, Some(which)) => {
                let zero = zero(of.term.values.kind());
                let values = masked(which, &of.term.values, zero)?;
                self.groups.reduce(Reduce::Sum, false, &values)
            }
        }
    }

    fn extreme(&self, of: &Counted, reduce: Reduce) -> Asked<Array> {
        if let Some(floats) = &of.floats {
            let extreme = self.groups.reduce(reduce, true, floats)?;
            // NaN is the largest of all, and the smallest of nothing else.
            return match reduce {
                Reduce::Max => of.or_nan(extreme),
                _ => Ok(extreme),
            };
        }
        let kind = of.term.values.kind();
        if kind == Kind::Bool {
            return Err("the extremes of truth values are not asked of arrays".to_string());
        }
        let values = match &of.which {
            None => of.term.values.clone(),
            Some(which) => masked(which, &of.term.values, last(kind, reduce))?,
        };
        self.groups.reduce(reduce, false, &values)
    }

    /// The variance, or its root.
    fn spread(&self, of: &Counted, ddof: u32, root: bool) -> Asked<(Array, Nulls)> {
        let floats = match &of.floats {
            Some(floats) if floats.kind() == Kind::F64 => floats,
            _ => return Err(format!("the spread of {}", of.term.values.kind())),
        };
        let values = match self.groups.has_several_labels() {
            false => {
                let reduce = match root {
                    true => Reduce::Std { ddof },
                    false => Reduce::Var { ddof },
                };
                self.groups.reduce(reduce, true, floats)?
            }
            // Around the means, which are known before: what groups along one dimension come to cannot be
            // brought together along the next.
            true => {
                let count = self.groups.reduce(Reduce::Count, true, floats)?;
                let sum = self.groups.reduce(Reduce::Sum, true, floats)?;
                let mean = sum.binary(Binary::Div, &count).map_err(refused)?;
                let mean = self.groups.shown_to_cells(&mean)?;
                let apart = floats.binary(Binary::Sub, &mean).map_err(refused)?;
                let squares = apart.unary(Unary::Square).map_err(refused)?;
                let squares = self.groups.reduce(Reduce::Sum, true, &squares)?;
                let free = Scalar::Signed(i64::from(ddof));
                let free = count.binary_with(Binary::Sub, free, false).map_err(refused)?;
                let spread = squares.binary(Binary::Div, &free).map_err(refused)?;
                match root {
                    true => spread.unary(Unary::Sqrt).map_err(refused)?,
                    false => spread,
                }
            }
        };
        Ok((of.or_nan(values)?, more_than(&of.count, i64::from(ddof))?))
    }
}

impl Counted {
    /// What some values come to; NaN where one that counts is none.
    fn or_nan(&self, values: Array) -> Asked<Array> {
        let Some(numbers) = &self.numbers else { return Ok(values) };
        let all = numbers.binary(Binary::Eq, &self.count).map_err(refused)?;
        let none = Array::full(&[], Scalar::Float(f64::NAN), values.dtype()).map_err(refused)?;
        all.select(&values, &none).map_err(refused)
    }
}

fn both(one: Option<Array>, other: Option<Array>) -> Asked<Option<Array>> {
    Ok(match (one, other) {
        (Some(one), Some(other)) => Some(one.binary(Binary::And, &other).map_err(refused)?),
        (one, other) => one.or(other),
    })
}

/// NULL where a count is no more than that.
fn more_than(count: &Array, than: i64) -> Asked<Nulls> {
    let more = count.binary_with(Binary::Gt, Scalar::Signed(than), false).map_err(refused)?;
    Ok(Nulls::Unless(more))
}

/// The values where they count, and this elsewhere.
fn masked(which: &Array, values: &Array, elsewhere: Scalar) -> Asked<Array> {
    let elsewhere = Array::full(&[], elsewhere, values.dtype()).map_err(refused)?;
    which.select(values, &elsewhere).map_err(refused)
}

fn zero(kind: Kind) -> Scalar {
    match kind {
        Kind::Bool => Scalar::Bool(false),
        kind if kind.is_unsigned() => Scalar::Unsigned(0),
        _ => Scalar::Signed(0),
    }
}

/// The number that is the extreme of nothing but itself.
fn last(kind: Kind, reduce: Reduce) -> Scalar {
    let bits = (kind.width() * 8) as u32;
    let unsigned = DType::Plain(kind).kind().is_unsigned();
    match (reduce, unsigned) {
        (Reduce::Max, true) => Scalar::Unsigned(0),
        (Reduce::Max, false) => Scalar::Signed(i64::MIN >> (64 - bits)),
        (_, true) => Scalar::Unsigned(u64::MAX >> (64 - bits)),
        (_, false) => Scalar::Signed(i64::MAX >> (64 - bits)),
    }
}
