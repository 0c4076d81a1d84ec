//! The arguments of the command. What stands here is what `--help`, the manual page and the
//! completions of other shells say.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgMatches, Args, FromArgMatches, Parser, Subcommand};
use clap_complete::Shell as OtherShell;

const EXAMPLES: &str = "\
Examples:
  strata                                        the shell
  strata -c \"SELECT 42 AS answer\"               run a statement and leave
  strata -c \"FROM 'sales.parquet'\" -F json      print rows as JSON
  strata -f load.sql -f report.sql -o report.csv
  strata --memory 2GiB --spill-dir /scratch < nightly.sql
  strata --workers 4 -f tpch.sql                the same on four processes
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
    /// Make certificates for a pool: an authority, and a certificate with its key for all its processes
    Certs(CertsArgs),
    /// Make tables to try things on: TPC-H, h2o
    #[command(subcommand)]
    Generate(super::generate::GenerateArgs),
    /// Every setting with its value, who set it, its default and what it does
    Config(ConfigArgs),
    /// Read a file or a store from end to end and tell whether it is whole
    Check(CheckArgs),
    /// Print the completions of this command for another shell
    Completions(CompletionsArgs),
    /// Print the manual page
    Man(ManArgs),
}

/// What to run.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Run these statements, then leave; may be given again
    #[arg(short = 'c', long = "command", value_name = "TEXT", help_heading = "Running")]
    texts: Vec<String>,

    /// Run the statements in a file, - for standard input; may be given again
    #[arg(short = 'f', long = "file", value_name = "FILE", help_heading = "Running")]
    files: Vec<PathBuf>,

    /// Go on after a statement that failed; the exit code is 1 all the same
    #[arg(long, help_heading = "Running")]
    pub(crate) keep_going: bool,

    /// Write results to a file, which appears whole or, when anything fails, not at all
    #[arg(short = 'o', long, value_name = "FILE", help_heading = "Output")]
    pub(crate) output: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) session: SessionArgs,

    #[arg(skip)]
    order: Vec<Input>,
}

/// Something to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Input {
    Text(String),
    File(PathBuf),
}

impl RunArgs {
    /// Whether there is anything to run but what standard input holds.
    pub(crate) fn is_batch(&self) -> bool {
        !self.texts.is_empty() || !self.files.is_empty()
    }

    /// What to run, in the order in which it was given.
    pub(crate) fn inputs(&self) -> &[Input] {
        &self.order
    }

    /// Finds out the order in which texts and files were given.
    fn order(&mut self, matches: &ArgMatches) {
        let places = |name: &str| matches.indices_of(name).into_iter().flatten();
        let texts = places("texts").zip(self.texts.iter().cloned().map(Input::Text));
        let files = places("files").zip(self.files.iter().cloned().map(Input::File));
        let mut all: Vec<(usize, Input)> = texts.chain(files).collect();
        all.sort_by_key(|(place, _)| *place);
        self.order = all.into_iter().map(|(_, input)| input).collect();
    }
}

/// What a session is made of.
#[derive(Debug, Args)]
pub(crate) struct SessionArgs {
    /// Open a database file, made when it is missing: its tables, views and settings stay
    #[arg(long, value_name = "FILE", help_heading = "Session")]
    pub(crate) database: Option<PathBuf>,

    #[command(flatten)]
    pub(crate) pool: PoolArgs,

    #[command(flatten)]
    pub(crate) settings: SettingArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Where queries run.
#[derive(Debug, Args)]
pub(crate) struct PoolArgs {
    /// Run queries on so many workers of our own, which end with this process
    #[arg(long, value_name = "N", help_heading = "Pool", conflicts_with = "cluster")]
    pub(crate) workers: Option<NonZeroUsize>,

    /// Run queries on the pool of this scheduler
    #[arg(long, value_name = "HOST:PORT", help_heading = "Pool")]
    pub(crate) cluster: Option<String>,

    #[command(flatten)]
    pub(crate) security: SecurityArgs,
}

/// What processes of a pool show to each other.
#[derive(Debug, Args)]
pub(crate) struct SecurityArgs {
    /// The file with the secret that all of a pool share; STRATA_TOKEN holds it otherwise
    #[arg(long, value_name = "FILE", help_heading = "Security")]
    pub(crate) token_file: Option<PathBuf>,

