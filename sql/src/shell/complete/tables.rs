//! What tables there are, and their columns.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc;
use std::time::Duration;

use datafusion::common::TableReference;
use datafusion::execution::context::SessionContext;

use super::quote;
use crate::shell::workers::Workers;

/// A file or a store far away must not hold up typing.
const PATIENCE: Duration = Duration::from_millis(500);

/// A table and where it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TableName {
    pub(crate) name: String,
    /// Its schema, unless that is the default one.
    pub(crate) schema: Option<String>,
    /// What completion calls it.
    pub(crate) kind: String,
}

impl TableName {
    /// The name as it is typed.
    pub(crate) fn reference(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quote(schema), quote(&self.name)),
            None => quote(&self.name),
        }
    }
}

const INFORMATION: &str = "information_schema";

/// Every table and view, those of the default schema first.
pub(crate) fn table_names(session: &SessionContext) -> Vec<TableName> {
    let state = session.state_ref();
    let options = state.read().config_options().catalog.clone();
    let Some(catalog) = session.catalog(&options.default_catalog) else { return Vec::new() };
    let mut all = Vec::new();
    for schema in catalog.schema_names() {
        let is_default = schema == options.default_schema;
        if schema == INFORMATION {
            continue;
        }
        let names = catalog.schema(&schema).map(|found| found.table_names()).unwrap_or_default();
        all.extend(names.into_iter().map(|name| TableName {
            name,
            schema: (!is_default).then(|| schema.clone()),
            kind: if is_default { "table".to_string() } else { format!("table in {schema}") },
        }));
    }
    all.sort_by(|a, b| (&a.schema, &a.name).cmp(&(&b.schema, &b.name)));
    all
}

/// The schemas besides the default one.
pub(crate) fn schema_names(session: &SessionContext) -> Vec<String> {
    let state = session.state_ref();
    let options = state.read().config_options().catalog.clone();
    let names = session.catalog(&options.default_catalog).map(|catalog| catalog.schema_names());
    let mut names = names.unwrap_or_default();
    names.retain(|name| *name != options.default_schema);
    if !names.iter().any(|name| name == INFORMATION) {
        names.push(INFORMATION.to_string());
    }
    names.sort();
    names
}

/// The tables of a schema, named as behind its dot.
pub(crate) fn in_schema(session: &SessionContext, schema: &str) -> Vec<TableName> {
    let state = session.state_ref();
    let catalog = state.read().config_options().catalog.default_catalog.clone();
    let mut names = match session.catalog(&catalog).and_then(|catalog| catalog.schema(schema)) {
        Some(found) => found.table_names(),
        None if schema == INFORMATION => {
            ["columns", "df_settings", "parameters", "routines", "schemata", "tables", "views"]
                .map(str::to_string)
                .to_vec()
        }
        None => Vec::new(),
    };
    names.sort();
    let named = |name| TableName { name, schema: None, kind: format!("table in {schema}") };
    names.into_iter().map(named).collect()
}

/// The columns of tables, as completion asks for them: by any name that a statement has for them.
pub(crate) struct Columns {
    session: SessionContext,
    workers: Workers,
    known: HashMap<String, Vec<(String, String)>>,
}

impl Columns {
    pub(crate) fn new(session: SessionContext, workers: Workers) -> Self {
        Self { session, workers, known: HashMap::new() }
    }

    /// Names and types of the columns; none where the table is not known.
    pub(crate) fn of(
        &mut self,
        name: &str,
        aliases: &BTreeMap<String, String>,
    ) -> Vec<(String, String)> {
        let name = aliases.get(name).map_or(name, String::as_str);
        // Files are read once: they rarely change their columns while one types. Tables may.
        if let Some(known) = self.known.get(name) {
            return known.clone();
        }
        let is_file = name.starts_with('\'');
        let reference = match name.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(file) => TableReference::bare(file.replace("''", "'")),
            None => TableReference::from(name),
        };
        let columns = self.read(reference);
        if is_file {
            self.known.insert(name.to_string(), columns.clone());
        }
        columns
    }

    fn read(&self, reference: TableReference) -> Vec<(String, String)> {
        let session = self.session.clone();
        let (sender, found) = mpsc::sync_channel(1);
        let ask = async move { sender.send(session.table_provider(reference).await) };
        let provider = self.workers.spawn(ask).ok().and_then(|_| found.recv_timeout(PATIENCE).ok());
        let Some(Ok(table)) = provider else { return Vec::new() };
        let schema = table.schema();
        let fields = schema.fields().iter();
        fields.map(|field| (field.name().clone(), field.data_type().to_string())).collect()
    }
}
