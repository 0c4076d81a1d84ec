//! `CREATE SECRET`, `DROP SECRET` and `SHOW SECRETS`: named credentials for object stores. They
//! live in the session's memory, are never printed, and are never written to a database file.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use sqlparser::ast::Ident;
use strata_connectors::{Secret, Secrets};

use super::{Outcome, table_of};
use crate::error::{Error, Result};
use crate::verbs::normalized;

fn secrets(session: &SessionContext) -> Result<Arc<Secrets>> {
    strata_connectors::secrets(session)
        .ok_or_else(|| Error::text("this session was built without files and object stores"))
}

pub(super) fn create(
    session: &SessionContext,
    name: &Ident,
    options: &BTreeMap<String, String>,
    replace: bool,
) -> Result<Outcome> {
    let mut options = options.clone();
    let Some(kind) = options.remove("type") else {
        return Err(Error::text("a secret needs a type")
            .hint("write CREATE SECRET name (TYPE s3, KEY_ID '…', SECRET '…')"));
    };
    let secret = Secret {
        name: normalized(&session.state(), name),
        kind: kind.parse().map_err(Error::Connector)?,
        scope: options.remove("scope"),
        options,
    };
    secrets(session)?.add(secret, replace)?;
    Ok(Outcome::Done(None))
}

pub(super) fn drop(session: &SessionContext, name: &Ident, if_exists: bool) -> Result<Outcome> {
    let secrets = secrets(session)?;
    let name = normalized(&session.state(), name);
    if if_exists && !secrets.list().iter().any(|secret| secret.name == name) {
        return Ok(Outcome::Done(None));
    }
    Secrets::drop(&secrets, &name)?;
    Ok(Outcome::Done(None))
}

pub(super) fn show(session: &SessionContext) -> Result<Outcome> {
    let rows = secrets(session)?
        .list()
        .into_iter()
        .map(|secret| {
            let options: Vec<String> =
                secret.options.iter().map(|(name, value)| format!("{name} {value}")).collect();
            vec![
                Some(secret.name),
                Some(secret.kind.to_string()),
                secret.scope,
                Some(options.join(", ")),
            ]
        })
        .collect();
    table_of(session, &["name", "type", "scope", "options"], rows)
}
