//! SQL and chains with their expected answers, in `slt/*.slt`, on this machine's cores and on a pool.

use std::path::Path;

use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::execution::context::SessionContext;
use sqllogictest::{DBOutput, DefaultColumnType, Runner};
use strata::{RunText, Settings};
use strata_tests::pool::{Shape, TestPool};

struct Database(SessionContext);

#[async_trait::async_trait]
impl sqllogictest::AsyncDB for Database {
    type Error = strata::Error;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, text: &str) -> Result<DBOutput<DefaultColumnType>, strata::Error> {
        let frame = self.0.run(text).await?;
        let columns = frame.schema().fields().len();
        let batches = frame.collect().await?;
        if columns == 0 {
            return Ok(DBOutput::StatementComplete(0));
        }
        let options = FormatOptions::default().with_null("NULL");
        let mut rows = Vec::new();
        for batch in batches {
            let formatters: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                rows.push(
                    formatters
                        .iter()
                        .map(|cells| {
                            let cell = cells.value(row).to_string();
                            if cell.is_empty() { "(empty)".to_string() } else { cell }
                        })
                        .collect(),
                );
            }
        }
        Ok(DBOutput::Rows { types: vec![DefaultColumnType::Any; columns], rows })
    }

    async fn shutdown(&mut self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn every_script_gives_its_answers() {
    run_all(|| strata::session(Settings::default())).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_script_gives_its_answers_on_a_pool() {
    let pool = TestPool::here(Shape { workers: 2, cores: 1 }).await;
    run_all(|| Ok(pool.session(&[]))).await;
}

async fn run_all(session: impl Fn() -> Result<SessionContext, strata::Error>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("slt");
    let mut scripts: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    scripts.sort();
    assert!(!scripts.is_empty());
    let mut failures = Vec::new();
    for script in scripts {
        let mut runner = Runner::new(|| async { Ok(Database(session()?)) });
        if let Err(error) = runner.run_file_async(&script).await {
            failures.push(error.display(false).to_string());
        }
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
