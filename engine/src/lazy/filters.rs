//! Filters, as those of scipy.ndimage: each value becomes something of those around it.

use super::{Array, Boundary, Result};
use crate::array::{ArrayError, Cuts, DType, Kind, Tensor};
use crate::kernels::{Block, Floats, Moving, Near};

/// Nobody takes more values for one along a dimension.
const WIDEST: u64 = 1 << 20;
/// Weights of so many dimensions, three along each, are as many as there are at most.
const MOST_DIMENSIONS: usize = 10;

impl Array {
    /// The sum of the values around each, times weights that are turned around: as scipy.ndimage.convolve.
    pub fn convolve(&self, weights: &Self, boundary: Boundary) -> Result<Self> {
        let of = self.fractions("convolve")?;
        let weights = around(weights, &of, "weights")?;
        let depth = |length: &u64| ((length - 1) / 2, length / 2);
        let depths: Vec<_> = weights.shape().iter().map(depth).collect();
        of.near(Near::Convolve, &depths, boundary, Some(weights))
    }

    /// The mean of so many values around each, along each dimension: as scipy.ndimage.uniform_filter.
    pub fn uniform_filter(&self, sizes: &[u64], boundary: Boundary) -> Result<Self> {
        let mut made = self.fractions("uniform_filter")?;
        self.are_of(sizes.len(), "sizes")?;
        for (axis, size) in sizes.iter().enumerate() {
            let weight = 1.0 / sized(*size)? as f64;
            if *size > 1 {
                let weights = vec![weight; *size as usize];
                made = made.weighed(axis, &weights, size / 2, boundary)?;
            }
        }
        Ok(made)
    }

    /// The values around each, weighted by a bell curve up to four of its widths away: as
    /// scipy.ndimage.gaussian_filter.
    pub fn gaussian_filter(&self, sigmas: &[f64], boundary: Boundary) -> Result<Self> {
        let mut made = self.fractions("gaussian_filter")?;
        self.are_of(sigmas.len(), "sigmas")?;
        for (axis, sigma) in sigmas.iter().enumerate() {
            let radius = (4.0 * sigma + 0.5).floor();
            if !(0.0..=WIDEST as f64 / 2.0).contains(&radius) || *sigma < 0.0 {
                return Err(ArrayError::asked(format!("a bell curve of the width {sigma}")));
            }
            if *sigma > 1e-15 && radius >= 1.0 {
                let radius = radius as i64;
                let bell = |at: i64| (-0.5 / (sigma * sigma) * (at * at) as f64).exp();
                let bell: Vec<f64> = (-radius..=radius).map(bell).collect();
                let all: f64 = bell.iter().sum();
                let weights: Vec<f64> = bell.iter().map(|weight| weight / all).collect();
                made = made.weighed(axis, &weights, radius as u64, boundary)?;
            }
        }
        Ok(made)
    }

    /// The value in the middle of so many around each: as scipy.ndimage.median_filter.
    pub fn median_filter(&self, sizes: &[u64], boundary: Boundary) -> Result<Self> {
        self.refuse_complex("median_filter")?;
        let of = match self.dtype() {
            DType::Plain(Kind::Bool) => self.fractions("median")?,
            _ => self.clone(),
        };
        self.are_of(sizes.len(), "sizes")?;
        let all = sizes.iter().try_fold(1_u64, |all, size| all.checked_mul(sized(*size).ok()?));
        if all.is_none_or(|all| all > WIDEST) {
            return Err(ArrayError::asked(format!(
                "a median of {sizes:?} values around each: there are from 1 to {WIDEST} of them"
            )));
        }
        let depths: Vec<_> = sizes.iter().map(|size| (size / 2, size - 1 - size / 2)).collect();
        of.near(Near::Median, &depths, boundary, None)
    }

    /// How fast values change along a dimension, smoothed along the others: as scipy.ndimage.sobel.
    pub fn sobel(&self, axis: usize, boundary: Boundary) -> Result<Self> {
        self.has_axis(axis)?;
        self.refuse_complex("sobel")?;
        let mut made = self.fractions("sobel")?.weighed(axis, &[-1.0, 0.0, 1.0], 1, boundary)?;
        for other in (0..self.ndim()).filter(|other| *other != axis) {
            made = made.weighed(other, &[1.0, 2.0, 1.0], 1, boundary)?;
        }
        Ok(made)
    }

