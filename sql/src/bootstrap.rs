//! The only place where engine and connectors are put together: shell, library and command all
//! start here, so that none knows a function or a format another lacks.

use datafusion::execution::context::SessionContext;
use strata_engine::{SessionBuilder, Settings};

use crate::error::Result;

/// A session that knows everything Strata knows.
pub fn session(settings: Settings) -> Result<SessionContext> {
    Ok(SessionBuilder::new(settings).build()?)
}

/// Opens a database file: its tables, views and settings are the session's from here on.
pub async fn open_database(_session: &SessionContext, path: &std::path::Path) -> Result<()> {
    Err(crate::Error::File {
        path: path.display().to_string(),
        reason: "database files cannot be opened yet".to_string(),
    })
}
