//! Names for arrays, as long as the session lasts.

use std::collections::HashMap;

use datafusion::execution::context::SessionContext;
use parking_lot::Mutex;

use super::Value;

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

    /// Gives a name.
    pub(crate) fn set(session: &SessionContext, name: &str, value: Value) {
        Self::on(session, |held| held.insert(name.to_string(), value));
    }

    /// Takes a name back.
    pub(crate) fn remove(session: &SessionContext, name: &str) {
        Self::on(session, |held| held.remove(name));
    }
}
