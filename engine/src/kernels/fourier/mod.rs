//! Fourier transforms, as NumPy's: forwards without a factor, backwards divided by the length. A complex number
//! is two values side by side: its real and its imaginary part. rustfft takes any length.

mod correlate;
mod fast;
mod rows;
mod volume;

use std::sync::Arc;

use realfft::num_complex::Complex;
use realfft::{ComplexToReal, FftNum, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};
use serde::{Deserialize, Serialize};

pub(crate) use correlate::{Moved, correlate, correlate_beside};
pub(super) use fast::{fast, fast_row};
pub(super) use volume::Volume;

use super::element::{Element, F32, F64, Value};
use super::{Block, Shape, Slice};
use crate::array::Kind;

/// Which transform of lanes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Fourier {
    /// Forwards; `real` says that the values are no complex ones.
    Forward { real: bool },
    /// Backwards.
    Backward { real: bool },
    /// Forwards, of real values: the half that tells the other.
    Half,
    /// Backwards from half: so many real values.
    Whole { length: u64 },
}

impl Fourier {
    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Forward { .. } => "fft",
            Self::Backward { .. } => "ifft",
            Self::Half => "rfft",
            Self::Whole { .. } => "irfft",
        }
    }

    /// Whether it is of complex values.
    pub(crate) fn takes_complex(self) -> bool {
        matches!(
            self,
            Self::Forward { real: false } | Self::Backward { real: false } | Self::Whole { .. }
        )
    }

    /// Whether complex values come of it.
    pub(crate) fn gives_complex(self) -> bool {
        !matches!(self, Self::Whole { .. })
    }

    /// How long what comes of a lane of this length is.
    pub(crate) fn length(self, length: u64) -> u64 {
        match self {
            Self::Forward { .. } | Self::Backward { .. } => length,
            Self::Half => length / 2 + 1,
            Self::Whole { length } => length,
        }
    }
}

/// Numbers that are transformed.
pub(super) trait Wave: FftNum + Value {
    type Element: Element<Value = Self>;

    fn of(number: f64) -> Self;
}

impl Wave for f32 {
    type Element = F32;

    fn of(number: f64) -> Self {
        number as Self
    }
}

impl Wave for f64 {
    type Element = F64;

    fn of(number: f64) -> Self {
        number
    }
}

/// The transform of the lanes of a box. Its shape counts complex numbers as one.
pub(crate) fn transform(
    fourier: Fourier,
    values: Slice<'_>,
    shape: Shape,
) -> Result<Block, String> {
    match values {
        Slice::F32(values) => of_lanes(fourier, values, shape).map(Block::F32),
        Slice::F64(values) => of_lanes(fourier, values, shape).map(Block::F64),
        other => Err(format!("{} are not transformed: cast them to f64", other.kind())),
    }
}

/// The bytes that it takes beside the lanes and what comes of them.
pub(crate) fn transform_beside(length: u64, kind: Kind) -> u64 {
    // Lanes that are collected, and what the transform works with.
    length.saturating_mul(kind.width() as u64 * 2 * (TOGETHER as u64 + 8))
}

/// So many lanes that do not lie side by side are collected at once.
const TOGETHER: usize = 8;

fn of_lanes<T: Wave>(fourier: Fourier, values: &[T], shape: Shape) -> Result<Vec<T>, String> {
    let Shape { outer, length, inner } = shape;
    let made = fourier.length(length as u64) as usize;
    let wide = |complex: bool| if complex { 2 } else { 1 };
    let (from, to) = (wide(fourier.takes_complex()), wide(fourier.gives_complex()));
    let mut all = vec![T::zero(); outer * made * inner * to];
    let mut lane = Lane::new(fourier, length, made)?;
    let together = inner.clamp(1, TOGETHER);
    let mut lanes = vec![T::zero(); length * from * together];
    let mut results = vec![T::zero(); made * to * together];
    for box_of in 0..outer {
        let own = values.get(box_of * length * inner * from..).unwrap_or_default();
        let into = all.get_mut(box_of * made * inner * to..).unwrap_or_default();
        for first in (0..inner).step_by(together) {
            let count = together.min(inner - first);
            for (at, row) in own.chunks_exact(inner * from).take(length).enumerate() {
                let row = row.chunks_exact(from).skip(first).take(count);
                for (number, lane) in row.zip(lanes.chunks_exact_mut(length * from)) {
                    copy(number, lane, at * from);
                }
            }
            let both = lanes.chunks_exact(length * from).zip(results.chunks_exact_mut(made * to));
            for (values, result) in both.take(count) {
                lane.run(values, result)?;
            }
            for (at, row) in into.chunks_exact_mut(inner * to).take(made).enumerate() {
                let row = row.chunks_exact_mut(to).skip(first).take(count);
                for (number, result) in row.zip(results.chunks_exact(made * to)) {
                    let from = result.get(at * to..(at + 1) * to).unwrap_or_default();
                    copy(from, number, 0);
                }
            }
        }
    }
    Ok(all)
}

