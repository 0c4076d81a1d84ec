//! Builds a DataFusion [`SessionContext`] with Strata's defaults: its settings, its memory limit and
//! spill folder, its planner, and every extension. The result is DataFusion's own type: whatever
//! takes a `SessionContext` takes ours.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{QueryPlanner, SessionContext, SessionState};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::logical_expr::{LogicalPlan, WriteOp};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::SessionConfig;
use parking_lot::Mutex;

use crate::array::{Memory, buffers};
use crate::cluster::{Pool, with_rows_from_pool};
use crate::config::{Origin, Settings};
use crate::error::Result;
use crate::extension::{Extension, SessionParts};
use crate::logical::ArrayPlanner;
use crate::memory_table::is_in_memory;
use crate::physical::{self, AtomicWriteExec, Computed, DiagnosedExec, VerifiedExec};
use crate::run::{SpillFolder, StrataPool};
use crate::wire::Wire;
use crate::{cluster, functions, optimize};

/// Puts a session together from settings and extensions.
///
/// ```
/// # fn main() -> strata_engine::Result<()> {
/// use strata_engine::{SessionBuilder, Settings};
///
/// let session = SessionBuilder::new(Settings::default()).build()?;
/// assert!(session.catalog("strata").is_some());
/// # Ok(()) }
/// ```
#[derive(Debug)]
pub struct SessionBuilder {
    settings: Settings,
    extensions: Vec<Arc<dyn Extension>>,
    pool: Option<Arc<Pool>>,
}

/// The settings of a session, where its statements can reach them.
type SharedSettings = Mutex<Settings>;

impl SessionBuilder {
    /// Starts from these settings.
    pub fn new(settings: Settings) -> Self {
        Self { settings, extensions: Vec::new(), pool: None }
    }

    /// Adds an extension. They apply in the order in which they are added.
    pub fn with_extension(mut self, extension: Arc<dyn Extension>) -> Self {
        self.extensions.push(extension);
        self
    }

    /// Has a pool run the session's queries.
    pub fn with_pool(mut self, pool: Arc<Pool>) -> Self {
        self.pool = Some(pool);
        self
    }

    /// The session.
    pub fn build(self) -> Result<SessionContext> {
        let Self { settings, extensions, pool } = self;
        let folder = SpillFolder::new(&settings.strata().spill)?;
        let runtime = runtime(RuntimeEnvBuilder::new(), &settings, &folder);
        let planner =
            Arc::new(StrataPlanner { extensions: extensions.clone(), pool: pool.clone() });
        let mut wire = wire();
        for extension in &extensions {
            extension.wire(&mut wire)?;
        }
        let config = SessionConfig::from(settings.in_force())
            .with_create_default_catalog_and_schema(true)
            .with_extension(Arc::new(SharedSettings::new(settings)))
            .with_extension(Arc::new(wire))
            .with_extension(Arc::new(folder));
        let config = match pool {
            Some(pool) => config.with_extension(pool),
            None => config,
        };
        let mut parts = SessionParts {
            state: SessionStateBuilder::new()
                .with_default_features()
                .with_config(config)
                .with_query_planner(planner),
            runtime,
        };
        for rule in optimize::logical() {
            parts.state = parts.state.with_optimizer_rule(rule);
        }
        parts.state = parts.state.with_physical_optimizer_rules(optimize::physical());
        for extension in &extensions {
            parts = extension.configure(parts)?;
        }
        let state = parts.state.with_runtime_env(parts.runtime.build_arc()?).build();
        let session = SessionContext::new_with_state(state);
        for function in functions::aggregates() {
            session.register_udaf(function.as_ref().clone());
        }
        for extension in &extensions {
            extension.install(&session)?;
        }
        Ok(session)
    }
}

/// What the engine's own nodes are called on the wire.
fn wire() -> Wire {
    let mut wire = Wire::default();
    for node in physical::wire().into_iter().chain(cluster::wire()) {
        // Their names are all different: a test of theirs says so.
        let _ = wire.register(node);
    }
    let _ = wire.register_source(Memory::WIRE, |bytes, _| Ok(Arc::new(Memory::from_wire(bytes)?)));
    let _ =
        wire.register_source(Computed::WIRE, |bytes, _| Ok(Arc::new(Computed::from_wire(bytes)?)));
    wire
}

