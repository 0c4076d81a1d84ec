//! Arrays that are made of nothing but a rule.

use std::sync::Arc;

use datafusion::execution::memory_pool::MemoryReservation;

use super::{Array, Op, Result, Scalar, Step};
use crate::array::{ArrayError, ArraySource, Cuts, DType, Form, Grid, Kind, Memory, Tensor, cells};
use crate::kernels::Distribution;

/// How many bytes a chunk has where nobody says how to cut.
pub(super) const CHUNK_BYTES: u64 = 16 << 20;

impl Array {
    /// What a source has.
    pub fn read(source: Arc<dyn ArraySource>) -> Result<Self> {
        let (mut form, title) = (source.form().clone(), source.title());
        // Of several dimensions of one name, the last has it.
        let dims = form.dims.iter().enumerate();
        let last = |(at, dim): (usize, &Option<String>)| {
            dim.clone().filter(|_| !form.dims.iter().skip(at + 1).any(|later| later == dim))
        };
        form.dims = dims.map(last).collect();
        Self::new(Op::Read(source), Vec::new(), form)
            .map_err(|error| ArrayError::Source { array: title, reason: error.to_string() })
    }

    /// Values in memory.
    pub fn of(values: Tensor) -> Result<Self> {
        let grid = cut_evenly(values.shape(), values.dtype());
        Self::read(Arc::new(Memory::new(values, grid)))
    }

    /// The same, of values whose memory is counted as long as the array is there.
    pub(crate) fn of_counted(values: Tensor, held: MemoryReservation) -> Result<Self> {
        let grid = cut_evenly(values.shape(), values.dtype());
        Self::read(Arc::new(Memory::new(values, grid).counted(held)))
    }

    /// One value everywhere.
    pub fn filled_with(value: Scalar, dtype: DType, grid: Grid) -> Result<Self> {
        let dims = vec![None; grid.0.len()];
        let value = value.into_kind(dtype.kind());
        Self::step(Step::Full(value), Vec::new(), Form { dtype, grid, dims })
    }

    /// `start`, `start + step`, … up to and without `stop`.
    pub fn arange(start: Scalar, stop: Scalar, step: Scalar) -> Result<Self> {
        let whole = |scalar: Scalar| match scalar {
            Scalar::Signed(value) => Some(i128::from(value)),
            Scalar::Unsigned(value) => Some(i128::from(value)),
            Scalar::Bool(value) => Some(i128::from(value)),
            Scalar::Float(_) => None,
        };
        let zero = || ArrayError::asked("the step of arange(…) is not 0");
        let (length, kind) = match (whole(start), whole(stop), whole(step)) {
            (Some(start), Some(stop), Some(step)) => {
                if step == 0 {
                    return Err(zero());
                }
                let (away, by) = ((stop - start) * step.signum(), step.abs());
                (((away + by - 1) / by).max(0) as u64, Kind::I64)
            }
            _ => {
                let (start, stop, step) = (start.as_f64(), stop.as_f64(), step.as_f64());
                let length = ((stop - start) / step).ceil();
                if step == 0.0 {
                    return Err(zero());
                }
                if !length.is_finite() {
                    return Err(ArrayError::asked("arange(…) takes finite numbers"));
                }
                (length.max(0.0) as u64, Kind::F64)
            }
        };
        Self::steps(start.into_kind(kind), step.into_kind(kind), kind, length)
    }

    /// So many numbers from `start` to `stop`, evenly apart.
    pub fn linspace(start: f64, stop: f64, count: u64) -> Result<Self> {
        let step = if count > 1 { (stop - start) / (count - 1) as f64 } else { 0.0 };
        Self::steps(Scalar::Float(start), Scalar::Float(step), Kind::F64, count)
    }

    fn steps(start: Scalar, step: Scalar, kind: Kind, length: u64) -> Result<Self> {
        let dtype = kind.into();
        let form = Form { dtype, grid: cut_evenly(&[length], dtype), dims: vec![None] };
        Self::step(Step::Steps { start, step }, Vec::new(), form)
    }

    /// Chance. The same seed gives the same values, however they are cut.
    pub fn random(distribution: Distribution, seed: u64, kind: Kind, grid: Grid) -> Result<Self> {
        distribution.check(kind).map_err(ArrayError::asked)?;
        let form = Form { dtype: kind.into(), dims: vec![None; grid.0.len()], grid };
        Self::step(Step::Random { distribution, seed }, Vec::new(), form)
    }

    /// What a function makes of the place of each cell, by its index along each dimension. It is called once,
    /// with [all of them](Self::places).
    pub fn from_function(
        grid: Grid,
        function: impl FnOnce(&[Self]) -> Result<Self>,
    ) -> Result<Self> {
        let dims = vec![None; grid.0.len()];
        function(&Self::places(&grid, &dims)?)?.broadcast_to(&grid.shape())?.rechunk(grid)
    }

    /// The indices along each dimension of a grid: an array for each, 1 long along all others.
    pub fn places(grid: &Grid, dims: &[Option<String>]) -> Result<Vec<Self>> {
        let along = |(axis, cuts): (usize, &Cuts)| {
            let (zero, one) = (Scalar::Signed(0), Scalar::Signed(1));
            let places = Self::steps(zero, one, Kind::I64, cuts.length())?;
            let places = places.rechunk(Grid(vec![cuts.clone()]))?;
            let mut shown = vec![super::Index::New; grid.0.len()];
            if let Some(own) = shown.get_mut(axis) {
                *own = super::Index::ALL;
            }
            places.index(&shown)?.named(dims.to_vec())
        };
        grid.0.iter().enumerate().map(along).collect()
    }

    /// Ones on a diagonal, zeros elsewhere.
    pub fn eye(rows: u64, columns: u64, diagonal: i64, dtype: DType) -> Result<Self> {
        use crate::kernels::Binary;
        let places = |count: u64| {
            Self::arange(Scalar::Signed(0), Scalar::Unsigned(count), Scalar::Signed(1))
        };
        let rows = places(rows)?.index(&[super::Index::ALL, super::Index::New])?;
        let columns = places(columns)?;
        let shifted = rows.binary_with(Binary::Add, Scalar::Signed(diagonal), false)?;
        let ones = shifted.binary(Binary::Eq, &columns)?.cast(dtype)?;
        let grid = cut_evenly(&ones.shape(), dtype);
        ones.rechunk(grid)
    }
}

/// Chunks of about 16 MiB, as many rows of the last dimensions as fit.
pub fn cut_evenly(shape: &[u64], dtype: DType) -> Grid {
    let mut room = (CHUNK_BYTES / dtype.width() as u64).max(1);
    let mut cuts = Vec::with_capacity(shape.len());
    for length in shape.iter().rev() {
        let piece = room.min(*length).max(1);
        cuts.push(Cuts::even(*length, piece));
        room = (room / piece).max(1);
    }
    cuts.reverse();
    debug_assert!(cells(shape).is_none() || cuts.len() == shape.len());
    Grid(cuts)
}
