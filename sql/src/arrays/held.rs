//! Names for arrays, as long as the session lasts.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::execution::context::SessionContext;
use parking_lot::Mutex;

use super::Value;
use crate::parse::{Chain, Term};

/// The arrays of a session that have names.
#[derive(Debug, Default)]
pub(crate) struct HeldArrays(Mutex<HashMap<String, Value>>);

impl HeldArrays {
    fn on<T>(
        session: &SessionContext,
        does: impl FnOnce(&mut HashMap<String, Value>) -> T,
    ) -> Option<T> {
        let held = session.state_ref().read().config().get_extension::<Self>()?;
        Some(does(&mut held.0.lock()))
    }

    /// What has this name.
    pub(crate) fn get(session: &SessionContext, name: &str) -> Option<Value> {
        Self::on(session, |held| held.get(name).or_else(|| held.get(&name.to_lowercase())).cloned())
            .flatten()
    }

    /// What a chain says, where the name that it begins with is an array's.
    pub(crate) fn meant<'a>(session: &SessionContext, chain: &'a Chain) -> Option<&'a Term> {
        let term = chain.array.as_deref()?;
        Self::get(session, term.name()?).map(|_| term)
    }

    /// The same session, in which these names mean these values.
    pub(crate) fn beside(
        session: &SessionContext,
        values: impl Iterator<Item = (String, Value)>,
    ) -> SessionContext {
        let mut all = Self::on(session, |held| held.clone()).unwrap_or_default();
        all.extend(values);
        let mut state = session.state();
        state.config_mut().set_extension(Arc::new(Self(Mutex::new(all))));
        SessionContext::new_with_state(state)
    }

    /// Gives a name.
    pub(crate) fn set(session: &SessionContext, name: &str, value: Value) {
        Self::on(session, |held| held.insert(name.to_string(), value));
    }

    /// Takes a name back.
    pub(crate) fn remove(session: &SessionContext, name: &str) {
        Self::on(session, |held| held.remove(name));
    }
}
