//! The same questions to Strata and to DuckDB, over the same files, under several settings of
//! Strata's that must not matter.

use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use datafusion::execution::context::SessionContext;
use parquet::arrow::ArrowWriter;
use strata::{RunText, Settings};
use strata_engine::{LocalRunner, Origin, Runner};

use crate::answer::Answer;
use crate::pool::{Shape, TestPool};
use crate::python::Python;

/// Settings that must not change an answer.
#[derive(Debug, Clone, Copy)]
pub struct Grain {
    /// Rows at a time.
    pub batch_size: usize,
    /// Tasks side by side.
    pub partitions: usize,
}

/// Rows at a time and tasks, as little and as odd as they get.
pub const FINE: &[Grain] = &[
    Grain { batch_size: 1, partitions: 1 },
    Grain { batch_size: 1, partitions: 5 },
    Grain { batch_size: 3, partitions: 2 },
    Grain { batch_size: 3, partitions: 5 },
    Grain { batch_size: 8192, partitions: 1 },
    Grain { batch_size: 8192, partitions: 2 },
];

/// One usual setting and one odd one.
pub const COARSE: &[Grain] =
    &[Grain { batch_size: 8192, partitions: 2 }, Grain { batch_size: 3, partitions: 5 }];

impl Grain {
    /// A session with these settings.
    pub fn session(self) -> SessionContext {
        let mut settings = Settings::default();
        for (name, value) in [
            ("datafusion.execution.batch_size", self.batch_size),
            ("datafusion.execution.target_partitions", self.partitions),
            // Small tables are to be split, too.
            ("datafusion.optimizer.repartition_file_min_size", 0),
        ] {
            settings.set(name, &value.to_string(), Origin::Session).unwrap();
        }
        strata::session(settings).unwrap()
    }
}

/// Runs a text as the shell does, by the runner.
pub async fn answer(session: &SessionContext, text: &str) -> Result<Answer, String> {
    let frame = session.run(text).await.map_err(|error| error.to_string())?;
    let plan = frame.into_unoptimized_plan();
    let execution = LocalRunner.run(session, plan).await.map_err(|error| error.to_string())?;
    let schema = execution.stream.schema();
    let batches = datafusion::physical_plan::common::collect(execution.stream)
        .await
        .map_err(|error| strata::Error::from(error).to_string())?;
    Ok(Answer::from_batches(&schema, &batches))
}

struct Question {
    strata: String,
    duckdb: String,
    in_order: bool,
}

/// Tables, and questions about them.
pub struct Oracle {
    python: Python,
    folder: tempfile::TempDir,
    tables: Vec<(String, PathBuf)>,
    questions: Vec<Question>,
}

impl Oracle {
    /// Without tables and questions.
    pub fn new(python: Python) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { python, folder, tables: Vec::new(), questions: Vec::new() }
    }

    /// Where the tables' files lie, and others may.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Adds a table, as a Parquet file with several row groups.
    pub fn table(&mut self, name: &str, rows: &RecordBatch) {
        let path = self.folder.path().join(format!("{name}.parquet"));
        let properties = parquet::file::properties::WriterProperties::builder()
            .set_max_row_group_row_count(Some(64))
            .build();
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = ArrowWriter::try_new(file, rows.schema(), Some(properties)).unwrap();
        writer.write(rows).unwrap();
        writer.close().unwrap();
        self.tables.push((name.to_string(), path));
    }

    /// Asks a question whose rows have no order, in one wording for both.
    pub fn ask(&mut self, sql: impl Into<String>) {
        let sql = sql.into();
        self.ask_both(sql.clone(), sql);
    }

    /// Asks a question whose rows have an order, in one wording for both.
    pub fn ask_in_order(&mut self, sql: impl Into<String>) {
        let sql = sql.into();
        self.questions.push(Question { strata: sql.clone(), duckdb: sql, in_order: true });
    }

    /// Asks a question whose rows have no order, in a wording for each.
    pub fn ask_both(&mut self, strata: impl Into<String>, duckdb: impl Into<String>) {
        let (strata, duckdb) = (strata.into(), duckdb.into());
        self.questions.push(Question { strata, duckdb, in_order: false });
    }

    /// Asks all questions under all settings, and on a pool; fails with every difference there is.
    pub async fn check(self, grains: &[Grain]) {
        // Rows of the oracle's own: it, too, may trust a file's statistics, which leave NaN out.
        let setup: Vec<String> = self
            .tables
            .iter()
            .map(|(name, path)| {
                let path = path.display();
                format!("CREATE TABLE {name} AS SELECT * FROM read_parquet('{path}')")
            })
            .collect();
        let wordings: Vec<String> = self.questions.iter().map(|q| q.duckdb.clone()).collect();
        let expected = self.python.ask(&setup, &wordings);
        let mut wrong = Vec::new();
        let pool = TestPool::here(Shape { workers: 2, cores: 2 }).await;
        let small = ("datafusion.optimizer.repartition_file_min_size", "0");
        let on_pool = pool.session(&[small, ("datafusion.execution.batch_size", "100")]);
        let sessions = grains.iter().map(|grain| (format!("{grain:?}"), grain.session()));
        for (kind, session) in sessions.chain([("on a pool".to_string(), on_pool)]) {
            for (name, path) in &self.tables {
                let view = format!("CREATE VIEW {name} AS SELECT * FROM '{}'", path.display());
                session.run(&view).await.unwrap();
            }
            for (question, expected) in self.questions.iter().zip(&expected) {
                let expected = match expected {
                    Ok(expected) => expected,
                    Err(error) => panic!("{}\nDuckDB says: {error}", question.duckdb),
                };
                let difference = match answer(&session, &question.strata).await {
                    Ok(answer) => answer.difference(expected, question.in_order),
                    Err(error) => Some(error),
                };
                if let Some(difference) = difference {
                    wrong.push(format!("{kind}\n{}\n{difference}", question.strata));
                }
            }
        }
        let shown = wrong.iter().take(12).cloned().collect::<Vec<_>>().join("\n\n");
        assert!(wrong.is_empty(), "{} answers differ:\n\n{shown}", wrong.len());
    }
}