    /// Speak TLS with those whose certificate is of this authority, in PEM form; both sides show one
    #[arg(long, value_name = "FILE", help_heading = "Security", requires_all = ["tls_cert", "tls_key"])]
    pub(crate) tls_ca: Option<PathBuf>,

    /// The certificate to show, in PEM form
    #[arg(long, value_name = "FILE", help_heading = "Security", requires = "tls_ca")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Its key
    #[arg(long, value_name = "FILE", help_heading = "Security", requires = "tls_ca")]
    pub(crate) tls_key: Option<PathBuf>,

    /// The name that others' certificates are for; `strata` by default, as `strata certs` makes them
    #[arg(long, value_name = "NAME", help_heading = "Security", requires = "tls_ca")]
    pub(crate) tls_name: Option<String>,
}

/// `strata scheduler`
#[derive(Debug, Args)]
pub(crate) struct SchedulerArgs {
    /// Where to listen. Other machines are let in with a token or certificates only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:50050")]
    pub(crate) listen: SocketAddr,

    /// How long a worker may be silent before its work is given to others
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = super::roles::span)]
    pub(crate) patience: Duration,

    /// Say nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) provision: ProvisionArgs,

    #[command(flatten)]
    pub(crate) security: SecurityArgs,

    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}

/// Workers that a scheduler starts and sends away as there is work.
#[derive(Debug, Args)]
pub(crate) struct ProvisionArgs {
    /// Start workers as there is work, and never have more than so many; on this machine by default
    #[arg(long, value_name = "N", help_heading = "Workers that come and go")]
    pub(crate) max_workers: Option<usize>,

    /// Always have so many
    #[arg(
        long,
        value_name = "N",
        default_value = "0",
        requires = "max_workers",
        help_heading = "Workers that come and go"
    )]
    pub(crate) min_workers: usize,

    /// Start them on these hosts by the system's ssh
    #[arg(
        long,
        value_name = "HOST,HOST",
        value_delimiter = ',',
        requires = "max_workers",
        help_heading = "Workers that come and go"
    )]
    pub(crate) provision_ssh: Vec<String>,

    /// The ssh to use, with its options
    #[arg(
        long,
        value_name = "COMMAND",
        default_value = "ssh",
        help_heading = "Workers that come and go"
    )]
    pub(crate) ssh: String,

    /// Start each by a line of shell that has {worker} where the worker's command goes, and perhaps
    /// {name}; for example 'sbatch --wrap "{worker}"'
    #[arg(
        long,
        value_name = "LINE",
        requires = "max_workers",
        conflicts_with = "provision_ssh",
        help_heading = "Workers that come and go"
    )]
    pub(crate) provision_command: Option<String>,

    /// Have enough of them to finish the outstanding work in this time
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = super::roles::span, help_heading = "Workers that come and go")]
    pub(crate) target: Duration,

    /// Send one away when fewer have been enough for this long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = super::roles::span, help_heading = "Workers that come and go")]
    pub(crate) idle: Duration,

    /// How many tasks each runs at once
    #[arg(long, value_name = "N", help_heading = "Workers that come and go")]
    pub(crate) worker_cores: Option<NonZeroUsize>,

    /// The memory each may use
    #[arg(long, value_name = "2GiB|70%", help_heading = "Workers that come and go")]
    pub(crate) worker_memory: Option<String>,

    /// The strata command as it is called where they run; this one by default
    #[arg(long, value_name = "FILE", help_heading = "Workers that come and go")]
    pub(crate) worker_program: Option<PathBuf>,

    /// Something else to tell each of them, such as --spill-dir=/scratch; may be given again
    #[arg(
        long,
        value_name = "ARGUMENT",
        allow_hyphen_values = true,
        help_heading = "Workers that come and go"
    )]
    pub(crate) worker_arg: Vec<String>,

    /// The address by which they reach this scheduler, where that is not what it listens on
    #[arg(long, value_name = "HOST:PORT", help_heading = "Workers that come and go")]
    pub(crate) reach: Option<String>,
}

/// `strata worker`
#[derive(Debug, Args)]
pub(crate) struct WorkerArgs {
    /// The scheduler to work for
    #[arg(long, value_name = "HOST:PORT")]
    pub(crate) scheduler: String,

    /// How many tasks to run at once; one a core by default
    #[arg(long, value_name = "N")]
    pub(crate) cores: Option<NonZeroUsize>,

