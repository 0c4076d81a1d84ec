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

/// The verbs of the method-chain language: name, signature, what it does.
pub fn verbs() -> impl Iterator<Item = (&'static str, &'static str, &'static str)> {
    VERBS.iter().copied()
}

const VERBS: &[(&str, &str, &str)] = &[
    ("filter", "filter(condition)", "keeps the rows for which the condition holds"),
    ("select", "select(expression, …)", "computes columns"),
    ("group_by", "group_by(expression, …)", "groups rows, for agg"),
    ("agg", "agg(aggregate, …)", "one row a group"),
    ("sort", "sort(expression [DESC], …)", "orders rows"),
    ("head", "head(n)", "the first n rows"),
];

/// Whether the text ends a statement: at a semicolon, or after a whole chain.
pub fn is_complete(text: &str) -> bool {
    let text = text.trim_end();
    let open = text.matches('(').count() > text.matches(')').count();
    let quoted = text.matches('\'').count() % 2 == 1;
    let chain =
        text.ends_with(')') && VERBS.iter().any(|verb| text.contains(&format!(".{}(", verb.0)));
    !quoted && !open && (text.ends_with(';') || chain)
}
