//! A session as a caller has it. Names outside of the caller's schemas do not exist there, locations are fenced where
//! files are opened, and every plan is looked at.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::error::{DataFusionError, Result as DataFusionResult};
use datafusion::execution::context::SessionContext;
use strata_connectors::Locations;

use super::plans::Watched;
use crate::arrays::HeldArrays;
use crate::error::Error;
use crate::flight::caller::{Caller, Role};
use crate::temporary;

/// Who a session is for, where its statements find it.
pub(crate) struct ItsCaller(pub(crate) Arc<Caller>);

/// The caller that a session is for; none where it is nobody's in particular.
pub(crate) fn caller_of(session: &SessionContext) -> Option<Arc<Caller>> {
    let state = session.state_ref();
    let its = state.read().config().get_extension::<ItsCaller>();
    its.map(|its| Arc::clone(&its.0))
}

pub(crate) fn session(caller: &Arc<Caller>, all: &SessionContext) -> Result<SessionContext, Error> {
    if caller.role == Role::Admin {
        return temporary::session(all, &Locations::everywhere(), |all| all);
    }
    let locations = match caller.role {
        Role::Reader => caller.allowed.locations.clone().read_only(),
        _ => caller.allowed.locations.clone(),
    };
    let options = all.state().config().options().catalog.clone();
    let home = (options.default_catalog, options.default_schema);
    let sees_home = caller.may_see(&home.0, &home.1);
    let seen = |inner| {
        let caller = Arc::clone(caller);
        Arc::new(SeenCatalogs { inner, caller, home }) as Arc<dyn CatalogProviderList>
    };
    let session = temporary::session(all, &locations, seen)?;
    let state = session.state_ref();
    {
        let mut state = state.write();
        state.add_analyzer_rule(Arc::new(Watched(Arc::clone(caller))));
        let config = state.config_mut();
        config.set_extension(Arc::new(ItsCaller(Arc::clone(caller))));
        if !sees_home {
            // Names of arrays stand in the schema that is everybody's.
            config.set_extension(Arc::new(HeldArrays::default()));
        }
    }
    Ok(session)
}

/// Catalogs with those schemas that a caller may see.
struct SeenCatalogs {
    inner: Arc<dyn CatalogProviderList>,
    caller: Arc<Caller>,
    /// The catalog and the schema in which paths are looked for.
    home: (String, String),
}

impl fmt::Debug for SeenCatalogs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeenCatalogs({})", self.caller.name)
    }
}

impl CatalogProviderList for SeenCatalogs {
    fn register_catalog(
        &self,
        _: String,
        _: Arc<dyn CatalogProvider>,
    ) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        let some =
            |name: &String| self.catalog(name).is_some_and(|own| !own.schema_names().is_empty());
        self.inner.catalog_names().into_iter().filter(some).collect()
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let inner = self.inner.catalog(name)?;
        let home = (name == self.home.0).then(|| self.home.1.clone());
        let (caller, name) = (Arc::clone(&self.caller), name.to_string());
        Some(Arc::new(SeenCatalog { inner, caller, name, home }))
    }
}

struct SeenCatalog {
    inner: Arc<dyn CatalogProvider>,
    caller: Arc<Caller>,
    name: String,
    home: Option<String>,
}

impl fmt::Debug for SeenCatalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SeenCatalog({})", self.name)
    }
}

impl CatalogProvider for SeenCatalog {
    fn schema_names(&self) -> Vec<String> {
        let mut names = self.inner.schema_names();
        names.retain(|schema| self.caller.may_see(&self.name, schema));
        names
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        if self.caller.may_see(&self.name, name) {
            return self.inner.schema(name);
        }
        (self.home.as_deref() == Some(name)).then(|| Arc::new(NoTables) as _)
    }

    fn register_schema(
        &self,
        name: &str,
        schema: Arc<dyn SchemaProvider>,
    ) -> DataFusionResult<Option<Arc<dyn SchemaProvider>>> {
        match self.caller.may_see(&self.name, name) {
            true => self.inner.register_schema(name, schema),
            false => Err(hidden()),
        }
    }

    fn deregister_schema(
        &self,
        name: &str,
        cascade: bool,
    ) -> DataFusionResult<Option<Arc<dyn SchemaProvider>>> {
        match self.caller.may_see(&self.name, name) {
            true => self.inner.deregister_schema(name, cascade),
            false => Err(hidden()),
        }
    }
}

fn hidden() -> DataFusionError {
    DataFusionError::Plan("this schema is not allowed to you".to_string())
}

/// Stands where paths are looked for, in the place of a schema that is not to be seen.
#[derive(Debug)]
struct NoTables;

#[async_trait]
impl SchemaProvider for NoTables {
    fn table_names(&self) -> Vec<String> {
        Vec::new()
    }

    async fn table(&self, _: &str) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        Ok(None)
    }

    fn table_exist(&self, _: &str) -> bool {
        false
    }

    fn register_table(
        &self,
        _: String,
        _: Arc<dyn TableProvider>,
    ) -> DataFusionResult<Option<Arc<dyn TableProvider>>> {
        Err(hidden())
    }
}

#[cfg(test)]
mod tests;
