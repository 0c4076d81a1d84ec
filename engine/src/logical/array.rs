//! An array among the nodes of a plan: its chunks as rows, or its cells.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::Schema;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, Result, internal_err};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::cells::CellTable;
use crate::array::Room;
use crate::config::options_of;
use crate::lazy::Array;
use crate::optimize::{self, ArrayRule};
use crate::physical::{self, Beside, CellsExec, Limits, Thresholds, cell_schema};

/// Computes an array. Its rows are the array's chunks, or its cells.
#[derive(Clone)]
pub struct ArrayNode {
    array: Array,
    /// The table of its cells, where rows of these are wanted.
    cells: Option<CellTable>,
    /// Whoever takes its chunks.
    beside: Arc<Beside>,
    schema: DFSchemaRef,
}

impl ArrayNode {
    /// The chunks of an array.
    pub fn new(array: Array) -> Result<Self> {
        let schema = Arc::unwrap_or_clone(physical::chunk_schema());
        Self::made(array, None, schema)
    }

    /// The same, computed beside somebody who takes its chunks, and memory for them.
    pub(crate) fn beside(self, beside: Arc<Beside>) -> Self {
        Self { beside, ..self }
    }

    fn made(array: Array, cells: Option<CellTable>, schema: Schema) -> Result<Self> {
        let schema = Arc::new(DFSchema::try_from(schema)?);
        Ok(Self { array, cells, beside: Arc::new(Beside::nobody()), schema })
    }

    /// The cells of arrays: a row each.
    pub fn of_cells(cells: CellTable) -> Result<Self> {
        let array = cells.root().map_err(crate::EngineError::from)?;
        let schema = Arc::unwrap_or_clone(cell_schema(&cells.cells()));
        Self::made(array, Some(cells), schema)
    }

    /// The array.
    pub fn array(&self) -> &Array {
        &self.array
    }

    /// The table of its cells, where rows of these are wanted.
    pub(crate) fn cells(&self) -> Option<&CellTable> {
        self.cells.as_ref()
    }

    /// A plan of this node alone.
    pub fn into_plan(self) -> LogicalPlan {
        LogicalPlan::Extension(Extension { node: Arc::new(self) })
    }
}

impl fmt::Debug for ArrayNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        UserDefinedLogicalNodeCore::fmt_for_explain(self, f)
    }
}

impl PartialEq for ArrayNode {
    fn eq(&self, other: &Self) -> bool {
        self.array.id() == other.array.id() && self.schema == other.schema
    }
}

impl Eq for ArrayNode {}

impl PartialOrd for ArrayNode {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.array.id().partial_cmp(&other.array.id())
    }
}

impl Hash for ArrayNode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.array.id().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for ArrayNode {
    fn name(&self) -> &'static str {
        if self.cells.is_some() { "Cells" } else { "Array" }
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
        let (name, grid) = (UserDefinedLogicalNodeCore::name(self), array.grid());
        let Some(cells) = &self.cells else {
            let (dtype, shape) = (array.dtype(), array.shape());
            return write!(f, "{name}: {dtype} {shape:?} in chunks of {grid}");
        };
        let variables = cells.variables.iter();
        let variables = variables.map(|of| format!("{} {}", of.array.dtype(), of.name));
        let variables = variables.collect::<Vec<_>>().join(", ");
        write!(f, "{name}: {variables} {:?} in chunks of {}", cells.grid.shape(), cells.grid)?;
        if let Some(only) = &cells.only {
            write!(f, "; where {}", only.formula())?;
        }
        match &cells.as_rows {
            Some(reason) => write!(f, "; row by row, as {reason}"),
            None => Ok(()),
        }
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        match exprs.is_empty() && inputs.is_empty() {
            true => Ok(self.clone()),
            false => internal_err!("an array has neither expressions nor inputs"),
        }
    }
}

/// Plans arrays.
pub(crate) struct ArrayPlanner;

#[async_trait]
impl ExtensionPlanner for ArrayPlanner {
    async fn plan_extension(
        &self,
        _: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        _: &[Arc<dyn ExecutionPlan>],
        session: &dyn Session,
        _: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<ArrayNode>() else { return Ok(None) };
        let options = session.config_options();
        let strata = options_of(options);
        let memory = strata.memory.limit.bytes();
        let parts = options.execution.target_partitions;
        let exchange = Thresholds {
            again: strata.array.exchange.0,
            block: memory / (8 * parts.max(1) as u64),
        };
        let without = strata.array.without.clone();
        let most = strata.array.keep.0.min(memory / 2);
        let keep = (most > 0 && without.has(ArrayRule::KeepChunks))
            .then(|| Arc::new(Room::new(&session.runtime_env().memory_pool, most)));
        let array =
            &optimize::rewritten(&node.array, &without).map_err(crate::EngineError::from)?;
        let room = strata.memory.limit.pool_bytes();
        let pieces = physical::waiting(strata.array.pieces.0, room);
        let limits = Limits { parts, given: memory / 4, pieces, keep, exchange, without };
        let held = session.runtime_env().memory_pool.reserved() as u64;
        let chunks = physical::fitting(array, &limits, room as u64, held, &node.beside)?;
        Ok(Some(match &node.cells {
            Some(cells) => Arc::new(CellsExec::new(Arc::new(cells.cells()), chunks)),
            None => chunks,
        }))
    }
}
