//! Who answers: this process, by itself or at the head of a pool, or a server elsewhere. Whatever the shell asks, it
//! asks here; how results are printed, paged and drawn does not depend on it.

use std::sync::Arc;
use std::time::Duration;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::common::TableReference;
use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use futures::StreamExt;
use sqlparser::ast::Statement as SqlStatement;
use strata_engine::{LocalRunner, Runner};
use tokio::sync::mpsc::Sender;
use tokio::task::JoinHandle;

use super::complete::tables::{TableName, table_names};
use super::interrupt::Interrupts;
use super::remote::{self, Link};
use super::workers::Workers;
use crate::flight::asides::Far;
use crate::parse::Kind;
use crate::{Error, Outcome, Statement};

/// How long a server may take to end what is not wanted any more.
const PATIENCE: Duration = Duration::from_secs(5);

pub(crate) type ProgressOf = Arc<dyn Fn() -> Far + Send + Sync>;

/// What there is to tell of a statement that runs.
pub(crate) enum News {
    /// Something about where it runs.
    Note(String),
    /// How far it is can be asked here.
    Runs(ProgressOf),
    /// It has rows of these columns.
    Started(SchemaRef),
    Rows(RecordBatch),
    /// It is done, and perhaps says something.
    Done(Option<String>),
}

/// A statement that runs; what it tells comes another way.
pub(crate) type Running = JoinHandle<Result<(), Error>>;

/// Who answers.
#[derive(Clone)]
pub(crate) enum Answers {
    /// The session of this process.
    Here(SessionContext, Arc<dyn Runner>),
    /// A server. The session of this process has the settings of the shell, and knows the language.
    Server(SessionContext, Arc<Link>),
}

/// What is known of a table.
pub(crate) struct Described {
    pub(crate) columns: SchemaRef,
    /// The statement that defines it.
    pub(crate) definition: Option<String>,
}

impl Answers {
    /// Starts a statement, which tells its news until nobody hears them. `before` is what stands in front of it in
    /// its text.
    pub(crate) fn start(
        &self,
        workers: &Workers,
        statement: &Statement,
        before: &str,
        news: Sender<News>,
    ) -> std::io::Result<Running> {
        let statement = statement.clone();
        match self {
            Self::Here(session, runner) => {
                let (session, runner) = (session.clone(), Arc::clone(runner));
                workers.spawn(async move { here(&session, &*runner, &statement, &news).await })
            }
            Self::Server(session, _) if is_about_own(&statement) => {
                let session = session.clone();
                workers.spawn(async move { here(&session, &LocalRunner, &statement, &news).await })
            }
            Self::Server(_, link) => {
                let (link, before) = (Arc::clone(link), before.to_string());
                workers
                    .spawn(async move { remote::run(&link, &statement.text, &before, &news).await })
            }
        }
    }

    /// Ends a statement whose news nobody hears any more. Tells whether it is known to have ended.
    pub(crate) async fn end(
        &self,
        workers: &Workers,
        mut running: Running,
        interrupts: &mut Interrupts,
    ) -> std::io::Result<bool> {
        if let Self::Here(..) = self {
            return workers.cancel(running).await.map(|()| true);
        }
        // It hears that, and has the server end it. Whoever will not wait for that leaves it behind.
        tokio::select! {
            made = &mut running => return Ok(matches!(made, Ok(Ok(())))),
            () = interrupts.next() => interrupts.forget(),
            () = tokio::time::sleep(PATIENCE) => {}
        }
        running.abort();
        Ok(false)
    }

    /// Every table and view, those of the default schema first.
    pub(crate) async fn tables(&self, workers: &Workers) -> Result<Vec<TableName>, Error> {
        match self {
            Self::Here(session, _) => Ok(table_names(session)),
            Self::Server(_, link) => {
                let link = Arc::clone(link);
                let asked = workers.run(async move { link.tables().await }).await;
                asked.map_err(DataFusionError::IoError)?
            }
        }
    }

    /// What is known of a table, with the statement that defines it where that is wanted. None where there is no such
    /// table.
    pub(crate) async fn describe(
        &self,
        workers: &Workers,
        table: TableReference,
        with_definition: bool,
    ) -> Result<Option<Described>, Error> {
        let answers = self.clone();
        let asked = async move {
            match answers {
                Self::Here(session, _) => described(&session, table).await,
                Self::Server(_, link) => {
                    let Some(columns) = link.columns(&table).await? else { return Ok(None) };
                    let definition = match with_definition {
                        true => link.definition(&table).await?,
                        false => None,
                    };
                    Ok(Some(Described { columns, definition }))
                }
            }
        };
        workers.run(asked).await.map_err(DataFusionError::IoError)?
    }

    /// Ends what was kept for this shell.
    pub(crate) async fn close(&self, workers: &Workers) {
        if let Self::Server(_, link) = self {
            let link = Arc::clone(link);
            let _ = workers.run(async move { link.close().await }).await;
        }
    }
}

/// What this process knows of a table.
async fn described(
    session: &SessionContext,
    table: TableReference,
) -> Result<Option<Described>, Error> {
    let name = table.table().to_string();
    let schema = session.state_ref().read().schema_for_ref(table);
    // Where the schema is not, none of its tables are.
    let Ok(schema) = schema else { return Ok(None) };
    let found = schema.table(&name).await?;
    Ok(found.map(|found| Described {
        columns: found.schema(),
        definition: found.get_table_definition().map(str::to_string),
    }))
}

/// Runs a statement in this process.
async fn here(
    session: &SessionContext,
    runner: &dyn Runner,
    statement: &Statement,
    news: &Sender<News>,
) -> Result<(), Error> {
    match crate::execute(session, statement).await? {
        Outcome::Done(message) => drop(news.send(News::Done(message)).await),
        Outcome::Rows(plan) => {
            let (mut stream, progress) = runner.run(session, plan).await?.split();
            let far: ProgressOf = Arc::new(move || Far::of(&progress()));
            let mut heard = news.send(News::Runs(far)).await.is_ok()
                && news.send(News::Started(stream.schema())).await.is_ok();
            while heard && let Some(batch) = stream.next().await {
                heard = news.send(News::Rows(batch?)).await.is_ok();
            }
        }
    }
    Ok(())
}

/// Whether a setting is the shell's own, whoever answers: all others are of what runs statements.
pub(crate) fn is_own(name: &str) -> bool {
    name.strip_prefix("strata.").unwrap_or(name).starts_with("shell.")
}

/// Whether a statement is about a setting of the shell itself.
fn is_about_own(statement: &Statement) -> bool {
    if let Some(name) = crate::statements::changed(statement) {
        return is_own(&name);
    }
    let Kind::Sql(sql) = &statement.kind else { return false };
    let datafusion::sql::parser::Statement::Statement(sql) = sql.as_ref() else { return false };
    match sql.as_ref() {
        SqlStatement::ShowVariable { variable } => {
            let words: Vec<String> =
                variable.iter().map(|word| word.value.to_lowercase()).collect();
            is_own(&words.join("."))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_shell_are_its_own() {
        let own = |text: &str| is_about_own(&crate::parse(text).unwrap().remove(0));
        for text in [
            "SET shell.format = 'json'",
            "SET strata.shell.rows = 7",
            "RESET shell.null",
            "SHOW shell.format",
        ] {
            assert!(own(text), "{text}");
        }
        for text in
            ["SET flight.rows = 7", "SELECT 1", "SHOW TABLES", "RESET flight.rows", "t.head(1)"]
        {
            assert!(!own(text), "{text}");
        }
    }
}
