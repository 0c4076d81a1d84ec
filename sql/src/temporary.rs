//! Temporary tables: those of one session. They lie in front of the catalogs that sessions share, so that a plain name
//! means the session's own table where it has one of that name; and they go with the session, and their memory with
//! them.
//!
//! They are listed in a schema of their own, [`SCHEMA`] of the default catalog. What they hide is not listed: nobody
//! could read it under its name.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{TableReference, plan_err};
use datafusion::datasource::{TableType, source_as_provider};
use datafusion::error::Result as DataFusionResult;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{LogicalPlan, TableSource};
use datafusion::sql::parser::Statement as DFStatement;
use datafusion::sql::planner::object_name_to_table_reference;
use sqlparser::ast::{Ident, ObjectName, ObjectType, Statement as SqlStatement};
use strata_connectors::Locations;

use crate::error::{Error, Result};
use crate::parse::{Kind, Statement};

/// The schema in which temporary tables are listed.
pub(crate) const SCHEMA: &str = "temporary";

/// The tables that a session has for itself, where its statements find them.
struct OwnTables {
    tables: MemorySchemaProvider,
    /// The catalog and the schema in which plain names are looked for.
    home: (String, String),
    /// The catalogs without these tables.
    beneath: Arc<dyn CatalogProviderList>,
}

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
pub(crate) fn is_name(table: &TableReference) -> bool {
    table.schema() == Some(SCHEMA)
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

/// Whether a statement drops a temporary table.
pub(crate) fn drops(session: &SessionContext, statement: &Statement) -> bool {
    let Kind::Sql(sql) = &statement.kind else { return false };
    let DFStatement::Statement(sql) = sql.as_ref() else { return false };
    let SqlStatement::Drop { object_type: ObjectType::Table, names, .. } = sql.as_ref() else {
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
    match found {
        Some(table) => {
            Err(Error::text(format!("'{name}' would outlast temporary table '{table}'"))
                .hint(format!("keep the rows instead: CREATE TEMPORARY TABLE {name} AS …")))
        }
        None => Ok(()),
    }
}

impl OwnTables {
    fn is_empty(&self) -> bool {
        self.tables.table_names().is_empty()
    }

    fn has(&self, session: &SessionContext, table: &TableReference) -> bool {
        let options = session.state_ref().read().config_options().catalog.clone();
        let table = table.clone().resolve(&options.default_catalog, &options.default_schema);
        let here = *table.schema == *self.home.1 || *table.schema == *SCHEMA;
        *table.catalog == *self.home.0 && here && self.tables.table_exist(&table.table)
    }
}

/// The catalogs with the session's own tables.
struct Catalogs(Arc<OwnTables>);

impl fmt::Debug for Catalogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Catalogs")
    }
}

impl CatalogProviderList for Catalogs {
    fn register_catalog(
        &self,
        name: String,
        catalog: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        self.0.beneath.register_catalog(name, catalog)
    }

    fn catalog_names(&self) -> Vec<String> {
        let mut names = self.0.beneath.catalog_names();
        if !self.0.is_empty() && !names.contains(&self.0.home.0) {
            names.push(self.0.home.0.clone());
        }
        names
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let inner = self.0.beneath.catalog(name)?;
        match *name == self.0.home.0 {
            true => Some(Arc::new(Home { inner, own: Arc::clone(&self.0) })),
            false => Some(inner),
        }
    }
}

/// The catalog in which the session's own tables are.
struct Home {
    inner: Arc<dyn CatalogProvider>,
    own: Arc<OwnTables>,
}

impl fmt::Debug for Home {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Home")
    }
}

impl CatalogProvider for Home {
    fn schema_names(&self) -> Vec<String> {
        let mut names = self.inner.schema_names();
        names.retain(|name| name != SCHEMA);
        if !self.own.is_empty() {
            names.push(SCHEMA.to_string());
        }
        names
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        if name == SCHEMA {
            return Some(Arc::new(Own(Arc::clone(&self.own))));
        }
        let inner = self.inner.schema(name)?;
        match *name == self.own.home.1 {
            true => Some(Arc::new(InFront { inner, own: Arc::clone(&self.own) })),
            false => Some(inner),
        }
    }

    fn register_schema(
        &self,
        name: &str,
        schema: Arc<dyn SchemaProvider>,
    ) -> DataFusionResult<Option<Arc<dyn SchemaProvider>>> {
        match name {
            SCHEMA => plan_err!("schema '{SCHEMA}' is there already: it has the temporary tables"),
            _ => self.inner.register_schema(name, schema),
        }
    }

    fn deregister_schema(
        &self,
        name: &str,
        cascade: bool,
    ) -> DataFusionResult<Option<Arc<dyn SchemaProvider>>> {
        match name {
            SCHEMA => plan_err!("schema '{SCHEMA}' cannot be dropped; its tables can"),
            _ => self.inner.deregister_schema(name, cascade),
        }
    }
}

/// The schema of the session's own tables.
struct Own(Arc<OwnTables>);

impl fmt::Debug for Own {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Own")
    }
}

#[async_trait]
impl SchemaProvider for Own {
    fn table_names(&self) -> Vec<String> {
        self.0.tables.table_names()
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        self.0.tables.table(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.tables.table_exist(name)
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        match is_table(table.as_ref()) {
            true => self.0.tables.register_table(name, table),
            false => plan_err!(
                "'{name}' is no table in memory, and schema '{SCHEMA}' has no others: name another schema"
            ),
        }
    }

    fn deregister_table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        self.0.tables.deregister_table(name)
    }
}

/// The schema in which plain names are looked for, behind the session's own tables.
struct InFront {
    inner: Arc<dyn SchemaProvider>,
    own: Arc<OwnTables>,
}

impl fmt::Debug for InFront {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("InFront")
    }
}

#[async_trait]
impl SchemaProvider for InFront {
    fn table_names(&self) -> Vec<String> {
        let mut names = self.inner.table_names();
        names.retain(|name| !self.own.tables.table_exist(name));
        names
    }

    async fn table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        match self.own.tables.table(name).await? {
            Some(own) => Ok(Some(own)),
            None => self.inner.table(name).await,
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.own.tables.table_exist(name) || self.inner.table_exist(name)
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        self.inner.register_table(name, table)
    }

    /// Whoever takes one away to put another in its place means one that lasts.
    fn deregister_table(&self, name: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        match self.own.tables.table_exist(name) {
            true => plan_err!(
                "'{name}' is a temporary table of this session: DROP TABLE {name} first, or choose another name"
            ),
            false => self.inner.deregister_table(name),
        }
    }
}
