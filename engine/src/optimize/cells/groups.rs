//! Groups of places: what rows are grouped by, where each key is a function of the places along one dimension. Such
//! a group is a part of the arrays, and what its rows come to is a reduction of that part.

use std::collections::HashMap;

use datafusion::arrow::array::{Array as _, ArrayRef, UInt64Array};
use datafusion::arrow::compute::take;
use datafusion::arrow::row::{RowConverter, SortField};
use datafusion::common::{Column, DFSchema, ExprSchema, Result};
use datafusion::logical_expr::utils::{conjunction, split_conjunction};
use datafusion::logical_expr::{Aggregate, Expr, Filter, LogicalPlan, Projection, lit};

use super::aggregates::Summaries;
use super::places::{asked_along, axis_of, part_of};
use super::terms::Terms;
use super::unwound::Unwound;
use super::{Asked, plan_of, refused, shared};
use crate::array::{Cuts, DType, Grid, Kind, Tensor};
use crate::kernels::{Binary, Block, Reduce};
use crate::lazy::{Array, Index, Scalar};
use crate::logical::{CellTable, Nulls, Variable};
use crate::physical::PlaceColumn;

/// Several kinds of groups, on dimensions with more places than this, are left to rows.
const MOST_LABELS: usize = 1 << 24;

/// The column that counts the rows of a group.
const ROWS: &str = "rows of the group";

/// What becomes of a dimension.
pub(super) enum Along {
    /// All places are brought together.
    Gone,
    /// Each place is a group.
    Kept,
    /// Places that have the same label are a group.
    Labelled { labels: Vec<u32>, groups: u32 },
}

/// What becomes of all dimensions.
pub(super) struct Groups {
    pub(super) along: Vec<Along>,
    /// How long the dimensions were.
    lengths: Vec<u64>,
    /// How what remains is cut.
    pub(super) grid: Grid,
}

/// An aggregation of cells as cells of what their groups come to; or why it is none.
pub(super) fn grouped(aggregate: &Aggregate, below: &Unwound) -> Result<Asked<LogicalPlan>> {
    let keys = aggregate.group_expr.iter().map(|key| below.replaced(key));
    let keys = keys.collect::<Result<Vec<_>>>()?;
    let asked = aggregate.aggr_expr.iter().map(|asked| below.replaced(asked));
    let asked = asked.collect::<Result<Vec<_>>>()?;
    let filters = below.filters.iter().flat_map(|filter| split_conjunction(filter));
    let filters: Vec<Expr> = filters.cloned().collect();
    let (table, filters) = part_of(&below.table, &below.schema, &filters)?;
    let cells = match cells(&keys, &asked, &table, &below.schema, filters) {
        Ok(cells) => cells,
        Err(reason) => return Ok(Err(reason)),
    };
    let counted = cells.variables.iter().any(|variable| variable.name == ROWS);
    let mut plan = plan_of(cells)?;
    if counted {
        let some = Expr::Column(Column::new_unqualified(ROWS)).gt(lit(0_i64));
        plan = LogicalPlan::Filter(Filter::try_new(some, shared(plan))?);
    }
    let columns = plan.schema().columns();
    let mut named = Vec::with_capacity(columns.len());
    for ((qualifier, field), column) in aggregate.schema.iter().zip(columns) {
        let own = plan.schema().field_from_column(&column)?.data_type().clone();
        if own != *field.data_type() {
            let reason =
                format!("{} is {} of rows and {own} of arrays", field.name(), field.data_type());
            return Ok(Err(reason));
        }
        named.push(Expr::Column(column).alias_qualified(qualifier.cloned(), field.name()));
    }
    Ok(Ok(LogicalPlan::Projection(Projection::try_new(named, shared(plan))?)))
}

