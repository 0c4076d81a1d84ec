//! The chunks of an array, computed and handed to whoever writes them.

use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::{StreamExt, TryStreamExt};
use strata_engine::{Array, ArrayError, ByteSize, EngineError, Region, Tensor, cells};

/// So many chunks are written at once, where there is the memory for them.
const AT_ONCE: usize = 4;

/// Computes the chunks of an array and writes each, which takes so many bytes `beside` its values.
pub(crate) async fn each_chunk<Written>(
    session: &SessionContext,
    array: &Array,
    beside: u64,
    write: impl Fn(Region, Tensor) -> Written,
) -> Result<(), EngineError>
where
    Written: Future<Output = Result<(), ArrayError>> + Send + 'static,
{
    if cells(&array.shape()) == Some(0) {
        return Ok(());
    }
    let (at_once, held) = reserve(session, array, beside)?;
    let chunks = array.chunks(session).await?;
    // Each is packed by a task of its own, which ends with this.
    let written = chunks.map(|chunk| {
        let writing = chunk.map(|(region, values)| SpawnedTask::spawn(write(region, values)));
        async {
            let written = writing?.join().await;
            Ok::<_, EngineError>(written.map_err(|error| ArrayError::asked(error.to_string()))??)
        }
    });
    written.buffer_unordered(at_once).try_collect::<()>().await?;
    drop(held);
    Ok(())
}

/// Memory for as many chunks as there is some for.
fn reserve(
    session: &SessionContext,
    array: &Array,
    beside: u64,
) -> Result<(usize, MemoryReservation), EngineError> {
    let cells = array.grid().largest().unwrap_or(u64::MAX);
    let one = cells.saturating_mul(array.dtype().width() as u64).saturating_add(beside);
    let one = usize::try_from(one).unwrap_or(usize::MAX);
    let held = MemoryConsumer::new("writing chunks").register(&session.runtime_env().memory_pool);
    let fits = |at_once: &usize| held.try_grow(one.saturating_mul(*at_once)).is_ok();
    match [AT_ONCE, AT_ONCE / 2, 1].into_iter().find(fits) {
        Some(at_once) => Ok((at_once, held)),
        None => Err(ArrayError::asked(format!(
            "writing a chunk of {} of {} takes {}, which does not fit: write smaller chunks, or raise \
             memory.limit",
            array.grid(),
            array.dtype(),
            ByteSize(one as u64)
        ))
        .into()),
    }
}