fn copy<T: Copy>(from: &[T], to: &mut [T], at: usize) {
    for (to, from) in to.iter_mut().skip(at).zip(from) {
        *to = *from;
    }
}

/// What transforms a lane.
enum How<T> {
    Complex(Arc<dyn Fft<T>>),
    Half(Arc<dyn RealToComplex<T>>),
    Whole(Arc<dyn ComplexToReal<T>>),
}

/// A lane on its way.
struct Lane<T> {
    how: How<T>,
    takes_complex: bool,
    /// What each result is multiplied by.
    factor: T,
    real: Vec<T>,
    complex: Vec<Complex<T>>,
    scratch: Vec<Complex<T>>,
}

impl<T: Wave> Lane<T> {
    fn new(fourier: Fourier, length: usize, made: usize) -> Result<Self, String> {
        if length == 0 || made == 0 {
            return Err("a transform of no values".to_string());
        }
        let (how, real, complex) = match fourier {
            Fourier::Forward { .. } => {
                (How::Complex(FftPlanner::new().plan_fft_forward(length)), 0, length)
            }
            Fourier::Backward { .. } => {
                (How::Complex(FftPlanner::new().plan_fft_inverse(length)), 0, length)
            }
            Fourier::Half => {
                let plan = RealFftPlanner::new().plan_fft_forward(length);
                (How::Half(plan), length, length / 2 + 1)
            }
            Fourier::Whole { .. } => {
                let plan = RealFftPlanner::new().plan_fft_inverse(made);
                (How::Whole(plan), made, made / 2 + 1)
            }
        };
        let scratch = match &how {
            How::Complex(plan) => plan.get_inplace_scratch_len(),
            How::Half(plan) => plan.get_scratch_len(),
            How::Whole(plan) => plan.get_scratch_len(),
        };
        let none = Complex::new(T::zero(), T::zero());
        let backwards = matches!(fourier, Fourier::Backward { .. } | Fourier::Whole { .. });
        Ok(Self {
            how,
            takes_complex: fourier.takes_complex(),
            factor: if backwards { T::of(1.0 / made as f64) } else { T::one() },
            real: vec![T::zero(); real],
            complex: vec![none; complex],
            scratch: vec![none; scratch],
        })
    }

    fn run(&mut self, values: &[T], result: &mut [T]) -> Result<(), String> {
        let failed = |error: realfft::FftError| error.to_string();
        let Self { how, real, complex, scratch, factor, .. } = self;
        if let How::Half(plan) = how {
            copy(values, real, 0);
            plan.process_with_scratch(real, complex, scratch).map_err(failed)?;
        } else if self.takes_complex {
            // What is missing of half a transform is zero.
            complex.fill(Complex::new(T::zero(), T::zero()));
            for (to, pair) in complex.iter_mut().zip(values.chunks_exact(2)) {
                if let [re, im] = pair {
                    *to = Complex::new(*re, *im);
                }
            }
        } else {
            for (to, value) in complex.iter_mut().zip(values) {
                *to = Complex::new(*value, T::zero());
            }
        }
        match how {
            How::Complex(plan) => plan.process_with_scratch(complex, scratch),
            How::Half(_) => {}
            How::Whole(plan) => {
                // Real values have no imaginary part there.
                let even = real.len().is_multiple_of(2);
                if let Some(first) = complex.first_mut() {
                    first.im = T::zero();
                }
                if let Some(last) = complex.last_mut().filter(|_| even) {
                    last.im = T::zero();
                }
                plan.process_with_scratch(complex, real, scratch).map_err(failed)?;
                for (to, value) in result.iter_mut().zip(real) {
                    *to = *value * *factor;
                }
                return Ok(());
            }
        }
        for (pair, value) in result.chunks_exact_mut(2).zip(complex) {
            if let [re, im] = pair {
                (*re, *im) = (value.re * *factor, value.im * *factor);
            }
        }
        Ok(())
    }
}
