//! Catalogs in front of which a session has tables of its own.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemorySchemaProvider, SchemaProvider, TableProvider,
};
use datafusion::common::{TableReference, plan_err};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;

use super::{SCHEMA, is_table};

/// The tables that a session has for itself, where its statements find them.
pub(super) struct OwnTables {
    pub(super) tables: MemorySchemaProvider,
    /// The catalog and the schema in which plain names are looked for.
    pub(super) home: (String, String),
    /// The catalogs without these tables.
    pub(super) beneath: Arc<dyn CatalogProviderList>,
}

impl OwnTables {
    fn is_empty(&self) -> bool {
        self.tables.table_names().is_empty()
    }

    /// Whether a name in a statement of the session means one of them.
    pub(super) fn has(&self, session: &SessionContext, table: &TableReference) -> bool {
        let options = session.state_ref().read().config_options().catalog.clone();
        let table = table.clone().resolve(&options.default_catalog, &options.default_schema);
        let here = *table.schema == *self.home.1 || *table.schema == *SCHEMA;
        *table.catalog == *self.home.0 && here && self.tables.table_exist(&table.table)
    }
}

/// The catalogs with the session's own tables.
pub(super) struct Catalogs(pub(super) Arc<OwnTables>);

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
    ) -> Result<Option<Arc<dyn SchemaProvider>>> {
        match name {
            SCHEMA => plan_err!("schema '{SCHEMA}' is there already: it has the temporary tables"),
            _ => self.inner.register_schema(name, schema),
        }
    }

    fn deregister_schema(
        &self,
        name: &str,
        cascade: bool,
    ) -> Result<Option<Arc<dyn SchemaProvider>>> {
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

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        self.0.tables.table(name).await
    }

    fn table_exist(&self, name: &str) -> bool {
        self.0.tables.table_exist(name)
    }

    fn register_table(
        &self,
        name: String,
        table: Arc<dyn TableProvider>,
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        match is_table(table.as_ref()) {
            true => self.0.tables.register_table(name, table),
            false => plan_err!(
                "'{name}' is no table in memory, and schema '{SCHEMA}' has no others: name another schema"
            ),
        }
    }

    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
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

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
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
    ) -> Result<Option<Arc<dyn TableProvider>>> {
        self.inner.register_table(name, table)
    }

    /// Whoever takes one away to put another in its place means one that lasts.
    fn deregister_table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        match self.own.tables.table_exist(name) {
            true => plan_err!(
                "'{name}' is a temporary table of this session: DROP TABLE {name} first, or choose another name"
            ),
            false => self.inner.deregister_table(name),
        }
    }
}
