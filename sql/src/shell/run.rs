//! Runs one statement and prints its result as it comes.
//!
//! The query runs in a task of its own, so that Ctrl-C and the progress bar answer at once however
//! busy it is, and rows are drawn while the next ones are computed.

use std::sync::Arc;
use std::time::{Duration, Instant};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use strata_engine::SessionSettings;
use tokio::sync::mpsc;
use tokio::time::MissedTickBehavior;

use super::answers::{News, ProgressOf};
use super::last::LastResult;
use super::output::{Format, ResultWriter};
use super::progress::ProgressBar;
use super::state::Shell;
use super::stop::{Ran, Stop};
use crate::{Error, Statement};

/// Nothing that is quicker shows a progress bar.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the progress bar is drawn.
const TICK: Duration = Duration::from_millis(100);
/// How many batches may wait to be drawn.
const AHEAD: usize = 4;

/// Runs a statement. `before` is what stands in front of it in its text.
pub(crate) async fn statement(shell: &mut Shell, statement: &Statement, before: &str) -> Ran {
    let began = Instant::now();
    let (sender, mut news) = mpsc::channel(AHEAD);
    let task = shell.answers.start(&shell.workers, statement, before, sender);
    let task = task.map_err(DataFusionError::IoError)?;
    match print(shell, &mut news).await {
        Ok(printer) => {
            task.await.unwrap_or_else(|error| Err(panicked(error)))?;
            printer.finish(shell)?;
        }
        Err(cause) => {
            drop(news);
            let ended = shell.answers.end(&shell.workers, task, &mut shell.interrupts).await;
            if !ended.map_err(DataFusionError::IoError)? {
                shell.say("The server has not said that it ended; it may go on there.");
            }
            return Err(cause);
        }
    }
    if shell.session.settings().strata().shell.timer {
        shell.say(&format!("Time: {}", span(began.elapsed())));
    }
    Ok(())
}

/// Prints batches that are there already, as the result of a command.
pub(crate) fn print_batches(shell: &mut Shell, schema: &SchemaRef, batches: &[RecordBatch]) -> Ran {
    let mut printer = Printer::new(shell, Some(Arc::clone(schema)))?;
    for batch in batches {
        printer.write(shell, batch)?;
    }
    printer.finish(shell)
}

/// Prints what comes, until all of it has.
async fn print(shell: &mut Shell, news: &mut mpsc::Receiver<News>) -> Ran<Printer> {
    let mut interrupts = shell.interrupts.clone();
    let mut printer = Printer::new(shell, None)?;
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + PATIENCE, TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let ran = loop {
        tokio::select! {
            biased;
            () = interrupts.next() => break Err(Stop::Cancelled),
            next = news.recv() => match next {
                None => break Ok(()),
                Some(News::Done(message)) => {
                    printer.bar.clear();
                    if let Some(message) = message {
                        shell.say(&message);
                    }
                }
                Some(News::Note(message)) => {
                    printer.bar.clear();
                    shell.say(&message);
                }
                Some(News::Runs(progress)) => printer.progress = Some(progress),
                Some(News::Started(schema)) => {
                    shell.last = LastResult::default();
                    printer.schema = Some(schema);
                }
                Some(News::Rows(batch)) if batch.num_columns() == 0 => {}
                Some(News::Rows(batch)) => {
                    shell.last.keep(&batch);
                    if let Err(cause) = printer.write(shell, &batch) {
                        break Err(cause);
                    }
                }
            },
            _ = ticks.tick() => printer.draw_bar(),
        }
    };
    printer.bar.clear();
    // What was pressed here was meant for this statement.
    if matches!(ran, Err(Stop::Cancelled)) {
        shell.interrupts.forget();
    }
    ran.map(|()| printer)
}

/// One result on its way to where results go.
struct Printer {
    format: Format,
    schema: Option<SchemaRef>,
    writer: Option<Box<dyn ResultWriter>>,
    bar: ProgressBar,
    bar_may_show: bool,
    progress: Option<ProgressOf>,
    to: String,
}

