//! `CREATE SECRET`, `DROP SECRET` and `SHOW SECRETS`: named credentials for object stores. They
//! live in the session's memory, are never printed, and are never written to a database file.

use std::collections::BTreeMap;

use datafusion::execution::context::SessionContext;
use sqlparser::ast::Ident;

use super::Outcome;
use crate::error::{Error, Result};

pub(super) fn create(
    _session: &SessionContext,
    _name: &Ident,
    _options: &BTreeMap<String, String>,
    _replace: bool,
) -> Result<Outcome> {
    Err(Error::text("todo"))
}

pub(super) fn drop(_session: &SessionContext, _name: &Ident, _if_exists: bool) -> Result<Outcome> {
    Err(Error::text("todo"))
}

pub(super) fn show(session: &SessionContext) -> Result<Outcome> {
    super::table_of(session, &["name"], vec![])
}
