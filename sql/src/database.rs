//! `strata --database my.strata`: external tables, views, names and settings that last. The file
//! is a script of the statements that made them, so it can be read, edited and run.
//!
//! It is replaced as a whole, by a rename, after every statement that changes it. A file that
//! somebody else changed in the meantime is left alone, and the statement fails.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use datafusion::sql::parser::Statement as DFStatement;
use parking_lot::Mutex;
use sqlparser::ast::{Ident, ObjectType, Set, Statement as SqlStatement};
use strata_engine::{Origin, SessionSettings};

use crate::error::{Error, Result};
use crate::parse::{Kind, Statement};
use crate::statements::{self, Outcome};

const HEADER: &str = "-- A Strata database: the tables, views, names and settings that last.\n\
                      -- It is a script: read it, edit it, or run it with strata -f.\n\n";

/// What one entry of the file is about. A later statement about the same thing replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Subject {
    /// A table, view or name.
    Table(String),
    /// Names that are given at once.
    Tables(Vec<String>),
    /// A setting.
    Setting(String),
    /// Anything else that the file held: kept as it stands.
    Other,
}

impl Subject {
    /// Whether one of several names that were given at once is another's, too.
    fn shares(&self, other: &Self) -> bool {
        let names = |subject: &Self| match subject {
            Self::Table(name) => vec![name.clone()],
            Self::Tables(names) => names.clone(),
            _ => Vec::new(),
        };
        let several = matches!(self, Self::Tables(_)) || matches!(other, Self::Tables(_));
        let others = names(other);
        self != other && several && names(self).iter().any(|name| others.contains(name))
    }
}

/// An open database file.
#[derive(Debug)]
struct Database {
    path: PathBuf,
    /// The file's text as we know it; none while it does not exist.
    text: Option<String>,
    entries: Vec<(Subject, String)>,
}

/// The place of the database in a session; empty for a session in memory.
#[derive(Debug, Default)]
pub(crate) struct DatabaseSlot(Mutex<Option<Database>>);

/// Marks a session as one of several on a database: what it sets is its own, and does not last.
#[derive(Debug)]
pub(crate) struct OwnSettings;

fn slot(session: &SessionContext) -> Option<Arc<DatabaseSlot>> {
    session.state_ref().read().config().get_extension::<DatabaseSlot>()
}

/// Opens a database file, which need not exist yet, and runs it. What cannot be run (a file that
/// has moved) stays in the file; the returned lines say what and why.
pub async fn open_database(session: &SessionContext, path: &Path) -> Result<Vec<String>> {
    let text = match fs::read_to_string(path) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let parent = path.parent().filter(|p| !p.as_os_str().is_empty());
            if parent.is_some_and(|parent| !parent.is_dir()) {
                return Err(refusal(path, "its folder does not exist"));
            }
            None
        }
        Err(error) => return Err(refusal(path, error)),
    };
    let statements = crate::parse::parse(text.as_deref().unwrap_or_default()).map_err(|error| {
        match error.location() {
            Some(place) => refusal(path, format!("{place}: {error}")),
            None => refusal(path, error),
        }
    })?;
    let mut entries = Vec::with_capacity(statements.len());
    let mut troubles = Vec::new();
    for statement in statements {
        if let Err(error) = replay(session, &statement, path).await {
            troubles.push(format!("{}: {}: {error}", path.display(), first_line(&statement.text)));
        }
        let subject = match subject_of(&statement) {
            Some(Change::Keep(subject)) => subject,
            _ => Subject::Other,
        };
        entries.push((subject, statement.text));
    }
    if let Some(slot) = slot(session) {
        *slot.0.lock() = Some(Database { path: path.to_path_buf(), text, entries });
    }
    Ok(troubles)
}

async fn replay(session: &SessionContext, statement: &Statement, path: &Path) -> Result<()> {
    if let Kind::Sql(sql) = &statement.kind
        && let DFStatement::Statement(sql) = sql.as_ref()
        && let SqlStatement::Set(set) = sql.as_ref()
        && let Some((name, value)) = statements::assignment(set)
    {
        let origin = Origin::Database(path.to_path_buf());
        return Ok(session.change_setting_as(&name, &value, origin)?);
    }
    match statements::execute(session, statement).await? {
        Outcome::Done(_) => Ok(()),
        Outcome::Rows(_) => Err(Error::text("it returns rows, and a database file only defines")),
    }
}

/// What a statement means for the file.
enum Change {
    Keep(Subject),
    Forget(Subject),
}

