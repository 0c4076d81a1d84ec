//! The only place where engine and connectors are put together: shell, library and command all
//! start here, so that none knows a function or a format another lacks.

use datafusion::execution::context::SessionContext;
use std::sync::Arc;

use strata_connectors::Files;
use strata_engine::{Extension, SessionBuilder, SessionParts, Settings};

use crate::database::DatabaseSlot;
use crate::error::Result;
use crate::relations;
use crate::statements::HeldTables;

/// A session that knows everything Strata knows.
pub fn session(settings: Settings) -> Result<SessionContext> {
    Ok(SessionBuilder::new(settings)
        .with_extension(Arc::new(Files))
        .with_extension(Arc::new(Language))
        .build()?)
}

/// What SQL has here beyond DataFusion's own.
#[derive(Debug)]
struct Language;

impl Extension for Language {
    fn name(&self) -> &'static str {
        "language"
    }

    fn configure(&self, mut parts: SessionParts) -> strata_engine::Result<SessionParts> {
        if let Some(config) = parts.state.config().take() {
            let config = config
                .with_extension(Arc::new(HeldTables::default()))
                .with_extension(Arc::new(DatabaseSlot::default()));
            *parts.state.config() = Some(config);
        }
        let state = parts.state.with_relation_planners(relations::all());
        Ok(SessionParts { state, runtime: parts.runtime })
    }
}
