//! Arrays that are not computed yet. An [`Array`] is an expression: what it is made of, and what it
//! looks like. Whatever can be known without reading a value is known at once: shape, type, chunks, and
//! what is wrong with what was asked.
//!
//! ```text
//! verbs, operators ──▶ Array: a graph of steps (op.rs) ──▶ optimize ──▶ plan of chunk programs ──▶ rows
//! ```

mod attributes;
mod broadcast;
mod calendar;
mod check;
mod complex;
mod deconvolve;
mod elementwise;
mod filters;
mod formula;
mod fourier;
mod groups;
mod index;
mod kernel;
mod labelled;
mod lanes;
mod make;
mod matrix;
mod op;
mod overlap;
mod packed;
mod pad;
mod picture;
mod places;
mod records;
mod reduce;
mod shape;
mod spans;
mod summarize;
mod times;
mod view;
mod wire;

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use datafusion::arrow::array::RecordBatch;
use datafusion::execution::memory_pool::MemoryReservation;

pub use attributes::Attributes;
pub use calendar::{DatePart, Period};
pub use index::Index;
pub use kernel::ChunkKernel;
pub use labelled::{Chosen, Labelled};
pub use make::cut_evenly;
pub use matrix::{Compressed, Norm};
pub use op::Scalar;
pub(crate) use op::{Op, Step};
pub use overlap::Boundary;
pub(crate) use overlap::Reach;
pub use pad::Pad;
pub use picture::ArrayFormat;
pub use places::Places;
pub use summarize::Bins;
pub(crate) use view::{Axis, View};
pub(crate) use wire::Finds;

use crate::array::{ArrayError, DType, Form, Grid, Kind, cells};

type Result<T, E = ArrayError> = std::result::Result<T, E>;

/// Steps upon steps: an expression that is deeper was made by a loop that should compute as it goes.
const DEEPEST: usize = 1_000;
/// The most dimensions an array has.
const MOST_DIMENSIONS: usize = 32;

/// An array that is not computed yet. Clones are the same array.
#[derive(Debug, Clone)]
pub struct Array(Arc<Node>, Attributes);

/// A step, and what it is done to.
#[derive(Debug)]
pub(crate) struct Node {
    pub op: Op,
    pub inputs: Vec<Array>,
    pub form: Form,
    depth: usize,
    /// Where what it came to stays, if it is to.
    memo: Option<Arc<Memo>>,
}

/// What an array came to, for whoever computes it the next time in this process.
#[derive(Debug, Default)]
pub(crate) struct Memo(OnceLock<(Vec<RecordBatch>, MemoryReservation)>);

impl Memo {
    /// Its chunks, if it was computed.
    pub(crate) fn rows(&self) -> Option<Vec<RecordBatch>> {
        self.0.get().map(|(rows, _)| rows.clone())
    }

    /// Keeps its chunks, whose memory is counted, as long as the array is there. Who comes later keeps the count.
    pub(crate) fn keep(
        &self,
        rows: Vec<RecordBatch>,
        counted: MemoryReservation,
    ) -> Option<MemoryReservation> {
        self.0.set((rows, counted)).err().map(|(_, counted)| counted)
    }
}

impl Array {
    /// A step that leads to an array of this form.
    pub(crate) fn new(op: Op, inputs: Vec<Self>, form: Form) -> Result<Self> {
        let shape = form.shape();
        if shape.len() > MOST_DIMENSIONS {
            return Err(ArrayError::asked(format!(
                "an array of {} dimensions: there may be {MOST_DIMENSIONS}",
                shape.len()
            )));
        }
        let bytes = cells(&shape).and_then(|cells| cells.checked_mul(form.dtype.width() as u64));
        if bytes.is_none_or(|bytes| bytes > i64::MAX as u64) || form.grid.chunks().is_none() {
            return Err(ArrayError::asked(format!(
                "an array of shape {shape:?} is larger than can be counted"
            )));
        }
        let depth = 1 + inputs.iter().map(|input| input.0.depth).max().unwrap_or(0);
        if depth > DEEPEST {
            return Err(ArrayError::asked(format!(
                "an array of more than {DEEPEST} steps upon steps: save what is there in between"
            )));
        }
        let attributes = Attributes::of_step(&op, &inputs);
        Ok(Self(Arc::new(Node { op, inputs, form, depth, memo: None }), attributes))
    }

