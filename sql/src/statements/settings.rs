//! `SET`, `RESET` and `SHOW SETTINGS`.

use datafusion::execution::context::SessionContext;
use datafusion::sql::parser::{ResetStatement, Statement as DFStatement};
use sqlparser::ast::{Expr, Set, Statement as SqlStatement, Value};
use strata_engine::SessionSettings;

use super::{Outcome, table_of};
use crate::error::Result;
use crate::parse::{Kind, Statement};

/// Runs a `SET`, if it sets one of the settings; other forms are DataFusion's.
pub(super) fn set(session: &SessionContext, set: &Set) -> Result<Option<Outcome>> {
    let Some((name, value)) = assignment(set) else { return Ok(None) };
    session.change_setting(&name, &value)?;
    Ok(Some(Outcome::Done(None)))
}

/// The setting and the value of a `SET`, where it is of that form.
pub(crate) fn assignment(set: &Set) -> Option<(String, String)> {
    let Set::SingleAssignment { variable, values, .. } = set else { return None };
    let name = variable.to_string().replace(['"', '`'], "").to_lowercase();
    let [value] = values.as_slice() else { return None };
    if name.starts_with('@') {
        return None;
    }
    let name = match name.as_str() {
        "timezone" | "time.zone" => "datafusion.execution.time_zone".to_string(),
        _ => name,
    };
    Some((name, text_of(value)))
}

/// The setting that a statement changes, if it is one that does.
pub(crate) fn changed(statement: &Statement) -> Option<String> {
    let Kind::Sql(sql) = &statement.kind else { return None };
    match sql.as_ref() {
        DFStatement::Reset(ResetStatement::Variable(name)) => Some(name.to_string().to_lowercase()),
        DFStatement::Statement(sql) => match sql.as_ref() {
            SqlStatement::Set(set) => match assignment(set) {
                Some((name, _)) => Some(name),
                None => Some(set.to_string().to_lowercase()),
            },
            _ => None,
        },
        _ => None,
    }
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
