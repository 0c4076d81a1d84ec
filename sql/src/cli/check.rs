//! `strata check`: whether files are whole.

use strata_engine::Settings;

use super::args::CheckArgs;
use crate::Error;
use crate::shell::{Ran, Stop};

/// Reads what a path names from end to end, and prints a line for each file.
pub(crate) async fn run(args: &CheckArgs) -> Ran {
    let session = crate::session(Settings::from_process().map_err(Error::from)?)?;
    let report =
        strata_connectors::check(&session.state(), &args.path).await.map_err(Error::from)?;
    print!("{report}");
    if report.is_ok() { Ok(()) } else { Err(Stop::Failed) }
}