    /// The same, which stays in memory once it was computed.
    pub(crate) fn remembered(self) -> Self {
        let node = match Arc::try_unwrap(self.0) {
            Ok(node) => Arc::new(Node { memo: Some(Arc::default()), ..node }),
            Err(shared) => shared,
        };
        Self(node, self.1)
    }

    /// Where what it came to stays, if it is to.
    pub(crate) fn memo(&self) -> Option<&Arc<Memo>> {
        self.0.memo.as_ref()
    }

    fn step(step: Step, inputs: Vec<Self>, form: Form) -> Result<Self> {
        Self::new(Op::Step(step), inputs, form)
    }

    /// The step that makes it.
    pub fn op(&self) -> &Op {
        &self.0.op
    }

    /// What the step is done to.
    pub fn inputs(&self) -> &[Self] {
        &self.0.inputs
    }

    /// The same step over other inputs, which look like its own.
    pub(crate) fn over(&self, inputs: Vec<Self>) -> Result<Self> {
        let same = inputs.iter().map(Self::id).eq(self.inputs().iter().map(Self::id));
        match same {
            true => Ok(self.clone()),
            false => {
                let made = Self::new(self.op().clone(), inputs, self.form().clone())?;
                // What its inputs are made of is written otherwise, and comes to the same.
                let node = match Arc::try_unwrap(made.0) {
                    Ok(node) => Arc::new(Node { memo: self.0.memo.clone(), ..node }),
                    Err(shared) => shared,
                };
                Ok(Self(node, self.1.clone()))
            }
        }
    }

    /// Whether it is read from where parts of chunks take longer than their bytes.
    pub(crate) fn is_stored(&self) -> bool {
        matches!(self.op(), Op::Read(source) if !source.reads_parts())
    }

    /// Whether it is a function of values at the same place.
    pub(crate) fn is_elementwise(&self) -> bool {
        let Op::Step(step) = self.op() else { return false };
        matches!(step, Step::Unary(_) | Step::Binary(_) | Step::Select | Step::Cast(_))
    }

    /// What it looks like.
    pub fn form(&self) -> &Form {
        &self.0.form
    }

    /// What its values are.
    pub fn dtype(&self) -> DType {
        self.0.form.dtype
    }

    /// How its values lie in memory.
    pub fn kind(&self) -> Kind {
        self.dtype().kind()
    }

    /// How many values there are along each dimension.
    pub fn shape(&self) -> Vec<u64> {
        self.0.form.shape()
    }

    /// How many dimensions it has.
    pub fn ndim(&self) -> usize {
        self.0.form.dims.len()
    }

    /// What its dimensions are called.
    pub fn dims(&self) -> &[Option<String>] {
        &self.0.form.dims
    }

    /// How it is cut.
    pub fn grid(&self) -> &Grid {
        &self.0.form.grid
    }

    /// Bytes of all its values.
    pub fn bytes(&self) -> u64 {
        cells(&self.shape()).unwrap_or(u64::MAX).saturating_mul(self.dtype().width() as u64)
    }

    /// An array that looks like this and is handed in.
    pub(crate) fn handed(&self, number: usize) -> Result<Self> {
        Self::new(Op::Given(number), Vec::new(), self.form().clone())
    }

    /// Fails unless what it is handed looks like what it asks for.
    pub(crate) fn takes(&self, given: &[Self]) -> Result<()> {
        let mut alike = true;
        self.each_step(|step| {
            if let Op::Given(number) = step.op() {
                alike &= given.get(*number).is_some_and(|given| {
                    given.shape() == step.shape() && given.dtype() == step.dtype()
                });
            }
            alike
        });
        match alike {
            true => Ok(()),
            false => Err(ArrayError::asked("an array is handed in that looks otherwise")),
        }
    }

