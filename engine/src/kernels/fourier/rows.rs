//! Transforms of rows of real values, forth and back. A row of an even length is taken for half as many complex
//! numbers, whose transform is parted into that of the row: the first with the last, the second with the last but one.
//! The latter lie the other way round, so they are turned first, and all pairs go through the vectors that there are.
//! That takes half the time that it takes pair by pair.

use std::sync::Arc;

use pulp::{Arch, Simd, WithSimd};
use realfft::num_complex::Complex;
use realfft::{ComplexToReal, RealFftPlanner, RealToComplex};
use rustfft::{Fft, FftPlanner};

use super::Wave;

type Result<T, E = String> = std::result::Result<T, E>;

/// Transforms of rows of one length.
pub(super) enum Rows<T> {
    Even(Even<T>),
    Odd { forth: Arc<dyn RealToComplex<T>>, back: Arc<dyn ComplexToReal<T>> },
}

/// Those of an even length.
pub(super) struct Even<T> {
    forth: Arc<dyn Fft<T>>,
    back: Arc<dyn Fft<T>>,
    /// exp(2πik/n) of the first of each pair.
    turns: Vec<Complex<T>>,
    numbers: Vec<Complex<T>>,
    turned: Vec<Complex<T>>,
}

impl<T: Wave> Rows<T> {
    pub(super) fn new(length: usize) -> Self {
        let half = length / 2;
        if !length.is_multiple_of(2) || half == 0 {
            let mut reals = RealFftPlanner::new();
            let (forth, back) = (reals.plan_fft_forward(length), reals.plan_fft_inverse(length));
            return Self::Odd { forth, back };
        }
        let mut planner = FftPlanner::new();
        let none = Complex::new(T::zero(), T::zero());
        let pairs = (half - 1) / 2;
        let turn = |k: usize| {
            let angle = std::f64::consts::TAU * k as f64 / length as f64;
            Complex::new(T::of(angle.cos()), T::of(angle.sin()))
        };
        Self::Even(Even {
            forth: planner.plan_fft_forward(half),
            back: planner.plan_fft_inverse(half),
            turns: (1..=pairs).map(turn).collect(),
            numbers: vec![none; half],
            turned: vec![none; pairs],
        })
    }

    /// How much room the transforms take.
    pub(super) fn scratch(&self) -> usize {
        match self {
            Self::Even(Even { forth, back, .. }) => {
                forth.get_outofplace_scratch_len().max(back.get_outofplace_scratch_len())
            }
            Self::Odd { forth, back } => forth.get_scratch_len().max(back.get_scratch_len()),
        }
    }

    /// The half of the transform that tells the rest.
    pub(super) fn forth(
        &mut self,
        values: &mut [T],
        half: &mut [Complex<T>],
        scratch: &mut [Complex<T>],
    ) -> Result<()> {
        match self {
            Self::Even(even) => {
                even.forth(values, half, scratch);
                Ok(())
            }
            Self::Odd { forth, .. } => {
                forth.process_with_scratch(values, half, scratch).map_err(|error| error.to_string())
            }
        }
    }

    /// The way back, as many times as large as a row is long. What is told of the half is written over.
    pub(super) fn back(
        &mut self,
        half: &mut [Complex<T>],
        values: &mut [T],
        scratch: &mut [Complex<T>],
    ) -> Result<()> {
        match self {
            Self::Even(even) => {
                even.back(half, values, scratch);
                Ok(())
            }
            Self::Odd { back, .. } => {
                if let Some(first) = half.first_mut() {
                    first.im = T::zero();
                }
                back.process_with_scratch(half, values, scratch).map_err(|error| error.to_string())
            }
        }
    }
}

impl<T: Wave> Even<T> {
    fn forth(&mut self, values: &[T], half: &mut [Complex<T>], scratch: &mut [Complex<T>]) {
        let (of_two, _) = values.as_chunks::<2>();
        for (number, [even, odd]) in self.numbers.iter_mut().zip(of_two) {
            *number = Complex::new(*even, *odd);
        }
        let Some((last, all)) = half.split_last_mut() else { return };
        self.forth.process_outofplace_with_scratch(&mut self.numbers, all, scratch);
        let Some((first, all)) = all.split_first_mut() else { return };
        let sum = *first;
        *first = Complex::new(sum.re + sum.im, T::zero());
        *last = Complex::new(sum.re - sum.im, T::zero());
        let part = T::of(0.5);
        self.pairs(
            all,
            #[inline(always)]
            |middle| middle.conj(),
            #[inline(always)]
            |a, b, turn| {
                let (sum, apart) = ((a + b.conj()).scale(part), (a - b.conj()).scale(part));
                let real = turn.re * apart.im - turn.im * apart.re;
                let imag = turn.re * apart.re + turn.im * apart.im;
                (
                    Complex::new(sum.re + real, sum.im - imag),
                    Complex::new(sum.re - real, -sum.im - imag),
                )
            },
        );
    }

