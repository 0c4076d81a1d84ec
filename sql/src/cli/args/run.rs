//! What to run, with which settings, and how results are shown.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::{ArgMatches, Args};

use super::PoolArgs;
use crate::shell::Address;

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
    pub(super) fn order(&mut self, matches: &ArgMatches) {
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
    pub(crate) server: ServerArgs,

    #[command(flatten)]
    pub(crate) pool: PoolArgs,

    #[command(flatten)]
    pub(crate) settings: SettingArgs,

    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// A server that runs the statements, in place of this process.
#[derive(Debug, Args)]
pub(crate) struct ServerArgs {
    /// Run statements on this server, a `strata serve`: grpc+tls://host:port, or grpc:// without TLS.
    /// Tables, and files that statements name, are the server's
    #[arg(
        long,
        value_name = "URL",
        help_heading = "Server",
        conflicts_with_all = ["workers", "cluster", "database", "memory", "spill_dir", "threads"]
    )]
    pub(crate) connect: Option<Address>,

    /// Who you are there. The password is asked for, unless STRATA_PASSWORD holds it
    #[arg(long, value_name = "NAME", help_heading = "Server", requires = "connect")]
    pub(crate) user: Option<String>,

    /// A file whose first line is the password
    #[arg(long, value_name = "FILE", help_heading = "Server", requires = "user")]
    pub(crate) password_file: Option<PathBuf>,
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

pub(super) fn assignment(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| {
        format!("'{text}' has no '='; write name=value, such as memory.limit=2GiB")
    })?;
    Ok((name.trim().to_string(), value.trim().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn assignments_have_a_name_and_a_value() {
        assert_eq!(assignment("a.b = c=d"), Ok(("a.b".into(), "c=d".into())));
        assert!(assignment("a.b").is_err());
    }
}
