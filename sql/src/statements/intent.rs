//! What a statement will do, for whoever must know before it does it.

use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as DFStatement;
use sqlparser::ast::Statement as SqlStatement;

use super::{Outcome, execute, plan_sql, size, zarr};
use crate::arrays::HeldArrays;
use crate::error::{Error, Result};
use crate::parse::{Kind, Source, Statement, Term, What};
use crate::verbs;

/// What a statement will do.
#[derive(Debug)]
pub(crate) enum Intent {
    /// It makes rows and changes nothing, once its plan is run.
    Reads(LogicalPlan),
    /// It writes, once its plan is run, and its row says how much.
    Writes(LogicalPlan),
    /// Running the statement does it. The plan is what it is about, as far as one can be told.
    Does(Option<LogicalPlan>),
}

/// Finds out what a statement will do, and does nothing of it.
pub(crate) async fn intent(session: &SessionContext, statement: &Statement) -> Result<Intent> {
    let saves = |term: &Term| match &term.what {
        What::Verb(_, verb, _) => verb.eq_ignore_ascii_case("save"),
        _ => false,
    };
    let does = match &statement.kind {
        Kind::Sql(sql) => return of_sql(session, sql).await,
        Kind::Array(term) => saves(term),
        Kind::Chain(chain) => match HeldArrays::meant(session, chain).await {
            Some(term) => saves(term),
            None => {
                return of_plan(verbs::bind(session, chain).await?.into_unoptimized_plan());
            }
        },
        Kind::ExplainLayers { analyze, .. } => *analyze,
        Kind::Explain { source: Source::Array(term), .. } => saves(term),
        Kind::Explain { .. }
        | Kind::ExplainArray { .. }
        | Kind::Describe(_)
        | Kind::Summarize(_)
        | Kind::Pivot { .. }
        | Kind::Unpivot { .. }
        | Kind::ShowSecrets
        | Kind::ShowSettings
        | Kind::ShowWorkers
        | Kind::ShowJobs => false,
        Kind::Bind { .. }
        | Kind::BindArray { .. }
        | Kind::BindArrays { .. }
        | Kind::CreateSecret { .. }
        | Kind::DropSecret { .. }
        | Kind::CancelJob(_) => true,
    };
    if does {
        return Ok(Intent::Does(None));
    }
    match execute(session, statement).await? {
        Outcome::Rows(plan) => of_plan(plan),
        Outcome::Done(_) => Err(Error::text("this statement makes no rows")),
    }
}

async fn of_sql(session: &SessionContext, sql: &DFStatement) -> Result<Intent> {
    match sql {
        DFStatement::Reset(_) => return Ok(Intent::Does(None)),
        DFStatement::Statement(sql) if matches!(sql.as_ref(), SqlStatement::Set(_)) => {
            return Ok(Intent::Does(None));
        }
        DFStatement::CopyTo(copy) if zarr::is_target(copy) => return Ok(Intent::Does(None)),
        DFStatement::CreateExternalTable(_) => return Ok(Intent::Does(None)),
        _ => {}
    }
    of_plan(plan_sql(session, sql.clone()).await?)
}

fn of_plan(plan: LogicalPlan) -> Result<Intent> {
    size::refuse_endless(&plan)?;
    Ok(match plan {
        LogicalPlan::Ddl(_) | LogicalPlan::Statement(_) => Intent::Does(Some(plan)),
        LogicalPlan::Dml(_) | LogicalPlan::Copy(_) => Intent::Writes(plan),
        plan => Intent::Reads(plan),
    })
}
