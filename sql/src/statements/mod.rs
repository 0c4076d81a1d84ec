//! Running statements.

use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;

use crate::error::Result;

/// One statement of a text, in either language.
#[derive(Debug, Clone)]
pub struct Statement {
    /// Its text, without the semicolon.
    pub text: String,
}

/// What a statement came to.
pub enum Outcome {
    /// Rows, once the plan is run by a runner.
    Rows(LogicalPlan),
    /// It is done; perhaps with something to tell.
    Done(Option<String>),
}

/// Parts a text into its statements.
pub fn parse(text: &str) -> Result<Vec<Statement>> {
    Ok(text
        .split(';')
        .filter(|part| !part.trim().is_empty())
        .map(|part| Statement { text: part.to_string() })
        .collect())
}

/// Runs a statement up to the point where a runner takes over.
pub async fn execute(session: &SessionContext, statement: &Statement) -> Result<Outcome> {
    let frame = session.sql(&statement.text).await?;
    Ok(Outcome::Rows(frame.into_unoptimized_plan()))
}
