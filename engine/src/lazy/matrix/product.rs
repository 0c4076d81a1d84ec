//! Products of matrices, and sums of products over any dimensions.

use super::{Array, Result, Step};
use crate::array::{ArrayError, Cuts, DType, Form, Grid, Kind, cells};
use crate::kernels::Reduce;
use crate::lazy::{Index, Op};

/// Bytes of a chunk that comes of smaller ones.
const LARGEST: u64 = 64 << 20;

impl Array {
    /// The product of two matrices, as NumPy's `@`: of the last two dimensions, for each place of the others. One
    /// dimension alone is a row on the left and a column on the right.
    ///
    /// ```
    /// # use strata_engine::{Array, Scalar, Kind};
    /// # fn main() -> Result<(), strata_engine::ArrayError> {
    /// let x = Array::eye(1000, 1000, 0, Kind::F64.into())?;
    /// assert_eq!(x.matmul(&x.transposed()?)?.shape(), vec![1000, 1000]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn matmul(&self, other: &Self) -> Result<Self> {
        [self, other].iter().try_for_each(|of| of.refuse_complex("matmul"))?;
        let unfit = || {
            ArrayError::asked(format!(
                "matrices of shapes {:?} and {:?} have no product: the last length of the left one is that of \
                 the rows of the right one",
                self.shape(),
                other.shape()
            ))
        };
        if self.ndim() == 0 || other.ndim() == 0 {
            return Err(ArrayError::asked("a single number has no matrix product: write x * 2"));
        }
        let (row, column) = (self.ndim() == 1, other.ndim() == 1);
        let left = if row { self.index(&[Index::New, Index::ALL])? } else { self.clone() };
        let right = if column { other.index(&[Index::ALL, Index::New])? } else { other.clone() };
        let (a, b) = (left.shape(), right.shape());
        if a.last() != b.get(b.len() - 2) {
            return Err(unfit());
        }
        let (before_a, before_b) = (a.len() - 2, b.len() - 2);
        let mut shared = Vec::new();
        for from_end in (1..=before_a.max(before_b)).rev() {
            let length = |shape: &[u64], before: usize| {
                before.checked_sub(from_end).and_then(|at| shape.get(at).copied()).unwrap_or(1)
            };
            let (one, two) = (length(&a, before_a), length(&b, before_b));
            match (one, two) {
                (1, length) | (length, 1) => shared.push(length),
                (one, two) if one == two => shared.push(one),
                _ => return Err(unfit()),
            }
        }
        let wide = |array: &Self, shape: &[u64], before: usize| {
            let rest = shape.get(before..).unwrap_or_default();
            array.broadcast_to(&[&shared, rest].concat())
        };
        let (left, right) = (wide(&left, &a, before_a)?, wide(&right, &b, before_b)?);
        let product = left.contract(&right, shared.len(), 1)?;
        let mut shown = vec![Index::ALL; shared.len()];
        shown.push(if row { Index::At(0) } else { Index::ALL });
        shown.push(if column { Index::At(0) } else { Index::ALL });
        product.index(&shown)
    }

    /// NumPy's `dot`: the sum over the last dimension of the left, and the last but one of the right.
    pub fn dot(&self, other: &Self) -> Result<Self> {
        use crate::kernels::Binary;
        [self, other].iter().try_for_each(|of| of.refuse_complex("dot"))?;
        match (self.ndim(), other.ndim()) {
            (0, _) | (_, 0) => self.binary(Binary::Mul, other),
            (_, 1 | 2) => self.matmul(other),
            (left, right) => self.tensordot(other, &[left - 1], &[right - 2]),
        }
    }

    /// The sum of products over dimensions of both, pair by pair. The other dimensions of the left come first.
    pub fn tensordot(&self, other: &Self, left: &[usize], right: &[usize]) -> Result<Self> {
        [self, other].iter().try_for_each(|of| of.refuse_complex("tensordot"))?;
        let length = |of: &Self, axis: usize| of.shape().get(axis).copied();
        let fits = left.len() == right.len()
            && left
                .iter()
                .zip(right)
                .all(|(a, b)| length(self, *a).is_some() && length(self, *a) == length(other, *b));
        if !fits {
            return Err(ArrayError::asked(format!(
                "dimensions {left:?} of shape {:?} and {right:?} of shape {:?} are not as long as each other",
                self.shape(),
                other.shape()
            )));
        }
        let rest = |of: &Self, axes: &[usize]| -> Vec<usize> {
            (0..of.ndim()).filter(|axis| !axes.contains(axis)).collect()
        };
        let first = self.transpose(&[&rest(self, left), left].concat())?;
        let second = other.transpose(&[right, &rest(other, right)].concat())?;
        first.contract(&second, 0, left.len())
    }

    /// The sum of products over the last dimensions of the left and those of the right that follow the first
    /// `batch`, which both share.
    pub(super) fn contract(&self, other: &Self, batch: usize, over: usize) -> Result<Self> {
        let (DType::Plain(a), DType::Plain(b)) = (self.dtype(), other.dtype()) else {
            return Err(ArrayError::asked("times have no products: cast them to i64 first"));
        };
        let rows = self.ndim() - over;
        let before = self.grid().0.iter().take(rows);
        let columns = other.grid().0.iter().skip(batch + over);
        let mut grid = Grid(before.chain(columns).cloned().collect());
        fit(&mut grid, a.with(b), &[self, other]);
        self.contract_into(other, batch, over, grid)
    }

    /// The same, cut like this.
    pub(super) fn contract_into(
        &self,
        other: &Self,
        batch: usize,
        over: usize,
        grid: Grid,
    ) -> Result<Self> {
        let kind = self.kind().with(other.kind());
        let right = other.cast(kind.into())?;
        // Floats are made of the left side as it is multiplied: what is read and kept of it is smaller.
        let left = if kind.is_float() { self.clone() } else { self.cast(kind.into())? };
        let free = left.ndim() - batch - over;
        // What is summed over is cut as the larger side is.
        let along = match cells(&left.shape()) >= cells(&right.shape()) {
            true => left.grid().0.iter().skip(batch + free).cloned().collect(),
            false => right.grid().0.iter().skip(batch).take(over).cloned().collect(),
        };
        let along = Grid(along);
        let chunks = |from: usize, to: usize| -> u64 {
            grid.0.get(from..to).unwrap_or_default().iter().map(Cuts::pieces).product()
        };
        // Each side is made for each chunk of the other.
        let again = [chunks(batch + free, grid.0.len()), chunks(batch, batch + free)];
        let (left, right) = (left.made_once(again[0])?, right.made_once(again[1])?);
        let empty = along.shape().contains(&0);
        let pieces = along.chunks().unwrap_or(u64::MAX);
        let mut dims: Vec<Option<String>> =
            left.dims().iter().take(batch + free).cloned().collect();
        for name in right.dims().iter().skip(batch + over) {
            dims.push(name.clone().filter(|name| !dims.contains(&Some(name.clone()))));
        }
        if empty {
            return Self::filled_with(crate::lazy::Scalar::Unsigned(0), kind.into(), grid)?
                .named(dims);
        }
        let step = Step::Contract { batch, over: along };
        Self::sum_of_pieces(step, vec![left, right], pieces, kind, (grid, dims))
    }

    /// What comes of so many pieces, added up: a new first dimension of what a step makes has them.
    pub(super) fn sum_of_pieces(
        step: Step,
        of: Vec<Self>,
        pieces: u64,
        kind: Kind,
        (mut grid, dims): (Grid, Vec<Option<String>>),
    ) -> Result<Self> {
        grid.0.insert(0, Cuts::even(pieces, 1));
        let all = std::iter::once(None).chain(dims.iter().cloned()).collect();
        let made = Self::step(step, of, Form { dtype: kind.into(), grid, dims: all })?;
        let sum = match pieces {
            1 => made.index(&[Index::At(0)])?,
            _ if kind == Kind::Bool => made.reduce(Reduce::Any, false, &[0])?,
            _ => made.reduce(Reduce::Sum, false, &[0])?.cast(kind.into())?,
        };
        sum.named(dims)
    }

    /// The same, computed once where making it for each of so many would take longer than keeping it.
    pub(super) fn made_once(&self, times: u64) -> Result<Self> {
        if times > 1 && self.is_dear() { self.shared() } else { Ok(self.clone()) }
    }

    /// Whether it takes more than reading and a few functions of values to make.
    fn is_dear(&self) -> bool {
        // What barriers come to is there.
        let there = |step: &Self| step.op().is_barrier();
        self.has_step(there, |step| match step.op() {
            Op::Kernel(_) | Op::Around(..) => true,
            Op::Step(step) => matches!(
                step,
                Step::Random { .. }
                    | Step::Contract { .. }
                    | Step::Correlate { .. }
                    | Step::Triangles(_)
                    | Step::Bases(_)
                    | Step::Dense(_)
                    | Step::Fourier { .. }
                    | Step::Overlap { .. }
                    | Step::Lanes { .. }
                    | Step::Scan { .. }
            ),
            Op::Read(_) | Op::Given(_) => false,
        })
    }
}

/// Cuts chunks smaller that come to more than what they are made of, and more than is handled well.
pub(super) fn fit(grid: &mut Grid, kind: Kind, of: &[&Array]) {
    let width = kind.width() as u64;
    let own = of.iter().filter_map(|array| array.grid().largest()).max().unwrap_or(1);
    let most = own.max(LARGEST / width);
    while grid.largest().is_some_and(|cells| cells > most) {
        let Some(longest) = grid.0.iter_mut().max_by_key(|cuts| cuts.longest()) else { return };
        let half = longest.longest().div_ceil(2);
        if half == longest.longest() {
            return;
        }
        *longest = Cuts::even(longest.length(), half);
    }
}
