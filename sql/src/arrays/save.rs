//! `array.save('store.zarr')`: the end of a statement, which computes and writes.

use datafusion::execution::context::SessionContext;
use strata_connectors::zarr::{Existing, Saved};
use strata_engine::{ByteSize, counted};

use super::Value;
use super::bind::{bind, bind_arguments};
use crate::error::{Error, Result};
use crate::parse::{Term, What};

/// Saves, if that is what the term asks for; says what was written.
pub(crate) async fn save(session: &SessionContext, term: &Term) -> Result<Option<String>> {
    let What::Verb(on, verb, arguments) = &term.what else { return Ok(None) };
    if !verb.eq_ignore_ascii_case("save") {
        return Ok(None);
    }
    let about = |error: Error| error.about("save").at(term.at);
    let array = bind(session, on).await?.array().map_err(about)?;
    let mut with = bind_arguments(session, arguments, true).await.map_err(about)?;
    let overwrite = with.flag("overwrite").map_err(about)?;
    with.done(&["overwrite"]).map_err(about)?;
    let [Value::Text(path)] = &with.plain[..] else {
        return Err(about(Error::text("it takes the folder of a new store"))
            .hint("write save('anomaly.zarr'), or save('anomaly.zarr', overwrite => true)"));
    };
    let existing = if overwrite { Existing::Overwrite } else { Existing::Refuse };
    let saved = strata_connectors::zarr::save(session, &array, path, existing).await;
    let Saved { chunks, bytes } = saved.map_err(|error| about(error.into()))?;
    let chunks = counted(chunks, "chunk");
    Ok(Some(format!("{path}: {chunks}, {} of values", ByteSize(bytes))))
}
