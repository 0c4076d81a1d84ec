//! What a case is.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use clap::ValueEnum;
use datafusion::prelude::SessionContext;
use futures::FutureExt;
use futures::future::BoxFuture;
use strata_connectors::zarr::{Opened, variables};
use strata_engine::Array;

use super::Result;
use super::store::Store;

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Scale {
    /// As the figures are named.
    Full,
    /// A few seconds for everything: whether it works, not how fast it is.
    Small,
    /// What warms a process up.
    #[value(skip)]
    Tiny,
}

impl Scale {
    /// One of three.
    pub(super) fn of<T>(self, full: T, small: T, tiny: T) -> T {
        match self {
            Self::Full => full,
            Self::Small => small,
            Self::Tiny => tiny,
        }
    }

    pub(super) fn name(self) -> &'static str {
        self.of("full", "small", "tiny")
    }
}

/// What a case is measured beside, written out by hand.
pub(super) type ByHand = fn(Work) -> BoxFuture<'static, Result<Timed>>;

/// A comparison.
pub(super) struct Case {
    /// As in `A1`.
    pub(super) name: &'static str,
    pub(super) what: &'static str,
    /// The file in `peers/arrays`.
    pub(super) file: &'static str,
    /// Who else does it: functions of that file, and `loop`, which is ours.
    pub(super) peers: &'static [&'static str],
    pub(super) at_most: AtMost,
    /// What it reads, if that lies in a store.
    pub(super) store: Option<Store>,
    /// How often a process does it, of which the median is taken.
    pub(super) repeats: usize,
    /// That it takes many minutes: it is run only where it is named, and has ten times as long.
    pub(super) long: bool,
    /// The `memory.limit` of our session, which peers do not have.
    pub(super) memory: Option<&'static str>,
    /// So many units of the work (chunks, say) a run has, for us and for peers, where time is told for one.
    pub(super) units: Option<Units>,
    /// The bytes of the objects that hold what is asked for, where those that are read are compared with them.
    pub(super) holding: Option<fn(&Work) -> Result<u64>>,
    pub(super) ours: fn(Work) -> BoxFuture<'static, Result<Timed>>,
    /// The peer `loop`.
    pub(super) by_hand: Option<ByHand>,
}

impl Case {
    /// What most are alike in.
    pub(super) const PLAIN: Self = Self {
        name: "",
        what: "",
        file: "",
        peers: &[],
        at_most: AtMost::NOTHING,
        store: None,
        repeats: 1,
        long: false,
        memory: None,
        units: None,
        holding: None,
        ours: |_| async { Err("this case does nothing".into()) }.boxed(),
        by_hand: None,
    };
}

/// What a case is not to exceed.
#[derive(Debug, Clone, Copy)]
pub(super) struct AtMost {
    /// The first peer's time, times this.
    pub(super) time: Option<f64>,
    /// The first peer's memory, times this.
    pub(super) memory: Option<f64>,
    /// Seconds, of a unit where there are some.
    pub(super) seconds: Option<f64>,
    /// Bytes of the process's peak, whatever peers have.
    pub(super) peak: Option<u64>,
    /// The bytes that hold what is asked for, times this, are read.
    pub(super) read: Option<f64>,
    /// The bytes that the first peer's values take in memory, times this.
    pub(super) held: Option<f64>,
}

impl AtMost {
    /// Nothing is asked.
    pub(super) const NOTHING: Self =
        Self { time: None, memory: None, seconds: None, peak: None, read: None, held: None };
}

/// A work whose time is told by the piece, so that peers may be given less of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Units {
    pub(super) name: &'static str,
    pub(super) ours: fn(Scale) -> u64,
    pub(super) peers: fn(Scale) -> u64,
}

/// Does the work, and gives a number that tells whether the answer is right.
pub(super) type Timed = Box<dyn Fn() -> BoxFuture<'static, Result<f64>> + Send>;

/// Does `once` to what has been made ready, each time anew.
pub(super) fn timed<T, F>(ready: T, once: fn(T) -> F) -> Timed
where
    T: Clone + Send + 'static,
    F: Future<Output = Result<f64>> + Send + 'static,
{
    Box::new(move || once(ready.clone()).boxed())
}

/// The same, of work that needs nothing made ready.
pub(super) fn all_timed<F>(work: Work, once: fn(Work) -> F) -> BoxFuture<'static, Result<Timed>>
where
    F: Future<Output = Result<f64>> + Send + 'static,
{
    async move { Ok(timed(work, once)) }.boxed()
}

/// What a run is given.
#[derive(Clone)]
pub(super) struct Work {
    pub(super) session: SessionContext,
    pub(super) scale: Scale,
    /// The store that the case reads, if it does.
    pub(super) store: PathBuf,
    /// A store to write, which is not there.
    pub(super) out: PathBuf,
    pub(super) threads: usize,
    /// The bytes that the values take that are kept in memory, once a case tells.
    pub(super) held: Arc<OnceLock<u64>>,
}

impl Work {
    /// What lies in the store.
    pub(super) async fn open(&self) -> Result<Array> {
        match variables(&self.session, &self.store.display().to_string()).await? {
            Opened::Array(array) => Ok(array.array),
            Opened::Group(_) => Err(format!("{} is no array", self.store.display()).into()),
        }
    }

    /// The sum of an answer, which tells whether it is right.
    pub(super) async fn sum(&self, answer: &Array) -> Result<f64> {
        let values = answer.compute(&self.session).await?;
        Ok(total(&values))
    }
}

/// The sum of all values.
pub(super) fn total(values: &strata_engine::Tensor) -> f64 {
    use strata_engine::Slice;
    match values.values() {
        Slice::F32(values) => values.iter().map(|value| f64::from(*value)).sum(),
        Slice::F64(values) => values.iter().sum(),
        _ => f64::NAN,
    }
}
