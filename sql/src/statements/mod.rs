//! Running statements: each is taken as far as it goes without a runner. What is left is a plan,
//! or nothing.

mod copy;
mod create_table;
mod explain;
mod intent;
mod names;
mod pivot_values;
mod pool;
mod secrets;
mod settings;
mod size;
mod sql;
mod zarr;

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::dataframe::DataFrame;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::LogicalPlan;
use futures::StreamExt;
use sqlparser::ast::SelectItem;
use strata_engine::{LocalRunner, Runner};

pub(crate) use copy::file_format_of;
pub(crate) use explain::DOCUMENT;
pub(crate) use intent::{Intent, intent};
pub(crate) use names::name_rows;
pub(crate) use settings::{assignment, changed};
pub(crate) use sql::plan_sql;

use crate::arrays::{self, HeldArrays};
use crate::database;
use crate::error::{Error, Result};
use crate::flight::locks;
use crate::parse::{Kind, Statement, Term};
use crate::{temporary, verbs};

/// What a statement came to.
#[derive(Debug)]
pub enum Outcome {
    /// Rows, once the plan is run by a runner.
    Rows(LogicalPlan),
    /// It is done; perhaps with something to tell.
    Done(Option<String>),
}

/// Runs a statement up to the point where a runner takes over.
pub async fn execute(session: &SessionContext, statement: &Statement) -> Result<Outcome> {
    locks::admit(session, statement)?;
    let lasts = !temporary::drops(session, statement);
    let outcome = match &statement.kind {
        Kind::Sql(sql) => sql::execute(session, sql.as_ref().clone()).await?,
        Kind::Chain(chain) => match HeldArrays::meant(session, chain).await {
            Some(term) => array(session, term).await?,
            None => rows(verbs::bind(session, chain).await?),
        },
        Kind::Array(term) => array(session, term).await?,
        Kind::BindArray { name, term } => arrays::bind_name(session, name, term).await?,
        Kind::BindArrays { names, term } => arrays::bind_names(session, names, term).await?,
        Kind::Bind { name, chain } => match HeldArrays::meant(session, chain).await {
            Some(term) => arrays::bind_name(session, name, term).await?,
            None => names::bind_name(session, name, chain).await?,
        },
        Kind::Explain { formatting, source } => {
            let frame = verbs::bind_source(session, source).await?;
            sql::explain(frame, formatting)?
        }
        Kind::ExplainArray { term, format } => explain::look(session, term, *format).await?,
        Kind::ExplainLayers { source, analyze, format } => {
            explain::layers(session, source, *analyze, *format).await?
        }
        Kind::Describe(source) => {
            let frame = verbs::bind_source(session, source).await?;
            sql::describe(session, &frame)?
        }
        Kind::Summarize(source) => {
            let frame = verbs::bind_source(session, source).await?;
            rows(strata_engine::Frame::summarize(frame)?)
        }
        Kind::Pivot { source, on, using, group_by } => {
            let frame = verbs::bind_source(session, source).await?;
            rows(pivot_values::pivot_statement(frame, on, using, group_by.as_deref()).await?)
        }
        Kind::Unpivot { source, on, name, value } => {
            let frame = verbs::bind_source(session, source).await?;
            rows(pivot_values::unpivot_statement(frame, on, name, value)?)
        }
        Kind::CreateSecret { name, options, replace, at } => {
            secrets::create(session, name, options, *replace).map_err(|error| error.at(*at))?
        }
        Kind::DropSecret { name, if_exists } => secrets::drop(session, name, *if_exists)?,
        Kind::ShowSecrets => secrets::show(session)?,
        Kind::ShowSettings => settings::show(session)?,
        Kind::ShowWorkers => pool::show_workers(session).await?,
        Kind::ShowJobs => pool::show_jobs(session).await?,
        Kind::CancelJob(job) => pool::cancel_job(session, *job).await?,
    };
    if let Outcome::Rows(plan) = &outcome {
        size::refuse_endless(plan)?;
    }
    if lasts {
        database::record(session, statement)?;
    }
    Ok(outcome)
}

async fn array(session: &SessionContext, term: &Term) -> Result<Outcome> {
    Ok(match arrays::save(session, term).await? {
        Some(said) => Outcome::Done(Some(said)),
        None => rows(arrays::shown(session, term).await?),
    })
}

