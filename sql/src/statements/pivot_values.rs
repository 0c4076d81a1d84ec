//! Pivots whose columns depend on the data: the values are asked for first. In a query
//! (`PIVOT (… FOR year IN (ANY))`, `IN (SELECT …)`) they are put in place of the question; the
//! statement `PIVOT t ON year USING sum(x)` is bound like the chain it stands for.

use std::ops::ControlFlow;

use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::sql::parser::Statement as DFStatement;
use sqlparser::ast::{
    Expr as SqlExpr, ExprWithAlias, Ident, PivotValueSource, Query, SelectItem, TableFactor, Value,
    Visit, VisitMut, Visitor, VisitorMut, With,
};
use strata_engine::{Frame, PivotColumn, Unpivot};

use super::plain_name;
use crate::error::{Error, Result};
use crate::verbs::{self, Stage, normalized};

/// Puts the values in place of `ANY` and subqueries, wherever a statement pivots.
pub(super) async fn resolve(session: &SessionContext, statement: &mut DFStatement) -> Result<()> {
    let DFStatement::Statement(sql) = statement else { return Ok(()) };
    let mut open = FindOpen { with: None, found: Vec::new() };
    let _ = Visit::visit(sql.as_ref(), &mut open);
    if open.found.is_empty() {
        return Ok(());
    }
    let mut answers = Vec::new();
    for question in open.found {
        let columns = ask(session, question).await?;
        answers.push(columns.into_iter().map(as_sql).collect::<Result<Vec<_>>>()?);
    }
    answers.reverse();
    let _ = VisitMut::visit(sql.as_mut(), &mut Answer { answers });
    Ok(())
}

/// A pivot that waits for its values.
struct Question {
    with: Option<With>,
    table: TableFactor,
    column: SqlExpr,
    source: PivotValueSource,
}

struct FindOpen {
    with: Option<With>,
    found: Vec<Question>,
}

impl Visitor for FindOpen {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        if self.with.is_none() {
            self.with = query.with.clone();
        }
        ControlFlow::Continue(())
    }

    fn post_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<()> {
        if let TableFactor::Pivot { table, value_column, value_source, .. } = factor
            && !matches!(value_source, PivotValueSource::List(_))
            && let [column] = value_column.as_slice()
        {
            self.found.push(Question {
                with: self.with.clone(),
                table: table.as_ref().clone(),
                column: column.clone(),
                source: value_source.clone(),
            });
        }
        ControlFlow::Continue(())
    }
}

/// Fills in the answers, in the order in which the questions were found.
struct Answer {
    answers: Vec<Vec<ExprWithAlias>>,
}

impl VisitorMut for Answer {
    type Break = ();

    fn post_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<()> {
        if let TableFactor::Pivot { value_column, value_source, .. } = factor
            && !matches!(value_source, PivotValueSource::List(_))
            && value_column.len() == 1
            && let Some(values) = self.answers.pop()
        {
            *value_source = PivotValueSource::List(values);
        }
        ControlFlow::Continue(())
    }
}

async fn ask(session: &SessionContext, question: Question) -> Result<Vec<PivotColumn>> {
    let text = match &question.source {
        PivotValueSource::Subquery(query) => query.to_string(),
        _ => format!("SELECT DISTINCT {} FROM {}", question.column, question.table),
    };
    let with = question.with.map(|with| format!("{with} ")).unwrap_or_default();
    let statement = crate::parse::parse(&format!("{with}{text}"))?.pop();
    let Some(crate::parse::Kind::Sql(sql)) = statement.map(|s| s.kind) else {
        return Err(Error::text("a PIVOT's values cannot be asked for"));
    };
    let plan = super::plan_sql(session, *sql).await?;
    let frame = DataFrame::new(session.state(), plan);
    let Some(column) = frame.schema().columns().into_iter().next() else {
        return Err(Error::text("a PIVOT's values come from a query of one column"));
    };
    verbs::distinct_values(frame, Expr::Column(column)).await
}

/// A value as SQL writes it, under its own name.
fn as_sql(column: PivotColumn) -> Result<ExprWithAlias> {
    let literal = |text: &str| SqlExpr::Value(Value::SingleQuotedString(text.to_string()).into());
    let expr = if column.value.is_null() {
        SqlExpr::Value(Value::Null.into())
    } else if column.value.data_type().is_numeric() {
        SqlExpr::Value(Value::Number(column.name.clone(), false).into())
    } else {
        literal(&column.name)
    };
    Ok(ExprWithAlias { expr, alias: Some(Ident::with_quote('"', column.name)) })
}

/// `PIVOT source ON column [IN (values)] USING aggregates [GROUP BY keys]`.
pub(super) async fn pivot_statement(
    frame: DataFrame,
    on: &SqlExpr,
    using: &[SelectItem],
    group_by: Option<&[SelectItem]>,
) -> Result<DataFrame> {
    let (state, plan) = frame.into_parts();
    let frame = DataFrame::new(state.clone(), plan);
    let schema = frame.schema().clone();
    let planned = |item: &SelectItem| -> Result<Expr> {
        let (expr, alias) = match item {
            SelectItem::UnnamedExpr(expr) => (expr.clone(), None),
            SelectItem::ExprWithAlias { expr, alias } => (expr.clone(), Some(alias.clone())),
            other => return Err(Error::text(format!("'{other}' is not an expression"))),
        };
        Ok(state.create_logical_expr_from_sql_expr(ExprWithAlias { expr, alias }, &schema)?)
    };
    let aggregates = using.iter().map(planned).collect::<Result<Vec<_>>>()?;
    let (column, values) = match on {
        SqlExpr::InList { expr, list, negated: false } => {
            let column = planned(&SelectItem::UnnamedExpr(expr.as_ref().clone()))?;
            let data_type = column.get_type(&schema)?;
            let values = list
                .iter()
                .map(|value| match planned(&SelectItem::UnnamedExpr(value.clone()))? {
                    Expr::Literal(value, _) => Ok(PivotColumn::of(value.cast_to(&data_type)?)),
                    other => Err(Error::text(format!("'{other}' is not a value"))),
                })
                .collect::<Result<Vec<_>>>()?;
            (column, values)
        }
        column => {
            let column = planned(&SelectItem::UnnamedExpr(column.clone()))?;
            let values = verbs::distinct_values(frame.clone(), column.clone()).await?;
            (column, values)
        }
    };
    let stage = match group_by {
        Some(keys) => {
            let keys = keys.iter().map(planned).collect::<Result<Vec<_>>>()?;
            Stage::Groups(frame.group_by(keys))
        }
        None => Stage::Frame(frame),
    };
    verbs::finish_pivot(stage, column, &values, &aggregates)?.frame()
}

/// `UNPIVOT source ON columns [INTO NAME n VALUE v]`.
pub(super) fn unpivot_statement(
    frame: DataFrame,
    on: &[SelectItem],
    name: &Ident,
    value: &Ident,
) -> Result<DataFrame> {
    let (state, plan) = frame.into_parts();
    let columns = on
        .iter()
        .map(|item| {
            let column = normalized(&state, plain_name(item)?);
            Ok((column.clone(), column))
        })
        .collect::<Result<Vec<_>>>()?;
    let spec = Unpivot {
        columns,
        name: normalized(&state, name),
        value: normalized(&state, value),
        keep_nulls: false,
    };
    Ok(Frame::unpivot(DataFrame::new(state, plan), spec)?)
}
