//! Random values. Each depends on the seed and on its own flattened index in the array, and on nothing
//! else: how an array is cut into chunks, and which worker makes them, changes no value.

use serde::{Deserialize, Serialize};

use super::Block;
use super::cast::To;
use super::element::{Bool, Element, F32, F64, Value, by_kind};
use super::philox::{Bits, Philox};
use crate::array::Kind;

/// How random values are spread.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Distribution {
    /// Evenly from `low` up to `high`, which comes up only where rounding leads there.
    Uniform {
        /// The least.
        low: f64,
        /// Beyond the greatest.
        high: f64,
    },
    /// In a bell around the mean.
    Normal {
        /// The mean.
        mean: f64,
        /// The standard deviation.
        std: f64,
    },
    /// All integers from `low` to below `high` alike.
    Integers {
        /// The least.
        low: i64,
        /// One more than the greatest.
        high: i64,
    },
    /// As the time until something happens that may happen at any time.
    Exponential {
        /// The mean.
        scale: f64,
    },
    /// True so often.
    Bernoulli {
        /// How often, between 0 and 1.
        p: f64,
    },
}

/// So many blocks of bits are made before anything is made of them.
const BLOCKS: usize = 64;

impl Distribution {
    /// What the values are if nobody asks for something else.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Uniform { .. } | Self::Normal { .. } | Self::Exponential { .. } => Kind::F64,
            Self::Integers { .. } => Kind::I64,
            Self::Bernoulli { .. } => Kind::Bool,
        }
    }

    /// Whether there is such a distribution, of values of that kind.
    pub fn check(&self, kind: Kind) -> Result<(), String> {
        let fits = match self {
            Self::Uniform { .. } | Self::Normal { .. } | Self::Exponential { .. } => {
                kind.is_float()
            }
            Self::Integers { .. } => kind.is_integer(),
            Self::Bernoulli { .. } => kind == Kind::Bool,
        };
        if !fits {
            return Err(format!(
                "{self} values are not of kind {kind}: make {} and cast them",
                self.kind()
            ));
        }
        let sound = match *self {
            Self::Uniform { low, high } => low <= high && (high - low).is_finite(),
            Self::Normal { mean, std } => mean.is_finite() && std >= 0.0 && std.is_finite(),
            Self::Exponential { scale } => scale >= 0.0 && scale.is_finite(),
            Self::Bernoulli { p } => (0.0..=1.0).contains(&p),
            Self::Integers { low, high } => {
                let (least, most) = by_kind!(kind, integers, E => (
                    i128::from(<E as Element>::Value::LEAST),
                    i128::from(<E as Element>::Value::MOST),
                ));
                if i128::from(low) < least || i128::from(high) > most + 1 {
                    return Err(format!(
                        "{self} values do not fit in {kind}, which goes from {least} to {most}"
                    ));
                }
                low < high
            }
        };
        if sound { Ok(()) } else { Err(format!("there are no {self} values: {}", self.rule())) }
    }

    /// What its parameters must be.
    fn rule(&self) -> &'static str {
        match self {
            Self::Uniform { .. } => "low must not be above high, nor the two infinitely far apart",
            Self::Normal { .. } => "mean and std must be finite, and std not negative",
            Self::Integers { .. } => "low must be below high",
            Self::Exponential { .. } => "scale must be finite and not negative",
            Self::Bernoulli { .. } => "p must be between 0 and 1",
        }
    }

    /// Adds the values of the flattened indexes from `start` on, so many. The kind of the block is that of the
    /// values.
    ///
    /// Integers and truth values are the same on every machine; floats but for `Uniform` go through
    /// logarithms and sines, whose last digit may differ between C libraries.
    pub fn fill(
        &self,
        seed: u64,
        start: u64,
        out: &mut Block,
        length: usize,
    ) -> Result<(), String> {
        let kind = out.kind();
        self.check(kind)?;
        let at = At { philox: Philox::new(seed, 0), start, length };
        match *self {
            Self::Uniform { low, high } => {
                let width = high - low;
                if kind == Kind::F32 {
                    at.each::<F32>(out, |bits| (low + width * unit_of_24(bits)) as f32);
                } else {
                    at.each::<F64>(out, |bits| low + width * unit(bits));
                }
            }
            Self::Normal { mean, std } => {
                let values = |bits| normals(bits).map(|value| mean + std * value);
                by_kind!(kind, floats, E => at.blocks::<E, 4>(out, |_, bits| values(bits).map(To::to)));
            }
            Self::Exponential { scale } => {
                let value = |bits| -scale * (1.0 - unit(bits)).ln();
                by_kind!(kind, floats, E => at.each::<E>(out, |bits| value(bits).to()));
            }
            Self::Bernoulli { p } => at.each::<Bool>(out, |bits| u8::from(unit(bits) < p)),
            Self::Integers { low, high } => {
                let width = high.wrapping_sub(low) as u64;
                let shifted = |value: u64| low.wrapping_add(value as i64);
                by_kind!(kind, integers, E => if width <= LANES_OF_16 {
                    at.blocks::<E, 16>(out, |block, bits| {
                        below_of_16(width, bits, seed, block).map(|value| shifted(value).to())
                    });
                } else if width <= LANES_OF_32 {
                    at.blocks::<E, 8>(out, |block, bits| {
                        below_of_32(width, bits, seed, block).map(|value| shifted(value).to())
                    });
                } else {
                    at.blocks::<E, 4>(out, |block, bits| {
                        below_of_64(width, bits, seed, block).map(|value| shifted(value).to())
                    });
                });
            }
        }
        Ok(())
    }
}

