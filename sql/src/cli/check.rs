//! `strata check`: whether a file or a store is whole.

use super::args::CheckArgs;
use crate::Error;
use crate::shell::Ran;

/// Reads it from end to end.
pub(crate) async fn run(args: &CheckArgs) -> Ran {
    // Here goes strata_connectors::check(&args.path).
    Err(Error::File {
        path: args.path.clone(),
        reason: "no format of this kind can be checked yet".to_string(),
    }
    .into())
}
