//! Names for arrays, as long as the session lasts.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::datasource::TableProvider;
use datafusion::execution::context::SessionContext;
use parking_lot::Mutex;

use super::Value;
use crate::flight::locks;
use crate::parse::{Chain, Term};
use crate::statements::bare;
use crate::temporary;

/// The arrays of a session that have names.
#[derive(Debug, Default)]
pub(crate) struct HeldArrays(Mutex<HashMap<String, Held>>);

/// What has a name.
#[derive(Debug, Clone)]
struct Held {
    value: Value,
    /// The table of its cells: the name is the array's as long as it is that table's.
    table: Option<Arc<dyn TableProvider>>,
    /// Whether it stands for the indices along a dimension of that name.
    is_places: bool,
}

impl HeldArrays {
    fn on<T>(
        session: &SessionContext,
        does: impl FnOnce(&mut HashMap<String, Held>) -> T,
    ) -> Option<T> {
        let held = session.state_ref().read().config().get_extension::<Self>()?;
        Some(does(&mut held.0.lock()))
    }

    async fn find(session: &SessionContext, name: &str) -> Option<Held> {
        let lower = name.to_lowercase();
        let (name, found) = Self::on(session, |held| {
            [name, &lower].into_iter().find_map(|name| Some((name, held.get(name)?.clone())))
        })??;
        if !locks::caller_of(session).is_none_or(|caller| found.value.is_allowed(&caller)) {
            return None;
        }
        let Some(table) = &found.table else { return Some(found) };
        let there = session.table_provider(bare(name)).await;
        match there {
            Ok(there) if Arc::ptr_eq(&there, table) => Some(found),
            // It is hidden from this session only.
            Ok(there) if temporary::is_table(there.as_ref()) => None,
            // SQL gave the name to something else, or took it.
            _ => {
                Self::remove(session, name);
                None
            }
        }
    }

    /// What has this name.
    pub(crate) async fn get(session: &SessionContext, name: &str) -> Option<Value> {
        Self::find(session, name).await.map(|held| held.value)
    }

    /// Whether a name stands for itself where dimensions are named.
    pub(crate) async fn is_free(session: &SessionContext, name: &str) -> bool {
        Self::find(session, name).await.is_none_or(|held| held.is_places)
    }

    /// What a chain says, where the name that it begins with is an array's.
    pub(crate) async fn meant<'a>(session: &SessionContext, chain: &'a Chain) -> Option<&'a Term> {
        let term = chain.array.as_deref()?;
        let (name, part) = term.name()?;
        let held = Self::find(session, name).await?;
        // What is no table itself leaves the name to one that has it, and a part to the table of a schema.
        let is_there = |table: TableReference| session.table_exist(table).unwrap_or(false);
        let is_table = held.table.is_none() && is_there(bare(name))
            || part.is_some_and(|part| is_there(TableReference::partial(name, part)));
        (!is_table).then_some(term)
    }

    /// The same session, in which these names of dimensions stand for the indices along them.
    pub(crate) fn beside(
        session: &SessionContext,
        places: impl Iterator<Item = (String, Value)>,
    ) -> SessionContext {
        let mut all = Self::on(session, |held| held.clone()).unwrap_or_default();
        let held = |value| Held { value, table: None, is_places: true };
        all.extend(places.map(|(name, value)| (name, held(value))));
        let mut state = session.state();
        state.config_mut().set_extension(Arc::new(Self(Mutex::new(all))));
        SessionContext::new_with_state(state)
    }

    /// Gives a name, which a table of its cells may have, too.
    pub(crate) fn set(
        session: &SessionContext,
        name: &str,
        value: Value,
        table: Option<Arc<dyn TableProvider>>,
    ) {
        let held = Held { value, table, is_places: false };
        Self::on(session, |all| all.insert(name.to_string(), held));
    }

    /// Takes a name back.
    pub(crate) fn remove(session: &SessionContext, name: &str) {
        Self::on(session, |held| held.remove(name));
    }
}
