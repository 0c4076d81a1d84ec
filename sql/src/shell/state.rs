//! The state of a shell: the session and what commands change about printing.

use std::io::{self, IsTerminal};
use std::path::Path;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use futures::{Stream, StreamExt};
use strata_engine::{Origin, Processes, Runner, SessionSettings};

use super::answers::Answers;
use super::interrupt::Interrupts;
use super::last::LastResult;
use super::output::{Format, Style};
use super::report::{Report, Source};
use super::run;
use super::script::{Chunk, Piece, Pieces};
use super::sink::Sink;
use super::stop::{Ran, Stop};
use super::workers::Workers;

/// How a shell is used.
#[derive(Debug, Clone, Copy, Default)]
pub struct ShellMode {
    /// A person types: errors do not end it, and it speaks of more than results.
    pub interactive: bool,
    /// Go on after a statement that failed.
    pub keep_going: bool,
    /// Print results and errors only.
    pub quiet: bool,
}

/// Runs text in a session and prints what comes of it.
///
/// What the session does runs on the threads of `workers`; printing, Ctrl-C and the progress bar
/// stay with the caller, who must not be one of them: a query may keep all of them busy.
pub struct Shell {
    pub(crate) session: SessionContext,
    pub(crate) workers: Workers,
    /// Who runs statements, and knows what tables there are.
    pub(crate) answers: Answers,
    /// The workers of the shell's own pool, which end with it.
    pub(crate) processes: Option<Processes>,
    pub(crate) interrupts: Interrupts,
    pub(crate) mode: ShellMode,
    pub(crate) sink: Sink,
    /// One column a line, whatever the format.
    pub(crate) expanded: bool,
    /// Whether results begin with the names of their columns.
    pub(crate) header: bool,
    /// The width to draw tables in, where it is not the terminal's.
    pub(crate) width: Option<usize>,
    /// How many results went to the sink.
    pub(crate) results: usize,
    pub(crate) last: LastResult,
    /// The last statement, for `\watch`.
    pub(crate) last_text: Option<Chunk>,
    /// The scripts that run now, the innermost last.
    pub(crate) scripts: Vec<String>,
    /// Whether anything failed.
    failed: bool,
}

impl Shell {
    /// A shell on a session.
    pub fn new(
        session: SessionContext,
        runner: Arc<dyn Runner>,
        workers: Workers,
        interrupts: Interrupts,
        mode: ShellMode,
    ) -> Self {
        let answers = Answers::Here(session.clone(), runner);
        Self::answered_by(answers, session, workers, interrupts, mode)
    }

    /// A shell whose statements are run by somebody else than its session.
    pub(crate) fn answered_by(
        answers: Answers,
        session: SessionContext,
        workers: Workers,
        interrupts: Interrupts,
        mode: ShellMode,
    ) -> Self {
        Self {
            session,
            workers,
            answers,
            processes: None,
            interrupts,
            mode,
            sink: Sink::default(),
            expanded: false,
            header: true,
            width: None,
            results: 0,
            last: LastResult::default(),
            last_text: None,
            scripts: Vec::new(),
            failed: false,
        }
    }

    /// Sends results to a file that appears whole, at [`Shell::finish`], or not at all.
    pub fn write_to(&mut self, path: &Path) -> Ran {
        self.sink =
            Sink::whole(path).map_err(|error| Stop::file(&path.display().to_string(), error))?;
        Ok(())
    }

    /// Whether anything has failed so far.
    pub fn failed(&self) -> bool {
        self.failed
    }

    /// Ends what others keep for this shell.
    pub async fn close(&self) {
        self.answers.close(&self.workers).await;
    }

    /// Gives the output file its name, unless something failed.
    pub fn finish(self) -> Ran {
        let path = self.sink.path().map(|path| path.display().to_string()).unwrap_or_default();
        if self.failed {
            return Err(Stop::Failed);
        }
        self.sink.commit().map_err(|error| Stop::file(&path, error))
    }

    /// Runs a text. Errors are reported as they happen; the first ends the text unless the shell
    /// keeps going.
    pub async fn run_text(&mut self, text: &str) -> Ran {
        for piece in Pieces::of(text) {
            self.run_piece(&piece).await?;
        }
        Ok(())
    }

    /// Runs the lines of a script as they come. Errors tell the script's name.
    pub async fn run_lines(
        &mut self,
        name: &str,
        lines: impl Stream<Item = io::Result<String>> + Unpin,
    ) -> Ran {
        self.scripts.push(name.to_string());
        let ran = self.run_all_lines(name, lines).await;
        self.scripts.pop();
        // Leaving a script is not leaving what called it.
        if matches!(ran, Err(Stop::Quit)) { Ok(()) } else { ran }
    }

    async fn run_all_lines(
        &mut self,
        name: &str,
        mut lines: impl Stream<Item = io::Result<String>> + Unpin,
    ) -> Ran {
        let mut pieces = Pieces::default();
        let mut interrupts = self.interrupts.clone();
        loop {
            // Standard input may keep one waiting.
            let line = tokio::select! {
                biased;
                () = interrupts.next() => return Err(Stop::Cancelled),
                line = lines.next() => line,
            };
            let Some(line) = line else { break };
            let line = line.map_err(|error| Stop::file(name, error))?;
            for piece in pieces.push(&line) {
                self.run_piece(&piece).await?;
            }
        }
        match pieces.finish() {
            Some(piece) => self.run_piece(&piece).await,
            None => Ok(()),
        }
    }

