//! An array as a table: one row a cell, its place first, its value last.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use datafusion::common::{DFSchema, DFSchemaRef, Result, internal_err};
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, UserDefinedLogicalNodeCore};

use crate::array::Tensor;
use crate::lazy::Array;
use crate::physical::{Cells, cell_schema};

/// The cells of an array as rows.
#[derive(Clone)]
pub struct CellsNode {
    array: Array,
    cells: Cells,
    schema: DFSchemaRef,
}

impl CellsNode {
    /// The cells of an array. `name` is the column of the values, and each dimension is a column: of its
    /// coordinate, where it has one, else of the number of the place.
    pub fn new(array: Array, name: String, coords: Vec<(String, Option<Tensor>)>) -> Result<Self> {
        let cells = Cells { name, coords, dtype: array.dtype(), grid: array.grid().clone() };
        let schema = DFSchema::try_from(Arc::unwrap_or_clone(cell_schema(&cells)))?;
        Ok(Self { array, cells, schema: Arc::new(schema) })
    }

    /// The array.
    pub fn array(&self) -> &Array {
        &self.array
    }

    /// What its rows look like.
    pub(crate) fn cells(&self) -> &Cells {
        &self.cells
    }

    /// A plan of this node alone.
    pub fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }
}

impl fmt::Debug for CellsNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

impl PartialEq for CellsNode {
    fn eq(&self, other: &Self) -> bool {
        self.array.id() == other.array.id() && self.schema == other.schema
    }
}

impl Eq for CellsNode {}

impl PartialOrd for CellsNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.array.id().partial_cmp(&other.array.id())
    }
}

impl Hash for CellsNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.array.id().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for CellsNode {
    fn name(&self) -> &'static str {
        "Cells"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        Vec::new()
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let array = &self.array;
        write!(f, "Cells: {} {:?} in chunks of {}", array.dtype(), array.shape(), array.grid())
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match exprs.is_empty() && inputs.is_empty() {
            true => Ok(self.clone()),
            false => internal_err!("the cells of an array have neither expressions nor inputs"),
        }
    }
}
