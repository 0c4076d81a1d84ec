//! The arguments of the command. What stands here is what `--help`, the manual page and the
//! completions of other shells say.

mod pool;
mod run;
mod serve;

use std::path::PathBuf;

use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell as OtherShell;

pub(crate) use pool::{
    CertsArgs, PoolArgs, SchedulerArgs, SecurityArgs, WorkerArgs, WorkerSettingArgs,
};
pub(crate) use run::{Input, OutputArgs, RunArgs, ServerArgs, SessionArgs, SettingArgs};
pub(crate) use serve::ServeArgs;

const EXAMPLES: &str = "\
Examples:
  strata                                        the shell
  strata -c \"SELECT 42 AS answer\"               run a statement and leave
  strata -c \"FROM 'sales.parquet'\" -F json      print rows as JSON
  strata -f load.sql -f report.sql -o report.csv
  strata --memory 2GiB --spill-dir /scratch < nightly.sql
  strata --workers 4 -f tpch.sql                the same on four processes
  strata --connect grpc+tls://host:31337 --user ann
  strata --set shell.null=- -c 'orders.filter(o_totalprice > 1000).head(10)'

Exit codes: 0 all is well, 1 a statement failed, 2 wrong arguments, 130 Ctrl-C.";

/// SQL and dataframes on one engine: a shell, and a command for scripts.
#[derive(Debug, Parser)]
#[command(
    name = "strata",
    version,
    after_help = EXAMPLES,
    args_conflicts_with_subcommands = true,
    disable_help_subcommand = true,
    max_term_width = 100
)]
pub(crate) struct Cli {
    /// What to do, besides running statements
    #[command(subcommand)]
    pub(crate) action: Option<Action>,

    #[command(flatten)]
    pub(crate) run: RunArgs,
}

impl Cli {
    /// What was typed, with texts and files in the order in which they were given.
    pub(crate) fn of(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut cli = Self::from_arg_matches(matches)?;
        cli.run.order(matches);
        if let (Some(Action::Shell(run)), Some((_, matches))) =
            (&mut cli.action, matches.subcommand())
        {
            run.order(matches);
        }
        Ok(cli)
    }

    /// The settings that were given as flags.
    pub(crate) fn settings(&self) -> Option<&SettingArgs> {
        match &self.action {
            None => Some(&self.run.session.settings),
            Some(Action::Shell(args)) => Some(&args.session.settings),
            Some(Action::Config(args)) => Some(&args.settings),
            Some(Action::Scheduler(args)) => Some(&args.settings),
            Some(Action::Serve(args)) => Some(&args.settings),
            Some(_) => None,
        }
    }
}

/// The subcommands.
#[derive(Debug, Subcommand)]
pub(crate) enum Action {
    /// The shell, as without a subcommand
    Shell(RunArgs),
    /// The head of a pool: plans queries, and has workers run them
    Scheduler(SchedulerArgs),
    /// A worker of a pool: runs parts of queries on this machine's cores
    Worker(WorkerArgs),
    /// Answer clients of Arrow Flight SQL: Python, JDBC, and whatever speaks it
    Serve(ServeArgs),
    /// Make certificates for a pool: an authority, and a certificate with its key for all its processes
    Certs(CertsArgs),
    /// Make tables to try things on: TPC-H, h2o
    #[command(subcommand)]
    Generate(super::generate::GenerateArgs),
    /// Make the hash of a password, or of a token, for the file of `strata serve`
    Passwd(PasswdArgs),
    /// Every setting with its value, who set it, its default and what it does
    Config(ConfigArgs),
    /// Read a file or a store from end to end and tell whether it is whole
    Check(CheckArgs),
    /// Print the completions of this command for another shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

/// `strata config`
#[derive(Debug, Args)]
pub(crate) struct ConfigArgs {
    /// Only the settings with this in their names
    pub(crate) pattern: Option<String>,

    /// Print the reference page of Strata's own settings
    #[arg(long, conflicts_with = "format")]
    pub(crate) markdown: bool,

    /// The output format
    #[arg(short = 'F', long, value_name = "FORMAT")]
    pub(crate) format: Option<String>,

    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

/// `strata passwd`
#[derive(Debug, Args)]
pub(crate) struct PasswdArgs {
    /// Whose it is
    #[arg(default_value = "somebody")]
    pub(crate) name: String,

    /// The role: reader, writer, admin, or one of the file's own
    #[arg(long, default_value = "reader")]
    pub(crate) role: String,

    /// Make a token of chance in place of a password, and print it once
    #[arg(long)]
    pub(crate) token: bool,
}

/// `strata check`
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The file, folder or address
    pub(crate) path: String,
}

/// `strata completions`
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    pub(crate) shell: OtherShell,
}

/// `strata man`
#[derive(Debug, Args)]
pub(crate) struct ManArgs {
    /// Write a page for this command and one for each subcommand to this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_arguments_are_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn texts_and_files_keep_their_order() {
        let matches =
            Cli::command().get_matches_from(["strata", "-f", "a", "-c", "b", "-f", "-", "-c", "d"]);
        let cli = Cli::of(&matches).unwrap();
        let text = |text: &str| Input::Text(text.into());
        let file = |file: &str| Input::File(file.into());
        assert_eq!(cli.run.inputs(), [file("a"), text("b"), file("-"), text("d")]);
        let matches =
            Cli::command().get_matches_from(["strata", "shell", "-f", "a", "-c", "b", "-f", "c"]);
        let Some(Action::Shell(run)) = Cli::of(&matches).unwrap().action else {
            panic!("the shell was asked for");
        };
        assert_eq!(run.inputs(), [file("a"), text("b"), file("c")]);
    }
}
