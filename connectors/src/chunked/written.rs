//! The chunks of an array, computed and handed to whoever writes them.

use datafusion::common::runtime::SpawnedTask;
use datafusion::execution::context::SessionContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use futures::{StreamExt, TryStreamExt};
use strata_engine::{Array, ArrayError, ByteSize, EngineError, Planned, Region, Tensor, cells};

/// So many chunks are written at once, where there is the memory for them.
const AT_ONCE: usize = 4;

/// The chunks of an array, which are planned for whoever writes them. What cannot fit is refused by then: before
/// anything is written.
pub(crate) struct Chunks {
    planned: Option<Planned>,
    /// Bytes that writing one takes.
    one: usize,
    /// The array, for those who are told that it does not fit.
    shown: String,
}

impl Chunks {
    /// Plans the chunks of an array, each of which takes so many bytes `beside` its values when it is written.
    pub(crate) async fn of(
        session: &SessionContext,
        array: &Array,
        beside: u64,
    ) -> Result<Self, EngineError> {
        let cells_of_one = array.grid().largest().unwrap_or(u64::MAX);
        let one = cells_of_one.saturating_mul(array.dtype().width() as u64).saturating_add(beside);
        let planned = match cells(&array.shape()) {
            Some(0) => None,
            _ => Some(array.planned_for(session, "writing a chunk", one, AT_ONCE).await?),
        };
        let shown = format!("{} of {}", array.grid(), array.dtype());
        Ok(Self { planned, one: usize::try_from(one).unwrap_or(usize::MAX), shown })
    }

    /// Computes them and writes each.
    pub(crate) async fn each<Written>(
        self,
        session: &SessionContext,
        write: impl Fn(Region, Tensor) -> Written,
    ) -> Result<(), EngineError>
    where
        Written: Future<Output = Result<(), ArrayError>> + Send + 'static,
    {
        let (one, shown) = (self.one, self.shown);
        let Some(planned) = self.planned else { return Ok(()) };
        let (at_once, held) = reserve(session, one, planned.at_once(), &shown)?;
        // Each is packed by a task of its own, which ends with this.
        let written = planned.chunks()?.map(|chunk| {
            let writing = chunk.map(|(region, values)| SpawnedTask::spawn(write(region, values)));
            async {
                let written = writing?.join().await;
                let written = written.map_err(|error| ArrayError::asked(error.to_string()))?;
                Ok::<_, EngineError>(written?)
            }
        });
        written.buffer_unordered(at_once).try_collect::<()>().await?;
        drop(held);
        Ok(())
    }
}

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
    Chunks::of(session, array, beside).await?.each(session, write).await
}

/// Memory for as many chunks as there is some for.
fn reserve(
    session: &SessionContext,
    one: usize,
    most: usize,
    shown: &str,
) -> Result<(usize, MemoryReservation), EngineError> {
    let held = MemoryConsumer::new("writing chunks").register(&session.runtime_env().memory_pool);
    let fits = |at_once: &usize| held.try_grow(one.saturating_mul(*at_once)).is_ok();
    match [most, most / 2, 1].into_iter().filter(|at_once| *at_once > 0).find(fits) {
        Some(at_once) => Ok((at_once, held)),
        None => Err(ArrayError::asked(format!(
            "writing a chunk of {shown} takes {}, which does not fit: write smaller chunks, or raise \
             memory.limit",
            ByteSize(one as u64)
        ))
        .into()),
    }
}