    /// How much each value differs from its neighbours along all dimensions: as scipy.ndimage.laplace.
    pub fn laplace(&self, boundary: Boundary) -> Result<Self> {
        self.refuse_complex("laplace")?;
        let ndim = self.ndim();
        if !(1..=MOST_DIMENSIONS).contains(&ndim) {
            return Err(ArrayError::asked(format!(
                "laplace of an array of {ndim} dimensions: there are from 1 to {MOST_DIMENSIONS}"
            )));
        }
        let middle = 3_usize.pow(ndim as u32) / 2;
        let mut weights = vec![0.0; middle * 2 + 1];
        let steps = (0..ndim as u32).map(|power| 3_usize.pow(power));
        let beside: Vec<usize> = steps.flat_map(|step| [middle - step, middle + step]).collect();
        for (at, weight) in weights.iter_mut().enumerate() {
            if at == middle {
                *weight = -2.0 * ndim as f64;
            } else if beside.contains(&at) {
                *weight = 1.0;
            }
        }
        let shape = vec![3; ndim];
        let of = self.fractions("laplace")?;
        let weights = Tensor::from_block(Kind::F64.into(), shape, Block::F64(weights))?;
        of.convolve(&Self::of(weights)?, boundary)
    }

    /// How fast values change along a dimension whose places are so far apart: as numpy.gradient.
    pub fn gradient(&self, axis: usize, spacing: f64) -> Result<Self> {
        self.has_axis(axis)?;
        let length = self.grid().0.get(axis).map_or(0, Cuts::length);
        if length < 2 {
            return Err(ArrayError::asked(format!(
                "a gradient along axis {axis} of length {length}: it takes two values"
            )));
        }
        if spacing == 0.0 || spacing.is_nan() {
            return Err(ArrayError::asked(format!("places that are {spacing} apart")));
        }
        let spacing = Floats::from(&[spacing][..]);
        let mut depths = vec![(0, 0); self.ndim()];
        if let Some(depth) = depths.get_mut(axis) {
            *depth = (1, 1);
        }
        let of = self.fractions("gradient")?;
        of.near(Near::Gradient { axis, spacing }, &depths, Boundary::None, None)
    }

    /// What comes of a window of so many values along a dimension, which ends at each value, or has it in its middle;
    /// not a number, where it has fewer than `least`.
    pub fn moving(
        &self,
        of: Moving,
        axis: usize,
        window: u64,
        least: Option<u64>,
        centred: bool,
    ) -> Result<Self> {
        self.has_axis(axis)?;
        if window == 0 || least == Some(0) {
            return Err(ArrayError::asked("a window has a value at least"));
        }
        let least = least.unwrap_or(window);
        let length = self.grid().0.get(axis).map_or(0, Cuts::length);
        let (before, after) = match centred {
            true => (window / 2, window - 1 - window / 2),
            false => (window - 1, 0),
        };
        let mut depths = vec![(0, 0); self.ndim()];
        if let Some(depth) = depths.get_mut(axis) {
            // There is nothing further away.
            *depth = (before.min(length), after.min(length));
        }
        let nothing = Boundary::Constant(super::Scalar::Float(f64::NAN));
        let is_sum = matches!(of, Moving::Sum | Moving::Mean);
        let values = self.for_sums(of.name(), is_sum, true, &[axis])?.fractions("a window")?;
        values.near(Near::Moving { of, axis, least }, &depths, nothing, None)
    }

    /// Weighted sums along a dimension, of which `before` values come before each.
    fn weighed(
        &self,
        axis: usize,
        weights: &[f64],
        before: u64,
        boundary: Boundary,
    ) -> Result<Self> {
        let mut depths = vec![(0, 0); self.ndim()];
        if let Some(depth) = depths.get_mut(axis) {
            *depth = (before, (weights.len() as u64).saturating_sub(1 + before));
        }
        self.near(Near::Weigh { axis, weights: weights.into() }, &depths, boundary, None)
    }

    /// Fails unless there are as many as dimensions.
    fn are_of(&self, count: usize, what: &str) -> Result<()> {
        match count == self.ndim() {
            true => Ok(()),
            false => {
                Err(ArrayError::asked(format!("{count} {what} for {} dimensions", self.ndim())))
            }
        }
    }
}

fn sized(size: u64) -> Result<u64> {
    match size {
        1..=WIDEST => Ok(size),
        other => Err(ArrayError::asked(format!(
            "{other} values around each: there are from 1 to {WIDEST} along a dimension"
        ))),
    }
}

/// Something that is laid around each value: whole, and of the values' type.
pub(super) fn around(what: &Array, of: &Array, name: &str) -> Result<Array> {
    if what.ndim() != of.ndim() || what.ndim() == 0 {
        return Err(ArrayError::asked(format!(
            "{name} of shape {:?} for an array of shape {:?}: they have as many dimensions, one at least",
            what.shape(),
            of.shape()
        )));
    }
    if what.shape().contains(&0) {
        return Err(ArrayError::asked(format!("{name} of shape {:?} are none", what.shape())));
    }
    what.fractions(name)?.cast(of.dtype())?.shared()
}
