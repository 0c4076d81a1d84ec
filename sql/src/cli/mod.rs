//! The `strata` command: its arguments and subcommands. [`main`] is all the binary calls.

mod args;
mod batch;
mod certs;
mod check;
mod config;
mod connect;
pub mod generate;
mod generating;
mod pages;
mod passwd;
mod pool;
mod roles;
mod serve;
mod settings;

use std::io::{self, IsTerminal};
use std::num::NonZeroUsize;
use std::process::ExitCode;

use clap::CommandFactory;
use clap::error::ErrorKind;

use self::args::{Action, Cli};
use crate::shell::{INTERRUPTED, Ran, Report, STACK, Source, Stop, Workers};

pub use config::page as settings_page;

/// How wide help is where nobody's terminal says otherwise.
const PAGE: usize = 100;

/// What `--help` prints for the command, or for the subcommand that these words lead to; none where
/// there is no such subcommand.
///
/// ```
/// assert!(strata::cli::help(&["generate", "tpch"]).is_some_and(|help| help.contains("--scale")));
/// assert!(strata::cli::help(&["fly"]).is_none());
/// ```
pub fn help(words: &[&str]) -> Option<String> {
    let asked = ["strata"].iter().chain(words).chain(&["--help"]);
    let told = Cli::command().term_width(PAGE).try_get_matches_from(asked).err()?;
    (told.kind() == ErrorKind::DisplayHelp).then(|| told.render().to_string())
}

/// The exit code for arguments that make no sense.
const USAGE: u8 = 2;

/// Runs the command with the arguments of this process.
pub fn main() -> ExitCode {
    // This thread parses, too, and the system decides how large its stack is.
    let large = std::thread::Builder::new().name("main".to_string()).stack_size(STACK);
    match large.spawn(command).map(std::thread::JoinHandle::join) {
        Ok(Ok(code)) => code,
        Ok(Err(panic)) => std::panic::resume_unwind(panic),
        Err(error) => exit(Err(Stop::Error(Box::new(broken(error))))),
    }
}

fn command() -> ExitCode {
    let matches = match Cli::command().try_get_matches() {
        Ok(matches) => matches,
        Err(error) => {
            // Help and version are errors to clap, and no errors.
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { 0 });
        }
    };
    let cli = match Cli::of(&matches) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(USAGE);
        }
    };
    let threads = cli.settings().and_then(|settings| settings.threads);
    // Queries may keep all workers busy; this thread, which answers the person, is none of them.
    let front = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let started = Workers::new(threads.map(NonZeroUsize::get))
        .and_then(|workers| front.map(|front| (workers, front)));
    let ran = match started {
        Ok((workers, front)) => front.block_on(run(cli, &workers)),
        Err(error) => Err(Stop::Error(Box::new(broken(error)))),
    };
    exit(ran)
}

fn broken(error: io::Error) -> crate::Error {
    crate::Error::File { path: "threads".to_string(), reason: error.to_string() }
}

/// Runs what was given, else talks.
async fn shell(args: &args::RunArgs, workers: &Workers) -> Ran {
    match args.is_batch() {
        true => batch::run(args, workers).await,
        false => batch::interact(&args.session, workers).await,
    }
}

async fn run(cli: Cli, workers: &Workers) -> Ran {
    match cli.action {
        None if !cli.run.is_batch() && !io::stdin().is_terminal() => {
            batch::run(&cli.run, workers).await
        }
        None => shell(&cli.run, workers).await,
        Some(Action::Shell(args)) => shell(&args, workers).await,
        Some(Action::Scheduler(args)) => roles::scheduler(&args).await,
        Some(Action::Worker(args)) => roles::worker(&args).await,
        Some(Action::Serve(args)) => serve::run(&args, workers).await,
        Some(Action::Certs(args)) => certs::run(&args),
        Some(Action::Config(args)) => config::run(&args),
        Some(Action::Passwd(args)) => passwd::run(&args),
        Some(Action::Check(args)) => check::run(&args).await,
        Some(Action::Completions(args)) => pages::completions(&args),
        Some(Action::Man(args)) => pages::man(&args),
        Some(Action::Generate(args)) => generating::run(args).await,
    }
}

fn exit(ran: Ran) -> ExitCode {
    match ran {
        Ok(()) | Err(Stop::Quit | Stop::BrokenPipe) => ExitCode::SUCCESS,
        Err(Stop::Failed) => ExitCode::FAILURE,
        Err(Stop::Cancelled) => {
            eprintln!("cancelled");
            ExitCode::from(INTERRUPTED)
        }
        Err(Stop::Error(error)) => {
            let color = crate::shell::colored(&io::stderr());
            eprint!("{}", Report::of(&error).render(Source::default(), color));
            ExitCode::from(if settings::is_usage(&error) { USAGE } else { 1 })
        }
    }
}
