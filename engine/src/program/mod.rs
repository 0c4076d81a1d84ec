//! Chunk programs: what computes one box of an array. A program is an expression without barriers: what
//! it reads and what it is handed in are its leaves. A box of the result tells which boxes of the leaves
//! it is made of; those are read, and then the values are computed, functions of values at the same
//! place tile by tile, so that what passes between them stays in cache.
//!
//! ```text
//! box of the result ──▶ boxes to read (wants.rs) ──▶ read ──▶ values (evaluate.rs), tiles (fused.rs)
//! ```

mod correlate;
mod evaluate;
mod fourier;
mod fused;
mod known;
mod leaves;
mod matrices;
mod overlap;
mod packed;
mod pieces;
mod records;
mod wants;

use std::collections::{HashMap, HashSet};
use std::ops::Range;
use std::sync::Arc;

use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::array::{ArrayError, ArraySource, Region, Tensor, shape_of};
use crate::kernels::Folded;
use crate::lazy::{Array, Op, Scalar};
use crate::optimize::{ArrayRule, Without};
use evaluate::Evaluation;
use fused::Fused;
use known::Seen;
pub(crate) use leaves::one;
use pieces::Piecewise;

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
    /// What is compared, as it is read: by the number of the read.
    noted: HashMap<usize, Arc<dyn ArraySource>>,
    /// Whether one thing is read, and rows of the result are made of rows of that.
    takes_rows: bool,
}

/// What was read for one box: by the step that reads it, and the box. One value stands for a box whose values make no
/// difference.
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
        let takes_rows = without.has(ArrayRule::ReadPieces) && pieces::takes_rows(&root);
        let (reads, fused, noted) = (Vec::new(), HashMap::new(), HashMap::new());
        let mut program = Self { root: root.clone(), reads, fused, without, noted, takes_rows };
        program.prepare(&root)?;
        if program.without.has(ArrayRule::SettleChunks) {
            program.note(&known::asked_of(&root));
        }
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
        let mut seen = HashSet::new();
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

    /// Remembers what is seen of these reads.
    fn note(&mut self, asked: &HashSet<usize>) {
        for (number, read) in self.reads.iter().enumerate() {
            if let Op::Read(source) = read.op()
                && asked.contains(&read.id())
            {
                let source = source.noting().unwrap_or_else(|| Arc::clone(source));
                self.noted.insert(number, source);
            }
        }
    }

    /// The bytes that computing a box takes at most: what is read for it, what passes through, and the box,
    /// unless it is taken in tile by tile. Of some reads, by their numbers, boxes are there already.
    pub(crate) fn holds(&self, region: &[Range<u64>], folds: bool, had: &[usize]) -> u64 {
        if folds
            && had.is_empty()
            && let Some(piecewise) = self.piecewise(region)
        {
            let slab = piecewise.slab(region);
            return wants::bytes(self, &slab, folds).saturating_add(piecewise.beside);
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
        for want in &mut wants {
            if let Some(noted) = self.noted.get(&want.read) {
                want.source = Arc::clone(noted);
            }
        }
        if self.noted.is_empty() {
            return read_all(wants, have).boxed();
        }
        let (root, region) = (self.root.clone(), region.to_vec());
        let asked = wants.iter().filter(|want| self.noted.contains_key(&want.read));
        let asked: Vec<_> =
            asked.map(|want| (want.key.clone(), Arc::clone(&want.source))).collect();
        async move {
            let seen = seen_of(asked).await;
            let (wants, have) = match seen.is_empty() {
                true => (wants, have),
                false => settled(&root, &region, &seen, wants, have)?,
            };
            read_all(wants, have).await
        }
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
            && let Some(piecewise) = self.piecewise(region)
        {
            let Some(noted) = self.noted.get(&piecewise.want.read) else {
                return self.fold_pieces(piecewise, region, given, into).await;
            };
            // What was seen of it before may be enough.
            let want = Want { source: Arc::clone(noted), ..piecewise.want };
            let seen = seen_of(vec![(want.key.clone(), Arc::clone(noted))]).await;
            let (mut left, loaded) = settled(&self.root, region, &seen, vec![want], have)?;
            return match left.pop() {
                None => Evaluation::new(self, loaded, given).fold(region, into, 0),
                Some(want) => {
                    let piecewise = Piecewise { want, ..piecewise };
                    self.fold_pieces(piecewise, region, given, into).await
                }
            };
        }
        let loaded = self.load(region, have).await?;
        Evaluation::new(self, loaded, given).fold(region, into, 0)
    }
}

/// What boxes were seen to lie between.
async fn seen_of(asked: Vec<((usize, Region), Arc<dyn ArraySource>)>) -> Seen {
    let found = asked.into_iter().map(|(key, source)| {
        async move {
            let extent = source.extent(&key.1).await?;
            Some((key, extent))
        }
        .boxed()
    });
    let found = futures::stream::iter(found.collect::<Vec<_>>()).buffer_unordered(READS);
    found.filter_map(|found| async move { found }).collect().await
}

/// What is left to be read, after what was seen before: one value stands for each of the others.
fn settled(
    root: &Array,
    region: &[Range<u64>],
    seen: &Seen,
    wants: Vec<Want>,
    mut have: Loaded,
) -> Result<(Vec<Want>, Loaded)> {
    let needed = known::needed(root, region, seen);
    let (left, others): (Vec<Want>, Vec<Want>) =
        wants.into_iter().partition(|want| needed.contains(&want.key));
    for want in others {
        let dtype = want.source.form().dtype;
        let some = match seen.get(&want.key) {
            Some(extent) => extent.some(dtype.kind()),
            None => one(Scalar::Float(0.0), dtype.kind()),
        };
        let shape = vec![1; want.region().len()];
        have.insert(want.key, Tensor::from_block(dtype, shape, some)?);
    }
    Ok((left, have))
}

/// Reads boxes, some at a time.
async fn read_all(wants: Vec<Want>, have: Loaded) -> Result<Loaded> {
    let reads = wants.into_iter().map(|Want { key, source, .. }| {
        async move {
            let region = &key.1;
            let values = source.read(region).await?;
            if values.shape() != shape_of(region) || values.dtype() != source.form().dtype {
                let shape = values.shape();
                let reason = format!("gave values of shape {shape:?} where {region:?} was asked");
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
        .await
}
