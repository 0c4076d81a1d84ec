//! Where queries run, and the processes of a pool.

use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use super::SettingArgs;
use super::run::assignment;
use crate::cli::roles::span;

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
    /// The file with the secret that all of a pool share, or that a server knows; STRATA_TOKEN holds it otherwise
    #[arg(long, value_name = "FILE", help_heading = "Security")]
    pub(crate) token_file: Option<PathBuf>,

    /// Speak TLS with those whose certificate is of this authority, in PEM form; in a pool, both sides show one
    #[arg(long, value_name = "FILE", help_heading = "Security")]
    pub(crate) tls_ca: Option<PathBuf>,

    /// The certificate to show, in PEM form
    #[arg(long, value_name = "FILE", help_heading = "Security", requires = "tls_key")]
    pub(crate) tls_cert: Option<PathBuf>,

    /// Its key
    #[arg(long, value_name = "FILE", help_heading = "Security", requires = "tls_cert")]
    pub(crate) tls_key: Option<PathBuf>,

    /// The name that others' certificates are for; in a pool `strata` by default, as `strata certs` makes
    /// them, and else the name of the host
    #[arg(long, value_name = "NAME", help_heading = "Security")]
    pub(crate) tls_name: Option<String>,
}

/// `strata scheduler`
#[derive(Debug, Args)]
pub(crate) struct SchedulerArgs {
    /// Where to listen. Other machines are let in with a token or certificates only
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:50050")]
    pub(crate) listen: SocketAddr,

    /// How long a worker may be silent before its work is given to others
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = span)]
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
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = span, help_heading = "Workers that come and go")]
    pub(crate) target: Duration,

    /// Send one away when fewer have been enough for this long
    #[arg(long, value_name = "TIME", default_value = "30s", value_parser = span, help_heading = "Workers that come and go")]
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
    #[arg(long, value_name = "TIME", value_parser = span)]
    pub(crate) lifetime: Option<Duration>,

    /// Give up when no scheduler has been there for this long
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = span)]
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
    #[arg(long, value_name = "TIME", default_value = "365d", value_parser = span)]
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
