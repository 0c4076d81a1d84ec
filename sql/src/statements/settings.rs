//! `SET`, `RESET` and `SHOW SETTINGS`.

use datafusion::execution::context::SessionContext;
use datafusion::sql::parser::ResetStatement;
use sqlparser::ast::{Expr, Set, Value};
use strata_engine::SessionSettings;

use super::{Outcome, table_of};
use crate::error::{Error, Result};

/// Runs a `SET`, if it sets one of the settings; other forms are DataFusion's.
pub(super) fn set(session: &SessionContext, set: &Set) -> Result<Option<Outcome>> {
    let Set::SingleAssignment { variable, values, .. } = set else { return Ok(None) };
    let name = variable.to_string().replace(['"', '`'], "");
    let is_variable = name.starts_with('@');
    if is_variable {
        return Ok(None);
    }
    let [value] = values.as_slice() else {
        return Err(Error::text(format!("SET {name} takes one value")));
    };
    let name = if name.eq_ignore_ascii_case("timezone") || name.eq_ignore_ascii_case("time.zone") {
        "datafusion.execution.time_zone".to_string()
    } else {
        name
    };
    session.change_setting(&name, &text_of(value))?;
    Ok(Some(Outcome::Done(None)))
}

fn text_of(value: &Expr) -> String {
    match value {
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) | Value::DoubleQuotedString(text) => text.clone(),
            other => other.to_string(),
        },
        Expr::Identifier(word) => word.value.clone(),
        other => other.to_string(),
    }
}

pub(super) fn reset(session: &SessionContext, reset: &ResetStatement) -> Result<Outcome> {
    let ResetStatement::Variable(name) = reset;
    session.reset_setting(&name.to_string())?;
    Ok(Outcome::Done(None))
}

pub(super) fn show(session: &SessionContext) -> Result<Outcome> {
    let rows = session
        .settings()
        .list()
        .into_iter()
        .map(|setting| {
            vec![
                Some(setting.name),
                setting.value,
                Some(setting.origin.to_string()),
                setting.default,
                Some(setting.description.to_string()),
            ]
        })
        .collect();
    table_of(session, &["name", "value", "origin", "default", "description"], rows)
}
