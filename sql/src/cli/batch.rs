//! Running statements: the ones given with `-c` and `-f`, those on standard input, or those a
//! person types.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::sync::Arc;

use datafusion::error::DataFusionError;
use datafusion::execution::context::SessionContext;
use strata_engine::{LocalRunner, PoolRunner, Processes, Runner, Settings};

use super::args::{Input, PoolArgs, RunArgs, SessionArgs};
use super::{connect, pool, settings};
use crate::shell::{
    Interrupts, Ran, Shell, ShellMode, Stop, Workers, interact as talk, stdin_lines,
};

/// How many lines of standard input are read before they are needed.
const LINES_AHEAD: usize = 1024;

/// The shell.
pub(crate) async fn interact(args: &SessionArgs, workers: &Workers) -> Ran {
    let mode = ShellMode { interactive: true, keep_going: false, quiet: args.output.quiet };
    let mut shell = open(args, workers, mode).await?;
    let talked = talk(&mut shell).await;
    shell.close().await;
    talked
}

/// Runs everything that was given, in order.
pub(crate) async fn run(args: &RunArgs, workers: &Workers) -> Ran {
    let mode = ShellMode {
        interactive: false,
        keep_going: args.keep_going,
        quiet: args.session.output.quiet,
    };
    let mut shell = open(&args.session, workers, mode).await?;
    let ran = run_inputs(&mut shell, args).await;
    shell.close().await;
    match ran {
        Ok(()) | Err(Stop::Quit) => shell.finish(),
        stopped => stopped,
    }
}

async fn run_inputs(shell: &mut Shell, args: &RunArgs) -> Ran {
    if let Some(path) = &args.output {
        shell.write_to(path)?;
    }
    match args.inputs() {
        [] => from_stdin(shell).await,
        inputs => run_all(shell, inputs).await,
    }
}

/// A session, what runs its queries, and the processes that it started for that.
pub(crate) struct Opened {
    pub(crate) session: SessionContext,
    pub(crate) runner: Arc<dyn Runner>,
    pub(crate) processes: Option<Processes>,
}

/// A session as the arguments want it.
pub(crate) async fn session(
    mut settings: Settings,
    pool: &PoolArgs,
    database: Option<&Path>,
    workers: &Workers,
) -> Ran<Opened> {
    let joined = pool::join(pool, &mut settings, workers).await?;
    let (session, runner): (_, Arc<dyn Runner>) = match &joined {
        Some(joined) => (
            crate::session_on(Arc::clone(&joined.pool), settings)?,
            Arc::new(PoolRunner::new(&joined.pool)),
        ),
        None => (crate::session(settings)?, Arc::new(LocalRunner)),
    };
    if let Some(path) = database {
        let (session, path) = (session.clone(), path.to_path_buf());
        let opened = workers.run(async move { crate::open_database(&session, &path).await });
        for trouble in opened.await.map_err(DataFusionError::IoError)?? {
            eprintln!("warning: {trouble}");
        }
    }
    Ok(Opened { session, runner, processes: joined.and_then(|joined| joined.processes) })
}

async fn open(args: &SessionArgs, workers: &Workers, mode: ShellMode) -> Ran<Shell> {
    if let Some(address) = &args.server.connect {
        return connect::open(address, args, workers, mode).await;
    }
    let settings = settings::of_session(args)?;
    let opened = session(settings, &args.pool, args.database.as_deref(), workers).await?;
    let Opened { session, runner, processes } = opened;
    let interrupts = Interrupts::listen(mode.interactive);
    let mut shell = Shell::new(session, runner, workers.clone(), interrupts, mode);
    shell.processes = processes;
    Ok(shell)
}

async fn run_all(shell: &mut Shell, inputs: &[Input]) -> Ran {
    for input in inputs {
        match input {
            Input::Text(text) => shell.run_text(text).await?,
            Input::File(path) if path == Path::new("-") => from_stdin(shell).await?,
            Input::File(path) => {
                let name = path.display().to_string();
                let file = File::open(path).map_err(|error| Stop::file(&name, error))?;
                let lines = futures::stream::iter(BufReader::new(file).lines());
                shell.run_lines(&name, lines).await?;
            }
        }
    }
    Ok(())
}

async fn from_stdin(shell: &mut Shell) -> Ran {
    shell.run_lines("stdin", stdin_lines(LINES_AHEAD)).await
}
