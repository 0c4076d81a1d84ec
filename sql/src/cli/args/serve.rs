//! `strata serve`.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::SessionArgs;

/// `strata serve`
#[derive(Debug, Args)]
pub(crate) struct ServeArgs {
    /// Where to listen; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:31337")]
    pub(crate) listen: SocketAddr,

    /// Run the statements in a file before anyone is answered: tables, views, names
    #[arg(short = 'f', long = "file", value_name = "FILE", help_heading = "Session")]
    pub(crate) files: Vec<PathBuf>,

    #[command(flatten)]
    pub(crate) session: SessionArgs,
}