impl Printer {
    fn new(shell: &Shell, schema: Option<SchemaRef>) -> Ran<Self> {
        let wanted = shell.session.settings().strata().shell.progress && !shell.mode.quiet;
        let visible = wanted && std::io::IsTerminal::is_terminal(&std::io::stderr());
        Ok(Self {
            format: shell.format()?,
            schema,
            writer: None,
            bar: ProgressBar::new(visible && !super::state::is_dumb()),
            bar_may_show: true,
            progress: None,
            to: shell
                .sink
                .path()
                .map_or("standard output".into(), |path| path.display().to_string()),
        })
    }

    fn draw_bar(&mut self) {
        if let (Some(progress), true) = (&self.progress, self.bar_may_show) {
            let far = progress();
            self.bar.update(far.fraction, far.rows, far.bytes);
        }
    }

    /// The writer, opened with the first rows: an error before them must not leave a heading.
    fn writer(&mut self, shell: &mut Shell) -> Ran<&mut Box<dyn ResultWriter>> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => self.open(shell)?,
        };
        Ok(self.writer.insert(writer))
    }

    fn open(&mut self, shell: &mut Shell) -> Ran<Box<dyn ResultWriter>> {
        let on_terminal = shell.sink.is_terminal();
        if self.format.is_binary() && on_terminal {
            let hint = format!("\\o file.{0}, or -o file.{0}", self.format);
            return Err(Stop::usage(
                format!("{} is not for reading on a terminal", self.format),
                Some(hint),
            ));
        }
        if self.format.is_binary() && shell.results > 0 {
            let message = format!("'{}': a {} file holds one result", self.to, self.format);
            return Err(Stop::usage(
                message,
                Some("write each result to a file of its own".into()),
            ));
        }
        let out = shell
            .sink
            .open(shell.pager().as_deref())
            .map_err(|error| Stop::file(&self.to, error))?;
        shell.results += 1;
        let mut writer = self.format.writer(&shell.style(), out);
        if let Some(schema) = &self.schema {
            writer.begin(schema).map_err(|error| Stop::file(&self.to, error))?;
        }
        // Rows that go straight to the terminal would be mixed with the bar.
        self.bar_may_show = !on_terminal || matches!(self.format, Format::Box | Format::Table);
        Ok(writer)
    }

    fn write(&mut self, shell: &mut Shell, batch: &RecordBatch) -> Ran {
        if shell.sink.is_terminal() {
            self.bar.clear();
        }
        let written = self.writer(shell)?.batch(batch);
        written.map_err(|error| Stop::file(&self.to, error))
    }

    /// Ends the result, if it is one.
    fn finish(mut self, shell: &mut Shell) -> Ran {
        // What has no columns is no result: it is how a statement says that it is done.
        if self.schema.as_ref().is_none_or(|schema| schema.fields().is_empty()) {
            return Ok(());
        }
        let finished = self.writer(shell)?.finish();
        finished.map(drop).map_err(|error| Stop::file(&self.to, error))
    }
}

fn panicked(error: tokio::task::JoinError) -> Error {
    let reason = match error.try_into_panic() {
        Ok(panic) => match (panic.downcast_ref::<String>(), panic.downcast_ref::<&str>()) {
            (Some(text), _) => text.clone(),
            (_, Some(text)) => (*text).to_string(),
            _ => "no reason given".to_string(),
        },
        Err(error) => error.to_string(),
    };
    Error::Text {
        message: format!("the query broke down: {reason}"),
        at: None,
        hint: Some("this is a fault in Strata: please report it with the statement".into()),
    }
}

/// A time as people say it.
pub(crate) fn span(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 {
        format!("{:.1} ms", seconds * 1000.0)
    } else if seconds < 60.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{} min {:.0} s", time.as_secs() / 60, (seconds % 60.0).floor())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_read_well() {
        assert_eq!(span(Duration::from_micros(1234)), "1.2 ms");
        assert_eq!(span(Duration::from_millis(1234)), "1.23 s");
        assert_eq!(span(Duration::from_secs(125)), "2 min 5 s");
    }
}
