//! Temporary tables: those of one session. They lie in front of the catalogs that sessions share, so that a plain name
//! means the session's own table where it has one of that name; and they go with the session, and their memory with
//! them.
//!
//! They are listed in a schema of their own, [`SCHEMA`] of the default catalog. What they hide is not listed: nobody
//! could read it under its name.

mod catalogs;

use std::sync::Arc;

use datafusion::catalog::{
    CatalogProviderList, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::TableReference;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::datasource::{TableType, source_as_provider};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{LogicalPlan, TableSource};
use datafusion::sql::parser::Statement as DFStatement;
use datafusion::sql::planner::object_name_to_table_reference;
use sqlparser::ast::{Ident, ObjectName, ObjectType, Statement as SqlStatement};
use strata_connectors::Locations;

use catalogs::{Catalogs, OwnTables};

use crate::error::{Error, Result};
use crate::parse::{Kind, Statement};

/// The schema in which temporary tables are listed.
pub(crate) const SCHEMA: &str = "temporary";

/// A session like another, with no tables of its own yet: in these locations, and of the catalogs that both share with
/// what `seen` leaves.
pub(crate) fn session(
    like: &SessionContext,
    locations: &Locations,
    seen: impl FnOnce(Arc<dyn CatalogProviderList>) -> Arc<dyn CatalogProviderList>,
) -> Result<SessionContext> {
    let others = own(like);
    let home = others.as_ref().map_or_else(
        || {
            let options = like.state_ref().read().config_options().catalog.clone();
            (options.default_catalog, options.default_schema)
        },
        |others| others.home.clone(),
    );
    let mut made = None;
    let session = strata_connectors::within(like, locations, |all| {
        // The other session's tables stay its own.
        let shared = others.map_or(all, |others| Arc::clone(&others.beneath));
        let tables = MemorySchemaProvider::new();
        let own = Arc::new(OwnTables { tables, home, beneath: seen(shared) });
        made = Some(Arc::clone(&own));
        Arc::new(Catalogs(own))
    })?;
    if let Some(own) = made {
        session.state_ref().write().config_mut().set_extension(own);
    }
    Ok(session)
}

fn own(session: &SessionContext) -> Option<Arc<OwnTables>> {
    session.state_ref().read().config().get_extension::<OwnTables>()
}

/// The name by which a session has a temporary table.
pub(crate) fn name(session: &SessionContext, table: &TableReference) -> Result<TableReference> {
    let Some(own) = own(session) else {
        return Err(Error::text("this session keeps no temporary tables"));
    };
    match table.schema() {
        Some(schema) if schema != SCHEMA => {
            Err(Error::text(format!("a temporary table cannot be in schema '{schema}'"))
                .hint(format!("leave the schema out: CREATE TEMPORARY TABLE {} …", table.table())))
        }
        _ => Ok(TableReference::full(own.home.0.as_str(), SCHEMA, table.table())),
    }
}

/// Whether a table of this name is a temporary one, or would be.
pub(crate) fn is_name(session: &SessionContext, table: &TableReference) -> bool {
    let options = session.state_ref().read().config_options().catalog.clone();
    let table = table.clone().resolve(&options.default_catalog, &options.default_schema);
    is_schema(session, &table.catalog, &table.schema)
}

/// Whether a schema is the one of the session's own tables.
pub(crate) fn is_schema(session: &SessionContext, catalog: &str, schema: &str) -> bool {
    schema == SCHEMA && own(session).is_some_and(|own| own.home.0 == catalog)
}

/// Whether the table of a source goes with its session.
pub(crate) fn is_source(source: &Arc<dyn TableSource>) -> bool {
    source_as_provider(source).is_ok_and(|table| is_table(table.as_ref()))
}

/// Whether a table goes with its session.
pub(crate) fn is_table(table: &dyn TableProvider) -> bool {
    strata_engine::is_in_memory(table) && table.table_type() == TableType::Temporary
}

/// `CREATE TEMPORARY TABLE t`, which DataFusion does not plan, into `CREATE TABLE` in the schema of such tables.
pub(crate) fn rename(session: &SessionContext, statement: &mut DFStatement) -> Result<()> {
    let DFStatement::Statement(sql) = statement else { return Ok(()) };
    let SqlStatement::CreateTable(create) = sql.as_mut() else { return Ok(()) };
    if !create.temporary || create.global == Some(true) {
        return Ok(());
    }
    let own = name(session, &reference(session, &create.name)?)?;
    let parts = [own.catalog().unwrap_or_default(), SCHEMA, own.table()];
    create.name = ObjectName::from(parts.map(|part| Ident::with_quote('"', part)).to_vec());
    (create.temporary, create.global) = (false, None);
    Ok(())
}

/// Drops a temporary table; whether there is one.
pub(crate) fn drop(session: &SessionContext, table: &TableReference) -> Result<bool> {
    let Some(own) = own(session) else { return Ok(false) };
    let found = own.has(session, table);
    if found {
        own.tables.deregister_table(table.table())?;
    }
    Ok(found)
}

/// Whether a statement drops a temporary table, or nothing, as a temporary table has the name.
pub(crate) fn drops(session: &SessionContext, statement: &Statement) -> bool {
    let Kind::Sql(sql) = &statement.kind else { return false };
    let DFStatement::Statement(sql) = sql.as_ref() else { return false };
    let SqlStatement::Drop { object_type: ObjectType::Table | ObjectType::View, names, .. } =
        sql.as_ref()
    else {
        return false;
    };
    let Some(own) = own(session) else { return false };
    let table = names.first().and_then(|name| reference(session, name).ok());
    table.is_some_and(|table| own.has(session, &table))
}

fn reference(session: &SessionContext, name: &ObjectName) -> Result<TableReference> {
    let folds = session.state_ref().read().config_options().sql_parser.enable_ident_normalization;
    Ok(object_name_to_table_reference(name.clone(), folds)?)
}

/// Refuses a name for rows of temporary tables: names last, and others know them.
pub(crate) fn refuse_lasting(name: &str, plan: &LogicalPlan) -> Result<()> {
    match read_by(plan)? {
        Some(table) => {
            Err(Error::text(format!("'{name}' would outlast temporary table '{table}'"))
                .hint(format!("keep the rows instead: CREATE TEMPORARY TABLE {name} AS …")))
        }
        None => Ok(()),
    }
}

/// Refuses an array of the rows of temporary tables: it may be given a name.
pub(crate) fn refuse_array(plan: &LogicalPlan) -> Result<()> {
    match read_by(plan)? {
        Some(table) => Err(Error::text(format!(
            "an array of temporary table '{table}' might be given a name, which would outlast it"
        ))
        .hint("make an array of rows that last: CREATE TABLE … AS, or a file")),
        None => Ok(()),
    }
}

/// A temporary table that a plan reads, if it reads one.
fn read_by(plan: &LogicalPlan) -> Result<Option<String>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        Ok(match node {
            LogicalPlan::TableScan(scan) if is_source(&scan.source) => {
                found = Some(scan.table_name.table().to_string());
                TreeNodeRecursion::Stop
            }
            _ => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(found)
}
