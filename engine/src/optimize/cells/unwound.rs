//! What lies between a query and the cells that it is of: projections, filters and other names, taken apart.

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, DFSchemaRef, Result};
use datafusion::logical_expr::{Expr, LogicalPlan};

use super::cells_of;
use crate::logical::CellTable;

/// Rows of cells, and what is made of them.
pub(super) struct Unwound {
    pub(super) table: CellTable,
    /// What the rows of the cells look like.
    pub(super) schema: DFSchemaRef,
    /// What holds of rows that are kept, of the columns of the cells.
    pub(super) filters: Vec<Expr>,
    /// The columns, of those of the cells.
    columns: Vec<Expr>,
    /// The columns' names.
    names: DFSchemaRef,
}

impl Unwound {
    /// The cells below a plan, where nothing but this is between.
    pub(super) fn of(plan: &LogicalPlan) -> Result<Option<Self>> {
        if let Some(table) = cells_of(plan) {
            let schema = plan.schema();
            let columns = schema.columns().into_iter().map(Expr::Column).collect();
            let (schema, names) = (schema.clone(), schema.clone());
            let table = table.clone();
            return Ok(Some(Self { table, schema, filters: Vec::new(), columns, names }));
        }
        let input = match plan {
            LogicalPlan::Projection(projection) => &projection.input,
            LogicalPlan::Filter(filter) => &filter.input,
            LogicalPlan::SubqueryAlias(alias) => &alias.input,
            LogicalPlan::Sort(sort) if sort.fetch.is_none() => &sort.input,
            _ => return Ok(None),
        };
        let Some(mut below) = Self::of(input)? else { return Ok(None) };
        match plan {
            LogicalPlan::Projection(projection) => {
                if projection.expr.iter().any(Expr::is_volatile) {
                    return Ok(None);
                }
                let columns = projection.expr.iter().map(|expr| below.replaced(expr));
                below.columns = columns.collect::<Result<_>>()?;
            }
            LogicalPlan::Filter(filter) => {
                if filter.predicate.is_volatile() {
                    return Ok(None);
                }
                let predicate = below.replaced(&filter.predicate)?;
                below.filters.push(predicate);
            }
            _ => {}
        }
        below.names = plan.schema().clone();
        Ok(Some(below))
    }

    /// An expression of the columns, of those of the cells.
    pub(super) fn replaced(&self, expr: &Expr) -> Result<Expr> {
        let names: &DFSchema = &self.names;
        let replaced = expr.clone().transform_up(|expr| {
            let Expr::Column(column) = &expr else { return Ok(Transformed::no(expr)) };
            let own = names.maybe_index_of_column(column).and_then(|at| self.columns.get(at));
            Ok(match own {
                Some(own) => Transformed::yes(own.clone().unalias()),
                None => Transformed::no(expr),
            })
        })?;
        Ok(replaced.data.unalias())
    }
}
