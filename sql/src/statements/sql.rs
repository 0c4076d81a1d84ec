//! SQL statements: rewritten where DataFusion needs it, planned by DataFusion, and those that
//! change the session rather than return rows carried out here.

use datafusion::dataframe::DataFrame;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{DdlStatement, LogicalPlan};
use datafusion::sql::parser::Statement as DFStatement;
use sqlparser::ast::Statement as SqlStatement;

use super::{Outcome, copy, create_table, pivot_values, rows, settings, table_of, zarr};
use crate::arrays;
use crate::error::{Error, Result};
use crate::flight::locks;
use crate::parse::ExplainFormatting;
use crate::rewrite::rewrite;
use crate::{temporary, verbs};

pub(super) async fn execute(session: &SessionContext, statement: DFStatement) -> Result<Outcome> {
    match &statement {
        DFStatement::Statement(sql) => {
            if let SqlStatement::Set(set) = sql.as_ref()
                && let Some(done) = settings::set(session, set)?
            {
                return Ok(done);
            }
        }
        DFStatement::Reset(reset) => return settings::reset(session, reset),
        DFStatement::CopyTo(copy) if zarr::is_target(copy) => {
            return zarr::copy(session, copy.clone()).await;
        }
        DFStatement::CreateExternalTable(create)
            if create.file_type.eq_ignore_ascii_case("zarr") =>
        {
            return zarr::create(session, create).await;
        }
        _ => {}
    }
    let plan = plan_sql(session, statement).await?;
    locks::watch(session, &plan)?;
    match plan {
        LogicalPlan::Ddl(DdlStatement::CreateMemoryTable(create)) => {
            create_table::create(session, create).await
        }
        LogicalPlan::Ddl(mut ddl) => {
            if let DdlStatement::DropTable(gone) = &ddl
                && temporary::drop(session, &gone.name)?
            {
                return Ok(Outcome::Done(None));
            }
            // A file or folder of that name is no view that is in the way: nothing is replaced.
            if let DdlStatement::CreateView(view) = &mut ddl {
                temporary::refuse_lasting(view.name.table(), &view.input)?;
                let in_the_way = session.table_exist(view.name.clone());
                view.or_replace |= in_the_way.is_ok_and(|exists| !exists);
            }
            session.execute_logical_plan(LogicalPlan::Ddl(ddl)).await?;
            Ok(Outcome::Done(None))
        }
        LogicalPlan::Statement(_) => Ok(rows(session.execute_logical_plan(plan).await?)),
        plan => Ok(Outcome::Rows(plan)),
    }
}

/// Plans a statement of SQL.
pub(crate) async fn plan_sql(
    session: &SessionContext,
    mut statement: DFStatement,
) -> Result<LogicalPlan> {
    Box::pin(pivot_values::resolve(session, &mut statement)).await?;
    let _opened = Box::pin(arrays::open(session, &statement)).await?;
    temporary::rename(session, &mut statement)?;
    let state = session.state();
    rewrite(&mut statement, &state)?;
    if let DFStatement::CopyTo(copy) = &mut statement {
        copy::name_format(copy)?;
    }
    match state.statement_to_plan(statement.clone()).await {
        Ok(plan) => Ok(plan),
        Err(error) => Err(missing_table(session, &statement, error).await),
    }
}

/// The error of a plan, or the table that is missing, where that is what went wrong.
async fn missing_table(
    session: &SessionContext,
    statement: &DFStatement,
    error: DataFusionError,
) -> Error {
    let error = Error::from(error);
    // Functions and tables about to be made count as references: they are not what is missing.
    let told = error.to_string();
    let by_name = told.contains("table '") && told.contains("' not found");
    if !by_name || told.contains("table function") {
        return error;
    }
    let place = error.location();
    for table in session.state().resolve_table_references(statement).unwrap_or_default() {
        if !told.contains(&format!("{}' not found", table.table())) {
            continue;
        }
        // A path that cannot be read has an error of its own, and that one says more.
        match session.table_provider(table.clone()).await {
            Ok(_) => {}
            Err(_) if verbs::is_missing(session, &table) => {
                let error = verbs::unknown_table(session, &table.to_string());
                return match place {
                    Some(place) => error.at(place),
                    None => error,
                };
            }
            Err(reason) => return reason.into(),
        }
    }
    error
}

/// `EXPLAIN` of a chain, as DataFusion explains SQL.
pub(super) fn explain(frame: DataFrame, formatting: &ExplainFormatting) -> Result<Outcome> {
    let mut options = datafusion::logical_expr::ExplainOption::default()
        .with_verbose(formatting.verbose)
        .with_analyze(formatting.analyze);
    if let Some(format) = &formatting.format {
        options = options.with_format(format.parse()?);
    }
    Ok(rows(frame.explain_with_options(options)?))
}

/// The columns of a frame, as DataFusion describes a table.
pub(super) fn describe(session: &SessionContext, frame: &DataFrame) -> Result<Outcome> {
    let rows = frame
        .schema()
        .fields()
        .iter()
        .map(|field| {
            let nullable = if field.is_nullable() { "YES" } else { "NO" };
            vec![
                Some(field.name().clone()),
                Some(field.data_type().to_string()),
                Some(nullable.to_string()),
            ]
        })
        .collect();
    table_of(session, &["column_name", "data_type", "is_nullable"], rows)
}