    fn back(&mut self, half: &mut [Complex<T>], values: &mut [T], scratch: &mut [Complex<T>]) {
        let Some((last, numbers)) = half.split_last_mut() else { return };
        let Some((first, all)) = numbers.split_first_mut() else { return };
        *first = Complex::new(first.re + last.re, first.re - last.re);
        let two = T::of(2.0);
        self.pairs(
            all,
            #[inline(always)]
            |middle| middle.conj().scale(two),
            #[inline(always)]
            |a, b, turn| {
                let (sum, apart) = (a + b.conj(), a - b.conj());
                let real = turn.im * apart.re + turn.re * apart.im;
                let imag = turn.re * apart.re - turn.im * apart.im;
                (
                    Complex::new(sum.re - real, sum.im + imag),
                    Complex::new(sum.re + real, imag - sum.im),
                )
            },
        );
        self.back.process_outofplace_with_scratch(numbers, &mut self.numbers, scratch);
        let (of_two, _) = values.as_chunks_mut::<2>();
        for (to, number) in of_two.iter_mut().zip(&self.numbers) {
            *to = [number.re, number.im];
        }
    }

    /// Changes the first with the last, and so on, and what is left in the middle.
    fn pairs<P>(
        &mut self,
        all: &mut [Complex<T>],
        alone: impl Fn(Complex<T>) -> Complex<T>,
        pair: P,
    ) where
        P: Fn(Complex<T>, Complex<T>, Complex<T>) -> (Complex<T>, Complex<T>),
    {
        let Self { turns, turned, .. } = self;
        let (low, rest) = all.split_at_mut(turns.len());
        let (middle, high) = rest.split_at_mut(rest.len() - turns.len());
        middle.iter_mut().for_each(|middle| *middle = alone(*middle));
        Arch::new().dispatch(Pairs { low, high, turned, turns, pair });
    }
}

/// Changes the first of `low` with the last of `high`, and so on. A closure is not always compiled for the vectors
/// that there are; this is.
struct Pairs<'a, T, P> {
    low: &'a mut [Complex<T>],
    high: &'a mut [Complex<T>],
    /// Room for `high`, the other way round.
    turned: &'a mut [Complex<T>],
    turns: &'a [Complex<T>],
    pair: P,
}

impl<T, P> WithSimd for Pairs<'_, T, P>
where
    T: Wave,
    P: Fn(Complex<T>, Complex<T>, Complex<T>) -> (Complex<T>, Complex<T>),
{
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _: S) {
        let Self { low, high, turned, turns, pair } = self;
        for (to, from) in turned.iter_mut().zip(high.iter().rev()) {
            *to = *from;
        }
        for ((a, b), turn) in low.iter_mut().zip(turned.iter_mut()).zip(turns) {
            (*a, *b) = pair(*a, *b, *turn);
        }
        for (from, to) in turned.iter().zip(high.iter_mut().rev()) {
            *to = *from;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_any_length_go_forth_and_back() {
        for length in (1..40).chain([100, 256, 511, 512, 1000]) {
            let mut rows = Rows::<f64>::new(length);
            let values: Vec<f64> = (0..length).map(|at| (at * 7919 % 101) as f64 - 50.0).collect();
            let mut half = vec![Complex::new(f64::NAN, f64::NAN); length / 2 + 1];
            let mut scratch = vec![Complex::new(0.0, 0.0); rows.scratch()];
            rows.forth(&mut values.clone(), &mut half, &mut scratch).unwrap();
            for (k, got) in half.iter().enumerate() {
                let angle = -std::f64::consts::TAU * k as f64 / length as f64;
                let want: Complex<f64> = values
                    .iter()
                    .enumerate()
                    .map(|(at, value)| Complex::from_polar(*value, angle * at as f64))
                    .sum();
                assert!((got - want).norm() < 1e-7, "{length}: {k}: {got} and not {want}");
            }
            let mut again = vec![f64::NAN; length];
            rows.back(&mut half, &mut again, &mut scratch).unwrap();
            for (again, value) in again.iter().zip(&values) {
                assert!((again / length as f64 - value).abs() < 1e-9, "{length}");
            }
        }
    }
}