/// Memory and disk as the settings ask for.
fn runtime(
    builder: RuntimeEnvBuilder,
    settings: &Settings,
    folder: &SpillFolder,
) -> RuntimeEnvBuilder {
    let options = settings.strata();
    buffers::keep_within(options.memory.limit.bytes());
    let disk = folder.clone().disk_manager(options.spill.limit);
    builder
        .with_memory_pool(Arc::new(StrataPool::new(options.memory.limit)))
        .with_disk_manager_builder(disk)
        // A listing must see what another process has just written.
        .with_object_list_cache_limit(0)
}

/// The same session with another configuration. Its catalogs stay: a builder that is told to make the
/// default ones would put empty ones in their place.
pub(crate) fn reconfigured(state: SessionState, config: SessionConfig) -> SessionStateBuilder {
    let config = config.with_create_default_catalog_and_schema(false);
    SessionStateBuilder::from(state).with_config(config)
}

/// What sessions of ours can do beyond DataFusion's.
pub trait SessionSettings {
    /// A copy of the settings with their origins.
    fn settings(&self) -> Settings;

    /// Sets one, as `SET name = value` does; memory and spill limits hold from the next query on.
    fn change_setting(&self, name: &str, value: &str) -> Result<()> {
        self.change_setting_as(name, value, Origin::Session)
    }

    /// Sets one on behalf of this origin: a stronger one that set it before keeps its value.
    fn change_setting_as(&self, name: &str, value: &str, origin: Origin) -> Result<()>;

    /// Puts one back to its default.
    fn reset_setting(&self, name: &str) -> Result<()>;

    /// The pool that runs the session's queries, if one does.
    fn pool(&self) -> Option<Arc<Pool>>;

    /// A session with the same tables, memory and workers, whose settings are its own from now on.
    fn fork(&self) -> SessionContext;
}

impl SessionSettings for SessionContext {
    fn settings(&self) -> Settings {
        shared(self).map(|settings| settings.lock().clone()).unwrap_or_default()
    }

    fn change_setting_as(&self, name: &str, value: &str, origin: Origin) -> Result<()> {
        change(self, |settings| settings.set(name, value, origin))
    }

    fn reset_setting(&self, name: &str) -> Result<()> {
        change(self, |settings| settings.reset(name))
    }

    fn pool(&self) -> Option<Arc<Pool>> {
        self.state_ref().read().config().get_extension::<Pool>()
    }

    fn fork(&self) -> SessionContext {
        let state = self.state();
        let own = Arc::new(SharedSettings::new(self.settings()));
        let config = state.config().clone().with_extension(own);
        SessionContext::new_with_state(reconfigured(state, config).build())
    }
}

fn shared(session: &SessionContext) -> Option<Arc<SharedSettings>> {
    session.state_ref().read().config().get_extension::<SharedSettings>()
}

/// Applies a change to a copy first, so that a refused value changes nothing.
fn change(session: &SessionContext, apply: impl FnOnce(&mut Settings) -> Result<()>) -> Result<()> {
    let before = session.settings();
    let mut after = before.clone();
    apply(&mut after)?;
    let (old, new) = (before.strata(), after.strata());
    let state_ref = session.state_ref();
    if old.memory != new.memory || old.spill != new.spill {
        let existing = session.runtime_env();
        let folder = SpillFolder::new(&new.spill)?;
        let rebuilt = runtime(RuntimeEnvBuilder::from_runtime_env(&existing), &after, &folder);
        let mut state = state_ref.write();
        *state =
            SessionStateBuilder::from(state.clone()).with_runtime_env(rebuilt.build_arc()?).build();
        state.config_mut().set_extension(Arc::new(folder));
    }
    *state_ref.write().config_mut().options_mut() = after.in_force();
    if let Some(settings) = shared(session) {
        *settings.lock() = after;
    }
    Ok(())
}

/// DataFusion's planner, which knows arrays, too.
pub(crate) fn planner() -> DefaultPhysicalPlanner {
    DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(ArrayPlanner)])
}

