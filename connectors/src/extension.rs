//! The extension that gives a session its files and object stores.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{DynamicFileCatalog, Session, TableProviderFactory};
use datafusion::error::DataFusionError;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use strata_engine::{Extension, SessionParts, Wire, WriteTarget};
use url::Url;

use crate::chunked::persisted::Persisted;
use crate::files::{FORMATS, FileTables, PathsAreTables, formats};
use crate::numpy::NpyArray;
use crate::secrets::Secrets;
use crate::stores::{Fence, Stores};
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
