//! Chunk programs: what computes one box of an array. A program is an expression without barriers: what
//! it reads and what it is handed in are its leaves. A box of the result tells which boxes of the leaves
//! it is made of; those are read, and then the values are computed, functions of values at the same
//! place tile by tile, so that what passes between them stays in cache.
//!
//! ```text
//! box of the result ──▶ boxes to read (wants.rs) ──▶ read ──▶ values (evaluate.rs), tiles (fused.rs)
//! ```

mod evaluate;
mod fused;
mod leaves;
mod wants;

use std::collections::HashMap;
use std::ops::Range;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::array::{ArrayError, Region, Tensor, shape_of};
use crate::kernels::Folded;
use crate::lazy::{Array, Op, Step};
use evaluate::Evaluation;
use fused::Fused;

type Result<T, E = ArrayError> = std::result::Result<T, E>;

/// So many boxes are read at once for one chunk.
const READS: usize = 8;

/// An expression, ready to be computed box by box.
#[derive(Debug)]
pub(crate) struct Program {
    root: Array,
    /// The functions of values at the same place that are computed in one go, by their last step.
    fused: HashMap<usize, Fused>,
}

/// What was read for one box: by the step that reads it, and the box.
pub(crate) type Loaded = HashMap<(usize, Region), Tensor>;

impl Program {
    /// Prepares an expression.
    pub(crate) fn new(root: Array) -> Result<Self> {
        let mut program = Self { root: root.clone(), fused: HashMap::new() };
        program.prepare(&root)?;
        Ok(program)
    }

    /// The expression.
    pub(crate) fn root(&self) -> &Array {
        &self.root
    }

    fn prepare(&mut self, array: &Array) -> Result<()> {
        let mut left = vec![array.clone()];
        let mut seen = std::collections::HashSet::new();
        while let Some(array) = left.pop() {
            if !seen.insert(array.id()) {
                continue;
            }
            if array.op().is_barrier() {
                return Err(ArrayError::asked("a chunk program has no barriers within"));
            }
            if is_elementwise(&array) {
                let fused = Fused::of(&array)?;
                left.extend(fused.leaves().iter().cloned());
                self.fused.insert(array.id(), fused);
            } else {
                left.extend(array.inputs().iter().cloned());
            }
        }
        Ok(())
    }

    /// The bytes that computing a box takes at most: what is read for it, what passes through, and the box.
    pub(crate) fn holds(&self, region: &[Range<u64>]) -> u64 {
        wants::bytes(self, region)
    }

    /// Reads what a box of the result is made of.
    pub(crate) fn load(&self, region: &[Range<u64>]) -> BoxFuture<'static, Result<Loaded>> {
        let reads = wants::of(self, region).into_iter().map(|(key, (source, region, _))| {
            async move {
                let values = source.read(&region).await?;
                if values.shape() != shape_of(&region) || values.dtype() != source.form().dtype {
                    let shape = values.shape();
                    let reason =
                        format!("gave values of shape {shape:?} where {region:?} was asked");
                    return Err(ArrayError::Source { array: source.title(), reason });
                }
                Ok((key, values))
            }
            .boxed()
        });
        futures::stream::iter(reads.collect::<Vec<_>>())
            .buffer_unordered(READS)
            .try_collect()
            .boxed()
    }

    /// The values of a box, of what was read for it. `given` are the results of other plans, whole.
    pub(crate) fn values(
        &self,
        region: &[Range<u64>],
        loaded: Loaded,
        given: &[Tensor],
    ) -> Result<Tensor> {
        Evaluation::new(self, loaded, given).values(&self.root, region)
    }

    /// Takes the values of a box into what many are brought to one in.
    pub(crate) fn fold(
        &self,
        region: &[Range<u64>],
        loaded: Loaded,
        given: &[Tensor],
        into: &mut Folded,
    ) -> Result<()> {
        Evaluation::new(self, loaded, given).fold(region, into)
    }
}

/// Whether a step is a function of the values at the same place.
fn is_elementwise(array: &Array) -> bool {
    matches!(array.op(), Op::Step(Step::Unary(_) | Step::Binary(_) | Step::Select | Step::Cast(_)))
}
