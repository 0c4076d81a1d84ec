//! Chains into plans: the head is resolved, then each verb applied in turn.

use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, LogicalPlanBuilder};
use datafusion::sql::parser::Statement as DFStatement;
use futures::FutureExt;
use futures::future::BoxFuture;
use sqlparser::ast::{ObjectName, Statement as SqlStatement};

use super::arguments::{Arguments, normalized};
use super::{Bind, Stage, subqueries};
use crate::arrays::HeldArrays;
use crate::error::{Error, Result};
use crate::parse::{Chain, Head, Source, Value};
use crate::statements::plan_sql;

/// The rows a chain stands for.
pub(crate) fn bind<'a>(
    session: &'a SessionContext,
    chain: &'a Chain,
) -> BoxFuture<'a, Result<DataFrame>> {
    async move {
        if let Some(refused) = &chain.refused {
            return Err(refused.again());
        }
        let head = bind_head(session, &chain.head).await.map_err(|error| error.at(chain.at))?;
        let mut stage = Stage::Frame(head);
        for call in &chain.calls {
            let mut frames = Vec::new();
            for argument in &call.arguments {
                if let Value::Frame(inner) = &argument.value {
                    frames.push(bind(session, inner).await?);
                }
            }
            let tables = subqueries::tables_of(session, call)
                .await
                .map_err(|error| error.about(call.verb.name).at(call.at))?;
            let arguments = Arguments::new(session, call, frames, tables);
            let bound = match call.verb.bind {
                Bind::Now(bind) => bind(stage, &arguments),
                Bind::Asking(bind) => bind(stage, &arguments).await,
            };
            stage = bound.map_err(|error| match error.location() {
                Some(_) => error,
                None => error.about(call.verb.name).at(call.at),
            })?;
        }
        stage.frame().map_err(|error| match chain.calls.last() {
            Some(last) => error.at(last.at),
            None => error,
        })
    }
    .boxed()
}

/// The rows that `SUMMARIZE` and its like are about.
pub(crate) async fn bind_source(session: &SessionContext, source: &Source) -> Result<DataFrame> {
    match source {
        Source::Chain(chain) => match HeldArrays::meant(session, chain).await {
            Some(term) => crate::arrays::frame(session, term).await,
            None => bind(session, chain).await,
        },
        Source::Array(term) => crate::arrays::frame(session, term).await,
        Source::Query(query) => {
            let statement = SqlStatement::Query(query.clone());
            let plan = plan_sql(session, DFStatement::Statement(Box::new(statement))).await?;
            Ok(DataFrame::new(session.state(), plan))
        }
    }
}

async fn bind_head(session: &SessionContext, head: &Head) -> Result<DataFrame> {
    match head {
        Head::Table(name) => {
            let reference = table_reference(session, name)?;
            match session.table(reference.clone()).await {
                Ok(frame) => Ok(frame),
                Err(_) if is_missing(session, &reference) => {
                    Err(unknown_table(session, &reference.to_string()))
                }
                Err(error) => Err(error.into()),
            }
        }
        Head::File(path) => Ok(session.table(TableReference::bare(path.as_str())).await?),
        Head::Array(term) => crate::arrays::frame(session, term).await,
        Head::Query(query) => bind_source(session, &Source::Query(query.clone())).await,
        Head::Function(name, arguments) => {
            let state = session.state();
            let function = session.table_function(&name.to_string().to_lowercase())?;
            let schema = datafusion::common::DFSchema::empty();
            let arguments: Vec<Expr> = arguments
                .iter()
                .map(|argument| {
                    let item =
                        sqlparser::ast::ExprWithAlias { expr: argument.clone(), alias: None };
                    Ok(state.create_logical_expr_from_sql_expr(item, &schema)?)
                })
                .collect::<Result<_>>()?;
            let provider = function.create_table_provider_with_args(
                datafusion::catalog::TableFunctionArgs::new(&arguments, &state),
            )?;
            let source = datafusion::datasource::provider_as_source(provider);
            let scan = LogicalPlanBuilder::scan(format!("{name}()"), source, None)?;
            Ok(DataFrame::new(state, scan.build()?))
        }
    }
}

/// A table's name as SQL reads it.
fn table_reference(session: &SessionContext, name: &ObjectName) -> Result<TableReference> {
    let state = session.state();
    let parts: Vec<String> = name
        .0
        .iter()
        .filter_map(|part| part.as_ident())
        .map(|ident| normalized(&state, ident))
        .collect();
    match parts.as_slice() {
        [table] => Ok(TableReference::bare(table.as_str())),
        [schema, table] => Ok(TableReference::partial(schema.as_str(), table.as_str())),
        [catalog, schema, table] => {
            Ok(TableReference::full(catalog.as_str(), schema.as_str(), table.as_str()))
        }
        _ => Err(Error::text(format!("'{name}' has more parts than catalog, schema and table"))),
    }
}

/// The error for a table that is not there, with what was probably meant.
pub(crate) fn unknown_table(session: &SessionContext, name: &str) -> Error {
    let error = Error::NoTable { table: name.to_string(), at: None, hint: None };
    let tables = table_names(session);
    match strata_engine::nearest(name, tables.iter().map(String::as_str)) {
        Some(close) => error.hint(format!("did you mean '{close}'?")),
        None if tables.is_empty() => {
            error.hint("name a file in quotes, as in 'data/*.parquet', or CREATE EXTERNAL TABLE")
        }
        None => error.hint(format!("the tables are {}", tables.join(", "))),
    }
}

/// Whether a table's name is a plain one and nothing goes by it: what looks like a path is a path.
pub(crate) fn is_missing(session: &SessionContext, table: &TableReference) -> bool {
    let plain = table.table().chars().all(|c| c.is_alphanumeric() || c == '_');
    plain && !session.table_exist(table.clone()).unwrap_or(false)
}

/// The tables and names in the default schema.
fn table_names(session: &SessionContext) -> Vec<String> {
    let state = session.state();
    let catalog = &state.config().options().catalog;
    let mut names = session
        .catalog(&catalog.default_catalog)
        .and_then(|c| c.schema(&catalog.default_schema))
        .map(|schema| schema.table_names())
        .unwrap_or_default();
    names.sort();
    names
}
