//! `strata --database my.strata`: external tables, views, names and settings that last. The file
//! is a script of the statements that made them, so it can be read, edited and run.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use parking_lot::Mutex;

use crate::error::{Error, Result};
use crate::parse::Statement;

pub(crate) fn record(_session: &SessionContext, _statement: &Statement) -> Result<()> {
    Ok(())
}
