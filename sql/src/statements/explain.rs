//! `EXPLAIN LAYERS`: a query as the layers it runs as, before or after it has run. `EXPLAIN ARRAY`: what an
//! array looks like.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use strata_engine::{
    ArrayFormat, LayerFormat, LayerGraph, LocalRunner, Pool, PoolExec, PoolRunner, Runner,
    SessionSettings,
};

use super::{Outcome, rows, size};
use crate::arrays;
use crate::error::{Error, Result};
use crate::parse::{Source, Term, What};
use crate::verbs;

/// The key by which the metadata of a result's only column says that it is one text to be shown as it
/// is, and of which kind.
pub(crate) const DOCUMENT: &str = "strata.document";

/// The layers of a query as a pool runs it.
async fn on_pool(
    session: &SessionContext,
    pool: &Arc<Pool>,
    plan: LogicalPlan,
    analyze: bool,
) -> Result<LayerGraph> {
    let nothing = || Error::text("the pool made no layers of this: it is no query");
    if !analyze {
        let planned = session.state().create_physical_plan(&plan).await?;
        return Ok(PoolExec::within(&planned).ok_or_else(nothing)?.layers().await?);
    }
    size::refuse_endless(&plan)?;
    let mut execution = PoolRunner::new(pool).run(session, plan).await?;
    PoolExec::within(&execution.plan()).ok_or_else(nothing)?.measure();
    while let Some(batch) = execution.stream.next().await {
        batch?;
    }
    PoolExec::within(&execution.plan()).and_then(PoolExec::measured).ok_or_else(nothing)
}

/// Shows the layers of a query; with `analyze`, runs it first.
pub(super) async fn layers(
    session: &SessionContext,
    source: &Source,
    analyze: bool,
    format: LayerFormat,
) -> Result<Outcome> {
    let unsaved = if analyze { None } else { unsaved(source) };
    let source = unsaved.as_ref().unwrap_or(source);
    let plan = verbs::bind_source(session, source).await?.into_unoptimized_plan();
    let graph = if let Some(pool) = session.pool() {
        on_pool(session, &pool, plan, analyze).await?
    } else if analyze {
        size::refuse_endless(&plan)?;
        let mut execution = LocalRunner.run(session, plan).await?;
        // What is found while it runs must not show in what it set out to do.
        let mut graph = LayerGraph::of(&execution.plan())?;
        while let Some(batch) = execution.stream.next().await {
            batch?;
        }
        graph.measure(&execution.plan())?;
        graph
    } else {
        LayerGraph::of(&session.state().create_physical_plan(&plan).await?)?
    };
    document(session, "layers", format.name(), graph.render(format))
}

/// The array that a statement would save, which is not done to see how it is made.
fn unsaved(source: &Source) -> Option<Source> {
    let term = match source {
        Source::Array(term) => term,
        Source::Chain(chain) => chain.array.as_deref()?,
        Source::Query(_) => return None,
    };
    match &term.what {
        What::Verb(on, verb, _) if verb.eq_ignore_ascii_case("save") => {
            Some(Source::Array(on.as_ref().clone()))
        }
        _ => None,
    }
}

/// Shows what an array looks like, of which nothing is computed.
pub(super) async fn look(
    session: &SessionContext,
    term: &Term,
    format: ArrayFormat,
) -> Result<Outcome> {
    let array = arrays::bind(session, term).await?.array().map_err(|error| error.at(term.at))?;
    document(session, "array", format.name(), array.render(format))
}

/// One text, to be shown as it is.
fn document(session: &SessionContext, name: &str, kind: &str, text: String) -> Result<Outcome> {
    let is_document = HashMap::from([(DOCUMENT.to_string(), kind.to_string())]);
    let field = Field::new(name, DataType::Utf8, false).with_metadata(is_document);
    let text = StringArray::from(vec![text]);
    let batch = RecordBatch::try_new(Arc::new(Schema::new(vec![field])), vec![Arc::new(text)])
        .map_err(|error| Error::text(error.to_string()))?;
    Ok(rows(session.read_batch(batch)?))
}
