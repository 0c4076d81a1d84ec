//! What tables there are, and their columns.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, mpsc};
use std::time::{Duration, Instant};

use datafusion::common::TableReference;
use datafusion::execution::context::SessionContext;
use parking_lot::Mutex;

use super::quote;
use crate::shell::answers::Answers;
use crate::shell::workers::Workers;

/// A file or a store far away must not hold up typing.
const PATIENCE: Duration = Duration::from_millis(500);
/// How long what a server told is taken as it was.
const RECENT: Duration = Duration::from_secs(10);
/// The columns of no more tables are kept.
const KNOWN: usize = 256;

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
    /// A table of a schema, which is where names are looked for, or is not.
    pub(crate) fn new(name: &str, schema: &str, is_default: bool) -> Self {
        Self {
            name: name.to_string(),
            schema: (!is_default).then(|| schema.to_string()),
            kind: if is_default { "table".to_string() } else { format!("table in {schema}") },
        }
    }

    /// The name as it is typed.
    pub(crate) fn reference(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{}", quote(schema), quote(&self.name)),
            None => quote(&self.name),
        }
    }
}

pub(crate) const INFORMATION: &str = "information_schema";

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
        all.extend(names.iter().map(|name| TableName::new(name, &schema, is_default)));
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
        None if schema == INFORMATION => return of_information(),
        None => Vec::new(),
    };
    names.sort();
    let named = |name| TableName { name, schema: None, kind: format!("table in {schema}") };
    names.into_iter().map(named).collect()
}

/// What there is to know about what there is.
fn of_information() -> Vec<TableName> {
    ["columns", "df_settings", "parameters", "routines", "schemata", "tables", "views"]
        .map(|name| TableName { schema: None, ..TableName::new(name, INFORMATION, false) })
        .to_vec()
}

/// What a server told, and when it was last asked.
#[derive(Default)]
struct Read {
    asked: Option<Instant>,
    names: Vec<TableName>,
}

impl Read {
    /// Whether it is time to ask; whoever is told so asks now.
    fn asks(&mut self) -> bool {
        let asks = self.asked.is_none_or(|at| at.elapsed() > RECENT);
        if asks {
            self.asked = Some(Instant::now());
        }
        asks
    }
}

/// Tables as completion asks for them: those of this process as they are, those of a server as they were a moment ago.
pub(crate) struct Names {
    answers: Answers,
    workers: Workers,
    read: Arc<Mutex<Read>>,
}

impl Names {
    pub(crate) fn new(answers: Answers, workers: Workers) -> Self {
        Self { answers, workers, read: Arc::default() }
    }

    /// Every table and view, those of the default schema first.
    pub(crate) fn all(&self) -> Vec<TableName> {
        if let Answers::Here(session, _) = &self.answers {
            return table_names(session);
        }
        // One Tab asks more than once, and a server that does not answer is not asked with each.
        let asks = self.read.lock().asks();
        if asks {
            let (answers, workers) = (self.answers.clone(), self.workers.clone());
            let read = Arc::clone(&self.read);
            // What comes too late is there the next time.
            at_once(&self.workers, async move {
                if let Ok(names) = answers.tables(&workers).await {
                    read.lock().names = names;
                }
            });
        }
        self.read.lock().names.clone()
    }

    /// The schemas besides the default one.
    pub(crate) fn schemas(&self) -> Vec<String> {
        if let Answers::Here(session, _) = &self.answers {
            return schema_names(session);
        }
        let mut names: Vec<String> =
            self.all().into_iter().filter_map(|name| name.schema).collect();
        names.push(INFORMATION.to_string());
        names.sort();
        names.dedup();
        names
    }

    /// The tables of a schema, named as behind its dot.
    pub(crate) fn in_schema(&self, schema: &str) -> Vec<TableName> {
        match &self.answers {
            Answers::Here(session, _) => in_schema(session, schema),
            Answers::Server(..) if schema == INFORMATION => of_information(),
            Answers::Server(..) => {
                let mut names = self.all();
                names.retain(|name| name.schema.as_deref() == Some(schema));
                names.into_iter().map(|name| TableName { schema: None, ..name }).collect()
            }
        }
    }
}

/// What comes of something, if it comes before it would hold up typing.
fn at_once<T: Send + 'static>(
    workers: &Workers,
    work: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (sender, made) = mpsc::sync_channel(1);
    let asked = async move { drop(sender.send(work.await)) };
    workers.spawn(asked).ok().and_then(|_| made.recv_timeout(PATIENCE).ok())
}

/// Names and types of columns by the name of their table, and when they were read.
type Known = HashMap<String, (Instant, Vec<(String, String)>)>;

/// The columns of tables, as completion asks for them: by any name that a statement has for them.
pub(crate) struct Columns {
    answers: Answers,
    workers: Workers,
    known: Arc<Mutex<Known>>,
}

impl Columns {
    pub(crate) fn new(answers: Answers, workers: Workers) -> Self {
        Self { answers, workers, known: Arc::default() }
    }

    /// Names and types of the columns; none where the table is not known.
    pub(crate) fn of(
        &self,
        name: &str,
        aliases: &BTreeMap<String, String>,
    ) -> Vec<(String, String)> {
        let name = aliases.get(name).map_or(name, String::as_str);
        // Files are read once: they rarely change their columns while one types. Tables may; those far away are
        // not asked for with every key.
        let is_file = name.starts_with('\'');
        let is_far = matches!(self.answers, Answers::Server(..));
        if let Some((at, known)) = self.known.lock().get(name)
            && ((is_file && !known.is_empty()) || at.elapsed() < RECENT)
        {
            return known.clone();
        }
        let reference = match name.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
            Some(file) => TableReference::bare(file.replace("''", "'")),
            None => TableReference::from(name),
        };
        self.read(reference, (is_file || is_far).then(|| name.to_string()))
    }

    /// Reads the columns, and keeps them by this name. What comes too late is there the next time.
    fn read(&self, reference: TableReference, keep: Option<String>) -> Vec<(String, String)> {
        let (answers, workers) = (self.answers.clone(), self.workers.clone());
        let known = Arc::clone(&self.known);
        let asked = async move {
            let table = answers.describe(&workers, reference, false).await.ok()?;
            let fields = table.iter().flat_map(|table| table.columns.fields().iter());
            let columns: Vec<_> =
                fields.map(|field| (field.name().clone(), field.data_type().to_string())).collect();
            if let Some(name) = keep {
                put(&mut known.lock(), name, &columns);
            }
            Some(columns)
        };
        at_once(&self.workers, asked).flatten().unwrap_or_default()
    }
}

fn put(known: &mut Known, name: String, columns: &[(String, String)]) {
    if known.len() >= KNOWN {
        known.clear();
    }
    known.insert(name, (Instant::now(), columns.to_vec()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_not_asked_with_each_key() {
        let mut read = Read::default();
        assert!(read.asks() && !read.asks());
        read.asked = Instant::now().checked_sub(RECENT + Duration::from_secs(1));
        assert!(read.asks() && !read.asks());
    }
}
