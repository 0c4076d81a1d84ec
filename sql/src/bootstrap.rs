//! The only place where engine and connectors are put together: shell, library and command all
//! start here, so that none knows a function or a format another lacks.

use datafusion::execution::context::SessionContext;
use std::sync::Arc;

use strata_connectors::{Files, Locations};
use strata_engine::{Extension, Pool, SessionBuilder, SessionParts, Settings};

use crate::arrays::{ArrayTables, HeldArrays};
use crate::database::DatabaseSlot;
use crate::error::Result;
use crate::{functions, relations, temporary, types};

/// A session that knows everything Strata knows.
pub fn session(settings: Settings) -> Result<SessionContext> {
    with_own_tables(&builder(settings).build()?)
}

/// A session whose queries a pool runs.
///
/// ```no_run
/// # async fn on_a_pool() -> Result<(), Box<dyn std::error::Error>> {
/// use strata::{RunText, Settings};
/// use strata_engine::{Pool, Security, Token};
///
/// let security = Security { token: Some(Token::from_file("pool.token".as_ref())?), tls: None };
/// let pool = Pool::find("scheduler.example:50050".parse()?, security).await?;
/// let session = strata::session_on(pool, Settings::default())?;
/// session.run("'s3://data/sales/'.group_by(shop).agg(sum(price))").await?.show().await?;
/// # Ok(()) }
/// ```
pub fn session_on(pool: Arc<Pool>, settings: Settings) -> Result<SessionContext> {
    with_own_tables(&builder(settings).with_pool(pool).build()?)
}

fn with_own_tables(session: &SessionContext) -> Result<SessionContext> {
    temporary::session(session, &Locations::everywhere(), |all| all)
}

fn builder(settings: Settings) -> SessionBuilder {
    SessionBuilder::new(settings).with_extension(Arc::new(Files)).with_extension(Arc::new(Language))
}

/// What SQL has here beyond DataFusion's own.
#[derive(Debug)]
struct Language;

impl Extension for Language {
    fn name(&self) -> &'static str {
        "language"
    }

    fn configure(&self, mut parts: SessionParts) -> strata_engine::Result<SessionParts> {
        let arrays = Arc::new(ArrayTables::default());
        if let Some(config) = parts.state.config().take() {
            let config = config
                .with_extension(Arc::new(HeldArrays::default()))
                .with_extension(Arc::clone(&arrays))
                .with_extension(Arc::new(DatabaseSlot::default()));
            *parts.state.config() = Some(config);
        }
        let mut state = parts
            .state
            .with_relation_planners(relations::all(arrays))
            .with_type_planner(Arc::new(types::OtherNames));
        state.scalar_functions().get_or_insert_default().extend(functions::all());
        Ok(SessionParts { state, runtime: parts.runtime })
    }
}