/// DataFusion's planner, with every write put into a transaction of the extension that owns its
/// target.
struct StrataPlanner {
    extensions: Vec<Arc<dyn Extension>>,
    pool: Option<Arc<Pool>>,
}

impl fmt::Debug for StrataPlanner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StrataPlanner")
    }
}

#[async_trait]
impl QueryPlanner for StrataPlanner {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let planned = match self.plan_write_or_read(plan, session).await {
            Ok(planned) => planned,
            Err(error) => return Err(self.explained(error, plan, session).await),
        };
        Ok(match self.watched(&planned, session) {
            Some(state) => Arc::new(DiagnosedExec::new(planned, self.extensions.clone(), state)),
            None => planned,
        })
    }
}

impl StrataPlanner {
    /// The error, or what the extensions know better about it.
    async fn explained(
        &self,
        error: DataFusionError,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> DataFusionError {
        let Some(state) = session.as_any().downcast_ref::<SessionState>() else { return error };
        for extension in &self.extensions {
            if let Some(found) = extension.diagnose_planning(&error, plan, state).await {
                return found;
            }
        }
        error
    }

    async fn plan_write_or_read(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
        let planner = planner();
        let bounded = optimize::bounded_change(plan)?;
        let plan = bounded.as_ref();
        let state = session.as_any().downcast_ref::<SessionState>();
        let plan = match (&self.pool, state) {
            (Some(_), _) if is_at_hand(plan) => plan,
            (Some(pool), Some(state)) if reads(plan) => {
                let planned: Arc<dyn ExecutionPlan> = Arc::new(pool.plan(plan, state).await?);
                return Ok(self.verified(planned, session));
            }
            (Some(pool), Some(_)) => &with_rows_from_pool(plan, pool)?,
            _ => plan,
        };
        if writes(plan) {
            for extension in &self.extensions {
                if let Some(target) = extension.begin_write(plan, session).await? {
                    let written = planner.create_physical_plan(&target.plan, session).await?;
                    let written = self.verified(written, session);
                    return Ok(Arc::new(AtomicWriteExec::new(written, target.transaction)));
                }
            }
        }
        Ok(self.verified(planner.create_physical_plan(plan, session).await?, session))
    }

    fn verified(
        &self,
        plan: Arc<dyn ExecutionPlan>,
        session: &dyn Session,
    ) -> Arc<dyn ExecutionPlan> {
        match self.watched(&plan, session) {
            Some(state) => Arc::new(VerifiedExec::new(plan, self.extensions.clone(), state)),
            None => plan,
        }
    }

    /// The session, where extensions have something to look at.
    fn watched(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        session: &dyn Session,
    ) -> Option<Arc<SessionState>> {
        let state = session.as_any().downcast_ref::<SessionState>()?;
        reads_files(plan).then(|| Arc::new(state.clone()))
    }
}

fn reads_files(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let here = plan
        .downcast_ref::<DataSourceExec>()
        .is_some_and(|scan| scan.data_source().downcast_ref::<FileScanConfig>().is_some());
    here || plan.children().into_iter().any(reads_files)
}

/// Whether a plan shows a table in memory and does nothing else: that is no work for a pool.
fn is_at_hand(plan: &LogicalPlan) -> bool {
    let LogicalPlan::TableScan(scan) = plan else { return false };
    let table = source_as_provider(&scan.source);
    table.is_ok_and(|table| is_in_memory(table.as_ref()))
}

/// Whether a plan makes rows of tables and does nothing else.
fn reads(plan: &LogicalPlan) -> bool {
    !matches!(
        plan,
        LogicalPlan::Copy(_)
            | LogicalPlan::Dml(_)
            | LogicalPlan::Ddl(_)
            | LogicalPlan::Statement(_)
            | LogicalPlan::Explain(_)
            | LogicalPlan::Analyze(_)
            | LogicalPlan::DescribeTable(_)
    )
}

fn writes(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Copy(_) => true,
        LogicalPlan::Dml(dml) => matches!(dml.op, WriteOp::Insert(_)),
        _ => false,
    }
}