/// The cells of what groups come to: a column for each key, and one for each aggregate.
fn cells(
    keys: &[Expr],
    asked: &[Expr],
    table: &CellTable,
    schema: &DFSchema,
    filters: Vec<Expr>,
) -> Asked<CellTable> {
    if table.grid.shape().contains(&0) {
        return Err("there are no cells".to_string());
    }
    let terms = Terms::new(table, schema);
    let selected = match conjunction(filters) {
        Some(condition) => Some(terms.in_all_cells(&terms.truth(&condition)?.yes)?),
        None => None,
    };
    let selected = match (selected, &table.only) {
        (Some(selected), Some(only)) => Some(selected.binary(Binary::And, only).map_err(refused)?),
        (selected, only) => selected.or_else(|| only.clone()),
    };
    let (groups, places) = Groups::by(keys, table, schema)?;
    let summaries = Summaries { groups: &groups, terms: &terms, selected };
    let mut variables = Vec::with_capacity(asked.len() + 1);
    for (at, one) in asked.iter().enumerate() {
        let (array, nulls) = summaries.of(one)?;
        variables.push(Variable { name: format!("value {at}"), array, nulls });
    }
    if summaries.selected.is_some() && !keys.is_empty() {
        let array = summaries.rows()?;
        variables.push(Variable { name: ROWS.to_string(), array, nulls: Nulls::None });
    }
    Ok(CellTable { places, variables, grid: groups.grid, only: None, as_rows: None })
}

impl Groups {
    /// The groups of the places of cells by some keys, and the columns of these.
    fn by(keys: &[Expr], table: &CellTable, schema: &DFSchema) -> Asked<(Self, Vec<PlaceColumn>)> {
        let lengths = table.grid.shape();
        let mut by_axis: Vec<Vec<ArrayRef>> = vec![Vec::new(); lengths.len()];
        let mut axes = Vec::with_capacity(keys.len());
        for key in keys {
            if matches!(key, Expr::GroupingSet(_)) {
                return Err("it groups in several ways at once".to_string());
            }
            let axis = axis_of(table, schema, key).ok_or_else(|| {
                format!(
                    "it groups by {key}, which is no function of the places along one dimension"
                )
            })?;
            let own = by_axis.get_mut(axis).ok_or("a key of no dimension")?;
            axes.push((axis, own.len()));
            own.push(asked_along(table, schema, axis, key)?);
        }
        let mut along = Vec::with_capacity(lengths.len());
        for (columns, length) in by_axis.iter_mut().zip(&lengths) {
            along.push(match columns.is_empty() {
                true => Along::Gone,
                false => labels(columns, *length)?,
            });
        }
        if !along.iter().any(|along| !matches!(along, Along::Kept)) {
            return Err("every cell is a group of its own".to_string());
        }
        let cuts = table.grid.0.iter().zip(&along).filter_map(|(cuts, along)| match along {
            Along::Gone => None,
            Along::Kept => Some(cuts.clone()),
            Along::Labelled { groups, .. } => {
                let groups = u64::from(*groups);
                Some(Cuts::even(groups, groups))
            }
        });
        let grid = Grid(cuts.collect());
        let gone = |axis: usize| {
            along.iter().take(axis).filter(|along| matches!(along, Along::Gone)).count()
        };
        let places = axes.iter().enumerate().map(|(at, (axis, which))| PlaceColumn {
            name: format!("key {at}"),
            axis: axis - gone(*axis),
            values: by_axis.get(*axis).and_then(|columns| columns.get(*which)).cloned(),
        });
        let places = places.collect();
        Ok((Self { along, lengths, grid }, places))
    }

    /// The dimensions that go.
    fn gone(&self) -> Vec<usize> {
        let all = self.along.iter().enumerate();
        all.filter(|(_, along)| matches!(along, Along::Gone)).map(|(axis, _)| axis).collect()
    }

    /// What the cells of each group come to.
    pub(super) fn reduce(&self, reduce: Reduce, skip_nan: bool, of: &Array) -> Asked<Array> {
        let gone = self.gone();
        let labelled = self.along.iter().enumerate().filter_map(|(axis, along)| match along {
            Along::Labelled { labels, groups } => Some((axis, labels, *groups)),
            _ => None,
        });
        let mut made: Option<Array> = None;
        for (axis, labels, groups) in labelled {
            let labels: Vec<Option<u32>> = labels.iter().copied().map(Some).collect();
            made = Some(
                match made {
                    None => of.group_cells(reduce, skip_nan, axis, (&labels, groups), &gone),
                    // What came of the groups along one dimension is brought together along the next.
                    Some(made) => {
                        let again = match reduce {
                            Reduce::Count => Reduce::Sum,
                            other => other,
                        };
                        let axis = axis - gone.iter().filter(|gone| **gone < axis).count();
                        made.group_cells(again, skip_nan, axis, (&labels, groups), &[])
                    }
                }
                .map_err(refused)?,
            );
        }
        match made {
            Some(made) => Ok(made),
            None => of.reduce(reduce, skip_nan, &gone).map_err(refused),
        }
    }