fn subject_of(statement: &Statement) -> Option<Change> {
    let table = |name: String| Subject::Table(name.replace('"', "").to_lowercase());
    let keep = |subject| Some(Change::Keep(subject));
    match &statement.kind {
        Kind::Bind { name, .. } | Kind::BindArray { name, .. } => keep(table(unquoted(name))),
        Kind::BindArrays { names, .. } => {
            let all: Vec<String> = names.iter().map(unquoted).collect();
            keep(Subject::Tables(all.iter().map(|name| name.to_lowercase()).collect()))
        }
        Kind::Sql(sql) => match sql.as_ref() {
            DFStatement::CreateExternalTable(create) if !create.temporary => {
                keep(table(create.name.to_string()))
            }
            DFStatement::Reset(reset) => {
                let datafusion::sql::parser::ResetStatement::Variable(name) = reset;
                Some(Change::Forget(Subject::Setting(setting(&name.to_string()))))
            }
            DFStatement::Statement(sql) => match sql.as_ref() {
                SqlStatement::CreateView(view) if !view.temporary => {
                    keep(table(view.name.to_string()))
                }
                SqlStatement::Drop {
                    object_type: ObjectType::Table | ObjectType::View,
                    names,
                    ..
                } => names.first().map(|name| Change::Forget(table(name.to_string()))),
                SqlStatement::Set(set @ Set::SingleAssignment { .. }) => {
                    let (name, _) = statements::assignment(set)?;
                    keep(Subject::Setting(setting(&name)))
                }
                _ => None,
            },
            _ => None,
        },
        _ => None,
    }
}

fn unquoted(name: &Ident) -> String {
    name.value.clone()
}

fn setting(name: &str) -> String {
    let name = name.to_lowercase();
    name.strip_prefix("strata.").map(str::to_string).unwrap_or(name)
}

/// Writes a statement that has just been carried out into the session's database, if it has one
/// and the statement is of the kind that lasts.
pub(crate) fn record(session: &SessionContext, statement: &Statement) -> Result<()> {
    let Some(slot) = slot(session) else { return Ok(()) };
    let mut guard = slot.0.lock();
    let Some(database) = guard.as_mut() else { return Ok(()) };
    let Some(change) = subject_of(statement) else { return Ok(()) };
    if let Change::Keep(Subject::Setting(_)) | Change::Forget(Subject::Setting(_)) = change
        && session.state_ref().read().config().get_extension::<OwnSettings>().is_some()
    {
        return Ok(());
    }
    let mut entries = database.entries.clone();
    match change {
        Change::Forget(subject) => {
            entries.retain(|(known, _)| *known != subject);
            // Others that were named with it are still there.
            if entries.iter().any(|(known, _)| known.shares(&subject)) {
                entries.push((Subject::Other, statement.text.clone()));
            }
        }
        Change::Keep(subject) if entries.iter().any(|(known, _)| known.shares(&subject)) => {
            // Several names were given at once, some of which are others' now.
            entries.retain(|(known, _)| *known != subject);
            entries.push((subject, statement.text.clone()));
        }
        Change::Keep(subject) => {
            // In place: what stands after it may depend on it.
            match entries.iter_mut().find(|(known, _)| *known == subject) {
                Some((_, text)) => *text = statement.text.clone(),
                None => entries.push((subject, statement.text.clone())),
            }
        }
    }
    if entries != database.entries {
        database.save(entries)?;
    }
    Ok(())
}

impl Database {
    fn save(&mut self, entries: Vec<(Subject, String)>) -> Result<()> {
        let folder = match self.path.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        // Between looking and replacing, nobody else may replace. The file itself is another after
        // each rename, so the folder is what is locked; where that cannot be, luck must do.
        let lock = fs::File::open(folder).ok();
        let _ = lock.as_ref().map(fs::File::lock);
        let now = fs::read_to_string(&self.path).ok();
        if now != self.text {
            return Err(refusal(
                &self.path,
                "another process has changed it since it was opened; open it again",
            ));
        }
        let mut text = HEADER.to_string();
        for (_, entry) in &entries {
            let _ = writeln!(text, "{entry};");
        }
        let write = || -> std::io::Result<()> {
            let mut file = tempfile::NamedTempFile::new_in(folder)?;
            file.write_all(text.as_bytes())?;
            file.as_file().sync_all()?;
            file.persist(&self.path).map_err(|error| error.error)?;
            Ok(())
        };
        write().map_err(|error| refusal(&self.path, error))?;
        self.text = Some(text);
        self.entries = entries;
        Ok(())
    }
}

fn refusal(path: &Path, reason: impl std::fmt::Display) -> Error {
    Error::File { path: path.display().to_string(), reason: reason.to_string() }
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or_default()
}
