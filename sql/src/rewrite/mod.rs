//! SQL that DataFusion does not plan as it is written, rewritten into SQL that it does: on the
//! parsed statement, one rewrite a file. Table factors (`PIVOT`, `TABLESAMPLE` …) need no rewrite;
//! they are planned in [`crate::relations`].

mod bare_functions;
mod from_first;
mod group_by_all;
mod listings;
mod nest_joins;
mod order_by_all;
mod show_tables;
mod transactions;

use std::collections::HashSet;
use std::ops::ControlFlow;

use datafusion::execution::context::SessionState;
use datafusion::sql::parser::{CopyToSource, Statement as DFStatement};
use sqlparser::ast::{Expr, Query, Select, SelectItem, VisitMut, VisitorMut};

use crate::error::{Error, Result};

/// Rewrites a statement in place.
pub(crate) fn rewrite(statement: &mut DFStatement, state: &SessionState) -> Result<()> {
    let mut rewriter =
        Rewriter { aggregates: state.aggregate_functions().keys().map(String::as_str).collect() };
    let flow = match statement {
        DFStatement::Statement(sql) => {
            transactions::refuse(sql)?;
            show_tables::rewrite(sql)?;
            listings::rewrite(sql)?;
            sql.visit(&mut rewriter)
        }
        DFStatement::CopyTo(copy) => match &mut copy.source {
            CopyToSource::Query(query) => query.visit(&mut rewriter),
            CopyToSource::Relation(_) => ControlFlow::Continue(()),
        },
        DFStatement::Explain(explain) => return rewrite(&mut explain.statement, state),
        DFStatement::CreateExternalTable(_) | DFStatement::Reset(_) => ControlFlow::Continue(()),
    };
    finished(flow)
}

/// Rewrites the queries within an expression.
pub(crate) fn rewrite_item(item: &mut SelectItem, state: &SessionState) -> Result<()> {
    finished(item.visit(&mut Rewriter::new(state)))
}

fn finished(flow: ControlFlow<Error>) -> Result<()> {
    match flow {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

struct Rewriter<'a> {
    aggregates: HashSet<&'a str>,
}

impl<'a> Rewriter<'a> {
    fn new(state: &'a SessionState) -> Self {
        Self { aggregates: state.aggregate_functions().keys().map(String::as_str).collect() }
    }
}

impl VisitorMut for Rewriter<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        bare_functions::rewrite(expr);
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &mut Query) -> ControlFlow<Error> {
        order_by_all::rewrite(query);
        ControlFlow::Continue(())
    }

    fn post_visit_select(&mut self, select: &mut Select) -> ControlFlow<Error> {
        from_first::rewrite(select);
        let rewritten = nest_joins::rewrite(select)
            .and_then(|()| group_by_all::rewrite(select, &self.aggregates));
        match rewritten {
            Ok(()) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error),
        }
    }
}