    /// What people call it
    #[arg(long, value_name = "NAME")]
    pub(crate) name: Option<String>,

    /// Leave after this long, once what it has is not needed any more
    #[arg(long, value_name = "TIME", value_parser = super::roles::span)]
    pub(crate) lifetime: Option<Duration>,

    /// Give up when no scheduler has been there for this long
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = super::roles::span)]
    pub(crate) death_timeout: Duration,

    /// Where to serve what it has made; any port by default
    #[arg(long, value_name = "ADDR")]
    pub(crate) listen: Option<SocketAddr>,

    /// The host by which others reach it, where that is not the address it has
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Option<String>,

    /// Say nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) security: SecurityArgs,

    #[command(flatten)]
    pub(crate) settings: WorkerSettingArgs,
}

/// `strata certs`
#[derive(Debug, Args)]
pub(crate) struct CertsArgs {
    /// The folder to write ca.pem, cert.pem and key.pem to, made if it is missing
    #[arg(long, value_name = "DIR", default_value = ".")]
    pub(crate) out: PathBuf,

    /// A host that the certificate is for besides `strata`, which pools ask for; may be given again
    #[arg(long, value_name = "HOST")]
    pub(crate) host: Vec<String>,

    /// How long they are valid
    #[arg(long, value_name = "TIME", default_value = "365d", value_parser = super::roles::span)]
    pub(crate) valid: Duration,

    /// Replace files that are there
    #[arg(long)]
    pub(crate) force: bool,
}

/// Settings of a worker.
#[derive(Debug, Args)]
pub(crate) struct WorkerSettingArgs {
    /// The memory it may use: a size, or a share of the machine's [setting: memory.limit]
    #[arg(long, value_name = "2GiB|70%")]
    pub(crate) memory: Option<String>,

    /// The folder for what does not fit into memory [setting: spill.directory]
    #[arg(long, value_name = "DIR")]
    pub(crate) spill_dir: Option<PathBuf>,

    /// Change any setting; may be given again. `strata config` lists them
    #[arg(long, value_name = "NAME=VALUE", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
}

/// Settings that have a flag of their own, and all the others.
#[derive(Debug, Args)]
pub(crate) struct SettingArgs {
    /// The memory this process may use: a size, or a share of the machine's [setting: memory.limit]
    #[arg(long, value_name = "2GiB|70%", help_heading = "Session")]
    pub(crate) memory: Option<String>,

    /// The folder for what does not fit into memory [setting: spill.directory]
    #[arg(long, value_name = "DIR", help_heading = "Session")]
    pub(crate) spill_dir: Option<PathBuf>,

    /// How many threads to run on; one a core by default
    #[arg(long, value_name = "N", help_heading = "Session")]
    pub(crate) threads: Option<NonZeroUsize>,

    /// Change any setting; may be given again. `strata config` lists them
    #[arg(long, value_name = "NAME=VALUE", help_heading = "Session", value_parser = assignment)]
    pub(crate) set: Vec<(String, String)>,
}

/// How results are printed.
#[derive(Debug, Args)]
pub(crate) struct OutputArgs {
    /// box, table, csv, tsv, json, ndjson, parquet, markdown, html or line. By default what the
    /// name of the output file says, box on a terminal and csv elsewhere
    #[arg(short = 'F', long, value_name = "FORMAT", help_heading = "Output")]
    pub(crate) format: Option<String>,

    /// How NULL is printed
    #[arg(long, value_name = "TEXT", help_heading = "Output")]
    pub(crate) null: Option<String>,

    /// The most rows of a result that a terminal shows; 0 shows all
    #[arg(long, value_name = "N", help_heading = "Output")]
    pub(crate) max_rows: Option<usize>,

    /// Show no progress bar
    #[arg(long, help_heading = "Output")]
    pub(crate) no_progress: bool,

    /// Print results and errors only
    #[arg(short, long, help_heading = "Output")]
    pub(crate) quiet: bool,
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

fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        format!("'{text}' has no '='; write name=value, such as memory.limit=2GiB")
    })?;
    Ok((name.trim().to_string(), value.trim().to_string()))
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

    #[test]
    fn assignments_have_a_name_and_a_value() {
        assert_eq!(assignment("a.b = c=d"), Ok(("a.b".into(), "c=d".into())));
        assert!(assignment("a.b").is_err());
    }
}
