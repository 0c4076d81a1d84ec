//! An array among the nodes of a plan: its chunks as rows, or its cells.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::{DFSchema, DFSchemaRef, Result, internal_err};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{
    Expr, Extension, LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use crate::array::{Room, Tensor};
use crate::config::options_of;
use crate::lazy::Array;
use crate::optimize::{self, ArrayRule};
use crate::physical::{self, Cells, CellsExec, Limits, Thresholds, cell_schema};

/// Computes an array. Its rows are the array's chunks, or its cells.
#[derive(Clone)]
pub struct ArrayNode {
    array: Array,
    /// What rows of cells look like, where they are wanted.
    cells: Option<Cells>,
    schema: DFSchemaRef,
}

impl ArrayNode {
    /// The chunks of an array.
    pub fn new(array: Array) -> Result<Self> {
        let schema = Arc::unwrap_or_clone(physical::chunk_schema());
        Ok(Self { array, cells: None, schema: Arc::new(DFSchema::try_from(schema)?) })
    }

    /// The cells of an array: a row each, its place first, its value last. `name` is the column of the values,
    /// and each dimension is a column: of its coordinate, where it has one, else of the number of the place.
    pub fn of_cells(
        array: Array,
        name: String,
        coords: Vec<(String, Option<Tensor>)>,
    ) -> Result<Self> {
        let cells = Cells { name, coords, dtype: array.dtype(), grid: array.grid().clone() };
        let schema = DFSchema::try_from(Arc::unwrap_or_clone(cell_schema(&cells)))?;
        Ok(Self { array, cells: Some(cells), schema: Arc::new(schema) })
    }

    /// The array.
    pub fn array(&self) -> &Array {
        &self.array
    }

    /// What rows of cells look like, where they are wanted.
    pub(crate) fn cells(&self) -> Option<&Cells> {
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
        write!(f, "{name}: {} {:?} in chunks of {grid}", array.dtype(), array.shape())
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
        let most = strata.array.keep.0.min(memory / 16);
        let keep = (most > 0 && without.has(ArrayRule::KeepChunks))
            .then(|| Arc::new(Room::new(&session.runtime_env().memory_pool, most)));
        let array =
            &optimize::rewritten(&node.array, &without).map_err(crate::EngineError::from)?;
        let limits = Limits { parts, given: memory / 4, keep, exchange, without };
        let chunks = physical::fitting(array, &limits, strata.memory.limit.pool_bytes() as u64)?;
        Ok(Some(match &node.cells {
            Some(cells) => Arc::new(CellsExec::new(Arc::new(cells.clone()), chunks)),
            None => chunks,
        }))
    }
}
