//! `strata serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::{PoolArgs, SettingArgs};

/// `strata serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one [default: 127.0.0.1:31337]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) listen: Option<SocketAddr>,

    /// Users, roles, tokens, certificates, limits and the audit log, in a file
    #[arg(long, value_name = "serve.toml")]
    pub(crate) config: Option<PathBuf>,

    /// Run the statements in a file before anyone is answered: tables, views, names
    #[arg(short = 'f', long = "file", value_name = "FILE", help_heading = "Session")]
    pub(crate) files: Vec<PathBuf>,

    /// Open a database file, made when it is missing: its tables, views and settings stay
    #[arg(long, value_name = "FILE", help_heading = "Session")]
    pub(crate) database: Option<PathBuf>,

    /// Say nothing but errors
    #[arg(short, long)]
    pub(crate) quiet: bool,

    #[command(flatten)]
    pub(crate) pool: PoolArgs,

    #[command(flatten)]
    pub(crate) settings: SettingArgs,
}