    /// Calls with each step that leads to it, once, and goes on to what that is done to where it is told to.
    pub(crate) fn each_step(&self, mut each: impl FnMut(&Self) -> bool) {
        let mut seen = HashSet::new();
        let mut left = vec![self];
        while let Some(step) = left.pop() {
            if seen.insert(step.id()) && each(step) {
                left.extend(step.inputs());
            }
        }
    }

    /// The URLs of all that it is read from.
    pub fn locations(&self) -> Vec<String> {
        let mut found = Vec::new();
        self.each_step(|step| {
            if let Op::Read(source) = step.op() {
                found.extend(source.location());
            }
            true
        });
        found
    }

    /// Whether one of the steps that lead to it is like that. What is done before a step that is passed over is not
    /// looked at.
    pub(crate) fn has_step(
        &self,
        passes_over: impl Fn(&Self) -> bool,
        is_like: impl Fn(&Self) -> bool,
    ) -> bool {
        let mut found = false;
        self.each_step(|step| {
            let over = passes_over(step);
            found |= !over && is_like(step);
            !over && !found
        });
        found
    }

    /// Whether it is the very same expression, and not one that is written alike.
    pub fn same_as(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// Whether it is written like another, step by step, on the same content of the same sources: then it has the
    /// same values, and nobody needs to compute both.
    pub fn is_written_as(&self, other: &Self) -> bool {
        self.same_as(other)
            || matches!((self.to_wire(), other.to_wire()), (Ok(own), Ok(theirs)) if own == theirs)
    }

    /// What tells it from other arrays of this process.
    pub(crate) fn id(&self) -> usize {
        Arc::as_ptr(&self.0) as usize
    }

    /// The same with names for its dimensions.
    pub fn named(&self, dims: Vec<Option<String>>) -> Result<Self> {
        if dims.len() != self.ndim() {
            return Err(ArrayError::asked(format!(
                "{} names for the {} dimensions of an array of shape {:?}",
                dims.len(),
                self.ndim(),
                self.shape()
            )));
        }
        let named = dims.iter().flatten();
        if let Some(twice) =
            named.clone().find(|name| named.clone().filter(|n| n == name).count() > 1)
        {
            return Err(ArrayError::asked(format!("two dimensions called '{twice}'")));
        }
        let form = Form { dims, ..self.form().clone() };
        let named = Self::new(self.op().clone(), self.inputs().to_vec(), form)?;
        Ok(Self(named.0, self.1.clone()))
    }

    /// The same values, cut like this.
    pub fn rechunk(&self, grid: Grid) -> Result<Self> {
        if grid == *self.grid() {
            return Ok(self.clone());
        }
        if grid.shape() != self.shape() {
            return Err(ArrayError::asked(format!(
                "chunks for shape {:?} do not fit an array of shape {:?}",
                grid.shape(),
                self.shape()
            )));
        }
        let form = Form { grid, ..self.form().clone() };
        Self::step(Step::Rechunk, vec![self.clone()], form)
    }

    /// Which dimension has this number, counted from the end where it is negative.
    pub fn axis(&self, number: i64) -> Result<usize> {
        let dimensions = self.ndim() as i64;
        let from_start = if number < 0 { number + dimensions } else { number };
        usize::try_from(from_start).ok().filter(|axis| *axis < self.ndim()).ok_or_else(|| {
            ArrayError::asked(format!(
                "axis {number} is out of range for an array of {dimensions} dimensions"
            ))
        })
    }

    /// Which dimension has this name.
    pub fn axis_named(&self, name: &str) -> Result<usize> {
        let found = self.dims().iter().position(|dim| dim.as_deref() == Some(name));
        found.ok_or_else(|| {
            let names: Vec<&str> = self.dims().iter().flatten().map(String::as_str).collect();
            ArrayError::asked(match crate::nearest(name, names.iter().copied()) {
                Some(near) => format!("there is no dimension '{name}': did you mean '{near}'?"),
                None if names.is_empty() => {
                    format!("there is no dimension '{name}': these have no names; give a number")
                }
                None => format!("there is no dimension '{name}'; there are {}", names.join(", ")),
            })
        })
    }
}