impl std::fmt::Display for Distribution {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Uniform { low, high } => write!(f, "uniform({low}, {high})"),
            Self::Normal { mean, std } => write!(f, "normal({mean}, {std})"),
            Self::Integers { low, high } => write!(f, "integers({low}, {high})"),
            Self::Exponential { scale } => write!(f, "exponential({scale})"),
            Self::Bernoulli { p } => write!(f, "bernoulli({p})"),
        }
    }
}

/// A number from 0 to below 1, of 53 bits.
#[inline]
fn unit(bits: u64) -> f64 {
    // Signed, for which every processor has an instruction.
    (bits >> 11) as i64 as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// A number from 0 to below 1, of as many bits as `f32` has.
#[inline]
fn unit_of_24(bits: u64) -> f64 {
    (bits >> 40) as f64 * (1.0 / (1_u64 << 24) as f64)
}

/// Two normal values of two uniform ones (Box and Muller).
#[inline]
fn normal([a, b]: [u64; 2]) -> [f64; 2] {
    let radius = (-2.0 * (1.0 - unit(a)).ln()).sqrt();
    let (sine, cosine) = (std::f64::consts::TAU * unit(b)).sin_cos();
    [radius * cosine, radius * sine]
}

/// Four normal values of a block.
#[inline]
fn normals([a, b, c, d]: Bits) -> [f64; 4] {
    let ([e, f], [g, h]) = (normal([a, b]), normal([c, d]));
    [e, f, g, h]
}

/// Up to so many integers, 16 bits are enough for one: a block has 16 of them.
const LANES_OF_16: u64 = 1 << 8;
/// Up to so many, 32 bits.
const LANES_OF_32: u64 = 1 << 16;

/// Integers below `width`, all alike (Lemire), of so many bits each. The few bits that would favour some are
/// thrown away: the same block of the next stream has others.
macro_rules! below {
    ($name:ident, $lanes:ident: [$lane:ty; $count:literal], $product:ty) => {
        /// A block of bits as lanes, the low ones first.
        #[inline]
        fn $lanes(bits: Bits) -> [$lane; $count] {
            let mut lanes = [0; $count];
            for (lanes, bits) in lanes.as_chunks_mut::<{ $count / 4 }>().0.iter_mut().zip(bits) {
                let mut bits = u128::from(bits);
                for lane in lanes {
                    *lane = bits as $lane;
                    bits >>= <$lane>::BITS;
                }
            }
            lanes
        }

        #[inline]
        fn $name(width: u64, bits: Bits, seed: u64, block: u64) -> [u64; $count] {
            // By the choice of lanes.
            let width = width as $lane;
            let product = |lane: $lane| <$product>::from(lane) * <$product>::from(width);
            let mut products = $lanes(bits).map(product);
            if products.iter().fold(false, |some, product| some | ((*product as $lane) < width)) {
                let favoured = width.wrapping_neg() % width.max(1);
                for (at, own) in products.iter_mut().enumerate() {
                    let mut stream = 1;
                    while (*own as $lane) < favoured {
                        let others = $lanes(Philox::new(seed, stream).block(block));
                        *own = product(others.get(at).copied().unwrap_or_default());
                        stream += 1;
                    }
                }
            }
            products.map(|product| (product >> <$lane>::BITS) as u64)
        }
    };
}
below!(below_of_16, lanes_of_16: [u16; 16], u32);
below!(below_of_32, lanes_of_32: [u32; 8], u64);
below!(below_of_64, lanes_of_64: [u64; 4], u128);

/// Which values to make.
struct At {
    philox: Philox,
    start: u64,
    length: usize,
}

impl At {
    /// Makes values one by one.
    fn each<E: Element>(&self, out: &mut Block, value: impl Fn(u64) -> E::Value) {
        self.blocks::<E, 4>(out, |_, bits| bits.map(&value));
    }

    /// Makes values of blocks of bits, so many of each.
    fn blocks<E: Element, const VALUES: usize>(
        &self,
        out: &mut Block,
        make: impl Fn(u64, Bits) -> [E::Value; VALUES],
    ) {
        let Some(values) = E::of_mut(out) else { return };
        let end = values.len() + self.length;
        let mut block = self.start / VALUES as u64;
        let skipped = (self.start % VALUES as u64) as usize;
        if skipped > 0 {
            values.extend(make(block, self.philox.block(block)).into_iter().skip(skipped));
            block = block.wrapping_add(1);
            values.truncate(end);
        }
        let start = values.len();
        values.resize(start + (end - start).next_multiple_of(VALUES), Default::default());
        let (made, _) = values.get_mut(start..).unwrap_or_default().as_chunks_mut::<VALUES>();
        // Bits first, then what is made of them: together they would be kept in registers that multiply
        // nothing, which takes twice the time.
        let mut bits = [[0; 4]; BLOCKS];
        for made in made.chunks_mut(BLOCKS) {
            let numbers = (0..made.len() as u64).map(|index| block.wrapping_add(index));
            for (bits, number) in bits.iter_mut().zip(numbers.clone()) {
                *bits = self.philox.block(number);
            }
            for ((values, bits), number) in made.iter_mut().zip(bits).zip(numbers) {
                *values = make(number, bits);
            }
            block = block.wrapping_add(made.len() as u64);
        }
        values.truncate(end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NORMAL: Distribution = Distribution::Normal { mean: 3.0, std: 2.0 };

    fn filled(of: Distribution, kind: Kind, start: u64, length: usize) -> Block {
        let mut out = Block::empty(kind);
        of.fill(42, start, &mut out, length).unwrap();
        assert_eq!((out.kind(), out.len()), (kind, length));
        out
    }

    fn floats(of: Distribution, length: usize) -> Vec<f64> {
        match filled(of, Kind::F64, 0, length) {
            Block::F64(values) => values,
            out => panic!("{out:?}"),
        }
    }

    fn moments(values: &[f64]) -> (f64, f64) {
        let count = values.len() as f64;
        let mean = values.iter().sum::<f64>() / count;
        (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count)
    }

    /// How far counts are from being alike, which for k counts is about k.
    fn chi_square(counts: &[u32]) -> f64 {
        let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        counts.iter().map(|&count| (f64::from(count) - mean).powi(2) / mean).sum()
    }

    #[test]
    fn values_are_those_of_the_bits() {
        let mut out = Block::empty(Kind::F64);
        Distribution::Uniform { low: 0.0, high: 1.0 }.fill(0, 0, &mut out, 2).unwrap();
        let bits = Philox::new(0, 0).block(0);
        let expected: Vec<f64> = bits.into_iter().map(unit).take(2).collect();
        assert_eq!(out, Block::F64(expected));
    }

    #[test]
    fn how_an_array_is_cut_changes_no_value() {
        for (of, kind) in [
            (Distribution::Uniform { low: -1.0, high: 1.0 }, Kind::F32),
            (NORMAL, Kind::F64),
            (Distribution::Integers { low: -5, high: 1 << 62 }, Kind::I64),
            (Distribution::Integers { low: 0, high: 3 }, Kind::U8),
            (Distribution::Integers { low: -1000, high: 1000 }, Kind::I16),
            (Distribution::Exponential { scale: 2.0 }, Kind::F64),
            (Distribution::Bernoulli { p: 0.3 }, Kind::Bool),
        ] {
            let whole = filled(of, kind, 10, 1000);
            for (start, end) in [(0, 1), (1, 2), (1, 1), (7, 700), (300, 1000)] {
                let part = filled(of, kind, 10 + start as u64, end - start);
                assert_eq!(part.as_slice(), whole.as_slice().range(start, end), "{of}");
            }
        }
    }

    #[test]
    fn moments_are_those_asked_for() {
        let near = |values: &[f64], mean: f64, variance: f64| {
            let (found, spread) = moments(values);
            let error = 5.0 * (variance / values.len() as f64).sqrt();
            assert!((found - mean).abs() < error, "mean {found}, not {mean}");
            assert!((spread / variance - 1.0).abs() < 0.03, "variance {spread}, not {variance}");
        };
        near(&floats(Distribution::Uniform { low: -2.0, high: 4.0 }, 100_000), 1.0, 3.0);
        near(&floats(NORMAL, 100_000), 3.0, 4.0);
        near(&floats(Distribution::Exponential { scale: 0.5 }, 100_000), 0.5, 0.25);
        let Block::Bool(truths) =
            filled(Distribution::Bernoulli { p: 0.2 }, Kind::Bool, 0, 100_000)
        else {
            panic!()
        };
        near(&truths.into_iter().map(f64::from).collect::<Vec<_>>(), 0.2, 0.16);
        let pairs = floats(NORMAL, 100_000);
        let together: f64 =
            pairs.as_chunks::<2>().0.iter().map(|[a, b]| (a - 3.0) * (b - 3.0)).sum::<f64>()
                / 50_000.0;
        assert!(together.abs() < 0.1, "{together}");
    }

    #[test]
    fn all_integers_come_up_alike() {
        let dice = Distribution::Integers { low: -3, high: 97 };
        let Block::I8(values) = filled(dice, Kind::I8, 0, 100_000) else { panic!() };
        let mut counts = [0; 100];
        values.iter().for_each(|value| counts[usize::try_from(value + 3).unwrap()] += 1);
        assert!((60.0..150.0).contains(&chi_square(&counts)), "{}", chi_square(&counts));
        // Of bits that are few for so many.
        for (width, kind) in [(256_u32, Kind::U8), (250, Kind::U8), (60_000, Kind::U16)] {
            let even = Distribution::Integers { low: 0, high: i64::from(width) };
            let parts = 50;
            let mut counts = vec![0; parts];
            let count = |value: u32| counts[(value as usize * parts) / width as usize] += 1;
            match filled(even, kind, 3, 1_000_000) {
                Block::U8(values) => values.into_iter().map(u32::from).for_each(count),
                Block::U16(values) => values.into_iter().map(u32::from).for_each(count),
                other => panic!("{other:?}"),
            }
            // Parts of 256 have 5 values or 6.
            let wide = |part: usize| {
                let ends = [part, part + 1].map(|at| (at * width as usize).div_ceil(parts));
                (ends[1] - ends[0]) as f64 / f64::from(width) * 1e6
            };
            let apart = counts
                .iter()
                .enumerate()
                .map(|(part, count)| (f64::from(*count) - wide(part)).powi(2) / wide(part));
            assert!((20.0..95.0).contains(&apart.sum::<f64>()), "{width}: {counts:?}");
        }
        // A third of the draws of so many are thrown away.
        let many = Distribution::Integers { low: 0, high: 3 << 61 };
        let Block::I64(values) = filled(many, Kind::I64, 0, 60_000) else { panic!() };
        let mut counts = [0; 6];
        values.iter().for_each(|value| counts[usize::try_from(value >> 60).unwrap()] += 1);
        assert!(chi_square(&counts) < 25.0, "{counts:?}");
        let all = Distribution::Integers { low: i64::MIN, high: i64::MAX };
        let Block::I64(values) = filled(all, Kind::I64, 0, 1000) else { panic!() };
        assert!((400..600).contains(&values.iter().filter(|value| **value < 0).count()));
    }

    #[test]
    fn bells_are_bells() {
        let within = |width: f64| {
            let values = floats(Distribution::Normal { mean: 0.0, std: 1.0 }, 100_000);
            values.iter().filter(|value| value.abs() < width).count() as f64 / 1e5
        };
        for (width, share) in [(0.5, 0.382_92), (1.0, 0.682_69), (2.0, 0.954_50), (3.0, 0.997_30)] {
            assert!((within(width) - share).abs() < 0.006, "{width}");
        }
    }

    #[test]
    fn what_cannot_be_is_refused() {
        for (of, kind, says) in [
            (Distribution::Integers { low: 5, high: 5 }, Kind::I64, "below"),
            (Distribution::Integers { low: 0, high: 300 }, Kind::I8, "fit"),
            (Distribution::Integers { low: 0, high: 3 }, Kind::F64, "i64"),
            (Distribution::Uniform { low: 1.0, high: 0.0 }, Kind::F64, "above"),
            (Distribution::Normal { mean: 0.0, std: -1.0 }, Kind::F32, "negative"),
            (Distribution::Bernoulli { p: 1.5 }, Kind::Bool, "between"),
            (NORMAL, Kind::I8, "cast"),
        ] {
            let error = of.check(kind).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
        assert!(Distribution::Integers { low: -128, high: 128 }.check(Kind::I8).is_ok());
    }
}