/// Running text from Rust, on any [`SessionContext`] that [`session`](crate::session) made.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// use strata::{RunText, Settings};
///
/// let session = strata::session(Settings::default())?;
/// let frame = session.run("t = range(1, 5); t.filter(value % 2 = 0).agg(sum(value) AS total)").await?;
/// assert_eq!(frame.to_string().await?.lines().nth(3), Some("| 6     |"));
/// # Ok(()) }
/// ```
pub trait RunText {
    /// Runs every statement of a text, in either language; the rows are the last one's.
    ///
    /// The frame that is returned runs as DataFusion's own do: a join whose side does not fit into
    /// the memory limit is an error. [`LocalRunner`] runs its plan as the shell does, and starts
    /// such a query again with joins that spill:
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// use futures::TryStreamExt;
    /// use strata::{RunText, Settings};
    /// use strata_engine::{LocalRunner, Runner};
    ///
    /// let session = strata::session(Settings::default())?;
    /// let plan = session.run("range(0, 3)").await?.into_unoptimized_plan();
    /// let batches: Vec<_> = LocalRunner.run(&session, plan).await?.stream.try_collect().await?;
    /// assert_eq!(batches.iter().map(|batch| batch.num_rows()).sum::<usize>(), 3);
    /// # Ok(()) }
    /// ```
    fn run(&self, text: &str) -> impl Future<Output = Result<DataFrame>> + Send;
}

impl RunText for SessionContext {
    async fn run(&self, text: &str) -> Result<DataFrame> {
        let statements = crate::parse::parse(text)?;
        let mut last = None;
        for (place, statement) in statements.iter().enumerate() {
            last = None;
            if let Outcome::Rows(plan) = execute(self, statement).await? {
                let frame = DataFrame::new(self.state(), plan);
                // What only the last statement returns, the others still do: a COPY copies.
                if place + 1 < statements.len() {
                    run_to_its_end(self, frame.into_unoptimized_plan()).await?;
                } else {
                    last = Some(frame);
                }
            }
        }
        match last {
            Some(frame) => Ok(frame),
            None => Ok(self.read_empty()?),
        }
    }
}

/// Runs a plan for what it does, and not for its rows: as the shell does, so that a join whose
/// side does not fit into memory is run again as one that spills.
async fn run_to_its_end(session: &SessionContext, plan: LogicalPlan) -> Result<()> {
    let mut stream = LocalRunner.run(session, plan).await?.stream;
    while let Some(batch) = stream.next().await {
        batch?;
    }
    Ok(())
}

fn rows(frame: DataFrame) -> Outcome {
    Outcome::Rows(frame.into_unoptimized_plan())
}

/// A table of texts, as `SHOW …` returns it.
fn table_of(
    session: &SessionContext,
    columns: &[&str],
    rows: Vec<Vec<Option<String>>>,
) -> Result<Outcome> {
    Ok(self::rows(listing(session, columns, rows)?))
}

/// A table of texts.
pub(crate) fn listing(
    session: &SessionContext,
    columns: &[&str],
    rows: Vec<Vec<Option<String>>>,
) -> Result<DataFrame> {
    use arrow::array::{ArrayRef, RecordBatch, StringArray};
    let arrays = columns.iter().enumerate().map(|(place, name)| {
        let cells: StringArray = rows.iter().map(|row| row.get(place).cloned().flatten()).collect();
        (*name, Arc::new(cells) as ArrayRef, true)
    });
    let batch = RecordBatch::try_from_iter_with_nullable(arrays)
        .map_err(|error| Error::text(error.to_string()))?;
    Ok(session.read_batch(batch)?)
}

/// The plain name of a select item.
fn plain_name(item: &SelectItem) -> Result<&sqlparser::ast::Ident> {
    match item {
        SelectItem::UnnamedExpr(sqlparser::ast::Expr::Identifier(ident)) => Ok(ident),
        other => Err(Error::text(format!("'{other}' is not a column's name"))),
    }
}

/// A bare table name.
pub(crate) fn bare(name: &str) -> TableReference {
    TableReference::bare(name)
}
