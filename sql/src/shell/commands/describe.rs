//! The commands that tell what tables, views, functions and schemas there are. They print results
//! like any query, so the output format holds for them too.

use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::common::TableReference;
use datafusion::error::DataFusionError;

use super::Call;
use crate::shell::answers::Described;
use crate::shell::complete::{functions, quote, quote_text};
use crate::shell::run::{print_batches, statement};
use crate::shell::state::Shell;
use crate::shell::stop::{Ran, Stop};

/// Whether a name fits a pattern: `*` and `%` stand for anything, `?` for one character; a word
/// without them may stand anywhere in the name.
fn fits(name: &str, pattern: &str) -> bool {
    let (name, pattern) = (name.to_lowercase(), pattern.to_lowercase());
    if !pattern.contains(['*', '%', '?']) {
        return name.contains(&pattern);
    }
    let name: Vec<char> = name.chars().collect();
    // The states of matching: how many characters of the name each prefix of the pattern may take.
    let mut reached = vec![false; name.len() + 1];
    if let Some(first) = reached.first_mut() {
        *first = true;
    }
    for wanted in pattern.chars() {
        let mut next = vec![false; name.len() + 1];
        let mut any = false;
        for (at, slot) in next.iter_mut().enumerate() {
            let here = reached.get(at).copied().unwrap_or(false);
            let before = at.checked_sub(1);
            let stepped = before.is_some_and(|at| {
                reached.get(at).copied().unwrap_or(false)
                    && (wanted == '?' || name.get(at) == Some(&wanted))
            });
            any |= here;
            *slot = if matches!(wanted, '*' | '%') { any } else { stepped };
        }
        reached = next;
    }
    reached.last().copied().unwrap_or(false)
}

/// Runs a query of ours over the catalog.
async fn query(shell: &mut Shell, sql: String) -> Ran {
    for query in crate::parse(&sql)? {
        statement(shell, &query, "").await?;
    }
    Ok(())
}

async fn list(shell: &mut Shell, call: &Call, kinds: &str) -> Ran {
    // One way to match, for tables as for functions.
    let named = match call.first().map(|word| word.trim_matches('"')) {
        Some(pattern) => {
            let mut known = shell.answers.tables(&shell.workers).await?;
            known.retain(|table| fits(&table.name, pattern));
            let known: Vec<String> = known.iter().map(|table| quote_text(&table.name)).collect();
            format!(
                "AND table_name IN ({})",
                if known.is_empty() { "''".into() } else { known.join(", ") }
            )
        }
        None => String::new(),
    };
    query(
        shell,
        format!(
            "SELECT table_catalog AS catalog, table_schema AS schema, table_name AS name, \
             lower(replace(table_type, 'BASE ', '')) AS type \
             FROM information_schema.tables \
             WHERE table_schema <> 'information_schema' AND table_type IN ({kinds}) {named} \
             ORDER BY 1, 2, 3"
        ),
    )
    .await
}

/// `\dt`
pub(super) async fn base_tables(shell: &mut Shell, call: &Call) -> Ran {
    list(shell, call, "'BASE TABLE', 'LOCAL TEMPORARY'").await
}

/// `\dv`
pub(super) async fn views(shell: &mut Shell, call: &Call) -> Ran {
    list(shell, call, "'VIEW'").await
}

/// `\d`
pub(super) async fn table(shell: &mut Shell, call: &Call) -> Ran {
    let Some(name) = call.first() else {
        return list(shell, call, "'BASE TABLE', 'LOCAL TEMPORARY', 'VIEW'").await;
    };
    let table = resolve(shell, name, false).await?;
    let fields = table.columns.fields();
    let column = |of: &dyn Fn(&arrow::datatypes::Field) -> String| {
        strings(fields.iter().map(|field| of(field)))
    };
    let batch = RecordBatch::try_from_iter([
        ("column", column(&|field| field.name().clone())),
        ("type", column(&|field| field.data_type().to_string())),
        ("null", column(&|field| if field.is_nullable() { "yes" } else { "no" }.to_string())),
    ]);
    let batch = batch.map_err(DataFusionError::from)?;
    print_batches(shell, &batch.schema(), &[batch])
}

fn strings(values: impl Iterator<Item = String>) -> ArrayRef {
    Arc::new(StringArray::from_iter_values(values))
}

async fn resolve(shell: &Shell, name: &str, with_definition: bool) -> Ran<Described> {
    let wanted = TableReference::from(name);
    let found = shell.answers.describe(&shell.workers, wanted, with_definition).await?;
    if let Some(table) = found {
        return Ok(table);
    }
    // The names that are, when this one is not.
    let names = shell.answers.tables(&shell.workers).await?;
    // Without quotes it stands for another name.
    let as_typed = names.iter().find(|table| table.name == name).map(|table| table.reference());
    let close = strata_engine::nearest(name, names.iter().map(|table| table.name.as_str()));
    let hint = match as_typed.as_deref().or(close).filter(|close| *close != name) {
        Some(close) => format!("did you mean '{close}'?"),
        None => "\\d lists tables and views".to_string(),
    };
    Err(Stop::usage(format!("there is no table '{name}'"), Some(hint)))
}

/// `\df`
pub(super) fn functions(shell: &mut Shell, call: &Call) -> Ran {
    let pattern = call.first().unwrap_or("*");
    let mut found = functions::functions(&shell.session);
    found.retain(|function| fits(&function.name, pattern));
    let batch = RecordBatch::try_from_iter([
        ("name", strings(found.iter().map(|function| function.name.clone()))),
        ("type", strings(found.iter().map(|function| function.kind.to_string()))),
        ("usage", strings(found.iter().map(|function| function.syntax.clone()))),
        ("description", strings(found.iter().map(|function| function.summary().to_string()))),
    ]);
    let batch = batch.map_err(DataFusionError::from)?;
    print_batches(shell, &batch.schema(), &[batch])
}

/// `\l`
pub(super) async fn schemas(shell: &mut Shell) -> Ran {
    let sql = "SELECT catalog_name AS catalog, schema_name AS schema \
               FROM information_schema.schemata ORDER BY 1, 2";
    query(shell, sql.to_string()).await
}

/// `.schema`
pub(super) async fn definitions(shell: &mut Shell, call: &Call) -> Ran {
    let names: Vec<String> = match call.first() {
        Some(name) => vec![name.to_string()],
        None => shell
            .answers
            .tables(&shell.workers)
            .await?
            .iter()
            .map(|table| table.reference())
            .collect(),
    };
    let mut all = String::new();
    for name in names {
        let table = resolve(shell, &name, true).await?;
        let definition = match &table.definition {
            Some(sql) => sql.trim_end_matches(';').to_string(),
            None => {
                let columns: Vec<String> = table
                    .columns
                    .fields()
                    .iter()
                    .map(|field| {
                        let name = quote(field.name());
                        let kind = if field.is_nullable() { "" } else { " NOT NULL" };
                        format!("{name} {}{kind}", field.data_type())
                    })
                    .collect();
                format!("CREATE TABLE {name} (\n  {}\n)", columns.join(",\n  "))
            }
        };
        all.push_str(&definition);
        all.push_str(";\n");
    }
    super::help::print(shell, &all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_fit() {
        assert!(fits("date_trunc", "trunc") && fits("date_trunc", "date*"));
        assert!(fits("abs", "a?s") && fits("ABS", "abs") && fits("abs", "*"));
        assert!(!fits("date_trunc", "*date") && !fits("abs", "?"));
    }
}
