//! A path or URL in table position is a table: `FROM 'data/*.parquet'`. Names that are tables stay
//! what they are; only a name that cannot be one is looked up as a path.

use std::sync::Arc;
use std::sync::Weak;

use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider, UrlTableFactory};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::context::SessionState;
use parking_lot::RwLock;

use super::location::looks_like_a_path;
use super::open::{OpenOptions, open_table};

/// Opens paths with the session they are asked for in.
#[derive(Debug)]
pub(crate) struct PathsAreTables {
    /// Weak, because the session holds the catalogs that hold this.
    session: Weak<RwLock<SessionState>>,
}

impl PathsAreTables {
    pub(crate) fn new(session: Weak<RwLock<SessionState>>) -> Self {
        Self { session }
    }
}

#[async_trait]
impl UrlTableFactory for PathsAreTables {
    async fn try_new(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        if !looks_like_a_path(name) {
            return Ok(None);
        }
        let Some(session) = self.session.upgrade() else { return Ok(None) };
        let state = session.read().clone();
        let table = open_table(&state as &dyn Session, name, &OpenOptions::default()).await?;
        Ok(Some(table))
    }
}