    pub(crate) async fn run_piece(&mut self, piece: &Piece) -> Ran {
        if self.interrupts.pressed() {
            self.interrupts.forget();
            return Err(Stop::Cancelled);
        }
        match piece {
            Piece::Command(chunk) => {
                let ran = Box::pin(super::commands::run(self, &chunk.text)).await;
                self.settle(ran, chunk, 0)
            }
            Piece::Statements(chunk) => self.run_statements(chunk).await,
        }
    }

    /// Runs the statements of a chunk and prints their results.
    pub(crate) async fn run_statements(&mut self, chunk: &Chunk) -> Ran {
        let statements = match crate::parse(&chunk.text) {
            Ok(statements) => statements,
            Err(error) => return self.settle(Err(error.into()), chunk, 0),
        };
        let mut searched = 0;
        for statement in statements {
            let rest = chunk.text.get(searched..).unwrap_or_default();
            searched += rest.find(statement.text.as_str()).unwrap_or(0);
            let before = chunk.text.get(..searched).unwrap_or_default();
            let ran = run::statement(self, &statement, before).await;
            self.settle(ran, chunk, searched)?;
        }
        self.last_text = Some(chunk.clone());
        Ok(())
    }

    /// Reports an error in the statement that begins at a byte of the chunk, and decides whether
    /// to go on after it.
    fn settle(&mut self, ran: Ran, chunk: &Chunk, begins: usize) -> Ran {
        let Err(Stop::Error(error)) = ran else { return ran };
        self.failed = true;
        let script = self.scripts.last().map(|name| (name.as_str(), chunk.line));
        self.tell(&error, Source { text: &chunk.text, begins, script });
        if self.mode.keep_going { Ok(()) } else { Err(Stop::Failed) }
    }

    /// Prints an error.
    pub(crate) fn tell(&self, error: &crate::Error, source: Source<'_>) {
        eprint!("{}", Report::of(error).render(source, colored(&io::stderr())));
    }

    /// The pager's setting, where a person can use a pager.
    pub(crate) fn pager(&self) -> Option<String> {
        let usable = self.mode.interactive && self.sink.is_terminal() && !is_dumb();
        usable.then(|| self.session.settings().strata().shell.pager)
    }

    /// Says something that is no result: to the person, never into a pipe or a file.
    pub(crate) fn say(&self, message: &str) {
        if self.mode.quiet {
        } else if self.mode.interactive && io::stdout().is_terminal() {
            println!("{message}");
        } else {
            eprintln!("{message}");
        }
    }

    /// The format in force: what was asked for, what the file's name says, or what suits.
    pub(crate) fn format(&self) -> Ran<Format> {
        if self.expanded {
            return Ok(Format::Line);
        }
        let settings = self.session.settings();
        let asked = settings
            .list()
            .into_iter()
            .find(|setting| setting.name == "shell.format")
            .filter(|setting| setting.origin != Origin::Default)
            .and_then(|setting| setting.value);
        let named = match asked {
            Some(name) => name,
            None if self.sink.is_terminal() => settings.strata().shell.format,
            None => return Ok(self.sink.format().unwrap_or(Format::Csv)),
        };
        named
            .parse()
            .map_err(|reason| Stop::usage(format!("setting 'shell.format': {reason}"), None))
    }

    /// How results look.
    pub(crate) fn style(&self) -> Style {
        let options = self.session.settings().strata().shell;
        let on_terminal = self.sink.is_terminal();
        Style {
            null: options.null,
            // A file gets every row.
            max_rows: if on_terminal { options.rows } else { 0 },
            width: self.width.unwrap_or_else(|| if on_terminal { terminal_size().0 } else { 0 }),
            color: on_terminal && colored(&io::stdout()),
            header: self.header,
        }
    }
}

/// How a table that is printed at once looks: on a terminal as wide as that.
pub(crate) fn table_style() -> Style {
    let on_terminal = io::stdout().is_terminal();
    Style {
        null: String::new(),
        max_rows: 0,
        width: if on_terminal { terminal_size().0 } else { 0 },
        color: colored(&io::stdout()),
        header: true,
    }
}

/// The names of all formats.
pub(crate) fn all_formats() -> String {
    Format::ALL.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Columns and rows of the terminal; of a usual one where there is none.
pub(crate) fn terminal_size() -> (usize, usize) {
    match crossterm::terminal::size() {
        Ok((columns, rows)) if columns > 0 && rows > 0 => (columns.into(), rows.into()),
        _ => (80, 24),
    }
}

/// Whether to print colors here.
pub(crate) fn colored(stream: &impl IsTerminal) -> bool {
    stream.is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
        && !is_dumb()
}

/// Whether the terminal knows no more than lines of text.
pub(crate) fn is_dumb() -> bool {
    std::env::var("TERM").is_ok_and(|term| term == "dumb")
}
