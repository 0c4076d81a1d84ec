//! Random values. Each depends on the seed and on its own flattened index in the array, and on nothing
//! else: how an array is cut into chunks, and which worker makes them, changes no value.

use serde::{Deserialize, Serialize};

use super::Block;
use super::cast::To;
use super::element::{Bool, Element, F32, F64, Value, by_kind};
use super::philox::Philox;
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

/// How many blocks of random bits are made side by side.
const SIDE_BY_SIDE: usize = 8;

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

    /// Writes the values of the flattened indexes from `start` on, so many, anew, in memory that is there
    /// already. The kind of the block is that of the values.
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
                let pair = |_, bits| normal(bits).map(|value| mean + std * value);
                by_kind!(kind, floats, E => at.pairs::<E>(out, |at, bits| pair(at, bits).map(To::to)));
            }
            Self::Exponential { scale } => {
                let value = |bits| -scale * (-unit(bits)).ln_1p();
                by_kind!(kind, floats, E => at.each::<E>(out, |bits| value(bits).to()));
            }
            Self::Bernoulli { p } => at.each::<Bool>(out, |bits| u8::from(unit(bits) < p)),
            Self::Integers { low, high } => {
                let width = high.wrapping_sub(low) as u64;
                let shifted = |value: u64| low.wrapping_add(value as i64);
                by_kind!(kind, integers, E => at.pairs::<E>(out, |block, [a, b]| {
                    [
                        shifted(below(width, a, seed, block, |[a, _]| a)).to(),
                        shifted(below(width, b, seed, block, |[_, b]| b)).to(),
                    ]
                }));
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
    (bits >> 11) as f64 * (1.0 / (1_u64 << 53) as f64)
}

/// A number from 0 to below 1, of as many bits as `f32` has.
#[inline]
fn unit_of_24(bits: u64) -> f64 {
    (bits >> 40) as f64 * (1.0 / (1_u64 << 24) as f64)
}

/// Two normal values of two uniform ones (Box and Muller).
#[inline]
fn normal([a, b]: [u64; 2]) -> [f64; 2] {
    let radius = (-2.0 * (-unit(a)).ln_1p()).sqrt();
    let (sine, cosine) = (std::f64::consts::TAU * unit(b)).sin_cos();
    [radius * cosine, radius * sine]
}

/// An integer below `width`, all alike (Lemire). The few bits that would favour some are thrown away: the
/// same block of the next stream has others.
#[inline]
fn below(width: u64, bits: u64, seed: u64, block: u64, half: impl Fn([u64; 2]) -> u64) -> u64 {
    let mut product = u128::from(bits) * u128::from(width);
    if (product as u64) < width {
        let favoured = width.wrapping_neg() % width;
        let mut stream = 1;
        while (product as u64) < favoured {
            let [bits] = Philox::new(seed, stream).blocks(block);
            product = u128::from(half(bits)) * u128::from(width);
            stream += 1;
        }
    }
    (product >> 64) as u64
}

/// Which values to make.
struct At {
    philox: Philox,
    start: u64,
    length: usize,
}

impl At {
    /// Makes values one by one.
    fn each<E: Element>(&self, out: &mut Block, value: impl Fn(u64) -> E::Value) {
        self.pairs::<E>(out, |_, [a, b]| [value(a), value(b)]);
    }

    /// Makes values two by two: those of the even index and the odd one behind it, of one block.
    fn pairs<E: Element>(&self, out: &mut Block, pair: impl Fn(u64, [u64; 2]) -> [E::Value; 2]) {
        let mut values = E::room(out);
        let mut block = self.start / 2;
        if self.start % 2 == 1 && self.length > 0 {
            let [bits] = self.philox.blocks(block);
            let [_, odd] = pair(block, bits);
            values.push(odd);
            block += 1;
        }
        values.reserve((self.length - values.len()).next_multiple_of(2 * SIDE_BY_SIDE));
        while values.len() < self.length {
            let blocks = (block..).zip(self.philox.blocks::<SIDE_BY_SIDE>(block));
            for (block, bits) in blocks {
                values.extend(pair(block, bits));
            }
            block = block.wrapping_add(SIDE_BY_SIDE as u64);
        }
        values.truncate(self.length);
        *out = E::block(values);
    }
}
