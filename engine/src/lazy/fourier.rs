//! Fourier transforms. Complex numbers are two values along a last dimension that is called `complex`: the real part,
//! and the imaginary one.

use super::{Array, Index, Result, Scalar, Step};
use crate::array::{ArrayError, Cuts, Form, Kind};
use crate::kernels::{Binary, Fourier};

/// What the dimension of both parts is called.
pub(crate) const COMPLEX: &str = "complex";

impl Array {
    /// Whether its values are complex numbers.
    pub fn is_complex(&self) -> bool {
        self.dims().last().is_some_and(|dim| dim.as_deref() == Some(COMPLEX))
            && self.grid().0.last().is_some_and(|cuts| cuts.length() == 2)
    }

    /// How many dimensions there are, but for that of both parts of complex numbers.
    pub fn ndim_of_numbers(&self) -> usize {
        self.ndim() - usize::from(self.is_complex())
    }

    /// The discrete Fourier transform along a dimension: as numpy.fft.fft.
    pub fn fft(&self, axis: usize) -> Result<Self> {
        self.transform(Fourier::Forward { real: !self.is_complex() }, axis)
    }

    /// The way back: as numpy.fft.ifft.
    pub fn ifft(&self, axis: usize) -> Result<Self> {
        self.transform(Fourier::Backward { real: !self.is_complex() }, axis)
    }

    /// The half of the transform that tells all, of real values: as numpy.fft.rfft.
    pub fn rfft(&self, axis: usize) -> Result<Self> {
        self.transform(Fourier::Half, axis)
    }

    /// So many real values of half a transform: as numpy.fft.irfft. If nothing is said, an even number.
    pub fn irfft(&self, axis: usize, length: Option<u64>) -> Result<Self> {
        let of = self.as_complex()?;
        let own = of.grid().0.get(axis).map_or(0, Cuts::length);
        let length = length.unwrap_or_else(|| own.saturating_sub(1).saturating_mul(2));
        of.transform(Fourier::Whole { length }, axis)
    }

    /// Transforms along several dimensions, one after the other.
    pub fn fftn(&self, axes: &[usize]) -> Result<Self> {
        axes.iter().rev().try_fold(self.as_complex()?, |made, axis| made.fft(*axis))
    }

    /// The way back.
    pub fn ifftn(&self, axes: &[usize]) -> Result<Self> {
        axes.iter().rev().try_fold(self.as_complex()?, |made, axis| made.ifft(*axis))
    }

    /// Transforms of real values along several dimensions, half of them along the last.
    pub fn rfftn(&self, axes: &[usize]) -> Result<Self> {
        let Some((last, others)) = axes.split_last() else { return Err(no_axes()) };
        others.iter().rev().try_fold(self.rfft(*last)?, |made, axis| made.fft(*axis))
    }

    /// The way back, to so many values along the last dimension.
    pub fn irfftn(&self, axes: &[usize], length: Option<u64>) -> Result<Self> {
        let Some((last, others)) = axes.split_last() else { return Err(no_axes()) };
        let made = others.iter().try_fold(self.as_complex()?, |made, axis| made.ifft(*axis))?;
        made.irfft(*last, length)
    }

    /// With the frequency 0 in the middle of these dimensions; or back from there.
    pub fn fftshift(&self, axes: &[usize], back: bool) -> Result<Self> {
        axes.iter().try_fold(self.clone(), |made, axis| {
            made.has_axis(*axis)?;
            let length = made.grid().0.get(*axis).map_or(0, Cuts::length);
            let half = (length / 2) as i64;
            made.roll(if back { -half } else { half }, *axis)
        })
    }

    /// The frequencies of a transform of so many values that are `apart` from one another: as numpy.fft.fftfreq, or
    /// as numpy.fft.rfftfreq where `half` of them is told.
    pub fn frequencies(length: u64, apart: f64, half: bool) -> Result<Self> {
        let count = i64::try_from(length).ok().filter(|count| *count > 0).ok_or_else(|| {
            ArrayError::asked(format!("frequencies of a transform of {length} values"))
        })?;
        let numbers = |from: i64, to: i64| {
            Self::arange(Scalar::Signed(from), Scalar::Signed(to), Scalar::Signed(1))
        };
        let numbers = match half {
            true => numbers(0, count / 2 + 1)?,
            false => {
                let (low, high) = (numbers(0, (count - 1) / 2 + 1)?, numbers(-(count / 2), 0)?);
                Self::concatenate(&[low, high], 0)?
            }
        };
        let first = Scalar::Float(1.0 / (count as f64 * apart));
        numbers.cast(Kind::F64.into())?.binary_with(Binary::Mul, first, false)
    }

    /// The real parts of complex numbers.
    pub fn real(&self) -> Result<Self> {
        self.part_of_complex(0, "real")
    }

    /// The imaginary parts of complex numbers.
    pub fn imag(&self) -> Result<Self> {
        self.part_of_complex(1, "imag")
    }

    /// How large complex numbers are.
    pub fn magnitude(&self) -> Result<Self> {
        self.real()?.binary(Binary::Hypot, &self.imag()?)
    }

    /// Where complex numbers point to, in radians.
    pub fn angle(&self) -> Result<Self> {
        self.imag()?.binary(Binary::Atan2, &self.real()?)
    }

    fn part_of_complex(&self, part: i64, what: &str) -> Result<Self> {
        match self.is_complex() {
            true => self.index(&[Index::Rest, Index::At(part)]),
            false => Err(ArrayError::asked(format!(
                "{what} is a part of complex numbers, and these are real: an array of complex numbers has a \
                 last dimension '{COMPLEX}' of length 2"
            ))),
        }
    }

    fn transform(&self, fourier: Fourier, axis: usize) -> Result<Self> {
        let name = fourier.name();
        let ndim = self.ndim_of_numbers();
        if axis >= ndim {
            return Err(ArrayError::asked(format!(
                "axis {axis} is out of range for {name} of {ndim} dimensions"
            )));
        }
        if self.is_complex() && !fourier.takes_complex() {
            return Err(ArrayError::asked(format!(
                "{name} is of real values, and these are complex: write fft"
            )));
        }
        let of = self.fractions(name)?.in_lanes(axis, 1)?;
        let own = of.grid().0.get(axis).map_or(0, Cuts::length);
        let length = fourier.length(own);
        if own == 0 || length == 0 {
            return Err(ArrayError::asked(format!(
                "{name} of {own} values to {length} along axis {axis}: there is one at least"
            )));
        }
        let Form { dtype, mut grid, mut dims } = of.form().clone();
        if let Some(cuts) = grid.0.get_mut(axis) {
            *cuts = Cuts::even(length, length);
        }
        if fourier.takes_complex() {
            grid.0.truncate(ndim);
            dims.truncate(ndim);
        }
        if fourier.gives_complex() {
            grid.0.push(Cuts::even(2, 2));
            dims.push(Some(COMPLEX.to_string()));
        }
        Self::step(Step::Fourier { fourier, axis }, vec![of], Form { dtype, grid, dims })
    }
}

fn no_axes() -> ArrayError {
    ArrayError::asked("a transform along no dimension")
}
