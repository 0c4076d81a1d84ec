//! Queries within a chain's expressions: `filter(id IN (SELECT …))`. The tables they read are looked
//! up first, then the expression is planned with them at hand.

use std::collections::HashMap;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::{
    DFSchema, Result as DataFusionResult, TableReference, plan_datafusion_err,
};
use datafusion::config::ConfigOptions;
use datafusion::datasource::provider_as_source;
use datafusion::execution::context::{SessionContext, SessionState};
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::sql::parser::Statement as DFStatement;
use datafusion::sql::planner::{ParserOptions, PlannerContext, SqlToRel};
use sqlparser::ast::{ExprWithAlias, Query, SelectItem, Statement, Visit, Visitor};

use crate::error::{Error, Result};
use crate::parse::{Call, Value};

/// The tables that the subqueries of one call read.
pub(super) type Tables = HashMap<TableReference, Arc<dyn TableSource>>;

/// Looks up the tables that a call's subqueries read; none where it has no subquery.
pub(super) async fn tables_of(session: &SessionContext, call: &Call) -> Result<Tables> {
    let mut queries = FindQueries(Vec::new());
    for argument in &call.arguments {
        let _ = match &argument.value {
            Value::Item(item) => item.visit(&mut queries),
            Value::Sorts(sorts) => sorts.visit(&mut queries),
            Value::Frame(_) => ControlFlow::Continue(()),
        };
    }
    let mut tables = Tables::new();
    for query in queries.0 {
        let statement = DFStatement::Statement(Box::new(Statement::Query(Box::new(query))));
        for reference in session.state().resolve_table_references(&statement)? {
            let provider = match session.table_provider(reference.clone()).await {
                Ok(provider) => provider,
                Err(_) if super::is_missing(session, &reference) => {
                    return Err(super::unknown_table(session, &reference.to_string()));
                }
                Err(error) => return Err(Error::from(error)),
            };
            tables.insert(reference, provider_as_source(provider));
        }
    }
    Ok(tables)
}

struct FindQueries(Vec<Query>);

impl Visitor for FindQueries {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.0.push(query.clone());
        ControlFlow::Continue(())
    }
}

/// Plans an expression whose subqueries read these tables.
pub(super) fn plan(
    state: &SessionState,
    tables: &Tables,
    item: ExprWithAlias,
    schema: &DFSchema,
) -> Result<Expr> {
    let mut select = SelectItem::UnnamedExpr(item.expr);
    crate::rewrite::rewrite_item(&mut select, state)?;
    let SelectItem::UnnamedExpr(expr) = select else {
        return Err(Error::text("an expression is wanted"));
    };
    let provider = Provider { state, tables };
    let options = &state.config().options().sql_parser;
    let parser = ParserOptions {
        parse_float_as_decimal: options.parse_float_as_decimal,
        enable_ident_normalization: options.enable_ident_normalization,
        support_varchar_with_length: options.support_varchar_with_length,
        map_string_types_to_utf8view: options.map_string_types_to_utf8view,
        collect_spans: options.collect_spans,
        default_null_ordering: options.default_null_ordering.as_str().into(),
        ..ParserOptions::default()
    };
    let mut context = PlannerContext::new();
    let item = ExprWithAlias { expr, alias: item.alias };
    Ok(SqlToRel::new_with_options(&provider, parser).sql_to_expr_with_alias(
        item,
        schema,
        &mut context,
    )?)
}

struct Provider<'a> {
    state: &'a SessionState,
    tables: &'a Tables,
}

impl ContextProvider for Provider<'_> {
    fn get_table_source(&self, name: TableReference) -> DataFusionResult<Arc<dyn TableSource>> {
        let found = self.tables.get(&name).cloned();
        found.ok_or_else(|| plan_datafusion_err!("table '{name}' not found"))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.state.expr_planners()
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        self.state.relation_planners()
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.state.higher_order_functions().get(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.state.higher_order_functions().keys().cloned().collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.state.window_functions().keys().cloned().collect()
    }
}
