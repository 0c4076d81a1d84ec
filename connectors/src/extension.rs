//! The extension that gives a session its files and object stores.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProviderList, DynamicFileCatalog, Session, TableProviderFactory};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use strata_engine::{Extension, SessionParts, Wire, WriteTarget};
use url::Url;

use crate::chunked::persisted::Persisted;
use crate::error::{ConnectorError, Result};
use crate::files::{FORMATS, FileTables, PathsAreTables, formats};
use crate::numpy::NpyArray;
use crate::secrets::Secrets;
use crate::stores::{Fence, Locations, Stores};
use crate::write;
use crate::zarr::{ZarrArray, store_of};

/// Files and object stores: a path or URL is a table, `CREATE EXTERNAL TABLE` and `COPY` know the
/// usual formats, and whatever is written appears whole or not at all.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use std::sync::Arc;
/// use strata_connectors::Files;
/// use strata_engine::{SessionBuilder, Settings};
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("x.csv").display().to_string();
/// let session = SessionBuilder::new(Settings::default())
///     .with_extension(Arc::new(Files::default()))
///     .build()?;
/// session.sql(&format!("COPY (SELECT 1 AS a, 'x' AS b) TO '{path}'")).await?.collect().await?;
/// let rows = session.sql(&format!("SELECT a FROM '{path}'")).await?.count().await?;
/// assert_eq!(rows, 1);
/// # Ok(()) }
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Files;

/// The secrets of a session that was built with [`Files`].
pub fn secrets(session: &SessionContext) -> Option<Arc<Secrets>> {
    session.state_ref().read().config().get_extension::<Secrets>()
}

/// The catalogs of a session, without those in which paths are tables.
struct PlainCatalogs(Arc<dyn CatalogProviderList>);

/// The same session for somebody who may not use everything: no more than these locations, and of the catalogs what
/// `seen` leaves. Paths in its statements are opened in it, and not in the one it is made of. What both hold
/// otherwise (tables, settings, secrets, memory) they have together.
pub fn within(
    session: &SessionContext,
    locations: &Locations,
    seen: impl FnOnce(Arc<dyn CatalogProviderList>) -> Arc<dyn CatalogProviderList>,
) -> Result<SessionContext> {
    let mut state = session.state();
    let missing = || ConnectorError::Option {
        option: "session".to_string(),
        reason: "it was built without Files, which keep locations apart".to_string(),
    };
    let stores = state.config().get_extension::<Stores>().ok_or_else(missing)?;
    let plain = state.config().get_extension::<PlainCatalogs>().ok_or_else(missing)?;
    let stores = Arc::new(stores.within(locations));
    let plain = seen(Arc::clone(&plain.0));
    state.config_mut().set_extension(Arc::clone(&stores));
    state.config_mut().set_extension(Arc::new(PlainCatalogs(Arc::clone(&plain))));
    let shared = session.runtime_env();
    let runtime = RuntimeEnv { object_store_registry: stores, ..shared.as_ref().clone() };
    let config = state.config().clone().with_create_default_catalog_and_schema(false);
    let state = SessionStateBuilder::from(state)
        .with_config(config)
        .with_runtime_env(Arc::new(runtime))
        .with_catalog_list(Arc::clone(&plain))
        .build();
    let narrowed = SessionContext::new_with_state(state);
    let paths = Arc::new(PathsAreTables::new(Arc::downgrade(&narrowed.state_ref())));
    narrowed.register_catalog_list(Arc::new(DynamicFileCatalog::new(plain, paths)));
    Ok(narrowed)
}

#[async_trait]
impl Extension for Files {
    fn name(&self) -> &'static str {
        "files"
    }

    fn configure(&self, mut parts: SessionParts) -> strata_engine::Result<SessionParts> {
        let secrets = Arc::new(Secrets::default());
        let config = parts.state.config().take().unwrap_or_default();
        let allowed = strata_engine::options_of(config.options()).files.allow;
        let fence = Fence::parse(&allowed).map_err(DataFusionError::from)?;
        let stores = Arc::new(Stores::new(Arc::clone(&secrets), fence));
        *parts.state.config() =
            Some(config.with_extension(secrets).with_extension(Arc::clone(&stores)));
        parts.state.file_formats().get_or_insert_default().extend(formats::named_formats());
        for format in FORMATS {
            let factory: Arc<dyn TableProviderFactory> = Arc::new(FileTables);
            parts.state = parts.state.with_table_factory(format.to_string(), factory);
        }
        parts.runtime = parts.runtime.with_object_store_registry(stores);
        Ok(parts)
    }

    fn wire(&self, wire: &mut Wire) -> strata_engine::Result<()> {
        wire.register_source(ZarrArray::WIRE_NAME, |bytes, context| {
            let resolve = |url: &Url| store_of(&context.runtime_env(), url);
            Ok(Arc::new(ZarrArray::from_wire(bytes, resolve)?))
        })?;
        wire.register_source(Persisted::WIRE, |bytes, _| {
            Ok(Arc::new(Persisted::from_wire(bytes)?))
        })?;
        wire.register_source(NpyArray::WIRE_NAME, |bytes, context| {
            let resolve = |url: &Url| store_of(&context.runtime_env(), url);
            Ok(Arc::new(NpyArray::from_wire(bytes, resolve)?))
        })
    }

    fn install(&self, session: &SessionContext) -> strata_engine::Result<()> {
        let state = session.state_ref();
        let paths = Arc::new(PathsAreTables::new(Arc::downgrade(&state)));
        let catalogs = Arc::clone(state.read().catalog_list());
        let plain = PlainCatalogs(Arc::clone(&catalogs));
        state.write().config_mut().set_extension(Arc::new(plain));
        session.register_catalog_list(Arc::new(DynamicFileCatalog::new(catalogs, paths)));
        Ok(())
    }

    async fn begin_write(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Option<WriteTarget>, DataFusionError> {
        Ok(write::begin(plan, session).await?)
    }

    async fn diagnose(
        &self,
        error: &DataFusionError,
        plan: &Arc<dyn ExecutionPlan>,
        session: &SessionState,
    ) -> Option<DataFusionError> {
        crate::check::diagnose(session, error, plan).await.map(DataFusionError::from)
    }

    async fn diagnose_planning(
        &self,
        error: &DataFusionError,
        plan: &LogicalPlan,
        session: &SessionState,
    ) -> Option<DataFusionError> {
        crate::check::diagnose_planning(session, error, plan).await.map(DataFusionError::from)
    }

    async fn verify(
        &self,
        plan: &Arc<dyn ExecutionPlan>,
        session: &SessionState,
    ) -> Result<(), DataFusionError> {
        Ok(crate::check::unchanged(session, plan).await?)
    }
}
