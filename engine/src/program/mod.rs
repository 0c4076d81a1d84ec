//! Chunk programs: what computes one box of an array. A program is an expression without barriers: what
//! it reads and what it is handed in are its leaves. A box of the result tells which boxes of the leaves
//! it is made of; those are read, and then the values are computed, functions of values at the same
//! place tile by tile, so that what passes between them stays in cache.
//!
//! ```text
//! box of the result ──▶ boxes to read (wants.rs) ──▶ read ──▶ values (evaluate.rs), tiles (fused.rs)
//! ```

mod evaluate;
mod fourier;
mod fused;
mod leaves;
mod matrices;
mod overlap;
mod packed;
mod pieces;
mod records;
mod wants;

use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::array::{ArrayError, ArraySource, Region, Tensor, shape_of};
use crate::kernels::Folded;
use crate::lazy::{Array, Op};
use crate::optimize::{ArrayRule, Without};
use evaluate::Evaluation;
use fused::Fused;

type Result<T, E = ArrayError> = std::result::Result<T, E>;

/// So many boxes are read at once for one chunk.
const READS: usize = 8;

/// An expression, ready to be computed box by box.
#[derive(Debug)]
pub(crate) struct Program {
    root: Array,
    /// The steps that read, in an order that is the same wherever the expression is prepared.
    reads: Vec<Array>,
    /// The functions of values at the same place that are computed in one go, by their last step.
    fused: HashMap<usize, Fused>,
    /// Rules that it is prepared without.
    without: Without,
    /// The only thing that is read, where a value of the result is made of the one at its place there.
    only: Option<Array>,
}

/// What was read for one box: by the step that reads it, and the box.
pub(crate) type Loaded = HashMap<(usize, Region), Tensor>;

/// A box that is to be read.
#[derive(Debug)]
pub(crate) struct Want {
    /// Which of the steps that read.
    pub(crate) read: usize,
    /// The step, and the box.
    pub(crate) key: (usize, Region),
    pub(crate) source: Arc<dyn ArraySource>,
}

impl Want {
    /// The box.
    pub(crate) fn region(&self) -> &Region {
        &self.key.1
    }

    /// The bytes of the box.
    pub(crate) fn bytes(&self) -> u64 {
        wants::bytes_of(self.source.form().dtype, self.region())
    }
}

impl Program {
    /// Prepares an expression.
    pub(crate) fn new(root: Array, without: Without) -> Result<Self> {
        let only = match without.has(ArrayRule::ReadPieces) {
            true => pieces::only_read(&root),
            false => None,
        };
        let mut program =
            Self { root: root.clone(), reads: Vec::new(), fused: HashMap::new(), without, only };
        program.prepare(&root)?;
        Ok(program)
    }

    /// The rules that it was prepared without.
    pub(crate) fn without(&self) -> &Without {
        &self.without
    }

    /// The expression.
    pub(crate) fn root(&self) -> &Array {
        &self.root
    }

    /// The steps that read.
    pub(crate) fn reads(&self) -> &[Array] {
        &self.reads
    }

    /// How many times values of a box are gone through, with what comes of them in memory in between.
    pub(crate) fn loops(&self) -> usize {
        self.fused.len()
    }

    /// Whether a box that is brought to something is read piece by piece.
    pub(crate) fn reads_in_pieces(&self, region: &[Range<u64>]) -> bool {
        self.piecewise(region).is_some()
    }

    /// The bytes that are kept of what it reads, at most.
    pub(crate) fn keeps(&self) -> u64 {
        let keeps = self.reads.iter().map(|read| match read.op() {
            Op::Read(source) => source.keeps(),
            _ => 0,
        });
        keeps.max().unwrap_or(0)
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
            if matches!(array.op(), Op::Read(_)) {
                self.reads.push(array.clone());
            }
            if array.is_elementwise() {
                let fused = Fused::of(&array, self.without.has(ArrayRule::FuseSteps))?;
                left.extend(fused.leaves().iter().cloned());
                self.fused.insert(array.id(), fused);
            } else {
                left.extend(array.inputs().iter().cloned());
            }
        }
        Ok(())
    }

    /// The bytes that computing a box takes at most: what is read for it, what passes through, and the box,
    /// unless it is taken in tile by tile. Of some reads, by their numbers, boxes are there already.
    pub(crate) fn holds(&self, region: &[Range<u64>], folds: bool, had: &[usize]) -> u64 {
        if folds
            && had.is_empty()
            && let Some((source, beside)) = self.piecewise(region)
        {
            let slab = pieces::slab(source, region);
            return wants::bytes(self, &slab, folds).saturating_add(beside);
        }
        let bytes = wants::bytes(self, region, folds);
        if self.reads.is_empty() {
            return bytes;
        }
        let wanted = self.wants(region).into_iter();
        let mut beside: Vec<u64> = wanted
            .filter(|want| !had.contains(&want.read))
            .map(|want| want.source.beside(want.region()))
            .collect();
        // No more are on their way at once.
        beside.sort_unstable_by_key(|bytes| std::cmp::Reverse(*bytes));
        beside.iter().take(READS).fold(bytes, |bytes, more| bytes.saturating_add(*more))
    }

    /// What a box of the result is made of: boxes of what is read, always in the same order.
    pub(crate) fn wants(&self, region: &[Range<u64>]) -> Vec<Want> {
        wants::of(self, region)
    }

    /// Reads what a box of the result is made of, unless it is there already.
    pub(crate) fn load(
        &self,
        region: &[Range<u64>],
        have: Loaded,
    ) -> BoxFuture<'static, Result<Loaded>> {
        let mut wants = self.wants(region);
        wants.retain(|want| !have.contains_key(&want.key));
        let reads = wants.into_iter().map(|Want { key, source, .. }| {
            async move {
                let region = &key.1;
                let values = source.read(region).await?;
                if values.shape() != shape_of(region) || values.dtype() != source.form().dtype {
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
            .try_fold(have, |mut all, (key, values)| async move {
                all.insert(key, values);
                Ok(all)
            })
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

    /// Takes the values of a box into what many are brought to one in. Some may have been read.
    pub(crate) async fn fold(
        &self,
        region: &[Range<u64>],
        have: Loaded,
        given: &[Tensor],
        into: &mut Folded,
    ) -> Result<()> {
        if have.is_empty()
            && let Some((source, _)) = self.piecewise(region)
        {
            return self.fold_pieces(source, region, given, into).await;
        }
        let loaded = self.load(region, have).await?;
        Evaluation::new(self, loaded, given).fold(region, into, 0)
    }
}
