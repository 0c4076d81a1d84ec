//! Arrays after `FROM`: `zarr('cube.zarr')`, `svd_compressed(genotypes, k => 10)`. Opening one reads, and planning
//! SQL does not wait: what a statement names is opened before it is planned.

use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::{CopyToSource, Statement as DFStatement};
use parking_lot::Mutex;
use sqlparser::ast::{FunctionArg, FunctionArgExpr, Spanned, TableFactor, Visit, Visitor};

use super::{HeldArrays, bind, is_maker, is_verb, table};
use crate::error::{Location, Result};
use crate::parse::parse_term;

/// What the statements that are being planned name.
#[derive(Debug, Default)]
pub(crate) struct ArrayTables(Mutex<Vec<(String, Arc<LogicalPlan>)>>);

impl ArrayTables {
    /// The plan of what is written like this.
    pub(crate) fn plan(&self, text: &str) -> Option<LogicalPlan> {
        let all = self.0.lock();
        all.iter().rev().find(|(own, _)| own == text).map(|(_, plan)| plan.as_ref().clone())
    }
}

/// What one statement names, as long as it is planned.
pub(crate) struct Opened {
    tables: Option<Arc<ArrayTables>>,
    plans: Vec<Arc<LogicalPlan>>,
}

impl Drop for Opened {
    fn drop(&mut self) {
        if let Some(tables) = &self.tables {
            let own = |plan: &Arc<LogicalPlan>| self.plans.iter().any(|own| Arc::ptr_eq(own, plan));
            tables.0.lock().retain(|(_, plan)| !own(plan));
        }
    }
}

/// Opens what a statement names.
pub(crate) async fn open(session: &SessionContext, statement: &DFStatement) -> Result<Opened> {
    let mut found = Found::default();
    visit(statement, &mut found);
    let mut opened = Opened { tables: None, plans: Vec::new() };
    if found.0.is_empty() {
        return Ok(opened);
    }
    opened.tables = session.state_ref().read().config().get_extension::<ArrayTables>();
    for Named { text, name, arguments, at } in found.0 {
        let Some(term) = term(session, &name, &arguments).await else { continue };
        let value = bind(session, &parse_term(&term)?).await;
        let frame = match value {
            Ok(value) => table::of_value(session, value).await,
            Err(error) => Err(error),
        };
        let plan = frame.map_err(|error| error.elsewhere(at))?.into_unoptimized_plan();
        let plan = Arc::new(plan);
        if let Some(tables) = &opened.tables {
            tables.0.lock().push((text, Arc::clone(&plan)));
        }
        opened.plans.push(plan);
    }
    Ok(opened)
}

/// How the array language writes it; none, if no array is meant.
async fn term(session: &SessionContext, name: &str, arguments: &[String]) -> Option<String> {
    if is_maker(name) {
        return Some(format!("{name}({})", arguments.join(", ")));
    }
    let (first, rest) = arguments.split_first()?;
    let is_held =
        is_verb(name) && HeldArrays::get(session, first.trim_matches('"')).await.is_some();
    is_held.then(|| format!("{first}.{name}({})", rest.join(", ")))
}

fn visit(statement: &DFStatement, found: &mut Found) {
    match statement {
        DFStatement::Statement(sql) => _ = Visit::visit(sql.as_ref(), found),
        DFStatement::Explain(explain) => visit(&explain.statement, found),
        DFStatement::CopyTo(copy) => {
            if let CopyToSource::Query(query) = &copy.source {
                let _ = Visit::visit(query.as_ref(), found);
            }
        }
        DFStatement::CreateExternalTable(_) | DFStatement::Reset(_) => {}
    }
}

/// A function after `FROM`.
struct Named {
    text: String,
    name: String,
    arguments: Vec<String>,
    at: Location,
}

#[derive(Default)]
struct Found(Vec<Named>);

impl Visitor for Found {
    type Break = ();

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let Some(text) = written(factor)
            && let TableFactor::Table { name, args: Some(arguments), .. } = factor
            && let [part] = &name.0[..]
            && let Some(ident) = part.as_ident()
            && !self.0.iter().any(|named| named.text == text)
        {
            let arguments = arguments.args.iter().map(argument).collect();
            let start = name.span().start;
            let at = Location { line: start.line, column: start.column };
            self.0.push(Named { text, name: ident.value.clone(), arguments, at });
        }
        ControlFlow::Continue(())
    }
}

fn argument(argument: &FunctionArg) -> String {
    match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => expr.to_string(),
        FunctionArg::Named { name, arg, .. } => format!("{name} => {arg}"),
        other => other.to_string(),
    }
}

/// A function after `FROM` as it is written, without what it is called there.
pub(crate) fn written(factor: &TableFactor) -> Option<String> {
    let TableFactor::Table { name, args: Some(arguments), .. } = factor else { return None };
    let arguments: Vec<String> = arguments.args.iter().map(argument).collect();
    Some(format!("{name}({})", arguments.join(", ")))
}

/// What `FROM` calls a function's rows where nothing else is said.
pub(crate) fn own_name(factor: &TableFactor) -> Option<String> {
    let TableFactor::Table { name, .. } = factor else { return None };
    name.0.last()?.as_ident().map(|ident| ident.value.to_lowercase())
}

/// `CREATE EXTERNAL TABLE … STORED AS ZARR LOCATION '…'`: a name for the rows of a store.
pub(crate) async fn external(
    session: &SessionContext,
    location: &str,
) -> Result<datafusion::dataframe::DataFrame> {
    let quoted = location.replace('\'', "''");
    let value = bind(session, &parse_term(&format!("zarr('{quoted}')"))?).await;
    table::of_value(session, value?).await
}