    /// Whether groups along several dimensions are brought together one after the other.
    pub(super) fn has_several_labels(&self) -> bool {
        self.along.iter().filter(|along| matches!(along, Along::Labelled { .. })).count() > 1
    }

    /// What each cell has of its group: the other way round.
    pub(super) fn shown_to_cells(&self, of: &Array) -> Asked<Array> {
        let mut subscripts = Vec::with_capacity(self.along.len());
        for along in &self.along {
            subscripts.push(match along {
                Along::Gone => Index::New,
                Along::Kept => Index::ALL,
                Along::Labelled { labels, .. } => {
                    Index::Places(labels.iter().map(|label| i64::from(*label)).collect())
                }
            });
        }
        // One after the other: lists of places would go together.
        let mut shown = of.clone();
        for (axis, subscript) in subscripts.into_iter().enumerate() {
            let mut all = vec![Index::ALL; axis];
            all.push(subscript);
            shown = shown.index(&all).map_err(refused)?;
        }
        Ok(shown)
    }

    /// How many cells each group has.
    pub(super) fn cells(&self) -> Asked<Array> {
        let mut each = 1_u64;
        let mut dimensions = 0;
        let mut counts = Vec::new();
        for (along, length) in self.along.iter().zip(&self.lengths) {
            match along {
                Along::Gone => each = each.saturating_mul(*length),
                Along::Kept => dimensions += 1,
                Along::Labelled { labels, groups } => {
                    let mut count = vec![0_i64; *groups as usize];
                    for label in labels {
                        if let Some(count) = count.get_mut(*label as usize) {
                            *count += 1;
                        }
                    }
                    counts.push((dimensions, count));
                    dimensions += 1;
                }
            }
        }
        let each = i64::try_from(each).map_err(|_| "more cells than can be counted")?;
        let whole = DType::Plain(Kind::I64);
        let all = Array::filled_with(Scalar::Signed(each), whole, self.grid.clone());
        let mut all = all.map_err(refused)?;
        for (axis, count) in counts {
            let length = vec![count.len() as u64];
            let count = Tensor::from_block(whole, length, Block::I64(count)).map_err(refused)?;
            let count = Array::of(count).map_err(refused)?;
            let count = super::places::beside(count, axis, dimensions)?;
            all = all.binary(Binary::Mul, &count).map_err(refused)?;
        }
        Ok(all)
    }
}

/// What becomes of a dimension whose places have these keys, which are left with one value for each group.
fn labels(keys: &mut [ArrayRef], length: u64) -> Asked<Along> {
    if length as usize > MOST_LABELS {
        return Err(format!("it groups {length} places"));
    }
    let told = |error: datafusion::arrow::error::ArrowError| error.to_string();
    let fields = keys.iter().map(|key| SortField::new(key.data_type().clone())).collect();
    let converter = RowConverter::new(fields).map_err(told)?;
    let rows = converter.convert_columns(keys).map_err(told)?;
    let mut known = HashMap::with_capacity(rows.num_rows());
    let mut firsts: Vec<u64> = Vec::new();
    let mut labels = Vec::with_capacity(rows.num_rows());
    for (at, row) in rows.iter().enumerate() {
        let label = *known.entry(row).or_insert_with(|| {
            firsts.push(at as u64);
            firsts.len() as u32 - 1
        });
        labels.push(label);
    }
    if firsts.len() as u64 == length {
        return Ok(Along::Kept);
    }
    let groups = firsts.len() as u32;
    let firsts = UInt64Array::from(firsts);
    for key in keys {
        *key = take(key, &firsts, None).map_err(told)?;
    }
    Ok(Along::Labelled { labels, groups })
}
